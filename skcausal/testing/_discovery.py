"""Find every public estimator with an effect and make a small instance of it."""

import inspect
from importlib import import_module
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression

_PACKAGES = ("skcausal.estimation",)


def effect_learner_classes(
    *, instrumental: bool = False, survival: bool = False
) -> list[type]:
    """Return the public classes with an ``effect``, by name.

    With ``instrumental`` those whose ``fit`` takes an instrument, with ``survival``
    those whose ``fit`` takes an event, else all others.
    """
    classes = set()
    for package in _PACKAGES:
        module = import_module(package)
        for name in module.__all__:
            thing = getattr(module, name)
            is_class = inspect.isclass(thing) and issubclass(thing, BaseEstimator)
            if is_class and hasattr(thing, "effect"):
                takes = inspect.signature(thing.fit).parameters
                needs = ("instrument" in takes, "event" in takes)
                if needs == (instrumental, survival):
                    classes.add(thing)
    return sorted(classes, key=lambda one: one.__name__)


def all_effect_learners(
    *,
    default_models: bool = False,
    instrumental: bool = False,
    survival: bool = False,
) -> list[Any]:
    """Return one instance of every public estimator with an effect.

    Parameters
    ----------
    default_models : bool, default=False
        Whether base models are left at their defaults; linear ones otherwise, which
        are fast and have known answers.
    instrumental : bool, default=False
        Those whose ``fit`` takes an instrument instead of those whose does not.
    survival : bool, default=False
        Those whose ``fit`` takes an event instead of those whose does not.

    Returns
    -------
    learners : list of estimator
        Unfitted, with two folds, a fixed random state, and forests with leaves that
        the smallest tables of ``check_estimator`` can fill.

    Examples
    --------
    >>> from skcausal.testing import all_effect_learners
    >>> any(type(one).__name__ == "DRLearner" for one in all_effect_learners())
    True
    """
    classes = effect_learner_classes(instrumental=instrumental, survival=survival)
    return [_instance(cls, default_models) for cls in classes]


def _instance(cls: Any, default_models: bool) -> Any:
    """Make an instance; wrappers get a T-learner inside."""
    from skcausal.estimation import InverseProbabilityWeights, SLearner, TLearner

    linear: dict[str, Any] = {}
    if not default_models:
        linear = {
            "outcome_model": LinearRegression(),
            "effect_model": LinearRegression(),
            "propensity_model": LogisticRegression(),
            "treatment_model": LogisticRegression(),
            "instrument_model": LogisticRegression(),
            "survival_model": LogisticRegression(),
            "censoring_model": LogisticRegression(),
        }
    inner = {k: v for k, v in linear.items() if k in ("outcome_model",)}
    options = linear | {
        "cv": 2,
        "random_state": 0,
        "n_bootstrap": 3,
        "n_estimators": 100,
        "min_samples_leaf": 1,
        "max_samples": 0.5,
        "horizon": 1.0,
        "weighter": InverseProbabilityWeights(LogisticRegression()),
        "estimator": TLearner(**inner, cv=2),
        "learners": [
            ("s", SLearner(**inner, cv=2)),
            ("t", TLearner(**inner, cv=2)),
        ],
    }
    names = inspect.signature(cls.__init__).parameters
    return cls(**{name: value for name, value in options.items() if name in names})
