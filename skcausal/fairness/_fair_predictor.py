"""What both predictors share: fair features, and a base estimator on them."""

from typing import Any, Self

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.utils.validation import check_is_fitted

from skcausal.fairness._fair_features import FairFeatures, FairSettings
from skcausal.fairness._fair_graphs import graph_of, sensitive_nodes
from skcausal.inference._bootstrap import generator_of
from skcausal.utils._validation import (
    check_features,
    check_same_length,
    is_polars,
    pandas_from_polars,
)

_RESIDUALS = ("additive", "rank")
_SEED = 0  # of draws where random_state is None: equal rows get equal predictions


class FairPredictor(TransformerMixin, BaseEstimator):
    """Fit, predict and transform of both predictors."""

    feature_names_in_: np.ndarray
    n_features_in_: int

    def __init__(
        self,
        model: Any,
        sensitive: Any,
        *,
        level: int = 3,
        base_estimator: Any = None,
        residuals: str = "additive",
        outcome: Any = None,
        n_samples: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.model = model
        self.sensitive = sensitive
        self.level = level
        self.base_estimator = base_estimator
        self.residuals = residuals
        self.outcome = outcome
        self.n_samples = n_samples
        self.random_state = random_state

    def _fit(
        self,
        X: Any,
        y: Any,
        target: np.ndarray,
        default: Any,
        *,
        n_classes: int | None = None,
    ) -> Self:
        """Fit features and base estimator; ``target`` is ``y`` as numbers."""
        owner = f"{type(self).__name__}.fit"
        frame = _frame(X, owner)
        check_same_length(owner, X=frame, y=target)
        settings = self._settings(y, n_classes, owner)
        self.feature_names_in_ = np.asarray(frame.columns, dtype=object)
        self.n_features_in_ = frame.shape[1]
        self._features = FairFeatures(self.model, settings).fit(frame, target)
        self.model_ = self._features.fitted_model
        self.excluded_ = self._features.excluded
        features = self._features.transform(frame, self._random())
        self.fair_feature_names_ = list(features.columns)
        base = self.base_estimator
        self.estimator_ = clone(default(len(frame)) if base is None else base)
        self.estimator_.fit(features, np.asarray(y) if is_polars(y) else y)
        return self

    def _settings(self, y: Any, n_classes: int | None, owner: str) -> FairSettings:
        if self.level not in (1, 2, 3) or isinstance(self.level, bool):
            raise ValueError(f"{owner}: level must be 1, 2 or 3, got {self.level!r}.")
        if self.residuals not in _RESIDUALS:
            raise ValueError(
                f"{owner}: residuals must be one of {_RESIDUALS}, got "
                f"{self.residuals!r}."
            )
        n = self.n_samples
        if n is not None and (not isinstance(n, int | np.integer) or n < 1):
            raise ValueError(
                f"{owner}: n_samples must be None or a positive integer, got {n!r}."
            )
        graph = graph_of(self.model, owner)
        outcome = self.outcome
        if outcome is None:
            name = getattr(y, "name", None)
            outcome = name if name is not None and name in graph else None
        elif outcome not in graph:
            raise ValueError(
                f"{owner}: outcome must be a node of the graph, got {outcome!r}."
            )
        sensitive = sensitive_nodes(graph, self.sensitive, owner)
        if self.level == 2 and outcome is not None and (n_classes or 2) > 2:
            raise ValueError(
                f"{owner}: level 2 learns from y what the latent node does, so y must "
                f"have two classes, got {n_classes}. Take the outcome out of the "
                "graph, so that the latent node is learned from X alone."
            )
        return FairSettings(
            sensitive, int(self.level), self.residuals, outcome, n, owner
        )

    def _random(self) -> np.random.Generator:
        seed = _SEED if self.random_state is None else self.random_state
        return generator_of(seed)

    def transform(self, X: Any) -> pd.DataFrame:
        """Return the fair features of rows.

        Parameters
        ----------
        X : DataFrame of shape (n, n_columns)
            Columns as in `fit`.

        Returns
        -------
        features : DataFrame of shape (n, n_fair_features)
            What the base estimator sees: columns that do not follow from the sensitive
            attributes, then the latent node (level 2) or residuals (level 3).
        """
        check_is_fitted(self, "estimator_")
        owner = f"{type(self).__name__}.transform"
        frame = _frame(X, owner)
        absent = [c for c in self._features.needed if c not in frame.columns]
        if absent:
            raise ValueError(
                f"{owner}: X has no column {absent[0]!r}, which was there in fit and "
                "is needed for the fair features."
            )
        return self._features.transform(frame, self._random())

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the fair features.

        Parameters
        ----------
        input_features : None
            Not used; there for scikit-learn.

        Returns
        -------
        names : ndarray of shape (n_fair_features,)
            Columns of what `transform` returns.
        """
        check_is_fitted(self, "estimator_")
        return np.asarray(self.fair_feature_names_, dtype=object)

    def predict(self, X: Any) -> np.ndarray:
        """Predict from the fair features of rows.

        Parameters
        ----------
        X : DataFrame of shape (n, n_columns)
            Columns as in `fit`; the sensitive attributes are needed at levels 2 and 3,
            to take out what follows from them.

        Returns
        -------
        predicted : ndarray of shape (n,)
            What the base estimator predicts.
        """
        features = self.transform(X)
        return np.asarray(self.estimator_.predict(features))


def _frame(X: Any, owner: str) -> pd.DataFrame:
    """Return a table with named columns; anything else is an error."""
    if is_polars(X):
        X = pandas_from_polars(X)
    if not isinstance(X, pd.DataFrame):
        kind = f"sparse {type(X).__name__}" if issparse(X) else type(X).__name__
        raise TypeError(
            f"{owner}: X must be a DataFrame whose columns are nodes of the graph, "
            f"got {kind}. Name the columns: pd.DataFrame(X, columns=...)."
        )
    return check_features(X, owner)
