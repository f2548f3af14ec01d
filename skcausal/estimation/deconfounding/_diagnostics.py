"""What data say about overlap, collinearity and what stays open: array formulas."""

import numpy as np
from scipy import linalg, stats
from scipy.special import expit

from skcausal.estimation.deconfounding._outcome import is_binary

# A variance inflation above this is that of a singular matrix, up to rounding.
_SINGULAR = 1e8
# Smallest pivot of a correlation matrix that normal equations may have.
_WELL_CONDITIONED = 1e-4


def explained(causes: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Return the R2 of each cause given other columns, by least squares."""
    centred = causes - causes.mean(axis=0)
    total = (centred**2).sum(axis=0)
    if by.shape[1] == 0:
        return np.zeros(causes.shape[1])
    basis = orthogonal_basis(by)
    rest = centred - basis @ (basis.T @ centred)
    return 1 - (rest**2).sum(axis=0) / total


def orthogonal_basis(columns: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis of the centred columns, of full rank."""
    centred = columns - columns.mean(axis=0)
    scale = centred.std(axis=0)
    scaled = centred / np.where(scale > 0, scale, 1.0)
    left, values, _ = linalg.svd(scaled, full_matrices=False)
    cut = values[0] * max(scaled.shape) * np.finfo(float).eps if len(values) else 0
    return left[:, values > cut]


def least_squares(columns: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return coefficients; by normal equations where they are well conditioned.

    With hundreds of causes these are many times faster than singular values, which
    serve where causes are collinear.
    """
    gram = columns.T @ columns
    scale = np.sqrt(np.diag(gram))
    try:
        root = linalg.cholesky(gram / np.outer(scale, scale), lower=True)
    except linalg.LinAlgError:
        return np.asarray(linalg.lstsq(columns, targets)[0])
    if np.diag(root).min() < _WELL_CONDITIONED:
        return np.asarray(linalg.lstsq(columns, targets)[0])
    right = (columns.T @ targets) / scale[:, None]
    return np.asarray(linalg.cho_solve((root, True), right) / scale[:, None])


def extreme_share(causes: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Return the share of rows whose probability of a cause is out of [.01, .99].

    The logit given the confounder is that of the normal discriminant: a linear logit
    in closed form. NaN for causes that are not binary.
    """
    shares = np.full(causes.shape[1], np.nan)
    binary = np.flatnonzero(is_binary(causes))
    if not binary.size:
        return shares
    A = causes[:, binary]
    share = A.mean(axis=0)
    prior = np.log(share / (1 - share))
    if z.shape[1] == 0:
        shares[binary] = np.where((share < 0.01) | (share > 0.99), 1.0, 0.0)
        return shares
    n = len(A)
    basis = orthogonal_basis(z) * np.sqrt(n)
    gap = (basis.T @ A) / (n * share * (1 - share))
    # Total covariance is 1; that within groups is 1 less the share between them.
    between = share * (1 - share) * (gap**2).sum(axis=0)
    slope = gap / np.maximum(1 - between, 1e-12)
    middle = (0.5 - share) * (slope * gap).sum(axis=0)
    probability = expit(prior + basis @ slope - middle)
    shares[binary] = ((probability < 0.01) | (probability > 0.99)).mean(axis=0)
    return shares


def variance_inflation(causes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return 1 / (1 - R2) of each cause given all others, inf where singular."""
    columns = np.hstack([causes, others])
    columns = columns[:, columns.std(axis=0) > 0]
    scaled = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    correlation = scaled.T @ scaled / len(scaled)
    ridge = 0.1 / _SINGULAR
    inverse = linalg.inv(correlation + ridge * np.eye(len(correlation)))
    inflation = np.diag(inverse)[: causes.shape[1]]
    return np.where(inflation > 1e-3 / ridge, np.inf, inflation)


def confounder_inflation(z: np.ndarray, causes: np.ndarray) -> float:
    """Return the largest variance inflation of the confounder given the causes."""
    if z.shape[1] == 0:
        return 1.0
    left = 1 - explained(z[:, z.std(axis=0) > 0], causes)
    return float(1 / left.min()) if left.min() > 1 / _SINGULAR else np.inf


def ignorance_width(causes: np.ndarray, z: np.ndarray, spread: float) -> np.ndarray:
    r"""Return the width of what is left open for each coefficient.

    In the linear model :math:`y = \beta^T a + \gamma^T z + \epsilon` data fix only
    :math:`\beta + B^T \gamma`, with :math:`B` the coefficients of the (standardised)
    confounder on the causes. With :math:`|\gamma| \le` the outcome's standard
    deviation, :math:`\beta_j` has a range of width :math:`2 |B_j| sd(y)`.
    """
    if z.shape[1] == 0:
        return np.zeros(causes.shape[1])
    centred = causes - causes.mean(axis=0)
    scaled = (z - z.mean(axis=0)) / np.where(z.std(axis=0) > 0, z.std(axis=0), 1.0)
    loadings = least_squares(centred, scaled)
    return 2 * spread * np.sqrt((loadings**2).sum(axis=1))


def correlated_pairs(causes: np.ndarray, limit: float) -> np.ndarray:
    """Return pairs of causes whose correlation is beyond the limit, (n_pairs, 2)."""
    found = np.triu(np.abs(np.corrcoef(causes, rowvar=False)) > limit, k=1)
    return np.argwhere(found)


def causes_of_covariates(
    causes: np.ndarray, covariates: np.ndarray, level: float = 0.05
) -> np.ndarray:
    """Tell which causes go with which covariates, (n_covariates, n_causes).

    Correlations are tested at ``level``, divided by the number of causes.
    """
    n = len(causes)
    A = (causes - causes.mean(axis=0)) / causes.std(axis=0)
    spread = covariates.std(axis=0)
    C = (covariates - covariates.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    limit = stats.norm.isf(level / 2 / causes.shape[1]) / np.sqrt(n)
    return np.asarray(np.abs(C.T @ A / n) > limit)
