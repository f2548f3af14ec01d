"""A graph from a text or a file."""

import re
from io import StringIO
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from skcausal.graphs._causal_graph import CausalGraph
from skcausal.graphs._conversion import from_adjacency, from_networkx
from skcausal.graphs._errors import GraphError, ParseError
from skcausal.graphs._text_parser import TextParser

if TYPE_CHECKING:
    import networkx as nx

Format = Literal["dagitty", "dot", "gml", "edges"]

FORMATS = ("dagitty", "dot", "gml", "edges")
_SUFFIXES = {
    ".dot": "dot",
    ".gv": "dot",
    ".gml": "gml",
    ".txt": "dagitty",
    ".dag": "dagitty",
    ".edges": "edges",
    ".csv": "csv",
}
_EDGE_COLUMNS = (("from", "to"), ("source", "target"), ("cause", "effect"))


def parse_graph(text: str, *, format: Format = "dagitty") -> CausalGraph:
    """Return the causal graph that a text says.

    Nothing in the text is executed, and braces are read at most 50 deep.

    Parameters
    ----------
    text : str
        The whole graph.
    format : {"dagitty", "dot", "gml", "edges"}, default="dagitty"
        Its language:

        - "dagitty": ``dag { x -> {y z}; a <-> b; u [latent] }``. Roles such as
          ``[exposure]`` and positions are read over.
        - "dot": ``digraph { x -> y; a -> b [dir=both]; u [latent=true] }``, with
          subgraphs and the defaults ``node [...]`` and ``edge [...]``. An edge with
          ``dir=both`` is bidirected, one with ``dir=back`` turned round.
        - "gml": as networkx writes it; marks as in `from_networkx`.
        - "edges": the statements of dagitty without ``dag { }``, one in a line or
          parted by ``;``: ``x -> y``, ``x <- y``, ``x <-> y``, chains of them,
          ``u [latent]``, and a node alone.

    Returns
    -------
    CausalGraph
        With names that are strings. A node is latent if it has one of the marks
        ``latent``, ``unobserved``, ``l``, ``u`` (the first two also with ``=yes``,
        ``=true`` or ``=1``), ``observed=no`` (``false``, ``0``), or ``style=dashed``
        and no other of these.

    Raises
    ------
    ParseError
        If the text is not understood: with line, column and what was expected.
    GraphError
        If what it says is no causal graph, for example because of a cycle.

    Examples
    --------
    >>> from skcausal.graphs import parse_graph
    >>> parse_graph("dag { drug -> health; u [latent]; u -> health }")
    CausalGraph(directed=[('drug', 'health'), ('u', 'health')], latent=['u'])
    >>> parse_graph("a -> b <-> c", format="edges")
    CausalGraph(directed=[('a', 'b')], bidirected=[('b', 'c')])
    """
    if format not in FORMATS:
        raise GraphError(
            f"parse_graph: format must be one of {', '.join(FORMATS)}, got {format!r}."
        )
    if not isinstance(text, str):
        raise GraphError(
            f"parse_graph: text must be a string, got {type(text).__name__}. For a "
            "file there is read_graph."
        )
    if format == "gml":
        return _named(_parse_gml(text))
    parts = TextParser(text, format).parse()
    return CausalGraph(
        parts.directed, parts.bidirected, parts.nodes, latent=parts.latent
    )


def read_graph(path: str | PathLike[str]) -> CausalGraph:
    """Return the causal graph in a file.

    Parameters
    ----------
    path : str or path
        Its suffix says the format: ``.dot`` or ``.gv``, ``.gml``, ``.txt`` or
        ``.dag`` (dagitty), ``.edges``, see `parse_graph`; or ``.csv``: a table as
        `from_adjacency` reads it with the names in the first column, or a list of
        edges with the columns from and to (or source, target; cause, effect) and
        maybe a third with the arrow, ``->`` or ``<->``.

    Returns
    -------
    CausalGraph
        With names that are strings.

    Raises
    ------
    ParseError
        If the file is not understood.
    GraphError
        If its suffix is unknown or what it says is no causal graph.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from skcausal.graphs import read_graph
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "drawing.dag")
    ...     _ = path.write_text("dag { a -> b }")
    ...     read_graph(path)
    CausalGraph(directed=[('a', 'b')])
    """
    path = Path(path)
    owner = f"read_graph: {path.name!r}"
    kind = _SUFFIXES.get(path.suffix.lower())
    if kind is None:
        raise GraphError(
            f"read_graph: the suffix of {path.name!r} says no format. Known are "
            f"{', '.join(_SUFFIXES)}; or pass the text to parse_graph."
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
        if kind == "csv":
            return _parse_csv(text)
        return parse_graph(text, format=kind)  # type: ignore[arg-type]
    except UnicodeDecodeError as error:
        raise ParseError(f"not text in UTF-8: {error}.", owner=owner) from error
    except ParseError as error:
        raise ParseError(error.problem, error.line, error.column, owner) from error


def _parse_gml(text: str) -> "nx.DiGraph[Any]":
    import networkx as nx

    try:
        # The stubs forget that no label may be asked for.
        parsed: nx.DiGraph[Any] = nx.parse_gml(text, label=None)  # type: ignore[call-overload]
    except Exception as error:  # networkx promises no type of error
        found = re.search(r"\(?line (\d+)|at \((\d+), (\d+)\)", str(error))
        line, column = (found.group(2), found.group(3)) if found else (None, None)
        raise ParseError(
            f"networkx reads no GML here: {error}. Expected graph [ directed 1 node [ "
            'id 0 label "a" ] edge [ source 0 target 1 ] ].',
            int(line) if line else None,
            int(column) if column else None,
        ) from error
    if not parsed.is_directed():
        raise ParseError(
            "expected a directed graph. Write graph [ directed 1 and each edge from "
            "cause to effect."
        )
    return parsed


def _named(parsed: "nx.DiGraph[Any]") -> CausalGraph:
    import networkx as nx

    labels = {
        node: str(marks.get("label", node)) for node, marks in parsed.nodes(data=True)
    }
    if len(set(labels.values())) < len(labels):
        raise ParseError(
            "two nodes have the same label. Labels are the names of nodes."
        )
    return from_networkx(nx.relabel_nodes(parsed, labels))


def _parse_csv(text: str) -> CausalGraph:
    try:
        frame = pd.read_csv(StringIO(text), dtype=str, keep_default_na=False)
    except ValueError as error:  # those of pandas are kinds of it
        raise ParseError(f"pandas reads no table here: {error}.") from error
    frame.columns = [str(name).strip() for name in frame.columns]
    if tuple(name.lower() for name in frame.columns[:2]) in _EDGE_COLUMNS:
        return _from_edge_table(frame)
    if frame.shape[1] < 2:
        raise ParseError(
            "expected a table of nodes by nodes, or a list of edges that begins with "
            "the line from,to."
        )
    names = [str(name).strip() for name in frame.iloc[:, 0]]
    table = frame.iloc[:, 1:].apply(pd.to_numeric, errors="coerce").set_axis(names)
    return from_adjacency(table)


def _from_edge_table(frame: pd.DataFrame) -> CausalGraph:
    if frame.shape[1] > 3:
        raise ParseError(
            f"a list of edges has two or three columns, this has {frame.shape[1]}."
        )
    edges: dict[str, list[tuple[str, str]]] = {"->": [], "<->": []}
    for row, cells in enumerate(frame.itertuples(index=False, name=None)):
        a, b, arrow = [*(cell.strip() for cell in cells), "->"][:3]
        if not a or not b or arrow not in ("->", "<-", "<->"):
            problem = f"expected two nodes and ->, <- or <->, got {', '.join(cells)}."
            raise ParseError(problem, row + 2, 1)
        if arrow == "<-":
            a, b, arrow = b, a, "->"
        edges[arrow].append((a, b))
    return CausalGraph(edges["->"], edges["<->"])
