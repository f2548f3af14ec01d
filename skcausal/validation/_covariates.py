"""Covariates as numbers that can be averaged: levels and missing values as 0 and 1."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from skcausal.estimation._evaluation import text_as_categories
from skcausal.utils._validation import check_features

_MOST_LEVELS = 20


@dataclass(frozen=True, eq=False)
class Covariates:
    """Numeric columns with names.

    Parameters
    ----------
    names : list of str
        Name of each column: that of the covariate, "covariate = level", or "covariate
        is missing".
    values : ndarray of shape (n, m)
        Numbers; NaN where the covariate is missing.
    """

    names: list[str]
    values: np.ndarray

    @property
    def is_binary(self) -> np.ndarray:
        """Tell which columns hold 0 and 1 only."""
        known = np.isnan(self.values) | np.isin(self.values, (0.0, 1.0))
        return known.all(axis=0)

    def take(self, rows: np.ndarray) -> "Covariates":
        """Return some rows."""
        return Covariates(self.names, self.values[rows])


def covariates_of(X: Any, owner: str) -> Covariates:
    """Return an array or a frame (pandas, polars) as named numeric columns.

    A category becomes an indicator per level (the second one only, if there are two),
    beyond the 20 most frequent levels one for all others; missing values become an
    indicator of their own.
    """
    if sp.issparse(X):
        raise ValueError(
            f"{owner}: X is sparse; a table with a line per column needs dense "
            "columns. Select the columns to show and pass them as an array."
        )
    checked = check_features(text_as_categories(X), owner)
    if isinstance(checked, np.ndarray):
        names = [f"x{j}" for j in range(checked.shape[1])]
        checked = pd.DataFrame(checked, columns=names)
    pairs = list(_columns(checked))
    return Covariates(
        [name for name, _ in pairs], np.column_stack([values for _, values in pairs])
    )


def _columns(frame: pd.DataFrame) -> Iterator[tuple[str, np.ndarray]]:
    for position, name in enumerate(frame.columns):
        column = frame.iloc[:, position]
        missing = column.isna().to_numpy()
        if isinstance(column.dtype, pd.CategoricalDtype):
            for label, chosen in _levels(column):
                values = np.where(missing, np.nan, chosen.astype(float))
                yield f"{name} = {label}", values
        else:
            yield str(name), column.to_numpy(dtype=float, na_value=np.nan)
        if missing.any():
            yield f"{name} is missing", missing.astype(float)


def _levels(column: pd.Series) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the levels that occur, in their order, with the mask of their rows."""
    counts = column.value_counts()
    frequent = set(counts[counts > 0].index[:_MOST_LEVELS])
    levels = [level for level in column.cat.categories if level in frequent]
    rest = column.notna().to_numpy() & ~column.isin(levels).to_numpy()
    for level in levels[1:] if len(levels) == 2 and not rest.any() else levels:
        yield str(level), (column == level).to_numpy(dtype=bool)
    if rest.any():
        yield "other levels", rest
