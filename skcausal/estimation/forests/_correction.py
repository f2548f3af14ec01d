"""Local linear correction: which features, their scale, and estimates with it."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skcausal.estimation.forests import _local_linear
from skcausal.estimation.forests._forest import FlatForest, over_rows
from skcausal.estimation.forests._plan import TrainingRows
from skcausal.utils._validation import is_pandas


@dataclass(frozen=True, eq=False)
class LocalLinear:
    """What a local linear estimate needs besides the forest.

    Parameters
    ----------
    positions : ndarray of shape (d,)
        Which columns of X are corrected for.
    center, scale : ndarray of shape (d,)
        Mean and standard deviation of each in the training rows.
    columns : ndarray of shape (n, d)
        The training rows, standardised.
    targets : ndarray of shape (n, n_targets), float32
        Columns of the forest.
    leaf_rows : tuple of ndarray
        Training rows by leaf, as ``FlatForest.leaf_rows`` returns them.
    penalty : float
        Ridge penalty.
    """

    positions: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    columns: np.ndarray
    targets: np.ndarray
    leaf_rows: tuple[np.ndarray, ...]
    penalty: float

    @classmethod
    def fit(
        cls, forest: FlatForest, rows: TrainingRows, X: Any, parameters: Any
    ) -> "LocalLinear":
        """Learn the scale of the features that ``parameters.local_linear`` names."""
        owner = f"{type(parameters).__name__}.fit"
        positions = corrected_features(X, parameters.local_linear, owner)
        values = complete_columns(X, positions, owner)
        center = np.average(values, axis=0, weights=rows.weight)
        scale = np.sqrt(np.average((values - center) ** 2, axis=0, weights=rows.weight))
        scale[scale == 0] = 1.0
        return cls(
            positions,
            center,
            scale,
            (values - center) / scale,
            rows.targets,
            forest.leaf_rows(rows, parameters.n_jobs),
            float(parameters.local_linear_penalty),
        )

    def standardised(self, X: Any, owner: str) -> np.ndarray:
        """Return the corrected features of new rows on the scale of the old ones."""
        values = complete_columns(X, self.positions, owner)
        return (values - self.center) / self.scale

    def predict(
        self,
        forest: FlatForest,
        codes: np.ndarray,
        columns: np.ndarray,
        *,
        with_variance: bool,
        drawn: np.ndarray | None = None,
        n_jobs: int | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return estimates and variances; parameters as for ``FlatForest.predict``."""
        n = codes.shape[0]
        estimates, variances = np.empty(n), np.empty(n)
        mask = np.empty((0, 0), dtype=np.uint8) if drawn is None else drawn

        def run(first: int, last: int) -> None:
            _local_linear.predict_local(
                forest.kind,
                codes,
                columns,
                first,
                last,
                (forest.trees, forest.leaf_start, forest.statistics),
                mask,
                forest.sampling.bag_size,
                self.leaf_rows,
                (self.targets, self.columns),
                self.penalty,
                with_variance,
                estimates,
                variances,
            )

        over_rows(run, n, n_jobs)
        return estimates, variances

    def merged(self, others: list["LocalLinear"]) -> "LocalLinear":
        """Return the same for the trees of several forests as one."""
        parts = [self.leaf_rows, *(other.leaf_rows for other in others)]
        starts, members, shares = zip(*parts, strict=True)
        sizes = np.concatenate([np.diff(start) for start in starts])
        start = np.concatenate([[0], np.cumsum(sizes)])
        joined = start, np.concatenate(members), np.concatenate(shares)
        return replace(self, leaf_rows=joined)


def corrected_features(X: Any, features: Any, owner: str) -> np.ndarray:
    """Return the positions of the columns that names, positions or "all" stand for."""
    names = list(X.columns) if is_pandas(X) else None
    kinds = [str(dtype) for dtype in X.dtypes] if is_pandas(X) else []
    if isinstance(features, str) and features == "all":
        numeric = [j for j in range(X.shape[1]) if not kinds or kinds[j] != "category"]
        return np.array(numeric, dtype=int)
    try:
        wanted = [
            names.index(one) if names is not None and isinstance(one, str) else one
            for one in ([] if isinstance(features, str) else list(features))
        ]
        positions = np.arange(X.shape[1])[np.array(wanted, dtype=int)]
    except (TypeError, ValueError, IndexError):
        positions = np.empty(0, dtype=int)
    if positions.shape[0] == 0 or len(set(positions.tolist())) < positions.shape[0]:
        raise ValueError(
            f"{owner}: local_linear must be None, 'all', or name columns of X once "
            f"(it has {names if names is not None else X.shape[1]}), got {features!r}."
        )
    categories = [j for j in positions if kinds and kinds[j] == "category"]
    if categories:
        raise ValueError(
            f"{owner}: local_linear names column {X.columns[categories[0]]!r}, which "
            "is a category and has no slope. Leave it out."
        )
    return positions


def complete_columns(X: Any, positions: np.ndarray, owner: str) -> np.ndarray:
    """Return some columns as floats; refuse missing values."""
    if is_pandas(X):
        values = X.iloc[:, positions].to_numpy(dtype=float, na_value=np.nan)
    else:
        values = np.asarray(X[:, positions], dtype=float)
    bad = np.isnan(values).any(axis=0)
    if bad.any():
        column = positions[bad.argmax()]
        name = X.columns[column] if is_pandas(X) else int(column)
        raise ValueError(
            f"{owner}: local_linear corrects for column {name!r}, which has missing "
            "values. Impute it, or leave it out of local_linear."
        )
    return values
