"""AIPW: the mean of hand-written scores, with the error of a mean."""

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression

from skcausal.estimation import AIPW, KnownPropensity, TLearner
from tests.estimation.average_effects.draws import coverage
from tests.estimation.helpers import (
    MULTI_ARMS,
    Unweighted,
    hand_error,
    hand_nuisances,
    logit,
    make_table,
)


def fit(table, **options):
    aipw = AIPW(LinearRegression(), logit(), cv=table.splits, random_state=0)
    data = {name: options.pop(name) for name in ("groups",) if name in options}
    return aipw.set_params(**options).fit(
        table.X, table.y, treatment=table.treatment, **data
    )


def scores(table, arm):
    mu, e = hand_nuisances(table)
    own = table.codes == arm
    return mu[:, arm] + own * (table.y - mu[:, arm]) / e[:, arm]


def test_average_is_the_mean_of_scores():
    table = make_table()
    difference = scores(table, 1) - scores(table, 0)
    estimate = fit(table).average_effect()
    assert estimate.value == pytest.approx(difference.mean())
    assert estimate.standard_error == pytest.approx(
        hand_error(difference - difference.mean())
    )


def test_average_of_the_treated_reweights_controls():
    table = make_table()
    mu, e = hand_nuisances(table)
    treated, residual = table.codes == 1, table.y - mu[:, 0]
    terms = np.where(treated, residual, -e[:, 1] / e[:, 0] * residual)
    value = terms.sum() / treated.sum()
    estimate = fit(table).average_effect(target="treated")
    assert estimate.value == pytest.approx(value)
    influence = (terms - treated * value) / treated.mean()
    assert estimate.standard_error == pytest.approx(hand_error(influence))


@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
def test_a_small_propensity_of_treatment_is_a_small_weight_for_the_treated():
    """It is raised where it divides, not where it multiplies."""
    table = make_table()
    known = np.where(table.X[:, 0] > 1, 1e-6, 0.5)
    treatment = np.where(known < 0.1, 0, table.treatment)
    aipw = AIPW(DummyRegressor(strategy="constant", constant=0), KnownPropensity(known))
    aipw.fit(table.X, table.y, treatment=treatment)
    estimate = aipw.average_effect(target="treated")
    near = known == 0.5
    controls = table.y[near & (treatment == 0)].sum()
    treated = treatment == 1
    expected = (table.y[treated].sum() - controls) / treated.sum()
    assert estimate.value == pytest.approx(expected, abs=1e-4)


def test_several_arms_have_an_average_each():
    table = make_table("multi", 150)
    estimate = fit(table, control_arm="none").average_effect()
    assert estimate.labels == ("call vs none", "mail vs none")
    for arm in (1, 2):
        difference = scores(table, arm) - scores(table, 0)
        one = estimate[f"{MULTI_ARMS[arm]} vs none"]
        assert one.value == pytest.approx(difference.mean())
        assert one.standard_error == pytest.approx(
            hand_error(difference - difference.mean())
        )


def test_groups_are_the_units_of_the_error():
    table = make_table()
    groups = np.repeat(np.arange(30), 3)
    difference = scores(table, 1) - scores(table, 0)
    estimate = fit(table).average_effect().with_groups(groups)
    assert estimate.standard_error == pytest.approx(
        hand_error(difference - difference.mean(), groups)
    )


def test_same_numbers_as_the_average_of_a_learner():
    table = make_table()
    learner = TLearner(LinearRegression(), logit(), cv=table.splits, random_state=0)
    learner.fit(table.X, table.y, treatment=table.treatment)
    expected, estimate = learner.average_effect(), fit(table).average_effect()
    np.testing.assert_allclose(estimate.influence, expected.influence)


def test_effect_is_the_average_for_every_row():
    table = make_table()
    aipw = fit(table)
    effects = aipw.effect(table.X[:4])
    np.testing.assert_array_equal(effects, np.full(4, aipw.average_effect_.value))
    assert (aipw.effect(table.X[:4], treated=0, control=1) == -effects).all()


def test_repeats_take_the_median():
    table = make_table()
    aipw = fit(table, cv=3, n_repeats=3)
    estimate = aipw.average_effect()
    assert estimate.values.shape == (3, 1)
    assert estimate.value == pytest.approx(np.median(estimate.values))


def test_weights_that_a_model_cannot_take_are_an_error():
    table = make_table()
    aipw = AIPW(Unweighted(), KnownPropensity(0.5))
    with pytest.raises(ValueError, match="cannot take sample weights"):
        aipw.fit(table.X, table.y, treatment=table.treatment, sample_weight=np.ones(90))


def test_a_continuous_treatment_is_refused():
    table = make_table("continuous")
    with pytest.raises(ValueError, match="continuous treatment needs"):
        AIPW().fit(table.X, table.y, treatment=table.treatment)


def test_intervals_cover():
    coverage(
        lambda seed: AIPW(LinearRegression(), logit(), cv=2, random_state=seed),
        150,
        ("all", "treated", "control", "overlap"),
    )
