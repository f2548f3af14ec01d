"""EconML's estimators behind our interface: the same numbers, our tools."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from skcausal import causal_target, effect_of
from skcausal.datasets import make_observational
from skcausal.estimation.adapters import EconMLEffect
from skcausal.testing import as_plain_estimator

dml = pytest.importorskip("econml.dml")
metalearners = pytest.importorskip("econml.metalearners")
dr = pytest.importorskip("econml.dr")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def data():
    bunch = make_observational(600, n_features=3, effect="linear", random_state=0)
    return np.asarray(bunch.X), np.asarray(bunch.y), np.asarray(bunch.treatment)


def linear_dml():
    return dml.LinearDML(
        model_y=LinearRegression(),
        model_t=LogisticRegression(),
        discrete_treatment=True,
        cv=2,
        random_state=0,
    )


def test_effects_and_intervals_are_those_of_econml(data):
    X, y, treatment = data
    own = linear_dml().fit(y, treatment, X=X)
    ours = EconMLEffect(linear_dml()).fit(X, y, treatment=treatment)
    np.testing.assert_allclose(ours.effect(X), own.effect(X))
    for bound, expected in zip(
        ours.effect_interval(X, level=0.9),
        own.effect_interval(X, alpha=0.1),
        strict=True,
    ):
        np.testing.assert_allclose(bound, expected)


def test_labels_of_several_arms(data):
    X, y, _ = data
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 3, len(y))
    labels = np.array(["none", "call", "mail"])[codes]
    y = y + 2.0 * codes
    estimator = dr.LinearDRLearner(
        model_regression=LinearRegression(),
        model_propensity=LogisticRegression(),
        random_state=0,
    )
    ours = EconMLEffect(estimator, control_arm="none").fit(X, y, treatment=labels)
    assert ours.arms_.tolist() == ["none", "call", "mail"]
    effects = ours.effect(X)
    assert effects.shape == (600, 2)
    np.testing.assert_allclose(effects.mean(axis=0), [2, 4], atol=0.6)
    lower, upper = ours.effect_interval(X)
    assert lower.shape == (600, 2)
    assert (lower < upper).all()


def test_continuous_treatment(data):
    X, y, _ = data
    dose = np.random.default_rng(0).normal(size=len(y))
    estimator = dml.LinearDML(model_y=LinearRegression(), model_t=LinearRegression())
    ours = EconMLEffect(estimator, random_state=0).fit(X, y + 3 * dose, treatment=dose)
    slopes = ours.effect(X)
    assert np.median(slopes) == pytest.approx(3, abs=0.5)
    np.testing.assert_allclose(ours.effect(X, treated=3, control=1), 2 * slopes)


def test_controls_and_effect_features(data):
    X, y, treatment = data
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    ours = EconMLEffect(linear_dml(), effect_features=["b"])
    ours.fit(frame, y, treatment=treatment)
    own = linear_dml().fit(y, treatment, X=X[:, [1]], W=X[:, [0, 2]])
    np.testing.assert_allclose(ours.effect(frame), own.effect(X[:, [1]]))


def test_a_search_tunes_the_inner_estimator(data):
    X, y, treatment = data
    learner = EconMLEffect(
        metalearners.TLearner(models=Lasso(alpha=0.1)), random_state=0
    )
    search = GridSearchCV(
        make_pipeline(StandardScaler(), learner),
        {"econmleffect__estimator__models__alpha": [0.01, 100.0]},
        cv=2,
        error_score="raise",
    )
    search.fit(X, causal_target(y, treatment))
    assert search.best_params_ == {"econmleffect__estimator__models__alpha": 0.01}
    assert effect_of(search).effect(X).shape == (600,)
    assert learner.estimator.models.alpha == 0.1  # never changed


def test_averages_are_doubly_robust(data):
    X, y, treatment = data
    learner = EconMLEffect(
        linear_dml(), LinearRegression(), LogisticRegression(), random_state=0
    )
    estimate = learner.fit(X, y, treatment=treatment).average_effect()
    truth = make_observational(
        600, n_features=3, effect="linear", random_state=0
    ).average_effect
    assert abs(estimate.value - truth) < 4 * estimate.standard_error


def test_check_estimator():
    learner = EconMLEffect(
        metalearners.TLearner(models=LinearRegression()),
        LinearRegression(),
        LogisticRegression(),
        cv=2,
        random_state=0,
    )
    results = check_estimator(as_plain_estimator(learner), on_fail=None, on_skip=None)
    failed = {
        one["check_name"]: one["exception"]
        for one in results
        if one["status"] == "failed"
    }
    # EconML's metalearners take no weights, which the checks hand to every ``fit``.
    assert set(failed) == {
        "check_sample_weights_pandas_series",
        "check_sample_weights_not_an_array",
        "check_sample_weights_list",
        "check_sample_weights_shape",
        "check_sample_weights_not_overwritten",
        "check_sample_weight_equivalence_on_dense_data",
        "check_sample_weight_equivalence_on_sparse_data",
    }


@pytest.mark.parametrize(
    ("estimator", "message"),
    [
        (LinearRegression(), "must be an EconML estimator"),
        (dml.LinearDML, "must be an EconML estimator"),
        (dml.LinearDML(), "discrete_treatment=True"),
    ],
)
def test_wrong_estimators_are_refused(data, estimator, message):
    X, y, treatment = data
    with pytest.raises((TypeError, ValueError), match=message):
        EconMLEffect(estimator).fit(X, y, treatment=treatment)


def test_instruments_weights_and_categories_are_refused(data):
    iv = pytest.importorskip("econml.iv.dml")
    X, y, treatment = data
    with pytest.raises(ValueError, match="needs an instrument"):
        EconMLEffect(iv.OrthoIV(discrete_treatment=True)).fit(X, y, treatment=treatment)
    plain = EconMLEffect(metalearners.TLearner(models=LinearRegression()))
    with pytest.raises(ValueError, match="takes no sample_weight"):
        plain.fit(X, y, treatment=treatment, sample_weight=np.ones(600))
    frame = pd.DataFrame(X).assign(shop=pd.Categorical(["a", "b"] * 300))
    frame.columns = frame.columns.astype(str)
    with pytest.raises(ValueError, match="Encode it first"):
        plain.fit(frame, y, treatment=treatment)
    with pytest.raises(ValueError, match="has no parameter 'depth'"):
        plain.set_params(estimator__depth=3)


def test_clone_and_intervals_by_availability(data):
    X, y, treatment = data
    learner = clone(EconMLEffect(metalearners.TLearner(models=LinearRegression())))
    assert not hasattr(learner, "effect_interval")
    learner.fit(X, y, treatment=treatment)
    assert not hasattr(learner, "effect_interval")
    assert hasattr(
        EconMLEffect(linear_dml()).fit(X, y, treatment=treatment), "effect_interval"
    )
