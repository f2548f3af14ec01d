"""Multiplier bootstrap: draws of an estimate's error from its influence values."""

from typing import Any

import numpy as np

from skcausal.inference._bootstrap import generator_of
from skcausal.inference._clusters import (
    as_groups,
    cluster_codes,
    degrees_of_freedom,
    scaled_sums,
)

_GOLDEN = (1 + np.sqrt(5)) / 2
_BLOCK = 1 << 22  # weights held in memory at once
WEIGHTS = ("normal", "rademacher", "mammen")


def multiplier_draws(
    influence: Any,
    *,
    groups: Any = None,
    weights: str = "normal",
    n_bootstrap: int = 5000,
    random_state: Any = None,
) -> np.ndarray:
    r"""Draw the error of estimates by giving their influence values random weights.

    For the distribution of anything that is made of several estimates, such as their
    largest error; nothing is refitted.

    Parameters
    ----------
    influence : array-like of shape (n,) or (n, n_effects)
        Influence of each row on each estimate, columns of mean zero.
    groups : array-like of shape (n,) or (n, n_ways), default=None
        Cluster of each row, in one or several ways; one weight is drawn per cluster.
    weights : {"normal", "rademacher", "mammen"}, default="normal"
        Distribution of the weights, of mean 0 and variance 1: standard normal; -1 or 1
        with equal probability; or Mammen's two points, which also have third moment 1.
    n_bootstrap : int, default=5000
        Number of draws.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the draws.

    Returns
    -------
    draws : ndarray of shape (n_bootstrap,) or (n_bootstrap, n_effects)
        Errors in the units of the estimates.

    Raises
    ------
    ValueError
        If ``weights`` is unknown, or there are fewer than two rows or clusters.

    Notes
    -----
    Assumes independent rows (or groups) and asymptotically linear estimates. With
    influence sums :math:`\psi_g` of G units and weights :math:`w_g`, a draw is

    .. math:: \frac1n \sqrt{\frac{G}{G - 1}} \sum_g w_g \psi_g .

    With several ways of grouping, each way draws its own weights and the sums are
    added. Rows that share clusters in all ways then count more than once, so draws are
    a little too wide; their correlations are what matters for bands. Normal weights
    make draws normal, so they are drawn from their covariance at once, whatever n.

    References
    ----------
    Belloni, A., Chernozhukov, V., Chetverikov, D., & Wei, Y. (2018). Uniformly valid
    post-regularization confidence regions for many functional parameters in
    Z-estimation framework. Annals of Statistics, 46(6B).
    https://doi.org/10.1214/17-AOS1671

    Chiang, H. D., Kato, K., & Sasaki, Y. (2023). Inference for high-dimensional
    exchangeable arrays. Journal of the American Statistical Association, 118(543).
    https://doi.org/10.1080/01621459.2021.2000868

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import multiplier_draws
    >>> outcome = np.random.default_rng(0).normal(size=400)
    >>> draws = multiplier_draws(outcome - outcome.mean(), random_state=0)
    >>> print(f"{draws.std():.3f} against {outcome.std(ddof=1) / 20:.3f}")
    0.050 against 0.050
    """
    values = np.asarray(influence, dtype=float)
    columns = values.reshape(values.shape[0], -1)
    _check(columns, weights, n_bootstrap)
    labels = None if groups is None else as_groups(groups, "multiplier_draws")
    if labels is not None and labels.shape[0] != columns.shape[0]:
        raise ValueError(
            "multiplier_draws: groups must have one label for each of the "
            f"{columns.shape[0]} rows, got {labels.shape[0]}."
        )
    codes = None if labels is None else cluster_codes(labels)
    ways = scaled_sums(columns, codes)
    if min(len(sums) for sums in ways) < 2:
        raise ValueError(
            "multiplier_draws: at least two rows or groups are needed, got one. Leave "
            "groups out if rows are independent."
        )
    random = generator_of(random_state)
    draws = np.zeros((n_bootstrap, columns.shape[1]))
    for sums in ways:
        draws += _weighted_sums(sums, weights, n_bootstrap, random)
    return draws[:, 0] if values.ndim == 1 else draws


def studentised_draws(
    influence: np.ndarray, groups: np.ndarray | None, options: dict[str, Any]
) -> np.ndarray:
    """Return draws in standard errors, shape (n_bootstrap, n_effects).

    With groups, each draw is divided by the root of a mean square of as many normal
    numbers as there are degrees of freedom: one effect alone is then Student.
    """
    random = generator_of(options.get("random_state"))
    draws = multiplier_draws(
        influence, groups=groups, **(options | {"random_state": random})
    )
    codes = None if groups is None else cluster_codes(groups)
    scale = np.sqrt(sum((way**2).sum(axis=0) for way in scaled_sums(influence, codes)))
    draws /= np.where(scale > 0, scale, 1.0)
    if groups is not None:
        degrees = degrees_of_freedom(groups)
        squares = random.chisquare(degrees, size=(draws.shape[0], 1))
        draws /= np.sqrt(squares / degrees)
    return draws


def _check(columns: np.ndarray, weights: str, n_bootstrap: int) -> None:
    """Refuse unknown weights, too few draws and influence that is no number."""
    if weights not in WEIGHTS:
        raise ValueError(
            "multiplier_draws: weights must be one of "
            f"{', '.join(map(repr, WEIGHTS))}, got {weights!r}."
        )
    if n_bootstrap < 1:
        raise ValueError(
            f"multiplier_draws: n_bootstrap must be at least 1, got {n_bootstrap}."
        )
    if not np.isfinite(columns).all():
        raise ValueError("multiplier_draws: influence holds NaN or infinite values.")


def _weighted_sums(
    sums: np.ndarray, weights: str, n_bootstrap: int, random: np.random.Generator
) -> np.ndarray:
    """Return sums over units with random weights, shape (n_bootstrap, n_effects)."""
    if weights == "normal":
        squares, axes = np.linalg.eigh(sums.T @ sums)
        root = np.sqrt(np.maximum(squares, 0.0))[:, None] * axes.T
        return random.standard_normal((n_bootstrap, len(root))) @ root
    draws = np.empty((n_bootstrap, sums.shape[1]))
    step = max(1, _BLOCK // len(sums))
    for start in range(0, n_bootstrap, step):
        part = draws[start : start + step]
        part[:] = _two_points(weights, (len(part), len(sums)), random) @ sums
    return draws


def _two_points(
    weights: str, shape: tuple[int, int], random: np.random.Generator
) -> np.ndarray:
    """Draw Rademacher or Mammen weights."""
    if weights == "rademacher":
        return 2.0 * random.integers(2, size=shape, dtype=np.int8) - 1.0
    small = random.random(shape) < _GOLDEN / np.sqrt(5)
    return np.where(small, 1 - _GOLDEN, _GOLDEN)
