"""TMLE: targeted means solve their equation, stay in bounds, and cover."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal import NoIntervalWarning
from skcausal.datasets import make_observational
from skcausal.estimation import AIPW, TMLE, KnownPropensity
from skcausal.estimation._targeting import targeted_means
from tests.estimation.average_effects.draws import TARGETS, coverage, draw
from tests.estimation.helpers import hand_error, hand_nuisances, make_table
from tests.estimation.helpers import logit as logistic


class Off(RegressorMixin, BaseEstimator):
    """Predicts one wrong number."""

    def fit(self, X, y, sample_weight=None):
        return self

    def predict(self, X):
        return np.full(len(X), 2.0)


def test_the_shift_solves_the_score_equation(rng):
    n = 200
    arm, outcome = rng.integers(0, 3, n), rng.uniform(size=n)
    mu = rng.uniform(0.1, 0.9, (n, 3))
    e = rng.dirichlet([5, 5, 5], n)
    weight = rng.uniform(size=n)
    odds = {
        "all": {2: 1 / e[:, 2], 0: 1 / e[:, 0]},
        "treated": {2: np.ones(n), 0: e[:, 2] / e[:, 0]},
        "control": {2: e[:, 0] / e[:, 2], 0: np.ones(n)},
    }
    for target in TARGETS:
        moved = targeted_means(target, 2, outcome, arm, mu, e, weight)
        np.testing.assert_array_equal(moved[:, 1], mu[:, 1])
        for code, omega in odds[target].items():
            shifts = logit(moved[:, code]) - logit(mu[:, code])
            assert np.ptp(shifts) < 1e-9
            own = arm == code
            residual = (weight * omega * (outcome - moved[:, code]))[own]
            assert abs(residual.sum()) < 1e-8


def test_outcomes_at_a_bound_move_means_there(rng):
    arm = np.repeat([0, 1], 20)
    mu, e = rng.uniform(0.2, 0.8, (40, 2)), np.full((40, 2), 0.5)
    moved = targeted_means("all", 1, arm.astype(float), arm, mu, e, np.ones(40))
    np.testing.assert_array_equal(moved, np.tile([0.0, 1.0], (40, 1)))


def test_average_is_written_out_by_hand():
    table = make_table()
    mu, e = hand_nuisances(table)
    low, high = table.y.min(), table.y.max()
    share = np.clip((mu - low) / (high - low), 5e-4, 1 - 5e-4)
    y = (table.y - low) / (high - low)
    scores = []
    for arm in (0, 1):
        own = table.codes == arm
        shift = 0.0
        for _ in range(50):  # Newton's method
            p = expit(logit(share[:, arm]) + shift)
            slope = (own / e[:, arm] * p * (1 - p)).sum()
            shift += (own / e[:, arm] * (y - p)).sum() / slope
        means = low + (high - low) * expit(logit(share[:, arm]) + shift)
        scores.append(means + own / e[:, arm] * (table.y - means))
    expected = scores[1] - scores[0]
    tmle = TMLE(LinearRegression(), logistic(), cv=table.splits, random_state=0)
    tmle.fit(table.X, table.y, treatment=table.treatment)
    estimate = tmle.average_effect()
    assert estimate.value == pytest.approx(expected.mean())
    assert estimate.standard_error == pytest.approx(
        hand_error(expected - expected.mean())
    )
    assert tmle.outcome_bounds_ == (low, high)


def test_estimates_are_differences_of_bounded_means():
    """With weak overlap AIPW leaves the unit interval; TMLE cannot."""
    X, _, treatment = draw(0, 80)
    y = np.where(treatment == 1, X[:, 0] > -1, X[:, 1] > 0).astype(int)
    known = KnownPropensity(np.where(treatment == 1, 0.03, 0.5))
    half = DummyClassifier(strategy="uniform")
    values = [
        one(half, known, cv=2, random_state=0)
        .fit(X, y, treatment=treatment)
        .average_effect_.value
        for one in (AIPW, TMLE)
    ]
    assert values[0] > 1
    assert 0 < values[1] < 1


def test_an_arm_without_events_is_told():
    X, y, treatment = draw(0, 80, "binary")
    tmle = TMLE(LogisticRegression(), logistic(), random_state=0, cv=2)
    with pytest.warns(NoIntervalWarning, match="all outcomes of arm 0 are 0"):
        tmle.fit(X, y * treatment, treatment=treatment)
    assert 0 < tmle.average_effect_.value < 1


def test_a_wrong_outcome_model_is_corrected():
    """Where AIPW is right because of the propensity, so is TMLE; bounds are kept."""
    values = []
    for seed in range(40):
        X, y, treatment = draw(seed)
        tmle = TMLE(Off(), logistic(), cv=2, random_state=seed)
        tmle.fit(X, y, treatment=treatment)
        values.append(tmle.average_effect_.value)
    error = np.std(values, ddof=1) / np.sqrt(len(values))
    assert abs(np.mean(values) - 1) < 4 * error
    assert abs(np.mean(values) - 1) < 0.15


def test_several_arms_subgroups_and_ratio():
    data = make_observational(
        600, treatment="multi", outcome="binary", n_features=2, random_state=0
    )
    models = LogisticRegression(), LogisticRegression()
    tmle = TMLE(*models, control_arm=0, random_state=0)
    tmle.fit(data.X, data.y, treatment=data.treatment)
    estimate = tmle.average_effect(by=data.X["x1"] > 0)
    assert len(estimate.labels) == 4
    lift = tmle.average_effect(scale="ratio")
    assert (np.abs(lift.influence.mean(axis=0)) < 1e-9).all()
    averages = tmle.average_effect()
    error = np.asarray(averages.value) - data.average_effect
    assert (np.abs(error) < 4 * averages.standard_error).all()


def test_bad_bounds_and_targets_are_errors():
    table = make_table()
    options = {"treatment": table.treatment}
    with pytest.raises(ValueError, match="two numbers"):
        TMLE(outcome_bounds=(3, 1)).fit(table.X, table.y, **options)
    with pytest.raises(ValueError, match="beyond outcome_bounds"):
        TMLE(LinearRegression(), logistic(), outcome_bounds=(0, 1), cv=2).fit(
            table.X, table.y, **options
        )
    tmle = TMLE(LinearRegression(), logistic(), cv=2, random_state=0)
    tmle.fit(table.X, table.y, **options)
    with pytest.raises(ValueError, match="'overlap' is not offered"):
        tmle.average_effect(target="overlap")


def test_means_beyond_the_bounds_are_counted():
    table = make_table()
    tmle = TMLE(LinearRegression(), logistic(), cv=2, random_state=0)
    tmle.fit(table.X, np.exp(table.y), treatment=table.treatment)
    assert tmle.n_bounded_means_ > 0


@pytest.mark.parametrize("outcome", ["continuous", "binary"])
def test_intervals_cover(outcome):
    model = LinearRegression() if outcome == "continuous" else logistic()
    coverage(
        lambda seed: TMLE(model, logistic(), cv=2, random_state=seed),
        80,
        outcome=outcome,
    )


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["continuous", "binary"])
def test_intervals_cover_with_default_models(outcome):
    coverage(lambda seed: TMLE(random_state=seed), 300, outcome=outcome, n_rows=1000)
