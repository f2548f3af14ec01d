"""Identification: published graphs, random graphs, the truth, and refusals."""

import itertools
import pickle

import numpy as np
import pytest

from skcausal.graphs import CausalGraph, UnknownNodeError, example_graph
from skcausal.identification import (
    Estimand,
    Fraction,
    IdentificationError,
    NoAdjustmentSetError,
    NoFrontDoorSetError,
    NoInstrumentError,
    NotIdentifiedError,
    Probability,
    Product,
    Sum,
    evaluate,
    identify,
)
from skcausal.identification._structural_tables import TableModel
from tests.identification.hedges import check_hedge


def p(variables, given=""):
    """Return a probability, from names with spaces between them."""
    return Probability(variables.split(), given.split())


HEDGES = {
    "bow": ("X Y", "Y"),
    "shpitser_pearl_1b": ("X Z", "Z"),
    "shpitser_pearl_1c": ("X Z", "Z"),
    "shpitser_pearl_1d": ("X Y Z", "Y Z"),
    "shpitser_pearl_1e": ("X Y Z", "Y"),
    "shpitser_pearl_1f": ("X Y Z", "Y Z"),
    "shpitser_pearl_1g": ("X Z1 Z2", "Z1 Z2"),
    "shpitser_pearl_1h": ("W X Z", "W"),
    "instrument": ("X Y", "Y"),
    "surrogate_experiment_1": ("X Y Z", "Y"),
    "surrogate_experiment_2": ("X Y Z", "Y"),
    "surrogate_experiment_3": ("X Y Z", "Y Z"),
    "smoking": ("S T", "T"),
    "counterfactual_with_direct_effect": ("X Y", "Y"),
    "transport": ("X Z", "Z"),
    "surrogate_outcomes": ("X1 Y1", "Y1"),
}

BACK_DOOR = Sum("Z", Product([p("Y", "X Z"), p("Z")]))
NAPKIN = [Sum("Z2", Product([p(left, "Z1 Z2"), p("Z2")])) for left in ("X Y", "X")]

# Closed forms that are in print; None where only the verdict is.
FORMULAS = {
    "shpitser_pearl_2a": p("Y", "X"),
    "shpitser_pearl_2b": Sum("Z", Product([p("Z", "X"), p("Y", "X Z")])),
    "shpitser_pearl_2c": BACK_DOOR,
    "shpitser_pearl_2d": BACK_DOOR,
    "front_door": Sum(
        "Z", Product([p("Z", "X"), Sum("X", Product([p("Y", "X Z"), p("X")]))])
    ),
    "shpitser_pearl_2f": None,
    "shpitser_pearl_2g": Sum(
        ["Z1", "Z2", "Z3"],
        Product(
            [p("Z1", "X Z2"), Sum("X", Product([p("Y Z3", "X Z1 Z2"), p("X Z2")]))]
        ),
    ),
    "shpitser_pearl_3a": Sum(
        "W2",
        Product(
            [
                p("W2"),
                Sum("W1", Product([p("W1"), p("Y1", "W1 X")])),
                p("Y2", "W2"),
            ]
        ),
    ),
    "napkin": Fraction(*NAPKIN),
    "m_graph": p("Y", "X"),
    "verma": None,
    "tian_verma_2": None,
    "tian_verma_3": None,
    "tian_verma_4": None,
    "tian_verma_5": None,
    "pearl_two_actions": None,
    "front_door_with_cause": Sum(
        ["W", "Z"],
        Product(
            [
                p("Z", "W X"),
                p("W"),
                Sum("X", Product([p("Y", "W X Z"), p("X", "W")])),
            ]
        ),
    ),
    "simplification": Sum("W", Product([p("Y", "W X"), p("W")])),
    "igf_signalling": None,
    "sars_cov_2_small": None,
    "counterfactual": None,
}


@pytest.mark.parametrize("name", HEDGES)
def test_published_graph_is_not_identified(name):
    example = example_graph(name)
    with pytest.raises(NotIdentifiedError, match="share a hidden cause") as caught:
        identify(example.graph, example.treatment, example.outcome)
    hedge = caught.value.hedge
    found = [" ".join(sorted(part)) for part in (hedge.larger, hedge.smaller)]
    assert tuple(found) == HEDGES[name]
    check_hedge(
        example.graph, example.treatment, example.outcome, hedge.larger, hedge.smaller
    )


@pytest.mark.parametrize("kind", [None, "general"])
@pytest.mark.parametrize("name", FORMULAS)
def test_published_graph_is_identified(name, kind):
    example = example_graph(name)
    estimand = identify(example.graph, example.treatment, example.outcome, kind=kind)
    assert estimand.check(n_random=5, random_state=0) < 1e-10
    assert estimand.simplify().check(n_random=5, random_state=1) < 1e-10
    printed = FORMULAS[name]
    if printed is not None:
        model = TableModel.random(example.graph, 2, np.random.default_rng(0))
        joint = model.distribution(example.graph.nodes)
        axes = [*example.treatment, *example.outcome]
        expected = evaluate(printed, joint)
        rest = [axis for axis in expected.axes if axis.node not in axes]
        expected = expected.array(*axes, *rest)
        found = estimand.evaluate(joint).array(*axes)
        found = found.reshape(*found.shape, *[1] * len(rest))
        assert np.abs(found - expected).max() < 1e-10


@pytest.mark.parametrize("treatment", ["EGFR", "Sil6r"])
@pytest.mark.parametrize("name", ["sars_cov_2_small", "sars_cov_2"])
def test_signalling_of_a_virus(name, treatment):
    graph = example_graph(name).graph
    estimand = identify(graph, treatment, "cytok", kind="general").simplify()
    assert estimand.check(n_random=2, random_state=0) < 1e-10


def test_napkin_has_a_node_whose_value_does_not_matter():
    estimand = identify(example_graph("napkin").graph, "X", "Y")
    assert estimand.arbitrary == ("Z1",)
    model = TableModel.random(estimand.graph, 3, np.random.default_rng(0))
    joint = model.distribution(estimand.graph.nodes)
    every = estimand.all_values(joint).array("X", "Y", "Z1")
    assert np.ptp(every, axis=2).max() < 1e-12
    mean = estimand.evaluate(joint).array("X", "Y")
    np.testing.assert_allclose(mean, every[..., 0], atol=1e-12)


def test_the_napkin_where_a_level_never_meets_the_treatment():
    estimand = identify(example_graph("napkin").graph, "X", "Y")
    model = TableModel.random(estimand.graph, 2, np.random.default_rng(1))
    truth = model.distribution(["X", "Y"], ["X"]).array("X", "Y")
    model.tables["X"].values[..., 1, :, :] = [[0.0, 1.0], [0.0, 1.0]]
    joint = model.distribution(estimand.graph.nodes)
    given_z1 = joint.array("Z1", "X", "Y", "Z2").sum(axis=(2, 3))
    assert (given_z1 == 0).sum() == 1  # X = 0 never happens at one level of Z1
    found = estimand.evaluate(joint).array("X", "Y")
    np.testing.assert_allclose(found, truth, atol=1e-12)


def test_adjusting_the_m_graph_is_wrong_and_shows():
    graph = example_graph("m_graph").graph
    wrong = Sum("Z", Product([p("Y", "X Z"), p("Z")]))
    with pytest.raises(IdentificationError, match="away from the truth"):
        Estimand(wrong, ("X",), ("Y",), (), graph, "general", graph.observed).check(
            random_state=0
        )


# Experiments


@pytest.mark.parametrize("number", [1, 2, 3])
def test_surrogate_experiments(number):
    example = example_graph(f"surrogate_experiment_{number}")
    if number > 1:
        with pytest.raises(NotIdentifiedError):
            identify(example.graph, "X", "Y", experiments=["Z"])
        return
    estimand = identify(example.graph, "X", "Y", experiments=["Z"])
    assert estimand.expression is Probability("Y", "X", "Z")
    assert estimand.explain().splitlines()[1] == (
        "  P(Y | do(Z, X)): the factor is taken where Z was set (experiment)."
    )
    assert estimand.check(n_random=5, random_state=0) < 1e-10


def test_an_experiment_on_the_treatment_is_the_answer():
    estimand = identify(example_graph("bow").graph, "X", "Y", experiments=[["X"]])
    assert str(estimand) == "P(Y | do(X)) = P(Y | do(X))"
    assert estimand.check(n_random=3, random_state=0) < 1e-10


# Random graphs


def random_graph(seed, n_nodes=6):
    rng = np.random.default_rng(seed)
    pairs = list(itertools.combinations(range(n_nodes), 2))
    directed = [pair for pair in pairs if rng.random() < 0.4]
    bidirected = [pair for pair in pairs if rng.random() < 0.25]
    return CausalGraph(directed, bidirected, range(n_nodes))


def random_question(seed):
    graph = random_graph(seed)
    rng = np.random.default_rng(seed)
    outcome = int(rng.integers(2, 6))
    causes = graph.ordered(graph.ancestors(outcome) - {outcome})
    if not causes:
        return None
    size = min(len(causes), 1 + seed % 2)
    return graph, rng.permutation(causes)[:size].tolist(), [outcome]


@pytest.mark.parametrize("first", range(0, 80, 20))
def test_random_graphs(first):
    verdicts = set()
    for seed in range(first, first + 20):
        question = random_question(seed)
        if question is None:
            continue
        graph, treatment, outcome = question
        try:
            estimand = identify(graph, treatment, outcome, kind="general")
        except NotIdentifiedError as error:
            verdicts.add(False)
            hedge = error.hedge
            check_hedge(graph, treatment, outcome, hedge.larger, hedge.smaller)
            for kind in ("adjustment", "front-door"):
                with pytest.raises((NoAdjustmentSetError, NoFrontDoorSetError)):
                    identify(graph, treatment, outcome, kind=kind)
        else:
            verdicts.add(True)
            assert estimand.check(n_random=2, random_state=seed) < 1e-10
            assert estimand.simplify().check(n_random=2, random_state=seed) < 1e-10
            first_found = identify(graph, treatment, outcome)
            assert first_found.check(n_random=1, random_state=seed) < 1e-10
    assert verdicts == {True, False}


@pytest.mark.slow
@pytest.mark.parametrize("first", range(100, 700, 20))
def test_many_random_graphs(first):
    test_random_graphs(first)


@pytest.mark.parametrize("first", [0, 20])
def test_conditions(first):
    """IDC gives the ratio that ID gives, wherever ID gives one."""
    for seed in range(first, first + 20):
        question = random_question(seed)
        if question is None:
            continue
        graph, treatment, outcome = question
        rest = [node for node in graph.nodes if node not in (*treatment, *outcome)]
        given = rest[: 1 + seed % 2]
        try:
            estimand = identify(graph, treatment, outcome, given=given)
        except NotIdentifiedError:
            with pytest.raises(NotIdentifiedError):
                identify(graph, treatment, [*outcome, *given], kind="general")
            continue
        assert estimand.kind == "conditional"
        assert estimand.check(n_random=2, random_state=seed) < 1e-10
        whole = identify(graph, treatment, [*outcome, *given], kind="general")
        model = TableModel.random(graph, 2, np.random.default_rng(seed))
        joint = model.distribution(graph.nodes)
        axes = [*treatment, *outcome, *given]
        both = whole.evaluate(joint).array(*axes)
        ratio = both / both.sum(axis=len(treatment), keepdims=True)
        found = estimand.evaluate(joint).array(*axes)
        assert np.abs(found - ratio).max() < 1e-10


def test_a_condition_may_identify_what_the_joint_does_not():
    graph = CausalGraph([("x", "z"), ("z", "y")], [("x", "z")])
    with pytest.raises(NotIdentifiedError):
        identify(graph, "x", ["y", "z"])
    estimand = identify(graph, "x", "y", given="z")
    assert estimand.expression is Probability("y", "z")
    assert estimand.explain().startswith(
        "P(y | do(x)): to see z is as good as to set it (rule 2)."
    )
    assert estimand.check(n_random=5, random_state=0) < 1e-10


@pytest.mark.parametrize(("seed", "node"), [(87, 0), (178, 2), (285, 1)])
def test_experiments_in_random_graphs(seed, node):
    graph, treatment, outcome = random_question(seed)
    with pytest.raises(NotIdentifiedError):
        identify(graph, treatment, outcome)
    estimand = identify(graph, treatment, outcome, experiments=[[node]])
    assert estimand.arbitrary == (node,)
    assert estimand.check(n_random=5, random_state=seed) < 1e-10


def test_latent_nodes_are_projected_out():
    graph = CausalGraph([("u", "x"), ("u", "y"), ("x", "m"), ("m", "y")], latent=["u"])
    estimand = identify(graph, "x", "y")
    assert estimand.kind == "front-door"
    assert estimand.check(n_random=5, random_state=0) < 1e-10
    everything = CausalGraph(graph.directed)
    assert identify(everything, "x", "y").kind == "adjustment"
    again = identify(everything, "x", "y", observed=["x", "m", "y"], kind="general")
    assert again.expression is estimand.expression
    assert again.check(n_random=5, random_state=0) < 1e-10


def test_large_graphs_stay_small():
    """What a formula repeats is stored once."""
    rng = np.random.default_rng(0)
    nodes = 60
    directed = [
        (a, b)
        for b in range(nodes)
        for a in range(max(0, b - 6), b)
        if rng.random() < 0.4
    ]
    pairs = rng.permutation(list(itertools.combinations(range(nodes), 2)))[:12]
    graph = CausalGraph(directed, [tuple(pair) for pair in pairs.tolist()])
    estimand = identify(graph, 20, nodes - 1, kind="general")
    assert sum(1 for _ in estimand.expression.walk()) < 400
    assert len(str(estimand)) < 20_000


# Refusals


def test_the_refusal_says_why_and_what_would_help():
    graph = CausalGraph([("z", "x"), ("x", "y")], [("x", "y")])
    with pytest.raises(NotIdentifiedError) as caught:
        identify(graph, "x", "y")
    error = caught.value
    assert error.witness.startswith("x and y share a hidden cause")
    assert error.ways_out[0] == "measure the common cause of x and y"
    assert "z is an instrument" in error.ways_out[1]
    assert error.ways_out[2] == "set x in an experiment"
    assert pickle.loads(pickle.dumps(error)).hedge == error.hedge


def test_the_refusal_names_a_latent_node():
    graph = CausalGraph([("u", "x"), ("u", "y"), ("x", "y")], latent=["u"])
    with pytest.raises(NotIdentifiedError, match="Ways out: measure u;"):
        identify(graph, "x", "y")


def test_measuring_two_things_may_not_be_enough():
    arrows = [(hidden, seen) for hidden in "uvw" for seen in "xy"]
    graph = CausalGraph([("x", "y"), *arrows], latent=["u", "v", "w"])
    with pytest.raises(NotIdentifiedError, match="behind several pairs of x and y;"):
        identify(graph, "x", "y")


def test_the_refusal_of_a_conditional_effect():
    graph = CausalGraph([("x", "y"), ("w", "y")], [("x", "y")])
    with pytest.raises(NotIdentifiedError, match=r"P\(y \| do\(x\), w\)") as caught:
        identify(graph, "x", "y", given="w")
    assert caught.value.ways_out == (
        "measure the common cause of x and y",
        "set x in an experiment",
    )


def test_two_measurements_where_one_is_not_enough():
    graph = CausalGraph(
        [("x", "y"), ("u", "x"), ("u", "y"), ("v", "x"), ("v", "y")], latent=["u", "v"]
    )
    with pytest.raises(NotIdentifiedError, match="measure u and v;"):
        identify(graph, "x", "y")


CHAIN = CausalGraph([("a", "x"), ("x", "y")], latent=["u"], nodes=["u"])


def test_steps_without_covariates_name_no_empty_set():
    assert "nothing is adjusted for" in identify(CHAIN, "x", "y").explain()
    hidden = CausalGraph([("z", "x"), ("x", "y")], [("x", "y")])
    said = identify(hidden, "x", "y", kind="instrument").explain()
    assert "{}" not in said
    assert ": z moves the outcome" in said


@pytest.mark.parametrize(
    ("arguments", "options", "error", "words"),
    [
        (("x", "q"), {}, UnknownNodeError, "'q' is not a node"),
        (("y", "a"), {}, IdentificationError, "no arrows lead from 'y' to 'a'"),
        (("x", "x"), {}, IdentificationError, "'x' is in both treatment and outcome"),
        (("x", []), {}, IdentificationError, "outcome must name a node"),
        (("u", "y"), {}, IdentificationError, "treatment 'u' is not observed"),
        (
            ("x", "y"),
            {"given": "x"},
            IdentificationError,
            "'x' is in treatment and in given",
        ),
        (("x", "y"), {"given": "u"}, IdentificationError, "given 'u' is not observed"),
        (("x", "y"), {"kind": "magic"}, IdentificationError, "kind must be None or"),
        (
            ("x", "y"),
            {"kind": "adjustment", "given": "a"},
            IdentificationError,
            "takes no given",
        ),
        (("x", "y"), {"experiments": ["u"]}, IdentificationError, "that were set"),
        (("x", "y"), {"kind": "front-door"}, NoFrontDoorSetError, "FrontDoorSets"),
    ],
)
def test_bad_questions_are_refused(arguments, options, error, words):
    with pytest.raises(error, match=words):
        identify(CHAIN, *arguments, **options)


def test_not_a_graph_is_refused():
    with pytest.raises(IdentificationError, match="must be a CausalGraph, got list"):
        identify([("x", "y")], "x", "y")


def test_no_instrument_is_said():
    with pytest.raises(NoInstrumentError, match="no observed node is an instrument"):
        identify(example_graph("bow").graph, "X", "Y", kind="instrument")
