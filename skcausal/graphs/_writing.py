"""A graph as text."""

import re
from collections import Counter
from collections.abc import Callable, Iterator

from skcausal.graphs._causal_graph import CausalGraph
from skcausal.graphs._conversion import to_networkx
from skcausal.graphs._errors import GraphError
from skcausal.graphs._reading import FORMATS, Format

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z_0-9.]*", re.ASCII)
_Quote = Callable[[object], str]


def format_graph(graph: CausalGraph, *, format: Format = "dagitty") -> str:
    """Return a causal graph as text that `parse_graph` reads.

    Parameters
    ----------
    graph : CausalGraph
        What to write. Names are written as text: the node 1 comes back as "1".
    format : {"dagitty", "dot", "gml", "edges"}, default="dagitty"
        The language; DOT is what Graphviz draws. In GML a bidirected edge is a node
        of its own, the hidden cause, as `to_networkx` makes it.

    Returns
    -------
    str
        One statement in a line.

    Raises
    ------
    GraphError
        If two nodes are the same in text.

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph, format_graph
    >>> print(format_graph(CausalGraph([("a", "b")], [("b", "c d")])))
    dag {
    a
    b
    "c d"
    a -> b
    b <-> "c d"
    }
    """
    import networkx as nx

    if format not in FORMATS:
        raise GraphError(
            f"format_graph: format must be one of {', '.join(FORMATS)}, got {format!r}."
        )
    names = Counter(map(str, graph.nodes))
    twice = [name for name, count in names.items() if count > 1]
    if twice:
        raise GraphError(
            f"format_graph: two nodes are {twice[0]!r} in text. Rename one of them."
        )
    if format == "gml":
        named = nx.relabel_nodes(to_networkx(graph), str)
        return "\n".join(nx.generate_gml(named))
    if format == "dot":
        return "\n".join(["digraph {", *_dot(graph), "}"])
    if format == "edges":
        return "\n".join(_edges(graph))
    return "\n".join(["dag {", *_nodes(graph, graph.nodes), *_arrows(graph), "}"])


def _quoted(name: object) -> str:
    escaped = str(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plain(name: object) -> str:
    return str(name) if _PLAIN.fullmatch(str(name)) else _quoted(name)


def _nodes(graph: CausalGraph, nodes: tuple[object, ...]) -> Iterator[str]:
    for node in nodes:
        yield _plain(node) + (" [latent]" if node in graph.latent else "")


def _arrows(graph: CausalGraph) -> Iterator[str]:
    yield from (f"{_plain(a)} -> {_plain(b)}" for a, b in graph.directed)
    yield from (f"{_plain(a)} <-> {_plain(b)}" for a, b in graph.bidirected)


def _edges(graph: CausalGraph) -> Iterator[str]:
    joined = {node for edge in (*graph.directed, *graph.bidirected) for node in edge}
    told = tuple(
        node for node in graph.nodes if node not in joined or node in graph.latent
    )
    yield from _nodes(graph, told)
    yield from _arrows(graph)


def _dot(graph: CausalGraph) -> Iterator[str]:
    for node in graph.nodes:
        mark = " [latent=true, style=dashed]" if node in graph.latent else ""
        yield f"  {_quoted(node)}{mark};"
    for a, b in graph.directed:
        yield f"  {_quoted(a)} -> {_quoted(b)};"
    for a, b in graph.bidirected:
        yield f"  {_quoted(a)} -> {_quoted(b)} [dir=both, style=dashed];"
