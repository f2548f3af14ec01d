"""What a new user meets: odd tables, labels of their own, slips of the hand."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal.fairness import (
    CounterfactualFairnessAuditor,
    CounterfactuallyFairClassifier,
    PathSpecificFair,
    compare_models,
    path_effect_bounds,
)
from skcausal.graphs import CausalGraph, GraphError
from skcausal.structural import AdditiveNoiseModel
from tests.fairness.helpers import Above, chosen, line, shifted


@pytest.fixture
def school():
    """Return rows of two groups, their auditor, and labels of the outcome."""
    frame, model = shifted(150)
    auditor = CounterfactualFairnessAuditor(model, "group", random_state=0).fit(frame)
    passed = np.where(frame["x"] + frame["art"] > 0.5, "passed", "failed")
    return frame, auditor, passed


# -------------------------------------------------------------------------- the audit
def test_rows_with_the_same_index_label_stay_rows(school):
    frame, auditor, _ = school
    twice = pd.concat([frame, frame])
    found = auditor.audit(line(frame, x=2.0), twice).to_frame()
    assert len(found) == len(twice)
    pd.testing.assert_index_equal(found.index, twice.index)
    moved = np.where(twice["group"] == 1, "score_if_0.0", "score_if_1.0")
    other = [found[name].iloc[k] for k, name in enumerate(moved)]
    np.testing.assert_allclose(other - found["score"], found["largest_difference"])


def test_outcome_may_have_the_labels_of_the_predictor(school):
    frame, auditor, passed = school
    predictor = LogisticRegression().fit(frame[["x"]], passed)
    named = auditor.audit(predictor, frame.assign(mark=passed), outcome="mark")
    coded = auditor.audit(predictor, frame, outcome=(passed == "passed").astype(int))
    pd.testing.assert_frame_equal(named.groups, coded.groups)
    wrong = predictor.predict(frame[["x"]]) != passed
    error = pd.Series(wrong).groupby(frame["group"]).mean()
    np.testing.assert_allclose(1 - named.groups["accuracy"], error)


@pytest.mark.parametrize(
    ("outcome", "message"),
    [
        (lambda y: y[:10], r"audit: outcome must have one value per row \(300\)"),
        (lambda y: np.where(y == "passed", "1", "0"), "audit: outcome must hold the"),
        (lambda y: pd.Series(y).where(y == "passed"), "audit: outcome has .* missing"),
    ],
    ids=["short", "text", "gaps"],
)
def test_a_wrong_outcome_is_told_before_the_work(school, outcome, message, monkeypatch):
    frame, auditor, passed = school
    predictor = LogisticRegression().fit(frame[["x"]], passed)

    def fail(*arguments):
        raise AssertionError("worlds were computed before the outcome was checked")

    monkeypatch.setattr(auditor, "_worlds", fail)
    with pytest.raises(ValueError, match=message):
        auditor.audit(predictor, frame, outcome=outcome(passed))


def test_an_outcome_of_numbers_is_refused_early(school):
    frame, auditor, _ = school
    with pytest.raises(ValueError, match="outcome needs a classifier"):
        auditor.audit(line(frame, x=1.0), frame, outcome=frame["art"] > 0)


def test_predictors_that_are_not_fitted_are_called_so(school):
    frame, auditor, _ = school
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    with pytest.raises(ValueError, match="is not fitted, or does not know"):
        auditor.audit(pipeline, frame)
    with pytest.raises(ValueError, match="predictor must be fitted"):
        auditor.audit(LogisticRegression(), frame, features=["x"])


# ------------------------------------------------------------- how sure the audit is
def test_interval_begins_at_zero_unless_a_shift_is_shown(school):
    """Replicates of absolute values are positive even where there is nothing."""
    frame, auditor, _ = school
    audit = auditor.audit(line(frame, x=1.0), frame)
    size = np.abs(np.random.default_rng(0).normal(size=400))
    percentiles = tuple(np.quantile(size, [0.025, 0.975]))
    for p_value, level, lower in (
        (0.3, 0.95, 0.0),
        (0.06, 0.95, 0.0),
        (0.04, 0.95, percentiles[0]),
        (0.04, 0.99, 0.0),
        (np.nan, 0.95, percentiles[0]),  # without refits: of the given model
    ):
        summary = audit.summary.copy()
        summary["p_value"] = p_value
        found = replace(audit, summary=summary, replicates=size).interval(level)
        assert found[0] == pytest.approx(lower)
        assert level != 0.95 or found[1] == pytest.approx(percentiles[1])


# --------------------------------------------------------------- the other questions
def test_an_audit_is_compared_as_it_is():
    frame, model = chosen(300)
    predictor = Above(label=1.0)

    def metric(fitted):
        auditor = CounterfactualFairnessAuditor(
            fitted, "group", n_counterfactuals=2, random_state=0
        )
        return auditor.fit(frame).audit(predictor, frame)

    no_arrow = CausalGraph(nodes=["group", "label"])
    found = compare_models({"arrow": model, "none": no_arrow}, metric, frame)
    assert found.table.loc["none", "unfairness"] == 0
    assert found.table.loc["arrow", "unfairness"] > 0.05
    assert "p_value" not in found.table
    with pytest.raises(TypeError, match="metric must return a number"):
        compare_models({"arrow": model, "none": no_arrow}, lambda fitted: fitted, frame)


def test_paths_in_the_wrong_form_are_told_the_right_one():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.integers(2, size=(200, 3)), columns=["a", "w", "y"])
    graph = CausalGraph([("a", "w"), ("w", "y"), ("a", "y")])
    for edges in ([("a", "w", "y")], ["ay"]):
        with pytest.raises(GraphError, match="edges must be arrows, pairs of nodes"):
            path_effect_bounds(graph, frame, "a", "y", edges, reference=0, compared=1)
    fair = PathSpecificFair(AdditiveNoiseModel(graph), "a", ("a", "y"))
    with pytest.raises(TypeError, match="unfair_paths must be a list of paths"):
        fair.fit(frame[["a", "w"]], frame["y"])


def test_text_outside_the_graph_is_left_out():
    rng = np.random.default_rng(0)
    group = rng.integers(2, size=200)
    X = pd.DataFrame({"group": group, "test": group + rng.normal(size=200)})
    labels = rng.integers(2, size=200)
    fair = CounterfactuallyFairClassifier(
        CausalGraph([("group", "test")]), "group", base_estimator=LogisticRegression()
    )
    named = X.assign(name=[f"person {k}" for k in range(len(X))])
    found = fair.fit(named, labels)
    assert found.excluded_["name"] == "not in the graph"
    expected = found.predict_proba(named)
    np.testing.assert_allclose(fair.fit(X, labels).predict_proba(X), expected)
    with pytest.raises(ValueError, match="column 'test' of X holds text"):
        fair.fit(named.assign(test="high"), labels)
