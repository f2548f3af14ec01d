"""PropensityWeighting: stacked sandwich against statsmodels and numeric derivatives."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.special import softmax
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from statsmodels.treatment.treatment_effects import TreatmentEffect

from skcausal import NoIntervalWarning, OverlapWarning
from skcausal.estimation import KnownPropensity, PropensityWeighting
from tests.estimation.average_effects.draws import coverage, draw, propensity
from tests.estimation.helpers import hand_error, logit, make_table

ALL_TARGETS = ("all", "treated", "control", "overlap")


@pytest.mark.parametrize("target", ["all", "treated", "control"])
def test_hajek_and_its_sandwich_equal_statsmodels(target):
    X, y, treatment = draw(1, 300)
    design = sm.add_constant(X)
    selection = sm.Logit(treatment, design).fit(disp=False, tol=1e-12)
    effect = TreatmentEffect(sm.OLS(y, design), treatment, selection)
    expected = effect.ipw(effect_group=target)
    weighting = PropensityWeighting().fit(X, y, treatment=treatment)
    estimate = weighting.average_effect(target=target)
    assert estimate.value == pytest.approx(expected.effect[0], rel=1e-5)
    correction = np.sqrt(300 / 299)
    assert estimate.standard_error / correction == pytest.approx(
        expected.sd[0], rel=2e-3
    )


def stacked(coefficients, thetas, Z, table, weight, target, weighting):
    """Return the estimating functions of (coefficients, two means) per row."""
    n_arms = table.codes.max() + 1
    odds = Z @ coefficients.reshape(n_arms - 1, -1).T
    e = softmax(np.column_stack([np.zeros(len(Z)), odds]), axis=1)
    arms = np.eye(n_arms)[table.codes]
    tilt = {
        "all": np.ones(len(Z)),
        "treated": e[:, 1],
        "control": e[:, 0],
        "overlap": e[:, 1] * e[:, 0] / (e[:, 1] + e[:, 0]),
    }[target]
    size = {"treated": arms[:, 1], "control": arms[:, 0]}.get(target, tilt)
    columns = [(weight[:, None] * (arms - e)[:, [k]] * Z) for k in range(1, n_arms)]
    for arm, theta in zip((1, 0), thetas, strict=True):
        numerator = arms[:, arm] * tilt / e[:, arm]
        mass = numerator if weighting == "hajek" else size
        columns.append((weight * (numerator * table.y - theta * mass))[:, None])
    return np.hstack(columns)


@pytest.mark.parametrize("kind", ["binary", "multi"])
@pytest.mark.parametrize("weighting", ["hajek", "horvitz_thompson"])
@pytest.mark.parametrize("target", ALL_TARGETS)
def test_sandwich_from_numeric_derivatives(kind, weighting, target):
    table = make_table(kind, 150)
    weight = np.random.default_rng(3).uniform(0.5, 2, 150)
    control = 0 if kind == "binary" else "none"
    estimator = PropensityWeighting(weighting=weighting, control_arm=control)
    estimator.fit(table.X, table.y, treatment=table.treatment, sample_weight=weight)
    estimate = estimator.average_effect(target=target)
    Z = np.column_stack([np.ones(150), table.X])
    e = estimator.propensity_
    odds = np.log(e[:, 1:] / e[:, :1])
    coefficients = np.linalg.lstsq(Z, odds, rcond=None)[0].T.ravel()
    arguments = (Z, table, weight, target, weighting)
    at_zero = stacked(coefficients, (0.0, 0.0), *arguments)[:, -2:].sum(axis=0)
    at_one = stacked(coefficients, (1.0, 1.0), *arguments)[:, -2:].sum(axis=0)
    thetas = at_zero / (at_zero - at_one)
    point = np.concatenate([coefficients, thetas])

    def equations(point):
        return stacked(point[:-2], point[-2:], *arguments)

    scores = equations(point)
    steps = 1e-5 * np.eye(len(point))
    slopes = [
        (equations(point + h) - equations(point - h)).mean(axis=0) / 2e-5 for h in steps
    ]
    influence = -scores @ np.linalg.inv(np.array(slopes).T).T
    expected = influence[:, -2] - influence[:, -1]
    value = np.atleast_1d(estimate.value)[0]
    assert value == pytest.approx(thetas[0] - thetas[1], rel=1e-6)
    error = np.atleast_1d(estimate.standard_error)[0]
    assert error == pytest.approx(hand_error(expected), rel=1e-4)


@pytest.mark.parametrize("weighting", ["hajek", "horvitz_thompson"])
def test_known_propensities_are_not_corrected_for(weighting):
    table = make_table()
    known = np.where(table.X[:, 0] > 0, 0.6, 0.4)
    estimator = PropensityWeighting(KnownPropensity(known), weighting=weighting)
    estimator.fit(table.X, table.y, treatment=table.treatment)
    influence, value = 0.0, 0.0
    for sign, arm, e in ((1, 1, known), (-1, 0, 1 - known)):
        weights = (table.codes == arm) / e
        mass = weights if weighting == "hajek" else np.ones(90)
        theta = (weights * table.y).sum() / mass.sum()
        value += sign * theta
        influence += sign * (weights * table.y - theta * mass) / mass.mean()
    assert estimator.average_effect_.value == pytest.approx(value)
    assert estimator.average_effect_.standard_error == pytest.approx(
        hand_error(influence)
    )


def test_estimating_the_propensity_makes_intervals_shorter():
    X, y, treatment = draw(0)
    known = PropensityWeighting(KnownPropensity(propensity(X)))
    known.fit(X, y, treatment=treatment)
    fitted = PropensityWeighting().fit(X, y, treatment=treatment)
    shorter = fitted.average_effect_.standard_error
    assert shorter < 0.9 * known.average_effect_.standard_error


def test_groups_are_the_units_of_the_error():
    table = make_table()
    groups = np.repeat(np.arange(30), 3)
    plain = PropensityWeighting().fit(table.X, table.y, treatment=table.treatment)
    estimator = PropensityWeighting()
    estimator.fit(table.X, table.y, treatment=table.treatment, groups=groups)
    assert estimator.average_effect_.standard_error == pytest.approx(
        hand_error(plain.average_effect_.influence, groups)
    )


def test_overlap_weights_balance_covariates_exactly():
    """Li, Morgan & Zaslavsky (2018), theorem 3: as an outcome, a covariate has no
    effect."""
    X, _, treatment = draw(2)
    estimator = PropensityWeighting().fit(X, X[:, 0], treatment=treatment)
    balance = estimator.average_effect(target="overlap")
    assert balance.value == pytest.approx(0, abs=1e-6)
    assert balance.standard_error == pytest.approx(0, abs=1e-6)


def test_categories_go_through_a_pipeline():
    X, y, treatment = draw(3, 200)
    frame = pd.DataFrame({"band": pd.cut(X[:, 0], [-9, -0.5, 0.5, 9]).astype(str)})
    frame["band"] = frame["band"].astype("category")
    model = make_pipeline(OneHotEncoder(drop="first"), logit())
    estimator = PropensityWeighting(model).fit(frame, y, treatment=treatment)
    parts = [
        y[(frame.band == b) & (treatment == 1)].mean() for b in frame.band.unique()
    ]
    others = [
        y[(frame.band == b) & (treatment == 0)].mean() for b in frame.band.unique()
    ]
    shares = [(frame.band == b).mean() for b in frame.band.unique()]
    expected = np.dot(shares, np.subtract(parts, others))  # a saturated propensity
    assert estimator.average_effect_.value == pytest.approx(expected, rel=1e-5)


def test_machine_learned_propensities_have_no_interval():
    X, y, treatment = draw(4, 200)
    forest = RandomForestClassifier(20, min_samples_leaf=20, random_state=0)
    estimator = PropensityWeighting(forest, cv=2, random_state=0)
    with pytest.warns(NoIntervalWarning, match="Use AIPW with this model"):
        estimator.fit(X, y, treatment=treatment)
    assert np.isfinite(estimator.average_effect_.value)
    assert np.isnan(estimator.average_effect_.standard_error)


@pytest.mark.filterwarnings("ignore:.*:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:.*:scipy.linalg.LinAlgWarning")
def test_separation_is_told():
    X, y, _ = draw(5, 100)
    with pytest.warns(OverlapWarning) as warned:
        PropensityWeighting().fit(X, y, treatment=(X[:, 0] > 0).astype(int))
    messages = [str(one.message) for one in warned]
    assert any("covariates separate the arms" in message for message in messages)


def test_bad_input_is_an_error():
    X, y, treatment = draw(0, 60)
    with pytest.raises(ValueError, match="'hajek' or 'horvitz_thompson'"):
        PropensityWeighting(weighting="mean").fit(X, y, treatment=treatment)
    missing = np.where(X > 2, np.nan, X)
    with pytest.raises(ValueError, match="NaN"):
        PropensityWeighting().fit(missing, y, treatment=treatment)
    fitted = PropensityWeighting().fit(X, y, treatment=treatment)
    with pytest.raises(ValueError, match="Use AIPW or a DRLearner"):
        fitted.best_linear_projection()


@pytest.mark.parametrize("weighting", ["hajek", "horvitz_thompson"])
def test_intervals_cover(weighting):
    coverage(lambda seed: PropensityWeighting(weighting=weighting), 150, ALL_TARGETS)


def test_only_propensities_that_are_divided_by_are_raised():
    """A control whom no treated row resembles has no weight among the treated."""
    table = make_table()
    known = np.where(table.X[:, 0] > 1, 1e-9, 0.5)
    treatment = np.where(known < 0.1, 0, table.treatment)
    estimator = PropensityWeighting(KnownPropensity(known))
    with pytest.warns(OverlapWarning, match="of 90 rows"):
        estimator.fit(table.X, table.y, treatment=treatment)
    near = known == 0.5
    arms = [table.y[near & (treatment == arm)].mean() for arm in (0, 1)]
    for target in ("treated", "overlap"):  # neither divides by them, or warns
        estimate = estimator.average_effect(target=target)
        assert estimate.value == pytest.approx(arms[1] - arms[0], rel=1e-6)


def test_a_strong_penalty_is_told():
    X, y, treatment = draw(0)
    PropensityWeighting(LogisticRegression()).fit(X, y, treatment=treatment)
    with pytest.warns(NoIntervalWarning, match=r"moves its equations by \d"):
        PropensityWeighting(LogisticRegression(C=0.01)).fit(X, y, treatment=treatment)


@pytest.mark.slow
def test_intervals_with_a_weak_penalty_cover():
    coverage(lambda seed: PropensityWeighting(LogisticRegression()), 400, ALL_TARGETS)
