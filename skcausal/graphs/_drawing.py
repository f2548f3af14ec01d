"""A picture of a graph: causes to the left of effects, hidden causes as arcs."""

from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import Any, Literal

import numpy as np

from skcausal.graphs._causal_graph import CausalGraph
from skcausal.graphs._errors import GraphError
from skcausal.graphs._labels import label_path
from skcausal.graphs._layout import Floats, find_layout
from skcausal.graphs._named_graph import Nodes
from skcausal.graphs._routes import Routes

_LETTERS = 9.0  # height of letters; one unit of the drawing is a point at full size
_PADDING = (8.0, 5.0)
_SMALLEST = (26.0, 22.0)
_ROUNDING = 7.0
_MARGIN = 6.0
_MOST_SHOWN = 60  # nodes in a notebook
_WIDEST, _HIGHEST = 15.0, 11.0  # inches
_NO_METADATA: Any = dict.fromkeys(["Date", "Creator", "Format", "Type"])
_INK, _GREY = "#333333", "#6B6B6B"


@dataclass(frozen=True)
class _Style:
    """How the nodes of a role look."""

    label: str
    fill: str
    edge: str = _INK
    line: Literal["-", "--"] = "-"
    width: float = 1.0


# Fills are pale tints of the colours of Okabe and Ito, which colour-blind people tell
# apart; outlines differ too.
_STYLES = {
    "observed": _Style("measured", "white"),
    "latent": _Style("not measured", "white", _GREY, "--"),
    "treatment": _Style("treatment", "#BBD9EE", "#0072B2", width=2.0),
    "outcome": _Style("outcome", "#F7D3B5", "#D55E00", width=2.0),
    "adjustment": _Style("adjusted for", "#E4E4E4", _INK, width=2.0),
    "sensitive": _Style("sensitive attribute", "#F3D3E4", "#A8437D", width=2.0),
}


def draw_graph(
    graph: CausalGraph,
    *,
    treatment: Nodes = (),
    outcome: Nodes = (),
    adjustment: Nodes = (),
    sensitive: Nodes = (),
    ax: Any = None,
) -> Any:
    """Draw a causal graph with matplotlib.

    Causes are to the left of effects. A dashed arc with two heads is a bidirected
    edge, a dashed box a latent node.

    Parameters
    ----------
    graph : CausalGraph
        What to draw.
    treatment, outcome, adjustment, sensitive : node or collection of nodes, default=()
        Nodes in these roles are coloured and named in a legend.
    ax : matplotlib Axes, default=None
        Where to draw. Default: a new figure of the size that the graph needs.

    Returns
    -------
    matplotlib.axes.Axes
        The axes; their scales are the same, and frame and ticks are off.

    Raises
    ------
    UnknownNodeError
        If a role is given to what is not a node of the graph.
    GraphError
        If a node has two roles.

    Notes
    -----
    Layers, order and places follow the method of Sugiyama et al. (1981), without
    Graphviz. Labels are outlines that scale with the axes, so that they stay in their
    nodes whatever the size of the figure.

    References
    ----------
    Sugiyama, K., Tagawa, S. and Toda, M. (1981). Methods for visual understanding of
    hierarchical system structures. IEEE Transactions on Systems, Man and Cybernetics
    11. https://doi.org/10.1109/TSMC.1981.4308636

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph, draw_graph
    >>> graph = CausalGraph([("tar", "cancer"), ("smoking", "tar")])
    >>> ax = draw_graph(graph, treatment="smoking", outcome="cancer")
    >>> len(ax.patches) >= 3
    True
    """
    roles = _roles(graph, treatment, outcome, adjustment, sensitive)
    drawing = _Drawing(graph, roles)
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=drawing.figure_size(), layout="constrained")
    drawing.draw(ax)
    return ax


def to_svg(
    graph: CausalGraph,
    *,
    treatment: Nodes = (),
    outcome: Nodes = (),
    adjustment: Nodes = (),
    sensitive: Nodes = (),
) -> str:
    """Return the drawing of a causal graph as SVG.

    Parameters
    ----------
    graph : CausalGraph
        What to draw.
    treatment, outcome, adjustment, sensitive : node or collection of nodes, default=()
        Roles, as for `draw_graph`.

    Returns
    -------
    str
        One ``<svg>`` element, for a web page or a file. The same graph gives the same
        text.

    Raises
    ------
    UnknownNodeError
        If a role is given to what is not a node of the graph.
    GraphError
        If a node has two roles.

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph, to_svg
    >>> to_svg(CausalGraph([("a", "b")])).startswith("<svg")
    True
    """
    import matplotlib
    from matplotlib.figure import Figure

    drawing = _Drawing(graph, _roles(graph, treatment, outcome, adjustment, sensitive))
    with matplotlib.rc_context({"svg.hashsalt": "skcausal"}):
        figure = Figure(figsize=drawing.figure_size(), layout="constrained")
        drawing.draw(figure.subplots())
        stream = StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata=_NO_METADATA)
    svg = stream.getvalue()
    return svg[svg.index("<svg") :].replace(
        "<svg ", '<svg role="img" aria-label="causal graph" ', 1
    )


def graph_html(graph: CausalGraph) -> str:
    """Return the drawing as HTML; in words if it would be too large to read."""
    if len(graph) > _MOST_SHOWN:
        return f"<pre>{escape(repr(graph))}</pre>"
    return f'<div style="overflow-x: auto; background: white">{to_svg(graph)}</div>'


def _roles(graph: CausalGraph, *chosen: Nodes) -> list[str]:
    """Return the role of each node, in the order of the nodes."""
    roles = ["latent" if node in graph.latent else "observed" for node in graph.nodes]
    taken: dict[int, str] = {}
    names = ("treatment", "outcome", "adjustment", "sensitive")
    for role, nodes in zip(names, chosen, strict=True):
        for code in graph.codes(nodes):
            if taken.setdefault(code, role) != role:
                raise GraphError(
                    f"draw_graph: {graph.nodes[code]!r} is in {taken[code]} and in "
                    f"{role}. A node has one role."
                )
            roles[code] = role
    return roles


class _Drawing:
    """Where everything is, and how it is put on axes."""

    def __init__(self, graph: CausalGraph, roles: list[str]) -> None:
        self._graph, self._roles = graph, roles
        self._labels = [label_path(node, _LETTERS) for node in graph.nodes]
        texts = np.array([label[1:] for label in self._labels]).reshape(-1, 2)
        self._sizes: Floats = np.maximum(texts + 2 * np.array(_PADDING), _SMALLEST)
        edges = graph.adjacency
        layout = find_layout(edges, self._sizes)
        self._centres = layout.centres
        routes = Routes(self._centres, self._sizes, _ROUNDING)
        self._arrows = [
            routes.arrow(a, b, channel)
            for (a, b), channel in zip(
                edges.directed.tolist(), layout.channels, strict=True
            )
        ]
        joined = {frozenset(pair) for pair in edges.directed.tolist()}
        self._arcs = [
            routes.arc(a, b, frozenset((a, b)) in joined)
            for a, b in edges.bidirected.tolist()
        ]

    def _corners(self) -> tuple[Floats, Floats]:
        points = [self._centres - self._sizes / 2, self._centres + self._sizes / 2]
        everything = np.concatenate([*points, *self._arrows, *self._arcs, [[0, 0]]])
        return everything.min(0) - _MARGIN, everything.max(0) + _MARGIN

    def _legend_roles(self) -> list[str]:
        return [role for role in _STYLES if role in self._roles]

    def _needs_legend(self) -> bool:
        return self._legend_roles() not in ([], ["observed"]) or bool(self._arcs)

    def _legend_width(self) -> float:
        """Return about how many inches the legend needs."""
        labels = [_STYLES[role].label for role in self._legend_roles()]
        labels += ["hidden common cause"] if self._arcs else []
        return sum(0.45 + 0.07 * len(label) for label in labels) * self._needs_legend()

    def figure_size(self) -> tuple[float, float]:
        """Return width and height in inches: natural size, or what fits a page."""
        low, high = self._corners()
        width, height = (high - low) / 72
        scale = min(1.0, _WIDEST / width, _HIGHEST / height)
        legend = self._legend_width()
        return max(width * scale, legend, 1.0), height * scale + 0.35 * (legend > 0)

    def draw(self, ax: Any) -> None:
        """Put everything on axes."""
        low, high = self._corners()
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]), aspect="equal")
        ax.set_axis_off()
        for (a, _), points in zip(
            self._graph.adjacency.directed.tolist(), self._arrows, strict=True
        ):
            self._edge(ax, points, "-|>", self._roles[a] == "latent")
        for points in self._arcs:
            self._edge(ax, points, "<|-|>", True)
        for code in range(len(self._graph)):
            self._node(ax, code)
        if self._needs_legend():
            self._legend(ax)

    def _edge(self, ax: Any, points: Floats, arrow: str, hidden: bool) -> None:
        from matplotlib.patches import FancyArrowPatch
        from matplotlib.path import Path

        ax.add_patch(
            FancyArrowPatch(
                path=Path(points.round(2)),
                arrowstyle=arrow,
                mutation_scale=9,
                linewidth=1.0,
                color=_GREY if hidden else _INK,
                linestyle=(0, (4, 2.5)) if hidden else "-",
                zorder=1,
            )
        )

    def _node(self, ax: Any, code: int) -> None:
        from matplotlib.patches import BoxStyle, FancyBboxPatch, PathPatch
        from matplotlib.transforms import Affine2D

        style = _STYLES[self._roles[code]]
        centre, size = self._centres[code], self._sizes[code]
        ax.add_patch(
            FancyBboxPatch(
                tuple(centre - size / 2),
                size[0],
                size[1],
                boxstyle=BoxStyle.Round(pad=0, rounding_size=_ROUNDING),
                facecolor=style.fill,
                edgecolor=style.edge,
                linestyle=style.line,
                linewidth=style.width,
                zorder=2,
            )
        )
        outline = Affine2D().translate(*centre).transform_path(self._labels[code][0])
        colour = _GREY if style.label == "not measured" else "black"
        ax.add_patch(PathPatch(outline, facecolor=colour, linewidth=0, zorder=3))

    def _legend(self, ax: Any) -> None:
        from matplotlib.lines import Line2D
        from matplotlib.patches import Patch

        handles: list[Any] = []
        for role in self._legend_roles():
            style = _STYLES[role]
            handles.append(
                Patch(
                    facecolor=style.fill,
                    edgecolor=style.edge,
                    linestyle=style.line,
                    linewidth=style.width,
                    label=style.label,
                )
            )
        if self._arcs:
            label = "hidden common cause"
            handles.append(Line2D([], [], color=_GREY, linestyle="--", label=label))
        ax.legend(
            handles=handles,
            loc="upper center",
            bbox_to_anchor=(0.5, 0.0),
            ncols=len(handles),
            frameon=False,
            fontsize=8,
            borderaxespad=0.2,
            columnspacing=1.2,
            handlelength=1.8,
        )
