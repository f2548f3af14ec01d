"""What a randomised experiment could have assigned: units, blocks, statistics."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb, prod

import numpy as np
from scipy import sparse
from scipy.special import betaln

_HUGE = 40.0  # logarithm of a number of assignments that nobody enumerates
_BLOCK = 1 << 22  # entries of assignments held in memory at once


@dataclass(frozen=True, eq=False)
class Design:
    """Units that were assigned to arms at random within blocks, sorted by block.

    Parameters
    ----------
    treated : ndarray of bool of shape (n_units,)
        Arm of each unit.
    block : ndarray of shape (n_units,)
        Increasing codes of blocks.
    size, outcome : ndarray of shape (n_units,)
        Number of rows and sum of the outcome of each unit.
    """

    treated: np.ndarray
    block: np.ndarray
    size: np.ndarray
    outcome: np.ndarray

    @classmethod
    def of(
        cls,
        outcome: np.ndarray,
        treated: np.ndarray,
        block: np.ndarray,
        unit: np.ndarray,
    ) -> "Design":
        """Sum rows up to the units that were assigned."""
        first = np.unique(unit, return_index=True)[1]
        size = np.bincount(unit).astype(float)
        total = np.bincount(unit, weights=outcome)
        order = np.argsort(block[first], kind="stable")
        rows = first[order]
        return cls(treated[rows], block[rows], size[order], total[order])

    @property
    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """Units and treated units of each block."""
        return np.bincount(self.block), np.bincount(self.block[self.treated])

    @property
    def n_assignments(self) -> float:
        """Number of ways in which arms could have been assigned; infinite if huge."""
        n_units, n_treated = self.counts
        logarithm = -betaln(n_treated + 1, n_units - n_treated + 1) - np.log1p(n_units)
        if logarithm.sum() > _HUGE:
            return np.inf
        return prod(map(comb, n_units.tolist(), n_treated.tolist()))

    def other_assignments(self) -> Iterator[np.ndarray]:
        """Yield all assignments but the real one, (n_assignments - 1, n_units)."""
        table = np.zeros((1, 0), dtype=bool)
        for n_units, n_treated in zip(*self.counts, strict=True):
            chosen = list(combinations(range(n_units), n_treated))
            own = np.zeros((len(chosen), n_units), dtype=bool)
            np.put_along_axis(own, np.array(chosen), True, axis=1)
            table = np.hstack(
                [np.repeat(table, len(own), axis=0), np.tile(own, (len(table), 1))]
            )
        yield table[(table != self.treated).any(axis=1)]

    def random_assignments(
        self, n_draws: int, random: np.random.Generator
    ) -> Iterator[np.ndarray]:
        """Yield random assignments in parts of shape (n_part, n_units)."""
        n_units, n_treated = self.counts
        starts = np.cumsum(n_units) - n_units
        kinds = np.unique(np.column_stack([n_units, n_treated]), axis=0)
        total = len(self.treated)
        step = max(1, _BLOCK // total)
        for start in range(0, n_draws, step):
            drawn = np.zeros((min(step, n_draws - start), total), dtype=bool)
            for size, count in kinds:
                alike = starts[(n_units == size) & (n_treated == count)]
                arms = np.zeros((len(drawn), len(alike), size), dtype=bool)
                arms[:, :, :count] = True
                units = alike[:, None] + np.arange(size)
                drawn[:, units] = random.permuted(arms, axis=2)
            yield drawn

    def moments(self, assignments: np.ndarray, studentise: bool) -> np.ndarray:
        """Return what the statistic needs at any shift, shape (n_assignments, 2 or 5).

        With y the outcome and t the arm that units really had: the differences in mean
        of y and of t between the arms assigned, and the variances yy, yt, tt.
        """
        y = self.outcome - self.size * (self.outcome.sum() / self.size.sum())
        t = self.size * self.treated
        n = self.size
        columns = [n, y, t]
        if studentise:
            columns += [n * n, n * y, n * t, y * y, y * t, t * t]
        one = _arm_sums(assignments, self.block, columns)
        zero = _totals(self.block, columns)[:, None, :] - one
        share = np.bincount(self.block, weights=n) / n.sum()
        gap_y = share * (one[1] / one[0] - zero[1] / zero[0])
        gap_t = share * (one[2] / one[0] - zero[2] / zero[0])
        means = np.column_stack([gap_y.sum(axis=1), gap_t.sum(axis=1)])
        if not studentise:
            return means
        n_units, n_treated = self.counts
        if min(n_treated.min(), (n_units - n_treated).min()) < 2:
            return np.column_stack([means, _variances_between(gap_y, gap_t)])
        within = _variances_within(one, n_treated) + _variances_within(
            zero, n_units - n_treated
        )
        return np.column_stack([means, (share**2 * within).sum(axis=2).T])


def _indicators(block: np.ndarray) -> sparse.csr_array:
    """Return the indicator of blocks, shape (n_units, n_blocks)."""
    return sparse.csr_array((np.ones(len(block)), (np.arange(len(block)), block)))


def _totals(block: np.ndarray, columns: list[np.ndarray]) -> np.ndarray:
    """Return sums of columns by block, shape (n_columns, n_blocks)."""
    return np.stack([np.bincount(block, weights=column) for column in columns])


def _arm_sums(
    assignments: np.ndarray, block: np.ndarray, columns: list[np.ndarray]
) -> np.ndarray:
    """Return sums over treated units, shape (n_columns, n_assignments, n_blocks)."""
    blocks = _indicators(block)
    chosen = assignments.T.astype(float)
    if blocks.shape[1] == 1:
        return (np.stack(columns) @ chosen)[:, :, None]
    return np.stack([(blocks.multiply(c[:, None]).T @ chosen).T for c in columns])


def _variances_within(sums: np.ndarray, n_units: np.ndarray) -> np.ndarray:
    """Return variances of the mean of one arm per block: yy, yt and tt.

    Of a ratio of sums over units (outcome over rows): deviations from the mean of the
    arm, n_units / (n_units - 1) for degrees of freedom.
    """
    n, y, t, nn, ny, nt, yy, yt, tt = sums
    mean_y, mean_t = y / n, t / n
    squares = np.stack(
        [
            yy - 2 * mean_y * ny + mean_y**2 * nn,
            yt - mean_y * nt - mean_t * ny + mean_y * mean_t * nn,
            tt - 2 * mean_t * nt + mean_t**2 * nn,
        ]
    )
    return squares / n**2 * (n_units / (n_units - 1))


def _variances_between(gap_y: np.ndarray, gap_t: np.ndarray) -> np.ndarray:
    """Return variances of a sum over blocks from their spread: yy, yt and tt."""
    n_blocks = gap_y.shape[1]
    y = gap_y - gap_y.mean(axis=1, keepdims=True)
    t = gap_t - gap_t.mean(axis=1, keepdims=True)
    products = np.stack([(y * y), (y * t), (t * t)], axis=2).sum(axis=1)
    return products * (n_blocks / (n_blocks - 1))
