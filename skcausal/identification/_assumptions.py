"""What a formula rests on, in sentences."""

from typing import TYPE_CHECKING

from skcausal.identification._expressions import (
    Fraction,
    Probability,
)
from skcausal.identification._steps import braces, names

if TYPE_CHECKING:
    from skcausal.identification._estimand import Estimand
    from skcausal.identification._population import Population


def assumptions(estimand: "Estimand") -> list[str]:
    """Return what must hold for a formula to be the effect."""
    treatment = names(estimand.treatment)
    own = {
        "adjustment": _adjustment,
        "front-door": _front_door,
        "instrument": _instrument,
    }.get(estimand.kind, _general)
    return [
        "The graph is right: an arrow that is not drawn is a direct effect that does "
        "not exist, and a pair without a bidirected edge has no common cause that is "
        "left out.",
        *own(estimand),
        f"To set {treatment} to a value and to find it there mean the same, and the "
        "treatment of one row does not change the outcome of another.",
    ]


def _adjustment(estimand: "Estimand") -> list[str]:
    treatment, outcome = names(estimand.treatment), names(estimand.outcome)
    covariates = estimand.graph.ordered(estimand.adjustment or ())
    if not covariates:
        return [
            f"{treatment} and {outcome} share no cause: nothing but chance decided who "
            "got which treatment, as far as the outcome is concerned.",
            f"Every value of {treatment} occurs.",
        ]
    z = names(covariates)
    return [
        f"Among rows with the same {z}, {treatment} and {outcome} share no cause.",
        f"Every value of {treatment} occurs at every value of {z}.",
    ]


def _front_door(estimand: "Estimand") -> list[str]:
    treatment, outcome = names(estimand.treatment), names(estimand.outcome)
    through = names(estimand.graph.ordered(estimand.mediators or ()))
    return [
        f"{treatment} acts on {outcome} through {through} only.",
        f"{treatment} and {through} share no hidden cause.",
        f"At a fixed {treatment}, {through} and {outcome} share no hidden cause.",
        f"Every value of {treatment} occurs with every value of {through}.",
    ]


def _instrument(estimand: "Estimand") -> list[str]:
    treatment, outcome = names(estimand.treatment), names(estimand.outcome)
    held = estimand.graph.ordered(estimand.adjustment or ())
    among = f"Among rows with the same {names(held)}, " if held else ""
    moving = estimand.instrument
    return [
        f"{among}{moving} and {outcome} share no cause.",
        f"{moving} acts on {outcome} through {treatment} only.",
        f"{moving} moves {treatment}; the more, the better.",
        f"Effects are linear, and one unit of {treatment} does the same in every row.",
    ]


def _general(estimand: "Estimand") -> list[str]:
    projected = estimand.graph.latent_projection(list(estimand.observed))
    pairs = ", ".join(f"{a} and {b}" for a, b in projected.bidirected)
    hidden = f"Only these pairs share a hidden cause: {pairs}." if pairs else ""
    asked = [
        one
        for one in estimand.expression.walk()
        if isinstance(one, Probability) and one.given
    ]
    given = sorted({braces(one.given) for one in asked}, key=len)
    positive = f"Every combination of values occurs of {', of '.join(given)}."
    parts = [hidden] if hidden else []
    parts += [_difference(place) for place in estimand.populations]
    parts += [positive] if given else []
    if any(isinstance(one, Fraction) for one in estimand.expression.walk()):
        parts.append("Nothing that the formula divides by is zero.")
    return parts


def _difference(place: "Population") -> str:
    if not place.differs:
        return f"{place.name} has the mechanisms of the population asked about."
    return (
        f"{place.name} differs from the population asked about in how "
        f"{names(place.differs)} came about, and in nothing else."
    )
