"""The rows of a node summed by feature and bin, in packed words (numba kernels).

A histogram adds one or two 64-bit words per row and feature. With L bits for counts, a
word holds, from the top: the sum of ``rho`` (signed), the sum of ``mass`` (L + 8 bits),
the number of rows of low treatment if a rule asks for it, the number of rows. Nodes of
too many rows for that take two words: (rho, rows) and (mass, low rows), with 24 bits
for each count. ``rho`` and ``mass`` are rounded to the bits that cannot overflow;
integer sums do not depend on their order.
"""

import numpy as np

from skcausal.estimation.forests._sampling import bare, inlined

MAX_NODE = 2**24 - 1
TWO_WORDS = 24  # bits of a count where a row takes two words
_MASK_24 = (1 << 24) - 1
_MASS_BITS = 8
_ONE_WORD = 8191, 1023  # most rows without and with low ones; rho keeps 14 bits


@inlined
def one_word(n_rows, with_low):
    """Tell whether one word is enough for a node."""
    return n_rows <= (_ONE_WORD[1] if with_low else _ONE_WORD[0])


@bare
def shifts(bits, with_low):
    """Return where mass and rho begin in a word."""
    if bits == TWO_WORDS:
        return TWO_WORDS, TWO_WORDS
    to_mass = 2 * bits if with_low else bits
    return to_mass, to_mass + bits + _MASS_BITS


@bare
def bits_of(count):
    """Return the number of bits that hold ``count``."""
    bits = 0
    while count:
        count >>= 1
        bits += 1
    return bits


@bare
def mass_mask(bits):
    """Return the mask of the sum of mass, once it is shifted to the right end."""
    return (np.int64(1) << (40 if bits == TWO_WORDS else bits + _MASS_BITS)) - 1


@bare
def pack(labels, start, stop, with_low, first, second):
    """Write the histogram words of a node; return the bits of a count.

    ``TWO_WORDS`` stands for two words.
    """
    rho, mass, low, tops = labels
    n = stop - start
    top_rho = max(np.float64(tops[0]), 1e-30)
    top_mass = max(np.float64(tops[1]), 1e-30)
    if one_word(n, with_low):
        bits = bits_of(n)
        to_mass, to_rho = shifts(bits, with_low)
        room = min(62 - to_rho - bits, 20)
        offset = np.int64(1) << room  # of a positive number the whole part is the floor
        scale = (offset - 1) / top_rho
        mass_scale = ((1 << _MASS_BITS) - 1) / top_mass
        for i in range(start, stop):
            signed = np.int64(rho[i] * scale + (offset + 0.5)) - offset
            whole = np.int64(mass[i] * mass_scale + 0.5)
            first[i] = (signed << to_rho) + (whole << to_mass) + 1
        if with_low:
            for i in range(start, stop):
                first[i] += np.int64(low[i]) << bits
        return bits
    room = 38 - bits_of(n)
    scale = ((1 << room) - 1) / top_rho
    mass_scale = ((1 << room) - 1) / top_mass
    for i in range(start, stop):
        first[i] = (np.int64(np.rint(rho[i] * scale)) << TWO_WORDS) + 1
        second[i] = (np.int64(mass[i] * mass_scale + 0.5) << TWO_WORDS) + low[i]
    return TWO_WORDS


@bare
def fill_one(codes, words, start, stop, features, n_bins, histogram):
    """Add the words of the rows to the bins of some features, one after the other."""
    histogram[: features.shape[0] * n_bins] = 0
    stride = np.uintp(n_bins)
    for i in range(start, stop):
        word = words[i]
        base = np.uintp(0)
        for j in range(features.shape[0]):
            code = np.uintp(codes[i, np.uintp(features[j])])
            histogram[base + code] += word
            base += stride


@bare
def fill_all(codes, words, start, stop, n_features, n_bins, histogram):
    """Do as ``fill_one`` for all features in their order, eight codes at a time."""
    histogram[: n_features * n_bins] = 0
    stride = np.uintp(n_bins)
    whole = n_features >> 3
    rest = n_features & 7
    for i in range(start, stop):
        word = words[i]
        base = np.uintp(0)
        for k in range(whole):
            eight = codes[i, k]
            for j in range(8):
                code = (eight >> np.uint64(8 * j)) & np.uint64(255)
                histogram[base + np.uintp(code)] += word
                base += stride
        if rest:
            eight = codes[i, whole]
            for _ in range(rest):
                histogram[base + np.uintp(eight & np.uint64(255))] += word
                eight >>= np.uint64(8)
                base += stride


@bare
def fill_two(codes, first, second, start, stop, features, n_bins, histogram, other):
    """Do as ``fill_one`` with two words per row."""
    histogram[: features.shape[0] * n_bins] = 0
    other[: features.shape[0] * n_bins] = 0
    stride = np.uintp(n_bins)
    for i in range(start, stop):
        one, two = first[i], second[i]
        base = np.uintp(0)
        for j in range(features.shape[0]):
            place = base + np.uintp(codes[i, np.uintp(features[j])])
            histogram[place] += one
            other[place] += two
            base += stride


@bare
def unpack(one, two, bits, with_low):
    """Return (rho, mass, low rows, rows) of one bin or of a sum of bins."""
    if bits == TWO_WORDS:
        return one >> TWO_WORDS, two >> TWO_WORDS, two & _MASK_24, one & _MASK_24
    to_mass, to_rho = shifts(bits, with_low)
    mask = (np.int64(1) << bits) - 1
    mass = (one >> to_mass) & mass_mask(bits)
    low = (one >> bits) & mask if with_low else np.int64(0)
    return one >> to_rho, mass, low, one & mask


@bare
def node_sums(first, second, start, stop, bits, with_low, with_squares):
    """Return (mass, low rows, rows) of a node, and the sum of rho^2 if asked for."""
    one, two, squares = np.int64(0), np.int64(0), 0.0
    for i in range(start, stop):
        one += first[i]
    if bits == TWO_WORDS:
        for i in range(start, stop):
            two += second[i]
    if with_squares:
        to_rho = shifts(bits, with_low)[1]
        for i in range(start, stop):
            rho = np.float64(first[i] >> to_rho)
            squares += rho * rho
    _, mass, low, rows = unpack(one, two, bits, with_low)
    return (mass, low, rows), squares


@bare
def accumulate(histogram, n_features, n_bins):
    """Turn bins into sums of all bins up to each, feature by feature."""
    for j in range(n_features):
        total = np.int64(0)
        for i in range(j * n_bins, (j + 1) * n_bins):
            total += histogram[i]
            histogram[i] = total


@bare
def move_missing(histogram, n_features, n_bins):
    """Take the missing rows out of accumulated bins; tell whether there were any."""
    some = np.int64(0)
    for j in range(n_features):
        some |= histogram[j * n_bins]
    if some == 0:
        return False
    for j in range(n_features):
        missing = histogram[j * n_bins]
        for i in range(j * n_bins, (j + 1) * n_bins):
            histogram[i] -= missing
    return True


@bare
def halve(words, ordered_bytes, start, stop):
    """Halve the codes of ordered features, eight to a word: c becomes ceil(c / 2).

    ``ordered_bytes`` is 255 in the bytes of ordered features. Code 0 (missing) stays 0.
    """
    for i in range(start, stop):
        for k in range(words.shape[1]):
            word = words[i, k]
            half = (word >> np.uint64(1)) & np.uint64(0x7F7F7F7F7F7F7F7F)
            half += word & np.uint64(0x0101010101010101)
            kept = ~ordered_bytes[k]
            words[i, k] = (half & ordered_bytes[k]) | (word & kept)
