"""Constraints on data that hidden causes leave, beyond independencies."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from skcausal.graphs._adjacency import Adjacency, closure, topological_order
from skcausal.graphs._causal_graph import CausalGraph
from skcausal.graphs._independencies import district_in, districts_of
from skcausal.graphs._named_graph import Node


@dataclass(frozen=True)
class VermaConstraint:
    """What a graph says of data: a formula does not vary with some nodes.

    Parameters
    ----------
    formula : str
        Conditional probabilities of observed nodes, their sums and ratios.
    independent_of : tuple of node
        The nodes that occur in the formula and do not matter.

    Examples
    --------
    >>> from skcausal.graphs import VermaConstraint
    >>> VermaConstraint("sum_{B} P(D | A, B, C) P(B | A)", ("A",))
    sum_{B} P(D | A, B, C) P(B | A) _||_ A
    """

    formula: str
    independent_of: tuple[Node, ...]

    def __repr__(self) -> str:
        """Return it as it is written in text."""
        return f"{self.formula} _||_ {', '.join(map(str, self.independent_of))}"


def verma_constraints(graph: CausalGraph) -> Iterator[VermaConstraint]:
    r"""Iterate over functional constraints of a graph that are no independencies.

    Parameters
    ----------
    graph : CausalGraph
        The graph; without latent nodes and bidirected edges it has none.

    Returns
    -------
    iterator of VermaConstraint
        At most one for each set of nodes with a kernel of its own; in the worst case
        there are exponentially many.

    Notes
    -----
    Assumes that all conditional probabilities in a formula are defined. The joint
    probability is a product of factors :math:`Q[S]`, one for each district, and
    :math:`\sum_D Q[S] = Q[S \setminus D]` where :math:`D` has no children in the
    rest of the district. Each factor depends on its nodes and their parents only; a
    formula for it that names more nodes is a constraint. The list is sound but
    not known to be complete, and some may follow from others.

    References
    ----------
    Tian, J. and Pearl, J. (2002). On the testable implications of causal models with
    hidden variables. UAI. https://arxiv.org/abs/1301.0608

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph, verma_constraints
    >>> graph = CausalGraph(
    ...     [("V1", "V2"), ("V2", "V3"), ("V3", "V4")], [("V2", "V4")]
    ... )
    >>> list(verma_constraints(graph))
    [sum_{V2} P(V4 | V1, V2, V3) P(V2 | V1) _||_ V1]
    """
    projected = graph.latent_projection()
    adjacency = projected.adjacency
    order = topological_order(adjacency)
    for count, node in enumerate(order, start=1):
        finder = _Finder(projected, order[:count])
        yield from finder.constraints(node)


@dataclass(frozen=True)
class _Factor:
    """A formula for Q[nodes] and the nodes that it depends on."""

    nodes: frozenset[int]
    formula: str


class _Finder:
    """Takes districts of the last node apart and keeps what is constrained."""

    def __init__(self, graph: CausalGraph, order: list[int]) -> None:
        self._adjacency: Adjacency = graph.adjacency
        self._names = graph.nodes
        self._order = order

    def constraints(self, last: int) -> Iterator[VermaConstraint]:
        """Yield the constraints on factors that end in the last node."""
        before = set(self._order)
        plain = {
            district: ancestral
            for ancestral, district in districts_of(self._adjacency, last, before)
        }
        seen: dict[frozenset[int], VermaConstraint] = {}
        waiting = [self._product(S, A) for S, A in plain.items()]
        done = set(plain)
        while waiting:
            factor = waiting.pop(0)
            for whole, kept in self._parts(factor, last):
                if kept in plain:
                    continue  # a product of conditional probabilities, nothing new
                extra = self._scope(factor.nodes) - (factor.nodes - whole.nodes)
                extra -= self._scope(kept)
                found = self._constraint(whole, kept, extra, last)
                if extra and _is_stronger(found, seen.get(kept)):
                    seen[kept] = found
                if kept not in done:
                    done.add(kept)
                    waiting.append(self._component(whole, kept))
        yield from seen.values()

    def _scope(self, nodes: Collection[int]) -> set[int]:
        """Return what a factor depends on: its nodes and their parents."""
        return {p for node in nodes for p in self._adjacency.parents[node]}.union(nodes)

    def _product(self, district: frozenset[int], ancestral: set[int]) -> _Factor:
        """Return Q of a district as a product of conditional probabilities."""
        terms = []
        before: set[int] = set()
        for node in self._order:
            if node in ancestral:
                before.add(node)
            if node in district:
                near = self._scope(district_in(self._adjacency, node, before))
                given = self._listed(near - {node})
                bar = f" | {given}" if given else ""
                terms.append(f"P({self._names[node]}{bar})")
        return _Factor(district, " ".join(reversed(terms)))

    def _parts(
        self, factor: _Factor, last: int
    ) -> Iterator[tuple[_Factor, frozenset[int]]]:
        """Yield what is left when a node is summed out, and the last node's part."""
        children = [
            [child for child in self._adjacency.children[node] if child in factor.nodes]
            for node in range(self._adjacency.n_nodes)
        ]
        for node in sorted(factor.nodes - {last}):
            gone = closure([node], children)
            if last not in gone:
                rest = factor.nodes - gone
                whole = _Factor(rest, self._sum(gone, factor.formula))
                yield whole, frozenset(district_in(self._adjacency, last, rest))

    def _component(self, whole: _Factor, kept: frozenset[int]) -> _Factor:
        """Return Q of a part of a factor, as a product of ratios of its sums."""
        if kept == whole.nodes:
            return _Factor(kept, whole.formula)
        order = [node for node in self._order if node in whole.nodes]
        ratios = []
        for at, node in enumerate(order):
            if node in kept:
                above = self._sum(order[at + 1 :], whole.formula)
                below = self._sum(order[at:], whole.formula)
                # The sum over all nodes of a factor is one.
                ratios.append(f"[{above}]" + (f"/[{below}]" if at else ""))
        return _Factor(kept, " ".join(reversed(ratios)))

    def _constraint(
        self, whole: _Factor, kept: frozenset[int], extra: set[int], last: int
    ) -> VermaConstraint:
        formula = whole.formula
        if kept != whole.nodes:
            formula = f"[{formula}]/[{self._sum([last], formula)}]"
        names = tuple(self._names[node] for node in self._order if node in extra)
        return VermaConstraint(formula, names)

    def _sum(self, nodes: Collection[int], formula: str) -> str:
        return f"sum_{{{self._listed(nodes)}}} {formula}" if nodes else formula

    def _listed(self, nodes: Collection[int]) -> str:
        return ", ".join(str(self._names[k]) for k in self._order if k in nodes)


def _is_stronger(one: VermaConstraint, other: VermaConstraint | None) -> bool:
    if other is None:
        return True
    return len(one.independent_of) > len(other.independent_of)
