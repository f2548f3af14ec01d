"""Induced parts of a graph, in integers: ancestors and districts within a set."""

from collections.abc import Collection, Iterable

from skcausal.graphs import CausalGraph
from skcausal.identification._variables import Variable

Codes = frozenset[int]


class Parts:
    """Relatives of nodes within a set of nodes.

    Parameters
    ----------
    graph : CausalGraph
        The whole graph, without latent nodes.
    """

    def __init__(self, graph: CausalGraph) -> None:
        self.names = tuple(Variable(node) for node in graph.nodes)
        self.parents = graph.adjacency.parents
        self.siblings = graph.adjacency.siblings
        order = graph.codes(list(graph.topological_order()))
        self._place = {code: k for k, code in enumerate(order)}

    def sorted(self, nodes: Iterable[int]) -> tuple[int, ...]:
        """Return nodes with causes before effects."""
        return tuple(sorted(nodes, key=self._place.__getitem__))

    def ancestors(
        self, nodes: Codes, within: Codes, cut: Collection[int] = ()
    ) -> Codes:
        """Return the ancestors of nodes, where no arrow goes into ``cut``."""
        found = set(nodes)
        waiting = list(nodes)
        while waiting:
            node = waiting.pop()
            if node in cut:
                continue
            for parent in self.parents[node]:
                if parent in within and parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return frozenset(found)

    def district(self, node: int, within: Codes) -> Codes:
        """Return the district of a node."""
        found = {node}
        waiting = [node]
        while waiting:
            for other in self.siblings[waiting.pop()]:
                if other in within and other not in found:
                    found.add(other)
                    waiting.append(other)
        return frozenset(found)

    def districts(self, within: Codes) -> list[Codes]:
        """Return the districts of a set of nodes, causes first."""
        found: list[Codes] = []
        left = set(within)
        for node in self.sorted(within):
            if node in left:
                found.append(self.district(node, within))
                left -= found[-1]
        return found
