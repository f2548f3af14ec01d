"""CausalML: the five learners with shared base models, and as its own pages show them.

It does not cross-fit a propensity, so in mode ``same`` X, R and DR are handed the one
of the shared folds and classifier (its argument ``p``). R makes its outcome folds from
a seed, as the shared folds are made; DR always makes three parts of its own.
"""

import logging
import time

from benchmarks.libraries import _models
from benchmarks.libraries._worker import main

DEFAULTS = {
    "S": "BaseSRegressor(XGBRegressor())",
    "T": "quickstart: XGBTRegressor()",
    "X": "quickstart: BaseXRegressor(XGBRegressor()), propensity left to it",
    "R": "quickstart: BaseRRegressor(XGBRegressor()), propensity left to it",
    "DR": "BaseDRRegressor(XGBRegressor()), propensity left to it",
}


def build(learner, model, problem):
    from causalml.inference import meta

    if learner == "R":
        estimator = meta.BaseRRegressor(
            learner=model, n_fold=len(problem["folds"]), random_state=problem["seed"]
        )
        estimator.cv_n_jobs = 1  # its constructor does not offer it; default -1
        return estimator
    classes = {
        "S": meta.BaseSRegressor,
        "T": meta.BaseTRegressor,
        "X": meta.BaseXRegressor,
        "DR": meta.BaseDRRegressor,
    }
    return classes[learner](learner=model)


def own_model(problem):
    from xgboost import XGBRegressor

    return XGBRegressor(random_state=problem["seed"])


def fit_predict(learner, mode, problem):
    logging.disable(logging.INFO)
    X, X_new = problem["X"], problem["X_new"]
    treatment, seed = problem["treatment"], problem["seed"]
    same = mode == "same"
    model = _models.regressor(seed) if same else own_model(problem)
    estimator = build(learner, model, problem)
    start = time.perf_counter()
    propensity, propensity_new = None, None
    if same and learner in ("X", "R", "DR"):
        propensity, propensity_new = _models.cross_fitted_propensity(
            X, treatment, X_new, problem["folds"], seed
        )
    extra = {"seed": seed} if learner == "DR" else {}
    estimator.fit(X, treatment, problem["y"], p=propensity, **extra)
    seconds = time.perf_counter() - start
    extra = {"p": propensity_new} if learner == "X" else {}
    return estimator.predict(X_new, **extra).ravel(), seconds, ""


if __name__ == "__main__":
    main("causalml", fit_predict)
