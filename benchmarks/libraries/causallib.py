"""causallib: weighting, augmented weighting and matching; it gives no errors."""

import time

from benchmarks.libraries._average_models import average_models
from benchmarks.libraries._worker import main


def rescaled(X, learner):
    """Return covariates whose Euclidean distance is the one that skcausal takes."""
    import numpy as np

    if learner == "Matching, standardised":
        return X / X.std(axis=0)
    if learner == "Matching, whitened":
        factor = np.linalg.cholesky(np.cov(X, rowvar=False))
        return np.linalg.solve(factor, X.T).T
    return X


def build(learner, mode, problem):
    from causallib.estimation import AIPW, IPW, Matching, StratifiedStandardization
    from causallib.preprocessing.transformers import PropensityTransformer

    line, logit = average_models(mode, problem["seed"])
    if learner == "IPW":
        return IPW(logit)
    if learner == "AIPW":
        return AIPW(StratifiedStandardization(line), IPW(logit))
    if learner == "Standardization":
        return StratifiedStandardization(line)
    if learner == "Matching, propensity":
        score = PropensityTransformer(learner=logit, include_covariates=False)
        return Matching(propensity_transform=score)
    own = learner == "Matching, Mahalanobis"
    return Matching(metric="mahalanobis" if own else "euclidean")


def fit_predict(learner, mode, problem):
    import pandas as pd

    start = time.process_time()
    X = pd.DataFrame(rescaled(problem["X"], learner), columns=problem["columns"])
    treatment = pd.Series(problem["treatment"])
    y = pd.Series(problem["y"])
    model = build(learner, mode, problem)
    if learner == "IPW":
        model.fit(X, treatment)
    else:
        model.fit(X, treatment, y)
    arguments = (X, treatment) if learner == "Standardization" else (X, treatment, y)
    means = model.estimate_population_outcome(*arguments)
    seconds = time.process_time() - start
    return [float(means[1] - means[0]), float("nan")], seconds, ""


if __name__ == "__main__":
    main("causallib", fit_predict)
