"""RegressionForest: scikit-learn's checks, truth, coverage, use as a nuisance model."""

import pickle

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from skcausal.datasets import make_observational
from skcausal.estimation import DRLearner, RegressionForest

ROWS_ARE_DRAWN = {
    f"check_sample_weight_equivalence_on_{kind}_data": "trees draw rows, not weights"
    for kind in ("dense", "sparse")
}


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (2000, 4))
    mean = 100 + np.where(X[:, 0] > 0, 2.0, 0.0) + X[:, 1] ** 2
    return X, mean, mean + rng.normal(0, 0.5, 2000)


def fitted(table, **options):
    X, _, y = table
    options = {"n_estimators": 100, "random_state": 0} | options
    return RegressionForest(**options).fit(X, y)


@pytest.mark.filterwarnings("ignore")
def test_check_estimator():
    results = check_estimator(
        RegressionForest(n_estimators=20, min_samples_leaf=1, random_state=0),
        expected_failed_checks=ROWS_ARE_DRAWN,
        on_fail=None,
        on_skip=None,
    )
    failed = {
        r["check_name"]: r["exception"] for r in results if r["status"] == "failed"
    }
    assert failed == {}


def test_predictions_and_intervals(table):
    X, mean, _ = table
    forest = fitted(table)
    error = forest.oob_prediction_ - mean
    assert np.sqrt(np.mean(error**2)) < 0.25 * mean.std()
    assert 0.7 < forest.oob_score_ < 1
    lower, upper = forest.oob_interval()
    new_lower, new_upper = forest.predict_interval(X)
    assert (lower < upper).all()
    assert (new_lower < forest.predict(X)).all()
    assert (forest.predict(X) < new_upper).all()
    assert set(forest.feature_importances_.argsort()[-2:]) == {0, 1}


def test_predictions_are_weighted_means(table):
    X, _, y = table
    forest = fitted(table)
    weights = forest.forest_weights(X[:30])
    np.testing.assert_allclose(forest.predict(X[:30]), weights @ y, rtol=1e-5)
    wide = fitted(table, honest=False)
    weights = wide.forest_weights(X[:30])
    np.testing.assert_allclose(wide.predict(X[:30]), weights @ y, rtol=1e-5)


def test_out_of_bag_leaves_the_row_out(table):
    """A row's own outcome does not move its out-of-bag prediction."""
    X, _, y = table
    changed = y.copy()
    changed[0] += 1000
    one = RegressionForest(100, random_state=0).fit(X, y)
    two = RegressionForest(100, random_state=0).fit(X, changed)
    assert abs(two.oob_prediction_[0] - one.oob_prediction_[0]) < 0.1
    assert two.predict(X[:1])[0] - one.predict(X[:1])[0] > 5


def test_in_scikit_learns_tools(table):
    X, _, y = table
    pipeline = make_pipeline(
        StandardScaler(), RegressionForest(n_estimators=20, random_state=0)
    )
    grid = {"regressionforest__min_samples_leaf": [5, 400]}
    search = GridSearchCV(pipeline, grid, cv=2).fit(X, y)
    assert search.best_params_["regressionforest__min_samples_leaf"] == 5
    copy = pickle.loads(pickle.dumps(search.best_estimator_))
    np.testing.assert_array_equal(copy.predict(X), search.predict(X))


def test_as_a_nuisance_model():
    data = make_observational(1000, 4, random_state=0)
    forest = RegressionForest(n_estimators=50)
    learner = DRLearner(outcome_model=forest, random_state=0)
    learner.fit(data.X, data.y, treatment=data.treatment)
    estimate = learner.average_effect()
    assert abs(estimate.value - data.average_effect) < 4 * estimate.standard_error
