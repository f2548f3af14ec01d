"""Effects carried from one population to another: examples, truth, refusals."""

import numpy as np
import pandas as pd
import pytest

from skcausal.estimation import estimate
from skcausal.graphs import CausalGraph, UnknownNodeError, example_graph
from skcausal.identification import (
    Fraction,
    IdentificationError,
    NotIdentifiedError,
    Population,
    Probability,
    identify,
)
from skcausal.identification._structural_tables import TableModel
from tests.identification._random_graphs import random_graph


def transport_diagram():
    """Return the graph without its selection node, and what that points at."""
    graph = example_graph("transport").graph
    rest = [node for node in graph.nodes if node != "S"]
    return graph.subgraph(rest), graph.children(["S"])


def test_the_diagram_of_the_manual_of_causaleffect():
    graph, differs = transport_diagram()
    with pytest.raises(NotIdentifiedError):
        identify(graph, "X", "Y")
    source = Population("source", differs=differs, experiments=[["X"]])
    estimand = identify(graph, "X", "Y", populations=[source])
    used = {
        (one.population, *(symbol.node for symbol in one.variables))
        for one in estimand.expression.walk()
        if isinstance(one, Probability)
    }
    assert ("source", "Z") in used
    assert not {one for one in used if one[0] and {"V", "Y"} & {*one[1:]}}
    assert estimand.check(n_random=10, random_state=0) < 1e-10


@pytest.mark.parametrize("swapped", [False, True])
def test_surrogate_outcomes_from_two_populations(swapped):
    """Each source settles the outcome that comes about as in the target."""
    graph = example_graph("surrogate_outcomes").graph
    differs = [["Y2"], ["Y1"]]
    one, two = reversed(differs) if swapped else differs
    sources = [
        Population("first", differs=one, experiments=[["X1"]]),
        Population("second", differs=two, experiments=[["X2"]]),
    ]
    question = (graph, ["X1", "X2"], ["Y1", "Y2"])
    with pytest.raises(NotIdentifiedError):
        identify(*question)
    if swapped:  # the experiment on X1 is where Y1 differs
        with pytest.raises(NotIdentifiedError):
            identify(*question, populations=sources)
        return
    estimand = identify(*question, populations=sources)
    assert estimand.check(n_random=5, random_state=0) < 1e-10


def test_reweighting_a_trial_by_hand():
    graph = CausalGraph([("w", "y"), ("x", "y")], [("x", "y")])
    trial = Population("trial", differs=["w"], experiments=[["x"]])
    estimand = identify(graph, "x", "y", populations=[trial])
    assert str(estimand.expression) == "Σ_{w} P_trial(y | do(x), w) P(w)"
    assert r"P_{\mathrm{trial}}(y \mid" in estimand.latex()
    rng = np.random.default_rng(0)
    here = TableModel.random(graph, 2, rng)
    there = here.differing(["w"], rng)
    shares = here.distribution(["w"]).values
    outcomes = there.distribution(["w", "x", "y"], ["x"]).array("w", "x", "y")
    outcomes = outcomes / outcomes.sum(axis=2, keepdims=True)
    by_hand = np.einsum("w,wxy->xy", shares, outcomes)
    tables = {"trial": {"x": there.distribution(["w", "x", "y"], ["x"])}}
    found = estimand.evaluate(
        here.distribution(["w", "x", "y"]), populations=tables
    ).array("x", "y")
    np.testing.assert_allclose(found, by_hand, atol=1e-12)
    naive = there.distribution(["x", "y"], ["x"]).array("x", "y")
    assert np.abs(naive - by_hand).max() > 1e-3
    with pytest.raises(ValueError, match="an experiment on x in trial"):
        estimand.evaluate(here.distribution(["w", "x", "y"]))


def test_what_differs_cannot_be_carried_over():
    graph = CausalGraph([("w", "y"), ("x", "y")], [("x", "y")])
    trial = Population("trial", differs=["y"], experiments=[["x"]])
    with pytest.raises(NotIdentifiedError):
        identify(graph, "x", "y", populations=[trial])


def test_observation_elsewhere_where_the_target_has_it_too_changes_nothing():
    graph = example_graph("front_door").graph
    here = identify(graph, "X", "Y")
    elsewhere = Population("elsewhere", differs=["Z"])
    assert identify(graph, "X", "Y", populations=[elsewhere]).expression is (
        here.expression
    )


def random_case(seed):
    rng = np.random.default_rng(seed)
    graph = random_graph(seed, hidden=0.5)
    nodes = list(graph.topological_order())
    treatment, outcome = nodes[1], nodes[-1]
    some = [node for node in nodes if rng.random() < 0.3]
    trials = [[node] for node in nodes if rng.random() < 0.3]
    return graph, treatment, outcome, Population("other", some, [(), *trials])


def test_random_graphs_against_the_truth():
    """Each formula that speaks of the other population is right in two models."""
    n_used = n_refused = 0
    for seed in range(300):
        graph, treatment, outcome, other = random_case(seed)
        try:
            estimand = identify(graph, treatment, outcome, populations=[other])
        except NotIdentifiedError:
            n_refused += 1
            continue
        except IdentificationError:
            continue
        if "P_other" in str(estimand):
            n_used += 1
            assert estimand.check(n_random=2, random_state=seed) < 1e-10
    assert n_used > 20
    assert n_refused > 5


def test_derivation_and_assumptions_name_the_population():
    graph, differs = transport_diagram()
    source = Population("source", differs=differs, experiments=[["X"]])
    estimand = identify(graph, "X", "Y", populations=[source])
    assert "taken from source, which does not differ in it" in estimand.explain()
    assert any("differs from the population asked" in a for a in estimand.assumptions())


def test_simplifying_and_renaming_keep_populations_apart():
    one, other = (Probability("x", "z", population=name) for name in ("", "trial"))
    assert one is not other
    joint = Probability(["x", "y"], "z", population="trial")
    conditional = Probability("y", ["x", "z"], population="trial")
    assert Fraction(joint, other).simplify() is conditional
    assert isinstance(Fraction(joint, one).simplify(), Fraction)
    assert other.rename({"z": "w"}) is Probability("x", "w", population="trial")


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("trial", ["q"], [["x"]]), UnknownNodeError, "q"),
        (("trial", ["y"], [["q"]]), UnknownNodeError, "q"),
        (("", ["y"], [["x"]]), IdentificationError, "names of their own"),
    ],
)
def test_bad_populations(arguments, error, message):
    graph = CausalGraph([("x", "y")], [("x", "y")])
    with pytest.raises(error, match=message):
        identify(graph, "x", "y", populations=[Population(*arguments)])


def test_bad_arguments():
    graph = CausalGraph([("x", "y")], [("x", "y")])
    with pytest.raises(IdentificationError, match="must be a list"):
        Population("trial", differs="age")
    with pytest.raises(IdentificationError, match="must not be empty"):
        Population("trial", experiments=[])
    with pytest.raises(IdentificationError, match="Population objects, got str"):
        identify(graph, "x", "y", populations=["trial"])
    twice = [Population("trial", experiments=[["x"]])] * 2
    with pytest.raises(IdentificationError, match="twice"):
        identify(graph, "x", "y", populations=twice)


def test_one_table_is_not_enough():
    graph = CausalGraph([("w", "y"), ("x", "y")], [("x", "y")])
    trial = Population("trial", differs=["w"], experiments=[["x"]])
    estimand = identify(graph, "x", "y", populations=[trial])
    frame = pd.DataFrame({"w": [0, 1], "x": [0, 1], "y": [0, 1]})
    with pytest.raises(IdentificationError, match="data of trial"):
        estimate(estimand, frame)
