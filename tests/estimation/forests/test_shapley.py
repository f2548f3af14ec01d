"""Shapley values: against all subsets by hand, additivity, features that do nothing."""

from itertools import combinations
from math import comb

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from skcausal.estimation import (
    CausalForest,
    InstrumentalForest,
    KnownPropensity,
    RegressionForest,
)
from skcausal.estimation.forests._explaining import (
    explain_statistics,
    root_statistics,
)

# Unsigned words are meant to wrap around; NumPy says so where numba is switched off.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered in scalar")


@pytest.fixture(scope="module")
def table():
    """Missing values, a category, a feature that never varies, and noise."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(400, 2)), columns=["a", "b"])
    level = rng.integers(0, 7, 400)
    treatment = rng.integers(0, 2, 400)
    tau = np.where(X["a"] > 0, 2.0, 0.0) + level % 2 + X["b"]
    y = tau * treatment + 0.5 * rng.normal(size=400)
    X.loc[::6, "a"] = np.nan
    X["c"] = pd.Categorical([f"l{k}" for k in level])
    X["constant"] = 1.0
    return X, y.to_numpy(), treatment


@pytest.fixture(scope="module")
def causal(table):
    X, y, treatment = table
    forest = CausalForest(
        None, KnownPropensity(0.5), n_estimators=6, random_state=0, cv=2
    )
    return forest.fit(X, y, treatment=treatment)


@pytest.fixture(scope="module")
def regression(table):
    X, y, _ = table
    return RegressionForest(n_estimators=6, random_state=0).fit(X, y)


# ------------------------------------------------------------------- NumPy reference
def goes_left(tree, number, codes):
    nodes, subset_of, subsets, _ = tree
    node = int(nodes[number])
    code = int(codes[(node >> 9) & 0xFFFFFF])
    if subset_of[number] >= 0:
        word = int(subsets[subset_of[number]][code // 64])
        return bool((word >> (code % 64)) & 1)
    return not (node >> 8) & 1 if code == 0 else code <= node & 255


def cover(tree, number):
    node = int(tree[0][number])
    if node < 0:
        return float(tree[3][-node - 1, -1])
    return cover(tree, node >> 33) + cover(tree, (node >> 33) + 1)


def value_of(tree, codes, known, number=0):
    """Return the mean statistics of a node if only some features are known."""
    node = int(tree[0][number])
    if node < 0:
        return tree[3][-node - 1, :-1].astype(float)
    sides = [node >> 33, (node >> 33) + 1]
    covers = [cover(tree, side) for side in sides]
    if min(covers) == 0:  # a split with an empty side is none
        return value_of(tree, codes, known, sides[int(np.argmax(covers))])
    values = [value_of(tree, codes, known, side) for side in sides]
    if (node >> 9) & 0xFFFFFF in known:
        return values[0] if goes_left(tree, number, codes) else values[1]
    return np.average(values, axis=0, weights=covers)


def shapley_by_hand(tree, codes, n_features):
    """Return Shapley values (n_features, n_statistics) over all subsets."""
    phi = []
    for feature in range(n_features):
        others = [j for j in range(n_features) if j != feature]
        total = 0.0
        for size in range(n_features):
            for subset in combinations(others, size):
                gain = value_of(tree, codes, {*subset, feature}) - value_of(
                    tree, codes, set(subset)
                )
                total = total + gain / (n_features * comb(n_features - 1, size))
        phi.append(total)
    return np.array(phi)


def counted_trees(forest, X, row):
    return np.flatnonzero(forest.apply(X)[row] >= 0)


def by_hand(forest, X, row):
    """Return Shapley values of the forest's statistics for one row."""
    codes = forest._bins.transform(X)[row]
    trees = counted_trees(forest, X, row)
    flat = forest.forest_
    parts = [shapley_by_hand(flat.tree(t), codes, X.shape[1]) for t in trees]
    return np.mean(parts, axis=0)


@pytest.mark.parametrize("kind", ["causal", "regression"])
def test_statistics_of_the_forest(kind, table, request):
    """Each statistic alone, for rows with missing values and categories."""
    forest, X = request.getfixturevalue(kind), table[0]
    rows = [0, 1, 6, 17, 100]
    codes = forest._bins.transform(X.iloc[rows])
    counts = (forest.apply(X)[rows] >= 0).sum(axis=1)
    expected = np.stack([by_hand(forest, X, row) for row in rows])
    for statistic in range(expected.shape[2]):
        slopes = np.zeros((len(rows), expected.shape[2]))
        slopes[:, statistic] = 1 / counts
        ours = explain_statistics(forest.forest_, codes, slopes, 4, None)
        np.testing.assert_allclose(ours, expected[:, :, statistic], atol=1e-9)


def test_predictions_are_explained_exactly(table, regression):
    X, y, _ = table
    values, base = regression.shap_values(X.iloc[:12])
    for row in range(12):
        expected = by_hand(regression, X, row)[:, 0]
        np.testing.assert_allclose(values[row], expected, atol=1e-9)
        trees = counted_trees(regression, X, row)
        roots = root_statistics(regression.forest_)[trees, 0].mean()
        assert base[row] == pytest.approx(roots + y.mean())


def test_effects_are_explained_along_the_path(table, causal):
    """Gradients of the slope, averaged over a fine grid of the path."""
    X = table[0]
    values, base = causal.shap_values(X.iloc[:5])
    roots = root_statistics(causal.forest_)
    for row in range(5):
        trees = counted_trees(causal, X, row)
        low, phi = roots[trees].mean(axis=0), by_hand(causal, X, row)
        change = phi.sum(axis=0)

        def slope(mean):
            y, w, wy, ww = mean
            return (wy - w * y) / (ww - w * w)

        assert base[row] == pytest.approx(slope(low))
        total = np.zeros(4)
        for s in (np.arange(400) + 0.5) / 400:
            step = 1e-6 * phi
            mean = low + s * change
            ends = [[slope(mean + sign * one) for one in step] for sign in (1, -1)]
            total += (np.array(ends[0]) - ends[1]) / 2e-6 / 400
        np.testing.assert_allclose(values[row], total, atol=1e-5)


# ------------------------------------------------------------------------ properties
def test_values_add_up(table, causal, regression):
    X = table[0]
    values, base = causal.shap_values(X)
    np.testing.assert_allclose(base + values.sum(axis=1), causal.effect(X), atol=1e-6)
    values, base = regression.shap_values(X)
    total = base + values.sum(axis=1)
    np.testing.assert_allclose(total, regression.predict(X), atol=1e-6)


def test_values_add_up_with_many_features_and_instruments():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(1500, 20))
    hidden, z = rng.normal(size=1500), rng.integers(0, 2, 1500)
    treatment = (2 * z + hidden + rng.normal(size=1500) > 1).astype(int)
    y = treatment * (1 + X[:, 0] * X[:, 1]) + hidden
    options = {"n_estimators": 40, "random_state": 0, "max_features": 4}
    iv = InstrumentalForest(LinearRegression(), **options)
    iv.set_params(n_jobs=2, cv=2)
    iv.fit(X, y, treatment=treatment, instrument=z)
    deep = RegressionForest(min_samples_leaf=1, **options).fit(X, y)
    for forest in (iv, deep):
        values, base = forest.shap_values(X[:300])
        total = base + values.sum(axis=1)
        np.testing.assert_allclose(total, forest.predict(X[:300]), atol=1e-6)


def test_features_that_do_nothing_get_nothing(table, causal):
    values, _ = causal.shap_values(table[0])
    assert (values[:, 3] == 0).all()
    assert (np.abs(values[:, :3]).mean(axis=0) > 0.05).all()


def test_same_bits_for_any_number_of_jobs(table, causal):
    X = pd.concat([table[0]] * 3, ignore_index=True)
    one, base = causal.shap_values(X)
    causal.set_params(n_jobs=2)
    two, other = causal.shap_values(X)
    causal.set_params(n_jobs=None)
    np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(base, other)


def test_agreement_with_the_shap_package():
    """Its TreeExplainer on a scikit-learn tree copied from a tree of ours."""
    shap = pytest.importorskip("shap")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 5))
    y = X[:, 0] * X[:, 1] + X[:, 2] + rng.normal(size=300)
    options = {"honest": False, "n_groups": 2, "max_samples": 300}
    forest = RegressionForest(2, random_state=0, **options).fit(X, y)
    values, base = forest.shap_values(X[:20])
    codes = forest._bins.transform(X)[:, :5].astype(float)
    models = [as_shap_tree(forest.forest_.tree(t)) for t in range(2)]
    expected, offset = np.zeros((20, 5)), 0.0
    for model in models:
        explainer = shap.TreeExplainer({"trees": [model]})
        expected += explainer.shap_values(codes[:20]) / 2
        offset += np.ravel(explainer.expected_value)[0] / 2
    np.testing.assert_allclose(values, expected, atol=1e-5)
    np.testing.assert_allclose(base, offset + y.mean(), atol=1e-5)


def as_shap_tree(tree):
    """Return a tree on codes in the form that TreeExplainer reads."""
    nodes, _, _, statistics = tree
    inner, n = nodes >= 0, len(nodes)
    leaf = np.where(inner, 0, -nodes - 1)
    left = np.where(inner, nodes >> 33, -1)
    return {
        "children_left": left.astype(np.int32),
        "children_right": np.where(inner, left + 1, -1).astype(np.int32),
        "children_default": left.astype(np.int32),
        "features": np.where(inner, (nodes >> 9) & 0xFFFFFF, -2).astype(np.int32),
        "thresholds": np.where(inner, (nodes & 255) + 0.5, -2.0),
        "values": np.where(inner, 0.0, statistics[leaf, 0]).reshape(-1, 1),
        "node_sample_weight": np.array([cover(tree, k) for k in range(n)]),
    }


def test_corrected_forests_are_not_explained(table):
    X, y, _ = table
    forest = RegressionForest(20, local_linear=["b"]).fit(X, y)
    with pytest.raises(ValueError, match="Fit a forest with local_linear=None"):
        forest.shap_values(X)
