"""Graphs over time, and the table of examples."""

import numpy as np
import pytest

from skcausal.graphs import (
    CausalGraph,
    CycleError,
    GraphError,
    UnknownNodeError,
    example_graph,
    list_example_graphs,
    unroll,
)


def test_edges_at_every_step():
    graph = unroll([("x", "x", 1), ("x", "y", 0), ("y", "x", 2)], n_steps=3)
    assert graph == CausalGraph(
        [
            ("x_lag2", "x_lag1"),
            ("x_lag1", "x"),
            ("x_lag2", "y_lag2"),
            ("x_lag1", "y_lag1"),
            ("x", "y"),
            ("y_lag2", "x"),
        ]
    )
    assert graph.nodes == ("x_lag2", "y_lag2", "x_lag1", "y_lag1", "x", "y")


def test_hidden_causes_over_time():
    graph = unroll(
        [("x", "y", 1)],
        n_steps=2,
        bidirected=[("x", "y", 0), ("y", "y", 1)],
        latent=["x"],
    )
    assert graph == CausalGraph(
        [("x_lag1", "y")],
        [("x_lag1", "y_lag1"), ("x", "y"), ("y_lag1", "y")],
        latent=["x", "x_lag1"],
    )


@pytest.mark.parametrize("n_steps", [1, 3, 7])
def test_number_of_edges(n_steps):
    edges = [("a", "b", lag) for lag in range(n_steps)]
    graph = unroll(edges, n_steps=n_steps)
    assert len(graph.directed) == n_steps * (n_steps + 1) // 2
    assert len(graph) == 2 * n_steps


def test_the_past_separates():
    graph = unroll([("x", "x", 1), ("x", "y", 1)], n_steps=np.int64(4))
    assert graph.d_separated("x_lag3", "y", "x_lag1")
    assert not graph.d_separated("x_lag3", "y")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"lagged_edges": [("x", "y", -1)]}, GraphError, "at least 0, got -1"),
        ({"lagged_edges": [("x", "y", 0.5)]}, GraphError, "at least 0, got 0.5"),
        ({"lagged_edges": [("x", "y", True)]}, GraphError, "must be an integer"),
        ({"lagged_edges": [("x", "y")]}, GraphError, "must hold .cause, effect, lag."),
        ({"lagged_edges": ["xy1"]}, GraphError, "must hold"),
        ({"lagged_edges": [(1, "y", 1)]}, GraphError, "strings"),
        ({"lagged_edges": [("x", "x", 0)]}, GraphError, "itself at one time"),
        ({"lagged_edges": [("x", "y", 3)]}, GraphError, "Try n_steps=4"),
        ({"lagged_edges": [], "n_steps": 0}, GraphError, "n_steps must be"),
        ({"lagged_edges": [], "n_steps": 2.0}, GraphError, "n_steps must be"),
        ({"lagged_edges": [("x", "y", 1)] * 2}, GraphError, "2 times"),
        ({"lagged_edges": [("x", "x_lag1", 0)]}, GraphError, "'x_lag1' twice"),
        (
            {"lagged_edges": [], "bidirected": [("x", "y", -1)]},
            GraphError,
            "unroll: bidirected, the lag",
        ),
        (
            {"lagged_edges": [("x", "y", 0), ("y", "x", 0)]},
            CycleError,
            "edges of lag 0 lead in a circle.*x -> y -> x",
        ),
        ({"lagged_edges": [], "latent": "xy"}, GraphError, "collection of nodes"),
        (
            {"lagged_edges": [("x", "y", 1)], "latent": ["z"]},
            UnknownNodeError,
            "'z",
        ),
    ],
)
def test_what_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        unroll(**{"n_steps": 2} | arguments)


# Graphs of the literature


@pytest.mark.parametrize("name", list_example_graphs())
def test_examples_name_their_nodes(name):
    example = example_graph(name)
    asked = {*example.treatment, *example.outcome}
    assert asked <= set(example.graph.observed)
    assert not {*example.treatment} & {*example.outcome}
    assert example.name == name
    assert len(example.source) > 20


@pytest.mark.parametrize(
    ("name", "n_nodes", "n_directed", "n_bidirected", "n_latent"),
    [
        ("napkin", 4, 3, 2, 0),
        ("shpitser_pearl_2g", 5, 6, 4, 0),
        ("tian_verma_5", 7, 5, 5, 0),
        ("igf_signalling", 7, 7, 1, 0),
        ("sars_cov_2_small", 6, 7, 4, 0),
        ("sars_cov_2", 16, 18, 6, 0),
        ("shrier_platt", 13, 19, 0, 0),
        ("schipf", 7, 14, 0, 0),
        ("thoemmes", 13, 14, 0, 4),
        ("pearl_back_door", 8, 10, 0, 0),
        ("smucler_figure_4", 7, 9, 0, 0),
        ("two_treatments", 7, 9, 0, 0),
    ],
)
def test_sizes_of_examples(name, n_nodes, n_directed, n_bidirected, n_latent):
    graph = example_graph(name).graph
    assert (len(graph), len(graph.directed)) == (n_nodes, n_directed)
    assert (len(graph.bidirected), len(graph.latent)) == (n_bidirected, n_latent)


def test_a_name_that_is_not_there():
    with pytest.raises(GraphError, match=r"no graph 'front-door'.*front_door"):
        example_graph("front-door")
