"""The engine: out-of-fold only, shared nuisances, parallel jobs, pickles."""

import pickle

import joblib
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV

from skcausal import causal_target
from skcausal.estimation import (
    DRLearner,
    KnownPropensity,
    RLearner,
    SLearner,
    TLearner,
    XLearner,
)
from skcausal.estimation._cache import clear_cache
from skcausal.validation import average_effect, get_scorer
from tests.estimation.helpers import (
    LEARNERS,
    CountingClassifier,
    CountingRegressor,
    SeenClassifier,
    SeenRegressor,
    learner_of,
    make_table,
)


@pytest.fixture
def table():
    return make_table()


@pytest.fixture
def fits():
    """Give the lists of fits of the counting models, emptied; with an empty cache."""
    clear_cache()
    CountingRegressor.fits.clear()
    CountingClassifier.fits.clear()
    yield CountingRegressor.fits, CountingClassifier.fits
    clear_cache()


# -------------------------------------------------------------------- out of fold
def seen_learners():
    line = LinearRegression()
    models = SeenRegressor(), SeenClassifier()
    return [
        SLearner(*models),
        TLearner(*models),
        XLearner(*models, line),
        RLearner(*models, line),
        DRLearner(*models, line),
    ]


def assert_nothing_was_seen(learner, n_arms):
    for name in learner.nuisances_.fits:
        values = learner.nuisances_[name]
        expected = 0 if name.startswith("outcome") else 1 / n_arms
        np.testing.assert_allclose(values, expected, err_msg=name)


@pytest.mark.parametrize("learner", seen_learners(), ids=LEARNERS)
@pytest.mark.parametrize("kind", ["binary", "multi"])
def test_no_model_predicts_a_row_that_trained_it(learner, kind):
    table = make_table(kind, 120)
    control = "none" if kind == "multi" else 0
    learner.set_params(control_arm=control, n_repeats=2)
    learner.fit(table.X, table.y, treatment=table.treatment)
    learner.average_effect()
    assert set(learner.nuisances_.fits) & {"outcome_by_arm", "outcome_pooled"}
    assert_nothing_was_seen(learner, learner.arms_.size)


@pytest.mark.parametrize("kind", ["binary", "continuous"])
def test_no_model_predicts_a_group_that_trained_it(kind, rng):
    table = make_table(kind)
    groups = rng.integers(12, size=90)
    table.X[:, 0] = groups  # what the memorising models go by
    discrete = kind == "binary"
    treatment_model = SeenClassifier() if discrete else SeenRegressor()
    learner = RLearner(SeenRegressor(), treatment_model, LinearRegression())
    learner.set_params(outcome_mean="direct").fit(
        table.X, table.y, treatment=table.treatment, groups=groups
    )
    np.testing.assert_array_equal(learner.nuisances_["outcome"], 0)
    expected = 0.5 if discrete else 0
    np.testing.assert_array_equal(learner.nuisances_["treatment_mean"], expected)


def test_losses_and_models_of_each_split(table):
    learner = learner_of("DR", cv=table.splits, random_state=0)
    learner.fit(table.X, table.y, treatment=table.treatment)
    fit = learner.nuisances_.fits["propensity"]
    assert len(fit.models) == len(fit.losses) == 3
    mu, e = (learner.nuisances_[n][0] for n in ("outcome_by_arm", "propensity"))
    expected = [
        -np.log(e[test, table.treatment[test]]).mean() for _, test in table.splits
    ]
    np.testing.assert_allclose(fit.losses, expected)
    by_arm = learner.nuisances_.fits["outcome_by_arm"]
    test = table.splits[0][1]
    treated = test[table.treatment[test] == 1]
    assert len(by_arm.models) == 6
    squares = (table.y[treated] - mu[treated, 1]) ** 2
    assert by_arm.losses[1] == pytest.approx(squares.mean())
    means = learner.nuisances_.losses()
    assert means["propensity"] == pytest.approx(np.mean(expected))


def test_estimates_are_read_only(table):
    learner = learner_of("DR").fit(table.X, table.y, treatment=table.treatment)
    with pytest.raises(ValueError, match="read-only"):
        learner.nuisances_["outcome_by_arm"][:] = 0


def test_constant_outcome_in_an_arm_needs_no_model(table):
    y = np.where(table.treatment == 1, table.y, 3.0)
    learner = learner_of("DR").fit(table.X, y, treatment=table.treatment)
    np.testing.assert_array_equal(learner.nuisances_["outcome_by_arm"][0, :, 0], 3)


# ------------------------------------------------------------------------ sharing
def dr(**options):
    options = {"cv": 3, "random_state": 0} | options
    return DRLearner(
        CountingRegressor(), CountingClassifier(), LinearRegression(), **options
    )


def test_learners_with_one_seed_share_equal_nuisances(table, fits):
    outcome, treatment = fits
    first = dr().fit(table.X, table.y, treatment=table.treatment)
    assert (len(outcome), len(treatment)) == (3, 3)
    dr(effect_features=[0]).fit(table.X, table.y, treatment=table.treatment)
    dr(min_propensity=0.02).fit(table.X, table.y, treatment=table.treatment)
    assert (len(outcome), len(treatment)) == (3, 3)
    # The R-learner's nuisances are the same, the propensity under another name.
    r = RLearner(CountingRegressor(), CountingClassifier(), LinearRegression(), cv=3)
    r.set_params(random_state=0).fit(table.X, table.y, treatment=table.treatment)
    assert (len(outcome), len(treatment)) == (3, 3)
    r_values, dr_values = r.nuisances_["treatment_mean"], first.nuisances_["propensity"]
    assert r_values is dr_values
    assert r.average_effect().value == first.average_effect().value
    assert (len(outcome), len(treatment)) == (3, 3)
    dr(outcome_by_arm=True).fit(table.X, table.y, treatment=table.treatment)
    assert (len(outcome), len(treatment)) == (9, 3)


@pytest.mark.parametrize(
    "change",
    [
        {"random_state": 1},
        {"cv": 4},
        {"n_repeats": 2},
        {"control_arm": 1},
        {"outcome_model__fit_intercept": False},
    ],
)
def test_nothing_else_is_shared(change, table, fits):
    dr().fit(table.X, table.y, treatment=table.treatment)
    before = len(fits[0])
    learner = dr().set_params(**change)
    learner.fit(table.X, table.y, treatment=table.treatment)
    assert len(fits[0]) > before


@pytest.mark.parametrize("part", ["X", "y", "treatment", "sample_weight"])
def test_other_rows_are_not_shared(part, table, fits):
    arguments = {
        "X": table.X,
        "y": table.y,
        "treatment": table.treatment,
        "sample_weight": np.ones(90),
    }
    dr(cv=table.splits).fit(**arguments)
    before = len(fits[0])
    changed = arguments[part].copy()
    changed[0] = 1 - changed[0] if part == "treatment" else changed[0] + 1
    dr(cv=table.splits).fit(**(arguments | {part: changed}))
    assert len(fits[0]) > before


@pytest.mark.parametrize("state", [None, np.random.RandomState(0)])
def test_without_an_integer_seed_nothing_is_shared(state, table, fits):
    for expected in (3, 6):
        learner = dr(random_state=state)
        learner.fit(table.X, table.y, treatment=table.treatment)
        assert len(fits[0]) == expected


def test_averages_fit_what_is_missing_once(table, fits):
    learner = TLearner(CountingRegressor(), CountingClassifier(), cv=3)
    learner.fit(table.X, table.y, treatment=table.treatment)
    assert (len(fits[0]), len(fits[1])) == (2, 0)
    learner.average_effect()
    learner.average_effect(target="treated", by=table.X[:, 0] > 0)
    assert (len(fits[0]), len(fits[1])) == (8, 3)


def test_refit_effect_fits_no_nuisance(table, fits):
    learner = dr(random_state=None, weighting="uniform")
    learner.fit(table.X, table.y, treatment=table.treatment)
    before = learner.effect(table.X)
    learner.set_params(effect_model=LinearRegression(fit_intercept=False))
    learner.refit_effect()
    assert (len(fits[0]), len(fits[1])) == (3, 3)
    assert not np.allclose(learner.effect(table.X), before)
    expected = np.linalg.lstsq(table.X, learner.scores_[:, 0], rcond=None)[0]
    np.testing.assert_allclose(learner.effect(table.X), table.X @ expected)


def test_a_search_over_effect_models_fits_nuisances_once_per_fold(table, fits):
    grid = {"effect_features": [[0], [1], [0, 1]], "min_propensity": [0.01, 0.02]}
    target = causal_target(table.y, table.treatment)
    search = GridSearchCV(dr(cv=2), grid, cv=3, scoring=get_scorer("r_score"))
    search.fit(table.X, target)
    assert len(search.cv_results_["params"]) == 6
    # Three folds and the refit; in each two inner folds with one outcome model.
    assert (len(fits[0]), len(fits[1])) == (4 * 2, 4 * 2)


def test_memory_keeps_nuisances_on_disk(table, fits, tmp_path):
    memory = joblib.Memory(str(tmp_path), verbose=0)
    first = dr(memory=memory).fit(table.X, table.y, treatment=table.treatment)
    assert (len(fits[0]), len(fits[1])) == (3, 3)
    for place in (memory, str(tmp_path)):
        clear_cache()  # as a new session would
        again = dr(memory=place).fit(table.X, table.y, treatment=table.treatment)
        assert (len(fits[0]), len(fits[1])) == (3, 3)
        np.testing.assert_array_equal(again.scores_, first.scores_)
    clear_cache()
    plain = dr().fit(table.X, table.y, treatment=table.treatment)
    np.testing.assert_allclose(plain.scores_, first.scores_)


# ----------------------------------------------------------------- parallel, pickle
@pytest.mark.parametrize("name", LEARNERS)
def test_results_do_not_depend_on_n_jobs(name, table):
    values = []
    for n_jobs, backend in ((1, "loky"), (2, "threading")):
        clear_cache()
        learner = learner_of(name, random_state=0, n_repeats=2, n_jobs=n_jobs)
        with joblib.parallel_config(backend=backend):
            learner.fit(table.X, table.y, treatment=table.treatment)
            average = learner.average_effect()
        values.append((learner.effect(table.X), average.influence))
    np.testing.assert_array_equal(values[0][0], values[1][0])
    np.testing.assert_array_equal(values[0][1], values[1][1])


def test_two_processes_give_the_same_with_default_models(table):
    scores = []
    for n_jobs in (1, 2):
        clear_cache()
        learner = DRLearner(cv=2, random_state=0, n_jobs=n_jobs)
        learner.fit(table.X, table.y, treatment=table.treatment)
        scores.append(learner.scores_)
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize("state", [3, np.random.RandomState(3)])
def test_random_state_reproduces(state, table):
    effects = []
    for _ in range(2):
        clear_cache()
        same = np.random.RandomState(3) if state != 3 else 3
        learner = DRLearner(cv=2, random_state=same)
        learner.fit(table.X, table.y, treatment=table.treatment)
        effects.append(learner.effect(table.X))
    np.testing.assert_array_equal(*effects)


@pytest.mark.parametrize("name", LEARNERS)
def test_pickle_keeps_effects_and_scores_but_no_rows(name, table):
    learner = learner_of(name, random_state=0)
    learner.fit(table.X, table.y, treatment=table.treatment)
    average = learner.average_effect()
    loaded = pickle.loads(pickle.dumps(learner))
    assert loaded._data.X is None
    np.testing.assert_array_equal(loaded.effect(table.X), learner.effect(table.X))
    assert loaded.average_effect().value == average.value
    by = loaded.average_effect(by=table.X[:, 0] > 0)
    assert by.value.shape == (2,)
    # Same rows, so the two estimates may still be subtracted.
    assert (loaded.average_effect() - average).standard_error == pytest.approx(0)


def test_pickle_size_does_not_grow_with_the_features(rng):
    sizes = []
    for n_features in (1, 500):
        X = rng.normal(size=(200, n_features))
        treatment = np.arange(200) % 2
        learner = DRLearner(
            SeenRegressor(), KnownPropensity(), SeenRegressor(), random_state=0
        )
        learner.fit(X, X[:, 0], treatment=treatment)
        sizes.append(len(pickle.dumps(learner)))
    assert sizes[1] < sizes[0] + 1000


def test_a_pickled_learner_says_what_it_cannot_do(table):
    learner = learner_of("T").fit(table.X, table.y, treatment=table.treatment)
    loaded = pickle.loads(pickle.dumps(learner))
    with pytest.raises(ValueError, match=r"TLearner.average_effect: .* pickled"):
        loaded.average_effect()
    dr_loaded = pickle.loads(
        pickle.dumps(learner_of("DR").fit(table.X, table.y, treatment=table.treatment))
    )
    with pytest.raises(ValueError, match=r"refit_effect before pickling, or use"):
        dr_loaded.refit_effect()
    estimate = average_effect(
        loaded.effect(table.X), table.X, table.y, treatment=table.treatment
    )
    assert np.isfinite(estimate.value)
