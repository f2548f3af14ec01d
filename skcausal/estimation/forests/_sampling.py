"""Which rows a tree sees: little bags, honest halves, clusters (numba kernels).

Every draw depends on the seed, the bag and the tree only, so that the trees of a forest
can be grown in any order, on any machine, and their rows found again for out-of-bag
predictions.
"""

import numba
import numba.extending
import numpy as np

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_U30, _U27, _U31, _U32 = (np.uint64(shift) for shift in (30, 27, 31, 32))

_BAGS, _TREES = np.uint64(1), np.uint64(2)  # streams of random numbers

# Compiling is most of the first call. What Python calls is a kernel, and what only
# kernels call is bare of an entry from Python; both work in arrays that they are given,
# because each allocation compiles code of its own. Rarely used ones may allocate.
_OPTIONS = {"cache": True, "nogil": True, "error_model": "numpy"}
allocating = numba.njit(**_OPTIONS, no_cfunc_wrapper=True)
kernel = numba.njit(**_OPTIONS, no_cfunc_wrapper=True, _nrt=False)
inlined = numba.extending.register_jitable
bare = numba.njit(
    **_OPTIONS, no_cfunc_wrapper=True, no_cpython_wrapper=True, _nrt=False
)


@bare
def mixed(word):
    """Return 64 random bits for a counter (SplitMix64; Steele, Lea & Flood 2014)."""
    word = (word ^ (word >> _U30)) * _MIX_1
    word = (word ^ (word >> _U27)) * _MIX_2
    return word ^ (word >> _U31)


@bare
def next_word(state):
    """Advance the generator; return 64 bits."""
    state[0] += _STEP
    return mixed(state[0])


@bare
def start_stream(state, seed, stream, position):
    """Set the generator to a position within one stream of random numbers."""
    state[0] = np.uint64(seed)
    state[0] = next_word(state) + stream
    state[0] = next_word(state) + np.uint64(position)
    next_word(state)


@bare
def choose(n, k, state, out):
    """Write ``k`` of the numbers 0..n-1, sorted, each set equally likely, to ``out``.

    Selection sampling: one pass, no permutation (Knuth, volume 2, algorithm S), and no
    branch that could be guessed wrong: ``out`` has room for one number more.
    """
    counter, left = state[0], k
    for i in range(n):
        counter += _STEP
        draw = np.int64(((mixed(counter) >> _U32) * np.uint64(n - i)) >> _U32)
        out[k - left] = i
        left -= 1 if draw < left else 0
    state[0] = counter


def tree_units(n_units, n_bag, n_sample, n_grow, seed, bag, tree):
    """Return the sorted units that grow a tree and those that estimate in its leaves.

    The bag is a half of all units, shared by the trees of the bag; the tree draws its
    sample from the bag and splits it once more. Without honesty (``n_grow`` equal to
    ``n_sample``) the same units do both.
    """
    in_bag, sample, chosen = (
        np.empty(n + 1, np.int32) for n in (n_bag, n_sample, n_grow)
    )
    grow = np.empty(n_grow, np.int32)
    estimate = np.empty(n_sample - n_grow if n_grow < n_sample else n_sample, np.int32)
    state = np.empty(1, np.uint64)
    draw_units(n_units, seed, bag, tree, state, in_bag, sample, chosen, grow, estimate)
    return grow, estimate


@kernel
def draw_units(n_units, seed, bag, tree, state, in_bag, sample, chosen, grow, estimate):
    """Write what ``tree_units`` returns; other arrays are room to work in."""
    n_bag, n_sample, n_grow = in_bag.size - 1, sample.size - 1, grow.size
    start_stream(state, seed, _BAGS, bag)
    choose(n_units, n_bag, state, in_bag)
    start_stream(state, seed, _TREES, tree)
    choose(n_bag, n_sample, state, sample)
    choose(n_sample, n_grow, state, chosen)
    position, others = 0, 0
    for i in range(n_sample):
        unit = in_bag[sample[i]]
        if position < n_grow and chosen[position] == i:
            grow[position] = unit
            position += 1
            if n_grow < n_sample:
                continue
        estimate[others] = unit
        others += 1


def rows_of(units, starts, members):
    """Return the rows of some units; without clusters each row is its own unit.

    ``members[starts[u]:starts[u + 1]]`` are the rows of unit ``u``; ``starts`` is empty
    if units are rows.
    """
    if len(starts) == 0:
        return units
    sizes = starts[units + 1] - starts[units]
    shift = starts[units] - (np.cumsum(sizes) - sizes)
    return members[np.repeat(shift, sizes) + np.arange(sizes.sum())]
