r"""Shapley values of estimates, exact and path-dependent (numba kernels).

The game of a tree gives a set of features the mean leaf value over the tree with splits
on other features passed in proportion to the weight of their children (Lundberg, Erion
& Lee 2018, algorithm 1). With F the features on the path to a leaf of value v, o_f the
indicator that the row passes all its splits on f, and z_f the product of their shares,

    phi_f = sum over leaves of v (o_f - z_f)
            * integral over t in (0, 1) of prod_{i in F, i != f} (t o_i + (1 - t) z_i),

because the integral of t^s (1 - t)^(m - 1 - s) is the Shapley weight of s out of m - 1
features. Gauss-Legendre nodes make the integral of the polynomial exact. Sums over the
leaves below a node are passed up the tree, so that a row costs time linear in the nodes
(the idea of Yu, Xu, Chen & Xu 2022) instead of leaves times squared depth.
"""

import numpy as np

from skcausal.estimation.forests._growing import goes_left
from skcausal.estimation.forests._prediction import (
    BLOCK,
    block_scratch,
    find_leaves,
    leaf_of,
    solve,
)
from skcausal.estimation.forests._sampling import allocating, bare

_BOTH, _LOST, _NEITHER = 0, 1, 2  # the row passes before and after an edge, ...


@allocating
def describe(nodes, leaf_values):
    """Return what the edges of a tree share for all rows.

    For the edge that ends in each node: its parent, the feature, the edge before it on
    the path with the same feature (0 for none), the product of shares z; then the
    largest number of features on a path. ``leaf_values`` ends with the leaf's weight.
    """
    n = nodes.shape[0]
    parent, feature = np.zeros(n, np.int32), np.zeros(n, np.int32)
    before, z, cover = np.zeros(n, np.int32), np.ones(n), np.zeros(n)
    distinct = np.zeros(n, np.int32)
    last = leaf_values.shape[1] - 1
    for number in range(n - 1, -1, -1):  # children come after their parents
        node = nodes[number]
        if node < 0:
            cover[number] = leaf_values[-node - 1, last]
        else:
            cover[number] = cover[node >> 33] + cover[(node >> 33) + 1]
    most = 0
    for number in range(n):
        node = nodes[number]
        most = max(most, distinct[number])
        if node < 0:
            continue
        for side in range(2):
            child = (node >> 33) + side
            parent[child], feature[child] = number, (node >> 9) & 0xFFFFFF
            at = number
            while at > 0 and feature[at] != feature[child]:
                at = parent[at]
            before[child] = at
            distinct[child] = distinct[number] + (1 if at == 0 else 0)
            z[child] = z[at]
            if cover[child] > 0:  # an empty side says nothing about its split
                z[child] *= cover[child] / cover[number]
    return parent, feature, before, z, cover, most


@bare
def edge_tables(before, z, points, masses, ratio, gain):
    """Write, per edge, case and point, the change of the product and the gain.

    The product over the features changes by the ratio of the factors of this edge and
    the one before; the sum over leaves below adds ``gain`` times itself to phi.
    """
    for edge in range(1, z.shape[0]):
        at = before[edge]
        for case in range(3):
            o_before = 1.0 if at == 0 or case != _NEITHER else 0.0
            o = 1.0 if case == _BOTH else 0.0
            for k in range(points.shape[0]):
                t = points[k]
                old = t * o_before + (1.0 - t) * z[at]
                new = t * o + (1.0 - t) * z[edge]
                ratio[edge, case, k] = new / old
                value = (o - z[edge]) / new
                if at > 0:
                    value -= (o_before - z[at]) / old
                gain[edge, case, k] = masses[k] * value


@bare
def explain_row(nodes, tables, cases, values, products, sums, phi):
    """Add the Shapley values of one row in one tree to ``phi``.

    ``cases`` says for each edge what the row does, ``values`` is that of each leaf.
    """
    parent, feature, ratio, gain = tables
    n, n_points = np.uintp(products.shape[0]), np.uintp(products.shape[1])
    products[0, :] = 1.0
    sums[:] = 0.0
    for edge in range(np.uintp(1), n):
        above, case = np.uintp(parent[edge]), np.uintp(cases[edge])
        for k in range(n_points):
            products[edge, k] = products[above, k] * ratio[edge, case, k]
    for back in range(np.uintp(1), n):
        edge = n - back
        above, case = np.uintp(parent[edge]), np.uintp(cases[edge])
        node = nodes[edge]
        total = 0.0
        if node < 0:
            value = values[-node - 1]
            for k in range(n_points):
                own = value * products[edge, k]
                sums[above, k] += own
                total += own * gain[edge, case, k]
        else:
            for k in range(n_points):
                own = sums[edge, k]
                sums[above, k] += own
                total += own * gain[edge, case, k]
        phi[np.uintp(feature[edge])] += total


@bare
def follow(nodes, codes, row, own_sets, own_subsets, before, cover, cases):
    """Write for each edge whether the row passes it and the ones before.

    Splits with an empty side are passed: they are none once empty leaves are cut off.
    """
    cases[0] = _BOTH
    for number in range(nodes.shape[0]):
        node = nodes[number]
        if node < 0:
            continue
        left = goes_left(node, codes, row, own_sets, own_subsets, number)
        first = node >> 33
        cut = cover[first] <= 0 or cover[first + 1] <= 0
        for side in range(2):
            edge = first + side
            passes = cut or left == (side == 0)
            if cases[before[edge]] != _BOTH:
                cases[edge] = _NEITHER
            else:
                cases[edge] = _BOTH if passes else _LOST


@allocating
def gradients(
    kind, codes, first_row, last_row, forest, roots, legendre, drawn, base, slopes
):
    """Write the base value of each row, and the mean gradient that its trees share.

    The gradient of the estimate is averaged along the straight path from the mean
    statistics of the trees that count for the row (``roots``) to those of its leaves
    (Aumann & Shapley 1974), and divided by the number of these trees.
    """
    trees, leaf_start, statistics = forest
    points, masses = legendre
    n_trees, n_columns = leaf_start.shape[0] - 1, statistics.shape[1] - 1
    block = block_scratch(n_trees)
    leaves = block[3]
    low, high, mean, slope = np.zeros((4, n_columns))
    for start in range(first_row, last_row, BLOCK):
        stop = min(start + BLOCK, last_row)
        find_leaves(
            codes, start, stop, trees, leaf_start, statistics, n_columns, drawn, block
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
            base[row] = solve(kind, low, slope)
            slopes[row] = 0.0
            for k in range(points.shape[0]):
                for column in range(n_columns):
                    change = high[column] - low[column]
                    mean[column] = low[column] + points[k] * change
                solve(kind, mean, slope)
                for column in range(n_columns):
                    slopes[row, column] += masses[k] * slope[column] / count


@allocating
def explain(tree, edges, codes, rows, slopes, legendre, phi):
    """Add the Shapley values of a tree's share of the estimates to ``phi``.

    ``rows`` is (first, last); ``slopes`` turns the statistics of leaves into numbers;
    ``legendre`` holds the points and masses of the integral.
    """
    nodes, own_sets, own_subsets, leaf_values = tree
    parent, feature, before, z, cover = edges
    points, masses = legendre
    n, n_points, n_columns = nodes.shape[0], points.shape[0], leaf_values.shape[1] - 1
    ratio, gain = np.empty((n, 3, n_points)), np.empty((n, 3, n_points))
    edge_tables(before, z, points, masses, ratio, gain)
    products, sums = np.empty((n, n_points)), np.empty((n, n_points))
    cases, values = np.zeros(n, np.uint8), np.zeros(leaf_values.shape[0])
    for row in range(rows[0], rows[1]):
        leaf = leaf_of(nodes, codes, row, own_sets, own_subsets)
        if leaf_values[leaf, n_columns] <= 0:
            continue
        follow(nodes, codes, row, own_sets, own_subsets, before, cover, cases)
        for leaf in range(leaf_values.shape[0]):
            values[leaf] = 0.0
            if leaf_values[leaf, n_columns] > 0:
                for column in range(n_columns):
                    values[leaf] += slopes[row, column] * leaf_values[leaf, column]
        explain_row(
            nodes,
            (parent, feature, ratio, gain),
            cases,
            values,
            products,
            sums,
            phi[row],
        )
