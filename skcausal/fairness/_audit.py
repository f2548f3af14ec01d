"""What an audit found."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class FairnessAudit:
    r"""What `CounterfactualFairnessAuditor.audit` found.

    Parameters
    ----------
    rows : DataFrame
        Per row: ``group``; ``score`` and ``decision`` as they are; ``world``, the
        other value with the largest absolute difference; ``largest_difference``, score
        there less score as it is; ``lower`` and ``upper``, 5 and 95 % of the score
        there over draws; ``mean_difference``, mean absolute difference over the other
        values; ``flip_probability``, the largest over the other values; and
        ``outside_support``. NaN in groups of fewer than 50 rows.
    scores : DataFrame of shape (n, n_values)
        Mean score of each row in each world.
    pairs : DataFrame
        Per pair (from, to): ``n``, ``mean_difference`` (signed),
        ``mean_absolute_difference``, ``flip_probability``, ``total_variation`` of
        scores, ``outside_support`` (share of rows).
    groups : DataFrame
        Per group: ``n``, ``mean_score``, ``unfairness``, ``standard_error``,
        ``mean_difference``, ``flip_probability``, ``outside_support``; with an outcome
        also the columns of `group_metrics`.
    bounds : DataFrame
        Per pair (from, to), for decisions: ``lower`` and ``upper``, between which the
        share of flips lies whatever the coupling of the noise.
    summary : Series
        ``unfairness``, its ``standard_error``, ``mean_difference``, ``percentile_95``
        of the largest differences, ``total_variation``, ``flip_probability``,
        ``noise_floor`` (unfairness where each row keeps its own value), ``p_value`` (no
        mean shift in any pair; NaN without refits) and ``outside_support``.
    replicates : ndarray of shape (n_replicates,)
        Unfairness of resampled rows, of a refitted model where asked for.
    exact : bool
        Whether each row has one counterfactual per value: the noise follows from the
        row. Otherwise flips rest on ``coupling``, which no data can test.
    n_counterfactuals : int
        Draws per row and value; 1 if exact.
    coupling : str
        How noise is shared between worlds.
    n_refits : int
        Structural models fitted anew for ``replicates``; with 0 these know nothing of
        the error of the structural model.
    density : dict
        Scores binned for the plot: ``edges``, ``before`` and ``after``.

    Notes
    -----
    Assumes the structural model: another model gives another answer. With
    :math:`\delta_i(a')` the mean score of row i had its attribute been a', less its
    score, unfairness is :math:`n^{-1} \sum_i \max_{a'} |\delta_i(a')|`, in units of
    the score.

    References
    ----------
    Kusner, M. J., Loftus, J., Russell, C., & Silva, R. (2017). Counterfactual
    fairness. NeurIPS 30. https://arxiv.org/abs/1703.06856

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.fairness import CounterfactualFairnessAuditor
    >>> from skcausal.graphs import CausalGraph
    >>> rng = np.random.default_rng(0)
    >>> group = rng.integers(2, size=400)
    >>> frame = pd.DataFrame({"group": group, "test": group + rng.normal(size=400)})
    >>> graph = CausalGraph([("group", "test")])
    >>> auditor = CounterfactualFairnessAuditor(graph, "group")
    >>> predictor = LinearRegression().fit(frame[["test"]], 2.0 * frame["test"])
    >>> audit = auditor.fit(frame).audit(predictor, frame)
    >>> audit.exact, round(audit.unfairness, 1)
    (True, 2.2)
    """

    rows: pd.DataFrame
    scores: pd.DataFrame
    pairs: pd.DataFrame
    groups: pd.DataFrame
    bounds: pd.DataFrame
    summary: pd.Series
    replicates: np.ndarray
    exact: bool
    n_counterfactuals: int
    coupling: str
    n_refits: int
    density: dict[str, Any] = field(repr=False)

    @property
    def unfairness(self) -> float:
        """Mean over rows of the largest difference, in units of the score."""
        return float(self.summary["unfairness"])

    @property
    def flip_matrix(self) -> pd.DataFrame:
        """Flip probability of each pair: a row per own value, a column per other."""
        return self.pairs["flip_probability"].unstack("to")

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return a percentile interval of unfairness by the bootstrap.

        Parameters
        ----------
        level : float, default=0.95
            Coverage.

        Returns
        -------
        lower, upper : float
            Ends of the interval. Without refits it is that of the given structural
            model. It never holds zero unless every replicate is zero: absolute values
            of what is estimated are positive.

        Raises
        ------
        ValueError
            If the level is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError(
                f"FairnessAudit.interval: level must be between 0 and 1, got {level!r}."
            )
        tails = [(1 - level) / 2, (1 + level) / 2]
        lower, upper = np.quantile(self.replicates, tails)
        return float(lower), float(upper)

    def to_frame(self) -> pd.DataFrame:
        """Return the rows, with the mean score in each world beside them.

        Returns
        -------
        frame : DataFrame of shape (n, n_columns)
            ``rows`` and a column ``score_if_<value>`` per value.
        """
        named = self.scores.rename(columns=lambda value: f"score_if_{value}")
        return self.rows.join(named)

    def plot(self, kind: str = "density", *, group: Any = None, ax: Any = None) -> Any:
        """Draw the audit.

        Parameters
        ----------
        kind : {"density", "flips", "individuals"}, default="density"
            Scores before and after, the matrix of flips, or each row's range.
        group : value, default=None
            Whose; None takes the group with the largest mean difference for the
            density, all groups for the others.
        ax : matplotlib Axes, default=None
            Axes to draw on. Default: those of a new figure.

        Returns
        -------
        display : FairnessAuditDisplay
            The display, plotted.
        """
        from skcausal.fairness._display import FairnessAuditDisplay

        return FairnessAuditDisplay.from_audit(self, kind=kind, group=group, ax=ax)

    def __repr__(self) -> str:
        """Show the summary, the pairs, and on what they rest."""
        basis = (
            "one counterfactual per row and value: the noise follows from the row"
            if self.exact
            else f"{self.n_counterfactuals} draws per row and value, coupling "
            f"{self.coupling!r}, which no data can test"
        )
        return (
            f"FairnessAudit ({basis})\n{self.summary.round(4).to_string()}\n\n"
            f"{self.pairs.round(4).to_string()}"
        )
