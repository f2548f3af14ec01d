"""Best linear projection: how effects vary with a few features, with inference."""

from typing import Any

import numpy as np

from skcausal.inference._effect_estimate import EffectEstimate
from skcausal.inference._least_squares import inverse_gram, leave_one_out_factors


def best_linear_projection(
    scores: Any,
    features: Any,
    *,
    denominator: Any = None,
    weights: Any = None,
    groups: Any = None,
    labels: tuple[Any, ...] = (),
    row_key: str = "",
) -> EffectEstimate:
    r"""Regress scores of effects on features, intercept first.

    Parameters
    ----------
    scores : array-like of shape (n,)
        Orthogonal scores of the effect, such as doubly robust ones, in its units.
    features : array-like of shape (n, d)
        What the effect is projected on; an intercept is added.
    denominator : array-like of shape (n,), default=None
        Weight of a row in the target population where the score is a numerator of its
        own, such as squared treatment residuals; None is one.
    weights : array-like of shape (n,), default=None
        Weights of the rows.
    groups : array-like of shape (n,), default=None
        Cluster of each row.
    labels : tuple of length d, default=()
        Names of the features; "x0", "x1", ... if empty.
    row_key : str, default=""
        Identifies the rows, see :class:`EffectEstimate`.

    Returns
    -------
    estimate : EffectEstimate
        "intercept" and one coefficient per feature.

    Raises
    ------
    ValueError
        If features are not finite or collinear, or shapes do not agree.

    Notes
    -----
    Assumes independent rows (or groups), and scores that are right on average given the
    features; the effect need not be linear. With :math:`z_i = (1, x_i)`, scores
    :math:`s_i`, denominators :math:`d_i` and weights :math:`w_i`,

    .. math:: \hat\beta = \Big(\sum_i w_i d_i z_i z_i'\Big)^{-1} \sum_i w_i z_i s_i

    estimates the coefficients of the best linear approximation of the effect.
    Influence values are those of the jackknife: how far :math:`\hat\beta` moves when a
    row (or group) is left out, which is HC3 (or CR3) up to the factor
    :math:`(m - 1) / m` for m rows or groups.

    References
    ----------
    Semenova, V., & Chernozhukov, V. (2021). Debiased machine learning of conditional
    average treatment effects and other causal functions. The Econometrics Journal,
    24(2), section 2. https://doi.org/10.1093/ectj/utaa027

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import best_linear_projection
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(500, 1))
    >>> scores = 1 + 2 * x[:, 0] + rng.normal(size=500)
    >>> best_linear_projection(scores, x, labels=("age",)).value.round(1)
    array([0.9, 2. ])
    """
    score, Z, mass, weight = _checked(
        scores, features, denominator, weights, labels, groups
    )
    n, n_columns = Z.shape
    bread, rank = inverse_gram(Z, weight * mass)
    if rank < n_columns:
        raise ValueError(
            "best_linear_projection: features and intercept are collinear (rank "
            f"{rank} of {n_columns} columns). Drop constant and redundant features."
        )
    value = bread @ (Z.T @ (weight * score))
    moments = Z * (weight * (score - mass * (Z @ value)))[:, None]
    if groups is None:
        leverage = weight * mass * np.einsum("ij,jk,ik->i", Z, bread, Z)
        alone = np.isclose(leverage, 1.0)
        moments = moments / np.where(alone, 1.0, 1.0 - leverage)[:, None]
        n_units = n
    else:
        codes = np.unique(np.asarray(groups), return_inverse=True)[1]
        factors = leave_one_out_factors(Z, weight * mass, codes, bread)
        moments = np.einsum("ijk,ik->ij", factors[codes], moments)
        n_units = factors.shape[0]
    influence = n * (n_units - 1) / n_units * moments @ bread
    names = labels or tuple(f"x{j}" for j in range(n_columns - 1))
    return EffectEstimate.from_influence(
        value,
        influence - influence.mean(axis=0),
        labels=("intercept", *names),
        groups=None if groups is None else np.asarray(groups),
        row_key=row_key,
        name="best linear projection",
    )


def _checked(
    scores: Any,
    features: Any,
    denominator: Any,
    weights: Any,
    labels: tuple[Any, ...],
    groups: Any,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return scores, features with an intercept, denominators and weights."""
    score = np.asarray(scores, dtype=float)
    columns = np.asarray(features, dtype=float)
    ones = np.ones(score.shape[0])
    if groups is not None and np.shape(groups) != score.shape:
        raise ValueError(
            "best_linear_projection: groups must have shape (n,), got "
            f"{np.shape(groups)}. Cluster in several ways by with_groups of the result."
        )
    mass = ones if denominator is None else np.asarray(denominator, dtype=float)
    weight = ones if weights is None else np.asarray(weights, dtype=float)
    shapes = (score.shape, columns.shape[:1], mass.shape, weight.shape)
    if columns.ndim != 2 or set(shapes) != {(len(ones),)}:
        raise ValueError(
            "best_linear_projection: scores, denominator and weights must have shape "
            f"(n,) and features (n, d), got {shapes[0]}, {mass.shape}, {weight.shape} "
            f"and {columns.shape}."
        )
    if labels and len(labels) != columns.shape[1]:
        raise ValueError(
            f"best_linear_projection: labels must name all {columns.shape[1]} "
            f"features, got {len(labels)}."
        )
    for name, values in (("scores", score), ("features", columns)):
        if not np.isfinite(values).all():
            raise ValueError(
                f"best_linear_projection: {name} hold NaN or infinite values. Impute "
                "or drop them."
            )
    return score, np.column_stack([ones, columns]), mass, weight
