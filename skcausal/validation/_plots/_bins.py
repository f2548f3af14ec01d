"""Displays of bins of the predicted effect: uplift by decile and calibration."""

from typing import Any, Self

import numpy as np
import pandas as pd

from skcausal.validation._calibration import calibration_of_table
from skcausal.validation._deciles import bin_table, check_n_bins
from skcausal.validation._plots._base import (
    GREY,
    PALETTE,
    EffectDisplay,
    count_displays,
    mark,
    new_axes,
    next_colour,
    percent,
)
from skcausal.validation._ranking import resolve_ranking


class _BinDisplay(EffectDisplay):
    """Average effects within bins of the predicted effect."""

    def __init__(
        self, *, table: pd.DataFrame, level: float = 0.95, name: str | None = None
    ) -> None:
        self.table = table
        self.level = level
        self.name = name

    @classmethod
    def from_effects(
        cls,
        effects: Any,
        y: Any = None,
        treatment: Any = None,
        *,
        scores: Any = None,
        propensity: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
        level: float = 0.95,
        n_bins: int = 10,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the bins from predicted effects, and plot them.

        Parameters
        ----------
        effects : array-like of shape (n,)
            Predicted effects of rows that neither fitting nor selection saw.
        y : array-like of shape (n,), default=None
            Outcome of a randomised design.
        treatment : array-like of shape (n,), default=None
            Treatment of a randomised design, 0 or 1.
        scores : array-like of shape (n,), default=None
            Doubly robust effect scores; for observational data, instead of ``y`` and
            ``treatment``.
        propensity : float or array-like of shape (n,), default=None
            Known probability of treatment, with ``y`` and ``treatment``. Default: the
            treated share.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights of the rows.
        groups : array-like of shape (n,), default=None
            Cluster labels for the standard errors.
        level : float, default=0.95
            Coverage of the error bars, each on its own.
        n_bins : int, default=10
            Number of bins of equal (weighted) share; tied rows stay together.
        name : str, default=None
            Name in the legend.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        **kwargs : dict
            Passed to ``plot``.

        Returns
        -------
        display : EffectDisplay
            The display of this class, plotted.
        """
        owner = f"{cls.__name__}.from_effects"
        ranking = resolve_ranking(
            owner, effects, y, treatment, scores, propensity, sample_weight, groups
        )
        table = bin_table(ranking, check_n_bins(n_bins, owner), level, owner)
        return cls(table=table, level=level, name=name).plot(ax=ax, **kwargs)

    def _half_width(self) -> np.ndarray:
        """Return half the length of each error bar (0 where it is unknown)."""
        half = (self.table["upper"] - self.table["lower"]).to_numpy() / 2
        return np.nan_to_num(half)

    def _keep(self, ax: Any) -> Self:
        """Keep the axes."""
        self.ax_, self.figure_ = ax, ax.figure
        return self


class UpliftByDecileDisplay(_BinDisplay):
    """Average effect by tenth of the predicted effect, with intervals.

    Make it with ``UpliftByDecileDisplay.from_effects`` or
    ``UpliftByDecileDisplay.from_estimator``.

    Parameters
    ----------
    table : DataFrame
        The table of :func:`uplift_by_decile`, in the units of the outcome.
    level : float, default=0.95
        Coverage of the intervals in the table.
    name : str, default=None
        Name in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the bars.
    figure_ : matplotlib Figure
        Figure containing it.

    See Also
    --------
    uplift_by_decile : The values, and what they assume.

    Notes
    -----
    Assumes what :func:`uplift_by_decile` assumes. Bars that fall from left to right
    say that the order is right; diamonds on the bars' ends that the size is.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.validation import UpliftByDecileDisplay
    >>> effects = np.linspace(0, 1, 200)
    >>> scores = effects + np.random.default_rng(0).normal(size=200)
    >>> display = UpliftByDecileDisplay.from_effects(effects, scores=scores)
    >>> len(display.table)
    10
    """

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw bars, error bars and mean predictions.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: a new figure.
        name : str, default=None
            Name in the legend, instead of that of the display.
        **kwargs : dict
            Style of the bars, passed to ``Axes.bar``.

        Returns
        -------
        display : UpliftByDecileDisplay
            The display itself.
        """
        ax = new_axes(ax)
        name = self.name if name is None else name
        table, bins = self.table, self.table.index.to_numpy()
        handles = self._draw_bars(ax, bins, kwargs)
        average = float(table["share"].to_numpy() @ table["estimate"].to_numpy())
        (predicted,) = ax.plot(
            bins,
            table["predicted"],
            linestyle="none",
            marker="D",
            markersize=6,
            color=PALETTE[1],
            markeredgecolor="white",
            label="Predicted" if name is None else f"Predicted by {name}",
        )
        ax.axhline(0, color="0.2", linewidth=0.8)
        overall = ax.axhline(
            average,
            color=GREY,
            linestyle="--",
            linewidth=1.2,
            label=f"Average effect of all rows: {average:.3g}",
        )
        ax.set_xticks(bins)
        ax.set_xlabel("Bin of the predicted effect (1 = largest)")
        ax.set_ylabel("Effect (units of the outcome)")
        handles += [predicted, overall]
        ax.legend(handles=handles, loc="best", frameon=False)
        return self._keep(ax)

    def _draw_bars(self, ax: Any, bins: np.ndarray, kwargs: dict) -> list[Any]:
        """Draw bars and their intervals; return both for the legend."""
        style = {
            "width": 0.72,
            "color": PALETTE[0],
            "alpha": 0.55,
            "label": "Average effect in the bin",
        } | kwargs
        bars = ax.bar(bins, self.table["estimate"], **style)
        errors = ax.errorbar(
            bins,
            self.table["estimate"],
            yerr=self._half_width(),
            fmt="none",
            ecolor="0.2",
            elinewidth=1.3,
            capsize=3,
            label=f"{percent(self.level)} interval",
        )
        return [bars, errors]


class CalibrationDisplay(_BinDisplay):
    """Actual against predicted effects within bins, with intervals.

    Make it with ``CalibrationDisplay.from_effects`` or
    ``CalibrationDisplay.from_estimator``.

    Parameters
    ----------
    table : DataFrame
        The table of :func:`uplift_by_decile`, in the units of the outcome.
    level : float, default=0.95
        Coverage of the intervals in the table.
    name : str, default=None
        Name in the legend.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the points.
    figure_ : matplotlib Figure
        Figure containing it.

    See Also
    --------
    calibration_curve : The values, and what they assume.
    calibration_score : The number in the legend.

    Notes
    -----
    Assumes what :func:`calibration_curve` assumes. Points on the dashed line say that
    predicted effects have the right size; a flatter cloud that they exaggerate the
    differences between rows.

    References
    ----------
    Dwivedi et al. (2020), International Statistical Review 88.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.validation import CalibrationDisplay
    >>> effects = np.linspace(0, 1, 200)
    >>> scores = effects + np.random.default_rng(0).normal(size=200)
    >>> display = CalibrationDisplay.from_effects(effects, scores=scores, n_bins=5)
    >>> display.ax_.get_xlabel()
    'Predicted effect (units of the outcome)'
    """

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw a point per bin, its error bar and the line of perfect calibration.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on; several displays may share them. Default: a new figure.
        name : str, default=None
            Name in the legend, instead of that of the display.
        **kwargs : dict
            Style of the points, passed to ``Axes.errorbar``.

        Returns
        -------
        display : CalibrationDisplay
            The display itself.
        """
        ax = new_axes(ax, (5.4, 4.8))
        name = self.name if name is None else name
        if count_displays(ax) == 0:
            style = {"color": GREY, "linestyle": "--", "linewidth": 1.2}
            ax.axline((0, 0), slope=1, label="Perfect calibration", **style)
        text = f"Calibration score {calibration_of_table(self.table):.2f}"
        points = {
            "fmt": "o",
            "color": next_colour(ax),
            "markersize": 6,
            "markeredgecolor": "white",
            "elinewidth": 1.3,
            "capsize": 3,
            "label": text if name is None else f"{name}: {text.lower()}",
        } | kwargs
        drawn = ax.errorbar(
            self.table["predicted"],
            self.table["estimate"],
            yerr=self._half_width(),
            **points,
        )
        mark(drawn.lines[0])
        ax.set_xlabel("Predicted effect (units of the outcome)")
        ax.set_ylabel(
            f"Average effect in the bin, {percent(self.level)} interval\n"
            "(units of the outcome)"
        )
        ax.legend(loc="best", frameon=False)
        return self._keep(ax)
