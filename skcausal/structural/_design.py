"""The numbers that a linear mechanism multiplies: causes as a NumPy matrix."""

from typing import Any, Self

import numpy as np
import pandas as pd


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
        same = isinstance(values.dtype, pd.CategoricalDtype)
        if same and values.cat.categories.equals(labels):
            codes = values.cat.codes.to_numpy()
        else:
            codes = labels.get_indexer(pd.Index(np.asarray(values, dtype=object)))
        if (codes < 0).any():
            label = values.iloc[int(np.argmin(codes))]
            raise ValueError(
                f"the cause {column!r} has the category {label!r}, which was not seen "
                f"when the mechanism was fitted. Known: {labels.tolist()}."
            )
        return codes
