"""Local linear correction: against a ridge regression by hand, accuracy, coverage."""

import pickle

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from skcausal.estimation import (
    CausalForest,
    KnownPropensity,
    RegressionForest,
    merge_forests,
)
from skcausal.estimation.forests import _local_linear as local_linear
from skcausal.estimation.forests import _prediction as prediction
from tests.estimation.forests.entries import call

# Unsigned words are meant to wrap around; NumPy says so where numba is switched off.
pytestmark = pytest.mark.filterwarnings("ignore:overflow encountered in scalar")

EFFECTS = {
    "linear": lambda X: X[:, 0] + 0.5 * X[:, 1],
    "smooth": lambda X: 2 * np.sin(X[:, 0]) + X[:, 1],
    "step": lambda X: 1.0 * (X[:, 0] > 0),
}


def draw(effect="linear", n=1500, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    treatment = rng.integers(0, 2, n)
    tau = EFFECTS[effect](X)
    y = tau * (treatment - 0.5) + X[:, 2] + rng.normal(size=n)
    return X, y, treatment, tau


def forest_of(**options):
    options = {"n_estimators": 100, "random_state": 0, "cv": 2} | options
    options = {"min_samples_leaf": 20, "local_linear": "all"} | options
    return CausalForest(LinearRegression(), KnownPropensity(0.5), **options)


@pytest.fixture(scope="module")
def table():
    return draw(n=400)


@pytest.fixture(scope="module")
def fitted(table):
    X, y, treatment, _ = table
    forest = forest_of(n_estimators=20, local_linear=[0, 2])
    return forest.fit(X, y, treatment=treatment)


# ------------------------------------------------------------------- NumPy references
def ridge_by_hand(forest, X, x, weight, *, penalty=0.1):
    """Return coefficients, inverse Gram matrix and design of the regression at x."""
    Z = (X - x) / X.std(axis=0)
    targets = forest._rows.targets.astype(float)
    Z = Z[:, forest._correction.positions]
    d, design = Z.shape[1], np.column_stack([np.ones(len(X)), Z])
    ridge = np.full(d + 1, penalty)
    ridge[0] = 0
    if targets.shape[1] > 1:
        v = targets[:, 1]
        design = np.column_stack([np.ones(len(X)), v, Z, Z * v[:, None]])
        of_v = penalty * weight @ v**2
        ridge = np.concatenate([[0, 0], np.full(d, penalty), np.full(d, of_v)])
    inverse = np.linalg.inv(design.T @ (design * weight[:, None]) + np.diag(ridge))
    return inverse @ design.T @ (weight * targets[:, 0]), inverse, design


def test_effects_are_ridge_regressions(table, fitted):
    X = table[0]
    weights = fitted.forest_weights(X[:10]).toarray()
    effects = fitted.effect(X[:10])
    for x, weight, effect in zip(X, weights, effects, strict=False):
        expected = ridge_by_hand(fitted, X, x, weight)[0][1]
        assert effect == pytest.approx(expected, rel=1e-4, abs=1e-5)


def test_predictions_are_ridge_regressions(table):
    X, y, _, _ = table
    options = {"n_estimators": 20, "random_state": 0, "local_linear": "all"}
    forest = RegressionForest(**options).fit(X, y)
    weights = forest.forest_weights(X[:10]).toarray()
    predictions = forest.predict(X[:10])
    for x, weight, ours in zip(X, weights, predictions, strict=False):
        expected = ridge_by_hand(forest, X, x, weight)[0][0] + y.mean()
        assert ours == pytest.approx(expected, rel=1e-4)


def test_variance_is_that_of_bags_of_influence(table, fitted):
    X = table[0]
    lower, upper = fitted.effect_interval(X[:5], level=0.95)
    weights = fitted.forest_weights(X[:5]).toarray()
    leaves = fitted.apply(X[:5])
    start, members, shares = fitted.forest_.leaf_rows(fitted._rows, None)
    for row, (x, weight) in enumerate(zip(X[:5], weights, strict=True)):
        fit, inverse, design = ridge_by_hand(fitted, X, x, weight)
        residual = fitted._rows.targets[:, 0] - design @ fit
        influence = (design @ inverse[1]) * residual
        values = np.full(20, np.nan)
        for tree in np.flatnonzero(leaves[row] >= 0):
            inside = slice(start[leaves[row, tree]], start[leaves[row, tree] + 1])
            values[tree] = shares[inside] @ influence[members[inside]]
        values -= np.nanmean(values)
        error = np.sqrt(call(prediction.bag_variance, values, 2))
        width = (upper - lower)[row] / 2 / 1.959964
        assert width == pytest.approx(error, rel=1e-3)


def test_rows_by_leaf(table, fitted):
    """Weights by leaf lists are those of the leaf each row is in."""
    X, _, _, _ = table
    start, members, shares = fitted.forest_.leaf_rows(fitted._rows, 2)
    own = fitted.apply(X)
    statistics = fitted.forest_.statistics
    assert len(start) == len(statistics) + 1
    for leaf in range(0, len(statistics), 11):
        tree = np.searchsorted(fitted.forest_.leaf_start, leaf, side="right") - 1
        estimate = fitted.forest_.rows_of_tree(fitted._rows, tree)[1]
        inside = slice(start[leaf], start[leaf + 1])
        expected = estimate[own[estimate, tree] == leaf]
        np.testing.assert_array_equal(np.sort(members[inside]), expected)
        if len(expected):
            np.testing.assert_allclose(shares[inside], 1 / statistics[leaf, -1])


@pytest.mark.parametrize("p", [1, 2, 5, 22])
def test_cholesky(p):
    rng = np.random.default_rng(p)
    root = rng.normal(size=(p + 3, p))
    gram, right = root.T @ root, rng.normal(size=p)
    lower, solution = np.zeros((p, p)), np.empty(p)
    assert call(local_linear.solve_positive, gram, right, lower, solution)
    np.testing.assert_allclose(gram @ solution, right, atol=1e-9)
    gram[:, 0] = gram[0] = 0
    assert not call(local_linear.solve_positive, gram, right, lower, solution)


# ----------------------------------------------------------------- accuracy, coverage
def accuracy(effect, penalty, seeds=range(5)):
    """Return root mean squared error and coverage on new rows, over draws."""
    errors, covered = [], []
    for seed in seeds:
        X, y, treatment, _ = draw(effect, seed=seed)
        new, _, _, tau = draw(effect, 500, seed + 1000)
        forest = forest_of(local_linear_penalty=penalty, random_state=seed)
        forest.fit(X, y, treatment=treatment)
        lower, upper = forest.effect_interval(new)
        errors.append(np.sqrt(np.mean((forest.effect(new) - tau) ** 2)))
        covered.append(np.mean((lower < tau) & (tau < upper)))
    return np.array(errors), np.array(covered)


@pytest.mark.parametrize("effect", ["linear", "smooth"])
def test_smooth_effects_are_found_better(effect):
    plain, plain_covered = accuracy(effect, 1e9)  # no correction
    ours, covered = accuracy(effect, 0.1)
    assert ours.mean() < 0.85 * plain.mean()
    assert (ours < plain).all()
    assert covered.mean() > plain_covered.mean() + 0.05


def test_a_large_penalty_is_no_correction(table):
    X, y, treatment, _ = table
    plain = forest_of(local_linear=None).fit(X, y, treatment=treatment)
    ours = forest_of(local_linear_penalty=1e9).fit(X, y, treatment=treatment)
    np.testing.assert_allclose(ours.effect(X), plain.effect(X), atol=1e-4)
    one, two = plain.effect_interval(X), ours.effect_interval(X)
    np.testing.assert_allclose(two, one, atol=1e-3)


# ------------------------------------------------------- seeds, pickles, merging, input
def test_same_bits_for_any_number_of_jobs(table, fitted):
    X, y, treatment, _ = table
    other = forest_of(n_estimators=20, local_linear=[0, 2], n_jobs=2)
    other.fit(X, y, treatment=treatment)
    np.testing.assert_array_equal(other.effect(X), fitted.effect(X))
    np.testing.assert_array_equal(other.effect_interval(X), fitted.effect_interval(X))


def test_out_of_bag_effects_are_corrected(table):
    X, y, treatment, tau = draw()
    plain = forest_of(local_linear=None).fit(X, y, treatment=treatment)
    ours = forest_of().fit(X, y, treatment=treatment)
    errors = [np.mean((one.oob_effects_ - tau) ** 2) for one in (ours, plain)]
    assert errors[0] < 0.85**2 * errors[1]
    assert ours.oob_score_ > plain.oob_score_
    intervals = [one.oob_interval() for one in (ours, plain)]
    covered = [np.mean((low < tau) & (tau < high)) for low, high in intervals]
    assert covered[0] > covered[1] + 0.05


def test_pickles_keep_what_the_correction_needs(table, fitted):
    X = table[0]
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.effect(X), fitted.effect(X))
    np.testing.assert_array_equal(copy.effect_interval(X), fitted.effect_interval(X))


def test_merged_forests_are_corrected(table):
    """Also if they come from other machines, without training rows."""
    X, y, treatment, _ = table
    halves = [
        forest_of(n_estimators=20, random_state=seed).fit(X, y, treatment=treatment)
        for seed in (0, 1)
    ]
    whole = merge_forests(halves)
    start, members, shares = whole.forest_.leaf_rows(whole._rows, None)
    ours = whole._correction.leaf_rows
    for one, other in zip(ours, (start, members, shares), strict=True):
        np.testing.assert_array_equal(one, other)
    travelled = merge_forests([pickle.loads(pickle.dumps(half)) for half in halves])
    np.testing.assert_array_equal(travelled.effect(X), whole.effect(X))


def test_features_by_name_and_position(table):
    X, y, treatment, _ = table
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["e"] = pd.Categorical(np.where(X[:, 3] > 0, "x", "y"))
    options = {"n_estimators": 20}
    named = forest_of(local_linear=["a", "c"], **options)
    placed = forest_of(local_linear=(0, 2), **options)
    every = forest_of(local_linear="all", **options)
    for one in (named, placed, every):
        one.set_params(outcome_model=None).fit(frame, y, treatment=treatment)
    np.testing.assert_array_equal(placed.effect(frame), named.effect(frame))
    assert every._correction.positions.tolist() == [0, 1, 2, 3]  # no category


def test_bad_features(table):
    X, y, treatment, _ = table
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["e"] = pd.Categorical(np.where(X[:, 3] > 0, "x", "y"))
    cases = {
        "must be None, 'all', or name columns": ["a", "zz"],
        "or name columns of X once": ["a", 0],
        r"it has \['a', 'b'": "b",
        r"got \[\]": [],
        "'e', which is a category and has no slope": ["e"],
    }
    for message, features in cases.items():
        forest = RegressionForest(20, local_linear=features)
        with pytest.raises(ValueError, match=message):
            forest.fit(frame, y)
    with pytest.raises(ValueError, match="penalty must be a number of at least 0"):
        forest_of(local_linear_penalty=-1).fit(X, y, treatment=treatment)
    holes = np.where(X > 2, np.nan, X)
    message = (
        r"RegressionForest\.fit: local_linear corrects for column 0, which has miss"
    )
    with pytest.raises(ValueError, match=message):
        RegressionForest(20, local_linear="all").fit(holes, y)
    forest = RegressionForest(20, local_linear=[1]).fit(X, y)
    with pytest.raises(ValueError, match="corrects for column 1, which has missing"):
        forest.predict(holes)
