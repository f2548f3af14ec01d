"""A smooth density of numbers seen, for the log density of noise that is drawn."""

from typing import Any

import numpy as np
from scipy import stats

from skcausal.structural._divergence import NoiseDensity

_MOST_DISTINCT = 0.1  # of the rows: whole numbers with fewer values are like labels


class SmoothDensity:
    r"""Kernel density of a sample, with a Gaussian share that reaches everywhere.

    With n numbers, :math:`n / (n + 1)` of the mass is the kernel density and
    :math:`1 / (n + 1)` a Gaussian with the mean and the standard deviation of the
    sample: so far away from all numbers the log density falls like that of the
    Gaussian, and is never minus infinity.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.source = values
        self._centre = float(values.mean())
        least = 1e-12 * max(float(np.abs(values).max()), 1.0)
        varies = float(values.std()) > least
        self._spread = max(float(values.std()), least)
        self._near = NoiseDensity(values) if varies else None
        self._share = 1 / (len(values) + 1) if varies else 1.0

    def log_density(self, values: Any) -> np.ndarray:
        """Return the log density at numbers."""
        values = np.asarray(values, dtype=float)
        far = stats.norm.logpdf(values, self._centre, self._spread)
        if self._near is None:
            return np.asarray(far)
        with np.errstate(divide="ignore"):
            near = np.log1p(-self._share) + np.log(self._near(values))
        return np.asarray(np.logaddexp(near, np.log(self._share) + far))


def are_like_labels(values: np.ndarray) -> bool:
    """Tell labels, bools and whole numbers that repeat from continuous numbers."""
    if values.dtype.kind not in "iuf":
        return True
    whole = bool((values == np.round(values)).all())
    return whole and len(np.unique(values)) <= max(2, _MOST_DISTINCT * len(values))


def log_shares(seen: np.ndarray, values: Any) -> np.ndarray:
    """Return the log of the share of each value; all unseen ones share 1 / (n + 1)."""
    known, counts = np.unique(seen, return_counts=True)
    values = np.asarray(values)
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    times = np.where(known[places] == values, counts[places], 1)
    return np.asarray(np.log(times / (len(seen) + 1)))
