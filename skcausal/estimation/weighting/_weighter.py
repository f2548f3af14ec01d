"""Weighter: the base of everything that weighs the rows of arms."""

from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from skcausal.estimation._data import CausalData, make_data
from skcausal.estimation.weighting._covariates import balance_table
from skcausal.estimation.weighting._weighting import Weighting
from skcausal.utils._target import is_causal_target, resolve_target
from skcausal.utils._validation import check_features, n_rows_of


class Weighter(BaseEstimator):
    """Base of weighters: resolve the target, solve for weights, record the balance.

    A weighter writes ``_solve``; ``_targets`` lists the populations that it can weigh
    towards.
    """

    __metadata_request__fit: ClassVar = {"treatment": True, "sample_weight": True}

    _targets: ClassVar[tuple[str, ...]] = ("all", "treated", "control")
    _allows_several_arms: ClassVar[bool] = True

    def fit(
        self,
        X: Any,
        y: Any = None,
        *,
        treatment: Any = None,
        sample_weight: Any = None,
    ) -> "Weighter":
        """Find the weights of the rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates in which the arms shall be alike.
        y : array-like of shape (n,), default=None
            Ignored, unless it is a ``causal_target`` that holds the treatment. Weights
            never depend on the outcome.
        treatment : array-like of shape (n,), default=None
            Labels of the arms.
        sample_weight : array-like of shape (n,), default=None
            How many rows of the population each row stands for already.

        Returns
        -------
        self : Weighter
            The fitted weighter.

        Raises
        ------
        ValueError
            If no treatment arrives, it has one arm, or covariates cannot be read.
        InfeasibleBalanceError
            If no weights make the arms alike.
        """
        owner = f"{type(self).__name__}.fit"
        checked = check_features(X, owner)
        validate_data(self, checked, skip_check_array=True, reset=True)
        if n_rows_of(checked) < 2:
            raise ValueError(
                f"{owner}: n_samples=1 is too few; each arm needs at least two rows."
            )
        outcome = y if is_causal_target(y) else np.zeros(n_rows_of(checked))
        parts = resolve_target(owner, outcome, treatment, sample_weight)
        data = make_data(checked, parts, owner=owner, control_arm=self.control_arm)
        self._fit_data(data, owner)
        return self

    def _fit_data(self, data: CausalData, owner: str) -> Weighting:
        """Solve for the weighter's own target and record weights and balance."""
        self._check_data(data, owner)
        data = self._prepared(data)
        target = self._own_target()
        if target not in self._targets:
            raise ValueError(
                f"{owner}: target must be one of {', '.join(map(repr, self._targets))}"
                f", got {target!r}."
            )
        if target == "treated" and data.n_arms > 2:
            raise ValueError(
                f"{owner}: target='treated' is ambiguous with {data.n_arms} arms. Keep "
                "the rows of two arms, or use target='all' or 'control'."
            )
        weighting = self._solve(data, target, owner)
        self._record(data, weighting)
        return weighting

    def _own_target(self) -> str:
        """Return the population that the weighter is made for (hook)."""
        return str(self.target)

    def _prepared(self, data: CausalData) -> CausalData:
        """Attach what belongs to single rows, before any are left out (hook)."""
        return data

    def _solve(self, data: CausalData, target: str, owner: str) -> Weighting:
        """Return weights towards a population (hook)."""
        raise NotImplementedError

    def _has_influence(self, *, augmented: bool) -> bool:
        """Tell whether weighted means have a valid influence (hook)."""
        return True

    def _check_data(self, data: CausalData, owner: str) -> None:
        if not data.is_discrete:
            raise ValueError(
                f"{owner}: a continuous treatment has no arms to weigh. Cut it into "
                "levels first."
            )
        if data.n_arms > 2 and not self._allows_several_arms:
            raise ValueError(
                f"{owner}: the treatment has {data.n_arms} arms; this weighter takes "
                "two. Use EntropyBalancing or InverseProbabilityWeights, or keep the "
                "rows of two arms."
            )
        if sp.issparse(data.X):
            raise TypeError(
                f"{owner}: sparse data was passed as X, but balance needs dense data. "
                "Use X.toarray()."
            )

    def _record(self, data: CausalData, weighting: Weighting) -> None:
        """Set the fitted attributes."""
        assert data.arms is not None
        self.arms_ = data.arms
        self.control_arm_ = data.arms[0]
        self.weights_ = weighting.weights
        self._codes = data.treatment
        self.effective_sample_size_ = {
            label: _effective_size(self.weights_[data.treatment == code])
            for code, label in enumerate(data.arms.tolist())
        }
        self.balance_ = balance_table(
            data.X, data.treatment, data.weights, self.weights_
        )

    def normalised_weights(self) -> np.ndarray:
        """Return the weights of the training rows, adding up to one in each arm.

        Returns
        -------
        weights : ndarray of shape (n,)
            ``weights_`` divided by their sum in the row's arm.
        """
        check_is_fitted(self, "weights_")
        totals = np.bincount(self._codes, weights=self.weights_)
        return self.weights_ / totals[self._codes]


def _effective_size(weights: np.ndarray) -> float:
    """Return the number of equally weighted rows with the same variance of a mean."""
    return float(weights.sum() ** 2 / (weights**2).sum())
