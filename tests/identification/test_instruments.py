"""InstrumentSets: all pairs against the definition, published graphs, the ratio."""

import itertools

import numpy as np
import pytest

from skcausal.graphs import CausalGraph, UnknownNodeError
from skcausal.identification import (
    IdentificationError,
    InstrumentSets,
    NoInstrumentError,
)
from tests.identification._random_graphs import random_graph, subsets


def satisfies(graph, treatment, outcome, instrument, given):
    if {instrument, *given} & graph.descendants(treatment):
        return False
    cut = graph.without_edges_out_of(treatment)
    return cut.d_separated(instrument, outcome, given) and (
        not graph.d_separated(instrument, treatment, given)
    )


def questions(seed, n_nodes, **options):
    graph = random_graph(seed, n_nodes, **options)
    for treatment, outcome in itertools.permutations(graph.observed, 2):
        if outcome in graph.descendants(treatment):
            yield graph, treatment, outcome


def agrees_with_definition(graph, treatment, outcome):
    """Compare with all pairs; return how many instruments there are."""
    sets = InstrumentSets(graph, treatment, outcome)
    others = [v for v in graph.observed if v not in (treatment, outcome)]
    valid = {}
    cut = graph.without_edges_out_of(treatment)
    for instrument in others:
        for given in subsets(set(others) - {instrument}):
            right = satisfies(graph, treatment, outcome, instrument, given)
            assert sets.is_valid(instrument, given) == right
            if right:
                valid.setdefault(instrument, []).append(given)
    ancestral = {
        instrument
        for instrument, sets_ in valid.items()
        if any(given <= cut.ancestors([instrument, outcome]) for given in sets_)
    }
    listed = dict(sets.all())
    assert set(listed) == ancestral
    assert bool(valid) == bool(listed)  # the theorem: one ancestral, if any at all
    for instrument, given in listed.items():
        assert given in valid[instrument]
        separating = (
            cut.d_separated(instrument, outcome, given - {node}) for node in given
        )
        assert not any(separating)
    if listed:
        assert sets.any() == next(sets.all())
    else:
        with pytest.raises(NoInstrumentError, match="no observed node"):
            sets.any()
    return len(valid)


@pytest.mark.parametrize("latent", [0.0, 0.15])
def test_agrees_with_the_definition(latent):
    counts = [
        agrees_with_definition(*question)
        for seed in range(40)
        for question in questions(seed, 6, latent=latent)
    ]
    assert sum(count > 0 for count in counts) > 30


def test_agrees_with_the_definition_on_seven_nodes():
    counts = [
        agrees_with_definition(*question)
        for seed in range(8)
        for question in questions(seed, 7, arrows=0.3, hidden=0.15)
    ]
    assert sum(count > 0 for count in counts) > 5


# dagitty, test/test: the classic instrument, one given a covariate, one confounded.
PUBLISHED = {
    "classic": (CausalGraph([("i", "x"), ("x", "y")], [("x", "y")]), "i", set()),
    "given w": (
        CausalGraph(
            [("w", "z"), ("z", "x"), ("x", "y"), ("w", "u"), ("u", "x"), ("u", "y")],
            latent=["u"],
        ),
        "z",
        {"w"},
    ),
    "confounded": (
        CausalGraph(
            [("w", "y"), ("w", "i"), ("i", "x"), ("x", "y")], bidirected=[("x", "y")]
        ),
        "i",
        {"w"},
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_graphs(name):
    graph, instrument, given = PUBLISHED[name]
    sets = InstrumentSets(graph, "x", "y")
    assert sets.any() == (instrument, given)
    assert list(sets.all()) == [(instrument, given)]
    assert sets.is_valid(instrument, given)


def covariance(graph, rng):
    """Return the covariance of a random linear model and its matrix of total effects.

    ``total[a, b]`` is the effect of ``a`` on ``b``.
    """
    n = len(graph)
    weights, noise = np.zeros((n, n)), np.diag(rng.uniform(1, 2, n))
    for a, b in graph.directed:
        weights[a, b] = rng.normal()
    for a, b in graph.bidirected:
        load = np.zeros(n)
        load[[a, b]] = rng.normal(size=2)
        noise += np.outer(load, load)
    total = np.linalg.inv(np.eye(n) - weights)
    return total.T @ noise @ total, total


@pytest.mark.parametrize("seed", range(15))
def test_the_ratio_is_the_effect_in_a_linear_model(seed):
    for graph, treatment, outcome in questions(seed, 7, latent=0.1):
        cov, total = covariance(graph, np.random.default_rng(seed))
        for instrument, given in InstrumentSets(graph, treatment, outcome).all():
            held = sorted(given)
            left = [treatment, outcome, instrument]
            rest = cov[np.ix_(left, left)] - cov[np.ix_(left, held)] @ (
                np.linalg.solve(cov[np.ix_(held, held)], cov[np.ix_(held, left)])
            )
            effect = total[treatment, outcome]
            assert rest[1, 2] == pytest.approx(effect * rest[0, 2], abs=1e-9)


CLASSIC = PUBLISHED["classic"][0]


def test_observed_limits_instruments_and_what_is_held_fixed():
    graph = PUBLISHED["given w"][0]
    sets = InstrumentSets(graph, "x", "y", observed=["x", "y", "z"])
    assert not sets.is_valid("z", "w")
    with pytest.raises(NoInstrumentError, match="effect of 'x' on 'y'"):
        sets.any()


def test_effects_of_the_treatment_are_no_instruments():
    graph = CausalGraph([("x", "y"), ("x", "z")])
    assert not InstrumentSets(graph, "x", "y").is_valid("z")


def test_bad_questions():
    with pytest.raises(IdentificationError, match="treatment must be one node, got 2"):
        InstrumentSets(CLASSIC, ["i", "x"], "y")
    with pytest.raises(IdentificationError, match="InstrumentSets: no arrows lead"):
        InstrumentSets(CLASSIC, "y", "x")
    sets = InstrumentSets(CLASSIC, "x", "y")
    with pytest.raises(IdentificationError, match="is_valid: instrument must be one"):
        sets.is_valid(["i", "x"])
    with pytest.raises(UnknownNodeError, match="'q' is not a node"):
        sets.is_valid("i", given="q")
    assert not sets.is_valid("i", given="i")
