"""PartiallyLinear: the coefficient of a treatment beside any function of covariates."""

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from skcausal.estimation._average import Moment, Question, slope_estimate
from skcausal.estimation._average_learner import AverageLearner
from skcausal.estimation._base import EffectLearner
from skcausal.estimation._crossfit import cross_fit
from skcausal.estimation._data import CausalData
from skcausal.estimation._folds import Folds
from skcausal.estimation._models import is_classifier_model
from skcausal.estimation._nuisances import (
    OUTCOME,
    TREATMENT_MEAN,
    Nuisance,
    NuisanceEstimates,
    NuisanceFit,
)
from skcausal.estimation._scores import ratio_of_means
from skcausal.inference import EffectEstimate

_UNTREATED = "outcome_untreated"


class PartiallyLinear(AverageLearner):
    r"""Estimate one effect of a continuous or binary treatment by double learning.

    Takes out of outcome and treatment what the covariates predict and relates what is
    left. The steadiest average where overlap is weak, and the only one that a
    continuous treatment has without modelling how its effect varies.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome given covariates. A classifier for binary outcomes, else a
        regressor; None is LightGBM sized by the data.
    treatment_model : estimator, default=None
        Model of the treatment given covariates: a classifier for arms, a regressor for
        a continuous treatment; None is LightGBM sized by the data,
        ``KnownPropensity`` the design of an experiment.
    moment : {"residual", "instrument"}, default="residual"
        "residual" relates outcome residuals to treatment residuals (partialling out);
        "instrument" uses the treatment residual as an instrument of the treatment and
        models the outcome less the treatment's share of it, by a regressor.
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
        Propensities below are raised to it in the scores of targets other than
        "overlap", with an ``OverlapWarning``.
    memory : str or joblib.Memory, default=None
        Folder where nuisance estimates persist between sessions.
    n_jobs : int, default=None
        Parallel fits of base models; None is 1 unless in a joblib context.
    random_state : int, RandomState instance or None, default=None
        Seed of folds and base models. With an integer, estimators that are fitted on
        the same rows share equal nuisances in memory.

    Attributes
    ----------
    average_effect_ : EffectEstimate
        The coefficient, as ``average_effect()`` returns it.
    arms_ : ndarray of shape (2,) or None
        Labels of the arms, control first; None for a continuous treatment.
    control_arm_ : label or None
        The reference arm.
    nuisances_ : NuisanceEstimates
        Out-of-fold nuisance estimates, their held-out losses and fitted models.

    Notes
    -----
    Assumes no unmeasured confounding given X, and
    :math:`Y = \theta T + g(X) + \varepsilon`. Where the effect varies with X the
    coefficient is its average weighted by :math:`Var[T | X]`, the target "overlap".
    With out-of-fold residuals :math:`u = Y - E[Y | X]` and :math:`v = T - E[T | X]`
    the residual moment gives :math:`\theta = \sum v u / \sum v^2`. The instrument
    moment gives :math:`\theta = \sum v (Y - g(X)) / \sum v T`, with g fitted to
    :math:`Y - \tilde\theta T` for the :math:`\tilde\theta` of the first. The influence
    of both is that of a ratio of means. Other targets of a binary treatment come from
    doubly robust scores, whose outcome models by arm are fitted when first needed.

    References
    ----------
    Robinson, P. M. (1988). Root-N-consistent semiparametric regression. Econometrica,
    56(4). https://doi.org/10.2307/1912705

    Chernozhukov, V., Chetverikov, D., Demirer, M., Duflo, E., Hansen, C., Newey, W.,
    & Robins, J. (2018). Double/debiased machine learning for treatment and structural
    parameters. The Econometrics Journal, 21(1), equations 4.3 and 4.4.
    https://doi.org/10.1111/ectj.12097

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import PartiallyLinear
    >>> data = make_observational(
    ...     500, treatment="continuous", effect="constant", random_state=0
    ... )
    >>> line = LinearRegression()
    >>> learner = PartiallyLinear(line, line, random_state=0)
    >>> _ = learner.fit(data.X, data.y, treatment=data.treatment)
    >>> lower, upper = learner.average_effect().interval()
    >>> bool(lower < data.average_effect < upper)
    True
    """

    _nuisances: ClassVar[tuple[Nuisance, ...]] = (OUTCOME, TREATMENT_MEAN)
    _model_parameters: ClassVar[tuple[str, ...]] = ("outcome_model", "treatment_model")
    _allows_continuous: ClassVar[bool] = True
    _allows_several_arms: ClassVar[bool] = False
    _target = "overlap"

    def __init__(
        self,
        outcome_model: Any = None,
        treatment_model: Any = None,
        *,
        moment: str = "residual",
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
        self.moment = moment
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
        if self.moment not in ("residual", "instrument"):
            raise ValueError(
                "PartiallyLinear.fit: moment must be 'residual' or 'instrument', got "
                f"{self.moment!r}."
            )
        model = self.outcome_model
        needs_numbers = self.moment == "instrument" and model is not None
        if needs_numbers and is_classifier_model(model):
            raise ValueError(
                "PartiallyLinear.fit: moment='instrument' also fits outcome_model to "
                "the outcome less the treatment's share of it, which is no class, got "
                f"{model!r}. Use a regressor, or moment='residual'."
            )
        return self._nuisances

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        if self.moment == "instrument":
            untreated = NuisanceEstimates({_UNTREATED: self._outcome_untreated(data)})
            self.nuisances_ = nuisances.merged(untreated)
        super()._fit_effect(data, nuisances)

    def _outcome_untreated(self, data: CausalData) -> NuisanceFit:
        """Cross-fit the outcome less a first coefficient times the treatment."""
        folds, fits = self._make_folds(), []
        for repeat, (u, v) in enumerate(self._residuals()):
            first = ratio_of_means(v * u, v**2, data.weights)[0]
            outcome = data.outcome - first * data.treatment
            derived = replace(data, outcome=outcome, binary_outcome=False)
            one = Folds(folds.assignment[repeat : repeat + 1])
            estimates = cross_fit(
                (OUTCOME,), self._models(), derived, one, self._settings
            )
            fits.append(estimates.fits["outcome"])
        return NuisanceFit(
            np.concatenate([fit.values for fit in fits]),
            np.concatenate([fit.losses for fit in fits]),
            tuple(model for fit in fits for model in fit.models),
        )

    def _residuals(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Return residuals of outcome and treatment for each repetition."""
        data, nuisances = self._data, self.nuisances_
        return [
            (data.outcome - m[:, 0], data.treatment - e[:, -1])
            for m, e in zip(
                nuisances["outcome"], nuisances["treatment_mean"], strict=True
            )
        ]

    def _overlap_moments(self) -> list[Moment]:
        """Return numerator and denominator of the coefficient for each repetition."""
        if self.moment == "residual":
            return [(v * u, v**2) for u, v in self._residuals()]
        y, treatment = self._data.outcome, self._data.treatment
        return [
            (v * (y - g[:, 0]), v * treatment)
            for (_, v), g in zip(
                self._residuals(), self.nuisances_[_UNTREATED], strict=True
            )
        ]

    def _average(self, question: Question, owner: str) -> EffectEstimate:
        if question.target == "overlap":
            moments = self._overlap_moments()
            return slope_estimate(self._data, moments, question, owner)
        return EffectLearner.average_effect(
            self,
            target=question.target,
            where=question.where,
            by=question.by,
            weights=question.weights,
            scale=question.scale,
        )

    def _moments(self, target: str, owner: str) -> list[list[Moment]]:
        if target == "overlap":
            return [[moment] for moment in self._overlap_moments()]
        return super()._moments(target, owner)
