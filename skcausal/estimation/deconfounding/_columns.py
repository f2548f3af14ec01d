"""Which columns are causes, which are covariates."""

from typing import Any

import numpy as np
from sklearn.utils._indexing import _get_column_indices
from sklearn.utils.validation import validate_data

from skcausal.utils._validation import is_pandas, is_polars, pandas_from_polars


def checked_table(estimator: Any, X: Any, *, reset: bool, numeric: bool) -> Any:
    """Return a pandas frame as it is, anything else as a dense array of numbers.

    With ``numeric`` the columns of a frame must be numbers too.
    """
    if is_polars(X):
        X = pandas_from_polars(X)
    checked = validate_data(
        estimator,
        X,
        reset=reset,
        accept_sparse="csr",
        dtype=np.float64,
        ensure_min_samples=2 if reset else 1,
        skip_check_array=is_pandas(X) and not numeric,
    )
    if is_pandas(X):
        return X
    return checked.toarray() if hasattr(checked, "toarray") else checked


def numbers(table: Any, positions: np.ndarray) -> np.ndarray:
    """Return some columns of a checked table as floats."""
    if is_pandas(table):
        return table.iloc[:, positions].to_numpy(dtype=float)
    return np.asarray(table[:, positions])


def cause_positions(X: Any, causes: Any, owner: str) -> np.ndarray:
    """Return the positions of the columns that a selector picks, in their order."""
    n_columns = X.shape[1]
    if causes is None:
        return np.arange(n_columns)
    chosen = causes(X) if callable(causes) else causes
    try:
        positions = np.asarray(_get_column_indices(X, chosen), dtype=int)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ValueError(
            f"{owner}: causes must select columns of X (names, positions, a slice, a "
            f"boolean mask, or a callable that returns them), got {chosen!r} "
            f"({error}). Names need a DataFrame."
        ) from error
    if len(set(positions.tolist())) < len(positions):
        raise ValueError(
            f"{owner}: causes must name each column once, got {chosen!r}. Drop the "
            "repeated ones."
        )
    return np.sort(positions)


def names_of(X: Any, positions: np.ndarray) -> list[Any]:
    """Return the names of columns, or their positions where there are none."""
    names = getattr(X, "columns", None)
    if names is None:
        return [int(position) for position in positions]
    return [list(names)[position] for position in positions]


def check_causes(A: np.ndarray, names: list[Any], owner: str) -> None:
    """Refuse what no factor model could learn from."""
    if A.shape[1] < 2:
        raise ValueError(
            f"{owner}: causes must be at least two columns, got {A.shape[1]} (found "
            f"array with {A.shape[1]} feature(s)). One cause alone says nothing about "
            "what it shares with others: use a learner such as DRLearner."
        )
    constant = np.flatnonzero(A.min(axis=0) == A.max(axis=0))
    if constant.size:
        shown = ", ".join(repr(names[one]) for one in constant[:5])
        more = " and others" if constant.size > 5 else ""
        raise ValueError(
            f"{owner}: causes must vary, got {constant.size} with one value in all "
            f"{A.shape[0]} rows: {shown}{more}. Drop these columns."
        )
