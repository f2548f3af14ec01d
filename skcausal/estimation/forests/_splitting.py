"""The best split of a node from packed histograms (numba kernels).

A histogram adds one or two 64-bit words per row and feature. With L bits for counts, a
word holds, from the top: the sum of ``rho`` (signed), the sum of ``mass``, the number
of rows of low treatment, the number of rows. Nodes above ``ONE_WORD`` rows take two
words: (rho, rows) and (mass, low rows), with 24 bits for each count. ``rho`` and
``mass`` are rounded to the bits that cannot overflow; integer sums do not depend on
their order.
"""

import numpy as np

from skcausal.estimation.forests._relabelling import largest
from skcausal.estimation.forests._sampling import bare

ONE_WORD = 1023  # rows; beyond, rho would keep fewer than 14 bits
MAX_NODE = 2**24 - 1
_MASS_BITS = 8
TWO_WORDS = 24  # bits of a count where a row takes two words
_MASK_24 = (1 << 24) - 1


@bare
def bits_of(count):
    """Return the number of bits that hold ``count``."""
    bits = 0
    while count:
        count >>= 1
        bits += 1
    return bits


@bare
def pack(rho, mass, low, start, stop, first, second):
    """Write the histogram words of a node; return the bits of a count.

    For one word the shifts are (3 L + 8, 2 L, L); ``TWO_WORDS`` stands for two.
    """
    n = stop - start
    top_rho = max(np.float64(largest(rho, start, stop)), 1e-30)
    top_mass = max(np.float64(largest(mass, start, stop)), 1e-30)
    if n <= ONE_WORD:
        bits = bits_of(n)
        scale = ((1 << min(62 - 4 * bits - _MASS_BITS, 20)) - 1) / top_rho
        mass_scale = ((1 << _MASS_BITS) - 1) / top_mass
        for i in range(start, stop):
            lower = np.int64(mass[i] * mass_scale + 0.5) << (2 * bits)
            lower += (np.int64(low[i]) << bits) + 1
            signed = np.int64(np.rint(rho[i] * scale))
            first[i] = (signed << (3 * bits + _MASS_BITS)) + lower
        return bits
    room = 38 - bits_of(n)
    scale = ((1 << room) - 1) / top_rho
    mass_scale = ((1 << room) - 1) / top_mass
    for i in range(start, stop):
        first[i] = (np.int64(np.rint(rho[i] * scale)) << TWO_WORDS) + 1
        second[i] = (np.int64(mass[i] * mass_scale + 0.5) << TWO_WORDS) + low[i]
    return TWO_WORDS


@bare
def fill_halved(codes, words, start, stop, features, halvings, histogram):
    """Add the words of the rows to the bins of ordered features; return bins of each.

    Code 0 keeps its bin; the others are halved ``halvings`` times.
    """
    n_bins = (256 >> halvings) + 1
    histogram[: features.shape[0] * n_bins] = 0
    stride, shift = np.uintp(n_bins), np.uintp(halvings)
    up = (np.uintp(1) << shift) - np.uintp(1)
    for i in range(start, stop):
        word = words[i]
        base = np.uintp(0)
        for j in range(features.shape[0]):
            code = np.uintp(codes[i, np.uintp(features[j])])
            histogram[base + ((code + up) >> shift)] += word
            base += stride
    return n_bins


@bare
def fill_mixed(codes, words, start, stop, features, ordered, halvings, histogram):
    """Do as ``fill_halved``, but keep the codes of categories as they are."""
    histogram[: features.shape[0] * 257] = 0
    stride = np.uintp(257)
    for i in range(start, stop):
        word = words[i]
        base = np.uintp(0)
        for j in range(features.shape[0]):
            feature = np.uintp(features[j])
            shift = np.uintp(halvings if ordered[feature] else 0)
            code = np.uintp(codes[i, feature]) + (np.uintp(1) << shift) - np.uintp(1)
            histogram[base + (code >> shift)] += word
            base += stride
    return 257


@bare
def fill_two(codes, first, second, start, stop, features, halvings, histogram, other):
    """Do as ``fill_halved`` with two words per row."""
    n_bins = (256 >> halvings) + 1
    shift = np.uintp(halvings)
    up = (np.uintp(1) << shift) - np.uintp(1)
    histogram[: features.shape[0] * n_bins] = 0
    other[: features.shape[0] * n_bins] = 0
    stride = np.uintp(n_bins)
    for i in range(start, stop):
        one, two = first[i], second[i]
        base = np.uintp(0)
        for j in range(features.shape[0]):
            code = np.uintp(codes[i, np.uintp(features[j])])
            place = base + ((code + up) >> shift)
            histogram[place] += one
            other[place] += two
            base += stride
    return n_bins


@bare
def fields(bits):
    """Return the shifts of rho and of mass in their words, and the mask of mass."""
    if bits == TWO_WORDS:
        return TWO_WORDS, TWO_WORDS, (np.int64(1) << 40) - 1
    mask = (np.int64(1) << (bits + _MASS_BITS)) - 1
    return 3 * bits + _MASS_BITS, 2 * bits, mask


@bare
def unpack(one, two, bits):
    """Return (rho, mass, low rows, rows) of one bin or of a sum of bins."""
    if bits == TWO_WORDS:
        return one >> TWO_WORDS, two >> TWO_WORDS, two & _MASK_24, one & _MASK_24
    mask = (np.int64(1) << bits) - 1
    mass = (one >> (2 * bits)) & ((np.int64(1) << (bits + _MASS_BITS)) - 1)
    return one >> (3 * bits + _MASS_BITS), mass, (one >> bits) & mask, one & mask


@bare
def allowed(rho, mass, low, rows, totals, rules):
    """Tell whether both children of a split keep the rules.

    ``totals`` is (mass, low rows, rows) of the node; ``rules`` is (rows per child, rows
    on either side of the mean treatment, share of the mass).
    """
    all_mass, all_low, all_rows = totals
    if min(rows, all_rows - rows) < rules[0]:
        return False
    if min(mass, all_mass - mass) < rules[2] * all_mass:
        return False
    other_low = all_low - low
    other_high = all_rows - rows - other_low
    return min(min(low, rows - low), min(other_low, other_high)) >= rules[1]


@bare
def scan_ordered(histogram, other, base, n_bins, bits, totals, handicap, rules, best):
    """Try every threshold of one feature, missing rows (bin 0) on either side.

    ``best`` is (worth, threshold in bins, 1 if missing rows go right); the result tells
    whether it got better. The node's rho sums to zero, so that the gain of both
    children, sum of ``rho^2 / mass``, is proportional to
    ``(rho^2 - handicap) / (mass_left mass_right)``: one product decides, no division.
    """
    all_mass, _, all_rows = totals
    wide = bits == TWO_WORDS
    top = TWO_WORDS if wide else 3 * bits + _MASS_BITS
    row_mask = (np.int64(1) << bits) - 1
    mass_mask = (np.int64(1) << (bits + _MASS_BITS)) - 1
    least = np.int64(rules[0])
    found, bar = False, best[0]
    missing, missing_two = histogram[base], other[base] if wide else np.int64(0)
    for missing_right in range(2 if missing != 0 else 1):
        one, two = np.int64(0), np.int64(0)
        if missing_right == 0:
            one, two = missing, missing_two
        for b in range(1, n_bins):
            one += histogram[base + b]  # an empty bin costs less than asking
            if wide:
                two += other[base + b]
            rows = one & row_mask
            if rows < least:
                continue
            if all_rows - rows < least:
                break
            mass = two >> TWO_WORDS if wide else (one >> (2 * bits)) & mass_mask
            product = np.float64(mass) * np.float64(all_mass - mass)
            rho = np.float64(one >> top)
            value = rho * rho - handicap
            if value > bar * product and product > 0:
                low = two & _MASK_24 if wide else (one >> bits) & row_mask
                if allowed(rho, mass, low, rows, totals, rules):
                    bar = value / product
                    best[0], best[1], best[2] = bar, b, missing_right
                    found = True
    return found


@bare
def scan_categories(
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
):
    """Try the levels of one feature in the order of their mean influence.

    For such an order the best of all subsets is a prefix (Fisher 1958). Levels of the
    best left child are marked in ``subset``; missing rows are a level.
    """
    n_levels = 0
    for b in range(n_bins):
        if histogram[base + b] != 0:
            two = other[base + b] if bits == TWO_WORDS else np.int64(0)
            rho, mass, _, _ = unpack(histogram[base + b], two, bits)
            levels[n_levels] = b
            means[n_levels] = rho / max(mass, 1)
            n_levels += 1
    sort_levels(levels, means, n_levels)
    one, two, cut = np.int64(0), np.int64(0), -1
    for position in range(n_levels - 1):
        place = base + levels[position]
        one += histogram[place]
        if bits == TWO_WORDS:
            two += other[place]
        rho, mass, low, rows = unpack(one, two, bits)
        product = np.float64(mass) * np.float64(totals[0] - mass)
        value = np.float64(rho) * np.float64(rho) - handicap
        better = value > best[0] * product and product > 0
        if better and allowed(rho, mass, low, rows, totals, rules):
            best[0] = value / product
            cut = position
    if cut < 0:
        return False
    subset[:] = 0
    for position in range(cut + 1):
        level = levels[position]
        subset[level >> 6] |= np.uint64(1) << np.uint64(level & 63)
    return True


@bare
def sort_levels(levels, means, n):
    """Sort levels by their means, in place (insertion sort: there are few)."""
    for i in range(1, n):
        level, mean = levels[i], means[i]
        j = i
        while j > 0 and means[j - 1] > mean:
            levels[j], means[j] = levels[j - 1], means[j - 1]
            j -= 1
        levels[j], means[j] = level, mean


@bare
def node_sums(first, second, start, stop, bits, penalty):
    """Return (mass, low rows, rows) of a node, and ``penalty`` times its rho^2."""
    one, two, squares = np.int64(0), np.int64(0), 0.0
    for i in range(start, stop):
        one += first[i]
    if bits == TWO_WORDS:
        for i in range(start, stop):
            two += second[i]
    if penalty > 0:
        top = TWO_WORDS if bits == TWO_WORDS else 3 * bits + _MASS_BITS
        for i in range(start, stop):
            rho = np.float64(first[i] >> top)
            squares += rho * rho
    _, mass, low, rows = unpack(one, two, bits)
    return (mass, low, rows), penalty * squares
