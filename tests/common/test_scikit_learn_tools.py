"""Plain scikit-learn objects tune, validate and carry our learners, both ways."""

import pickle
import warnings

import numpy as np
import pytest
import sklearn
from scipy import stats
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
    RandomizedSearchCV,
    cross_val_predict,
    cross_validate,
)
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from skcausal import add_nuisances, causal_target, effect_of
from skcausal.datasets import make_ab_test
from skcausal.estimation import DRLearner, KnownPropensity
from skcausal.validation import TreatmentStratifiedKFold, get_scorer

DESIGN = KnownPropensity(0.5)
GRID = {"drlearner__effect_model__alpha": [1.0, 1e6]}
SCORERS = ("r_score", "dr_score", "qini", "auuc", "autoc", "calibration")


def scorer(name="r_score"):
    return get_scorer(name, propensity_model=DESIGN, cv=2, random_state=0)


@pytest.fixture(scope="module")
def table():
    data = make_ab_test(600, missing=0.0, effect_size=3.0, random_state=0)
    numbers = data.X.select_dtypes("number").columns
    return data.X[[*numbers, "channel", "region"]], data.y, data.treatment


@pytest.fixture
def pipeline():
    encode = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["channel", "region"]),
        remainder="passthrough",
    )
    learner = DRLearner(LinearRegression(), DESIGN, Ridge(), cv=2, random_state=0)
    return make_pipeline(encode, learner)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_grid_search_carries_the_causal_target(table, pipeline, n_jobs):
    X, y, treatment = table
    search = GridSearchCV(
        pipeline, GRID, scoring=scorer(), cv=2, error_score="raise", n_jobs=n_jobs
    ).fit(X, causal_target(y, treatment))
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    assert np.isfinite(search.best_score_)
    effects = effect_of(search).effect(X)
    np.testing.assert_array_equal(effects, search.predict(X))
    assert effect_of(search).average_effect().standard_error > 0
    assert np.isfinite(search.score(X, causal_target(y, treatment)))


def test_grid_search_with_routing_gives_the_same(table, pipeline):
    X, y, treatment = table
    options = {"scoring": scorer(), "cv": 2, "error_score": "raise"}
    packed = GridSearchCV(pipeline, GRID, **options).fit(X, causal_target(y, treatment))
    with sklearn.config_context(enable_metadata_routing=True):
        routed = GridSearchCV(pipeline, GRID, **options).fit(X, y, treatment=treatment)
        score = routed.score(X, y, treatment=treatment)
    np.testing.assert_allclose(
        routed.cv_results_["mean_test_score"], packed.cv_results_["mean_test_score"]
    )
    assert score == pytest.approx(packed.score(X, causal_target(y, treatment)))


def test_routing_works_for_pipelines_splitters_and_own_scores(table, pipeline):
    X, y, treatment = table
    with sklearn.config_context(enable_metadata_routing=True):
        fitted = clone(pipeline).fit(X, y, treatment=treatment)
        assert np.isfinite(fitted.score(X, y, treatment=treatment))
        results = cross_validate(
            pipeline,
            X,
            y,
            params={"treatment": treatment},
            scoring={name: scorer(name) for name in SCORERS},
            cv=TreatmentStratifiedKFold(2, random_state=0),
            error_score="raise",
        )
    for name in SCORERS:
        assert np.isfinite(results[f"test_{name}"]).all()


def test_several_scorers_without_routing(table, pipeline):
    X, y, treatment = table
    folds = TreatmentStratifiedKFold(2, random_state=0)
    target = causal_target(y, treatment)
    search = RandomizedSearchCV(
        pipeline,
        {"drlearner__effect_model__alpha": stats.loguniform(1, 1e3)},
        n_iter=2,
        scoring={name: scorer(name) for name in SCORERS},
        refit="qini",
        cv=folds,
        error_score="raise",
        random_state=0,
    ).fit(X, target)
    for name in SCORERS:
        assert np.isfinite(search.cv_results_[f"mean_test_{name}"]).all()


def test_cross_val_predict_clone_pickle_and_display(table, pipeline):
    X, y, treatment = table
    target = causal_target(y, treatment)
    effects = cross_val_predict(pipeline, X, target, cv=2)
    assert effects.shape == (600,)
    fitted = clone(pipeline).fit(X, target)
    copy = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(copy.predict(X), fitted.predict(X))
    assert "DRLearner" in fitted._repr_html_()
    assert "DRLearner" in repr(fitted)


def test_a_bare_outcome_says_what_to_do(table, pipeline):
    X, y, _ = table
    search = GridSearchCV(pipeline, GRID, scoring=scorer(), cv=2)
    with pytest.raises(ValueError, match="causal_target"):
        search.fit(X, y)


def test_a_scorer_without_treatment_never_passes_silently(table):
    X, y, treatment = table
    X = X.select_dtypes("number")
    learner = DRLearner(LinearRegression(), DESIGN, Ridge(), cv=2, random_state=0)
    options = {"scoring": scorer(), "cv": 2}
    grid = {"effect_model__alpha": [1.0, 2.0]}
    with pytest.raises(ValueError, match="enable_metadata_routing"):
        GridSearchCV(learner, grid, error_score="raise", **options).fit(
            X, y, treatment=treatment
        )
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        GridSearchCV(learner, grid, refit=False, **options).fit(
            X, y, treatment=treatment
        )
    messages = [str(warning.message) for warning in warned]
    assert any("no treatment arrived" in message for message in messages)
    assert any("non-finite" in message for message in messages)


def test_a_scorer_that_is_not_causal_fails(table, pipeline):
    X, y, treatment = table
    with pytest.raises((TypeError, ValueError)):
        cross_validate(
            pipeline,
            X,
            causal_target(y, treatment),
            scoring="neg_mean_squared_error",
            cv=2,
            error_score="raise",
        )


def test_nuisances_in_the_target_are_used_by_scorers(table):
    X, y, treatment = table
    X = X.select_dtypes("number")
    target = causal_target(y, treatment)
    splits = list(TreatmentStratifiedKFold(2, random_state=0).split(X, target))
    rich = add_nuisances(
        X,
        target,
        cv=splits,
        outcome_model=Ridge(),
        propensity_model=LogisticRegression(max_iter=2000),
    )

    class Refuses(Ridge):
        def fit(self, X, y, sample_weight=None):
            raise AssertionError("a scorer refitted a nuisance it was given")

    strict = get_scorer("dr_score", outcome_model=Refuses(), propensity_model=DESIGN)
    learner = DRLearner(LinearRegression(), DESIGN, Ridge(), cv=2, random_state=0)
    results = cross_validate(
        learner, X, rich, scoring=strict, cv=splits, error_score="raise"
    )
    assert np.isfinite(results["test_score"]).all()
