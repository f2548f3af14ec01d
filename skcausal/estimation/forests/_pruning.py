"""Taking back splits that leave too few estimation rows on a side (numba kernels)."""

import numpy as np

from skcausal.estimation.forests._prediction import BLOCK, route
from skcausal.estimation.forests._sampling import bare, kernel


@kernel
def pruned(nodes, subset_of, subsets, n_leaves, codes, weight, rows, least):
    """Return nodes, places of subsets and number of leaves of a smaller tree.

    Every leaf of it holds at least ``least`` of ``rows`` (those with a weight), unless
    the root has fewer. Where one side of a split is short of rows, the split goes: its
    node becomes a leaf, or what the other side was.
    """
    counts = np.zeros(n_leaves, np.int64)
    leaves = np.empty(BLOCK, np.int64)
    for first in range(0, rows.shape[0], BLOCK):
        last = min(first + BLOCK, rows.shape[0])
        route(nodes, codes, rows, first, last, subset_of, subsets, leaves)
        for i in range(first, last):
            counts[leaves[i - first]] += 1 if weight[rows[i]] > 0 else 0
    if counts.min() >= least:
        return nodes, subset_of, n_leaves
    stands_for = np.arange(nodes.shape[0])
    is_leaf = nodes < 0
    totals = np.zeros(nodes.shape[0], np.int64)
    resolve(nodes, counts, least, stands_for, is_leaf, totals)
    return compact(nodes, subset_of, stands_for, is_leaf)


@bare
def resolve(nodes, counts, least, stands_for, is_leaf, totals):
    """Decide from the last node to the root: children have higher numbers."""
    for number in range(nodes.shape[0] - 1, -1, -1):
        node = nodes[number]
        if node < 0:
            totals[number] = counts[-node - 1]
            continue
        left = node >> 33
        totals[number] = totals[left] + totals[left + 1]
        if min(totals[left], totals[left + 1]) < least:
            other = left if totals[left] >= totals[left + 1] else left + 1
            stands_for[number] = stands_for[other]
            is_leaf[number] = is_leaf[stands_for[other]]


@kernel
def compact(nodes, subset_of, stands_for, is_leaf):
    """Return the nodes that are left, numbered anew, and the number of leaves."""
    new = np.empty(nodes.shape[0], np.int64)
    sets = np.full(subset_of.shape[0], -1, np.int32)
    old = np.empty(nodes.shape[0], np.int64)
    old[0] = stands_for[0]
    n_nodes, n_leaves = 1, 0
    number = 0
    while number < n_nodes:
        source = old[number]
        if is_leaf[source]:
            new[number] = -(n_leaves + 1)
            n_leaves += 1
        else:
            left = nodes[source] >> 33
            rest = nodes[source] & ((np.int64(1) << 33) - 1)
            new[number] = (np.int64(n_nodes) << 33) | rest
            if subset_of.shape[0] > 0:
                sets[number] = subset_of[source]
            old[n_nodes], old[n_nodes + 1] = stands_for[left], stands_for[left + 1]
            n_nodes += 2
        number += 1
    kept = n_nodes if subset_of.shape[0] > 0 else 0
    return new[:n_nodes].copy(), sets[:kept].copy(), n_leaves
