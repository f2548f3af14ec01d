"""Bounds of effects along paths that no formula gives."""

import numpy as np
import pandas as pd
import pytest

from skcausal.fairness import path_effect_bounds
from skcausal.graphs import CausalGraph, GraphError

WITNESS = CausalGraph([("a", "w"), ("w", "z"), ("z", "y"), ("w", "y"), ("a", "y")])
SWAP = {"reference": 0, "compared": 1}


def world(n=40_000, seed=0):
    """Return rows with thresholds as noise, and a function that replays arrows."""
    rng = np.random.default_rng(seed)
    u = rng.random((n, 4))
    a = (u[:, 0] < 0.5).astype(int)

    def w_of(a):
        return (u[:, 1] < 0.3 + 0.4 * a).astype(int)

    def z_of(w):
        return (u[:, 2] < 0.2 + 0.5 * w).astype(int)

    def y_of(a, w, z):
        return (u[:, 3] < 0.1 + 0.2 * a + 0.3 * w + 0.3 * z).astype(int)

    w, z = w_of(a), z_of(w_of(a))
    frame = pd.DataFrame({"a": a, "w": w, "z": z, "y": y_of(a, w, z)})
    return frame, w_of, z_of, y_of


def test_identified_effect_has_no_width():
    frame, w_of, z_of, y_of = world()
    found = path_effect_bounds(WITNESS, frame, "a", "y", [("a", "y")], **SWAP)
    w, z = w_of(0), z_of(w_of(0))
    truth = (y_of(1, w, z) - y_of(0, w, z)).mean()
    assert found.width < 1e-6
    assert found.lower == pytest.approx(truth, abs=0.02)


def test_recanting_witness_leaves_bounds_that_hold():
    frame, w_of, z_of, y_of = world()
    through_z = [("a", "w"), ("w", "z"), ("z", "y")]
    found = path_effect_bounds(WITNESS, frame, "a", "y", through_z, **SWAP)
    w0, w1 = w_of(0), w_of(1)
    truth = (y_of(0, w0, z_of(w1)) - y_of(0, w0, z_of(w0))).mean()
    assert found.lower - 0.01 < truth < found.upper + 0.01
    # y is additive in w and z, so how w in both worlds go together does not matter.
    assert found.width < 0.05


def test_interaction_makes_bounds_wider_and_they_are_sharp():
    rng = np.random.default_rng(0)
    n = 40_000
    a, u = rng.integers(2, size=n), rng.random(n)
    w = (u < 0.3 + 0.4 * a).astype(int)
    z = w.copy()
    y = ((w == 1) & (z == 1)).astype(int)
    frame = pd.DataFrame({"a": a, "w": w, "z": z, "y": y})
    # z = w, so no row shows w and z apart: let y have an error that fills the cells.
    flip = rng.random(n) < 0.1
    frame["z"] = np.where(flip, 1 - z, z)
    frame["y"] = ((frame["w"] == 1) & (frame["z"] == 1)).astype(int)
    through_z = [("a", "w"), ("w", "z"), ("z", "y")]
    found = path_effect_bounds(WITNESS, frame, "a", "y", through_z, **SWAP)
    # Y = W_0 and Z_(W_1): P(W_0 = 1, W_1 = 1) is between 0 and .3 (Frechet), and
    # Z repeats W with probability .9; at baseline P(Y) = .3 x .9.
    low = 0.0 * 0.9 + 0.3 * 0.1 - 0.27
    high = 0.3 * 0.9 - 0.27
    assert found.lower == pytest.approx(low, abs=0.02)
    assert found.upper == pytest.approx(high, abs=0.02)


def test_hidden_cause_of_mediator_and_outcome():
    rng = np.random.default_rng(1)
    n = 40_000
    a, h = rng.integers(2, size=n), rng.random(n)
    w = (h < 0.2 + 0.4 * a).astype(int)
    y = (0.5 * h + 0.5 * rng.random(n) < 0.3 + 0.2 * a + 0.1 * w).astype(int)
    frame = pd.DataFrame({"a": a, "w": w, "y": y})
    graph = CausalGraph([("a", "w"), ("w", "y"), ("a", "y")], [("w", "y")])
    found = path_effect_bounds(graph, frame, "a", "y", [("a", "y")], **SWAP)
    h, e = rng.random(n), rng.random(n)
    w0 = (h < 0.2).astype(int)
    moved, plain = (0.5 * h + 0.5 * e < 0.3 + 0.2 * x + 0.1 * w0 for x in (1, 0))
    truth = moved.mean() - plain.mean()
    assert found.lower < truth < found.upper
    # W is 0 in both worlds for .2 of people at least, who are any of those with W = 0
    # under a = 1; of the rest nothing is seen.
    under_1 = frame[frame["a"] == 1]
    seen = ((under_1["w"] == 0) & (under_1["y"] == 1)).mean()
    assert found.width == pytest.approx(0.8 + min(seen, 0.2), abs=0.02)
    # The total effect is identified: its bounds have no width.
    total = path_effect_bounds(graph, frame, "a", "y", graph.directed, **SWAP)
    seen = frame.groupby("a")["y"].mean()
    assert total.width < 1e-6
    assert total.lower == pytest.approx(seen[1] - seen[0], abs=1e-6)


def test_confounders_keep_their_distribution():
    rng = np.random.default_rng(2)
    n = 30_000
    c = rng.integers(2, size=n)
    a = (rng.random(n) < 0.2 + 0.5 * c).astype(int)
    y = (rng.random(n) < 0.1 + 0.3 * a + 0.4 * c).astype(int)
    frame = pd.DataFrame({"c": c, "a": a, "y": y})
    graph = CausalGraph([("a", "y"), ("c", "y")], [("a", "c")])
    found = path_effect_bounds(graph, frame, "a", "y", [("a", "y")], **SWAP)
    by_cell = frame.groupby(["c", "a"])["y"].mean().unstack()
    share = frame["c"].value_counts(normalize=True).sort_index()
    expected = ((by_cell[1] - by_cell[0]) * share).sum()
    assert found.lower == pytest.approx(expected, abs=1e-6)
    assert found.width < 1e-6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"edges": [("y", "a")]}, "y -> a is no arrow"),
        ({"reference": 7}, "reference must be a value"),
        ({"positive": 7}, "positive must be a value"),
        ({"outcome": "a"}, "no arrows lead"),
    ],
)
def test_bad_questions_are_refused(change, message):
    frame = world(200)[0]
    question = {"sensitive": "a", "outcome": "y", "edges": [("a", "y")]} | SWAP | change
    with pytest.raises(ValueError, match=message):
        path_effect_bounds(WITNESS, frame, **question)


def test_too_many_levels_are_refused():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.integers(6, size=(500, 4)), columns=["a", "w", "z", "y"])
    graph = CausalGraph([("a", "w"), ("w", "y"), ("a", "y"), ("z", "w")], [("w", "y")])
    with pytest.raises(GraphError, match="more than 16384 ways"):
        path_effect_bounds(graph, frame, "a", "y", [("a", "y")], **SWAP)
