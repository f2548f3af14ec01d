"""Which columns are causes, which are covariates."""

from typing import Any

import numpy as np
from sklearn.utils._indexing import _get_column_indices


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
            f"boolean mask, or a callable that returns them), got {chosen!r} ({error}). "
            "Names need a DataFrame."
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


def labels_of_rows(X: Any) -> Any:
    """Return the labels of the rows of a pandas frame, or None."""
    return X.index if hasattr(X, "iloc") else None


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
