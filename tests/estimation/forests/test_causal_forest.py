"""CausalForest: truth, missing values, categories, clusters, seeds, bad input."""

import os
import pickle
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from scipy import sparse, stats
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.datasets import make_observational
from skcausal.estimation import (
    CausalForest,
    KnownPropensity,
    RegressionForest,
    merge_forests,
)
from skcausal.estimation.forests._binning import FeatureBins
from skcausal.estimation.forests._plan import draw_rows


@pytest.fixture(scope="module")
def data():
    return make_observational(2000, 5, random_state=0)


def forest_of(**options):
    options = {"n_estimators": 200, "random_state": 0} | options
    linear = LinearRegression(), LogisticRegression()
    return CausalForest(*linear, **options)


@pytest.fixture(scope="module")
def fitted(data):
    return forest_of().fit(data.X, data.y, treatment=data.treatment)


def root_mean_square(values):
    return np.sqrt(np.mean(np.square(values)))


# ---------------------------------------------------------------------------- truth
def test_effects_and_out_of_bag_effects(data, fitted):
    truth = np.asarray(data.effect)
    constant = root_mean_square(truth - truth.mean())
    assert root_mean_square(fitted.effect(data.X) - truth) < 0.6 * constant
    assert root_mean_square(fitted.oob_effects_ - truth) < 0.6 * constant
    assert 0 < fitted.oob_score_ < 1
    importances = fitted.feature_importances_
    assert importances.sum() == pytest.approx(1)
    moving = np.argsort([abs(np.corrcoef(x, truth)[0, 1]) for x in data.X.T.to_numpy()])
    assert set(importances.argsort()[-2:]) == set(moving[-2:])


def test_the_effect_solves_the_weighted_moment_equation(data, fitted):
    """Slope of outcome residuals on treatment residuals with the forest's weights."""
    new = data.X.iloc[:20]
    weights = fitted.forest_weights(new)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    u, v = fitted._residuals
    for weight, effect in zip(weights.toarray(), fitted.effect(new), strict=True):
        slope = np.polyfit(v, u, 1, w=np.sqrt(weight))[0]
        assert effect == pytest.approx(slope, abs=1e-4)


@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
def test_intervals_and_averages_over_draws():
    """Means over eight draws; 4 standard errors are the bars."""
    distance, covered = [], []
    for seed in range(8):
        data = make_observational(1500, 4, effect="linear", random_state=seed)
        forest = forest_of(random_state=seed)
        forest.fit(data.X, data.y, treatment=data.treatment)
        average = forest.average_effect()
        distance.append((average.value - data.average_effect) / average.standard_error)
        lower, upper = forest.effect_interval(data.X)
        covered.append(np.mean((lower < data.effect) & (data.effect < upper)))
        assert ((lower < upper) & np.isfinite(upper)).all()
    assert abs(np.mean(distance)) < 4 / np.sqrt(8)
    assert stats.chi2(8).sf(np.sum(np.square(distance))) > 1e-4
    assert np.mean(covered) > 0.8


def test_no_effect_is_found_where_there_is_none():
    data = make_observational(2000, 4, effect="constant", random_state=1)
    forest = forest_of().fit(data.X, data.y, treatment=data.treatment)
    lower, upper = forest.oob_interval()
    truth = np.asarray(data.effect)
    assert np.mean((lower < truth) & (truth < upper)) > 0.85
    assert forest.oob_score_ < 0.01


def test_continuous_treatment():
    data = make_observational(2000, 4, treatment="continuous", random_state=0)
    line = LinearRegression()
    forest = CausalForest(line, line, n_estimators=200, random_state=0)
    forest.fit(data.X, data.y, treatment=data.treatment)
    truth = np.asarray(data.effect)
    constant = root_mean_square(truth - truth.mean())
    assert root_mean_square(forest.effect(data.X) - truth) < 0.7 * constant
    twice = forest.effect(data.X, treated=3, control=1)
    np.testing.assert_allclose(twice, 2 * forest.effect(data.X))
    overlap = forest.average_effect(target="overlap")
    assert abs(overlap.value - truth.mean()) < 5 * overlap.standard_error


# -------------------------------------------------------------------------- covariates
def test_missing_values_that_matter():
    """Half of the rows miss x; their effect is 3, elsewhere it is the sign of x."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 2))
    effect = np.sign(X[:, 0])
    X[::2, 0] = np.nan
    effect[::2] = 3
    treatment = rng.integers(0, 2, 3000)
    y = effect * treatment + rng.normal(size=3000)
    forest = CausalForest(
        None, KnownPropensity(0.5), n_estimators=100, random_state=0
    ).fit(X, y, treatment=treatment)
    estimate = forest.effect(X)
    assert root_mean_square(estimate - effect) < 0.35
    assert abs(estimate[::2].mean() - 3) < 0.2


def test_categories_keep_their_levels():
    """Thirty levels in no order: every other one has an effect."""
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 30, 4000)
    X = pd.DataFrame(
        {"store": pd.Categorical([f"s{k}" for k in levels]), "x": rng.normal(size=4000)}
    )
    effect = 2.0 * (levels % 2)
    treatment = rng.integers(0, 2, 4000)
    y = effect * treatment + rng.normal(size=4000)
    options = {"n_estimators": 100, "random_state": 0}
    forest = CausalForest(None, KnownPropensity(0.5), **options)
    forest.fit(X, y, treatment=treatment)
    assert root_mean_square(forest.effect(X) - effect) < 0.35
    # The first split tells all; those below find noise, as often in x as in levels.
    first_of_four, half_of_rest = 1 / (1 + 1 / 4 + 1 / 9 + 1 / 16), 0.5
    expected = first_of_four + (1 - first_of_four) * half_of_rest
    assert forest.feature_importances_[0] > expected - 0.1
    # Levels in another order of codes are the same levels; unknown ones are missing.
    other = X.assign(
        store=X["store"].cat.set_categories(["new", *sorted(set(X.store))])
    )
    np.testing.assert_array_equal(forest.effect(other), forest.effect(X))


def test_more_levels_than_codes_share_one():
    column = pd.Categorical([f"l{k}" for k in range(300)] + ["l0"] * 5)
    X = pd.DataFrame({"a": column})
    with pytest.warns(UserWarning, match="'a' has 300 levels; the 254 most frequent"):
        bins = FeatureBins.fit(X, 255, "test")
    codes = bins.transform(X)[:, 0]
    assert (codes == 255).sum() == 46
    assert len(np.unique(codes)) == 255


@pytest.mark.parametrize("n_distinct", [1, 2, 7, 40, 255, 5000])
def test_codes_keep_the_order(n_distinct):
    rng = np.random.default_rng(0)
    x = rng.permutation(np.repeat(np.arange(n_distinct) ** 1.5, 3))
    X = np.append(x, np.nan)[:, None]
    bins = FeatureBins.fit(X, 255, "test")
    codes = bins.transform(X)[:, 0].astype(int)
    assert codes[-1] == 0
    assert codes[:-1].min() >= 1
    ranked = codes[np.argsort(X[:-1, 0], kind="stable")]
    assert (np.diff(ranked) >= 0).all()
    assert len(np.unique(ranked)) == min(n_distinct, 255)
    np.testing.assert_array_equal(
        bins.transform(np.array([[-1e9], [1e9]]))[:, 0], [ranked[0], ranked[-1]]
    )


# ------------------------------------------------------------------ weights, clusters
def test_weightless_rows_do_not_count(data):
    """Whatever their outcome: only their places in the draws stay."""
    weight = np.where(np.arange(2000) % 4 == 0, 0.0, 1.0)
    y = np.asarray(data.y).copy()
    arguments = {"treatment": data.treatment, "sample_weight": weight}
    one = forest_of().fit(data.X, y, **arguments)
    y[::4] = 1e3
    two = forest_of().fit(data.X, y, **arguments)
    np.testing.assert_allclose(one.effect(data.X), two.effect(data.X), rtol=1e-3)


def test_clusters_are_drawn_whole(data):
    groups = np.arange(2000) % 50
    forest = forest_of(n_estimators=20)
    forest.fit(data.X, data.y, treatment=data.treatment, groups=groups)
    for number in range(20):
        grow, estimate = draw_rows(forest.forest_.sampling, forest._rows, number)
        grown, estimated = set(groups[grow]), set(groups[estimate])
        assert not grown & estimated
        assert len(grow) == 40 * len(grown)
        assert len(grown) == 11


# ------------------------------------------------------------- seeds, growing, storing
def test_same_bits_for_any_number_of_jobs(data, fitted):
    other = forest_of(n_jobs=2).fit(data.X, data.y, treatment=data.treatment)
    for name in ("nodes", "statistics"):
        ours, theirs = (getattr(f.forest_, name) for f in (fitted, other))
        np.testing.assert_array_equal(ours, theirs)
    bounds = fitted.effect_interval(data.X), other.effect_interval(data.X)
    np.testing.assert_array_equal(*bounds)


def test_warm_start_equals_growing_at_once(data, fitted):
    forest = forest_of(n_estimators=100, warm_start=True)
    forest.fit(data.X, data.y, treatment=data.treatment)
    forest.set_params(n_estimators=200)
    forest.fit(data.X, data.y, treatment=data.treatment)
    np.testing.assert_array_equal(forest.forest_.nodes, fitted.forest_.nodes)
    np.testing.assert_array_equal(forest.effect(data.X), fitted.effect(data.X))
    with pytest.raises(ValueError, match="is below the 200 trees that warm_start"):
        forest.set_params(n_estimators=50).fit(data.X, data.y, treatment=data.treatment)


def test_pickle_keeps_the_forest_without_training_rows(data):
    forest = forest_of().fit(data.X, data.y, treatment=data.treatment)
    copy = pickle.loads(pickle.dumps(forest))
    np.testing.assert_array_equal(copy.effect(data.X), forest.effect(data.X))
    with pytest.raises(ValueError, match="does not keep its training rows"):
        _ = copy.oob_effects_
    average = forest.average_effect().value
    copy = pickle.loads(pickle.dumps(forest))
    assert copy.average_effect().value == average


def test_apply_names_leaves(data, fitted):
    leaves = fitted.apply(data.X.iloc[:10])
    assert leaves.shape == (10, 200)
    starts = fitted.forest_.leaf_start
    assert ((leaves >= starts[:-1]) & (leaves < starts[1:]) | (leaves < 0)).all()


def test_numba_is_imported_by_fit_only():
    code = (
        "import sys; from skcausal.estimation import CausalForest; CausalForest(); "
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_merged_forests_are_one(data, fitted):
    """The merged estimate is of all trees; out-of-bag rows are found by each seed."""
    halves = [
        forest_of(n_estimators=100, random_state=seed).fit(
            data.X, data.y, treatment=data.treatment
        )
        for seed in (0, 1)
    ]
    both = merge_forests(halves)
    assert both.n_estimators == 200
    new = data.X[:10]
    weights = [forest.forest_weights(new).toarray() for forest in halves]
    counted = [(forest.apply(new) >= 0).sum(axis=1) for forest in halves]
    expected = (
        np.einsum("kij,ki->ij", weights, counted) / np.sum(counted, axis=0)[:, None]
    )
    merged = both.forest_weights(new).toarray()
    np.testing.assert_allclose(merged, expected, atol=1e-7)
    lower, upper = both.oob_interval()
    assert ((lower < both.oob_effects_) & (both.oob_effects_ < upper)).all()
    truth = np.asarray(data.effect)
    single = root_mean_square(halves[0].oob_effects_ - truth)
    assert root_mean_square(both.oob_effects_ - truth) < single
    np.testing.assert_array_equal(halves[0].effect(data.X), fitted_half(data))


def fitted_half(data):
    forest = forest_of(n_estimators=100)
    return forest.fit(data.X, data.y, treatment=data.treatment).effect(data.X)


def test_forests_of_other_rows_or_settings_do_not_merge(data):
    first = forest_of(n_estimators=20).fit(data.X, data.y, treatment=data.treatment)
    fewer = data.X[:1000], data.y[:1000]
    other = forest_of(n_estimators=20).fit(*fewer, treatment=data.treatment[:1000])
    with pytest.raises(ValueError, match="grown on the same rows"):
        merge_forests([first, other])
    deep = forest_of(n_estimators=20, honest=False)
    deep.fit(data.X, data.y, treatment=data.treatment)
    with pytest.raises(ValueError, match="differ in honest"):
        merge_forests([first, deep])
    with pytest.raises(ValueError, match="differ in random_state: the same seed"):
        merge_forests([first, first])
    with pytest.raises(TypeError, match="fitted forests of one class"):
        merge_forests([first, LinearRegression()])


# ------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_estimators": 0}, "n_estimators must be an integer of at least 1, got 0"),
        ({"n_estimators": 7}, "must be a multiple of the number of little bags"),
        ({"min_samples_leaf": 0}, "min_samples_leaf must be an integer of at least 1"),
        ({"max_samples": 0.7}, "trees that share a little bag see at most half, 1000"),
        ({"max_samples": -1}, "max_samples must be a share in"),
        ({"max_features": "log2"}, "max_features must be a share in"),
        ({"max_bins": 256}, "max_bins must lie between 2 and 255"),
        ({"min_balance": 0.6}, "min_balance must be between 0 and 0.5"),
        ({"honest_fraction": 1.0}, "honest_fraction must be between 0 and 1"),
        ({"n_groups": 3}, "must be a multiple of the number of little bags"),
    ],
)
def test_bad_parameters(options, message, data):
    with pytest.raises(ValueError, match=message):
        forest_of(**options).fit(data.X, data.y, treatment=data.treatment)


def test_bad_data(data):
    with pytest.raises(ValueError, match="leave 1 to a tree; it needs at least 2"):
        RegressionForest().fit(np.eye(4), np.arange(4.0))
    with pytest.raises(TypeError, match="sparse input is not supported"):
        forest_of().fit(sparse.csr_array(data.X), data.y, treatment=data.treatment)
    forest = forest_of(n_groups=200)
    assert not hasattr(forest, "effect_interval")


def test_a_forest_beyond_memory_is_refused_first(data, monkeypatch):
    from skcausal.estimation.forests import _planting

    monkeypatch.setattr(_planting, "_available_memory", lambda: 1000)
    with pytest.raises(MemoryError, match=r"200 trees with up to .* GiB are free"):
        forest_of().fit(data.X, data.y, treatment=data.treatment)


@pytest.mark.parametrize(
    ("options", "needed"),
    [
        ({}, 23),  # 5 / (.45 * .5), rounded up
        ({"honest": False}, 12),
        ({"honest_fraction": 0.8, "max_samples": 0.5}, 50),
        ({"max_samples": 500}, 40),
        ({"min_samples_leaf": 2}, 9),
    ],
)
def test_arms_too_small_for_leaves(data, options, needed):
    treatment = np.zeros(2000, dtype=int)
    treatment[: needed - 1] = 1
    message = (
        rf"arm 1 has {needed - 1} rows; leaves of .* need at least {needed}\. Lower"
    )
    with pytest.raises(ValueError, match=message):
        forest_of(**options).fit(data.X, data.y, treatment=treatment)
    treatment[needed - 1] = 1
    forest_of(n_estimators=2, **options).fit(data.X, data.y, treatment=treatment)


# --------------------------------------------------------------------------- compiling
def test_compiling_is_announced_once(data, monkeypatch, capsys):
    from skcausal.estimation.forests import _planting

    forest = forest_of(n_estimators=2, verbose=1)
    forest.fit(data.X, data.y, treatment=data.treatment)
    assert "compiling" not in capsys.readouterr().out
    monkeypatch.setattr(_planting, "_is_compiled", lambda: False)
    forest.fit(data.X, data.y, treatment=data.treatment)
    assert capsys.readouterr().out.count("compiling the kernels of forests") == 1
    forest.set_params(verbose=0).fit(data.X, data.y, treatment=data.treatment)
    assert capsys.readouterr().out == ""


def test_compiled_code_is_found(fitted, monkeypatch, tmp_path):
    """Kernels that this session compiled are found by another process."""
    from skcausal.estimation.forests import _planting

    code = (
        "from skcausal.estimation.forests import _growing, _planting; "
        "assert not getattr(_growing.grow_nodes, 'signatures', None); "
        "assert _planting._is_compiled()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    stats = SimpleNamespace(cache_path=str(tmp_path))
    kernel = SimpleNamespace(signatures=[], stats=stats)
    monkeypatch.setattr(_planting._growing, "grow_nodes", kernel)
    assert not _planting._is_compiled()
    version = f"py{sys.version_info.major}{sys.version_info.minor}"
    index = tmp_path / f"_growing.grow_nodes-1.{version}.nbi"
    index.touch()
    assert _planting._is_compiled()
    os.utime(index, (0, 0))  # older than the source
    assert not _planting._is_compiled()


def test_many_levels_of_noise_do_not_win_splits():
    """The best of 50 sorted levels looks good by luck; a real step must beat it."""
    rng = np.random.default_rng(0)
    n = 2000
    X = pd.DataFrame({"step": rng.uniform(size=n)})
    X["noise"] = pd.Categorical.from_codes(
        rng.integers(50, size=n), [f"level {k}" for k in range(50)]
    )
    treatment = rng.integers(0, 2, n)
    y = treatment * (X["step"] > 0.5) + rng.normal(size=n)
    forest = CausalForest(None, KnownPropensity(0.5), n_estimators=100, random_state=0)
    forest.fit(X, y, treatment=treatment)
    assert forest.feature_importances_[1] < 0.3
    forest.fit(X, rng.normal(size=n), treatment=treatment)
    assert 0.1 < forest.feature_importances_[1] < 0.7
