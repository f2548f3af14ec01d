"""DoubleML: PLR, IRM, PLIV and IIVM on the folds of the problem."""

import time

from benchmarks.libraries._average_models import average_models
from benchmarks.libraries._worker import main


def build(learner, mode, problem):
    import doubleml as dml

    columns = {"x": problem["X"], "y": problem["y"], "d": problem["treatment"]}
    if learner in ("PLIV", "IIVM"):
        columns["z"] = problem["instrument"]
    data = dml.DoubleMLData.from_arrays(**columns)
    line, logit = average_models(mode, problem["seed"])
    fixed = {"draw_sample_splitting": False}
    if learner == "PLR":
        return dml.DoubleMLPLR(data, line, logit, **fixed)
    if learner == "PLR, IV-type":
        return dml.DoubleMLPLR(data, line, logit, line, score="IV-type", **fixed)
    if learner == "PLIV":
        return dml.DoubleMLPLIV(data, line, line, line, **fixed)
    if learner == "IIVM":
        # Nobody participates in a 401(k) plan without being eligible.
        groups = {"always_takers": False, "never_takers": True}
        return dml.DoubleMLIIVM(data, line, logit, logit, subgroups=groups, **fixed)
    score = {"IRM, ATE": "ATE", "IRM, ATTE": "ATTE"}[learner]
    return dml.DoubleMLIRM(data, line, logit, score=score, **fixed)


def fit_predict(learner, mode, problem):
    start = time.process_time()
    model = build(learner, mode, problem)
    model.set_sample_splitting(problem["folds"])
    model.fit()
    seconds = time.process_time() - start
    return [float(model.coef[0]), float(model.se[0])], seconds, ""


if __name__ == "__main__":
    main("doubleml", fit_predict)
