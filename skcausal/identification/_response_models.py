"""Random models in which each row is known in every world."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from skcausal.graphs import CausalGraph
from skcausal.identification._errors import IdentificationError
from skcausal.identification._evaluation import FloatArray, Table
from skcausal.identification._structural_tables import causes_of
from skcausal.identification._variables import Node, Variable

IntArray = npt.NDArray[np.int64]
Levels = Mapping[Variable, int]
_MOST_UNITS = 2**21


@dataclass(frozen=True)
class ResponseModel:
    """A structural model of nodes with few levels, by every unit that there can be.

    A unit is one combination of what is not in the graph: hidden causes, and for each
    node the function by which it responds to its causes.

    Parameters
    ----------
    levels : int
        How many values each node has.
    weights : ndarray of shape (n_units,)
        The probability of each unit.
    causes : dict of node to list of node
        Causes first, hidden ones among them.
    responses : dict of node to ndarray of shape (n_functions, levels, ...)
        The functions of each node.
    functions : dict of node to ndarray of shape (n_units,)
        Which one each unit has.
    """

    levels: int
    weights: FloatArray
    causes: dict[Node, list[Node]]
    responses: dict[Node, IntArray]
    functions: dict[Node, IntArray]

    @classmethod
    def random(
        cls, graph: CausalGraph, levels: int, rng: np.random.Generator
    ) -> "ResponseModel":
        """Draw functions and probabilities; every value has some in every world.

        Raises
        ------
        IdentificationError
            If there would be too many units.
        """
        causes = causes_of(graph)
        responses = {
            node: _random_responses(levels, len(above), rng)
            for node, above in causes.items()
        }
        shape = [len(functions) for functions in responses.values()]
        if np.prod(shape, dtype=float) > _MOST_UNITS:
            raise IdentificationError(
                f"CounterfactualEstimand.check: {len(graph)} nodes are too many to "
                "list every unit. Check a smaller graph of the same shape."
            )
        weights = np.ones(())
        for size in shape:
            share = 0.1 + rng.random(size)
            weights = np.multiply.outer(weights, share / share.sum())
        places = np.indices(shape).reshape(len(shape), -1)
        functions = dict(zip(causes, places, strict=True))
        return cls(levels, weights.ravel(), causes, responses, functions)

    def value(self, event: Variable, at: Levels) -> IntArray:
        """Return the value of a node in a world, for each unit."""
        return self._value(event.node, self._world(event, at), {})

    def _world(self, event: Variable, at: Levels) -> dict[Node, IntArray]:
        n_units = len(self.weights)
        return {
            one.node: self.value(one, at) if one.world else np.full(n_units, at[one])
            for one in event.world
        }

    def _value(
        self, node: Node, world: Mapping[Node, IntArray], known: dict[Node, IntArray]
    ) -> IntArray:
        if node in world:
            return world[node]
        if node not in known:
            above = [self._value(one, world, known) for one in self.causes[node]]
            known[node] = self.responses[node][self.functions[node], *above]
        return known[node]

    def probability(self, events: Collection[Variable], at: Levels) -> float:
        """Return the probability that nodes have given values in their worlds."""
        holds = np.ones(len(self.weights), dtype=bool)
        for event in events:
            holds &= self.value(event, at) == at[event.symbol]
        return float(self.weights[holds].sum())

    def distribution(
        self, nodes: Collection[Node], done: Collection[Node] = ()
    ) -> Table:
        """Return the probability of nodes at each level of those that are set."""
        n_units, size = len(self.weights), self.levels
        rest = [node for node in nodes if node not in done]
        tables = []
        for setting in np.ndindex(*[size] * len(done)):
            pairs = zip(done, setting, strict=True)
            world = {node: np.full(n_units, level) for node, level in pairs}
            known: dict[Node, IntArray] = {}
            cell = np.zeros(n_units, dtype=np.int64)
            for node in rest:
                cell = cell * size + self._value(node, world, known)
            tables.append(np.bincount(cell, self.weights, size ** len(rest)))
        shape = [size] * (len(done) + len(rest))
        return Table([*done, *rest], np.reshape(tables, shape))


def _random_responses(levels: int, n_causes: int, rng: np.random.Generator) -> IntArray:
    """Return functions such that each value comes from one, whatever the causes."""
    shape = [levels] * n_causes
    first, last = rng.integers(levels, size=(2, *shape))
    turned = [(first + k) % levels for k in range(levels)]
    return np.stack([*turned, last] if n_causes else turned)
