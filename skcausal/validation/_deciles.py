"""Average effects within bins of the predicted effect."""

from typing import Any

import numpy as np
import pandas as pd

from skcausal.inference import group_effects
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


def check_n_bins(n_bins: Any, owner: str, name: str = "n_bins") -> int:
    """Return a positive number of bins as an integer."""
    whole = isinstance(n_bins, (int, np.integer)) and not isinstance(n_bins, bool)
    if not whole or n_bins < 1:
        raise ValueError(
            f"{owner}: {name} must be a positive integer, got {n_bins!r}. Use for "
            f"example {name}=10."
        )
    return int(n_bins)


def bin_table(ranking: Ranking, n_bins: int, level: float, owner: str) -> pd.DataFrame:
    """Average scores within bins of the predicted effect; see uplift_by_decile."""
    z = normal_quantile(level, owner)
    bins = effect_bins(ranking.effects, ranking.weights, n_bins)
    found = group_effects(
        ranking.scores, bins, weights=ranking.weights, groups=ranking.groups
    )
    estimate = np.atleast_1d(found.value)
    half = z * np.atleast_1d(found.standard_error)
    table = pd.DataFrame(
        {
            "estimate": estimate,
            "standard_error": found.standard_error,
            "lower": estimate - half,
            "upper": estimate + half,
        },
        index=pd.Index(found.labels, name="bin"),
    )
    return table.join(bin_contents(ranking.effects, ranking.weights, bins))


def bin_contents(
    effects: np.ndarray, weights: np.ndarray, bins: np.ndarray
) -> pd.DataFrame:
    """Return mean prediction, share of the weight and number of rows of each bin."""
    labels, codes, count = np.unique(bins, return_inverse=True, return_counts=True)
    mass = np.bincount(codes, weights=weights)
    return pd.DataFrame(
        {
            "predicted": np.bincount(codes, weights=weights * effects) / mass,
            "share": mass / mass.sum(),
            "n_rows": count,
        },
        index=pd.Index(labels, name="bin"),
    )


def effect_bins(effects: np.ndarray, weights: np.ndarray, n_bins: int) -> np.ndarray:
    """Return the bin of every row, 1 = largest effects, in the order of the rows.

    Tie groups are whole, by their middle rank.
    """
    order = np.argsort(-effects, kind="stable")
    bins = np.empty(len(effects), dtype=int)
    bins[order] = _bins_of_sorted(effects[order], weights[order], n_bins)
    return bins + 1


def _bins_of_sorted(
    effects: np.ndarray, weights: np.ndarray, n_bins: int
) -> np.ndarray:
    starts = tie_starts(effects)
    sizes = np.diff(np.append(starts, len(effects)))
    weight = np.add.reduceat(weights, starts)
    middle = (np.cumsum(weight) - weight / 2) / weight.sum()
    # The small constant keeps a middle rank that falls on a limit from rounding down.
    bins = np.minimum(np.floor(middle * n_bins + 1e-9), n_bins - 1).astype(int)
    return np.repeat(bins, sizes)
