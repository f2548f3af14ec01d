"""How well the mechanisms fit, on rows that they have not seen."""

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from skcausal.inference._residual_independence import independence_p_value
from skcausal.structural._additive import AdditiveNoise
from skcausal.structural._categorical import CategoricalNoise, uniform_noise
from skcausal.structural._choosing import (
    log_losses,
    unseen_means,
    unseen_probabilities,
)
from skcausal.structural._goodness import (
    folds_of,
    judge_any,
    judge_residuals,
    n_fresh,
    same_distribution,
)

_LEVEL = 0.05
_OWNER = "AdditiveNoiseModel.evaluate"
Judged = tuple[Any, Any, Any]  # mechanism, parents, values


class MisfitWarning(UserWarning):
    """A mechanism predicts badly, or its noise depends on the causes."""


def check_own(mechanism: Any, node: Any, owner: str) -> Any:
    """Refuse mechanisms of which only noise and replay are known."""
    if not isinstance(mechanism, AdditiveNoise | CategoricalNoise):
        raise TypeError(
            f"{owner}: the mechanism of {node!r} must be AdditiveNoise or "
            f"CategoricalNoise, got {type(mechanism).__name__}."
        )
    return mechanism


def design_of(parents: pd.DataFrame) -> np.ndarray:
    """Return numbers with mean 0 and variance 1, categories as indicators."""
    if not parents.shape[1]:
        return np.empty((len(parents), 0))
    numbers = pd.get_dummies(parents).to_numpy(dtype=float)
    spread = numbers.std(axis=0)
    return (numbers - numbers.mean(axis=0)) / np.where(spread > 0, spread, 1)


def crps(residuals: np.ndarray, noise: np.ndarray) -> float:
    """Return the mean score of forecasts whose errors are distributed as ``noise``.

    E|U - r| - E|U - U'| / 2 with U, U' drawn from the noise, by sorted sums.
    """
    drawn = np.sort(noise)
    n = len(drawn)
    sums = np.concatenate([[0.0], np.cumsum(drawn)])
    below = np.searchsorted(drawn, residuals)
    distance = residuals * (2 * below - n) + sums[-1] - 2 * sums[below]
    within = 2 * (drawn * (2 * np.arange(n) + 1 - n)).sum() / n**2
    return float(distance.mean() / n - within / 2)


def _check_cv(cv: Any, n_rows: int) -> int | None:
    """Return the number of folds, or None for fitted mechanisms."""
    if isinstance(cv, str) and cv == "prefit":
        return None
    whole = isinstance(cv, int | np.integer) and not isinstance(cv, bool)
    if not whole or not 2 <= cv <= n_rows:
        raise ValueError(
            f"{_OWNER}: cv must be an integer from 2 to the number of rows, or "
            f"'prefit', got {cv!r}."
        )
    return int(cv)


def _judge_number(
    judged: Judged, cv: int | None, random: np.random.Generator
) -> tuple[dict[str, Any], np.ndarray]:
    mechanism, parents, values = judged
    values = np.asarray(values, dtype=float)
    if cv is None:
        predicted = mechanism.mean(parents)
    else:
        predicted = unseen_means(mechanism.regressor_, parents, values, cv)
    residuals = values - predicted
    spread = values.var()
    row = {
        "r2": 1 - (residuals**2).mean() / spread if spread > 0 else np.nan,
        "crps": crps(residuals, mechanism.noise_),
    }
    folds = folds_of(parents, values, cv)
    return row | judge_residuals(mechanism, residuals, folds, random), residuals


def _judge_category(
    judged: Judged, cv: int | None, random: np.random.Generator
) -> tuple[dict[str, Any], np.ndarray]:
    mechanism, parents, values = judged
    codes = mechanism.codes(values)
    if cv is None:
        found = mechanism.probabilities(parents)
    else:
        found = unseen_probabilities(mechanism.classifier_, parents, codes, cv)
    loss = float(log_losses(found, codes).mean())
    shares = np.bincount(codes) / len(codes)
    entropy = -float((shares[shares > 0] * np.log(shares[shares > 0])).sum())
    row = {"r2": 1 - loss / entropy if entropy > 0 else np.nan, "log_loss": loss}
    possible = np.maximum(found, 1e-12)
    possible /= possible.sum(axis=1, keepdims=True)
    noise = uniform_noise(possible, codes, random)
    fresh = random.random(n_fresh(len(noise), folds_of(parents, values, cv)))
    row["p_uniform"] = same_distribution([noise], [fresh])
    return row | {"log_score": -loss}, noise


def _verdict(row: Mapping[str, Any], level: float) -> str:
    if row["r2"] < 0:
        return "predicts worse than no cause at all"
    if row["p_independent"] <= level:
        return "noise depends on the causes"
    if row["p_uniform"] <= level:
        return "noise has another distribution"
    return "fits"


def evaluate(
    judged: Mapping[Any, Judged], cv: Any, random: np.random.Generator
) -> pd.DataFrame:
    """Return a row per mechanism, and warn of those that fit badly."""
    numbers = ["r2", "crps", "log_loss", "p_independent", "log_score", "p_uniform"]
    columns = ["mechanism", *numbers, "verdict"]
    table = pd.DataFrame(index=pd.Index(list(judged), name="node"), columns=columns)
    for node, parts in judged.items():
        row = _row_of(parts, cv, random)
        row["verdict"] = _verdict(row, _LEVEL / len(judged))
        table.loc[node] = pd.Series(row).reindex(columns)
    table = table.astype(dict.fromkeys(numbers, float))
    _warn(table)
    return table


def _row_of(judged: Judged, cv: Any, random: np.random.Generator) -> dict[str, Any]:
    """Return what is said of one mechanism."""
    mechanism, parents, values = judged
    n_folds = _check_cv(cv, len(parents))
    if isinstance(mechanism, CategoricalNoise):
        row, noise = _judge_category(judged, n_folds, random)
    elif isinstance(mechanism, AdditiveNoise):
        row, noise = _judge_number(judged, n_folds, random)
    else:
        row, noise = judge_any(judged, folds_of(parents, values, n_folds), random)
    row["mechanism"] = model_name(mechanism)
    if not parents.shape[1]:
        row["r2"] = np.nan  # there is nothing that could explain
    design = design_of(parents)
    noises = noise.reshape(len(parents), -1).T
    found = [independence_p_value(one, design, random) for one in noises]
    row["p_independent"] = float(np.minimum(1.0, np.min(found) * len(found)))
    return row


def model_name(mechanism: Any) -> str:
    """Return the class of the fitted model, of a pipeline that of its last step.

    A mechanism without a model in it has its own name, with its family.
    """
    model = getattr(mechanism, "regressor_", getattr(mechanism, "classifier_", None))
    if model is None:
        family = getattr(mechanism, "family", None)
        return type(mechanism).__name__ + (f"({family})" if family else "")
    steps = getattr(model, "steps", None)
    return type(steps[-1][1] if steps else model).__name__


def _warn(table: pd.DataFrame) -> None:
    bad = table.index[table["verdict"] != "fits"]
    if len(bad):
        listed = "; ".join(f"{node}: {table.loc[node, 'verdict']}" for node in bad)
        warnings.warn(
            f"{_OWNER}: {listed}. Attributions and counterfactuals that pass through "
            "these nodes are doubtful. Try another mechanism or regressor, or add a "
            "missing cause.",
            MisfitWarning,
            stacklevel=3,
        )
