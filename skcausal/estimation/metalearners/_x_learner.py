"""X-learner: effects imputed across arms, regressed, blended by propensity."""

from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._base import EffectLearner
from skcausal.estimation._crossfit import fit_in_full
from skcausal.estimation._data import CausalData
from skcausal.estimation._defaults import default_regressor
from skcausal.estimation._effect_models import (
    fit_effect_models,
    predict_effects,
    select_features,
)
from skcausal.estimation._known_propensity import KnownPropensity
from skcausal.estimation._models import arm_probabilities, predict_mean
from skcausal.estimation._nuisances import (
    OUTCOME_BY_ARM,
    PROPENSITY,
    NuisanceEstimates,
)
from skcausal.utils._validation import n_rows_of, take_rows


class XLearner(EffectLearner):
    r"""Learn effects by imputing the missing outcome of each row from the other arm.

    Made for unbalanced arms: the large arm lends its outcome model to the small one,
    and the propensity decides whose imputed effects to trust.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome within an arm. A classifier for binary outcomes, else a
        regressor; None is LightGBM sized by the data.
    propensity_model : classifier, default=None
        Model of the treatment given covariates: blends the two
        effects and serves ``average_effect``; None is
        LightGBM sized by the data, ``KnownPropensity`` the design of an experiment.
    effect_model : regressor, default=None
        Model of the imputed effects within an arm; None is LightGBM sized by the data.
    effect_features : list of str or int, default=None
        Names or indices of the columns the effect may vary with; None is all.
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
        Fitted outcome models in the order of ``arms_``.
    propensity_model_ : classifier
        Fitted model of the arm; its classes are positions in ``arms_``.
    effect_models_ : list of tuple
        For each arm but the control, the effect models fitted on its own rows and on
        the control rows.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap. With outcome models
    :math:`\mu_a` fitted within arms, effects are imputed as
    :math:`D_i = Y_i - \mu_0(X_i)` in arm a and :math:`D_i = \mu_a(X_i) - Y_i` in the
    control arm, regressed on X to :math:`\tau^{(a)}` and :math:`\tau^{(0)}`, and
    blended: :math:`\tau(x) = g(x) \tau^{(0)}(x) + (1 - g(x)) \tau^{(a)}(x)` with g the
    probability of arm a among arms a and 0. An imputation never uses a model that saw
    the row, because the other arm trained it.

    References
    ----------
    Kuenzel, S. R., Sekhon, J. S., Bickel, P. J., & Yu, B. (2019). Metalearners for
    estimating heterogeneous treatment effects using machine learning. PNAS, 116(10),
    equations 3-9. https://doi.org/10.1073/pnas.1804597116

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.estimation import XLearner
    >>> X = np.arange(20.0).reshape(-1, 1)
    >>> treatment = np.tile([0, 1], 10)
    >>> model = LinearRegression()
    >>> learner = XLearner(model, LogisticRegression(), model)
    >>> _ = learner.fit(X, X[:, 0] * treatment, treatment=treatment)
    >>> learner.effect(X[:3]).round(6) + 0
    array([0., 1., 2.])
    """

    _model_parameters: ClassVar[tuple[str, ...]] = (
        "outcome_model",
        "propensity_model",
        "effect_model",
    )

    def __init__(
        self,
        outcome_model: Any = None,
        propensity_model: Any = None,
        effect_model: Any = None,
        *,
        effect_features: Any = None,
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
        self.effect_model = effect_model
        self.effect_features = effect_features
        self.cv = cv
        self.n_repeats = n_repeats
        self.control_arm = control_arm
        self.treatment_type = treatment_type
        self.outcome_type = outcome_type
        self.min_propensity = min_propensity
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        settings = self._settings
        self.outcome_models_ = fit_in_full(
            OUTCOME_BY_ARM, self.outcome_model, data, settings
        )
        self.propensity_model_ = self._fitted_propensity(data)
        self.effect_models_ = [
            (self._imputed(data, arm, 0), self._imputed(data, 0, arm))
            for arm in range(1, data.n_arms)
        ]

    def _fitted_propensity(self, data: CausalData) -> Any:
        """Return a fitted model, or the known probabilities (their mean per arm)."""
        known = data.known_propensity
        if isinstance(self.propensity_model, KnownPropensity):
            known = self.propensity_model.for_rows(data.arms, data.n_rows)
        if known is None:
            return fit_in_full(PROPENSITY, self.propensity_model, data, self._settings)[
                0
            ]
        shares = dict(enumerate(known.mean(axis=0)))
        return KnownPropensity(shares).fit(data.X, data.treatment)

    def _imputed(self, data: CausalData, arm: int, other: int) -> Any:
        """Fit the effect model on the rows of an arm, imputing from the other arm."""
        rows = np.flatnonzero(data.treatment == arm)
        X = take_rows(data.X, rows)
        difference = data.outcome[rows] - predict_mean(self.outcome_models_[other], X)
        imputed = difference if other == 0 else -difference
        weight = None if data.sample_weight is None else data.sample_weight[rows, None]
        return fit_effect_models(
            self.effect_model,
            select_features(X, self.effect_features, self._settings.owner),
            imputed[:, None],
            weight,
            seed=self._settings.seed + arm,
            owner=self._settings.owner,
            default=default_regressor,  # imputed effects are as noisy as outcomes
        )[0]

    def _contrast_effects(self, X: Any) -> np.ndarray:
        features = select_features(X, self.effect_features, "XLearner.effect")
        probability = arm_probabilities(
            self.propensity_model_,
            X,
            np.asarray(self.arms_),
            "XLearner: propensity_model",
        )
        effects = np.empty((n_rows_of(X), len(self.effect_models_)))
        for column, pair in enumerate(self.effect_models_):
            e_a, e_0 = probability[:, column + 1], probability[:, 0]
            g = e_a / (e_a + e_0)
            from_arm, from_control = predict_effects(list(pair), features).T
            effects[:, column] = g * from_control + (1 - g) * from_arm
        return effects

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
        return predict_mean(self.outcome_models_[self._arm_code(treatment)], X)
