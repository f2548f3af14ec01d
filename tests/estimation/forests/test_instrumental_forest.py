"""InstrumentalForest: local effects, their averages, how the instrument travels."""

import numpy as np
import pytest
from scipy import stats
from sklearn import config_context
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal import OverlapWarning, causal_target
from skcausal.estimation import BootstrapEffect, InstrumentalForest
from skcausal.testing import LAWS

# Other targets of averages; outcome models by arm; an instrument that fails first.
OTHER_LAWS = {
    "influence_has_mean_zero",
    "no_row_sees_itself",
    "bad_treatments_are_errors",
}


def make_table(n=3000, seed=0, *, effect="step"):
    """Encouragement design: a hidden cause moves treatment and outcome."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    hidden = rng.normal(size=n)
    chance = 1 / (1 + np.exp(-0.5 * X[:, 1]))
    instrument = (rng.uniform(size=n) < chance).astype(int)
    index = 1.5 * instrument + hidden + 0.3 * X[:, 1] + rng.normal(size=n)
    treatment = (index > 0.7).astype(int)
    tau = 1 + 2.0 * (X[:, 0] > 0) if effect == "step" else np.full(n, 1.5)
    y = tau * treatment + hidden + X[:, 1] + 0.5 * rng.normal(size=n)
    return X, y, treatment, instrument, tau


def forest_of(**options):
    models = LinearRegression(), LogisticRegression(), LogisticRegression()
    return InstrumentalForest(
        *models, **{"n_estimators": 100, "random_state": 0} | options
    )


def fitted(table, **options):
    X, y, treatment, instrument, _ = table
    return forest_of(**options).fit(X, y, treatment=treatment, instrument=instrument)


def test_local_effects():
    table = make_table()
    X, tau = table[0], table[-1]
    forest = fitted(table)
    effects = forest.effect(X)
    assert np.corrcoef(effects, tau)[0, 1] > 0.8
    lower, upper = forest.effect_interval(X)
    assert np.mean((lower < tau) & (tau < upper)) > 0.85
    assert forest.feature_importances_.argmax() == 0
    weights = forest.forest_weights(X[:5]).toarray()
    y, w, z = forest._residuals
    for weight, effect in zip(weights, effects[:5], strict=True):
        centred = z - weight @ z
        slope = (weight * centred) @ (y - weight @ y) / ((weight * centred) @ w)
        assert effect == pytest.approx(slope, rel=1e-3)


@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
@pytest.mark.parametrize("target", ["all", "overlap"])
def test_averages_over_draws(target):
    distances = []
    for seed in range(10):
        table = make_table(2000, seed, effect="constant")
        estimate = fitted(table).average_effect(target=target)
        distances.append((estimate.value - 1.5) / estimate.standard_error)
    assert abs(np.mean(distances)) < 4 / np.sqrt(10)
    assert stats.chi2(10).sf(np.sum(np.square(distances))) > 1e-4


def test_overlap_average_is_the_instrumental_coefficient():
    forest = fitted(make_table(500))
    y, w, z = forest._residuals
    estimate = forest.average_effect(target="overlap")
    value = (z @ y) / (z @ w)
    assert estimate.value == pytest.approx(value)
    influence = z * (y - value * w) / np.mean(z * w)
    error = influence.std(ddof=1) / np.sqrt(500)
    assert estimate.standard_error == pytest.approx(error, rel=1e-6)
    by_sign = forest.average_effect(target="overlap", by=np.arange(500) % 2)
    assert by_sign.labels == (0, 1)


@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
@pytest.mark.parametrize("target", ["all", "overlap"])
def test_projection_of_local_effects(target):
    """A constant effect has an intercept only, also where the lot discourages."""
    X, y, treatment, instrument, _ = make_table(2000, effect="constant")
    for lot in (instrument, 1 - instrument):
        forest = forest_of().fit(X, y, treatment=treatment, instrument=lot)
        estimate = forest.best_linear_projection(target=target)
        distance = (estimate.value - [1.5, 0, 0, 0]) / estimate.standard_error
        assert np.abs(distance).max() < 4
        assert np.max(estimate.standard_error) < 0.3
    average = forest.average_effect(target=target)
    alone = forest.best_linear_projection(np.empty((2000, 0)), target=target)
    np.testing.assert_allclose(alone.value, average.value)


def test_a_treatment_that_is_its_own_instrument_obeys_the_laws():
    class Compliant(InstrumentalForest):
        def fit(self, X, y, *, treatment=None, sample_weight=None, groups=None):
            packed = getattr(y, "dtype", None) is not None and y.dtype.names
            field = y["treatment"] if packed else treatment
            return super().fit(
                X,
                y,
                treatment=treatment,
                instrument=field,
                sample_weight=sample_weight,
                groups=groups,
            )

    models = LinearRegression(), LogisticRegression(), LogisticRegression()
    forest = Compliant(*models, cv=2, n_estimators=100, random_state=0)
    for name in sorted(LAWS.keys() - OTHER_LAWS):
        LAWS[name](forest)


def test_the_instrument_travels_both_ways():
    X, y, treatment, instrument, _ = make_table(600)
    keyword = fitted(make_table(600)).effect(X)
    target = causal_target(y, treatment, instrument=instrument)
    np.testing.assert_array_equal(forest_of().fit(X, target).effect(X), keyword)
    labels = np.array(["a", "b"])[instrument]
    named = forest_of().fit(X, y, treatment=treatment, instrument=labels)
    np.testing.assert_array_equal(named.effect(X), keyword)
    pipeline = make_pipeline(StandardScaler(), forest_of(n_estimators=20))
    assert cross_val_predict(pipeline, X, target, cv=2).shape == (600,)
    grid = {"instrumentalforest__min_samples_leaf": [5, 20]}
    with config_context(enable_metadata_routing=True):
        search = GridSearchCV(pipeline, grid, cv=2, scoring=lambda e, X, y: 0.0)
        search.fit(X, y, treatment=treatment, instrument=instrument)
    assert search.predict(X).shape == (600,)


def test_the_instrument_travels_through_wrappers():
    X, y, treatment, instrument, _ = make_table(400)
    target = causal_target(y, treatment, instrument=instrument)
    forest = forest_of(n_estimators=20, min_samples_leaf=10)
    wrapped = BootstrapEffect(forest, n_bootstrap=3, random_state=0)
    lower, upper = wrapped.fit(X, target).effect_interval(X)
    assert (lower < upper).all()


def test_continuous_treatment_and_instrument():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3000, 2))
    hidden, z = rng.normal(size=(2, 3000))
    treatment = z + hidden + 0.5 * rng.normal(size=3000)
    y = 2 * treatment + 2 * hidden + X[:, 0]
    line = LinearRegression()
    forest = InstrumentalForest(line, line, line, n_estimators=100, random_state=0)
    forest.fit(X, y, treatment=treatment, instrument=z)
    assert forest.effect(X).mean() == pytest.approx(2, abs=0.15)
    estimate = forest.average_effect(target="overlap")
    assert abs(estimate.value - 2) < 4 * estimate.standard_error
    with pytest.raises(ValueError, match="'all' needs a binary instrument"):
        forest.average_effect()


def test_bad_instruments():
    X, y, treatment, instrument, _ = make_table(200)
    with pytest.raises(ValueError, match="no instrument arrived"):
        forest_of().fit(X, y, treatment=treatment)
    cases = {
        "one value": np.ones(200),
        "3 labels": np.array(["a", "b", "c", "a"] * 50),
        "1 missing": np.where(np.arange(200) == 3, np.nan, instrument),
        "each of the 200 rows, got 7": instrument[:7],
    }
    for message, values in cases.items():
        with pytest.raises(ValueError, match=message):
            forest_of().fit(X, y, treatment=treatment, instrument=values)
    with pytest.raises(ValueError, match="target must be 'all' or 'overlap'"):
        fitted(make_table(200)).average_effect(target="treated")
    target = causal_target(y, treatment, instrument=instrument)
    with pytest.raises(ValueError, match="instrument is given twice"):
        forest_of().fit(X, target, instrument=instrument)


def test_sides_of_the_instrument_too_small_for_leaves():
    X, y, treatment, _, _ = make_table(400)
    instrument = (np.arange(400) < 88).astype(int)
    with pytest.raises(ValueError, match=r"higher value .* has 88 rows; .* least 89"):
        forest_of().fit(X, y, treatment=treatment, instrument=instrument)
    instrument[88] = 1
    forest_of(n_estimators=2).fit(X, y, treatment=treatment, instrument=instrument)


def test_a_weak_instrument_is_named():
    X, y, treatment, _, _ = make_table(400)
    noise = np.random.default_rng(1).integers(0, 2, 400)
    forest = forest_of().fit(X, y, treatment=treatment, instrument=noise)
    with pytest.warns(OverlapWarning, match="moves the treatment of"):
        forest.average_effect()
