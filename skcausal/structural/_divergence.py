"""Densities of noise and divergences of samples, in one dimension."""

import numpy as np
from scipy.ndimage import gaussian_filter1d

_STEPS = 4  # grid points per bandwidth
_MOST_STEPS = 100_000


class NoiseDensity:
    """A kernel density on a grid: evaluation costs no more than interpolation."""

    def __init__(self, noise: np.ndarray) -> None:
        middle = np.diff(np.percentile(noise, [25, 75]))[0] / 1.34
        width = 0.9 * min(noise.std(), middle or noise.std()) * len(noise) ** -0.2
        low, high = noise.min() - 6 * width, noise.max() + 6 * width
        n_bins = int(min(_MOST_STEPS, np.ceil((high - low) / width * _STEPS)))
        counts, edges = np.histogram(noise, bins=n_bins, range=(low, high))
        step = edges[1] - edges[0]
        smooth = gaussian_filter1d(
            counts / (len(noise) * step), width / step, mode="constant", truncate=6
        )
        self._points, self._heights = (edges[:-1] + edges[1:]) / 2, smooth

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return the density at some values, zero outside the grid."""
        return np.interp(values, self._points, self._heights, left=0.0, right=0.0)


def is_discrete(values: np.ndarray) -> bool:
    """Tell whether values repeat so often that distances among them are zero."""
    return len(np.unique(values)) < 0.02 * len(values)


def divergence_terms(sample: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return one term per value of ``sample``, whose mean estimates the divergence.

    Log ratios of the distances to the k-th neighbours in both samples (Wang, Kulkarni
    and Verdú 2009); of frequencies, plus half a count, where values repeat.
    """
    if is_discrete(reference) and is_discrete(sample):
        return _discrete_terms(sample, reference)
    k = _n_neighbours(sample, reference)
    _, codes, counts = np.unique(sample, return_inverse=True, return_counts=True)
    copies = counts[codes]  # a value and its repeats are no neighbours of its own
    own = _neighbour_distance(sample, np.sort(sample), k + copies)
    other = _neighbour_distance(sample, np.sort(reference), np.full(len(sample), k))
    tiny = 1e-12 * max(float(np.ptp(sample)), float(np.ptp(reference)), 1e-300)
    ratio = np.maximum(other, tiny) / np.maximum(own, tiny)
    return np.log(ratio) + np.log(len(reference) / (len(sample) - copies))


def _n_neighbours(sample: np.ndarray, reference: np.ndarray) -> int:
    """Return a number of neighbours that the most frequent value does not fill.

    Few neighbours keep the bias small where one sample is sparse; rows that were drawn
    from a table with replacement are at distance zero from their copies.
    """
    repeats = max(
        int(np.unique(one, return_counts=True)[1].max()) for one in (sample, reference)
    )
    return int(min(max(5, 3 * (repeats - 1)), min(len(sample), len(reference)) // 2))


def _neighbour_distance(
    at: np.ndarray, ordered: np.ndarray, k: np.ndarray
) -> np.ndarray:
    """Return the distance of each value to its k-th nearest in a sorted sample.

    The k nearest are k successive values; the best start of the window is found by
    bisection, as the distance to its left end falls and to its right end grows.
    """
    n = len(ordered)
    low = np.zeros(len(at), dtype=int)
    high = n - k
    for _ in range(int(np.ceil(np.log2(n))) + 1):
        middle = (low + high) // 2
        after = np.minimum(middle + k, n - 1)
        move = (low < high) & (at - ordered[middle] > ordered[after] - at)
        stay = (low < high) & ~move
        low, high = np.where(move, middle + 1, low), np.where(stay, middle, high)
    return np.maximum(at - ordered[low], ordered[low + k - 1] - at)


def _discrete_terms(sample: np.ndarray, reference: np.ndarray) -> np.ndarray:
    values, codes = np.unique(np.concatenate([sample, reference]), return_inverse=True)
    here, there = (
        np.bincount(part, minlength=len(values)) + 0.5
        for part in (codes[: len(sample)], codes[len(sample) :])
    )
    ratio = np.log(here / here.sum()) - np.log(there / there.sum())
    return ratio[codes[: len(sample)]]
