"""Displays of overlap and balance: Love plot and propensities by arm."""

from typing import Any, Self

import numpy as np
import pandas as pd

from skcausal.validation._balance import balance_table, kish
from skcausal.validation._deciles import check_n_bins
from skcausal.validation._overlap import arm_propensities
from skcausal.validation._plots._base import GREY, PALETTE, new_axes


class LovePlotDisplay:
    """Standardised differences of covariates between arms, before and after weights.

    Make it with ``LovePlotDisplay.from_weights``, or from a table at hand.

    Parameters
    ----------
    table : DataFrame
        The table of :func:`balance_table`.
    threshold : float, default=0.1
        Absolute difference that is commonly called imbalanced, drawn as a line.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the points.
    figure_ : matplotlib Figure
        Figure containing it.

    See Also
    --------
    balance_table : The values, and what they assume.

    Notes
    -----
    Assumes nothing: see :func:`balance_table`. With several arms a point is the
    largest absolute difference of any arm to control.

    References
    ----------
    Love, T. E. (2004). Graphical display of covariate balance. Presentation, Case
    Western Reserve University; Austin, P. C. (2009), Statistics in Medicine, 28(25).
    https://doi.org/10.1002/sim.3697

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.validation import LovePlotDisplay
    >>> X = np.array([[20.0, 1.0], [40.0, 0.0], [40.0, 1.0], [60.0, 1.0]])
    >>> display = LovePlotDisplay.from_weights(X, [0, 0, 1, 1], [1, 3, 3, 1])
    >>> display.ax_.get_xlabel()
    'Absolute standardised difference between arms'
    """

    ax_: Any
    figure_: Any

    def __init__(self, *, table: pd.DataFrame, threshold: float = 0.1) -> None:
        self.table = table
        self.threshold = threshold

    @classmethod
    def from_weights(
        cls,
        X: Any,
        treatment: Any,
        weights: Any = None,
        *,
        control_arm: Any = None,
        threshold: float = 0.1,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compare the arms with and without weights, and plot the differences.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates, numbers or categories.
        treatment : array-like of shape (n,)
            Labels of the arms.
        weights : array-like of shape (n,), default=None
            Weights that are to balance the arms.
        control_arm : label, default=None
            Reference arm; needed for labels other than 0/1.
        threshold : float, default=0.1
            Absolute difference drawn as a line.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        **kwargs : dict
            Passed to ``plot``.

        Returns
        -------
        display : LovePlotDisplay
            The display, plotted.
        """
        table = balance_table(X, treatment, weights, control_arm=control_arm)
        return cls(table=table, threshold=threshold).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, most: int = 30, **kwargs: Any) -> Self:
        """Draw one line per covariate, the most different on top.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: a new figure, as high as needed.
        most : int, default=30
            Greatest number of covariates shown: those that differ most.
        **kwargs : dict
            Style of the points, passed to ``Axes.plot``.

        Returns
        -------
        display : LovePlotDisplay
            The display itself.
        """
        shown = self._differences(most)
        ax = new_axes(ax, (6.4, 1.4 + 0.28 * len(shown)))
        places = np.arange(len(shown))[::-1]
        styles = {
            "difference": {"label": "Before weighting", "markerfacecolor": "white"},
            "weighted_difference": {"label": "After weighting"},
        }
        if len(shown.columns) == 1:
            styles["difference"]["label"] = "Without weights"
        ax.hlines(places, shown.min(axis=1), shown.max(axis=1), color="0.8", zorder=1)
        for colour, column in zip(
            (PALETTE[1], PALETTE[0]), shown.columns, strict=False
        ):
            points = {"marker": "o", "linestyle": "none", "color": colour}
            ax.plot(shown[column], places, **(points | styles[column] | kwargs))
        ax.axvline(
            self.threshold,
            color=GREY,
            linestyle="--",
            linewidth=1.2,
            label=f"Threshold {self.threshold:g}",
        )
        ax.set_yticks(places, [str(name) for name in shown.index])
        ax.set_ylim(-0.7, len(shown) - 0.3)
        ax.set_xlim(left=0)
        ax.set_xlabel("Absolute standardised difference between arms")
        ax.legend(loc="best", frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _differences(self, most: int) -> pd.DataFrame:
        """Return the largest absolute differences over arms; infinite ones are cut."""
        columns = ["difference", "weighted_difference"]
        columns = [name for name in columns if name in self.table]
        shown = self.table[columns].abs().groupby(level=0, sort=False).max()
        shown = shown.replace(np.inf, 1.1 * _largest_finite(shown.to_numpy()))
        return shown.sort_values("difference", ascending=False, kind="stable")[:most]


def _largest_finite(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return max(float(finite.max()), 1.0) if finite.size else 1.0


class PropensityDisplay:
    """Histograms of the propensity of two arms, one mirrored below the other.

    Make it with ``PropensityDisplay.from_propensity``.

    Parameters
    ----------
    edges : ndarray of shape (m + 1,)
        Limits of the bins, in [0, 1].
    shares : ndarray of shape (2, m)
        Share of the rows of the arm (first) and of control (second) in each bin.
    arms : tuple of two labels
        The arm whose propensity is shown, and control.
    sizes : tuple of two pairs
        Number of rows and effective size of both arms.
    extreme : float, default=0.05
        Probabilities below, and above one less it, are shaded.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the histograms.
    figure_ : matplotlib Figure
        Figure containing it.

    See Also
    --------
    overlap_summary : The numbers, and what they assume.

    Notes
    -----
    Assumes nothing beyond the propensity. Where one side has bars and the other has
    none, rows have no counterpart in the other arm.

    Examples
    --------
    >>> from skcausal.validation import PropensityDisplay
    >>> display = PropensityDisplay.from_propensity([0.2, 0.4, 0.4, 0.8], [0, 0, 1, 1])
    >>> display.ax_.get_xlabel()
    'Propensity: probability of arm 1'
    """

    ax_: Any
    figure_: Any

    def __init__(
        self,
        *,
        edges: np.ndarray,
        shares: np.ndarray,
        arms: tuple[Any, Any],
        sizes: tuple[tuple[int, float], tuple[int, float]],
        extreme: float = 0.05,
    ) -> None:
        self.edges = edges
        self.shares = shares
        self.arms = arms
        self.sizes = sizes
        self.extreme = extreme

    @classmethod
    def from_propensity(
        cls,
        propensity: Any,
        treatment: Any,
        *,
        arm: Any = None,
        control_arm: Any = None,
        n_bins: int = 30,
        extreme: float = 0.05,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Count rows by arm and propensity, and plot both histograms.

        Parameters
        ----------
        propensity : array-like of shape (n,) or (n, n_arms)
            Probabilities, as for :func:`overlap_summary`.
        treatment : array-like of shape (n,)
            Labels of the arms.
        arm : label, default=None
            The arm whose probability is shown, against control; needed if there are
            more than two arms.
        control_arm : label, default=None
            Reference arm; needed for labels other than 0/1.
        n_bins : int, default=30
            Number of bins between 0 and 1.
        extreme : float, default=0.05
            Probabilities below, and above one less it, are shaded.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        **kwargs : dict
            Passed to ``plot``.

        Returns
        -------
        display : PropensityDisplay
            The display, plotted.
        """
        owner = f"{cls.__name__}.from_propensity"
        table, codes, arms = arm_propensities(propensity, treatment, control_arm, owner)
        labels = arms.tolist()
        arm = labels[1] if arm is None and len(labels) == 2 else arm
        if arm not in labels[1:]:
            raise ValueError(
                f"{owner}: arm must be one of {labels[1:]}, to be compared with "
                f"{labels[0]!r}, got {arm!r}."
            )
        code = labels.index(arm)
        edges = np.linspace(0, 1, check_n_bins(n_bins, owner) + 1)
        shares, sizes = [], []
        for side in (code, 0):
            rows = codes == side
            counts = np.histogram(table[rows, code], edges)[0]
            shares.append(counts / rows.sum())
            own = np.maximum(table[rows, side], 1e-12)
            sizes.append((int(rows.sum()), kish(1 / own)))
        display = cls(
            edges=edges,
            shares=np.array(shares),
            arms=(arm, labels[0]),
            sizes=(sizes[0], sizes[1]),
            extreme=extreme,
        )
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw the arm upwards and control downwards.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: a new figure.
        **kwargs : dict
            Style of the bars, passed to ``Axes.bar``.

        Returns
        -------
        display : PropensityDisplay
            The display itself.
        """
        from matplotlib.ticker import FuncFormatter

        ax = new_axes(ax)
        width = np.diff(self.edges)
        for side, sign in enumerate((1, -1)):
            n_rows, size = self.sizes[side]
            style = {
                "color": PALETTE[side],
                "alpha": 0.7,
                "label": f"Arm {self.arms[side]}: {n_rows} rows, worth {size:.0f}",
            } | kwargs
            height = sign * self.shares[side]
            ax.bar(self.edges[:-1], height, width, align="edge", **style)
        for low, high in ((0, self.extreme), (1 - self.extreme, 1)):
            ax.axvspan(low, high, color=GREY, alpha=0.15, linewidth=0)
        ax.axhline(0, color="0.2", linewidth=0.8)
        top = 1.5 * self.shares.max()
        ax.set_ylim(-top, top)
        ax.set_xlim(0, 1)
        ax.yaxis.set_major_formatter(
            FuncFormatter(lambda y, _: f"{100 * abs(y):.3g} %")
        )
        ax.set_xlabel(f"Propensity: probability of arm {self.arms[0]}")
        ax.set_ylabel("Share of the rows of the arm")
        ax.legend(loc="upper right", frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self
