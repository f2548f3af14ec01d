"""Checks of the parts that a graph is made of, and how it is written."""

from collections import Counter
from collections.abc import Container, Hashable, Iterable, Sequence

from skcausal.graphs._errors import GraphError, UnknownNodeError

Node = Hashable
Edge = tuple[Node, Node]
_MOST_SHOWN = 12


def edge_list(edges: Iterable[Edge], name: str, *, ordered: bool) -> list[Edge]:
    """Return edges as pairs.

    Raises
    ------
    GraphError
        If one is not a pair, joins a node to itself, or is listed twice.
    """
    pairs = [_pair(edge, name) for edge in edges]
    keys = [pair if ordered else frozenset(pair) for pair in pairs]
    for key, count in Counter(keys).items():
        if count > 1:
            a, b = tuple(key)
            raise GraphError(
                f"CausalGraph: {name} lists the edge ({a!r}, {b!r}) {count} times"
                f"{'' if ordered else ', in whatever order'}. Keep one."
            )
    return pairs


def _pair(edge: Edge, name: str) -> Edge:
    if isinstance(edge, str) or not isinstance(edge, Iterable):
        raise GraphError(f"CausalGraph: {name} must hold pairs of nodes, got {edge!r}.")
    pair = tuple(edge)
    if len(pair) != 2:
        raise GraphError(
            f"CausalGraph: {name} must hold pairs of nodes, got {len(pair)} in "
            f"{edge!r}."
        )
    if pair[0] == pair[1]:
        raise GraphError(
            f"CausalGraph: {name} joins {pair[0]!r} to itself. Nothing causes itself "
            "at one time; take the edge out."
        )
    return pair


def node_list(nodes: Iterable[Node], name: str) -> list[Node]:
    """Return nodes as a list.

    Raises
    ------
    GraphError
        If a node is listed twice, or a bare string stands for a list.
    """
    if isinstance(nodes, str):
        raise GraphError(
            f"CausalGraph: {name} must be a collection of nodes, got the string "
            f"{nodes!r}. Write [{nodes!r}]."
        )
    listed = list(nodes)
    twice = [node for node, count in Counter(listed).items() if count > 1]
    if twice:
        raise GraphError(f"CausalGraph: {name} lists {twice[0]!r} twice. Keep one.")
    return listed


def all_nodes(edges: Iterable[Edge], nodes: Iterable[Node]) -> list[Node]:
    """Return the nodes that are listed and then those that only edges name."""
    return list(dict.fromkeys([*nodes, *(node for edge in edges for node in edge)]))


def check_latent(latent: Iterable[Node], known: Container[Node]) -> None:
    """Refuse latent nodes that are not part of the graph.

    Raises
    ------
    UnknownNodeError
        If one is not known.
    """
    for node in latent:
        if node not in known:
            raise UnknownNodeError(
                f"CausalGraph: latent names {node!r}, which no edge and no entry of "
                "nodes has. Check its spelling."
            )


def listed(name: str, items: Sequence[object]) -> str:
    """Return ``name=[...]``, with the first items only if there are many."""
    shown = [repr(item) for item in items[:_MOST_SHOWN]]
    more = len(items) - len(shown)
    return f"{name}=[{', '.join(shown)}{f', ... {more} more' if more else ''}]"
