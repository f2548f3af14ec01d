"""BootstrapEffect: what is resampled, and what its intervals are made of."""

import pickle

import joblib
import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal import causal_target, effect_of
from skcausal.estimation import BootstrapEffect, KnownPropensity, TLearner
from skcausal.validation import get_scorer
from tests.estimation.helpers import learner_of, make_table

METHODS = ("half_sample", "bayesian", "pairs")


@pytest.fixture
def table():
    return make_table()


class Recorder(BaseEstimator):
    """A learner that only keeps what it was given."""

    def fit(self, X, y):
        self.X_, self.target_ = np.asarray(X), y
        self.arms_ = np.array([0, 1])
        return self

    def effect(self, X, *, treated=None, control=None):
        return np.zeros(len(X))

    predict = effect


def recorded(method, table, n_bootstrap=20, **metadata):
    X = np.arange(len(table.y), dtype=float)[:, None]  # the row's number
    wrapper = BootstrapEffect(
        Recorder(), method=method, n_bootstrap=n_bootstrap, random_state=0
    )
    wrapper.fit(X, table.y, treatment=table.treatment, **metadata)
    return [(r.X_[:, 0].astype(int), r.target_) for r in wrapper.replicates_]


# ------------------------------------------------------------------------ resampling
def test_half_samples_are_half_of_each_arm_without_ties(table):
    arms = np.bincount(table.treatment)
    sizes = []
    for rows, target in recorded("half_sample", table):
        assert len(set(rows)) == len(rows)
        np.testing.assert_array_equal(target["outcome"], table.y[rows])
        sizes.append(np.bincount(table.treatment[rows]))
    np.testing.assert_allclose(sizes, np.tile(arms / 2, (20, 1)), atol=0.5)


def test_an_odd_row_is_in_half_of_the_half_samples():
    table = make_table(n_rows=91)
    sizes = {len(rows) for rows, _ in recorded("half_sample", table, 40)}
    assert sizes == {45, 46}


def test_pairs_are_drawn_with_replacement_within_arms(table):
    arms = np.bincount(table.treatment)
    for rows, target in recorded("pairs", table):
        assert np.bincount(table.treatment[rows]).tolist() == arms.tolist()
        assert len(set(rows)) < 75
        # Copies of a row form a group, so that folds keep them together.
        groups = pd.Series(target["groups"]).groupby(rows).nunique()
        assert (groups == 1).all()
        assert len(set(target["groups"])) == len(set(rows))


def test_bayesian_weights_are_exponential(table):
    draws = []
    for rows, target in recorded("bayesian", table):
        np.testing.assert_array_equal(rows, np.arange(90))
        draws.append(target["sample_weight"])
    draws = np.concatenate(draws)
    assert stats.kstest(draws, stats.expon.cdf).pvalue > 0.001
    weight = np.linspace(1, 2, 90)
    weighted = recorded("bayesian", table, sample_weight=weight)
    products = np.concatenate([t["sample_weight"] / weight for _, t in weighted])
    np.testing.assert_allclose(products, draws)


@pytest.mark.parametrize("method", METHODS)
def test_groups_are_resampled_whole(method, table, rng):
    groups = rng.integers(15, size=90)
    sizes = np.bincount(groups)
    for rows, target in recorded(method, table, groups=groups):
        if method == "bayesian":
            per_group = pd.Series(target["sample_weight"]).groupby(groups).nunique()
            assert (per_group == 1).all()
            continue
        copies = np.bincount(groups[rows], minlength=15) / sizes
        np.testing.assert_array_equal(copies, copies.astype(int))
        assert copies.sum() in ((7, 8) if method == "half_sample" else (15,))
        assert copies.max() == 1 or method == "pairs"


def test_weights_and_propensities_follow_their_rows(table):
    weight, e = np.linspace(1, 2, 90), np.linspace(0.3, 0.6, 90)
    target = causal_target(table.y, table.treatment, sample_weight=weight, propensity=e)
    wrapper = BootstrapEffect(Recorder(), n_bootstrap=3, random_state=0)
    wrapper.fit(np.arange(90.0)[:, None], target)
    for replicate in wrapper.replicates_:
        rows = replicate.X_[:, 0].astype(int)
        np.testing.assert_array_equal(replicate.target_["sample_weight"], weight[rows])
        np.testing.assert_array_equal(replicate.target_["propensity"][:, 1], e[rows])


def test_known_propensity_per_row_must_travel_in_the_target(table):
    learner = learner_of("DR", treatment_model=KnownPropensity(np.full(90, 0.5)))
    wrapper = BootstrapEffect(learner, n_bootstrap=2)
    with pytest.raises(ValueError, match=r"data need \(4\d, 2\).*causal_target"):
        wrapper.fit(table.X, table.y, treatment=table.treatment)


# ------------------------------------------------------------------------- intervals
@pytest.mark.parametrize("method", METHODS)
def test_interval_is_the_spread_of_refitted_effects(method, table):
    wrapper = BootstrapEffect(
        learner_of("T"), n_bootstrap=5, method=method, random_state=0
    ).fit(table.X, table.y, treatment=table.treatment)
    plain = learner_of("T").fit(table.X, table.y, treatment=table.treatment)
    np.testing.assert_array_equal(wrapper.effect(table.X), plain.effect(table.X))
    spread = np.std([r.effect(table.X) for r in wrapper.replicates_], axis=0, ddof=1)
    lower, upper = wrapper.effect_interval(table.X, level=0.9)
    margin = stats.norm.ppf(0.95) * spread
    np.testing.assert_allclose(lower, plain.effect(table.X) - margin)
    np.testing.assert_allclose(upper, plain.effect(table.X) + margin)


@pytest.mark.parametrize("method", METHODS)
def test_spread_estimates_the_standard_error(method, rng):
    """Constant-only models: the effect is a difference of means, known error."""
    treatment = np.arange(400) % 2
    y = rng.normal(size=400) * (1 + treatment)
    X = np.zeros((400, 1))
    wrapper = BootstrapEffect(
        learner_of("T"), n_bootstrap=400, method=method, random_state=0
    ).fit(X, y, treatment=treatment)
    lower, upper = wrapper.effect_interval(X[:1])
    error = (upper - lower)[0] / (2 * 1.959964)
    expected = np.hypot(stats.sem(y[treatment == 0]), stats.sem(y[treatment == 1]))
    assert error == pytest.approx(expected, rel=0.12)


@pytest.mark.parametrize("kind", ["multi", "continuous"])
def test_other_treatments(kind):
    table = make_table(kind, 120)
    line = LinearRegression() if kind == "continuous" else None
    control = "none" if kind == "multi" else None
    learner = learner_of("R", treatment_model=line, control_arm=control)
    wrapper = BootstrapEffect(learner, n_bootstrap=3, random_state=0)
    wrapper.fit(table.X, table.y, treatment=table.treatment)
    lower, upper = wrapper.effect_interval(table.X)
    shape = (120, 2) if kind == "multi" else (120,)
    assert lower.shape == upper.shape == wrapper.effect(table.X).shape == shape
    assert (lower < upper).all()


# --------------------------------------------------------------------------- wrapping
@pytest.mark.parametrize("kind", ["frame", "array"])
def test_a_pipeline_inside(kind, table):
    X = pd.DataFrame(table.X, columns=["a", "b"]) if kind == "frame" else table.X
    pipeline = make_pipeline(StandardScaler(), learner_of("T"))
    wrapper = BootstrapEffect(pipeline, n_bootstrap=3, random_state=0)
    wrapper.fit(X, table.y, treatment=table.treatment)
    lower, upper = wrapper.effect_interval(X)
    assert (lower < upper).all()
    assert wrapper.arms_.tolist() == [0, 1]
    plain = learner_of("T").fit(table.X, table.y, treatment=table.treatment)
    np.testing.assert_allclose(wrapper.effect(X), plain.effect(table.X))
    assert np.isfinite(wrapper.average_effect(target="treated").value)
    view = effect_of(wrapper)
    np.testing.assert_array_equal(view.effect_interval(X), (lower, upper))


def test_inside_a_pipeline_and_a_search(table):
    wrapper = BootstrapEffect(learner_of("T"), n_bootstrap=2, random_state=0)
    pipeline = make_pipeline(StandardScaler(), wrapper)
    grid = {"bootstrapeffect__estimator__outcome_model__fit_intercept": [True, False]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring=get_scorer("r_score"))
    search.fit(table.X, causal_target(table.y, table.treatment))
    lower, upper = effect_of(search).effect_interval(table.X)
    assert (lower < upper).all()


def test_average_effects_are_those_of_the_learner(table):
    wrapper = BootstrapEffect(
        learner_of("DR", random_state=0), n_bootstrap=2, random_state=1
    ).fit(table.X, table.y, treatment=table.treatment)
    plain = learner_of("DR", random_state=0)
    plain.fit(table.X, table.y, treatment=table.treatment)
    for target in ("all", "overlap"):
        estimate = wrapper.average_effect(target=target)
        assert estimate.value == plain.average_effect(target=target).value
    swapped = wrapper.effect(table.X, treated=0, control=1)
    np.testing.assert_allclose(swapped, -wrapper.effect(table.X))


def test_seeds_reproduce_whatever_n_jobs(table):
    intervals = []
    for n_jobs, seed in ((1, 0), (2, 0), (1, 1)):
        wrapper = BootstrapEffect(
            TLearner(LinearRegression()),
            n_bootstrap=4,
            n_jobs=n_jobs,
            random_state=seed,
        )
        with joblib.parallel_config(backend="threading"):
            wrapper.fit(table.X, table.y, treatment=table.treatment)
        intervals.append(np.array(wrapper.effect_interval(table.X)))
    np.testing.assert_array_equal(intervals[0], intervals[1])
    assert (intervals[0] != intervals[2]).all()


def test_replicates_keep_no_rows_and_pickle(table):
    wrapper = BootstrapEffect(
        make_pipeline(StandardScaler(), learner_of("DR")), n_bootstrap=3, random_state=0
    ).fit(table.X, table.y, treatment=table.treatment)
    assert all(r[-1]._data.X is None for r in wrapper.replicates_)
    loaded = pickle.loads(pickle.dumps(wrapper))
    np.testing.assert_array_equal(
        loaded.effect_interval(table.X), wrapper.effect_interval(table.X)
    )


def test_progress_bar(table, capsys):
    wrapper = BootstrapEffect(learner_of("T"), n_bootstrap=3, progress=True)
    wrapper.fit(table.X, table.y, treatment=table.treatment)
    shown = capsys.readouterr().err
    assert "BootstrapEffect" in shown
    assert "3/3" in shown
    wrapper.set_params(progress=False)
    wrapper.fit(table.X, table.y, treatment=table.treatment)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"method": "jackknife"},
            "method must be one of 'half_sample', .* 'jackknife'",
        ),
        ({"n_bootstrap": 1}, "n_bootstrap must be at least 2, got 1"),
    ],
)
def test_bad_parameters(options, message, table):
    wrapper = BootstrapEffect(learner_of("T"), **options)
    with pytest.raises(ValueError, match=message):
        wrapper.fit(table.X, table.y, treatment=table.treatment)


def test_bad_level(table):
    wrapper = BootstrapEffect(learner_of("T"), n_bootstrap=2)
    wrapper.fit(table.X, table.y, treatment=table.treatment)
    with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
        wrapper.effect_interval(table.X, level=95)
