"""S-learner: a single outcome model with the treatment among its features."""

from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._base import EffectLearner
from skcausal.estimation._crossfit import fit_in_full
from skcausal.estimation._data import CausalData
from skcausal.estimation._models import predict_mean
from skcausal.estimation._nuisances import (
    OUTCOME_POOLED,
    PROPENSITY,
    TREATMENT_MEAN,
    Nuisance,
    NuisanceEstimates,
    with_treatment,
)


class SLearner(EffectLearner):
    r"""Learn effects with a single outcome model that takes the treatment as feature.

    Simple and stable where effects are small, but a regularised model may ignore the
    treatment altogether and shrink effects to zero. Takes continuous treatments.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome given covariates and treatment. A classifier for binary
        outcomes, else a regressor; None is LightGBM sized by the data.
    propensity_model : classifier, default=None
        Model of the treatment given covariates, used by
        ``average_effect`` only; None is
        LightGBM sized by the data, ``KnownPropensity`` the design of an experiment.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting: shuffled, stratified on arm and binary outcome, never
        splitting a group. A list or splitter must hold out each row exactly once.
    n_repeats : int, default=1
        Repetitions of cross-fitting with other folds; averages take the median.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    treatment_type : {"auto", "discrete", "continuous"}, default="auto"
        Numbers with fractions or more than ten levels are continuous under "auto".
    outcome_type : {"auto", "binary", "continuous"}, default="auto"
        Booleans and the integers 0/1 are binary under "auto": their models are
        classifiers by default.
    min_propensity : float, default=0.01
        Propensities below are raised to it in scores, with an ``OverlapWarning``.
    memory : str or joblib.Memory, default=None
        Folder where nuisance estimates persist between sessions.
    n_jobs : int, default=None
        Parallel fits of base models; None is 1 unless in a joblib context.
    random_state : int, RandomState instance or None, default=None
        Seed of folds and base models. With an integer, learners that are fitted on the
        same rows share equal nuisances in memory.

    Attributes
    ----------
    arms_ : ndarray of shape (n_arms,) or None
        Labels of the arms, control first; None for a continuous treatment.
    control_arm_ : label or None
        The reference arm.
    nuisances_ : NuisanceEstimates
        Out-of-fold nuisance estimates, their held-out losses and fitted models.
    outcome_models_ : list
        The fitted outcome model.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap. With
    :math:`\mu(x, t) = E[Y | X = x, T = t]`,
    :math:`\tau(x) = \mu(x, 1) - \mu(x, 0)`. Arms enter as indicator columns, a
    continuous treatment as a number. Averages do not come from these effects but from
    doubly robust scores on cross-fitted nuisances.

    References
    ----------
    Kuenzel, S. R., Sekhon, J. S., Bickel, P. J., & Yu, B. (2019). Metalearners for
    estimating heterogeneous treatment effects using machine learning. PNAS, 116(10),
    equation 2. https://doi.org/10.1073/pnas.1804597116

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.estimation import SLearner
    >>> X = np.arange(20.0).reshape(-1, 1)
    >>> treatment = np.tile([0, 1], 10)
    >>> learner = SLearner(LinearRegression())
    >>> _ = learner.fit(X, X[:, 0] + 2 * treatment, treatment=treatment)
    >>> learner.effect(X[:1]).round(6)
    array([2.])
    """

    _allows_continuous: ClassVar[bool] = True

    def __init__(
        self,
        outcome_model: Any = None,
        propensity_model: Any = None,
        *,
        cv: Any = 5,
        n_repeats: int = 1,
        control_arm: Any = None,
        treatment_type: str = "auto",
        outcome_type: str = "auto",
        min_propensity: float = 0.01,
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.outcome_model = outcome_model
        self.propensity_model = propensity_model
        self.cv = cv
        self.n_repeats = n_repeats
        self.control_arm = control_arm
        self.treatment_type = treatment_type
        self.outcome_type = outcome_type
        self.min_propensity = min_propensity
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _models(self) -> dict[str, Any]:
        return super()._models() | {"treatment_model": self.propensity_model}

    def _treatment_nuisance(self) -> Nuisance:
        return PROPENSITY if self._data.is_discrete else TREATMENT_MEAN

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        self.outcome_models_ = fit_in_full(
            OUTCOME_POOLED, self.outcome_model, data, self._settings
        )

    def _predict_at(self, X: Any, treatment: Any) -> np.ndarray:
        """Predict the outcome at an arm code, or at a level of a continuous one."""
        with_level = with_treatment(X, treatment, self._data.n_arms)
        return predict_mean(self.outcome_models_[0], with_level)

    def _contrast_effects(self, X: Any) -> np.ndarray:
        control = self._predict_at(X, 0)
        arms = range(1, self._data.n_arms)
        return np.column_stack([self._predict_at(X, arm) - control for arm in arms])

    def _level_effects(self, X: Any, treated: Any, control: Any) -> np.ndarray:
        return self._predict_at(X, treated) - self._predict_at(X, control)

    def predict_outcome(self, X: Any, treatment: Any) -> np.ndarray:
        """Return the expected outcome of each row under a given treatment.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.
        treatment : label or float
            The arm, or the level of a continuous treatment.

        Returns
        -------
        outcome : ndarray of shape (n,)
            Expected outcome; a probability for a binary one.
        """
        check_is_fitted(self, "outcome_models_")
        X = self._check_X(X, reset=False)
        at = treatment if self.arms_ is None else self._arm_code(treatment)
        return self._predict_at(X, at)
