"""R-learner: the effect that explains outcome residuals by treatment residuals."""

from typing import Any, ClassVar

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._base import EffectLearner
from skcausal.estimation._data import CausalData
from skcausal.estimation._effect_models import (
    fit_effect_models,
    has_linear_effect,
    linear_inferences,
    linear_interval,
    predict_effects,
    select_features,
)
from skcausal.estimation._nuisances import (
    OUTCOME_BY_CONTRAST,
    OUTCOME_POOLED,
    TREATMENT_MEAN,
    Nuisance,
    NuisanceEstimates,
)
from skcausal.utils._validation import take_rows


class RLearner(EffectLearner):
    r"""Learn effects by regressing outcome residuals on treatment residuals.

    Weights rows by how much their treatment varies given covariates, so it stays stable
    where overlap is weak. Takes continuous treatments, whose effect is then a slope.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome given covariates (and treatment, see ``outcome_mean``). A
        classifier for binary outcomes, else a regressor; None is LightGBM sized by the
        data.
    treatment_model : estimator, default=None
        Model of the treatment given covariates: a classifier for arms, a regressor for
        a continuous treatment; None is LightGBM sized by the data,
        ``KnownPropensity`` the design of an experiment.
    effect_model : regressor, default=None
        Model of the effect, fitted with sample weights; None is LightGBM sized by the
        data.
    outcome_mean : {"blended", "direct"}, default="blended"
        How the mean outcome given covariates is estimated: "direct" predicts it without
        the treatment, as published; "blended" predicts the outcome given covariates and
        arm and averages over arms with their propensity. A continuous treatment always
        uses "direct".
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
    effect_models_ : list
        One fitted effect model per arm but the control.
    linear_inference_ : list of LinearInference or None
        Covariances of the coefficients where ``effect_model`` is linear.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap; for a continuous treatment
    also that the outcome is linear in it given X. With out-of-fold residuals
    :math:`u = Y - m(X)` and :math:`v = T - e(X)`, the effect minimises
    :math:`\sum_i (u_i - v_i \tau(x_i))^2`: a regression of :math:`u / v` on X with
    weight :math:`v^2`. The blended mean :math:`m = \sum_a e_a \mu_a` makes an error of
    the propensity cancel between u and :math:`v \tau` wherever the outcome model is
    right, which lowers the error of the effect at the same cost. Several arms are one
    such problem per arm: on the rows of that arm and of the control, with the outcome
    mean of those rows and :math:`e = e_a / (e_a + e_0)`.

    References
    ----------
    Nie, X., & Wager, S. (2021). Quasi-oracle estimation of heterogeneous treatment
    effects. Biometrika, 108(2), equation 4. https://doi.org/10.1093/biomet/asaa076

    Robinson, P. M. (1988). Root-N-consistent semiparametric regression. Econometrica,
    56(4). https://doi.org/10.2307/1912705

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import RLearner
    >>> data = make_observational(
    ...     500, treatment="continuous", effect="constant", random_state=0
    ... )
    >>> learner = RLearner(
    ...     LinearRegression(), LinearRegression(), LinearRegression(), random_state=0
    ... ).fit(data.X, data.y, treatment=data.treatment)
    >>> lower, upper = learner.effect_interval(data.X[:1])
    >>> bool((lower < upper).all())
    True
    """

    _model_parameters: ClassVar[tuple[str, ...]] = (
        "outcome_model",
        "treatment_model",
        "effect_model",
    )
    _allows_continuous: ClassVar[bool] = True

    def __init__(
        self,
        outcome_model: Any = None,
        treatment_model: Any = None,
        effect_model: Any = None,
        *,
        outcome_mean: str = "blended",
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
        self.treatment_model = treatment_model
        self.effect_model = effect_model
        self.outcome_mean = outcome_mean
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

    def _nuisances_for(self, data: CausalData) -> tuple[Nuisance, ...]:
        if self.outcome_mean not in ("blended", "direct"):
            raise ValueError(
                "RLearner.fit: outcome_mean must be 'blended' or 'direct', got "
                f"{self.outcome_mean!r}."
            )
        if self.outcome_mean == "blended" and data.is_discrete:
            return OUTCOME_POOLED, TREATMENT_MEAN
        return OUTCOME_BY_CONTRAST, TREATMENT_MEAN

    def _outcome_means(self) -> Nuisance:
        if self.outcome_mean == "blended":
            return OUTCOME_POOLED
        return super()._outcome_means()

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        owner = self._settings.owner
        target, weight = residual_problem(data, nuisances)
        features = select_features(data.X, self.effect_features, owner)
        self.effect_models_ = []
        self.linear_inference_ = []
        for contrast in range(data.n_contrasts):
            # Rows of other arms have weight zero: they are no part of this problem.
            rows = np.flatnonzero(weight[:, contrast] > 0)
            part, y, w = take_rows(features, rows), target[rows], weight[rows]
            columns = slice(contrast, contrast + 1)
            self.effect_models_ += fit_effect_models(
                self.effect_model,
                part,
                y[:, columns],
                w[:, columns],
                seed=self._settings.seed + contrast,
                owner=owner,
            )
            groups = None if data.groups is None else data.groups[rows]
            self.linear_inference_ += linear_inferences(
                self.effect_models_[-1:], part, y[:, columns], w[:, columns], groups
            )

    def _contrast_effects(self, X: Any) -> np.ndarray:
        features = select_features(X, self.effect_features, "RLearner.effect")
        return predict_effects(self.effect_models_, features)

    def _level_effects(self, X: Any, treated: Any, control: Any) -> np.ndarray:
        change = np.asarray(treated, dtype=float) - np.asarray(control, dtype=float)
        return self._contrast_effects(X)[:, 0] * change

    @available_if(has_linear_effect)
    def effect_interval(
        self, X: Any, *, level: float = 0.95
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return pointwise confidence intervals of the effects.

        Available when ``effect_model`` is a ``LinearRegression``, alone or as the last
        step of a Pipeline; otherwise wrap the learner in ``BootstrapEffect``.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.
        level : float, default=0.95
            Confidence level in (0, 1).

        Returns
        -------
        lower, upper : ndarray of shape (n,) or (n, n_arms - 1)
            Bounds for the linear projection of the effect, robust to
            heteroscedasticity, and to clusters when ``fit`` had groups.
        """
        check_is_fitted(self, "effect_models_")
        features = select_features(
            self._check_X(X, reset=False), self.effect_features, type(self).__name__
        )
        return linear_interval(
            self.effect_models_, self.linear_inference_, features, level
        )


def residual_problem(
    data: CausalData, nuisances: NuisanceEstimates
) -> tuple[np.ndarray, np.ndarray]:
    """Return target u / v and weight v^2 of each contrast, each (n, n_contrasts).

    Repetitions are stacked: the weighted mean target under the mean weight gives the
    same least squares problem as all repetitions together.
    """
    moments, squares = [], []
    for repeat, treatment in enumerate(nuisances["treatment_mean"]):
        if data.is_discrete:
            e = treatment[:, 1:] / (treatment[:, 1:] + treatment[:, :1])
            arms = data.arm_indicators()
            v = (arms[:, 1:] - e) * (arms[:, 1:] + arms[:, :1])
        else:
            e, v = None, data.treatment[:, None] - treatment
        if "outcome_pooled" in nuisances and e is not None:
            mu = nuisances["outcome_pooled"][repeat]
            mean = e * mu[:, 1:] + (1 - e) * mu[:, :1]
        else:
            mean = nuisances["outcome"][repeat]
        moments.append(v * (data.outcome[:, None] - mean))
        squares.append(v**2)
    square = np.mean(squares, axis=0)
    target = np.mean(moments, axis=0) / np.where(square > 0, square, 1.0)
    return target, square * data.weights[:, None]
