"""MarginalSensitivity: closed forms (G15), sharp against weights, known bounds."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression, QuantileRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal import causal_target
from skcausal.estimation import AIPW, DRLearner
from skcausal.validation import MarginalSensitivity
from skcausal.validation._marginal_formulas import (
    arm_scores,
    binary_tails,
    quantile_level,
    tail_outcome,
    weighting_bound,
)

LINE, LOGIT = LinearRegression(), LogisticRegression()
QUANTILE = QuantileRegressor(alpha=0, solver="highs")
# A normal outcome with mean and variance 1, as 200,001 equally likely values.
NORMAL = stats.norm.ppf((np.arange(200_001) + 0.5) / 200_001, loc=1)


def worst_mean(odds_ratio, side):
    quantile = stats.norm.ppf(quantile_level(odds_ratio, side), loc=1)
    return tail_outcome(NORMAL, quantile, odds_ratio, side).mean()


# ------------------------------------------------------------------------------- G15
@pytest.mark.parametrize(
    ("odds_ratio", "excess"), [(1.5, 0.3220), (2, 0.5454), (np.e, 0.7756), (3, 0.8474)]
)
def test_worst_means_of_a_normal_outcome(odds_ratio, excess):
    level = odds_ratio / (1 + odds_ratio)
    formula = (odds_ratio**2 - 1) / odds_ratio * stats.norm.pdf(stats.norm.ppf(level))
    assert formula == pytest.approx(excess, abs=1e-3)
    assert worst_mean(odds_ratio, 1) == pytest.approx(1 + excess, abs=1e-3)
    assert worst_mean(odds_ratio, -1) == pytest.approx(1 - excess, abs=1e-3)


def test_bounds_of_a_normal_potential_outcome():
    """E[Y(1)] = e mu + (1 - e) rho: with e = .3 from .6182 to 1.3818."""
    for side, end in ((1, 1.3818), (-1, 0.6182)):
        assert 0.3 + 0.7 * worst_mean(2, side) == pytest.approx(end, abs=1e-3)


def test_worst_means_of_a_binary_outcome():
    p = np.array([0.4])
    assert binary_tails(p, 2, 1)[1][0] == pytest.approx(0.7, abs=1e-3)
    assert binary_tails(p, 2, -1)[1][0] == pytest.approx(0.2, abs=1e-3)


@pytest.mark.parametrize("side", [-1, 1])
@pytest.mark.parametrize("odds_ratio", [1.0, 1.7, 4.0])
def test_binary_closed_form_is_the_mean_of_the_tail_outcome(odds_ratio, side):
    p = np.linspace(0.01, 0.99, 99)
    quantile, worst = binary_tails(p, odds_ratio, side)
    one = tail_outcome(np.ones(99), quantile, odds_ratio, side)
    zero = tail_outcome(np.zeros(99), quantile, odds_ratio, side)
    assert p * one + (1 - p) * zero == pytest.approx(worst)
    assert ((worst >= 0) & (worst <= 1)).all()


def test_the_worst_mean_is_that_of_the_worst_reweighting():
    """No weights between 1 / L and L that average to one give a larger mean."""
    rng = np.random.default_rng(0)
    y = np.sort(rng.normal(size=2001))
    for odds_ratio in (1.5, 3.0):
        cut = np.quantile(y, odds_ratio / (1 + odds_ratio))
        weight = np.where(y > cut, odds_ratio, 1 / odds_ratio)
        best = np.average(y, weights=weight)
        quantile = np.full(y.shape, cut)
        assert tail_outcome(y, quantile, odds_ratio, 1).mean() == pytest.approx(
            best, abs=2e-3
        )
        other = np.full(y.shape, cut + 0.5)
        assert tail_outcome(y, other, odds_ratio, 1).mean() > best


def test_an_error_of_the_quantile_enters_squared():
    exact = worst_mean(2, 1)
    right = stats.norm.ppf(2 / 3, loc=1)
    gaps = [
        tail_outcome(NORMAL, right + error, 2, 1).mean() - exact
        for error in (0.1, 0.2, -0.1)
    ]
    assert gaps[1] / gaps[0] == pytest.approx(4, rel=0.1)
    assert min(gaps) > 0


def test_scores_without_a_confounder_are_doubly_robust():
    rng = np.random.default_rng(0)
    y, mu, e = rng.normal(size=(3, 50))
    e = 1 / (1 + np.exp(-e))
    arm = rng.random(50) < e
    for side in (-1, 1):
        scores = arm_scores(y, arm, e, (mu, mu), 1.0, side)
        assert scores == pytest.approx(mu + arm * (y - mu) / e)


def test_weighting_bound_is_the_best_of_all_cuts():
    rng = np.random.default_rng(0)
    y, e = rng.normal(size=12), rng.uniform(0.2, 0.8, 12)
    weight = rng.random(12)
    best = -np.inf
    for choice in range(2**12):
        bits = (choice >> np.arange(12)) & 1
        z = np.where(bits, 2.0, 0.5)
        w = weight * (1 + z * (1 - e) / e)
        best = max(best, w @ y / w.sum())
    assert weighting_bound(y, e, weight, 2.0, 1) == pytest.approx(best)
    assert weighting_bound(-y, e, weight, 2.0, -1) == pytest.approx(-best)


# -------------------------------------------------------------------------- learners
@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(1200, 2))
    t = (rng.random(1200) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)
    y = X[:, 0] + 2 * t + rng.normal(size=1200)
    return X, y, t


@pytest.fixture(scope="module")
def sensitivity(rows):
    X, y, t = rows
    fit = AIPW(LINE, LOGIT, random_state=0).fit(X, y, treatment=t)
    return MarginalSensitivity.from_estimator(
        fit, QUANTILE, odds_ratios=(1, 1.5, 2, 4, 8)
    )


def test_without_a_confounder_bounds_are_the_average_effect(sensitivity):
    estimate = sensitivity._learner.average_effect()
    bounds = sensitivity.bounds(1)
    assert bounds.value == pytest.approx((estimate.value, estimate.value))
    assert bounds.interval() == pytest.approx(estimate.interval())


@pytest.mark.parametrize("odds_ratio", [1.5, 2, 4])
def test_bounds_of_a_normal_outcome_are_known(sensitivity, odds_ratio):
    """Y given x and arm has variance 1: each end moves by E[e] or E[1 - e] times c."""
    tau = stats.norm.ppf(odds_ratio / (1 + odds_ratio))
    c = (odds_ratio**2 - 1) / odds_ratio * stats.norm.pdf(tau)
    lower, upper = sensitivity.bounds(odds_ratio).value
    # The half-width is (E[1 - e] + E[e]) c = c.
    assert (upper - lower) / 2 == pytest.approx(c, rel=0.06)
    middle = sensitivity.bounds(1).value[0]
    assert (upper + lower) / 2 == pytest.approx(middle, abs=0.1)


def test_wider_for_stronger_confounders_and_narrower_than_weights_alone(sensitivity):
    table = sensitivity.table()
    assert (np.diff(table["lower"]) < 0).all()
    assert (np.diff(table["upper"]) > 0).all()
    assert (table["interval_lower"] < table["lower"]).all()
    sharp = table["upper"] - table["lower"]
    weights = table["weighting_upper"] - table["weighting_lower"]
    assert (weights >= sharp - 1e-9).all()
    assert weights.iloc[0] == pytest.approx(0)


def test_tipping_point_and_summary(sensitivity):
    null = sensitivity.bounds(1).value[0] - 0.8
    point = sensitivity.tipping_point(null)
    # The half-width c reaches 0.8 there.
    grid = np.linspace(1, 8, 8001)
    c = (grid**2 - 1) / grid * stats.norm.pdf(stats.norm.ppf(grid / (1 + grid)))
    assert point == pytest.approx(np.interp(0.8, c, grid), rel=0.1)
    assert 1 < sensitivity.tipping_point(null, 0.95) < point
    assert sensitivity.tipping_point(null=20.0) == np.inf
    assert (
        "by more than a factor of 8 to bring the effect to 0" in sensitivity.summary()
    )
    assert sensitivity.tipping_point(null=sensitivity.bounds(1).value[0]) == 1


def test_a_pipeline_of_a_binary_outcome_needs_no_quantiles(rows):
    X, y, t = rows
    chance = (y > 1).astype(int)
    learner = DRLearner(LOGIT, LOGIT, LINE, outcome_by_arm=True, random_state=0)
    pipeline = make_pipeline(StandardScaler(), learner)
    pipeline.fit(X, causal_target(chance, t))
    one = MarginalSensitivity.from_estimator(pipeline, "never looked at")
    mu = learner.nuisances_["outcome_by_arm"][0]
    e = learner.nuisances_["propensity"][0]
    most = e[:, 1] * mu[:, 1] + e[:, 0] * binary_tails(mu[:, 1], 2, 1)[1]
    least = e[:, 0] * mu[:, 0] + e[:, 1] * binary_tails(mu[:, 0], 2, -1)[1]
    upper = one.bounds(2).value[1]
    assert upper == pytest.approx((most - least).mean(), abs=0.03)
    assert one.bounds(50).value[1] <= 1.05


def test_the_default_quantile_model_agrees_with_the_linear_one(rows):
    X, y, t = rows
    fit = AIPW(LINE, LOGIT, random_state=0, cv=3).fit(X, y, treatment=t)
    plain = MarginalSensitivity.from_estimator(fit).bounds(2)
    linear = MarginalSensitivity.from_estimator(fit, QUANTILE).bounds(2)
    assert plain.value == pytest.approx(linear.value, abs=0.12)


def test_scale_and_arms_swap(rows, sensitivity):
    X, y, t = rows
    fit = AIPW(LINE, LOGIT, control_arm=1, random_state=0).fit(X, 2 * y, treatment=t)
    one = MarginalSensitivity.from_estimator(fit, QUANTILE).bounds(2)
    same = sensitivity.bounds(2)
    assert one.value == pytest.approx(
        (-2 * same.value[1], -2 * same.value[0]), rel=1e-3
    )


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.bounds(0.5), "at least 1"),
        (lambda s: s.weighting_bounds(np.inf), "at least 1"),
        (lambda s: s.table(level=3), "level"),
        (
            lambda s: MarginalSensitivity.from_estimator(s._learner, LINE).bounds(2),
            "regressor of a quantile",
        ),
        (
            lambda s: MarginalSensitivity.from_estimator(s._learner, tail_model=LOGIT),
            "classifier",
        ),
        (
            lambda s: MarginalSensitivity.from_estimator(s._learner, odds_ratios=()),
            "at least one",
        ),
    ],
)
def test_bad_input_gets_an_error(call, message, sensitivity):
    with pytest.raises(ValueError, match=message):
        call(sensitivity)


def test_several_arms_are_refused(rows):
    X, y, _ = rows
    arms = np.arange(len(y)) % 3
    fit = AIPW(LINE, LOGIT, control_arm=0, random_state=0).fit(X, y, treatment=arms)
    with pytest.raises(ValueError, match="compares two arms"):
        MarginalSensitivity.from_estimator(fit)
