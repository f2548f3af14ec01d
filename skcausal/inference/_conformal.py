"""Conformal quantiles: how far off a new row may be, from rows held out."""

from typing import Any

import numpy as np


def conformal_quantile(
    scores: Any,
    level: float,
    *,
    weights: Any = None,
    new_weights: Any = 1.0,
) -> np.ndarray:
    r"""Return a bound on the score of new rows that holds with a given probability.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Scores of calibration rows: how far each lies outside its prediction.
    level : float
        Probability in (0, 1) that the score of a new row is not above the bound.
    weights : array-like of shape (n,), default=None
        How much likelier each calibration row is among new rows; None is 1.
    new_weights : float or array-like of shape (m,), default=1.0
        The same weights for the new rows.

    Returns
    -------
    bound : ndarray of shape (m,)
        Bound for each new row; infinite where calibration rows are too few.

    Raises
    ------
    ValueError
        If ``level`` is not strictly between 0 and 1.

    Notes
    -----
    Assumes that calibration rows and the new one are exchangeable, once weighted. With
    :math:`p_i = w_i / (\sum_j w_j + w)`, the bound is the ``level`` quantile of the
    distribution that has mass :math:`p_i` at score i and the rest at infinity.

    References
    ----------
    Tibshirani, R. J., Barber, R. F., Candès, E. J., & Ramdas, A. (2019). Conformal
    prediction under covariate shift. NeurIPS. https://arxiv.org/abs/1904.06019

    Examples
    --------
    >>> from skcausal.inference import conformal_quantile
    >>> conformal_quantile([4.0, 1.0, 3.0, 2.0], 0.75)
    array([4.])
    >>> conformal_quantile([4.0, 1.0, 3.0, 2.0], 0.95)
    array([inf])
    """
    if not 0 < level < 1:
        raise ValueError(
            f"conformal_quantile: level must lie between 0 and 1, got {level}."
        )
    values = np.asarray(scores, dtype=float)
    own = np.ones_like(values) if weights is None else np.asarray(weights, dtype=float)
    new = np.atleast_1d(np.asarray(new_weights, dtype=float))
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(own[order])
    needed = level * (own.sum() + new)
    # Sums of many weights: a share that is reached must not be missed by rounding.
    position = np.searchsorted(reached, needed * (1 - 1e-12), side="left")
    return np.append(values[order], np.inf)[position]
