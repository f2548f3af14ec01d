"""Each kernel against NumPy: the same rows, labels, splits, leaves and variances."""

import numpy as np
import pytest
from scipy import stats

from skcausal.estimation.forests import _growing as growing
from skcausal.estimation.forests import _histograms as histograms
from skcausal.estimation.forests import _prediction as prediction
from skcausal.estimation.forests import _pruning as pruning
from skcausal.estimation.forests import _relabelling as relabelling
from skcausal.estimation.forests import _sampling as sampling
from tests.estimation.forests.entries import call

# Unsigned words are meant to wrap around; NumPy says so where numba is switched off.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered in scalar")

KINDS = [
    relabelling.REGRESSION,
    relabelling.CAUSAL,
    relabelling.INSTRUMENTAL,
]
NO_LIMIT = 2**31 - 1


def make_rows(n, kind, seed=0, *, weighted=True):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    w = 0.7 * z + rng.normal(size=n)
    y = rng.normal(size=n) + w
    targets = np.column_stack([y, w, z])
    weight = rng.uniform(0.5, 2, n) if weighted else np.ones(n)
    return targets.astype(np.float32), weight.astype(np.float32)


# ------------------------------------------------------------------------- sampling
@pytest.mark.parametrize("n_grow", [60, 120])
def test_units_of_a_tree(n_grow):
    """Sorted, from the bag, and grown on other rows than estimated on if honest."""
    halves = []
    for tree in (0, 1):
        grow, estimate = sampling.tree_units(400, 200, 120, n_grow, 7, 3, tree)
        assert (np.diff(grow) > 0).all()
        assert (np.diff(estimate) > 0).all()
        assert len(grow) == n_grow
        shared = set(grow.tolist()) & set(estimate.tolist())
        assert len(shared) == (0 if n_grow == 60 else 120)
        halves.append(set(grow.tolist()) | set(estimate.tolist()))
    assert len(halves[0]) == 120
    assert halves[0] != halves[1]
    assert len(halves[0] | halves[1]) <= 200  # one bag
    again = sampling.tree_units(400, 200, 120, n_grow, 7, 3, 1)
    np.testing.assert_array_equal(again[0], grow)


def test_every_unit_is_drawn_equally_often():
    counts = np.zeros(50)
    for tree in range(2000):
        grow, _ = sampling.tree_units(50, 25, 20, 10, 1, tree // 2, tree)
        counts[grow] += 1
    # Two trees of a bag are dependent: the variance is below twice the binomial one.
    variance = 2 * 2000 * 0.2 * 0.8
    assert np.abs(counts - 400).max() < 4 * np.sqrt(variance)
    assert stats.chi2(49).sf(((counts - 400) ** 2).sum() / variance) > 1e-4


def test_rows_of_clusters():
    start = np.array([0, 2, 2, 5], dtype=np.int32)
    members = np.array([4, 1, 0, 3, 2], dtype=np.int32)
    units = np.array([0, 2], dtype=np.int32)
    np.testing.assert_array_equal(
        sampling.rows_of(units, start, members), [4, 1, 0, 3, 2]
    )


# ----------------------------------------------------------------------- relabelling
def labels_by_hand(kind, targets, weight):
    y, w, z = targets.astype(float).T

    def centred(values):
        return values - np.average(values, weights=weight)

    if kind == relabelling.REGRESSION:
        return weight * centred(y), weight, np.zeros(len(y))
    z = w if kind == relabelling.CAUSAL else z
    y, w, z = centred(y), centred(w), centred(z)
    slope = (weight * z * y).sum() / (weight * z * w).sum()
    return weight * z * (y - slope * w), weight * z**2, z < 0


def label(kind, targets, weight):
    n = len(targets)
    labels = growing.scratch(n, 1, np.zeros((n, 8), np.uint8), np.array([True]), True)[
        0
    ]
    solved = call(relabelling.relabel, kind, targets, weight, 0, n, labels)
    assert not solved or labels[3].tolist() == [np.abs(one).max() for one in labels[:2]]
    return solved, *labels[:3]


@pytest.mark.parametrize("kind", KINDS)
def test_labels(kind):
    targets, weight = make_rows(80, kind)
    solved, *labels = label(kind, targets, weight)
    assert solved
    for ours, expected in zip(
        labels, labels_by_hand(kind, targets, weight), strict=True
    ):
        np.testing.assert_allclose(ours, expected, rtol=1e-4, atol=1e-5)
    assert abs(labels[0].astype(float).sum()) < 1e-3


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_without_information_has_no_labels(kind):
    targets, weight = make_rows(20, kind)
    targets[:] = 1
    assert not label(kind, targets, weight)[0]


# ------------------------------------------------------------------------- splitting
def one_split(kind, codes, targets, weight, ordered, rules):
    """Grow a tree of depth one; return the mask of the left child, or None."""
    padded = np.zeros((len(codes), 8), np.uint8)
    padded[:, : codes.shape[1]] = codes
    rows = np.arange(len(codes), dtype=np.int32)
    tree = growing.grow_tree(
        kind,
        padded.view(np.uint64),
        targets,
        weight,
        rows,
        ordered,
        rules,
        1,
        len(ordered),
        0,
        0,
    )
    nodes, *_, n_leaves = tree
    if n_leaves == 1:
        return None
    return prediction.leaves_of(*tree[:3], padded, rows) == (-nodes[nodes[0] >> 33] - 1)


def gain_of(left, rho, mass):
    right = ~left
    return rho[left].sum() ** 2 / mass[left].sum() + rho[right].sum() ** 2 / (
        mass[right].sum()
    )


def is_allowed(left, mass, low, rules):
    sides = [left, ~left]
    if min(side.sum() for side in sides) < rules[0]:
        return False
    if rules[1] > 0:
        counts = [(side & (low == v)).sum() for side in sides for v in (0, 1)]
        if min(counts) < rules[1]:
            return False
    return min(mass[side].sum() for side in sides) >= rules[2] * mass.sum() * 0.999


def all_splits(codes, ordered, rho, mass):
    for j in range(codes.shape[1]):
        column = codes[:, j]
        if not ordered[j]:
            levels = np.unique(column)
            means = [rho[column == k].sum() / mass[column == k].sum() for k in levels]
            ranked = levels[np.argsort(means)]
            for cut in range(1, len(ranked)):
                yield np.isin(column, ranked[:cut])
            continue
        for value in np.unique(column[column > 0]):
            yield column <= value  # missing rows (0) go left
            yield (column <= value) & (column > 0)


def n_of_numbers(codes, ordered):
    """Number of splits of ordered columns, which come first."""
    return sum(2 * len(np.unique(c[c > 0])) for c in codes[:, ordered].T)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [40, 200, 3000])  # 8, 4 bins to a code; two words
@pytest.mark.parametrize("columns", ["ordered", "missing", "mixed"])
def test_best_split(kind, n, columns):
    """The gain is that of the best of all splits, up to the rounding of labels."""
    rng = np.random.default_rng(n)
    # 32 spread codes, so that the halving of codes in small nodes merges none.
    codes = (8 * rng.integers(1, 32, (n, 3))).astype(np.uint8)
    if columns == "missing":
        codes[rng.uniform(size=(n, 3)) < 0.2] = 0
    ordered = np.array([True, True, columns != "mixed"])
    targets, weight = make_rows(n, kind)
    targets[:, 0] += targets[:, 1] * np.where(codes[:, 2] % 16 > 0, 1, -1)
    rules = (5.0, 3.0 if kind in (1, 2) else 0.0, 0.1, 0.0)
    left = one_split(kind, codes, targets, weight, ordered, rules)
    rho, mass, low = labels_by_hand(kind, targets, weight)
    n_levels = len(np.unique(codes[:, 2]))
    luck = 2 / np.pi * (n_levels - 2) * (rho**2).sum() / mass.sum()
    worths = {}
    for number, one in enumerate(all_splits(codes, ordered, rho, mass)):
        if one.any() and not one.all() and is_allowed(one, mass, low, rules):
            of_levels = number >= n_of_numbers(codes, ordered)
            worth = gain_of(one, rho, mass) - of_levels * luck
            key = one.tobytes()
            worths[key] = max(worth, worths.get(key, -np.inf))
    assert is_allowed(left, mass, low, rules)
    mirrored = worths.get((~left).tobytes(), gain_of(left, rho, mass) - luck)
    found = worths.get(left.tobytes(), mirrored)
    assert found > 0.97 * max(worths.values())


def test_missing_rows_are_a_side_of_their_own():
    """Where only being missing matters, that is the split."""
    rng = np.random.default_rng(0)
    codes = rng.integers(1, 255, (300, 1)).astype(np.uint8)
    codes[:90] = 0
    targets, weight = make_rows(300, relabelling.REGRESSION, weighted=False)
    targets[:, 0] = (codes[:, 0] == 0) + 0.1 * rng.normal(size=300)
    ordered = np.array([True])
    left = one_split(0, codes, targets, weight, ordered, (5.0, 0.0, 0.0, 0.0))
    np.testing.assert_array_equal(left == left[0], codes[:, 0] == 0)


def test_penalty_of_imbalance():
    """The larger the penalty, the fewer splits; a large one leaves a stump."""
    rng = np.random.default_rng(0)
    codes = rng.integers(1, 255, (500, 2)).astype(np.uint8)
    targets, weight = make_rows(500, relabelling.CAUSAL)
    sizes = []
    for penalty in (0.0, 5.0, 1e6):
        rules = (5.0, 0.0, 0.0, penalty)
        left = one_split(1, codes, targets, weight, np.array([True, True]), rules)
        sizes.append(0 if left is None else 1)
    assert sizes[0] == 1
    assert sizes[2] == 0


@pytest.mark.parametrize("with_low", [True, False])
def test_no_field_overflows(with_low):
    """With equal labels at their largest, sums come back exactly."""
    for n in (1, 7, 64, 1023, 1024, 8191, 8192, 70_000):
        codes = np.zeros((n, 8), np.uint8)
        labels, packed, _ = growing.scratch(n, 1, codes, np.array([True]), with_low)
        first, second = packed
        for sign in (1, -1):
            labels[0][:], labels[1][:], labels[2][:], labels[3][:] = sign, 1, 1, 1
            bits = call(histograms.pack, labels, 0, n, with_low, first, second)
            wide = int(second.sum()) if bits == 24 else 0
            rho, mass, low_rows, rows = call(
                histograms.unpack, int(first.sum()), wide, bits, with_low
            )
            unit = call(
                histograms.unpack,
                int(first[0]),
                int(second[0]) if bits == 24 else 0,
                bits,
                with_low,
            )
            assert (rho, mass, low_rows, rows) == (
                n * unit[0],
                n * unit[1],
                n if with_low or bits == 24 else 0,
                n,
            )
            assert np.sign(rho) == sign


def test_codes_are_halved_but_not_those_of_categories():
    codes = np.random.default_rng(0).integers(0, 256, (50, 16)).astype(np.uint8)
    expected = codes.copy()
    expected[10:40] = np.ceil(expected[10:40] / 2)
    expected[:, 5] = codes[:, 5]
    ordered = np.full(16, 255, np.uint8)
    ordered[5] = 0
    call(histograms.halve, codes.view(np.uint64), ordered.view(np.uint64), 10, 40)
    np.testing.assert_array_equal(codes, expected)


# ---------------------------------------------------------------- growing, prediction
def grown(kind, n=400, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.zeros((n, 8), np.uint8)
    codes[:, :4] = rng.integers(0, 256, (n, 4))
    codes[:, 3] %= 12
    ordered = np.array([True, True, True, False])
    targets, weight = make_rows(n, kind, seed)
    rows = np.arange(0, n, 2, dtype=np.int32)
    rules = (4.0, 0.0, 0.02, 0.0)
    tree = growing.grow_tree(
        kind,
        codes.view(np.uint64),
        targets,
        weight,
        rows,
        ordered,
        rules,
        NO_LIMIT,
        3,
        1,
        seed,
    )
    return tree, codes, targets, weight, rows


def leaf_by_hand(nodes, subset_of, subsets, codes):
    number = 0
    while nodes[number] >= 0:
        node = int(nodes[number])
        feature, right, last = (node >> 9) & 0xFFFFFF, (node >> 8) & 1, node & 255
        code = int(codes[feature])
        if subset_of[number] >= 0:
            word = int(subsets[subset_of[number]][code // 64])
            left = bool((word >> (code % 64)) & 1)
        elif code == 0:
            left = not right
        else:
            left = code <= last
        number = (node >> 33) + (0 if left else 1)
    return -int(nodes[number]) - 1


@pytest.mark.parametrize("kind", KINDS)
def test_leaves_hold_weighted_means(kind):
    tree, codes, targets, weight, rows = grown(kind)
    nodes, subset_of, subsets, n_leaves = tree
    assert n_leaves > 10
    leaf = np.array([leaf_by_hand(nodes, subset_of, subsets, c) for c in codes])
    counts = np.bincount(leaf[rows], minlength=n_leaves)
    assert counts.min() >= 4  # rows that grew the tree
    others = np.setdiff1d(np.arange(400), rows).astype(np.int32)
    n_columns = prediction.n_statistics(kind, 3)
    statistics = prediction.fill_leaves(
        kind,
        nodes,
        subset_of,
        subsets,
        n_leaves,
        codes,
        targets,
        weight,
        others,
        n_columns,
    )
    y, w, z = targets.T
    columns = {
        relabelling.REGRESSION: [y],
        relabelling.CAUSAL: [y, w, w * y, w * w],
        relabelling.INSTRUMENTAL: [y, w, z, z * y, z * w],
    }[kind]
    for number in range(n_leaves):
        inside = others[leaf[others] == number]
        total = weight[inside].sum()
        np.testing.assert_allclose(statistics[number, -1], total, rtol=1e-5)
        if len(inside):
            expected = [np.average(c[inside], weights=weight[inside]) for c in columns]
            np.testing.assert_allclose(
                statistics[number, :-1], expected, rtol=1e-4, atol=1e-5
            )


def pruned_by_hand(nodes, counts, number, least):
    """Return (rows, node that stands for this one), children inside it likewise."""
    node = int(nodes[number])
    if node < 0:
        return int(counts[-node - 1]), ("leaf", number)
    sides = [pruned_by_hand(nodes, counts, (node >> 33) + k, least) for k in (0, 1)]
    total = sides[0][0] + sides[1][0]
    if min(side[0] for side in sides) >= least:
        return total, ("split", number, sides[0][1], sides[1][1])
    return total, max(sides, key=lambda side: side[0])[1]


def ends_in(tree, nodes, subset_of, subsets, codes):
    while tree[0] == "split":
        left = call(
            growing.goes_left,
            nodes[tree[1]],
            codes[None],
            0,
            subset_of,
            subsets,
            tree[1],
        )
        tree = tree[2] if left else tree[3]
    return tree[1]


@pytest.mark.parametrize("least", [4, 12, 1000])
def test_pruned_trees_hold_enough_estimation_rows(least):
    (nodes, subset_of, subsets, n_leaves), codes, _, weight, rows = grown(1)
    weight = weight.copy()
    weight[:40] = 0
    others = np.setdiff1d(np.arange(400), rows).astype(np.int32)
    new, sets, n_new = pruning.pruned(
        nodes, subset_of, subsets, n_leaves, codes, weight, others, least
    )
    leaf = np.array([leaf_by_hand(new, sets, subsets, c) for c in codes])
    counted = others[weight[others] > 0]
    if n_new > 1:
        assert np.bincount(leaf[counted], minlength=n_new).min() >= least
    else:
        assert least == 1000
    old = np.array([leaf_by_hand(nodes, subset_of, subsets, c) for c in codes])
    counts = np.bincount(old[counted], minlength=n_leaves)
    _, tree = pruned_by_hand(nodes, counts, 0, least)
    by_hand = np.array([ends_in(tree, nodes, subset_of, subsets, c) for c in codes])
    pairs = np.unique(np.column_stack([leaf, by_hand]), axis=0)
    assert len(pairs) == len(np.unique(leaf)) == len(np.unique(by_hand))


def estimate_by_hand(kind, mean):
    if kind == relabelling.REGRESSION:
        return mean[0]
    if kind == relabelling.CAUSAL:
        y, w, wy, ww = mean
        return (wy - w * y) / (ww - w * w)
    y, w, z, zy, zw = mean
    return (zy - z * y) / (zw - z * w)


@pytest.mark.parametrize("kind", KINDS)
def test_estimates_and_their_influence(kind):
    """The influence of statistics is the derivative of the estimate."""
    targets, _ = make_rows(200, kind)
    y, w, z = targets.astype(float).T
    columns = {1: [y, w, w * y, w * w], 2: [y, w, z, z * y, z * w]}.get(kind, [y, w])
    mean = np.array([c.mean() for c in columns[: prediction.n_statistics(kind, 3)]])
    influence = np.empty(len(mean))
    assert call(prediction.solve, kind, mean, influence) == pytest.approx(
        estimate_by_hand(kind, mean)
    )
    for column in range(len(mean)):
        step = np.zeros(len(mean))
        step[column] = 1e-6
        ends = [estimate_by_hand(kind, mean + s) for s in (step, -step)]
        slope = (ends[0] - ends[1]) / 2e-6
        assert influence[column] == pytest.approx(slope, rel=1e-4, abs=1e-8)


def test_variance_of_little_bags():
    rng = np.random.default_rng(0)
    statistics = rng.normal(size=(60, 2)).astype(np.float32)
    statistics[:, 1] = 1
    leaves = np.arange(60, dtype=np.int32).reshape(60, 1)
    leaves[7] = -1  # its bag of three is left out
    mean, influence = statistics[:, :1].mean(axis=0).astype(float), np.ones(1)
    ours = call(
        prediction.row_variance, statistics, leaves, 0, 3, mean, influence, np.empty(60)
    )
    bags = np.delete((statistics[:, 0] - mean).reshape(20, 3), 2, axis=0)
    between = (bags.mean(axis=1) ** 2).mean()
    within = ((bags**2).mean() - between) / 2
    error = max(between, within) * np.sqrt(2 / 19)
    ratio = (between - within) / error
    correction = error * stats.norm.pdf(ratio) / stats.norm.cdf(ratio)
    assert ours == pytest.approx(between - within + correction, rel=1e-5)


@pytest.mark.parametrize("ratio", [-3.0, 0.0, 2.0])
def test_debiased_variance_is_a_posterior_mean(ratio):
    """The mean of a normal around between - within, given that it is positive."""
    between = 1.0
    error = np.sqrt(2 / 50)
    within = between - ratio * error if ratio > 0 else between
    if ratio <= 0:
        within = between / (1 + ratio * error)
        error = max(between, within) * np.sqrt(2 / 50)
    ours = call(prediction.debiased_variance, between, within, 50)
    low = -(between - within) / error
    expected = stats.truncnorm(low, np.inf, loc=between - within, scale=error).mean()
    assert ours == pytest.approx(expected, rel=1e-6)
    assert ours > 0


def test_no_variance_is_zero_however_many_bags():
    """Far below zero the posterior mean tends to error^2 / |estimate|."""
    for n_bags in (500, 2000, 2700, 5000, 100_000):
        ours = call(prediction.debiased_variance, 0.0, 1.0, n_bags)
        assert ours == pytest.approx(2 / n_bags, rel=0.01)
