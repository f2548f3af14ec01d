"""RegressionAdjustment: average what outcome models predict under each arm."""

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.linear_model import LinearRegression

from skcausal.estimation._average import (
    Mean,
    Question,
    contrast_of_means,
    effects_by_cell,
)
from skcausal.estimation._average_learner import AverageLearner
from skcausal.estimation._crossfit import fit_in_full
from skcausal.estimation._data import CausalData
from skcausal.estimation._models import allows
from skcausal.estimation._nuisances import (
    OUTCOME_BY_ARM,
    Nuisance,
    NuisanceEstimates,
)
from skcausal.estimation._scores import shares
from skcausal.estimation.average_effects._linear_models import (
    ArmFit,
    arm_fit,
    is_linear,
    warn_of_penalty,
)
from skcausal.inference import EffectEstimate
from skcausal.utils._validation import NoIntervalWarning, OverlapWarning

_COVARIANCES = ("HC0", "HC2", "HC3")


class RegressionAdjustment(AverageLearner):
    r"""Estimate average effects by regression: predict both outcomes, then average.

    In an experiment it makes the difference of means more precise, and stays right
    whatever the truth (Lin 2013). In observational data it is right if the outcome
    model is right; nothing protects it otherwise, unlike :class:`AIPW`.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome given covariates, fitted once per arm. None is least
        squares, fully interacted with the arms (Lin's regression). Intervals exist for
        ``LinearRegression``, ``PoissonRegressor(alpha=0)`` and ``LogisticRegression``
        with an L2 penalty or none, alone or at the end of a Pipeline. Any other model
        is cross-fitted (g-computation) and has a value but no interval, with a
        ``NoIntervalWarning``.
    covariance : {"HC0", "HC2", "HC3"}, default="HC3"
        Correction of residuals for leverage. With groups "HC2" and "HC3" are the
        jackknife that leaves a group out.
    inference_for : {"population", "sample"}, default="population"
        Whether the interval is for the population that rows were drawn from, or for
        the average effect of the very rows of an experiment, where it is conservative:
        the standard error of Lin's regression as regression software prints it.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting, where the outcome model needs it.
    n_repeats : int, default=1
        Repetitions of cross-fitting with other folds; averages take the median.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    treatment_type : {"auto", "discrete", "continuous"}, default="auto"
        Numbers with fractions or more than ten levels are continuous under "auto",
        which this estimator refuses.
    outcome_type : {"auto", "binary", "continuous"}, default="auto"
        Booleans and the integers 0/1 are binary under "auto", which lets the outcome
        model be a classifier.
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
    arms_ : ndarray of shape (n_arms,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.
    nuisances_ : NuisanceEstimates
        Out-of-fold means; empty where the models are fitted on all rows.

    Notes
    -----
    Assumes no unmeasured confounding given X (by design in an experiment), overlap,
    and, without randomisation, a right outcome model. The estimate is
    :math:`\hat\tau = \sum_i w_i d_i (\hat\mu_a(X_i) - \hat\mu_0(X_i)) / \sum_i w_i
    d_i` with :math:`d_i = 1` for everyone, or the indicator of the treated arm or of
    control. With :math:`\mu_a(x) = g(z'\beta_a)` and a canonical link g, the stacked
    estimating equations give row i of arm a the influence

    .. math:: n\, c_a' \Big(\sum_{T_j = a} w_j g'_j z_j z_j'\Big)^{-1} z_i w_i
       (Y_i - \hat\mu_a(X_i)), \qquad
       c_a = \frac{\sum_j w_j d_j g'_j z_j}{\sum_j w_j d_j},

    to which inference for the population adds
    :math:`w_i d_i (\hat\mu_a(X_i) - \hat\mu_0(X_i) - \hat\tau)` over the mean of
    :math:`w d`. Influences are scaled so that HC standard errors come out as defined.
    The bias of an L2 penalty is not in the error; where it is more than a quarter of
    it, a ``NoIntervalWarning`` says so.

    References
    ----------
    Lin, W. (2013). Agnostic notes on regression adjustments to experimental data:
    reexamining Freedman's critique. The Annals of Applied Statistics, 7(1).
    https://doi.org/10.1214/12-AOAS583

    Negi, A., & Wooldridge, J. M. (2021). Revisiting regression adjustment in
    experiments with heterogeneous treatment effects. Econometric Reviews, 40(5).
    https://doi.org/10.1080/07474938.2020.1824732

    Examples
    --------
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import RegressionAdjustment
    >>> data = make_observational(500, confounding="none", random_state=0)
    >>> lin = RegressionAdjustment().fit(data.X, data.y, treatment=data.treatment)
    >>> lower, upper = lin.average_effect().interval()
    >>> bool(lower < data.average_effect < upper)
    True
    """

    _model_parameters: ClassVar[tuple[str, ...]] = ("outcome_model",)
    _targets: ClassVar[tuple[str, ...]] = ("all", "treated", "control")

    def __init__(
        self,
        outcome_model: Any = None,
        *,
        covariance: str = "HC3",
        inference_for: str = "population",
        cv: Any = 5,
        n_repeats: int = 1,
        control_arm: Any = None,
        treatment_type: str = "auto",
        outcome_type: str = "auto",
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.outcome_model = outcome_model
        self.covariance = covariance
        self.inference_for = inference_for
        self.cv = cv
        self.n_repeats = n_repeats
        self.control_arm = control_arm
        self.treatment_type = treatment_type
        self.outcome_type = outcome_type
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _model(self) -> Any:
        return LinearRegression() if self.outcome_model is None else self.outcome_model

    def _nuisances_for(self, data: CausalData) -> tuple[Nuisance, ...]:
        return () if is_linear(self._model()) else (OUTCOME_BY_ARM,)

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        owner = self._settings.owner
        for name, allowed in (
            ("covariance", _COVARIANCES),
            ("inference_for", ("population", "sample")),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(
                    f"{owner}: {name} must be one of {', '.join(map(repr, allowed))}, "
                    f"got {getattr(self, name)!r}."
                )
        self._arm_models = None
        if is_linear(self._model()):
            self._arm_models = fit_in_full(
                OUTCOME_BY_ARM, self._model(), data, self._settings
            )
        super()._fit_effect(data, nuisances)

    def _average(self, question: Question, owner: str) -> EffectEstimate:
        if self._arm_models is None:
            return self._cross_fitted_average(question, owner)
        data = self._training_data("average_effect")
        fits = [
            arm_fit(model, data, code, self.covariance)
            for code, model in enumerate(self._arm_models)
        ]
        warn_of_penalty(max(fit.unsolved for fit in fits), "outcome_model", owner)

        def cell(repeat: int, contrast: int, weight: np.ndarray) -> Mean:
            share = self._share(question.target, contrast, weight)
            treated, control = (
                self._mean(fits, code, share, owner) for code in (contrast, 0)
            )
            scale = question.scale
            value, influence = contrast_of_means(treated, control, scale, owner)
            return value, self._as_defined(influence)

        return effects_by_cell(data, question, 1, cell, owner)

    def _mean(
        self, fits: list[ArmFit], code: int, share: np.ndarray, owner: str
    ) -> Mean:
        """Return the mean outcome under an arm, and its influence."""
        fit = fits[code]
        value, influence = fit.average(share, self._data.groups)
        if fit.extrapolates(share):
            label = np.asarray(self.arms_).tolist()[code]
            warnings.warn(
                f"{owner}: the rows of arm {label!r} do not determine the "
                "mean outcome of the target population: some covariates vary there, "
                "but not in this arm. Drop these covariates, or restrict the rows.",
                OverlapWarning,
                stacklevel=4,
            )
        if self.inference_for == "population":
            influence = influence + len(share) * share * (fit.mean - value)
        return value, influence

    def _cross_fitted_average(self, question: Question, owner: str) -> EffectEstimate:
        """Return the averages of a model without estimating equations."""
        warnings.warn(
            f"{owner}: averages of outcome_model={self.outcome_model!r} have no valid "
            "interval, so standard errors are NaN. Use AIPW with this model, or a "
            "linear or unpenalised generalised linear model here.",
            NoIntervalWarning,
            stacklevel=4,
        )
        means = self.nuisances_[OUTCOME_BY_ARM.name]
        unknown = np.full(self._data.n_rows, np.nan)

        def cell(repeat: int, contrast: int, weight: np.ndarray) -> Mean:
            share = self._share(question.target, contrast, weight)
            treated, control = (
                (float(share @ means[repeat, :, code]), unknown)
                for code in (contrast, 0)
            )
            return contrast_of_means(treated, control, question.scale, owner)

        return effects_by_cell(self._data, question, len(means), cell, owner)

    def _share(self, target: str, contrast: int, weight: np.ndarray) -> np.ndarray:
        """Return the share of each row in the target population."""
        arm = self._data.treatment
        members = {"all": arm >= 0, "treated": arm == contrast, "control": arm == 0}
        return shares(weight * members[target])

    def _as_defined(self, influence: np.ndarray) -> np.ndarray:
        """Centre influences; scale them so that HC errors are what HC defines."""
        n_rows, centred = len(influence), influence - influence.mean()
        if self._data.groups is not None or not centred.any():
            return centred
        ratio = (influence @ influence) / (centred @ centred)
        return centred * np.sqrt(ratio * (n_rows - 1) / n_rows)

    def _projected(self, features: Any, target: str) -> EffectEstimate:
        raise ValueError(
            "RegressionAdjustment.best_linear_projection: needs propensities, which "
            "this estimator does not model. Use AIPW or a DRLearner."
        )

    def __sklearn_tags__(self) -> Any:
        """Take missing values and sparse input where the outcome model does."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = allows([self._model()], "nan")
        tags.input_tags.sparse = allows([self._model()], "sparse")
        return tags
