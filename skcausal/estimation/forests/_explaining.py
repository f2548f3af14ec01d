"""Shapley values of the estimates of a forest."""

import numpy as np

from skcausal.estimation.forests import _several_prediction, _shapley
from skcausal.estimation.forests._forest import FlatForest, over_rows

_PATH_POINTS = 32  # of the integral along the path of statistics, which is smooth


def explain_forest(
    forest: FlatForest, codes: np.ndarray, n_features: int, n_jobs: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return Shapley values (n, n_features) and base values (n,) of binned rows.

    A forest of several contrasts has them on a last axis of both.
    """
    if forest.n_contrasts is not None:
        return _explain_contrasts(forest, codes, n_features, n_jobs)
    n, n_columns = codes.shape[0], forest.statistics.shape[1] - 1
    base, slopes = np.empty(n), np.empty((n, n_columns))
    roots = root_statistics(forest)
    path = legendre(_PATH_POINTS)
    nobody = np.empty((0, 0), dtype=np.uint8)
    arrays = forest.trees, forest.leaf_start, forest.statistics

    def start(first: int, last: int) -> None:
        _shapley.gradients(
            forest.kind,
            codes,
            first,
            last,
            arrays,
            roots,
            path,
            nobody,
            base,
            slopes,
        )

    over_rows(start, n, n_jobs)
    return explain_statistics(forest, codes, slopes, n_features, n_jobs), base


def _explain_contrasts(
    forest: FlatForest, codes: np.ndarray, n_features: int, n_jobs: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Do as ``explain_forest`` for each contrast."""
    n, n_columns = codes.shape[0], forest.statistics.shape[1] - 1
    base = np.empty((n, forest.n_contrasts or 0))
    slopes = np.zeros((base.shape[1], n, n_columns))
    roots = root_statistics(forest)
    path = legendre(_PATH_POINTS)
    arrays = forest.trees, forest.leaf_start, forest.statistics

    def start(first: int, last: int) -> None:
        _several_prediction.gradients_several(
            codes, first, last, arrays, roots, path, base, slopes
        )

    over_rows(start, n, n_jobs)
    values = [
        explain_statistics(forest, codes, slope, n_features, n_jobs) for slope in slopes
    ]
    return np.stack(values, axis=2), base


def explain_statistics(
    forest: FlatForest,
    codes: np.ndarray,
    slopes: np.ndarray,
    n_features: int,
    n_jobs: int | None,
) -> np.ndarray:
    """Return Shapley values of ``slopes @ statistics``, summed over trees."""
    values = np.zeros((codes.shape[0], n_features))
    trees = []
    for position in range(forest.n_trees):
        tree = forest.tree(position)
        *edges, most = _shapley.describe(tree[0], tree[3])
        trees.append((tree, tuple(edges), legendre(max(1, (most + 1) // 2))))

    def run(first: int, last: int) -> None:
        for tree, edges, points in trees:
            rows = first, last
            _shapley.explain(tree, edges, codes, rows, slopes, points, values)

    over_rows(run, codes.shape[0], n_jobs)
    return values


def root_statistics(forest: FlatForest) -> np.ndarray:
    """Return the mean statistics of each tree, shape (n_trees, n_columns)."""
    weight = forest.statistics[:, -1:].astype(float)
    filled = np.where(weight > 0, forest.statistics[:, :-1], 0.0)
    starts = forest.leaf_start[:-1]
    totals = np.add.reduceat(weight * filled, starts, axis=0)
    return totals / np.add.reduceat(weight, starts, axis=0)


def legendre(n_points: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points and masses of Gauss-Legendre quadrature on (0, 1)."""
    points, masses = np.polynomial.legendre.leggauss(n_points)
    return (points + 1) / 2, masses / 2
