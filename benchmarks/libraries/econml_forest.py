"""EconML's CausalForestDML with shared nuisance models, folds and forest settings."""

import time

from benchmarks.libraries import _models
from benchmarks.libraries._worker import main


def fit_predict(learner, mode, problem):
    from econml.dml import CausalForestDML

    seed, options = problem["seed"], {}
    if mode == "same":
        options = {
            "model_y": _models.regressor(seed),
            "model_t": _models.classifier(seed),
            "cv": problem["folds"],
            "n_estimators": 500,
            "max_samples": 0.45,
            "min_samples_leaf": 5,
            "subforest_size": 2,
            "max_features": None,
        }
    forest = CausalForestDML(discrete_treatment=True, random_state=seed, **options)
    start = time.process_time()
    forest.fit(problem["y"], problem["treatment"], X=problem["X"])
    seconds = time.process_time() - start
    return forest.effect(problem["X_new"]).ravel(), seconds, ""


if __name__ == "__main__":
    main("econml", fit_predict)
