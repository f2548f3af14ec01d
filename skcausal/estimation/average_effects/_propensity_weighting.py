"""PropensityWeighting: outcomes weighted by the inverse of their propensity."""

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.linear_model import LogisticRegression

from skcausal.estimation._average import (
    Mean,
    Question,
    contrast_of_means,
    effects_by_cell,
)
from skcausal.estimation._average_learner import AverageLearner
from skcausal.estimation._crossfit import fit_in_full, predict_nuisance
from skcausal.estimation._data import CausalData
from skcausal.estimation._known_propensity import KnownPropensity
from skcausal.estimation._models import allows
from skcausal.estimation._nuisances import (
    PROPENSITY,
    Nuisance,
    NuisanceEstimates,
    NuisanceFit,
)
from skcausal.estimation._scores import arm_weights, raised, ratio_of_means
from skcausal.estimation.average_effects._linear_models import (
    design_matrix,
    is_logistic,
    unsolved_equations,
    warn_of_penalty,
)
from skcausal.estimation.average_effects._logistic_equations import (
    LogisticEquations,
    population_share,
    population_slope,
    weight_slope,
)
from skcausal.inference import EffectEstimate
from skcausal.utils._validation import NoIntervalWarning, OverlapWarning

_SEPARATED = 1e-6


class PropensityWeighting(AverageLearner):
    r"""Estimate average effects by inverse-propensity weighting.

    Only the treatment is modelled, once for all outcomes, so weights can be inspected
    before any outcome is seen. With a logistic propensity, intervals account for its
    estimation; :class:`AIPW` is more precise and forgives a wrong propensity.

    Parameters
    ----------
    propensity_model : classifier, default=None
        Model of the treatment given covariates. None is logistic regression without
        penalty. Intervals exist for ``LogisticRegression`` with an L2 penalty or none,
        alone or at the end of a Pipeline, and for ``KnownPropensity``. Any other
        classifier is cross-fitted and has a value but no interval, with a
        ``NoIntervalWarning``.
    weighting : {"hajek", "horvitz_thompson"}, default="hajek"
        "hajek" divides by the sum of the weights of the arm: the average stays in the
        range of the outcome, and a constant added to the outcome changes nothing.
        "horvitz_thompson" divides by the size of the target population.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting, where the propensity model needs it.
    n_repeats : int, default=1
        Repetitions of cross-fitting with other folds; averages take the median.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    treatment_type : {"auto", "discrete", "continuous"}, default="auto"
        Numbers with fractions or more than ten levels are continuous under "auto",
        which this estimator refuses.
    min_propensity : float, default=0.01
        Propensities below, where the target divides by them, are raised to it, with an
        ``OverlapWarning``.
    memory : str or joblib.Memory, default=None
        Folder where nuisance estimates persist between sessions.
    n_jobs : int, default=None
        Parallel fits of base models; None is 1 unless in a joblib context.
    random_state : int, RandomState instance or None, default=None
        Seed of folds and base models.

    Attributes
    ----------
    average_effect_ : EffectEstimate
        The average effect of everyone, as ``average_effect()`` returns it.
    propensity_ : ndarray of shape (n, n_arms)
        Propensity of each training row: fitted on all rows for a logistic model, known,
        or else the mean of the out-of-fold ones.
    arms_ : ndarray of shape (n_arms,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.
    nuisances_ : NuisanceEstimates
        Propensities with their models.

    Notes
    -----
    Assumes no unmeasured confounding given X, overlap, and a right propensity model.
    Rows of arm b get the weight :math:`\omega_b(X) = h(X) / e_b(X)`, where the target
    population has :math:`h = 1` (all), :math:`e_a` (treated), :math:`e_0` (control) or
    :math:`e_a e_0 / (e_a + e_0)` (overlap). The mean outcome is
    :math:`\hat\theta_b = \sum_i w_i 1[T_i = b] \omega_b Y_i / \sum_i w_i D_i` with
    :math:`D = 1[T = b] \omega_b` (Hajek), or the size of the population
    (Horvitz-Thompson). With logistic propensities :math:`e(\beta)`, scores
    :math:`s_i` and information :math:`H`, the stacked equations give

    .. math:: \psi_i = \frac{w_i (N_i - \hat\theta_b D_i) + G' H^{-1} s_i}{\bar{wD}},
       \qquad G = \sum_j w_j \partial_\beta (N_j - \hat\theta_b D_j).

    Treating estimated propensities as known would usually make intervals too wide. The
    bias of an L2 penalty is not in the error; where it is more than a quarter of it, a
    ``NoIntervalWarning`` says so.

    References
    ----------
    Horvitz, D. G., & Thompson, D. J. (1952). A generalization of sampling without
    replacement from a finite universe. Journal of the American Statistical Association,
    47(260). https://doi.org/10.1080/01621459.1952.10483446

    Lunceford, J. K., & Davidian, M. (2004). Stratification and weighting via the
    propensity score in estimation of causal treatment effects. Statistics in Medicine,
    23(19). https://doi.org/10.1002/sim.1903

    Li, F., Morgan, K. L., & Zaslavsky, A. M. (2018). Balancing covariates via
    propensity score weighting. Journal of the American Statistical Association,
    113(521). https://doi.org/10.1080/01621459.2016.1260466

    Examples
    --------
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import PropensityWeighting
    >>> data = make_observational(1000, confounding=0.5, random_state=0)
    >>> weighting = PropensityWeighting().fit(data.X, data.y, treatment=data.treatment)
    >>> lower, upper = weighting.average_effect(target="overlap").interval()
    >>> bool(lower < data.average_effect_overlap < upper)
    True
    """

    _model_parameters: ClassVar[tuple[str, ...]] = ("propensity_model",)

    def __init__(
        self,
        propensity_model: Any = None,
        *,
        weighting: str = "hajek",
        cv: Any = 5,
        n_repeats: int = 1,
        control_arm: Any = None,
        treatment_type: str = "auto",
        min_propensity: float = 0.01,
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.propensity_model = propensity_model
        self.weighting = weighting
        self.cv = cv
        self.n_repeats = n_repeats
        self.control_arm = control_arm
        self.treatment_type = treatment_type
        self.min_propensity = min_propensity
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state

    @property
    def outcome_type(self) -> str:
        """No model looks at the outcome: it is a number, whatever its values."""
        return "continuous"

    def _model(self) -> Any:
        if self.propensity_model is None:
            return LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
        return self.propensity_model

    def _is_known(self, data: CausalData) -> bool:
        model = self.propensity_model
        return data.known_propensity is not None or isinstance(model, KnownPropensity)

    def _nuisances_for(self, data: CausalData) -> tuple[Nuisance, ...]:
        in_full = is_logistic(self._model()) and not self._is_known(data)
        return () if in_full else (PROPENSITY,)

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        owner = self._settings.owner
        if self.weighting not in ("hajek", "horvitz_thompson"):
            raise ValueError(
                f"{owner}: weighting must be 'hajek' or 'horvitz_thompson', got "
                f"{self.weighting!r}."
            )
        self._logistic = None
        if PROPENSITY.name not in nuisances:
            nuisances = self.nuisances_ = self._fitted_in_full(data)
        self.propensity_ = nuisances[PROPENSITY.name].mean(axis=0)
        super()._fit_effect(data, nuisances)

    def _fitted_in_full(self, data: CausalData) -> NuisanceEstimates:
        """Fit the logistic propensity on all rows: its error is accounted for."""
        model = self._model()
        self._logistic = fit_in_full(PROPENSITY, model, data, self._settings)[0]
        e = predict_nuisance(PROPENSITY, self._logistic, data.X, data)
        fit = NuisanceFit(e[None], np.array([np.nan]), (self._logistic,))
        return NuisanceEstimates({PROPENSITY.name: fit})

    def _warn_of_weights(self, target: str, owner: str) -> None:
        """Warn of propensities that this target divides by and that are too small."""
        e, contrasts = self.propensity_, range(1, self._data.n_arms)
        extreme, low = (
            np.any([raised(e, floor, target, c) != e for c in contrasts], axis=(0, 2))
            for floor in (_SEPARATED, self.min_propensity)
        )
        if low.any():
            self._warn_of_overlap(self.nuisances_, owner)
        if extreme.any():
            warnings.warn(
                f"{owner}: {extreme.sum()} of {extreme.shape[0]} rows have a fitted "
                "propensity of 0 or 1: covariates separate the arms, so no weight can "
                "make these rows comparable. Drop the covariate that decides the arm, "
                "drop these rows (propensity_), or penalise: LogisticRegression().",
                OverlapWarning,
                stacklevel=4,
            )

    def _average(self, question: Question, owner: str) -> EffectEstimate:
        data = self._data
        self._warn_of_weights(question.target, owner)
        e = self.nuisances_[PROPENSITY.name]
        if self.min_propensity == 0 and not (e > 0).all():
            raise ValueError(
                f"{owner}: a propensity is 0, so its inverse is infinite. Use a "
                "positive min_propensity, or drop the rows that never get an arm."
            )
        equations = self._equations(data, question, owner)

        def cell(repeat: int, contrast: int, weight: np.ndarray) -> Mean:
            treated, control = (
                self._mean(question.target, (contrast, b), e[repeat], weight, equations)
                for b in (contrast, 0)
            )
            return contrast_of_means(treated, control, question.scale, owner)

        return effects_by_cell(data, question, len(e), cell, owner)

    def _equations(
        self, data: CausalData, question: Question, owner: str
    ) -> LogisticEquations | None:
        """Return the equations of the propensity; None if it was not estimated."""
        if self._logistic is not None:
            rows = self._training_data("average_effect")
            design = design_matrix(self._logistic, rows.X)
            equations = LogisticEquations.of(
                design, self.propensity_, data.treatment, data.weights
            )
            unsolved = max(
                unsolved_equations(self._logistic, residual, design)
                for residual in equations.residual.T
            )
            warn_of_penalty(unsolved, "propensity_model", owner)
            return equations
        if not self._is_known(data):
            warnings.warn(
                f"{owner}: weights from propensity_model={self.propensity_model!r} "
                "have no valid interval, so standard errors are NaN. Use AIPW with "
                "this model, or a LogisticRegression here.",
                NoIntervalWarning,
                stacklevel=4,
            )
        return None

    def _mean(
        self,
        target: str,
        pair: tuple[int, int],
        e: np.ndarray,
        weight: np.ndarray,
        equations: LogisticEquations | None,
    ) -> Mean:
        """Return the mean outcome of one arm of a pair (contrast, arm)."""
        data, (contrast, arm) = self._data, pair
        safe = raised(e, self.min_propensity, target, contrast)
        omega = arm_weights(target, contrast, safe)[0 if arm == contrast else 1]
        weighted = (data.treatment == arm) * omega
        population = weighted
        if self.weighting == "horvitz_thompson":
            population = population_share(target, contrast, data.treatment, e)
        value, influence = ratio_of_means(weighted * data.outcome, population, weight)
        if equations is None:
            estimated = not self._is_known(data)
            return value, influence * np.nan if estimated else influence
        slope = weight_slope(target, contrast, arm, self.propensity_)
        if self.weighting == "hajek":
            change = (weighted * (data.outcome - value))[:, None] * slope
        else:
            moved = population_slope(target, contrast, self.propensity_)
            change = (weighted * data.outcome)[:, None] * slope
            change = change - value * population[:, None] * moved
        change[(safe != e).any(axis=1)] = 0.0  # a raised propensity does not move
        change = change * weight[:, None] / np.mean(weight * population)
        return value, influence + equations.influence(change)

    def _projected(self, features: Any, target: str) -> EffectEstimate:
        raise ValueError(
            "PropensityWeighting.best_linear_projection: needs outcome models, which "
            "this estimator does not have. Use AIPW or a DRLearner."
        )

    def __sklearn_tags__(self) -> Any:
        """Take missing values and sparse input where the propensity model does."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = allows([self._model()], "nan")
        tags.input_tags.sparse = allows([self._model()], "sparse")
        return tags
