"""The best split of a node from its histograms (numba kernels).

The node's rho sums to zero, so that the gain of both children, the sum of
``rho^2 / mass``, is proportional to ``(rho^2 - handicap) / (mass_left mass_right)``,
where the handicap is the penalty of imbalance. ``rules`` is (rows per child, rows of a
child on either side of the mean treatment, share of the mass, penalty); ``totals`` is
(mass, low rows, rows) of the node.
"""

import math

import numpy as np

from skcausal.estimation.forests._histograms import (
    TWO_WORDS,
    accumulate,
    mass_mask,
    move_missing,
    shifts,
    unpack,
)
from skcausal.estimation.forests._sampling import bare


@bare
def scan_ordered(
    histograms, n_features, n_bins, bits, totals, handicap, rules, scratch
):
    """Find the best threshold of all ordered features; return (worth, place, side).

    ``place`` is feature times ``n_bins`` plus the last bin that goes left, and -1 if no
    split is allowed; ``side`` is 1 if missing rows (bin 0) go right.
    """
    histogram, other = histograms
    gains, gain_bits = scratch
    n = n_features * n_bins
    worth, place, side = np.float32(0), -1, 0
    accumulate(histogram, n_features, n_bins)
    if bits == TWO_WORDS:
        accumulate(other, n_features, n_bins)
    for missing_right in range(2):
        if missing_right:
            some = move_missing(histogram, n_features, n_bins)
            if bits == TWO_WORDS:
                move_missing(other, n_features, n_bins)
            if not some:
                break
        if bits == TWO_WORDS or rules[1] > 0:
            worths_by_rules(histogram, other, n, bits, totals, handicap, rules, gains)
        else:
            worths(histogram, n, bits, totals, handicap, rules, gains)
        found = highest(gain_bits, n)
        if found >= 0 and gains[found] > worth:
            worth, place, side = gains[found], found, missing_right
    return worth, place, side


@bare
def worths(histogram, n, bits, totals, handicap, rules, gains):
    """Write the worth of every split; 0 where a rule forbids it.

    Without a branch, so that a processor does several at a time: what it cannot foresee
    costs more than arithmetic.
    """
    all_mass, _, all_rows = totals
    to_mass, to_rho = shifts(bits, rules[1] > 0)
    row_mask = (np.int64(1) << bits) - 1
    low_bits = mass_mask(bits)
    least = np.int64(rules[0])
    most = all_rows - least
    bound = np.float32(least_product(all_mass, rules[2]))
    penalty = np.float32(handicap)
    for i in range(n):
        one = histogram[i]
        rows = one & row_mask
        mass = (one >> to_mass) & low_bits
        rho = np.float32(one >> to_rho)
        product = np.float32(mass) * np.float32(all_mass - mass)
        enough = (((rows - least) | (most - rows)) >= 0) & (product >= bound)
        worth = (rho * rho - penalty) / (product if enough else np.float32(1))
        gains[i] = worth if enough else np.float32(0)


@bare
def worths_by_rules(histogram, other, n, bits, totals, handicap, rules, gains):
    """Do as ``worths`` for two words, or with least rows on either side of w."""
    bound = least_product(totals[0], rules[2])
    with_low = rules[1] > 0
    for i in range(n):
        two = other[i] if bits == TWO_WORDS else np.int64(0)
        rho, mass, low, rows = unpack(histogram[i], two, bits, with_low)
        product = np.float64(mass) * np.float64(totals[0] - mass)
        gains[i] = 0
        if product >= bound and allowed(low, rows, totals, rules):
            gains[i] = (np.float64(rho) * np.float64(rho) - handicap) / product


@bare
def highest(gain_bits, n):
    """Return the first place of the highest gain, or -1 if none is positive.

    Positive floats are ordered as the integers of their bits, which are faster.
    """
    top = np.int32(0)
    for i in range(n):
        top = max(top, gain_bits[i])
    if top <= 0:
        return -1
    for i in range(n):
        if gain_bits[i] == top:
            return i
    return -1


@bare
def least_product(all_mass, share):
    """Return mass_left mass_right where a child has the least share of the mass.

    The product grows with the smaller mass, so that one bound holds for both children.
    It is positive, as a child without mass has no estimate.
    """
    least = max(np.ceil(share * all_mass), 1.0)
    return least * max(all_mass - least, 1.0)


@bare
def allowed(low, rows, totals, rules):
    """Tell whether both children of a split have enough rows."""
    _, all_low, all_rows = totals
    if min(rows, all_rows - rows) < rules[0]:
        return False
    other_low = all_low - low
    other_high = all_rows - rows - other_low
    if rules[1] <= 0:
        return True
    return min(min(low, rows - low), min(other_low, other_high)) >= rules[1]


@bare
def luck_of_levels(n_levels):
    """Return what the best of the sorted levels of pure noise gains, less two levels.

    In units of the gain of a split at random: the sum of the positive ones among normal
    variables, squared. Without it, categories of many levels would win most splits.
    """
    return max(n_levels - 2, 0) * (2.0 / math.pi)


@bare
def scan_categories(
    histograms, base, n_bins, bits, totals, squares, rules, best, subset, order
):
    """Try the levels of one feature in the order of their mean influence.

    For such an order the best of all subsets is a prefix (Fisher 1958). Levels of the
    best left child are marked in ``subset``; missing rows are a level. ``squares`` is
    the sum of all rho^2.
    """
    histogram, other = histograms
    levels, means = order
    with_low = rules[1] > 0
    bound = least_product(totals[0], rules[2])
    n_levels = np.int64(0)
    for b in range(n_bins):
        if histogram[base + b] != 0:
            two = other[base + b] if bits == TWO_WORDS else np.int64(0)
            rho, mass, _, _ = unpack(histogram[base + b], two, bits, with_low)
            levels[n_levels] = b
            means[n_levels] = rho / max(mass, 1)
            n_levels += 1
    sort_levels(levels, means, n_levels)
    mass = np.float64(totals[0])
    luck = luck_of_levels(n_levels) * squares / (mass * mass)
    handicap = rules[3] * squares
    one, two, cut = np.int64(0), np.int64(0), -1
    for position in range(n_levels - 1):
        level = levels[position]
        one += histogram[base + level]
        if bits == TWO_WORDS:
            two += other[base + level]
        rho, mass, low, rows = unpack(one, two, bits, with_low)
        product = np.float64(mass) * np.float64(totals[0] - mass)
        worth = np.float64(rho) * np.float64(rho) - handicap
        better = worth > (best[0] + luck) * product and product >= bound
        if better and allowed(low, rows, totals, rules):
            best[0] = worth / product - luck
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
