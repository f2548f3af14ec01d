"""CausalSurvivalForest: truth under censoring, how events travel, bad input."""

import pickle

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit
from sklearn import config_context
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal import OverlapWarning, add_nuisances, causal_target
from skcausal.datasets import make_survival
from skcausal.estimation import (
    BootstrapEffect,
    CausalForest,
    CausalSurvivalForest,
    DRLearner,
    KnownPropensity,
    merge_forests,
)
from skcausal.testing import LAWS
from skcausal.validation import average_effect, get_scorer

# There are no outcome models; without an event another message comes first.
OTHER_LAWS = {"no_row_sees_itself", "bad_treatments_are_errors"}


def forest_of(horizon=3.0, **options):
    models = ("survival_model", "censoring_model", "treatment_model")
    logistic = dict.fromkeys(models, LogisticRegression())
    options = logistic | {"n_estimators": 100, "random_state": 0} | options
    return CausalSurvivalForest(horizon, **options)


def fitted(data, **options):
    forest = forest_of(data.horizon, **options)
    return forest.fit(data.X, data.y, treatment=data.treatment, event=data.event)


@pytest.fixture(scope="module")
def data():
    return make_survival(1500, setting=4, random_state=0)


@pytest.fixture(scope="module")
def forest(data):
    return fitted(data)


def root_mean_square(values):
    return np.sqrt(np.mean(np.square(values)))


def make_table(n, seed, target="restricted_mean"):
    """Exponential times; treatment makes them four times as long where x0 > 0."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 3))
    treatment = rng.uniform(size=n) < expit(0.5 * X[:, 1])
    scale = np.where(X[:, 0] > 0, 4.0, 1.0)
    survival = rng.exponential(np.where(treatment, scale, 1.0))
    censoring = rng.exponential(4 + 2 * treatment)
    time, event = np.minimum(survival, censoring), survival <= censoring
    beyond = np.exp(-3 / scale), np.exp(-3)  # P(T > 3) with treatment and without
    if target == "restricted_mean":
        effect = scale * (1 - beyond[0]) - (1 - beyond[1])
    else:
        effect = beyond[0] - beyond[1]
    return X, time, treatment.astype(int), event, effect


# ---------------------------------------------------------------------------- truth
@pytest.mark.parametrize("target", ["restricted_mean", "survival_probability"])
def test_averages_over_draws(target):
    """Whole numbers of time, a fifth of the rows censored."""
    distances = []
    for seed in range(12):
        data = make_survival(1000, setting=4, target=target, random_state=seed)
        estimate = fitted(data, target=target, n_estimators=2).average_effect()
        truth = data.population.average_effect
        distances.append((estimate.value - truth) / estimate.standard_error)
    assert abs(np.mean(distances)) < 2 / np.sqrt(12)
    assert stats.chi2(12).sf(np.sum(np.square(distances))) > 1e-3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
def test_bias_and_coverage_of_averages_with_default_models():
    """Times to censoring cut to four tenths; some rows are hardly ever followed."""
    distances = []
    for seed in range(40):
        data = make_survival(2000, censoring_scale=0.4, random_state=seed)
        forest = CausalSurvivalForest(data.horizon, n_estimators=2, random_state=seed)
        forest.fit(data.X, data.y, treatment=data.treatment, event=data.event)
        one = {"all": data.population.average_effect}
        for target in ("treated", "control", "overlap"):
            one[target] = data.population[f"average_effect_{target}"]
        estimates = {target: forest.average_effect(target=target) for target in one}
        distances.append(
            [(estimates[t].value - one[t]) / estimates[t].standard_error for t in one]
        )
    z = np.array(distances)
    assert (np.abs(z.mean(axis=0)) < 2 / np.sqrt(40)).all(), z.mean(axis=0)
    covered = (np.abs(z) < 1.96).sum(axis=0)
    assert (stats.binom(40, 0.95).cdf(covered) > 0.01).all(), covered


@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
def test_censoring_ignored_is_worse():
    """More of the treated are censored: taken for events, or left out."""
    errors = []
    for seed in range(2):
        options = {"horizon": 0.8, "censoring_scale": 0.4}
        train = make_survival(2000, **options, random_state=seed)
        test = make_survival(1000, **options, random_state=100 + seed)
        models = {"n_estimators": 100, "random_state": 0}
        forest = CausalSurvivalForest(train.horizon, **models)
        forest.fit(train.X, train.y, treatment=train.treatment, event=train.event)
        time = np.minimum(train.y, train.horizon)
        naive = CausalForest(**models).fit(train.X, time, treatment=train.treatment)
        seen = (train.event == 1) | (train.y >= train.horizon)
        left_out = CausalForest(**models).fit(
            train.X[seen], time[seen], treatment=train.treatment[seen]
        )
        forests = (forest, naive, left_out)
        errors.append(
            [root_mean_square(one.effect(test.X) - test.effect) for one in forests]
        )
    ours, as_events, left_out = np.mean(errors, axis=0)
    assert ours < 0.8 * as_events
    assert ours < 0.8 * left_out


@pytest.mark.parametrize("target", ["restricted_mean", "survival_probability"])
def test_effects_and_intervals(target):
    X, time, treatment, event, _ = make_table(3000, 0)
    forest = forest_of(target=target).fit(X, time, treatment=treatment, event=event)
    new, *_, truth = make_table(500, 1, target)
    effects = forest.effect(new)
    assert root_mean_square(effects - truth) < 0.5 * truth.std()
    lower, upper = forest.effect_interval(new)
    assert np.mean((lower < truth) & (truth < upper)) > 0.85
    assert forest.feature_importances_.argmax() == 0
    assert np.corrcoef(forest.oob_effects_, X[:, 0] > 0)[0, 1] > 0.85


def test_scores_find_effects_that_vary():
    X, time, treatment, event, _ = make_table(3000, 0)
    forest = forest_of().fit(X, time, treatment=treatment, event=event)
    assert 0.02 < forest.oob_score_ < 0.3
    X, time, treatment, event, _ = make_table(2000, 1)
    target = causal_target(time, treatment, event=event)
    score = forest.score(X, target)
    assert 0.02 < score < 0.3
    assert forest.score(X, time, treatment=treatment, event=event) == score
    assert get_scorer("r_score")(forest, X, target) == score
    assert get_scorer("autoc")(forest, X, target) > 0


# ------------------------------------------------------------------------- relations
def test_without_censoring_it_is_a_causal_forest():
    data = make_survival(2000, setting=2, censoring_scale=1e3, random_state=0)
    assert data.event.all()
    time = np.minimum(data.y, data.horizon)
    forest = CausalSurvivalForest(data.horizon, n_estimators=200, random_state=0)
    forest.fit(data.X, data.y, treatment=data.treatment, event=data.event)
    np.testing.assert_allclose(forest._outcome_data().outcome, time, rtol=1e-12)
    plain = CausalForest(n_estimators=200, random_state=0)
    plain.fit(data.X, time, treatment=data.treatment)
    distance = forest.effect(data.X) - plain.effect(data.X)
    lower, upper = plain.effect_interval(data.X, level=0.6827)
    assert root_mean_square(distance / ((upper - lower) / 2)) < 0.5
    one, two = forest.average_effect(), plain.average_effect()
    assert abs(one.value - two.value) < 0.5 * two.standard_error
    assert one.standard_error == pytest.approx(two.standard_error, rel=0.1)


def test_other_units_of_time_scale_effects():
    data = make_survival(800, setting=2, random_state=0)
    forest = fitted(data)
    other = forest_of(8 * data.horizon).fit(
        data.X, 8 * data.y, treatment=data.treatment, event=data.event
    )
    np.testing.assert_allclose(other.effect(data.X), 8 * forest.effect(data.X))
    one, two = forest.average_effect(), other.average_effect()
    assert two.value == pytest.approx(8 * one.value)
    chance = [
        fitted(data, target="survival_probability", n_estimators=2),
        forest_of(8 * data.horizon, target="survival_probability", n_estimators=2).fit(
            data.X, 8 * data.y, treatment=data.treatment, event=data.event
        ),
    ]
    values = [one.average_effect().value for one in chance]
    assert values[0] == pytest.approx(values[1])


def test_complete_times_obey_the_laws():
    class Complete(CausalSurvivalForest):
        def fit(self, X, y, *, treatment=None, sample_weight=None, groups=None):
            packed = getattr(y, "dtype", None) is not None and y.dtype.names
            outcome = y["outcome"] if packed else y
            self.horizon = np.ptp(outcome)
            return super().fit(
                X,
                outcome - np.min(outcome),
                treatment=y["treatment"] if packed else treatment,
                event=np.ones(len(outcome)),
                sample_weight=sample_weight,
                groups=groups,
            )

    logistic = LogisticRegression()
    models = {"survival_model": logistic, "treatment_model": logistic}
    options = models | {"cv": 2, "n_estimators": 100, "random_state": 0}
    forest = Complete(1.0, **options)
    for name in sorted(LAWS.keys() - OTHER_LAWS):
        LAWS[name](forest)


def test_averages_of_all_kinds(data, forest):
    for target in ("all", "treated", "control", "overlap"):
        estimate = forest.average_effect(target=target)
        assert abs(estimate.value - data.average_effect) < 4 * estimate.standard_error
    ratio = forest.average_effect(scale="ratio")
    means = data.outcome_means.mean(axis=0)
    assert abs(ratio.value - means[1] / means[0]) < 4 * ratio.standard_error
    halves = forest.average_effect(by=np.where(data.X["x1"] > 0.5, "high", "low"))
    assert halves.labels == ("high", "low")


def test_known_propensity_weights_groups_and_repeats(data):
    weight = np.where(np.arange(1500) % 3 == 0, 0.0, 1.0)
    known = np.asarray(data.propensity)
    forest = forest_of(n_repeats=2, n_estimators=50)
    target = causal_target(
        data.y,
        data.treatment,
        event=data.event,
        propensity=known,
        sample_weight=weight,
        groups=np.arange(1500) // 5,
    )
    forest.fit(data.X, target)
    np.testing.assert_allclose(forest.nuisances_["treatment_mean"][0, :, 1], known)
    assert forest.nuisances_["event_hazards"].shape == (2, 1500, 2 * 4)
    estimate = forest.average_effect()
    assert abs(estimate.value - data.average_effect) < 4 * estimate.standard_error
    lower, upper = forest.oob_interval()
    assert (lower < upper).all()


# ----------------------------------------------------------------- travel and storage
def test_the_event_travels_both_ways(data, forest):
    target = causal_target(data.y, data.treatment, event=data.event)
    packed = forest_of().fit(data.X, target)
    np.testing.assert_array_equal(packed.effect(data.X), forest.effect(data.X))
    pipeline = make_pipeline(StandardScaler(), forest_of(n_estimators=20))
    assert cross_val_predict(pipeline, data.X, target, cv=2).shape == (1500,)
    grid = {"causalsurvivalforest__min_samples_leaf": [5, 50]}
    options = {"cv": 2, "error_score": "raise", "scoring": get_scorer("r_score")}
    search = GridSearchCV(pipeline, grid, **options).fit(data.X, target)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    routed = GridSearchCV(pipeline, grid, **options)
    with config_context(enable_metadata_routing=True):
        routed.fit(data.X, data.y, treatment=data.treatment, event=data.event)
        own = routed.best_estimator_.score(
            data.X, data.y, treatment=data.treatment, event=data.event
        )
    assert np.isfinite(own)
    np.testing.assert_allclose(
        routed.cv_results_["mean_test_score"], search.cv_results_["mean_test_score"]
    )


def test_the_event_travels_through_wrappers(data):
    target = causal_target(data.y, data.treatment, event=data.event)
    wrapped = BootstrapEffect(forest_of(n_estimators=20), n_bootstrap=3, random_state=0)
    wrapped.fit(data.X, target)
    lower, upper = wrapped.effect_interval(data.X)
    assert (lower < upper).all()
    assert np.isfinite(wrapped.score(data.X, target))


def test_pickle_and_merge(data, forest):
    average = forest.average_effect().value
    copy = pickle.loads(pickle.dumps(forest))
    assert not hasattr(copy, "_rows")
    assert copy._data.X is None
    np.testing.assert_array_equal(copy.effect(data.X), forest.effect(data.X))
    estimate = copy.average_effect()
    assert estimate.value == average
    difference = estimate - forest.average_effect()  # of the same rows
    assert difference.value == 0
    other = fitted(data, random_state=1)
    both = merge_forests([forest, other])
    assert both.forest_.n_trees == 200
    middle = (forest.effect(data.X) + other.effect(data.X)) / 2
    assert np.corrcoef(both.effect(data.X), middle)[0, 1] > 0.99
    jobs = fitted(data, n_jobs=2)
    np.testing.assert_array_equal(jobs.effect(data.X), forest.effect(data.X))


# ------------------------------------------------------------------------- bad input
def test_a_missing_event_names_both_ways(data, forest):
    with pytest.raises(ValueError, match=r"no event arrived.*event=.*causal_target"):
        forest_of().fit(data.X, data.y, treatment=data.treatment)
    with pytest.raises(ValueError, match="no event arrived"):
        forest.score(data.X, data.y, treatment=data.treatment)


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (np.full(1500, 2), r"1 or True where the event was seen.*\[2\]"),
        (np.array(["dead", "alive"] * 750), "1 or True where the event was seen"),
        (np.where(np.arange(1500) == 3, np.nan, 1.0), "event has 1 missing"),
        (np.ones(7), "each of the 1500 rows, got 7"),
    ],
)
def test_bad_events(data, event, message):
    with pytest.raises(ValueError, match=message):
        forest_of().fit(data.X, data.y, treatment=data.treatment, event=event)
    with pytest.raises(ValueError, match=message):
        causal_target(data.y, data.treatment, event=event)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 0}, "horizon must be a positive number"),
        ({"horizon": "1"}, "horizon must be a positive number"),
        ({"horizon": 99.0}, "horizon=99.0 lies beyond the last observed time"),
        ({"target": "median"}, "target must be one of 'restricted_mean'"),
        ({"n_times": 1}, "n_times must be an integer of at least 2"),
        ({"min_uncensored": 0}, r"min_uncensored must lie in \(0, 1\)"),
        ({"survival_model": LinearRegression()}, "survival_model=.* must be a class"),
        ({"censoring_model": LinearRegression()}, "censoring_model=.* must be a class"),
        ({"survival_model": LogisticRegression}, "must be a scikit-learn estimator"),
        ({"min_balance": 0.6}, "min_balance must be between 0 and 0.5"),
    ],
)
def test_bad_parameters(data, options, message):
    error = TypeError if "scikit-learn" in message else ValueError
    with pytest.raises(error, match=message):
        forest_of(**options).fit(
            data.X, data.y, treatment=data.treatment, event=data.event
        )


def test_bad_times(data):
    treatment, event = data.treatment.to_numpy(), data.event.to_numpy()
    fit = forest_of().fit
    with pytest.raises(ValueError, match="times of at least 0, got 1500 below"):
        fit(data.X, data.y - 100, treatment=treatment, event=event)
    with pytest.raises(ValueError, match="arm 1 has no event up to the horizon 3"):
        fit(data.X, data.y, treatment=treatment, event=event * (1 - treatment))
    with pytest.raises(ValueError, match="3 arms; this learner compares two"):
        forest_of(control_arm=0).fit(
            data.X, data.y, treatment=np.arange(1500) % 3, event=event
        )
    with pytest.raises(ValueError, match="continuous treatment"):
        fit(data.X, data.y, treatment=np.linspace(0, 1, 1500), event=event)
    target = causal_target(data.y, treatment, event=event)
    with pytest.raises(ValueError, match="event is given twice"):
        fit(data.X, target, event=event)


def test_an_arm_that_is_not_followed_is_named(data):
    treatment, event = data.treatment.to_numpy(), data.event.to_numpy()
    time = np.where(treatment == 1, np.minimum(data.y, 1.5), data.y)
    event = np.where((treatment == 1) & (data.y > 1.5), 0, event)
    with pytest.warns(OverlapWarning, match=r"nobody in arm 1 is followed beyond 1\.5"):
        forest_of(n_estimators=2).fit(data.X, time, treatment=treatment, event=event)


def test_rows_followed_for_unlikely_long_are_counted(data):
    forest = forest_of(min_uncensored=0.3, n_estimators=2)
    with pytest.warns(OverlapWarning, match=r"rows had a probability below .*=0\.3"):
        forest.fit(data.X, data.y, treatment=data.treatment, event=data.event)
    assert 0 < forest.n_raised_uncensored_ < 400


def test_others_refuse_censored_times(data):
    """Rather than taking times of censoring for times of events."""
    target = causal_target(data.y, data.treatment, event=data.event)
    learner = DRLearner(LinearRegression(), KnownPropensity(0.5), LinearRegression())
    with pytest.raises(ValueError, match=r"y holds an event.*CausalSurvivalForest"):
        learner.fit(data.X, target)
    learner.fit(data.X, data.y, treatment=data.treatment)
    message = "only score and get_scorer of a CausalSurvivalForest can judge"
    with pytest.raises(ValueError, match=message):
        learner.score(data.X, target)
    with pytest.raises(ValueError, match=message):
        average_effect(np.zeros(1500), data.X, target)
    with pytest.raises(ValueError, match=message):
        add_nuisances(data.X, target)


def test_outcome_models_of_scorers_are_refused(data, forest):
    target = causal_target(data.y, data.treatment, event=data.event)
    scorer = get_scorer("r_score", outcome_model=LinearRegression())
    with pytest.raises(ValueError, match="outcome_model is not used for censored"):
        scorer(forest, data.X, target)
