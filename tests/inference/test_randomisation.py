"""Randomisation tests: brute force, validity, intervals by inversion."""

from itertools import combinations, product

import numpy as np
import pytest
from scipy import stats

from skcausal.inference import randomisation_test


def brute_force(y, treatment, statistic, blocks=None, two_sided=True):
    """Enumerate assignments with a statistic written out again."""
    blocks = np.zeros(len(y)) if blocks is None else np.asarray(blocks)
    choices = []
    for block in np.unique(blocks):
        rows = np.flatnonzero(blocks == block)
        choices.append(list(combinations(rows, int(treatment[rows].sum()))))
    values = []
    for chosen in product(*choices):
        assigned = np.zeros(len(y), dtype=int)
        assigned[np.concatenate(chosen).astype(int)] = 1
        values.append(statistic(y, assigned))
    values, observed = np.array(values), statistic(y, treatment)
    if two_sided:
        values, observed = np.abs(values), abs(observed)
    return (values >= observed - 1e-9).mean(), len(values)


def gap(y, t):
    return y[t == 1].mean() - y[t == 0].mean()


def welch(y, t):
    return stats.ttest_ind(y[t == 1], y[t == 0], equal_var=False).statistic


@pytest.fixture
def small(rng):
    treatment = np.array([1, 0, 0, 1, 0, 1, 1, 0, 0])
    return rng.normal(size=9) * (1 + treatment) + treatment, treatment


# ------------------------------------------------------------------------ brute force
@pytest.mark.parametrize(
    ("name", "statistic"), [("difference", gap), ("studentised", welch)]
)
@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
def test_exact_p_values_equal_brute_force(name, statistic, alternative, small):
    y, treatment = small
    sign = -1 if alternative == "less" else 1
    expected, count = brute_force(
        sign * y, treatment, statistic, two_sided=alternative == "two-sided"
    )
    result = randomisation_test(y, treatment, statistic=name, alternative=alternative)
    assert result.exact
    assert len(result.moments) == count == 126
    assert result.p_value == pytest.approx(expected)
    assert result.statistic == pytest.approx(statistic(y, treatment))
    assert result.value == pytest.approx(gap(y, treatment))


@pytest.mark.parametrize("shift", [-0.7, 0.4, 2.0])
def test_null_effects_are_subtracted(shift, small):
    y, treatment = small
    expected, _ = brute_force(y - shift * treatment, treatment, welch)
    result = randomisation_test(y, treatment, null=shift)
    assert result.p_value == pytest.approx(expected)
    assert result.statistic == pytest.approx(welch(y - shift * treatment, treatment))


def test_the_difference_is_scipys_permutation_test(small):
    y, treatment = small
    expected = stats.permutation_test(
        (y[treatment == 1], y[treatment == 0]),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        vectorized=True,
        n_resamples=np.inf,
    )
    result = randomisation_test(y, treatment, statistic="difference")
    # scipy doubles the smaller tail; the null distribution itself is the same.
    np.testing.assert_allclose(
        np.sort(result.moments[:, 0]), np.sort(expected.null_distribution)
    )


def blocked(y, t, blocks):
    """Average the gaps of blocks by their size; squares of errors add up."""
    value = variance = 0.0
    for block in np.unique(blocks):
        rows = blocks == block
        share = rows.mean()
        one, zero = y[rows & (t == 1)], y[rows & (t == 0)]
        value += share * (one.mean() - zero.mean())
        variance += share**2 * (stats.sem(one) ** 2 + stats.sem(zero) ** 2)
    return value, value / np.sqrt(variance)


@pytest.mark.parametrize("position", [0, 1])
def test_blocks_are_permuted_within(position, rng):
    blocks = np.array(["b", "a", "a", "b", "a", "b", "a", "b", "b", "c", "c", "c", "c"])
    treatment = np.array([1, 0, 1, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0])
    y = rng.normal(size=13) + treatment

    def statistic(y, t):
        return blocked(y, t, blocks)[position]

    expected, count = brute_force(y, treatment, statistic, blocks)
    result = randomisation_test(
        y,
        treatment,
        blocks=blocks,
        statistic=("difference", "studentised")[position],
    )
    assert result.p_value == pytest.approx(expected)
    assert len(result.moments) == count == 6 * 10 * 6
    assert result.value == pytest.approx(blocked(y, treatment, blocks)[0])


def test_pairs_give_the_paired_t_statistic(rng):
    treatment = np.tile([0, 1], 6)
    pairs = np.repeat(np.arange(6), 2)
    y = rng.normal(size=6)[pairs] * 3 + rng.normal(size=12) + treatment
    result = randomisation_test(y, treatment, blocks=pairs)
    paired = stats.ttest_rel(y[1::2], y[::2])
    assert result.statistic == pytest.approx(paired.statistic)
    signs = np.array(list(product([-1, 1], repeat=6)))
    gaps = y[1::2] - y[::2]
    extreme = np.abs(signs @ gaps) >= abs(gaps.sum()) - 1e-9
    assert result.p_value == pytest.approx(extreme.mean())
    assert result.exact


def test_clusters_are_assigned_whole(rng):
    groups = np.repeat(np.arange(8), [3, 5, 2, 4, 4, 3, 6, 2])
    arm = np.array([1, 0, 1, 0, 0, 1, 0, 1])
    y = rng.normal(size=8)[groups] + rng.normal(size=29) + arm[groups]
    shuffle = rng.permutation(29)
    result = randomisation_test(
        y[shuffle], arm[groups][shuffle], groups=groups[shuffle], statistic="difference"
    )

    def statistic(y, t):
        return gap(y, t)

    values = []
    for chosen in combinations(range(8), 4):
        t = np.isin(groups, chosen).astype(int)
        values.append(abs(statistic(y, t)))
    expected = np.mean(np.array(values) >= abs(gap(y, arm[groups])) - 1e-9)
    assert result.p_value == pytest.approx(expected)
    assert len(result.moments) == 70


def test_clustered_statistic_is_the_gap_over_the_clustered_error(rng):
    groups = np.repeat(np.arange(12), rng.integers(2, 6, size=12))
    treatment = (np.arange(12) % 2)[groups]
    y = rng.normal(size=12)[groups] + rng.normal(size=len(groups))
    variance = 0.0
    for arm in (0, 1):
        rows = treatment == arm
        residual = y[rows] - y[rows].mean()
        sums = np.bincount(groups[rows], weights=residual)[np.unique(groups[rows])]
        variance += (sums**2).sum() / rows.sum() ** 2 * 6 / 5
    result = randomisation_test(y, treatment, groups=groups, n_permutations=99)
    assert result.statistic == pytest.approx(gap(y, treatment) / np.sqrt(variance))


# ------------------------------------------------------------------ random assignments
@pytest.mark.parametrize("statistic", ["difference", "studentised"])
def test_random_assignments_approach_all_of_them(statistic, small):
    y, treatment = small
    exact = randomisation_test(y, treatment, statistic=statistic)
    y, treatment = np.tile(y, 3) + np.arange(27) * 1e-3, np.tile(treatment, 3)
    one = randomisation_test(
        y, treatment, statistic=statistic, n_permutations=20000, random_state=0
    )
    two = randomisation_test(
        y, treatment, statistic=statistic, n_permutations=20000, random_state=1
    )
    assert exact.exact
    assert not one.exact
    assert one.p_value == pytest.approx(two.p_value, abs=0.015)
    again = randomisation_test(
        y, treatment, statistic=statistic, n_permutations=20000, random_state=0
    )
    assert again.p_value == one.p_value


def test_random_assignments_respect_blocks(rng, monkeypatch):
    from skcausal.inference import _assignment

    monkeypatch.setattr(_assignment, "_BLOCK", 500)
    blocks = rng.integers(5, size=60)
    treatment = np.zeros(60, dtype=int)
    for block in range(5):
        rows = np.flatnonzero(blocks == block)
        treatment[rows[: len(rows) // 2 + block % 2]] = 1
    unit = np.arange(60)
    codes = np.unique(blocks, return_inverse=True)[1]
    design = _assignment.Design.of(rng.normal(size=60), treatment == 1, codes, unit)
    drawn = np.concatenate(list(design.random_assignments(200, rng)))
    assert drawn.shape == (200, 60)
    counts = drawn @ np.eye(5)[design.block]
    np.testing.assert_array_equal(counts, np.tile(design.counts[1], (200, 1)))
    share = drawn.mean(axis=0)
    expected = (design.counts[1] / design.counts[0])[design.block]
    assert np.abs(share - expected).max() < 4.5 * np.sqrt(0.25 / 200)


def test_p_values_are_never_zero(rng):
    treatment = np.arange(200) % 2
    y = rng.normal(size=200) + 100 * treatment
    result = randomisation_test(y, treatment, n_permutations=99, random_state=0)
    assert result.p_value == 1 / 100


@pytest.mark.parametrize("statistic", ["difference", "studentised"])
def test_level_holds_without_an_effect(statistic, rng):
    """Skewed outcomes, six against twelve rows: exact tests reject at most 5 %."""
    rejected = []
    for seed in range(400):
        y = rng.lognormal(sigma=1.5, size=18)
        treatment = rng.permutation(np.repeat([0, 1], [12, 6]))
        result = randomisation_test(
            y, treatment, statistic=statistic, n_permutations=199, random_state=seed
        )
        rejected.append(result.p_value <= 0.05)
    assert np.mean(rejected) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)
    assert np.mean(rejected) > 0.05 - 3 * np.sqrt(0.05 * 0.95 / 400)


def test_studentised_holds_for_a_mean_effect_of_zero(rng):
    """Unequal arms and noise: the plain difference rejects far too often."""
    rejected = np.zeros((300, 2))
    for seed, row in enumerate(rejected):
        treatment = np.repeat([0, 1], [90, 30])
        y = rng.normal(size=120) * np.where(treatment == 1, 4.0, 1.0)
        for column, statistic in enumerate(("difference", "studentised")):
            result = randomisation_test(
                y, treatment, statistic=statistic, n_permutations=199, random_state=seed
            )
            row[column] = result.p_value <= 0.05
    plain, studentised = rejected.mean(axis=0)
    assert plain > 0.12
    assert studentised < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 300)


# -------------------------------------------------------------------------- intervals
@pytest.mark.parametrize("statistic", ["difference", "studentised"])
def test_interval_holds_what_is_not_rejected(statistic, small):
    y, treatment = small
    result = randomisation_test(y, treatment, statistic=statistic)
    lower, upper = result.interval(level=0.9)
    assert lower < result.value < upper
    for edge, inward in ((lower, 1), (upper, -1)):
        for step, kept in ((1e-6, True), (-1e-6, False)):
            p = randomisation_test(
                y, treatment, statistic=statistic, null=edge + inward * step
            ).p_value
            assert (p > 0.1) == kept


def test_interval_covers_a_constant_effect(rng):
    hits = []
    for seed in range(200):
        treatment = rng.permutation(np.repeat([0, 1], [14, 7]))
        y = rng.exponential(size=21) + 2 * treatment
        result = randomisation_test(y, treatment, n_permutations=499, random_state=seed)
        lower, upper = result.interval(0.9)
        hits.append(lower <= 2 <= upper)
    assert abs(np.mean(hits) - 0.9) < 3 * np.sqrt(0.09 / 200)


def test_large_samples_agree_with_welch(rng):
    treatment = np.arange(2000) % 3 // 2
    y = rng.normal(size=2000) * (1 + treatment) + 0.1 * treatment
    result = randomisation_test(y, treatment, random_state=0)
    expected = stats.ttest_ind(y[treatment == 1], y[treatment == 0], equal_var=False)
    assert result.p_value == pytest.approx(expected.pvalue, abs=0.01)
    interval = expected.confidence_interval()
    np.testing.assert_allclose(
        result.interval(), (interval.low, interval.high), atol=0.01
    )


def test_one_sided_and_unattainable_intervals(small):
    y, treatment = small
    greater = randomisation_test(y, treatment, alternative="greater").interval()
    less = randomisation_test(y, treatment, alternative="less").interval()
    assert np.isfinite(greater[0])
    assert greater[1] == np.inf
    assert less[0] == -np.inf
    few = randomisation_test([1.0, 2.0, 4.0, 3.0], [0, 0, 1, 1], statistic="difference")
    assert few.interval() == (-np.inf, np.inf)
    assert np.isfinite(few.interval(level=0.5)).all()
    low, high = randomisation_test(y, treatment, alternative="greater").interval(
        level=0.3
    )
    assert greater[0] < low < high


def test_labels_and_repr(small):
    y, treatment = small
    labels = np.array(["none", "mail"])[treatment]
    result = randomisation_test(y, labels, control_arm="none")
    assert result.p_value == randomisation_test(y, treatment).p_value
    assert repr(result).startswith("RandomisationResult(")
    assert "126 all assignments" in repr(result)


def test_outcomes_without_spread():
    """Every statistic is a tie: nothing is rejected."""
    assert randomisation_test(np.ones(8), np.arange(8) % 2).p_value == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"statistic": "median"}, "statistic must be 'studentised' or 'difference'"),
        ({"alternative": "both"}, "alternative must be 'two-sided', 'greater' or"),
        ({"n_permutations": 0}, "n_permutations must be at least 1"),
        (
            {"treatment": [0, 1, 2, 0, 1, 2]},
            r"must have two arms, got 3 \(\[0, 1, 2\]\)",
        ),
        ({"treatment": list("aabbab")}, "control_arm has a default for 0/1"),
        ({"control_arm": 7}, "control_arm=7 is not among the arms"),
        ({"groups": [0, 0, 0, 1, 1, 1]}, "some have rows in several arms"),
        (
            {"blocks": [0, 0, 1, 1, 1, 1], "groups": [0, 1, 2, 1, 2, 3]},
            "several blocks",
        ),
        ({"blocks": [0, 1, 0, 1, 0, 1]}, "2 of 2 lack one"),
        ({"treatment": [0, 0, 0, 0, 0, 1]}, "needs two units"),
        ({"y": [1.0, np.nan, 1, 1, 1, 1]}, "NaN"),
    ],
)
def test_bad_input(options, message):
    arguments = {"y": np.arange(6.0), "treatment": [0, 1, 0, 1, 0, 1]} | options
    with pytest.raises(ValueError, match=message):
        randomisation_test(**arguments)


def test_bad_level(small):
    with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
        randomisation_test(*small).interval(95)
