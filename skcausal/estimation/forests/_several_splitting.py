"""The best split of a node for several contrasts at once (numba kernels).

Each contrast has packed words and histograms of its own. With ``S = sum rho`` of a
child and m its share of the node's mass, averaged over contrasts, the gain is
``|S|^2 / m`` summed over both children: what splits for one contrast maximise. As the
node's rho sum to zero, it is proportional to ``(|S|^2 - handicap) / (m_left m_right)``.
The integers of packed words become real numbers again before they are added.
"""

import math

import numpy as np

from skcausal.estimation.forests._histograms import (
    _MASS_BITS,
    TWO_WORDS,
    accumulate,
    fill_all,
    fill_one,
    fill_two,
    move_missing,
    node_sums,
    one_word,
    pack,
    shifts,
    unpack,
)
from skcausal.estimation.forests._sampling import bare
from skcausal.estimation.forests._several_labels import label_scratch, label_several
from skcausal.estimation.forests._splitting import (
    highest,
    luck_of_levels,
    sort_levels,
)

_TURNS = 20  # of the power method
_LEAST_PRODUCT = 1e-6  # of the shares of children; single precision holds no less


def several_scratch(n_rows, n_contrasts, n_chosen, with_arms):
    """Return the arrays that the splits of one tree work in."""
    rows, bins = (n_contrasts, n_rows), (n_contrasts, n_chosen * 256)
    wide = not one_word(n_rows, with_arms)
    labels = (
        np.empty(rows, np.float32),
        np.empty(rows, np.float32),
        np.empty(n_rows, np.uint8),
        np.empty((n_contrasts, 2), np.float32),
    )
    nothing = n_contrasts, 0
    words = np.empty(rows, np.int64), np.empty(rows if wide else nothing, np.int64)
    histograms = np.empty(bins, np.int64), np.empty(bins if wide else nothing, np.int64)
    node = (
        np.empty(n_contrasts + 1, np.int64),
        np.empty(n_contrasts),
        np.empty(n_contrasts + 1),
    )
    categories = (
        np.empty((256, n_contrasts)),
        np.empty(256),
        np.empty((n_contrasts, n_contrasts)),
        np.empty(n_contrasts),
        np.empty(n_contrasts),
        np.empty(256, np.int64),
    )
    shares = np.empty(n_chosen * 256, np.float32)
    arrays = label_scratch(n_contrasts)
    return labels, words, histograms, node, categories, shares, arrays


@bare
def split_several(
    local, start, stop, halvings, chosen, n_ordered, rules, work, several
):
    """Label the rows of a node and find its best split; return its feature, or -1.

    ``work`` and what it receives are as in ``best_split``.
    """
    labels, words, histograms, node, categories, shares, arrays = several
    _, best, subset, order, n_levels, in_order, gains = work
    if not label_several(local[2], local[3], start, stop, labels, arrays):
        return -1
    bits = pack_several(labels, local[2], start, stop, words, rules, node)
    n_chosen = chosen.shape[0]
    n_bins = ((255 + (1 << halvings) - 1) >> halvings) + 1
    stride = n_bins if n_ordered == n_chosen else max(n_bins, n_levels)
    fill_several(local, words, start, stop, chosen, in_order, bits, stride, histograms)
    worth, place, side = scan_ordered_several(
        histograms, n_ordered, stride, bits, node, rules, gains, shares
    )
    winner = place // stride if place >= 0 else -1
    best[0], best[1], best[2] = worth, place - winner * stride, side
    for j in range(n_ordered, n_chosen):
        base, levels = j * stride, order[0]
        n_found = order_levels(
            histograms, base, stride, bits, rules, node, order, categories
        )
        luck = luck_of_levels(n_found) / labels[0].shape[0]
        last = base + n_found - 1
        worths_several(histograms, base, last, bits, node, rules, gains[0], shares)
        cut = highest(gains[1][base:last], last - base)
        if cut >= 0 and gains[0][base + cut] - luck > best[0]:
            winner, best[0] = j, gains[0][base + cut] - luck
            mark_levels(subset, levels, cut)
    return chosen[winner] if winner >= 0 else -1


@bare
def pack_several(labels, targets, start, stop, words, rules, node):
    """Write the words of each contrast and what ``node`` holds; return bits of a count.

    ``node`` is (arm rows and all rows, share of one unit of mass, square of one unit of
    rho and the handicap of a split, both over the sum of all rho^2). An arm's rows are
    those whose indicator is above its expectation.
    """
    rho, mass, low, tops = labels
    first, second = words
    arm_rows, mass_unit, rho_unit = node
    with_arms = rules[1] > 0
    n, bits, known, squares = rho.shape[0], 0, 0, 0.0
    for k in range(n):
        for i in range(start, stop):
            low[i] = 1 if targets[i, k + 1] > 0 else 0
        own = rho[k], mass[k], low, tops[k]
        bits = pack(own, start, stop, with_arms, first[k], second[k])
        (total, arm, _), packed = node_sums(
            first[k], second[k], start, stop, bits, with_arms, True
        )
        real = 0.0
        for i in range(start, stop):
            real += np.float64(rho[k, i]) * np.float64(rho[k, i])
        mass_unit[k], arm_rows[k] = total, arm
        known += total > 0
        rho_unit[k] = real / packed if packed > 0.0 else 0.0
        squares += real
    for k in range(n):
        mass_unit[k] = 1.0 / (known * mass_unit[k]) if mass_unit[k] > 0 else 0.0
        rho_unit[k] = rho_unit[k] / squares if squares > 0 else 0.0
    arm_rows[n], rho_unit[n] = stop - start, rules[3]
    return bits


@bare
def fill_several(local, words, start, stop, chosen, in_order, bits, stride, histograms):
    """Fill the histograms of each contrast."""
    first, second = words
    histogram, other = histograms
    codes = local[1]
    for k in range(first.shape[0]):
        one, into = first[k], histogram[k]
        if bits == TWO_WORDS:
            fill_two(codes, one, second[k], start, stop, chosen, stride, into, other[k])
        elif in_order:
            fill_all(local[0], one, start, stop, chosen.shape[0], stride, into)
        else:
            fill_one(codes, one, start, stop, chosen, stride, into)


@bare
def scan_ordered_several(
    histograms, n_features, n_bins, bits, node, rules, gains, shares
):
    """Do as ``scan_ordered`` for several contrasts."""
    histogram, other = histograms
    n, n_contrasts = n_features * n_bins, histogram.shape[0]
    worth, place, side = np.float32(0), -1, 0
    for k in range(n_contrasts):
        accumulate(histogram[k], n_features, n_bins)
        if bits == TWO_WORDS:
            accumulate(other[k], n_features, n_bins)
    for missing_right in range(2):
        if missing_right:
            some = False
            for k in range(n_contrasts):
                some = move_missing(histogram[k], n_features, n_bins)
                if bits == TWO_WORDS:
                    move_missing(other[k], n_features, n_bins)
            if not some:
                break
        worths_several(histograms, 0, n, bits, node, rules, gains[0], shares)
        found = highest(gains[1], n)
        if found >= 0 and gains[0][found] > worth:
            worth, place, side = gains[0][found], found, missing_right
    return worth, place, side


@bare
def worths_several(histograms, begin, end, bits, node, rules, gains, shares):
    """Write the worth of the splits ``begin:end``; 0 where a rule forbids one."""
    histogram, other = histograms
    arm_rows, mass_unit, rho_unit = node
    n_contrasts = histogram.shape[0]
    to_mass, to_rho = shifts(bits, rules[1] > 0)
    row_mask = (np.int64(1) << bits) - 1
    mass_mask = (np.int64(1) << (bits + _MASS_BITS)) - 1
    for i in range(begin, end):
        gains[i], shares[i] = -rho_unit[n_contrasts], 0
    for k in range(n_contrasts):
        size, part = np.float32(rho_unit[k]), np.float32(mass_unit[k])
        one, two = histogram[k], other[k]
        for i in range(begin, end):
            rho = np.float32(one[i] >> to_rho)
            gains[i] += size * rho * rho
        if bits == TWO_WORDS:
            for i in range(begin, end):
                shares[i] += part * np.float32(two[i] >> to_mass)
        else:
            for i in range(begin, end):
                shares[i] += part * np.float32((one[i] >> to_mass) & mass_mask)
    one = histogram[0]
    least = np.int64(rules[0])
    most = arm_rows[n_contrasts] - least
    bound = np.float32(max(rules[2] * (1 - rules[2]), _LEAST_PRODUCT))
    for i in range(begin, end):
        rows = one[i] & row_mask
        product = shares[i] * (np.float32(1) - shares[i])
        enough = (((rows - least) | (most - rows)) >= 0) & (product >= bound)
        worth = gains[i] / (product if enough else np.float32(1))
        gains[i] = worth if enough else np.float32(0)
    if rules[1] > 0:
        drop_short_of_arms(histograms, begin, end, bits, node, rules, gains)


@bare
def drop_short_of_arms(histograms, begin, end, bits, node, rules, gains):
    """Set the worth of splits to 0 that leave a child too few rows of an arm."""
    histogram, other = histograms
    arm_rows = node[0]
    n_contrasts = histogram.shape[0]
    for i in range(begin, end):
        least, controls, all_controls = arm_rows[n_contrasts], 0, arm_rows[n_contrasts]
        for k in range(n_contrasts):
            two = other[k, i] if bits == TWO_WORDS else np.int64(0)
            _, _, arm, rows = unpack(histogram[k, i], two, bits, True)
            least = min(least, min(arm, arm_rows[k] - arm))
            controls += rows - arm if k == 0 else -arm
            all_controls -= arm_rows[k]
        least = min(least, min(controls, all_controls - controls))
        if least < rules[1]:
            gains[i] = 0


@bare
def principal_direction(points, shares, n_points, matrix, direction, image):
    """Write the direction in which weighted points differ most (power method)."""
    n = matrix.shape[0]
    top = 0
    for k in range(n):
        for j in range(n):
            matrix[k, j] = 0.0
            for i in range(n_points):
                matrix[k, j] += shares[i] * points[i, k] * points[i, j]
        direction[k] = 0.0
        if matrix[k, k] > matrix[top, top]:
            top = k
    direction[top] = 1.0
    for _ in range(_TURNS):
        size = 0.0
        for k in range(n):
            image[k] = 0.0
            for j in range(n):
                image[k] += matrix[k, j] * direction[j]
            size += image[k] * image[k]
        if size <= 0.0:
            return
        for k in range(n):
            direction[k] = image[k] / math.sqrt(size)


@bare
def order_levels(histograms, base, n_bins, bits, rules, node, order, categories):
    """Put the bins of a category in the order of effects, summed up; return how many.

    The vectors of several effects have no order of their own; levels get that of the
    direction in which they differ most (Coppersmith, Hong & Hosking 1999).
    """
    histogram, other = histograms
    levels, means = order
    with_arms = rules[1] > 0
    points, shares, matrix, direction, image, spare = categories
    _, mass_unit, rho_unit = node
    n, n_levels = direction.shape[0], 0
    for b in range(n_bins):
        if histogram[0, base + b] == 0:
            continue
        share = 0.0
        for k in range(n):
            two = other[k, base + b] if bits == TWO_WORDS else np.int64(0)
            rho, mass, _, _ = unpack(histogram[k, base + b], two, bits, with_arms)
            points[n_levels, k] = math.sqrt(rho_unit[k]) * rho
            share += mass_unit[k] * max(mass, 1)
        for k in range(n):
            points[n_levels, k] /= share
        shares[n_levels], levels[n_levels] = share, b
        n_levels += 1
    principal_direction(points, shares, n_levels, matrix, direction, image)
    for i in range(n_levels):
        means[i] = 0.0
        for k in range(n):
            means[i] += direction[k] * points[i, k]
    sort_levels(levels, means, n_levels)
    rank_levels(histograms, base, n_levels, bits, levels, spare)
    return n_levels


@bare
def rank_levels(histograms, base, n_levels, bits, levels, spare):
    """Sum the bins of a category up to each level in the order of ``levels``."""
    histogram, other = histograms
    for k in range(histogram.shape[0]):
        for position in range(n_levels):
            spare[position] = histogram[k, base + levels[position]]
        total = np.int64(0)
        for position in range(n_levels):
            total += spare[position]
            histogram[k, base + position] = total
        if bits == TWO_WORDS:
            for position in range(n_levels):
                spare[position] = other[k, base + levels[position]]
            total = np.int64(0)
            for position in range(n_levels):
                total += spare[position]
                other[k, base + position] = total


@bare
def mark_levels(subset, levels, cut):
    """Mark the levels of the left child."""
    subset[:] = 0
    for position in range(cut + 1):
        level = levels[position]
        subset[level >> 6] |= np.uint64(1) << np.uint64(level & 63)
