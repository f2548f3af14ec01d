"""Losses of predicted effects: pure functions, public through ``validation``."""

from typing import Any

import numpy as np


def _as_columns(values: Any) -> np.ndarray:
    """Return a float array of shape (n, k)."""
    array = np.asarray(values, dtype=float)
    return array.reshape(array.shape[0], -1)


def _check_shapes(owner: str, **arrays: np.ndarray) -> None:
    shapes = {name: array.shape for name, array in arrays.items()}
    if len(set(shapes.values())) > 1:
        raise ValueError(f"{owner}: arrays must have equal shapes, got {shapes}.")
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise ValueError(f"{owner}: {name} holds NaN or infinite values.")


def r_loss(
    effects: Any,
    outcome_residual: Any,
    treatment_residual: Any,
    *,
    sample_weight: Any = None,
) -> float:
    r"""Return the R-loss of predicted effects.

    Parameters
    ----------
    effects : array-like of shape (n,) or (n, n_arms - 1)
        Predicted effects, in units of the outcome.
    outcome_residual : array-like of shape (n,)
        Outcome minus its out-of-fold conditional mean.
    treatment_residual : array-like of shape (n,) or (n, n_arms - 1)
        Treatment (or indicator of each arm but control) minus its out-of-fold mean.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    loss : float
        Mean squared error in squared units of the outcome; lower is better.

    Notes
    -----
    Assumes no unmeasured confounding given the covariates of the nuisances.
    :math:`\frac1n \sum_i [u_i - \sum_a \tau_a(x_i) v_{ia}]^2` with residuals
    :math:`u` of the outcome and :math:`v` of the treatment.

    References
    ----------
    Nie, X., & Wager, S. (2021). Quasi-oracle estimation of heterogeneous treatment
    effects. Biometrika, 108(2), equation 4. https://doi.org/10.1093/biomet/asaa076

    Examples
    --------
    >>> from skcausal.validation import r_loss
    >>> r_loss([2.0, 2.0], [1.0, -1.0], [0.5, -0.5])
    0.0
    """
    tau, v = _as_columns(effects), _as_columns(treatment_residual)
    _check_shapes("r_loss", effects=tau, treatment_residual=v)
    u = np.asarray(outcome_residual, dtype=float)
    if np.isin(v, (0.0, 1.0)).all() and 0 < v.mean() < 1:
        raise ValueError(
            "r_loss: treatment_residual holds only 0 and 1, so it looks like the "
            "treatment itself. Subtract its out-of-fold mean (and that of the outcome)."
        )
    _check_shapes("r_loss", effects=tau[:, 0], outcome_residual=u)
    return float(np.average((u - (tau * v).sum(axis=1)) ** 2, weights=sample_weight))


def dr_loss(effects: Any, scores: Any, *, sample_weight: Any = None) -> float:
    """Return the squared distance of predicted effects to doubly robust scores.

    Parameters
    ----------
    effects : array-like of shape (n,) or (n, n_arms - 1)
        Predicted effects, in units of the outcome.
    scores : array-like of the same shape
        Doubly robust effect scores of the rows.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows.

    Returns
    -------
    loss : float
        Mean squared error, averaged over contrasts; lower is better.

    Notes
    -----
    Assumes no unmeasured confounding and overlap. Differs from the unknown mean squared
    error of the effects by a constant, up to second-order error of the nuisances.

    References
    ----------
    Kennedy, E. H. (2023). Towards optimal doubly robust estimation of heterogeneous
    causal effects. Electronic Journal of Statistics, 17(2).
    https://doi.org/10.1214/23-EJS2157

    Examples
    --------
    >>> from skcausal.validation import dr_loss
    >>> dr_loss([1.0, 1.0], [0.0, 2.0])
    1.0
    """
    tau, psi = _as_columns(effects), _as_columns(scores)
    _check_shapes("dr_loss", effects=tau, scores=psi)
    return float(np.average(((tau - psi) ** 2).mean(axis=1), weights=sample_weight))


def normalised_r_score(
    effects: np.ndarray, u: np.ndarray, v: np.ndarray, weight: np.ndarray
) -> float:
    """Return 1 - R-loss / R-loss of the best constant effect."""
    tau, v = _as_columns(effects), _as_columns(v)
    root = np.sqrt(weight)
    constant = np.linalg.lstsq(v * root[:, None], u * root, rcond=None)[0]
    baseline = r_loss(np.broadcast_to(constant, v.shape), u, v, sample_weight=weight)
    return _gain(r_loss(tau, u, v, sample_weight=weight), baseline)


def normalised_dr_score(
    effects: np.ndarray, scores: np.ndarray, weight: np.ndarray
) -> float:
    """Return 1 - DR-loss / DR-loss of the best constant effect."""
    psi = _as_columns(scores)
    constant = np.broadcast_to(np.average(psi, axis=0, weights=weight), psi.shape)
    baseline = dr_loss(constant, psi, sample_weight=weight)
    return _gain(dr_loss(_as_columns(effects), psi, sample_weight=weight), baseline)


def _gain(loss: float, baseline: float) -> float:
    """Return the share of the baseline loss that is removed; 0 for 0 / 0."""
    if baseline == 0:
        return 0.0 if loss == 0 else -np.inf
    return 1 - loss / baseline
