"""Taking back splits that leave too few estimation rows on a side (numba kernels)."""

import numpy as np

from skcausal.estimation.forests._prediction import leaves_of
from skcausal.estimation.forests._sampling import kernel


def pruned(nodes, subset_of, subsets, n_leaves, codes, weight, rows, least):
    """Return nodes, places of subsets and number of leaves of a smaller tree.

    Every leaf of it holds at least ``least`` of ``rows`` (those with a weight), unless
    the root has fewer. Where one side of a split is short of rows, the split goes: its
    node becomes a leaf, or what the other side was.
    """
    leaves = leaves_of(nodes, subset_of, subsets, codes, rows)
    counts = np.bincount(leaves[weight[rows] > 0], minlength=n_leaves)
    if counts.min() >= least:
        return nodes, subset_of, n_leaves
    stands_for, is_leaf = np.arange(len(nodes)), nodes < 0
    resolve(nodes, counts, least, stands_for, is_leaf, np.zeros(len(nodes), np.int64))
    new, old = np.empty((2, len(nodes)), np.int64)
    sets = np.full(len(subset_of), -1, np.int32)
    n_nodes, n_leaves = compact(nodes, subset_of, stands_for, is_leaf, new, old, sets)
    return new[:n_nodes].copy(), sets[:n_nodes].copy(), n_leaves


@kernel
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
def compact(nodes, subset_of, stands_for, is_leaf, new, old, sets):
    """Write the nodes that are left, numbered anew; return how many, and the leaves."""
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
    return n_nodes, n_leaves
