"""Best linear predictor and group effects equal least squares of statsmodels."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from skcausal.inference import best_linear_predictor, group_effects
from skcausal.inference._heterogeneity import median_p_value, split_level


def make_rows(seed=0, n=150):
    rng = np.random.default_rng(seed)
    effects = rng.normal(size=n) ** 2
    scores = 1 + 0.7 * effects + (1 + effects) * rng.normal(size=n)
    return scores, effects, rng.uniform(0.5, 2, n), rng.integers(0, 20, n)


@pytest.mark.parametrize("weighted", [False, True])
def test_predictor_is_least_squares_with_hc3(weighted):
    scores, effects, weight, _ = make_rows()
    weight = weight if weighted else np.ones(150)
    centred = effects - np.average(effects, weights=weight)
    design = sm.add_constant(centred)
    expected = sm.WLS(scores, design, weights=weight).fit(cov_type="HC3")
    ours = best_linear_predictor(scores, effects, weights=weight)
    np.testing.assert_allclose(ours.value, expected.params)
    error = expected.bse * np.sqrt(149 / 150)  # the jackknife's factor
    # Influence values are centred, which moves the error a little.
    np.testing.assert_allclose(ours.standard_error, error, rtol=1e-4)
    assert ours.value[0] == pytest.approx(np.average(scores, weights=weight))
    assert ours.labels == ("average", "heterogeneity")


def test_predictor_with_denominator_is_residual_on_residual():
    u, effects, _, _ = make_rows(1)
    v = np.random.default_rng(2).choice([-0.4, 0.6], 150)
    centred = effects - effects.mean()
    expected = sm.OLS(u, np.column_stack([v, v * centred])).fit(cov_type="HC3")
    ours = best_linear_predictor(u * v, effects, denominator=v**2)
    np.testing.assert_allclose(ours.value, expected.params)
    error = expected.bse * np.sqrt(149 / 150)
    # Influence values are centred, which moves the error a little.
    np.testing.assert_allclose(ours.standard_error, error, rtol=1e-4)


def test_scale_and_place_of_predictions():
    scores, effects, _, _ = make_rows()
    plain = best_linear_predictor(scores, effects)
    moved = best_linear_predictor(scores, 5 - 2 * effects)
    assert moved.value == pytest.approx(plain.value * [1, -0.5])
    assert moved.p_value == pytest.approx(plain.p_value)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_equal_effects_have_nothing_to_test(value):
    with pytest.raises(ValueError, match=r"best_linear_predictor: all 9 .* equal"):
        best_linear_predictor(np.arange(9.0), np.full(9, value))


def test_rows_of_no_weight_do_not_make_effects_differ():
    effects = np.array([0.0, 1, 1, 1])
    with pytest.raises(ValueError, match="all 3 effects are equal"):
        best_linear_predictor(np.ones(4), effects, weights=[0, 1, 1, 1])


def test_several_contrasts_are_refused():
    with pytest.raises(ValueError, match="effects must be one-dimensional"):
        best_linear_predictor(np.ones(4), np.ones((4, 2)))


def test_group_effects_are_least_squares_with_hc2():
    scores, effects, _, _ = make_rows()
    by = np.digitize(effects, [0.2, 0.5, 1.5])
    expected = sm.OLS(scores, np.eye(4)[by]).fit(cov_type="HC2")
    ours = group_effects(scores, by)
    np.testing.assert_allclose(ours.value, expected.params)
    np.testing.assert_allclose(ours.standard_error, expected.bse, rtol=1e-12)
    np.testing.assert_allclose(ours.influence.mean(axis=0), 0, atol=1e-12)
    assert ours.labels == (0, 1, 2, 3)


def test_difference_of_groups_is_that_of_welch():
    scores, effects, _, _ = make_rows()
    by = np.where(effects > 0.5, "high", "low")
    ours = group_effects(scores, by)
    difference = ours["high"] - ours["low"]
    welch = stats.ttest_ind(scores[by == "high"], scores[by == "low"], equal_var=False)
    statistic = difference.value / difference.standard_error
    assert statistic == pytest.approx(welch.statistic)


def test_weighted_groups_by_hand():
    estimate = group_effects([1.0, 4.0, 5.0, 7.0], [0, 0, 1, 1], weights=[1, 2, 1, 1])
    assert estimate.value == pytest.approx([3, 6])
    # Residuals times weights (-2, 2) and (-1, 1), over weights 3 and 2, times 2 / 1.
    assert estimate.standard_error == pytest.approx([np.sqrt(16) / 3, np.sqrt(4) / 2])


def test_clustered_groups_by_hand():
    scores = np.array([1.0, 3.0, 5.0, 9.0, 2.0, 4.0])
    by = [0, 0, 0, 0, 1, 1]
    estimate = group_effects(scores, by, groups=["a", "a", "b", "b", "a", "c"])
    assert estimate.value == pytest.approx([4.5, 3])
    # Sums of residuals by cluster: (-5, 5) over 4 rows, (-1, 1) over 2 rows.
    expected = [np.sqrt(2 * 50) / 4, np.sqrt(2 * 2) / 2]
    assert estimate.standard_error == pytest.approx(expected)


def test_a_group_of_one_row_has_no_error():
    estimate = group_effects([1.0, 2.0, 4.0], ["x", "y", "y"])
    assert np.isnan(estimate.standard_error).tolist() == [True, False]


def test_a_group_without_weight_is_refused():
    with pytest.raises(ValueError, match=r"group_effects: the groups \['x'\] have no"):
        group_effects([1.0, 2.0], ["x", "y"], weights=[0, 1])


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"group_effects: scores, by and weights must"):
        group_effects([1.0, 2.0], ["x", "y"], weights=[1.0])


def test_median_of_p_values_is_doubled_and_capped():
    p_values = np.array([[0.01, 0.3, 0.9], [0.02, 0.4, 0.8], [0.5, 0.1, 0.7]])
    assert median_p_value(p_values) == pytest.approx([0.04, 0.6, 1])


def test_level_of_each_split_halves_the_error():
    assert split_level(0.9) == pytest.approx(0.95)


@pytest.mark.parametrize("share_common", [0.0, 0.5, 1.0])
def test_median_rule_keeps_its_level_under_dependence(share_common):
    """Z-tests of a true null whose splits share part of their noise."""
    rng = np.random.default_rng(3)
    common = rng.normal(size=(1, 4000))
    own = rng.normal(size=(11, 4000))
    z = np.sqrt(share_common) * common + np.sqrt(1 - share_common) * own
    rejected = median_p_value(2 * stats.norm.sf(np.abs(z))) < 0.05
    assert rejected.mean() <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / 4000)
