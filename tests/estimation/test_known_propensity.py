"""KnownPropensity: one number, a mapping, or one probability per row."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from skcausal import causal_target
from skcausal.estimation import DRLearner, KnownPropensity, RLearner
from tests.estimation.helpers import LEARNERS, learner_of, make_table

NUISANCE = {"R": "treatment_mean"}


def propensities(name, table, known, **options):
    learner = learner_of(
        name, cv=table.splits, treatment_model=known, random_state=0, **options
    )
    learner.fit(table.X, table.y, treatment=table.treatment)
    learner.average_effect()
    return learner.nuisances_[NUISANCE.get(name, "propensity")][0]


@pytest.mark.parametrize("name", LEARNERS)
def test_float_is_the_probability_of_the_treated_arm(name):
    e = propensities(name, make_table(), KnownPropensity(0.3))
    np.testing.assert_allclose(e, np.tile([0.7, 0.3], (90, 1)))


def test_treated_is_the_arm_that_is_not_control():
    e = propensities("DR", make_table(), KnownPropensity(0.3), control_arm=1)
    np.testing.assert_allclose(e, np.tile([0.7, 0.3], (90, 1)))
    by_label = KnownPropensity({0: 0.3, 1: 0.7})
    e = propensities("DR", make_table(), by_label, control_arm=1)
    np.testing.assert_allclose(e, np.tile([0.7, 0.3], (90, 1)))


@pytest.mark.parametrize("name", LEARNERS)
def test_mapping_is_put_in_the_order_of_arms(name):
    known = KnownPropensity({"call": 0.2, "mail": 0.3, "none": 0.5})
    e = propensities(name, make_table("multi", 120), known, control_arm="none")
    np.testing.assert_allclose(e, np.tile([0.5, 0.2, 0.3], (120, 1)))


@pytest.mark.parametrize("name", LEARNERS)
def test_one_probability_per_row(name, rng):
    given = rng.uniform(0.2, 0.8, size=90)
    e = propensities(name, make_table(), KnownPropensity(given))
    np.testing.assert_allclose(e, np.column_stack([1 - given, given]))


def test_table_per_row(rng):
    given = rng.dirichlet([5, 5, 5], size=120)
    table = make_table("multi", 120)
    e = propensities("DR", table, KnownPropensity(given), control_arm="none")
    np.testing.assert_allclose(e, given)


@pytest.mark.parametrize("name", ["DR", "X"])
def test_propensity_that_travels_in_the_target(name, rng):
    """In the target, columns are in sorted order of the labels; any control works."""
    table = make_table("multi", 120)
    by_label = rng.dirichlet([5, 5, 5], size=120)  # call, mail, none
    target = causal_target(table.y, table.treatment, propensity=by_label)
    learner = learner_of(name, cv=table.splits, control_arm="none")
    learner.fit(table.X, target)
    learner.average_effect()
    e = learner.nuisances_["propensity"][0]
    np.testing.assert_allclose(e, by_label[:, [2, 0, 1]])


def test_propensity_in_the_target_wins_over_the_model():
    table = make_table()
    target = causal_target(table.y, table.treatment, propensity=np.full(90, 0.3))
    line = LinearRegression()
    learner = RLearner(line, KnownPropensity(0.9), line).fit(table.X, target)
    assert set(learner.nuisances_["treatment_mean"][0, :, 1]) == {0.3}


def test_nothing_is_fitted_and_the_loss_is_recorded():
    table = make_table()
    learner = learner_of("DR", treatment_model=KnownPropensity(0.3))
    learner.fit(table.X, table.y, treatment=table.treatment)
    fit = learner.nuisances_.fits["propensity"]
    share = table.treatment.mean()
    expected = -(share * np.log(0.3) + (1 - share) * np.log(0.7))
    assert fit.models == ()
    assert learner.nuisances_.losses()["propensity"] == pytest.approx(expected)


def test_as_a_scikit_learn_classifier():
    model = KnownPropensity({"a": 0.2, "b": 0.8}).fit(np.zeros((2, 1)), ["b", "a"])
    np.testing.assert_allclose(model.predict_proba(np.zeros((1, 1))), [[0.2, 0.8]])
    assert model.predict(np.zeros((1, 1))).tolist() == ["b"]


@pytest.mark.parametrize(
    ("probability", "message"),
    [
        (0.0, "strictly between 0 and 1"),
        (1.0, "strictly between 0 and 1"),
        (1.5, "strictly between 0 and 1"),
        (np.nan, "strictly between 0 and 1"),
        ({0: 0.5, 1: 0.6}, "add up to 1"),
        ({0: 0.5, 2: 0.5}, r"names the arms \[0, 2\], but the treatment has \[0, 1\]"),
        (np.full(50, 0.5), r"shape \(50, 2\), but the data need \(90, 2\)"),
        (np.full((90, 3), 1 / 3), r"shape \(90, 3\).*causal_target"),
    ],
)
def test_wrong_probabilities(probability, message):
    table = make_table()
    learner = DRLearner(LinearRegression(), KnownPropensity(probability))
    with pytest.raises(ValueError, match=message):
        learner.fit(table.X, table.y, treatment=table.treatment)


def test_one_number_does_not_fit_three_arms():
    table = make_table("multi", 120)
    learner = learner_of("DR", treatment_model=KnownPropensity(), control_arm="none")
    with pytest.raises(ValueError, match=r"one probability fits two arms, got 3"):
        learner.fit(table.X, table.y, treatment=table.treatment)


def test_continuous_treatment_has_no_propensity():
    table = make_table("continuous")
    target = causal_target(
        table.y, np.where(table.treatment > 0, 1.5, 0.5), propensity=np.full(90, 0.5)
    )
    learner = learner_of("R", treatment_model=LinearRegression())
    with pytest.raises(ValueError, match="a continuous treatment has no propensity"):
        learner.fit(table.X, target)
    known = learner_of("R", treatment_model=KnownPropensity())
    with pytest.raises(ValueError, match="is a classifier, but the treatment is conti"):
        known.fit(table.X, table.y, treatment=table.treatment)
