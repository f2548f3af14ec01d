"""DisparityDisplay: what a gap between two groups is made of, as a waterfall."""

from typing import Any, Self

import numpy as np

from skcausal.fairness._disparity_result import DisparityDecomposition

# Blue and vermilion of Okabe and Ito (2008): told apart by all, and in grey.
_RAISES, _LOWERS, _WHOLE = "#0072B2", "#D55E00", "#6B6B6B"
_KINDS = ("waterfall", "effects")


class DisparityDisplay:
    """The parts of a gap, each beginning where the last one ends.

    Make it with ``DisparityDisplay.from_decomposition``.

    Parameters
    ----------
    decomposition : DisparityDecomposition
        What one of the functions of this package found.
    kind : {"waterfall", "effects"}, default="waterfall"
        The three parts and the gap that they add up to, or all effects with their 95 %
        intervals.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the bars.
    figure_ : matplotlib Figure
        Figure containing it.

    Notes
    -----
    Assumes what the function assumes that made the decomposition. Direct, indirect and
    spurious part add up to the gap without a rest.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.fairness import DisparityDecomposition, DisparityDisplay
    >>> from skcausal.inference import EffectEstimate
    >>> values = np.array([[3.0, 1, 1.5, 0.5, -1.5, -0.5, 2.5, 1, 1.5, 2.5]])
    >>> estimate = EffectEstimate(values, np.zeros((1, 4, 10)))
    >>> found = DisparityDecomposition(estimate, "sex", "pay", "f", "m")
    >>> display = DisparityDisplay.from_decomposition(found)
    >>> display.ax_.get_xlabel()
    'pay: m less f'
    """

    ax_: Any
    figure_: Any

    def __init__(
        self, decomposition: DisparityDecomposition, kind: str = "waterfall"
    ) -> None:
        self.decomposition = decomposition
        self.kind = kind

    @classmethod
    def from_decomposition(
        cls,
        decomposition: DisparityDecomposition,
        *,
        kind: str = "waterfall",
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Plot what was found.

        Parameters
        ----------
        decomposition : DisparityDecomposition
            What to show.
        kind : {"waterfall", "effects"}, default="waterfall"
            The three parts and their sum, or all effects with intervals.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        **kwargs : dict
            Style of the bars, passed to ``Axes.barh``.

        Returns
        -------
        display : DisparityDisplay
            The display, plotted.

        Raises
        ------
        TypeError
            If ``decomposition`` is none.
        ValueError
            If ``kind`` is unknown.
        """
        return cls(decomposition, kind).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        **kwargs : dict
            Style of the bars, passed to ``Axes.barh``.

        Returns
        -------
        display : DisparityDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``decomposition`` is none.
        ValueError
            If ``kind`` is unknown.
        """
        if not isinstance(self.decomposition, DisparityDecomposition):
            raise TypeError(
                "DisparityDisplay.plot: decomposition must be a "
                f"DisparityDecomposition, got {type(self.decomposition).__name__}."
            )
        if self.kind not in _KINDS:
            raise ValueError(
                f"DisparityDisplay.plot: kind must be one of {_KINDS}, got "
                f"{self.kind!r}."
            )
        bars = self._waterfall() if self.kind == "waterfall" else self._effects()
        names, start, size, colour, errors = bars
        ax = _axes(ax, len(names))
        places = np.arange(len(names))
        style = {"left": start, "color": colour, "xerr": errors, "height": 0.6}
        style |= {"error_kw": {"ecolor": "0.3", "elinewidth": 1.2}}
        ax.barh(places, size, **(style | kwargs))
        for place, (at, long) in enumerate(zip(start, size, strict=True)):
            ax.annotate(
                f"{long:+.3g}",
                (max(at, at + long) + errors[1][place], place),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize="small",
            )
        ax.axvline(0, color="0.3", linewidth=0.8)
        ax.margins(x=0.12)
        ax.set_yticks(places, names)
        ax.set_ylim(len(names) - 0.4, -0.6)
        ax.set_xlabel(self.decomposition.title)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _waterfall(self) -> tuple[Any, ...]:
        parts = self.decomposition.parts
        size = np.append(parts.to_numpy(), parts.sum())
        start = np.append(np.cumsum(size[:-1]) - size[:-1], 0.0)
        colour = [*np.where(size[:-1] >= 0, _RAISES, _LOWERS), _WHOLE]
        labels = ("direct", "reverse indirect", "reverse spurious", "total variation")
        table = self.decomposition.table.loc[list(labels)]
        half = ((table["upper"] - table["lower"]) / 2).to_numpy()
        names = [*parts.index, "gap"]
        return names, start, size, colour, np.stack([half, half])

    def _effects(self) -> tuple[Any, ...]:
        table = self.decomposition.table
        size = table["effect"].to_numpy()
        errors = [size - table["lower"], table["upper"] - size]
        colour = np.where(size >= 0, _RAISES, _LOWERS)
        return (
            list(table.index),
            np.zeros(len(size)),
            size,
            colour,
            np.maximum(np.array(errors), 0.0),
        )


def _axes(ax: Any, n_bars: int) -> Any:
    """Return ``ax``, or the axes of a new figure, without needless ink."""
    if ax is None:
        import matplotlib.pyplot as plt

        size = (6.4, 1.4 + 0.4 * n_bars)
        _, ax = plt.subplots(figsize=size, layout="constrained")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(True, axis="x", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    return ax
