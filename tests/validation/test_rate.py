"""TOC and RATE: closed forms, a naive reference, and the size of the test."""

import numpy as np
import pytest
from scipy import stats

from skcausal.validation import qini_score, rate_score, toc_curve

EFFECTS = [1.0, 4.0, 2.0, 3.0]
SCORES = [-4.0, 8.0, 0.0, 4.0]


def rate(effects, n_bootstrap=4, random_state=0, **kwargs):
    return rate_score(
        effects, n_bootstrap=n_bootstrap, random_state=random_state, **kwargs
    )


def test_toc_by_hand():
    fractions, toc = toc_curve(EFFECTS, scores=SCORES)
    assert fractions.tolist() == [0.25, 0.5, 0.75, 1]
    assert toc.tolist() == [6, 4, 2, 0]


def test_rate_by_hand():
    assert rate(EFFECTS, scores=SCORES).value == 3.0
    assert rate(EFFECTS, scores=SCORES, weighting="qini").value == 1.25


def test_weighted_rate_by_hand():
    # Weights in order 2, 2, 1, 1; means from the top 8, 6, 24/5, 20/6 = ATE.
    value = (2 * 8 + 2 * 6 + 24 / 5 + 10 / 3) / 6 - 10 / 3
    found = rate(EFFECTS, scores=SCORES, sample_weight=[1, 2, 1, 2]).value
    assert found == pytest.approx(value)


def test_rate_with_ties_by_hand():
    # Averages within ties: 4, 1, 1, 1, 1; TOC from the mean 1.6.
    found = rate([2, 1, 1, 1, 1], scores=[4.0, 5.0, 0.0, 0.0, -1.0]).value
    assert found == pytest.approx((4 + 5 / 2 + 6 / 3 + 7 / 4 + 8 / 5) / 5 - 1.6)


def naive_autoc(effects, scores, weights):
    """Definition of the paper, row by row: O(n^2)."""
    effects, scores, weights = map(np.asarray, (effects, scores, weights))
    flat_scores = np.empty(len(effects))
    flat_weights = np.empty(len(effects))
    for i, effect in enumerate(effects):
        tied = effects == effect
        flat_scores[i] = np.average(scores[tied], weights=weights[tied])
        flat_weights[i] = weights[tied].mean()
    order = sorted(range(len(effects)), key=lambda i: -effects[i])
    mean = np.average(scores, weights=weights)
    total = 0.0
    for last in range(1, len(order) + 1):
        top = order[:last]
        toc = np.average(flat_scores[top], weights=flat_weights[top]) - mean
        total += flat_weights[order[last - 1]] * toc
    return total / weights.sum()


def naive_qini(effects, scores):
    """Fraction-weighted sum of TOC of equally weighted rows without ties."""
    order = np.argsort(-np.asarray(effects))
    n = len(order)
    toc = [scores[order[:i]].mean() - scores.mean() for i in range(1, n + 1)]
    return sum(i / n * value for i, value in enumerate(toc, start=1)) / n


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_autoc_equals_naive_reference(ties, weighted):
    rng = np.random.default_rng(0)
    effects, scores = rng.normal(size=(2, 120))
    effects = effects.round(1) if ties else effects
    weights = rng.uniform(size=120) if weighted else np.ones(120)
    found = rate(effects, scores=scores, sample_weight=weights).value
    assert found == pytest.approx(naive_autoc(effects, scores, weights), abs=1e-12)


def test_qini_equals_naive_reference():
    effects, scores = np.random.default_rng(1).normal(size=(2, 120))
    found = rate(effects, scores=scores, weighting="qini").value
    assert found == pytest.approx(naive_qini(effects, scores), abs=1e-12)


@pytest.mark.parametrize("weighted", [False, True])
def test_qini_weighting_equals_qini_score(weighted):
    rng = np.random.default_rng(2)
    effects, scores = rng.normal(size=(2, 120))
    arguments = {"scores": scores}
    if weighted:
        arguments["sample_weight"] = rng.uniform(size=120)
    found = rate(effects.round(1), weighting="qini", **arguments).value
    assert found == qini_score(effects.round(1), **arguments)


def test_perfect_order_has_its_analytic_value():
    """Effects uniform on [0, 1]: TOC(q) = (1 - q) / 2, AUTOC 1/4, Qini 1/12."""
    effects = (np.arange(4000) + 0.5) / 4000
    fractions, toc = toc_curve(effects, scores=effects)
    assert toc == pytest.approx((1 - fractions) / 2, abs=1e-9)
    assert rate(effects, scores=effects).value == pytest.approx(1 / 4, abs=2e-4)
    qini = rate(effects, scores=effects, weighting="qini").value
    assert qini == pytest.approx(1 / 12, abs=1e-6)


def test_noisy_scores_keep_the_analytic_value():
    rng = np.random.default_rng(3)
    effects = rng.uniform(size=20_000)
    found = rate_score(
        effects, scores=effects + rng.normal(size=20_000), random_state=0
    )
    assert abs(found.value - 0.25) < 4 * found.standard_error
    assert found.p_value < 1e-10


@pytest.mark.parametrize("weighting", ["autoc", "qini"])
def test_nothing_to_rank_is_exactly_zero(weighting):
    scores = np.random.default_rng(4).normal(size=101)
    tied = rate(np.full(101, 0.3), scores=scores, weighting=weighting)
    equal = rate(np.arange(101), scores=np.full(101, 0.1), weighting=weighting)
    for found in (tied, equal):
        assert found.value == 0.0
        assert found.standard_error == 0.0
        assert found.p_value == 1.0


def test_shifting_scores_changes_nothing():
    effects, scores = np.random.default_rng(5).normal(size=(2, 150))
    first, second = (rate(effects, scores=scores + shift) for shift in (0, 10))
    assert first.value == pytest.approx(second.value, abs=1e-12)
    assert first.standard_error == pytest.approx(second.standard_error, abs=1e-12)


def test_standard_error_matches_spread_over_samples():
    rng = np.random.default_rng(6)
    values, errors = [], []
    for _ in range(200):
        effects = rng.uniform(size=400)
        found = rate(
            effects,
            scores=effects + rng.normal(size=400),
            n_bootstrap=50,
            random_state=rng,
        )
        values.append(found.value)
        errors.append(found.standard_error)
    # The standard deviation of 200 draws is known to about 5 %.
    assert np.mean(errors) == pytest.approx(np.std(values, ddof=1), rel=0.2)


def test_clusters_widen_the_standard_error():
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(100), 10)
    scores, effects = rng.normal(size=(2, 100))[:, groups]
    effects = effects + 1e-6 * rng.normal(size=1000)
    alone = rate(effects, scores=scores, n_bootstrap=200)
    clustered = rate(effects, scores=scores, n_bootstrap=200, groups=groups)
    assert clustered.value == alone.value
    assert clustered.standard_error > 2 * alone.standard_error


def test_seed_reproduces():
    effects, scores = np.random.default_rng(8).normal(size=(2, 100))
    first, second = (rate(effects, scores=scores, random_state=5) for _ in range(2))
    assert (first.replicates == second.replicates).all()


def test_unknown_weighting():
    with pytest.raises(ValueError, match="must be 'autoc' or 'qini', got 'gini'"):
        rate(EFFECTS, scores=SCORES, weighting="gini")


def test_too_few_rows_for_a_standard_error():
    with pytest.raises(ValueError, match="at least 4 rows"):
        rate([1, 2, 3], scores=[1, 2, 3])


def test_one_group_only():
    with pytest.raises(ValueError, match="one group only"):
        rate(EFFECTS, scores=SCORES, groups=[1, 1, 1, 1])


def rejections(draws, n, weighting, seed, randomised):
    """Count rejections at 5 % when effects are constant and the ranking is noise."""
    rng = np.random.default_rng(seed)
    count = 0
    for _ in range(draws):
        effects = rng.normal(size=n)
        noise = rng.normal(size=n)
        if randomised:
            t = rng.permutation(np.arange(n) % 2)
            data = {"y": effects + 0.5 * t + noise, "treatment": t}
        else:
            data = {"scores": 0.5 + noise * (1 + np.abs(effects))}
        found = rate_score(
            effects, **data, weighting=weighting, n_bootstrap=100, random_state=rng
        )
        count += found.p_value < 0.05
    return count


@pytest.mark.parametrize("weighting", ["autoc", "qini"])
def test_without_heterogeneity_few_rejections(weighting):
    count = rejections(250, 400, weighting, seed=9, randomised=True)
    # One-sided exact test of "at most 7 % of draws reject".
    assert stats.binomtest(count, 250, 0.07, alternative="greater").pvalue > 0.001


@pytest.mark.slow
@pytest.mark.parametrize("weighting", ["autoc", "qini"])
@pytest.mark.parametrize("randomised", [True, False])
def test_without_heterogeneity_at_most_seven_percent(weighting, randomised):
    count = rejections(2000, 400, weighting, seed=10, randomised=randomised)
    assert stats.binomtest(count, 2000, 0.07, alternative="greater").pvalue > 0.01
