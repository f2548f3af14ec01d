"""Formulas of heterogeneity: best linear predictor, group effects, medians."""

from dataclasses import replace
from typing import Any

import numpy as np

from skcausal.inference._effect_estimate import EffectEstimate
from skcausal.inference._projection import best_linear_projection


def best_linear_predictor(
    scores: Any,
    effects: Any,
    *,
    denominator: Any = None,
    weights: Any = None,
    groups: Any = None,
    row_key: str = "",
) -> EffectEstimate:
    r"""Regress scores of effects on predicted effects: average and loading.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Orthogonal scores of the effect, in its units.
    effects : array-like of shape (n,)
        Effects predicted for these rows by a model that has not seen them.
    denominator : array-like of shape (n,), default=None
        Weight of a row where the score is a numerator of its own, such as squared
        treatment residuals; None is one.
    weights : array-like of shape (n,), default=None
        Weights of the rows.
    groups : array-like of shape (n,), default=None
        Cluster of each row.
    row_key : str, default=""
        Identifies the rows, see :class:`EffectEstimate`.

    Returns
    -------
    estimate : EffectEstimate
        "average", in the units of the scores, and "heterogeneity", the loading: 0 if
        predictions say nothing about effects, 1 if they have the right size.

    Raises
    ------
    ValueError
        If all effects are equal, shapes differ, or values are not finite.

    Notes
    -----
    Assumes independent rows (or groups), and scores that are right on average given
    what the predictions are made of. Coefficients and jackknife errors are those of
    :func:`best_linear_projection` on the centred predictions
    :math:`\hat\tau_i - \sum_j w_j \hat\tau_j / \sum_j w_j`. Without denominators the
    loading estimates :math:`\mathrm{Cov}(\tau, \hat\tau) / \mathrm{Var}(\hat\tau)`.

    References
    ----------
    Chernozhukov, V., Demirer, M., Duflo, E., & Fernandez-Val, I. (2025). Fisher-Schultz
    lecture: Generic machine learning inference on heterogeneous treatment effects in
    randomized experiments. Econometrica, section 2. arXiv:1712.04802.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import best_linear_predictor
    >>> effects = np.linspace(0, 1, 400)
    >>> scores = 2 * effects + np.random.default_rng(0).normal(size=400)
    >>> best_linear_predictor(scores, effects).value.round(1)
    array([1. , 1.8])
    """
    owner = "best_linear_predictor"
    tau = np.asarray(effects, dtype=float)
    if tau.ndim != 1 or not np.isfinite(tau).all():
        raise ValueError(
            f"{owner}: effects must be one-dimensional and finite, got shape "
            f"{tau.shape}. Predict one contrast per call."
        )
    used = tau if weights is None else tau[np.asarray(weights) > 0]
    if is_constant(used):
        raise ValueError(
            f"{owner}: all {used.shape[0]} effects are equal, so there is no predicted "
            "heterogeneity to test. Use a learner whose effects differ between rows."
        )
    centred = tau - np.average(tau, weights=weights)
    estimate = best_linear_projection(
        scores,
        centred[:, None],
        denominator=denominator,
        weights=weights,
        groups=groups,
        labels=("heterogeneity",),
        row_key=row_key,
    )
    labels = ("average", "heterogeneity")
    return replace(estimate, labels=labels, name="best linear predictor")


def group_effects(
    scores: Any,
    by: Any,
    *,
    weights: Any = None,
    groups: Any = None,
    row_key: str = "",
) -> EffectEstimate:
    r"""Average scores of effects within groups of rows.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Scores of the effect, right on average within each group, in its units.
    by : array-like of shape (n,)
        Group of each row, such as fifths of the predicted effect.
    weights : array-like of shape (n,), default=None
        Weights of the rows.
    groups : array-like of shape (n,), default=None
        Cluster of each row.
    row_key : str, default=""
        Identifies the rows, see :class:`EffectEstimate`.

    Returns
    -------
    estimate : EffectEstimate
        One value per distinct value of ``by``, in sorted order. The standard error of
        a group of a single row (or cluster) is NaN.

    Raises
    ------
    ValueError
        If shapes differ, or a group has no weight.

    Notes
    -----
    Assumes independent rows (or clusters), and groups that do not depend on the
    scores. Group g has the mean :math:`m_g = \sum_{i \in g} w_i s_i / W_g`, and row i
    in it the influence :math:`n\,c_g w_i (s_i - m_g) / W_g`, where :math:`c_g^2` is
    :math:`n_g / (n_g - 1)` up to the factor :math:`(n - 1) / n` with :math:`n_g`, n
    the numbers of rows or clusters. Without weights and clusters that is the usual
    :math:`s_g^2 / n_g`, which is HC2 of the regression on indicators of the groups.

    References
    ----------
    Chernozhukov, V., Demirer, M., Duflo, E., & Fernandez-Val, I. (2025). Fisher-Schultz
    lecture: Generic machine learning inference on heterogeneous treatment effects in
    randomized experiments. Econometrica, section 2. arXiv:1712.04802.

    Examples
    --------
    >>> from skcausal.inference import group_effects
    >>> estimate = group_effects([4.0, 2.0, 0.0, -2.0], ["a", "a", "b", "b"])
    >>> estimate.value, estimate.standard_error
    (array([ 3., -1.]), array([1., 1.]))
    """
    owner = "group_effects"
    score = np.asarray(scores, dtype=float)
    n = score.shape[0]
    weight = np.ones(n) if weights is None else np.asarray(weights, dtype=float)
    labels, codes = np.unique(np.asarray(by), return_inverse=True)
    if score.ndim != 1 or weight.shape != (n,) or codes.shape != (n,):
        raise ValueError(
            f"{owner}: scores, by and weights must have shape (n,), got {score.shape}, "
            f"{codes.shape} and {weight.shape}."
        )
    mass = np.bincount(codes, weights=weight)
    if not (mass > 0).all():
        empty = labels[mass <= 0].tolist()
        raise ValueError(
            f"{owner}: the groups {empty} have no weight. Leave their rows out."
        )
    value = np.bincount(codes, weights=weight * score) / mass
    factor = n * _small_sample_factor(codes, weight, groups) / mass
    influence = np.zeros((n, labels.shape[0]))
    influence[np.arange(n), codes] = factor[codes] * weight * (score - value[codes])
    return EffectEstimate.from_influence(
        value,
        influence,
        labels=tuple(labels.tolist()),
        groups=None if groups is None else np.asarray(groups),
        row_key=row_key,
        name="group effects",
    )


def _small_sample_factor(
    codes: np.ndarray, weight: np.ndarray, groups: Any
) -> np.ndarray:
    """Return what turns the n / (n - 1) of a variance into that of each group."""
    if groups is None:
        units, total = np.bincount(codes[weight > 0]), codes.shape[0]
    else:
        clusters = np.unique(np.asarray(groups), return_inverse=True)[1]
        total = clusters.max() + 1
        cells = np.unique((codes * total + clusters)[weight > 0])
        units = np.bincount(cells // total)
    share = np.where(units > 1, units / np.maximum(units - 1, 1), np.nan)
    return np.sqrt(share * (total - 1) / total)


def is_constant(values: np.ndarray) -> bool:
    """Tell whether values differ by no more than rounding errors."""
    spread = np.ptp(values)
    return bool(spread <= 1e-12 * max(float(np.abs(values).max()), 1e-300))


def split_level(level: float) -> float:
    """Return the level of each split's interval so that medians of bounds have level.

    The median of m lower bounds exceeds the truth only if half of them do, which by
    Markov's inequality is at most twice as likely as for one of them.
    """
    return 1 - (1 - level) / 2


def median_p_value(p_values: np.ndarray) -> np.ndarray:
    """Return twice the median p-value over splits (axis 0), at most one."""
    return np.minimum(1.0, 2 * np.median(p_values, axis=0))
