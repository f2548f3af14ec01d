"""Partial correlation: independence of what is linear, exact for normal variables."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import special, stats

from skcausal.inference._independence import IndependenceTest, checked_sides

_TINY = 1e-10  # a share of variance that rounding errors can make
METHODS = ("t", "fisher")


def partial_correlation_test(
    x: Any, y: Any, z: Any = None, *, method: str = "t"
) -> IndependenceTest:
    r"""Test whether x and y are correlated once z is regressed out of both.

    Parameters
    ----------
    x, y : array-like of shape (n,) or (n, k)
        The two sides. A categorical variable is given as indicator columns.
    z : array-like of shape (n,) or (n, k), default=None
        What is held fixed; None for nothing.
    method : {"t", "fisher"}, default="t"
        "t" is exact for normal variables, "fisher" uses Fisher's z.

    Returns
    -------
    test : IndependenceTest
        With one column on each side the statistic is that of Student or Fisher, with
        the sign of the partial correlation; with more it is Rao's F or Bartlett's
        chi-squared of Wilks' lambda.

    Raises
    ------
    ValueError
        If there are too few rows, shapes differ, or values are not finite.

    Notes
    -----
    Assumes independent rows, and means that are linear in z; the exact null
    distribution also assumes normal errors of one side. A dependence that is not
    linear may stay unseen. With :math:`r` the correlation of the residuals of n rows on
    k columns,

    .. math::
        t = r \sqrt{\frac{n - k - 2}{1 - r^2}} \sim t_{n - k - 2}, \qquad
        \sqrt{n - k - 3}\,\operatorname{artanh} r \approx N(0, 1).

    Several columns are tested by Wilks' lambda
    :math:`\Lambda = \prod_j (1 - \rho_j^2)` of the canonical correlations of the
    residuals. A side that z determines is independent of anything given z: p = 1.

    References
    ----------
    Anderson, T. W. (2003). An Introduction to Multivariate Statistical Analysis, 3rd
    ed., sections 4.3 and 8.5. Wiley.

    Rao, C. R. (1951). An asymptotic expansion of the distribution of Wilks' criterion.
    Bulletin of the International Statistical Institute 33.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import partial_correlation_test
    >>> rng = np.random.default_rng(0)
    >>> cause = rng.normal(size=300)
    >>> x, y = cause + rng.normal(size=(2, 300))
    >>> partial_correlation_test(x, y).p_value < 0.001
    True
    >>> round(partial_correlation_test(x, y, cause).p_value, 2)
    0.33
    """
    owner = "partial_correlation_test"
    if method not in METHODS:
        raise ValueError(f"{owner}: method must be 't' or 'fisher', got {method!r}.")
    sides = checked_sides(x, y, z, owner)
    ends = np.cumsum([side.shape[1] for side in sides])
    left, right, given = np.split(np.arange(ends[-1]), ends[:-1])
    (test,) = independence_in_correlations(
        correlations(np.hstack(sides)),
        [(left, right)],
        given,
        n_rows=sides[0].shape[0],
        method=method,
    )
    return test


def correlations(columns: np.ndarray) -> np.ndarray:
    """Return the correlation matrix; a constant column has zeros."""
    centred = columns - columns.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    size = np.linalg.norm(columns, axis=0)
    scaled = centred / np.where(length > 1e-12 * size, length, np.inf)
    return np.asarray(scaled.T @ scaled)


def independence_in_correlations(
    matrix: np.ndarray,
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
    z: np.ndarray,
    *,
    n_rows: int,
    method: str = "t",
) -> list[IndependenceTest]:
    """Test pairs of columns given columns z of a correlation matrix of ``n_rows``."""
    kept = np.unique(np.concatenate([side for pair in pairs for side in pair]))
    rest, rank = _without(matrix, kept, z)
    widest = max(len(side) for pair in pairs for side in pair)
    n_free = n_rows - 1 - rank
    if n_free < widest + 2:
        raise ValueError(
            f"partial_correlation_test: {n_rows} rows are too few for {rank} columns "
            "held fixed. Use more rows or fewer columns."
        )
    place = {column: k for k, column in enumerate(kept.tolist())}
    return [
        _judge(
            rest,
            [place[column] for column in x.tolist()],
            [place[column] for column in y.tolist()],
            n_free,
            method,
        )
        for x, y in pairs
    ]


def _judge(
    rest: np.ndarray, x: list[int], y: list[int], n_free: int, method: str
) -> IndependenceTest:
    """Test columns x and y of a covariance with ``n_free`` degrees of freedom."""
    if len(x) == len(y) == 1:
        i, j = x[0], y[0]
        variance, other = float(rest[i, i]), float(rest[j, j])
        if min(variance, other) <= _TINY:
            return IndependenceTest(0.0, 1.0)
        return _single(float(rest[i, j]) / math.sqrt(variance * other), n_free, method)
    left, right = _whitener(rest[np.ix_(x, x)]), _whitener(rest[np.ix_(y, y)])
    across = left.T @ rest[np.ix_(x, y)] @ right
    if across.size == 0:
        return IndependenceTest(0.0, 1.0)
    if across.size == 1:
        return _single(float(across[0, 0]), n_free, method)
    return _several(across, n_free, method)


def _without(
    matrix: np.ndarray, kept: np.ndarray, z: np.ndarray
) -> tuple[np.ndarray, int]:
    """Return the covariance of what z leaves of the kept columns, and z's rank."""
    own = matrix[np.ix_(kept, kept)]
    if len(z) == 0:
        return own, 0
    values, vectors = np.linalg.eigh(matrix[np.ix_(z, z)])
    good = values > _TINY * max(float(values[-1]), _TINY)
    slopes = (matrix[np.ix_(kept, z)] @ vectors[:, good]) / np.sqrt(values[good])
    return own - slopes @ slopes.T, int(good.sum())


def _whitener(covariance: np.ndarray) -> np.ndarray:
    """Return W with W' C W = I, without directions that have no variance."""
    values, vectors = np.linalg.eigh(covariance)
    good = values > _TINY
    return np.asarray(vectors[:, good] / np.sqrt(values[good]))


def _single(r: float, n_free: int, method: str) -> IndependenceTest:
    """Judge one correlation by Student's t, or by Fisher's z."""
    if abs(r) >= 1:
        return IndependenceTest(math.copysign(math.inf, r), 0.0)
    if method == "t":
        t = r * math.sqrt((n_free - 1) / (1 - r**2))
        return IndependenceTest(t, 2 * float(special.stdtr(n_free - 1, -abs(t))))
    score = math.sqrt(n_free - 2) * math.atanh(r)
    return IndependenceTest(score, 2 * float(special.ndtr(-abs(score))))


def _several(across: np.ndarray, n_free: int, method: str) -> IndependenceTest:
    """Judge Wilks' lambda by Rao's F, or by Bartlett's chi-squared."""
    p, q = across.shape
    squares = np.clip(np.linalg.svd(across, compute_uv=False) ** 2, 0.0, 1.0)
    with np.errstate(divide="ignore"):
        log_lambda = float(np.log1p(-squares).sum())
    scale = n_free - (p + q + 1) / 2
    if method == "fisher":
        chi_squared = -scale * log_lambda
        return IndependenceTest(chi_squared, float(stats.chi2.sf(chi_squared, p * q)))
    several = p**2 + q**2 > 5
    s = np.sqrt((p**2 * q**2 - 4) / (p**2 + q**2 - 5)) if several else 1.0
    degrees = scale * s - p * q / 2 + 1
    f = np.expm1(-log_lambda / s) * degrees / (p * q)
    return IndependenceTest(float(f), float(stats.f.sf(f, p * q, degrees)))
