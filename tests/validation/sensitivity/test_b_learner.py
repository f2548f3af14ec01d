"""BLearner: known bounds of rows (G16), laws, bad input."""

import numpy as np
import pytest
from scipy import optimize, stats
from sklearn.base import clone
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, QuantileRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, SplineTransformer
from sklearn.utils.estimator_checks import check_estimator

from skcausal.estimation import DRLearner
from skcausal.testing import as_plain_estimator, check_causal_estimator
from skcausal.validation import BLearner, MarginalSensitivity

LINE, LOGIT = LinearRegression(), LogisticRegression()
QUANTILE = QuantileRegressor(alpha=0, solver="highs")


class NormalQuantile(LinearRegression):
    """Quantiles of a normal outcome with one variance: fast."""

    def __init__(self, quantile=0.5):
        super().__init__()
        self.quantile = quantile

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        spread = np.sqrt(
            np.average((y - super().predict(X)) ** 2, weights=sample_weight)
        )
        self.shift_ = stats.norm.ppf(self.quantile) * spread
        return self

    def predict(self, X):
        return super().predict(X) + self.shift_


def spline(model):
    return make_pipeline(SplineTransformer(6), model)


def propensities(x, fair):
    """Return those of u = 0 and of u = 1, and the probability of u = 1.

    The simulation of Oprescu et al. (2023), after Kallus et al. (2019), tosses a fair
    coin for u. The propensity given x alone is then not the nominal one: the true odds
    ratio goes up to 3.8, not e, and no sharp bounds at e hold the effect. Otherwise u
    is drawn such that the propensity given x is the nominal one.
    """
    e = 1 / (1 + np.exp(-0.75 * x - 0.5))
    least = 1 / (1 + (1 / e - 1) * np.e)
    most = 1 / (1 + (1 / e - 1) / np.e)
    return least, most, np.full_like(x, 0.5) if fair else (e - least) / (most - least)


def draw(n, seed, fair=False):
    rng = np.random.default_rng(seed)
    x = rng.uniform(-2, 2, n)
    least, most, of_u = propensities(x, fair)
    u = (rng.random(n) < of_u).astype(int)
    t = (rng.random(n) < np.where(u, most, least)).astype(int)
    return x, mean(x, t, u) + rng.normal(size=n), t


def mean(x, t, u):
    sign = 2 * t - 1
    return sign * (x + 1) - 2 * np.sin(2 * sign * x) - (4 * u - 2) * (1 + 0.5 * x)


def effect(x):
    """The effect does not depend on u."""
    return 2 * (x + 1) - 4 * np.sin(2 * x)


def oracle_bounds(x, odds_ratio, fair=False):
    """Bounds from the true mixture of two normals in each arm, by numbers."""
    least, most, of_u = propensities(x, fair)
    ends = np.empty((len(x), 2))
    for i in range(len(x)):
        values = {}
        for arm in (0, 1):
            chance = np.array([least[i], most[i]])
            chance = chance if arm else 1 - chance
            chance = chance * np.array([1 - of_u[i], of_u[i]])
            own = chance.sum()
            share = chance / own
            centre = np.array([mean(x[i], arm, u) for u in (0, 1)])
            plain = share @ centre
            for side in (-1, 1):
                level = odds_ratio / (1 + odds_ratio)
                level = level if side > 0 else 1 - level
                q = optimize.brentq(
                    lambda v, s=share, c=centre, a=level: s @ stats.norm.cdf(v - c) - a,
                    centre.min() - 8,
                    centre.max() + 8,
                )
                z = side * (q - centre)
                tail = stats.norm.pdf(z) - z * stats.norm.sf(z)
                worst = q + side * (1 + odds_ratio) * (share @ tail)
                rho = plain / odds_ratio + (1 - 1 / odds_ratio) * worst
                values[arm, side] = own * plain + (1 - own) * rho
        ends[i] = values[1, -1] - values[0, 1], values[1, 1] - values[0, -1]
    return ends.T


def fitted(n, seed, odds_ratio, fair=False):
    x, y, t = draw(n, seed, fair)
    learner = BLearner(
        spline(LINE),
        spline(LOGIT),
        spline(LINE),
        odds_ratio=odds_ratio,
        quantile_model=spline(QUANTILE),
        tail_model=spline(LINE),
        cv=3,
        random_state=0,
    )
    return learner.fit(x[:, None], y, treatment=t)


@pytest.fixture(scope="module")
def draws():
    return [fitted(2000, seed, np.e) for seed in (0, 1, 2)]


@pytest.fixture(scope="module")
def learner(draws):
    return draws[0]


GRID = np.linspace(-1.9, 1.9, 60)


@pytest.fixture(scope="module")
def oracle():
    low, high = oracle_bounds(GRID, np.e)
    # The confounder is the worst one: for large x the upper end is the effect itself,
    # so estimates of it lie on either side of the effect.
    assert np.mean((low <= effect(GRID)) & (effect(GRID) <= high)) == 1
    assert (high - effect(GRID))[-20:].max() < 0.05
    return low, high


def check_bounds(learners, oracle):
    """Compare the mean of three draws with the oracle, where both arms are common."""
    middle = np.abs(GRID) < 1.2
    ends = [one.effect_bounds(GRID[middle][:, None]) for one in learners]
    error = np.std(ends, axis=0, ddof=1) / np.sqrt(len(ends))
    lower, upper = np.mean(ends, axis=0)
    low, high = (one[middle] for one in oracle)
    width = np.mean(high - low)
    assert 0.9 < np.mean(upper - lower) / width <= 1.10
    assert np.mean(np.abs(lower - low)) < 0.1 * width
    assert np.mean(np.abs(upper - high)) < 0.1 * width
    # The effect is at the border: it is inside up to Student's margin of three draws.
    tau, margin = effect(GRID[middle]), 4.3 * error
    inside = (lower - margin[0] <= tau) & (tau <= upper + margin[1])
    assert inside.mean() >= 0.97
    return np.mean([(a <= tau) & (tau <= b) for a, b in ends])


def test_bounds_of_rows_are_near_the_oracle(draws, oracle):
    """G16 at the true odds ratio, on few rows."""
    check_bounds(draws, oracle)


@pytest.mark.slow
def test_bounds_of_rows_are_near_the_oracle_on_many_rows(oracle):
    """G16: near the oracle at the true odds ratio, too narrow at a smaller one."""
    share = check_bounds([fitted(4000, seed, np.e) for seed in (0, 1, 2)], oracle)
    x = GRID[np.abs(GRID) < 1.2]
    lower, upper = fitted(4000, 0, 1.5).effect_bounds(x[:, None])
    assert np.mean((lower <= effect(x)) & (effect(x) <= upper)) < share - 0.2


def test_a_fair_coin_needs_a_larger_odds_ratio():
    tau = effect(GRID)
    low, high = oracle_bounds(GRID, np.e, fair=True)
    assert np.mean((low <= tau) & (tau <= high)) < 0.6
    low, high = oracle_bounds(GRID, 3.8, fair=True)
    assert np.mean((low <= tau) & (tau <= high)) == 1


def test_bounds_of_rows_with_default_models(oracle):
    x, y, t = draw(2000, 0)
    learner = BLearner(odds_ratio=np.e, cv=2, random_state=0)
    lower, upper = learner.fit(x[:, None], y, treatment=t).effect_bounds(GRID[:, None])
    width = np.mean(oracle[1] - oracle[0])
    assert 0.8 < np.mean(upper - lower) / width < 1.2
    assert np.mean(np.abs(lower - oracle[0])) < 0.25 * width
    assert np.mean(np.abs(upper - oracle[1])) < 0.25 * width


def test_average_bounds_are_those_of_marginal_sensitivity(learner):
    one = MarginalSensitivity.from_estimator(
        learner, learner.quantile_model, learner.tail_model
    )
    assert learner.average_bounds_.value == pytest.approx(one.bounds(np.e).value)
    assert learner.average_bounds_.interval() == pytest.approx(
        one.bounds(np.e).interval()
    )
    lower, upper = one.weighting_bounds(np.e)
    assert upper - lower >= learner.average_bounds_.width


def linear_learner():
    return BLearner(
        LINE,
        LOGIT,
        LINE,
        quantile_model=NormalQuantile(),
        tail_model=LINE,
        cv=2,
        random_state=0,
    )


def test_it_obeys_the_laws_of_learners():
    check_causal_estimator(linear_learner())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_it_obeys_scikit_learn():
    check_estimator(as_plain_estimator(linear_learner()), on_skip=None)


def test_without_a_confounder_it_is_the_dr_learner():
    x, y, t = draw(500, 1)
    X = x[:, None]
    models = (LINE, LOGIT, spline(LINE))
    one = BLearner(*models, odds_ratio=1.0, random_state=0).fit(X, y, treatment=t)
    same = DRLearner(*models, outcome_by_arm=True, weighting="uniform", random_state=0)
    effects = same.fit(X, y, treatment=t).effect(X)
    for values in (one.effect(X), *one.effect_bounds(X)):
        assert values == pytest.approx(effects)


def test_scale_shift_and_swapped_arms():
    x, y, t = draw(500, 2)
    X = x[:, None]
    base = linear_learner()
    lower, upper = clone(base).fit(X, y, treatment=t).effect_bounds(X)
    low, high = clone(base).fit(X, 3 * y + 5, treatment=t).effect_bounds(X)
    assert low == pytest.approx(3 * lower, abs=1e-4)
    assert high == pytest.approx(3 * upper, abs=1e-4)
    swapped = clone(base).set_params(control_arm=1).fit(X, y, treatment=t)
    low, high = swapped.effect_bounds(X)
    assert (low, high) == (
        pytest.approx(-upper, abs=1e-4),
        pytest.approx(-lower, abs=1e-4),
    )


def test_unit_weights_change_nothing():
    x, y, t = draw(400, 3)
    X = x[:, None]
    base = linear_learner()
    plain = clone(base).fit(X, y, treatment=t)
    weighted = clone(base).fit(X, y, treatment=t, sample_weight=np.ones(400))
    for one, two in zip(plain.effect_bounds(X), weighted.effect_bounds(X), strict=True):
        assert one == pytest.approx(two, abs=1e-6)


def test_binary_outcomes_stay_within_their_range():
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(600, 1)), rng.integers(0, 2, 600)
    y = rng.random(600) < 0.4
    effect_model = make_pipeline(PolynomialFeatures(1), LINE)
    learner = BLearner(LOGIT, LOGIT, effect_model, odds_ratio=2, random_state=0)
    learner.fit(X, y, treatment=t)
    lower, upper = learner.average_bounds_.value
    # Half the rows each: .5 (.7 - .2) on either side of no effect.
    assert (lower, upper) == pytest.approx((-0.25, 0.25), abs=0.1)


def test_score_and_averages_are_those_of_a_learner(learner):
    X = GRID[:, None]
    assert learner.predict(X) == pytest.approx(learner.effect(X))
    estimate = learner.average_effect()
    assert learner.average_bounds_.value[0] < estimate.value
    assert learner.average_bounds_.value[1] > estimate.value


def test_any_quantile_regressor_gets_its_level():
    from lightgbm import LGBMRegressor
    from sklearn.ensemble import GradientBoostingRegressor

    from skcausal.validation._marginal_tails import quantile_regressor

    gradient = GradientBoostingRegressor(loss="quantile")
    assert quantile_regressor(gradient, 0.7, 10, "me").alpha == 0.7
    light = LGBMRegressor(objective="quantile")
    assert quantile_regressor(light, 0.7, 10, "me").alpha == 0.7
    nested = quantile_regressor(spline(QUANTILE), 0.7, 10, "me")
    assert nested[-1].quantile == 0.7
    assert QUANTILE.quantile == 0.5
    piped = quantile_regressor(spline(gradient), 0.7, 10, "me")
    assert piped[-1].alpha == 0.7


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"odds_ratio": 0.5}, ValueError, "at least 1"),
        ({"quantile_model": RandomForestRegressor()}, ValueError, "of a quantile"),
        ({"quantile_model": 0.5}, TypeError, "estimator instance"),
    ],
)
def test_bad_input_gets_an_error(parameters, error, message):
    x, y, t = draw(200, 0)
    learner = BLearner(LINE, LOGIT, LINE, **parameters)
    with pytest.raises(error, match=message):
        learner.fit(x[:, None], y, treatment=t)


def test_several_arms_are_refused():
    x, y, _ = draw(90, 0)
    learner = BLearner(LINE, LOGIT, LINE, control_arm=0)
    with pytest.raises(ValueError, match="compares two"):
        learner.fit(x[:, None], y, treatment=np.arange(90) % 3)
