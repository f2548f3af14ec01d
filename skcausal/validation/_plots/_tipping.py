"""TippingPointDisplay: bounds of an effect by the strength of a confounder."""

from typing import Any, Self

import numpy as np
import pandas as pd

from skcausal.validation._marginal import MarginalSensitivity
from skcausal.validation._partial_r2 import PartialR2Sensitivity
from skcausal.validation._plots._base import (
    count_displays,
    mark,
    new_axes,
    next_colour,
    percent,
)
from skcausal.validation._plots._contour import robustness_of
from skcausal.validation._riesz import RieszSensitivity
from skcausal.validation._rosenbaum import RosenbaumBounds
from skcausal.validation._sensitivity_inputs import check_level

_N_POINTS = 61


class TippingPointDisplay:
    """Bounds of an effect by the strength of a confounder, and where they reach null.

    Make it with ``TippingPointDisplay.from_sensitivity``.

    Parameters
    ----------
    table : DataFrame
        Index: strength; columns ``lower, upper`` and, where there is an interval,
        ``interval_lower, interval_upper``.
    null : float, default=0.0
        Value that the bounds may reach.
    axis : str, default="Strength of the confounder"
        Label of the horizontal axis.
    scale : {"linear", "log"}, default="linear"
        Scale of the horizontal axis, on which the tipping point is interpolated.
    level : float, default=0.95
        Level of the interval.
    name : str, default=None
        Name in the legend.

    Attributes
    ----------
    tipping_point_ : float
        Strength, between those of the table, where the bounds reach ``null``; infinity
        if they do not.
    ax_ : matplotlib Axes
        Axes with the bounds.
    figure_ : matplotlib Figure
        Figure containing it.

    See Also
    --------
    SensitivityContourDisplay : Two strengths at once.

    Notes
    -----
    Assumes what the analysis assumes. The strength is a share of the variance of both
    treatment and outcome for :class:`PartialR2Sensitivity` and
    :class:`RieszSensitivity`, an odds ratio for :class:`MarginalSensitivity` and
    :class:`RosenbaumBounds`, whose bounds are those of the Hodges-Lehmann estimate.

    Examples
    --------
    >>> from skcausal.validation import PartialR2Sensitivity, TippingPointDisplay
    >>> sensitivity = PartialR2Sensitivity(0.1, 0.02, 500)
    >>> display = TippingPointDisplay.from_sensitivity(sensitivity)
    >>> round(display.tipping_point_, 2), round(sensitivity.robustness_value(), 2)
    (0.2, 0.2)
    """

    def __init__(
        self,
        *,
        table: pd.DataFrame,
        null: float = 0.0,
        axis: str = "Strength of the confounder",
        scale: str = "linear",
        level: float = 0.95,
        name: str | None = None,
    ) -> None:
        self.table = table
        self.null = null
        self.axis = axis
        self.scale = scale
        self.level = level
        self.name = name

    @classmethod
    def from_sensitivity(
        cls,
        sensitivity: Any,
        *,
        null: float = 0.0,
        level: float = 0.95,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the bounds from a sensitivity analysis, and plot them.

        Parameters
        ----------
        sensitivity : sensitivity analysis
            A PartialR2Sensitivity, RieszSensitivity, MarginalSensitivity or
            RosenbaumBounds.
        null : float, default=0.0
            Value that the bounds may reach.
        level : float, default=0.95
            Level of the interval.
        name : str, default=None
            Name in the legend.
        ax : matplotlib Axes, default=None
            Axes to draw on; several displays may share them. Default: a new figure.
        **kwargs : dict
            Passed to ``plot``.

        Returns
        -------
        display : TippingPointDisplay
            The display, plotted.

        Raises
        ------
        TypeError
            If the analysis does not have one strength.
        """
        check_level(level, "TippingPointDisplay.from_sensitivity")
        table, axis = _curve(sensitivity, null, level)
        odds = isinstance(sensitivity, (MarginalSensitivity, RosenbaumBounds))
        display = cls(
            table=table,
            null=null,
            axis=axis,
            scale="log" if odds else "linear",
            level=level,
            name=name,
        )
        return display.plot(ax=ax, **kwargs)

    @property
    def tipping_point_(self) -> float:
        """Strength where the bounds reach ``null``; infinity if they do not."""
        above = self.table["lower"].iloc[0] >= self.null
        left = self.null - self.table["upper"]
        if above:
            left = self.table["lower"] - self.null
        crossed = np.flatnonzero(left.to_numpy() <= 0)
        if not crossed.shape[0]:
            return float("inf")
        place = slice(max(crossed[0] - 1, 0), crossed[0] + 1)
        ends, strengths = left.to_numpy()[place], left.index.to_numpy()[place]
        if self.scale == "log":
            return float(np.exp(np.interp(0.0, ends[::-1], np.log(strengths)[::-1])))
        return float(np.interp(0.0, ends[::-1], strengths[::-1]))

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw bounds, interval, null and tipping point.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: a new figure.
        name : str, default=None
            Name in the legend, instead of that of the display.
        **kwargs : dict
            Style of the bounds, passed to ``Axes.plot``.

        Returns
        -------
        display : TippingPointDisplay
            The display itself.
        """
        ax = new_axes(ax)
        first = count_displays(ax) == 0
        name = self.name if name is None else name
        point, table, strengths = self.tipping_point_, self.table, self.table.index
        found = f"reach {self.null:g} at {point:.3g}"
        text = f"Bounds {found if np.isfinite(point) else f'stay off {self.null:g}'}"
        style = {
            "color": next_colour(ax),
            "linewidth": 2,
            "label": text if name is None else f"{name}: {text.lower()}",
        } | kwargs
        (line,) = ax.plot(strengths, table["lower"], **style)
        mark(line)
        colour = line.get_color()
        ax.plot(strengths, table["upper"], **(style | {"label": None, "color": colour}))
        if "interval_lower" in table:
            ax.fill_between(
                strengths,
                table["interval_lower"],
                table["interval_upper"],
                color=colour,
                alpha=0.18,
                linewidth=0,
                label=f"{percent(self.level)} interval" if first else None,
            )
        ax.axhline(self.null, color="0.2", linewidth=0.8)
        if np.isfinite(point):
            ax.axvline(point, color=colour, linestyle=":", linewidth=1.2)
            ax.plot(point, self.null, "o", color=colour, markeredgecolor="white")
        if self.scale == "log":
            from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

            ax.set_xscale("log")
            ax.xaxis.set_major_locator(MaxNLocator(8, steps=[1, 2, 5, 10]))
            ax.xaxis.set_minor_locator(NullLocator())
            ax.xaxis.set_major_formatter(ScalarFormatter())
        ax.set_xlabel(self.axis)
        ax.set_ylabel("Effect (units of the outcome)")
        ax.margins(x=0)
        ax.legend(loc="best", frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _curve(sensitivity: Any, null: float, level: float) -> tuple[pd.DataFrame, str]:
    """Return bounds by strength, and what the strength is called."""
    if isinstance(sensitivity, MarginalSensitivity):
        return sensitivity.table(
            level
        ), "Odds ratio of treatment that confounders reach"
    if isinstance(sensitivity, RosenbaumBounds):
        most = min(max(3.0, 3 * sensitivity.largest_gamma()), 30.0)
        table = sensitivity.table(np.geomspace(1, most, 21).tolist())
        return table, "Odds ratio of treatment within a pair"
    if not isinstance(sensitivity, (PartialR2Sensitivity, RieszSensitivity)):
        raise TypeError(
            "TippingPointDisplay.from_sensitivity: sensitivity must be a "
            "PartialR2Sensitivity, RieszSensitivity, MarginalSensitivity or "
            f"RosenbaumBounds, got {type(sensitivity).__name__}."
        )
    largest = float(np.clip(1.6 * robustness_of(sensitivity, null), 0.02, 0.95))
    shares = np.linspace(0, largest, _N_POINTS)
    axis = "Share of variance explained, of treatment and outcome each"
    names = ["lower", "upper", "interval_lower", "interval_upper"]
    if isinstance(sensitivity, PartialR2Sensitivity):
        left = sensitivity.adjusted(shares, shares, level)
        margin = left["upper"] - left["estimate"]
        ends = np.sort(
            [left["estimate"], 2 * sensitivity.estimate - left["estimate"]], 0
        )
        columns = [ends[0], ends[1], ends[0] - margin, ends[1] + margin]
    else:
        bounds = [sensitivity._bounds(s / np.sqrt(1 - s)) for s in shares]
        pairs = [(*one.value, *one.interval(level)) for one in bounds]
        columns = list(np.array(pairs).T)
    return pd.DataFrame(dict(zip(names, columns, strict=True)), index=shares), axis
