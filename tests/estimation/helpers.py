"""Shared by the tests of estimation: tiny tables, odd base models, hand formulas."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, StratifiedKFold

from skcausal.estimation import DRLearner, RLearner, SLearner, TLearner, XLearner

MULTI_ARMS = ("none", "call", "mail")  # control first, then sorted


@dataclass
class Table:
    """Covariates, outcome and treatment, with folds that every arm is part of."""

    X: np.ndarray
    y: np.ndarray
    treatment: np.ndarray

    @property
    def splits(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Three fixed folds."""
        discrete = self.treatment.dtype.kind != "f"
        options = {"n_splits": 3, "shuffle": True, "random_state": 1}
        splitter = StratifiedKFold(**options) if discrete else KFold(**options)
        return list(splitter.split(self.X, self.treatment))

    @property
    def codes(self) -> np.ndarray:
        """Arm codes, control 0."""
        arms = MULTI_ARMS if self.treatment.dtype.kind == "U" else (0, 1)
        return np.array([arms.index(label) for label in self.treatment.tolist()])


def make_table(kind: str = "binary", n_rows: int = 90, seed: int = 0) -> Table:
    """Make a small confounded table with "binary", "multi" or "continuous" arms."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 2))
    noise = rng.normal(size=n_rows)
    base = X[:, 0] - 0.5 * X[:, 1] + noise
    if kind == "continuous":
        treatment = 0.5 * X[:, 0] + rng.normal(size=n_rows)
        return Table(X, base + treatment * (1 + X[:, 1]), treatment)
    n_arms = 2 if kind == "binary" else 3
    tilt = 0.4 * X[:, :1] * np.arange(n_arms) + rng.gumbel(size=(n_rows, n_arms))
    codes = tilt.argmax(axis=1)
    y = base + codes * (1 + X[:, 1])
    labels = codes if kind == "binary" else np.array(MULTI_ARMS)[codes]
    return Table(X, y, labels)


def logit() -> LogisticRegression:
    """Return maximum-likelihood logistic regression, converged to many digits."""
    return LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12)


def learner_of(name: str, *, treatment_model: Any = None, **options: Any) -> Any:
    """Make a learner of linear base models by its first letter(s).

    R is as published, its mean outcome knows no treatment; DR has equal weights,
    outcome models by arm and one effect model.
    """
    line = LinearRegression()
    propensity = logit() if treatment_model is None else treatment_model
    models: dict[str, Any] = {
        "S": (SLearner, line, propensity),
        "T": (TLearner, line, propensity),
        "X": (XLearner, line, propensity, line),
        "R": (RLearner, line, propensity, line),
        "DR": (DRLearner, line, propensity, line),
    }
    plain: dict[str, dict[str, Any]] = {
        "R": {"outcome_mean": "direct"},
        "DR": {"weighting": "uniform", "outcome_by_arm": True, "n_effect_parts": 1},
    }
    options = plain.get(name, {}) | options
    cls, *arguments = models[name]
    return cls(*arguments).set_params(**options)


LEARNERS = ("S", "T", "X", "R", "DR")


# ------------------------------------------------------- formulas written out again
def ols(X: Any, y: Any, new: Any, weight: Any = None) -> np.ndarray:
    """Fit least squares with an intercept; predict the rows ``new``."""
    root = np.ones(len(y)) if weight is None else np.sqrt(weight)
    Z = np.column_stack([np.ones(len(X)), X])
    coefficients = np.linalg.lstsq(Z * root[:, None], y * root, rcond=None)[0]
    return np.column_stack([np.ones(len(new)), new]) @ coefficients


def out_of_fold(table: Table, y: Any, weight: Any = None) -> np.ndarray:
    """Predict ``y`` by least squares fitted on the other folds."""
    predicted = np.empty(len(y))
    for train, test in table.splits:
        w = None if weight is None else weight[train]
        predicted[test] = ols(table.X[train], y[train], table.X[test], w)
    return predicted


def hand_nuisances(
    table: Table, weight: Any = None, *, pooled: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return out-of-fold outcome means and propensity, columns by arm code."""
    codes = table.codes
    n_arms = codes.max() + 1
    mu, e = np.empty((2, len(codes), n_arms))
    for train, test in table.splits:
        w = np.ones(len(train)) if weight is None else weight[train]
        model = logit().fit(table.X[train], codes[train], sample_weight=w)
        e[test] = model.predict_proba(table.X[test])
        for arm in range(n_arms):
            rows, chosen = train[codes[train] == arm], w[codes[train] == arm]
            old, new = table.X[rows], table.X[test]
            if pooled:
                rows, chosen, indicators = train, w, np.eye(n_arms)[:, 1:]
                old = np.column_stack([table.X[train], indicators[codes[train]]])
                new = np.column_stack([new, indicators[np.full(len(test), arm)]])
            mu[test, arm] = ols(old, table.y[rows], new, chosen)
    return mu, e


def hand_error(influence: np.ndarray, groups: Any = None) -> float:
    """Return the standard error of a mean whose rows have these influences."""
    n = len(influence)
    if groups is None:
        return float(np.sqrt((influence**2).sum() / (n * (n - 1))))
    sums = np.array([influence[groups == g].sum() for g in np.unique(groups)])
    n_groups = len(sums)
    return float(np.sqrt((sums**2).sum() * n_groups / (n_groups - 1)) / n)


# ----------------------------------------------------------------- odd base models
class CountingRegressor(LinearRegression):
    """Least squares that counts its fits, for all instances together."""

    fits: ClassVar[list[int]] = []

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit and count."""
        self.fits.append(len(y))
        return super().fit(X, y, sample_weight)


class CountingClassifier(LogisticRegression):
    """Logistic regression that counts its fits, for all instances together."""

    fits: ClassVar[list[int]] = []

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Fit and count."""
        self.fits.append(len(y))
        return super().fit(X, y, sample_weight)


class SeenRegressor(RegressorMixin, BaseEstimator):
    """Predicts 1 for rows whose first column it was trained on, else 0."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Memorise the first column."""
        self.seen_ = np.asarray(X)[:, 0]
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Tell what was seen."""
        return np.isin(np.asarray(X)[:, 0], self.seen_).astype(float)


class SeenClassifier(ClassifierMixin, BaseEstimator):
    """Gives the last class .9 for rows seen in training, equal shares otherwise."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Memorise the first column."""
        self.seen_, self.classes_ = np.asarray(X)[:, 0], np.unique(y)
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Tell what was seen."""
        n_classes = len(self.classes_)
        table = np.full((X.shape[0], n_classes), 1 / n_classes)
        seen = np.isin(np.asarray(X)[:, 0], self.seen_)
        table[seen] = 0.1 / (n_classes - 1)
        table[seen, -1] = 0.9
        return table

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable class."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


class Unweighted(RegressorMixin, BaseEstimator):
    """A regressor whose ``fit`` knows no weights."""

    def fit(self, X: Any, y: Any) -> Any:
        """Remember the mean."""
        self.mean_ = float(np.mean(y))
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Predict the mean."""
        return np.full(X.shape[0], self.mean_)
