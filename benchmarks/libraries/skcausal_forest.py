"""skcausal's forest with shared nuisance models and folds, and with its defaults."""

import time

from benchmarks.libraries import _models
from benchmarks.libraries._worker import main


def fit_predict(learner, mode, problem):
    from skcausal.estimation import CausalForest

    seed, models = problem["seed"], {}
    if mode == "same":
        models["outcome_model"] = _models.regressor(seed)
        models["treatment_model"] = _models.classifier(seed)
    forest = CausalForest(**models, cv=problem["folds"], random_state=seed)
    start = time.process_time()
    forest.fit(problem["X"], problem["y"], treatment=problem["treatment"])
    seconds = time.process_time() - start
    return forest.effect(problem["X_new"]), seconds, ""


if __name__ == "__main__":
    main("skcausal", fit_predict)
