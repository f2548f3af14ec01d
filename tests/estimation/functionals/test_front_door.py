"""FrontDoorEffect: closed forms, known truth, bad input."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal import OverlapWarning, causal_target
from skcausal.estimation import FrontDoorEffect
from skcausal.estimation.functionals._front_door import front_door_scores
from tests.estimation.functionals.helpers import front_door


def learner(mediators="m", **parameters):
    models = (LinearRegression(), LogisticRegression(C=np.inf), LinearRegression())
    return FrontDoorEffect(mediators, *models, random_state=0, **parameters)


def fitted(frame, **parameters):
    X = frame.drop(columns=["a", "y"])
    return learner(**parameters).fit(X, frame["y"], treatment=frame["a"])


def saturated(frame):
    """Return the front-door formula by counting, for a binary mediator."""
    share = frame["a"].mean()
    means = frame.groupby(["a", "m"])["y"].mean()
    inner = {m: means[0, m] * (1 - share) + means[1, m] * share for m in (0, 1)}
    chance = frame.groupby("a")["m"].mean()
    return (chance[1] - chance[0]) * (inner[1] - inner[0])


@pytest.mark.parametrize("covariate", [False, True])
@pytest.mark.parametrize("binary", [False, True])
def test_the_truth_is_found(binary, covariate):
    errors = []
    for seed in range(8):
        frame, truth = front_door(
            1000, seed, binary_mediator=binary, covariate=covariate
        )
        found = fitted(frame).average_effect()
        errors.append((found.value - truth) / found.standard_error)
    assert abs(np.mean(errors)) < 4 / np.sqrt(8)
    assert 0.4 < np.std(errors) < 1.8


@pytest.mark.slow
@pytest.mark.parametrize("binary", [False, True])
def test_it_is_unbiased_and_covered(binary):
    errors = []
    for seed in range(300):
        frame, truth = front_door(5000, seed, binary_mediator=binary)
        found = fitted(frame).average_effect()
        errors.append([found.value - truth, found.standard_error])
    error, se = np.transpose(errors)
    assert abs(error.mean()) < 2 * error.std() / np.sqrt(300)
    assert 0.92 <= (np.abs(error) < 1.96 * se).mean() <= 0.97


def test_a_comparison_of_arms_is_wrong_here():
    frame, truth = front_door(4000, 0)
    by_arm = frame.groupby("a")["y"].mean()
    found = fitted(frame).average_effect()
    assert abs(by_arm[1] - by_arm[0] - truth) > 10 * found.standard_error


def test_without_covariates_it_is_close_to_the_formula_by_counting():
    frame, _ = front_door(20_000, 3, binary_mediator=True)
    found = fitted(frame).average_effect()
    assert found.value == pytest.approx(
        saturated(frame), abs=0.1 * found.standard_error
    )


def test_scores_average_to_the_formula_where_the_models_are_exact():
    frame, _ = front_door(5000, 1, binary_mediator=True)
    a, m, y = (frame[name].to_numpy() for name in "amy")
    share = a.mean()
    mean = np.array([[y[(a == b) & (m == k)].mean() for k in (0, 1)] for b in (0, 1)])
    chance = np.array([m[a == b].mean() for b in (0, 1)])
    averages = np.array(
        [[mean[b, 0] * (1 - p) + mean[b, 1] * p for p in chance] for b in (0, 1)]
    )
    given = np.array([[1 - a[m == k].mean(), a[m == k].mean()] for k in (0, 1)])
    scores = front_door_scores(
        a,
        y,
        mean[:, m].T,
        np.broadcast_to(averages, (len(a), 2, 2)),
        np.broadcast_to([1 - share, share], (len(a), 2)),
        given[m],
    )
    assert np.diff(scores.mean(axis=0))[0] == pytest.approx(saturated(frame))


def test_wrong_outcome_models_do_no_harm_if_the_arms_are_modelled_well():
    frame, truth = front_door(20_000, 5)
    wrong = learner().set_params(averaging_model=None, outcome_model=LinearRegression())
    X = frame[["m"]].assign(square=frame["m"] ** 2)
    found = wrong.set_params(mediators=["m", "square"])
    found = found.fit(X, frame["y"], treatment=frame["a"]).average_effect()
    assert abs(found.value - truth) < 4 * found.standard_error


def test_ways_to_name_mediators_and_to_hand_over_treatment_agree():
    frame, _ = front_door(600, 2, covariate=True)
    X, y, a = frame[["m", "c"]], frame["y"], frame["a"]
    one = learner().fit(X, y, treatment=a).average_effect()
    two = learner([0]).fit(X.to_numpy(), y, treatment=a).average_effect()
    three = learner(["m"]).fit(X, causal_target(y, a)).average_effect()
    assert one.value == pytest.approx(two.value)
    assert one.value == three.value
    flipped = learner(control_arm=1).fit(X, y, treatment=a).average_effect()
    assert flipped.value == pytest.approx(-one.value)


def test_weights_count_rows_and_groups_widen():
    frame, _ = front_door(500, 4)
    twice = frame.loc[np.repeat(frame.index, 2)]
    groups = np.repeat(np.arange(len(frame)), 2)
    X, y, a = twice[["m"]], twice["y"], twice["a"]
    rows = learner().fit(X, y, treatment=a).average_effect()
    clustered = learner().fit(X, y, treatment=a, groups=groups).average_effect()
    assert clustered.standard_error > 1.2 * rows.standard_error
    weighted = learner().fit(X, y, treatment=a, sample_weight=np.full(len(X), 2.0))
    assert weighted.average_effect().value == pytest.approx(rows.value)


def test_average_outcomes_and_their_difference():
    frame, _ = front_door(800, 6)
    done = fitted(frame)
    low, high = done.outcome_means_.value
    assert high - low == pytest.approx(done.average_effect().value)
    assert clone(done).get_params().keys() == done.get_params().keys()


def test_mediators_must_be_columns():
    frame, _ = front_door(100, 0)
    with pytest.raises(ValueError, match="mediators must name columns of X, got 'z'"):
        fitted(frame, mediators="z")


def test_mediators_that_tell_the_arm_are_warned_of():
    frame, _ = front_door(1000, 0)
    sure = frame.assign(m=frame["a"] * 20 + frame["m"])
    model = learner().set_params(propensity_model=LogisticRegression())
    with pytest.warns(OverlapWarning, match="chance of some arm below"):
        model.fit(sure[["m"]], sure["y"], treatment=sure["a"])
    assert model.n_raised_ > 900
    unsure = model.set_params(propensity_model=DummyClassifier(strategy="prior"))
    assert unsure.fit(sure[["m"]], sure["y"], treatment=sure["a"]).n_raised_ == 0
