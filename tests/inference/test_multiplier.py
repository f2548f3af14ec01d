"""The multiplier bootstrap, bands over many effects, and adjusted p-values."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from skcausal.inference import EffectEstimate, join_estimates, multiplier_draws

WEIGHTS = ("normal", "rademacher", "mammen")


def correlated(rng, n_rows=500, n_effects=4, shared=0.7):
    """Make columns of mean zero with a common part."""
    common = rng.normal(size=(n_rows, 1))
    own = rng.normal(size=(n_rows, n_effects))
    values = shared * common + np.sqrt(1 - shared**2) * own
    return values - values.mean(axis=0)


def estimate_of(influence, value=None, **options):
    value = np.zeros(influence.shape[1]) if value is None else np.asarray(value)
    labels = tuple(f"effect {j}" for j in range(influence.shape[1]))
    return EffectEstimate.from_influence(value, influence, labels=labels, **options)


# ------------------------------------------------------------------------------ draws
@pytest.mark.parametrize("weights", WEIGHTS)
@pytest.mark.parametrize("clustered", [False, True])
def test_draws_have_the_covariance_of_the_estimates(weights, clustered, rng):
    influence = correlated(rng)
    groups = rng.integers(60, size=500) if clustered else None
    draws = multiplier_draws(
        influence, groups=groups, weights=weights, n_bootstrap=20000, random_state=0
    )
    units = np.arange(500) if groups is None else groups
    sums = np.stack([influence[units == unit].sum(axis=0) for unit in np.unique(units)])
    expected = sums.T @ sums / 500**2 * len(sums) / (len(sums) - 1)
    np.testing.assert_allclose(np.cov(draws.T), expected, atol=0.04 * expected.max())
    np.testing.assert_allclose(
        np.sqrt(np.diag(expected)),
        estimate_of(influence, groups=groups).standard_error,
    )
    assert np.abs(draws.mean(axis=0)).max() < 4 * np.sqrt(expected.max() / 20000)


def test_weights_have_their_moments():
    """One row among a hundred: its draws are its weights."""
    influence = np.zeros(100)
    influence[0] = 100 * np.sqrt(99 / 100)
    moments = {}
    for weights in WEIGHTS:
        w = multiplier_draws(
            influence, weights=weights, n_bootstrap=100000, random_state=0
        )
        moments[weights] = [np.mean(w**power) for power in (1, 2, 3)]
        values = len(np.unique(w.round(9)))
        assert values == 2 or weights == "normal"
    for weights, third in (("normal", 0), ("rademacher", 0), ("mammen", 1)):
        np.testing.assert_allclose(moments[weights], [0, 1, third], atol=0.04)


def test_several_ways_add_their_draws(rng):
    influence = correlated(rng)
    groups = np.column_stack([rng.integers(20, size=500), rng.integers(30, size=500)])
    draws = multiplier_draws(
        influence, groups=groups, n_bootstrap=20000, random_state=0
    )
    ways = [estimate_of(influence, groups=column).standard_error for column in groups.T]
    np.testing.assert_allclose(draws.std(axis=0), np.hypot(*ways), rtol=0.03)


def test_draws_are_reproducible_and_shaped_like_the_influence(rng):
    influence = correlated(rng)
    one, two, other = (
        multiplier_draws(influence[:, 0], n_bootstrap=7, random_state=seed)
        for seed in (0, 0, 1)
    )
    assert one.shape == (7,)
    np.testing.assert_array_equal(one, two)
    assert (one != other).all()
    assert multiplier_draws(influence[:, :1], n_bootstrap=7).shape == (7, 1)


def test_long_data_are_drawn_in_parts(rng, monkeypatch):
    from skcausal.inference import _multiplier

    influence = correlated(rng)
    options = {"weights": "rademacher", "n_bootstrap": 50, "random_state": 0}
    whole = multiplier_draws(influence, **options)
    monkeypatch.setattr(_multiplier, "_BLOCK", 2000)
    parts = multiplier_draws(influence, **options)
    assert parts.shape == whole.shape
    assert (parts.std(axis=0) > 0).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "poisson"}, "weights must be one of 'normal', .* 'poisson'"),
        ({"n_bootstrap": 0}, "n_bootstrap must be at least 1, got 0"),
        ({"groups": np.zeros(5)}, "at least two rows or groups are needed"),
        ({"groups": np.zeros(4)}, "one label for each of the 5 rows, got 4"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        multiplier_draws(np.arange(5.0), **options)
    with pytest.raises(ValueError, match="influence holds NaN"):
        multiplier_draws([1.0, np.nan])


# ------------------------------------------------------------------------------ bands
def test_a_band_of_independent_effects_is_sidaks(rng):
    influence = np.linalg.qr(correlated(rng, shared=0.0))[0] * 20
    estimate = estimate_of(influence)
    lower, upper = estimate.simultaneous_interval(n_bootstrap=50000, random_state=0)
    expected = stats.norm.ppf(0.5 + 0.95 ** (1 / 4) / 2)
    np.testing.assert_allclose(upper / estimate.standard_error, expected, rtol=0.01)
    np.testing.assert_allclose(lower, -upper)


def test_a_band_of_equal_effects_is_the_interval(rng):
    influence = np.repeat(correlated(rng)[:, :1], 3, axis=1)
    estimate = estimate_of(influence)
    band = estimate.simultaneous_interval(n_bootstrap=50000, random_state=0)
    np.testing.assert_allclose(band, estimate.interval(), rtol=0.02)


@pytest.mark.parametrize("n_ways", [1, 2])
def test_a_band_of_one_clustered_effect_is_the_student_interval(n_ways, rng):
    groups = rng.integers(8, size=(500, n_ways))
    estimate = estimate_of(correlated(rng)[:, :1], groups=groups)
    lower, upper = estimate.simultaneous_interval(n_bootstrap=50000, random_state=0)
    np.testing.assert_allclose((lower, upper), estimate.interval(), rtol=0.03)


def test_a_band_is_never_inside_the_intervals(rng):
    estimate = estimate_of(correlated(rng)[:, :1])
    inner = estimate.interval()
    for seed in range(5):
        outer = estimate.simultaneous_interval(n_bootstrap=50, random_state=seed)
        assert outer[0] <= inner[0]
        assert inner[1] <= outer[1]


def test_bands_nest_and_check_their_level(rng):
    estimate = estimate_of(correlated(rng))
    low, high = (
        estimate.simultaneous_interval(level, random_state=0) for level in (0.5, 0.99)
    )
    assert (high[0] < low[0]).all()
    assert (low[1] < high[1]).all()
    with pytest.raises(ValueError, match="simultaneous_interval: level must lie"):
        estimate.simultaneous_interval(95)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_bands_cover_all_effects_at_once(weights, rng):
    """Ten group means of unequal noise; pointwise intervals cover far less."""
    hits = np.zeros((300, 2))
    group = np.arange(500) % 10
    members = np.eye(10)[group]
    for hit in hits:
        y = rng.normal(size=500) * (1 + group)
        means = members.T @ y / 50
        influence = 10 * members * (y - means[group])[:, None]
        estimate = EffectEstimate.from_influence(
            means, influence, labels=tuple(range(10))
        )
        band = estimate.simultaneous_interval(
            weights=weights, n_bootstrap=300, random_state=int(rng.integers(1 << 30))
        )
        for column, (lower, upper) in enumerate((estimate.interval(), band)):
            hit[column] = ((lower <= 0) & (upper >= 0)).all()
    pointwise, band = hits.mean(axis=0)
    assert pointwise < 0.75
    assert band >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 300)


# --------------------------------------------------------------------------- p-values
@pytest.mark.parametrize("method", ["holm", "bonferroni", "hommel", "fdr_bh"])
def test_closed_forms_are_those_of_statsmodels(method, rng):
    influence = correlated(rng)
    estimate = estimate_of(influence, value=[0.0, 0.08, 0.12, 0.2])
    expected = multipletests(estimate.p_value, method=method)[1]
    np.testing.assert_allclose(estimate.adjusted_p_value(method), expected)


def test_step_down_by_hand():
    from skcausal.inference._multiplicity import step_down

    ratios = np.array([1.0, 3.0, 2.0])
    draws = np.array([[0.5, -2.5, 0.1], [-1.2, 0.3, 2.2], [0.1, 3.5, 0.2]])
    # 3 against the largest of all, 2 against columns 0 and 2, 1 against column 0.
    expected = {3.0: (1 + 1) / 4, 2.0: (1 + 1) / 4, 1.0: (1 + 1) / 4}
    np.testing.assert_allclose(step_down(ratios, draws), [expected[r] for r in ratios])
    steeper = step_down(np.array([0.05, 3.0, 2.0]), draws)
    np.testing.assert_allclose(steeper, [(1 + 3) / 4, 0.5, 0.5])


def test_romano_wolf_is_between_no_adjustment_and_holm(rng):
    influence = correlated(rng, shared=0.9)
    estimate = estimate_of(influence, value=[0.0, 0.09, 0.1, 0.11])
    p = estimate.adjusted_p_value(n_bootstrap=50000, random_state=0)
    assert (p > estimate.p_value - 0.01).all()
    assert (p < estimate.adjusted_p_value("holm") + 0.01).all()
    assert p[1] < estimate.adjusted_p_value("holm")[1]


def test_romano_wolf_is_never_below_the_p_value(rng):
    """Influence of few rows: multiplier draws have lighter tails than the normal."""
    influence = np.zeros((40, 2))
    influence[:2, 0], influence[2:4, 1] = [1, -1], [2, -2]
    estimate = estimate_of(influence, value=[0.11, 0.12])
    p = estimate.adjusted_p_value(random_state=0)
    assert (p >= estimate.p_value).all()


def test_romano_wolf_of_one_effect_is_its_p_value(rng):
    estimate = EffectEstimate.from_influence(0.09, correlated(rng)[:, 0])
    p = estimate.adjusted_p_value(n_bootstrap=50000, random_state=0)
    assert isinstance(p, float)
    assert p == pytest.approx(estimate.p_value, abs=0.005)


def test_family_wise_error(rng):
    """No effect at all: any rejection is false."""
    rejected = np.zeros((300, 2))
    for row in rejected:
        values = 0.5 * rng.normal(size=(200, 1)) + rng.normal(size=(200, 8))
        means = values.mean(axis=0)
        estimate = estimate_of(values - means, value=means)
        p = estimate.adjusted_p_value(
            n_bootstrap=400, random_state=int(rng.integers(1 << 30))
        )
        row[:] = (estimate.p_value < 0.05).any(), (p < 0.05).any()
    plain, adjusted = rejected.mean(axis=0)
    assert plain > 0.2
    assert adjusted <= 0.085  # 3 standard errors above 5 %


def test_unknown_method(rng):
    with pytest.raises(ValueError, match="method must be one of 'romano_wolf', 'holm'"):
        estimate_of(correlated(rng)).adjusted_p_value("tukey")


# ---------------------------------------------------------------------------- joining
def test_joined_estimates_keep_their_covariance(rng):
    influence = correlated(rng)
    parts = {
        "spend": estimate_of(influence[:, :2], value=[1.0, 2.0]),
        "visits": EffectEstimate.from_influence(3.0, influence[:, 2]),
    }
    joined = join_estimates(parts)
    assert joined.labels == (("spend", "effect 0"), ("spend", "effect 1"), "visits")
    np.testing.assert_array_equal(joined.value, [1.0, 2.0, 3.0])
    np.testing.assert_allclose(joined.influence, influence[:, :3])
    gap = joined["spend", "effect 1"] - joined["spend", "effect 0"]
    assert gap.standard_error == pytest.approx(
        stats.sem(influence[:, 1] - influence[:, 0])
    )


def test_estimates_that_do_not_join(rng):
    influence = correlated(rng)[:, 0]
    one = EffectEstimate.from_influence(1.0, influence)
    for other, message in (
        (EffectEstimate.from_influence(1.0, influence[1:]), "'b' is not"),
        (one.with_groups(np.arange(500) // 5), "'b' has other groups"),
        (
            EffectEstimate(np.ones((1, 1)), influence[None, :, None], null=1.0),
            "'b' tests against 1.0",
        ),
    ):
        with pytest.raises(ValueError, match=message):
            join_estimates({"a": one, "b": other})
    with pytest.raises(ValueError, match="at least one, got none"):
        join_estimates({})
