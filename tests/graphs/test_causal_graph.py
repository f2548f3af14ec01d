"""CausalGraph: relatives, districts, separation, surgery, projection, bad input."""

import itertools
import pickle

import networkx as nx
import numpy as np
import pytest

from skcausal.graphs import CausalGraph, CycleError, GraphError, UnknownNodeError


def random_graph(seed, n_nodes=7, latent=()):
    rng = np.random.default_rng(seed)
    pairs = list(itertools.combinations(rng.permutation(n_nodes).tolist(), 2))
    directed = [pair for pair in pairs if rng.random() < 0.3]
    bidirected = [pair for pair in pairs if rng.random() < 0.15]
    return CausalGraph(directed, bidirected, range(n_nodes), latent=latent)


def with_hidden_causes(graph):
    """Return networkx's directed graph with a node for each bidirected edge."""
    full = nx.DiGraph(list(graph.directed))
    full.add_nodes_from(graph.nodes)
    for k, (a, b) in enumerate(graph.bidirected):
        full.add_edges_from([(("hidden", k), a), (("hidden", k), b)])
    return full


FRONT_DOOR = CausalGraph([("x", "m"), ("m", "y")], [("x", "y")])


def test_relatives():
    assert FRONT_DOOR.parents("y") == {"m"}
    assert FRONT_DOOR.children(["x", "m"]) == {"m", "y"}
    assert FRONT_DOOR.siblings("x") == {"y"}
    assert FRONT_DOOR.ancestors("y") == {"x", "m", "y"}
    assert FRONT_DOOR.descendants("m") == {"m", "y"}
    assert FRONT_DOOR.districts() == ({"x", "y"}, {"m"})
    assert FRONT_DOOR.topological_order() == ("x", "m", "y")


def test_surgery_keeps_the_original():
    before = repr(FRONT_DOOR)
    assert FRONT_DOOR.do("x") == CausalGraph([("x", "m"), ("m", "y")])
    assert FRONT_DOOR.do("m") == CausalGraph([("m", "y")], [("x", "y")])
    cut = FRONT_DOOR.without_edges_out_of("x")
    assert cut == CausalGraph([("m", "y")], [("x", "y")])
    assert FRONT_DOOR.subgraph(["x", "y"]) == CausalGraph([], [("x", "y")])
    assert repr(FRONT_DOOR) == before


@pytest.mark.parametrize("seed", range(40))
def test_separation_agrees_with_networkx(seed):
    graph = random_graph(seed)
    full = with_hidden_causes(graph)
    rng = np.random.default_rng(seed)
    for a, b in itertools.combinations(graph.nodes, 2):
        rest = [node for node in graph.nodes if node not in (a, b)]
        given = {node for node in rest if rng.random() < 0.4}
        expected = nx.is_d_separator(full, {a}, {b}, given)
        assert graph.d_separated(a, b, given) == expected


@pytest.mark.parametrize("seed", range(40))
def test_projection_keeps_separation(seed):
    latent = [1, 4]
    graph = random_graph(seed, latent=latent)
    projected = graph.latent_projection()
    assert set(projected.nodes) == set(graph.nodes) - set(latent)
    assert not projected.latent
    for a, b in itertools.combinations(projected.nodes, 2):
        rest = [node for node in projected.nodes if node not in (a, b)]
        for size in range(len(rest) + 1):
            for given in itertools.combinations(rest, size):
                expected = graph.d_separated(a, b, given)
                assert projected.d_separated(a, b, given) == expected


@pytest.mark.parametrize("seed", range(40))
def test_separation_is_reachability_in_the_moral_graph_of_ancestors(seed):
    graph = random_graph(seed)
    for a, b in itertools.combinations(graph.nodes, 2):
        given = set(graph.nodes[::2]) - {a, b}
        moral = graph.subgraph(graph.ancestors([a, b, *given])).moral_graph()
        moral.remove_nodes_from(given)
        assert graph.d_separated(a, b, given) == (not nx.has_path(moral, a, b))


def test_projection_of_known_graphs():
    hidden = CausalGraph([("u", "x"), ("u", "y"), ("x", "y")], latent=["u"])
    assert hidden.latent_projection() == CausalGraph([("x", "y")], [("x", "y")])
    chain = CausalGraph([("x", "m"), ("m", "y")], [("m", "z")], nodes=["z"])
    projected = chain.latent_projection(["x", "y", "z"])
    assert projected == CausalGraph([("x", "y")], [("y", "z")])


def test_equality_ignores_order_and_hashes_alike():
    one = CausalGraph([("a", "b"), ("b", "c")], [("a", "c")])
    two = CausalGraph([("b", "c"), ("a", "b")], [("c", "a")], ["c", "b", "a"])
    assert one == two
    assert hash(one) == hash(two)
    assert one != CausalGraph([("a", "b"), ("b", "c")])
    assert pickle.loads(pickle.dumps(one)) == one


def test_repr_makes_the_graph_again():
    graph = CausalGraph([("u", "x")], [("x", "z")], ["lonely"], latent=["u"])
    assert eval(repr(graph)) == graph
    assert len(graph) == 4
    assert "lonely" in graph
    assert list(graph) == list(graph.nodes) == ["lonely", "u", "x", "z"]
    assert graph.observed == ("lonely", "x", "z")


def test_a_tuple_may_be_a_node():
    graph = CausalGraph([(("x", 0), ("x", 1))])
    assert graph.children(("x", 0)) == {("x", 1)}


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (([("a", "b"), ("b", "c"), ("c", "a")],), CycleError, "in a circle"),
        (([("a", "a")],), GraphError, "joins 'a' to itself"),
        (([("a", "b"), ("a", "b")],), GraphError, "2 times"),
        (([], [("a", "b"), ("b", "a")]), GraphError, "whatever order"),
        (([], [], ["a", "a"]), GraphError, "lists 'a' twice"),
        (([], [], "abc"), GraphError, "Write \\['abc'\\]"),
        ((["ab"],), GraphError, "pairs of nodes, got 'ab'"),
        (([("a", "b", "c")],), GraphError, "got 3 in"),
    ],
)
def test_bad_graphs_are_refused(arguments, error, words):
    with pytest.raises(error, match=words):
        CausalGraph(*arguments)


def test_the_cycle_is_named():
    with pytest.raises(CycleError, match=r"b -> c -> d -> b\.|c -> d"):
        CausalGraph([("a", "b"), ("b", "c"), ("c", "d"), ("d", "b"), ("d", "e")])


def test_unknown_nodes_are_named():
    with pytest.raises(UnknownNodeError, match="'z' is not a node of the graph"):
        FRONT_DOOR.parents("z")
    with pytest.raises(UnknownNodeError, match="latent names 'z'"):
        CausalGraph([("a", "b")], latent=["z"])
    with pytest.raises(GraphError, match="x is on two sides"):
        FRONT_DOOR.d_separated("x", "y", ["x"])
