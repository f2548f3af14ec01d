"""Default models of a mechanism, chosen by their loss on rows they did not see."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal.structural._design import Indicators, PlainNames, are_plain

N_FOLDS = 5
_SMALLEST = 1e-6  # probability that bounds the log loss
_ONE_THREAD_BELOW = 10_000  # rows below which starting threads costs more


def _trees(n_rows: int) -> dict[str, Any]:
    """Return LightGBM settings whose capacity grows slowly with the rows."""
    return {
        "n_estimators": 100,
        "num_leaves": int(np.clip(8 * (n_rows / 1000) ** 0.3, 4, 31)),
        "n_jobs": 1 if n_rows < _ONE_THREAD_BELOW else 0,
        "verbose": -1,
        "deterministic": True,
        "force_col_wise": True,
    }


def default_regressors(parents: Any) -> list[Any]:
    """Return a linear model and boosted trees, the simpler one first."""
    from lightgbm import LGBMRegressor

    linear = make_pipeline(Indicators(), LinearRegression())
    return [linear, _readable(LGBMRegressor(**_trees(len(parents))), parents)]


def default_classifiers(parents: Any) -> list[Any]:
    """Return a logistic model and boosted trees, the simpler one first."""
    from lightgbm import LGBMClassifier

    logistic = LogisticRegression(max_iter=1000)
    linear = make_pipeline(Indicators(), StandardScaler(), logistic)
    return [linear, _readable(LGBMClassifier(**_trees(len(parents))), parents)]


def _readable(trees: Any, parents: Any) -> Any:
    """Return trees that can read the names of the causes."""
    if are_plain(parents.columns):
        return trees
    return make_pipeline(PlainNames(), trees)


def _folds(n_folds: int, n_rows: int) -> KFold:
    """Return a splitter that always makes the same folds."""
    if n_rows < n_folds:
        raise ValueError(
            f"a choice by cross-validation takes at least {n_folds} rows, got "
            f"n_samples = {n_rows}."
        )
    return KFold(n_folds, shuffle=True, random_state=0)


def splits(values: Any, labels: bool, n_folds: int, seed: int) -> list[Any]:
    """Return train and test rows per fold; folds of labels have like shares."""
    codes = np.unique(np.asarray(values), return_inverse=True)[1]
    stratified = labels and np.bincount(codes).min() >= n_folds
    splitter = (StratifiedKFold if stratified else KFold)(
        n_folds, shuffle=True, random_state=seed
    )
    return list(splitter.split(codes, codes))


def holds_labels(values: Any, *, root: bool) -> bool:
    """Tell labels from numbers: categories, bools, text, and 0/1 with causes."""
    if isinstance(getattr(values, "dtype", None), pd.CategoricalDtype):
        return True
    array = np.asarray(values)
    if array.dtype.kind not in "iuf":
        return True
    return not root and bool(np.isin(array, [0, 1]).all())


def unseen_means(model: Any, parents: Any, values: Any, n_folds: int) -> np.ndarray:
    """Predict each row by a copy of the regressor that did not see it."""
    predicted = cross_val_predict(
        model, parents, values, cv=_folds(n_folds, len(values))
    )
    return np.asarray(predicted, dtype=float)


def probabilities_of(model: Any, parents: Any, n_classes: int) -> np.ndarray:
    """Return the probability of each class, zero for those the model never saw."""
    found = np.zeros((len(parents), n_classes))
    found[:, model.classes_] = model.predict_proba(parents)
    return found


def unseen_probabilities(
    model: Any, parents: Any, codes: np.ndarray, folds: Any
) -> np.ndarray:
    """Return class probabilities of each row by a copy that did not see it.

    Unlike scikit-learn's function it takes classes that some folds lack. ``folds`` is
    their number, or a list of splits.
    """
    n_classes = int(codes.max()) + 1
    found = np.empty((len(codes), n_classes))
    if isinstance(folds, int):
        folds = _folds(folds, len(codes)).split(parents)
    for train, test in folds:
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
