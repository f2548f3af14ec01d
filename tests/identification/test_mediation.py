"""Direct, indirect and path-specific effects against models that know all worlds."""

import numpy as np
import pytest

from skcausal.graphs import CausalGraph, UnknownNodeError
from skcausal.identification import (
    IdentificationError,
    NotIdentifiedError,
    Probability,
    Product,
    Sum,
    Variable,
    mediation_effects,
    path_specific_effect,
)
from skcausal.identification._response_models import ResponseModel

ARROWS = [("x", "m"), ("m", "y"), ("x", "y")]
MEDIATED = CausalGraph(ARROWS)
CONFOUNDED = CausalGraph([*ARROWS, ("c", "x"), ("c", "m"), ("c", "y")])
TWO_MEDIATORS = CausalGraph([*ARROWS, ("x", "w"), ("w", "m"), ("w", "y")])
WORLDS = ("treated", "untreated", "direct", "indirect")


@pytest.mark.parametrize(
    ("graph", "mediators"),
    [
        (MEDIATED, "m"),
        (CONFOUNDED, "m"),
        (TWO_MEDIATORS, ["m", "w"]),
        (TWO_MEDIATORS, "w"),
        (CausalGraph([("x", "m"), ("m", "y")], [("x", "y")]), "m"),
    ],
)
def test_effects_are_those_of_random_models(graph, mediators):
    effects = mediation_effects(graph, "x", "y", mediators)
    for name in WORLDS:
        assert getattr(effects, name).check(n_random=2, random_state=0) < 1e-10
    assert effects.controlled.check(n_random=2, random_state=0) < 1e-10


def test_the_mediation_formula():
    """Pearl (2001): means of one arm, averaged over the mediator of the other."""
    effects = mediation_effects(MEDIATED, "x", "y", "m")
    other = Variable("x", 1)
    assert effects.direct.expression == Sum(
        "m", Product([Probability("y", ["x", "m"]), Probability("m", other)])
    )
    assert effects.indirect.expression == Sum(
        "m", Product([Probability("y", [other, "m"]), Probability("m", "x")])
    )
    assert effects.controlled.expression == Probability("y", ["x", "m"])
    assert str(effects).count("\n") == 4


def test_effects_add_up():
    """The total is the direct effect less the indirect one of the way back."""
    model = ResponseModel.random(CONFOUNDED, 2, np.random.default_rng(0))
    x, other, y = Variable("x"), Variable("x", 1), Variable("y")
    effects = mediation_effects(CONFOUNDED, "x", "y", "m")
    joint = model.distribution(CONFOUNDED.nodes)
    at = {x: 1, other: 0, y: 1}
    for name in WORLDS:
        found = getattr(effects, name)
        table = found.evaluate(joint)
        value = table.values[tuple(at[axis] for axis in table.axes)]
        assert value == pytest.approx(model.probability(found.outcome, at))


def test_no_direct_arrow_means_no_direct_effect():
    effects = mediation_effects(CausalGraph([("x", "m"), ("m", "y")]), "x", "y", "m")
    assert effects.direct.expression == effects.untreated.expression
    assert effects.indirect.expression == effects.treated.expression


@pytest.mark.parametrize(
    ("graph", "words"),
    [
        (CausalGraph(ARROWS, [("m", "y")]), "hidden causes tie m and y"),
        (
            CausalGraph([*ARROWS, ("u", "m"), ("u", "y")], latent=["u"]),
            "hidden causes tie m and y",
        ),
        (TWO_MEDIATORS, "w carries the effect along paths of both kinds"),
        (CausalGraph(ARROWS, [("x", "m")]), "hidden causes tie {x, m}"),
    ],
)
def test_refusals_name_what_stands_in_the_way(graph, words):
    with pytest.raises(NotIdentifiedError) as caught:
        mediation_effects(graph, "x", "y", "m")
    assert words in caught.value.witness
    assert str(caught.value).startswith("mediation_effects: P(y_{")


def test_unmeasured_cause_of_mediator_and_outcome():
    graph = CausalGraph([*ARROWS, ("u", "m"), ("u", "y")])
    assert mediation_effects(graph, "x", "y", "m").direct.check(2, 0) < 1e-10
    with pytest.raises(NotIdentifiedError, match="hidden causes tie m and y"):
        mediation_effects(graph, "x", "y", "m", observed=["x", "m", "y"])


@pytest.mark.parametrize(
    ("treatment", "outcome", "mediators", "message"),
    [
        ("x", "y", "c", "mediators must lie"),
        ("x", "y", [], "got none"),
        ("y", "x", "m", "no arrows lead from 'y' to 'x'"),
        ("x", "x", "m", "no arrows lead"),
    ],
)
def test_bad_questions(treatment, outcome, mediators, message):
    with pytest.raises(IdentificationError, match=message):
        mediation_effects(CONFOUNDED, treatment, outcome, mediators)
    with pytest.raises(UnknownNodeError):
        mediation_effects(CONFOUNDED, "x", "y", "q")


def test_the_direct_arrow_alone_is_the_natural_direct_effect():
    along = path_specific_effect(MEDIATED, "x", "y", [("x", "y")])
    assert along.outcome == mediation_effects(MEDIATED, "x", "y", "m").direct.outcome


@pytest.mark.parametrize(
    "edges",
    [
        [("x", "y")],
        [("x", "m"), ("m", "y")],
        [("x", "w"), ("w", "y"), ("w", "m"), ("m", "y")],
        [("x", "w"), ("w", "y"), ("w", "m"), ("m", "y"), ("x", "m")],
    ],
)
def test_path_specific_effects(edges):
    found = path_specific_effect(TWO_MEDIATORS, "x", "y", edges)
    assert found.check(n_random=2, random_state=0) < 1e-10


@pytest.mark.parametrize(
    "edges",
    [[("x", "w"), ("w", "y")], [("x", "w"), ("w", "m"), ("m", "y")]],
)
def test_recanting_witness(edges):
    """Avin, Shpitser and Pearl (2005): w decides on both of its ways at once."""
    with pytest.raises(NotIdentifiedError, match="recanting witness"):
        path_specific_effect(TWO_MEDIATORS, "x", "y", edges)


def test_all_arrows_are_the_total_effect():
    found = path_specific_effect(CONFOUNDED, "x", "y", ARROWS)
    total = mediation_effects(CONFOUNDED, "x", "y", "m").treated
    rng = np.random.default_rng(0)
    joint = ResponseModel.random(CONFOUNDED, 2, rng).distribution(CONFOUNDED.nodes)
    a, b = (one.evaluate(joint).array("x", "y") for one in (found, total))
    assert np.allclose(a, b)


@pytest.mark.parametrize("edges", [[], [("m", "x")], [("x", "q")]])
def test_edges_must_be_arrows(edges):
    with pytest.raises(IdentificationError, match="edges must be arrows"):
        path_specific_effect(MEDIATED, "x", "y", edges)
