"""Questions about several worlds at once, against models that know all worlds."""

import itertools

import numpy as np
import pytest

from skcausal.graphs import CausalGraph, UnknownNodeError, example_graph
from skcausal.identification import (
    Fraction,
    IdentificationError,
    NotIdentifiedError,
    One,
    Probability,
    Product,
    Sum,
    Table,
    Variable,
    Zero,
    identify,
    identify_counterfactual,
)
from skcausal.identification._response_models import ResponseModel
from tests.identification._random_graphs import random_graph

X, X1 = Variable("X"), Variable("X", primes=1)
Y_X = Variable("Y", world=["X"])
GIVEN = [X1, Variable("Z", world=["D"]), "D"]

FIGURE_9A = example_graph("counterfactual").graph
BOW = CausalGraph([("X", "Y")], [("X", "Y")])
ARROW = CausalGraph([("X", "Y")])
CONFOUNDED = CausalGraph([("Z", "X"), ("Z", "Y"), ("X", "Y")])
FRONT_DOOR = CausalGraph([("X", "M"), ("M", "Y")], [("X", "Y")])
MEDIATED = CausalGraph([("X", "M"), ("M", "Y"), ("X", "Y")])
NESTED = Variable("Y", world=["X", Variable("M", world=[X1])])
BOTH = [Y_X, Variable("Y", primes=1, world=[X1])]


def test_golden_row_from_experiments():
    found = identify_counterfactual(FIGURE_9A, Y_X, GIVEN, from_experiments=True)
    body = Product(
        [Probability("W", do="X"), Probability(["Y", X1], do=["W", "Z"])],
    )
    assert found.expression == Fraction(Sum("W", body), Probability(X1))
    assert found.check(n_random=5, random_state=0) < 1e-10
    assert "P(Z_{D}) cancels" in found.explain()


def test_golden_row_from_what_is_seen():
    found = identify_counterfactual(FIGURE_9A, Y_X, GIVEN)
    assert not any(getattr(one, "do", ()) for one in found.expression.walk())
    assert found.check(n_random=5, random_state=0) < 1e-10


@pytest.mark.parametrize("from_experiments", [False, True])
def test_golden_row_with_a_direct_effect_is_refused(from_experiments):
    graph = example_graph("counterfactual_with_direct_effect").graph
    with pytest.raises(NotIdentifiedError, match="hidden causes tie X and Y"):
        identify_counterfactual(graph, Y_X, GIVEN, from_experiments=from_experiments)


def test_what_is_set_has_its_value():
    never = Variable("X", primes=1, world=["X"])
    assert identify_counterfactual(FIGURE_9A, never).expression is Zero()
    always = Variable("X", world=["X"])
    assert identify_counterfactual(FIGURE_9A, always).expression is One()


def test_consistency():
    """Among those who had x anyway, y under x is y."""
    found = identify_counterfactual(BOW, Y_X, "X")
    assert found.expression == Probability("Y", "X")
    chain = CausalGraph([("X", "W"), ("W", "Y")], [("X", "Y")])
    other = Variable("W", primes=1, world=["X"])
    assert identify_counterfactual(chain, other, ["X", "W"]).expression is Zero()
    same = Variable("W", world=["X"])
    assert identify_counterfactual(chain, same, ["X", "W"]).expression is One()


def test_worlds_that_do_not_matter_are_merged():
    graph = CausalGraph([("Z", "W")], nodes=["Z", "W", "X"])
    twice = ["W", Variable("W", world=["X"])]
    found = identify_counterfactual(graph, twice)
    assert found.expression == Probability("W")


@pytest.mark.parametrize("graph", [CONFOUNDED, FRONT_DOOR, MEDIATED])
def test_effect_on_the_treated(graph):
    found = identify_counterfactual(graph, Y_X, X1)
    assert found.check(n_random=5, random_state=0) < 1e-10


def test_effect_on_the_treated_by_adjustment():
    """By hand: what is seen at x, weighted with the covariate of those at x'."""
    values = np.random.default_rng(0).dirichlet(np.ones(8)).reshape(2, 2, 2)
    found = identify_counterfactual(CONFOUNDED, Y_X, X1)
    assert found.expression == Sum(
        "Z", Product([Probability("Y", ["X", "Z"]), Probability("Z", X1)])
    )
    numbers = found.evaluate(Table(["Z", "X", "Y"], values)).array(X, X1, "Y")
    y_given = values / values.sum(axis=2, keepdims=True)
    z_given = values.sum(axis=2) / values.sum(axis=(0, 2))
    expected = np.einsum("zxy,zt->xty", y_given, z_given)
    assert np.allclose(numbers, expected)


def test_effect_on_the_treated_under_a_hidden_cause_is_refused():
    with pytest.raises(NotIdentifiedError) as caught:
        identify_counterfactual(BOW, Y_X, X1)
    assert "X is X' for the first and X for the second" in caught.value.witness


@pytest.mark.parametrize("graph", [ARROW, CONFOUNDED, FRONT_DOOR])
def test_necessity_and_sufficiency_need_more_than_a_graph(graph):
    with pytest.raises(NotIdentifiedError, match="no row shows both"):
        identify_counterfactual(graph, BOTH, from_experiments=True)
    with pytest.raises(NotIdentifiedError):
        identify_counterfactual(graph, Y_X, [X1, Variable("Y", primes=1)])


def test_nested_worlds():
    found = identify_counterfactual(MEDIATED, NESTED)
    body = Product([Probability("Y", ["X", "M"]), Probability("M", X1)])
    assert found.expression == Sum("M", body)
    assert found.check(n_random=5, random_state=0) < 1e-10


def test_nested_worlds_are_refused_where_mediator_and_outcome_share_causes():
    graph = CausalGraph(MEDIATED.directed, [("M", "Y")])
    with pytest.raises(NotIdentifiedError, match="hidden causes tie M and Y"):
        identify_counterfactual(graph, NESTED)


def test_refusal_carries_the_hedge():
    graph = CausalGraph([("X", "Y")], [("X", "Y")])
    with pytest.raises(NotIdentifiedError) as caught:
        identify_counterfactual(graph, Y_X)
    assert caught.value.hedge.larger == {"X", "Y"}
    found = identify_counterfactual(graph, Y_X, from_experiments=True)
    assert found.expression == Probability("Y", do="X")


def test_latent_nodes_are_projected_away():
    graph = CausalGraph([("X", "M"), ("M", "Y"), ("U", "X"), ("U", "Y")], latent=["U"])
    found = identify_counterfactual(graph, Y_X, X1)
    assert {one.node for one in found.expression.named()} == {"X", "M", "Y"}
    assert found.check(n_random=3, random_state=0) < 1e-10


@pytest.mark.parametrize(
    ("events", "given", "error", "message"),
    [
        ((), (), IdentificationError, "must name an event"),
        ("Q", (), UnknownNodeError, "not a node"),
        (Variable("Y", world=["X", X1]), (), IdentificationError, "'X' twice"),
        (
            "Y",
            Variable("X", primes=1, world=["X"]),
            IdentificationError,
            "given cannot be",
        ),
    ],
)
def test_bad_questions(events, given, error, message):
    with pytest.raises(error, match=message):
        identify_counterfactual(BOW, events, given)


def test_hidden_events_are_refused():
    with pytest.raises(IdentificationError, match="not observed"):
        identify_counterfactual(MEDIATED, NESTED, observed=["X", "Y"])
    with pytest.raises(IdentificationError, match="must be a CausalGraph"):
        identify_counterfactual([("X", "Y")], Y_X)


def test_check_notices_a_wrong_formula():
    found = identify_counterfactual(CONFOUNDED, Y_X, X1)
    wrong = type(found)(Probability("Y", "X"), found.outcome, found.given, found.graph)
    with pytest.raises(IdentificationError, match="away from the truth"):
        wrong.check(n_random=3, random_state=0)


def test_check_refuses_large_graphs():
    nodes = [f"v{k}" for k in range(15)]
    graph = CausalGraph(itertools.pairwise(nodes))
    found = identify_counterfactual(graph, Variable("v14", world=["v0"]))
    with pytest.raises(IdentificationError, match="too many"):
        found.check(n_random=1)


def test_response_models_are_consistent():
    """Where x is found, what would be under x is what is."""
    model = ResponseModel.random(BOW, 2, np.random.default_rng(0))
    at = {X: 1, Variable("Y"): 0}
    seen = model.probability([Variable("Y"), X], at)
    assert model.probability([Y_X, X], at) == pytest.approx(seen)
    joint = model.distribution(["X", "Y"]).array("X", "Y")
    assert joint[1, 0] == pytest.approx(seen)
    assert (joint > 0).all()


def random_question(rng):
    graph = random_graph(rng, int(rng.integers(3, 6)), arrows=0.5, hidden=0.25)
    nodes = list(graph.nodes)

    def event():
        node, setting = rng.choice(nodes), rng.choice(nodes)
        world = [Variable(setting, int(rng.integers(2)))] if rng.random() < 0.6 else []
        if world and rng.random() < 0.3:
            inner = Variable(rng.choice(nodes), 0, [Variable(setting, 1)])
            world += [inner] if inner.node != setting else []
        return Variable(node, int(rng.integers(2)), world)

    events = {event() for _ in range(int(rng.integers(1, 4)))}
    split = int(rng.integers(1, len(events) + 1))
    listed = sorted(events, key=lambda one: one.order)
    return graph, listed[:split], listed[split:]


def check_random_questions(seeds):
    answered = refused = 0
    for seed in seeds:
        rng = np.random.default_rng(seed)
        graph, events, given = random_question(rng)
        try:
            found = identify_counterfactual(
                graph, events, given, from_experiments=bool(rng.integers(2))
            )
        except NotIdentifiedError:
            refused += 1
        except IdentificationError:  # what is given cannot be
            continue
        else:
            answered += 1
            assert found.check(n_random=1, random_state=rng) < 1e-10
    return answered, refused


def test_random_questions():
    answered, refused = check_random_questions(range(150))
    assert answered > 60
    assert refused > 10


@pytest.mark.slow
def test_many_random_questions():
    answered, refused = check_random_questions(range(1000, 5000))
    assert answered > 1000
    assert refused > 200


def test_one_world_is_identified_where_do_is():
    """P(y_x) and P(y_x | z_x) are P(y | do(x)) and P(y | do(x), z)."""
    verdicts = set()
    for seed in range(60):
        graph = random_graph(np.random.default_rng(seed), n_nodes=5)
        x, *_, z, y = graph.topological_order()
        for given in ([], [z]):
            try:
                identify(graph, x, y, given=given)
                expected = True
            except NotIdentifiedError:
                expected = False
            except IdentificationError:
                continue
            try:
                identify_counterfactual(
                    graph,
                    Variable(y, world=[x]),
                    [Variable(node, world=[x]) for node in given],
                )
                found = True
            except NotIdentifiedError:
                found = False
            assert found == expected
            verdicts.add((found, bool(given)))
    assert len(verdicts) == 4


def all_units(arrows, nodes, levels=3):
    """Return every unit of a graph: one for each way that its nodes can respond."""
    causes = {node: [a for a, b in arrows if b == node] for node in nodes}
    responses = {}
    for node, above in causes.items():
        shape = (levels,) * len(above)
        values = itertools.product(range(levels), repeat=levels ** len(above))
        responses[node] = np.array([np.reshape(one, shape) for one in values])
    places = np.indices([len(one) for one in responses.values()])
    functions = dict(zip(nodes, places.reshape(len(nodes), -1), strict=True))
    weights = np.ones(places[0].size)
    return ResponseModel(levels, weights, causes, responses, functions)


def holds(model, events, at):
    """Return for which units events happen."""
    return np.all([model.value(one, at) == at[one.symbol] for one in events], axis=0)


def experiments_of(model, nodes):
    """Return the units behind every number that some experiment shows."""
    rows = []
    for size in range(len(nodes)):
        for done in itertools.combinations(nodes, size):
            rest = [node for node in nodes if node not in done]
            events = [Variable(node, world=list(done)) for node in rest]
            for levels in itertools.product(range(model.levels), repeat=len(nodes)):
                at = dict(zip(map(Variable, nodes), levels, strict=True))
                rows.append(holds(model, events, at))
    return np.unique(np.array(rows, dtype=float), axis=0)


@pytest.mark.parametrize(
    "arrows",
    [
        [("X", "Y")],
        [("X", "M"), ("M", "Y")],
        [("X", "M"), ("X", "Y")],
    ],
)
def test_refusals_are_right_where_everything_is_confounded(arrows):
    """With hidden causes everywhere, what experiments give is a matter of rank.

    The probability of each unit is then free, and both events and experiments are sums
    of them: an event is identified if it is a combination of what experiments show.
    """
    nodes = list(dict.fromkeys(node for arrow in arrows for node in arrow))
    graph = CausalGraph(arrows, list(itertools.combinations(nodes, 2)))
    model = all_units(arrows, nodes)
    basis = np.linalg.svd(experiments_of(model, nodes), full_matrices=False)
    basis = basis[2][basis[1] > 1e-9]
    rng = np.random.default_rng(0)
    verdicts = set()
    for _ in range(60):
        events = set()
        for _ in range(int(rng.integers(1, 4))):
            setting = Variable(str(rng.choice(nodes)), int(rng.integers(2)))
            world = [setting] if rng.random() < 0.7 else []
            events.add(Variable(str(rng.choice(nodes)), int(rng.integers(2)), world))
        symbols = {symbol for one in events for symbol in one.symbols}
        wanted = holds(model, events, {one: one.primes for one in symbols})
        left = wanted - (wanted @ basis.T) @ basis
        try:
            identify_counterfactual(graph, events, from_experiments=True)
            found = True
        except NotIdentifiedError:
            found = False
        assert found == (np.abs(left).max() < 1e-9), list(map(str, events))
        verdicts.add(found)
    assert verdicts == {True, False}
