"""Discrete values as functions of standard normal noise, precise in both tails.

Uniform noise on (0, 1) cannot tell values of the upper tail apart, because floats are
coarse near 1: a count of 60 where 2 are expected would not come back. Its normal score
can, down to probabilities of 1e-300.
"""

import numpy as np
from scipy import special

_MARGIN = 1e-9  # of an interval, kept free at its ends: rounding leads to no neighbour


def normal_between(
    below: tuple[np.ndarray, np.ndarray],
    above: tuple[np.ndarray, np.ndarray],
    random: np.random.Generator,
) -> np.ndarray:
    """Draw standard normal noise, given that it lies in an interval per row.

    ``below`` holds the mass below the lower and the upper end of the intervals,
    ``above`` that above them; an interval without mass gives NaN.
    """
    place = _MARGIN + (1 - 2 * _MARGIN) * random.random(len(below[0]))
    upper_half = below[0] > 0.5
    low = np.where(upper_half, above[1], below[0])
    mass = np.where(upper_half, above[0], below[1]) - low
    scores = special.ndtri(low + mass * place)
    scores = np.where(upper_half, -scores, scores)
    return np.where((mass > 0) & np.isfinite(scores), scores, np.nan)


def poisson_interval(
    counts: np.ndarray, means: np.ndarray
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Return the mass below and above the ends of the noise that gives each count."""
    previous = np.maximum(counts - 1, 0)
    first = counts == 0
    below = np.where(first, 0.0, special.pdtr(previous, means))
    above = np.where(first, 1.0, special.pdtrc(previous, means))
    return (below, special.pdtr(counts, means)), (above, special.pdtrc(counts, means))


def poisson_quantile(scores: np.ndarray, means: np.ndarray) -> np.ndarray:
    """Return the counts that standard normal noise leads to.

    From a Cornish-Fisher guess, rows step to the smallest count whose distribution
    function reaches that of the noise.
    """
    lower, upper = special.ndtr(scores), special.ndtr(-scores)
    guess = means + np.sqrt(means) * scores + (scores**2 - 1) / 6
    counts = np.maximum(np.floor(guess), 0)

    def reached(rows: np.ndarray, at: np.ndarray) -> np.ndarray:
        left = special.pdtr(at, means[rows]) >= lower[rows]
        right = special.pdtrc(at, means[rows]) <= upper[rows]
        return np.where(scores[rows] <= 0, left, right)

    rows = np.flatnonzero(counts > 0)
    while len(rows):
        rows = rows[reached(rows, counts[rows] - 1)]
        counts[rows] -= 1
        rows = rows[counts[rows] > 0]
    rows = np.arange(len(counts))
    while len(rows):
        rows = rows[~reached(rows, counts[rows])]
        counts[rows] += 1
    return counts


def bernoulli_threshold(logits: np.ndarray) -> np.ndarray:
    """Return what standard normal noise must exceed with the given probability."""
    tail = special.ndtri(special.expit(-np.abs(logits)))
    return np.where(logits > 0, tail, -tail)
