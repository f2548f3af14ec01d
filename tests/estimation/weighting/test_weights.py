"""Weights: closed forms, the balance they reach, and what they refuse."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy.optimize import minimize
from scipy.stats import chi2
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from skcausal import OverlapWarning, causal_target
from skcausal.estimation import (
    BalancedEffect,
    CovariateBalancingPropensity,
    CrumpTrimming,
    EntropyBalancing,
    InfeasibleBalanceError,
    InverseProbabilityWeights,
    KnownPropensity,
    OverlapWeights,
    StableBalancingWeights,
)
from skcausal.estimation.weighting._trimming import optimal_threshold
from skcausal.testing._plain import treatment_from_rows
from skcausal.validation import balance_table
from tests.estimation.helpers import logit, make_table

WEIGHTERS = [
    InverseProbabilityWeights(),
    OverlapWeights(),
    EntropyBalancing(),
    EntropyBalancing("treated", moments=2),
    StableBalancingWeights(),
    StableBalancingWeights("control", tolerance=0),
    CovariateBalancingPropensity(),
    CovariateBalancingPropensity("treated"),
]
NAMES = [f"{type(w).__name__}-{w._own_target()}" for w in WEIGHTERS]


@pytest.fixture(scope="module")
def table():
    return make_table("binary", 400)


def weighted_mean(weighter, X, arm):
    rows = weighter._codes == arm
    return np.average(X[rows], axis=0, weights=weighter.weights_[rows])


def primal(columns, base, target, power):
    """Minimise entropy (1) or variance (2) directly in the weights."""
    base = base / base.sum()

    def objective(w):
        if power == 1:
            return float(np.sum(w * np.log(np.maximum(w, 1e-300) / base)))
        return float(np.sum(w**2 / base))

    constraints = [
        {"type": "eq", "fun": lambda w: w.sum() - 1},
        {"type": "eq", "fun": lambda w: w @ columns - target},
    ]
    options = {"ftol": 1e-14, "maxiter": 1000}
    bounds = [(0, 1)] * len(base)
    return minimize(
        objective, base, bounds=bounds, constraints=constraints, options=options
    ).x


@pytest.mark.parametrize("weighter", WEIGHTERS, ids=NAMES)
def test_every_weighter_speaks_one_interface(weighter, table):
    fitted = clone(weighter).fit(table.X, table.y, treatment=table.treatment)
    packed = clone(weighter).fit(table.X, causal_target(table.y, table.treatment))
    np.testing.assert_array_equal(fitted.weights_, packed.weights_)
    assert fitted.weights_.shape == (400,)
    assert (fitted.weights_ >= 0).all()
    normal = fitted.normalised_weights()
    for arm in (0, 1):
        rows = table.treatment == arm
        assert normal[rows].sum() == pytest.approx(1)
        assert fitted.effective_sample_size_[arm] <= rows.sum() + 1e-9
        assert fitted.effective_sample_size_[arm] == pytest.approx(
            1 / (normal[rows] ** 2).sum()
        )
    assert list(fitted.balance_.columns) == ["before", "after"]
    assert fitted.balance_["after"].max() < 0.1 * fitted.balance_["before"].max()
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.weights_, fitted.weights_)
    LinearRegression().fit(table.X, table.y, sample_weight=fitted.weights_)


@pytest.mark.parametrize("weighter", WEIGHTERS, ids=NAMES)
def test_a_weight_of_two_is_a_row_twice(weighter, table):
    weight = np.where(np.arange(400) % 3 == 0, 2, 1)
    index = np.repeat(np.arange(400), weight)
    one = clone(weighter).fit(table.X, treatment=table.treatment, sample_weight=weight)
    two = clone(weighter).fit(table.X[index], treatment=table.treatment[index])
    np.testing.assert_allclose(
        one.weights_, two.weights_[np.unique(index, return_index=True)[1]] * weight,
        rtol=1e-5, atol=1e-6,
    )  # fmt: skip


def test_inverse_probability_weights_are_one_over_the_logistic_fit(table):
    e = logit().fit(table.X, table.treatment).predict_proba(table.X)
    own = e[np.arange(400), table.treatment]
    fitted = InverseProbabilityWeights().fit(table.X, treatment=table.treatment)
    np.testing.assert_allclose(fitted.weights_, 1 / own, rtol=1e-6)
    treated = InverseProbabilityWeights(target="treated")
    treated.fit(table.X, treatment=table.treatment)
    np.testing.assert_allclose(treated.weights_, e[:, 1] / own, rtol=1e-6)


def test_known_propensities_are_used_as_they_are(table):
    fitted = InverseProbabilityWeights(KnownPropensity(0.3))
    fitted.fit(table.X, treatment=table.treatment)
    expected = np.where(table.treatment == 1, 1 / 0.3, 1 / 0.7)
    np.testing.assert_allclose(fitted.weights_, expected)
    rows = np.linspace(0.2, 0.8, 400)
    target = causal_target(table.y, table.treatment, propensity=rows)
    overlap = OverlapWeights().fit(table.X, target)
    expected = np.where(table.treatment == 1, 1 - rows, rows)
    np.testing.assert_allclose(overlap.weights_, expected)


def test_overlap_weights_balance_means_exactly(table):
    fitted = OverlapWeights().fit(table.X, treatment=table.treatment)
    difference = weighted_mean(fitted, table.X, 1) - weighted_mean(fitted, table.X, 0)
    np.testing.assert_allclose(difference, 0, atol=1e-8)
    assert fitted.weights_.max() < 1
    totals = np.bincount(table.treatment, weights=fitted.weights_)
    assert totals[0] == pytest.approx(totals[1])


def test_overlap_weights_of_several_arms():
    table = make_table("multi", 600)
    weighter = OverlapWeights(control_arm="none")
    fitted = weighter.fit(table.X, treatment=table.treatment)
    e = logit().fit(table.X, table.codes).predict_proba(table.X)
    expected = 1 / (1 / e).sum(axis=1) / e[np.arange(600), table.codes]
    np.testing.assert_allclose(fitted.weights_, expected, rtol=1e-4)


@pytest.mark.parametrize("target", ["all", "treated", "control"])
@pytest.mark.parametrize("moments", [1, 2])
def test_entropy_balancing_reaches_the_moments_of_its_target(table, target, moments):
    fitted = EntropyBalancing(target, moments=moments)
    fitted.fit(table.X, treatment=table.treatment)
    who = {"all": slice(None), "treated": table.treatment == 1}.get(
        target, table.treatment == 0
    )
    for arm in (0, 1):
        for power in range(1, moments + 1):
            reached = weighted_mean(fitted, table.X**power, arm)
            expected = (table.X[who] ** power).mean(axis=0)
            np.testing.assert_allclose(reached, expected, atol=1e-7)
        total = fitted.weights_[table.treatment == arm].sum()
        assert total == pytest.approx(len(table.X[who]))


def test_entropy_balancing_solves_the_primal():
    table = make_table("binary", 50)
    rows = table.treatment == 0
    base = np.random.default_rng(0).uniform(0.5, 2, 50)
    fitted = EntropyBalancing().fit(
        table.X, treatment=table.treatment, sample_weight=base
    )
    target = np.average(table.X, axis=0, weights=base)
    expected = primal(table.X[rows], base[rows], target, 1)
    np.testing.assert_allclose(fitted.normalised_weights()[rows], expected, atol=1e-6)


def test_entropy_balancing_of_several_arms():
    table = make_table("multi", 500)
    fitted = EntropyBalancing(control_arm="none")
    fitted.fit(table.X, treatment=table.treatment)
    for arm in range(3):
        reached = weighted_mean(fitted, table.X, arm)
        np.testing.assert_allclose(reached, table.X.mean(axis=0), atol=1e-7)


def test_entropy_balancing_ignores_collinear_and_constant_columns(table):
    wide = np.column_stack([table.X, table.X @ [1, 2], np.ones(400)])
    one = EntropyBalancing().fit(table.X, treatment=table.treatment)
    two = EntropyBalancing().fit(wide, treatment=table.treatment)
    np.testing.assert_allclose(two.weights_, one.weights_, rtol=1e-5)


@pytest.mark.parametrize("tolerance", [0, 0.02, 0.1])
def test_stable_weights_solve_the_primal(tolerance):
    table = make_table("binary", 60, seed=1)
    rows = table.treatment == 1
    weighter = StableBalancingWeights("all", tolerance=tolerance)
    fitted = weighter.fit(table.X, treatment=table.treatment)
    deviation = np.sqrt(
        np.mean([table.X[table.treatment == a].var(axis=0) for a in (0, 1)], axis=0)
    )
    columns = (table.X - table.X.mean(axis=0)) / deviation
    constraints = [
        {"type": "eq", "fun": lambda w: w.sum() - 1},
        {"type": "ineq", "fun": lambda w: tolerance - w @ columns[rows]},
        {"type": "ineq", "fun": lambda w: tolerance + w @ columns[rows]},
    ]
    n = rows.sum()
    expected = minimize(
        lambda w: n * float(w @ w),
        np.full(n, 1 / n),
        jac=lambda w: 2 * n * w,
        bounds=[(0, 1)] * n,
        constraints=constraints,
        options={"ftol": 1e-15, "maxiter": 2000},
    ).x
    np.testing.assert_allclose(fitted.normalised_weights()[rows], expected, atol=2e-6)
    gap = fitted.normalised_weights()[rows] @ columns[rows]
    assert np.abs(gap).max() <= tolerance + 1e-7


def test_a_tolerance_buys_effective_sample(table):
    sizes = [
        StableBalancingWeights("treated", tolerance=tolerance)
        .fit(table.X, treatment=table.treatment)
        .effective_sample_size_[0]
        for tolerance in (0, 0.05, 0.2)
    ]
    assert sizes[0] < sizes[1] < sizes[2]


@pytest.mark.parametrize("target", ["all", "treated", "control", "overlap"])
def test_balancing_propensity_solves_its_equations(table, target):
    fitted = CovariateBalancingPropensity(target)
    fitted.fit(table.X, treatment=table.treatment)
    eta = fitted.intercept_ + table.X @ fitted.coefficients_
    e = 1 / (1 + np.exp(-eta))
    np.testing.assert_allclose(fitted.propensity_, e, rtol=1e-9)
    h = {"all": 1, "treated": e, "control": 1 - e, "overlap": e * (1 - e)}[target]
    T = table.treatment
    Z = np.column_stack([np.ones(400), table.X])
    equation = (h * (T / e - (1 - T) / (1 - e))) @ Z / 400
    np.testing.assert_allclose(equation, 0, atol=1e-8)
    np.testing.assert_allclose(
        fitted.weights_, h * np.where(T == 1, 1 / e, 1 / (1 - e)), rtol=1e-8
    )


def test_balancing_propensity_of_the_treated_is_entropy_balancing(table):
    one = CovariateBalancingPropensity("treated")
    two = EntropyBalancing("treated")
    one.fit(table.X, treatment=table.treatment)
    two.fit(table.X, treatment=table.treatment)
    np.testing.assert_allclose(one.weights_, two.weights_, rtol=1e-5)


def test_balancing_propensity_of_the_overlap_is_maximum_likelihood(table):
    one = CovariateBalancingPropensity("overlap")
    one.fit(table.X, treatment=table.treatment)
    two = logit().fit(table.X, table.treatment)
    np.testing.assert_allclose(one.coefficients_, two.coef_[0], rtol=1e-5)


@pytest.mark.parametrize("target", ["all", "treated", "control"])
def test_over_identified_propensity_minimises_its_distance(table, target):
    fitted = CovariateBalancingPropensity(target, over_identified=True)
    fitted.fit(table.X, treatment=table.treatment)
    T, Z = table.treatment, np.column_stack([np.ones(400), table.X])

    def rates(beta):
        e = 1 / (1 + np.exp(-Z @ beta))
        return e, {"all": 1, "treated": e, "control": 1 - e}[target]

    def equations(beta):
        e, h = rates(beta)
        return np.concatenate([(T - e) @ Z, ((T - e) * h / (e * (1 - e))) @ Z])

    likelihood = logit().fit(table.X, T)
    first = np.append(likelihood.intercept_, likelihood.coef_[0])
    e, h = rates(first)
    score = np.hstack([Z, Z * (h / (e * (1 - e)) * np.ones(400))[:, None]])
    covariance = score.T @ (score * (e * (1 - e))[:, None])
    metric = np.linalg.inv(covariance)
    found = minimize(
        lambda beta: equations(beta) @ metric @ equations(beta), first, tol=1e-12
    )
    beta = np.append(fitted.intercept_, fitted.coefficients_)
    np.testing.assert_allclose(beta, found.x, atol=1e-4)
    assert fitted.specification_p_value_ == pytest.approx(chi2.sf(found.fun, 3), 1e-4)
    before, after = fitted.balance_.max()
    assert 1e-6 < after < before / 4


def test_a_wrong_propensity_model_is_detected():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 2))
    for curved, expected in ((0.0, False), (1.0, True)):
        logits = X[:, 0] + curved * (X[:, 1] ** 2 + X[:, 0] ** 2 - 2)
        treatment = (rng.random(3000) < 1 / (1 + np.exp(-logits))).astype(int)
        fitted = CovariateBalancingPropensity(over_identified=True)
        fitted.fit(X, treatment=treatment)
        assert (fitted.specification_p_value_ < 0.01) == expected
    with pytest.raises(ValueError, match="are the likelihood's"):
        CovariateBalancingPropensity("overlap", over_identified=True).fit(
            X, treatment=treatment
        )


# ------------------------------------------------------------------------- trimming
def test_the_optimal_threshold_solves_its_equation():
    rng = np.random.default_rng(0)
    e = rng.beta(0.5, 0.5, 5000)
    smallest = np.minimum(e, 1 - e)
    alpha = optimal_threshold(smallest, np.ones(5000))
    g = 1 / (smallest * (1 - smallest))
    gamma = 1 / (alpha * (1 - alpha))
    assert gamma == pytest.approx(2 * g[g <= gamma].mean(), rel=1e-6)
    # Crump et al. (2009): about 0.1 for many beta distributions.
    assert 0.05 < alpha < 0.15
    variances = [
        g[smallest >= cut].mean() / (smallest >= cut).mean()
        for cut in np.linspace(0, 0.4, 400)
    ]
    assert g[smallest >= alpha].mean() / (smallest >= alpha).mean() <= min(variances)


def test_good_overlap_needs_no_trimming():
    smallest = np.random.default_rng(0).uniform(0.3, 0.5, 100)
    assert optimal_threshold(smallest, np.ones(100)) == 0
    table = make_table("binary", 300)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fitted = CrumpTrimming(threshold=0.0).fit(table.X, treatment=table.treatment)
    plain = InverseProbabilityWeights().fit(table.X, treatment=table.treatment)
    np.testing.assert_allclose(fitted.weights_, plain.weights_)


def test_trimming_says_what_it_drops_and_weighs_the_rest(table):
    with pytest.warns(OverlapWarning, match=r"dropped \d+ of 400 rows \(0: \d+, 1:"):
        fitted = CrumpTrimming(EntropyBalancing(), threshold=0.4).fit(
            table.X, treatment=table.treatment
        )
    assert sum(fitted.n_dropped_.values()) == (~fitted.kept_).sum() > 0
    assert (fitted.weights_[~fitted.kept_] == 0).all()
    e = logit().fit(table.X, table.treatment).predict_proba(table.X)
    np.testing.assert_array_equal(fitted.kept_, e.min(axis=1) >= 0.4)
    inner = EntropyBalancing().fit(
        table.X[fitted.kept_], treatment=table.treatment[fitted.kept_]
    )
    np.testing.assert_allclose(fitted.weights_[fitted.kept_], inner.weights_)


# ------------------------------------------------------------------------ bad input
def test_a_mean_out_of_reach_names_the_covariate():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 2)), columns=["age", "income"])
    treatment = rng.integers(0, 2, 200)
    frame.loc[treatment == 1, "income"] += 20.0
    for weighter in (EntropyBalancing("treated"), StableBalancingWeights("treated")):
        with pytest.raises(InfeasibleBalanceError, match=r"below .* 'income'.*larger"):
            weighter.fit(frame, treatment=treatment)
    with pytest.raises(InfeasibleBalanceError, match=r"separation.*'income'"):
        CovariateBalancingPropensity().fit(frame, treatment=treatment)
    with pytest.raises(InfeasibleBalanceError, match="separation"):
        InverseProbabilityWeights().fit(frame, treatment=treatment)
    with pytest.raises(InfeasibleBalanceError, match="separation"):
        OverlapWeights().fit(frame, treatment=treatment)


def test_means_out_of_reach_together_are_found():
    """Each mean is in reach, the pair is not: controls lie on one side of a line."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, size=(300, 2))
    treatment = (X.sum(axis=1) > 0.1).astype(int)
    for weighter in (
        EntropyBalancing("treated"),
        StableBalancingWeights("treated", tolerance=0),
    ):
        with pytest.raises(InfeasibleBalanceError, match="all covariates at once"):
            weighter.fit(X, treatment=treatment)


def test_small_propensities_are_warned_about():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2000, 1))
    treatment = (rng.random(2000) < 1 / (1 + np.exp(-4 * X[:, 0]))).astype(int)
    with pytest.warns(OverlapWarning, match="below 0.01"):
        InverseProbabilityWeights().fit(X, treatment=treatment)


@pytest.mark.parametrize(
    ("weighter", "message"),
    [
        (EntropyBalancing("overlap"), "target must be one of"),
        (EntropyBalancing(moments=0), "moments must be a positive integer"),
        (StableBalancingWeights(tolerance=-1), "tolerance must be 0 or more"),
        (CrumpTrimming(threshold=0.6), "threshold must be"),
    ],
)
def test_bad_parameters_are_errors(weighter, message, table):
    with pytest.raises(ValueError, match=message):
        weighter.fit(table.X, treatment=table.treatment)


def test_bad_covariates_are_errors(table):
    holes = table.X.copy()
    holes[3, 1] = np.nan
    with pytest.raises(ValueError, match=r"NaN.*'x1'"):
        EntropyBalancing().fit(holes, treatment=table.treatment)
    frame = pd.DataFrame({"a": table.X[:, 0], "c": pd.Categorical(["u", "v"] * 200)})
    with pytest.raises(ValueError, match="'c' is a category"):
        EntropyBalancing().fit(frame, treatment=table.treatment)
    with pytest.raises(ValueError, match="no treatment arrived"):
        EntropyBalancing().fit(table.X)
    with pytest.raises(ValueError, match="continuous"):
        EntropyBalancing().fit(table.X, treatment=table.X[:, 0])
    with pytest.raises(TypeError, match="must be a weighter"):
        CrumpTrimming(LogisticRegression()).fit(table.X, treatment=table.treatment)


def test_several_arms_where_two_are_needed():
    table = make_table("multi", 300)
    for weighter, message in (
        (CovariateBalancingPropensity(control_arm="none"), "takes two"),
        (EntropyBalancing("treated", control_arm="none"), "ambiguous"),
        (CrumpTrimming(control_arm="none"), "optimal' is for two arms"),
    ):
        with pytest.raises(ValueError, match=message):
            weighter.fit(table.X, treatment=table.treatment)


def test_balance_is_that_of_validation(table):
    fitted = InverseProbabilityWeights().fit(table.X, treatment=table.treatment)
    expected = balance_table(table.X, table.treatment, fitted.weights_)
    for ours, theirs in (("before", "difference"), ("after", "weighted_difference")):
        np.testing.assert_allclose(fitted.balance_[ours], expected[theirs].abs())


def test_balance_is_shown_for_categories_and_missing_values():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"a": rng.normal(size=200), "c": pd.Categorical(rng.choice(["u", "v"], 200))}
    )
    frame.loc[:20, "a"] = np.nan
    weighter = InverseProbabilityWeights(KnownPropensity(0.5))
    fitted = weighter.fit(frame, treatment=rng.integers(0, 2, 200))
    assert fitted.balance_.index.tolist() == ["a", "c=u", "c=v", "a missing"]
    assert np.isfinite(fitted.balance_.to_numpy()).all()


class PlainWeights(InverseProbabilityWeights):
    """Makes up a treatment, so that scikit-learn can check it."""

    def fit(self, X, y=None, sample_weight=None):
        treatment = treatment_from_rows(X)
        return super().fit(X, treatment=treatment, sample_weight=sample_weight)


@pytest.mark.filterwarnings("ignore")
def test_check_estimator():
    check_estimator(PlainWeights(LogisticRegression()))


def test_a_weighter_ends_a_pipeline(table):
    pipeline = make_pipeline(StandardScaler(), EntropyBalancing())
    fitted = pipeline.fit(table.X, causal_target(table.y, table.treatment))
    plain = EntropyBalancing().fit(table.X, treatment=table.treatment)
    np.testing.assert_allclose(fitted[-1].weights_, plain.weights_, rtol=1e-6)


def test_routing_carries_the_treatment_to_a_weighter(table):
    pipeline = make_pipeline(StandardScaler(), EntropyBalancing())
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline.fit(table.X, table.y, treatment=table.treatment)
    assert pipeline[-1].balance_["after"].max() < 1e-6


@pytest.mark.slow
def test_entropy_balancing_of_a_large_table():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100_000, 50))
    logits = X @ rng.normal(scale=0.15, size=50)
    treatment = (rng.random(100_000) < 1 / (1 + np.exp(-logits))).astype(int)
    fitted = EntropyBalancing().fit(X, treatment=treatment)
    assert fitted.balance_["before"].max() > 0.2
    assert fitted.balance_["after"].max() < 1e-6


def test_machine_learned_propensities_weigh_but_have_no_interval(table):
    weighter = InverseProbabilityWeights(GradientBoostingClassifier(n_estimators=5))
    learner = BalancedEffect(weighter).fit(table.X, table.y, treatment=table.treatment)
    assert np.isfinite(learner.effect(table.X)).all()
    assert np.isnan(learner.average_effect_.standard_error)
