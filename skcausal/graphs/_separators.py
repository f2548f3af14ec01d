"""Smallest sets of nodes that keep two sides apart."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from skcausal.graphs._adjacency import closure, components
from skcausal.graphs._causal_graph import CausalGraph
from skcausal.graphs._errors import GraphError
from skcausal.graphs._named_graph import Node, Nodes
from skcausal.graphs._separation import Joined, reach

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True)
class SeparationProblem:
    """Two sides of a graph, and the nodes that a separating set may consist of.

    Only ancestors of the sides and of what must be included matter: among them,
    separation by a set is the same as cutting all paths of the moral graph, whose
    paths are walks with every collider open (van der Zander, Liskiewicz and Textor
    2019).

    Parameters
    ----------
    joined : Joined
        The graph.
    left, right : frozenset of int
        The sides.
    include : frozenset of int
        What each separating set contains.
    allowed : frozenset of int
        What else it may contain.
    relevant : frozenset of int
        The ancestors of the sides and of ``include``.
    """

    joined: Joined
    left: frozenset[int]
    right: frozenset[int]
    include: frozenset[int]
    allowed: frozenset[int]
    relevant: frozenset[int]

    @classmethod
    def of(
        cls,
        joined: Joined,
        left: Collection[int],
        right: Collection[int],
        include: Collection[int],
        allowed: Collection[int],
    ) -> Self:
        """Return the problem with what does not matter left out."""
        fixed = {*left, *right, *include}
        relevant = frozenset(closure(fixed, joined.parents))
        return cls(
            joined,
            frozenset(left),
            frozenset(right),
            frozenset(include),
            (frozenset(allowed) & relevant) - fixed,
            relevant,
        )

    def _moral_reach(
        self, starts: Collection[int], stops: frozenset[int] | set[int]
    ) -> set[int]:
        blocked = self.include | stops
        return reach(self.joined, starts, blocked, self.relevant, self.relevant)

    def nearest(self, near: Collection[int], far: Collection[int]) -> set[int] | None:
        """Return the minimal set closest to ``near``, without ``include``.

        Nodes that ``near`` reaches first, and of these the ones that ``far`` reaches.
        """
        reached = self._moral_reach(near, self.allowed.difference(near))
        if not reached.isdisjoint(far):
            return None
        border = (reached & self.allowed).difference(near)
        return border & self._moral_reach(far, border)

    def all_minimal(self) -> Iterator[frozenset[int]]:
        """Yield each minimal set once, ``include`` among it.

        Each step fixes a node of the set nearest to a growing left side: either it
        stays in the set, or it joins the side (Takata 2010). Each branch that is
        entered ends in a set, so the delay is polynomial.
        """
        first = self.nearest(self.left, self.right)
        waiting = [] if first is None else [(self.left, frozenset[int](), first)]
        while waiting:
            side, kept, found = waiting.pop()
            for node in sorted(found - kept):
                grown = side | {node}
                moved = self.nearest(grown, self.right)
                if moved is not None and kept <= moved:
                    waiting.append((grown, kept, moved))
                kept = kept | {node}
            yield frozenset(found) | self.include

    def cheapest(self, cost: dict[int, float]) -> frozenset[int] | None:
        """Return a set of least cost by a minimum cut of the moral graph."""
        import networkx as nx
        from networkx.algorithms.flow import dinitz

        network = self._network(cost)
        try:
            _, (near, _) = nx.minimum_cut(network, "left", "right", flow_func=dinitz)
        except nx.NetworkXUnbounded:
            return None
        cut = {n for n in self.allowed if (n, 0) in near and (n, 1) not in near}
        small = SeparationProblem(
            self.joined,
            self.left,
            self.right,
            self.include,
            frozenset(cut),
            self.relevant,
        ).nearest(self.left, self.right)
        return None if small is None else frozenset(small) | self.include

    def _network(self, cost: dict[int, float]) -> "nx.DiGraph[object]":
        """Return the flow network: nodes split in two, each clique joined by a hub."""
        import networkx as nx

        network: nx.DiGraph[object] = nx.DiGraph()
        network.add_nodes_from(["left", "right"])
        siblings = [
            [other for other in others if other in self.relevant]
            for others in self.joined.siblings
        ]
        for k, district in enumerate(components(self.relevant, siblings)):
            clique = {p for node in district for p in self.joined.parents[node]}
            for node in (clique | district) - self.include:
                network.add_edge((node, 1), ("hub", k))
                network.add_edge(("hub", k), (node, 0))
        for node in self.relevant - self.include:
            limit = {"capacity": cost[node]} if node in self.allowed else {}
            network.add_edge((node, 0), (node, 1), **limit)
        network.add_edges_from(("left", (node, 0)) for node in self.left)
        network.add_edges_from(((node, 1), "right") for node in self.right)
        return network


def _problem(
    graph: CausalGraph, a: Nodes, b: Nodes, include: Nodes, restrict: Nodes | None
) -> SeparationProblem:
    left, right, held = (frozenset(graph.codes(part)) for part in (a, b, include))
    for one, two in ((left, right), (left, held), (right, held)):
        if one & two:
            shared = ", ".join(map(str, graph.ordered(graph.names(one & two))))
            raise GraphError(
                f"minimal_separator: {shared} is on two sides. a, b and include must "
                "not share a node."
            )
    allowed = graph.codes(graph.observed if restrict is None else restrict)
    return SeparationProblem.of(graph.adjacency, left, right, held, allowed)


def minimal_separator(
    graph: CausalGraph,
    a: Nodes,
    b: Nodes,
    *,
    include: Nodes = (),
    restrict: Nodes | None = None,
) -> frozenset[Node] | None:
    """Return a set that separates two sides and loses that if any node is left out.

    Parameters
    ----------
    graph : CausalGraph
        The graph.
    a, b : node or collection of nodes
        The two sides.
    include : node or collection of nodes, default=()
        What the set must contain; the rest of it is minimal.
    restrict : collection of nodes, default=None
        What else the set may contain; None for the observed nodes.

    Returns
    -------
    frozenset of node or None
        Of all minimal sets the one closest to ``a``; None if no set separates.

    Raises
    ------
    GraphError
        If ``a``, ``b`` and ``include`` share a node.

    Notes
    -----
    Assumes nothing beyond the graph. Two walks, linear in nodes and edges.

    References
    ----------
    van der Zander, B. and Liskiewicz, M. (2019). Finding minimal d-separators in
    linear time and applications. UAI. https://proceedings.mlr.press/v115/van-der-zander20a.html

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph, minimal_separator
    >>> chain = CausalGraph([("a", "b"), ("b", "c"), ("c", "d")])
    >>> minimal_separator(chain, "a", "d")
    frozenset({'b'})
    >>> minimal_separator(chain, "d", "a")
    frozenset({'c'})
    """
    problem = _problem(graph, a, b, include, restrict)
    found = problem.nearest(problem.left, problem.right)
    return None if found is None else graph.names(found | problem.include)


def all_minimal_separators(
    graph: CausalGraph,
    a: Nodes,
    b: Nodes,
    *,
    include: Nodes = (),
    restrict: Nodes | None = None,
) -> Iterator[frozenset[Node]]:
    """Iterate over all sets that `minimal_separator` could return.

    Parameters
    ----------
    graph : CausalGraph
        The graph.
    a, b : node or collection of nodes
        The two sides.
    include : node or collection of nodes, default=()
        What each set must contain; the rest of it is minimal.
    restrict : collection of nodes, default=None
        What else a set may contain; None for the observed nodes.

    Returns
    -------
    iterator of frozenset of node
        Each minimal set once; there may be exponentially many, with little time
        between one and the next.

    Raises
    ------
    GraphError
        If ``a``, ``b`` and ``include`` share a node.

    Notes
    -----
    Assumes nothing beyond the graph. The time between two sets grows with a
    polynomial of the size of the graph.

    References
    ----------
    van der Zander, B., Liskiewicz, M. and Textor, J. (2019). Separators and adjustment
    sets in causal graphs. Artificial Intelligence 270.
    https://doi.org/10.1016/j.artint.2018.12.006

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph, all_minimal_separators
    >>> chain = CausalGraph([("a", "b"), ("b", "c"), ("c", "d")])
    >>> [sorted(one) for one in all_minimal_separators(chain, "a", "d")]
    [['b'], ['c']]
    """
    problem = _problem(graph, a, b, include, restrict)
    return (graph.names(found) for found in problem.all_minimal())
