"""skcausal: the five learners, and what its model selection makes of them.

``selected`` is the first row of ``compare_learners`` over the five, refitted on all
rows; ``stacking`` is ``EffectStacking`` over the five.
"""

import time

from benchmarks.libraries import _models
from benchmarks.libraries._worker import main

DEFAULTS = dict.fromkeys(("S", "T", "X", "R", "DR"), "all models left at None")
SINGLE = ("S", "T", "X", "R", "DR")


def build(learner, mode, problem, cv=None):
    from skcausal import estimation

    seed = problem["seed"]
    models = {}
    if mode != "default":
        regressor, classifier = _models.regressor(seed), _models.classifier(seed)
        models["outcome_model"] = regressor
        if learner in ("X", "R", "DR"):
            name = "treatment_model" if learner == "R" else "propensity_model"
            models |= {name: classifier, "effect_model": regressor}
    cv = problem["folds"] if cv is None else cv
    return getattr(estimation, f"{learner}Learner")(
        **models, cv=cv, random_state=problem["seed"]
    )


def candidates(mode, problem):
    """Return the five with fold numbers: they are fitted on subsets of the rows."""
    n_folds = len(problem["folds"])
    return [(name, build(name, mode, problem, cv=n_folds)) for name in SINGLE]


def select(mode, problem):
    """Pick the leader of the cross-validated leaderboard; fit it on all rows."""
    from skcausal.validation import compare_learners

    X, y, treatment = problem["X"], problem["y"], problem["treatment"]
    board = compare_learners(
        candidates(mode, problem), X, y, treatment=treatment, random_state=0
    )
    best = str(board.index[0])
    learner = build(best, mode, problem)
    return learner.fit(X, y, treatment=treatment), best


def stack(mode, problem):
    from skcausal.estimation import EffectStacking

    learners = candidates(mode, problem)
    stacking = EffectStacking(learners, random_state=problem["seed"])
    stacking.fit(problem["X"], problem["y"], treatment=problem["treatment"])
    return stacking, ""


def fit_predict(learner, mode, problem):
    from skcausal.estimation._cache import clear_cache

    X, y, treatment = problem["X"], problem["y"], problem["treatment"]
    clear_cache()  # each learner pays for its own nuisances, as a peer's does
    start = time.process_time()
    if learner == "selected":
        fitted, note = select(mode, problem)
    elif learner == "stacking":
        fitted, note = stack(mode, problem)
    else:
        fitted, note = build(learner, mode, problem), ""
        fitted.fit(X, y, treatment=treatment)
    seconds = time.process_time() - start
    return fitted.effect(problem["X_new"]), seconds, note


if __name__ == "__main__":
    main("skcausal", fit_predict)
