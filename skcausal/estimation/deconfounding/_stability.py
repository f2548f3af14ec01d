"""How effects move with the seed, the number of components and the factor model."""

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone

from skcausal.estimation._models import fresh_copy
from skcausal.estimation.deconfounding._checking import listed
from skcausal.estimation.deconfounding._effects import (
    FittedModels,
    adjusted_effect,
    ranks,
)
from skcausal.estimation.deconfounding._outcome import (
    Rows,
    confounder_of,
    fit_outcome,
)
from skcausal.estimation.deconfounding._warnings import UnstableEffectsWarning


def candidates(
    model: Any, seeds: Iterable[int], n_components: Sequence[int] | None, models: Any
) -> list[Any]:
    """Return factor models to try: each model, with each number of components."""
    bases = [model] if models is None else list(models)
    found = []
    for base in bases:
        takes = "n_components" in base.get_params()
        sizes = n_components if n_components is not None and takes else [None]
        for size in sizes:
            sized = clone(base)
            if size is not None:
                sized.set_params(n_components=size)
            found.extend(_seeded(sized, seeds))
    return found


def stability_table(
    models: FittedModels, factor_models: list[Any], n_jobs: int | None
) -> pd.DataFrame:
    """Refit with each factor model; summarise effects and ranks of each cause."""
    jobs = (delayed(_effects)(models, one) for one in factor_models)
    drawn = np.array(Parallel(n_jobs=n_jobs)(jobs))
    placed = np.array([ranks(row) for row in drawn])
    positive = (drawn > 0).mean(axis=0)
    table = pd.DataFrame(
        {
            "cause": models.names,
            "mean": drawn.mean(axis=0),
            "std": drawn.std(axis=0),
            "min": drawn.min(axis=0),
            "max": drawn.max(axis=0),
            "rank_mean": placed.mean(axis=0),
            "rank_std": placed.std(axis=0),
            "sign_flips": (positive > 0) & (positive < 1),
        }
    ).set_index("cause")
    flips = table.index[table["sign_flips"]]
    if len(flips):
        warnings.warn(
            f"Deconfounder.sensitivity: {len(flips)} of {len(table)} effects change "
            f"sign among {len(drawn)} factor models: {listed(flips)}. Do not report "
            "the sign of these.",
            UnstableEffectsWarning,
            stacklevel=3,
        )
    return table


def _seeded(model: Any, seeds: Iterable[int]) -> list[Any]:
    """Return one model for each seed; one in all if no seed enters."""
    settings = model.get_params()
    if "random_state" not in settings or settings.get("inference") == "closed_form":
        return [model]
    return [clone(model).set_params(random_state=seed) for seed in seeds]


def _effects(models: FittedModels, factor_model: Any) -> np.ndarray:
    """Return the coefficients of all causes under another factor model."""
    fitted = fresh_copy(factor_model, models.seed).fit(models.rows.causes)
    adjust = models.fit.adjust
    confounder = confounder_of(adjust, fitted, models.rows.causes)
    rows = Rows(models.rows.causes, models.rows.covariates, confounder)
    fit = fit_outcome(models.fit.model, rows, models.y, adjust)
    draws = confounder[None]
    return np.array(
        [
            adjusted_effect(fit, rows, draws, j, (1.0, 0.0))
            for j in range(rows.causes.shape[1])
        ]
    )
