"""Generalised covariance measure: covariance of residuals of two regressions."""

from typing import Any

import numpy as np
from scipy import stats

from skcausal.inference._independence import IndependenceTest, checked_sides


def residual_covariance_test(x: Any, y: Any) -> IndependenceTest:
    r"""Test independence given z by residuals of regressions of x and of y on z.

    Parameters
    ----------
    x, y : array-like of shape (n,) or (n, k)
        Residuals of the two variables after any regression on the conditioning
        variables, best predicted out of fold. A categorical variable has one column
        per category, maybe without one.

    Returns
    -------
    test : IndependenceTest
        With one column on each side the statistic is standard normal, else it is
        chi-squared.

    Raises
    ------
    ValueError
        If shapes differ, or values are not finite.

    Notes
    -----
    Assumes independent rows, and regressions good enough that the product of their
    errors vanishes faster than :math:`n^{-1/2}`. The test sees a dependence only
    if the mean over z of the conditional covariance is not zero. With
    :math:`R_i = \hat\varepsilon_i \hat\xi_i` the products of residuals,

    .. math::
        T = \frac{\sqrt{n}\,\bar R}
        {\sqrt{\tfrac1n \sum_i R_i^2 - \bar R^2}} \approx N(0, 1),

    the generalised covariance measure. With several products per row the statistic is
    :math:`n\,\bar R' \hat\Sigma^{-1} \bar R`, chi-squared with as many degrees of
    freedom as :math:`\hat\Sigma`, their covariance, has rank.

    References
    ----------
    Shah, R. D., & Peters, J. (2020). The hardness of conditional independence testing
    and the generalised covariance measure. Annals of Statistics 48(3).
    https://doi.org/10.1214/19-AOS1857

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import residual_covariance_test
    >>> x, noise = np.random.default_rng(0).normal(size=(2, 500))
    >>> residual_covariance_test(x, noise).p_value > 0.05
    True
    >>> residual_covariance_test(x, x + noise).p_value < 0.001
    True
    """
    left, right, _ = checked_sides(x, y, None, "residual_covariance_test")
    n_rows = left.shape[0]
    products = np.einsum("ia,ib->iab", left, right).reshape(n_rows, -1)
    mean = products.mean(axis=0)
    covariance = np.cov(products, rowvar=False, bias=True).reshape(len(mean), -1)
    values, vectors = np.linalg.eigh(covariance)
    good = values > 1e-10 * max(float(values[-1]), 1e-300)
    if not good.any() or values[-1] <= 0:
        return IndependenceTest(0.0, 1.0)
    scores = np.sqrt(n_rows) * (mean @ vectors[:, good]) / np.sqrt(values[good])
    if len(mean) == 1:
        score = float(scores[0] * vectors[0, 0])
        return IndependenceTest(score, float(2 * stats.norm.sf(abs(score))))
    square = float(scores @ scores)
    return IndependenceTest(square, float(stats.chi2.sf(square, good.sum())))
