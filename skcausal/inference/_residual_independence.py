"""Test of independence of a residual and what it was regressed on."""

import numpy as np
from scipy import stats


def _features(
    values: np.ndarray, n_features: int, random: np.random.Generator
) -> np.ndarray:
    """Return random cosines, centred, whose products approximate a Gaussian kernel."""
    width = np.sqrt(values.shape[1])  # about the median distance of unit normals
    slopes = random.normal(size=(values.shape[1], n_features)) / width
    shifts = random.uniform(0, 2 * np.pi, n_features)
    waves = np.cos(values @ slopes + shifts)
    return waves - waves.mean(axis=0)


def independence_p_value(
    residual: np.ndarray,
    design: np.ndarray,
    random: np.random.Generator,
    *,
    n_permutations: int = 199,
) -> float:
    r"""Test whether a residual is independent of several columns at once.

    Parameters
    ----------
    residual : ndarray of shape (n,)
        Residuals of rows that the model did not see.
    design : ndarray of shape (n, n_columns)
        What they should be independent of, in units of about one.
    random : Generator
        Source of randomness.
    n_permutations : int, default=199
        Number of permutations.

    Returns
    -------
    p_value : float
        Uniform under independence; NaN if one side is constant.

    Notes
    -----
    Assumes independent rows. The statistic is the squared covariance of random Fourier
    features of both sides, :math:`\| \phi(r)^T \psi(z) \|^2`, which approximates the
    Hilbert-Schmidt criterion at a cost linear in n; its distribution under
    independence comes from permutations. Residuals enter by their normal scores, so
    that a heavy tail does not decide.

    References
    ----------
    Zhang, Q., Filippi, S., Gretton, A., & Sejdinovic, D. (2018). Large-scale kernel
    methods for independence testing. Statistics and Computing 28.
    https://doi.org/10.1007/s11222-016-9721-7
    """
    if np.ptp(residual) == 0 or not np.ptp(design, axis=0).any():
        return float("nan")
    n = len(residual)
    scores = stats.norm.ppf(stats.rankdata(residual) / (n + 1))
    left = _features(scores[:, None], 20, random)
    right = _features(design, 40, random)

    def statistic(rows: np.ndarray) -> float:
        return float(((left[rows].T @ right) ** 2).sum())

    observed = statistic(np.arange(n))
    drawn = [statistic(random.permutation(n)) for _ in range(n_permutations)]
    return (1 + sum(value >= observed for value in drawn)) / (1 + n_permutations)
