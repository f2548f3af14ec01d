"""AverageLearner: the base of estimators of one number."""

from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import assert_all_finite, check_is_fitted

from skcausal.estimation._average import TARGETS, Question
from skcausal.estimation._base import EffectLearner
from skcausal.estimation._data import CausalData
from skcausal.estimation._nuisances import NuisanceEstimates
from skcausal.inference import EffectEstimate


class AverageLearner(EffectLearner):
    """Base of estimators whose effect is the same number for every row.

    A subclass declares ``_nuisances`` and its default ``_target``, and writes
    ``_average``; ``effect`` repeats the average effect of ``_target``.
    """

    _target: str = "all"
    _targets: ClassVar[tuple[str, ...]] = TARGETS

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        question = Question(self._target)
        question.check(data, self._settings.owner)
        self.average_effect_ = self._average(question, self._settings.owner)

    def _average(self, question: Question, owner: str) -> EffectEstimate:
        """Return the average effect that a question asks for (hook)."""
        raise NotImplementedError

    def _check_X(self, X: Any, *, reset: bool) -> Any:
        """Check covariates; no base model will see those of new rows."""
        X = super()._check_X(X, reset=reset)
        if (
            isinstance(X, np.ndarray)
            and not self.__sklearn_tags__().input_tags.allow_nan
        ):
            assert_all_finite(X, input_name="X", estimator_name=type(self).__name__)
        return X

    def _contrast_effects(self, X: Any) -> np.ndarray:
        values = np.atleast_1d(self.average_effect_.value)
        return np.tile(values, (X.shape[0], 1))

    def _level_effects(self, X: Any, treated: Any, control: Any) -> np.ndarray:
        slope = float(np.atleast_1d(self.average_effect_.value)[0])
        return np.full(X.shape[0], slope * (float(treated) - float(control)))

    def average_effect(
        self,
        *,
        target: str | None = None,
        where: Any = None,
        by: Any = None,
        weights: Any = None,
        scale: str = "difference",
    ) -> EffectEstimate:
        """Return the average effect in the training sample with its inference.

        Parameters
        ----------
        target : {"all", "treated", "control", "overlap"}, default=None
            Population: everyone (ATE), the treated (ATT), the controls (ATC), or rows
            weighted by their overlap (ATO); None is what the estimator is made for.
        where : array-like of bool of shape (n,), default=None
            Restrict the population to some training rows.
        by : array-like of shape (n,), default=None
            Label of the subgroup of each training row: one effect per label.
        weights : array-like of shape (n,), default=None
            Weight of each training row in the population, on top of sample weights.
        scale : {"difference", "ratio"}, default="difference"
            Difference or ratio of mean outcomes ("ratio" for lift).

        Returns
        -------
        estimate : EffectEstimate
            One value per arm but the control and per subgroup; clustered when ``fit``
            had groups.

        Raises
        ------
        ValueError
            If the estimator does not offer the target or scale, or a subgroup is empty.
        """
        check_is_fitted(self, "average_effect_")
        owner = f"{type(self).__name__}.average_effect"
        question = Question(target or self._target, where, by, weights, scale)
        question.check(self._data, owner)
        if question.target not in self._targets:
            raise ValueError(
                f"{owner}: target={target!r} is not offered by this estimator; it has "
                f"{', '.join(map(repr, self._targets))}. Use one of them, or AIPW."
            )
        return self._average(question, owner)
