"""A fitted predictor seen as a decision: who gets the desired answer."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import is_classifier, is_regressor
from sklearn.utils.validation import check_is_fitted

_OWNER = "StructuralRecourse"


@dataclass(frozen=True)
class Decision:
    """What a predictor says of rows, and whether that is what is desired.

    Parameters
    ----------
    predictor : estimator
        Fitted.
    features : list of node
        Its columns, in order.
    desired : label or {"above", "below"}
        The class wanted; of a regressor on which side of the threshold.
    threshold : float
        Probability of the class, or value, from which the answer is as desired.
    """

    predictor: Any
    features: list[Any]
    desired: Any
    threshold: float

    def score(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the probability of the desired class, or the value predicted."""
        with warnings.catch_warnings():
            # A predictor fitted on an array knows columns by their place.
            warnings.filterwarnings("ignore", message="X has feature names")
            return self._score(frame[self.features])

    def _score(self, X: pd.DataFrame) -> np.ndarray:
        if is_regressor(self.predictor):
            return np.asarray(self.predictor.predict(X), dtype=float)
        if not hasattr(self.predictor, "predict_proba"):
            return (np.asarray(self.predictor.predict(X)) == self.desired).astype(float)
        place = list(self.predictor.classes_).index(self.desired)
        return np.asarray(self.predictor.predict_proba(X)[:, place], dtype=float)

    def granted(self, score: np.ndarray) -> np.ndarray:
        """Tell which scores mean the desired answer."""
        if self.desired == "below" and is_regressor(self.predictor):
            return score <= self.threshold
        return score >= self.threshold


def decision_of(
    predictor: Any, features: Any, desired: Any, threshold: float | None, graph: Any
) -> Decision:
    """Return the decision, with its parts checked.

    Raises
    ------
    ValueError
        If columns are unknown or no nodes, or the desired answer cannot occur.
    """
    check_is_fitted(predictor)
    if features is None:
        features = getattr(predictor, "feature_names_in_", None)
    if features is None:
        raise ValueError(
            f"{_OWNER}.fit: the columns of predictor are not known. Fit it on a "
            "DataFrame, or give features."
        )
    strange = [name for name in features if name not in graph]
    if strange:
        raise ValueError(
            f"{_OWNER}.fit: predictor takes {strange[0]!r}, which is not a node of the "
            "graph. Add it to the graph, so that the model knows what changes it."
        )
    if is_regressor(predictor):
        return _of_regressor(predictor, list(features), desired, threshold)
    if not is_classifier(predictor):
        raise TypeError(
            f"{_OWNER}.fit: predictor must be a fitted classifier or regressor, got "
            f"{type(predictor).__name__}."
        )
    classes = list(predictor.classes_)
    if desired is None:
        desired = classes[-1]
    if desired not in classes:
        raise ValueError(
            f"{_OWNER}.fit: desired must be one of the classes {classes}, got "
            f"{desired!r}."
        )
    limit = 0.5 if threshold is None else threshold
    if not 0 < limit < 1:
        raise ValueError(
            f"{_OWNER}.fit: threshold must lie between 0 and 1, got {limit!r}."
        )
    return Decision(predictor, list(features), desired, limit)


def _of_regressor(
    predictor: Any, features: list[Any], desired: Any, threshold: float | None
) -> Decision:
    side = "above" if desired is None else desired
    if side not in ("above", "below") or threshold is None:
        raise ValueError(
            f"{_OWNER}.fit: a regressor needs a threshold and desired='above' or "
            f"'below', got threshold={threshold!r}, desired={desired!r}."
        )
    return Decision(predictor, features, side, threshold)
