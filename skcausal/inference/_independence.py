"""Is x independent of y, given z? What tests return, and what they take."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class IndependenceTest:
    """What a test of conditional independence found.

    Parameters
    ----------
    statistic : float
        The test statistic, signed where the test has a sign.
    p_value : float
        Probability of a statistic at least as extreme, were the variables independent.

    Notes
    -----
    Assumes what the test assumes that made it. A large p-value is no evidence of
    independence: the test may lack power against the dependence that there is.

    Examples
    --------
    >>> from skcausal.inference import partial_correlation_test
    >>> test = partial_correlation_test([0, 1, 2, 3, 4], [1, 0, 2, 4, 3])
    >>> round(test.statistic, 2), round(test.p_value, 2)
    (2.31, 0.1)
    """

    statistic: float
    p_value: float


def as_columns(values: Any, name: str, owner: str) -> np.ndarray:
    """Return values as a finite array of shape (n, k); a vector is one column."""
    array = np.asarray(values, dtype=float)
    if array.ndim == 1:
        array = array[:, None]
    if array.ndim != 2 or array.shape[0] == 0:
        raise ValueError(
            f"{owner}: {name} must have shape (n,) or (n, k), got {array.shape}."
        )
    if not np.isfinite(array).all():
        raise ValueError(
            f"{owner}: {name} must be finite, got NaN or infinity. Drop or impute "
            "these rows."
        )
    return array


def checked_sides(
    x: Any, y: Any, z: Any, owner: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return x, y and z as columns of equal length; a z of None has no column."""
    left, right = as_columns(x, "x", owner), as_columns(y, "y", owner)
    n_rows = left.shape[0]
    given = np.empty((n_rows, 0)) if z is None else as_columns(z, "z", owner)
    if not n_rows == right.shape[0] == given.shape[0]:
        raise ValueError(
            f"{owner}: x, y and z must have the same number of rows, got {n_rows}, "
            f"{right.shape[0]} and {given.shape[0]}."
        )
    return left, right, given
