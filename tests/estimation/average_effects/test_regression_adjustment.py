"""RegressionAdjustment: equal to regression software, honest where it is not."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures
from statsmodels.treatment.treatment_effects import TreatmentEffect

from skcausal import NoIntervalWarning, OverlapWarning
from skcausal.estimation import RegressionAdjustment
from tests.estimation.average_effects.draws import TARGETS, check, coverage, draw
from tests.estimation.helpers import Unweighted, logit, make_table


def lin_regression(X, y, treatment, at, **options):
    """Fit Lin's regression by statsmodels, centred at ``at``."""
    centred = X - at
    arms = np.eye(treatment.max() + 1)[treatment][:, 1:]
    products = (arms[:, :, None] * centred[:, None, :]).reshape(len(y), -1)
    design = np.column_stack([np.ones(len(y)), arms, centred, products])
    weight = options.pop("weight", np.ones(len(y)))
    return sm.WLS(y, design, weights=weight).fit(**options)


@pytest.mark.parametrize("covariance", ["HC0", "HC2", "HC3"])
@pytest.mark.parametrize("target", TARGETS)
def test_lin_regression_and_its_errors(covariance, target):
    X, y, treatment = draw(0, 120)
    rows = {"all": treatment >= 0, "treated": treatment == 1, "control": treatment == 0}
    expected = lin_regression(
        X, y, treatment, X[rows[target]].mean(axis=0), cov_type=covariance
    )
    lin = RegressionAdjustment(covariance=covariance, inference_for="sample")
    lin.fit(X, y, treatment=treatment)
    estimate = lin.average_effect(target=target)
    assert estimate.value == pytest.approx(expected.params[1], rel=1e-9)
    assert estimate.standard_error == pytest.approx(expected.bse[1], rel=1e-8)


def test_lin_regression_of_several_arms_with_weights():
    table = make_table("multi", 120)
    weight = np.random.default_rng(1).uniform(0.5, 2, 120)
    at = np.average(table.X, axis=0, weights=weight)
    expected = lin_regression(
        table.X, table.y, table.codes, at, weight=weight, cov_type="HC3"
    )
    lin = RegressionAdjustment(inference_for="sample", control_arm="none")
    lin.fit(table.X, table.y, treatment=table.treatment, sample_weight=weight)
    estimate = lin.average_effect()
    np.testing.assert_allclose(estimate.value, expected.params[1:3])
    np.testing.assert_allclose(estimate.standard_error, expected.bse[1:3])


def test_inference_for_the_population_is_the_stacked_sandwich():
    X, y, treatment = draw(1, 200)
    design = sm.add_constant(X)
    selection = sm.Logit(treatment, design).fit(disp=False)
    effect = TreatmentEffect(sm.OLS(y, design), treatment, selection)
    lin = RegressionAdjustment(covariance="HC0").fit(X, y, treatment=treatment)
    for target, group in (("all", "all"), ("treated", 1), ("control", 0)):
        expected = effect.ra(effect_group=group)
        estimate = lin.average_effect(target=target)
        assert estimate.value == pytest.approx(expected.effect[0], rel=1e-6)
        assert estimate.standard_error == pytest.approx(expected.sd[0], rel=1e-3)


def test_logistic_g_computation_is_marginal_standardisation():
    """The delta method of a logit with all interactions, by statsmodels."""
    X, y, treatment = draw(2, 300, "binary")
    one = np.column_stack([np.ones(300), X])
    design = np.column_stack([one, treatment[:, None] * one])
    fitted = sm.Logit(y, design).fit(disp=False, cov_type="HC0", tol=1e-12)
    p_1 = fitted.predict(np.column_stack([one, one]))
    p_0 = fitted.predict(np.column_stack([one, 0 * one]))
    slope_1 = (p_1 * (1 - p_1))[:, None] * np.column_stack([one, one])
    slope_0 = (p_0 * (1 - p_0))[:, None] * np.column_stack([one, 0 * one])
    gradient = (slope_1 - slope_0).mean(axis=0)
    g = RegressionAdjustment(logit(), covariance="HC0", inference_for="sample")
    estimate = g.fit(X, y, treatment=treatment).average_effect()
    assert estimate.value == pytest.approx((p_1 - p_0).mean(), rel=1e-6)
    expected = np.sqrt(gradient @ fitted.cov_params() @ gradient)
    assert estimate.standard_error == pytest.approx(expected, rel=1e-5)


def test_ratio_by_the_delta_method():
    X, y, treatment = draw(3, 200)
    lin = RegressionAdjustment(covariance="HC0", inference_for="sample")
    lin.fit(X, y, treatment=treatment)
    fitted = lin_regression(X, y, treatment, X.mean(axis=0), cov_type="HC0")
    mean_0, effect = fitted.params[:2]
    gradient = np.array([-effect / mean_0**2, 1 / mean_0])
    expected = np.sqrt(gradient @ fitted.cov_params()[:2, :2] @ gradient)
    estimate = lin.average_effect(scale="ratio")
    assert estimate.value == pytest.approx(1 + effect / mean_0)
    assert estimate.standard_error == pytest.approx(expected)


def test_without_covariates_it_is_the_difference_of_means():
    """HC2 of a saturated regression is Neyman's variance."""
    _, y, treatment = draw(4, 60)
    lin = RegressionAdjustment(covariance="HC2", inference_for="sample")
    lin.fit(np.ones((60, 1)), y, treatment=treatment)
    arms = [y[treatment == arm] for arm in (0, 1)]
    assert lin.average_effect_.value == pytest.approx(arms[1].mean() - arms[0].mean())
    neyman = sum(arm.var(ddof=1) / len(arm) for arm in arms)
    assert lin.average_effect_.standard_error == pytest.approx(np.sqrt(neyman))


def test_groups_are_left_out_one_by_one():
    """The jackknife over groups, by refitting without each."""
    X, y, treatment = draw(5, 120)
    groups = np.arange(120) // 6
    lin = RegressionAdjustment(inference_for="sample")
    estimate = lin.fit(X, y, treatment=treatment, groups=groups).average_effect()
    at = X.mean(axis=0)
    full = lin_regression(X, y, treatment, at).params[1]
    moves = np.array(
        [
            full - lin_regression(X[keep], y[keep], treatment[keep], at).params[1]
            for keep in (groups != g for g in range(20))
        ]
    )
    centred = moves - moves.mean()
    expected = np.sqrt((centred**2).sum() * 20 / 19)
    assert estimate.standard_error == pytest.approx(expected)


def test_subgroups_share_the_regression():
    X, y, treatment = draw(6, 200)
    lin = RegressionAdjustment(inference_for="sample")
    estimate = lin.fit(X, y, treatment=treatment).average_effect(by=X[:, 0] > 0)
    expected = lin_regression(
        X, y, treatment, X[X[:, 0] > 0].mean(axis=0), cov_type="HC3"
    )
    assert estimate[True].value == pytest.approx(expected.params[1])
    assert estimate[True].standard_error == pytest.approx(expected.bse[1])


def test_pipelines_and_poisson_have_intervals():
    X, y, treatment = draw(7, 200)
    curve = make_pipeline(PolynomialFeatures(2, include_bias=False), LinearRegression())
    lin = RegressionAdjustment(curve, inference_for="sample")
    squares = PolynomialFeatures(2, include_bias=False).fit_transform(X)
    expected = lin_regression(
        squares, y, treatment, squares.mean(axis=0), cov_type="HC3"
    )
    estimate = lin.fit(X, y, treatment=treatment).average_effect()
    assert estimate.standard_error == pytest.approx(expected.bse[1])
    counts = np.floor(np.exp(y / 4))
    poisson = RegressionAdjustment(PoissonRegressor(alpha=0, tol=1e-8))
    poisson.fit(X, counts, treatment=treatment)
    assert poisson.average_effect_.standard_error > 0


def test_other_models_have_no_interval():
    X, y, treatment = draw(8, 100)
    forest = RegressionAdjustment(
        RandomForestRegressor(5, random_state=0), cv=2, random_state=0
    )
    with pytest.warns(NoIntervalWarning, match="no valid interval.*Use AIPW"):
        forest.fit(X, y, treatment=treatment)
    mu = forest.nuisances_["outcome_by_arm"][0]
    assert forest.average_effect_.value == pytest.approx((mu[:, 1] - mu[:, 0]).mean())
    assert np.isnan(forest.average_effect_.interval()).all()


def test_a_strong_penalty_is_told():
    X, y, treatment = draw(0, outcome="binary")
    RegressionAdjustment(LogisticRegression()).fit(X, y, treatment=treatment)
    with pytest.warns(NoIntervalWarning, match="penalty of outcome_model"):
        RegressionAdjustment(LogisticRegression(C=0.01)).fit(X, y, treatment=treatment)


def test_an_arm_without_variation_in_a_covariate_is_told():
    X, y, treatment = draw(9, 60)
    X[treatment == 0, 1] = 0.0
    with pytest.warns(OverlapWarning, match="do not determine the mean"):
        RegressionAdjustment().fit(X, y, treatment=treatment)


def test_collinear_covariates_change_nothing():
    X, y, treatment = draw(9, 60)
    twice = np.column_stack([X, X.sum(axis=1)])
    one = RegressionAdjustment().fit(X, y, treatment=treatment).average_effect_
    two = RegressionAdjustment().fit(twice, y, treatment=treatment).average_effect_
    assert two.value == pytest.approx(one.value)
    assert two.standard_error == pytest.approx(one.standard_error)


def test_bad_input_is_an_error():
    X, y, treatment = draw(0, 60)
    for options, message in (
        ({"covariance": "HC9"}, "covariance must be one of"),
        ({"inference_for": "me"}, "inference_for must be one of"),
    ):
        with pytest.raises(ValueError, match=message):
            RegressionAdjustment(**options).fit(X, y, treatment=treatment)
    missing = pd.DataFrame(np.where(X > 2, np.nan, X))
    with pytest.raises(ValueError, match="NaN"):
        RegressionAdjustment().fit(missing, y, treatment=treatment)
    with pytest.raises(ValueError, match="not binary"):
        RegressionAdjustment(LogisticRegression()).fit(X, y, treatment=treatment)
    fitted = RegressionAdjustment().fit(X, y, treatment=treatment)
    with pytest.raises(ValueError, match="Use AIPW or a DRLearner"):
        fitted.best_linear_projection()
    with pytest.raises(ValueError, match="cannot take sample weights"):
        RegressionAdjustment(Unweighted()).fit(
            X, y, treatment=treatment, sample_weight=np.ones(60)
        )


def test_intervals_cover():
    coverage(lambda seed: RegressionAdjustment(), 200)


def test_intervals_of_logistic_models_cover():
    coverage(lambda seed: RegressionAdjustment(logit()), 150, outcome="binary")


def test_clustered_intervals_cover_with_forty_clusters():
    estimates, naive = [], []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(40), 8)
        treatment = rng.permutation(np.arange(40) % 2)[groups]
        X = rng.normal(size=(320, 1))
        y = X[:, 0] + treatment + rng.normal(size=40)[groups] + rng.normal(size=320)
        lin = RegressionAdjustment().fit(X, y, treatment=treatment, groups=groups)
        estimates.append(lin.average_effect_)
        lower, upper = lin.average_effect_.with_groups(None).interval()
        naive.append(lower <= 1 <= upper)
    assert np.mean(naive) < 0.8
    check(estimates, 1.0, "clustered")
