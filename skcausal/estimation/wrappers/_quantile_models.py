"""Regressors of a conditional quantile: the default, and any that has a level."""

from typing import Any

import numpy as np
from sklearn.base import clone

from skcausal.estimation._defaults import default_regressor
from skcausal.estimation._models import (
    ConstantModel,
    fit_model,
    fresh_copy,
    is_estimator,
)

_MIN_LEAF_SHARE = 40  # a leaf of fewer rows than n / 40 says little about tails
_LOSSES = ("loss", "objective")
_PENALTIES = ("quantile", "reg:quantileerror")


def check_quantile_model(model: Any, role: str) -> None:
    """Refuse what is no regressor of quantiles."""
    if model is None:
        return
    if not is_estimator(model):
        raise TypeError(
            f"{role}={model!r} must be a scikit-learn estimator instance or None (the "
            "default)."
        )
    if _level_parameter(model) is None:
        raise ValueError(
            f"{role}={model!r} has no quantile level. Use a regressor of quantiles: "
            "QuantileRegressor(), HistGradientBoostingRegressor(loss='quantile') or "
            "LGBMRegressor(objective='quantile')."
        )


def fit_quantile(
    model: Any,
    level: float,
    rows: tuple[Any, np.ndarray, np.ndarray | None],
    role: str,
    seed: int,
) -> Any:
    """Fit a quantile of a target on (X, target, weight)."""
    X, target, weight = rows
    if np.ptp(target) == 0:
        return ConstantModel(float(target[0]))
    if model is None:
        leaf = int(np.clip(len(target) // _MIN_LEAF_SHARE, 5, 100))
        options = {"objective": "quantile", "alpha": level, "min_child_samples": leaf}
        model = default_regressor(len(target)).set_params(**options)
    else:
        model = clone(model).set_params(**{str(_level_parameter(model)): level})
    return fit_model(fresh_copy(model, seed), X, target, weight, role)


def _level_parameter(model: Any) -> str | None:
    """Return the parameter that holds the level, also inside a Pipeline."""
    parameters = model.get_params(deep=True)
    for name in parameters:
        prefix, last = name.rpartition("__")[::2]
        start = f"{prefix}__" if prefix else ""
        losses = [parameters[start + k] for k in _LOSSES if start + k in parameters]
        is_quantile = any(loss in _PENALTIES for loss in losses if loss is not None)
        if last in ("quantile", "quantile_alpha") and (is_quantile or not losses):
            return name
        if last in _LOSSES and is_quantile and f"{start}quantile" not in parameters:
            xgboost = f"{start}quantile_alpha" in parameters
            return f"{start}quantile_alpha" if xgboost else f"{start}alpha"
    return None
