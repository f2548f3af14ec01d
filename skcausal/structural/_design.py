"""The numbers that a linear mechanism multiplies: causes as a NumPy matrix."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator

_UNREADABLE = set('",:[]{}')  # by LightGBM, in names


class Design:
    """Columns of causes as numbers, of categories an indicator per label but one.

    It does what a ColumnTransformer would, at a fraction of its cost per call. Labels
    are those that the dtype declares, so that a fold may lack some.
    """

    def fit(self, parents: Any) -> Self:
        """Learn the columns, and the labels of those that hold categories."""
        self.labels: dict[Any, Any] = {}
        self.names: list[str] = []
        for column in () if parents is None else parents.columns:
            dtype = parents[column].dtype
            self.labels[column] = None
            if isinstance(dtype, pd.CategoricalDtype):
                labels = dtype.categories
                self.labels[column] = labels
                self.names += [f"{column}_{label}" for label in labels[1:]]
            else:
                self.names.append(str(column))
        return self

    def matrix(self, parents: Any, n: int) -> np.ndarray:
        """Return the numbers of n rows, of shape (n, n_features)."""
        found = np.empty((n, len(self.names)))
        start = 0
        for column, labels in self.labels.items():
            if labels is None:
                found[:, start] = parents[column].to_numpy(dtype=float)
                start += 1
                continue
            width = len(labels) - 1
            codes = self._codes(parents[column], column, labels)
            found[:, start : start + width] = codes[:, None] == np.arange(1, width + 1)
            start += width
        return found

    @staticmethod
    def _codes(values: pd.Series, column: Any, labels: Any) -> np.ndarray:
        """Return the positions of labels; -1, for one not seen, is an error."""
        codes = label_places(values.array, labels)
        if (codes < 0).any():
            label = values.iloc[int(np.argmin(codes))]
            raise ValueError(
                f"the cause {column!r} has the category {label!r}, which was not seen "
                f"when the mechanism was fitted. Known: {labels.tolist()}."
            )
        return codes


class Indicators(BaseEstimator):
    """Causes as numbers, whatever their names: an indicator per label, then numbers.

    Labels that were not declared when it was fitted have no indicator. Unlike a
    ColumnTransformer it takes columns whose names are numbers, and costs little for
    one row.
    """

    def fit(self, parents: Any, y: Any = None) -> Self:
        """Learn the labels of columns that hold categories."""
        dtypes = {name: parents[name].dtype for name in parents.columns}
        self.labels_ = {
            name: dtype.categories
            for name, dtype in dtypes.items()
            if isinstance(dtype, pd.CategoricalDtype)
        }
        return self

    def transform(self, parents: Any) -> np.ndarray:
        """Return the numbers, of shape (n, n_features)."""
        parts = []
        for name, labels in self.labels_.items():
            places = label_places(parents[name].array, labels)
            parts.append(places[:, None] == np.arange(len(labels)))
        rest = [name for name in parents.columns if name not in self.labels_]
        parts += [parents[name].to_numpy(dtype=float)[:, None] for name in rest]
        return np.concatenate(parts, axis=1).astype(float, copy=False)


class PlainNames(BaseEstimator):
    """Causes under the names x0, x1, ..., for models that cannot read the true ones."""

    def fit(self, parents: Any, y: Any = None) -> Self:
        """Learn nothing."""
        return self

    def transform(self, parents: Any) -> Any:
        """Return the same columns under other names."""
        return parents.set_axis([f"x{k}" for k in range(parents.shape[1])], axis=1)

    def __sklearn_is_fitted__(self) -> bool:
        """Tell that there is nothing to learn."""
        return True


def are_plain(names: Any) -> bool:
    """Tell names that any model can read: text without characters of JSON."""
    return all(isinstance(name, str) and not _UNREADABLE & set(name) for name in names)


def label_places(values: Any, labels: pd.Index) -> np.ndarray:
    """Return the position of each value among labels, -1 for others."""
    if isinstance(values, pd.Categorical):
        if values.categories is labels or values.categories.equals(labels):
            return np.asarray(values.codes)
        # One place more, for missing values, whose code is -1.
        places = np.append(label_places(values.categories, labels), -1)
        return np.asarray(places[values.codes])
    objects = pd.Index(np.asarray(values, dtype=object), dtype=object)
    return np.asarray(_objects(tuple(labels)).get_indexer(objects))


@lru_cache(maxsize=256)
def _objects(labels: tuple[Any, ...]) -> pd.Index:
    """Return labels as an index of objects, which keeps its hash table."""
    return pd.Index(labels, dtype=object, tupleize_cols=False)


@lru_cache(maxsize=1024)
def _columns(names: tuple[Any, ...]) -> pd.Index:
    """Return names as columns; to make them anew costs more than a mechanism."""
    return pd.Index(names)


def frame_of(columns: Mapping[Any, Any], n_rows: int) -> pd.DataFrame:
    """Return columns of n rows as a frame, fast for few rows."""
    places = dict(enumerate(columns.values()))
    frame = pd.DataFrame(places, index=pd.RangeIndex(n_rows))
    frame.columns = _columns(tuple(columns))
    return frame
