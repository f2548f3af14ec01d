"""What graphs imply for data: independencies and functional constraints."""

import itertools
import re

import numpy as np
import pytest

from skcausal.graphs import (
    CausalGraph,
    GraphError,
    Independence,
    implied_independencies,
    verma_constraints,
)

MEDIATOR = CausalGraph([("Z", "X"), ("Z", "I"), ("X", "I"), ("X", "Y"), ("I", "Y")])
VERMA = CausalGraph([("V1", "V2"), ("V2", "V3"), ("V3", "V4")], [("V2", "V4")])
CHAIN = [("V1", "V2"), ("V2", "V3"), ("V3", "V4"), ("V4", "V5")]


def random_graph(seed, n_nodes, bidirected=0.2, directed=0.4):
    rng = np.random.default_rng(seed)
    nodes = [f"v{k}" for k in range(n_nodes)]
    pairs = list(itertools.combinations(nodes, 2))
    return CausalGraph(
        [pair for pair in pairs if rng.random() < directed],
        [pair for pair in pairs if rng.random() < bidirected],
        rng.permutation(nodes).tolist(),
        latent=["v2"] if seed % 3 == 0 else [],
    )


def test_the_testable_implication_of_the_mediator_graph():
    assert list(map(repr, implied_independencies(MEDIATOR))) == ["Y _||_ Z | I, X"]
    assert list(map(repr, implied_independencies(MEDIATOR, kind="basis"))) == [
        "Y _||_ Z | I, X"
    ]


def test_a_latent_cause_takes_implications_away():
    seen = CausalGraph([("u", "a"), ("u", "b"), ("c", "b")])
    assert set(map(repr, implied_independencies(seen))) == {
        "a _||_ b | u",
        "a _||_ c",
        "c _||_ u",
    }
    hidden = CausalGraph([("u", "a"), ("u", "b"), ("c", "b")], latent=["u"])
    assert list(map(repr, implied_independencies(hidden))) == ["a _||_ c"]


@pytest.mark.parametrize("seed", range(25))
def test_all_and_minimal_agree_with_exhaustive_search(seed):
    graph = random_graph(seed, 5)
    expected = set()
    for a, b in itertools.combinations(sorted(graph.observed), 2):
        rest = [node for node in sorted(graph.observed) if node not in (a, b)]
        for size in range(len(rest) + 1):
            for given in itertools.combinations(rest, size):
                if graph.d_separated(a, b, given):
                    expected.add(Independence((a,), (b,), given))
    assert set(implied_independencies(graph, kind="all")) == expected
    minimal = {
        one
        for one in expected
        if not any(
            (one.a, one.b) == (other.a, other.b) and set(other.given) < set(one.given)
            for other in expected
        )
    }
    found = list(implied_independencies(graph))
    assert set(found) == minimal
    assert len(found) == len(minimal)


def consequences(statements):
    """Return what the semi-graphoid axioms derive from independencies."""
    waiting = [tuple(map(frozenset, (s.a, s.b, s.given))) for s in statements]
    derived = set()
    while waiting:
        a, b, given = waiting.pop()
        if (a, b, given) not in derived:
            derived |= {(a, b, given), (b, a, given)}
            for one in ((a, b, given), (b, a, given)):
                waiting += [*weaker(*one), *contracted(*one, derived)]
    return derived


def weaker(a, b, given):
    for size in range(1, len(b)):
        for part in map(frozenset, itertools.combinations(b, size)):
            yield a, b - part, given
            yield a, b - part, given | part


def contracted(a, b, given, derived):
    for x, y, z in list(derived):
        if x == a and not y & b:
            if z == given | b:
                yield a, b | y, given
            if given == z | y:
                yield a, b | y, z


@pytest.mark.parametrize("seed", range(15))
def test_the_basis_implies_all_others(seed):
    graph = random_graph(seed, 5)
    basis = list(implied_independencies(graph, kind="basis"))
    assert all(graph.d_separated(one.a, one.b, one.given) for one in basis)
    derived = consequences(basis)
    for one in implied_independencies(graph, kind="all"):
        assert tuple(map(frozenset, (one.a, one.b, one.given))) in derived


def test_bad_kind():
    with pytest.raises(GraphError, match="kind must be one of"):
        list(implied_independencies(MEDIATOR, kind="every"))


def test_the_constraint_of_verma():
    assert list(map(repr, verma_constraints(VERMA))) == [
        "sum_{V2} P(V4 | V1, V2, V3) P(V2 | V1) _||_ V1"
    ]


@pytest.mark.parametrize(
    "graph",
    [
        MEDIATOR,
        CausalGraph([("x", "y")], [("x", "y")]),
        CausalGraph([("z", "x"), ("x", "y")], [("x", "y")]),
        CausalGraph([("x", "m"), ("m", "y")], [("x", "y")]),
        CausalGraph([], [("a", "b"), ("b", "c"), ("c", "d")]),
    ],
)
def test_graphs_without_constraints(graph):
    assert list(verma_constraints(graph)) == []


class Probabilities:
    """Observed probabilities of a graph with binary nodes, one axis per node."""

    def __init__(self, graph, seed):
        self.nodes = [node for node in graph.nodes if node not in graph.latent]
        every = [*graph.nodes, *(("hidden", pair) for pair in graph.bidirected)]
        axis = {node: k for k, node in enumerate(every)}
        joint = np.ones([2] * len(every))
        rng = np.random.default_rng(seed)
        for node in every:
            causes = [] if node not in graph else list(graph.parents(node))
            causes += [h for h in every[len(graph) :] if node in h[1]]
            shape = [2 if other in causes else 1 for other in every]
            one = rng.uniform(0.15, 0.85, shape)
            joint = joint * np.stack(
                [(1 - one).squeeze(axis[node]), one.squeeze(axis[node])], axis[node]
            )
        gone = tuple(axis[node] for node in every if node not in self.nodes)
        self.joint = joint.sum(gone)

    def _axes(self, names):
        return tuple(self.nodes.index(name) for name in names)

    def value(self, formula):
        """Return a formula as an array that varies with the nodes it depends on."""
        if formula.startswith("sum_{"):
            names, rest = formula[len("sum_{") :].split("} ", 1)
            return self.value(rest).sum(self._axes(names.split(", ")), keepdims=True)
        result, divide = 1.0, False
        while formula:
            if formula[0] == "/":
                divide, formula = True, formula[1:]
                continue
            if formula[0] == "[":
                end = matching(formula)
                part = self.value(formula[1:end])
            else:
                end = formula.index(")")
                part = self._conditional(formula[2:end])
            result = result / part if divide else result * part
            divide, formula = False, formula[end + 1 :].lstrip()
        return result

    def _conditional(self, text):
        name, _, given = text.partition(" | ")
        kept = [name, *filter(None, given.split(", "))]
        gone = tuple(k for k, node in enumerate(self.nodes) if node not in kept)
        margin = self.joint.sum(gone, keepdims=True)
        return margin / margin.sum(self._axes([name]), keepdims=True)


def matching(text):
    depth = 0
    for at, sign in enumerate(text):
        depth += {"[": 1, "]": -1}.get(sign, 0)
        if depth == 0:
            return at
    raise AssertionError(f"no closing bracket in {text}")


def spread(probabilities, constraint):
    values = probabilities.value(constraint.formula)
    axes = probabilities._axes(constraint.independent_of)
    return max(np.ptp(values, axis=axis).max() for axis in axes)


def check_constraints(graph, seed):
    """Assert that constraints hold in the graph's data, and not in other data."""
    found = list(verma_constraints(graph))
    inside = Probabilities(graph, seed)
    outside = Probabilities(graph, seed)
    noise = np.random.default_rng(seed).uniform(0.5, 1.5, outside.joint.shape)
    outside.joint = outside.joint * noise / (outside.joint * noise).sum()
    for one in found:
        assert re.search("|".join(map(str, one.independent_of)), one.formula)
        assert spread(inside, one) < 1e-10
        assert spread(outside, one) > 1e-4
    return len(found)


@pytest.mark.parametrize(
    "bidirected",
    [
        [("V1", "V3"), ("V2", "V4"), ("V3", "V5")],
        [("V1", "V5"), ("V1", "V3"), ("V2", "V4")],
        [("V1", "V5"), ("V1", "V3"), ("V2", "V4"), ("V3", "V5")],
        [("V2", "V4"), ("V3", "V5")],
        [("V2", "V4"), ("V2", "V5")],
    ],
)
def test_constraints_of_chains_hold_in_their_data(bidirected):
    check_constraints(CausalGraph(CHAIN, bidirected), seed=0)


def test_constraints_of_random_graphs_hold_in_their_data():
    counts = [check_constraints(random_graph(s, 7), s) for s in range(80)]
    assert sum(counts) > 10
