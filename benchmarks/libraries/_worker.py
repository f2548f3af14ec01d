"""What every adapter does: read a job, fit and predict, write one record per run.

A job is a pickled dict: ``problems`` (dicts of name, X, y, treatment, X_new, folds,
seed) and ``runs`` (pairs of learner and mode). Records are pickled one after the
other, so that a job that dies keeps what it finished; one line on standard output per
record drives the progress bar.
"""

import pickle
import sys
import time
import traceback
import warnings
from importlib import metadata
from importlib.util import find_spec

PACKAGES = ("numpy", "scikit-learn", "lightgbm", "xgboost")


def versions(library):
    found = {}
    for name in (library, *PACKAGES):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    if library not in found and find_spec(library) is not None:
        found = {library: "checkout", **found}  # importable, never installed
    return found


def run_one(fit_predict, problem, learner, mode):
    """One record; an exception is a result too, never silently left out."""
    record = {"problem": problem["name"], "learner": learner, "mode": mode}
    start = time.perf_counter()
    try:
        effect, fit_seconds, note = fit_predict(learner, mode, problem)
        record |= {"effect": effect, "fit_seconds": fit_seconds, "note": note}
    except Exception as error:
        record["error"] = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        traceback.print_exc()
    record["seconds"] = time.perf_counter() - start
    return record


def main(library, fit_predict):
    """Run the job of ``argv[1]`` and append its records to ``argv[2]``."""
    warnings.simplefilter("ignore")
    if sys.argv[1:] == ["--versions"]:
        print(versions(library))
        return
    with open(sys.argv[1], "rb") as file:
        job = pickle.load(file)
    with open(sys.argv[2], "wb") as file:
        for problem in job["problems"]:
            for learner, mode in job["runs"]:
                record = run_one(fit_predict, problem, learner, mode)
                pickle.dump(record, file)
                file.flush()
                print(f"done {problem['name']} {learner} {mode}", flush=True)
