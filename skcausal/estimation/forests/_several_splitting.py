"""The best split of a node for several contrasts at once (numba kernels).

Each contrast has the packed words and histograms of ``_splitting``. With
``S = sum rho`` of a child and m its share of the node's mass, averaged over contrasts,
the gain is ``|S|^2 / m`` summed over both children: what splits for one contrast
maximise. The integers of packed words become real numbers again before they are added.
"""

import math

import numpy as np

from skcausal.estimation.forests._histograms import (
    TWO_WORDS,
    fill_one,
    fill_two,
    mass_mask,
    node_sums,
    one_word,
    pack,
    shifts,
    unpack,
)
from skcausal.estimation.forests._sampling import bare
from skcausal.estimation.forests._several_labels import label_scratch, label_several
from skcausal.estimation.forests._splitting import sort_levels

_TURNS = 20  # of the power method


def scratch(n_rows, n_contrasts, n_chosen):
    """Return the arrays that the splits of one tree work in."""
    rows, bins = (n_contrasts, n_rows), (n_contrasts, n_chosen * 256)
    second = (n_contrasts, 0) if one_word(n_rows, True) else rows
    other = (n_contrasts, 0) if one_word(n_rows, True) else bins
    labels = np.empty(rows, np.float32), np.empty(rows, np.float32)
    words = np.empty(rows, np.int64), np.empty(second, np.int64)
    histograms = np.empty(bins, np.int64), np.empty(other, np.int64)
    node = (
        np.empty(n_contrasts + 1, np.int64),
        np.empty(n_contrasts),
        np.empty(n_contrasts + 1),
    )
    sums = np.empty(n_contrasts, np.int64), np.empty(n_contrasts, np.int64)
    categories = (
        np.empty((256, n_contrasts)),
        np.empty(256),
        np.empty((n_contrasts, n_contrasts)),
        np.empty(n_contrasts),
        np.empty(n_contrasts),
    )
    arrays = label_scratch(n_contrasts)
    return (
        (*labels, np.empty(n_rows, np.uint8), np.zeros(2, np.float32)),
        words,
        histograms,
        arrays,
        (
            node,
            sums,
            categories,
        ),
    )


@bare
def split_several(
    local, several, start, stop, halvings, chosen, n_ordered, rules, work
):
    """Find the best split of a node; return its feature, or -1.

    As ``best_split``, but it labels the rows itself, contrast by contrast.
    """
    labels, words, histograms, arrays, (node, sums, categories) = several
    _, best, subset, order, n_levels, _, _ = work
    if not label_several(local[2], local[3], start, stop, labels[0], labels[1], arrays):
        return -1
    bits = pack_several(labels, local[2], start, stop, words, rules[3], node)
    n_bins = ((255 + (1 << halvings) - 1) >> halvings) + 1
    stride = n_bins if n_ordered == chosen.shape[0] else max(n_bins, n_levels)
    fill_several(local[1], words, start, stop, chosen, bits, stride, histograms)
    winner = -1
    best[0] = 0.0
    for j in range(chosen.shape[0]):
        base = j * stride
        if j < n_ordered:
            better = scan_ordered_several(
                histograms, base, n_bins, bits, node, sums, rules, best
            )
        else:
            n_found = order_levels(
                histograms, base, stride, bits, node, order[0], order[1], categories
            )
            better = scan_levels_several(
                histograms,
                base,
                n_found,
                bits,
                node,
                sums,
                rules,
                best,
                subset,
                order[0],
            )
        if better:
            winner = chosen[j]
    return winner


@bare
def pack_several(labels, targets, start, stop, words, penalty, node):
    """Write the words of each contrast and what ``node`` holds; return bits of a count.

    ``node`` is (arm rows and all rows, share of one unit of mass, square of one unit of
    rho and the handicap of a split). An arm's rows are those whose indicator is above
    its expectation.
    """
    rho, mass, low, tops = labels
    first, second = words
    arm_rows, mass_unit, rho_unit = node
    n, bits, known, squares = rho.shape[0], 0, 0, 0.0
    for k in range(n):
        for i in range(start, stop):
            low[i] = 1 if targets[i, k + 1] > 0 else 0
        largest(rho[k], mass[k], start, stop, tops)
        one = rho[k], mass[k], low, tops
        bits = pack(one, start, stop, True, first[k], second[k])
        (total, arm, _), packed = node_sums(
            first[k], second[k], start, stop, bits, True, 1.0
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
    arm_rows[n], rho_unit[n] = stop - start, penalty * squares
    return bits


@bare
def largest(rho, mass, start, stop, tops):
    """Write the largest absolute values of the labels of a node."""
    tops[:] = 0.0
    for i in range(start, stop):
        tops[0] = max(tops[0], abs(rho[i]))
        tops[1] = max(tops[1], mass[i])


@bare
def fill_several(codes, words, start, stop, chosen, bits, n_bins, histograms):
    """Fill the histograms of each contrast."""
    first, second = words
    histogram, other = histograms
    for k in range(first.shape[0]):
        if bits == TWO_WORDS:
            fill_two(
                codes,
                first[k],
                second[k],
                start,
                stop,
                chosen,
                n_bins,
                histogram[k],
                other[k],
            )
        else:
            fill_one(codes, first[k], start, stop, chosen, n_bins, histogram[k])


@bare
def fields(bits):
    """Return the shifts of rho and of mass in their words, and the mask of mass."""
    to_mass, to_rho = shifts(bits, True)
    return to_rho, to_mass, mass_mask(bits)


@bare
def worth(one, with_mass, layout, mass_unit, rho_unit):
    """Return ``|S|^2 - handicap`` and m of a left child that holds these sums.

    As the node's rho sum to zero, the gain is proportional to their ratio once m is
    multiplied by that of the other child.
    """
    top, shift, mask = layout
    n = one.shape[0]
    value, share = -rho_unit[n], 0.0
    for k in range(n):
        rho = np.float64(one[k] >> top)
        value += rho_unit[k] * rho * rho
        share += mass_unit[k] * np.float64((with_mass[k] >> shift) & mask)
    return value, share


@bare
def allowed_several(sums, bits, share, node, rules):
    """Tell whether both children keep the rules: rows, mass, and rows of each arm."""
    if min(share, 1.0 - share) < rules[2]:
        return False
    one, two = sums
    arm_rows = node[0]
    n = one.shape[0]
    _, _, _, controls = unpack(one[0], two[0], bits, True)
    other_controls = arm_rows[n] - controls
    if min(controls, other_controls) < rules[0]:
        return False
    for k in range(n):
        _, _, low, _ = unpack(one[k], two[k], bits, True)
        other_low = arm_rows[k] - low
        if min(low, other_low) < rules[1]:
            return False
        controls -= low
        other_controls -= other_low
    return min(controls, other_controls) >= rules[1]


@bare
def scan_ordered_several(histograms, base, n_bins, bits, node, sums, rules, best):
    """Do as ``scan_ordered`` for several contrasts."""
    histogram, other = histograms
    one, two = sums
    n, all_rows = one.shape[0], node[0][one.shape[0]]
    wide = bits == TWO_WORDS
    row_mask = (np.int64(1) << bits) - 1
    least = np.int64(rules[0])
    _, mass_unit, rho_unit = node
    with_mass, layout = two if wide else one, fields(bits)
    found, bar = False, best[0]
    for missing_right in range(2 if histogram[0, base] != 0 else 1):
        for k in range(n):
            one[k] = 0 if missing_right else histogram[k, base]
            two[k] = other[k, base] if wide and not missing_right else 0
        for place in range(base + 1, base + n_bins):
            if histogram[0, place] == 0 and place > base + 1:
                continue  # the split of the bin before
            for k in range(n):
                one[k] += histogram[k, place]
                if wide:
                    two[k] += other[k, place]
            rows = one[0] & row_mask
            if rows < least:
                continue
            if all_rows - rows < least:
                break
            value, share = worth(one, with_mass, layout, mass_unit, rho_unit)
            product = share * (1.0 - share)
            better = value > bar * product and product > 0.0
            if better and allowed_several(sums, bits, share, node, rules):
                bar = value / product
                best[0], best[1] = bar, place - base
                best[2] = missing_right
                found = True
    return found


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
def order_levels(histograms, base, n_bins, bits, node, levels, means, categories):
    """List the levels of a category in the order of their effects; return how many.

    The vectors of several effects have no order of their own; levels get that of the
    direction in which they differ most (Coppersmith, Hong & Hosking 1999).
    """
    histogram, other = histograms
    points, shares, matrix, direction, image = categories
    _, mass_unit, rho_unit = node
    n, n_levels = direction.shape[0], 0
    for b in range(n_bins):
        if histogram[0, base + b] == 0:
            continue
        share = 0.0
        for k in range(n):
            two = other[k, base + b] if bits == TWO_WORDS else np.int64(0)
            rho, mass, _, _ = unpack(histogram[k, base + b], two, bits, True)
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
    return n_levels


@bare
def scan_levels_several(
    histograms, base, n_levels, bits, node, sums, rules, best, subset, levels
):
    """Do as ``scan_categories`` for several contrasts and levels in order."""
    histogram, other = histograms
    one, two = sums
    _, mass_unit, rho_unit = node
    with_mass, layout = two if bits == TWO_WORDS else one, fields(bits)
    cut = -1
    for k in range(one.shape[0]):
        one[k], two[k] = 0, 0
    for position in range(n_levels - 1):
        place = base + levels[position]
        for k in range(one.shape[0]):
            one[k] += histogram[k, place]
            if bits == TWO_WORDS:
                two[k] += other[k, place]
        value, share = worth(one, with_mass, layout, mass_unit, rho_unit)
        product = share * (1.0 - share)
        better = value > best[0] * product and product > 0.0
        if better and allowed_several(sums, bits, share, node, rules):
            best[0] = value / product
            cut = position
    if cut < 0:
        return False
    subset[:] = 0
    for position in range(cut + 1):
        level = levels[position]
        subset[level >> 6] |= np.uint64(1) << np.uint64(level & 63)
    return True
