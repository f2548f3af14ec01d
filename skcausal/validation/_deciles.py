"""Average effects within bins of the predicted effect."""

from typing import Any

import numpy as np
import pandas as pd

from skcausal.inference._bootstrap import normal_quantile
from skcausal.validation._ranking import Ranking, resolve_ranking, tie_starts


def uplift_by_decile(
    effects: Any,
    y: Any = None,
    treatment: Any = None,
    *,
    scores: Any = None,
    propensity: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    n_bins: int = 10,
    level: float = 0.95,
) -> pd.DataFrame:
    """Compute the average effect within bins of the predicted effect.

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
    n_bins : int, default=10
        Number of bins of equal (weighted) share.
    level : float, default=0.95
        Coverage of the intervals.

    Returns
    -------
    table : DataFrame
        One row per bin, indexed by ``bin`` with 1 = largest predicted effects.
        Columns in the units of ``y``: ``estimate`` (mean score), ``standard_error``,
        ``lower``, ``upper``, ``predicted`` (mean predicted effect); and ``share`` of
        the (weighted) rows, ``n_rows``. Standard errors of bins with a single row (or
        group) are NaN.

    Raises
    ------
    ValueError
        If ``n_bins`` is not a positive integer or ``level`` not inside (0, 1), or as
        :func:`qini_curve`.

    Notes
    -----
    Assumes what :func:`qini_curve` assumes; intervals are pointwise and take the bins
    as given. A bin's estimate is ``m = sum w s / sum w``, its variance
    ``n / (n - 1) * sum (w (s - m))^2 / (sum w)^2``, with sums within clusters before
    squaring if ``groups`` are given. Tied rows are never separated: they go to the
    bin of their middle rank, so there may be fewer bins than asked for, of unequal
    share.

    References
    ----------
    Chernozhukov, Demirer, Duflo and Fernandez-Val (2025), "Fisher-Schultz lecture:
    Generic machine learning inference on heterogeneous treatment effects",
    Econometrica, Section 2.3 (sorted group average treatment effects).

    Examples
    --------
    >>> from skcausal.validation import uplift_by_decile
    >>> table = uplift_by_decile(
    ...     [3, 2, 1, 0], scores=[4.0, 2.0, 0.0, -2.0], n_bins=2
    ... )
    >>> table[["estimate", "standard_error", "predicted", "share"]]
         estimate  standard_error  predicted  share
    bin
    1         3.0             1.0        2.5    0.5
    2        -1.0             1.0        0.5    0.5
    """
    owner = "uplift_by_decile"
    ranking = resolve_ranking(
        owner, effects, y, treatment, scores, propensity, sample_weight, groups
    )
    return bin_table(ranking, check_n_bins(n_bins, owner), level, owner)


def check_n_bins(n_bins: Any, owner: str) -> int:
    """Return a positive number of bins as an integer."""
    whole = isinstance(n_bins, (int, np.integer)) and not isinstance(n_bins, bool)
    if not whole or n_bins < 1:
        raise ValueError(
            f"{owner}: n_bins must be a positive integer, got {n_bins!r}. Use for "
            "example n_bins=10."
        )
    return int(n_bins)


def bin_table(ranking: Ranking, n_bins: int, level: float, owner: str) -> pd.DataFrame:
    """Average scores within bins of the predicted effect; see uplift_by_decile."""
    z = normal_quantile(level, owner)
    bins = _bins(ranking, n_bins)
    total = ranking.weights.sum()
    rows = []
    for number in np.unique(bins):
        chosen = bins == number
        weights, scores = ranking.weights[chosen], ranking.scores[chosen]
        estimate = weights @ scores / weights.sum()
        codes = None if ranking.groups is None else ranking.groups[chosen]
        error = _standard_error(weights * (scores - estimate), codes) / weights.sum()
        rows.append(
            {
                "bin": int(number) + 1,
                "estimate": estimate,
                "standard_error": error,
                "lower": estimate - z * error,
                "upper": estimate + z * error,
                "predicted": weights @ ranking.effects[chosen] / weights.sum(),
                "share": weights.sum() / total,
                "n_rows": int(chosen.sum()),
            }
        )
    return pd.DataFrame(rows).set_index("bin")


def _bins(ranking: Ranking, n_bins: int) -> np.ndarray:
    """Return the bin of every row: tie groups are whole, by their middle rank."""
    starts = tie_starts(ranking.effects)
    sizes = np.diff(np.append(starts, len(ranking.effects)))
    weight = np.add.reduceat(ranking.weights, starts)
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    # The small constant keeps a middle rank that falls on a limit from rounding down.
    bins = np.minimum(np.floor(middle * n_bins + 1e-9), n_bins - 1).astype(int)
    return np.repeat(bins, sizes)


def _standard_error(residuals: np.ndarray, codes: np.ndarray | None) -> float:
    """Return the standard error of a sum of centred, possibly clustered terms."""
    if codes is not None:
        _, compact = np.unique(codes, return_inverse=True)
        residuals = np.bincount(compact, weights=residuals)
    count = len(residuals)
    if count < 2:
        return float("nan")
    return float(np.sqrt(count / (count - 1) * (residuals @ residuals)))
