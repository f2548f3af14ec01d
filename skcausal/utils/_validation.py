"""Input checks shared by every estimator: features, outcome, weights, groups."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array, column_or_1d
from sklearn.utils.validation import assert_all_finite


class OverlapWarning(UserWarning):
    """Some rows have a propensity so small that their arm is hardly comparable."""


class WeakInstrumentWarning(UserWarning):
    """The instrument hardly moves the treatment: Wald intervals cannot be trusted."""


def is_pandas(X: Any) -> bool:
    """Tell whether ``X`` is a pandas DataFrame, without importing pandas."""
    return type(X).__module__.startswith("pandas") and hasattr(X, "iloc")


def is_polars(X: Any) -> bool:
    """Tell whether ``X`` is a polars frame or series, without importing polars."""
    return type(X).__module__.startswith("polars")


def pandas_from_polars(X: Any) -> Any:
    """Copy a polars frame to pandas; Categorical and Enum become ``category``.

    LightGBM aborts the interpreter on polars categoricals, so they never reach it.
    """
    import pandas as pd

    columns: dict[str, Any] = {}
    for name, dtype in X.schema.items():
        kind = str(dtype)
        if kind.startswith("Enum"):
            categories = dtype.categories.to_list()
            columns[name] = pd.Categorical(X[name].to_list(), categories=categories)
        elif kind.startswith("Categorical"):
            columns[name] = pd.Categorical(X[name].to_list())
        elif dtype.is_numeric() or kind == "Boolean":
            columns[name] = X[name].to_numpy()
        else:
            columns[name] = pd.Series(X[name].to_list())
    return pd.DataFrame(columns)


def check_features(X: Any, owner: str) -> Any:
    """Check covariates and return them as array, CSR matrix or pandas DataFrame.

    A frame stays a frame (categories reach the base models as they are), NaN is
    left to the base models, infinite values and plain strings are errors.
    """
    if is_polars(X):
        X = pandas_from_polars(X)
    if is_pandas(X):
        _check_frame(X, owner)
        return X
    options = {"ensure_all_finite": "allow-nan", "input_name": "X"}
    checked = check_array(X, accept_sparse="csr", dtype="numeric", **options)
    if checked.dtype == object:  # scikit-learn leaves it so where None stands for NaN
        checked = check_array(checked.astype(float), **options)
    return checked


def _check_frame(frame: Any, owner: str) -> None:
    """Refuse columns that no base model could read, by name."""
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        raise ValueError(
            f"Found array with {frame.shape[0]} sample(s) and {frame.shape[1]} "
            f"feature(s) (shape={frame.shape}) while a minimum of 1 is required by "
            f"{owner}."
        )
    for position, (name, dtype) in enumerate(frame.dtypes.items()):
        kind = str(dtype)
        if kind == "category" or kind in ("bool", "boolean"):
            continue
        column = frame.iloc[:, position]
        if kind in ("object", "str", "string") or kind.startswith("string"):
            if kind == "object" and _is_numeric_object(column):
                continue
            raise ValueError(
                f"{owner}: column {name!r} of X holds text (dtype {kind}); text is "
                "never turned into numbers silently. Make it a category "
                f"(frame[{name!r}].astype('category')), or encode it in the Pipeline "
                "(OneHotEncoder, OrdinalEncoder, TargetEncoder)."
            )
        if kind.startswith(("datetime", "timedelta", "period")):
            raise ValueError(
                f"{owner}: column {name!r} of X holds dates (dtype {kind}). Turn it "
                "into numbers such as days since an event, or drop it."
            )
        values = column.to_numpy(dtype=float, na_value=np.nan)
        if np.isinf(values).any():
            raise ValueError(
                f"{owner}: column {name!r} of X contains infinity. Replace it by a "
                "finite value or NaN."
            )


def _is_numeric_object(column: Any) -> bool:
    """Tell whether an object column holds numbers only."""
    try:
        column.to_numpy(dtype=float, na_value=np.nan)
    except (TypeError, ValueError):
        return False
    return not any(isinstance(value, str) for value in column)


def as_vector(values: Any, name: str) -> np.ndarray:
    """Return ``values`` (array, pandas, polars, list) as a one-dimensional array."""
    if is_polars(values):
        values = values.to_list()
    if hasattr(values, "astype") and str(getattr(values, "dtype", "")) == "category":
        values = np.asarray(values.astype(object))
    array = np.asarray(values)
    if array.dtype.kind in "US" and isinstance(values, (list, tuple)):
        # NumPy would make text of the NaN in ["a", nan] and of the 1 in ["a", 1].
        array = np.asarray(values, dtype=object)
    return column_or_1d(array, warn=name == "y")


def missing_rows(values: np.ndarray) -> np.ndarray:
    """Return the mask of entries that are None, NaN, NaT or NA."""
    from pandas import isna

    return np.asarray(isna(values))


def refuse_missing(values: np.ndarray, name: str, owner: str) -> None:
    """Raise if labels of rows are missing: they would make a group of their own."""
    n_missing = int(missing_rows(values).sum())
    if n_missing:
        raise ValueError(
            f"{owner}: {name} has {n_missing} missing value(s) among "
            f"{values.shape[0]} rows. Drop these rows, or give them a label."
        )


def check_outcome(y: Any, owner: str) -> np.ndarray:
    """Check the outcome: one-dimensional, numeric, finite."""
    if y is None:
        raise ValueError(
            f"{owner} requires y to be passed, but the target y is None. Pass the "
            "outcome as y."
        )
    outcome = as_vector(y, "y")
    if outcome.dtype.kind == "c":
        raise ValueError(f"{owner}: Complex data not supported as outcome y.")
    if outcome.dtype.kind not in "biuf":
        try:
            if outcome.dtype.kind in "mM":
                raise TypeError("dates are no numbers")
            outcome = outcome.astype(float)
        except (TypeError, ValueError):
            raise ValueError(
                f"{owner}: the outcome y must be numeric, got dtype "
                f"{np.asarray(y).dtype} (e.g. {outcome[:1].tolist()}). Code it as "
                "numbers, for example 0 and 1."
            ) from None
    assert_all_finite(outcome, input_name="y")
    return outcome


def check_weights(
    weights: Any, n_rows: int, owner: str, name: str = "sample_weight"
) -> np.ndarray | None:
    """Check sample weights: finite, non-negative, not all zero; None stays None."""
    if weights is None:
        return None
    try:
        values = np.asarray(weights, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(f"{owner}: {name} must be numeric, got {weights!r}.") from None
    if values.ndim == 0:
        values = np.full(n_rows, float(values))
    if values.ndim != 1:
        raise ValueError(
            f"Sample weights must be 1D array or scalar, got {values.ndim}D array."
        )
    if values.shape[0] != n_rows:
        raise ValueError(
            f"{name}.shape == {values.shape}, expected {(n_rows,)}! "
            f"({owner}: one weight per row.)"
        )
    if not np.isfinite(values).all() or (values < 0).any() or values.sum() <= 0:
        raise ValueError(
            f"{owner}: {name} must be finite, non-negative and not all zero."
        )
    return values


def check_groups(groups: Any, n_rows: int, owner: str) -> np.ndarray | None:
    """Check group labels and return them as integer codes; None stays None."""
    if groups is None:
        return None
    labels = as_vector(groups, "groups")
    if labels.shape[0] != n_rows:
        raise ValueError(
            f"{owner}: groups must have one label per row, got {labels.shape[0]} "
            f"labels for {n_rows} rows."
        )
    refuse_missing(labels, "groups", owner)
    unique, codes = np.unique(labels, return_inverse=True)
    if unique.shape[0] < 2:
        raise ValueError(
            f"{owner}: groups holds one group only ({unique[0]!r}); at least two are "
            "needed. Leave groups out if rows are independent."
        )
    return codes


def n_rows_of(X: Any) -> int:
    """Return the number of rows of an array, sparse matrix or frame."""
    return int(X.shape[0])


def check_same_length(owner: str, **arrays: Any) -> None:
    """Raise if the given arrays differ in length, naming each."""
    present = {name: value for name, value in arrays.items() if value is not None}
    lengths = {name: n_rows_of(np.asarray(v)) for name, v in present.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise ValueError(
            f"{owner}: inputs must have the same number of rows (Found input variables "
            f"with inconsistent numbers of samples), got {listed}."
        )


def take_rows(X: Any, rows: np.ndarray) -> Any:
    """Select rows (integer positions or mask) of an array, sparse matrix or frame."""
    if is_pandas(X):
        return X.iloc[np.flatnonzero(rows) if rows.dtype == bool else rows]
    return X[rows]


def _free_names(taken: list[Any], names: list[str]) -> list[Any]:
    """Return column names that are free and of the kind the frame already has."""
    if taken and all(isinstance(name, (int, np.integer)) for name in taken):
        return list(range(max(taken) + 1, max(taken) + 1 + len(names)))
    return [name if name not in taken else f"{name}__treatment" for name in names]


def append_columns(X: Any, columns: np.ndarray, names: list[str]) -> Any:
    """Append numeric columns (n, k) on the right of ``X``, keeping its type."""
    if is_pandas(X):
        import pandas as pd

        fresh = _free_names(list(X.columns), names)
        extra = pd.DataFrame(columns, columns=fresh, index=X.index)
        return pd.concat([X, extra], axis=1)
    if sp.issparse(X):
        return sp.hstack([X, sp.csr_array(columns)], format="csr")
    return np.hstack([X, columns])
