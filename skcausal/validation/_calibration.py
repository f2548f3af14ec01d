"""Calibration: do predicted effects have the size of the actual effects."""

from typing import Any

import numpy as np
import pandas as pd

from skcausal.validation._deciles import bin_table, check_n_bins
from skcausal.validation._ranking import resolve_ranking


def calibration_curve(
    effects: Any,
    y: Any = None,
    treatment: Any = None,
    *,
    scores: Any = None,
    propensity: Any = None,
    sample_weight: Any = None,
    n_bins: int = 10,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute mean predicted and mean actual effects within bins of the prediction.

    Parameters
    ----------
    effects : array-like of shape (n,)
        Predicted effects, in the units of ``y``, of rows that neither fitting nor
        selection saw.
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
    n_bins : int, default=10
        Number of bins of equal (weighted) share; tied rows stay together.

    Returns
    -------
    predicted : ndarray of shape (m,)
        Mean predicted effect of the m <= n_bins bins, increasing.
    observed : ndarray of shape (m,)
        Mean score of the same bins: an unbiased estimate of their average effect.

    See Also
    --------
    uplift_by_decile : The same bins as a table with standard errors.

    Notes
    -----
    Assumes that scores are conditionally unbiased for the effect, as
    :func:`qini_curve` explains. Predictions are calibrated if E[effect | prediction]
    equals the prediction: points on the identity line.

    References
    ----------
    Dwivedi, Tan, Park, Wei, Horgan, Madigan and Yu (2020), "Stable discovery of
    interpretable subgroups via calibration in causal studies", International
    Statistical Review 88, S135-S178.

    Examples
    --------
    >>> from skcausal.validation import calibration_curve
    >>> predicted, observed = calibration_curve(
    ...     [3, 2, 1, 0], scores=[4.0, 2.0, 0.0, -2.0], n_bins=2
    ... )
    >>> predicted.tolist(), observed.tolist()
    ([0.5, 2.5], [-1.0, 3.0])
    """
    owner = "calibration_curve"
    ranking = resolve_ranking(
        owner, effects, y, treatment, scores, propensity, sample_weight
    )
    table = bin_table(ranking, check_n_bins(n_bins, owner), 0.95, owner)[::-1]
    return table["predicted"].to_numpy(), table["estimate"].to_numpy()


def calibration_score(
    effects: Any,
    y: Any = None,
    treatment: Any = None,
    *,
    scores: Any = None,
    propensity: Any = None,
    sample_weight: Any = None,
    n_bins: int = 10,
) -> float:
    """Compute how much better calibrated the effects are than a constant effect.

    Parameters
    ----------
    effects : array-like of shape (n,)
        Predicted effects, in the units of ``y``, of rows that neither fitting nor
        selection saw.
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
    n_bins : int, default=10
        Number of bins of equal (weighted) share; tied rows stay together.

    Returns
    -------
    score : float
        At most 1 (every bin's mean prediction is its mean score); 0 is as good as
        predicting the average effect for everyone; negative is worse. A single bin
        (constant predictions) scores 0.0: it explains no difference between rows.

    See Also
    --------
    calibration_curve : The bins behind this number.

    Notes
    -----
    Assumes that scores are conditionally unbiased for the effect, as
    :func:`qini_curve` explains. With share w_b, mean score s_b and mean prediction
    m_b of bin b and overall mean score s,
    ``score = 1 - sum_b w_b |s_b - m_b| / sum_b w_b |s_b - s|``. Noise adds to both
    sums: with few rows per bin or little heterogeneity even the true effects may
    score below 0, so compare scores of the same rows only.

    References
    ----------
    Dwivedi, Tan, Park, Wei, Horgan, Madigan and Yu (2020), "Stable discovery of
    interpretable subgroups via calibration in causal studies", International
    Statistical Review 88, S135-S178.

    Examples
    --------
    >>> from skcausal.validation import calibration_score
    >>> calibration_score([3, 2, 1, 0], scores=[4.0, 2.0, 0.0, -2.0], n_bins=2)
    0.5
    """
    owner = "calibration_score"
    ranking = resolve_ranking(
        owner, effects, y, treatment, scores, propensity, sample_weight
    )
    table = bin_table(ranking, check_n_bins(n_bins, owner), 0.95, owner)
    return calibration_of_table(table)


def calibration_of_table(table: pd.DataFrame) -> float:
    """Return the calibration score of a table of uplift_by_decile."""
    share, estimate = table["share"].to_numpy(), table["estimate"].to_numpy()
    baseline = share @ np.abs(estimate - share @ estimate)
    if len(table) == 1 or baseline == 0:
        return 0.0
    distance = share @ np.abs(estimate - table["predicted"].to_numpy())
    return float(1 - distance / baseline)
