"""Falsification: what graphs imply, published counts, errors of both kinds."""

import itertools
import math
from functools import partial

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pytest
from joblib import parallel_config
from sklearn.linear_model import LinearRegression

from skcausal.graphs import CausalGraph, GraphError
from skcausal.inference import partial_correlation_test
from skcausal.validation import FalsificationDisplay, falsify_graph
from skcausal.validation._falsifying._claims import (
    dependencies,
    independencies,
    needed_edges,
)
from skcausal.validation._falsifying._relabelling import _Separations

mpl.use("Agg")

CLAIMS = ("independence", "dependence", "needed edge")


def collider(seed, n_rows=500):
    rng = np.random.default_rng(seed)
    x, y, noise = rng.normal(size=(3, n_rows))
    return pd.DataFrame({"X": x, "Y": y, "Z": 2 * x + 3 * y + noise})


def chain(seed, n_rows=500):
    rng = np.random.default_rng(seed)
    x, e_y, e_z = rng.normal(size=(3, n_rows))
    y = 0.6 * x + e_y
    return pd.DataFrame({"X": x, "Y": y, "Z": y + e_z})


def full(seed, n_rows=500):
    a, e_b, e_c, e_d = np.random.default_rng(seed).normal(size=(4, n_rows))
    b = 0.5 * a + e_b
    c = 1.2 * a + 0.7 * b + e_c
    d = 0.6 * a + 0.8 * b + 1.3 * c + e_d
    return pd.DataFrame({"X0": a, "X1": b, "X2": c, "X3": d})


def edge(seed, n_rows=500):
    x, noise = np.random.default_rng(seed).normal(size=(2, n_rows))
    return pd.DataFrame({"X0": x, "X1": 2 * x + noise})


def spare(seed, n_rows=500):
    a, b, c, noise = np.random.default_rng(seed).normal(size=(4, n_rows))
    return pd.DataFrame({"X0": a, "X1": b, "X2": c, "Y": 2 * a + 3 * b + noise})


COLLIDER = [("X", "Z"), ("Y", "Z")]
CHAIN = [("X", "Y"), ("Y", "Z")]
HOLE = pd.DataFrame(False, index=range(500), columns=list("XYZ"))
HOLE.loc[3, "X"] = True
FULL = list(itertools.combinations(["X0", "X1", "X2", "X3"], 2))


def counts(result):
    pairs = result.summary[["violations", "tests"]].to_numpy().tolist()
    return dict(zip(CLAIMS, map(tuple, pairs), strict=True))


def typical(make, graph, claim, seeds=range(9)):
    """Return the most frequent (violations, tests) over samples."""
    found = [
        counts(falsify_graph(graph, make(seed), n_permutations=20, random_state=0))
        for seed in seeds
    ]
    seen = [one[claim] for one in found]
    return max(set(seen), key=seen.count)


# --------------------------------------------------- counts published with the method
@pytest.mark.parametrize(
    ("make", "edges", "independence", "dependence"),
    [
        (collider, COLLIDER, (0, 2), (0, 2)),
        (collider, [("X", "Y"), ("Z", "Y")], (2, 2), (1, 2)),
        (chain, CHAIN, (0, 1), (0, 3)),
        (chain, [("X", "Z"), ("Z", "Y")], (1, 1), (0, 3)),
        (edge, [], (2, 2), (0, 0)),
        (edge, [("X0", "X1")], (0, 0), (0, 1)),
        (full, FULL, (0, 0), (0, 6)),
    ],
)
def test_violations_of_known_graphs(make, edges, independence, dependence):
    graph = CausalGraph(edges, nodes=list(make(0).columns))
    assert typical(make, graph, "independence") == independence
    assert typical(make, graph, "dependence") == dependence


def test_an_edge_that_is_not_needed_is_found():
    true = CausalGraph([("X0", "Y"), ("X1", "Y")])
    more = CausalGraph([("X0", "Y"), ("X1", "Y"), ("X2", "Y")])
    assert typical(spare, true, "needed edge") == (0, 2)
    assert typical(spare, more, "needed edge") == (1, 3)
    removed = falsify_graph(more, spare(0), random_state=0).suggestions
    assert removed[["action", "edge"]].to_numpy().tolist() == [["remove", "X2 -> Y"]]


def test_every_order_of_a_chain():
    result = falsify_graph(CausalGraph(CHAIN), chain(0), n_permutations="all")
    assert result.exact
    assert len(result.relabelled) == 6
    assert (result.relabelled["contradictions"] == 0).sum() == 2
    assert result.p_tpa == result.tpa_share == pytest.approx(1 / 3)
    assert result.p_lmc == result.lmc_share == pytest.approx(1 / 3)
    assert not result.falsifiable
    assert not result.falsified
    assert result.verdict.startswith("No verdict")


@pytest.mark.parametrize(
    ("given", "true", "expected"),
    [
        (COLLIDER, COLLIDER, (0, 2)),
        ([("X", "Y"), ("Z", "Y")], COLLIDER, (2, 2)),
        (CHAIN, CHAIN, (0, 1)),
        ([("X", "Z"), ("Z", "Y")], CHAIN, (1, 1)),
        ([], [("X", "Y")], (2, 2)),
        (FULL, FULL, (0, 0)),
    ],
)
def test_contradictions_between_graphs(given, true, expected):
    nodes = sorted({node for edge in true for node in edge})
    claims = independencies(CausalGraph(given, nodes=nodes))
    separated = _Separations(CausalGraph(true, nodes=nodes))
    denied = [not separated(claim) for claim in claims]
    assert (sum(denied), len(denied)) == expected


def test_a_collider_has_one_equivalent_copy():
    found = falsify_graph(CausalGraph(COLLIDER), collider(0), n_permutations="all")
    assert sorted(found.relabelled["contradictions"]) == [0, 0, 2, 2, 2, 2]


# ------------------------------------------------------------------ what graphs imply
def random_graph(seed, n_nodes=6):
    rng = np.random.default_rng(seed)
    pairs = list(itertools.combinations(rng.permutation(n_nodes).tolist(), 2))
    directed = [pair for pair in pairs if rng.random() < 0.3]
    bidirected = [pair for pair in pairs if rng.random() < 0.2]
    return CausalGraph(directed, bidirected, range(n_nodes))


@pytest.mark.parametrize("seed", range(30))
def test_claims_of_graphs_with_hidden_causes_hold_and_are_complete(seed):
    graph = random_graph(seed)
    claims = independencies(graph)
    assert all(graph.d_separated([a], [b], sorted(given)) for a, b, given in claims)
    tested = {frozenset((claim.node, claim.other)) for claim in claims}
    for a, b in itertools.combinations(graph.nodes, 2):
        rest = [node for node in graph.nodes if node not in (a, b)]
        sets = itertools.chain.from_iterable(
            itertools.combinations(rest, size) for size in range(len(rest) + 1)
        )
        separable = any(graph.d_separated([a], [b], given) for given in sets)
        assert separable == (frozenset((a, b)) in tested)


@pytest.mark.parametrize("seed", range(10))
def test_without_hidden_causes_parents_are_held_fixed(seed):
    graph = CausalGraph(random_graph(seed).directed, nodes=range(6))
    expected = {
        (node, other, graph.parents([node]))
        for node in graph.nodes
        for other in graph.nodes
        if other not in graph.descendants([node]) | graph.parents([node])
    }
    assert set(map(tuple, independencies(graph))) == expected
    edges = {(c.other, c.node): c.given for _, c in needed_edges(graph)}
    assert edges == {(a, b): graph.parents([b]) - {a} for a, b in graph.directed}
    pairs = {(c.other, c.node) for c in dependencies(graph)}
    assert pairs == {
        (a, node) for node in graph for a in graph.ancestors([node]) - {node}
    }


def test_latent_nodes_are_projected_out():
    graph = CausalGraph([("u", "x"), ("u", "y"), ("x", "z")], latent=["u"])
    rng = np.random.default_rng(0)
    u, e_x, e_y, e_z = rng.normal(size=(4, 400))
    x = u + e_x
    frame = pd.DataFrame({"x": x, "y": u + e_y, "z": x + e_z})
    result = falsify_graph(graph, frame, n_permutations="all")
    assert result.graph == CausalGraph([("x", "z")], [("x", "y")])
    assert set(result.table["node"]) == {"x", "y", "z"}
    own = result.table[result.table["claim"] == "independence"]
    assert own["given"].map(set).tolist() == [{"x"}, {"x"}]


def test_a_bidirected_edge_that_is_not_needed_is_suggested_for_removal():
    frame = pd.DataFrame(
        np.random.default_rng(1).normal(size=(500, 2)), columns=[*"ab"]
    )
    graph = CausalGraph([], [("a", "b")])
    assert falsify_graph(graph, frame).suggestions["edge"].tolist() == ["a <-> b"]


# ---------------------------------------------------------------- verdicts, p-values
def linear_data(graph, n_rows, rng):
    values = {}
    for node in graph.topological_order():
        noise = rng.normal(size=n_rows)
        slopes = rng.uniform(0.4, 1.2, len(graph.parents([node])))
        slopes *= rng.choice([-1, 1], len(slopes))
        parents = graph.ordered(graph.parents([node]))
        values[node] = noise + sum(
            slope * values[parent]
            for slope, parent in zip(slopes, parents, strict=True)
        )
    return pd.DataFrame(values)[list(graph.nodes)]


def random_dag(rng, n_nodes, share=0.3):
    order = rng.permutation(n_nodes).tolist()
    pairs = itertools.combinations(order, 2)
    return CausalGraph([p for p in pairs if rng.random() < share], nodes=range(n_nodes))


def test_true_graphs_pass_and_unrelated_ones_fail():
    """Twelve graphs; benchmarks/run.py falsification has the rates over hundreds."""
    passed, failed = [], []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        true, other = random_dag(rng, 10), random_dag(rng, 10)
        frame = linear_data(true, 1000, rng)
        passed.append(not falsify_graph(true, frame, random_state=seed).falsified)
        failed.append(falsify_graph(other, frame, random_state=seed).falsified)
    assert all(passed)
    assert sum(failed) >= 9


@pytest.mark.parametrize("seed", range(3))
def test_relabelling_is_counted_as_it_says(seed):
    """The counts of each relabelled graph are those of that graph tested itself."""
    rng = np.random.default_rng(seed)
    graph = random_dag(rng, 4, 0.4)
    frame = linear_data(graph, 200, rng)
    result = falsify_graph(graph, frame, n_permutations="all")
    expected = []
    for order in itertools.permutations(range(4)):
        edges = [(order[a], order[b]) for a, b in graph.directed]
        other = CausalGraph(edges, nodes=range(4))
        found = falsify_graph(other, frame, n_permutations=20)
        denied = sum(
            not graph.d_separated([c.node], [c.other], c.given)
            for c in independencies(other)
        )
        expected.append((found.n_violations, denied))
    assert list(map(tuple, result.relabelled.to_numpy())) == expected


def test_p_values_of_random_shuffles_count_the_given_graph():
    rng = np.random.default_rng(0)
    graph = random_dag(rng, 8)
    result = falsify_graph(
        graph, linear_data(graph, 500, rng), n_permutations=50, random_state=1
    )
    as_good = (result.relabelled["violations"] <= result.n_violations).sum()
    assert not result.exact
    assert result.p_lmc == pytest.approx((1 + as_good) / 51)
    assert result.lmc_share == pytest.approx(as_good / 50)
    assert result.p_tpa >= 1 / 51


def test_missing_and_wrong_edges_are_suggested():
    rng = np.random.default_rng(0)
    true = CausalGraph([("a", "b"), ("b", "c"), ("c", "d"), ("a", "d"), ("d", "e")])
    frame = linear_data(true, 2000, rng)
    wrong = CausalGraph([("a", "b"), ("b", "c"), ("c", "d"), ("d", "e"), ("b", "e")])
    found = falsify_graph(wrong, frame, random_state=0).suggestions
    assert set(zip(found["action"], found["edge"], strict=True)) == {
        ("add", "a -> d"),
        ("remove", "b -> e"),
    }
    assert found.loc[found["action"] == "add", "adjusted_p_value"].max() <= 0.05
    assert found.loc[found["action"] == "remove", "adjusted_p_value"].min() > 0.05


def test_verdict_never_presents_a_pass_as_support():
    rng = np.random.default_rng(3)
    true = random_dag(rng, 10)
    frame = linear_data(true, 1000, rng)
    passed = falsify_graph(true, frame, random_state=0)
    assert passed.falsifiable
    assert "Not falsified" in passed.verdict
    assert "no support" in passed.verdict
    complete = CausalGraph(FULL)
    nothing = falsify_graph(complete, full(0))
    assert nothing.p_lmc == nothing.p_tpa == 1
    assert "implies no independence" in nothing.verdict
    assert "No verdict" in repr(nothing)
    assert "<table" in passed._repr_html_()


# --------------------------------------------------------------- tests of independence
def curved(seed, n_rows=600):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n_rows)
    y = x**2 + 0.5 * rng.normal(size=n_rows)
    z = np.sin(2 * y) + 0.5 * rng.normal(size=n_rows)
    return pd.DataFrame({"X": x, "Y": y, "Z": z})


def test_kernel_and_residuals_see_what_is_not_linear():
    graph = CausalGraph(CHAIN)
    options = {"n_permutations": "all", "random_state": 0}
    linear = falsify_graph(graph, curved(0), **options)
    kernel = falsify_graph(graph, curved(0), test="kernel", **options)
    assert counts(linear)["dependence"][0] >= 1
    assert counts(kernel) == {
        "independence": (0, 1),
        "dependence": (0, 3),
        "needed edge": (0, 2),
    }
    wrong = CausalGraph([("X", "Z"), ("Y", "Z")])
    assert falsify_graph(wrong, curved(0), test="kernel", **options).n_violations == 2
    by_trees = falsify_graph(graph, curved(0), test="residual", **options)
    assert counts(by_trees)["independence"] == (0, 1)


@pytest.mark.parametrize("test", ["partial_correlation", "kernel", "residual"])
def test_categories_and_booleans(test):
    rng = np.random.default_rng(0)
    n_rows = 800
    site = rng.integers(3, size=n_rows)
    treated = rng.random(n_rows) < np.array([0.2, 0.5, 0.8])[site]
    outcome = np.array([0.0, 2.0, -1.0])[site] + rng.normal(size=n_rows)
    frame = pd.DataFrame(
        {
            "site": pd.Categorical.from_codes(site, ["n", "s", "w"]),
            "treated": treated,
            "outcome": outcome,
        }
    )
    true = CausalGraph([("site", "treated"), ("site", "outcome")])
    result = falsify_graph(true, frame, test=test, random_state=0)
    assert counts(result) == {
        "independence": (0, 2),
        "dependence": (0, 2),
        "needed edge": (0, 2),
    }


def test_a_regressor_or_a_function_may_be_the_test():
    graph, frame = CausalGraph(CHAIN), chain(0)
    fisher = partial(partial_correlation_test, method="fisher")
    for test in (LinearRegression(), fisher, lambda x, y, z: fisher(x, y, z).p_value):
        result = falsify_graph(graph, frame, test=test)
        assert counts(result)["independence"] == (0, 1)
        assert counts(result)["dependence"] == (0, 3)


def test_each_test_is_done_once():
    seen = []

    def spy(x, y, z):
        names = [round(float(column[0]), 6) for column in (*x.T, *y.T)]
        seen.append((frozenset(names), frozenset(np.round(z[0], 6).tolist())))
        return partial_correlation_test(x, y, z)

    rng = np.random.default_rng(0)
    graph = random_dag(rng, 5)
    falsify_graph(graph, linear_data(graph, 100, rng), test=spy, n_permutations="all")
    assert len(seen) == len(set(seen)) <= math.comb(5, 2) * 2**3


@pytest.mark.parametrize("test", ["partial_correlation", "kernel", "residual"])
def test_results_do_not_depend_on_jobs_or_kind_of_frame(test):
    graph, frame = CausalGraph(CHAIN), chain(0, 150)
    options = {"test": test, "random_state": 0}
    one = falsify_graph(graph, frame, **options)
    with parallel_config(backend="threading"):
        two = falsify_graph(graph, pl.from_pandas(frame), n_jobs=2, **options)
    pd.testing.assert_frame_equal(one.table, two.table)
    pd.testing.assert_frame_equal(one.relabelled, two.relabelled)


# -------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"graph": [("X", "Y")]}, TypeError, "graph must be a CausalGraph, got list"),
        ({"frame": [[1.0]]}, TypeError, "frame must be a pandas or polars DataFrame"),
        ({"graph": CausalGraph([("X", "W")])}, GraphError, "'W' has no column"),
        ({"frame": chain(0).assign(X=1.0)}, ValueError, "'X' has one value only"),
        ({"frame": chain(0).assign(X="a")}, ValueError, "'X' of X holds text"),
        (
            {"frame": chain(0).replace(chain(0)["X"][3], np.nan)},
            ValueError,
            "1 missing",
        ),
        ({"test": LinearRegression}, ValueError, "regressor, or a function of x, y"),
        ({"test": "magic"}, ValueError, "test must be one of 'partial_correlation'"),
        ({"test": lambda x, y, z: 2.0}, ValueError, r"p-value in \[0, 1\], got 2.0"),
        ({"alpha": 0}, ValueError, "alpha must be a number between 0 and 1, got 0"),
        ({"n_permutations": 2.5}, ValueError, "integer of at least 1, got 2.5"),
        ({"n_permutations": 3}, ValueError, "no p-value below alpha=0.05"),
    ],
)
def test_bad_input_is_named(changes, error, words):
    given = {"graph": CausalGraph(CHAIN), "frame": chain(0)} | changes
    with pytest.raises(error, match=words):
        falsify_graph(given.pop("graph"), given.pop("frame"), **given)


def test_too_many_orders_are_refused():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(50, 9)))
    graph = CausalGraph(nodes=range(9))
    with pytest.raises(ValueError, match="at most 8 observed nodes, got 9"):
        falsify_graph(graph, frame, n_permutations="all")


# ---------------------------------------------------------------------------- display
def test_display_shows_the_graph_among_its_copies():
    rng = np.random.default_rng(0)
    graph = random_dag(rng, 8)
    result = falsify_graph(graph, linear_data(graph, 500, rng), random_state=0)
    display = FalsificationDisplay.from_falsification(result)
    line = display.ax_.lines[0]
    assert line.get_xdata()[0] == result.n_violations / result.n_tests
    filled = [bar.get_height() for bar in display.ax_.containers[0]]
    assert sum(filled) == len(result.relabelled) == 100
    mpl.pyplot.close(display.figure_)
    with pytest.raises(ValueError, match="implies no independence"):
        FalsificationDisplay.from_graph(CausalGraph(FULL), full(0))
