"""Recommendations adjusted for what decides which items users rate."""

import warnings
from numbers import Integral
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.metrics import r2_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._models import fresh_copy
from skcausal.estimation.deconfounding import _ranking
from skcausal.estimation.deconfounding._base import MAX_SEED, FactorModel
from skcausal.estimation.deconfounding._check import PredictiveCheck, predictive_check
from skcausal.estimation.deconfounding._checking import listed
from skcausal.estimation.deconfounding._factorisation import (
    Factorisation,
    Settings,
    factorise,
)
from skcausal.estimation.deconfounding._inputs import ConstantCauseWarning
from skcausal.estimation.deconfounding._poisson import PoissonFactorModel
from skcausal.estimation.deconfounding._ratings import (
    Ratings,
    check_ratings,
    positions,
)

_ADJUSTMENTS = ("exposure", "none")


class DeconfoundedRecommender(BaseEstimator):
    r"""Predict what users would rate if items were shown to them at random.

    Users choose what they rate, and what makes them choose an item also moves how they
    rate it. A factor model of the choices (the exposure) stands for what drives both;
    the ratings are then factorised with the expected exposure beside the factors.

    Parameters
    ----------
    exposure_model : factor model, default=None
        Model of the zeros and ones of which user rated which item; None is a
        `PoissonFactorModel` with ``n_components`` factors.
    n_components : int, default=10
        Number of factors of the ratings.
    adjust : {"exposure", "none"}, default="exposure"
        Adjust for the expected exposure, or not: plain matrix factorisation.
    alpha : float, default=5.0
        Ridge penalty of all coefficients: variance of a rating's noise over the
        variance of a coefficient.
    max_iter : int, default=500
        Most sweeps over users and items.
    tol : float, default=1e-5
        Stop when a sweep lowers the penalised sum of squares by less than this share.
    heldout_fraction : float, default=0.2
        Share of the exposure held out from a copy of its model to check its
        predictions; 0 leaves the check out.
    random_state : int, RandomState or None, default=None
        Seed of the starting factors, and of exposure models that have none.

    Attributes
    ----------
    exposure_model_ : factor model or None
        The fitted one; None without adjustment.
    predictive_check_ : PredictiveCheck or None
        Whether it predicts held-out exposure; None if not checked.
    exposure_ : ndarray of shape (n_users, n_items)
        Expected exposure; zeros without adjustment.
    exposure_weights_ : pandas.Series
        For each user, how much the rating rises with one standard deviation of the
        expected exposure.
    user_factors_ : DataFrame of shape (n_users, n_components)
        Factors of the users.
    item_factors_ : DataFrame of shape (n_items, n_components)
        Factors of the items.
    loss_ : ndarray of shape (n_sweeps,)
        Penalised sum of squares after each sweep.
    users_, items_ : pandas.Index
        Names of the rows and columns of the ratings, positions if they have none.

    Notes
    -----
    Assumes that whatever moves both the choice of an item and its rating moves the
    choice of many items, that the exposure model captures it, that a user's rating
    does not depend on what else was rated, and that ratings are linear in it:

    .. math::
        a_{ui} = 1[u \text{ rated } i], \quad \hat a_{ui} = E[a_{ui} \mid a_u], \quad
        y_{ui} = \mu + b_u + c_i + \theta_u^\top \beta_i + \gamma_u \hat a_{ui}
        + \varepsilon_{ui}.

    Only observed ratings enter the second step, all entries the first. The expected
    exposure is standardised; :math:`\gamma_u` is shrunk towards its mean over users,
    all other coefficients towards zero, which is the mode of a Bayesian model with
    normal priors. Ridge regressions of users and items alternate. None of the
    assumptions can be tested with ratings that users chose; a few ratings of random
    items can tell whether the adjustment helps: compare `evaluate` with that of
    ``adjust="none"`` on them.

    References
    ----------
    Wang, Y., Liang, D., Charlin, L. and Blei, D. M. (2018). The deconfounded
    recommender: a causal inference approach to recommendation.
    https://arxiv.org/abs/1808.06581

    Wang, Y., Liang, D., Charlin, L. and Blei, D. M. (2020). Causal inference for
    recommender systems. Proceedings of the 14th ACM Conference on Recommender Systems,
    426-431. https://doi.org/10.1145/3383313.3412225

    Examples
    --------
    >>> from skcausal.datasets import make_ratings
    >>> from skcausal.estimation.deconfounding import DeconfoundedRecommender
    >>> data = make_ratings(random_state=0)
    >>> model = DeconfoundedRecommender(n_components=3, random_state=0)
    >>> model.fit(data.ratings).recommend(0, n=2).shape
    (2,)
    >>> plain = DeconfoundedRecommender(n_components=3, adjust="none", random_state=0)
    >>> plain.fit(data.ratings).evaluate(data.random)["mse"] > model.evaluate(
    ...     data.random
    ... )["mse"]
    True
    """

    exposure_model_: FactorModel | None
    predictive_check_: PredictiveCheck | None
    exposure_: np.ndarray
    users_: pd.Index
    items_: pd.Index

    def __init__(
        self,
        exposure_model: FactorModel | None = None,
        *,
        n_components: int = 10,
        adjust: str = "exposure",
        alpha: float = 5.0,
        max_iter: int = 500,
        tol: float = 1e-5,
        heldout_fraction: float = 0.2,
        random_state: Any = None,
    ) -> None:
        self.exposure_model = exposure_model
        self.n_components = n_components
        self.adjust = adjust
        self.alpha = alpha
        self.max_iter = max_iter
        self.tol = tol
        self.heldout_fraction = heldout_fraction
        self.random_state = random_state

    def fit(self, R: Any, y: Any = None) -> Self:
        """Fit the exposure model to who rated what, then the ratings.

        Parameters
        ----------
        R : array, DataFrame or scipy sparse matrix of shape (n_users, n_items)
            Ratings; NaN, or what a sparse matrix does not store, is not rated.
        y : None
            Ignored.

        Returns
        -------
        self : DeconfoundedRecommender
            The fitted model.

        Raises
        ------
        ValueError
            If there are no ratings to learn from, all items are rated by all users, or
            a parameter is out of range.
        """
        owner = "DeconfoundedRecommender.fit"
        self._check_settings(owner)
        ratings = check_ratings(R, owner)
        self.users_, self.items_ = ratings.users, ratings.items
        random = check_random_state(self.random_state)
        self._fit_exposure(ratings, int(random.randint(MAX_SEED)), owner)
        self._seen = ratings.pattern.astype(bool)
        offset = ratings.like(self._offset[ratings.entries])
        settings = Settings(
            int(self.n_components), float(self.alpha), int(self.max_iter), self.tol
        )
        self._found: Factorisation = factorise(
            ratings.values, offset, settings, random, owner
        )
        self._name_results()
        return self

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
        _check_count(owner, "n", n)
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
        _check_count("DeconfoundedRecommender.evaluate", "k", k)
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

    def _fit_exposure(self, ratings: Ratings, seed: int, owner: str) -> None:
        """Fit the exposure model; no rating is at hand here."""
        self.exposure_model_ = self.predictive_check_ = None
        self.exposure_ = self._offset = np.zeros(ratings.values.shape)
        if self.adjust == "none":
            return
        if ratings.values.nnz == np.prod(ratings.values.shape):
            raise ValueError(
                f"{owner}: some entries of R must be unobserved, got all observed. "
                'There is no choice to adjust for: pass adjust="none".'
            )
        model = self.exposure_model
        if model is None:
            model = PoissonFactorModel(self.n_components)
        exposure = ratings.pattern
        _warn_of_constant_items(exposure, ratings.items, owner)
        with warnings.catch_warnings():
            # Said above, in the words of ratings.
            warnings.simplefilter("ignore", ConstantCauseWarning)
            fitted: FactorModel = fresh_copy(model, seed).fit(exposure)
            self._check_exposure(model, exposure, seed)
        self.exposure_model_ = fitted
        self.exposure_ = np.asarray(fitted.reconstruct(exposure))
        centre, scale = self.exposure_.mean(), self.exposure_.std()
        if scale > 0:
            self._offset = (self.exposure_ - centre) / scale

    def _check_exposure(self, model: Any, exposure: Any, seed: int) -> None:
        """Check the exposure model on held-out entries; it warns by itself."""
        if self.heldout_fraction > 0:
            self.predictive_check_ = predictive_check(
                model,
                exposure,
                heldout_fraction=self.heldout_fraction,
                random_state=seed,
            )

    def _name_results(self) -> None:
        found = self._found
        self.exposure_weights_ = pd.Series(
            found.slopes, index=self.users_, name="exposure_weight"
        )
        self.user_factors_ = pd.DataFrame(found.user_factors, index=self.users_)
        self.item_factors_ = pd.DataFrame(found.item_factors, index=self.items_)
        self.loss_ = np.array(found.losses)

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

    def _check_settings(self, owner: str) -> None:
        """Refuse settings that make no sense."""
        if self.adjust not in _ADJUSTMENTS:
            raise ValueError(
                f"{owner}: adjust must be one of {', '.join(_ADJUSTMENTS)}, got "
                f"{self.adjust!r}."
            )
        for name in ("n_components", "max_iter"):
            _check_count(owner, name, getattr(self, name))
        if not self.alpha > 0:
            raise ValueError(
                f"{owner}: alpha must be positive, got {self.alpha!r}. Pass 0.1 for "
                "hardly any shrinkage."
            )
        if not 0 <= self.heldout_fraction < 1:
            raise ValueError(
                f"{owner}: heldout_fraction must be at least 0 and below 1, got "
                f"{self.heldout_fraction!r}. 0 leaves the check out."
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.input_tags.allow_nan = True
        return tags


def _warn_of_constant_items(exposure: Any, items: pd.Index, owner: str) -> None:
    """Name the items that nobody has rated, or everybody."""
    counts = np.asarray(exposure.sum(axis=0)).ravel()
    constant = items[(counts == 0) | (counts == exposure.shape[0])]
    if len(constant):
        warnings.warn(
            f"{owner}: {len(constant)} item(s) are rated by nobody or by everybody: "
            f"{listed(constant)}. Nothing tells what makes users choose them, and "
            "without ratings they are predicted as average items. Drop them.",
            ConstantCauseWarning,
            stacklevel=4,
        )


def _check_count(owner: str, name: str, value: Any) -> None:
    """Refuse what is not 1, 2, ..."""
    if not isinstance(value, Integral) or value < 1:
        raise ValueError(
            f"{owner}: {name} must be a positive integer, got {value!r}. Pass 1 "
            "or more."
        )
