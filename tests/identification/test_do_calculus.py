"""The rules of do-calculus and derivations by them, line by line against the truth."""

import numpy as np
import pytest

from skcausal.graphs import CausalGraph, UnknownNodeError, example_graph
from skcausal.identification import (
    DoCalculus,
    Fraction,
    IdentificationError,
    NotIdentifiedError,
    Probability,
    Product,
    Sum,
    Variable,
    evaluate,
    identify,
)
from skcausal.identification._structural_tables import TableModel
from tests.identification._random_graphs import random_graph

FRONT_DOOR = DoCalculus(CausalGraph([("x", "z"), ("z", "y")], [("x", "y")]))
BACK_DOOR = DoCalculus(CausalGraph([("z", "x"), ("z", "y"), ("x", "y")]))
DERIVED = [
    "shpitser_pearl_2a",
    "shpitser_pearl_2b",
    "shpitser_pearl_2c",
    "shpitser_pearl_2d",
    "front_door",
    "shpitser_pearl_2f",
    "shpitser_pearl_2g",
    "shpitser_pearl_3a",
    "napkin",
    "m_graph",
    "verma",
    "tian_verma_2",
    "tian_verma_3",
    "tian_verma_4",
    "two_treatments",
    "pearl_two_actions",
    "front_door_with_cause",
    "simplification",
    "sars_cov_2_small",
    "pearl_back_door",
]
REFUSED = [
    "bow",
    "shpitser_pearl_1b",
    "shpitser_pearl_1c",
    "shpitser_pearl_1d",
    "shpitser_pearl_1e",
    "shpitser_pearl_1f",
    "shpitser_pearl_1g",
    "shpitser_pearl_1h",
    "instrument",
    "smoking",
]


def worst_line(graph, query, derivation, seed):
    """Return how far the lines of a derivation are from the truth at worst."""
    model = TableModel.random(graph, 2, np.random.default_rng(seed))
    asked = [one.node for one in (*query.do, *query.variables, *query.given)]
    done = [one.node for one in query.do]
    given = [one.node for one in query.given]
    truth = model.distribution(asked, done).array(*asked)
    over = tuple(range(len(done), len(asked) - len(given)))
    truth = truth / truth.sum(axis=over, keepdims=True)
    lines = [step.expression for step in derivation.steps]
    trials = {
        frozenset(symbol.node for symbol in one.do)
        for line in lines
        for one in line.walk()
        if isinstance(one, Probability)
    }
    tables = {trial: model.distribution(graph.observed, trial) for trial in trials}
    worst = 0.0
    for line in lines:
        table = evaluate(
            line, tables.get(frozenset(), tables[next(iter(trials))]), tables
        )
        extra = [axis for axis in table.axes if axis.node not in asked]
        mine = [node for node in asked if Variable(node) in table.axes]
        lost = tuple(k for k, node in enumerate(asked) if node not in mine)
        values = np.expand_dims(table.array(*mine, *extra), lost)
        wide = truth.reshape(truth.shape + (1,) * len(extra))
        worst = max(worst, float(np.abs(values - wide).max()))
    return worst


def is_do_free(expression):
    return not any(getattr(one, "do", ()) for one in expression.walk())


@pytest.mark.parametrize(
    ("calculus", "rule", "probability", "nodes", "after", "applies", "words"),
    [
        (
            FRONT_DOOR,
            "rule2",
            Probability("z", do="x"),
            "x",
            Probability("z", "x"),
            True,
            "x and z are separated in the graph without arrows out of x",
        ),
        (
            FRONT_DOOR,
            "rule2",
            Probability("y", do="x"),
            "x",
            Probability("y", "x"),
            False,
            "x and y are not separated in the graph without arrows out of x",
        ),
        (
            FRONT_DOOR,
            "rule2",
            Probability("y", "z", "x"),
            "z",
            Probability("y", do=["x", "z"]),
            True,
            "z and y are separated given x in the graph without edges into x and "
            "arrows out of z",
        ),
        (
            FRONT_DOOR,
            "rule3",
            Probability("y", do=["x", "z"]),
            "x",
            Probability("y", do="z"),
            True,
            "given z in the graph without edges into x and z",
        ),
        (
            FRONT_DOOR,
            "rule3",
            Probability("x"),
            "z",
            Probability("x", do="z"),
            True,
            "z and x are separated in the graph without edges into z",
        ),
        (
            FRONT_DOOR,
            "rule1",
            Probability("y", "x", "z"),
            "x",
            Probability("y", do="z"),
            False,
            "x and y are not separated given z",
        ),
        (
            BACK_DOOR,
            "rule1",
            Probability("z", do="x"),
            "y",
            Probability("z", "y", "x"),
            False,
            "y and z are not separated given x",
        ),
        (
            BACK_DOOR,
            "rule3",
            Probability("z", "y", "x"),
            "x",
            Probability("z", "y"),
            False,
            # x is an ancestor of what is given, so its causes are not cut off.
            "x and z are not separated given y in the graph",
        ),
    ],
)
def test_rules(calculus, rule, probability, nodes, after, applies, words):
    found = getattr(calculus, rule)(probability, nodes)
    assert (found.applies, bool(found), found.after) == (applies, applies, after)
    assert found.before == probability
    assert words in found.separation
    assert found.separation in str(found)


@pytest.mark.parametrize(
    ("rule", "nodes", "places"),
    [
        ("rule1", "x", "given or all be absent"),
        ("rule2", "w", "set or all be given"),
        ("rule3", "z", "set or all be absent"),
        ("rule3", ["x", "w"], "set or all be absent"),
        ("rule1", "y", "given or all be absent"),
        ("rule1", [], "none"),
    ],
)
def test_rules_refuse_nodes_in_the_wrong_place(rule, nodes, places):
    graph = CausalGraph([("z", "x"), ("z", "y"), ("x", "y")], nodes=["w"])
    with pytest.raises(IdentificationError, match=places):
        getattr(DoCalculus(graph), rule)(Probability("y", "z", "x"), nodes)


def test_bad_input():
    with pytest.raises(UnknownNodeError):
        FRONT_DOOR.rule2(Probability("y", do="q"), "q")
    with pytest.raises(IdentificationError, match="prime or a world"):
        FRONT_DOOR.derive(Probability(Variable("y", world=["x"])))
    hidden = DoCalculus(CausalGraph([("u", "y"), ("x", "y")], latent=["u"]))
    with pytest.raises(IdentificationError, match="u is latent"):
        hidden.derive(Probability("y", do="u"))


def test_front_door_reads_like_a_textbook():
    derivation = FRONT_DOOR.derive(Probability("y", do="x"))
    inner = Product([Probability("y", ["x", "z"]), Probability("x")])
    assert derivation.expression == Sum(
        "z", Product([Probability("z", "x"), Sum("x", inner)])
    )
    rules = [step.rule for step in derivation.steps]
    assert rules[0] == "sum rule"
    assert {"rule 2", "rule 3"} <= set(rules)
    text = str(derivation)
    assert text.startswith("P(y | do(x))\n= Σ_{z} P(y | do(x), z) P(z | do(x))")
    assert r"\begin{aligned} & P(y \mid \mathrm{do}(x))" in derivation.latex()


def test_napkin_needs_a_fraction():
    example = example_graph("napkin")
    query = Probability(example.outcome, do=example.treatment)
    derivation = DoCalculus(example.graph).derive(query)
    assert isinstance(derivation.expression, Fraction)
    assert "conditional probability" in [step.rule for step in derivation.steps]


@pytest.mark.parametrize("name", DERIVED)
def test_every_line_is_the_query(name):
    example = example_graph(name)
    query = Probability(example.outcome, do=example.treatment)
    derivation = DoCalculus(example.graph).derive(query)
    assert is_do_free(derivation.expression)
    graph = example.graph
    assert worst_line(graph, query, derivation, seed=0) < 1e-10


@pytest.mark.parametrize("name", REFUSED)
def test_refusals_point_to_identify(name):
    example = example_graph(name)
    query = Probability(example.outcome, do=example.treatment)
    with pytest.raises(NotIdentifiedError, match="proves nothing"):
        DoCalculus(example.graph).derive(query)


def test_what_is_seen_needs_no_step():
    derivation = BACK_DOOR.derive(Probability("y", "x"))
    assert derivation.steps == ()
    assert derivation.expression == Probability("y", "x")


def check_random_graphs(seeds):
    derived = 0
    for seed in seeds:
        graph = random_graph(seed, n_nodes=4, arrows=0.6, hidden=0.25)
        order = graph.topological_order()
        given = [order[1]] if seed % 2 else []
        query = Probability(order[-1], given, order[0])
        try:
            derivation = DoCalculus(graph).derive(query)
        except NotIdentifiedError:
            continue
        assert worst_line(graph, query, derivation, seed) < 1e-10
        derived += 1
        if order[0] in graph.ancestors(order[-1]):
            identify(graph, order[0], order[-1], given=given)  # it raises no error
    return derived


def test_random_graphs():
    assert check_random_graphs(range(25)) > 12


@pytest.mark.slow
def test_many_random_graphs():
    assert check_random_graphs(range(100, 700)) > 300
