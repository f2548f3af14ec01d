"""Normal posteriors of factors whose precision may differ between rows."""

from dataclasses import dataclass
from functools import cached_property

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
        return self.mean + (noise[:, None, :] @ self._inverse_root)[:, 0]

    def covariance(self) -> np.ndarray:
        """Return the covariance matrix of each row, or the one that all share."""
        inverse = self._inverse_root
        return np.swapaxes(inverse, -1, -2) @ inverse

    @cached_property
    def _inverse_root(self) -> np.ndarray:
        return np.linalg.inv(self.cholesky)


def outer_products(W: np.ndarray) -> np.ndarray:
    """Return the outer product of each column with itself, packed.

    The shape is (n_columns, k (k + 1) / 2): the upper triangle, row by row.
    """
    upper, right = np.triu_indices(len(W))
    return (W[upper] * W[right]).T


def packed(matrices: np.ndarray) -> np.ndarray:
    """Return the upper triangles of symmetric matrices (..., k, k), row by row."""
    upper, right = np.triu_indices(matrices.shape[-1])
    return matrices[..., upper, right]


def unpacked(triangles: np.ndarray, k: int) -> np.ndarray:
    """Return symmetric matrices (..., k, k) from their upper triangles."""
    place = np.empty((k, k), dtype=int)
    upper, right = np.triu_indices(k)
    place[upper, right] = place[right, upper] = np.arange(len(upper))
    return triangles[..., place]


def gaussian_posterior(
    weight: np.ndarray | float,
    moments: np.ndarray,
    linear: np.ndarray,
) -> GaussianPosterior:
    """Combine a standard normal prior with quadratic terms of the causes.

    ``weight`` (n, n_causes) times ``moments`` (n_causes, packed) is added to the
    identity as precision; a scalar weight is one for all entries. ``linear`` (n, k) is
    the precision times the mean.
    """
    k = linear.shape[1]
    if np.ndim(weight) == 0:
        precision = np.eye(k) + weight * unpacked(moments.sum(axis=0), k)
        mean = np.linalg.solve(precision, linear.T).T
        return GaussianPosterior(mean, np.linalg.cholesky(precision))
    weight = np.asarray(weight)
    mean = np.empty_like(linear)
    roots = np.empty((len(linear), k, k))
    for rows in chunks_of(len(linear), CHUNK):
        precision = np.eye(k) + unpacked(weight[rows] @ moments, k)
        roots[rows] = np.linalg.cholesky(precision)
        mean[rows] = np.linalg.solve(precision, linear[rows, :, None])[..., 0]
    return GaussianPosterior(mean, roots)
