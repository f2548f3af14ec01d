"""Leaf statistics, and from them estimates and variances (numba kernels).

A leaf keeps weighted means of its estimation rows: y for a regression; y, w, wy, ww for
an effect; y, w, z, zy, zw with an instrument; y, all w_k, w_k y and w_k w_l, l <= k,
for several arms. The forest averages the statistics over trees, which
weights every training row as the forest kernel does, and solves the moment equation
once per new row.
"""

import math

import numpy as np

from skcausal.estimation.forests._growing import goes_left
from skcausal.estimation.forests._relabelling import (
    CAUSAL,
    MULTI_ARM,
    REGRESSION,
)
from skcausal.estimation.forests._sampling import bare, inlined, kernel

BLOCK = 128  # rows whose leaves are looked up together


def n_statistics(kind, n_targets):
    """Return the number of means that a leaf keeps."""
    if kind == MULTI_ARM:
        n = n_targets - 1
        return 1 + 2 * n + n * (n + 1) // 2
    return (1, 4, 5)[kind]


@bare
def leaf_of(nodes, codes, row, subset_of, subsets):
    """Return the leaf that a row ends in."""
    number = np.int64(0)
    node = nodes[0]
    while node >= 0:
        left = goes_left(node, codes, row, subset_of, subsets, number)
        number = (node >> 33) + (0 if left else 1)
        node = nodes[number]
    return -node - 1


@bare
def route(nodes, codes, rows, first, last, subset_of, subsets, active, leaves):
    """Write the leaves that the rows ``rows[first:last]`` end in.

    All rows take a step down at a time, so that their memory accesses overlap;
    ``active`` has room for those that are still on their way.
    """
    if subset_of.shape[0] > 0:
        for r in range(first, last):
            row = np.int64(rows[r])
            leaves[r - first] = leaf_of(nodes, codes, row, subset_of, subsets)
        return
    n_active = last - first if nodes[0] >= 0 else 0
    for r in range(last - first):
        leaves[r], active[r] = nodes[0], r
    while n_active:
        kept = 0
        for a in range(n_active):
            r = np.uintp(active[a])
            node = leaves[r]  # a node's word until it is that of a leaf
            right = (node >> 8) & 1
            feature = np.uintp((node >> 9) & 0xFFFFFF)
            code = np.uint8(codes[np.uintp(rows[first + r]), feature] - right)
            step = 0 if code <= np.uint8((node & 255) - right) else 1
            node = nodes[np.uintp((node >> 33) + step)]
            leaves[r] = node
            active[kept] = r
            kept += 1 if node >= 0 else 0
        n_active = kept
    for r in range(last - first):
        leaves[r] = -leaves[r] - 1


@bare
def add_statistics(kind, targets, row, weight, out):
    """Add the statistics of one row."""
    y = targets[row, 0]
    out[0] += weight * y
    if kind == REGRESSION:
        return
    if kind == MULTI_ARM:
        add_products(targets, row, weight, out)
        return
    w = targets[row, 1]
    out[1] += weight * w
    if kind == CAUSAL:
        out[2] += weight * w * y
        out[3] += weight * w * w
    else:
        z = targets[row, 2]
        out[2] += weight * z
        out[3] += weight * z * y
        out[4] += weight * z * w


@bare
def add_products(targets, row, weight, out):
    """Add the indicators of one row and their products with y and one another."""
    n = targets.shape[1] - 1
    position = 2 * n + 1
    for k in range(1, n + 1):
        part = weight * targets[row, k]
        out[k] += part
        out[n + k] += part * targets[row, 0]
        for j in range(1, k + 1):
            out[position] += part * targets[row, j]
            position += 1


def leaves_of(nodes, subset_of, subsets, codes, rows):
    """Return the leaf that each of the rows ends in."""
    leaves = np.empty(len(rows), np.int64)
    active = np.empty(BLOCK, np.int32)
    route_all(nodes, codes, rows, subset_of, subsets, active, leaves)
    return leaves


@kernel
def route_all(nodes, codes, rows, subset_of, subsets, active, leaves):
    """Write what ``leaves_of`` returns."""
    for first in range(0, rows.shape[0], BLOCK):
        last = min(first + BLOCK, rows.shape[0])
        own = leaves[first:last]
        route(nodes, codes, rows, first, last, subset_of, subsets, active, own)


def fill_leaves(
    kind, nodes, subset_of, subsets, n_leaves, codes, targets, weight, rows, n_columns
):
    """Return the weighted means of each leaf, shape (n_leaves, n_columns + 1).

    The last column is the weight of the leaf; 0 marks an empty one.
    """
    leaves = leaves_of(nodes, subset_of, subsets, codes, rows)
    sums = np.zeros((n_leaves, n_columns + 1))
    add_rows(kind, targets, weight, rows, leaves, sums)
    total = sums[:, -1:]
    np.divide(sums[:, :-1], total, out=sums[:, :-1], where=total > 0)
    return sums.astype(np.float32)


@kernel
def add_rows(kind, targets, weight, rows, leaves, sums):
    """Add the statistics of the rows to those of their leaves."""
    last_column = sums.shape[1] - 1
    for i in range(rows.shape[0]):
        row, leaf = rows[i], leaves[i]
        if weight[row] > 0:
            add_statistics(kind, targets, row, weight[row], sums[leaf])
            sums[leaf, last_column] += weight[row]


@bare
def solve(kind, mean, influence):
    """Return the estimate of mean statistics; write its influence function.

    ``influence`` receives coefficients such that the influence of statistics s is
    ``influence @ (s - mean)``.
    """
    if kind == REGRESSION:
        influence[0] = 1.0
        return mean[0]
    if kind == CAUSAL:
        y, w, wy, ww = mean[0], mean[1], mean[2], mean[3]
        variance = ww - w * w
        slope = (wy - w * y) / variance
        influence[0] = -w / variance
        influence[1] = (2.0 * w * slope - y) / variance
        influence[2] = 1.0 / variance
        influence[3] = -slope / variance
        return slope
    y, w, z = mean[0], mean[1], mean[2]
    covariance = mean[4] - z * w
    slope = (mean[3] - z * y) / covariance
    influence[0] = -z / covariance
    influence[1] = z * slope / covariance
    influence[2] = (w * slope - y) / covariance
    influence[3] = 1.0 / covariance
    influence[4] = -slope / covariance
    return slope


@bare
def debiased_variance(between, within, n_bags):
    """Return a positive variance from the variances between and within bags.

    ``between - within`` is unbiased for what is left as the number of bags grows, but
    may be negative; its posterior mean under a flat prior on the positive numbers is
    not (the objective Bayes correction of the R package grf).
    """
    estimate = between - within
    error = max(between, within) * math.sqrt(2.0 / n_bags)
    if error <= 0:
        return 0.0
    ratio = estimate / error
    density = math.exp(-0.5 * ratio * ratio) / math.sqrt(2.0 * math.pi)
    tail = 0.5 * math.erfc(-ratio / math.sqrt(2.0))
    if tail < 1e-300:  # far below zero, where the mean tends to this
        return -error / ratio
    return estimate + error * density / tail


@bare
def row_variance(statistics, leaves, position, bag_size, mean, influence, values):
    """Return the variance of one row's estimate by the bootstrap of little bags.

    ``values`` has room for the influence of each tree.
    """
    for tree in range(leaves.shape[0]):
        leaf = leaves[tree, position]
        values[tree] = np.nan
        if leaf >= 0:
            value = 0.0
            for column in range(mean.shape[0]):
                value += influence[column] * (statistics[leaf, column] - mean[column])
            values[tree] = value
    return bag_variance(values, bag_size)


@bare
def bag_variance(values, bag_size):
    """Return the variance of the mean of trees from the influence of each.

    Only bags whose trees all apply (are not NaN) count; their trees share the half of
    the rows that was drawn for the bag, so that the spread of bag means holds the
    sampling variance of the forest plus the Monte-Carlo variance of few trees, which is
    taken off.
    """
    n_bags, between, total = 0.0, 0.0, 0.0
    for bag in range(values.shape[0] // bag_size):
        bag_mean, squares = 0.0, 0.0
        for tree in range(bag * bag_size, (bag + 1) * bag_size):
            bag_mean += values[tree]
            squares += values[tree] * values[tree]
        if not math.isnan(bag_mean):
            bag_mean /= bag_size
            between += bag_mean * bag_mean
            total += squares / bag_size
            n_bags += 1.0
    if n_bags < 2:
        return np.nan
    between /= n_bags
    within = (total / n_bags - between) / (bag_size - 1)
    return debiased_variance(between, within, n_bags)


@bare
def is_drawn(drawn, tree, row):
    """Tell whether a training row was drawn for a tree (either half of it)."""
    return (drawn[tree >> 3, row] >> (tree & 7)) & 1


@inlined
def block_scratch(n_trees):
    """Return what ``find_leaves`` works in, and writes to."""
    return (
        np.empty(BLOCK, np.int32),
        np.empty(BLOCK, np.int32),
        np.empty(BLOCK, np.int64),
        np.empty((n_trees, BLOCK), np.int32),
    )


@bare
def find_leaves(
    codes, start, stop, trees, leaf_start, statistics, last_column, drawn, block
):
    """Write the leaf of each row of a block in each tree; -1 where it does not count.

    A leaf counts if it is not empty and the row was not drawn for the tree. ``block``
    comes from ``block_scratch``.
    """
    nodes, node_start, subset_of, subset_start, subsets, set_start = trees
    rows, active, leaves, out = block
    zero = np.int64(0)
    for tree in range(node_start.shape[0] - 1):
        own = nodes[node_start[tree] : node_start[tree + 1]]
        own_sets = subset_of[subset_start[tree] : subset_start[tree + 1]]
        own_subsets = subsets[set_start[tree] : set_start[tree + 1]]
        n_rows = zero
        for row in range(start, stop):
            out[tree, row - start] = -1
            if drawn.shape[0] == 0 or not is_drawn(drawn, tree, row):
                rows[n_rows] = row
                n_rows += 1
        route(own, codes, rows, zero, n_rows, own_sets, own_subsets, active, leaves)
        for i in range(n_rows):
            leaf = leaf_start[tree] + leaves[i]
            if statistics[leaf, last_column] > 0:
                out[tree, rows[i] - start] = leaf


@bare
def mean_statistics(statistics, leaves, position, mean):
    """Write the mean statistics of the trees that count for a row; return how many."""
    count = 0
    mean[:] = 0.0
    for tree in range(leaves.shape[0]):
        leaf = leaves[tree, position]
        if leaf >= 0:
            count += 1
            for column in range(mean.shape[0]):
                mean[column] += statistics[leaf, column]
    for column in range(mean.shape[0] if count > 0 else 0):
        mean[column] /= count
    return count


def predict(
    kind,
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
    """Write estimates (and variances) of the rows ``first_row:last_row``.

    NaN marks a row for which no tree counts.
    """
    n_trees, n_columns = len(leaf_start) - 1, statistics.shape[1] - 1
    predict_rows(
        kind,
        codes,
        (first_row, last_row),
        trees,
        leaf_start,
        statistics,
        drawn,
        bag_size,
        with_variance,
        block_scratch(n_trees),
        (np.empty(n_columns), np.empty(n_columns), np.empty(n_trees)),
        estimates,
        variances,
    )


@kernel
def predict_rows(
    kind,
    codes,
    ends,
    trees,
    leaf_start,
    statistics,
    drawn,
    bag_size,
    with_variance,
    block,
    room,
    estimates,
    variances,
):
    """Do what ``predict`` does in arrays that it provides."""
    mean, influence, values = room
    leaves = block[3]
    for start in range(ends[0], ends[1], BLOCK):
        stop = min(start + BLOCK, ends[1])
        find_leaves(
            codes,
            start,
            stop,
            trees,
            leaf_start,
            statistics,
            mean.shape[0],
            drawn,
            block,
        )
        for row in range(start, stop):
            if mean_statistics(statistics, leaves, row - start, mean) == 0:
                estimates[row], variances[row] = np.nan, np.nan
                continue
            estimates[row] = solve(kind, mean, influence)
            if with_variance:
                variances[row] = row_variance(
                    statistics, leaves, row - start, bag_size, mean, influence, values
                )


@kernel
def mark_drawn(drawn, tree, grow, estimate):
    """Mark the rows of a tree in the bit matrix ``drawn``."""
    bit = np.uint8(1 << (tree & 7))
    for row in grow:
        drawn[tree >> 3, row] |= bit
    for row in estimate:
        drawn[tree >> 3, row] |= bit
