"""Checks of the causes and of the mask of held-out entries."""

import warnings
from numbers import Integral
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.utils import check_array

# An array or a CSR matrix of floats; scipy has no types.
Causes = Any


class ConstantCauseWarning(UserWarning):
    """A cause has the same value in every row, so no factor can explain it."""


def rows_of(A: Causes, rows: slice | np.ndarray) -> np.ndarray:
    """Return some rows of the causes as a dense array of floats."""
    part = A[rows]
    return part.toarray() if sp.issparse(part) else part


def dense(A: Causes) -> np.ndarray:
    """Return the causes as a dense array of floats."""
    return rows_of(A, slice(None))


def chunks_of(n_rows: int, size: int) -> list[slice]:
    """Cut ``n_rows`` rows into slices of at most ``size`` rows."""
    return [slice(start, start + size) for start in range(0, n_rows, size)]


def check_mask(mask: Any, shape: tuple[int, int], owner: str) -> np.ndarray | None:
    """Return the observed entries (True = may be used), or None if all are."""
    if mask is None:
        return None
    held_out = check_array(
        mask, accept_sparse="csr", dtype=None, input_name="mask", ensure_min_samples=0
    )
    held_out = held_out.toarray() if sp.issparse(held_out) else held_out
    if held_out.shape != shape or held_out.dtype != bool:
        raise ValueError(
            f"{owner}: mask must be a boolean array of shape {shape}, got "
            f"{held_out.dtype} of shape {held_out.shape}. True means held out."
        )
    return ~held_out


def check_learnable(observed: np.ndarray | None, owner: str) -> None:
    """Refuse a mask that leaves no entry of some cause to learn from."""
    if observed is None or observed.any(axis=0).all():
        return
    columns = np.flatnonzero(~observed.any(axis=0)).tolist()
    raise ValueError(
        f"{owner}: mask must leave an entry of every cause, got none in columns "
        f"{columns}. Hold out fewer entries, or drop these causes."
    )


def hide(A: Causes, observed: np.ndarray | None) -> Causes:
    """Set the held-out entries to zero, so that they cannot reach any formula."""
    if observed is None:
        return A
    if sp.issparse(A):
        hidden = A.multiply(observed).tocsr()
        hidden.eliminate_zeros()
        return hidden
    return np.where(observed, A, 0.0)


def constant_columns(A: Causes, observed: np.ndarray | None) -> np.ndarray:
    """Return the positions of causes with one value in all observed rows."""
    if observed is None:
        low, high = A.min(axis=0), A.max(axis=0)
        if sp.issparse(A):
            low, high = low.toarray().ravel(), high.toarray().ravel()
    else:
        full = dense(A)
        low = np.where(observed, full, np.inf).min(axis=0)
        high = np.where(observed, full, -np.inf).max(axis=0)
    return np.flatnonzero(low == high)


def warn_of_constant_causes(
    model: Any, A: Causes, observed: np.ndarray | None, owner: str
) -> None:
    """Name the causes that never vary."""
    positions = constant_columns(A, observed)
    if not positions.size:
        return
    names = getattr(model, "feature_names_in_", np.arange(A.shape[1]))[positions]
    listed = ", ".join(str(name) for name in names[:10])
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    warnings.warn(
        f"{owner}: causes {listed}{more} never vary in the observed rows, so no factor "
        "explains them and their effects are not identified. Drop them.",
        ConstantCauseWarning,
        stacklevel=3,
    )


def check_positive_integers(model: Any, owner: str, *names: str) -> None:
    """Refuse settings that are not 1, 2, ..."""
    for name in names:
        value = getattr(model, name)
        if not isinstance(value, Integral) or value < 1:
            raise ValueError(
                f"{owner}: {name} must be a positive integer, got {value!r}. Pass 1 or "
                "more."
            )


def check_priors(model: Any, owner: str, *names: str) -> None:
    """Refuse gamma priors that are not two positive numbers."""
    for name in names:
        value = np.asarray(getattr(model, name))
        if value.shape != (2,) or not (value > 0).all():
            raise ValueError(
                f"{owner}: {name} must be a positive shape and a positive rate, got "
                f"{getattr(model, name)!r}. Pass a pair such as (0.3, 0.3)."
            )


def mean_count(A: Causes, observed: np.ndarray | None) -> float:
    """Return the mean of the observed counts, where held-out ones are 0."""
    n_observed = A.shape[0] * A.shape[1] if observed is None else observed.sum()
    return float(max(A.sum(), 1) / n_observed)


def check_counts(A: Causes, owner: str) -> None:
    """Refuse values that are not counts."""
    values = A.data if sp.issparse(A) else A
    if (values < 0).any():
        raise ValueError(
            f"Negative values in data passed to {owner}: causes must be counts (0, 1, "
            f"2, ...), got {values.min():g}. Use PPCAFactorModel for real numbers."
        )
    wrong = values[values != np.floor(values)]
    if wrong.size:
        raise ValueError(
            f"{owner}: causes must be counts (0, 1, 2, ...), got {wrong.flat[0]:g}. "
            "Use PPCAFactorModel for real numbers, or count in smaller units."
        )


def check_binary(A: Causes, owner: str) -> None:
    """Refuse values other than 0 and 1."""
    values = A.data if sp.issparse(A) else A
    wrong = values[(values != 0) & (values != 1)]
    if wrong.size:
        raise ValueError(
            f"{owner}: causes must be 0 or 1, got {wrong.flat[0]:g}. Use "
            "PoissonFactorModel for counts or PPCAFactorModel for real numbers."
        )
