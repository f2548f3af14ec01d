"""Covariates as numbers: what is balanced, and how balanced it is."""

from typing import Any

import numpy as np

from skcausal.utils._validation import is_pandas


def numeric_covariates(X: Any, owner: str) -> tuple[np.ndarray, list[str]]:
    """Return covariates as floats with their names; refuse what is no number."""
    names = covariate_names(X)
    if is_pandas(X):
        for name, dtype in X.dtypes.items():
            if str(dtype) == "category":
                raise ValueError(
                    f"{owner}: column {name!r} is a category, which has no mean to "
                    "balance. Encode it first (OneHotEncoder in a Pipeline)."
                )
        table = X.to_numpy(dtype=float, na_value=np.nan)
    else:
        table = np.asarray(X, dtype=float)
    missing = np.isnan(table).any(axis=0)
    if missing.any():
        listed = ", ".join(repr(names[i]) for i in np.flatnonzero(missing)[:5])
        raise ValueError(
            f"{owner}: Input X contains NaN (in {listed}); a mean of missing values "
            "cannot be balanced. Impute them first, with an indicator: "
            "SimpleImputer(add_indicator=True) in a Pipeline."
        )
    return table, names


def covariate_names(X: Any) -> list[str]:
    """Return the names of the columns, x0, x1, ... for an array."""
    if is_pandas(X):
        return [str(name) for name in X.columns]
    return [f"x{position}" for position in range(X.shape[1])]


def with_moments(
    table: np.ndarray, names: list[str], moments: int
) -> tuple[np.ndarray, list[str]]:
    """Append powers of the standardised covariates, except of binary ones."""
    if moments == 1:
        return table, names
    spread = table.std(axis=0)
    standard = (table - table.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    many = [i for i in range(table.shape[1]) if np.unique(table[:, i]).shape[0] > 2]
    powers = range(2, moments + 1)
    columns = [table, *(standard[:, many] ** power for power in powers)]
    labels = [f"{names[i]}^{power}" for power in powers for i in many]
    return np.hstack(columns), names + labels


def pooled_deviation(
    table: np.ndarray, arm: np.ndarray, weight: np.ndarray, *, unbiased: bool = False
) -> np.ndarray:
    """Return the root of the mean within-arm variance of each column.

    A row of weight two is a row twice, unless the variances are ``unbiased``.
    """
    variances = []
    table = table - table.mean(axis=0)
    for code in np.unique(arm):
        rows = arm == code
        part, w = table[rows], weight[rows] / weight[rows].sum()
        alone = w @ w  # 1 for a single row, which has no variance
        factor = 1 / (1 - alone) if unbiased and alone < 1 else 1.0
        variances.append(factor * (w @ part**2 - (w @ part) ** 2))
    return np.sqrt(np.maximum(np.mean(variances, axis=0), 0))


def standardised_differences(
    table: np.ndarray, arm: np.ndarray, weight: np.ndarray, deviation: np.ndarray
) -> np.ndarray:
    """Return the largest difference of weighted arm means, in deviations."""
    codes = np.unique(arm)
    means = np.array(
        [np.average(table[arm == a], axis=0, weights=weight[arm == a]) for a in codes]
    )
    gap = means.max(axis=0) - means.min(axis=0)
    tiny = 1e-10 * np.maximum(np.abs(means).max(axis=0), 1e-300)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(gap <= tiny, 0.0, gap / deviation)


def balance_table(
    X: Any, arm: np.ndarray, before: np.ndarray, after: np.ndarray
) -> Any:
    """Return standardised differences of each covariate before and after weighting.

    Categories count as indicators of their levels; missing values get an indicator and
    else stand at the mean.
    """
    import pandas as pd

    table, names = _diagnostic_columns(X)
    deviation = pooled_deviation(table, arm, before, unbiased=True)
    return pd.DataFrame(
        {
            "before": standardised_differences(table, arm, before, deviation),
            "after": standardised_differences(table, arm, after, deviation),
        },
        index=pd.Index(names, name="covariate"),
    )


def _diagnostic_columns(X: Any) -> tuple[np.ndarray, list[str]]:
    """Return every covariate as numbers, without missing values."""
    if is_pandas(X):
        import pandas as pd

        categories = [n for n, dtype in X.dtypes.items() if str(dtype) == "category"]
        frame = pd.get_dummies(X, columns=categories, prefix_sep="=", dtype=float)
        table = frame.to_numpy(dtype=float, na_value=np.nan)
        names = [str(name) for name in frame.columns]
    else:
        table, names = np.array(X, dtype=float), covariate_names(X)
    missing = np.isnan(table)
    holes = np.flatnonzero(missing.any(axis=0))
    if not holes.size:
        return table, names
    means = np.nanmean(table, axis=0)
    filled = np.where(missing, means, table)
    labels = [f"{names[i]} missing" for i in holes]
    return np.hstack([filled, missing[:, holes].astype(float)]), names + labels
