"""What both adapters of structural models do: fit, time, and keep the rows.

``python -m benchmarks.libraries.NAME JOB`` with a job in JSON, see
``benchmarks/structural.py``; one line of JSON with CPU seconds is printed.
"""

import json
import logging
import sys
import time
import warnings

import numpy as np
import pandas as pd

from benchmarks.libraries._worker import versions

REPEATS = {"linear": 3, "boosting": 1, "chosen": 1}


def regressor(model):
    if model == "linear":
        from sklearn.linear_model import LinearRegression

        return LinearRegression()
    from sklearn.ensemble import HistGradientBoostingRegressor

    return HistGradientBoostingRegressor(max_leaf_nodes=13, random_state=0)


def timed(work, repeats):
    """Return the least CPU seconds, and what the last run returned."""
    taken = []
    for _ in range(repeats):
        start = time.process_time()
        found = work()
        taken.append(time.process_time() - start)
    return min(taken), found


def main(library, fit, counterfactual, draw):
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    if sys.argv[1:] == ["--versions"]:
        print(versions(library))
        return
    job = json.loads(sys.argv[1])
    past, now = pd.read_csv(job["past"]), pd.read_csv(job["now"])
    arrows = [tuple(arrow) for arrow in job["arrows"]]
    record, repeats = {}, REPEATS[job["model"]]
    record["fit"], model = timed(lambda: fit(arrows, past, job["model"]), 1)
    counterfactual(model, now[:100], job["do"])  # imports what is needed
    record["counterfactual"], other = timed(
        lambda: counterfactual(model, now, job["do"]), repeats
    )
    record["draws"], drawn = timed(lambda: draw(model, len(now), job["do"]), repeats)
    names = list(past.columns)
    np.savez(job["out"], counterfactual=other[names], draws=drawn[names])
    print(json.dumps(record))
