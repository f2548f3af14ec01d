"""What a predictor says of rows, asked once about rows that are alike."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier


class AuditedPredictor:
    """A fitted predictor as two functions of a table of nodes: score and decision.

    Parameters
    ----------
    predictor : estimator
        Fitted classifier with two classes, or regressor.
    features : sequence of str or None
        Columns that it takes; None takes ``feature_names_in_``.
    derived : callable or None
        Makes columns of other columns, row by row.
    owner : str
        Whom errors name.
    """

    def __init__(
        self,
        predictor: Any,
        features: Any,
        derived: Callable[[pd.DataFrame], pd.DataFrame] | None,
        owner: str,
    ) -> None:
        self.predictor = predictor
        self.named = hasattr(predictor, "feature_names_in_")
        self.features = _features(predictor, features, owner)
        self.derived = derived
        self.owner = owner
        self.decides = is_classifier(predictor) or hasattr(predictor, "predict_proba")
        if self.decides and not hasattr(predictor, "classes_"):
            raise ValueError(
                f"{owner}: predictor must be fitted, got {type(predictor).__name__} "
                "without classes_. Fit it first."
            )
        if self.decides and len(predictor.classes_) != 2:
            raise ValueError(
                f"{owner}: predictor must have two classes, got "
                f"{len(predictor.classes_)}. Audit one class against the rest: "
                "wrap it so that predict_proba has two columns."
            )

    def __call__(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray | None]:
        """Return score and decision of each row; decisions are None for numbers."""
        first, place = unique_rows(table)
        X = self._columns(table.iloc[first])
        score = self._score(X)
        if not self.decides:
            return score[place], None
        chosen = np.asarray(self.predictor.predict(X)) == self.predictor.classes_[1]
        return score[place], chosen[place]

    def _columns(self, table: pd.DataFrame) -> Any:
        whole = table if self.derived is None else self.derived(table.copy())
        if not isinstance(whole, pd.DataFrame) or len(whole) != len(table):
            raise TypeError(
                f"{self.owner}: derived must return a DataFrame with one row per row "
                f"given ({len(table)}), got {type(whole).__name__}."
            )
        absent = [name for name in self.features if name not in whole.columns]
        if absent:
            raise ValueError(
                f"{self.owner}: the predictor takes the column {absent[0]!r}, which is "
                "neither a node of the graph nor made by derived; what it would have "
                "been is unknown. Add it to the graph, make it in derived, or name "
                "the columns that the predictor needs in features."
            )
        X = whole[self.features]
        return X if self.named else X.to_numpy()

    def _score(self, X: Any) -> np.ndarray:
        if hasattr(self.predictor, "predict_proba"):
            return np.asarray(self.predictor.predict_proba(X), dtype=float)[:, 1]
        if hasattr(self.predictor, "decision_function"):
            return np.asarray(self.predictor.decision_function(X), dtype=float)
        found = np.asarray(self.predictor.predict(X))
        if self.decides:
            found = found == self.predictor.classes_[1]
        return found.astype(float).reshape(len(found))


def _features(predictor: Any, features: Any, owner: str) -> list[Any]:
    if features is not None:
        return list(features)
    if not hasattr(predictor, "predict"):
        raise TypeError(
            f"{owner}: predictor must have predict, got {type(predictor).__name__}. "
            "Give a fitted classifier, regressor or Pipeline."
        )
    if not hasattr(predictor, "feature_names_in_"):
        raise ValueError(
            f"{owner}: the predictor is not fitted, or does not know the names of its "
            "columns (feature_names_in_). Fit it on a DataFrame, or name them in "
            "features."
        )
    return list(predictor.feature_names_in_)


def unique_rows(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return where each distinct row is first, and which of them each row is."""
    key = np.zeros(len(table), dtype=np.int64)
    for name in table.columns:
        codes, labels = pd.factorize(table[name].array, use_na_sentinel=False)
        key, _ = pd.factorize(key * len(labels) + codes)
    first = np.empty(key.max() + 1, dtype=np.int64)
    first[key[::-1]] = np.arange(len(key))[::-1]
    return first, key
