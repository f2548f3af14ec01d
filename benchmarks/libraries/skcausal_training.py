"""Every estimator of one number on job training against a survey, with its warnings.

The list was written before any of its numbers was seen: each estimator with its
defaults; where these are boosted trees also with least squares and logistic regression;
and the options that its chapter of the guide names. The target is the treated, as the
experiment's, wherever the estimator offers it.
"""

import json
import re
import time
import warnings

import numpy as np

from benchmarks.libraries._average_models import average_models
from benchmarks.libraries._worker import main

TREATED, OVERLAP = "treated", "overlap"
KEPT = "rows kept"


def with_models(name, **options):
    """Return a maker of the estimator with the linear models."""

    def make(estimation):
        return getattr(estimation, name)(*average_models("linear"), **options)

    return make


def plain(name, *arguments, **options):
    seeds = {"random_state": 0}

    def make(estimation):
        class_ = getattr(estimation, name)
        known = class_._get_param_names()
        own = {key: seeds[key] for key in seeds if key in known}
        return class_(*arguments, **own, **options)

    return make


def balanced(name, *arguments, outcome_model=None, **options):
    def make(estimation):
        weighter = getattr(estimation, name)(*arguments, **options)
        return estimation.BalancedEffect(weighter, outcome_model, random_state=0)

    return make


def trimmed(target, **options):
    def make(estimation):
        inner = estimation.InverseProbabilityWeights(target=target)
        return estimation.BalancedEffect(estimation.CrumpTrimming(inner, **options))

    return make


def stable_with_outcome_model(estimation):
    line = average_models("linear")[0]
    weighter = estimation.StableBalancingWeights(TREATED)
    return estimation.BalancedEffect(weighter, line, random_state=0)


def stacked(estimation):
    learners = [
        (name, getattr(estimation, f"{name}Learner")(random_state=0))
        for name in ("T", "X", "R", "DR")
    ]
    return estimation.EffectStacking(learners, random_state=0)


def matched(*arguments, **options):
    return plain("NearestNeighbourMatching", *arguments, target=TREATED, **options)


# name: (maker, target of the effect)
ESTIMATORS = {
    "RegressionAdjustment()": (plain("RegressionAdjustment"), TREATED),
    "PropensityWeighting()": (plain("PropensityWeighting"), TREATED),
    "PropensityWeighting(), overlap": (plain("PropensityWeighting"), OVERLAP),
    "PropensityWeighting(weighting='horvitz_thompson')": (
        plain("PropensityWeighting", weighting="horvitz_thompson"),
        TREATED,
    ),
    "AIPW()": (plain("AIPW"), TREATED),
    "AIPW(linear, logistic)": (with_models("AIPW", random_state=0), TREATED),
    "TMLE()": (plain("TMLE"), TREATED),
    "TMLE(linear, logistic)": (with_models("TMLE", random_state=0), TREATED),
    "PartiallyLinear()": (plain("PartiallyLinear"), OVERLAP),
    "PartiallyLinear(), treated": (plain("PartiallyLinear"), TREATED),
    "PartiallyLinear(moment='instrument')": (
        plain("PartiallyLinear", moment="instrument"),
        OVERLAP,
    ),
    "PartiallyLinear(linear, logistic)": (
        with_models("PartiallyLinear", random_state=0),
        OVERLAP,
    ),
    "EntropyBalancing()": (balanced("EntropyBalancing", TREATED), TREATED),
    "EntropyBalancing(moments=2)": (
        balanced("EntropyBalancing", TREATED, moments=2),
        TREATED,
    ),
    "EntropyBalancing(moments=3)": (
        balanced("EntropyBalancing", TREATED, moments=3),
        TREATED,
    ),
    "StableBalancingWeights()": (balanced("StableBalancingWeights", TREATED), TREATED),
    "StableBalancingWeights(), linear outcome model": (
        stable_with_outcome_model,
        TREATED,
    ),
    "StableBalancingWeights(tolerance=0)": (
        balanced("StableBalancingWeights", TREATED, tolerance=0),
        TREATED,
    ),
    "StableBalancingWeights(tolerance=0, moments=2)": (
        balanced("StableBalancingWeights", TREATED, tolerance=0, moments=2),
        TREATED,
    ),
    "CovariateBalancingPropensity()": (
        balanced("CovariateBalancingPropensity", TREATED),
        TREATED,
    ),
    "CovariateBalancingPropensity(over_identified=True)": (
        balanced("CovariateBalancingPropensity", TREATED, over_identified=True),
        TREATED,
    ),
    "InverseProbabilityWeights()": (
        balanced("InverseProbabilityWeights", target=TREATED),
        TREATED,
    ),
    "OverlapWeights()": (balanced("OverlapWeights"), OVERLAP),
    "CrumpTrimming()": (trimmed("all"), KEPT),
    "CrumpTrimming(), treated": (trimmed(TREATED), "treated kept"),
    "CrumpTrimming(threshold=0.1)": (trimmed("all", threshold=0.1), KEPT),
    "NearestNeighbourMatching()": (matched(), TREATED),
    "NearestNeighbourMatching(n_neighbors=4)": (matched(n_neighbors=4), TREATED),
    "NearestNeighbourMatching(bias_correction=False)": (
        matched(bias_correction=False),
        TREATED,
    ),
    "NearestNeighbourMatching('euclidean')": (matched("euclidean"), TREATED),
    "NearestNeighbourMatching('propensity')": (matched("propensity"), TREATED),
    "NearestNeighbourMatching('propensity', caliper=0.05)": (
        matched("propensity", caliper=0.05),
        TREATED,
    ),
    "NearestNeighbourMatching(exact='black')": (matched(exact="black"), TREATED),
    "CoarsenedExactMatching()": (
        plain("CoarsenedExactMatching", target=TREATED),
        TREATED,
    ),
    "SLearner()": (plain("SLearner"), TREATED),
    "TLearner()": (plain("TLearner"), TREATED),
    "XLearner()": (plain("XLearner"), TREATED),
    "RLearner()": (plain("RLearner"), TREATED),
    "DRLearner()": (plain("DRLearner"), TREATED),
    "EffectStacking(T, X, R, DR)": (stacked, TREATED),
    "CausalForest()": (plain("CausalForest"), TREATED),
    "CausalForest(), overlap": (plain("CausalForest"), OVERLAP),
    "MultiArmCausalForest()": (plain("MultiArmCausalForest"), TREATED),
}


def said(caught):
    """Return what warnings said, without owners and ways out, each kind once."""
    texts = {}
    for item in caught:
        text = re.sub(r"^\w+(\.\w+)?: | [(][^)]*[)]", "", str(item.message))
        text = re.split(r": |[.] ", text)[0]
        kind = re.sub(r"\d+", "", text)
        texts.setdefault(kind, f"{item.category.__name__}: {text}")
    return list(texts.values())


def fit_predict(learner, mode, problem):
    import pandas as pd

    from skcausal import estimation
    from skcausal.estimation._cache import clear_cache

    clear_cache()  # each pays for its own nuisances
    make, target = ESTIMATORS[learner]
    X = pd.DataFrame(problem["X"], columns=problem["columns"])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start = time.process_time()
        fitted = make(estimation).fit(X, problem["y"], treatment=problem["treatment"])
        question = {"target": target} if target in (TREATED, OVERLAP) else {}
        estimate = fitted.average_effect(**question)
        seconds = time.process_time() - start
    lower, upper = estimate.interval()
    numbers = [estimate.value, estimate.standard_error, lower, upper]
    note = json.dumps({"target": target, "warnings": said(caught)})
    return [float(np.squeeze(number)) for number in numbers], seconds, note


if __name__ == "__main__":
    main("skcausal", fit_predict)
