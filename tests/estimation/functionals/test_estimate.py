"""estimate: from a graph and a table to the effect."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal import NoIntervalWarning
from skcausal.estimation import AIPW, DRLearner, FrontDoorEffect, estimate
from skcausal.graphs import CausalGraph
from skcausal.identification import (
    IdentificationError,
    MissingColumnError,
    identify,
)
from tests.estimation.functionals.helpers import front_door, napkin

FRONT_DOOR = CausalGraph([("a", "m"), ("m", "y")], [("a", "y")])
NAPKIN = CausalGraph([("z", "w"), ("w", "x"), ("x", "y")], [("z", "x"), ("z", "y")])
CONFOUNDED = CausalGraph([("c", "a"), ("c", "y"), ("a", "y")])
INSTRUMENT = CausalGraph([("z", "a"), ("a", "y")], [("a", "y")])


def confounded(n=3000, seed=0, levels=2):
    rng = np.random.default_rng(seed)
    c = rng.standard_normal(n)
    a = (c[:, None] + rng.standard_normal((n, levels))).argmax(axis=1)
    a = np.where(rng.random(n) < 1 / (1 + np.exp(-c)), a, 0)
    return pd.DataFrame({"c": c, "a": a, "y": a + c + rng.standard_normal(n)})


def holds(found, truth, errors=4):
    error = np.abs(found.value - truth)
    return bool(np.all(error < errors * found.standard_error))


def test_adjustment_hands_over_to_a_learner():
    frame = confounded()
    learner = AIPW(LinearRegression(), LogisticRegression(C=np.inf), random_state=0)
    found = estimate(identify(CONFOUNDED, "a", "y"), frame, learner)
    alone = learner.fit(frame[["c"]], frame["y"], treatment=frame["a"])
    assert found.value == alone.average_effect().value
    assert holds(found, 1)


def test_default_learners_find_the_truth():
    frame = confounded(1500)
    assert holds(estimate(identify(CONFOUNDED, "a", "y"), frame, random_state=0), 1)
    dose = frame.assign(a=frame["c"] + np.random.default_rng(1).normal(size=1500))
    dose["y"] = 2 * dose["a"] + dose["c"]
    slope = estimate(identify(CONFOUNDED, "a", "y"), dose, random_state=0)
    assert slope.value == pytest.approx(2, abs=0.2)


def test_nothing_to_adjust_for_is_a_comparison_of_means():
    rng = np.random.default_rng(0)
    a = rng.integers(2, size=1000)
    frame = pd.DataFrame({"a": a, "y": a + rng.normal(size=1000)})
    found = estimate(identify(CausalGraph([("a", "y")]), "a", "y"), frame)
    means = frame.groupby("a")["y"].mean()
    assert found.value == pytest.approx(means[1] - means[0], abs=0.01)
    flipped = estimate(identify(CausalGraph([("a", "y")]), "a", "y"), frame, control=1)
    assert flipped.value == pytest.approx(-found.value, abs=0.02)


def test_the_front_door_by_scores_and_by_counting():
    frame, truth = front_door(4000, 0, binary_mediator=True)
    estimand = identify(FRONT_DOOR, "a", "y")
    models = (LinearRegression(), LogisticRegression())
    scores = estimate(estimand, frame, FrontDoorEffect("m", *models, random_state=0))
    counted = estimate(identify(FRONT_DOOR, "a", "y", kind="general"), frame)
    assert holds(scores, truth)
    assert counted.value == pytest.approx(scores.value, abs=0.02)
    assert counted.standard_error == pytest.approx(scores.standard_error, rel=0.03)


def test_a_continuous_mediator_without_a_learner_is_drawn():
    frame, truth = front_door(4000, 0)
    estimand = identify(FRONT_DOOR, "a", "y", kind="general")
    with pytest.warns(NoIntervalWarning, match="draws from fitted models"):
        drawn = estimate(estimand, frame, LinearRegression(), random_state=0)
    assert np.isnan(drawn.standard_error)
    assert drawn.value == pytest.approx(truth, abs=0.2)


@pytest.mark.parametrize("continuous", [False, True])
def test_the_napkin(continuous):
    frame, truth = napkin(20_000, 0, continuous=continuous)
    found = estimate(identify(NAPKIN, "x", "y"), frame)
    assert holds(found, truth, errors=3)
    half = np.repeat(np.arange(10_000), 2)
    assert estimate(identify(NAPKIN, "x", "y"), frame, groups=half).value == found.value


def test_an_instrument():
    rng = np.random.default_rng(0)
    z, hidden = rng.integers(2, size=4000), rng.normal(size=4000)
    a = (z + hidden + rng.normal(size=4000) > 0.5).astype(int)
    frame = pd.DataFrame({"z": z, "a": a, "y": 2 * a + hidden})
    estimand = identify(INSTRUMENT, "a", "y", kind="instrument")
    assert holds(estimate(estimand, frame, random_state=0), 2)


def test_several_levels_conditions_and_treatments():
    rng = np.random.default_rng(0)
    c, a, b = (rng.integers(k, size=6000) for k in (2, 3, 2))
    frame = pd.DataFrame({"c": c, "a": a, "b": b, "y": a * (1 + c) + b * a})
    graph = CausalGraph([("c", "y"), ("a", "y"), ("b", "y")])
    by = estimate(identify(graph, "a", "y", given="c"), frame, control=0)
    assert by.labels == tuple(f"{a} vs 0, c = {c}" for c in (0, 1) for a in (1, 2))
    np.testing.assert_allclose(by.value, [1.5, 3, 2.5, 5], atol=0.1)
    both = identify(graph, ["a", "b"], "y", kind="general")
    joint = estimate(both, frame, treated={"a": 2, "b": 1}, control={"a": 0, "b": 0})
    assert joint.value == pytest.approx(5, abs=0.1)
    assert joint.labels == ("a = 2, b = 1 vs a = 0, b = 0",)
    with pytest.raises(ValueError, match="2 treatments need dicts"):
        estimate(both, frame)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"treated": 7}, "which no row has"),
        ({"learner": DRLearner()}, "has no learner; DRLearner is one"),
    ],
)
def test_questions_that_make_no_sense(change, words):
    frame, _ = napkin(500, 0)
    with pytest.raises(ValueError, match=words):
        estimate(identify(NAPKIN, "x", "y"), frame, **change)


def test_labels_need_a_reference_and_say_what_is_compared():
    frame, _ = napkin(2000, 0)
    estimand = identify(NAPKIN, "x", "y")
    words = frame.assign(x=np.where(frame["x"] == 1, "drug", "none"))
    with pytest.raises(ValueError, match=r"'x' are 'drug', 'none'.*control='drug'"):
        estimate(estimand, words)
    found = estimate(estimand, words, control="none")
    assert found.labels == ("drug vs none",)
    assert found.value == pytest.approx(estimate(estimand, frame).value)


def test_control_reaches_a_learner_that_was_given():
    frame = confounded(1000)
    estimand = identify(CONFOUNDED, "a", "y")
    learner = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
    straight = estimate(estimand, frame, learner)
    flipped = estimate(estimand, frame, learner, control=1)
    assert flipped.value == pytest.approx(-straight.value)
    assert learner.control_arm is None
    again = clone(learner).set_params(control_arm=1)
    assert estimate(estimand, frame, again, control=1).value == flipped.value
    with pytest.raises(ValueError, match="control is 0, and the learner has 1"):
        estimate(estimand, frame, again, control=0)


def test_a_formula_of_an_experiment_needs_more_than_one_table():
    estimand = identify(INSTRUMENT, "a", "y", experiments=[["a"]])
    frame = pd.DataFrame({"z": [0, 1], "a": [0, 1], "y": [0.0, 1.0]})
    with pytest.raises(IdentificationError, match="experiment in which a was set"):
        estimate(estimand, frame)


def test_conditions_of_many_levels_are_refused():
    estimand = identify(CONFOUNDED, "a", "y", given="c")
    with pytest.raises(ValueError, match=r"given c makes 100 groups.*qcut"):
        estimate(estimand, confounded(100))


def test_weights_and_rows_are_checked():
    frame, _ = napkin(500, 0)
    estimand = identify(NAPKIN, "x", "y")
    for weight in (np.zeros(500), -np.ones(500), np.ones(499)):
        with pytest.raises(ValueError, match=r"estimate: (sample_weight|one weight)"):
            estimate(estimand, frame, sample_weight=weight)
    with pytest.raises(ValueError, match="'x' must have two levels at least, got"):
        estimate(estimand, frame.head(0))


def test_outcomes_of_words_are_refused():
    frame, _ = napkin(500, 0)
    words = frame.assign(y=np.where(frame["y"] > 0, "good", "bad"))
    with pytest.raises(ValueError, match=r"'y' must be numeric, got .* 'bad'"):
        estimate(identify(NAPKIN, "x", "y"), words)


def test_inputs_of_the_wrong_kind_are_named():
    frame = confounded(100)
    estimand = identify(CONFOUNDED, "a", "y")
    with pytest.raises(TypeError, match="estimand must be what identify returned"):
        estimate(frame, estimand)
    with pytest.raises(TypeError, match="average_effect, got LinearRegression"):
        estimate(estimand, frame, LinearRegression())
    with pytest.raises(MissingColumnError, match="'c', which is a covariate"):
        estimate(estimand, frame.drop(columns="c"))


def test_what_is_missing_is_named():
    frame, _ = napkin(500, 0)
    estimand = identify(NAPKIN, "x", "y")
    with pytest.raises(MissingColumnError, match="'z'"):
        estimate(estimand, frame.drop(columns="z"))
    holes = frame.astype(float).mask(frame["w"] == 1)
    with pytest.raises(ValueError, match="has missing entries"):
        estimate(estimand, holes)
    with pytest.raises(ValueError, match="two levels at least"):
        estimate(estimand, frame[frame["x"] == 1])
    with pytest.raises(ValueError, match="treated is for formulas"):
        estimate(identify(CONFOUNDED, "a", "y"), confounded(100), treated=1)
    graph = CausalGraph([("c", "a"), ("c", "y"), ("a", "y"), ("b", "y")])
    joint, frame = identify(graph, ["a", "b"], "y"), confounded(100).assign(b=1)
    with pytest.raises(IdentificationError, match="one treatment and one outcome"):
        estimate(joint, frame)
