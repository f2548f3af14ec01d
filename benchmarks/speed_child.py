"""Measurements inside skcausal's own process, each printed as one line of JSON.

``python -m benchmarks.speed_child PART ARGUMENT...``; `benchmarks.speed` starts it.
"""

import functools
import json
import resource
import sys
import time
import warnings
from unittest import mock

from benchmarks import problems
from benchmarks.libraries import _models, skcausal


def emit(**facts):
    print(json.dumps(facts), flush=True)


def timed(call, clock=time.process_time):
    """Time a call, by default in CPU seconds: one thread on an idle machine."""
    start = clock()
    call()
    return clock() - start


def record_fits(call):
    """Return what every LightGBM fit inside ``call`` was given."""
    from lightgbm import LGBMClassifier, LGBMRegressor

    calls = []

    def spy(class_):
        original = class_.fit

        @functools.wraps(original)  # learners look for sample_weight in the signature
        def fit(self, *args, **kwargs):
            calls.append((self, args, kwargs))
            return original(self, *args, **kwargs)

        return mock.patch.object(class_, "fit", fit)

    with spy(LGBMRegressor), spy(LGBMClassifier):
        call()
    return calls


def replay(calls):
    from sklearn.base import clone

    for model, args, kwargs in calls:
        clone(model).fit(*args, **kwargs)


def overhead(n, repeats):
    """Time of fit against the time of its base-model fits, on the same arrays."""
    from skcausal.estimation._cache import clear_cache

    problem = problems.timing(n)
    X, y, treatment = problem["X"], problem["y"], problem["treatment"]
    for learner in skcausal.SINGLE:

        def fit(name=learner):
            clear_cache()
            skcausal.build(name, "same", problem).fit(X, y, treatment=treatment)

        calls = record_fits(fit)
        for _ in range(repeats):
            alone = timed(lambda calls=calls: replay(calls))
            emit(learner=learner, n=n, fit=timed(fit), alone=alone, fits=len(calls))


def search(n, repeats):
    """Run a search over 30 effect models, with shared nuisances and without."""
    from sklearn.model_selection import GridSearchCV

    from skcausal import causal_target
    from skcausal.estimation import DRLearner
    from skcausal.estimation._cache import clear_cache
    from skcausal.validation import get_scorer

    data = problems.large(n)
    target = causal_target(data.y, data.treatment)
    grid = {
        "effect_model__n_estimators": [20, 40, 60, 80, 100],
        "effect_model__num_leaves": [3, 5, 8, 11, 15, 20],
    }

    def run(random_state):
        clear_cache()  # without an integer random_state nothing is shared
        learner = DRLearner(
            _models.regressor(0),
            _models.classifier(0),
            _models.regressor(0),
            random_state=random_state,
        )
        scorer = get_scorer("r_score")
        found = GridSearchCV(learner, grid, scoring=scorer, cv=3, error_score="raise")
        found.fit(data.X, target)

    for _ in range(repeats):
        emit(n=n, shared=timed(lambda: run(0)), refitted=timed(lambda: run(None)))


def large(n, learner):
    """One fit with the default models; wall time and peak memory of the process."""
    from skcausal import estimation

    data = problems.large(n)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model = getattr(estimation, f"{learner}Learner")(random_state=0)
    seconds = timed(
        lambda: model.fit(data.X, data.y, treatment=data.treatment), time.perf_counter
    )
    unit = 1 if sys.platform == "darwin" else 1024  # bytes on macOS, else kilobytes
    gigabytes = unit / 2**30
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    facts = {"before_gb": before * gigabytes, "peak_gb": peak * gigabytes}
    emit(learner=learner, n=n, seconds=seconds, **facts)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    part, size, argument = sys.argv[1:]
    if part == "large":
        large(int(size), argument)
    else:
        {"overhead": overhead, "search": search}[part](int(size), int(argument))
