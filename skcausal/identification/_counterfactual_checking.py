"""A counterfactual formula against the truth of random models."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from skcausal.identification._counterfactual_graph import nodes_in
from skcausal.identification._errors import IdentificationError
from skcausal.identification._evaluation import Table
from skcausal.identification._expressions import Probability
from skcausal.identification._response_models import Levels, ResponseModel
from skcausal.identification._variables import Node, Variable

if TYPE_CHECKING:
    from skcausal.identification._counterfactual_estimand import CounterfactualEstimand

_TOLERANCE = 1e-10


def largest_error(
    estimand: "CounterfactualEstimand", n_random: int, rng: np.random.Generator
) -> float:
    """Return how far a formula is from the truth at worst.

    Raises
    ------
    IdentificationError
        If that is more than rounding, or the graph is too large.
    """
    worst = max((_error(estimand, rng) for _ in range(n_random)), default=0.0)
    if not worst <= _TOLERANCE:
        raise IdentificationError(
            f"CounterfactualEstimand.check: the formula is {worst:.2g} away from the "
            "truth in a random model of the graph. It was changed by hand, or does not "
            "belong to this graph."
        )
    return worst


def _error(estimand: "CounterfactualEstimand", rng: np.random.Generator) -> float:
    named = {symbol.node for symbol in estimand.expression.named()}
    symbols = sorted(estimand.query.free, key=lambda one: one.order)
    events = (*estimand.outcome, *estimand.given)
    named |= {node for event in events for node in nodes_in(event)}
    graph = estimand.graph.subgraph(list(estimand.graph.ancestors(list(named))))
    levels = max(2, *Counter(symbol.node for symbol in symbols).values())
    model = ResponseModel.random(graph, levels, rng)
    found = estimand.evaluate(*_tables(estimand, model, graph.ordered(named)))
    errors = [0.0]
    for at in _distinct(symbols, levels):
        below = model.probability(estimand.given, at)
        if below > 0:
            both = model.probability([*estimand.outcome, *estimand.given], at)
            place = tuple(at[axis] for axis in found.axes)
            errors.append(abs(float(found.values[place]) - both / below))
    return max(errors)


def _tables(
    estimand: "CounterfactualEstimand", model: ResponseModel, nodes: tuple[Node, ...]
) -> tuple[Table, dict[frozenset[Node], Table]]:
    trials = {
        frozenset(symbol.node for symbol in one.do)
        for one in estimand.expression.walk()
        if isinstance(one, Probability)
    } - {frozenset()}
    tables = {
        trial: model.distribution(nodes, sorted(trial, key=str)) for trial in trials
    }
    return model.distribution(nodes), tables


def _distinct(symbols: list[Variable], levels: int) -> Iterator[Levels]:
    """Yield levels of values, different ones for values of one node."""
    for setting in np.ndindex(*[levels] * len(symbols)):
        at = dict(zip(symbols, setting, strict=True))
        pairs = {(symbol.node, level) for symbol, level in at.items()}
        if len(pairs) == len(at):
            yield at
