"""Fair predictors: what they use, that it is fair, leaks, and errors in words."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from skcausal.fairness import (
    CounterfactualFairnessAuditor,
    CounterfactuallyFairClassifier,
    CounterfactuallyFairRegressor,
    SensitiveAttributeError,
)
from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel, LatentVariableModel, Mechanism

LINE = LinearRegression()
LOGIT = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
COLUMNS = ["race", "grade", "test", "age"]
ARROWS = [
    *((a, b) for a in ("race", "skill") for b in ("grade", "test", "first")),
    ("age", "test"),
]
GRAPH = CausalGraph(ARROWS, latent=["skill"])


def line():
    encoder = OneHotEncoder(sparse_output=False, handle_unknown="ignore")
    chosen = make_column_selector(dtype_include="category")
    columns = make_column_transformer((encoder, chosen), remainder="passthrough")
    return make_pipeline(columns, LinearRegression())


def law(**options):
    return LatentVariableModel(GRAPH, {"test": "poisson"}, regressor=line(), **options)


def students(n=3000, seed=0):
    """Return a small law school: race, age, grades and a test before the first year."""
    rng = np.random.default_rng(seed)
    race = rng.choice(3, size=n, p=[0.6, 0.25, 0.15])
    skill, age = rng.normal(size=n), rng.uniform(20, 30, n)
    shift = np.array([0.0, -0.4, -0.8])[race]
    frame = pd.DataFrame({"race": pd.Categorical.from_codes(race, list("wxy"))})
    frame["grade"] = 3.2 + 0.4 * shift + 0.2 * skill + rng.normal(0, 0.3, n)
    rate = np.exp(3.2 + 0.01 * age + 0.25 * shift + 0.1 * skill)
    frame["test"] = rng.poisson(rate).astype(float)
    frame["age"] = age
    frame["first"] = shift + 0.5 * skill + rng.normal(0, 0.8, n)
    return frame


@pytest.fixture(scope="module")
def frame():
    return students()


def regressor(level, model=None, **options):
    options = {"base_estimator": LINE} | options
    return CounterfactuallyFairRegressor(
        law() if model is None else model, "race", level=level, **options
    )


@pytest.fixture(scope="module")
def fits(frame):
    X, y = frame[COLUMNS], frame["first"]
    return {level: regressor(level).fit(X, y) for level in (1, 2, 3)}


# ------------------------------------------------------------------ what they use
def test_levels_use_what_they_say(frame, fits):
    names = {level: one.fair_feature_names_ for level, one in fits.items()}
    assert names == {
        1: ["age"],
        2: ["age", "skill"],
        3: ["age", "residual_grade", "residual_test"],
    }
    for level, one in fits.items():
        assert one.excluded_["race"] == "sensitive"
        assert one.excluded_["test"] == "follows from race"
        assert list(one.get_feature_names_out()) == names[level]
        assert list(one.transform(frame[COLUMNS])) == names[level]
    assert fits[1].model_ is None


def test_level_three_is_residuals_of_least_squares(frame, fits):
    X = pd.get_dummies(frame["race"], dtype=float)
    left = frame["grade"] - LINE.fit(X, frame["grade"]).predict(X)
    found = fits[3].transform(frame[COLUMNS])["residual_grade"]
    np.testing.assert_allclose(found, left, atol=1e-9)


def test_latent_is_inferred_from_features_alone(frame, fits):
    """The outcome helps to fit the latent model, and never to infer a row."""
    X = frame[COLUMNS]
    with_outcome = frame.assign(first=100.0)
    found = fits[2].transform(X)
    pd.testing.assert_frame_equal(fits[2].transform(with_outcome), found)
    assert "first" in fits[2].model_.loadings_.index
    expected = fits[2].model_.infer_latent(X)["mean"]
    np.testing.assert_array_equal(found["skill"], expected)


def test_outcome_without_a_name_is_left_out_of_the_latent_model(frame):
    X, y = frame[COLUMNS], frame["first"].to_numpy()
    without = regressor(2, outcome="first").fit(X, y)
    assert "first" in without.model_.loadings_.index
    with pytest.raises(
        ValueError, match=r"no column for node 'first'.*outcome='first'"
    ):
        regressor(2).fit(X, y)


def test_new_rows_do_not_change_each_other(frame):
    """Fitting the residual models anew on test rows, as is sometimes done, leaks."""
    X, y = frame[COLUMNS], frame["first"]
    for level in (2, 3):
        fitted = regressor(level).fit(X[:1500], y[:1500])
        together = fitted.predict(X[1500:])
        alone = np.concatenate(
            [fitted.predict(X[k : k + 1]) for k in range(1500, 1505)]
        )
        np.testing.assert_allclose(alone, together[:5], atol=1e-9)
        shifted = X[1500:].assign(grade=X["grade"][1500:] + 5.0)
        moved = fitted.transform(shifted) - fitted.transform(X[1500:])
        if level == 3:  # residuals fitted to these very rows would hide the shift
            np.testing.assert_allclose(moved["residual_grade"], 5.0)


# ------------------------------------------------------------------- it is fair
def test_own_model_finds_no_unfairness(frame, fits):
    X, y = frame[COLUMNS], frame["first"]
    rows = X[:200]
    linear = fits[3].model_
    latent = fits[2].model_
    full = line().fit(X, y)
    unaware = make_pipeline(LinearRegression()).fit(X.drop(columns="race"), y)

    def unfairness(model, predictor):
        auditor = CounterfactualFairnessAuditor(
            model, "race", n_counterfactuals=10, random_state=0
        )
        return auditor.fit(X).unfairness(predictor, rows)

    assert unfairness(linear, fits[1]) == 0
    assert unfairness(linear, fits[3]) < 1e-8
    again = unfairness(latent, fits[2])  # inferred anew from counterfactual counts
    assert again < 0.05 * fits[2].predict(X).std()
    for predictor in (full, unaware):
        assert unfairness(linear, predictor) > 0.05 * y.std()
        assert unfairness(latent, predictor) > 0.05 * y.std()


def test_fairness_costs_accuracy_in_order(frame, fits):
    X, y = frame[COLUMNS], frame["first"]
    new = students(4000, seed=1)
    full = line().fit(X, y).score(new[COLUMNS], new["first"])
    scores = {
        level: one.score(new[COLUMNS], new["first"]) for level, one in fits.items()
    }
    assert full > scores[3] > scores[1]
    assert full > scores[2] > scores[1]


# ---------------------------------------------------- categories, counts, ranks
def prisoners(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    group, age = rng.integers(2, size=n), rng.uniform(18, 60, n)
    temper = rng.normal(size=n)
    priors = rng.poisson(np.exp(0.3 + 0.8 * group + 0.5 * temper - 0.01 * age))
    felony = (temper + 0.5 * group + rng.logistic(size=n) > 0).astype(int)
    again = temper + 0.2 * group + rng.logistic(size=n) > 0
    X = pd.DataFrame({"group": group, "age": age, "priors": priors, "felony": felony})
    return X, np.where(again, "yes", "no")


PRISON = CausalGraph(
    [("group", "priors"), ("age", "priors"), ("group", "felony"), ("age", "felony")]
)


def classifier(**options):
    options = {"base_estimator": LOGIT} | options
    model = AdditiveNoiseModel(PRISON, classifier=LOGIT)
    return CounterfactuallyFairClassifier(model, "group", **options)


def test_additive_errors_of_counts_and_labels_are_refused():
    X, y = prisoners()
    with pytest.raises(ValueError, match=r"'priors', 'felony'.*residuals='rank'"):
        classifier().fit(X, y)


def test_given_mechanism_is_taken_at_its_word():
    X, y = prisoners()
    X = X.drop(columns="felony")
    graph = CausalGraph([("group", "priors"), ("age", "priors")])
    from skcausal.structural import AdditiveNoise

    model = AdditiveNoiseModel(graph, {"priors": AdditiveNoise(LINE)})
    fair = CounterfactuallyFairClassifier(model, "group", base_estimator=LOGIT)
    assert fair.fit(X, y).fair_feature_names_ == ["age", "residual_priors"]


@pytest.mark.parametrize("n_samples", [None, 1])
def test_rank_residuals_do_not_tell_the_group(n_samples):
    X, y = prisoners(8000)
    options = {"n_samples": n_samples, "random_state": 0}
    fair = classifier(residuals="rank", **options).fit(X, y)
    ranks = fair.transform(X)[["residual_priors", "residual_felony"]]
    assert ((ranks > 0) & (ranks < 1)).all().all()
    error = np.sqrt(1 / 12 * (1 / 4000 + 1 / 4000))
    group = X["group"] == 1
    for name in ranks:
        gap = ranks.loc[group, name].mean() - ranks.loc[~group, name].mean()
        assert abs(gap) < 4 * error, name
        assert ranks[name].mean() == pytest.approx(0.5, abs=0.015)
    if n_samples == 1:  # one draw of uniform noise is uniform in each group
        spread = ranks.groupby(group).std().to_numpy()
        np.testing.assert_allclose(spread, np.sqrt(1 / 12), rtol=0.04)
    assert fair.score(X, y) > 0.55
    np.testing.assert_array_equal(fair.predict(X), fair.predict(X))


def test_rank_takes_counts_that_training_did_not_see():
    X, y = prisoners()
    fair = classifier(residuals="rank").fit(X, y)
    assert np.isfinite(fair.transform(X.assign(priors=1000))).all().all()


# -------------------------------------------------------------- scikit-learn's tools
def test_search_over_levels_and_base_estimators(frame):
    X, y = frame[COLUMNS][:600], frame["first"][:600]
    grid = {"level": [1, 2, 3], "base_estimator": [LINE, Ridge()]}
    search = GridSearchCV(regressor(1), grid, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_["level"] in (2, 3)
    assert len(search.cv_results_["params"]) == 6


def test_pipeline_pickle_clone_and_polars(frame):
    X, y = frame[COLUMNS], frame["first"]
    fair = regressor(3)
    pipeline = make_pipeline(clone(fair)).fit(X, y)
    expected = clone(fair).fit(X, y).predict(X)
    np.testing.assert_array_equal(pipeline.predict(X), expected)
    again = pickle.loads(pickle.dumps(pipeline))
    np.testing.assert_array_equal(again.predict(X), expected)
    rows = pl.from_pandas(X.assign(race=X["race"].astype(str)))
    rows = rows.with_columns(pl.col("race").cast(pl.Categorical))
    found = clone(fair).set_params(outcome="first").fit(rows, y.to_numpy())
    np.testing.assert_allclose(found.predict(rows), expected)


def test_classifier_has_classes_and_probabilities():
    X, y = prisoners()
    fair = classifier(residuals="rank").fit(X, y)
    assert fair.classes_.tolist() == ["no", "yes"]
    assert fair.predict_proba(X).shape == (len(X), 2)
    assert set(fair.predict(X)) <= {"no", "yes"}
    assert not hasattr(classifier(base_estimator=LINE), "predict_proba")


def test_inputs_are_not_modified(frame):
    X, y = frame[COLUMNS].copy(), frame["first"].copy()
    regressor(2).fit(X, y).predict(X)
    pd.testing.assert_frame_equal(X, frame[COLUMNS])
    pd.testing.assert_series_equal(y, frame["first"])


class Named(CounterfactuallyFairRegressor):
    """Names the columns of arrays, so that scikit-learn's checks get beyond them."""

    def fit(self, X, y):
        return super().fit(self._named(X), y)

    def transform(self, X):
        return super().transform(self._named(X))

    def _named(self, X):
        if isinstance(X, pd.DataFrame) or issparse(X):
            return X
        values = np.asarray(X)
        if values.ndim != 2:
            return X
        return pd.DataFrame(values, columns=[f"x{k}" for k in range(values.shape[1])])


BY_NAME = "columns are found by name; others than those needed do not matter"
NO_TABLE = "a table is needed; the error says so"
EXPECTED = {
    "check_n_features_in_after_fitting": BY_NAME,
    "check_transformer_general": BY_NAME,
    "check_estimators_nan_inf": BY_NAME,
    "check_dtype_object": "text is never turned into numbers silently",
    "check_regressors_train": "the one fair feature of ten columns explains little",
    "check_regressor_data_not_an_array": BY_NAME,
    "check_estimators_dtypes": "whole numbers below four have no additive errors",
    "check_transformer_preserve_dtypes": "fair features are a DataFrame",
    "check_fit1d": NO_TABLE,
    "check_fit2d_predict1d": NO_TABLE,
    "check_fit2d_1feature": NO_TABLE,
}


@pytest.mark.filterwarnings("ignore")
def test_check_estimator_where_columns_are_named():
    graph = CausalGraph([("x0", "x1")])
    estimator = Named(
        AdditiveNoiseModel(graph, regressor=LINE), "x0", base_estimator=LINE
    )
    results = check_estimator(
        estimator, expected_failed_checks=EXPECTED, on_fail=None, on_skip=None
    )
    failed = {
        r["check_name"]: r["exception"] for r in results if r["status"] == "failed"
    }
    assert failed == {}


# ----------------------------------------------------------------------- bad input
def test_sensitive_attribute_with_causes_is_refused(frame):
    graph = CausalGraph([*ARROWS, ("age", "race")], latent=["skill"])
    with pytest.raises(SensitiveAttributeError, match=r"'race' has causes.*age"):
        regressor(3, graph).fit(frame[COLUMNS], frame["first"])
    fair = CounterfactuallyFairRegressor(GRAPH, "gender")
    with pytest.raises(SensitiveAttributeError, match="got 'gender'"):
        fair.fit(frame[COLUMNS], frame["first"])
    with pytest.raises(SensitiveAttributeError, match="names no node"):
        CounterfactuallyFairRegressor(GRAPH, []).fit(frame[COLUMNS], frame["first"])
    with pytest.raises(SensitiveAttributeError, match="measured"):
        CounterfactuallyFairRegressor(GRAPH, "skill").fit(
            frame[COLUMNS], frame["first"]
        )


def test_level_one_without_features_says_why(frame):
    X = frame[["race", "grade", "test"]].assign(shoe=1.0)
    with pytest.raises(
        ValueError,
        match=r"'race': sensitive; 'grade': follows from race.*'shoe': not in the",
    ):
        regressor(1).fit(X, frame["first"])


def test_level_two_needs_one_latent_node():
    X, y = prisoners()
    with pytest.raises(ValueError, match=r"exactly one.*latent="):
        classifier(level=2).fit(X, y)


def test_level_two_learns_from_two_classes_only(frame):
    thirds = pd.Series(pd.qcut(frame["first"], 3, labels=list("abc")), name="first")
    fair = CounterfactuallyFairClassifier(law(), "race", level=2)
    with pytest.raises(ValueError, match="two classes, got 3"):
        fair.fit(frame[COLUMNS], thirds)


class Given(BaseEstimator):
    """A latent model of one's own: skill is the grade and nothing else."""

    graph = GRAPH
    latent_ = "skill"

    def fit(self, frame):
        assert "first" in frame
        return self

    def infer_latent(self, frame):
        return pd.DataFrame({"mean": frame["grade"]})

    def draw_latent(self, frame, *, random_state=None):
        return frame["grade"].to_numpy() + random_state.normal(size=len(frame))


def test_level_two_takes_other_latent_models(frame):
    X, y = frame[COLUMNS], frame["first"]
    found = regressor(2, Given()).fit(X, y).transform(X)
    np.testing.assert_array_equal(found["skill"], X["grade"])
    several = regressor(2, Given(), n_samples=400).fit(X, y).transform(X)
    left = several["skill"] - X["grade"]
    assert left.std() == pytest.approx(0.05, rel=0.1)


def test_draws_of_the_latent_node_are_averaged(frame, fits):
    X, y = frame[COLUMNS][:400], frame["first"][:400]
    one = regressor(2, n_samples=1, random_state=0).fit(X, y)
    many = clone(one).set_params(n_samples=25).fit(X, y)
    mean = clone(one).set_params(n_samples=None).fit(X, y).transform(X)["skill"]
    spread = one.model_.infer_latent(X)["standard_deviation"].mean()
    assert (one.transform(X)["skill"] - mean).std() == pytest.approx(spread, rel=0.15)
    assert (many.transform(X)["skill"] - mean).std() < spread / 4
    np.testing.assert_array_equal(one.predict(X), one.predict(X))


def test_level_three_refuses_noise_that_depends_on_causes(frame):
    graph = CausalGraph([*ARROWS, ("grade", "test")], latent=["skill"])
    with pytest.raises(ValueError, match="hidden cause with grade"):
        regressor(3, graph).fit(frame[COLUMNS], frame["first"])


def test_level_three_needs_a_column_below(frame):
    graph = CausalGraph([("age", "grade"), ("age", "test")], nodes=["race"])
    with pytest.raises(ValueError, match="no column of X follows"):
        regressor(3, graph).fit(frame[COLUMNS], frame["first"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"level": 4}, "level must be 1, 2 or 3"),
        ({"residuals": "none"}, "residuals must be one of"),
        ({"n_samples": 0}, "n_samples must be None or a positive"),
        ({"outcome": "shoe"}, "outcome must be a node"),
    ],
)
def test_options_are_checked(frame, change, message):
    with pytest.raises(ValueError, match=message):
        regressor(3).set_params(**change).fit(frame[COLUMNS], frame["first"])


def test_tables_and_targets_are_checked(frame, fits):
    X, y = frame[COLUMNS], frame["first"]
    with pytest.raises(TypeError, match="must be a DataFrame"):
        regressor(3).fit(X[["grade", "age"]].to_numpy(), y)
    with pytest.raises(ValueError, match="no column 'test'"):
        fits[3].predict(X.drop(columns="test"))
    with pytest.raises(TypeError, match="CausalGraph or a structural model"):
        regressor(3, "race->grade").fit(X, y)
    with pytest.raises(ValueError, match="same number of rows"):
        regressor(3).fit(X, y[:-1])
    with pytest.raises(ValueError, match="missing value"):
        regressor(3).fit(X.assign(grade=X["grade"].where(X["age"] > 21)), y)
    with pytest.raises(ValueError, match="one class only"):
        classifier(residuals="rank").fit(prisoners()[0], ["yes"] * 3000)


def test_noise_of_other_mechanisms_is_averaged():
    """A mechanism with noise of its own, and several numbers of it, is asked itself."""

    class Coin(Mechanism):
        invertible = False
        n_noise = 2

        def fit(self, parents, values):
            return self

        def noise(self, parents, values, random):
            drawn = random.random((len(values), 2))
            return drawn / 2 + 0.5 * np.asarray(values, dtype=float)[:, None]

    X, y = prisoners(400)
    mechanisms = {"priors": Coin(), "felony": Coin()}
    fair = CounterfactuallyFairClassifier(
        AdditiveNoiseModel(PRISON, mechanisms),
        "group",
        base_estimator=LOGIT,
        residuals="rank",
    ).fit(X, y)
    found = fair.transform(X)
    assert list(found)[1:] == [
        f"residual_{n}_{k}" for n in ("priors", "felony") for k in (0, 1)
    ]
    expected = 0.25 + 0.5 * X["felony"]
    assert np.abs(found["residual_felony_0"] - expected).max() < 0.1
