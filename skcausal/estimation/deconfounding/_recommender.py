"""Recommendations adjusted for what decides which items users rate."""

import warnings
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state

from skcausal.estimation._models import fresh_copy
from skcausal.estimation.deconfounding._base import MAX_SEED, FactorModel
from skcausal.estimation.deconfounding._check import PredictiveCheck, predictive_check
from skcausal.estimation.deconfounding._checking import listed
from skcausal.estimation.deconfounding._factorisation import Settings, factorise
from skcausal.estimation.deconfounding._inputs import ConstantCauseWarning
from skcausal.estimation.deconfounding._poisson import PoissonFactorModel
from skcausal.estimation.deconfounding._rating_queries import (
    RatingQueries,
    check_count,
)
from skcausal.estimation.deconfounding._ratings import Ratings, check_ratings, like

_ADJUSTMENTS = ("exposure", "none")


class DeconfoundedRecommender(RatingQueries, BaseEstimator):
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
    ``adjust="none"`` on them. Rows are users, so a search must hide entries, not rows
    as cross-validation does.

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
    >>> plain = plain.fit(data.ratings)
    >>> plain.score(data.random) < model.score(data.random)
    True
    """

    exposure_model_: FactorModel | None
    predictive_check_: PredictiveCheck | None
    exposure_: np.ndarray

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
        offset = like(ratings.values, self._offset[ratings.entries])
        settings = Settings(
            int(self.n_components), float(self.alpha), int(self.max_iter), self.tol
        )
        self._found = factorise(ratings, offset, settings, random, owner)
        self._name_results()
        return self

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

    def _check_settings(self, owner: str) -> None:
        """Refuse settings that make no sense."""
        if self.adjust not in _ADJUSTMENTS:
            raise ValueError(
                f"{owner}: adjust must be one of {', '.join(_ADJUSTMENTS)}, got "
                f"{self.adjust!r}."
            )
        for name in ("n_components", "max_iter"):
            check_count(owner, name, getattr(self, name))
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
