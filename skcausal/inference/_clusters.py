"""Variances of clustered rows: one or several ways of grouping them."""

from itertools import combinations
from typing import Any

import numpy as np

from skcausal.inference._least_squares import cluster_sums
from skcausal.utils._validation import as_vector, is_polars, missing_rows


def as_groups(groups: Any, owner: str) -> np.ndarray:
    """Return cluster labels as an array (n,) or (n, n_ways); missing is an error."""
    if np.ndim(groups) < 2:
        labels = as_vector(groups, "groups")
    else:
        labels = np.asarray(groups.to_pandas() if is_polars(groups) else groups)
    n_missing = int(missing_rows(labels).sum())
    if n_missing:
        raise ValueError(
            f"{owner}: groups has {n_missing} missing value(s) among "
            f"{labels.shape[0]} rows. Drop these rows, or give them a label."
        )
    return labels


def cluster_codes(groups: np.ndarray) -> list[np.ndarray]:
    """Return the cluster codes of each way of grouping, each of shape (n,)."""
    labels = np.asarray(groups)
    columns = [labels] if labels.ndim == 1 else list(labels.T)
    return [np.unique(column, return_inverse=True)[1] for column in columns]


def degrees_of_freedom(groups: np.ndarray) -> int:
    """Return one less than the number of clusters, in the way with the fewest."""
    return min(int(codes.max()) for codes in cluster_codes(groups))


def correction(n_units: int) -> float:
    """Return what a sum of squares over units is multiplied with; NaN for one unit."""
    return n_units / (n_units - 1) if n_units > 1 else np.nan


def scaled_sums(
    influence: np.ndarray, codes: list[np.ndarray] | None
) -> list[np.ndarray]:
    """Return sums of influence per unit, one array (n_units, n_effects) for each way.

    Scaled so that their squares add up to the variance of the estimate.
    """
    n_rows = influence.shape[0]
    ways = [influence] if codes is None else [cluster_sums(influence, c) for c in codes]
    return [sums / n_rows * np.sqrt(correction(len(sums))) for sums in ways]


def variances(influences: np.ndarray, groups: np.ndarray | None) -> np.ndarray:
    """Return the variance of each estimate, shape (n_repeats, n_effects).

    ``influences`` has shape (n_repeats, n, n_effects).
    """
    if groups is None:
        return np.stack([_squares(influence, None) for influence in influences])
    codes = cluster_codes(groups)
    one_way = np.stack([[_squares(i, c) for i in influences] for c in codes])
    if len(codes) == 1:
        return one_way[0]
    total = one_way.sum(axis=0)
    for size in range(2, len(codes) + 1):
        for ways in combinations(codes, size):
            both = _intersection(ways)
            shared = np.stack([_squares(i, both) for i in influences])
            total = total + (-1) ** (size + 1) * shared
    return np.maximum(total, one_way.max(axis=0))


def _squares(influence: np.ndarray, codes: np.ndarray | None) -> np.ndarray:
    """Return the variances that one way of grouping gives, shape (n_effects,)."""
    sums = scaled_sums(influence, None if codes is None else [codes])[0]
    return np.einsum("gk,gk->k", sums, sums)


def _intersection(ways: tuple[np.ndarray, ...]) -> np.ndarray:
    """Return codes of the clusters whose rows share a cluster in every way."""
    combined = ways[0]
    for codes in ways[1:]:
        pairs = combined * (int(codes.max()) + 1) + codes
        combined = np.unique(pairs, return_inverse=True)[1]
    return combined
