"""Default models of a mechanism, chosen by their loss on rows they did not see."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

N_FOLDS = 5
_SMALLEST = 1e-6  # probability that bounds the log loss
_TREES = {"max_iter": 100, "max_leaf_nodes": 15, "random_state": 0}


def _numbers() -> Any:
    """Return a transformer that makes indicators of categories."""
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    categories = make_column_selector(dtype_include="category")
    return make_column_transformer((encoder, categories), remainder="passthrough")


def default_regressors() -> list[Any]:
    """Return a linear model and boosted trees, the simpler one first."""
    linear = make_pipeline(_numbers(), LinearRegression())
    return [linear, HistGradientBoostingRegressor(early_stopping=False, **_TREES)]


def default_classifiers() -> list[Any]:
    """Return a logistic model and boosted trees, the simpler one first."""
    linear = make_pipeline(
        _numbers(), StandardScaler(), LogisticRegression(max_iter=1000)
    )
    return [linear, HistGradientBoostingClassifier(early_stopping=False, **_TREES)]


def folds(n_rows: int, n_folds: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield training and test rows, always the same ones."""
    splitter = KFold(n_folds, shuffle=True, random_state=0)
    yield from splitter.split(np.empty(n_rows))


def unseen_means(model: Any, parents: Any, values: Any, n_folds: int) -> np.ndarray:
    """Predict each row by a copy of the regressor that did not see it."""
    predicted = np.empty(len(values))
    for train, test in folds(len(values), n_folds):
        fitted = clone(model).fit(parents.iloc[train], values[train])
        predicted[test] = fitted.predict(parents.iloc[test])
    return predicted


def probabilities_of(model: Any, parents: Any, n_classes: int) -> np.ndarray:
    """Return the probability of each class, zero for those the model never saw."""
    found = np.zeros((len(parents), n_classes))
    found[:, model.classes_] = model.predict_proba(parents)
    return found


def unseen_probabilities(
    model: Any, parents: Any, codes: np.ndarray, n_folds: int
) -> np.ndarray:
    """Return class probabilities of each row by a copy that did not see it."""
    n_classes = int(codes.max()) + 1
    found = np.empty((len(codes), n_classes))
    for train, test in folds(len(codes), n_folds):
        if len(np.unique(codes[train])) == 1:
            found[test] = np.eye(n_classes)[codes[train[0]]]
            continue
        fitted = clone(model).fit(parents.iloc[train], codes[train])
        found[test] = probabilities_of(fitted, parents.iloc[test], n_classes)
    return found


def log_losses(probabilities: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Return minus the log probability of what was seen, per row."""
    seen = probabilities[np.arange(len(codes)), codes]
    return -np.log(np.maximum(seen, _SMALLEST))


def squared_errors(predicted: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Return the squared error per row."""
    return (values - predicted) ** 2


def choose(
    models: Sequence[Any],
    unseen: Callable[[Any], np.ndarray],
    loss: Callable[[np.ndarray], np.ndarray],
) -> tuple[Any, np.ndarray]:
    """Return the model to use, and what it predicts for rows it did not see.

    A later, more flexible model is taken if its mean loss is smaller by more than one
    standard error of the difference.
    """
    best, predicted = models[0], unseen(models[0])
    losses = loss(predicted)
    for model in models[1:]:
        other = unseen(model)
        gain = losses - loss(other)
        if gain.mean() > gain.std(ddof=1) / np.sqrt(len(gain)):
            best, predicted, losses = model, other, loss(other)
    return best, predicted
