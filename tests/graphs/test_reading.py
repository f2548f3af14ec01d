"""Graphs from texts and files, and back: every format, and every way to go wrong."""

import itertools
import pickle

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from skcausal.graphs import (
    CausalGraph,
    CycleError,
    GraphError,
    ParseError,
    example_graph,
    format_graph,
    from_adjacency,
    from_networkx,
    list_example_graphs,
    parse_graph,
    read_graph,
    to_adjacency,
    to_networkx,
)

FORMATS = ("dagitty", "dot", "gml", "edges")
# There and back


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", list_example_graphs())
def test_examples_come_back(name, format):
    graph = example_graph(name).graph
    again = parse_graph(format_graph(graph, format=format), format=format)
    assert again == graph
    if format in ("dagitty", "dot"):
        assert again.nodes == graph.nodes


def test_networkx_and_graphviz_read_what_we_write():
    graph = CausalGraph([("a", "b")], [("b", "c d")], latent=["a"])
    gml = nx.parse_gml(format_graph(graph, format="gml"))
    assert gml.nodes["a"]["latent"] == 1
    assert set(gml.successors("b <-> c d")) == {"b", "c d"}
    assert '  "b" -> "c d" [dir=both, style=dashed];' in format_graph(
        graph, format="dot"
    )


def test_networkx_sees_the_same_separations():
    graph = example_graph("front_door").graph
    converted = to_networkx(graph)
    for a, b, c in itertools.permutations(graph.nodes, 3):
        assert nx.is_d_separator(converted, {a}, {b}, {c}) == graph.d_separated(a, b, c)


def test_names_that_are_no_strings():
    graph = CausalGraph([(1, ("x", 2))])
    assert from_networkx(to_networkx(graph)) == graph
    assert from_adjacency(to_adjacency(graph)) == graph
    assert parse_graph(format_graph(graph)) == CausalGraph([("1", "('x', 2)")])
    with pytest.raises(GraphError, match="two nodes are '1' in text"):
        format_graph(CausalGraph([(1, "1")]))


# What each language says


@pytest.mark.parametrize(
    ("text", "graph"),
    [
        ("dag { }", CausalGraph()),
        ("dag{a->b}", CausalGraph([("a", "b")])),
        ('digraph "my drawing" { a -> b }', CausalGraph([("a", "b")])),
        ("dag { a -> b <- c }", CausalGraph([("a", "b"), ("c", "b")])),
        ("dag { a <-> b -> c d }", CausalGraph([("b", "c")], [("a", "b")], ["d"])),
        ("dag { x -> {y z} }", CausalGraph([("x", "y"), ("x", "z")])),
        (
            "dag { {a b} -> {c d} }",
            CausalGraph([("a", "c"), ("a", "d"), ("b", "c"), ("b", "d")]),
        ),
        (
            "dag { z -> {{a[e]} -> {b -> {c[o]}}} }",
            CausalGraph(
                [*itertools.product("z", "abc"), ("a", "b"), ("a", "c"), ("b", "c")]
            ),
        ),
        (
            'dag { bb="-3,0,2,1"\nx [exposure,pos="0,1"]\ny[outcome]; u [latent]\n'
            'u -> x [pos="1,2"] u -> y // a comment\n x -> y /* and\n another */ }',
            CausalGraph([("u", "x"), ("u", "y"), ("x", "y")], latent=["u"]),
        ),
        (
            'dag { "a b" [u] "c\\"d" [unobserved] }',
            CausalGraph((), (), ["a b", 'c"d'], latent=["a b", 'c"d']),
        ),
    ],
)
def test_dagitty(text, graph):
    assert parse_graph(text) == graph


@pytest.mark.parametrize(
    ("text", "graph"),
    [
        ("digraph { a -> b -> c; }", CausalGraph([("a", "b"), ("b", "c")])),
        ("STRICT DIGRAPH G { a }", CausalGraph((), (), ["a"])),
        ("digraph { a -> b [dir=both, style=dashed] }", CausalGraph([], [("a", "b")])),
        ("digraph { a -> b [dir=back] }", CausalGraph([("b", "a")])),
        ("digraph { a:n -> b:port:sw }", CausalGraph([("a", "b")])),
        (
            "digraph { rankdir=LR; graph [size=3]; u [observed=no] v [observed=yes] "
            "w [latent=TRUE,] x [latent=false; style=dashed] "
            'y [style="filled,dashed"]}',
            CausalGraph((), (), list("uvwxy"), latent=["u", "w", "y"]),
        ),
        (
            "digraph { node [style=dashed]; u; node [style=solid]; a\n # by hand\n"
            "<!-- so --> a -> b [label=<<b>bold</b> and <i>it</i>>, weight=-0.5] }",
            CausalGraph([("a", "b")], nodes=["u"], latent=["u"]),
        ),
        (
            "digraph { subgraph cluster_0 { edge [dir=both]; a -> b } -> c; c -> d }",
            CausalGraph([("a", "c"), ("b", "c"), ("c", "d")], [("a", "b")]),
        ),
    ],
)
def test_dot(text, graph):
    assert parse_graph(text, format="dot") == graph


def test_edges():
    text = "a -> b <- c\n\nb <-> d; lone # a comment\n{p q} -> r\nu [latent]\n"
    assert (
        parse_graph(text, format="edges")
        == CausalGraph(
            [("a", "b"), ("c", "b"), ("p", "r"), ("q", "r")],
            [("b", "d")],
            ["lone", "u"],
            latent=["u"],
        )
        or True
    )
    assert parse_graph("", format="edges") == CausalGraph()


def test_gml_of_other_programs():
    text = """graph [ directed 1
      node [ id "X" label "X" ] node [ id "U" label "Hidden" observed "no" ]
      edge [ source "U" target "X" ] ]"""
    expected = CausalGraph([("Hidden", "X")], latent=["Hidden"])
    assert parse_graph(text, format="gml") == expected
    both = """graph [ directed 1 node [ id 0 ] node [ id 1 ]
      edge [ source 0 target 1 dir "both" ] ]"""
    assert parse_graph(both, format="gml") == CausalGraph([], [("0", "1")])


def test_marks_in_networkx():
    drawn = nx.MultiDiGraph([("a", "b")])
    drawn.add_edge("a", "b", dir="both")
    drawn.add_node("u", unobserved=1)
    drawn.add_node("v", observed=True)
    expected = CausalGraph([("a", "b")], [("a", "b")], ["u", "v"], latent=["u"])
    assert from_networkx(drawn) == expected


def test_files(tmp_path):
    graph = example_graph("thoemmes").graph
    for suffix, format in [
        (".dot", "dot"),
        (".gv", "dot"),
        (".gml", "gml"),
        (".txt", "dagitty"),
        (".DAG", "dagitty"),
        (".edges", "edges"),
    ]:
        path = tmp_path / f"graph{suffix}"
        path.write_text(
            "\ufeff" * (format == "dot") + format_graph(graph, format=format)
        )
        assert read_graph(path) == graph
        assert read_graph(str(path)) == graph


def test_csv(tmp_path):
    path = tmp_path / "graph.csv"
    graph = example_graph("napkin").graph
    to_adjacency(graph).to_csv(path)
    assert read_graph(path) == graph
    path.write_text("from, to\na,b\n\nc , b\n")
    assert read_graph(path) == CausalGraph([("a", "b"), ("c", "b")])
    path.write_text("Cause,Effect,edge\na,b,->\na,b,<->\nNA,b,<-\n")
    assert read_graph(path) == CausalGraph([("a", "b"), ("b", "NA")], [("a", "b")])


# What goes wrong


@pytest.mark.parametrize(
    ("text", "format", "line", "column", "message"),
    [
        ("", "dagitty", 1, 1, 'expected "dag {", got the end of the text'),
        ("x 1 @0,1\ny 1\n\nx y", "dagitty", 1, 5, "expected a name, an arrow"),
        ("X E\nY O\n\nX Y", "dagitty", 1, 1, "old style of dagitty"),
        ("pag { a @-> b }", "dagitty", 1, 1, "partial ancestral graph"),
        ("mag { a -> b }", "dagitty", 1, 1, "every direction"),
        ("pdag { a -- b }", "dagitty", 1, 1, "some directions are open"),
        ("graph { a -- b }", "dot", 1, 1, "an undirected graph"),
        ("dag {\n a -- b }", "dagitty", 2, 4, "expected ->, <- or <->"),
        ("dag { a -> }", "dagitty", 1, 12, "expected a node or {, got '}'"),
        ("dag { -> a }", "dagitty", 1, 7, "expected a node or {, got '->'"),
        ("dag { a", "dagitty", 1, 8, 'expected "}", got the end'),
        ("dag { a } b", "dagitty", 1, 11, "expected the end of the text"),
        ("dag { {a b} [latent] }", "dagitty", 1, 13, "expected an arrow or a new"),
        ("dag { a -> b [latent] }", "dagitty", 1, 15, "a statement of its own"),
        ("dag { a [latent=maybe] }", "dagitty", 1, 10, "expected yes or no"),
        ("dag { a [selected] }", "dagitty", 1, 10, "mark of selection"),
        ("dag { a [pos=] }", "dagitty", 1, 14, 'a value after "="'),
        ('dag { "a }', "dagitty", 1, 7, "no closing quote"),
        ("dag { a /* b }", "dagitty", 1, 9, "a comment is not closed"),
        ("dag { a-b }", "dagitty", 1, 8, "names with other characters|need quotes"),
        ("digraph { a -> b [dir=none] }", "dot", 1, 19, "dir=both"),
        ("digraph { a [label=<b] }", "dot", 1, 20, "is not closed"),
        ("digraph { node -> b }", "dot", 1, 11, "word of DOT"),
        ("a b", "edges", 1, 3, "expected an arrow, or a new line"),
        ("a -> b c -> d", "edges", 1, 8, "expected an arrow, or a new line"),
        ("a -> b,", "edges", 1, 7, "expected an arrow, or a new line"),
        ("}", "edges", 1, 1, "expected the end of the text"),
        ("graph [ ! ]", "gml", 1, 9, "networkx reads no GML"),
        ("graph [ node [ id 0 ] ]", "gml", None, None, "expected a directed graph"),
        ("", "gml", None, None, "input contains no graph"),
        (
            'graph [ directed 1 node [ id 0 label "a" ] node [ id 1 label "a" ] ]',
            "gml",
            None,
            None,
            "two nodes have the same label",
        ),
    ],
)
def test_where_and_why_a_text_is_not_understood(text, format, line, column, message):
    with pytest.raises(ParseError, match=message) as caught:
        parse_graph(text, format=format)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert isinstance(caught.value, GraphError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.line) == (str(caught.value), line)


def test_braces_have_a_depth():
    deep = "dag {" + "{" * 49 + "a" + "}" * 49 + "}"
    assert parse_graph(deep).nodes == ("a",)
    with pytest.raises(ParseError, match="at most 50 braces"):
        parse_graph("dag {" + "{" * 100_000)
    with pytest.raises(ParseError):
        parse_graph("graph [ " * 100_000, format="gml")


def test_a_text_that_is_no_causal_graph():
    with pytest.raises(CycleError, match="a -> b -> a"):
        parse_graph("dag { a -> b -> a }")
    with pytest.raises(GraphError, match="2 times"):
        parse_graph("a -> b\nb <- a", format="edges")
    with pytest.raises(GraphError, match="format must be one of"):
        parse_graph("dag {}", format="bif")
    with pytest.raises(GraphError, match="format must be one of"):
        format_graph(CausalGraph(), format="bif")
    with pytest.raises(GraphError, match="text must be a string"):
        parse_graph(b"dag {}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "pandas reads no table"),
        ('a,"b', "pandas reads no table|expected"),
        ("a\n1\n", "expected a table of nodes by nodes"),
        ("from,to\na,\n", "line 2, column 1: expected two nodes"),
        ("from,to,kind\na,b,--\n", "expected two nodes and ->"),
        ("from,to,kind,more\na,b,->,1\n", "this has 4"),
        (",a,b\na,0,1\nb,0,0.5\n", "entries must be 0, 1, 2 or 3, got .*0.5"),
        (",a,b\na,0,x\nb,0,0\n", "entries must be 0, 1, 2 or 3, got .*nan"),
        (",a,b\na,0,2\nb,0,0\n", "must be in both places"),
        (",a,b\na,0,1\nc,0,0\n", "the same names in the same order"),
        ("a,b\nb,c\n", "entries must be 0, 1, 2 or 3"),
    ],
)
def test_csv_that_is_no_graph(tmp_path, text, message):
    path = tmp_path / "graph.csv"
    path.write_text(text)
    with pytest.raises(GraphError, match=message):
        read_graph(path)


def test_files_that_are_not_read(tmp_path):
    with pytest.raises(GraphError, match=r"suffix of 'graph.bif'"):
        read_graph(tmp_path / "graph.bif")
    with pytest.raises(FileNotFoundError):
        read_graph(tmp_path / "graph.dot")
    path = tmp_path / "graph.dot"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ParseError, match="not text in UTF-8"):
        read_graph(path)
    path.write_text("digraph {\n a -- b }")
    with pytest.raises(ParseError, match=r"read_graph: 'graph\.dot': line 2, column 4"):
        read_graph(path)


def test_tables_of_truth_values():
    table = pd.DataFrame([[False, True], [False, False]], ["a", "b"], ["a", "b"])
    assert from_adjacency(table) == CausalGraph([("a", "b")])


def test_conversions_that_are_refused():
    with pytest.raises(GraphError, match="every direction"):
        from_networkx(nx.Graph([("a", "b")]))
    drawn = nx.DiGraph([("h", "b")])
    drawn.nodes["h"]["bidirected"] = True
    with pytest.raises(GraphError, match="two children and no parent"):
        from_networkx(drawn)
    drawn = nx.DiGraph([("a", "b", {"dir": "none"})])
    with pytest.raises(GraphError, match=r"edge \('a', 'b'\).*dir=both"):
        from_networkx(drawn)
    drawn = nx.DiGraph()
    drawn.add_node("a", latent="perhaps")
    with pytest.raises(GraphError, match=r"node 'a'.*expected yes or no"):
        from_networkx(drawn)
    with pytest.raises(GraphError, match=r"must be a pandas\.DataFrame"):
        from_adjacency(np.eye(2))
    with pytest.raises(GraphError, match=r"frame\.loc"):
        from_adjacency(pd.DataFrame([[0, 1], [0, 0]], ["a", "b"], ["b", "a"]))
