"""skcausal's side of the comparison of averages, named by what it is compared with.

Cross-fitting takes the folds of the problem. Where a peer fits its models on all rows,
so do frozen models here; ``leave one out`` is what cross-fitting comes to with as many
folds as rows.
"""

import time

import numpy as np

from benchmarks.libraries._average_models import average_models
from benchmarks.libraries._worker import main


def interacted(rows):
    """Return covariates, treatment (the last column) and their products."""
    return np.hstack([rows, rows[:, :-1] * rows[:, -1:]])


def frozen_scores(mode, problem):
    """Doubly robust scores of models that are fitted on all rows."""
    from sklearn.frozen import FrozenEstimator
    from sklearn.linear_model import LinearRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    from skcausal.estimation import DRLearner

    line, logit = average_models(mode, problem["seed"])
    X, treatment = problem["X"], problem["treatment"]
    both = make_pipeline(FunctionTransformer(interacted), line)
    both.fit(np.column_stack([X, treatment]), problem["y"])
    return DRLearner(
        FrozenEstimator(both),
        FrozenEstimator(logit.fit(X, treatment)),
        LinearRegression(),
        min_propensity=0.0,
        random_state=0,
    )


def frozen_partialling(problem):
    """Least squares on all rows takes the covariates out of all three columns."""
    from sklearn.frozen import FrozenEstimator
    from sklearn.linear_model import LinearRegression

    from skcausal.estimation import PartiallyLinearIV

    models = (
        FrozenEstimator(LinearRegression().fit(problem["X"], problem[name]))
        for name in ("y", "treatment", "instrument")
    )
    return PartiallyLinearIV(*models, random_state=0)


def cross_fitted(learner, mode, problem):
    from skcausal import estimation

    line, logit = average_models(mode, problem["seed"])
    options = {"cv": problem["folds"], "random_state": 0}
    if learner.startswith("PartiallyLinear,"):
        moment = learner.partition(", ")[2]
        return estimation.PartiallyLinear(line, logit, moment=moment, **options)
    if learner == "PartiallyLinearIV":
        kind = {"treatment_type": "continuous"}  # the peer's models are regressions too
        return estimation.PartiallyLinearIV(line, line, line, **kind, **options)
    if learner == "InteractiveIV":
        return estimation.InteractiveIV(line, logit, logit, **options)
    if learner == "AIPW, leave one out":
        rows = np.arange(len(problem["y"]))
        options["cv"] = [(np.delete(rows, i), rows[i : i + 1]) for i in rows]
    return estimation.AIPW(line, logit, **options)


def build(learner, mode, problem):
    from skcausal import estimation

    if learner == "scores of models fitted on all rows":
        return frozen_scores(mode, problem)
    if learner == "PartiallyLinearIV, models fitted on all rows":
        return frozen_partialling(problem)
    if learner.startswith("PropensityWeighting"):
        model = average_models("linear")[1]
        return estimation.PropensityWeighting(model, min_propensity=0.0)
    if learner.startswith("RegressionAdjustment"):
        return estimation.RegressionAdjustment(covariance="HC0")
    if learner.startswith("NearestNeighbourMatching"):
        distance = learner.partition(", ")[2]
        return estimation.NearestNeighbourMatching(distance, bias_correction=False)
    return cross_fitted(learner, mode, problem)


def fit_predict(learner, mode, problem):
    X, y, treatment = problem["X"], problem["y"], problem["treatment"]
    arguments = {"treatment": treatment}
    if "IV" in learner:
        arguments["instrument"] = problem["instrument"]
    start = time.process_time()
    fitted = build(learner, mode, problem).fit(X, y, **arguments)
    question = {"target": "treated"} if learner.endswith(", treated") else {}
    estimate = fitted.average_effect(**question)
    seconds = time.process_time() - start
    return [float(estimate.value), float(estimate.standard_error)], seconds, ""


if __name__ == "__main__":
    main("skcausal", fit_predict)
