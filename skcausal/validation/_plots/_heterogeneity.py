"""Displays of sorted groups: their effects (GATES) and who is in them (CLAN)."""

from typing import Any, Self

import numpy as np
import pandas as pd

from skcausal.validation._heterogeneity import (
    AVERAGE,
    DIFFERENCE,
    check_n_groups,
    clan,
    gates_of,
)
from skcausal.validation._plots._base import (
    GREY,
    PALETTE,
    EffectDisplay,
    new_axes,
    percent,
)
from skcausal.validation._ranking import check_vector, resolve_rows


class GatesDisplay(EffectDisplay):
    """Average effect of groups sorted by predicted effect, against that of all rows.

    Make it with ``GatesDisplay.from_effects`` or ``GatesDisplay.from_estimator``, or
    from the table of :func:`heterogeneity_analysis`.

    Parameters
    ----------
    table : DataFrame
        The table of :func:`gates`, in the units of the outcome.
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
    gates : The values, and what they assume.

    Notes
    -----
    Assumes what :func:`gates` assumes. The bars hold for all groups together: if one
    of them misses the band of the average effect, effects differ between rows. The
    title has the difference between the first and the last group with its interval.

    References
    ----------
    Chernozhukov et al. (2025), Econometrica. arXiv:1712.04802.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.validation import GatesDisplay
    >>> effects = np.linspace(0, 1, 200)
    >>> scores = effects + np.random.default_rng(0).normal(size=200)
    >>> display = GatesDisplay.from_effects(effects, scores=scores)
    >>> display.ax_.get_xlabel()
    'Group by predicted effect (1 = largest)'
    """

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
        n_groups: int = 5,
        monotone: bool = False,
        name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the group effects from predicted effects, and plot them.

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
            Coverage of the bars, all groups together.
        n_groups : int, default=5
            Number of groups of equal (weighted) share; tied rows stay together.
        monotone : bool, default=False
            Rearrange estimates and bounds, see :func:`gates`.
        name : str, default=None
            Name in the legend.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        **kwargs : dict
            Passed to ``plot``.

        Returns
        -------
        display : GatesDisplay
            The display, plotted.
        """
        owner = f"{cls.__name__}.from_effects"
        rows = resolve_rows(
            owner, effects, y, treatment, scores, propensity, sample_weight, groups
        ).weighted()
        table = gates_of(rows, check_n_groups(n_groups, owner), level, monotone)
        return cls(table=table, level=level, name=name).plot(ax=ax, **kwargs)

    def plot(self, ax: Any = None, *, name: str | None = None, **kwargs: Any) -> Self:
        """Draw groups with simultaneous intervals, and the average with its own.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: a new figure.
        name : str, default=None
            Name in the legend, instead of that of the display.
        **kwargs : dict
            Style of the points, passed to ``Axes.errorbar``.

        Returns
        -------
        display : GatesDisplay
            The display itself.
        """
        ax = new_axes(ax)
        name = self.name if name is None else name
        average = self.table.loc[AVERAGE]
        groups = self.table.drop([DIFFERENCE, AVERAGE])
        places = groups.index.to_numpy(dtype=int)
        ax.axhspan(
            average["lower"], average["upper"], color=GREY, alpha=0.2, linewidth=0
        )
        overall = ax.axhline(
            average["estimate"],
            color=GREY,
            linestyle="--",
            linewidth=1.2,
            label=f"Average of all rows, {percent(self.level)} interval",
        )
        ax.axhline(0, color="0.2", linewidth=0.8)
        text = f"Group average, {percent(self.level)} simultaneous interval"
        style = {
            "fmt": "o",
            "color": PALETTE[0],
            "markersize": 7,
            "elinewidth": 1.6,
            "capsize": 4,
            "label": text if name is None else f"{name}: {text[0].lower()}{text[1:]}",
        } | kwargs
        drawn = ax.errorbar(places, groups["estimate"], yerr=_bars(groups), **style)
        handles = [drawn, overall]
        if "predicted" in groups:
            label = "Mean predicted effect"
            points = {"marker": "D", "linestyle": "none", "color": PALETTE[1]}
            options = points | {"markerfacecolor": "white", "label": label}
            handles += ax.plot(places + 0.16, groups["predicted"], **options)
        ax.set_xticks(places)
        ax.set_xlim(places.min() - 0.5, places.max() + 0.5)
        ax.set_xlabel("Group by predicted effect (1 = largest)")
        ax.set_ylabel("Effect (units of the outcome)")
        if len(places) > 1:
            ax.set_title(self._difference_text(places), fontsize="medium", loc="left")
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.3 * (high - low))  # room for the legend
        ax.legend(handles=handles, loc="upper right", frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _difference_text(self, places: np.ndarray) -> str:
        line = self.table.loc[DIFFERENCE]
        numbers = f"{line['estimate']:.3g} [{line['lower']:.3g}, {line['upper']:.3g}]"
        return (
            f"Group {places.min()} less group {places.max()}: {numbers}, "
            f"p-value {line['p_value']:.2g}"
        )


def _bars(table: pd.DataFrame) -> np.ndarray:
    """Return the lengths of error bars down and up; 0 where they are not finite."""
    estimate = table["estimate"].to_numpy()
    lengths = np.vstack(
        [estimate - table["lower"].to_numpy(), table["upper"].to_numpy() - estimate]
    )
    return np.where(np.isfinite(lengths), np.maximum(lengths, 0.0), 0.0)


class ClanDisplay:
    """Covariates of the most less those of the least affected rows, with intervals.

    Make it with ``ClanDisplay.from_effects`` or ``ClanDisplay.from_estimator``, or from
    the table of :func:`heterogeneity_analysis`.

    Parameters
    ----------
    table : DataFrame
        The table of :func:`clan`.
    level : float, default=0.95
        Coverage of the intervals in the table.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the points.
    figure_ : matplotlib Figure
        Figure containing it.

    See Also
    --------
    clan : The values, and what they assume.

    Notes
    -----
    Assumes what :func:`clan` assumes. Differences are divided by the standard deviation
    of the covariate, so that all share one axis; the labels have both means in the
    units of the covariate.

    References
    ----------
    Chernozhukov et al. (2025), Econometrica. arXiv:1712.04802.

    Examples
    --------
    >>> import pandas as pd
    >>> from skcausal.validation import ClanDisplay
    >>> X = pd.DataFrame({"age": [60, 50, 30, 20], "member": [1, 0, 1, 0]})
    >>> display = ClanDisplay.from_effects([3, 2, 1, 0], X, n_groups=2)
    >>> print(display.ax_.get_xlabel())
    Most less least affected
    (standard deviations, 95 % interval)
    """

    ax_: Any
    figure_: Any

    def __init__(self, *, table: pd.DataFrame, level: float = 0.95) -> None:
        self.table = table
        self.level = level

    @classmethod
    def from_effects(
        cls,
        effects: Any,
        X: Any,
        *,
        sample_weight: Any = None,
        groups: Any = None,
        level: float = 0.95,
        n_groups: int = 5,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compare covariates by predicted effects, and plot the differences.

        Parameters
        ----------
        effects : array-like of shape (n,)
            Predicted effects of rows that neither fitting nor selection saw.
        X : array-like or DataFrame of shape (n, n_features)
            Covariates of the same rows.
        sample_weight : array-like of shape (n,), default=None
            Non-negative weights of the rows.
        groups : array-like of shape (n,), default=None
            Cluster labels for the standard errors.
        level : float, default=0.95
            Coverage of each interval.
        n_groups : int, default=5
            Number of groups, of which the first and the last are compared.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        **kwargs : dict
            Passed to ``plot``.

        Returns
        -------
        display : ClanDisplay
            The display, plotted.
        """
        table = clan(
            effects,
            X,
            sample_weight=sample_weight,
            groups=groups,
            n_groups=n_groups,
            level=level,
        )
        return cls(table=table, level=level).plot(ax=ax, **kwargs)

    @classmethod
    def from_estimator(cls, estimator: Any, X: Any, **kwargs: Any) -> Self:
        """Predict effects of new rows, compare their covariates and plot.

        Parameters
        ----------
        estimator : estimator
            A fitted learner with two arms, or a Pipeline or fitted search that ends
            in one.
        X : array-like or DataFrame of shape (n, n_features)
            Covariates of rows that neither fitting nor selection saw.
        **kwargs : dict
            Passed to ``from_effects``.

        Returns
        -------
        display : ClanDisplay
            The display, plotted.
        """
        owner = f"{cls.__name__}.from_estimator"
        effects = check_vector(estimator.predict(X), "effects", owner)
        return cls.from_effects(effects, X, **kwargs)

    def plot(self, ax: Any = None, *, most: int = 20, **kwargs: Any) -> Self:
        """Draw one line per covariate, the most different on top.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: a new figure, as high as needed.
        most : int, default=20
            Greatest number of covariates shown: those that differ most. Constants are
            left out.
        **kwargs : dict
            Style of the points, passed to ``Axes.errorbar``.

        Returns
        -------
        display : ClanDisplay
            The display itself.
        """
        table = self.table[self.table["deviation"] > 0]
        scaled = table[[DIFFERENCE, "lower", "upper"]].div(table["deviation"], axis=0)
        order = np.argsort(-scaled[DIFFERENCE].abs().to_numpy(), kind="stable")[:most]
        table, scaled = table.iloc[order], scaled.iloc[order]
        ax = new_axes(ax, (7.2, 1.4 + 0.34 * len(table)))
        ax.grid(True, axis="x", color="0.9", linewidth=0.8)
        ax.grid(False, axis="y")
        places = np.arange(len(table))[::-1]
        style = {
            "fmt": "o",
            "color": PALETTE[0],
            "elinewidth": 1.6,
            "capsize": 3,
        } | kwargs
        bars = _bars(scaled.rename(columns={DIFFERENCE: "estimate"}))
        ax.errorbar(scaled[DIFFERENCE], places, xerr=bars, **style)
        ax.axvline(0, color="0.2", linewidth=0.8)
        pairs = zip(table.index, table["most"], table["least"], strict=True)
        labels = [f"{name}  ({a:.3g} against {b:.3g})" for name, a, b in pairs]
        ax.set_yticks(places, labels)
        ax.set_ylim(-0.7, len(table) - 0.3)
        ax.set_xlabel(
            "Most less least affected\n"
            f"(standard deviations, {percent(self.level)} interval)"
        )
        self.ax_, self.figure_ = ax, ax.figure
        return self
