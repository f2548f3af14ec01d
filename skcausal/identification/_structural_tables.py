"""Random models of a graph whose interventions are known exactly."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from skcausal.graphs import CausalGraph
from skcausal.identification._evaluation import FloatArray, Table, contract
from skcausal.identification._variables import Node, Variable

_HIDDEN = "cause of"  # a pair, as the name of what is behind a bidirected edge
_LEAST = 0.1  # keeps every combination of levels likely enough


def causes_of(graph: CausalGraph) -> dict[Node, list[Node]]:
    """Return the parents of each node, with a node for each bidirected edge."""
    causes = {node: list(graph.ordered(graph.parents([node]))) for node in graph.nodes}
    for link in graph.bidirected:
        hidden = (_HIDDEN, *link)
        causes[hidden] = []
        for node in link:
            causes[node].append(hidden)
    return causes


@dataclass(frozen=True)
class TableModel:
    """A structural model of nodes with few levels: one table for each mechanism.

    Parameters
    ----------
    tables : dict of node to Table
        The probability of each node given its causes, hidden ones among them.
    """

    tables: dict[Node, Table]

    @classmethod
    def random(
        cls, graph: CausalGraph, levels: int, rng: np.random.Generator
    ) -> "TableModel":
        """Draw the tables; no probability is zero."""
        tables = {}
        for node, causes in causes_of(graph).items():
            values = _LEAST + rng.random((levels,) * (len(causes) + 1))
            axes = [*map(Variable, causes), Variable(node)]
            tables[node] = Table(axes, values / values.sum(axis=-1, keepdims=True))
        return cls(tables)

    def differing(
        self, nodes: Collection[Node], rng: np.random.Generator
    ) -> "TableModel":
        """Return a model in which some nodes come about in another way.

        A hidden cause of two of them is distributed in another way as well.
        """
        names = (one for one in self.tables if isinstance(one, tuple))
        ties = [one for one in names if one[0] == _HIDDEN]
        changed = [*nodes, *(tie for tie in ties if set(nodes) >= set(tie[1:]))]
        tables = dict(self.tables)
        for node in changed:
            values = _LEAST + rng.random(tables[node].values.shape)
            values /= values.sum(axis=-1, keepdims=True)
            tables[node] = Table(tables[node].axes, values)
        return TableModel(tables)

    def distribution(
        self, nodes: Collection[Node], done: Collection[Node] = ()
    ) -> Table:
        """Return the probability of nodes where others are set, exactly."""
        needed = self._needed(nodes, done)
        tables = [self.tables[node] for node in needed]
        for node in set(done) & set(nodes):
            # Set and asked for: an axis along which the probability is one.
            size = self.tables[node].values.shape[-1]
            tables.append(Table([node], np.ones(size)))
        return contract(tables, {Variable(node) for node in nodes})

    def _needed(self, nodes: Collection[Node], done: Collection[Node]) -> list[Node]:
        found: set[Node] = set()
        waiting = [node for node in nodes if node not in done]
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                causes = (axis.node for axis in self.tables[node].axes)
                waiting += [cause for cause in causes if cause not in done]
        return [node for node in self.tables if node in found]


def random_linear_model(
    graph: CausalGraph, rng: np.random.Generator
) -> tuple[list[Node], FloatArray, FloatArray]:
    """Return nodes, total effects and covariances of a random linear model.

    Returns
    -------
    tuple of (list of node, ndarray, ndarray)
        Entry (i, j) of the effects is that of node j on node i.
    """
    causes = causes_of(graph)
    nodes = list(causes)
    place = {node: k for k, node in enumerate(nodes)}
    weights = np.zeros((len(nodes), len(nodes)))
    for node, parents in causes.items():
        for parent in parents:
            weights[place[node], place[parent]] = rng.choice([-1, 1]) * (
                0.5 + rng.random()
            )
    effects = np.linalg.inv(np.eye(len(nodes)) - weights)
    noise = np.diag(0.5 + rng.random(len(nodes)))
    return nodes, np.asarray(effects), np.asarray(effects @ noise @ effects.T)
