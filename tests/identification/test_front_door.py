"""FrontDoorSets: all subsets against the definition, published graphs, the formula."""

import itertools

import networkx as nx
import numpy as np
import pytest

from skcausal.graphs import CausalGraph, UnknownNodeError
from skcausal.identification import (
    FrontDoorSets,
    IdentificationError,
    NoFrontDoorSetError,
)
from tests.identification._random_graphs import random_graph, subsets


def satisfies(graph, treatment, outcome, mediators):
    """The three conditions of the criterion, each as it is written."""
    mediators = set(mediators)
    network = nx.DiGraph(list(graph.directed))
    network.add_nodes_from(graph.nodes)
    rest = network.subgraph(set(network) - mediators)
    if any(nx.has_path(rest, x, y) for x in treatment for y in outcome):
        return False
    if not mediators:
        return True
    return graph.without_edges_out_of(treatment).d_separated(
        treatment, mediators
    ) and graph.without_edges_out_of(mediators).d_separated(
        mediators, outcome, treatment
    )


def questions(seed, n_nodes, sizes):
    """Yield pairs of treatments and outcomes that a directed path joins."""
    graph = random_graph(seed, n_nodes, arrows=0.3, hidden=0.05, latent=0.1)
    n_treatments, n_outcomes = sizes
    for treatment in itertools.combinations(graph.observed, n_treatments):
        left = [node for node in graph.observed if node not in treatment]
        for outcome in itertools.combinations(left, n_outcomes):
            if graph.ancestors(outcome).issuperset(treatment):
                yield graph, treatment, outcome


def agrees_with_definition(graph, treatment, outcome, include=()):
    """Compare every method with all subsets; return how many of them are valid."""
    mediators = [v for v in graph.observed if v not in {*treatment, *outcome}]
    sets = FrontDoorSets(graph, treatment, outcome, include=include)
    valid = {z for z in subsets(mediators) if satisfies(graph, treatment, outcome, z)}
    valid = {z for z in valid if z.issuperset(include)}
    assert all(sets.is_valid(z) == (z in valid) for z in subsets(mediators))
    listed = list(sets.all())
    assert len(listed) == len(set(listed))
    assert set(listed) == valid
    if valid:
        assert sets.any() == max(valid, key=len)
        minimal = sets.minimal()
        assert minimal in valid
        assert not any(z < minimal for z in valid)
    else:
        with pytest.raises(NoFrontDoorSetError):
            sets.any()
        with pytest.raises(NoFrontDoorSetError):
            sets.minimal()
    return len(valid)


@pytest.mark.parametrize(
    ("sizes", "n_graphs"), [((1, 1), 40), ((2, 1), 80), ((1, 2), 25), ((2, 2), 60)]
)
def test_agrees_with_the_definition(sizes, n_graphs):
    counts = [
        agrees_with_definition(*question)
        for seed in range(n_graphs)
        for question in questions(seed, 6, sizes)
    ]
    assert sum(count > 1 for count in counts) >= 4
    assert 0 in counts


def test_agrees_with_the_definition_where_nodes_are_forced_in():
    rng = np.random.default_rng(0)
    found = 0
    for seed in range(60):
        for graph, treatment, outcome in questions(seed, 6, (1, 1)):
            left = [v for v in graph.observed if v not in {*treatment, *outcome}]
            if left and rng.random() < 0.5:
                include = [left[rng.integers(len(left))]]
                found += agrees_with_definition(graph, treatment, outcome, include)
    assert found > 20


def test_minimal_spares_every_mediator_it_can_on_chains():
    """Of many valid sets on a chain, one mediator is left."""
    arrows = [(k, k + 1) for k in range(7)]
    sets = FrontDoorSets(CausalGraph(arrows, [(0, 7)]), 0, 7)
    assert len(sets.minimal()) == 1
    assert len(list(sets.all())) == 2**6 - 1


# DoWhy, tests/causal_identifiers: one mediator, two mediators, a confounded mediator.
PUBLISHED = {
    "one": ([("X", "M1"), ("M1", "Y"), ("Z", "X"), ("Z", "Y")], "Z", {"M1"}),
    "two": (
        [
            *[("X", "M1"), ("M1", "Y"), ("X", "M2"), ("M2", "Y")],
            *[("Z", "X"), ("Z", "Y")],
        ],
        "Z",
        {"M1", "M2"},
    ),
    "none": (
        [("E", "X"), ("E", "R"), ("X", "M"), ("R", "M"), ("M", "Y")],
        "E",
        None,
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_graphs(name):
    arrows, latent, expected = PUBLISHED[name]
    graph = CausalGraph(arrows, latent=[latent])
    sets = FrontDoorSets(graph, "X", "Y")
    if expected is None:
        assert list(sets.all()) == []
        with pytest.raises(NoFrontDoorSetError, match="open back door"):
            sets.any()
    else:
        assert sets.minimal() == expected
        assert list(sets.all()) == [expected]


def distribution(graph, rng, forced=None):
    """Return the joint table of binary nodes; hidden causes come last, summed out.

    ``forced`` maps nodes to values: the distribution under intervention.
    """
    hidden = [("hidden", k) for k in range(len(graph.bidirected))]
    order = [*hidden, *graph.topological_order()]
    parents = {node: sorted(graph.parents(node)) for node in graph.nodes}
    for name, pair in zip(hidden, graph.bidirected, strict=True):
        for node in pair:
            parents[node].append(name)
    chances = {
        node: rng.uniform(0.1, 0.9, size=(2,) * len(parents.get(node, ())))
        for node in order
    }
    table = np.zeros((2,) * len(graph.nodes))
    for values in itertools.product((0, 1), repeat=len(order)):
        world, weight = dict(zip(order, values, strict=True)), 1.0
        for node in order:
            if forced and node in forced:
                weight *= world[node] == forced[node]
                continue
            chance = chances[node][tuple(world[p] for p in parents.get(node, ()))]
            weight *= chance if world[node] else 1 - chance
        table[tuple(world[node] for node in graph.nodes)] += weight
    return table


def front_door_formula(table, treatment, outcome, mediators, level):
    """P(outcome = 1 | do(treatment = level)) from observed frequencies."""

    def chance(**known):
        where = [slice(None)] * table.ndim
        for node, value in known["of"].items():
            where[node] = value
        return table[tuple(where)].sum()

    total = 0.0
    for values in itertools.product((0, 1), repeat=len(mediators)):
        z = dict(zip(mediators, values, strict=True))
        inner = sum(
            chance(of={treatment: x, outcome: 1, **z})
            / chance(of={treatment: x, **z})
            * chance(of={treatment: x})
            for x in (0, 1)
        )
        first = chance(of={treatment: level, **z}) / chance(of={treatment: level})
        total += first * inner
    return total


@pytest.mark.parametrize("seed", range(12))
def test_the_formula_gives_the_effect(seed):
    for graph, (treatment,), (outcome,) in questions(seed, 5, (1, 1)):
        for mediators in FrontDoorSets(graph, treatment, outcome).all():
            seen = distribution(graph, np.random.default_rng(seed))
            done = distribution(graph, np.random.default_rng(seed), {treatment: 1})
            truth = done.take(1, axis=outcome).sum()
            found = front_door_formula(seen, treatment, outcome, sorted(mediators), 1)
            assert found == pytest.approx(truth, abs=1e-12)


SMOKING = CausalGraph([("x", "m"), ("m", "y")], [("x", "y")], nodes=["alone"])


def test_observed_limits_the_mediators():
    sets = FrontDoorSets(SMOKING, "x", "y", observed=["x", "y"])
    assert not sets.is_valid("m")
    with pytest.raises(NoFrontDoorSetError, match="some directed path"):
        sets.any()


def test_ends_are_no_mediators():
    sets = FrontDoorSets(SMOKING, "x", "y")
    assert sets.is_valid("m")
    assert not sets.is_valid(["m", "x"])
    assert sets.any() == {"m", "alone"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"treatment": "x", "outcome": "x"}, "'x' is in both treatment and outcome"),
        ({"treatment": "y", "outcome": "x"}, "no arrows lead from 'y' to 'x'"),
        ({"treatment": [], "outcome": "y"}, "treatment must name a node"),
        ({"observed": ["m", "y"]}, "treatment 'x' is not observed"),
        ({"include": "x"}, "'x' is in both treatment and include"),
    ],
)
def test_bad_questions(options, words):
    question = {"treatment": "x", "outcome": "y", **options}
    with pytest.raises(IdentificationError, match=f"FrontDoorSets: .*{words}"):
        FrontDoorSets(SMOKING, **question)


def test_unknown_nodes_and_latent_ones():
    with pytest.raises(UnknownNodeError, match="'t' is not a node"):
        FrontDoorSets(SMOKING, "x", "y").is_valid("t")
    graph = CausalGraph([("x", "m"), ("m", "y")], latent=["m"])
    with pytest.raises(IdentificationError, match="calls latent"):
        FrontDoorSets(graph, "x", "y", observed=["x", "m", "y"])
    with pytest.raises(IdentificationError, match="must be a CausalGraph, got list"):
        FrontDoorSets([("x", "y")], "x", "y")


def test_the_refusal_names_a_mediator_that_was_forced_in():
    graph = CausalGraph([("x", "m"), ("m", "y")], [("m", "y")])
    with pytest.raises(NoFrontDoorSetError, match="'m', which include names"):
        FrontDoorSets(graph, "x", "y", include="m").minimal()
