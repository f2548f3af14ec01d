"""From a table to coordinates and strata; balance of a table between arms."""

from typing import Any

import numpy as np
import pandas as pd

from skcausal.utils._validation import is_pandas

_COLLINEAR = 1e-10  # of the largest eigenvalue of the correlations


def column_names(X: Any) -> list[Any]:
    """Return the names of the columns; x0, x1, ... for an array."""
    if is_pandas(X):
        return list(X.columns)
    return [f"x{j}" for j in range(X.shape[1])]


def positions(X: Any, columns: Any, owner: str, parameter: str) -> list[int]:
    """Return the positions of columns that are given by name or position."""
    if columns is None:
        return []
    if isinstance(columns, (str, int, np.integer)):
        columns = [columns]
    names = list(X.columns) if is_pandas(X) else list(range(X.shape[1]))
    places = []
    for column in columns:
        if column in names:
            places.append(names.index(column))
        elif isinstance(column, (int, np.integer)) and 0 <= column < len(names):
            places.append(int(column))
        else:
            raise ValueError(
                f"{owner}: {parameter} names column {column!r}, which X does not have; "
                f"its columns are {names}."
            )
    return places


def column_values(X: Any, place: int) -> np.ndarray:
    """Return a column as floats; categories as their codes, NaN where missing."""
    if not is_pandas(X):
        return np.asarray(X[:, place], dtype=float)
    column = X.iloc[:, place]
    if str(column.dtype) == "category":
        codes = np.asarray(column.cat.codes, dtype=float)
        return np.where(codes < 0, np.nan, codes)
    return column.to_numpy(dtype=float, na_value=np.nan)


def is_category(X: Any, place: int) -> bool:
    """Tell whether a column holds categories, which have no distance."""
    return is_pandas(X) and str(X.dtypes.iloc[place]) == "category"


def numbers(X: Any, places: list[int], owner: str) -> np.ndarray:
    """Return columns as floats; refuse categories and missing values."""
    names = column_names(X)
    for place in places:
        if is_category(X, place):
            raise ValueError(
                f"{owner}: column {names[place]!r} of X is a category, which has no "
                f"distance. Match on it exactly (exact=[{names[place]!r}]), or encode "
                "it in the Pipeline (OneHotEncoder)."
            )
    columns = [column_values(X, place) for place in places]
    table = np.column_stack([np.empty((X.shape[0], 0)), *columns])
    refuse_nan(table, [names[place] for place in places], owner)
    return table


def refuse_nan(table: np.ndarray, names: list[Any], owner: str) -> None:
    """Raise if a column has missing values, by name."""
    missing = np.isnan(table).any(axis=0)
    if missing.any():
        bad = [name for name, is_bad in zip(names, missing, strict=True) if is_bad]
        raise ValueError(
            f"{owner}: columns {bad} of X contain NaN, which has no distance. Impute "
            "them in the Pipeline (SimpleImputer with add_indicator=True), or use "
            "CoarsenedExactMatching, where missing is a level of its own."
        )


def standardised(table: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return columns in standard deviations from their mean; constants become 0."""
    centred = table - np.average(table, axis=0, weights=weight)
    deviation = np.sqrt(np.average(centred**2, axis=0, weights=weight))
    constant = deviation <= 1e-12 * np.abs(table).max(axis=0, initial=0.0)
    return np.where(constant, 0.0, centred / np.where(constant, 1.0, deviation))


def whitened(table: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Return coordinates whose Euclidean distance is that of Mahalanobis.

    Directions in which the columns do not vary are left out.
    """
    scaled = standardised(table, weight)
    correlation = (scaled * weight[:, None]).T @ scaled / weight.sum()
    values, vectors = np.linalg.eigh(correlation)
    kept = values > _COLLINEAR * values.max(initial=0.0)
    return scaled @ (vectors[:, kept] / np.sqrt(values[kept]))


def balance_table(
    X: Any, arm: np.ndarray, before: np.ndarray, after: np.ndarray
) -> pd.DataFrame:
    """Return standardised mean differences with weights before and after matching.

    In units of the root mean variance of both arms before matching; one row per column
    and, for a category, per level.
    """
    rows = {}
    for label, values in _columns(X):
        known = ~np.isnan(values)
        mean, variance = zip(
            *(_moments(values, before * known * (arm == a)) for a in (0, 1)),
            strict=True,
        )
        scale = np.sqrt(0.5 * (variance[0] + variance[1]))
        matched = [_moments(values, after * known * (arm == a))[0] for a in (0, 1)]
        gaps = np.array([mean[1] - mean[0], matched[1] - matched[0]])
        with np.errstate(divide="ignore", invalid="ignore"):
            rows[label] = np.where(gaps == 0, 0.0, gaps / scale)
    return pd.DataFrame.from_dict(rows, orient="index", columns=["before", "after"])


def _columns(X: Any) -> Any:
    """Yield label and values of each column; of a category, those of each level."""
    for place, name in enumerate(column_names(X)):
        values = column_values(X, place)
        if not is_category(X, place):
            yield name, values
            continue
        for code, level in enumerate(X.iloc[:, place].cat.categories):
            yield f"{name}={level}", (values == code).astype(float)


def _moments(values: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Return weighted mean and variance; NaN where no row has weight."""
    rows = weight > 0
    if not rows.any():
        return np.nan, np.nan
    mean = np.average(values[rows], weights=weight[rows])
    return mean, np.average((values[rows] - mean) ** 2, weights=weight[rows])
