"""One metric under several models, and with a confounder that nobody saw."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.fairness import (
    ConfounderTipping,
    CounterfactualFairnessAuditor,
    compare_models,
    confounder_tipping,
    decompose_disparity,
)
from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel
from tests.fairness.path_helpers import A_W, A_Y, W_Y, fairness_frame, linear_model

SWAP = {"reference": 0, "compared": 1}
CHAIN = [("a", "w"), ("w", "y"), ("c", "y"), ("c", "w")]
GRAPHS = {
    "all": CausalGraph([*CHAIN, ("c", "a"), ("a", "y")]),
    "no direct": CausalGraph([*CHAIN, ("c", "a")]),
    "no mediator": CausalGraph([("c", "a"), ("c", "w"), ("c", "y"), ("a", "y")]),
}


def unfitted(graph):
    return AdditiveNoiseModel(
        graph, regressor=LinearRegression(), classifier=LogisticRegression()
    )


def test_models_disagree_about_the_direct_effect():
    frame = fairness_frame(3000)
    models = {name: unfitted(graph) for name, graph in GRAPHS.items()}
    found = compare_models(
        models, lambda model: decompose_disparity(model, frame, "a", "y", **SWAP), frame
    )
    direct = found.table["natural direct"]
    assert direct["all"] == pytest.approx(A_Y, abs=0.1)
    assert direct["no direct"] == 0
    # All of the effect counts as direct where the mediator is left out.
    assert direct["no mediator"] == pytest.approx(A_Y + A_W * W_Y, abs=0.15)
    summary = found.summary
    assert summary.loc["natural direct", "range"] == direct.max() - direct.min()
    assert not summary.loc["natural direct", "agree"]
    assert summary.loc["total effect", "agree"]
    assert "smallest" in repr(found)


def test_graphs_and_fitted_models_are_taken():
    frame = fairness_frame(300)
    fitted = linear_model(frame)
    seen = []
    found = compare_models(
        {"fitted": fitted, "graph": GRAPHS["all"]},
        lambda model: seen.append(model) or len(model.graph),
        frame,
    )
    assert seen[0] is fitted
    assert found.table["metric"].tolist() == [4, 4]


def test_bad_comparisons_are_refused():
    frame = fairness_frame(100)
    fitted = linear_model(frame)
    with pytest.raises(ValueError, match="two models at least"):
        compare_models({"one": fitted}, len)
    with pytest.raises(ValueError, match="'b' is not fitted"):
        compare_models({"a": fitted, "b": unfitted(GRAPHS["all"])}, lambda m: 0)
    with pytest.raises(TypeError, match="model 'b': model must be a CausalGraph or"):
        compare_models({"a": fitted, "b": 3}, lambda m: 0)
    with pytest.raises(TypeError, match="metric must return"):
        compare_models({"a": fitted, "b": fitted}, lambda m: [1, 2])


def slope(model, rows):
    worlds = [model.counterfactual(rows, {"a": x})["y"] for x in (0.0, 1.0)]
    return float((worlds[1] - worlds[0]).mean())


def test_a_linear_effect_tips_where_it_must():
    rng = np.random.default_rng(0)
    n, effect, sd_y = 20_000, 0.5, 2.0
    c = rng.normal(size=n)
    a = 0.5 * c + rng.normal(size=n)
    y = effect * a + c + sd_y * rng.normal(size=n)
    frame = pd.DataFrame({"c": c, "a": a, "y": y})
    graph = CausalGraph([("c", "a"), ("c", "y"), ("a", "y")])
    model = AdditiveNoiseModel(graph, regressor=LinearRegression()).fit(frame)
    strengths = np.array([0, 0.2, 0.4, 0.44, 0.46, 0.6])
    found = confounder_tipping(
        model, frame, "a", "y", slope, strengths=strengths, random_state=0
    )
    bias = sd_y * strengths**2 / (1 - strengths**2)
    np.testing.assert_allclose(found.table["lower"], effect - bias, atol=0.04)
    np.testing.assert_allclose(found.table["upper"], effect + bias, atol=0.04)
    # effect = sd_y s^2 / (1 - s^2) at s^2 = 1 / 5
    assert found.tipping_point == pytest.approx(np.sqrt(0.2), abs=0.01)
    assert "Reaches 0" in repr(found)


def test_a_direct_effect_on_a_binary_attribute_tips():
    frame = fairness_frame(4000)

    def direct(model, rows):
        return decompose_disparity(model, rows, "a", "y", **SWAP)["natural direct"]

    found = confounder_tipping(
        linear_model(frame),
        frame,
        "a",
        "y",
        direct,
        strengths=[0, 0.3, 0.5],
        random_state=0,
    )
    assert 0.3 < found.tipping_point < 0.5
    assert found.table.loc[0, "lower"] == found.table.loc[0, "upper"]


def test_what_never_tips_has_no_tipping_point():
    table = pd.DataFrame({"lower": [1.0, 0.5], "upper": [1.0, 2.0]}, [0.0, 0.6])
    assert ConfounderTipping(table, 0.0).tipping_point == np.inf


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"strengths": [0, 0.8]}, "strengths must be"),
        ({"strengths": [0.3, 0.1]}, "strengths must be"),
        ({"outcome": "z"}, "'z' is not a node"),
    ],
)
def test_bad_confounders_are_refused(change, message):
    frame = fairness_frame(100)
    question = {"sensitive": "a", "outcome": "y", "metric": slope} | change
    with pytest.raises(ValueError, match=message):
        confounder_tipping(linear_model(frame), frame, **question)


def test_an_audit_is_a_metric():
    rng = np.random.default_rng(0)
    a = rng.integers(2, size=400)
    w = a + rng.normal(size=400)
    frame = pd.DataFrame({"a": a, "w": w, "v": rng.normal(size=400)})
    predictor = LogisticRegression().fit(frame[["w", "v"]], w > rng.normal(size=400))
    graphs = {
        "w only": CausalGraph([("a", "w")], nodes=["v"]),
        "both": CausalGraph([("a", "w"), ("a", "v")]),
        "none": CausalGraph(nodes=["a", "w", "v"]),
    }

    def unfairness(model):
        auditor = CounterfactualFairnessAuditor(model, "a", random_state=0)
        return auditor.fit(frame).audit(predictor, frame).unfairness

    models = {name: unfitted(graph) for name, graph in graphs.items()}
    found = compare_models(models, unfairness, frame).table["metric"]
    assert found["none"] == 0
    assert found["w only"] > 0.05
