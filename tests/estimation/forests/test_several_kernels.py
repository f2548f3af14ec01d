"""Kernels of several contrasts against NumPy: labels, splits, slopes, variances."""

import numpy as np
import pytest

from skcausal.estimation.forests import _growing as growing
from skcausal.estimation.forests import _prediction as prediction
from skcausal.estimation.forests import _relabelling as relabelling
from skcausal.estimation.forests import _several_labels as labels
from skcausal.estimation.forests import _several_prediction as several_prediction
from skcausal.estimation.forests import _several_splitting as splitting
from tests.estimation.forests.entries import call

# Unsigned words are meant to wrap around; NumPy says so where numba is switched off.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered in scalar")

SHARES = {1: (0.6, 0.4), 2: (0.5, 0.3, 0.2), 3: (0.4, 0.3, 0.2, 0.1)}


def make_rows(n, n_contrasts, seed=0):
    """Centred indicators of unequal arms whose propensities vary a little."""
    rng = np.random.default_rng(seed)
    chances = np.exp(0.2 * rng.normal(size=(n, n_contrasts + 1)))
    chances *= SHARES[n_contrasts]
    chances /= chances.sum(axis=1, keepdims=True)
    arm = (rng.uniform(size=(n, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    w = (np.eye(n_contrasts + 1)[arm] - chances)[:, 1:]
    y = rng.normal(size=n) + w @ np.arange(1, n_contrasts + 1)
    weight = rng.uniform(0.5, 2, n)
    targets = np.column_stack([y, w])
    return targets.astype(np.float32), weight.astype(np.float32), arm


def centred_parts(targets, weight):
    values = targets.astype(float)
    values = values - np.average(values, axis=0, weights=weight)
    return values[:, 0], values[:, 1:]


def labels_by_hand(targets, weight):
    y, w = centred_parts(targets, weight)
    root = np.sqrt(weight.astype(float))[:, None]
    slope = np.linalg.lstsq(root * w, root[:, 0] * y, rcond=None)[0]
    square = (root * w).T @ (root * w)
    whitened = np.linalg.solve(np.linalg.cholesky(square), w.T)
    own = np.empty_like(w)
    for k in range(w.shape[1]):
        others = np.delete(w, k, axis=1)
        part = np.linalg.lstsq(root * others, root[:, 0] * w[:, k], rcond=None)[0]
        own[:, k] = w[:, k] - others @ part
    return whitened * weight * (y - w @ slope), (weight[:, None] * own**2).T


def label(targets, weight):
    n, n_contrasts = len(targets), targets.shape[1] - 1
    rho, mass = np.empty((2, n_contrasts, n), np.float32)
    tops = np.empty((n_contrasts, 2), np.float32)
    arrays = labels.label_scratch(n_contrasts)
    room = rho, mass, np.empty(n, np.uint8), tops
    varies = call(labels.label_several, targets, weight, 0, n, room, arrays)
    if varies:
        np.testing.assert_array_equal(tops[:, 0], np.abs(rho).max(axis=1))
        np.testing.assert_array_equal(tops[:, 1], mass.max(axis=1))
    return varies, rho, mass


# --------------------------------------------------------------------------- labels
@pytest.mark.parametrize("n_contrasts", [1, 2, 3])
def test_labels(n_contrasts):
    targets, weight, _ = make_rows(90, n_contrasts)
    varies, rho, mass = label(targets, weight)
    assert varies
    expected_rho, expected_mass = labels_by_hand(targets, weight)
    np.testing.assert_allclose(rho, expected_rho, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(mass, expected_mass, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(rho.sum(axis=1, dtype=float), 0, atol=1e-5)


def test_labels_of_one_contrast_are_those_of_a_slope():
    targets, weight, _ = make_rows(90, 1)
    _, rho, mass = label(targets, weight)
    one, information = np.empty(90, np.float32), np.empty(90, np.float32)
    low = np.empty(90, np.uint8)
    room = one, information, low, np.empty(2, np.float32)
    call(relabelling.relabel, relabelling.CAUSAL, targets, weight, 0, 90, room)
    np.testing.assert_allclose(mass[0], information, rtol=1e-5)
    size = np.sqrt(information.sum(dtype=float))
    np.testing.assert_allclose(rho[0] * size, one, rtol=1e-4, atol=1e-6)


def test_the_gain_does_not_depend_on_the_order_of_arms():
    targets, weight, _ = make_rows(90, 3)
    _, rho, mass = label(targets, weight)
    _, other, other_mass = label(targets[:, [0, 3, 1, 2]], weight)
    left = slice(0, 40)
    lengths = [np.sum(r[:, left].sum(axis=1, dtype=float) ** 2) for r in (rho, other)]
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-4)
    np.testing.assert_allclose(other_mass, mass[[2, 0, 1]], rtol=1e-4, atol=1e-7)


def test_an_arm_that_a_node_lacks_has_no_labels():
    """With a constant propensity nothing is known of it; others lose nothing."""
    targets, weight, arm = make_rows(120, 2)
    present = arm < 2
    targets[:, 2] = -0.2
    varies, rho, mass = label(targets[present], weight[present])
    _, one_rho, one_mass = label(targets[present, :2], weight[present])
    assert varies
    np.testing.assert_allclose(mass[1], 0, atol=1e-10)
    np.testing.assert_allclose(rho[1], 0, atol=1e-6)
    np.testing.assert_allclose(mass[0], one_mass[0], rtol=1e-4)
    np.testing.assert_allclose(rho[0], one_rho[0], rtol=1e-4, atol=1e-6)
    targets[:, 1] = 0.3
    assert not label(targets[present], weight[present])[0]


# ------------------------------------------------------------------------- splitting
def grown(codes, targets, weight, ordered, rules, *, max_depth=1, rows=None):
    padded = np.zeros((len(codes), 8), np.uint8)
    padded[:, : codes.shape[1]] = codes
    rows = np.arange(len(codes), dtype=np.int32) if rows is None else rows
    n_chosen = len(ordered)
    arrays = splitting.several_scratch(
        len(rows), targets.shape[1] - 1, n_chosen, rules[1] > 0
    )
    words = padded.view(np.uint64)
    tree = growing.grow_tree(
        None,
        words,
        targets,
        weight,
        rows,
        ordered,
        rules,
        max_depth,
        n_chosen,
        0,
        0,
        arrays,
    )
    return tree, padded


def left_of(tree, padded):
    nodes, *_, n_leaves = tree
    if n_leaves == 1:
        return None
    rows = np.arange(len(padded), dtype=np.int32)
    return prediction.leaves_of(*tree[:3], padded, rows) == (-nodes[nodes[0] >> 33] - 1)


def gain_of(left, rho, mass):
    gain = 0.0
    for side in (left, ~left):
        share = (mass[:, side].sum(axis=1) / mass.sum(axis=1)).mean()
        gain += (rho[:, side].sum(axis=1) ** 2).sum() / share
    return gain


def is_allowed(left, mass, arm, rules):
    for side in (left, ~left):
        if side.sum() < rules[0]:
            return False
        if np.bincount(arm[side], minlength=len(mass) + 1).min() < rules[1]:
            return False
        shares = mass[:, side].sum(axis=1) / mass.sum(axis=1)
        if shares.mean() < 0.999 * rules[2]:
            return False
    return True


def ranked_levels(column, rho, mass):
    """Levels in the order of the direction in which their effects differ most."""
    levels = np.unique(column)
    shares = np.array(
        [(mass[:, column == k].sum(1) / mass.sum(1)).mean() for k in levels]
    )
    sums = np.array([rho[:, column == k].sum(axis=1) for k in levels])
    points = sums / shares[:, None]
    direction = np.linalg.eigh((points * shares[:, None]).T @ points)[1][:, -1]
    return levels[np.argsort(points @ direction)]


def all_splits(codes, ordered, rho, mass):
    for j in range(codes.shape[1]):
        column = codes[:, j]
        if not ordered[j]:
            levels = ranked_levels(column, rho, mass)
            for cut in range(1, len(levels)):
                yield np.isin(column, levels[:cut])
            continue
        for value in np.unique(column[column > 0]):
            yield column <= value  # missing rows (0) go left
            yield (column <= value) & (column > 0)


@pytest.mark.parametrize("n_contrasts", [1, 2, 3])
@pytest.mark.parametrize("n", [60, 300, 3000])  # 8, 4 bins to a code; two words
@pytest.mark.parametrize("columns", ["ordered", "missing", "mixed"])
def test_best_split(n_contrasts, n, columns):
    """The gain is that of the best of all splits, up to the rounding of labels."""
    rng = np.random.default_rng(n)
    # 32 spread codes, so that the halving of codes in small nodes merges none.
    codes = (8 * rng.integers(1, 32, (n, 3))).astype(np.uint8)
    if columns == "missing":
        codes[rng.uniform(size=(n, 3)) < 0.2] = 0
    ordered = np.array([True, True, columns != "mixed"])
    targets, weight, arm = make_rows(n, n_contrasts)
    targets[:, 0] += targets[:, -1] * np.where(codes[:, 2] % 16 > 0, 1, -1)
    targets[:, 0] -= targets[:, 1] * (codes[:, 1] > 100)
    rules = (5.0, 2.0, 0.1, 0.0)
    left = left_of(*grown(codes, targets, weight, ordered, rules))
    rho, mass = labels_by_hand(targets, weight)
    n_levels = len(np.unique(codes[:, 2]))
    luck = 2 / np.pi * (n_levels - 2) * (rho**2).sum() / n_contrasts
    n_of_numbers = sum(2 * len(np.unique(c[c > 0])) for c in codes[:, ordered].T)
    worths = {}
    for number, one in enumerate(all_splits(codes, ordered, rho, mass)):
        if one.any() and not one.all() and is_allowed(one, mass, arm, rules):
            worth = gain_of(one, rho, mass) - luck * (number >= n_of_numbers)
            worths[one.tobytes()] = max(worth, worths.get(one.tobytes(), -np.inf))
    assert is_allowed(left, mass, arm, rules)
    mirrored = worths.get((~left).tobytes(), gain_of(left, rho, mass) - luck)
    found = worths.get(left.tobytes(), mirrored)
    assert found > 0.97 * max(worths.values())


@pytest.mark.parametrize(("penalty", "n_leaves"), [(0.0, 2), (1e6, 1)])
def test_penalty_of_imbalance(penalty, n_leaves):
    rng = np.random.default_rng(0)
    codes = rng.integers(1, 255, (500, 2)).astype(np.uint8)
    targets, weight, _ = make_rows(500, 2)
    rules = (5.0, 0.0, 0.0, penalty)
    tree, _ = grown(codes, targets, weight, np.array([True, True]), rules)
    assert tree[3] == n_leaves


def test_a_node_that_cannot_be_split_is_a_leaf():
    """Without variation of any arm, or with too few rows of one."""
    codes = np.arange(1, 201, dtype=np.uint8)[:, None]
    targets, weight, _ = make_rows(200, 2)
    ordered = np.array([True])
    many = grown(codes, targets, weight, ordered, (5.0, 60.0, 0.0, 0.0))[0]
    assert many[3] == 1
    targets[:, 1:] = -0.3
    assert grown(codes, targets, weight, ordered, (5.0, 0.0, 0.0, 0.0))[0][3] == 1


@pytest.mark.parametrize("n", [1, 2, 4])
def test_principal_direction(n):
    rng = np.random.default_rng(n)
    points = rng.normal(size=(12, n)) * (3.0 ** np.arange(n))
    shares = rng.uniform(0.5, 1, 12)
    direction, image = np.empty((2, n))
    call(
        splitting.principal_direction,
        points,
        shares,
        12,
        np.empty((n, n)),
        direction,
        image,
    )
    expected = np.linalg.eigh((points * shares[:, None]).T @ points)[1][:, -1]
    assert abs(direction @ expected) == pytest.approx(1, abs=1e-6)


# ------------------------------------------------------------------------ prediction
def statistics_of(targets):
    """Return the columns of leaf statistics in their order."""
    y, w = targets[:, 0], targets[:, 1:]
    n = w.shape[1]
    pairs = [w[:, k] * w[:, j] for k in range(n) for j in range(k + 1)]
    return np.column_stack([y, w, w * y[:, None], *pairs])


@pytest.mark.parametrize("n_contrasts", [1, 2, 3])
def test_leaves_hold_weighted_means(n_contrasts):
    rng = np.random.default_rng(0)
    codes = rng.integers(1, 255, (400, 3)).astype(np.uint8)
    targets, weight, _ = make_rows(400, n_contrasts)
    rules, ordered = (10.0, 0.0, 0.02, 0.0), np.ones(3, dtype=bool)
    rows = np.arange(0, 400, 2, dtype=np.int32)
    tree, padded = grown(
        codes, targets, weight, ordered, rules, max_depth=50, rows=rows
    )
    nodes, subset_of, subsets, n_leaves = tree
    assert n_leaves > 5
    others = rows + 1
    n_columns = prediction.n_statistics(relabelling.MULTI_ARM, n_contrasts + 1)
    ours = prediction.fill_leaves(
        relabelling.MULTI_ARM,
        nodes,
        subset_of,
        subsets,
        n_leaves,
        padded,
        targets,
        weight,
        others,
        n_columns,
    )
    columns = statistics_of(targets.astype(float))
    assert columns.shape[1] == n_columns
    leaf = prediction.leaves_of(*tree[:3], padded, others)
    for number in np.unique(leaf):
        inside = others[leaf == number]
        expected = np.average(columns[inside], axis=0, weights=weight[inside])
        np.testing.assert_allclose(ours[number, :-1], expected, rtol=1e-4, atol=1e-5)
        assert ours[number, -1] == pytest.approx(weight[inside].sum(), rel=1e-5)


def solved(mean, n):
    effects, influence = np.empty(n), np.empty((n, len(mean)))
    square = (n, n)
    algebra = np.empty(square), np.empty(n), np.empty(square), np.empty(square)
    call(several_prediction.solve_several, mean, effects, influence, algebra)
    return effects, influence


def slopes_by_hand(mean, n):
    w, wy = mean[1 : n + 1], mean[n + 1 : 2 * n + 1]
    square = np.empty((n, n))
    square[np.tril_indices(n)] = mean[2 * n + 1 :]
    square = np.tril(square) + np.tril(square, -1).T
    return np.linalg.solve(square - np.outer(w, w), wy - w * mean[0])


@pytest.mark.parametrize("n_contrasts", [1, 2, 3])
def test_slopes_and_their_influence(n_contrasts):
    """The influence of statistics is the derivative of the slopes."""
    targets, weight, _ = make_rows(200, n_contrasts)
    columns = statistics_of(targets.astype(float))
    mean = np.average(columns, axis=0, weights=weight)
    effects, influence = solved(mean, n_contrasts)
    y, w = centred_parts(targets, weight)
    root = np.sqrt(weight.astype(float))
    slopes = np.linalg.lstsq(root[:, None] * w, root * y, rcond=None)[0]
    np.testing.assert_allclose(effects, slopes, rtol=1e-6)
    for column in range(len(mean)):
        step = np.zeros(len(mean))
        step[column] = 1e-6
        ends = [slopes_by_hand(mean + s, n_contrasts) for s in (step, -step)]
        derivative = (ends[0] - ends[1]) / 2e-6
        np.testing.assert_allclose(
            influence[:, column], derivative, rtol=1e-4, atol=1e-7
        )


@pytest.mark.parametrize("missing", [0, 1, 2])
@pytest.mark.parametrize("wobble", [0.0, 1e-3])  # of a small propensity
def test_effects_of_a_missing_arm_are_not_known(missing, wobble):
    """Without controls nothing is known; without an arm only its own effect is not."""
    rng = np.random.default_rng(0)
    arm = rng.choice(np.delete(np.arange(3), missing), 300)
    e = np.full((300, 3), 0.495)
    e[:, missing] = 0.01 + wobble * rng.normal(size=300)
    w = (np.eye(3)[arm] - e)[:, 1:]
    targets = np.column_stack([rng.normal(size=300), w])
    mean = statistics_of(targets).mean(axis=0)
    effects, _ = solved(mean.astype(np.float32).astype(float), 2)
    expected = [missing in (0, 1), missing in (0, 2)]
    np.testing.assert_array_equal(np.isnan(effects), expected)
    if missing:
        other = 3 - missing
        slope = np.polyfit(w[:, other - 1], targets[:, 0], 1)[0]
        assert effects[other - 1] == pytest.approx(slope, abs=0.02)


def test_estimates_and_variances_of_a_forest():
    """Two trees to a bag, each a single leaf, so that all can be done by hand."""
    n, n_trees = 2, 40
    rng = np.random.default_rng(0)
    leaves = []
    for _ in range(n_trees):
        targets, _, _ = make_rows(300, n, rng.integers(1 << 30))
        leaves.append([*statistics_of(targets.astype(float)).mean(axis=0), 300.0])
    statistics = np.array(leaves, dtype=np.float32)
    statistics[7, -1] = 0  # an empty leaf: neither it nor its bag counts
    trees = (
        np.full(n_trees, -1, np.int64),
        np.arange(n_trees + 1),
        np.empty(0, np.int32),
        np.zeros(n_trees + 1, np.int64),
        np.empty((0, 4), np.uint64),
        np.zeros(n_trees + 1, np.int64),
    )
    estimates, variances = np.empty((2, 3, n))
    several_prediction.predict_several(
        np.zeros((3, 8), np.uint8),
        0,
        3,
        trees,
        np.arange(n_trees + 1),
        statistics,
        np.empty((0, 0), np.uint8),
        2,
        True,
        estimates,
        variances,
    )
    values = statistics[:, :-1].astype(float)
    mean = np.delete(values, 7, axis=0).mean(axis=0)
    slopes, influence = solved(mean, n)
    np.testing.assert_allclose(slopes, slopes_by_hand(mean, n), rtol=1e-6)
    parts = np.delete((values - mean) @ influence.T, [6, 7], axis=0).reshape(-1, 2, n)
    between = (parts.mean(axis=1) ** 2).mean(axis=0)
    within = (parts**2).mean(axis=(0, 1)) - between
    for row in range(3):
        np.testing.assert_allclose(estimates[row], slopes, rtol=1e-5)
        for k in range(n):
            expected = call(prediction.debiased_variance, between[k], within[k], 19)
            assert variances[row, k] == pytest.approx(expected, rel=1e-3)
