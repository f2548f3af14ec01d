"""What a graph says about data: independencies, dependencies, needed edges."""

from collections.abc import Sequence
from typing import NamedTuple

from skcausal.graphs import CausalGraph


class Claim(NamedTuple):
    """Something to test about two nodes, by their positions in the graph."""

    node: int
    other: int
    given: frozenset[int]

    @property
    def key(self) -> tuple[int, int, frozenset[int]]:
        """The same for both orders of the two nodes."""
        if self.node < self.other:
            return self.node, self.other, self.given
        return self.other, self.node, self.given

    def relabelled(self, places: Sequence[int]) -> "Claim":
        """Return the claim of the graph whose node i is called ``places[i]``."""
        given = frozenset(places[code] for code in self.given)
        return Claim(places[self.node], places[self.other], given)


def independencies(graph: CausalGraph) -> list[Claim]:
    """Return the local Markov property: each node and each non-descendant.

    A node is independent of another that is no descendant of it given its Markov
    blanket among the ancestors of both: the nodes that bidirected edges among these
    join it to, and the parents of all (Richardson 2003). Without bidirected edges that
    are its parents. Every pair that some set separates occurs.
    """
    claims = []
    for node in graph.nodes:
        descendants = graph.descendants(node)
        for other in graph.nodes:
            if other not in descendants:
                blanket = _blanket(graph, node, other)
                if other not in blanket:
                    claims.append(_claim(graph, node, other, blanket))
    return claims


def _blanket(graph: CausalGraph, node: object, other: object) -> frozenset[object]:
    if not graph.bidirected:
        return graph.parents(node)
    ancestral = graph.subgraph(graph.ancestors([node, other]))
    district = next(part for part in ancestral.districts() if node in part)
    return (district | ancestral.parents(list(district))) - {node}


def _claim(
    graph: CausalGraph, node: object, other: object, given: frozenset[object]
) -> Claim:
    first, second, *rest = graph.codes([node, other, *given])
    return Claim(first, second, frozenset(rest))


def dependencies(graph: CausalGraph) -> list[Claim]:
    """Return each node with each ancestor, and with each node that shares a cause."""
    claims = []
    for node in graph.nodes:
        for other in graph.ordered(graph.ancestors(node) - {node}):
            claims.append(_claim(graph, node, other, frozenset()))
    related = {frozenset((claim.node, claim.other)) for claim in claims}
    for a, b in graph.bidirected:
        claim = _claim(graph, a, b, frozenset())
        if frozenset((claim.node, claim.other)) not in related:
            claims.append(claim)
    return claims


def needed_edges(graph: CausalGraph) -> list[tuple[str, Claim]]:
    """Return each edge with the independence that would hold without it.

    Without an arrow its end is independent of its start given the other parents. An
    edge whose ends nothing separates even then, because of other edges, is left out.
    """
    found = []
    for a, b in graph.directed:
        rest = [edge for edge in graph.directed if edge != (a, b)]
        other = CausalGraph(rest, graph.bidirected, graph.nodes)
        found += _separation(other, b, a, f"{a} -> {b}")
    for a, b in graph.bidirected:
        rest = [edge for edge in graph.bidirected if edge != (a, b)]
        other = CausalGraph(graph.directed, rest, graph.nodes)
        first, second = (b, a) if a not in graph.descendants(b) else (a, b)
        found += _separation(other, first, second, f"{a} <-> {b}")
    return found


def _separation(
    graph: CausalGraph, node: object, other: object, edge: str
) -> list[tuple[str, Claim]]:
    blanket = _blanket(graph, node, other)
    if other in blanket:
        return []
    return [(edge, _claim(graph, node, other, blanket))]
