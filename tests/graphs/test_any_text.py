"""Random graphs come back from every format; no text does more than a typed error."""

import itertools
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skcausal.graphs import (
    CausalGraph,
    GraphError,
    example_graph,
    format_graph,
    from_adjacency,
    from_networkx,
    list_example_graphs,
    parse_graph,
    to_adjacency,
    to_networkx,
)

FORMATS = ("dagitty", "dot", "gml", "edges")
EXAMPLES = list_example_graphs()
NAMES = st.text(min_size=1, max_size=6) | st.sampled_from(
    [
        *("a b", 'quote"s', "back\\", "x[t-1]", "1", "-1", "ü", "=", "}", "l"),
        *("graph", "node", "dag"),
    ]
)


@st.composite
def graphs(draw):
    names = draw(st.lists(NAMES, unique=True, max_size=6))
    pairs = list(itertools.combinations(names, 2))
    subset = st.lists(st.sampled_from(pairs), unique=True) if pairs else st.just([])
    latent = st.lists(st.sampled_from(names), unique=True) if names else st.just([])
    return CausalGraph(draw(subset), draw(subset), names, latent=draw(latent))


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=50, deadline=None, derandomize=True)
@given(graph=graphs())
def test_text_comes_back_as_the_same_graph(format, graph):
    assert parse_graph(format_graph(graph, format=format), format=format) == graph


@settings(max_examples=50, deadline=None, derandomize=True)
@given(graph=graphs())
def test_conversions_come_back_as_the_same_graph(graph):
    assert from_networkx(to_networkx(graph)) == graph
    assert from_adjacency(to_adjacency(graph), latent=graph.latent) == graph


PIECES = [
    *("->", "<-", "<->", "--", "@->", "{", "}", "[", "]", ";", ",", "=", ":", '"'),
    *("a", "b", "c", "dag", "digraph", "graph", "node", "edge", "subgraph", "-"),
    *("[latent]", "[dir=both]", "latent", "observed", "dir", "no", "style=dashed"),
    *("/*", "*/", "//", "#", "<!--", "-->", "<", ">", "\n", " ", "\x00", "\\", "ü"),
    *("graph [ directed 1", "id 0", 'label "a"', "source 0", "target 1", "&#1;"),
]
ANYTHING = st.text(max_size=40) | st.builds(
    str.join, st.sampled_from(["", " "]), st.lists(st.sampled_from(PIECES), max_size=25)
)


def check_understood_or_refused(text, format):
    try:
        graph = parse_graph(text, format=format)
    except GraphError:
        return
    assert all(isinstance(node, str) for node in graph.nodes)
    assert parse_graph(format_graph(graph, format=format), format=format) == graph


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=300, deadline=None, derandomize=True)
@given(text=ANYTHING)
def test_any_text_is_a_graph_or_a_typed_error(format, text):
    check_understood_or_refused(text, format)


@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=44, deadline=None, derandomize=True)
@given(seed=st.integers(0, 2**32))
def test_any_edit_of_a_graph_is_a_graph_or_a_typed_error(format, seed):
    random = Random(seed)
    text = format_graph(example_graph(random.choice(EXAMPLES)).graph, format=format)
    for _ in range(50):
        edited = text
        for _ in range(random.randint(1, 4)):
            at, removed = random.randint(0, len(edited)), random.randint(0, 6)
            edited = edited[:at] + random.choice(PIECES) + edited[at + removed :]
        check_understood_or_refused(edited, format)
