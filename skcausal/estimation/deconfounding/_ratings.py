"""Tables of ratings with unobserved entries, and looking up users and items."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.utils import check_array


@dataclass(frozen=True)
class Ratings:
    """The observed entries of a table, and the names of its rows and columns."""

    values: sp.csr_matrix
    users: pd.Index
    items: pd.Index

    @property
    def pattern(self) -> sp.csr_matrix:
        """Ones where there is a rating."""
        return like(self.values, np.ones(self.values.nnz))

    @property
    def entries(self) -> tuple[np.ndarray, np.ndarray]:
        """Rows and columns of the observed entries, in their order."""
        counts = np.diff(self.values.indptr)
        return np.repeat(np.arange(len(counts)), counts), self.values.indices


def like(matrix: sp.csr_matrix, data: np.ndarray) -> sp.csr_matrix:
    """Return other values at the same entries."""
    return sp.csr_matrix((data, matrix.indices, matrix.indptr), shape=matrix.shape)


def check_ratings(R: Any, owner: str) -> Ratings:
    """Return the observed entries of a dense table with NaN or of a sparse one."""
    users, items = getattr(R, "index", None), getattr(R, "columns", None)
    table = check_array(
        R,
        accept_sparse="csr",
        dtype=np.float64,
        ensure_all_finite="allow-nan",
        ensure_min_samples=2,
        ensure_min_features=2,
        input_name="R",
    )
    if sp.issparse(table):
        values = sp.csr_matrix(table)
        values.sum_duplicates()
        if np.isnan(values.data).any():
            raise ValueError(
                f"{owner}: R must have no NaN where it is sparse, got "
                f"{int(np.isnan(values.data).sum())}. Leave these entries out."
            )
    else:
        rows, columns = np.nonzero(~np.isnan(table))
        counts = np.bincount(rows, minlength=len(table))
        pointers = np.concatenate([[0], np.cumsum(counts)])
        parts = (table[rows, columns], columns, pointers)
        values = sp.csr_matrix(parts, shape=table.shape)
    if values.nnz < 2:
        raise ValueError(
            f"{owner}: R must have at least two ratings, got {values.nnz}. Mark only "
            "what is not observed with NaN."
        )
    names = [
        _index(labels, size)
        for labels, size in zip((users, items), values.shape, strict=True)
    ]
    for what, index in zip(("users", "items"), names, strict=True):
        if not index.is_unique:
            raise ValueError(
                f"{owner}: {what} must be named once, got "
                f"{index[index.duplicated()][:5].tolist()} twice. Rename them, or join "
                "their ratings."
            )
    return Ratings(values, *names)


def positions(labels: Any, index: pd.Index, owner: str, what: str) -> np.ndarray:
    """Return the positions of some labels, of any shape."""
    wanted = np.asarray(labels)
    found = index.get_indexer(pd.Index(wanted.ravel()))
    if (found < 0).any():
        raise ValueError(
            f"{owner}: {what} must be known from fit, got "
            f"{wanted.ravel()[found < 0][:5].tolist()}. There is no rating of them to "
            "learn from."
        )
    return found.reshape(wanted.shape)


def _index(labels: Any, size: int) -> pd.Index:
    """Return labels of a table, or positions where it has none."""
    if labels is None or callable(labels):
        return pd.RangeIndex(size)
    return pd.Index(labels)
