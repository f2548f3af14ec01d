"""Kernel test of conditional independence on few features, linear in the rows."""

from numbers import Integral
from typing import Any

import numpy as np
from scipy import special, stats

from skcausal.inference._independence import IndependenceTest, checked_sides

MOST_FEATURES = 500
_COMPONENTS = 6  # of each side: more cost power against smooth dependence
_LANDMARKS = 100  # from which these components are made
_ROWS_PER_FEATURE = 5


def kernel_independence_test(
    x: Any,
    y: Any,
    z: Any = None,
    *,
    n_features: int = 300,
    random_state: int | None = None,
) -> IndependenceTest:
    r"""Test independence given z, whatever the shape of the dependence.

    Parameters
    ----------
    x, y : array-like of shape (n,) or (n, k)
        The two sides. A categorical variable is given as indicator columns.
    z : array-like of shape (n,) or (n, k), default=None
        What is held fixed; None for nothing.
    n_features : int, default=300
        Nyström features of z, at most 500 and at most a fifth of the rows.
    random_state : int, default=None
        Seed of the choice of the rows that features are made of.

    Returns
    -------
    test : IndependenceTest
        Squared Hilbert-Schmidt norm of the covariance of what z leaves of the features
        of x and y, times the number of rows.

    Raises
    ------
    ValueError
        If ``n_features`` is out of range, shapes differ, or values are not finite.

    Notes
    -----
    Assumes independent rows, and means of smooth functions of x and y that
    ``n_features`` smooth functions of z can follow. Variables are ranked and turned
    into normal scores, so that scale and tails do not matter; with Gaussian kernels
    of squared width :math:`k / 2` each side has features :math:`f(x), g(y)`, the
    leading principal components of a Nyström approximation, of which a regression on 1,
    z and Nyström features of z leaves :math:`\hat f, \hat g`. The statistic

    .. math:: n \Big\| \tfrac1n \sum_i \hat f_i \hat g_i' \Big\|_F^2
        \approx \sum_k \lambda_k \chi^2_{1,k}

    has weights that are the eigenvalues of the covariance of
    :math:`\hat f_i \otimes \hat g_i`; its upper tail is that of the gamma distribution
    with the same three moments. Cost is linear in the rows. A dependence whose sign
    changes with z and cancels on average may stay unseen; a function of many columns of
    z that is far from smooth leaves a remainder, which looks like dependence.

    References
    ----------
    Zhang, K., Peters, J., Janzing, D., & Schölkopf, B. (2011). Kernel-based conditional
    independence test and application in causal discovery. UAI. arXiv:1202.3775.

    Strobl, E. V., Zhang, K., & Visweswaran, S. (2019). Approximate kernel-based
    conditional independence tests for fast non-parametric causal discovery. Journal of
    Causal Inference 7(1). https://doi.org/10.1515/jci-2018-0017

    Buckley, M. J., & Eagleson, G. K. (1988). An approximation to the distribution of
    quadratic forms in normal random variables. Australian Journal of Statistics 30A.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import kernel_independence_test
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=400)
    >>> y = x**2 + rng.normal(size=400)
    >>> kernel_independence_test(x, y, random_state=0).p_value < 0.001
    True
    >>> kernel_independence_test(x, y, x**2, random_state=0).p_value > 0.05
    True
    """
    owner = "kernel_independence_test"
    is_integer = isinstance(n_features, Integral) and not isinstance(n_features, bool)
    if not is_integer or not 1 <= n_features <= MOST_FEATURES:
        raise ValueError(
            f"{owner}: n_features must be an integer from 1 to {MOST_FEATURES}, got "
            f"{n_features!r}."
        )
    left, right, given = checked_sides(x, y, z, owner)
    rng = np.random.default_rng(random_state)
    basis = basis_of(given, n_features, rng)
    return independence_of_residuals(
        without(basis, components(left, rng)),
        without(basis, components(right, rng)),
        rank=basis.shape[1],
    )


def components(columns: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the leading principal components of the kernel features of a side."""
    features = _nystroem(_normal_scores(columns), _LANDMARKS, rng)
    centred = features - features.mean(axis=0)
    vectors = np.linalg.eigh(centred.T @ centred)[1]
    return np.asarray(centred @ vectors[:, ::-1][:, :_COMPONENTS])


def basis_of(
    columns: np.ndarray, n_features: int, rng: np.random.Generator
) -> np.ndarray:
    """Return orthonormal columns that span 1, z and the kernel features of z."""
    n_rows = columns.shape[0]
    parts = [np.ones((n_rows, 1))]
    if columns.shape[1]:
        scores = _normal_scores(columns)
        n_features = max(1, min(n_features, n_rows // _ROWS_PER_FEATURE))
        parts += [scores, _nystroem(scores, n_features, rng)]
    design = np.hstack(parts)
    values, vectors = np.linalg.eigh(design.T @ design)
    good = values > 1e-9 * values[-1]
    return np.asarray(design @ (vectors[:, good] / np.sqrt(values[good])))


def without(basis: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return what the regression on an orthonormal basis leaves of columns."""
    return np.asarray(columns - basis @ (basis.T @ columns))


def independence_of_residuals(
    left: np.ndarray, right: np.ndarray, rank: int
) -> IndependenceTest:
    """Test whether residuals of two sides, of a regression of ``rank``, covary."""
    n_rows = left.shape[0]
    across = left.T @ right / n_rows
    products = np.einsum("ia,ib->iab", left, right).reshape(n_rows, -1)
    products -= across.ravel()
    # Residuals are shorter than errors by the share of the rank, products by twice
    # that, but their sum has the variance of n - rank rows: hence one such factor.
    covariance = products.T @ products / (n_rows - rank)
    statistic = float(n_rows * (across**2).sum())
    return IndependenceTest(statistic, _upper_tail(statistic, covariance))


def _upper_tail(statistic: float, covariance: np.ndarray) -> float:
    """Return P(sum of weights x chi-squared > statistic) by Hall-Buckley-Eagleson.

    The weights are the eigenvalues of ``covariance``; traces give the cumulants.
    """
    square = covariance @ covariance
    mean = float(np.trace(covariance))
    variance = 2 * float(np.trace(square))
    third = 8 * float((square * covariance).sum())
    if mean <= 1e-12 or third <= 0:  # nothing is left of a side
        return 1.0
    degrees = 8 * variance**3 / third**2
    matched = degrees + (statistic - mean) * np.sqrt(2 * degrees / variance)
    return float(stats.chi2.sf(matched, degrees)) if matched > 0 else 1.0


def _normal_scores(columns: np.ndarray) -> np.ndarray:
    """Return normal scores of the ranks with variance one; constants are zero."""
    n_rows = columns.shape[0]
    ranks = stats.rankdata(columns, axis=0)
    scores = special.ndtri(ranks / (n_rows + 1))
    scores -= scores.mean(axis=0)
    spread = scores.std(axis=0)
    return np.asarray(scores / np.where(spread > 1e-9, spread, np.inf))


def _nystroem(
    columns: np.ndarray, n_features: int, rng: np.random.Generator
) -> np.ndarray:
    """Return features whose products approximate a Gaussian kernel."""
    n_rows, n_columns = columns.shape
    chosen = rng.choice(n_rows, min(n_features, n_rows), replace=False)
    marks = np.unique(columns[chosen], axis=0)
    squares = (columns**2).sum(axis=1)[:, None] + (marks**2).sum(axis=1)
    distances = np.maximum(squares - 2 * columns @ marks.T, 0.0)
    kernel = np.exp(-distances / n_columns)
    among = ((marks[:, None, :] - marks) ** 2).sum(axis=2)
    values, vectors = np.linalg.eigh(np.exp(-among / n_columns))
    good = values > 1e-6 * values[-1]
    return np.asarray(kernel @ (vectors[:, good] / np.sqrt(values[good])))
