"""Classifiers without the effect along unfair paths."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV

from skcausal.fairness import PathSpecificFair
from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel, RecantingWitnessError

GRAPH = CausalGraph(
    [("c", "w"), ("a", "w"), ("a", "d"), ("w", "y"), ("d", "y"), ("a", "y"), ("c", "y")]
)
MODEL = AdditiveNoiseModel(GRAPH, regressor=LinearRegression())
DIRECT, THROUGH_W, THROUGH_D = ("a", "y"), ("a", "w", "y"), ("a", "d", "y")


def data(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    a = rng.integers(2, size=n)
    c = rng.normal(size=n)
    w = a + 0.5 * c + rng.normal(size=n)
    d = -a + rng.normal(size=n)
    score = a + w + d + c + rng.logistic(size=n)
    X = pd.DataFrame({"a": a, "c": c, "w": w, "d": d})
    return X, pd.Series((score > 0.5).astype(int), name="y")


@pytest.mark.parametrize("paths", [[DIRECT], [THROUGH_W], [DIRECT, THROUGH_W]])
def test_odds_ratio_is_inside_bounds_on_new_rows(paths):
    X, y = data()
    new, truth = data(seed=1)
    fair = PathSpecificFair(MODEL, "a", paths, random_state=0).fit(X, y)
    found = fair.unfair_effect(new).loc[1]
    assert 0.95 <= found["odds_ratio"] <= 1.05
    assert found["without_constraint"] > 1.3
    assert fair.score(new, truth) > 0.65


def test_wide_bounds_leave_logistic_regression():
    X, y = data()
    wide = PathSpecificFair(MODEL, "a", [DIRECT], bounds=(0.01, 100)).fit(X, y)
    plain = LogisticRegression(C=1e8, tol=1e-10, max_iter=1000).fit(X, y)
    expected = plain.predict_proba(X)[:, 1]
    np.testing.assert_allclose(wide.predict_proba(X)[:, 1], expected, atol=1e-4)


def test_bounds_hold_as_tightly_as_they_must():
    X, y = data()
    fair = PathSpecificFair(MODEL, "a", [DIRECT], bounds=(0.5, 1.5)).fit(X, y)
    # The unconstrained ratio is larger, so the likelihood pushes to the upper end.
    assert 1.4 < fair.unfair_effect(X).loc[1, "odds_ratio"] <= 1.5


def test_correction_removes_what_unfair_paths_carry():
    X, y = data()
    fair = PathSpecificFair(
        MODEL, "a", [DIRECT, THROUGH_W], mode="correct", random_state=0
    ).fit(X, y)
    noise = fair.model_.noise(X)
    for level in (0, 1):
        twin = fair.model_.from_noise(noise, do={"a": level})
        only_fair = X.assign(d=twin["d"], a=level)
        # Moving a and w, but not d, along unfair arrows changes no prediction.
        w0 = fair.model_.from_noise(noise, do={"a": 0})["w"]
        expected = fair.estimator_.predict_proba(
            only_fair.assign(a=0.0, w=w0)[fair.question_.causes]
        )[:, 1]
        found = fair.predict_proba(twin)[:, 1]
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_correction_of_all_paths_is_counterfactually_fair():
    X, y = data()
    paths = [DIRECT, THROUGH_W, THROUGH_D]
    fair = PathSpecificFair(MODEL, "a", paths, mode="correct").fit(X, y)
    twins = [fair.model_.counterfactual(X, {"a": level}) for level in (0, 1)]
    found = [fair.predict_proba(twin) for twin in twins]
    np.testing.assert_allclose(*found, atol=1e-12)
    assert not hasattr(fair, "unfair_effect")


def test_averaged_mediators_do_not_reach_the_prediction():
    X, y = data(500)
    fair = PathSpecificFair(
        MODEL, "a", [THROUGH_W], average_mediators=True, random_state=0
    ).fit(X, y)
    moved = X.assign(w=X["w"] + 5)
    np.testing.assert_allclose(fair.predict_proba(X), fair.predict_proba(moved))
    assert not np.allclose(fair.predict_proba(X), fair.predict_proba(X.assign(d=3.0)))


def test_several_groups_are_all_inside_bounds():
    X, y = data()
    rng = np.random.default_rng(5)
    X["a"] = pd.Categorical(np.where(X["a"] == 1, rng.choice(["p", "q"], len(X)), "r"))
    graph = CausalGraph([("a", "y"), ("c", "w"), ("w", "y"), ("c", "y"), ("d", "y")])
    model = AdditiveNoiseModel(graph, regressor=LinearRegression())
    fair = PathSpecificFair(model, "a", [DIRECT], reference="r").fit(X, y)
    table = fair.unfair_effect(X)
    assert list(table.index) == ["p", "q"]
    assert table["odds_ratio"].between(0.95, 1.05).all()
    assert (table["without_constraint"] > 1.3).all()


def test_it_is_a_scikit_learn_classifier():
    X, y = data(400)
    labels = y.map({0: "no", 1: "yes"})
    fair = clone(PathSpecificFair(MODEL, "a", [DIRECT], random_state=0))
    search = GridSearchCV(
        fair, {"bounds": [(0.9, 1.1), (0.5, 2.0)]}, cv=2, error_score="raise"
    ).fit(X, labels)
    best = search.best_estimator_
    assert list(best.classes_) == ["no", "yes"]
    assert set(best.predict(X)) == {"no", "yes"}
    assert best.predict_proba(X).sum(axis=1) == pytest.approx(1)
    positive = best.decision_function(X) > 0
    assert (best.predict(X) == np.where(positive, "yes", "no")).all()


def test_weights_count_as_rows():
    X, y = data(400)
    weight = np.random.default_rng(0).integers(1, 3, len(X))
    repeated = np.repeat(np.arange(len(X)), weight)
    graph = CausalGraph([("a", "y"), ("c", "y")])
    fair = PathSpecificFair(AdditiveNoiseModel(graph), "a", [DIRECT], bounds=(0.1, 10))
    one = clone(fair).fit(X, y, sample_weight=weight).predict_proba(X)
    other = clone(fair).fit(X.loc[repeated], y.loc[repeated]).predict_proba(X)
    np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mode": "repair"}, "mode must be one of"),
        ({"bounds": (1.1, 2.0)}, "bounds must be"),
        ({"unfair_paths": []}, "a path at least"),
        ({"unfair_paths": [("a", "c", "y")]}, "a -> c"),
        ({"sensitive": "z"}, "sensitive must be a node"),
        ({"reference": 7}, "reference must be a value"),
        ({"n_draws": 0}, "n_draws"),
    ],
)
def test_bad_options_are_refused(change, message):
    X, y = data(100)
    fair = PathSpecificFair(MODEL, "a", [DIRECT]).set_params(**change)
    with pytest.raises(ValueError, match=message):
        fair.fit(X, y)


def test_a_recanting_witness_is_named():
    X, y = data(100)
    graph = CausalGraph(
        [("a", "w"), ("w", "d"), ("w", "y"), ("d", "y"), ("a", "y"), ("c", "y")]
    )
    fair = PathSpecificFair(
        AdditiveNoiseModel(graph), "a", [("a", "w", "y")], mode="correct"
    )
    with pytest.raises(RecantingWitnessError, match="'w' is a recanting"):
        fair.fit(X, y)


def test_the_outcome_must_be_known_and_cause_nothing():
    X, y = data(100)
    fair = PathSpecificFair(MODEL, "a", [DIRECT])
    with pytest.raises(ValueError, match="two labels"):
        fair.fit(X, np.zeros(100))
    with pytest.raises(ValueError, match="cannot tell which node"):
        fair.fit(X.drop(columns="d"), y.rename(None))
    graph = CausalGraph([("a", "y"), ("y", "w")])
    with pytest.raises(ValueError, match="'y' causes 'w'"):
        PathSpecificFair(AdditiveNoiseModel(graph), "a", [DIRECT]).fit(X, y)
