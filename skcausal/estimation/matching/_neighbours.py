"""The nearest points of another arm, with all that tie with the last of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.spatial import KDTree

from skcausal.estimation.matching._rows import Pairs, Rows

_RELATIVE_TIE = 1e-9  # distances that differ by less are rounding
_ABSOLUTE_TIE = 1e-12  # of the extent of the coordinates
_LEAF = 20  # points; the fastest of 10 to 80 in ten dimensions


@dataclass(frozen=True, eq=False)
class Space:
    """Where points lie, and which of them may be compared at all.

    Parameters
    ----------
    coordinates : ndarray of shape (n_points, d)
        Euclidean distance in them is the distance of matching.
    stratum : ndarray of shape (n_points,), int
        Points of unlike strata are never matched.
    n_jobs : int or None
        Threads of the search.
    """

    coordinates: np.ndarray
    stratum: np.ndarray
    n_jobs: int | None = None

    def tie(self) -> float:
        """Return the distance below which points count as equally near."""
        extent = np.ptp(self.coordinates, axis=0).max(initial=0.0)
        return float(_ABSOLUTE_TIE * extent)


def across(space: Space, rows: Rows, arm: int, k: int, caliper: float | None) -> Pairs:
    """Return the nearest points of ``arm`` for every point of the other arm."""
    queries = np.flatnonzero(rows.counts[1 - arm])
    limit = np.inf if caliper is None else float(caliper)
    return _in_strata(space, queries, rows.counts[arm], k, limit)


def within(space: Space, rows: Rows, arm: int, queries: np.ndarray, k: int) -> Pairs:
    """Return the points with the k nearest other rows of an arm for its own points.

    A query is a neighbour of itself: the caller leaves the row itself out.
    """
    return _in_strata(space, queries, rows.counts[arm], k + 1, np.inf)


def _in_strata(
    space: Space, queries: np.ndarray, counts: np.ndarray, k: int, limit: float
) -> Pairs:
    asking = _by_stratum(space, queries)
    offering = _by_stratum(space, np.flatnonzero(counts))
    parts = [
        _nearest(space, asking[stratum], offering[stratum], counts, k, limit)
        for stratum in asking.keys() & offering.keys()
    ]
    query, point, distance = (
        np.concatenate([part[i] for part in parts] or [np.empty(0)]) for i in range(3)
    )
    order = np.lexsort((distance, query))
    return Pairs(query[order].astype(int), point[order].astype(int), distance[order])


def _by_stratum(space: Space, points: np.ndarray) -> dict[int, np.ndarray]:
    """Return the points of each stratum."""
    points = points[np.argsort(space.stratum[points], kind="stable")]
    labels, first = np.unique(space.stratum[points], return_index=True)
    parts = np.split(points, first[1:])
    return {int(label): part for label, part in zip(labels, parts, strict=False)}


def _nearest(
    space: Space,
    queries: np.ndarray,
    pool: np.ndarray,
    counts: np.ndarray,
    k: int,
    limit: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return pairs of one stratum: points until k rows are found, and all ties.

    Points are asked for in growing numbers, until one is farther than the last needed.
    """
    search = _searcher(space, pool)
    todo, size, parts = _by_place(space, queries), k + 1, []
    while todo.shape[0]:
        size = min(size, pool.shape[0])
        distance, index = search(todo, size)
        enough = np.cumsum(counts[pool[index]], axis=1) >= k
        last = np.where(enough.any(axis=1), enough.argmax(axis=1), size - 1)
        cutoff = np.take_along_axis(distance, last[:, None], axis=1)
        cutoff = cutoff * (1 + _RELATIVE_TIE) + space.tie()
        keep = distance <= np.minimum(cutoff, limit)
        beyond = distance[:, -1] > np.minimum(cutoff[:, 0], limit)
        done = beyond | (size == pool.shape[0])
        row, column = np.nonzero(keep & done[:, None])
        parts.append((todo[row], pool[index[row, column]], distance[row, column]))
        todo, size = todo[~done], 2 * size
    query, point, distance = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    return query, point, distance


def _by_place(space: Space, points: np.ndarray) -> np.ndarray:
    """Order points so that neighbours follow each other: searches share the cache."""
    if space.coordinates.shape[1] == 0:
        return points
    return points[KDTree(space.coordinates[points]).indices]


def _searcher(space: Space, pool: np.ndarray) -> Any:
    """Return what gives distances and positions of the nearest points of a pool."""
    where = space.coordinates
    if where.shape[1] == 0:
        where = np.zeros((where.shape[0], 1))
    tree = KDTree(where[pool], leafsize=_LEAF)

    def search(queries: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
        distance, index = tree.query(
            where[queries], k=np.arange(1, size + 1), workers=space.n_jobs or 1
        )
        return distance, index

    return search


def nearest_rows(
    pairs: Pairs, rows: Rows, arm: int, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the k nearest rows of ``arm`` for the rows of the other arm.

    Shape (n, k) both; -1 and infinity where a row has fewer.
    """
    indices = np.full((rows.arm.shape[0], k), -1)
    distances = np.full((rows.arm.shape[0], k), np.inf)
    members = np.flatnonzero((rows.arm == arm) & (rows.weight > 0))
    members = members[np.argsort(rows.point[members], kind="stable")]
    counts = rows.counts[arm].astype(int)
    start = np.concatenate([[0], np.cumsum(counts)])
    size = counts[pairs.pool]
    passed = np.cumsum(size) - size
    first = np.searchsorted(pairs.query, np.arange(rows.n_points))
    before = passed - passed[first[pairs.query]]
    others = np.flatnonzero(rows.arm != arm)
    for slot in range(k):
        pair = np.flatnonzero((before <= slot) & (slot < before + size))
        row = np.full(rows.n_points, -1)
        row[pairs.query[pair]] = members[start[pairs.pool[pair]] + slot - before[pair]]
        distance = np.full(rows.n_points, np.inf)
        distance[pairs.query[pair]] = pairs.distance[pair]
        indices[others, slot] = row[rows.point[others]]
        distances[others, slot] = distance[rows.point[others]]
    return indices, distances
