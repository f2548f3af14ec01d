"""Who is joined to whom, in integers: what the algorithms on graphs read."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
Lists = list[list[int]]


def edge_array(pairs: Iterable[tuple[int, int]]) -> IntArray:
    """Return edges as an array of shape (n_edges, 2)."""
    return np.array(list(pairs), dtype=np.int64).reshape(-1, 2)


def _neighbours(n_nodes: int, source: IntArray, target: IntArray) -> Lists:
    """Return the targets of each source, in the order of their codes."""
    order = np.lexsort((target, source))
    ends = np.cumsum(np.bincount(source, minlength=n_nodes))[:-1]
    return [part.tolist() for part in np.split(target[order], ends)]


@dataclass(frozen=True)
class Adjacency:
    """The edges of a graph whose nodes are 0, ..., n_nodes - 1.

    Parameters
    ----------
    n_nodes : int
        How many nodes there are.
    directed, bidirected : ndarray of shape (n_edges, 2)
        Edges; a bidirected edge is listed once, the smaller code first.
    """

    n_nodes: int
    directed: IntArray
    bidirected: IntArray

    @cached_property
    def parents(self) -> Lists:
        """For each node, the nodes with an arrow into it."""
        return _neighbours(self.n_nodes, self.directed[:, 1], self.directed[:, 0])

    @cached_property
    def children(self) -> Lists:
        """For each node, the nodes it has an arrow into."""
        return _neighbours(self.n_nodes, self.directed[:, 0], self.directed[:, 1])

    @cached_property
    def siblings(self) -> Lists:
        """For each node, the nodes a bidirected edge joins it to."""
        both = np.concatenate([self.bidirected, self.bidirected[:, ::-1]])
        return _neighbours(self.n_nodes, both[:, 0], both[:, 1])

    def without(
        self, directed: npt.NDArray[np.bool_], bidirected: npt.NDArray[np.bool_]
    ) -> "Adjacency":
        """Return the graph without the edges that the masks mark."""
        return Adjacency(
            self.n_nodes, self.directed[~directed], self.bidirected[~bidirected]
        )


def closure(starts: Iterable[int], neighbours: Lists) -> set[int]:
    """Return what can be reached from ``starts``, which are included."""
    reached = set(starts)
    waiting = list(reached)
    while waiting:
        for node in neighbours[waiting.pop()]:
            if node not in reached:
                reached.add(node)
                waiting.append(node)
    return reached


def topological_order(adjacency: Adjacency) -> list[int]:
    """Return an order in which parents come first; shorter if there is a cycle.

    Among the nodes that may come next the smallest code does.
    """
    waiting_for = [len(parents) for parents in adjacency.parents]
    ready = [node for node, count in enumerate(waiting_for) if count == 0]
    order = []
    while ready:
        node = heapq.heappop(ready)
        order.append(node)
        for child in adjacency.children[node]:
            waiting_for[child] -= 1
            if waiting_for[child] == 0:
                heapq.heappush(ready, child)
    return order


def find_cycle(adjacency: Adjacency) -> list[int]:
    """Return the nodes of one directed cycle, the first repeated at the end."""
    rest = set(range(adjacency.n_nodes)) - set(topological_order(adjacency))
    path = [min(rest)]
    # Every node that the order leaves out has a parent that it leaves out too.
    while path.count(path[-1]) == 1:
        path.append(next(p for p in adjacency.parents[path[-1]] if p in rest))
    return path[path.index(path[-1]) :][::-1]


def components(nodes: Iterable[int], neighbours: Lists) -> list[set[int]]:
    """Return the sets of nodes that ``neighbours`` joins, by their smallest code."""
    found: list[set[int]] = []
    left = set(nodes)
    for node in sorted(left):
        if node in left:
            found.append(closure([node], neighbours))
            left -= found[-1]
    return found
