"""What missing entries and categories cost a forest: error against complete columns.

``python -m benchmarks.forest_inputs N DRAWS`` prints one line of JSON per draw.
"""

import json
import sys
import warnings

import numpy as np
import pandas as pd
from sklearn.experimental import enable_iterative_imputer  # noqa: F401
from sklearn.impute import IterativeImputer, SimpleImputer
from sklearn.preprocessing import TargetEncoder

from benchmarks.forest_designs import ridge
from benchmarks.libraries.forests import ask_skcausal, fit_skcausal

N_NEW, SHARE_MISSING, N_LEVELS, N_MEASURES = 3000, 0.3, 50, 4


def measured(n, rng, noise):
    """Five causes, each measured several times with noise: others fill in for one."""
    causes = rng.uniform(size=(n, 5))
    X = np.hstack(
        [causes + noise * rng.normal(size=causes.shape) for _ in range(N_MEASURES)]
    )
    return X, ridge(causes[:, 0]) * ridge(causes[:, 1])


def with_category(n, rng, level_effects):
    """Return columns whose effect is that of a category of many levels and a number."""
    X = pd.DataFrame(rng.uniform(size=(n, 5)), columns=list("abcde"))
    level = rng.integers(N_LEVELS, size=n)
    X["city"] = pd.Categorical.from_codes(level, [f"c{k}" for k in range(N_LEVELS)])
    return X, level_effects[level] + ridge(X["a"].to_numpy())


def residuals(effect, rng):
    treatment = rng.integers(0, 2, len(effect)) - 0.5
    return treatment * effect + rng.normal(size=len(effect)), treatment


def error(train, new, truth, outcome, treatment):
    model = fit_skcausal(train, outcome, treatment, n_jobs=1)
    return float(np.sqrt(np.mean((ask_skcausal(model, new, False)[0] - truth) ** 2)))


def missing_line(n, seed, noise):
    rng = np.random.default_rng(seed)
    (X, effect), (new, truth) = measured(n, rng, noise), measured(N_NEW, rng, noise)
    outcome, treatment = residuals(effect, rng)
    holes, new_holes = (
        np.where(rng.uniform(size=one.shape) < SHARE_MISSING, np.nan, one)
        for one in (X, new)
    )
    line = {
        "complete": error(X, new, truth, outcome, treatment),
        "missing": error(holes, new_holes, truth, outcome, treatment),
        "missing when fitted only": error(holes, new, truth, outcome, treatment),
    }
    imputers = {"median": SimpleImputer(strategy="median"), "iterated": iterative()}
    for name, imputer in imputers.items():
        filled = imputer.fit_transform(holes)
        imputed = imputer.transform(new_holes)
        line[f"{name} imputation"] = error(filled, imputed, truth, outcome, treatment)
    return {"case": f"missing, noise {noise}", "n": n, "seed": seed, **line}


def iterative():
    return IterativeImputer(max_iter=5, random_state=0)


def category_line(n, seed):
    rng = np.random.default_rng(seed)
    level_effects = rng.normal(size=N_LEVELS)
    X, effect = with_category(n, rng, level_effects)
    new, truth = with_category(N_NEW, rng, level_effects)
    outcome, treatment = residuals(effect, rng)
    encoder = TargetEncoder(target_type="continuous")
    encoded, encoded_new = X.copy(), new.copy()
    encoded["city"] = encoder.fit_transform(X[["city"]], outcome).ravel()
    encoded_new["city"] = encoder.transform(new[["city"]]).ravel()
    codes, new_codes = (
        frame.assign(city=frame["city"].cat.codes) for frame in (X, new)
    )
    return {
        "case": "category",
        "n": n,
        "seed": seed,
        "as it is": error(X, new, truth, outcome, treatment),
        "target encoding": error(encoded, encoded_new, truth, outcome, treatment),
        "codes as numbers": error(codes, new_codes, truth, outcome, treatment),
    }


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # the iterated imputer stops early
    n_rows, n_draws = (int(argument) for argument in sys.argv[1:])
    for draw in range(n_draws):
        for sd in (0.1, 0.3):
            print(json.dumps(missing_line(n_rows, draw, sd)), flush=True)
        print(json.dumps(category_line(n_rows, draw)), flush=True)
