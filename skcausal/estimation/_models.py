"""Base models: weighted fits, fresh copies, predicted means."""

from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.base import (
    BaseEstimator,
    RegressorMixin,
    clone,
    is_classifier,
)
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble._base import _BaseHeterogeneousEnsemble
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from skcausal.estimation._known_propensity import KnownPropensity


class ConstantModel(RegressorMixin, BaseEstimator):
    """Predicts one number: stands in where a training part has a single outcome."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def fit(self, X: Any, y: Any) -> "ConstantModel":
        """Do nothing."""
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the constant for each row."""
        return np.full(X.shape[0], self.value)


def weight_parameter(model: Any) -> str | None:
    """Return the fit parameter that carries weights through a model; None if none does.

    A Pipeline hands them to its last step, a search to its estimator, an ensemble to
    all its members; a frozen model is not fitted, so any weights suit it.
    """
    if isinstance(model, FrozenEstimator):
        return "sample_weight"
    if isinstance(model, Pipeline):
        name, last = model.steps[-1]
        inner = weight_parameter(last)
        return None if inner is None else f"{name}__{inner}"
    if isinstance(model, BaseSearchCV):
        return weight_parameter(model.estimator)
    if isinstance(model, TransformedTargetRegressor):
        regressor = model.regressor
        return "sample_weight" if regressor is None else weight_parameter(regressor)
    if isinstance(model, _BaseHeterogeneousEnsemble):
        members = [member for _, member in model.estimators if member != "drop"]
        plain = {weight_parameter(member) for member in members} == {"sample_weight"}
        return "sample_weight" if plain else None
    return "sample_weight" if has_fit_parameter(model, "sample_weight") else None


def fit_model(
    model: Any, X: Any, target: np.ndarray, weight: np.ndarray | None, role: str
) -> Any:
    """Fit a base model in place, with weights where given, and return it.

    Metadata routing is off inside: it would ask the user to set a request on every
    step of every base model.
    """
    with config_context(enable_metadata_routing=False):
        if weight is None:
            return model.fit(X, target)
        parameter = weight_parameter(model)
        if parameter is None:
            raise ValueError(
                f"{role}={model!r} cannot take sample weights, which this fit needs. "
                "Use a model whose fit has a sample_weight parameter, or leave the "
                "weights out (an R-learner always needs a weighted effect_model)."
            )
        return model.fit(X, target, **{parameter: weight})


def fresh_copy(model: Any, seed: Any) -> Any:
    """Clone a base model and seed every random state that is still free."""
    copy = clone(model)
    if seed is not None:
        parameters = copy.get_params(deep=True)
        free = {
            name: seed
            for name, value in parameters.items()
            if value is None and name.rsplit("__", 1)[-1] == "random_state"
        }
        if free:
            copy.set_params(**free)
    return copy


def is_classifier_model(model: Any) -> bool:
    """Tell whether a base model predicts class probabilities."""
    return is_classifier(model) or isinstance(model, KnownPropensity)


def predict_mean(model: Any, X: Any) -> np.ndarray:
    """Predict the mean outcome: a classifier's probability of 1, else ``predict``."""
    if is_classifier_model(model):
        return model.predict_proba(X)[:, list(model.classes_).index(1)]
    return np.asarray(model.predict(X), dtype=float).reshape(X.shape[0])


def arm_probabilities(model: Any, X: Any, arms: np.ndarray, role: str) -> np.ndarray:
    """Predict the probabilities of arms, shape (n, n_arms), in the order of ``arms``.

    Models are fitted on arm codes, which are in this order. A frozen one was fitted
    on labels, whose sorted order need not put the control first.
    """
    table = np.asarray(model.predict_proba(X))
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    if not isinstance(last, FrozenEstimator):
        return table
    classes, labels = np.asarray(model.classes_).tolist(), np.asarray(arms).tolist()
    if set(classes) != set(labels):
        raise ValueError(
            f"{role} is frozen and knows the arms {classes}, but the treatment has "
            f"{labels}. Freeze a model that was fitted on the labels of the treatment."
        )
    return table[:, [classes.index(label) for label in labels]]


def check_effect_model(model: Any, owner: str) -> None:
    """Refuse an effect model that is no regressor, before nuisances are fitted."""
    if model is None:
        return
    role = f"{owner}: effect_model={model!r}"
    if not is_estimator(model):
        raise TypeError(
            f"{role} must be a scikit-learn estimator instance or None (the default)."
        )
    if is_classifier_model(model):
        raise ValueError(
            f"{role} is a classifier, but effects are numbers. Use a regressor."
        )


def is_estimator(model: Any) -> bool:
    """Tell whether an object is an instance that can be cloned and fitted."""
    is_instance = not isinstance(model, type)
    return is_instance and hasattr(model, "fit") and hasattr(model, "get_params")


def allows(models: list[Any], tag: str) -> bool:
    """Tell whether all given base models allow ``"nan"`` or ``"sparse"`` input."""
    attribute = {"nan": "allow_nan", "sparse": "sparse"}[tag]
    return all(
        getattr(get_tags(model).input_tags, attribute)
        for model in models
        if is_estimator(model)
    )
