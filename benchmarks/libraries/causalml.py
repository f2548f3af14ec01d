"""CausalML: the five learners with shared base models, and as its own pages show them.

It does not cross-fit a propensity, so in mode ``same`` X, R and DR are handed the one
of the shared folds and classifier (its argument ``p``). R makes its outcome folds from
a seed, as the shared folds are made; DR always makes three parts of its own.
"""

import logging
import time

import numpy as np
from sklearn.model_selection import KFold

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


def third_propensity(X, treatment, seed):
    """Propensity as DR makes it by itself, but by the shared classifier.

    It trains on one third and predicts another one, in the order of its ``fit``.
    """
    splits = KFold(n_splits=3, shuffle=True, random_state=seed).split(X)
    thirds = [rows for _, rows in splits]
    propensity = np.empty(len(X))
    for k in range(3):
        model = _models.classifier(seed).fit(X[thirds[k]], treatment[thirds[k]])
        rows = thirds[(k + 2) % 3]
        propensity[rows] = model.predict_proba(X[rows])[:, 1]
    return propensity


def propensities(learner, mode, problem):
    """Propensity handed to it, for the rows fitted and for new rows.

    ``same``: cross-fitted on the shared folds, for accuracy. ``speed``: no more work
    than the learner itself does (X one fit, DR its thirds), R as in ``same`` since the
    R-learner compared with cross-fits it.
    """
    X, X_new = problem["X"], problem["X_new"]
    treatment, seed = problem["treatment"], problem["seed"]
    if mode == "default" or learner in ("S", "T"):
        return None, None
    if learner == "R" or (mode == "same" and learner == "DR"):
        folds = problem["folds"]
        return _models.cross_fitted_propensity(X, treatment, X_new, folds, seed)
    if learner == "DR":
        return third_propensity(X, treatment, seed), None
    model = _models.classifier(seed).fit(X, treatment)
    return model.predict_proba(X)[:, 1], model.predict_proba(X_new)[:, 1]


def fit_predict(learner, mode, problem):
    logging.disable(logging.INFO)
    seed = problem["seed"]
    own = mode == "default"
    model = own_model(problem) if own else _models.regressor(seed)
    estimator = build(learner, model, problem)
    start = time.process_time()
    propensity, propensity_new = propensities(learner, mode, problem)
    extra = {"seed": seed} if learner == "DR" else {}
    estimator.fit(
        problem["X"], problem["treatment"], problem["y"], p=propensity, **extra
    )
    seconds = time.process_time() - start
    extra = {"p": propensity_new} if learner == "X" else {}
    return estimator.predict(problem["X_new"], **extra).ravel(), seconds, ""


if __name__ == "__main__":
    main("causalml", fit_predict)
