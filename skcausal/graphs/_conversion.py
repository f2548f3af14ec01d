"""A graph from and to networkx and tables of integers."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pandas as pd

from skcausal.graphs._building import Edge, Node
from skcausal.graphs._causal_graph import CausalGraph
from skcausal.graphs._errors import GraphError
from skcausal.graphs._marks import Fail, Marks, arrow_kind, latent_mark

if TYPE_CHECKING:
    import networkx as nx

_ARROW, _BIDIRECTED = 1, 2  # an entry of an adjacency table is their sum


def from_networkx(graph: "nx.DiGraph[Any]") -> CausalGraph:
    """Return the causal graph that a directed graph of networkx says.

    Parameters
    ----------
    graph : networkx.DiGraph or networkx.MultiDiGraph
        Its edges are arrows; an edge with the attribute ``dir="both"`` is
        bidirected. A node is latent if it has the attribute ``latent`` or
        ``unobserved`` with a true value, ``observed`` with a false one, or
        ``style="dashed"``. A node with a true attribute ``bidirected``, as
        `to_networkx` makes it, becomes an edge between its two children.

    Returns
    -------
    CausalGraph
        Other attributes are not part of it.

    Raises
    ------
    GraphError
        If ``graph`` is not directed or is no causal graph.

    Examples
    --------
    >>> import networkx as nx
    >>> from skcausal.graphs import from_networkx
    >>> drawn = nx.DiGraph([("u", "a"), ("u", "b")])
    >>> drawn.nodes["u"]["latent"] = True
    >>> from_networkx(drawn)
    CausalGraph(directed=[('u', 'a'), ('u', 'b')], latent=['u'])
    """
    import networkx as nx

    if not isinstance(graph, nx.DiGraph):
        raise GraphError(
            "from_networkx: graph must be a networkx.DiGraph, got "
            f"{type(graph).__name__}. A causal graph needs every direction."
        )
    marks = {node: _marks(given) for node, given in graph.nodes(data=True)}
    hidden = {node: None for node, given in marks.items() if _stands_for_edge(given)}
    directed, bidirected = _split_edges(graph, hidden)
    bidirected += [_children_of_hidden(graph, node) for node in hidden]
    nodes = [node for node in graph if node not in hidden]
    latent = [v for v in nodes if latent_mark(marks[v], _failing(f"node {v!r}"))]
    return CausalGraph(directed, bidirected, nodes, latent=latent)


def _marks(attributes: Mapping[Any, Any]) -> Marks:
    return {str(key): str(value) for key, value in attributes.items()}


def _failing(where: str) -> Fail:
    def fail(word: str, expected: str, way_out: str) -> NoReturn:
        raise GraphError(f"from_networkx: {where}, {word!r}: {expected}. {way_out}")

    return fail


def _stands_for_edge(marks: Marks) -> bool:
    return (marks.get("bidirected") or "").lower() in ("1", "true", "yes")


def _children_of_hidden(graph: "nx.DiGraph[Any]", node: Node) -> Edge:
    children = list(graph.successors(node))
    if len(children) != 2 or graph.in_degree(node):
        raise GraphError(
            f"from_networkx: node {node!r} has the attribute bidirected, so it must "
            f"have two children and no parent; it has {len(children)} and "
            f"{graph.in_degree(node)}. Or take the attribute out."
        )
    return children[0], children[1]


def _split_edges(
    graph: "nx.DiGraph[Any]", hidden: Mapping[Node, None]
) -> tuple[list[Edge], list[Edge]]:
    directed: list[Edge] = []
    bidirected: list[Edge] = []
    for a, b, attributes in graph.edges(data=True):
        if a in hidden:
            continue
        kind = arrow_kind("->", _marks(attributes), _failing(f"edge ({a!r}, {b!r})"))
        (bidirected if kind == "<->" else directed).append(
            (b, a) if kind == "<-" else (a, b)
        )
    return directed, bidirected


def to_networkx(graph: CausalGraph) -> "nx.DiGraph[Any]":
    """Return a directed graph of networkx that means the same.

    Parameters
    ----------
    graph : CausalGraph
        What to convert.

    Returns
    -------
    networkx.DiGraph
        Every node has the attribute ``latent``. Each bidirected edge is a node of its
        own, the hidden cause, with arrows into both ends and the attribute
        ``bidirected``; so what networkx finds out about paths and separation holds.
        `from_networkx` gives the graph back.

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph, to_networkx
    >>> to_networkx(CausalGraph([("a", "b")], [("a", "b")])).edges
    OutEdgeView([('a', 'b'), ('a <-> b', 'a'), ('a <-> b', 'b')])
    """
    import networkx as nx

    converted: nx.DiGraph[Any] = nx.DiGraph()
    for node in graph.nodes:
        converted.add_node(node, latent=node in graph.latent)
    converted.add_edges_from(graph.directed)
    for a, b in graph.bidirected:
        cause = f"{a} <-> {b}"
        while cause in converted:
            cause += "'"
        converted.add_node(cause, latent=True, bidirected=True)
        converted.add_edges_from([(cause, a), (cause, b)])
    return converted


def from_adjacency(frame: pd.DataFrame, *, latent: Iterable[Node] = ()) -> CausalGraph:
    """Return the causal graph of a table of who causes whom.

    Parameters
    ----------
    frame : pandas.DataFrame of shape (n_nodes, n_nodes)
        The same names as index and columns. The entry in row ``a`` and column ``b``
        is 1 for an arrow from a to b, 2 for a bidirected edge (in both places), 3 for
        both, and 0 for neither.
    latent : iterable of node, default=()
        Which nodes are not measured.

    Returns
    -------
    CausalGraph
        With the nodes in the order of the table.

    Raises
    ------
    GraphError
        If names or entries are not so.

    Examples
    --------
    >>> import pandas as pd
    >>> from skcausal.graphs import from_adjacency
    >>> from_adjacency(pd.DataFrame([[0, 3], [2, 0]], ["a", "b"], ["a", "b"]))
    CausalGraph(directed=[('a', 'b')], bidirected=[('a', 'b')])
    """
    codes = _checked_codes(frame)
    names = list(frame.index)
    directed = [(names[a], names[b]) for a, b in np.argwhere(codes & _ARROW)]
    both = np.triu(codes & _BIDIRECTED)
    bidirected = [(names[a], names[b]) for a, b in np.argwhere(both)]
    return CausalGraph(directed, bidirected, names, latent=latent)


def _checked_codes(frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.int64]]:
    if not isinstance(frame, pd.DataFrame):
        raise GraphError(
            f"from_adjacency: frame must be a pandas.DataFrame with the names of the "
            f"nodes as index and columns, got {type(frame).__name__}."
        )
    if list(frame.index) != list(frame.columns):
        raise GraphError(
            "from_adjacency: index and columns of frame must be the same names in the "
            f"same order, got {list(frame.index)[:5]} and {list(frame.columns)[:5]}. "
            "Try frame.loc[frame.columns]."
        )
    values = frame.to_numpy()
    wrong = ~np.isin(values, [0, 1, 2, 3])
    if wrong.any():
        a, b = np.argwhere(wrong)[0]
        raise GraphError(
            f"from_adjacency: entries must be 0, 1, 2 or 3, got {values[a, b]!r} in "
            f"row {frame.index[a]!r}, column {frame.columns[b]!r}. For weights pass "
            "(frame != 0).astype(int)."
        )
    codes = values.astype(np.int64)
    lone = (codes & _BIDIRECTED) != (codes & _BIDIRECTED).T
    if lone.any():
        a, b = np.argwhere(lone)[0]
        raise GraphError(
            "from_adjacency: a bidirected edge must be in both places of the table; "
            f"that of {frame.index[a]!r} and {frame.index[b]!r} is in one."
        )
    return codes


def to_adjacency(graph: CausalGraph) -> pd.DataFrame:
    """Return the table of who causes whom.

    Parameters
    ----------
    graph : CausalGraph
        What to convert.

    Returns
    -------
    pandas.DataFrame of shape (n_nodes, n_nodes)
        As `from_adjacency` reads it: the row is the cause. Which nodes are latent is
        not in it: pass ``latent=graph.latent`` on the way back.

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph, to_adjacency
    >>> to_adjacency(CausalGraph([("a", "b")], [("b", "c")]))
       a  b  c
    a  0  1  0
    b  0  0  2
    c  0  2  0
    """
    codes = np.zeros((len(graph), len(graph)), dtype=np.int64)
    edges = graph.adjacency
    codes[edges.directed[:, 0], edges.directed[:, 1]] += _ARROW
    codes[edges.bidirected[:, 0], edges.bidirected[:, 1]] += _BIDIRECTED
    codes[edges.bidirected[:, 1], edges.bidirected[:, 0]] += _BIDIRECTED
    names = pd.Index(graph.nodes, tupleize_cols=False)
    return pd.DataFrame(codes, index=names, columns=names)
