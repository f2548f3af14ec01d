"""One tree as flat arrays, grown on binned rows (numba kernels).

A node is one 64-bit word: the number of its left child (the right one is next to it),
the feature, whether missing rows go right, and the last code that goes left; negative
words are leaves. Splits on categories look their set of levels up in ``subsets``.
"""

import numpy as np

from skcausal.estimation.forests._relabelling import relabel
from skcausal.estimation.forests._sampling import bare, kernel, next_word, seeded
from skcausal.estimation.forests._several_splitting import split_several
from skcausal.estimation.forests._splitting import (
    ONE_WORD,
    TWO_WORDS,
    fill_halved,
    fill_mixed,
    fill_two,
    node_sums,
    pack,
    scan_categories,
    scan_ordered,
)

_STACK = 64  # the smaller child is grown first, so that log2(rows) nodes can wait


@bare
def code_shift(n_rows):
    """Return how many times the bins of a node are halved: few rows, few bins."""
    if n_rows <= 128:
        return 3
    if n_rows <= 512:
        return 2
    return 1 if n_rows <= 4096 else 0


@bare
def encode(left, feature, missing_right, code):
    """Return the word of a node."""
    return (
        (np.int64(left) << 33)
        | (np.int64(feature) << 9)
        | (np.int64(missing_right) << 8)
        | np.int64(code)
    )


@bare
def goes_left(node, codes, row, subset_of, subsets, node_number):
    """Tell whether a row goes to the left child.

    Code 0 is missing. For missing rows to go right, 1 is subtracted on both sides, so
    that it wraps around to the highest code.
    """
    feature = (node >> 9) & 0xFFFFFF
    code = codes[row, feature]
    if subset_of.shape[0] > 0 and subset_of[node_number] >= 0:
        word = subsets[subset_of[node_number], code >> 6]
        return (word >> np.uint64(code & 63)) & np.uint64(1) == np.uint64(1)
    right = (node >> 8) & 1
    return np.uint8(code - right) <= np.uint8((node & 255) - right)


@bare
def draw_features(features, n_chosen, state):
    """Bring a random subset of the features to the front."""
    n = features.shape[0]
    if n_chosen == n:
        return
    for i in range(n_chosen):
        j = i + np.int64(next_word(state) % np.uint64(n - i))
        features[i], features[j] = features[j], features[i]


@bare
def best_split(local, packed, start, stop, chosen, ordered, bits, rules, work):
    """Find the best split of a node; return its feature, or -1.

    ``best`` receives the worth, the code and the side of missing rows. Bins of ordered
    features are halved in small nodes.
    """
    codes = local[1]
    first, second = packed
    histogram, other, best, subset, levels, means = work
    totals, handicap = node_sums(first, second, start, stop, bits, rules[3])
    halvings = code_shift(stop - start)
    if bits == TWO_WORDS:
        halvings = halvings if all_ordered(chosen, ordered) else 0
        n_bins = fill_two(
            codes, first, second, start, stop, chosen, halvings, histogram, other
        )
    elif all_ordered(chosen, ordered):
        n_bins = fill_halved(codes, first, start, stop, chosen, halvings, histogram)
    else:
        n_bins = fill_mixed(
            codes, first, start, stop, chosen, ordered, halvings, histogram
        )
    winner = -1
    best[0] = 0.0
    for j in range(chosen.shape[0]):
        base = j * n_bins
        if ordered[chosen[j]]:
            better = scan_ordered(
                histogram, other, base, n_bins, bits, totals, handicap, rules, best
            )
        else:
            better = scan_categories(
                histogram,
                other,
                base,
                n_bins,
                bits,
                totals,
                handicap,
                rules,
                best,
                subset,
                levels,
                means,
            )
        if better:
            winner = chosen[j]
    if winner >= 0 and ordered[winner]:
        best[1] = min(np.int64(best[1]) << halvings, 255)
    return winner


@bare
def all_ordered(chosen, ordered):
    """Tell whether no chosen feature is a category."""
    count = 0
    for feature in chosen:
        count += ordered[feature]
    return count == chosen.shape[0]


@bare
def swap_rows(words, targets, weight, i, j):
    """Exchange two rows."""
    for k in range(words.shape[1]):
        words[i, k], words[j, k] = words[j, k], words[i, k]
    for k in range(targets.shape[1]):
        targets[i, k], targets[j, k] = targets[j, k], targets[i, k]
    weight[i], weight[j] = weight[j], weight[i]


@bare
def partition(node, number, local, start, stop, subset_of, subsets):
    """Move the rows of the left child to the front; return where the right starts."""
    words, codes, targets, weight = local
    i, j = start, stop - 1
    while i <= j:
        if goes_left(node, codes, i, subset_of, subsets, number):
            i += 1
        elif not goes_left(node, codes, j, subset_of, subsets, number):
            j -= 1
        else:
            swap_rows(words, targets, weight, i, j)
            i += 1
            j -= 1
    return i


@bare
def split_node(
    kind, local, labels, packed, rules, ordered, chosen, work, start, stop, several
):
    """Label the rows of a node and find its best split; return the feature, or -1.

    Of ``kind`` and ``several`` one is None; its branch is not compiled.
    """
    if several is not None:
        return split_several(
            local,
            several,
            rules,
            ordered,
            chosen,
            work,
            start,
            stop,
            code_shift(stop - start),
            all_ordered(chosen, ordered),
        )
    if kind is not None:
        rho, mass, low = labels
        if relabel(kind, local[2], local[3], start, stop, rho, mass, low):
            bits = pack(rho, mass, low, start, stop, packed[0], packed[1])
            return best_split(
                local, packed, start, stop, chosen, ordered, bits, rules, work
            )
    return -1


@bare
def push_children(stack, height, start, middle, stop, left, depth):
    """Put both children on the stack, the smaller on top; return the new height."""
    larger_first = middle - start >= stop - middle
    for side in range(2):
        is_left = (side == 0) == larger_first
        stack[height, 0] = start if is_left else middle
        stack[height, 1] = middle if is_left else stop
        stack[height, 2] = left if is_left else left + 1
        stack[height, 3] = depth
        height += 1
    return height


@kernel
def grow_tree(
    kind,
    words,
    targets,
    weight,
    rows,
    ordered,
    rules,
    max_depth,
    n_chosen,
    seed,
    tree,
    several=None,
):
    """Grow a tree on ``rows``; return nodes, subsets of categories, number of leaves.

    ``words`` are the codes of all rows, eight to a word. Rows are copied and then moved
    in place, so that each node is a slice. ``rules`` as in ``_splitting.allowed``,
    ``several`` from ``_several_splitting.scratch`` for several contrasts, where
    ``kind`` is None.
    """
    n, n_features = rows.shape[0], ordered.shape[0]
    local_words = np.empty((n, words.shape[1]), np.uint64)
    local_targets = np.empty((n, targets.shape[1]), np.float32)
    local_weight = np.empty(n, np.float32)
    for i in range(n):  # by element: array assignment would compile its error texts
        for k in range(words.shape[1]):
            local_words[i, k] = words[rows[i], k]
        for k in range(targets.shape[1]):
            local_targets[i, k] = targets[rows[i], k]
        local_weight[i] = weight[rows[i]]
    local = local_words, local_words.view(np.uint8), local_targets, local_weight
    labels = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.uint8)
    wide = n > ONE_WORD
    packed = np.empty(n, np.int64), np.empty(n if wide else 0, np.int64)
    best, subset = np.zeros(3, np.float64), np.zeros(4, np.uint64)
    work = (
        np.empty(n_chosen * 257, np.int64),
        np.empty(n_chosen * 257 if wide else 0, np.int64),
        best,
        subset,
        np.empty(257, np.int64),
        np.empty(257, np.float64),
    )
    features = np.arange(n_features)
    least = max(np.int64(rules[0]), 1)
    capacity = 2 * max(n // least, 1) + 1
    nodes = np.empty(capacity, np.int64)
    n_sets = 0 if ordered.all() else capacity
    subset_of = np.full(n_sets, -1, np.int32)
    subsets = np.zeros((n_sets, 4), np.uint64)
    state = seeded(seed, 3, tree)
    stack = np.zeros((_STACK, 4), np.int64)
    stack[0, 1] = n
    height, n_nodes, n_leaves, n_subsets = 1, 1, 0, 0
    while height:
        height -= 1
        start, stop, number, depth = stack[height]
        winner = -1
        if stop - start >= 2 * least and depth < max_depth:
            draw_features(features, n_chosen, state)
            chosen = features[:n_chosen]
            winner = split_node(
                kind,
                local,
                labels,
                packed,
                rules,
                ordered,
                chosen,
                work,
                start,
                stop,
                several,
            )
        if winner < 0:
            nodes[number] = -(n_leaves + 1)
            n_leaves += 1
            continue
        code, missing_right = np.int64(best[1]), np.int64(best[2])
        if not ordered[winner]:
            code, missing_right = np.int64(0), np.int64(0)
            subset_of[number] = n_subsets
            for k in range(4):
                subsets[n_subsets, k] = subset[k]
            n_subsets += 1
        node = encode(n_nodes, winner, missing_right, code)
        nodes[number] = node
        middle = partition(node, number, local, start, stop, subset_of, subsets)
        height = push_children(stack, height, start, middle, stop, n_nodes, depth + 1)
        n_nodes += 2
    sizes = n_nodes if n_sets else 0
    return (
        nodes[:n_nodes].copy(),
        subset_of[:sizes].copy(),
        subsets[:n_subsets].copy(),
        n_leaves,
    )
