"""The nodes that rows pass on their way to a leaf, and the leaf (numba kernels)."""

from skcausal.estimation.forests._growing import goes_left
from skcausal.estimation.forests._prediction import BLOCK, find_leaves
from skcausal.estimation.forests._sampling import kernel


@kernel
def write_leaves(codes, trees, leaf_start, statistics, drawn, block, out):
    """Write the leaf of each row in each tree, -1 where it is empty."""
    n, last_column = codes.shape[0], statistics.shape[1] - 1
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        find_leaves(
            codes,
            start,
            stop,
            trees,
            leaf_start,
            statistics,
            last_column,
            drawn,
            block,
        )
        for row in range(start, stop):
            for tree in range(out.shape[1]):
                out[row, tree] = block[3][tree, row - start]


@kernel
def walk(codes, first_row, last_row, trees, starts, nodes_passed):
    """Write the nodes of all trees that rows pass, or count them.

    ``starts[row]`` is where a row's nodes begin in ``nodes_passed``. If that is empty,
    ``starts[row + 1]`` receives their number instead.
    """
    nodes, node_start, subset_of, subset_start, subsets, set_start = trees
    counting = nodes_passed.shape[0] == 0
    for row in range(first_row, last_row):
        position = 0 if counting else starts[row]
        for tree in range(node_start.shape[0] - 1):
            root = node_start[tree]
            own_sets = subset_of[subset_start[tree] : subset_start[tree + 1]]
            own_subsets = subsets[set_start[tree] : set_start[tree + 1]]
            number = 0
            while True:
                if not counting:
                    nodes_passed[position] = root + number
                position += 1
                node = nodes[root + number]
                if node < 0:
                    break
                left = goes_left(node, codes, row, own_sets, own_subsets, number)
                number = (node >> 33) + (0 if left else 1)
        if counting:
            starts[row + 1] = position
