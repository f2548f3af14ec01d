"""Which independencies a graph says that data must show."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from itertools import combinations

from skcausal.graphs._adjacency import Adjacency, closure, topological_order
from skcausal.graphs._causal_graph import CausalGraph
from skcausal.graphs._errors import GraphError
from skcausal.graphs._named_graph import Node
from skcausal.graphs._separation import Joined, connected
from skcausal.graphs._separators import SeparationProblem


@dataclass(frozen=True)
class Independence:
    """What a graph says of data: two sides are independent given a set.

    Parameters
    ----------
    a, b : tuple of node
        The two sides.
    given : tuple of node
        What is held fixed.

    Examples
    --------
    >>> from skcausal.graphs import Independence
    >>> Independence(("Y",), ("Z",), ("I", "X"))
    Y _||_ Z | I, X
    """

    a: tuple[Node, ...]
    b: tuple[Node, ...]
    given: tuple[Node, ...] = ()

    def __repr__(self) -> str:
        """Return it as it is written in text."""
        a, b, given = (", ".join(map(str, s)) for s in (self.a, self.b, self.given))
        return f"{a} _||_ {b}" + (f" | {given}" if given else "")


_Found = Iterator[tuple[Collection[int], Collection[int], Collection[int]]]


def implied_independencies(
    graph: CausalGraph, *, kind: str = "minimal"
) -> Iterator[Independence]:
    r"""Iterate over the independencies among observed nodes that a graph implies.

    Parameters
    ----------
    graph : CausalGraph
        The graph; latent nodes and bidirected edges are allowed for.
    kind : {"minimal", "basis", "all"}, default="minimal"
        ``"minimal"``: for each pair of nodes every minimal set that separates it;
        ``"basis"``: for each node its independence of those before it given its
        neighbourhood, from which all others follow; ``"all"``: for each pair every
        set that separates it, exponentially many.

    Returns
    -------
    iterator of Independence
        Nodes of a side are sorted by name.

    Raises
    ------
    GraphError
        If ``kind`` is none of these.

    Notes
    -----
    Assumes nothing beyond the graph; data that contradict an independence contradict
    the graph. In the basis, :math:`v` is independent of
    :math:`A \setminus (mb(v) \cup v)` given :math:`mb(v)`, for sets :math:`A` that
    hold their ancestors and end in :math:`v`, where :math:`mb(v)` is the district of
    :math:`v` in :math:`A` and the parents of that district.

    References
    ----------
    Richardson, T. (2003). Markov properties for acyclic directed mixed graphs.
    Scandinavian Journal of Statistics 30. https://doi.org/10.1111/1467-9469.00323

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph, implied_independencies
    >>> graph = CausalGraph(
    ...     [("Z", "X"), ("Z", "I"), ("X", "I"), ("X", "Y"), ("I", "Y")]
    ... )
    >>> list(implied_independencies(graph))
    [Y _||_ Z | I, X]
    """
    kinds: dict[str, Callable[[Adjacency], _Found]] = {
        "minimal": _minimal,
        "basis": _basis,
        "all": _all,
    }
    if kind not in kinds:
        raise GraphError(
            f"implied_independencies: kind must be one of {', '.join(kinds)}, got "
            f"{kind!r}."
        )
    projected = graph.latent_projection()
    nodes = projected.nodes
    names = lambda codes: tuple(sorted((nodes[k] for k in codes), key=str))  # noqa: E731
    for sides in kinds[kind](projected.adjacency):
        a, b, given = map(names, sides)
        if kind != "basis":  # the sides of a pair are alike
            a, b = sorted((a, b), key=str)
        yield Independence(a, b, given)


def _minimal(adjacency: Adjacency) -> _Found:
    everything = range(adjacency.n_nodes)
    for a, b in combinations(everything, 2):
        if not _adjacent(adjacency, a, b):
            problem = SeparationProblem.of(adjacency, [a], [b], (), everything)
            for given in problem.all_minimal():
                yield [a], [b], given


def _all(adjacency: Adjacency) -> _Found:
    everything = range(adjacency.n_nodes)
    for a, b in combinations(everything, 2):
        rest = [node for node in everything if node not in (a, b)]
        if _adjacent(adjacency, a, b):
            continue
        for size in range(len(rest) + 1):
            for given in combinations(rest, size):
                if b not in connected(adjacency, [a], given):
                    yield [a], [b], given


def _adjacent(adjacency: Joined, a: int, b: int) -> bool:
    near = (adjacency.children[a], adjacency.parents[a], adjacency.siblings[a])
    return any(b in part for part in near)


def _basis(adjacency: Adjacency) -> _Found:
    before: set[int] = set()
    for node in topological_order(adjacency):
        before.add(node)
        for ancestral, district in districts_of(adjacency, node, before):
            parents = {p for k in district for p in adjacency.parents[k]}
            blanket = (parents | district) - {node}
            rest = ancestral - blanket - {node}
            if rest:
                yield [node], rest, blanket


def districts_of(
    adjacency: Joined, node: int, before: Collection[int]
) -> Iterator[tuple[set[int], frozenset[int]]]:
    """Yield each district that a node has in a set closed under ancestors.

    Parameters
    ----------
    adjacency : Joined
        The graph.
    node : int
        The node, with no child in ``before``.
    before : collection of int
        The nodes to choose from, closed under ancestors.

    Returns
    -------
    iterator of (set of int, frozenset of int)
        The largest closed set with a given district of the node, and that district.
    """
    above = closure([node], adjacency.parents)
    seen: set[frozenset[int]] = set()
    waiting = [set(before)]
    while waiting:
        within = waiting.pop()
        district = frozenset(district_in(adjacency, node, within))
        if district in seen:
            continue
        seen.add(district)
        outside = {s for k in district for s in adjacency.siblings[k]} - district
        yield set(before) - closure(outside, adjacency.children), district
        waiting += [
            within - closure([other], adjacency.children)
            for other in sorted(district - above)
        ]


def district_in(adjacency: Joined, node: int, within: Collection[int]) -> set[int]:
    """Return what bidirected edges join to a node without leaving a set."""
    reached = {node}
    waiting = [node]
    while waiting:
        for other in adjacency.siblings[waiting.pop()]:
            if other in within and other not in reached:
                reached.add(other)
                waiting.append(other)
    return reached
