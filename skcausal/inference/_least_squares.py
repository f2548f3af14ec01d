"""What inference for weighted least squares shares: Gram matrices and leverage."""

import numpy as np

_COLLINEAR = 1e-13  # of the largest eigenvalue, columns having unit length


def inverse_gram(Z: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, int]:
    """Return a generalised inverse of Z'WZ, and its rank.

    Columns are brought to one scale first: a time stamp next to a share would
    otherwise push the share below the cutoff of the pseudo-inverse.
    """
    scale = np.sqrt(np.abs(weight) @ Z**2)
    scale[scale == 0] = 1.0
    scaled = Z / scale
    values, vectors = np.linalg.eigh(scaled.T @ (scaled * weight[:, None]))
    kept = values > _COLLINEAR * values.max()
    inverse = (vectors[:, kept] / values[kept]) @ vectors[:, kept].T
    return inverse / np.outer(scale, scale), int(kept.sum())


def cluster_sums(values: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return the sums of rows by cluster, shape (n_clusters, n_columns)."""
    total = np.zeros((codes.max() + 1, values.shape[1]))
    np.add.at(total, codes, values)
    return total


def leave_one_out_factors(
    Z: np.ndarray, weight: np.ndarray, codes: np.ndarray, bread: np.ndarray
) -> np.ndarray:
    """Return (I - Z_g'W_g Z_g bread)^-1 per cluster, shape (G, n_columns, n_columns).

    The bread times the factor times the cluster's moment is how far the coefficients
    move when the cluster is left out.
    """
    gram = np.stack(
        [cluster_sums(Z * (weight * z)[:, None], codes) for z in Z.T], axis=2
    )
    return np.linalg.pinv(np.eye(Z.shape[1]) - gram @ bread)
