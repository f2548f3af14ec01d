"""Adjustment sets: published answers, brute force, costs, precision, bad input."""

import itertools
import re

import numpy as np
import pytest

from skcausal.graphs import CausalGraph, GraphError, UnknownNodeError
from skcausal.identification import (
    AdjustmentSets,
    IdentificationError,
    NoAdjustmentSetError,
)
from tests.identification.brute_force import (
    asymptotic_variance,
    is_best_by_separation,
    random_case,
    subsets,
    valid_by_paths,
)


def drawn(text, latent=()):
    """Return the graph of edges such as ``a->{b c} b<->c``."""
    edges = {"->": [], "<->": []}
    for left, mark, right in re.findall(r"(\S+?)(<->|->)(\{[^}]*\}|\S+)", text):
        edges[mark] += [(left, end) for end in right.strip("{}").split()]
    return CausalGraph(edges["->"], edges["<->"], latent=latent)


SHRIER_PLATT = drawn(
    "Coach->{FitnessLevel TeamMotivation} "
    "Genetics->{FitnessLevel NeuromuscularFatigue ConnectiveTissueDisorder} "
    "TeamMotivation->{PreviousInjury WarmUpExercises} "
    "PreGameProprioception->WarmUpExercises "
    "ConnectiveTissueDisorder->{TissueWeakness NeuromuscularFatigue} "
    "ContactSport->{IntraGameProprioception PreviousInjury} "
    "TissueWeakness->Injury IntraGameProprioception->Injury "
    "FitnessLevel->{PreGameProprioception NeuromuscularFatigue} "
    "NeuromuscularFatigue->{IntraGameProprioception Injury} "
    "WarmUpExercises->IntraGameProprioception"
)
SCHIPF = "A->{S PA WC U TT} S->{TT T2DM} WC->{TT U T2DM} U->{TT T2DM} PA->{WC T2DM}"
TRIANGLE = drawn("A->{E Z} B->{D Z} E->D Z->{D E}")
MEDIATOR = drawn("Z->{X I} X->{I Y} I->Y")
THOEMMES = drawn(
    "e0->x e1->s1 e2->{s2 y} e3->s3 e4->y s1->{s2 z} s2->{s3 z2} s3->y x->{y s1} y->z3",
    latent=["e0", "e1", "e3", "e4"],
)
BACK_DOOR = drawn("Z1->{Z3 Z4} Z2->{Z4 Z5} Z3->X Z4->{X Y} Z5->Y X->Z6 Z6->Y")
SMUCLER_4 = drawn("T->{W1 Y} W1->X W2->{W1 Y} W3->{W1 Y} W4->Y X->Y")
SMUCLER_5 = drawn("X->Y Z1->{X Z2} U->{Z2 Y}", latent=["U"])
TWO_TREATMENTS = drawn("C->{Y1 m} X1->{X2 Y2 m2} Y2->Y1 X2->Y1 m2->m m->X2")
M_BIAS = drawn("A->B U1->{A M} U2->{M B}")


def words(*texts):
    return {frozenset(text.split()) for text in texts}


GOLDEN = {
    "shrier_platt": (
        (SHRIER_PLATT, "WarmUpExercises", "Injury"),
        {},
        words(
            "Coach FitnessLevel",
            "Coach PreGameProprioception",
            "ConnectiveTissueDisorder NeuromuscularFatigue",
            "FitnessLevel Genetics",
            "FitnessLevel TeamMotivation",
            "NeuromuscularFatigue TissueWeakness",
            "PreGameProprioception TeamMotivation",
        ),
        "ContactSport NeuromuscularFatigue TissueWeakness",
    ),
    "schipf": (
        (drawn(SCHIPF + " TT->T2DM"), "TT", "T2DM"),
        {},
        words("A S U WC", "PA S U WC"),
        "PA S U WC",
    ),
    "triangle": ((TRIANGLE, "E", "D"), {}, words("A Z", "B Z"), "B Z"),
    "mediator": ((MEDIATOR, "X", "Y"), {}, words("Z"), "Z"),
    "mediator_direct": ((MEDIATOR, "X", "Y"), {"effect": "direct"}, words("I"), None),
    "thoemmes": ((THOEMMES, "x", "y"), {}, words(""), "e2"),
    "thoemmes_direct": (
        (THOEMMES, "x", "y"),
        {"effect": "direct", "include": "s2"},
        words("e2 s2", "s1 s2"),
        None,
    ),
    "back_door": (
        (BACK_DOOR, "X", "Y"),
        {},
        words("Z1 Z4", "Z2 Z4", "Z3 Z4", "Z4 Z5"),
        "Z4 Z5",
    ),
    "smucler_4": (
        (SMUCLER_4, "X", "Y"),
        {},
        words("W1", "T W2 W3"),
        "T W2 W3 W4",
    ),
    "smucler_4_forced": (
        (SMUCLER_4, "X", "Y"),
        {"include": "T"},
        words("T W1", "T W2 W3"),
        "T W2 W3 W4",
    ),
    "two_treatments": (
        (TWO_TREATMENTS, ["X1", "X2"], ["Y1", "Y2"]),
        {},
        words("C", "m m2"),
        "C",
    ),
    "m_bias": ((M_BIAS, "A", "B"), {}, words(""), "U2"),
    "m_bias_forced": (
        (M_BIAS, "A", "B"),
        {"include": "M"},
        words("M U1", "M U2"),
        "M U2",
    ),
    "observed_only": (
        (BACK_DOOR, "X", "Y"),
        {"observed": ["X", "Y", "Z2", "Z3", "Z4"]},
        words("Z2 Z4", "Z3 Z4"),
        "Z2 Z4",
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_published_answers(name):
    question, options, minimal, optimal = GOLDEN[name]
    sets = AdjustmentSets(*question, **options)
    found = list(sets.all_minimal())
    assert len(found) == len(set(found))
    assert set(found) == minimal
    assert sets.minimal() in minimal
    assert sets.optimal_minimal() in minimal
    assert sets.is_valid(sets.any())
    assert len(sets.minimum_cost()) == min(map(len, minimal))
    if optimal is None:
        with pytest.raises(IdentificationError, match="optimal"):
            sets.optimal()
    else:
        assert sets.optimal() == frozenset(optimal.split())


def test_precision_with_a_forced_covariate_and_a_latent_cause():
    forced = AdjustmentSets(SMUCLER_4, "X", "Y", include="T")
    assert forced.optimal_minimal() == {"T", "W2", "W3"}
    hidden = AdjustmentSets(SMUCLER_5, "X", "Y")
    assert hidden.optimal_minimal() == frozenset()
    with pytest.raises(IdentificationError, match="no set is known to be best"):
        hidden.optimal()


def test_published_invalid_sets():
    sets = AdjustmentSets(BACK_DOOR, "X", "Y")
    assert not any(map(sets.is_valid, [["Z4"], ["Z6"], ["Z4", "Z5", "Z6"], []]))
    assert sets.is_valid(["Z1", "Z2", "Z3", "Z4", "Z5"])
    assert sets.canonical() == {"Z1", "Z2", "Z3", "Z4", "Z5"}
    with pytest.raises(IdentificationError, match="include names s2"):
        AdjustmentSets(THOEMMES, "x", "y", include="s2")


@pytest.mark.parametrize(
    "graph",
    [
        drawn("X->M1 M1->Y Z->{X Y}", latent=["Z"]),
        drawn("X->{M1 M2} M1->Y M2->Y Z->{X Y}", latent=["Z"]),
        drawn("E->{X R} X->M R->M M->Y E->Y", latent=["E"]),
        drawn("i->X X->Y X<->Y"),
        drawn("U->{Z X} Z->X X->Y V->{Z Y}", latent=["U", "V"]),
    ],
)
def test_no_set(graph):
    sets = AdjustmentSets(graph, "X", "Y")
    assert list(sets.all_minimal()) == []
    for method in (
        sets.any,
        sets.canonical,
        sets.minimal,
        sets.optimal,
        sets.optimal_minimal,
        sets.minimum_cost,
    ):
        with pytest.raises(NoAdjustmentSetError, match="stays open"):
            method()


def test_covariates_the_treatment_causes():
    """A side effect may be adjusted for by the complete criterion, not by Pearl's."""
    graph = drawn("X->Z X->Y")
    complete = AdjustmentSets(graph, "X", "Y")
    assert complete.is_valid([])
    assert complete.is_valid("Z")
    back_door = AdjustmentSets(graph, "X", "Y", criterion="backdoor")
    assert back_door.is_valid([])
    assert not back_door.is_valid("Z")
    assert "caused by the treatment" in back_door.explain("Z")


def test_explanations():
    sets = AdjustmentSets(M_BIAS, "A", "B")
    assert repr(sets) == "AdjustmentSets(total effect of A on B)"
    assert "is valid" in sets.explain()
    assert sets.explain("M") == (
        "{M} is not valid: the path A <- U1 -> M <- U2 -> B is open, since adjusting "
        "opens it at M."
    )
    mediated = AdjustmentSets(drawn("X->M M->{Y D} Z->{X Y}", latent=["Z"]), "X", "Y")
    said = mediated.explain(["D", "Z"])
    assert "D is on a causal path to the outcome, or caused by such a node" in said
    assert "Z is not observed" in said
    assert "X is a treatment" in mediated.explain("X")
    forced = AdjustmentSets(SMUCLER_4, "X", "Y", include="T")
    assert "T must be included" in forced.explain("W1")


def agreements(seed, n_sets, criterion):
    """Compare random sets in a random graph with all its paths; return how many."""
    graph, treatments, outcomes = random_case(seed)
    sets = AdjustmentSets(graph, treatments, outcomes, criterion=criterion)
    rest = [n for n in graph.nodes if n not in (*treatments, *outcomes)]
    rng = np.random.default_rng(seed)
    for _ in range(n_sets):
        z = [node for node in rest if rng.random() < 0.4]
        expected = valid_by_paths(graph, treatments, outcomes, z, criterion)
        assert sets.is_valid(z) == expected
        assert ("is valid" in sets.explain(z)) == expected
    return n_sets


@pytest.mark.parametrize("criterion", ["adjustment", "backdoor"])
def test_agrees_with_path_enumeration(criterion):
    assert sum(agreements(seed, 4, criterion) for seed in range(150)) == 600


@pytest.mark.slow
def test_agrees_with_path_enumeration_on_many_graphs():
    assert sum(agreements(s, 10, "adjustment") for s in range(1000, 11_000)) == 100_000


@pytest.mark.parametrize("seed", range(100))
def test_minimal_sets_and_costs_agree_with_exhaustive_search(seed):
    graph, treatments, outcomes = random_case(seed, n_nodes=7)
    rng = np.random.default_rng(seed)
    rest = [n for n in graph.nodes if n not in (*treatments, *outcomes)]
    direct = len(outcomes) == 1 and graph.parents(outcomes) >= set(treatments)
    options = {
        "observed": [*treatments, *outcomes, *rest[: 2 + seed % 4]],
        "effect": "direct" if direct and seed % 2 else "total",
    }
    forced = [n for n in rest[:1] if n not in graph.descendants(treatments)]
    options["include"] = forced if seed % 3 == 0 else ()
    sets = AdjustmentSets(graph, treatments, outcomes, **options)
    valid = [one for one in map(frozenset, subsets(rest)) if sets.is_valid(one)]
    minimal = {one for one in valid if not any(other < one for other in valid)}
    found = list(sets.all_minimal())
    assert len(found) == len(set(found))
    assert set(found) == minimal
    if not minimal:
        with pytest.raises(NoAdjustmentSetError):
            sets.any()
        return
    assert sets.is_valid(sets.any())
    assert sets.minimal() in minimal
    assert sets.optimal_minimal() in minimal
    cost = {node: float(rng.integers(0, 5)) + 0.25 for node in graph.nodes}
    total = lambda one: sum(cost[node] for node in one)  # noqa: E731
    cheapest = sets.minimum_cost(cost)
    assert cheapest in minimal
    assert total(cheapest) == pytest.approx(min(map(total, minimal)))


# Hidden causes are bidirected edges in every second graph, latent nodes in every third.
@pytest.mark.parametrize("seed", range(90))
def test_optimal_set_has_the_smallest_variance(seed):
    graph, treatments, outcomes = random_case(
        seed, n_nodes=6, bidirected=0.15 * (seed % 2), sides=1
    )
    rest = [n for n in graph.nodes if n not in (*treatments, *outcomes)]
    seen = rest if seed % 3 else rest[:3]
    sets = AdjustmentSets(
        graph, treatments, outcomes, observed=[*treatments, *outcomes, *seen]
    )
    valid = [one for one in subsets(seen) if sets.is_valid(one)]
    if not valid:
        return
    minimal = list(sets.all_minimal())
    try:
        optimal = sets.optimal()
    except IdentificationError:
        assert graph.bidirected or seen != rest
        optimal = None
        for one in valid:
            assert not is_best_by_separation(graph, treatments, outcomes, one, valid)
    for draw in range(3):
        variance = asymptotic_variance(graph, treatments, outcomes, 100 * seed + draw)
        least = sets.optimal_minimal()
        assert variance(least) <= min(map(variance, minimal)) * (1 + 1e-9)
        if optimal is not None:
            assert variance(optimal) <= min(map(variance, valid)) * (1 + 1e-9)


def test_optimal_sets_with_hidden_causes():
    """Where a hidden cause helps, where another node stands in, and where none is."""
    helps = drawn("X->Y Y<->C")
    assert AdjustmentSets(helps, "X", "Y").optimal() == {"C"}
    stands_in = drawn("A->L L->Y Z->{X Y} X->Y", latent=["L"])
    assert AdjustmentSets(stands_in, "X", "Y").optimal() == {"A", "Z"}
    neither = drawn("A->{X C} C<->Y X->Y")
    with pytest.raises(IdentificationError, match="no set is known to be best"):
        AdjustmentSets(neither, "X", "Y").optimal()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (("X", "nobody"), {}, "'nobody' is not a node"),
        (("X", "X"), {}, "'X' is in both treatment and outcome"),
        (([], "Y"), {}, "treatment must name a node, got none"),
        (("Y", "X"), {}, "no arrows lead from 'Y' to 'X'"),
        (("X", "Y"), {"observed": ["Y", "Z"]}, "treatment 'X' is not observed"),
        (("X", "Y"), {"include": "I"}, "include names I, which no valid set"),
        (("X", "Y"), {"include": "X"}, "in both treatment and include"),
        (("X", "Y"), {"include": "Q"}, "'Q' is not a node"),
        (("X", "Y"), {"effect": "partial"}, "effect must be one of"),
        (("X", "Y"), {"criterion": "front"}, "criterion must be one of"),
        (("Z", "Y"), {"effect": "direct"}, "no arrow goes from 'Z' to 'Y'"),
        (("X", ["I", "Y"]), {"effect": "direct"}, "one outcome"),
        (
            ("X", "Y"),
            {"effect": "direct", "criterion": "backdoor"},
            "about total effects",
        ),
    ],
)
def test_bad_questions(arguments, options, message):
    with pytest.raises(GraphError, match=re.escape(message)):
        AdjustmentSets(MEDIATOR, *arguments, **options)


def test_a_latent_treatment_and_no_causal_path_are_named():
    with pytest.raises(IdentificationError, match="must be a CausalGraph, got list"):
        AdjustmentSets([("X", "Y")], "X", "Y")
    with pytest.raises(IdentificationError, match="'U', which the graph calls latent"):
        AdjustmentSets(drawn("U->Y", latent=["U"]), "U", "Y", observed=["U", "Y"])
    with pytest.raises(IdentificationError, match="'U' is not observed"):
        AdjustmentSets(drawn("U->Y", latent=["U"]), "U", "Y")
    with pytest.raises(IdentificationError, match="no arrows lead from 'TT' to 'T2DM'"):
        AdjustmentSets(drawn(SCHIPF), "TT", "T2DM")


def test_bad_costs_and_sets():
    sets = AdjustmentSets(MEDIATOR, "X", "Y")
    with pytest.raises(UnknownNodeError):
        sets.is_valid("nobody")
    with pytest.raises(IdentificationError, match="no entry for 'Z'"):
        sets.minimum_cost({"I": 1.0})
    for bad in (-1.0, np.nan, np.inf):
        with pytest.raises(IdentificationError, match="cost of 'Z'"):
            sets.minimum_cost({"Z": bad})
    assert sets.minimum_cost({"Z": 0.0}) == {"Z"}


def test_sides_are_sets_of_nodes():
    """Parts of the question may be a node or a collection of nodes."""
    for one, many in itertools.product(("X", ["X"]), ("Y", {"Y"})):
        assert AdjustmentSets(MEDIATOR, one, many).any() == {"Z"}
