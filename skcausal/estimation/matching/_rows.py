"""Rows gathered at points: equal rows are one point, so that ties cost nothing."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True, eq=False)
class Rows:
    """All that matching has to know of the rows of a table.

    Parameters
    ----------
    point : ndarray of shape (n,), int
        Point of each row: rows that nothing tells apart share one.
    arm : ndarray of shape (n,), int
        Code of the arm, 0 or 1.
    weight : ndarray of shape (n,)
        Sample weight; a row without weight is nobody's match.
    n_points : int
        Number of points.
    """

    point: np.ndarray
    arm: np.ndarray
    weight: np.ndarray
    n_points: int

    def total(self, arm: int, values: np.ndarray) -> np.ndarray:
        """Return the sum of values over the rows of an arm at each point."""
        here = self.arm == arm
        return np.bincount(self.point[here], values[here], self.n_points)

    @cached_property
    def mass(self) -> tuple[np.ndarray, np.ndarray]:
        """Weight of each arm at each point."""
        return self.total(0, self.weight), self.total(1, self.weight)

    @cached_property
    def counts(self) -> tuple[np.ndarray, np.ndarray]:
        """Number of rows with weight of each arm at each point."""
        present = (self.weight > 0).astype(float)
        return self.total(0, present), self.total(1, present)

    @cached_property
    def share(self) -> np.ndarray:
        """Share of each row in the weight of its arm at its point."""
        mass = np.stack(self.mass)[self.arm, self.point]
        return np.divide(self.weight, mass, out=np.zeros_like(mass), where=mass > 0)

    def means(self, arm: int, values: np.ndarray) -> np.ndarray:
        """Return the weighted mean of values over the rows of an arm at each point."""
        return self.total(arm, self.share * values)


@dataclass(frozen=True, eq=False)
class Pairs:
    """Neighbouring points: each pair is a query with one point of the pool.

    Parameters
    ----------
    query, pool : ndarray of shape (n_pairs,), int
        Points, sorted by query and distance.
    distance : ndarray of shape (n_pairs,)
        Distance between them.
    """

    query: np.ndarray
    pool: np.ndarray
    distance: np.ndarray

    def table(self, values: np.ndarray, n_points: int) -> sp.csr_array:
        """Return the matrix of queries by pool that holds a value for each pair."""
        shape = (n_points, n_points)
        return sp.csr_array((values, (self.query, self.pool)), shape=shape)

    def links(self, mass: np.ndarray) -> sp.csr_array:
        """Return the share of each point in the weight of all neighbours of a query."""
        weight = mass[self.pool]
        total = np.bincount(self.query, weight, mass.shape[0])
        return self.table(weight / total[self.query], mass.shape[0])


def joint_codes(columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the code of each row among the distinct rows, and one row of each."""
    if columns.shape[1] == 0:
        return np.zeros(columns.shape[0], dtype=int), np.zeros(1, dtype=int)
    _, first, codes = np.unique(
        columns + 0, axis=0, return_index=True, return_inverse=True
    )
    return codes.reshape(-1), first
