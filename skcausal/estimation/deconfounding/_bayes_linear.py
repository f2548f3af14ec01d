"""Bayesian linear regression with a fixed prior, in closed form."""

from typing import Any, Self

import numpy as np
from scipy import linalg
from sklearn.base import BaseEstimator, RegressorMixin

_MAX_ITERATIONS = 200
_TOLERANCE = 1e-8
# The variance of a prior that allows no coefficient.
_SMALLEST = 1e-8


class BayesianLinear(RegressorMixin, BaseEstimator):
    """Normal prior on the coefficients, noise by maximum marginal likelihood.

    With the outcome standardised, ``beta ~ N(0, prior_scale**2)``; the intercept is
    free. The noise solves ``noise = RSS / (n - effective_dof)``, and a prior scale of
    None ``prior_scale**2 = |beta|**2 / effective_dof`` (MacKay 1992).
    """

    def __init__(self, prior_scale: float | None = 1.0) -> None:
        self.prior_scale = prior_scale

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Find the posterior of the coefficients."""
        n = X.shape[0]
        center, middle = X.mean(axis=0), y.mean()
        spread = float(y.std()) or 1.0
        centred, target = X - center, (y - middle) / spread
        eigenvalues, vectors = linalg.eigh(centred.T @ centred)
        eigenvalues = np.maximum(eigenvalues, 0.0)
        moment = vectors.T @ (centred.T @ target)
        total, noise = float(target @ target), 0.5
        prior = 1.0 if self.prior_scale is None else self.prior_scale**2
        for _ in range(_MAX_ITERATIONS):
            penalty = noise / prior
            rotated = moment / (eigenvalues + penalty)
            dof = float((eigenvalues / (eigenvalues + penalty)).sum())
            rest = total - 2 * rotated @ moment + rotated @ (eigenvalues * rotated)
            update = max(float(rest), 1e-12 * n) / max(n - 1 - dof, 1e-3 * n)
            moved = abs(update - noise) / noise
            noise = update
            if self.prior_scale is None:
                known = max(float(rotated @ rotated) / max(dof, 1e-12), _SMALLEST)
                moved, prior = max(moved, abs(known / prior - 1)), known
            if moved <= _TOLERANCE:
                break
        penalty = noise / prior
        self.coef_ = spread * (vectors @ (moment / (eigenvalues + penalty)))
        self.intercept_ = float(middle - center @ self.coef_)
        self.noise_std_ = spread * float(np.sqrt(noise))
        self.effective_dof_ = 1 + float((eigenvalues / (eigenvalues + penalty)).sum())
        scales = spread * np.sqrt(noise / (eigenvalues + penalty))
        # Half of the posterior covariance: coefficients are coef_ + root_ @ N(0, 1).
        self.root_ = vectors * scales
        self.prior_scale_ = float(np.sqrt(prior))
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return the posterior mean of the expected outcome."""
        return self.intercept_ + X @ self.coef_

    @property
    def standard_errors_(self) -> np.ndarray:
        """Posterior standard deviations of the coefficients."""
        return np.sqrt((self.root_**2).sum(axis=1))

    def draw(self, n_draws: int, random: np.random.RandomState) -> np.ndarray:
        """Draw coefficients, (n_draws, n_columns)."""
        noise: Any = random.standard_normal((n_draws, self.root_.shape[1]))
        return self.coef_ + noise @ self.root_.T
