"""Targeting operator characteristic (TOC) and rank-weighted average effects (RATE)."""

from typing import Any

import numpy as np

from skcausal.inference._bootstrap import BootstrapEstimate, half_sample_replicates
from skcausal.validation._ranking import (
    Ranking,
    gain_points,
    resolve_ranking,
    tie_starts,
)
from skcausal.validation._uplift import qini_area


def toc_curve(
    effects: Any,
    y: Any = None,
    treatment: Any = None,
    *,
    scores: Any = None,
    propensity: Any = None,
    sample_weight: Any = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Compute how much larger the effect is in the top fraction than in everyone.

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
    fractions : ndarray of shape (m,)
        Fraction of (weighted) rows treated, in (0, 1]; one point after each of the m
        distinct predicted effects.
    toc : ndarray of shape (m,)
        Average effect of the top fraction minus that of everyone, in the units of
        ``y``; 0 at fraction 1.

    See Also
    --------
    rate_score : Area under this curve (AUTOC) with a standard error.
    qini_curve : The same comparison as a total instead of an average.

    Notes
    -----
    Assumes that scores are conditionally unbiased for the effect, as
    :func:`qini_curve` explains. ``TOC(q) = mean of scores in the top fraction q -
    mean of all scores``, an estimate of E[Y(1) - Y(0) | F(effect) >= 1 - q] -
    E[Y(1) - Y(0)].

    References
    ----------
    Yadlowsky, Fleming, Shah, Brunskill and Wager (2025), "Evaluating treatment
    prioritization rules via rank-weighted average treatment effects", JASA,
    arXiv:2111.07966, Section 2.

    Examples
    --------
    >>> from skcausal.validation import toc_curve
    >>> fractions, toc = toc_curve([3, 2, 1, 0], scores=[4.0, 2.0, 0.0, -2.0])
    >>> fractions.tolist()
    [0.25, 0.5, 0.75, 1.0]
    >>> toc.tolist()
    [3.0, 2.0, 1.0, 0.0]
    """
    ranking = resolve_ranking(
        "toc_curve", effects, y, treatment, scores, propensity, sample_weight
    )
    fractions, gains = gain_points(ranking)
    fractions, gains = fractions[1:], gains[1:]
    return fractions, gains / fractions - gains[-1]


def rate_score(
    effects: Any,
    y: Any = None,
    treatment: Any = None,
    *,
    scores: Any = None,
    propensity: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    weighting: str = "autoc",
    n_bootstrap: int = 200,
    random_state: Any = None,
) -> BootstrapEstimate:
    """Compute the rank-weighted average treatment effect with its standard error.

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
    groups : array-like of shape (n,), default=None
        Cluster labels: the bootstrap draws half of the clusters.
    weighting : {"autoc", "qini"}, default="autoc"
        "autoc" weighs all fractions alike and has more power if few rows respond;
        "qini" weighs by the fraction treated and has more power if many do.
    n_bootstrap : int, default=200
        Number of half-samples.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the half-samples.

    Returns
    -------
    rate : BootstrapEstimate
        Area under the (weighted) TOC curve, in the units of ``y``, with
        ``standard_error``, ``interval`` and the ``p_value`` of "the order of the rows
        says nothing about their effects" (value 0).

    Raises
    ------
    ValueError
        If ``weighting`` is unknown or fewer than four rows (groups) are given, or as
        :func:`qini_curve`.

    See Also
    --------
    toc_curve : The curve under which this is the area.
    qini_score : The value for ``weighting="qini"``.

    Notes
    -----
    Assumes conditionally unbiased scores (see :func:`qini_curve`) of independent rows
    or clusters, and effects that were fitted and selected on other rows: otherwise
    the test rejects far too often.

    AUTOC is ``sum_i w_i TOC(q_i) / sum_i w_i`` over sorted rows, with q_i the
    weighted fraction through row i and scores and weights averaged within ties; QINI
    is ``integral of q TOC(q) over q``. Without ties the AUTOC is the sample estimator
    of the paper, with equal weights so is QINI. The standard error is the standard
    deviation over halves of the rows drawn without replacement, each ranked anew;
    scores are taken as given. With ``y`` and ``treatment`` that is on the safe side if
    the outcome moves with the effects: doubly robust scores have more power.

    References
    ----------
    Yadlowsky, Fleming, Shah, Brunskill and Wager (2025), "Evaluating treatment
    prioritization rules via rank-weighted average treatment effects", JASA,
    arXiv:2111.07966, Sections 2 and 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.validation import rate_score
    >>> rng = np.random.default_rng(0)
    >>> effects = rng.uniform(size=1000)
    >>> rate = rate_score(effects, scores=effects + rng.normal(size=1000),
    ...                   random_state=0)
    >>> print(f"AUTOC {rate.value:.2f}, standard error {rate.standard_error:.2f}")
    AUTOC 0.26, standard error 0.03
    """
    if weighting not in RATES:
        raise ValueError(
            f"rate_score: weighting must be 'autoc' or 'qini', got {weighting!r}."
        )
    ranking = resolve_ranking(
        "rate_score", effects, y, treatment, scores, propensity, sample_weight, groups
    )
    rate = RATES[weighting]
    replicates = half_sample_replicates(
        lambda rows: rate(ranking.take(rows)),
        len(ranking.effects),
        ranking.groups,
        n_bootstrap,
        random_state,
    )
    return BootstrapEstimate(rate(ranking), replicates)


def autoc_area(ranking: Ranking) -> float:
    """Return the area under the TOC; exactly 0 if all rows are tied."""
    starts = tie_starts(ranking.effects)
    if len(starts) == 1:
        return 0.0
    # A common shift cancels; without it equal scores would leave rounding errors.
    weights = ranking.weights
    totals = weights * (ranking.scores - ranking.scores[0])
    if len(starts) < len(weights):
        sizes = np.diff(np.append(starts, len(weights)))
        totals = np.repeat(np.add.reduceat(totals, starts) / sizes, sizes)
        weights = np.repeat(np.add.reduceat(weights, starts) / sizes, sizes)
    share = np.cumsum(weights)
    mean_above = np.cumsum(totals) / share
    return float(weights @ mean_above / share[-1] - mean_above[-1])


RATES = {"autoc": autoc_area, "qini": qini_area}
