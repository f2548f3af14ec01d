"""Fit what ConformalEffect predicts and is calibrated by, each on its own rows."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skcausal.estimation._data import CausalData
from skcausal.estimation.wrappers._conformal_calibration import (
    Edges,
    OutcomeScores,
    edge_levels,
    split_parts,
)
from skcausal.estimation.wrappers._quantile_models import fit_quantile
from skcausal.utils._validation import take_rows

Pair = tuple[Any, Any]


@dataclass(frozen=True, eq=False)
class IntervalFit:
    """Models of quantiles and edges, with the rows that calibrate them.

    Parameters
    ----------
    quantiles : list of tuple
        Lower and upper quantile of the outcome, for each arm.
    outcomes : list of OutcomeScores
        Calibration rows of each arm.
    edges : list of tuple
        Lower and upper edge of the effect, for each arm but the control.
    effects : list of Edges
        Calibration rows of each arm but the control.
    """

    quantiles: list[Pair] = field(default_factory=list)
    outcomes: list[OutcomeScores] = field(default_factory=list)
    edges: list[Pair] = field(default_factory=list)
    effects: list[Edges] = field(default_factory=list)


@dataclass(frozen=True)
class IntervalSettings:
    """How intervals are modelled.

    Parameters
    ----------
    owner : str
        Named in errors.
    model : regressor or None
        Model of quantiles.
    method : {"exact", "inexact"}
        How edges are calibrated.
    quantiles : tuple of float
        Levels of the quantiles of the outcome.
    seed : int
        Seed of the models.
    """

    owner: str
    model: Any
    method: str
    quantiles: tuple[float, float]
    seed: int


def fit_intervals(
    data: CausalData, propensity: np.ndarray, settings: IntervalSettings, random: Any
) -> IntervalFit:
    """Split the rows in three and fit; propensities have shape (n, n_arms)."""
    part = split_parts(data.treatment, data.groups, random)
    # A new row counts once: weights of mean one keep the scale.
    weight = data.weights / data.weights.mean()
    fit = IntervalFit()
    predicted = []
    for code in range(data.n_arms):
        own = data.treatment == code
        rows = np.flatnonzero(part["quantiles"] & own)
        targets = data.outcome[rows], data.outcome[rows]
        pair = _fit_pair(data, rows, targets, settings.quantiles, settings)
        low, high = predict_pair(pair, data.X)
        scores = np.maximum(low - data.outcome, data.outcome - high)
        rows = part["outcomes"] & own
        fit.quantiles.append(pair)
        fit.outcomes.append(
            OutcomeScores(code, scores[rows], propensity[rows], weight[rows])
        )
        predicted.append((low, high))
    for code in range(1, data.n_arms):
        _fit_edges(fit, data, (propensity, weight), part, predicted, settings, code)
    return fit


def _fit_edges(
    fit: IntervalFit,
    data: CausalData,
    weighting: tuple[np.ndarray, np.ndarray],
    part: dict[str, np.ndarray],
    predicted: list[Pair],
    settings: IntervalSettings,
    code: int,
) -> None:
    """Model the edges of effects' intervals, and keep how far the rest exceeds them."""
    propensity, weight = weighting
    (low_control, high_control), (low, high) = predicted[0], predicted[code]
    y, treated = data.outcome, data.treatment == code
    lower = np.where(treated, y - high_control, low - y)
    upper = np.where(treated, y - low_control, high - y)
    compared = treated | (data.treatment == 0)
    if data.n_arms > 2:  # rows of two arms stand for all
        weight = weight / (propensity[:, 0] + propensity[:, code])
    # Both parts: the quantiles of the other arm have seen neither.
    rows = np.flatnonzero(~part["effects"] & compared)
    levels = edge_levels(settings.method, settings.quantiles)
    pair = _fit_pair(data, rows, (lower[rows], upper[rows]), levels, settings)
    rows = np.flatnonzero(part["effects"] & compared)
    edges = predict_pair(pair, take_rows(data.X, rows))
    fit.edges.append(pair)
    fit.effects.append(
        Edges(
            code,
            below=edges[0] - lower[rows],
            above=upper[rows] - edges[1],
            treated=treated[rows],
            propensity=propensity[rows],
            weight=weight[rows],
        )
    )


def _fit_pair(
    data: CausalData,
    rows: np.ndarray,
    targets: tuple[np.ndarray, np.ndarray],
    levels: tuple[float, float],
    settings: IntervalSettings,
) -> Pair:
    """Fit a lower and an upper quantile on some rows."""
    if len(rows) == 0:
        raise ValueError(
            f"{settings.owner}: too few rows or groups of an arm to model its outcome "
            "on a third of them. Use more rows, or merge arms."
        )
    X = take_rows(data.X, rows)
    weight = None if data.sample_weight is None else data.sample_weight[rows]
    role = f"{settings.owner}: quantile_model"
    lower, upper = (
        fit_quantile(settings.model, level, (X, target, weight), role, settings.seed)
        for target, level in zip(targets, levels, strict=True)
    )
    return lower, upper


def predict_pair(pair: Pair, X: Any) -> Pair:
    """Return lower and upper predictions, which never cross."""
    if X.shape[0] == 0:
        return np.empty(0), np.empty(0)
    both = np.stack([np.asarray(model.predict(X), dtype=float) for model in pair])
    return both.min(axis=0), both.max(axis=0)
