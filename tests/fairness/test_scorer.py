"""The scorer in scikit-learn's own tools."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline

from skcausal.fairness import (
    CounterfactualFairnessAuditor,
    counterfactual_unfairness_scorer,
)
from tests.fairness.helpers import SHIFT, Above, line, shifted


def test_score_is_minus_the_unfairness_of_the_audit():
    frame, model = shifted()
    model.fit(frame)
    scorer = counterfactual_unfairness_scorer(model, "group")
    assert scorer(line(frame, x=1.0), frame, None) == pytest.approx(-SHIFT)
    auditor = CounterfactualFairnessAuditor(model, "group").fit(frame)
    audit = auditor.audit(Above(x=1.0), frame)
    assert scorer(Above(x=1.0), frame) == pytest.approx(-audit.unfairness, abs=1e-15)


def test_scorer_is_copied_and_pickled():
    frame, model = shifted()
    scorer = counterfactual_unfairness_scorer(model.fit(frame), "group")
    again = pickle.loads(pickle.dumps(scorer))
    assert again(Above(x=1.0), frame) == scorer(Above(x=1.0), frame)
    assert clone(scorer).sensitive == "group"


def columns(names):
    return make_column_transformer(("passthrough", names))


def test_a_search_trades_accuracy_against_unfairness():
    """With all columns a search is accurate; asked for fairness it keeps to art."""
    frame, model = shifted(300)
    rng = np.random.default_rng(0)
    y = frame["x"] + 0.8 * frame["art"] + rng.normal(size=len(frame)) > 0.7
    order = rng.permutation(len(frame))
    X, y = frame.iloc[order], y.iloc[order]
    scoring = {
        "auc": "roc_auc",
        "fair": counterfactual_unfairness_scorer(model.fit(frame), "group"),
    }

    def fairest(results):
        """Return the most accurate candidate with unfairness below .01."""
        area = results["mean_test_auc"].copy()
        area[results["mean_test_fair"] < -0.01] = -np.inf
        return int(area.argmax())

    pipeline = make_pipeline(columns(["x"]), LogisticRegression())
    sets = [["x", "art", "group"], ["x", "art"], ["art"]]
    grid = {"columntransformer": [columns(names) for names in sets]}
    options = {"scoring": scoring, "cv": 2, "error_score": "raise"}
    blind = GridSearchCV(pipeline, grid, refit="auc", **options).fit(X, y)
    fair = GridSearchCV(pipeline, grid, refit=fairest, **options).fit(X, y)
    assert blind.best_index_ in (0, 1)
    assert fair.best_index_ == 2
    results = fair.cv_results_
    assert results["mean_test_fair"][2] == 0
    assert results["mean_test_auc"][0] > results["mean_test_auc"][2] + 0.05


def test_bad_input():
    frame, model = shifted()
    scorer = counterfactual_unfairness_scorer(model, "group")
    with pytest.raises(ValueError, match="must be a fitted structural model"):
        scorer(Above(x=1.0), frame)
    scorer = counterfactual_unfairness_scorer(model.fit(frame), "group")
    with pytest.raises(TypeError, match="frame must be a DataFrame"):
        cross_val_score(
            LogisticRegression(),
            frame.to_numpy(),
            frame["x"] > 0,
            scoring=scorer,
            cv=2,
            error_score="raise",
        )
