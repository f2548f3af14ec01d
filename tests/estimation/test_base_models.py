"""Base models of every kind: Pipelines, searches, frozen ones, with weights or not."""

import numpy as np
import pytest
from sklearn import config_context
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestRegressor, StackingRegressor, VotingRegressor
from sklearn.feature_selection import SelectKBest, f_regression
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LassoCV, LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal.estimation import (
    DRLearner,
    KnownPropensity,
    RLearner,
    SLearner,
    TLearner,
    XLearner,
    default_classifier,
    default_regressor,
)
from tests.estimation.helpers import (
    LEARNERS,
    Unweighted,
    learner_of,
    logit,
    make_table,
    ols,
)

LINE = LinearRegression()


@pytest.fixture
def table():
    return make_table()


def fit(learner, table, **metadata):
    return learner.fit(table.X, table.y, treatment=table.treatment, **metadata)


# ----------------------------------------------------------- Pipelines and searches
def scaled_copy(model):
    return None if model is None else make_pipeline(StandardScaler(), model)


def searched_copy(model):
    return GridSearchCV(model, {"fit_intercept": [True]}, cv=2)


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("wrap", [scaled_copy, searched_copy])
@pytest.mark.parametrize("routing", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_wrapped_models_equal_plain_ones(name, wrap, routing, weighted, table, rng):
    """Scaling and a search over one candidate change nothing, weights included."""
    metadata = {"sample_weight": rng.uniform(0.5, 2, 90)} if weighted else {}
    options = {"cv": table.splits, "random_state": 0}
    plain = fit(learner_of(name, **options), table, **metadata)
    wrapped = learner_of(name, **options)
    models = {
        parameter: wrap(model)
        for parameter, model in wrapped.get_params(deep=False).items()
        if parameter.endswith("_model")
    }
    wrapped.set_params(**models)
    with config_context(enable_metadata_routing=routing):
        fit(wrapped, table, **metadata)
        average = wrapped.average_effect().value
    effects = plain.effect(table.X)
    np.testing.assert_allclose(wrapped.effect(table.X), effects, rtol=1e-5)
    assert average == pytest.approx(plain.average_effect().value, rel=1e-5)


def test_search_over_a_pipeline_gets_weights(table, rng):
    weight = rng.uniform(0.5, 2, 90)
    model = GridSearchCV(
        make_pipeline(StandardScaler(), LinearRegression()),
        {"linearregression__fit_intercept": [True]},
        cv=2,
    )
    expected = fit(TLearner(LINE), table, sample_weight=weight).effect(table.X)
    for routing in (False, True):
        with config_context(enable_metadata_routing=routing):
            learner = fit(TLearner(model), table, sample_weight=weight)
        np.testing.assert_allclose(learner.effect(table.X), expected)


def test_selection_inside_a_search_runs_per_fold(table):
    pipeline = make_pipeline(SelectKBest(f_regression), LinearRegression())
    search = GridSearchCV(pipeline, {"selectkbest__k": [1, 2]}, cv=2)
    learner = fit(DRLearner(search, logit(), search, random_state=0), table)
    models = learner.nuisances_.fits["outcome_pooled"].models
    assert all(model.best_params_["selectkbest__k"] in (1, 2) for model in models)
    assert not hasattr(search, "best_params_")


@pytest.mark.parametrize("name", LEARNERS)
def test_models_of_the_user_are_never_edited(name, table):
    learner = learner_of(name, random_state=0)
    models = {k: v for k, v in vars(learner).items() if k.endswith("_model")}
    fit(learner, table)
    learner.average_effect()
    for parameter, model in models.items():
        assert getattr(learner, parameter) is model
        assert not [k for k in vars(model) if k.endswith("_")]


# ---------------------------------------------------------------------- weights
def test_a_model_without_weights_is_named(table):
    weight = np.ones(90)
    cases = {
        "outcome_model": TLearner(Unweighted()),
        "propensity_model": DRLearner(LINE, KNeighborsClassifier(), LINE),
        "treatment_model": RLearner(LINE, KNeighborsClassifier(), LINE),
        "effect_model": XLearner(LINE, logit(), KNeighborsRegressor()),
    }
    for parameter, learner in cases.items():
        owner = type(learner).__name__
        message = rf"{owner}.fit: {parameter}=.* cannot take sample weights"
        with pytest.raises(ValueError, match=message):
            fit(learner, table, sample_weight=weight)
    pipeline = make_pipeline(StandardScaler(), KNeighborsRegressor())
    for model in (pipeline, GridSearchCV(pipeline, {})):
        with pytest.raises(ValueError, match="cannot take sample weights"):
            fit(SLearner(model), table, sample_weight=weight)


@pytest.mark.parametrize(
    "model",
    [
        VotingRegressor([("a", LinearRegression()), ("b", "drop")]),
        StackingRegressor([("a", LinearRegression())], LinearRegression(), cv=2),
        TransformedTargetRegressor(make_pipeline(StandardScaler(), LinearRegression())),
        make_pipeline(GridSearchCV(make_pipeline(LinearRegression()), {}, cv=2)),
    ],
)
@pytest.mark.parametrize("routing", [False, True])
def test_models_that_hand_weights_on(model, routing, table):
    """Weights of zero leave rows out: the R-learner's effect model shows it."""
    weight = np.where(np.arange(90) < 45, 1.0, 1e-12)
    table.y[45:] += 100 * table.treatment[45:]
    learner = RLearner(LINE, KnownPropensity(), model, random_state=0)
    with config_context(enable_metadata_routing=routing):
        fit(learner, table, sample_weight=weight)
    assert np.abs(learner.effect(table.X)).max() < 20


def test_ensembles_of_models_without_weights_are_named(table):
    for member in (("b", KNeighborsRegressor()), ("p", make_pipeline(Ridge()))):
        members = [("a", LinearRegression()), member]
        with pytest.raises(ValueError, match=r"(?s)VotingRegressor.* cannot take"):
            fit(SLearner(VotingRegressor(members)), table, sample_weight=np.ones(90))


def test_without_weights_such_a_model_is_welcome(table):
    learner = fit(TLearner(Unweighted()), table)
    treated = table.treatment == 1
    expected = table.y[treated].mean() - table.y[~treated].mean()
    np.testing.assert_allclose(learner.effect(table.X), expected)


def test_r_learner_always_needs_a_weighted_effect_model(table):
    with pytest.raises(
        ValueError, match="R-learner always needs a weighted effect_mod"
    ):
        fit(RLearner(LINE, logit(), Unweighted()), table)


# ----------------------------------------------------------------- frozen estimators
def test_frozen_models_equal_refitted_ones(table):
    frozen = [FrozenEstimator(LinearRegression().fit(table.X, table.y))]
    frozen.append(FrozenEstimator(logit().fit(table.X, table.treatment)))
    learner = fit(RLearner(*frozen, LINE, outcome_mean="direct"), table)
    u = table.y - frozen[0].predict(table.X)
    v = table.treatment - frozen[1].predict_proba(table.X)[:, 1]
    expected = ols(table.X, u / v, table.X, v**2)
    np.testing.assert_allclose(learner.effect(table.X), expected)


def test_frozen_models_ignore_weights(table, rng):
    weight = rng.uniform(0.5, 2, 90)
    frozen_line = FrozenEstimator(LinearRegression().fit(table.X, table.y))
    frozen_logit = FrozenEstimator(logit().fit(table.X, table.treatment))
    learner = RLearner(frozen_line, frozen_logit, LINE, outcome_mean="direct")
    fit(learner, table, sample_weight=weight)
    u = table.y - frozen_line.predict(table.X)
    v = table.treatment - frozen_logit.predict_proba(table.X)[:, 1]
    expected = ols(table.X, u / v, table.X, weight * v**2)
    np.testing.assert_allclose(learner.effect(table.X), expected)


@pytest.mark.parametrize("control", ["a", "b"])
@pytest.mark.parametrize("name", ["X", "DR"])
def test_frozen_propensity_speaks_in_labels(name, control, table):
    """It was trained on labels, whose sorted order need not put control first."""
    labels = np.where(table.treatment == 1, "b", "a")
    model = logit().fit(table.X, labels)
    frozen = FrozenEstimator(model)
    learner = learner_of(name, treatment_model=frozen, control_arm=control)
    learner.fit(table.X, table.y, treatment=labels)
    learner.average_effect()
    order = [0, 1] if control == "a" else [1, 0]
    expected = model.predict_proba(table.X)[:, order]
    np.testing.assert_allclose(learner.nuisances_["propensity"][0], expected)
    refitted = learner_of(name, treatment_model=logit(), control_arm=control)
    refitted.fit(table.X, table.y, treatment=labels)
    if name == "X":
        np.testing.assert_allclose(
            learner.effect(table.X), refitted.effect(table.X), rtol=1e-5
        )


def test_frozen_propensity_with_control_one(table):
    frozen = FrozenEstimator(logit().fit(table.X, table.treatment))
    learner = learner_of("DR", treatment_model=frozen, control_arm=1)
    fit(learner, table)
    expected = frozen.predict_proba(table.X)[:, ::-1]
    np.testing.assert_allclose(learner.nuisances_["propensity"][0], expected)


def test_frozen_propensity_of_other_arms_is_refused(table):
    frozen = FrozenEstimator(logit().fit(table.X, np.where(table.y > 0, "x", "y")))
    with pytest.raises(ValueError, match=r"propensity_model.*'x', 'y'.*\[0, 1\]"):
        fit(learner_of("DR", treatment_model=frozen), table)


# ------------------------------------------------------------- what suits which data
def test_classifier_of_a_binary_outcome_gives_probabilities(table):
    y = (table.y > 0).astype(int)
    models = [
        logit().fit(table.X[table.treatment == arm], y[table.treatment == arm])
        for arm in (0, 1)
    ]
    p_0, p_1 = (model.predict_proba(table.X)[:, 1] for model in models)
    for outcome in (y, y.astype(bool)):
        learner = TLearner(logit()).fit(table.X, outcome, treatment=table.treatment)
        np.testing.assert_allclose(learner.effect(table.X), p_1 - p_0)
        np.testing.assert_allclose(learner.predict_outcome(table.X, 1), p_1)


def test_default_model_of_a_binary_outcome_is_a_classifier(table):
    y = (table.y > 0).astype(int)
    kinds = {}
    for outcome_type in ("auto", "continuous", "binary"):
        learner = TLearner(outcome_type=outcome_type)
        learner.fit(table.X, y, treatment=table.treatment)
        kinds[outcome_type] = type(learner.outcome_models_[0]).__name__
    expected = {
        "auto": "LGBMClassifier",
        "binary": "LGBMClassifier",
        "continuous": "LGBMRegressor",
    }
    assert kinds == expected
    floats = TLearner().fit(table.X, y.astype(float), treatment=table.treatment)
    assert type(floats.outcome_models_[0]).__name__ == "LGBMRegressor"


def test_regressor_of_a_binary_outcome_is_a_linear_probability_model(table):
    y = (table.y > 0).astype(int)
    learner = TLearner(LINE).fit(table.X, y, treatment=table.treatment)
    treated = table.treatment == 1
    expected = ols(table.X[treated], y[treated], table.X)
    expected = expected - ols(table.X[~treated], y[~treated], table.X)
    np.testing.assert_allclose(learner.effect(table.X), expected)


@pytest.mark.parametrize(
    ("learner", "message"),
    [
        (TLearner(LogisticRegression()), "is a classifier, but the outcome is not bin"),
        (
            DRLearner(LINE, LINE),
            r"propensity_model=.*must be a classifier with predict",
        ),
        (
            RLearner(LINE, LINE),
            r"treatment_model=.*must be a classifier with predict_p",
        ),
        (TLearner("lasso"), r"outcome_model='lasso' must be a scikit-learn estimator"),
        (TLearner(LinearRegression), "must be a scikit-learn estimator instance"),
        (
            DRLearner(LINE, logit(), "tree"),
            "effect_model='tree' must be a scikit-learn",
        ),
        (XLearner(LINE, logit(), logit()), "effect_model=.* is a classifier"),
        (DRLearner(LINE, logit(), logit()), "effect_model=.* is a classifier"),
        (RLearner(LINE, logit(), logit()), "effect_model=.* is a classifier"),
    ],
)
def test_models_that_do_not_suit(learner, message, table):
    owner = type(learner).__name__
    with pytest.raises((ValueError, TypeError), match=f"{owner}.fit: .*{message}"):
        fit(learner, table)


def test_averages_check_their_models_too(table):
    learner = fit(TLearner(LINE, LINE), table)
    with pytest.raises(ValueError, match=r"propensity_model=.*must be a classifier"):
        learner.average_effect()


@pytest.mark.parametrize(
    "model",
    [
        Ridge(),
        LassoCV(cv=2),
        RandomForestRegressor(n_estimators=3),
        TransformedTargetRegressor(LinearRegression()),
        KNeighborsRegressor(),
    ],
)
def test_any_regressor_is_a_learner(model, table):
    learner = XLearner(model, LogisticRegression(), model, cv=2, random_state=0)
    effects = fit(learner, table).effect(table.X)
    assert effects.shape == (90,)
    assert np.isfinite(learner.average_effect().value)


def test_free_seeds_are_set_and_fixed_ones_left(table):
    forest = RandomForestRegressor(n_estimators=2)
    learner = fit(TLearner(forest, random_state=0), table)
    seeds = [model.random_state for model in learner.outcome_models_]
    assert None not in seeds
    assert seeds[0] != seeds[1]
    learner = fit(TLearner(forest.set_params(random_state=7), random_state=0), table)
    assert [model.random_state for model in learner.outcome_models_] == [7, 7]


def test_default_models_grow_with_the_rows():
    small, large = default_regressor(500), default_classifier(100_000)
    assert small.num_leaves < large.num_leaves
    assert small.n_estimators < large.n_estimators
    learner = DRLearner(KnownPropensity())
    assert learner.outcome_model.probability == 0.5  # constructors only assign
