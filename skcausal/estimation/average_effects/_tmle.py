"""TMLE: outcome models targeted at the average effect, then averaged."""

import warnings
from typing import Any, ClassVar

import numpy as np

from skcausal.estimation._average import (
    Mean,
    Question,
    effect_of_terms,
    effects_by_cell,
)
from skcausal.estimation._average_learner import AverageLearner
from skcausal.estimation._data import CausalData
from skcausal.estimation._nuisances import (
    OUTCOME_BY_ARM,
    PROPENSITY,
    Nuisance,
    NuisanceEstimates,
)
from skcausal.estimation._scores import raised, target_terms
from skcausal.estimation._targeting import targeted_means
from skcausal.inference import EffectEstimate
from skcausal.utils._validation import NoIntervalWarning

_INSIDE = 5e-4  # predicted means stay this far inside the bounds, as a share of them


class TMLE(AverageLearner):
    r"""Estimate average effects by targeted maximum likelihood.

    Cross-fitted outcome models are shifted, on the scale of log-odds, until their
    plug-in average solves the same equation as :class:`AIPW`. So it is doubly robust
    too, and its mean outcomes never leave the range of the outcome: what to use for
    binary and bounded outcomes when overlap is weak.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome given covariates, fitted once per arm. A classifier for
        binary outcomes, else a regressor; None is LightGBM sized by the data.
    propensity_model : classifier, default=None
        Model of the treatment given covariates; None is LightGBM sized by the data,
        ``KnownPropensity`` the design of an experiment.
    outcome_bounds : tuple of (float, float), default=None
        Smallest and largest possible outcome, in its units. None is 0 and 1 for a
        binary outcome, else the smallest and largest outcome of ``fit``.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting: shuffled, stratified on arm and binary outcome, never
        splitting a group. A list or splitter must hold out each row exactly once.
    n_repeats : int, default=1
        Repetitions of cross-fitting with other folds; averages take the median.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    treatment_type : {"auto", "discrete", "continuous"}, default="auto"
        Numbers with fractions or more than ten levels are continuous under "auto",
        which this estimator refuses.
    outcome_type : {"auto", "binary", "continuous"}, default="auto"
        Booleans and the integers 0/1 are binary under "auto": their models are
        classifiers by default.
    min_propensity : float, default=0.01
        Propensities below, where the target divides by them, are raised to it, with an
        ``OverlapWarning``.
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
        The average effect of everyone, as ``average_effect()`` returns it.
    outcome_bounds_ : tuple of (float, float)
        Bounds of the outcome that were used.
    n_bounded_means_ : int
        Rows with a predicted mean outcome outside the bounds (or within 0.05 % of
        their range), which was moved inside before targeting.
    arms_ : ndarray of shape (n_arms,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.
    nuisances_ : NuisanceEstimates
        Out-of-fold nuisance estimates, their held-out losses and fitted models.

    Notes
    -----
    Assumes no unmeasured confounding given X, overlap, and a bounded outcome. With the
    outcome scaled to [0, 1] and out-of-fold :math:`\mu_a, e_a`, the number
    :math:`\epsilon_a` in
    :math:`\mu_a^*(x) = \mathrm{expit}(\mathrm{logit}\,\mu_a(x) + \epsilon_a)` solves
    :math:`\sum_i 1[T_i = a]\, \omega_a(X_i) (Y_i - \mu_a^*(X_i)) = 0` with
    :math:`\omega_a = 1 / e_a`, or the odds that carry arm a to the treated or the
    controls. The estimate is the mean of :math:`\mu_a^* - \mu_0^*` over the target
    population, all folds pooled (cross-validated TMLE), and its influence that of
    :class:`AIPW` at :math:`\mu^*`. ``target="overlap"`` is not offered.

    References
    ----------
    van der Laan, M. J., & Rubin, D. (2006). Targeted maximum likelihood learning. The
    International Journal of Biostatistics, 2(1). https://doi.org/10.2202/1557-4679.1043

    Gruber, S., & van der Laan, M. J. (2010). A targeted maximum likelihood estimator
    of a causal effect on a bounded continuous outcome. The International Journal of
    Biostatistics, 6(1). https://doi.org/10.2202/1557-4679.1260

    Zheng, W., & van der Laan, M. J. (2011). Cross-validated targeted minimum-loss-based
    estimation. In Targeted Learning. Springer.
    https://doi.org/10.1007/978-1-4419-9782-1_27

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import TMLE
    >>> data = make_observational(1000, outcome="binary", random_state=0)
    >>> tmle = TMLE(LogisticRegression(), LogisticRegression(), random_state=0)
    >>> _ = tmle.fit(data.X, data.y, treatment=data.treatment)
    >>> lower, upper = tmle.average_effect().interval()
    >>> bool(lower < data.average_effect < upper)
    True
    """

    _nuisances: ClassVar[tuple[Nuisance, ...]] = (OUTCOME_BY_ARM, PROPENSITY)
    _targets: ClassVar[tuple[str, ...]] = ("all", "treated", "control")

    def __init__(
        self,
        outcome_model: Any = None,
        propensity_model: Any = None,
        *,
        outcome_bounds: Any = None,
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
        self.outcome_bounds = outcome_bounds
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
        self.outcome_bounds_ = self._bounds(data)
        self._warn_of_constant_arms(data)
        super()._fit_effect(data, nuisances)

    def _average(self, question: Question, owner: str) -> EffectEstimate:
        data = self._outcome_data()
        means, propensity = self._means_and_propensity(owner)
        low, high = self.outcome_bounds_
        outcome = (data.outcome - low) / (high - low)
        shares = (means - low) / (high - low)
        inside = np.clip(shares, _INSIDE, 1 - _INSIDE)
        self.n_bounded_means_ = int((inside != shares).any(axis=(0, 2)).sum())

        def cell(repeat: int, contrast: int, weight: np.ndarray) -> Mean:
            where = (question.target, contrast)
            arm = data.treatment
            e = raised(propensity[repeat], self.min_propensity, *where)
            mu = targeted_means(*where, outcome, arm, inside[repeat], e, weight)
            mu = low + (high - low) * mu
            terms = target_terms(*where, data.outcome, arm, mu, e)
            return effect_of_terms(terms, weight, question.scale, owner)

        return effects_by_cell(data, question, len(means), cell, owner)

    def _warn_of_constant_arms(self, data: CausalData) -> None:
        """Warn where no shift of log-odds reaches the outcomes of an arm."""
        for code, label in enumerate(np.asarray(self.arms_).tolist()):
            seen = data.outcome[(data.treatment == code) & (data.weights > 0)]
            if seen.size and np.ptp(seen) == 0 and seen[0] in self.outcome_bounds_:
                warnings.warn(
                    f"{self._settings.owner}: all outcomes of arm {label!r} are "
                    f"{seen[0]:g}, a bound of the outcome; its mean is taken to be "
                    "this bound and to have no error, so intervals are too short. "
                    "Collect more rows of that arm, or compare other arms.",
                    NoIntervalWarning,
                    stacklevel=5,
                )

    def _bounds(self, data: CausalData) -> tuple[float, float]:
        """Return the bounds of the outcome; rows without weight do not count."""
        seen = data.outcome[data.weights > 0]
        smallest, largest = float(seen.min()), float(seen.max())
        if self.outcome_bounds is None:
            if data.binary_outcome:
                return 0.0, 1.0
            return smallest, largest if largest > smallest else smallest + 1.0
        owner = self._settings.owner
        try:
            low, high = (float(bound) for bound in self.outcome_bounds)
        except (TypeError, ValueError):
            low, high = np.nan, np.nan
        if not low < high:
            raise ValueError(
                f"{owner}: outcome_bounds must be two numbers (lowest, highest), got "
                f"{self.outcome_bounds!r}. Leave it None to use the observed range."
            )
        if smallest < low or largest > high:
            raise ValueError(
                f"{owner}: outcomes range from {smallest:.6g} to {largest:.6g}, beyond "
                f"outcome_bounds={self.outcome_bounds!r}. Widen the bounds, or use "
                "AIPW for outcomes without bounds."
            )
        return low, high
