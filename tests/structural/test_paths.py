"""Arrows that carry the active value, others the baseline."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from skcausal.graphs import CausalGraph, GraphError
from skcausal.structural import AdditiveNoiseModel, RecantingWitnessError
from skcausal.structural._paths import (
    directed_paths,
    edges_of_paths,
    propagate,
    recanting_witness,
)

# a -> w -> z -> y, w -> y, a -> y: slopes 2, 3, 5, 7, 11.
GRAPH = CausalGraph([("a", "w"), ("w", "z"), ("z", "y"), ("w", "y"), ("a", "y")])
PATHS = {
    ("a", "y"): 11.0,
    ("a", "w", "y"): 14.0,
    ("a", "w", "z", "y"): 30.0,
}


@pytest.fixture(scope="module")
def fitted():
    rng = np.random.default_rng(0)
    u = rng.normal(size=(200, 4))
    a = u[:, 0]
    w = 2 * a + u[:, 1]
    z = 3 * w + u[:, 2]
    y = 5 * z + 7 * w + 11 * a + u[:, 3]
    frame = pd.DataFrame({"a": a, "w": w, "z": z, "y": y})
    return AdditiveNoiseModel(GRAPH, regressor=LinearRegression()).fit(frame), frame


def slopes(model):
    reg = {node: model.mechanisms_[node].regressor_ for node in ("w", "z", "y")}
    return {
        (parent, node): slope
        for node in reg
        for parent, slope in zip(model.parents_of(node), reg[node].coef_, strict=True)
    }


@pytest.mark.parametrize("path", PATHS)
def test_effect_along_a_path_is_the_product_of_its_slopes(fitted, path):
    model, frame = fitted
    edges = set(pairwise(path))
    first, second = propagate(model, model.noise(frame), {"a": 0.0}, {"a": 1.0}, edges)
    found = (second["y"] - first["y"]).to_numpy()
    known = slopes(model)
    product = np.prod([known[edge] for edge in edges])
    np.testing.assert_allclose(found, product, rtol=1e-9)
    assert product == pytest.approx(PATHS[path], rel=0.1)


def test_all_arrows_are_the_plain_intervention(fitted):
    model, frame = fitted
    noise = model.noise(frame)
    first, second = propagate(
        model, noise, {"a": 0.0}, {"a": frame["a"] + 1}, GRAPH.directed
    )
    pd.testing.assert_frame_equal(first, model.from_noise(noise, do={"a": 0.0}))
    pd.testing.assert_frame_equal(
        second, model.from_noise(noise, do={"a": frame["a"] + 1})
    )


def test_no_arrow_changes_nothing_but_the_source(fitted):
    model, frame = fitted
    first, second = propagate(model, model.noise(frame), {"a": 0.0}, {"a": 1.0}, [])
    assert (first.drop(columns="a") == second.drop(columns="a")).all(axis=None)


def test_paths_through_a_recanting_witness_are_refused():
    with pytest.raises(RecantingWitnessError, match="'w' is a recanting") as caught:
        edges_of_paths(GRAPH, "a", "y", [("a", "w", "y")], "owner")
    assert caught.value.node == "w"
    both = [("a", "w", "y"), ("a", "w", "z", "y")]
    assert edges_of_paths(GRAPH, "a", "y", both, "owner") == {
        ("a", "w"),
        ("w", "y"),
        ("w", "z"),
        ("z", "y"),
    }


def test_a_witness_needs_a_common_arrow():
    assert recanting_witness(GRAPH, "a", "y", [("a", "y")]) is None
    assert sorted(directed_paths(GRAPH, "a", "y")) == sorted(PATHS)


@pytest.mark.parametrize(
    ("path", "message"),
    [(("w", "y"), "must lead from 'a' to 'y'"), (("a", "z", "y"), "a -> z")],
)
def test_what_is_no_path_is_refused(path, message):
    with pytest.raises(GraphError, match=message):
        edges_of_paths(GRAPH, "a", "y", [path], "owner")
