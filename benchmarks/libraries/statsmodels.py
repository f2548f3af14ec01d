"""statsmodels: TreatmentEffect with least squares and a logit, nothing cross-fitted.

Mode ``unclipped`` takes out the clipping of propensities inside its errors, to show
what it does; values are not clipped in any mode.
"""

import contextlib
import time
from unittest import mock

from benchmarks.libraries._worker import main


def unclipped(mode):
    import numpy as np

    if mode != "unclipped":
        return contextlib.nullcontext()
    return mock.patch.object(np, "clip", lambda values, *bounds, **options: values)


def error_of(effect, method, options):
    """Return the standard error; NaN where its equations refuse these covariates."""
    try:
        return float(getattr(effect, method)(**options).sd[0]), ""
    except ValueError as error:
        return float("nan"), str(error)


def fit_predict(learner, mode, problem):
    import statsmodels.api as sm
    from statsmodels.treatment.treatment_effects import TreatmentEffect

    method, _, target = learner.partition(", ")
    start = time.process_time()
    design, treatment = sm.add_constant(problem["X"]), problem["treatment"]
    scale = abs(design).max(axis=0)  # squares of weights: help the logit's Newton steps
    selection = sm.Logit(treatment, design / scale).fit(disp=False, maxiter=200)
    outcome = sm.OLS(problem["y"], design / scale)
    effect = TreatmentEffect(outcome, treatment, results_select=selection)
    options = {"effect_group": 1} if target == "treated" else {}
    # The value in closed form: the search behind the results stops near, not at it.
    value = getattr(effect, method)(return_results=False, **options)[0]
    with unclipped(mode):
        error, note = error_of(effect, method, options)
    seconds = time.process_time() - start
    return [float(value), error], seconds, note


if __name__ == "__main__":
    main("statsmodels", fit_predict)
