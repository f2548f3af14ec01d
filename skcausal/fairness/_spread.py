"""How far unfairness would move in other data: resampled rows, refitted models."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from skcausal.fairness._comparing import Predictions, largest

_N_BOOTSTRAP = 500


@dataclass(frozen=True)
class Spread:
    """Replicates of unfairness, and the p-value of no mean shift."""

    replicates: np.ndarray
    p_value: float
    n_refits: int


def resampled(found: Predictions, random: np.random.Generator) -> Spread:
    """Resample rows under the same structural model."""
    size = largest(found.differences)
    n = len(size)
    means = [size[random.integers(n, size=n)].mean() for _ in range(_N_BOOTSTRAP)]
    return Spread(np.array(means), np.nan, 0)


def refitted(
    found: Predictions,
    refit: Callable[[], Predictions],
    n_refits: int,
    random: np.random.Generator,
) -> Spread:
    """Resample rows under structural models that are fitted anew."""
    sizes, shifts = [], []
    for _ in range(n_refits):
        again = refit()
        draw = random.integers(len(again.score), size=len(again.score))
        sizes.append(largest(again.differences[draw]).mean())
        shifts.append(mean_shifts(again, draw))
    p_value = no_shift_p_value(mean_shifts(found), np.array(shifts))
    return Spread(np.array(sizes), p_value, n_refits)


def mean_shifts(found: Predictions, draw: np.ndarray | None = None) -> np.ndarray:
    """Return the mean difference of each pair, of shape (n_values ** 2,)."""
    rows = slice(None) if draw is None else draw
    own, differences = found.own[rows], found.differences[rows]
    n = len(found.values)
    return np.concatenate(
        [
            differences[own == a].mean(axis=0) if (own == a).any() else np.zeros(n)
            for a in range(n)
        ]
    )


def no_shift_p_value(shifts: np.ndarray, replicates: np.ndarray) -> float:
    """Test that no pair shifts on average, by the largest studentised shift."""
    known = np.isfinite(shifts)
    centred = replicates[:, known] - replicates[:, known].mean(axis=0)
    error = centred.std(axis=0, ddof=1)
    observed, moves = np.abs(shifts[known]), error > 1e-12
    if (observed[~moves] > 1e-9).any():
        return 1 / (1 + len(replicates))
    if not moves.any():
        return 1.0
    bar = (observed[moves] / error[moves]).max()
    reached = (np.abs(centred[:, moves]) / error[moves]).max(axis=1) >= bar
    return float((1 + reached.sum()) / (1 + len(replicates)))
