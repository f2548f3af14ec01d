"""Matrix factorisation of observed entries by alternating ridge regressions."""

import warnings
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from sklearn.exceptions import ConvergenceWarning

from skcausal.estimation.deconfounding._ratings import Ratings, like

# Standard deviation of the starting loadings: small, so that they start near nothing.
START = 0.1


@dataclass
class Factorisation:
    """Coefficients: users (intercept, slope of the offset, factors), items alike."""

    mean: float
    user_intercepts: np.ndarray
    slopes: np.ndarray
    user_factors: np.ndarray
    item_intercepts: np.ndarray
    item_factors: np.ndarray
    losses: list[float]

    def predict(
        self, users: np.ndarray, items: np.ndarray, offset: np.ndarray
    ) -> np.ndarray:
        """Return expected ratings of pairs whose offsets are given."""
        shared = np.einsum(
            "...k,...k->...", self.user_factors[users], self.item_factors[items]
        )
        intercepts = self.user_intercepts[users] + self.item_intercepts[items]
        return self.mean + intercepts + self.slopes[users] * offset + shared


@dataclass(frozen=True)
class Settings:
    """Number of factors, penalty, most sweeps and the tolerance that ends them."""

    n_components: int
    alpha: float
    max_iter: int
    tol: float


def factorise(
    ratings: Ratings,
    offset: sp.csr_matrix,
    settings: Settings,
    random: np.random.RandomState,
    owner: str,
) -> Factorisation:
    """Fit ratings by users, items, their factors, and a slope of the offset per user.

    ``offset`` has the same pattern as the ratings. Each half of a sweep is a ridge
    regression per user or item; all are solved at once from sparse products.
    """
    values, entries = ratings.values, ratings.entries
    (n, m), k = values.shape, settings.n_components
    mean = float(values.data.mean())
    found = Factorisation(
        mean,
        np.zeros(n),
        np.zeros(n),
        np.zeros((n, k)),
        np.zeros(m),
        START * random.standard_normal((m, k)),
        [],
    )
    for _ in range(settings.max_iter):
        _update_users(found, values, offset, entries, settings.alpha)
        _update_items(found, values, offset, entries, settings.alpha)
        found.losses.append(_loss(found, values, offset, entries, settings.alpha))
        if len(found.losses) > 1:
            before, after = found.losses[-2:]
            if before - after <= settings.tol * before:
                return found
    warnings.warn(
        f"{owner}: the matrix factorisation did not converge in {settings.max_iter} "
        "sweeps. Raise max_iter, or tol.",
        ConvergenceWarning,
        stacklevel=3,
    )
    return found


def _update_users(
    found: Factorisation,
    values: sp.csr_matrix,
    offset: sp.csr_matrix,
    entries: tuple[np.ndarray, np.ndarray],
    alpha: float,
) -> None:
    """Regress each user's ratings on the offset and the items' factors."""
    columns = entries[1]
    target = like(values, values.data - found.mean - found.item_intercepts[columns])
    features = _with_ones(found.item_factors)
    gram, moments = _ridge_parts(target, features)
    cross = offset @ features
    squares = offset.power(2).sum(axis=1)
    n, width = cross.shape
    full = np.empty((n, width + 1, width + 1))
    full[:, 1:, 1:], full[:, 0, 1:], full[:, 1:, 0] = gram, cross, cross
    full[:, 0, 0] = np.asarray(squares).ravel()
    products = np.asarray(target.multiply(offset).sum(axis=1)).ravel()
    # Slopes are shrunk towards their mean: users with few ratings share it.
    products = products + alpha * found.slopes.mean()
    solved = _solve(full, np.column_stack([products, moments]), alpha)
    found.slopes, found.user_intercepts = solved[:, 0], solved[:, 1]
    found.user_factors = solved[:, 2:]


def _update_items(
    found: Factorisation,
    values: sp.csr_matrix,
    offset: sp.csr_matrix,
    entries: tuple[np.ndarray, np.ndarray],
    alpha: float,
) -> None:
    """Regress each item's ratings, less the offset, on the users' factors."""
    rows = entries[0]
    known = found.mean + found.user_intercepts[rows] + found.slopes[rows] * offset.data
    target = like(values, values.data - known).T.tocsr()
    solved = _solve(*_ridge_parts(target, _with_ones(found.user_factors)), alpha)
    found.item_intercepts, found.item_factors = solved[:, 0], solved[:, 1:]


def _with_ones(factors: np.ndarray) -> np.ndarray:
    return np.column_stack([np.ones(len(factors)), factors])


def _ridge_parts(
    target: sp.csr_matrix, features: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return each row's Gram matrix and moments over its observed entries."""
    width = features.shape[1]
    outer = (features[:, :, None] * features[:, None, :]).reshape(-1, width**2)
    gram = like(target, np.ones(target.nnz)) @ outer
    return gram.reshape(-1, width, width), target @ features


def _solve(gram: np.ndarray, moments: np.ndarray, alpha: float) -> np.ndarray:
    ridge = alpha * np.eye(gram.shape[1])
    return np.linalg.solve(gram + ridge, moments[:, :, None])[:, :, 0]


def _loss(
    found: Factorisation,
    values: sp.csr_matrix,
    offset: sp.csr_matrix,
    entries: tuple[np.ndarray, np.ndarray],
    alpha: float,
) -> float:
    """Return the penalised sum of squares that every sweep lowers."""
    rest = values.data - found.predict(*entries, offset.data)
    coefficients = (
        found.user_intercepts,
        found.slopes - found.slopes.mean(),
        found.user_factors,
        found.item_intercepts,
        found.item_factors,
    )
    penalty = sum(float((part**2).sum()) for part in coefficients)
    return float(rest @ rest) + alpha * penalty
