"""What rows say of their noise, some of their nodes being unknown."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from skcausal.structural._counterfactual_errors import (
    EffectiveSampleSizeWarning,
    ImpossibleEvidenceError,
    UnidentifiedCounterfactualError,
)
from skcausal.structural._inputs import as_frame, cast
from skcausal.structural._replay import RowNoise, Values, parent_frame, repeated

LEAST_EFFECTIVE = 50.0  # draws below which a posterior is called doubtful
_MOST_AT_ONCE = 1_000_000  # particles
_PLACEHOLDER = 0.0


@dataclass(frozen=True)
class Particles:
    """Rows with their unknown nodes drawn, and how well each explains what is known."""

    values: Values
    noise: dict[Any, np.ndarray]  # of the unknown nodes
    log_weights: np.ndarray
    weighted: bool

    def take(
        self, model: Any, rows: np.ndarray, random: np.random.Generator
    ) -> tuple[Values, RowNoise]:
        """Return some of the rows, and the noise of all their nodes."""
        values = {node: column[rows] for node, column in self.values.items()}
        noise = RowNoise(model, values, random)
        noise.update({node: drawn[rows] for node, drawn in self.noise.items()})
        return values, noise


def rows_with_gaps(
    model: Any, frame: Any, owner: str
) -> tuple[Values, np.ndarray, pd.Index]:
    """Return rows, which of their nodes are unknown, and their index.

    The shape of the mask is (n, n_nodes), nodes as in the graph.
    """
    table = as_frame(frame, model.graph.nodes, owner)
    gaps = table.isna().to_numpy()
    values: Values = {}
    for k, node in enumerate(model.graph.nodes):
        dtype, column = model.dtypes_[node], table[node].astype(object).to_numpy()
        if gaps[:, k].any():
            labels = isinstance(dtype, pd.CategoricalDtype)
            column = column.copy()
            column[gaps[:, k]] = dtype.categories[0] if labels else _PLACEHOLDER
        values[node] = cast(column, dtype, node, owner)
    return values, gaps, table.index


def draw_particles(
    model: Any,
    values: Values,
    unknown: frozenset[Any],
    random: np.random.Generator,
    accept: Mapping[Any, Callable[[Any], Any]] | None = None,
) -> Particles:
    """Draw the unknown nodes of rows, causes first, and weigh the rows.

    The weight is the density of the known nodes below unknown ones (likelihood
    weighting); known nodes with known causes have the same density in all particles.
    ``accept`` are conditions on unknown nodes; a row that breaks one weighs nothing.
    """
    n = len(next(iter(values.values())))
    new, noise, weights = dict(values), {}, np.zeros(n)
    uncertain, weighted = set(unknown), bool(accept)
    for node, mechanism in model.mechanisms_.items():
        if node in unknown:
            noise[node] = mechanism.draw_noise(n, random)
            new[node] = model.apply(node, new, noise[node])
        elif uncertain & set(model.parents_of(node)):
            weighted = True
            parents = parent_frame(model, node, new)
            weights += density(mechanism, parents, new[node], node)
    for node, condition in (accept or {}).items():
        kept = np.asarray(condition(pd.Series(new[node], name=node)), dtype=bool)
        weights[~kept] = -np.inf
    return Particles(new, noise, weights, weighted)


def density(mechanism: Any, parents: Any, values: Any, node: Any) -> np.ndarray:
    """Return the log density of a node, or say that its mechanism has none."""
    try:
        return np.asarray(mechanism.log_density(parents, values), dtype=float)
    except NotImplementedError:
        raise UnidentifiedCounterfactualError(
            f"StructuralModel: the mechanism of {node!r}, "
            f"{type(mechanism).__name__}, has no log_density, so that it cannot be "
            "told which unknown causes explain it. Define log_density, or condition "
            "on a range by a function."
        ) from None


def effective_sizes(
    log_weights: np.ndarray, owner: str, first: int | None = None
) -> tuple[np.ndarray, ...]:
    """Return weights of shape (n, m) that sum to one, and effective sample sizes.

    ``first`` is the place of the first row among those that lack the same nodes.
    """
    largest = log_weights.max(axis=1, keepdims=True)
    if not np.isfinite(largest).all():
        what = "the evidence"
        if first is not None:
            place = first + int(np.argmin(np.isfinite(largest[:, 0])))
            what = f"row {place} (from 0, of those that lack the same nodes)"
        raise ImpossibleEvidenceError(
            f"{owner}: none of {log_weights.shape[1]} draws explains {what}: what "
            "it shows has probability zero, or nearly so, under the model. Check "
            "it, take more draws, or a range instead of a value."
        )
    weights = np.exp(log_weights - largest)
    weights /= weights.sum(axis=1, keepdims=True)
    return weights, 1 / (weights**2).sum(axis=1)


def resampled(
    weights: np.ndarray, n_samples: int, random: np.random.Generator
) -> np.ndarray:
    """Return places of draws in the flat weights, by systematic resampling per row."""
    n, m = weights.shape
    steps = np.cumsum(weights, axis=1)
    steps /= steps[:, -1:]
    at = (random.random((n, 1)) + np.arange(n_samples)) / n_samples
    rows = np.arange(n)[:, None]
    places = np.searchsorted((steps + rows).ravel(), (at + rows).ravel())
    places = places.reshape(n, n_samples)
    return np.clip(places, rows * m, rows * m + m - 1)


def posterior(
    model: Any,
    values: Values,
    unknown: frozenset[Any],
    sizes: tuple[int, int],
    random: np.random.Generator,
    owner: str,
) -> tuple[Values, Mapping[Any, np.ndarray], np.ndarray, bool]:
    """Return draws of rows that lack the same nodes, and how good they are.

    ``sizes`` are the draws kept and the draws made per row. Returned are values and
    noise, effective sample sizes, and whether the draws were weighted.
    """
    n_samples, n_draws = sizes
    n = len(next(iter(values.values())))
    plain = repeated(values, n_samples)
    first = draw_particles(model, repeated(_head(values), 1), unknown, random)
    if not first.weighted:
        drawn = draw_particles(model, plain, unknown, random)
        found = drawn.take(model, np.arange(n * n_samples), random)
        return *found, np.full(n, float(n_samples)), False
    parts = []
    block = max(1, _MOST_AT_ONCE // n_draws)
    for at in range(0, n, block):
        rows = {node: column[at : at + block] for node, column in values.items()}
        drawn = draw_particles(model, repeated(rows, n_draws), unknown, random)
        log_weights = drawn.log_weights.reshape(-1, n_draws)
        weights, sizes_ = effective_sizes(log_weights, owner, at)
        kept = resampled(weights, n_samples, random).ravel()
        parts.append((*drawn.take(model, kept, random), sizes_))
    joined = {node: joined_parts([part[0][node] for part in parts]) for node in values}
    noise = {node: np.concatenate([part[1][node] for part in parts]) for node in values}
    return joined, noise, np.concatenate([part[2] for part in parts]), True


def _head(values: Values) -> Values:
    return {node: column[:1] for node, column in values.items()}


def joined_parts(parts: list[Any]) -> Any:
    """Return arrays or categoricals of the same type one after the other."""
    if isinstance(parts[0], pd.Categorical):
        codes = np.concatenate([part.codes for part in parts])
        return pd.Categorical.from_codes(codes, dtype=parts[0].dtype)
    return np.concatenate(parts)


def warn_of_few(sizes: np.ndarray, n_draws: int, owner: str, stacklevel: int) -> None:
    """Warn if few draws count."""
    few = sizes < min(LEAST_EFFECTIVE, n_draws)
    if few.any():
        warnings.warn(
            f"{owner}: of {n_draws} draws only {sizes.min():.1f} count where they "
            f"explain least ({few.sum()} of {len(sizes)} row(s) below "
            f"{LEAST_EFFECTIVE:.0f}). Take more draws, or less sharp evidence.",
            EffectiveSampleSizeWarning,
            stacklevel=stacklevel,
        )
