"""The real data on which libraries are compared, as plain arrays.

Folds are stratified on the treatment, and on the instrument where there is one, and are
part of the problem: every library that cross-fits gets the same list.
"""

import numpy as np
import pandas as pd
from sklearn.model_selection import StratifiedKFold

from skcausal import datasets

N_FOLDS, SEED = 5, 0


def shared_folds(strata, n_folds=N_FOLDS, seed=SEED):
    """Make one list of splits of sorted positions."""
    splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed)
    return list(splitter.split(np.zeros(len(strata)), strata))


def make_problem(name, X, y, treatment, instrument=None):
    treatment = np.asarray(treatment)
    is_binary = set(np.unique(treatment)) <= {0, 1}
    strata = treatment if is_binary else np.zeros(len(treatment), dtype=int)
    if instrument is not None:
        instrument = np.asarray(instrument).astype(int)
        strata = strata + 2 * instrument
    return {
        "name": name,
        "X": np.asarray(X, dtype=float),
        "columns": list(map(str, X.columns)),
        "y": np.asarray(y, dtype=float),
        "treatment": treatment.astype(int if is_binary else float),
        "instrument": instrument,
        "folds": shared_folds(strata),
        "seed": SEED,
    }


def savings(treatment):
    """401(k) plans: eligibility, or participation with eligibility as instrument."""
    data = datasets.fetch_401k(treatment=treatment)
    name = f"401(k), {treatment}"
    return make_problem(name, data.X, data.y, data.treatment, data.instrument)


def bonus():
    data = datasets.fetch_bonus()
    return make_problem("bonus", data.X, data.y, data.treatment)


def smoking():
    """NHEFS with the covariates of the book: squares and categories."""
    data = datasets.fetch_nhefs()
    numbers = data.X[["age", "smokeintensity", "smokeyrs", "wt71"]]
    categories = data.X[["education", "exercise", "active"]].astype(str)
    parts = [
        data.X[["sex", "race"]],
        numbers,
        (numbers**2).add_suffix("_squared"),
        pd.get_dummies(categories, drop_first=True),
    ]
    return make_problem("NHEFS", pd.concat(parts, axis=1), data.y, data.treatment)


def training(controls=None):
    """Job training: the experiment, or its treated men against a survey."""
    data = datasets.fetch_lalonde(sample="nsw_dw", controls=controls)
    name = "NSW experiment" if controls is None else f"NSW against {controls.upper()}"
    problem = make_problem(name, data.X, data.y, data.treatment)
    return problem | {"benchmark": data.benchmark_effect}


def schooling():
    data = datasets.fetch_card()
    return make_problem("Card", data.X, data.y, data.treatment, data.instrument)


def experiment():
    """Return the experiment's own difference in means with its standard error."""
    data = datasets.fetch_lalonde(sample="nsw_dw")
    return {"value": data.benchmark_effect, "error": data.benchmark_standard_error}


def difference_in_means(problem):
    """Return what one would say without any covariate."""
    arms = [problem["y"][problem["treatment"] == arm] for arm in (1, 0)]
    error = np.sqrt(sum(arm.var(ddof=1) / len(arm) for arm in arms))
    return {"value": float(arms[0].mean() - arms[1].mean()), "error": float(error)}
