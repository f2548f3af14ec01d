"""The final learner of a fitted Pipeline or search, spoken to in raw covariates."""

from typing import Any

import numpy as np
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skcausal.inference import EffectEstimate


def unwrap(estimator: Any) -> tuple[list[Any], Any]:
    """Return (transformers, final estimator) behind searches and Pipelines."""
    if isinstance(estimator, BaseSearchCV):
        if hasattr(estimator, "best_estimator_"):
            return unwrap(estimator.best_estimator_)
        return unwrap(estimator.estimator)
    if isinstance(estimator, Pipeline):
        before, final = unwrap(estimator.steps[-1][1])
        steps = [s for _, s in estimator.steps[:-1] if s not in (None, "passthrough")]
        return steps + before, final
    return [], estimator


def final_learner(estimator: Any) -> Any:
    """Return the effect learner at the end of a Pipeline, a search, or itself."""
    return unwrap(estimator)[1]


def _has(name: str) -> Any:
    """Return a check that the final learner has a method."""

    def check(view: Any) -> bool:
        getattr(view.learner_, name)
        return True

    return check


class EffectView:
    """The verbs of a final learner, on the covariates its Pipeline takes.

    Parameters
    ----------
    estimator : estimator
        Fitted Pipeline, search or learner.
    """

    def __init__(self, estimator: Any) -> None:
        self._transformers, self.learner_ = unwrap(estimator)
        if not hasattr(self.learner_, "effect"):
            raise TypeError(
                "effect_of: the final step must be an effect learner, got "
                f"{type(self.learner_).__name__}."
            )
        check_is_fitted(self.learner_)

    def _transformed(self, X: Any) -> Any:
        for transformer in self._transformers:
            X = transformer.transform(X)
        return X

    def effect(self, X: Any, *, treated: Any = None, control: Any = None) -> np.ndarray:
        """Return the conditional effect of each raw row; see the learner's method."""
        return self.learner_.effect(
            self._transformed(X), treated=treated, control=control
        )

    predict = effect

    @available_if(_has("effect_interval"))
    def effect_interval(
        self, X: Any, *, level: float = 0.95
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the interval of the effect of each raw row, where it is valid."""
        return self.learner_.effect_interval(self._transformed(X), level=level)

    @available_if(_has("individual_effect_interval"))
    def individual_effect_interval(
        self, X: Any, *, level: float = 0.95
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the interval of the effect of each single raw row."""
        return self.learner_.individual_effect_interval(
            self._transformed(X), level=level
        )

    @available_if(_has("predict_outcome"))
    def predict_outcome(self, X: Any, treatment: Any) -> np.ndarray:
        """Return the expected outcome of each raw row under a treatment."""
        return self.learner_.predict_outcome(self._transformed(X), treatment)

    @available_if(_has("average_effect"))
    def average_effect(self, **question: Any) -> EffectEstimate:
        """Return the average effect in the training sample."""
        return self.learner_.average_effect(**question)

    @available_if(_has("best_linear_projection"))
    def best_linear_projection(self, *features: Any, **options: Any) -> EffectEstimate:
        """Return how the effect varies with features; see the learner's method."""
        return self.learner_.best_linear_projection(*features, **options)


def effect_of(estimator: Any) -> EffectView:
    """Give a fitted Pipeline or search the verbs of its final learner.

    A Pipeline only has ``predict``; this helper also offers ``effect``,
    ``effect_interval``, ``predict_outcome`` and ``average_effect``, on the same raw
    covariates that the Pipeline takes.

    Parameters
    ----------
    estimator : estimator
        Fitted Pipeline, ``GridSearchCV`` or similar search, or a learner.

    Returns
    -------
    view : EffectView
        Object with the learner's verbs; intervals only where the learner has them.

    Raises
    ------
    TypeError
        If the final step is not an effect learner.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from skcausal import causal_target, effect_of
    >>> from skcausal.estimation import TLearner
    >>> X, treatment = np.arange(20.0).reshape(-1, 1), np.tile([0, 1], 10)
    >>> pipeline = make_pipeline(StandardScaler(), TLearner(LinearRegression()))
    >>> _ = pipeline.fit(X, causal_target(X[:, 0] * treatment, treatment))
    >>> effect_of(pipeline).effect(X[1:3]).round(6)
    array([1., 2.])
    """
    return EffectView(estimator)
