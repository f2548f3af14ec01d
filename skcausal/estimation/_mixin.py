"""The verbs every effect estimator has, and how treatment is routed to them."""

from typing import Any, ClassVar

import numpy as np
from sklearn.base import BaseEstimator


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

    def __sklearn_tags__(self) -> Any:
        """Declare that a target is needed; there is no prediction to check it by."""
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        return tags
