"""Gains from treating the rows with the largest predicted effects first."""

from dataclasses import replace
from typing import Any

import numpy as np

from skcausal.validation._ranking import (
    Ranking,
    area,
    gain_points,
    resolve_ranking,
)


def qini_curve(
    effects: Any,
    y: Any = None,
    treatment: Any = None,
    *,
    scores: Any = None,
    propensity: Any = None,
    sample_weight: Any = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the gain from treating the top fraction by predicted effect.

    Parameters
    ----------
    effects : array-like of shape (n,)
        Predicted effects of rows that neither fitting nor selection saw; only their
        order matters.
    y : array-like of shape (n,), default=None
        Outcome of a randomised design.
    treatment : array-like of shape (n,), default=None
        Treatment of a randomised design, 0 or 1.
    scores : array-like of shape (n,), default=None
        Doubly robust effect scores, in the units of the outcome; for observational
        data, instead of ``y`` and ``treatment``.
    propensity : float or array-like of shape (n,), default=None
        Known probability of treatment, with ``y`` and ``treatment``. Default: the
        treated share.
    sample_weight : array-like of shape (n,), default=None
        Non-negative weights of the rows.

    Returns
    -------
    fractions : ndarray of shape (m + 1,)
        Fraction of (weighted) rows treated, from 0 to 1; one point after each of the m
        distinct predicted effects. Between points the curve is a straight line.
    gains : ndarray of shape (m + 1,)
        Gain in the units of ``y`` per row of the whole sample; the last one is the
        average effect of treating everyone.

    Raises
    ------
    ValueError
        If lengths differ, a value is not finite, ``effects`` has several columns,
        ``treatment`` is not binary, or neither or both of ``scores`` and ``y`` with
        ``treatment`` are given.

    See Also
    --------
    qini_score : Area between this curve and random targeting.
    toc_curve : Average effect among the treated fraction, relative to everyone.

    Notes
    -----
    Assumes that scores are conditionally unbiased for the effect: E[s | X] equals the
    conditional effect. Doubly robust scores are under unconfoundedness and overlap,
    those computed from ``y`` and ``treatment`` by randomisation:
    ``s = (t - p) / (p (1 - p)) * (y - c)``, ``c = (1 - p) mean(y | t = 1) +
    p mean(y | t = 0)``.

    The curve is ``gain(q) = sum of s over the top fraction q / n``; it estimates
    E[(Y(1) - Y(0)) 1{effect in the top fraction q}]. Tied rows share their scores
    equally, so the order of the rows does not matter. It is not divided by the
    number of treated or by a perfect curve, which would depend on noise.

    References
    ----------
    Radcliffe (2007), "Using control groups to target on predicted lift", Direct
    Marketing Analytics Journal.
    Yadlowsky et al. (2025), arXiv:2111.07966.

    Examples
    --------
    >>> from skcausal.validation import qini_curve
    >>> fractions, gains = qini_curve([3, 2, 1, 0], scores=[4.0, 2.0, 0.0, -2.0])
    >>> fractions.tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    >>> gains.tolist()
    [0.0, 1.0, 1.5, 1.5, 1.0]
    """
    ranking = resolve_ranking(
        "qini_curve", effects, y, treatment, scores, propensity, sample_weight
    )
    return gain_points(ranking)


def qini_score(
    effects: Any,
    y: Any = None,
    treatment: Any = None,
    *,
    scores: Any = None,
    propensity: Any = None,
    sample_weight: Any = None,
) -> float:
    """Compute the area between the gain curve and random targeting.

    Parameters
    ----------
    effects : array-like of shape (n,)
        Predicted effects of rows that neither fitting nor selection saw; only their
        order matters.
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

    Returns
    -------
    score : float
        Area in the units of ``y`` per row; 0 for a random order, larger is better.

    See Also
    --------
    qini_curve : The curve, and the meaning of the scores.
    rate_score : The same number (``weighting="qini"``) with a standard error.

    Notes
    -----
    Assumes what :func:`qini_curve` assumes. The score is
    ``integral of gain(q) - q * gain(1) over q in [0, 1]``, unnormalised: divided by
    the area of a perfect order it would be unit-free, but that order is not known
    from noisy scores.

    References
    ----------
    Radcliffe (2007), "Using control groups to target on predicted lift".

    Examples
    --------
    >>> from skcausal.validation import qini_score
    >>> qini_score([3, 2, 1, 0], scores=[4.0, 2.0, 0.0, -2.0])
    0.625
    """
    ranking = resolve_ranking(
        "qini_score", effects, y, treatment, scores, propensity, sample_weight
    )
    return qini_area(ranking)


def qini_area(ranking: Ranking) -> float:
    """Return the area between gain curve and chord; exactly 0 if all rows are tied."""
    # A common shift cancels; without it equal scores would leave rounding errors.
    scores = ranking.scores - ranking.scores[0]
    fractions, gains = gain_points(replace(ranking, scores=scores))
    if len(fractions) == 2:
        return 0.0
    return area(fractions, gains - fractions * gains[-1])


def auuc_score(
    effects: Any,
    y: Any = None,
    treatment: Any = None,
    *,
    scores: Any = None,
    propensity: Any = None,
    sample_weight: Any = None,
) -> float:
    """Compute the area under the gain (uplift) curve.

    Parameters
    ----------
    effects : array-like of shape (n,)
        Predicted effects of rows that neither fitting nor selection saw; only their
        order matters.
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

    Returns
    -------
    score : float
        Area in the units of ``y`` per row: the mean gain when the fraction treated is
        uniform on [0, 1]. Random order gives half the average effect.

    See Also
    --------
    qini_score : The part of this area that the order earns.

    Notes
    -----
    Assumes what :func:`qini_curve` assumes. The score is
    ``integral of gain(q) over q in [0, 1] = qini_score + average effect / 2``,
    unnormalised.

    References
    ----------
    Rzepakowski and Jaroszewicz (2012), "Decision trees for uplift modeling with
    single and multiple treatments", Knowledge and Information Systems 32.

    Examples
    --------
    >>> from skcausal.validation import auuc_score
    >>> auuc_score([3, 2, 1, 0], scores=[4.0, 2.0, 0.0, -2.0])
    1.125
    """
    ranking = resolve_ranking(
        "auuc_score", effects, y, treatment, scores, propensity, sample_weight
    )
    return area(*gain_points(ranking))


def uplift_at_k(
    effects: Any,
    y: Any = None,
    treatment: Any = None,
    *,
    scores: Any = None,
    propensity: Any = None,
    sample_weight: Any = None,
    k: float = 0.3,
) -> float:
    """Compute the average effect among the top fraction ``k`` by predicted effect.

    Parameters
    ----------
    effects : array-like of shape (n,)
        Predicted effects of rows that neither fitting nor selection saw; only their
        order matters.
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
    k : float, default=0.3
        Fraction of the rows, in (0, 1].

    Returns
    -------
    uplift : float
        Average effect in the units of ``y`` per row of the top fraction.

    Raises
    ------
    ValueError
        If ``k`` is outside (0, 1], or as :func:`qini_curve`.

    Notes
    -----
    Assumes what :func:`qini_curve` assumes. The uplift is ``gain(k) / k``: the mean
    score of the top fraction, where a row or a tie that straddles the limit counts in
    proportion. ``uplift_at_k(k) - uplift_at_k(1)`` is TOC(k).

    References
    ----------
    Yadlowsky et al. (2025), arXiv:2111.07966.

    Examples
    --------
    >>> from skcausal.validation import uplift_at_k
    >>> uplift_at_k([3, 2, 1, 0], scores=[4.0, 2.0, 0.0, -2.0], k=0.5)
    3.0
    """
    if not 0 < k <= 1:
        raise ValueError(
            f"uplift_at_k: k must be a fraction in (0, 1], got {k!r}. For a number of "
            "rows divide by len(effects)."
        )
    ranking = resolve_ranking(
        "uplift_at_k", effects, y, treatment, scores, propensity, sample_weight
    )
    fractions, gains = gain_points(ranking)
    return float(np.interp(k, fractions, gains) / k)
