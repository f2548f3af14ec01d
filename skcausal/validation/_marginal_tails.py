"""Cross-fitted quantiles and tail means, the nuisances of marginal sensitivity."""

from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.base import clone

from skcausal.estimation._crossfit import FitSettings, cross_fit
from skcausal.estimation._data import CausalData
from skcausal.estimation._defaults import default_regressor
from skcausal.estimation._folds import Folds
from skcausal.estimation._models import is_classifier_model, is_estimator
from skcausal.estimation._nuisances import Nuisance
from skcausal.validation._marginal_formulas import (
    SIDES,
    binary_tails,
    quantile_level,
    tail_outcome,
)

TAIL = Nuisance("tail_mean", "tail_model", "outcome", "by_arm")
_QUANTILES = {
    side: Nuisance(name, name, "outcome", "by_arm")
    for side, name in ((-1, "lower_quantile_model"), (1, "upper_quantile_model"))
}


def check_odds_ratio(value: Any, owner: str) -> float:
    """Return the odds ratio of the sensitivity model, or refuse what is none."""
    number = float(value)
    if not (np.isfinite(number) and number >= 1):
        raise ValueError(
            f"{owner}: odds_ratio must be at least 1 (no unobserved confounder) and "
            f"finite, got {value}."
        )
    return number


def fitted_tails(
    data: CausalData,
    means: np.ndarray,
    folds: Folds,
    settings: FitSettings,
    odds_ratio: float,
    models: dict[str, Any],
) -> tuple[np.ndarray, np.ndarray]:
    """Return quantiles and worst means, each (n_repeats, n, 2 arms, 2 sides).

    Binary outcomes need none of the ``models``: all follows from their ``means``.
    """
    if data.binary_outcome or odds_ratio == 1:
        pairs = [binary_tails(means, odds_ratio, side) for side in SIDES]
        if not data.binary_outcome:  # without a confounder both tails are the mean
            pairs = [(means, means) for _ in SIDES]
        return (
            np.stack([quantile for quantile, _ in pairs], axis=-1),
            np.stack([worst for _, worst in pairs], axis=-1),
        )
    quantile = _quantiles(data, folds, settings, odds_ratio, models["quantile_model"])
    own = np.arange(data.n_rows), data.treatment
    worst = np.empty_like(quantile)
    for repeat, assignment in enumerate(folds.assignment):
        one = Folds(assignment[None])
        for place, side in enumerate(SIDES):
            q = quantile[repeat, :, :, place][own]
            target = tail_outcome(data.outcome, q, odds_ratio, side)
            derived = replace(data, outcome=target)
            tail = {"tail_model": models["tail_model"]}
            fitted = cross_fit((TAIL,), tail, derived, one, settings)
            worst[repeat, :, :, place] = fitted["tail_mean"][0]
    return quantile, worst


def _quantiles(
    data: CausalData, folds: Folds, settings: FitSettings, odds_ratio: float, model: Any
) -> np.ndarray:
    """Return out-of-fold quantiles by arm and side."""
    models = {
        _QUANTILES[side].parameter: quantile_regressor(
            model, quantile_level(odds_ratio, side), data.n_rows // 2, settings.owner
        )
        for side in SIDES
    }
    nuisances = tuple(_QUANTILES[side] for side in SIDES)
    fitted = cross_fit(nuisances, models, data, folds, settings)
    return np.stack([fitted[_QUANTILES[side].name] for side in SIDES], axis=-1)


def quantile_regressor(model: Any, level: float, n_rows: int, owner: str) -> Any:
    """Return a regressor of one quantile; None is LightGBM sized by the data."""
    if model is None:
        # Tails are seen by few rows: leaves need enough of them to hold a quantile.
        calm = {"min_child_samples": int(np.clip(n_rows // 40, 10, 100))}
        regressor = default_regressor(n_rows)
        return regressor.set_params(objective="quantile", alpha=level, **calm)
    if not is_estimator(model):
        raise TypeError(
            f"{owner}: quantile_model must be a scikit-learn estimator instance or "
            f"None (the default), got {model!r}."
        )
    parameters = model.get_params(deep=True)
    names = [name for name in parameters if name.rsplit("__", 1)[-1] == "quantile"]
    if not names:
        names = [
            f"{name.rpartition('__')[0]}__alpha".removeprefix("__")
            for name, value in parameters.items()
            if name.rsplit("__", 1)[-1] in ("loss", "objective") and value == "quantile"
        ]
    if len(names) != 1 or is_classifier_model(model):
        raise ValueError(
            f"{owner}: quantile_model={model!r} must be a regressor of a quantile, "
            "with a parameter 'quantile', or 'alpha' next to loss='quantile' or "
            "objective='quantile'."
        )
    return clone(model).set_params(**{names[0]: level})
