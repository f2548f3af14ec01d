"""A formula against the truth of random models."""

from typing import TYPE_CHECKING

import numpy as np

from skcausal.identification._errors import IdentificationError
from skcausal.identification._evaluation import Table, partial_covariance
from skcausal.identification._expressions import (
    Covariance,
    Fraction,
)
from skcausal.identification._population import Population
from skcausal.identification._structural_tables import TableModel, random_linear_model
from skcausal.identification._variables import Node

if TYPE_CHECKING:
    from skcausal.identification._estimand import Estimand

_TOLERANCE = 1e-10
_MOST_CELLS = 2**22


def largest_error(
    estimand: "Estimand", n_random: int, rng: np.random.Generator
) -> float:
    """Return how far a formula is from the truth at worst.

    Raises
    ------
    IdentificationError
        If that is more than rounding, or the formula names too many nodes.
    """
    one_error = _linear_error if estimand.kind == "instrument" else _table_error
    worst = max((one_error(estimand, rng) for _ in range(n_random)), default=0.0)
    if not worst <= _TOLERANCE:
        raise IdentificationError(
            f"Estimand.check: the formula is {worst:.2g} away from the truth in a "
            "random model of the graph. It was changed by hand, or does not belong to "
            "this graph."
        )
    return worst


def _table_error(estimand: "Estimand", rng: np.random.Generator) -> float:
    nodes = _named(estimand)
    asked = [*estimand.treatment, *estimand.outcome, *estimand.given]
    levels = 3 if rng.random() < 0.5 and 3 ** len(nodes) <= 3**8 else 2
    if levels ** len(nodes) > _MOST_CELLS:
        raise IdentificationError(
            f"Estimand.check: the formula names {len(nodes)} nodes, and a table of all "
            "their values is too large. Check a smaller graph of the same shape."
        )
    model = TableModel.random(estimand.graph, levels, rng)
    truth = model.distribution(asked, estimand.treatment).array(*asked)
    if estimand.given:
        over = tuple(range(len(estimand.treatment), len(asked) - len(estimand.given)))
        truth = truth / truth.sum(axis=over, keepdims=True)
    trials = {
        trial: model.distribution(list({*nodes, *trial}), trial)
        for trial in estimand.experiments
    }
    elsewhere = {
        place.name: _tables(model.differing(place.differs, rng), place, nodes)
        for place in estimand.populations
    }
    found = estimand.all_values(model.distribution(nodes), trials, elsewhere)
    extra = len(found.axes) - len(asked)
    truth = truth.reshape(*truth.shape, *[1] * extra)
    return float(np.abs(found.values - truth).max())


def _tables(
    model: TableModel, place: Population, nodes: list[Node]
) -> dict[tuple[Node, ...], Table]:
    return {
        tuple(trial): model.distribution(list({*nodes, *trial}), trial)
        for trial in place.experiments
    }


def _named(estimand: "Estimand") -> list[Node]:
    """Return the nodes that a formula and its question name."""
    nodes = {symbol.node for symbol in estimand.expression.named()}
    nodes.update(estimand.treatment, estimand.outcome, estimand.given)
    return [node for node in estimand.graph.nodes if node in nodes]


def _linear_error(estimand: "Estimand", rng: np.random.Generator) -> float:
    nodes, effects, covariance = random_linear_model(estimand.graph, rng)
    place = {node: k for k, node in enumerate(nodes)}

    def value(one: object) -> float:
        assert isinstance(one, Covariance)
        rows = [place[node] for node in (*one.nodes, *one.given)]
        return partial_covariance(covariance[np.ix_(rows, rows)])

    ratio = estimand.expression
    assert isinstance(ratio, Fraction)
    (treatment,), (outcome,) = estimand.treatment, estimand.outcome
    truth = effects[place[outcome], place[treatment]]
    return abs(value(ratio.numerator) / value(ratio.denominator) - truth)
