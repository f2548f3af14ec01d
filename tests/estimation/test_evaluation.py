"""Scores of effects, shared per-row nuisances, and the verbs of Pipelines."""

import numpy as np
import pandas as pd
import pytest
from sklearn import config_context
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal import add_nuisances, causal_target, effect_of
from skcausal.datasets import make_observational
from skcausal.estimation import BootstrapEffect, KnownPropensity, TLearner
from skcausal.estimation._evaluation import EvaluationOptions, effect_scores
from skcausal.utils._target import resolve_target
from skcausal.validation import get_scorer
from tests.estimation.helpers import (
    LEARNERS,
    hand_nuisances,
    learner_of,
    logit,
    make_table,
    out_of_fold,
)


@pytest.fixture
def table():
    return make_table()


def fitted(name, table, **options):
    control = "none" if table.treatment.dtype.kind == "U" else None
    learner = learner_of(name, control_arm=control, random_state=0, **options)
    return learner.fit(table.X, table.y, treatment=table.treatment)


def options_of(table, treatment_model=None):
    """Return models and folds of an evaluation that the tests compute by hand."""
    return {
        "outcome_model": LinearRegression(),
        "propensity_model": treatment_model or logit(),
        "cv": table.splits,
    }


# ---------------------------------------------------------------------------- scores
@pytest.mark.parametrize("kind", ["binary", "multi", "continuous"])
def test_r_score_by_hand(kind):
    table = make_table(kind, 120)
    line = LinearRegression() if kind == "continuous" else None
    learner = fitted("S" if line else "T", table, treatment_model=line)
    u = table.y - out_of_fold(table, table.y)
    if line:
        v = (table.treatment - out_of_fold(table, table.treatment))[:, None]
    else:
        v = np.eye(table.codes.max() + 1)[table.codes] - hand_nuisances(table)[1]
        v = v[:, 1:]
    tau = learner.effect(table.X).reshape(120, -1)
    constant = np.linalg.lstsq(v, u, rcond=None)[0]
    loss = ((u - (v * tau).sum(axis=1)) ** 2).mean()
    expected = 1 - loss / ((u - v @ constant) ** 2).mean()
    target = causal_target(table.y, table.treatment)
    target = add_nuisances(table.X, target, **options_of(table, line))
    assert learner.score(table.X, target) == pytest.approx(expected)
    scorer = get_scorer("r_score")
    assert scorer(learner, table.X, target) == pytest.approx(expected)


def test_score_of_the_truth_beats_that_of_noise():
    data = make_observational(3000, effect="linear", noise=0.5, random_state=0)
    target = causal_target(data.y, data.treatment)
    learner = learner_of("T").fit(data.X, target)
    good = learner.score(data.X, target)
    wrong = learner_of("T").fit(-data.X, target).score(data.X, target)
    assert 0 < good <= 1
    assert wrong < 0


@pytest.mark.parametrize("name", LEARNERS)
def test_score_depends_on_effects_only(name, table):
    """Nuisances are cross-fitted on the scored rows, never the learner's own."""
    learner, other = fitted(name, table), fitted("T", table)
    frozen = learner.effect(table.X)
    other.effect = lambda X: frozen
    arguments = (table.X, table.y, table.treatment)
    assert other.score(*arguments) == learner.score(*arguments)


def test_weights_count_in_the_score(table, rng):
    learner = fitted("T", table)
    weight = rng.integers(1, 3, size=90).astype(float)
    target = add_nuisances(
        table.X, causal_target(table.y, table.treatment), **options_of(table)
    )
    rows = np.repeat(np.arange(90), weight.astype(int))
    weighted = learner.score(table.X, target, sample_weight=weight)
    assert weighted == pytest.approx(learner.score(table.X[rows], target[rows]))


def test_score_without_treatment_says_what_to_do(table):
    learner = fitted("T", table)
    with pytest.raises(ValueError, match=r"score: no treatment arrived.*causal_target"):
        learner.score(table.X, table.y)


@pytest.mark.parametrize("kind", ["binary", "multi"])
def test_effect_scores_by_hand(kind):
    table = make_table(kind, 120)
    mu, e = hand_nuisances(table, pooled=True)
    codes = table.codes
    psi = mu + np.eye(mu.shape[1])[codes] * (table.y[:, None] - mu) / e
    expected = psi[:, 1:] - psi[:, :1]
    settings = options_of(table)
    options = EvaluationOptions(
        settings["outcome_model"], settings["propensity_model"], settings["cv"]
    )
    control = "none" if kind == "multi" else None
    scores = effect_scores(
        table.X,
        table.y,
        treatment=table.treatment,
        control_arm=control,
        options=options,
    )
    expected = expected[:, 0] if kind == "binary" else expected
    np.testing.assert_allclose(scores, expected, rtol=1e-6)


# --------------------------------------------------------------------- add_nuisances
@pytest.mark.parametrize("kind", ["binary", "multi", "continuous"])
def test_add_nuisances_travel_with_the_rows(kind):
    table = make_table(kind, 120)
    line = LinearRegression() if kind == "continuous" else None
    weight = np.linspace(1, 2, 120)
    plain = causal_target(table.y, table.treatment, sample_weight=weight)
    target = add_nuisances(table.X, plain, **options_of(table, line))
    for name in plain.dtype.names:
        np.testing.assert_array_equal(target[name], plain[name])
    parts = resolve_target("test", target[::-2])
    outcome = out_of_fold(table, table.y, weight)[::-2]
    np.testing.assert_allclose(parts.nuisances["outcome"], outcome)
    if kind == "continuous":
        expected = out_of_fold(table, table.treatment, weight)[::-2]
        np.testing.assert_allclose(parts.nuisances["propensity"], expected)
        assert set(parts.nuisances) == {"outcome", "propensity"}
    else:
        mu, e = (values[::-2] for values in hand_nuisances(table, weight, pooled=True))
        labels = ["none", "call", "mail"] if kind == "multi" else [0, 1]
        by_label = np.argsort(labels)  # columns follow the sorted labels
        np.testing.assert_allclose(
            parts.nuisances["propensity"], e[:, by_label], rtol=1e-6
        )
        means = parts.nuisances["outcome_pooled"]
        np.testing.assert_allclose(means, mu[:, by_label], rtol=1e-6)


def test_added_nuisances_suit_any_control_arm():
    table = make_table("multi", 120)
    target = causal_target(table.y, table.treatment)
    target = add_nuisances(table.X, target, **options_of(table))
    scores = []
    for control in ("none", "mail"):
        learner = learner_of("T", control_arm=control).fit(table.X, target)
        _, e = hand_nuisances(table)
        order = [("none", "call", "mail").index(arm) for arm in learner.arms_]
        v = (np.eye(3)[table.codes] - e)[:, order[1:]]
        u = table.y - out_of_fold(table, table.y)
        tau = learner.effect(table.X)
        scores.append(((u - (v * tau).sum(axis=1)) ** 2).mean())
        constant = np.linalg.lstsq(v, u, rcond=None)[0]
        expected = 1 - scores[-1] / ((u - v @ constant) ** 2).mean()
        assert learner.score(table.X, target) == pytest.approx(expected)
    # The same question in other words: the loss does not depend on the control.
    assert scores[0] == pytest.approx(scores[1])


def test_added_nuisances_of_a_fold_that_lacks_an_arm(table):
    target = add_nuisances(
        table.X, causal_target(table.y, table.treatment), **options_of(table)
    )
    learner = fitted("T", table)
    treated = table.treatment == 1
    with pytest.raises(ValueError, match="treatment has one arm"):
        learner.score(table.X[treated], target[treated])


def test_add_nuisances_needs_a_causal_target(table):
    with pytest.raises(TypeError, match=r"must be made by causal_target.* got ndarray"):
        add_nuisances(table.X, table.y)


# ------------------------------------------------------------------------- effect_of
@pytest.fixture
def raw(table):
    return pd.DataFrame(table.X * 100 + 5, columns=["a", "b"])


def test_effect_of_gives_a_pipeline_the_verbs_of_its_learner(raw, table):
    target = causal_target(table.y, table.treatment)
    pipeline = make_pipeline(StandardScaler(), learner_of("DR", random_state=0))
    view = effect_of(pipeline.fit(raw, target))
    learner = pipeline[-1]
    scaled = pipeline[:-1].transform(raw)
    np.testing.assert_array_equal(view.effect(raw), learner.effect(scaled))
    np.testing.assert_array_equal(view.predict(raw), pipeline.predict(raw))
    np.testing.assert_array_equal(
        view.effect_interval(raw, level=0.9), learner.effect_interval(scaled, level=0.9)
    )
    assert view.average_effect(target="treated").value == pytest.approx(
        learner.average_effect(target="treated").value
    )
    np.testing.assert_allclose(
        view.effect(raw, treated=0, control=1), -learner.effect(scaled)
    )


def test_effect_of_offers_what_the_learner_offers(raw, table):
    target = causal_target(table.y, table.treatment)
    t_view = effect_of(
        make_pipeline(StandardScaler(), learner_of("T")).fit(raw, target)
    )
    assert hasattr(t_view, "predict_outcome")
    assert not hasattr(t_view, "effect_interval")
    control = t_view.predict_outcome(raw, 0)
    effect = t_view.predict_outcome(raw, 1) - control
    np.testing.assert_allclose(effect, t_view.effect(raw))
    dr_view = effect_of(learner_of("DR").fit(raw, target))
    assert hasattr(dr_view, "effect_interval")
    assert not hasattr(dr_view, "predict_outcome")


def test_effect_of_looks_through_searches_pipelines_and_wrappers(raw, table):
    target = causal_target(table.y, table.treatment)
    inner = make_pipeline(StandardScaler(), learner_of("T"))
    pipeline = make_pipeline("passthrough", inner)
    search = GridSearchCV(pipeline, {}, cv=2, scoring=get_scorer("r_score"))
    view = effect_of(search.fit(raw, target))
    assert isinstance(view.learner_, TLearner)
    np.testing.assert_array_equal(view.effect(raw), search.predict(raw))
    wrapper = BootstrapEffect(inner, n_bootstrap=2, random_state=0).fit(raw, target)
    np.testing.assert_allclose(effect_of(wrapper).effect(raw), view.effect(raw))


def test_effect_of_refuses_other_estimators(raw, table):
    pipeline = make_pipeline(StandardScaler(), LinearRegression()).fit(raw, table.y)
    with pytest.raises(TypeError, match="must be an effect learner, got LinearRegres"):
        effect_of(pipeline)


# --------------------------------------------------------------- scikit-learn's tools
def test_both_ways_of_treatment_agree_in_a_search(raw, table):
    learner = learner_of("DR", random_state=0)
    grid = {"drlearner__effect_model__fit_intercept": [True, False]}
    pipeline = make_pipeline(StandardScaler(), learner)
    options = {"cv": 2, "scoring": get_scorer("r_score"), "error_score": "raise"}
    packed = GridSearchCV(pipeline, grid, **options)
    packed.fit(raw, causal_target(table.y, table.treatment))
    with config_context(enable_metadata_routing=True):
        routed = GridSearchCV(clone(pipeline), grid, **options)
        routed.fit(raw, table.y, treatment=table.treatment)
    np.testing.assert_allclose(
        routed.cv_results_["mean_test_score"], packed.cv_results_["mean_test_score"]
    )
    np.testing.assert_allclose(routed.predict(raw), packed.predict(raw))


def test_cross_val_predict_gives_held_out_effects(raw, table):
    target = causal_target(table.y, table.treatment)
    learner = TLearner(LinearRegression(), KnownPropensity())
    effects = cross_val_predict(learner, table.X, target, cv=table.splits)
    train, test = table.splits[0]
    expected = clone(learner).fit(table.X[train], target[train]).effect(table.X[test])
    np.testing.assert_allclose(effects[test], expected)
