"""The display of an audit: scores before and after, flips, single people."""

from typing import Any, Self

import numpy as np

from skcausal.fairness._audit import FairnessAudit
from skcausal.validation._plots._base import GREY, PALETTE, new_axes

_KINDS = ("density", "flips", "individuals")
_MOST_SHOWN = 60


class FairnessAuditDisplay:
    """Draw what an audit found.

    Make it with ``FairnessAuditDisplay.from_audit`` or ``FairnessAudit.plot``.

    Parameters
    ----------
    audit : FairnessAudit
        What `CounterfactualFairnessAuditor.audit` found.
    kind : {"density", "flips", "individuals"}, default="density"
        What to draw.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Axes with the picture.
    figure_ : matplotlib Figure
        Figure containing it.

    Notes
    -----
    Assumes what the audit assumes. "density": distribution of the scores of one group
    as they are and in each other world; the group is the one with the largest mean
    difference unless ``group`` names another. "flips": the share of each group whose
    decision would be another. "individuals": rows by their score, with the score in
    the world of the largest difference; lines reach from 5 to 95 % of its draws.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.fairness import CounterfactualFairnessAuditor
    >>> from skcausal.fairness import FairnessAuditDisplay
    >>> from skcausal.graphs import CausalGraph
    >>> rng = np.random.default_rng(0)
    >>> group = rng.integers(2, size=400)
    >>> frame = pd.DataFrame({"group": group, "test": group + rng.normal(size=400)})
    >>> graph = CausalGraph([("group", "test")])
    >>> auditor = CounterfactualFairnessAuditor(graph, "group").fit(frame)
    >>> predictor = LinearRegression().fit(frame[["test"]], frame["test"])
    >>> audit = auditor.audit(predictor, frame)
    >>> display = FairnessAuditDisplay.from_audit(audit)
    >>> display.ax_.get_xlabel()
    'Score'
    """

    figure_: Any
    ax_: Any

    def __init__(self, audit: FairnessAudit, *, kind: str = "density") -> None:
        self.audit = audit
        self.kind = kind

    @classmethod
    def from_audit(
        cls,
        audit: FairnessAudit,
        *,
        kind: str = "density",
        group: Any = None,
        ax: Any = None,
    ) -> Self:
        """Plot an audit.

        Parameters
        ----------
        audit : FairnessAudit
            What was found.
        kind : {"density", "flips", "individuals"}, default="density"
            What to draw.
        group : value, default=None
            Whose scores to draw; None takes the group with the largest mean difference
            for the density, all groups for individuals.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.

        Returns
        -------
        display : FairnessAuditDisplay
            The display, plotted.
        """
        return cls(audit, kind=kind).plot(ax=ax, group=group)

    def plot(self, ax: Any = None, *, group: Any = None) -> Self:
        """Draw the audit.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.
        group : value, default=None
            See `from_audit`.

        Returns
        -------
        display : FairnessAuditDisplay
            The display itself.

        Raises
        ------
        TypeError
            If ``audit`` is none.
        ValueError
            If the kind or the group is unknown, or there are no decisions to flip.
        """
        owner = "FairnessAuditDisplay.plot"
        if not isinstance(self.audit, FairnessAudit):
            raise TypeError(
                f"{owner}: audit must be a FairnessAudit, got "
                f"{type(self.audit).__name__}."
            )
        if self.kind not in _KINDS:
            raise ValueError(
                f"{owner}: kind must be one of {', '.join(map(repr, _KINDS))}, got "
                f"{self.kind!r}."
            )
        known = list(self.audit.scores.columns)
        if group is not None and group not in known:
            raise ValueError(f"{owner}: group must be one of {known}, got {group!r}.")
        if self.kind == "flips" and self.audit.bounds.empty:
            raise ValueError(
                f"{owner}: a regressor decides nothing, so nothing flips. Draw "
                "'density' or 'individuals'."
            )
        ax = new_axes(ax)
        getattr(self, f"_draw_{self.kind}")(ax, group)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw_density(self, ax: Any, group: Any) -> None:
        density, values = self.audit.density, list(self.audit.scores.columns)
        if group is None:
            size = self.audit.pairs["mean_absolute_difference"]
            group = size.groupby(level="from", sort=False).max().idxmax()
        a = values.index(group)
        edges = density["edges"]
        width = edges[1] - edges[0]
        # Bins at the ends are open; they are drawn as wide as the others.
        places = np.concatenate([[edges[0] - width], edges, [edges[-1] + width]])
        others = [b for b in range(len(values)) if b != a]
        for b in others:
            colour = PALETTE[b % len(PALETTE)]
            label = f"had they been {values[b]}"
            ax.stairs(density["after"][a, b], places, color=colour, lw=1.6, label=label)
        style = {"fill": True, "color": GREY, "alpha": 0.3, "label": "as they are"}
        ax.stairs(density["before"][a], places, **style)
        ax.set_xlabel("Score")
        ax.set_ylabel("Share of rows and draws")
        ax.set_title(str(group), loc="left")
        ax.legend(frameon=False)

    def _draw_flips(self, ax: Any, group: Any) -> None:
        matrix = self.audit.flip_matrix
        if group is not None:
            matrix = matrix.loc[[group]]
        image = ax.imshow(matrix, cmap="Blues", vmin=0, aspect="auto")
        most = float(np.nanmax(matrix.to_numpy()))
        for (i, j), value in np.ndenumerate(matrix.to_numpy()):
            if np.isfinite(value):
                colour = "white" if value > 0.6 * most else "black"
                text = f"{100 * value:.1f} %"
                ax.text(j, i, text, ha="center", va="center", color=colour)
        ax.grid(False)
        ax.set_xticks(range(matrix.shape[1]), [str(name) for name in matrix.columns])
        ax.set_yticks(range(matrix.shape[0]), [str(name) for name in matrix.index])
        ax.set_xlabel("Had they been")
        ax.set_ylabel("Group")
        ax.figure.colorbar(image, ax=ax, label="Share whose decision flips")

    def _draw_individuals(self, ax: Any, group: Any) -> None:
        rows = self.audit.rows.dropna(subset=["largest_difference"])
        if group is not None:
            rows = rows[rows["group"] == group]
        rows = rows.sort_values("score", kind="stable")
        chosen = np.unique(np.linspace(0, len(rows) - 1, _MOST_SHOWN).astype(int))
        rows = rows.iloc[chosen]
        places = np.arange(len(rows))
        after = rows["score"] + rows["largest_difference"]
        ax.vlines(places, rows["lower"], rows["upper"], color=PALETTE[1], alpha=0.6)
        ax.plot(
            places, after, "o", ms=4, color=PALETTE[1], label="had they been others"
        )
        ax.plot(places, rows["score"], "o", ms=4, color=PALETTE[0], label="as they are")
        ax.set_xlabel("Rows, by their score")
        ax.set_ylabel("Score")
        ax.set_xticks([])
        ax.legend(frameon=False)
