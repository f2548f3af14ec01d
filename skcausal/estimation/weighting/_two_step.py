"""Likelihood and balance at once: a generalised method of moments in two steps."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import chi2

from skcausal.estimation.weighting._tailored import TailoredLoss, minimise_tailored

_FLAT = 1e-10


@dataclass(frozen=True, eq=False)
class TwoStepFit:
    """Coefficients that compromise between the likelihood and balance.

    Parameters
    ----------
    coefficients : ndarray of shape (k,)
        Log odds per unit of each feature.
    p_value : float
        Of both sets of equations holding at once: small if the propensity model is
        wrong.
    """

    coefficients: np.ndarray
    p_value: float


def fit_two_steps(
    balance: TailoredLoss, features: np.ndarray, tolerance: float, max_iter: int
) -> TwoStepFit | np.ndarray:
    """Minimise the distance of both sets of equations from zero (Imai & Ratkovic).

    The metric is the inverse of their covariance at the maximum-likelihood fit, from
    which the search starts. Returns the gap where the likelihood has no maximum.
    """
    likelihood = TailoredLoss("overlap", balance.treated, balance.sample_weight)
    losses = (likelihood, balance)
    start, gap = minimise_tailored(likelihood, features, tolerance, max_iter)
    if gap is not None:
        return gap
    root = _inverse_root(_covariance(balance, features, start))

    def distance(beta: np.ndarray) -> np.ndarray:
        eta = features @ beta
        sums = [loss.equation(eta)[0] @ features for loss in losses]
        return root @ np.concatenate(sums)

    def slope(beta: np.ndarray) -> np.ndarray:
        return -root @ _derivative(losses, features, features @ beta)

    found = least_squares(
        distance, start, slope, method="lm", xtol=1e-12, ftol=1e-12, gtol=1e-12
    )
    free = root.shape[0] - int(np.linalg.matrix_rank(slope(found.x)))
    p_value = float(chi2.sf(2 * found.cost, free)) if free > 0 else np.nan
    return TwoStepFit(found.x, p_value)


def _derivative(
    losses: tuple[TailoredLoss, ...], features: np.ndarray, eta: np.ndarray
) -> np.ndarray:
    """Return minus the derivative of the stacked equations, shape (2 * k, k)."""
    return np.vstack(
        [features.T @ (features * loss.equation(eta)[1][:, None]) for loss in losses]
    )


def _covariance(
    balance: TailoredLoss, features: np.ndarray, beta: np.ndarray
) -> np.ndarray:
    """Return the covariance of the stacked equations if the propensity is right."""
    eta = features @ beta
    e = 1 / (1 + np.exp(-eta))
    h = {"all": np.ones_like(e), "treated": e, "control": 1 - e}[balance.target]
    square = balance.sample_weight**2

    def block(factor: np.ndarray) -> np.ndarray:
        return features.T @ (features * (square * factor)[:, None])

    both = block(h)
    return np.block([[block(e * (1 - e)), both], [both, block(h**2 / (e * (1 - e)))]])


def _inverse_root(covariance: np.ndarray) -> np.ndarray:
    """Return a square root of the (pseudo-)inverse of a covariance."""
    values, vectors = np.linalg.eigh(covariance)
    kept = values > _FLAT * values.max()
    return (vectors[:, kept] / np.sqrt(values[kept])).T
