"""One tree as flat arrays, grown on binned rows (numba kernels).

A node is one 64-bit word: the number of its left child (the right one is next to it),
the feature, whether missing rows go right, and the last code that goes left; negative
words are leaves. Splits on categories look their set of levels up in ``subsets``.
"""

import numpy as np

from skcausal.estimation.forests._histograms import (
    TWO_WORDS,
    fill_all,
    fill_one,
    fill_two,
    halve,
    node_sums,
    one_word,
    pack,
)
from skcausal.estimation.forests._relabelling import relabel
from skcausal.estimation.forests._sampling import bare, kernel, next_word, start_stream
from skcausal.estimation.forests._several_splitting import split_several
from skcausal.estimation.forests._splitting import scan_categories, scan_ordered

_NODES = np.uint64(3)  # the stream of random numbers that choose features
_STACK = 64  # the smaller child is grown first, so that log2(rows) nodes can wait
_HALVED_BELOW = (4096, 512, 128, 32)  # rows of a node: few rows, few bins


@bare
def wanted_halvings(n_rows):
    """Return how many times the codes of a node of some rows are halved."""
    halvings = 0
    for limit in _HALVED_BELOW:
        if n_rows <= limit:
            halvings += 1
    return halvings


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
def ordered_first(chosen, ordered):
    """Bring ordered features to the front; return their number."""
    front = 0
    for i in range(chosen.shape[0]):
        if ordered[chosen[i]]:
            chosen[front], chosen[i] = chosen[i], chosen[front]
            front += 1
    return front


@bare
def best_split(
    local, packed, start, stop, halvings, chosen, n_ordered, bits, rules, work
):
    """Find the best split of a node; return its feature, or -1.

    The first ``n_ordered`` of the chosen features are ordered. ``best`` receives the
    worth, the bin and the side of missing rows; ``subset`` the levels of a category.
    """
    first, second = packed
    histograms, best, subset, order, n_levels, in_order, gains = work
    histogram, other = histograms
    codes = local[1]
    n_chosen = chosen.shape[0]
    with_low = rules[1] > 0
    with_squares = rules[3] > 0 or n_ordered < n_chosen
    totals, squares = node_sums(
        first, second, start, stop, bits, with_low, with_squares
    )
    n_bins = ((255 + (1 << halvings) - 1) >> halvings) + 1
    stride = n_bins if n_ordered == n_chosen else max(n_bins, n_levels)
    if bits == TWO_WORDS:
        fill_two(codes, first, second, start, stop, chosen, stride, histogram, other)
    elif in_order:
        fill_all(local[0], first, start, stop, n_chosen, stride, histogram)
    else:
        fill_one(codes, first, start, stop, chosen, stride, histogram)
    worth, place, side = scan_ordered(
        histograms, n_ordered, stride, bits, totals, rules[3] * squares, rules, gains
    )
    winner = place // stride if place >= 0 else -1
    best[0], best[1], best[2] = worth, place - winner * stride, side
    for j in range(n_ordered, n_chosen):
        if scan_categories(
            histograms,
            j * stride,
            stride,
            bits,
            totals,
            squares,
            rules,
            best,
            subset,
            order,
        ):
            winner = j
    return chosen[winner] if winner >= 0 else -1


@bare
def split_node(
    kind,
    local,
    labels,
    packed,
    start,
    stop,
    halvings,
    chosen,
    n_ordered,
    rules,
    work,
    several,
):
    """Label the rows of a node and find its best split; return its feature, or -1.

    Of ``kind`` and ``several`` one is None; its branch is not compiled.
    """
    if several is not None:
        return split_several(
            local, start, stop, halvings, chosen, n_ordered, rules, work, several
        )
    if kind is not None and relabel(kind, local[2], local[3], start, stop, labels):
        bits = pack(labels, start, stop, rules[1] > 0, packed[0], packed[1])
        return best_split(
            local, packed, start, stop, halvings, chosen, n_ordered, bits, rules, work
        )
    return -1


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
def push_children(stack, height, start, middle, stop, left, depth, halvings):
    """Put both children on the stack, the smaller on top; return the new height."""
    larger_first = middle - start >= stop - middle
    for side in range(2):
        is_left = (side == 0) == larger_first
        stack[height, 0] = start if is_left else middle
        stack[height, 1] = middle if is_left else stop
        stack[height, 2] = left if is_left else left + 1
        stack[height, 3] = depth
        stack[height, 4] = halvings
        height += 1
    return height


@bare
def fewer_bins(local, ordered_bytes, start, stop, halvings):
    """Halve the codes of a node's rows as often as its size wants; return how often."""
    wanted = wanted_halvings(stop - start)
    for _ in range(wanted - halvings):
        halve(local[0], ordered_bytes, start, stop)
    return max(wanted, halvings)


def gathered(words, targets, weight, rows):
    """Return copies of the rows: codes as words and as bytes, targets, weights."""
    local_words = words.take(rows, axis=0)
    codes = local_words.view(np.uint8)
    return local_words, codes, targets.take(rows, axis=0), weight.take(rows)


def scratch(n, n_chosen, codes, ordered, with_low):
    """Return what all nodes of a tree share: labels, packed words, histograms.

    ``work`` also tells how many codes categories have, and whether all features are
    tried in their order.
    """
    rho, mass = np.empty(n, np.float32), np.empty(n, np.float32)
    low = np.empty(n, np.uint8)
    labels = rho, mass, low, np.zeros(2, np.float32)
    wide = not one_word(n, with_low)
    packed = np.empty(n, np.int64), np.empty(n if wide else 0, np.int64)
    categories = codes[:, : len(ordered)][:, ~ordered]
    n_levels = int(categories.max()) + 1 if categories.size else 0
    histogram = np.empty(n_chosen * 256, np.int64)
    other = np.empty(n_chosen * 256 if wide else 0, np.int64)
    order = np.empty(256, np.int64), np.empty(256, np.float64)
    best, subset = np.zeros(3, np.float64), np.zeros(4, np.uint64)
    in_order = n_chosen == len(ordered) and bool(ordered.all())
    gains = np.empty(n_chosen * 256, np.float32)
    work = (
        (histogram, other),
        best,
        subset,
        order,
        n_levels,
        in_order,
        (gains, gains.view(np.int32)),
    )
    return labels, packed, work


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
    in place, so that each node is a slice; in small nodes their codes are halved.
    ``rules`` as in ``_splitting.allowed``. For several contrasts ``kind`` is None, and
    ``several`` comes from ``_several_splitting.several_scratch``.
    """
    n, n_features = len(rows), len(ordered)
    local = gathered(words, targets, weight, rows)
    labels, packed, work = scratch(n, n_chosen, local[1], ordered, rules[1] > 0)
    ordered_bytes = np.zeros(words.shape[1], np.uint64)
    ordered_bytes.view(np.uint8)[:n_features] = np.where(ordered, 255, 0)
    capacity = 2 * max(n // max(int(rules[0]), 1), 1) + 1
    n_sets = 0 if ordered.all() else capacity
    out = (
        np.empty(capacity, np.int64),
        np.full(n_sets, -1, np.int32),
        np.zeros((n_sets, 4), np.uint64),
    )
    n_nodes, n_leaves, n_subsets = grow_nodes(
        kind,
        local,
        (ordered, ordered_bytes, np.arange(n_features)),
        rules,
        max_depth,
        n_chosen,
        seed,
        tree,
        labels,
        packed,
        work,
        several,
        np.zeros((_STACK, 5), np.int64),
        np.empty(1, np.uint64),
        out,
    )
    nodes, subset_of, subsets = out
    kept = nodes[:n_nodes], subset_of[: n_nodes if n_sets else 0], subsets[:n_subsets]
    return *(array.copy() for array in kept), n_leaves


@kernel
def grow_nodes(
    kind,
    local,
    columns,
    rules,
    max_depth,
    n_chosen,
    seed,
    tree,
    labels,
    packed,
    work,
    several,
    stack,
    state,
    out,
):
    """Write nodes and subsets; return how many there are, and how many leaves.

    Returns (nodes, leaves, subsets). ``columns`` are flags of ordered features, their
    bytes in a word of codes, and the numbers of all features.
    """
    ordered, ordered_bytes, features = columns
    nodes, subset_of, subsets = out
    best, subset = work[1], work[2]
    n_ordered = ordered_first(features, ordered)
    n, n_features = local[0].shape[0], ordered.shape[0]
    least = max(np.int64(rules[0]), 1)
    start_stream(state, seed, _NODES, tree)
    stack[0, 1] = n
    height, n_nodes, n_leaves, n_subsets = 1, np.int64(1), 0, 0
    while height:
        height -= 1
        start, stop, number, depth, halvings = stack[height]
        winner = -1
        if stop - start >= 2 * least and depth < max_depth:
            chosen = features[:n_chosen]
            if n_chosen < n_features:
                draw_features(features, n_chosen, state)
                n_ordered = ordered_first(chosen, ordered)
            halvings = fewer_bins(local, ordered_bytes, start, stop, halvings)
            winner = split_node(
                kind,
                local,
                labels,
                packed,
                start,
                stop,
                halvings,
                chosen,
                n_ordered,
                rules,
                work,
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
            for k in range(4):  # array assignment would compile its error texts
                subsets[n_subsets, k] = subset[k]
            n_subsets += 1
        own = encode(n_nodes, winner, missing_right, code)
        full = min(code << halvings, 255)
        nodes[number] = encode(n_nodes, winner, missing_right, full)
        middle = partition(own, number, local, start, stop, subset_of, subsets)
        height = push_children(
            stack, height, start, middle, stop, n_nodes, depth + 1, halvings
        )
        n_nodes += 2
    return n_nodes, n_leaves, n_subsets
