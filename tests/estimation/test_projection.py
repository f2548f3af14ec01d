"""Best linear projection of every learner: truth, coverage, arms, bad input."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal import causal_target, effect_of
from skcausal.datasets import make_observational
from skcausal.estimation import CausalForest, DRLearner, EffectStacking, RLearner
from skcausal.testing import all_effect_learners
from tests.estimation.helpers import LEARNERS, learner_of, make_table

TRUTH = np.array([2.0, 1.0, 0.0])  # of 1 + x0 + x1^2 for standard normal x


def make_curved(seed, n=500):
    """Confounded by x0; the effect bends with x1."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    chance = 1 / (1 + np.exp(-0.5 * X[:, 0]))
    treatment = (rng.uniform(size=n) < chance).astype(int)
    effect = 1 + X[:, 0] + X[:, 1] ** 2
    return X, X[:, 0] + effect * treatment + rng.normal(size=n), treatment


def test_the_truth_over_draws():
    """A hundred draws; the array formula's coverage is tested on its own."""
    models = LinearRegression(), LogisticRegression(), LinearRegression()
    learner = DRLearner(*models, cv=2, random_state=0)
    covered, distances = [], []
    for seed in range(100):
        X, y, treatment = make_curved(seed)
        estimate = learner.fit(X, y, treatment=treatment).best_linear_projection()
        lower, upper = estimate.interval()
        covered.append((lower < TRUTH) & (upper > TRUTH))
        distances.append((estimate.value - TRUTH) / estimate.standard_error)
    assert (np.abs(np.mean(distances, axis=0)) < 4 / np.sqrt(100)).all()
    assert (stats.chi2(100).sf(np.square(distances).sum(axis=0)) > 1e-4).all()
    assert np.mean(covered) > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 100)


@pytest.mark.parametrize("target", ["treated", "control", "overlap"])
def test_other_targets_weigh_the_population(target):
    """Twenty draws against least squares of the effect with the target's weights."""
    X, _, _ = make_curved(0, 200_000)
    e = 1 / (1 + np.exp(-0.5 * X[:, 0]))
    weight = {"treated": e, "control": 1 - e, "overlap": e * (1 - e)}[target]
    line = LinearRegression().fit(X, 1 + X[:, 0] + X[:, 1] ** 2, weight)
    truth = np.array([line.intercept_, *line.coef_])
    learner = learner_of("DR", cv=2, random_state=0)
    distances = []
    for seed in range(20):
        X, y, treatment = make_curved(seed)
        learner.fit(X, y, treatment=treatment)
        estimate = learner.best_linear_projection(target=target)
        distances.append((estimate.value - truth) / estimate.standard_error)
    assert (np.abs(np.mean(distances, axis=0)) < 4 / np.sqrt(20)).all()
    total = np.square(distances).sum(axis=0)
    assert (stats.chi2(20).sf(total) > 1e-4).all()


@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
@pytest.mark.parametrize("kind", ["binary", "multi", "continuous"])
@pytest.mark.parametrize("name", LEARNERS)
def test_every_learner_and_treatment(name, kind):
    """Without features the intercept is the average effect."""
    if kind == "continuous" and name not in ("S", "R"):
        return
    table = make_table(kind)
    control = "none" if kind == "multi" else None
    model = LinearRegression() if kind == "continuous" else None
    learner = learner_of(
        name, cv=table.splits, control_arm=control, treatment_model=model
    )
    learner.set_params(random_state=0).fit(
        table.X, table.y, treatment=table.treatment, groups=np.arange(90) // 3
    )
    projection = learner.best_linear_projection()
    arms = {"multi": ("call vs none", "mail vs none")}.get(kind, ())
    names = ("intercept", "x0", "x1")
    expected = tuple((arm, name) for arm in arms for name in names) or names
    assert projection.labels == expected
    average = learner.average_effect()
    alone = learner.best_linear_projection(np.empty((90, 0)))
    np.testing.assert_allclose(alone.value, average.value)
    np.testing.assert_allclose(alone.standard_error, average.standard_error, rtol=0.02)
    np.testing.assert_array_equal(projection.groups, average.groups)


@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
def test_repeats_and_forests():
    data = make_observational(1500, 3, random_state=0)
    learner = RLearner(LinearRegression(), cv=2, n_repeats=3, random_state=0)
    learner.set_params(treatment_model=LogisticRegression())
    learner.fit(data.X, data.y, treatment=data.treatment)
    estimate = learner.best_linear_projection()
    assert estimate.values.shape == (3, 4)
    assert estimate.influences.shape == (3, 1500, 4)
    linear = LinearRegression(), LogisticRegression()
    forest = CausalForest(*linear, n_estimators=50, random_state=0)
    forest.fit(data.X, data.y, treatment=data.treatment)
    truth = LinearRegression().fit(data.X, data.effect)
    truth = np.array([truth.intercept_, *truth.coef_])
    for one in (estimate, forest.best_linear_projection()):
        assert one.labels == ("intercept", *data.X.columns)
        assert (np.abs(one.value - truth) < 4 * one.standard_error).all()


def test_own_features_in_any_container():
    data = make_observational(300, 3, random_state=0)
    learner = learner_of("DR", cv=2, random_state=0)
    learner.fit(data.X, data.y, treatment=data.treatment)
    old = (data.X["x1"] > 0).to_numpy()
    expected = learner.best_linear_projection(old[:, None])
    frames = pd.DataFrame({"old": old}), pl.DataFrame({"old": old})
    for frame in frames:
        ours = learner.best_linear_projection(frame)
        np.testing.assert_array_equal(ours.value, expected.value)
        assert ours.labels == ("intercept", "old")
    # The slope of an indicator is the difference of two subgroups.
    by = learner.average_effect(by=old)
    difference = by.value[1] - by.value[0]
    assert ours.value[1] == pytest.approx(difference)
    error = np.hypot(*by.standard_error)
    assert ours.standard_error[1] == pytest.approx(error, rel=0.05)


def test_pipelines_wrappers_and_pickles():
    X, y, treatment = make_curved(0)
    learner = learner_of("DR", cv=2, random_state=0)
    expected = learner.fit(X, y, treatment=treatment).best_linear_projection(X).value
    copy = pickle.loads(pickle.dumps(learner))
    np.testing.assert_array_equal(copy.best_linear_projection(X).value, expected)
    with pytest.raises(ValueError, match=r"best_linear_projection: a learner that was"):
        copy.best_linear_projection()
    pipeline = make_pipeline(StandardScaler(), learner)
    pipeline.fit(X, causal_target(y, treatment))
    ours = effect_of(pipeline).best_linear_projection(X).value
    np.testing.assert_allclose(ours, expected, atol=0.05)
    stacking = EffectStacking([("dr", learner)], cv=2, random_state=0)
    stacking.fit(X, y, treatment=treatment)
    assert stacking.best_linear_projection(X, target="overlap").value.shape == (3,)


def test_all_learners_have_it():
    assert all(hasattr(one, "best_linear_projection") for one in all_effect_learners())


def test_bad_features():
    data = make_observational(300, 3, random_state=0)
    learner = learner_of("DR", cv=2, random_state=0)
    learner.fit(data.X, data.y, treatment=data.treatment)
    text = pd.DataFrame({"city": pd.Categorical(["a", "b", "c"] * 100)})
    with pytest.raises(ValueError, match="feature 'city' is a category or text"):
        learner.best_linear_projection(text)
    missing = data.X.where(data.X["x1"] < 1)
    with pytest.raises(ValueError, match=r"features \['x1', 'x2', 'x3'\] have missing"):
        learner.best_linear_projection(missing)
    with pytest.raises(ValueError, match=r"for each of the 300 .* got shape \(7, 3\)"):
        learner.best_linear_projection(data.X[:7])
    with pytest.raises(ValueError, match="target must be one of"):
        learner.best_linear_projection(target="everyone")
    unfitted = DRLearner()
    with pytest.raises(ValueError, match="not fitted"):
        unfitted.best_linear_projection()
