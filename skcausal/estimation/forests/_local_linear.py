"""Estimates from a ridge regression around each row (numba kernels).

The forest's weights say which training rows are near a new row x. Around it the
outcome is regressed on 1 and z = features minus those of x (for an effect also on the
treatment and its products with z), so that the coefficient of 1 (of the treatment) is
the estimate at x, without the bias that a slope of the truth gives a weighted mean.
"""

import math

import numpy as np

from skcausal.estimation.forests._prediction import (
    BLOCK,
    bag_variance,
    block_scratch,
    find_leaves,
    leaves_of,
)
from skcausal.estimation.forests._relabelling import REGRESSION
from skcausal.estimation.forests._sampling import allocating, bare


def rows_by_leaf(nodes, subset_of, subsets, n_leaves, codes, weight, rows):
    """Return rows of positive weight by leaf, their shares, and the leaves' starts.

    The shares of a leaf add up to one.
    """
    rows = rows[weight[rows] > 0]
    leaves = leaves_of(nodes, subset_of, subsets, codes, rows)
    members = rows[np.argsort(leaves, kind="stable")]
    sizes = np.bincount(leaves, minlength=n_leaves)
    totals = np.bincount(leaves, weights=weight[rows], minlength=n_leaves)
    shares = weight[members] / np.repeat(totals, sizes)
    start = np.concatenate([[0], np.cumsum(sizes)])
    return members, shares.astype(np.float32), start


@bare
def gather(leaves, position, leaf_rows, alpha, near):
    """Add the forest's weights of one row up in ``alpha``, rows in ``near``.

    Return how many rows have a weight.
    """
    member_start, members, shares = leaf_rows
    n_near, count = 0, 0
    for tree in range(leaves.shape[0]):
        leaf = leaves[tree, position]
        if leaf < 0:
            continue
        count += 1
        for k in range(member_start[leaf], member_start[leaf + 1]):
            row = members[k]
            if alpha[row] == 0.0:
                near[n_near] = row
                n_near += 1
            alpha[row] += shares[k]
    for i in range(n_near):
        alpha[near[i]] /= count
    return n_near


@bare
def fill_design(kind, near_data, row, center, design):
    """Write 1, the treatment, z and its products with the treatment."""
    targets, columns = near_data
    d = columns.shape[1]
    design[0] = 1.0
    if kind == REGRESSION:
        for j in range(d):
            design[1 + j] = columns[row, j] - center[j]
        return
    w = np.float64(targets[row, 1])
    design[1] = w
    for j in range(d):
        z = columns[row, j] - center[j]
        design[2 + j] = z
        design[2 + d + j] = w * z


@bare
def solve_positive(gram, right, lower, solution):
    """Solve gram solution = right by Cholesky; tell whether gram is positive."""
    p = right.shape[0]
    for a in range(p):
        for b in range(a + 1):
            value = gram[a, b]
            for k in range(b):
                value -= lower[a, k] * lower[b, k]
            if a == b:
                if value <= 1e-12 * gram[a, a]:
                    return False
                lower[a, a] = math.sqrt(value)
            else:
                lower[a, b] = value / lower[b, b]
    substitute(lower, right, solution)
    return True


@bare
def substitute(lower, right, solution):
    """Solve lower lower' solution = right."""
    p = right.shape[0]
    for a in range(p):
        value = right[a]
        for k in range(a):
            value -= lower[a, k] * solution[k]
        solution[a] = value / lower[a, a]
    for a in range(p - 1, -1, -1):
        value = solution[a]
        for k in range(a + 1, p):
            value -= lower[k, a] * solution[k]
        solution[a] = value / lower[a, a]


@bare
def normal_equations(
    kind, near_data, center, near, n_near, alpha, designs, gram, right
):
    """Write the weighted Gram matrix and moments of the near rows.

    Four rows at a time, so that the matrix is passed over less often; ``designs`` holds
    their designs, outcomes and weights.
    """
    p = right.shape[0]
    gram[:] = 0.0
    right[:] = 0.0
    one, two, three, four = designs[0], designs[1], designs[2], designs[3]
    for first in range(0, n_near, 4):
        for k in range(4):
            designs[k, p + 1] = 0.0
            if first + k < n_near:
                row = near[first + k]
                fill_design(kind, near_data, row, center, designs[k])
                designs[k, p] = near_data[0][row, 0]
                designs[k, p + 1] = alpha[row]
        for a in range(p):
            f, g = one[p + 1] * one[a], two[p + 1] * two[a]
            h, i = three[p + 1] * three[a], four[p + 1] * four[a]
            right[a] += f * one[p] + g * two[p] + h * three[p] + i * four[p]
            line = gram[a]
            for b in range(p):
                line[b] += f * one[b] + g * two[b] + h * three[b] + i * four[b]


@bare
def penalise(kind, gram, penalty):
    """Add the ridge to z, and to its products with the treatment in their units."""
    p = gram.shape[0]
    if kind == REGRESSION:
        for a in range(1, p):
            gram[a, a] += penalty
        return
    d = (p - 2) // 2
    for j in range(d):
        gram[2 + j, 2 + j] += penalty
        gram[2 + d + j, 2 + d + j] += penalty * gram[1, 1]


@bare
def influence_of_rows(
    kind, near_data, center, near, n_near, direction, fit, design, rho
):
    """Write the influence of each near row on the estimate."""
    for i in range(n_near):
        row = near[i]
        fill_design(kind, near_data, row, center, design)
        slope, residual = 0.0, np.float64(near_data[0][row, 0])
        for a in range(fit.shape[0]):
            slope += direction[a] * design[a]
            residual -= fit[a] * design[a]
        rho[row] = slope * residual


@bare
def influence_of_trees(leaves, position, leaf_rows, rho, values):
    """Write the mean influence of the rows of each tree's leaf, minus that of all."""
    member_start, members, shares = leaf_rows
    mean, count = 0.0, 0
    for tree in range(leaves.shape[0]):
        leaf = leaves[tree, position]
        values[tree] = np.nan
        if leaf >= 0:
            value = 0.0
            for k in range(member_start[leaf], member_start[leaf + 1]):
                value += shares[k] * rho[members[k]]
            values[tree] = value
            mean += value
            count += 1
    for tree in range(leaves.shape[0]):
        values[tree] -= mean / count


@allocating
def predict_local(
    kind,
    codes,
    centers,
    first_row,
    last_row,
    forest,
    drawn,
    bag_size,
    leaf_rows,
    near_data,
    penalty,
    with_variance,
    estimates,
    variances,
):
    """Write local linear estimates (and variances) of the rows ``first_row:last_row``.

    ``forest`` is (trees, leaf_start, statistics), ``leaf_rows`` (member_start, members,
    shares) and ``near_data`` (targets, columns) of the training rows; ``centers`` are
    the same columns of the new ones. NaN marks a row for which no tree counts.
    """
    trees, leaf_start, statistics = forest
    n_rows, d = near_data[1].shape
    n_trees, n_columns = leaf_start.shape[0] - 1, statistics.shape[1] - 1
    block = block_scratch(n_trees)
    leaves = block[3]
    alpha, rho = np.zeros(n_rows), np.empty(n_rows)
    near = np.empty(n_rows, np.int32)
    target = 0 if kind == REGRESSION else 1
    p = 1 + d if kind == REGRESSION else 2 + 2 * d
    gram, lower, designs = np.zeros((p, p)), np.zeros((p, p)), np.zeros((4, p + 2))
    right, fit, direction, unit = np.zeros(p), np.zeros(p), np.zeros(p), np.zeros(p)
    values = np.empty(n_trees)
    unit[target] = 1.0
    for start in range(first_row, last_row, BLOCK):
        stop = min(start + BLOCK, last_row)
        find_leaves(
            codes, start, stop, trees, leaf_start, statistics, n_columns, drawn, block
        )
        for row in range(start, stop):
            at, center = row - start, centers[row]
            estimates[row], variances[row] = np.nan, np.nan
            n_near = gather(leaves, at, leaf_rows, alpha, near)
            normal_equations(
                kind, near_data, center, near, n_near, alpha, designs, gram, right
            )
            penalise(kind, gram, penalty)
            if solve_positive(gram, right, lower, fit):
                estimates[row] = fit[target]
                if with_variance:
                    substitute(lower, unit, direction)
                    influence_of_rows(
                        kind,
                        near_data,
                        center,
                        near,
                        n_near,
                        direction,
                        fit,
                        designs[0],
                        rho,
                    )
                    influence_of_trees(leaves, at, leaf_rows, rho, values)
                    variances[row] = bag_variance(values, bag_size)
            for i in range(n_near):
                alpha[near[i]] = 0.0
