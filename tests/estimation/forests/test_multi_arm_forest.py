"""MultiArmCausalForest: truth, agreement with CausalForest, arms, seeds, bad input."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal import OverlapWarning, causal_target
from skcausal.datasets import make_observational
from skcausal.estimation import (
    CausalForest,
    KnownPropensity,
    MultiArmCausalForest,
    merge_forests,
)
from skcausal.estimation.forests._plan import draw_rows

SHARES = {"equal": (1 / 3, 1 / 3, 1 / 3), "unequal": (0.55, 0.35, 0.1)}


def make_table(n=3000, seed=0, shares="equal", *, varies=True):
    """Design with a step per arm on a feature of its own."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 4))
    arm = rng.choice(3, n, p=SHARES[shares])
    steps = (
        np.column_stack([X[:, 0] > 0, X[:, 1] > 0]) if varies else np.full((n, 2), 0.5)
    )
    tau = np.array([1.0, 2.0]) * steps - np.array([0.0, 1.0])
    effects = np.column_stack([np.zeros(n), tau])
    y = X[:, 2] + effects[np.arange(n), arm] + rng.normal(size=n)
    return X, y, arm, tau


def forest_of(shares="equal", **options):
    design = KnownPropensity(dict(enumerate(SHARES[shares])))
    defaults = {
        "outcome_model": LinearRegression(),
        "treatment_model": design,
        "n_estimators": 100,
        "random_state": 0,
        "control_arm": 0,
    }
    return MultiArmCausalForest(**defaults | options)


@pytest.fixture(scope="module")
def table():
    return make_table()


@pytest.fixture(scope="module")
def fitted(table):
    X, y, arm, _ = table
    return forest_of().fit(X, y, treatment=arm)


def root_mean_square(values):
    return np.sqrt(np.mean(np.square(values), axis=0))


# ---------------------------------------------------------------------------- truth
@pytest.mark.parametrize("shares", SHARES)
def test_effects_and_intervals_over_draws(shares):
    """Six draws: errors far below those of constant effects; intervals cover."""
    errors, covered = [], []
    new = np.random.default_rng(1).normal(size=(500, 4))
    truth = np.column_stack([new[:, 0] > 0, 2.0 * (new[:, 1] > 0) - 1])
    for seed in range(6):
        X, y, arm, _ = make_table(2500, seed, shares)
        forest = forest_of(shares, random_state=seed).fit(X, y, treatment=arm)
        errors.append(root_mean_square(forest.effect(new) - truth))
        lower, upper = forest.effect_interval(new)
        assert lower.shape == upper.shape == (500, 2)
        covered.append(((lower < truth) & (truth < upper)).mean(axis=0))
    limits = np.array([0.6, 0.6 if shares == "equal" else 0.8]) * truth.std(axis=0)
    assert (np.mean(errors, axis=0) < limits).all()
    assert (np.mean(covered, axis=0) > 0.8).all()


@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
@pytest.mark.parametrize("target", ["all", "treated", "overlap"])
def test_averages_over_draws(target):
    """Constant effects, ten draws: distances are standard normal."""
    distances = []
    for seed in range(10):
        X, y, arm, tau = make_table(1200, seed, "unequal", varies=False)
        forest = forest_of("unequal", n_estimators=50, random_state=seed)
        average = forest.fit(X, y, treatment=arm).average_effect(target=target)
        assert average.labels == ("1 vs 0", "2 vs 0")
        distances.append((average.value - tau[0]) / average.standard_error)
    assert (np.abs(np.mean(distances, axis=0)) < 4 / np.sqrt(10)).all()
    assert (stats.chi2(10).sf(np.sum(np.square(distances), axis=0)) > 1e-4).all()


def test_effects_solve_the_weighted_moment_equations(table, fitted):
    """Slopes of the outcome on both indicators with the forest's weights."""
    X = table[0]
    weights = fitted.forest_weights(X[:20])
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    u, v = fitted._residuals
    design = np.column_stack([np.ones(len(u)), v])
    for weight, effects in zip(weights.toarray(), fitted.effect(X[:20]), strict=True):
        root = np.sqrt(weight)
        slopes = np.linalg.lstsq(design * root[:, None], u * root, rcond=None)[0]
        np.testing.assert_allclose(effects, slopes[1:], atol=1e-4)


def test_out_of_bag_and_importances(table, fitted):
    tau = table[-1]
    assert (root_mean_square(fitted.oob_effects_ - tau) < 0.6 * tau.std(axis=0)).all()
    assert 0 < fitted.oob_score_ < 1
    lower, upper = fitted.oob_interval()
    assert ((lower < fitted.oob_effects_) & (fitted.oob_effects_ < upper)).all()
    assert set(fitted.feature_importances_.argsort()[-2:]) == {0, 1}
    X, y, arm, _ = make_table(varies=False)
    assert forest_of().fit(X, y, treatment=arm).oob_score_ < 0.01


# ----------------------------------------------------------------------------- arms
def test_two_arms_are_a_causal_forest():
    """The gain is the same up to rounding, so nearly all splits are."""
    data = make_observational(2000, 5, random_state=0)
    models = LinearRegression(), LogisticRegression()
    pair = [
        cls(*models, n_estimators=200, random_state=0).fit(
            data.X, data.y, treatment=data.treatment
        )
        for cls in (CausalForest, MultiArmCausalForest)
    ]
    one, several = (forest.effect(data.X) for forest in pair)
    assert several.shape == (2000,)
    roots = [f.forest_.nodes[f.forest_.node_start[:-1]] for f in pair]
    assert np.mean(roots[0] == roots[1]) > 0.97
    sizes = [np.diff(f.forest_.leaf_start) for f in pair]
    assert np.mean(sizes[0] == sizes[1]) > 0.8
    assert root_mean_square(one - several) < 0.02 * one.std()
    widths = [np.subtract(*forest.effect_interval(data.X)) for forest in pair]
    assert np.corrcoef(*widths)[0, 1] > 0.99
    assert pair[0].oob_score_ == pytest.approx(pair[1].oob_score_, abs=0.003)
    averages = [forest.average_effect().value for forest in pair]
    assert averages[0] == pytest.approx(averages[1], rel=1e-3)


def test_other_names_of_arms_permute_columns(table):
    """Only the rounding of labels differs, and with it a split here and there."""
    X, y, arm, _ = table
    names = np.array(["0", "z", "a"])
    design = KnownPropensity(dict.fromkeys(names.tolist(), 1 / 3))
    splits = [
        (np.flatnonzero(np.arange(3000) % 5 != k), np.arange(k, 3000, 5))
        for k in range(5)
    ]
    named = forest_of(cv=splits, control_arm="0", treatment_model=design)
    named.fit(X, y, treatment=names[arm])
    numbered = forest_of(cv=splits).fit(X, y, treatment=arm)
    assert named.arms_.tolist() == ["0", "a", "z"]
    ours, expected = named.effect(X), numbered.effect(X)[:, ::-1]
    assert (root_mean_square(ours - expected) < 0.03 * expected.std(axis=0)).all()


def test_the_control_arm_hardly_matters(table, fitted):
    """Differences of effects are those against another control."""
    X, y, arm, _ = table
    other = forest_of(control_arm=1).fit(X, y, treatment=arm)
    ours = other.effect(X, treated=2, control=1)
    expected = fitted.effect(X, treated=2, control=1)
    assert root_mean_square(ours - expected) < 0.15 * expected.std()
    np.testing.assert_allclose(
        fitted.effect(X, treated=2, control=1), np.diff(fitted.effect(X))[:, 0]
    )


def test_a_region_without_an_arm():
    """Arm 2 is for half of the rows: elsewhere its effect is NaN, arm 1's is not."""
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.choice([-1.0, 1.0], 3000), rng.normal(size=3000)])
    open_to_all = X[:, 0] > 0
    e = np.where(open_to_all[:, None], [0.4, 0.3, 0.3], [0.5, 0.499, 0.001])
    arm = rng.choice(3, 3000, p=[0.4, 0.3, 0.3])
    arm = np.where(open_to_all, arm, rng.integers(0, 2, 3000))
    y = np.array([0.0, 1.0, 2.0])[arm] + 3 * open_to_all * (arm == 1)
    y += rng.normal(size=3000)
    forest = MultiArmCausalForest(
        LinearRegression(), n_estimators=100, random_state=0, control_arm=0
    ).fit(X, causal_target(y, arm, propensity=e))
    new = np.array([[-1.0, 0.0], [1.0, 0.0]])
    with pytest.warns(OverlapWarning, match=r"of each arm: {1: 0, 2: 1}"):
        effects = forest.effect(new)
    np.testing.assert_array_equal(np.isnan(effects), [[False, True], [False, False]])
    np.testing.assert_allclose(effects[~np.isnan(effects)], [1, 4, 2], atol=0.5)
    with pytest.warns(OverlapWarning, match="an arm is missing"):
        lower, upper = forest.effect_interval(new)
    np.testing.assert_array_equal(np.isnan(lower), np.isnan(effects))
    assert not np.isinf([lower, upper]).any()
    with pytest.warns(OverlapWarning):
        assert 0.9 > np.isnan(forest.oob_effects_).mean() > 0.1
    assert np.isfinite(forest.oob_score_)
    with pytest.warns(OverlapWarning, match="which is raised to it"):
        average = forest.average_effect(where=open_to_all)
    assert (np.abs(average.value - [4, 2]) < 4 * average.standard_error).all()


@pytest.mark.parametrize("power", [-20, 40])
def test_units_of_the_outcome_change_no_split(power, table):
    """Scaling by a power of two is exact, in single precision too."""
    X, y, arm, _ = table
    one, scaled = (
        forest_of(n_estimators=20, min_samples_leaf=1).fit(X, z, treatment=arm)
        for z in (y, y * 2.0**power)
    )
    np.testing.assert_array_equal(one.forest_.nodes, scaled.forest_.nodes)


# -------------------------------------------------------------------------- features
def test_shapley_values_add_up(table, fitted):
    X = table[0]
    values, base = fitted.shap_values(X[:40])
    assert values.shape == (40, 4, 2)
    effects = fitted.effect(X[:40])
    np.testing.assert_allclose(base + values.sum(axis=1), effects, atol=1e-5)
    moving = np.abs(values).mean(axis=0)
    assert moving[:, 0].argmax() == 0
    assert moving[:, 1].argmax() == 1
    data = make_observational(500, 3, random_state=0)
    pair = [
        cls(None, KnownPropensity(0.5), n_estimators=20, random_state=0).fit(
            data.X, data.y, treatment=data.treatment
        )
        for cls in (CausalForest, MultiArmCausalForest)
    ]
    one, two = (forest.shap_values(data.X) for forest in pair)
    assert one[0].shape == two[0].shape
    assert root_mean_square(one[0] - two[0]).max() < 0.1 * one[0].std()


def test_projections_of_several_effects(table, fitted):
    """Slopes on the sign of the features that move each arm: 1 and 2."""
    signs = (table[0][:, :2] > 0).astype(float)
    projection = fitted.best_linear_projection(signs)
    value, error = projection.value.reshape(2, 3), projection.standard_error
    expected = [[0, 1, 0], [-1, 0, 2]]
    assert (np.abs(value - expected) < 4 * error.reshape(2, 3)).all()


# ------------------------------------------------------------ covariates and weights
def test_missing_values_and_categories():
    """A category moves arm 1, missing values arm 2."""
    rng = np.random.default_rng(0)
    level, x = rng.integers(0, 20, 4000), rng.normal(size=4000)
    x[::2] = np.nan
    tau = np.column_stack([2.0 * (level % 2), 2.0 * np.isnan(x)])
    arm = rng.integers(0, 3, 4000)
    y = np.column_stack([np.zeros(4000), tau])[np.arange(4000), arm]
    y += rng.normal(size=4000)
    X = pd.DataFrame({"store": pd.Categorical([f"s{k}" for k in level]), "x": x})
    forest = forest_of(outcome_model=None)
    effects = forest.fit(X, y, treatment=arm).effect(X)
    assert (root_mean_square(effects - tau) < 0.5).all()
    assert (forest.feature_importances_ > 0.2).all()


def test_weightless_rows_do_not_count(table):
    X, y, arm, _ = table
    weight = np.where(np.arange(3000) % 4 == 0, 0.0, 1.0)
    one = forest_of().fit(X, y, treatment=arm, sample_weight=weight)
    other = np.where(weight == 0, 1e3, y)
    two = forest_of().fit(X, other, treatment=arm, sample_weight=weight)
    np.testing.assert_allclose(one.effect(X), two.effect(X), rtol=1e-3, atol=1e-4)


def test_clusters_are_drawn_whole(table):
    X, y, arm, _ = table
    groups = np.arange(3000) % 50
    forest = forest_of(n_estimators=20, group_weighting="equal")
    forest.fit(X, y, treatment=arm, groups=groups)
    grow, estimate = draw_rows(forest.forest_.sampling, forest._rows, 0)
    assert not set(groups[grow]) & set(groups[estimate])
    assert len(grow) == 60 * len(set(groups[grow]))


# ------------------------------------------------------------- seeds, growing, storing
def test_same_bits_for_any_number_of_jobs(table, fitted):
    X, y, arm, _ = table
    other = forest_of(n_jobs=2).fit(X, y, treatment=arm)
    np.testing.assert_array_equal(other.forest_.statistics, fitted.forest_.statistics)
    bounds = fitted.effect_interval(X), other.effect_interval(X)
    np.testing.assert_array_equal(*bounds)


def test_warm_start_pickle_and_merging(table, fitted):
    X, y, arm, _ = table
    grown = forest_of(n_estimators=50, warm_start=True).fit(X, y, treatment=arm)
    grown.set_params(n_estimators=100).fit(X, y, treatment=arm)
    np.testing.assert_array_equal(grown.effect(X), fitted.effect(X))
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.effect(X), fitted.effect(X))
    other = forest_of(random_state=1).fit(X, y, treatment=arm)
    both = merge_forests([fitted, other])
    assert both.apply(X[:5]).shape == (5, 200)
    assert both.effect_interval(X)[0].shape == (3000, 2)
    near = np.abs(both.effect(X) - (fitted.effect(X) + other.effect(X)) / 2)
    assert near.mean() < 0.02


# ------------------------------------------------------------------------- bad input
def test_bad_input(table):
    X, y, arm, _ = table
    with pytest.raises(
        ValueError, match=r"3 arms.*Use one for several .MultiArmCausal"
    ):
        CausalForest(control_arm=0).fit(X, y, treatment=arm)
    with pytest.raises(ValueError, match="this learner compares arms"):
        forest_of(control_arm=None).fit(X, y, treatment=X[:, 0])
    grown = forest_of(n_estimators=20, warm_start=True).fit(X, y, treatment=arm)
    grown.set_params(n_estimators=40, treatment_model=None)
    with pytest.raises(ValueError, match="number of rows and arms"):
        grown.fit(X, y, treatment=np.minimum(arm, 1))
    rare = np.where(np.arange(3000) < 10, 2, arm % 2)
    with pytest.raises(ValueError, match="arm 2 has 10 rows; leaves of min_samples"):
        forest_of().fit(X, y, treatment=rare)
    with pytest.raises(ValueError, match="min_samples_arm must be an integer"):
        forest_of(min_samples_arm=-1).fit(X, y, treatment=arm)
