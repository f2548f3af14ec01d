"""Repeated splits: medians by hand, size and power, what may be analysed."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.utils import check_random_state

from skcausal import causal_target
from skcausal.datasets import make_observational
from skcausal.estimation import AIPW, BootstrapEffect, DRLearner, TLearner
from skcausal.estimation._evaluation import EvaluationOptions, effect_scores
from skcausal.validation import (
    TreatmentStratifiedKFold,
    blp_test,
    clan,
    gates,
    heterogeneity_analysis,
)

NUISANCES = {
    "outcome_model": LinearRegression(),
    "propensity_model": LogisticRegression(),
}


def analyse(data, learner=None, n_splits=3, **options):
    learner = TLearner(LinearRegression()) if learner is None else learner
    given = {"treatment": data.treatment} | NUISANCES | options
    X, y = given.pop("X", data.X), given.pop("y", data.y)
    return heterogeneity_analysis(learner, X, y, n_splits=n_splits, **given)


def null_data(n_rows, seed):
    return make_observational(
        n_rows, 3, confounding=0.5, effect="constant", random_state=seed
    )


@pytest.fixture(scope="module")
def data():
    return make_observational(400, 3, random_state=0)


def test_results_are_medians_of_the_tests_on_held_out_halves(data):
    found = analyse(data, level=0.9)
    scores = effect_scores(
        data.X,
        data.y,
        treatment=data.treatment,
        options=EvaluationOptions(**NUISANCES),
    )
    target = causal_target(data.y, data.treatment)
    X = np.asarray(data.X)
    names = list(getattr(data.X, "columns", [f"x{j}" for j in range(X.shape[1])]))
    seeds = check_random_state(0).randint(2**31 - 1, size=3)
    tables = []
    for seed in seeds:
        halves = TreatmentStratifiedKFold(2, random_state=int(seed))
        train, test = next(halves.split(target, target))
        learner = TLearner(LinearRegression()).fit(X[train], target[train])
        effects = learner.effect(X[test])
        given = {"scores": scores[test]}
        tables.append(
            (
                blp_test(effects, **given).summary(0.95),
                gates(effects, **given, level=0.95),
                clan(effects, pd.DataFrame(X[test], columns=names), level=0.95),
            )
        )
    for ours, by_hand in zip(
        (found.blp, found.gates, found.clan), zip(*tables, strict=True), strict=True
    ):
        for column in ours:
            values = np.stack([table[column].to_numpy(float) for table in by_hand])
            expected = np.median(values, axis=0)
            if column == "p_value":
                expected = np.minimum(1, 2 * expected)
            np.testing.assert_allclose(ours[column], expected, err_msg=column)
    assert found.splits.shape == (3, 6)
    assert "standard_error" not in found.gates


def test_it_finds_what_there_is(data):
    found = analyse(data, n_splits=5)
    loading = found.blp.loc["heterogeneity"]
    assert loading["p_value"] < 0.01
    assert loading["lower"] < 1 < loading["upper"]
    truth = data.effect.mean()
    assert found.blp.loc["average", "lower"] < truth < found.blp.loc["average", "upper"]
    assert found.gates.loc["difference", "lower"] > 0
    assert "loading on predicted effects" in repr(found)


def test_it_rarely_finds_what_there_is_not():
    """A constant effect: at most 4 of 20 draws, which has probability .997 at 5 %."""
    rejected = 0
    for seed in range(20):
        data = null_data(200, seed)
        found = analyse(data, random_state=seed)
        rejected += found.blp.loc["heterogeneity", "p_value"] < 0.05
    assert rejected <= 4


@pytest.mark.slow
def test_size_and_coverage_over_many_draws():
    """Medians are conservative: reject at most 5 %, cover at least 95 %."""
    n_draws, rejected, covered = 200, [], []
    for seed in range(n_draws):
        data = null_data(300, seed)
        found = analyse(data, n_splits=11, random_state=seed)
        rejected.append(
            [
                found.blp.loc["heterogeneity", "p_value"] < 0.05,
                found.gates.loc["difference", "p_value"] < 0.05,
            ]
        )
        average = found.blp.loc["average"]
        covered.append(average["lower"] < 1 < average["upper"])
    slack = 4 * np.sqrt(0.05 * 0.95 / n_draws)
    assert np.max(np.mean(rejected, axis=0)) <= 0.05 + slack
    assert np.mean(covered) >= 0.95 - slack


def test_jobs_and_seeds_are_reproducible(data):
    first = analyse(data)
    again = analyse(data, n_jobs=2)
    other = analyse(data, random_state=1)
    for name in ("blp", "gates", "clan", "splits"):
        pd.testing.assert_frame_equal(getattr(first, name), getattr(again, name))
    assert not first.splits.equals(other.splits)


def test_pipelines_searches_and_targets(data):
    expected = analyse(data)
    pipeline = make_pipeline(StandardScaler(), TLearner(LinearRegression()))
    target = causal_target(data.y, data.treatment)
    found = analyse(data, pipeline, y=target, treatment=None)
    for name in ("blp", "gates", "clan"):
        pd.testing.assert_frame_equal(getattr(found, name), getattr(expected, name))
    linear = LinearRegression()
    learner = DRLearner(linear, LogisticRegression(), linear, cv=2, random_state=0)
    search = GridSearchCV(learner, {"cv": [2]}, cv=2, error_score="raise")
    found = analyse(data, search, n_splits=1, y=target, treatment=None)
    assert found.splits.shape == (1, 6)


def test_frames_with_text_go_through_a_pipeline(data):
    frame = pd.DataFrame(np.asarray(data.X), columns=["a", "b", "c"])
    frame["sign"] = np.where(frame["a"] > 0, "plus", "minus")
    pipeline = make_pipeline(
        OneHotEncoder(handle_unknown="ignore"), TLearner(LinearRegression())
    )
    options = {"outcome_model": None, "propensity_model": None, "cv": 2}
    found = analyse(data, pipeline, n_splits=1, X=frame[["sign"]], **options)
    assert found.clan.index.tolist() == ["sign = plus"]


def test_groups_are_never_split(data):
    seen = []

    class Spy(BaseEstimator):
        def fit(self, X, y):
            if "groups" in y.dtype.names:
                seen.append(set(y["groups"]))
            return self

        def predict(self, X):
            return np.asarray(X)[:, 0]

    groups = np.arange(400) // 8
    found = analyse(data, Spy(), groups=groups)
    assert all(len(codes) == 25 for codes in seen)
    without = analyse(data, Spy())
    assert not np.allclose(found.blp["lower"], without.blp["lower"])


def test_weights_of_zero_leave_rows_out(data):
    weight = (np.arange(400) % 4 > 0).astype(float)
    found = analyse(data, sample_weight=weight)
    assert np.isfinite(found.clan["difference"]).all()
    assert not np.allclose(found.blp["estimate"], analyse(data).blp["estimate"])


def test_a_constant_effect_says_nothing(data):
    aipw = AIPW(LinearRegression(), LogisticRegression(), cv=2)
    found = analyse(data, aipw)
    loading = found.blp.loc["heterogeneity"]
    assert np.isnan(loading["estimate"])
    assert (loading["lower"], loading["upper"]) == (-np.inf, np.inf)
    assert loading["p_value"] == 1
    assert np.isfinite(found.blp.loc["average"]).all()
    assert found.gates.loc["difference", "p_value"] == 1
    assert (found.clan["p_value"] == 1).all()


def test_several_arms_are_compared_one_at_a_time():
    data = make_observational(
        450, 3, treatment="multi", confounding=0.5, random_state=0
    )
    labels = np.array(["none", "call", "mail"])[data.treatment]
    learner = TLearner(LinearRegression(), control_arm="none")
    with pytest.raises(ValueError, match=r"arm must be one of \['call', 'mail'\]"):
        analyse(data, learner, treatment=labels)
    averages = [
        analyse(data, learner, treatment=labels, arm=arm).blp.loc["average", "estimate"]
        for arm in ("call", "mail")
    ]
    truth = np.asarray(data.effect).mean(axis=0)
    assert averages == pytest.approx(truth, abs=0.5)


def test_control_arms_must_agree():
    data = make_observational(300, 2, random_state=0)
    labels = np.where(data.treatment == 1, "mail", "none")
    wrapped = BootstrapEffect(
        TLearner(LinearRegression(), control_arm="none"), n_bootstrap=2
    )
    options = {"treatment": labels, "n_splits": 1}
    analyse(data, wrapped, control_arm="none", **options)
    learner = TLearner(LinearRegression(), control_arm="none")
    with pytest.raises(ValueError, match="control_arm is mail, but the estimator"):
        analyse(data, learner, control_arm="mail", **options)


def test_a_continuous_treatment_has_no_arms():
    data = make_observational(200, 2, treatment="continuous", random_state=0)
    with pytest.raises(ValueError, match="a continuous treatment has no arms"):
        analyse(data)


@pytest.mark.parametrize("name", ["instrument", "event"])
def test_targets_that_scores_ignore_are_refused(data, name):
    target = causal_target(data.y, data.treatment, **{name: data.treatment})
    with pytest.raises(ValueError, match=f"y holds an {name}"):
        analyse(data, y=target, treatment=None)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"n_splits": 0}, "heterogeneity_analysis: n_splits must be a positive"),
        ({"n_groups": 1}, "heterogeneity_analysis: n_groups must be at least 2"),
        ({"level": 95}, "heterogeneity_analysis: level must lie strictly"),
    ],
)
def test_bad_parameters(data, wrong, message):
    with pytest.raises(ValueError, match=message):
        analyse(data, **wrong)


def test_progress_is_shown(data, capsys):
    analyse(data, n_splits=1, progress=True)
    assert "heterogeneity_analysis" in capsys.readouterr().err
