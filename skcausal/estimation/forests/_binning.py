"""From raw covariates to codes of one byte: 0 is missing, 1 to 255 bins or levels."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from skcausal.utils._validation import is_pandas

MISSING, HIGHEST = 0, 255
_MAX_ROWS = 200_000  # more rows hardly move a quantile


@dataclass(frozen=True, eq=False)
class FeatureBins:
    """How each column becomes codes.

    Parameters
    ----------
    edges : tuple of ndarray or None
        Upper edges of the bins of an ordered column; None for a category.
    levels : tuple of ndarray or None
        Levels with a code of their own of a category; None for an ordered column.
    """

    edges: tuple[Any, ...]
    levels: tuple[Any, ...]

    @property
    def ordered(self) -> np.ndarray:
        """Mask of the columns whose codes have an order, shape (n_features,)."""
        return np.array([edges is not None for edges in self.edges])

    @cached_property
    def _spreads(self) -> list[Any]:
        """Codes of the bins of each ordered column."""
        return [None if e is None else _spread(len(e) + 1) for e in self.edges]

    @classmethod
    def fit(cls, X: Any, max_bins: int, owner: str) -> "FeatureBins":
        """Learn at most ``max_bins`` bins per column, the same ones for any seed."""
        if not 2 <= max_bins <= HIGHEST:
            raise ValueError(
                f"{owner}: max_bins must lie between 2 and {HIGHEST}, got {max_bins}."
            )
        n_rows = X.shape[0]
        rows: Any = slice(None)
        if n_rows > _MAX_ROWS:
            rows = np.random.default_rng(0).choice(n_rows, _MAX_ROWS, replace=False)
        edges: list[Any] = []
        levels: list[Any] = []
        for name, column in _columns(X):
            is_category = str(getattr(column, "dtype", "")) == "category"
            edges.append(
                None if is_category else _edges(_numbers(column)[rows], max_bins)
            )
            levels.append(_levels(column, name, owner) if is_category else None)
        return cls(tuple(edges), tuple(levels))

    def transform(self, X: Any) -> np.ndarray:
        """Return the codes, shape (n, n_features rounded up to a multiple of eight)."""
        n_features = len(self.edges)
        codes = np.zeros((X.shape[0], -(-n_features // 8) * 8), dtype=np.uint8)
        for j, (_, column) in enumerate(_columns(X)):
            if self.edges[j] is None:
                codes[:, j] = _level_codes(column, self.levels[j])
            else:
                values = _numbers(column)
                codes[:, j] = _bin_codes(values, self.edges[j], self._spreads[j])
        return codes


def _columns(X: Any) -> list[tuple[Any, Any]]:
    """Return (name, values) of each column."""
    if is_pandas(X):
        return [(name, X.iloc[:, j]) for j, name in enumerate(X.columns)]
    return [(j, X[:, j]) for j in range(X.shape[1])]


def _numbers(column: Any) -> np.ndarray:
    """Return a column as floats, NaN where missing."""
    if hasattr(column, "to_numpy"):
        return column.to_numpy(dtype=float, na_value=np.nan)
    return np.asarray(column, dtype=float)


def _edges(values: np.ndarray, max_bins: int) -> np.ndarray:
    """Return the upper edges of all bins but the last: midpoints or quantiles."""
    values = np.sort(values[~np.isnan(values)])
    distinct = values[np.concatenate([[True], values[1:] > values[:-1]])[: len(values)]]
    if len(distinct) <= max_bins:
        return (distinct[1:] + distinct[:-1]) / 2
    shares = np.linspace(0, 1, max_bins + 1)[1:-1]
    return np.unique(np.quantile(values, shares, method="midpoint"))


def _bin_codes(values: np.ndarray, edges: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """Return the codes of numbers; those of bins are given."""
    codes = spread[np.searchsorted(edges, values, side="left")]
    codes[np.isnan(values)] = MISSING
    return codes


def _spread(n_bins: int) -> np.ndarray:
    """Return codes of bins, spread over 1..255 so that few survive their halving."""
    steps = np.arange(n_bins) * (HIGHEST - 1) // max(n_bins - 1, 1)
    return (1 + steps).astype(np.uint8)


def _levels(column: Any, name: Any, owner: str) -> np.ndarray:
    """Return the levels with a code of their own; rare ones share one beyond 255."""
    counts = column.value_counts()
    counts = counts[counts > 0]
    if len(counts) > HIGHEST:
        warnings.warn(
            f"{owner}: column {name!r} has {len(counts)} levels; the {HIGHEST - 1} "
            "most frequent keep their own code, all others share one. Encode the "
            "column (TargetEncoder) to keep them apart.",
            UserWarning,
            stacklevel=4,
        )
        counts = counts.iloc[: HIGHEST - 1]
    return np.asarray(counts.index.astype(object))


def _level_codes(column: Any, levels: np.ndarray) -> np.ndarray:
    """Return codes of levels; unknown levels are the shared code or missing."""
    categories = column.cat.categories
    known = {level: code for code, level in enumerate(levels.tolist(), start=1)}
    other = HIGHEST if len(levels) == HIGHEST - 1 else MISSING
    table = [known.get(level, other) for level in categories.tolist()]
    return np.array([*table, MISSING], dtype=np.uint8)[np.asarray(column.cat.codes)]
