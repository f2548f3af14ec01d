"""The verbs every effect estimator has, and how treatment is routed to them."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator

from skcausal.inference import EffectEstimate


class EffectMixin(BaseEstimator):
    """The verbs every effect estimator has, and how treatment is routed to them."""

    __metadata_request__fit: ClassVar = {
        "treatment": True,
        "sample_weight": True,
        "groups": True,
    }
    __metadata_request__score: ClassVar = {"treatment": True, "sample_weight": True}

    def predict(self, X: Any) -> np.ndarray:
        """Return the same numbers as :meth:`effect`: what scikit-learn's tools call.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.

        Returns
        -------
        effects : ndarray of shape (n,) or (n, n_arms - 1)
            Conditional average treatment effects, in units of the outcome.
        """
        return self.effect(X)

    def score(
        self, X: Any, y: Any, treatment: Any = None, sample_weight: Any = None
    ) -> float:
        """Return the normalised R-score on the given rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates of rows that were not used for fitting.
        y : array-like of shape (n,)
            Outcome, or a ``causal_target``.
        treatment : array-like of shape (n,), default=None
            Treatment, unless it travels in ``y``.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows.

        Returns
        -------
        score : float
            1 minus the R-loss over that of the best constant effect: 0 for a constant
            effect, higher is better. Nuisances are cross-fitted on the given rows with
            default models, so they do not depend on this learner.
        """
        from skcausal.estimation._evaluation import Evaluation

        evaluation = Evaluation.of(self, X, y, treatment, sample_weight)
        return evaluation.r_score(self.predict(X))

    def best_linear_projection(
        self, features: Any = None, *, target: str = "all"
    ) -> EffectEstimate:
        """Return how the effect varies with features, by the best linear approximation.

        The doubly robust scores of :meth:`average_effect` are regressed on the
        features: coefficients are in units of the outcome per unit of the feature, and
        their intervals hold whether or not the effect is linear.

        Parameters
        ----------
        features : array-like or DataFrame of shape (n, d), default=None
            Numbers for each training row; None is the covariates of ``fit``.
        target : {"all", "treated", "control", "overlap"}, default="all"
            Population over which the approximation is best, as in
            :meth:`average_effect`.

        Returns
        -------
        estimate : EffectEstimate
            "intercept" and one coefficient per feature, for each arm but the control;
            jackknife errors, clustered when ``fit`` had groups.

        Raises
        ------
        ValueError
            If features are not numbers, have missing values or are collinear.
        """
        return self._projected(features, target)

    def _projected(self, features: Any, target: str) -> EffectEstimate:
        """Return the best linear projection of the effect (hook)."""
        raise NotImplementedError

    def __sklearn_tags__(self) -> Any:
        """Declare that a target is needed; there is no prediction to check it by."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
