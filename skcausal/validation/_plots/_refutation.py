"""The display of a refutation: each simulated effect beside what was expected."""

from typing import Any, Self

import numpy as np
import pandas as pd

from skcausal.validation._plots._base import GREY, PALETTE, new_axes
from skcausal.validation._refuting._base import p_in_words
from skcausal.validation._refuting._refute import refute
from skcausal.validation._refuting._result import Refutation

_LOOK = {
    True: ("o", PALETTE[0], "passed"),
    False: ("s", PALETTE[1], "failed or sensitive"),
    None: ("D", GREY, "no verdict"),
}


class RefutationDisplay:
    """Simulated effects of each refuter, what was expected, and the verdict.

    Make it with ``RefutationDisplay.from_refutation`` or
    ``RefutationDisplay.from_estimator``.

    Parameters
    ----------
    refutation : Refutation
        What :func:`refute` found.
    effect : str, default=None
        Which effect to show, where there are several; None is the first.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.
    figure_ : matplotlib Figure
        Figure containing it.

    See Also
    --------
    refute : The numbers, and what they assume.

    Notes
    -----
    Assumes what :func:`refute` assumes. Small dots are single refits, large marks their
    mean with the interval of the table, diamonds what was expected; the band is the
    95 % interval of the original effect. For :class:`SimulatedConfounder` and
    :class:`LeaveOneConfounderOut` the large mark is the strongest change, and dots lie
    between.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import AIPW
    >>> from skcausal.validation import DataSubset, RefutationDisplay, refute
    >>> data = make_observational(400, effect="constant", random_state=0)
    >>> aipw = AIPW(LinearRegression(), LogisticRegression(), cv=2, random_state=0)
    >>> found = refute(
    ...     aipw, data.X, data.y, treatment=data.treatment, n_simulations=5,
    ...     refuters=[DataSubset()], random_state=0, progress=False,
    ... )
    >>> display = RefutationDisplay.from_refutation(found)
    >>> display.ax_.get_xlabel()
    'Effect (units of the outcome)'
    """

    figure_: Any
    ax_: Any

    def __init__(self, refutation: Refutation, *, effect: str | None = None) -> None:
        self.refutation = refutation
        self.effect = effect

    @classmethod
    def from_refutation(
        cls, refutation: Refutation, *, effect: str | None = None, ax: Any = None
    ) -> Self:
        """Plot what :func:`refute` found.

        Parameters
        ----------
        refutation : Refutation
            Its result.
        effect : str, default=None
            Which effect to show, where there are several; None is the first.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.

        Returns
        -------
        display : RefutationDisplay
            The display, plotted.
        """
        return cls(refutation, effect=effect).plot(ax=ax)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        effect: str | None = None,
        ax: Any = None,
        **options: Any,
    ) -> Self:
        """Run :func:`refute` and plot what it found.

        Parameters
        ----------
        estimator : estimator
            Effect estimator, Pipeline or search.
        X : array-like of shape (n, n_features)
            Covariates.
        y : array-like of shape (n,)
            Outcome, or a ``causal_target``.
        effect : str, default=None
            Which effect to show, where there are several; None is the first.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        **options : dict
            Passed to :func:`refute`, such as ``treatment=`` and ``refuters=``.

        Returns
        -------
        display : RefutationDisplay
            The display, plotted.
        """
        found = refute(estimator, X, y, **options)
        return cls.from_refutation(found, effect=effect, ax=ax)

    def plot(self, ax: Any = None) -> Self:
        """Draw a line for each refuter.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: a new figure.

        Returns
        -------
        display : RefutationDisplay
            The display itself.
        """
        table = self._rows()
        ax = new_axes(ax, (8.6, 1.6 + 0.52 * len(table)))
        ax.grid(False)
        self._draw_original(ax, table)
        for place, (name, row) in enumerate(table.iterrows()):
            self._draw_row(ax, place, str(name), row)
        self._label(ax, table)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def plot_confounder(self, ax: Any = None) -> Self:
        """Draw the effect under a hidden confounder, and where it vanishes.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: a new figure.

        Returns
        -------
        display : RefutationDisplay
            The display itself.

        Raises
        ------
        ValueError
            If the refutation has no :class:`SimulatedConfounder`.
        """
        details = self.refutation.details
        if "confounder_grid" not in details:
            raise ValueError(
                "RefutationDisplay.plot_confounder: this refutation has no simulated "
                "confounder. Run refute with refuters=[SimulatedConfounder()]."
            )
        ax = new_axes(ax, (6.2, 4.6))
        ax.grid(False)
        grid = self._part(details["confounder_grid"])
        surface = grid.pivot(
            index="kappa_outcome", columns="kappa_treatment", values="refuted"
        )
        self._draw_surface(ax, surface)
        points = self._part(details["tipping_points"])
        heights = np.arange(len(surface))
        places = np.asarray(np.interp(points["kappa_outcome"], surface.index, heights))
        inside = points["within_grid"].to_numpy()
        ax.plot(
            np.flatnonzero(inside),
            places[inside],
            color=PALETTE[2],
            marker="o",
            linestyle="--",
            linewidth=2,
            label="Effect explained away",
        )
        if inside.any():
            ax.legend(loc="lower left", framealpha=0.9)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_surface(self, ax: Any, surface: pd.DataFrame) -> None:
        """Draw a cell per strength, with its effect."""
        most = float(np.abs(surface.to_numpy()).max())
        image = ax.imshow(
            surface, origin="lower", aspect="auto", cmap="PuOr", vmin=-most, vmax=most
        )
        for i, values in enumerate(surface.to_numpy()):
            for j, value in enumerate(values):
                style = {"ha": "center", "va": "center", "fontsize": 9}
                style["color"] = "white" if abs(value) > 0.6 * most else "black"
                ax.text(j, i, f"{value:.3g}", **style)
        ax.set_xticks(range(surface.shape[1]), [f"{k:g}" for k in surface.columns])
        ax.set_yticks(range(surface.shape[0]), [f"{k:g}" for k in surface.index])
        ax.set_xlabel("Strength of the hidden cause on the treatment")
        ax.set_ylabel("Strength on the outcome\n(standard deviations)")
        ax.figure.colorbar(image, ax=ax, label="Effect (units of the outcome)")

    def _rows(self) -> pd.DataFrame:
        """Return the rows of the effect that is shown, one per refuter."""
        table = self.refutation.table
        if table.index.nlevels == 1:
            return table
        shown = table.index.get_level_values("effect") == self._shown_effect()
        return table[shown].droplevel("effect")

    def _shown_effect(self) -> str:
        labels = [str(label) for label in self.refutation.estimate.labels]
        effect = labels[0] if self.effect is None else self.effect
        if effect not in labels:
            raise ValueError(
                f"RefutationDisplay: effect must be one of {labels}, got {effect!r}."
            )
        return effect

    def _part(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of a detail table that are about the effect shown."""
        if self.refutation.table.index.nlevels == 1:
            return frame
        return frame[frame["effect"] == self._shown_effect()]

    def _draw_original(self, ax: Any, table: pd.DataFrame) -> None:
        original = float(table["original"].dropna().iloc[0])
        estimate = self.refutation.estimate
        values = np.atleast_1d(estimate.value)
        k = int(np.argmin(np.abs(values - original)))
        lower, upper = np.reshape(np.asarray(estimate.interval()), (2, -1))[:, k]
        ax.axvspan(lower, upper, color=PALETTE[5], alpha=0.25, linewidth=0)
        ax.axvline(original, color=PALETTE[5], linewidth=1.5)
        ax.axvline(estimate.null, color="0.3", linewidth=0.8, linestyle=":")

    def _draw_row(self, ax: Any, place: int, name: str, row: pd.Series) -> None:
        """Draw dots, mean, interval, expectation and verdict of one refuter."""
        frame = self.refutation.simulations
        frame = self._part(frame[frame["refuter"] == name])
        values = frame["value"].to_numpy(dtype=float)
        spread = np.random.default_rng(place).uniform(-0.22, 0.22, len(values))
        marker, colour, _ = _LOOK[None if pd.isna(row["passed"]) else row["passed"]]
        ax.scatter(values, place + spread, s=9, color=colour, alpha=0.35, linewidth=0)
        ends = np.abs(
            [[row["refuted"] - row["lower"]], [row["upper"] - row["refuted"]]]
        )
        ax.errorbar(
            row["refuted"],
            place,
            xerr=ends,
            fmt=marker,
            color=colour,
            markersize=7,
            markeredgecolor="white",
            elinewidth=1.6,
            capsize=3,
        )
        ax.plot(row["expected"], place, "D", mfc="none", mec="black", markersize=9)
        word = str(row["verdict"]).split(":", 1)[0]
        known = np.isfinite(row["p_value"])
        text = f"{word} ({p_in_words(row['p_value'])})" if known else word
        style = {"color": colour, "va": "center", "fontsize": 9}
        ax.annotate(text, (1.01, place), xycoords=("axes fraction", "data"), **style)

    def _label(self, ax: Any, table: pd.DataFrame) -> None:
        names = [str(name) for name in table.index]
        ax.set_yticks(range(len(names)), names)
        ax.set_ylim(len(names) - 0.5, -0.5)
        ax.spines["left"].set_visible(False)
        ax.tick_params(axis="y", length=0)
        ax.set_xlabel("Effect (units of the outcome)")
        handles = [
            *(
                ax.plot([], [], marker, color=colour, label=label)[0]
                for key, (marker, colour, label) in _LOOK.items()
                if key in {None if pd.isna(p) else bool(p) for p in table["passed"]}
            ),
            ax.plot([], [], "D", mfc="none", mec="black", label="expected")[0],
            ax.plot([], [], color=PALETTE[5], label="original, 95 % interval")[0],
        ]
        ax.figure.legend(
            handles=handles, loc="outside upper center", ncols=4, frameon=False
        )
