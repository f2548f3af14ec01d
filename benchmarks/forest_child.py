"""Measurements of one forest in a process of its own, printed as lines of JSON.

``python -m benchmarks.forest_child LIBRARY speed N N_FEATURES`` or
``... LIBRARY draws N N_DRAWS DESIGN``.
"""

import json
import pickle
import resource
import sys
import time
import warnings

import numpy as np

from benchmarks.forest_designs import DESIGNS
from benchmarks.libraries.forests import FORESTS

N_NEW = {"speed": 10_000, "draws": 3000}


def emit(**facts):
    print(json.dumps(facts), flush=True)


def clocks():
    return time.perf_counter(), time.process_time()


def since(start):
    return [now - then for now, then in zip(clocks(), start, strict=True)]


def peak_gb():
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def table(n, n_features):
    """Return the smooth design in single precision where it is large."""
    X, outcome, treatment = DESIGNS["smooth"].draw(n, 0)
    if n_features > X.shape[1]:
        more = np.random.default_rng(1).uniform(size=(n, n_features - X.shape[1]))
        X = np.hstack([X, more])
    return X, outcome, treatment


def speed(library, n, n_features):
    """Time fit and predictions after a first, small forest; memory and pickle."""
    fit, ask = FORESTS[library]
    start = clocks()
    small = table(2000, n_features)
    ask(fit(*small), small[0][:300])
    warm_up = since(start)
    X, outcome, treatment = table(n, n_features)
    before = peak_gb()
    start = clocks()
    model = fit(X, outcome, treatment)
    fitted, peak = since(start), peak_gb()
    new = np.random.default_rng(2).uniform(size=(N_NEW["speed"], n_features))
    start = clocks()
    ask(model, new)
    asked = since(start)
    singles = []
    for row in new[:50]:
        start = clocks()
        ask(model, row[None], with_variance=False)
        singles.append(since(start)[0])
    emit(
        library=library,
        n=n,
        n_features=n_features,
        warm_up=warm_up,
        fit=fitted,
        predict=asked,
        one_row=float(np.median(singles)),
        pickle_mb=len(pickle.dumps(model)) / 1e6,
        before_gb=before,
        peak_gb=peak,
    )


def draws(library, n, n_draws, name):
    """Error and intervals of the effect on new rows over draws of a design.

    One line per draw and one of all draws, which also tells how often intervals hold
    the forest's own mean over draws: what they promise, as they ignore bias.
    """
    fit, ask = FORESTS[library]
    design = DESIGNS[name]
    new = design.new_rows(N_NEW["draws"])
    truth = design.truth(new)
    effects, halves = np.empty((2, n_draws, len(new)))
    for seed in range(n_draws):
        model = fit(*design.draw(n, seed), n_jobs=1, seed=seed)
        effect, variance = ask(model, new)
        effects[seed], halves[seed] = effect, 1.96 * np.sqrt(variance)
        rmse = np.sqrt(np.mean((effect - truth) ** 2))
        emit(library=library, design=name, n=n, seed=seed, rmse=float(rmse))
    own_mean = effects.mean(axis=0)
    spread = effects.std(axis=0, ddof=1) if n_draws > 1 else np.nan
    emit(
        library=library,
        design=name,
        n=n,
        draws=n_draws,
        coverage=float(np.mean(np.abs(effects - truth) <= halves)),
        of_mean=float(np.mean(np.abs(effects - own_mean) <= halves)),
        length=float(np.mean(2 * halves)),
        se_over_sd=float(np.mean(halves) / 1.96 / np.mean(spread)),
        bias=float(np.mean(np.abs(own_mean - truth))),
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    library, part, n, argument, *design = sys.argv[1:]
    {"speed": speed, "draws": draws}[part](library, int(n), int(argument), *design)
