"""The display of a falsification: the graph among its relabelled copies."""

from typing import Any, Self

import numpy as np

from skcausal.graphs import CausalGraph
from skcausal.validation._falsifying._falsify import falsify_graph
from skcausal.validation._falsifying._result import GraphFalsification
from skcausal.validation._plots._base import GREY, PALETTE, new_axes


class FalsificationDisplay:
    """Violations of the graph beside those of the same drawing with shuffled names.

    Make it with ``FalsificationDisplay.from_falsification`` or
    ``FalsificationDisplay.from_graph``.

    Parameters
    ----------
    falsification : GraphFalsification
        What :func:`falsify_graph` found.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.
    figure_ : matplotlib Figure
        Figure containing it.

    See Also
    --------
    falsify_graph : The numbers, and what they assume.

    Notes
    -----
    Assumes what :func:`falsify_graph` assumes. Bars count graphs with shuffled names by
    the share of their independencies that the data reject; the line is the given graph.
    Were it no better than chance, it would stand anywhere among the bars. Outlined bars
    count by the share that the given graph denies: those at zero imply the same.

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.validation import FalsificationDisplay
    >>> frame = pd.DataFrame(np.random.default_rng(0).normal(size=(100, 4)))
    >>> graph = CausalGraph([(0, 1), (1, 2), (2, 3)])
    >>> display = FalsificationDisplay.from_graph(graph, frame, random_state=0)
    >>> display.ax_.get_ylabel()
    'Graphs with shuffled names'
    """

    figure_: Any
    ax_: Any

    def __init__(self, falsification: GraphFalsification) -> None:
        self.falsification = falsification

    @classmethod
    def from_falsification(
        cls, falsification: GraphFalsification, *, ax: Any = None
    ) -> Self:
        """Plot what :func:`falsify_graph` found.

        Parameters
        ----------
        falsification : GraphFalsification
            Its result.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.

        Returns
        -------
        display : FalsificationDisplay
            The display, plotted.
        """
        return cls(falsification).plot(ax=ax)

    @classmethod
    def from_graph(
        cls, graph: CausalGraph, frame: Any, *, ax: Any = None, **options: Any
    ) -> Self:
        """Run :func:`falsify_graph` and plot what it found.

        Parameters
        ----------
        graph : CausalGraph
            The graph.
        frame : DataFrame of shape (n, n_columns)
            A column for each observed node.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        **options : dict
            Passed to :func:`falsify_graph`, such as ``test=``.

        Returns
        -------
        display : FalsificationDisplay
            The display, plotted.
        """
        return cls(falsify_graph(graph, frame, **options)).plot(ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw the shares of violations.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: a new figure.

        Returns
        -------
        display : FalsificationDisplay
            The display itself.

        Raises
        ------
        ValueError
            If the graph implies no independence, so that there is nothing to draw.
        """
        found = self.falsification
        if found.n_tests == 0:
            raise ValueError(
                "FalsificationDisplay.plot: the graph implies no independence, so "
                "there is nothing to draw."
            )
        ax = new_axes(ax)
        shares = found.relabelled / found.n_tests
        edges = _bins(found.n_tests)
        ax.hist(
            shares["violations"],
            bins=edges,
            color=PALETTE[5],
            label=f"rejected by the data (p_LMC = {found.p_lmc:.3g})",
        )
        ax.hist(
            shares["contradictions"],
            bins=edges,
            histtype="step",
            color=GREY,
            linewidth=1.4,
            label=f"denied by the given graph (p_TPa = {found.p_tpa:.3g})",
        )
        ax.axvline(
            found.n_violations / found.n_tests,
            color=PALETTE[1],
            linewidth=2.2,
            label=f"the given graph: {found.n_violations} of {found.n_tests}",
        )
        ax.set_xlim(edges[0], edges[-1])
        ax.set_xlabel("Share of implied independencies")
        ax.set_ylabel("Graphs with shuffled names")
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _bins(n_tests: int) -> np.ndarray:
    """Return edges of bins centred on possible shares, at most about 25 bins."""
    step = -(-n_tests // 25)
    return np.asarray((np.arange(0, n_tests + 2 * step, step) - 0.5) / n_tests)
