"""Measurements of one forest in a process of its own, printed as lines of JSON.

``python -m benchmarks.forest_child LIBRARY PART N ARGUMENT``.
"""

import json
import pickle
import resource
import sys
import time
import warnings

import numpy as np

from benchmarks.forest_designs import COVERED, DESIGNS
from benchmarks.libraries.forests import FORESTS

N_NEW = {"speed": 10_000, "accuracy": 5000, "coverage": 2000}


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


def accuracy(library, n, draws):
    """Error of the effect on new rows, one thread, for every design."""
    fit, ask = FORESTS[library]
    for name, design in DESIGNS.items():
        new = design.new_rows(N_NEW["accuracy"])
        truth = design.truth(new)
        for seed in range(draws):
            model = fit(*design.draw(n, seed), n_jobs=1, seed=seed)
            effect, variance = ask(model, new)
            half = 1.96 * np.sqrt(variance)
            emit(
                library=library,
                design=name,
                n=n,
                seed=seed,
                rmse=float(np.sqrt(np.mean((effect - truth) ** 2))),
                coverage=float(np.mean(np.abs(effect - truth) <= half)),
                length=float(np.mean(2 * half)),
            )


def coverage(library, n, draws):
    """Coverage of the effect, and of the forest's own mean over draws, per design."""
    fit, ask = FORESTS[library]
    for name in COVERED:
        design = DESIGNS[name]
        new = design.new_rows(N_NEW["coverage"])
        truth = design.truth(new)
        answers = [
            ask(fit(*design.draw(n, seed), n_jobs=1, seed=seed), new)
            for seed in range(draws)
        ]
        effects = np.array([effect for effect, _ in answers])
        half = 1.96 * np.sqrt([variance for _, variance in answers])
        spread = effects.std(axis=0, ddof=1) if draws > 1 else np.nan
        emit(
            library=library,
            design=name,
            n=n,
            draws=draws,
            coverage=float(np.mean(np.abs(effects - truth) <= half)),
            of_mean=float(np.mean(np.abs(effects - effects.mean(axis=0)) <= half)),
            length=float(np.mean(2 * half)),
            se_over_sd=float(np.mean(half) / 1.96 / np.mean(spread)),
            bias=float(np.mean(np.abs(effects.mean(axis=0) - truth))),
        )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    library, part, n, argument = sys.argv[1:]
    parts = {"speed": speed, "accuracy": accuracy, "coverage": coverage}
    parts[part](library, int(n), int(argument))
