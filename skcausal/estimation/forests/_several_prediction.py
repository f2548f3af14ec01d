"""Several effects per row from averaged leaf statistics, with variances (kernels).

A leaf keeps weighted means of y, of the indicators w_k, of w_k y and of w_k w_l with
l <= k, in this order. Leaves that lack an arm need no rule: only averages over trees
are solved.
"""

import numpy as np

from skcausal.estimation.forests._prediction import (
    BLOCK,
    block_scratch,
    find_leaves,
    mean_statistics,
    row_variance,
)
from skcausal.estimation.forests._sampling import allocating, bare
from skcausal.estimation.forests._several_labels import inverse_factor, inverse_from

LEAST_VARIANCE = 1e-4  # an arm with this share of the weight is as good as missing


@bare
def centred_products(mean, n, covariance):
    """Write the covariances of indicators from mean statistics."""
    position = 2 * n + 1
    for k in range(n):
        for j in range(k + 1):
            covariance[k, j] = mean[position] - mean[1 + k] * mean[1 + j]
            covariance[j, k] = covariance[k, j]
            position += 1


@bare
def write_influence(mean, n, effects, inverse, influence):
    """Write the derivatives of each slope by the mean statistics."""
    level = -mean[0]
    for k in range(n):
        level += effects[k] * mean[1 + k]
    for k in range(n):
        row, shift = influence[k], 0.0
        for j in range(n):
            shift += inverse[k, j] * mean[1 + j]
        row[0] = -shift
        position = 2 * n + 1
        for j in range(n):
            row[1 + j] = inverse[k, j] * level + shift * effects[j]
            row[1 + n + j] = inverse[k, j]
            for i in range(j + 1):
                row[position] = -inverse[k, j] * effects[i]
                if i < j:
                    row[position] -= inverse[k, i] * effects[j]
                position += 1


@bare
def solve_several(mean, effects, influence, algebra):
    """Write the slopes of mean statistics, and their influence functions.

    Row k of ``influence`` holds the coefficients such that the influence of statistics
    s on slope k is ``influence[k] @ (s - mean)``. A slope is NaN where its indicator
    does not vary given the others.
    """
    covariance, least, factor, inverse = algebra
    n = effects.shape[0]
    for k in range(n):
        least[k] = 0.01 * LEAST_VARIANCE
    centred_products(mean, n, covariance)
    inverse_factor(covariance, least, factor)
    inverse_from(factor, inverse)
    for k in range(n):
        effects[k] = 0.0
        for j in range(n):
            effects[k] += inverse[k, j] * (mean[1 + n + j] - mean[1 + j] * mean[0])
    write_influence(mean, n, effects, inverse, influence)
    for k in range(n):
        if inverse[k, k] * LEAST_VARIANCE > 1.0:
            effects[k] = np.nan


@allocating
def predict_several(
    codes,
    first_row,
    last_row,
    trees,
    leaf_start,
    statistics,
    drawn,
    bag_size,
    with_variance,
    estimates,
    variances,
):
    """Write estimates (and variances) of the rows, one column per contrast.

    NaN marks a row for which no tree counts; a contrast that is not known there has an
    infinite variance besides.
    """
    n_columns = statistics.shape[1] - 1
    n = estimates.shape[1]
    n_trees = leaf_start.shape[0] - 1
    block = block_scratch(n_trees)
    leaves = block[3]
    mean, influence = np.empty(n_columns), np.empty((n, n_columns))
    values = np.empty(n_trees)
    algebra = np.empty((n, n)), np.empty(n), np.empty((n, n)), np.empty((n, n))
    for start in range(first_row, last_row, BLOCK):
        stop = min(start + BLOCK, last_row)
        find_leaves(
            codes, start, stop, trees, leaf_start, statistics, n_columns, drawn, block
        )
        for row in range(start, stop):
            if mean_statistics(statistics, leaves, row - start, mean) == 0:
                estimates[row], variances[row] = np.nan, np.nan
                continue
            solve_several(mean, estimates[row], influence, algebra)
            for k in range(n):
                if np.isnan(estimates[row, k]):
                    variances[row, k] = np.inf
                elif with_variance:
                    variances[row, k] = row_variance(
                        statistics,
                        leaves,
                        row - start,
                        bag_size,
                        mean,
                        influence[k],
                        values,
                    )


@allocating
def gradients_several(
    codes, first_row, last_row, forest, roots, legendre, base, slopes
):
    """Do as ``_shapley.gradients`` for each contrast; add to ``slopes``, zeros before.

    ``slopes`` has the shape (contrasts, rows, statistics).
    """
    trees, leaf_start, statistics = forest
    points, masses = legendre
    n_trees, n_columns = leaf_start.shape[0] - 1, statistics.shape[1] - 1
    n = base.shape[1]
    nobody = np.empty((0, 0), np.uint8)
    block = block_scratch(n_trees)
    leaves = block[3]
    low, high, mean = np.zeros((3, n_columns))
    effects, influence = np.empty(n), np.empty((n, n_columns))
    algebra = np.empty((n, n)), np.empty(n), np.empty((n, n)), np.empty((n, n))
    for start in range(first_row, last_row, BLOCK):
        stop = min(start + BLOCK, last_row)
        find_leaves(
            codes, start, stop, trees, leaf_start, statistics, n_columns, nobody, block
        )
        for row in range(start, stop):
            count = 0
            low[:], high[:] = 0.0, 0.0
            for tree in range(n_trees):
                leaf = leaves[tree, row - start]
                if leaf >= 0:
                    count += 1
                    for column in range(n_columns):
                        low[column] += roots[tree, column]
                        high[column] += statistics[leaf, column]
            low /= count
            high /= count
            solve_several(low, base[row], influence, algebra)
            for p in range(points.shape[0]):
                for column in range(n_columns):
                    change = high[column] - low[column]
                    mean[column] = low[column] + points[p] * change
                solve_several(mean, effects, influence, algebra)
                for k in range(n):
                    for column in range(n_columns):
                        part = masses[p] * influence[k, column] / count
                        slopes[k, row, column] += part
