"""Drawings: nothing overlaps, labels stay inside, roles are shown."""

import itertools
from xml.etree import ElementTree

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, PathPatch

from skcausal.graphs import (
    CausalGraph,
    GraphError,
    UnknownNodeError,
    draw_graph,
    example_graph,
    list_example_graphs,
    to_svg,
)
from skcausal.graphs._labels import label_lines
from skcausal.graphs._layout import find_layout


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def patches(ax, kind):
    return [patch for patch in ax.patches if isinstance(patch, kind)]


def random_graph(seed, n_nodes=12):
    rng = np.random.default_rng(seed)
    pairs = list(itertools.combinations(range(n_nodes), 2))
    directed = [pair for pair in pairs if rng.random() < 0.2]
    bidirected = [pair for pair in pairs if rng.random() < 0.05]
    return CausalGraph(directed, bidirected, range(n_nodes))


@pytest.mark.parametrize("seed", range(10))
def test_nodes_do_not_overlap_and_causes_are_to_the_left(seed):
    graph = random_graph(seed)
    sizes = np.random.default_rng(seed).uniform(20, 90, size=(len(graph), 2))
    layout = find_layout(graph.adjacency, sizes)
    for a, b in itertools.combinations(range(len(graph)), 2):
        gap = np.abs(layout.centres[a] - layout.centres[b]) - (sizes[a] + sizes[b]) / 2
        assert gap.max() > 0
    tails, heads = graph.adjacency.directed.T
    assert (layout.centres[tails, 0] < layout.centres[heads, 0]).all()


@pytest.mark.parametrize("seed", range(10))
def test_channels_run_over_no_other_node(seed):
    graph = random_graph(seed)
    sizes = np.random.default_rng(seed).uniform(20, 90, size=(len(graph), 2))
    layout = find_layout(graph.adjacency, sizes)
    for (a, b), channel in zip(
        graph.adjacency.directed.tolist(), layout.channels, strict=True
    ):
        np.testing.assert_allclose(channel[0], layout.centres[a])
        np.testing.assert_allclose(channel[-1], layout.centres[b])
        x = np.linspace(channel[0, 0], channel[-1, 0], 400)
        line = np.column_stack([x, np.interp(x, *channel.T)])
        for other in set(range(len(graph))) - {a, b}:
            far = np.abs(line - layout.centres[other])
            assert not (far < sizes[other] / 2).all(1).any()


def test_a_tree_is_drawn_without_crossings():
    tree = CausalGraph([(k // 2, k) for k in [5, 2, 7, 3, 6, 4]], nodes=[1])
    layout = find_layout(tree.adjacency, np.full((7, 2), 30.0))
    row = dict(zip(tree.nodes, layout.centres[:, 1], strict=True))
    below = {k: sorted(row[c] for c in tree.children(k)) for k in (2, 3)}
    assert below[2][1] < below[3][0] or below[3][1] < below[2][0]


@pytest.mark.parametrize("name", list_example_graphs())
def test_every_example_is_drawn_with_labels_inside(name):
    example = example_graph(name)
    ax = draw_graph(example.graph, treatment=example.treatment, outcome=example.outcome)
    boxes, labels = patches(ax, FancyBboxPatch), patches(ax, PathPatch)
    assert len(boxes) == len(labels) == len(example.graph)
    for box, label in zip(boxes, labels, strict=True):
        outer, inner = box.get_bbox(), label.get_path().get_extents()
        assert outer.x0 + 4 < inner.x0 < inner.x1 < outer.x1 - 4
        assert outer.y0 + 2 < inner.y0 < inner.y1 < outer.y1 - 2
    n_edges = len(example.graph.directed) + len(example.graph.bidirected)
    assert len(patches(ax, FancyArrowPatch)) == n_edges
    low, high = np.array([ax.get_xlim(), ax.get_ylim()]).T
    for arrow in patches(ax, FancyArrowPatch):
        points = arrow._path_original.vertices
        assert (points > low).all()
        assert (points < high).all()


def test_roles_have_their_colours_and_a_legend():
    arrows = [("x", "y"), ("z", "x"), ("u", "y")]
    graph = CausalGraph(arrows, [("x", "y")], latent=["u"])
    ax = draw_graph(graph, treatment="x", outcome=["y"], adjustment=["z"])
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == [
        "not measured",
        "treatment",
        "outcome",
        "adjusted for",
        "hidden common cause",
    ]
    fills = [box.get_facecolor() for box in patches(ax, FancyBboxPatch)]
    assert len(set(fills)) == 4
    assert draw_graph(CausalGraph([("a", "b")])).get_legend() is None


def test_the_legend_fits_the_figure():
    example = example_graph("front_door")
    ax = draw_graph(example.graph, treatment=example.treatment, outcome=example.outcome)
    ax.figure.canvas.draw()
    legend = ax.get_legend().get_window_extent()
    figure = ax.figure.bbox
    assert figure.x0 <= legend.x0 < legend.x1 <= figure.x1
    assert figure.y0 - 1 <= legend.y0


def test_given_axes_are_used():
    figure, axes = plt.subplots(1, 2)
    assert draw_graph(CausalGraph([("a", "b")]), ax=axes[1]) is axes[1]
    assert not axes[0].patches
    assert plt.get_fignums() == [figure.number]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("x", ["x"]),
        ("ConnectiveTissueDisorder", ["Connective", "TissueDisorder"]),
        ("age_at_first_visit", ["age_at_first_", "visit"]),
        (("x", 1), ["('x', 1)"]),
        ("", ["\N{OPEN BOX}"]),
        ("a\nb", ["a b"]),
        ("one two three four five six " * 4, None),
        ("w" * 200, None),
    ],
)
def test_names_in_lines(name, lines):
    found = label_lines(name)
    assert found == (lines or found)
    assert 1 <= len(found) <= 4
    assert max(map(len, found)) <= 28
    assert (lines is not None) or found[-1].endswith("\N{HORIZONTAL ELLIPSIS}")


def test_odd_names_are_drawn():
    graph = CausalGraph([("$x$", "a$b"), ("\n", ("t", 1)), ("<b>&amp;", "ü")])
    svg = to_svg(graph)
    assert ElementTree.fromstring(svg) is not None
    assert len(patches(draw_graph(CausalGraph()), FancyBboxPatch)) == 0


def test_svg_is_one_element_and_always_the_same():
    graph = example_graph("napkin").graph
    svg = to_svg(graph, treatment="X", outcome="Y")
    assert svg == to_svg(graph, treatment="X", outcome="Y")
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert 'role="img"' in svg
    assert "<script" not in svg
    assert "<image" not in svg
    assert plt.get_fignums() == []


def test_notebooks_show_the_drawing_or_words():
    assert "<svg" in CausalGraph([("a", "b")])._repr_html_()
    chain = CausalGraph([(f"<{k}>", f"<{k + 1}>") for k in range(80)])
    html = chain._repr_html_()
    assert html.startswith("<pre>CausalGraph(")
    assert "&lt;1&gt;" in html
    assert "<1>" not in html


def test_sensitive_node_is_marked():
    graph = CausalGraph([("race", "income"), ("income", "score")])
    ax = draw_graph(graph, sensitive="race", outcome="score")
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["measured", "outcome", "sensitive attribute"]
    assert to_svg(graph, sensitive="race") != to_svg(graph)


def test_roles_that_are_refused():
    graph = CausalGraph([("x", "y")])
    with pytest.raises(UnknownNodeError, match="'z' is not a node"):
        draw_graph(graph, treatment="z")
    with pytest.raises(GraphError, match="'x' is in treatment and in outcome"):
        draw_graph(graph, treatment="x", outcome=["x", "y"])
