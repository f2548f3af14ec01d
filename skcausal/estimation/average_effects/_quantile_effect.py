"""QuantileEffect: differences of the quantiles of two potential outcomes."""

import warnings
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from skcausal.estimation._average import (
    Mean,
    Question,
    effects_by_cell,
)
from skcausal.estimation._average_learner import AverageLearner
from skcausal.estimation._crossfit import cross_fit
from skcausal.estimation._data import CausalData
from skcausal.estimation._nuisances import (
    OUTCOME_BY_ARM,
    PROPENSITY,
    Nuisance,
)
from skcausal.estimation._scores import arm_weights, raised, shares
from skcausal.estimation.average_effects._quantiles import ArmRows
from skcausal.inference import EffectEstimate
from skcausal.utils._validation import NoIntervalWarning

_MANY_TIES = 0.05


class QuantileEffect(AverageLearner):
    r"""Estimate quantile treatment effects: what the arms do to the distribution.

    The effect at the median, or at the lowest and highest tenth, from localised doubly
    robust scores. It compares the quantile of all outcomes under one arm with that
    under the other; it is not the quantile of the effects of single rows.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of whether the outcome lies below a quantile, given covariates; fitted
        once per arm and quantile. None is LightGBM sized by the data.
    propensity_model : classifier, default=None
        Model of the treatment given covariates; None is LightGBM sized by the data,
        ``KnownPropensity`` the design of an experiment.
    quantiles : float or sequence of float, default=0.5
        Levels strictly between 0 and 1.
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
        The quantile effects of everyone, as ``average_effect()`` returns them.
    arms_ : ndarray of shape (n_arms,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.
    nuisances_ : NuisanceEstimates
        Out-of-fold propensities, their held-out losses and fitted models.

    Notes
    -----
    Assumes no unmeasured confounding given X, overlap, and a continuous outcome with a
    positive density at the quantile. With the preliminary quantile :math:`q_b^0` of
    the weighted rows of arm b, and :math:`\nu_b(x) = P(Y \le q_b^0 \mid T = b, x)` out
    of fold, the quantile :math:`q_b` at level :math:`\gamma` solves

    .. math:: \frac{\sum_i 1[T_i = b]\, \omega_b (1[Y_i \le q] - \nu_b)}
       {\sum_i 1[T_i = b]\, \omega_b} + \frac{\sum_i d_i \nu_b}{\sum_i d_i} = \gamma,

    where :math:`d` marks the target population and :math:`\omega_b` carries arm b to
    it. The influence is minus the score over the density of :math:`Y(b)` at
    :math:`q_b`, a weighted Gaussian kernel estimate. Labels are the levels where
    there are several; ``effect`` is the effect at the level closest to the median.
    ``target="overlap"`` and ``scale="ratio"`` are not offered.

    References
    ----------
    Firpo, S. (2007). Efficient semiparametric estimation of quantile treatment effects.
    Econometrica, 75(1). https://doi.org/10.1111/j.1468-0262.2007.00738.x

    Kallus, N., Mao, X., & Uehara, M. (2024). Localized debiased machine learning:
    efficient inference on quantile treatment effects and beyond. Journal of Machine
    Learning Research, 25(16). https://jmlr.org/papers/v25/19-1036.html

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import QuantileEffect
    >>> data = make_observational(1000, effect="constant", random_state=0)
    >>> logit = LogisticRegression()
    >>> effect = QuantileEffect(logit, logit, quantiles=[0.25, 0.75], random_state=0)
    >>> _ = effect.fit(data.X, data.y, treatment=data.treatment)
    >>> lower, upper = effect.average_effect()[0.25].interval()
    >>> bool(lower < 1 < upper)
    True
    """

    _nuisances: ClassVar[tuple[Nuisance, ...]] = (PROPENSITY,)
    _targets: ClassVar[tuple[str, ...]] = ("all", "treated", "control")

    def __init__(
        self,
        outcome_model: Any = None,
        propensity_model: Any = None,
        *,
        quantiles: Any = 0.5,
        cv: Any = 5,
        n_repeats: int = 1,
        control_arm: Any = None,
        treatment_type: str = "auto",
        min_propensity: float = 0.01,
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.outcome_model = outcome_model
        self.propensity_model = propensity_model
        self.quantiles = quantiles
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
        """Quantiles are those of a continuous outcome."""
        return "continuous"

    def _levels(self, owner: str) -> tuple[float, ...]:
        """Return the checked levels of the quantiles."""
        levels = np.atleast_1d(np.asarray(self.quantiles, dtype=float))
        if (
            levels.ndim != 1
            or not levels.size
            or not ((levels > 0) & (levels < 1)).all()
        ):
            raise ValueError(
                f"{owner}: quantiles must lie strictly between 0 and 1, got "
                f"{self.quantiles!r}."
            )
        if len(set(levels.tolist())) < len(levels):
            raise ValueError(f"{owner}: quantiles repeat a level: {self.quantiles!r}.")
        return tuple(levels.tolist())

    def _contrast_effects(self, X: Any) -> np.ndarray:
        levels = np.array(self._levels("effect"))
        values = np.atleast_1d(self.average_effect_.value).reshape(-1, len(levels))
        closest = values[:, np.argmin(np.abs(levels - 0.5))]
        return np.tile(closest, (X.shape[0], 1))

    def _average(self, question: Question, owner: str) -> EffectEstimate:
        if question.scale != "difference":
            raise ValueError(
                f"{owner}: scale={question.scale!r} is not offered for quantiles. Use "
                "scale='difference'."
            )
        levels = self._levels(owner)
        self._warn_of_overlap(self.nuisances_, owner)
        estimates = [self._at_level(level, question, owner) for level in levels]
        if len(levels) == 1:
            return replace(estimates[0], name=f"effect at quantile {levels[0]:g}")
        return self._joined(estimates, levels, question)

    def _at_level(self, level: float, question: Question, owner: str) -> EffectEstimate:
        """Return the effects at one quantile."""
        rows = self._training_data("average_effect")
        e = self.nuisances_[PROPENSITY.name]
        fits: dict[tuple[float, ...], np.ndarray] = {}

        def cell(repeat: int, contrast: int, weight: np.ndarray) -> Mean:
            arms = self._arm_rows(question.target, contrast, weight, e)
            firsts = [
                float(np.median([one.first_quantile(level) for one in repeats]))
                for repeats in arms
            ]
            key = tuple(firsts)
            if key not in fits:
                fits[key] = self._below(rows, contrast, firsts)
            (q_a, influence_a), (q_0, influence_0) = (
                self._quantile(one[repeat], level, below, owner)
                for one, below in zip(arms, fits[key][:, repeat], strict=True)
            )
            return q_a - q_0, influence_a - influence_0

        return effects_by_cell(self._data, question, len(e), cell, owner)

    def _arm_rows(
        self, target: str, contrast: int, weight: np.ndarray, e: np.ndarray
    ) -> list[list[ArmRows]]:
        """Return the rows of both arms, one entry per repetition."""
        arm, outcome = self._data.treatment, self._data.outcome
        members = {"all": arm >= 0, "treated": arm == contrast, "control": arm == 0}
        share = shares(weight * members[target])
        both: list[list[ArmRows]] = [[], []]
        for one in e:
            safe = raised(one, self.min_propensity, target, contrast)
            omegas = arm_weights(target, contrast, safe)
            for place, code in enumerate((contrast, 0)):
                carried = weight * (arm == code) * omegas[place]
                both[place].append(ArmRows(outcome, shares(carried), share))
        return both

    def _below(
        self, rows: CausalData, contrast: int, firsts: list[float]
    ) -> np.ndarray:
        """Return P(Y <= first quantile) by arm out of fold, (2, n_repeats, n).

        One fit serves both arms: the outcome of each row is compared with the quantile
        of its own arm. Arms outside the contrast have the quantile of control.
        """
        threshold = np.where(rows.treatment == contrast, firsts[0], firsts[1])
        below = (rows.outcome <= threshold).astype(float)
        derived = replace(rows, outcome=below, binary_outcome=True)
        models = {"outcome_model": self.outcome_model}
        nuisance = (OUTCOME_BY_ARM,)
        fits = cross_fit(nuisance, models, derived, self._make_folds(), self._settings)
        values = fits[OUTCOME_BY_ARM.name]
        return np.stack([values[:, :, contrast], values[:, :, 0]])

    def _quantile(
        self, rows: ArmRows, level: float, below: np.ndarray, owner: str
    ) -> Mean:
        """Return the quantile of one arm; warn where its interval means little."""
        value, influence = rows.quantile(level, below)
        tied = rows.tied(value)
        if tied > _MANY_TIES:
            warnings.warn(
                f"{owner}: {tied:.0%} of the outcomes of an arm equal its quantile at "
                f"{level:g} ({value:.6g}), so there is no density and the interval is "
                "not valid. Compare means instead (AIPW), or another quantile.",
                NoIntervalWarning,
                stacklevel=5,
            )
        return value, influence

    def _joined(
        self,
        estimates: list[EffectEstimate],
        levels: tuple[float, ...],
        question: Question,
    ) -> EffectEstimate:
        """Return all quantiles of the first contrast and subgroup, then the next."""
        n_cells = estimates[0].values.shape[1]
        order = [
            level * n_cells + cell
            for cell in range(n_cells)
            for level in range(len(levels))
        ]
        plain = self._data.n_arms == 2 and question.by is None
        labels = [
            level if plain else (label, level)
            for label in estimates[0].labels
            for level in levels
        ]
        return replace(
            estimates[0],
            values=np.hstack([one.values for one in estimates])[:, order],
            influences=np.concatenate([one.influences for one in estimates], 2)[
                :, :, order
            ],
            labels=tuple(labels),
            name="effect at quantiles",
        )

    def _projected(self, features: Any, target: str) -> EffectEstimate:
        raise ValueError(
            "QuantileEffect.best_linear_projection: quantile effects have no value per "
            "row that could be projected. Use AIPW or a DRLearner for means."
        )
