"""SensitivityContourDisplay: what confounders of two strengths leave of an effect."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from skcausal.validation._partial_r2 import PartialR2Sensitivity
from skcausal.validation._plots._base import (
    GREY,
    PALETTE,
    new_axes,
    percent,
)
from skcausal.validation._riesz import RieszSensitivity
from skcausal.validation._sensitivity_inputs import check_level, covariate_name

_N_CELLS = 61
_Shares = PartialR2Sensitivity | RieszSensitivity


class SensitivityContourDisplay:
    """What confounders of two strengths would leave of an effect, as a contour plot.

    Make it with ``SensitivityContourDisplay.from_sensitivity``.

    Parameters
    ----------
    shares : ndarray of shape (m,)
        Shares of variance on both axes.
    values : ndarray of shape (m, m)
        What is left of the effect, by outcome (rows) and treatment (columns).
    null : float, default=0.0
        Value whose contour is drawn as the border.
    points : DataFrame, default=None
        Benchmarks: columns ``treatment, outcome``, names in the index.
    name : str, default="effect"
        What is shown, for the title.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the contours.
    figure_ : matplotlib Figure
        Figure containing it.

    See Also
    --------
    TippingPointDisplay : One strength against the bounds.

    Notes
    -----
    Assumes what :class:`PartialR2Sensitivity` or :class:`RieszSensitivity` assumes.
    Confounders below the red line leave a positive (or negative) effect as it is;
    those above it could have made all of it.

    Examples
    --------
    >>> from skcausal.validation import PartialR2Sensitivity, SensitivityContourDisplay
    >>> sensitivity = PartialR2Sensitivity(0.1, 0.02, 500)
    >>> display = SensitivityContourDisplay.from_sensitivity(sensitivity)
    >>> display.values.shape
    (61, 61)
    """

    def __init__(
        self,
        *,
        shares: np.ndarray,
        values: np.ndarray,
        null: float = 0.0,
        points: pd.DataFrame | None = None,
        name: str = "effect",
    ) -> None:
        self.shares = shares
        self.values = values
        self.null = null
        self.points = points
        self.name = name

    @classmethod
    def from_sensitivity(
        cls,
        sensitivity: Any,
        *,
        of: str = "estimate",
        benchmarks: Sequence[Any] | None = None,
        times: Sequence[float] = (1,),
        null: float = 0.0,
        level: float = 0.95,
        largest: float | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the surface from a sensitivity analysis, and plot it.

        Parameters
        ----------
        sensitivity : PartialR2Sensitivity or RieszSensitivity
            The analysis.
        of : {"estimate", "limit"}, default="estimate"
            Show the estimate that is left, or the limit of its interval that is nearer
            to ``null``.
        benchmarks : sequence, default=None
            Covariates to mark: names for both, positions or tuples for
            :class:`RieszSensitivity` too. None is all known benchmarks.
        times : sequence of float, default=(1,)
            How many times as strong as the covariate the marks are.
        null : float, default=0.0
            Value at the border.
        level : float, default=0.95
            Level of the interval, for ``of="limit"``.
        largest : float, default=None
            End of both axes in (0, 1). None is twice the robustness value, or what the
            benchmarks need.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        **kwargs : dict
            Passed to ``plot``.

        Returns
        -------
        display : SensitivityContourDisplay
            The display, plotted.

        Raises
        ------
        TypeError
            If the analysis does not have two strengths.
        """
        owner = "SensitivityContourDisplay.from_sensitivity"
        if not isinstance(sensitivity, (PartialR2Sensitivity, RieszSensitivity)):
            raise TypeError(
                f"{owner}: sensitivity must be a PartialR2Sensitivity or a "
                f"RieszSensitivity, got {type(sensitivity).__name__}."
            )
        if of not in ("estimate", "limit"):
            raise ValueError(f"{owner}: of must be 'estimate' or 'limit', got {of!r}.")
        check_level(level, owner)
        points = _points(sensitivity, benchmarks, times)
        if largest is None:
            largest = 2 * robustness_of(sensitivity, null)
            if len(points):
                largest = max(largest, 1.2 * float(points.to_numpy().max()))
            largest = float(np.clip(largest, 0.02, 0.95))
        if not 0 < largest < 1:
            raise ValueError(
                f"{owner}: largest must lie between 0 and 1, got {largest}."
            )
        shares = np.linspace(0, largest, _N_CELLS)
        treatment, outcome = np.meshgrid(shares, shares)
        values = _surface(sensitivity, treatment, outcome, of, null, level)
        name = (
            "Effect" if of == "estimate" else f"Limit of the {percent(level)} interval"
        )
        display = cls(shares=shares, values=values, null=null, points=points, name=name)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw contours, the border and the benchmarks.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: a new figure.
        **kwargs : dict
            Style of the contours, passed to ``Axes.contour``.

        Returns
        -------
        display : SensitivityContourDisplay
            The display itself.
        """
        from matplotlib.ticker import PercentFormatter

        ax = new_axes(ax, (5.8, 5.0))
        style = {"colors": GREY, "linewidths": 1.0, "levels": 8} | kwargs
        lines = ax.contour(self.shares, self.shares, self.values, **style)
        ax.clabel(lines, fontsize=8, fmt="%.3g")
        low, high = self.values.min(), self.values.max()
        if low < self.null < high:
            ax.contour(
                self.shares,
                self.shares,
                self.values,
                levels=[self.null],
                colors=PALETTE[1],
                linewidths=2,
            )
            label = f"{self.name} = {self.null:g}"
            ax.plot([], [], color=PALETTE[1], linewidth=2, label=label)
        now = f"No confounder: {self.values[0, 0]:.3g}"
        ax.plot(0, 0, "^", color="black", markersize=8, clip_on=False, label=now)
        self._draw_points(ax)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0))
        ax.set_xlabel("Strength for the treatment (share of variance explained)")
        ax.set_ylabel("Strength for the outcome (share of variance explained)")
        ax.set_title(f"{self.name} that confounders would leave", fontsize=10)
        ax.legend(loc="upper right", framealpha=0.9)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_points(self, ax: Any) -> None:
        """Draw and name the benchmarks."""
        if self.points is None or not len(self.points):
            return
        inside = self.points[(self.points <= self.shares[-1]).all(axis=1)]
        ax.plot(
            inside["treatment"],
            inside["outcome"],
            "D",
            color=PALETTE[0],
            markeredgecolor="white",
            markersize=7,
            clip_on=False,
            label="As strong as a covariate",
        )
        middle = self.shares[-1] / 2
        for label, row in inside.iterrows():
            right = row["treatment"] > middle
            ax.annotate(
                str(label),
                (row["treatment"], row["outcome"]),
                xytext=(-7 if right else 7, 5),
                textcoords="offset points",
                ha="right" if right else "left",
                fontsize=8,
            )


def robustness_of(sensitivity: _Shares, null: float) -> float:
    """Return the strength that brings the effect to a value."""
    if isinstance(sensitivity, RieszSensitivity):
        return sensitivity.robustness_value(null)
    if sensitivity.estimate == 0:
        return 0.0
    distance = abs(sensitivity.estimate - null)
    return sensitivity.robustness_value(distance / abs(sensitivity.estimate))


def _points(
    sensitivity: _Shares, benchmarks: Sequence[Any] | None, times: Sequence[float]
) -> pd.DataFrame:
    """Return the strengths of confounders some times as strong as covariates."""
    rows: dict[str, tuple[float, float]] = {}
    if isinstance(sensitivity, PartialR2Sensitivity):
        for name in sensitivity.benchmarks.index if benchmarks is None else benchmarks:
            for factor in times:
                rows[_label(name, factor)] = sensitivity.strength(name, factor)
    else:
        if benchmarks is not None:
            sensitivity.benchmarks(benchmarks)
            names = [covariate_name(one) for one in benchmarks]
        else:
            names = list(sensitivity._benchmarks)
        for name in names:
            row = sensitivity._benchmarks[name]
            c_d, c_y = max(row["treatment"], 0.0), max(row["outcome"], 0.0)
            for factor in times:
                rows[_label(name, factor)] = (factor * c_d, factor * c_y)
    columns = ["treatment", "outcome"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _label(name: str, factor: float) -> str:
    return str(name) if factor == 1 else f"{factor:g} x {name}"


def _surface(
    sensitivity: _Shares,
    treatment: np.ndarray,
    outcome: np.ndarray,
    of: str,
    null: float,
    level: float,
) -> np.ndarray:
    """Return what is left of the effect, on the side of null."""
    if isinstance(sensitivity, PartialR2Sensitivity):
        adjusted = sensitivity.adjusted(treatment, outcome, level)
        nearer = "lower" if sensitivity.estimate > 0 else "upper"
        return np.asarray(adjusted["estimate" if of == "estimate" else nearer])
    # Bounds depend on one joint strength: a curve of it gives the whole surface.
    joint = np.sqrt(outcome * treatment / (1 - treatment))
    grid = np.linspace(0, joint.max(), _N_CELLS)
    side = 0 if sensitivity._bounds(0.0).value[0] >= null else 1
    ends = [sensitivity._bounds(float(one)) for one in grid]
    if of == "estimate":
        curve = [bounds.value[side] for bounds in ends]
    else:
        curve = [bounds.interval(level)[side] for bounds in ends]
    return np.interp(joint, grid, np.array(curve))
