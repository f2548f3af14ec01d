"""Normal posteriors of factors whose precision may differ between rows."""

from dataclasses import dataclass

import numpy as np

from skcausal.estimation.deconfounding._inputs import chunks_of

# Rows whose matrices are in memory together.
CHUNK = 1024


@dataclass(frozen=True)
class GaussianPosterior:
    """Factors of each row, normal and independent between rows.

    ``cholesky`` is the lower root of the precision, of shape (n, k, k), or (k, k) where
    all rows share it.
    """

    mean: np.ndarray
    cholesky: np.ndarray

    def draw(self, random: np.random.RandomState) -> np.ndarray:
        """Draw the factors of all rows once."""
        noise = random.standard_normal(self.mean.shape)
        root = np.swapaxes(self.cholesky, -1, -2)
        if root.ndim == 2:
            return self.mean + np.linalg.solve(root, noise.T).T
        return self.mean + np.linalg.solve(root, noise[..., None])[..., 0]

    def covariance(self) -> np.ndarray:
        """Return the covariance matrix of each row, or the one that all share."""
        inverse = np.linalg.inv(self.cholesky)
        return np.swapaxes(inverse, -1, -2) @ inverse


def outer_products(W: np.ndarray) -> np.ndarray:
    """Return the outer product of each column with itself, flat: (n_columns, k * k)."""
    k = len(W)
    return np.einsum("kj,lj->jkl", W, W).reshape(-1, k * k)


def gaussian_posterior(
    weight: np.ndarray | float,
    moments: np.ndarray,
    linear: np.ndarray,
) -> GaussianPosterior:
    """Combine a standard normal prior with quadratic terms of the causes.

    ``weight`` (n, n_causes) times ``moments`` (n_causes, k * k) is added to the
    identity as precision; a scalar weight is one for all entries. ``linear`` (n, k) is
    the precision times the mean.
    """
    k = linear.shape[1]
    if np.ndim(weight) == 0:
        precision = np.eye(k) + weight * moments.sum(axis=0).reshape(k, k)
        mean = np.linalg.solve(precision, linear.T).T
        return GaussianPosterior(mean, np.linalg.cholesky(precision))
    weight = np.asarray(weight)
    mean = np.empty_like(linear)
    roots = np.empty((len(linear), k, k))
    for rows in chunks_of(len(linear), CHUNK):
        precision = np.eye(k) + (weight[rows] @ moments).reshape(-1, k, k)
        roots[rows] = np.linalg.cholesky(precision)
        mean[rows] = np.linalg.solve(precision, linear[rows, :, None])[..., 0]
    return GaussianPosterior(mean, roots)
