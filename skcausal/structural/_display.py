"""The display of an attribution: one bar per node or arrow."""

from typing import Any, Self

import numpy as np

from skcausal.structural._result import Attribution

# Blue and vermilion of Okabe and Ito (2008): told apart by all, and in grey.
_RAISES, _LOWERS = "#0072B2", "#D55E00"


class AttributionDisplay:
    """Bars of what each node or arrow contributes, the largest on top.

    Make it with ``AttributionDisplay.from_attribution``.

    Parameters
    ----------
    attribution : Attribution
        What one of the functions of this package found; of a `RowAttribution` the part
        of one row, ``rows.of(row)``.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the bars.
    figure_ : matplotlib Figure
        Figure containing it.

    Notes
    -----
    Assumes what the function assumes that made the attribution. Lines across the end
    of bars reach two standard errors of the simulation to both sides.

    Examples
    --------
    >>> import pandas as pd
    >>> from skcausal.structural import Attribution, AttributionDisplay
    >>> parts = pd.Series({"load": 3.0, "price": -1.0})
    >>> errors = pd.Series({"load": 0.1, "price": 0.1})
    >>> found = Attribution(parts, errors, "wait", "Minutes of waiting", 2.0)
    >>> display = AttributionDisplay.from_attribution(found)
    >>> display.ax_.get_xlabel()
    'Minutes of waiting'
    """

    ax_: Any
    figure_: Any

    def __init__(self, attribution: Attribution) -> None:
        self.attribution = attribution

    @classmethod
    def from_attribution(
        cls, attribution: Attribution, *, most: int = 20, ax: Any = None, **kwargs: Any
    ) -> Self:
        """Plot what was found.

        Parameters
        ----------
        attribution : Attribution
            What to show.
        most : int, default=20
            Greatest number of bars: those of the largest contributions.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        **kwargs : dict
            Style of the bars, passed to ``Axes.barh``.

        Returns
        -------
        display : AttributionDisplay
            The display, plotted.

        Raises
        ------
        TypeError
            If ``attribution`` is none.
        """
        return cls(attribution).plot(ax=ax, most=most, **kwargs)

    def plot(self, ax: Any = None, *, most: int = 20, **kwargs: Any) -> Self:
        """Draw a bar for each contribution.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: a new figure, as high as needed.
        most : int, default=20
            Greatest number of bars: those of the largest contributions.
        **kwargs : dict
            Style of the bars, passed to ``Axes.barh``.

        Returns
        -------
        display : AttributionDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``attribution`` is none.
        """
        if not isinstance(self.attribution, Attribution):
            raise TypeError(
                "AttributionDisplay.plot: attribution must be an Attribution, got "
                f"{type(self.attribution).__name__}. Of a RowAttribution take the "
                "part of one row: rows.of(row)."
            )
        table = self.attribution.table.iloc[:most]
        values = table["contribution"].to_numpy()
        places = np.arange(len(table))
        ax = _axes(ax, len(table))
        style = {
            "xerr": 2 * table["standard_error"].to_numpy(),
            "color": np.where(values >= 0, _RAISES, _LOWERS),
            "error_kw": {"ecolor": "0.3", "elinewidth": 1.2},
        }
        ax.barh(places, values, **(style | kwargs))
        ax.axvline(0, color="0.3", linewidth=0.8)
        ax.set_yticks(places, [str(name) for name in table.index])
        ax.set_ylim(len(table) - 0.4, -0.6)
        ax.set_xlabel(self.attribution.measure)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _axes(ax: Any, n_bars: int) -> Any:
    """Return ``ax``, or the axes of a new figure, without needless ink."""
    if ax is None:
        import matplotlib.pyplot as plt

        size = (6.4, 1.2 + 0.38 * n_bars)
        _, ax = plt.subplots(figsize=size, layout="constrained")
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)
    ax.grid(True, axis="x", color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    return ax
