"""EconML: the five learners with shared base models, and as its own pages show them.

S, T and X do not cross-fit; R and DR take the shared folds (``cv=`` a list of splits).
"""

import time

from benchmarks.libraries import _models
from benchmarks.libraries._worker import main

DEFAULTS = {
    "S": "README: GradientBoostingRegressor()",
    "T": "README: GradientBoostingRegressor()",
    "X": "README: GradientBoosting for outcome, effect and propensity",
    "R": "NonParamDML as in the README: random forests, cv=2",
    "DR": "DRLearner(): 'auto' nuisances, linear effect, cv=2",
}


def same_base(learner, problem):
    from econml.dml import NonParamDML
    from econml.dr import DRLearner
    from econml.metalearners import SLearner, TLearner, XLearner

    seed, folds = problem["seed"], problem["folds"]
    regressor, classifier = _models.regressor(seed), _models.classifier(seed)
    if learner == "S":
        return SLearner(overall_model=regressor)
    if learner == "T":
        return TLearner(models=regressor)
    if learner == "X":
        return XLearner(
            models=regressor, cate_models=regressor, propensity_model=classifier
        )
    if learner == "R":
        return NonParamDML(
            model_y=regressor,
            model_t=classifier,
            model_final=regressor,
            discrete_treatment=True,
            cv=folds,
            random_state=seed,
        )
    return DRLearner(
        model_propensity=classifier,
        model_regression=regressor,
        model_final=regressor,
        cv=folds,
        random_state=seed,
    )


def own_defaults(learner, problem):
    from econml.dml import NonParamDML
    from econml.dr import DRLearner
    from econml.metalearners import SLearner, TLearner, XLearner
    from sklearn import ensemble

    seed = problem["seed"]

    def boosting():
        return ensemble.GradientBoostingRegressor(random_state=seed)

    if learner == "S":
        return SLearner(overall_model=boosting())
    if learner == "T":
        return TLearner(models=boosting())
    if learner == "X":
        return XLearner(
            models=boosting(),
            cate_models=boosting(),
            propensity_model=ensemble.GradientBoostingClassifier(random_state=seed),
        )
    if learner == "R":
        return NonParamDML(
            model_y=ensemble.RandomForestRegressor(random_state=seed),
            model_t=ensemble.RandomForestClassifier(random_state=seed),
            model_final=ensemble.RandomForestRegressor(random_state=seed),
            discrete_treatment=True,
            random_state=seed,
        )
    return DRLearner(random_state=seed)


def fit_predict(learner, mode, problem):
    build = own_defaults if mode == "default" else same_base
    estimator = build(learner, problem)
    extra = {"inference": None} if learner in ("R", "DR") else {}
    start = time.process_time()
    estimator.fit(problem["y"], problem["treatment"], X=problem["X"], **extra)
    seconds = time.process_time() - start
    return estimator.effect(problem["X_new"]).ravel(), seconds, ""


if __name__ == "__main__":
    main("econml", fit_predict)
