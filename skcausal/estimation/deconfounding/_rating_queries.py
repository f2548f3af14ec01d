"""What a fitted recommender can be asked: ratings, items, and how good they are."""

from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.metrics import r2_score
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation.deconfounding import _ranking
from skcausal.estimation.deconfounding._factorisation import Factorisation
from skcausal.estimation.deconfounding._ratings import (
    Ratings,
    check_ratings,
    positions,
)


def check_count(owner: str, name: str, value: Any) -> None:
    """Refuse what is not 1, 2, ..."""
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(
            f"{owner}: {name} must be a positive integer, got {value!r}. Pass 1 "
            "or more."
        )


class RatingQueries:
    """Methods of `DeconfoundedRecommender` after the fit."""

    users_: pd.Index
    items_: pd.Index
    _found: Factorisation
    _offset: np.ndarray
    _seen: sp.csr_matrix

    def predict(self, users: Any = None, items: Any = None) -> Any:
        """Predict ratings as if the items had been shown.

        Parameters
        ----------
        users : label or array of labels, default=None
            Users as named in ``users_``; None is all.
        items : label or array of labels, default=None
            Items as named in ``items_``; None is all. With both given they are pairs
            (broadcast against each other), with one of them all pairs with it.

        Returns
        -------
        ratings : DataFrame or ndarray
            With both given an array of the shape of the pairs; otherwise a table of
            users by items.

        Raises
        ------
        ValueError
            If a user or an item was not in ``fit``.
        """
        check_is_fitted(self)
        owner = "DeconfoundedRecommender.predict"
        rows = None if users is None else positions(users, self.users_, owner, "users")
        columns = (
            None if items is None else positions(items, self.items_, owner, "items")
        )
        if rows is not None and columns is not None:
            return self._found.predict(rows, columns, self._offset[rows, columns])
        rows = np.arange(len(self.users_)) if rows is None else np.atleast_1d(rows)
        if columns is None:
            columns = np.arange(len(self.items_))
        columns = np.atleast_1d(columns)
        table = self._table(rows, columns)
        return pd.DataFrame(table, self.users_[rows], self.items_[columns])

    def recommend(
        self, user: Any, n: int = 10, *, exclude_seen: bool = True
    ) -> pd.Series:
        """Return the items that a user would rate highest.

        Parameters
        ----------
        user : label
            User as named in ``users_``.
        n : int, default=10
            Most items to return.
        exclude_seen : bool, default=True
            Leave out what the user has rated.

        Returns
        -------
        ratings : pandas.Series
            Predicted ratings by item, the highest first.

        Raises
        ------
        ValueError
            If the user was not in ``fit`` or n is not positive.
        """
        owner = "DeconfoundedRecommender.recommend"
        check_is_fitted(self)
        check_count(owner, "n", n)
        row = positions([user], self.users_, owner, "user")
        predicted = pd.Series(
            self._table(row, np.arange(len(self.items_)))[0],
            index=self.items_,
            name="rating",
        )
        if exclude_seen:
            predicted = predicted[~self._seen[row].toarray()[0]]
        return predicted.sort_values(ascending=False, kind="stable").head(n)

    def score(self, R: Any, y: Any = None) -> float:
        """Return the R2 of the ratings in a table.

        Parameters
        ----------
        R : array, DataFrame or scipy sparse matrix of shape (n_users, n_items)
            Ratings that were not in ``fit``, of the same users and items.
        y : None
            Ignored.

        Returns
        -------
        score : float
            One less the mean squared error over the variance of the ratings.
        """
        found = self._against(R, "score")[0]
        truth = found.values.data
        return float(r2_score(truth, truth - self._errors(found)))

    def evaluate(
        self, R: Any, *, k: int = 5, relevant: float | None = None
    ) -> pd.Series:
        """Return errors and measures of the order for ratings in a table.

        Parameters
        ----------
        R : array, DataFrame or scipy sparse matrix of shape (n_users, n_items)
            Ratings that were not in ``fit``, of the same users and items.
        k : int, default=5
            Length of the list that is judged.
        relevant : float, default=None
            Lowest rating of an item worth to recommend; None is their mean.

        Returns
        -------
        measures : pandas.Series
            ``mse``, ``mae``, and means over users of ``ndcg`` (gain is the rating less
            the lowest) and ``recall`` (relevant items among the first k, of at most k)
            over the items that the user rated in R.

        Raises
        ------
        ValueError
            If the table has other users or items than ``fit``.
        """
        check_count("DeconfoundedRecommender.evaluate", "k", k)
        found, predicted = self._against(R, "evaluate")
        truth = found.values.toarray()
        observed = found.pattern.toarray() > 0
        errors = self._errors(found)
        threshold = found.values.data.mean() if relevant is None else relevant
        return pd.Series(
            {
                "mse": float(np.mean(errors**2)),
                "mae": float(np.mean(np.abs(errors))),
                "ndcg": _ranking.normalised_gain(observed, truth, predicted, k),
                "recall": _ranking.recall(observed, truth >= threshold, predicted, k),
            }
        )

    def _table(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        users, items = np.ix_(rows, columns)
        return self._found.predict(users, items, self._offset[users, items])

    def _against(self, R: Any, method: str) -> tuple[Ratings, np.ndarray]:
        """Return other ratings of the same users and items, and all predictions."""
        check_is_fitted(self)
        owner = f"DeconfoundedRecommender.{method}"
        found = check_ratings(R, owner)
        same = found.users.equals(self.users_) and found.items.equals(self.items_)
        if not same:
            raise ValueError(
                f"{owner}: R must have the {len(self.users_)} users and "
                f"{len(self.items_)} items of fit in their order, got a table of "
                f"shape {found.values.shape} with other names. Reindex it."
            )
        return found, self._table(
            np.arange(len(self.users_)), np.arange(len(self.items_))
        )

    def _errors(self, ratings: Ratings) -> np.ndarray:
        predicted = self._found.predict(*ratings.entries, self._offset[ratings.entries])
        return np.asarray(ratings.values.data - predicted)
