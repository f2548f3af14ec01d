"""InstrumentLearner: the base of estimators of one number from an instrument."""

import warnings
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._average import Moment, Question, slope_estimate
from skcausal.estimation._average_learner import AverageLearner
from skcausal.estimation._data import CausalData
from skcausal.estimation._folds import Folds, make_folds
from skcausal.estimation._nuisances import Nuisance, NuisanceEstimates
from skcausal.inference import (
    ConfidenceSet,
    EffectEstimate,
    ratio_confidence_set,
    ratio_of_estimates,
)
from skcausal.utils._target import resolve_target
from skcausal.utils._validation import WeakInstrumentWarning

_NOTHING = 1e-12  # first-stage F of an instrument that moves nobody, up to rounding


class InstrumentLearner(AverageLearner):
    """Base of estimators that divide what an instrument does to outcome and treatment.

    A subclass declares ``_nuisances`` and its ``_target``, and writes
    ``_stage_moments``; the ratio and its inference are here.
    """

    __metadata_request__fit: ClassVar = {
        "treatment": True,
        "instrument": True,
        "sample_weight": True,
        "groups": True,
    }
    _model_parameters: ClassVar[tuple[str, ...]] = (
        "outcome_model",
        "treatment_model",
        "instrument_model",
    )
    _allows_continuous: ClassVar[bool] = True
    _allows_several_arms: ClassVar[bool] = False

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        treatment: Any = None,
        instrument: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> "InstrumentLearner":
        """Estimate the effect of the treatment on those whom the instrument moves.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features)
            Covariates given which the instrument is as good as random.
        y : array-like of shape (n,)
            Outcome, or a ``causal_target`` that also holds treatment and instrument.
        treatment : array-like of shape (n,), default=None
            Labels of two arms, or numbers for a continuous treatment.
        instrument : array-like of shape (n,), default=None
            Numbers, or two labels (in sorted order).
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows; used by every base model and average.
        groups : array-like of shape (n,), default=None
            Cluster of each row: kept together by folds, unit of standard errors.

        Returns
        -------
        self : InstrumentLearner
            The fitted estimator.

        Raises
        ------
        ValueError
            If treatment or instrument do not arrive or do not vary, or the instrument
            moves nobody's treatment.

        Warns
        -----
        WeakInstrumentWarning
            If the first-stage F is below ``min_first_stage_f``.
        """
        owner = f"{type(self).__name__}.fit"
        parts = resolve_target(owner, y, treatment, sample_weight, groups, instrument)
        if parts.instrument is None:
            raise ValueError(
                f"{owner}: no instrument arrived. Pass instrument=..., or "
                "y=skcausal.causal_target(outcome, treatment, instrument=...)."
            )
        self._fit(X, parts, owner)
        return self

    def _nuisances_for(self, data: CausalData) -> tuple[Nuisance, ...]:
        if np.ptp(np.asarray(data.instrument)) == 0:
            raise ValueError(
                f"{type(self).__name__}.fit: the instrument has one value; without "
                "variation it says nothing. Check the column."
            )
        if not self.min_first_stage_f >= 0:
            raise ValueError(
                f"{type(self).__name__}.fit: min_first_stage_f must be at least 0, got "
                f"{self.min_first_stage_f!r}."
            )
        return self._nuisances

    def _make_folds(self) -> Folds:
        """Stratify on a binary instrument too: both its values train every model."""
        data = self._data
        if self._folds is None and data.binary_instrument:
            sides = replace(
                data,
                treatment=np.asarray(data.instrument).astype(int),
                arms=np.array(["instrument 0", "instrument 1"]),
                outcome=data.treatment if data.is_discrete else data.outcome,
                binary_outcome=data.is_discrete or data.binary_outcome,
            )
            self._folds = make_folds(
                sides,
                self.cv,
                n_repeats=self.n_repeats,
                seed=self._settings.seed,
                owner=self._settings.owner,
            )
        return super()._make_folds()

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        question, owner = Question(self._target), self._settings.owner
        self.reduced_form_, self.first_stage_ = self._stages(question, owner)
        self.first_stage_f_ = float(_strength(self.first_stage_)[0])
        super()._fit_effect(data, nuisances)

    def _average(self, question: Question, owner: str) -> EffectEstimate:
        self._check_question(question, owner)
        reduced_form, first_stage = self._stages(question, owner)
        self._check_strength(first_stage, owner)
        name = f"local average effect ({question.target})"
        return ratio_of_estimates(reduced_form, first_stage, name=name)

    def _check_question(self, question: Question, owner: str) -> None:
        """Refuse what an instrument does not identify."""
        if question.target != self._target:
            raise ValueError(
                f"{owner}: this estimator offers target={self._target!r} only, got "
                f"{question.target!r}: an instrument tells nothing about those whom it "
                "does not move."
            )
        if question.scale != "difference":
            raise ValueError(
                f"{owner}: with an instrument scale is 'difference', got "
                f"{question.scale!r}."
            )

    def _stages(
        self, question: Question, owner: str
    ) -> tuple[EffectEstimate, EffectEstimate]:
        """Return the effects of the instrument on outcome and on treatment."""
        names = ("effect of the instrument on the outcome", "first stage")
        reduced_form, first_stage = (
            replace(slope_estimate(self._data, moments, question, owner), name=name)
            for name, moments in zip(names, self._stage_moments(), strict=True)
        )
        return reduced_form, first_stage

    def _stage_moments(self) -> tuple[list[Moment], list[Moment]]:
        """Return moments of reduced form and first stage by repetition (hook).

        Both have the same denominators, which are positive on average.
        """
        raise NotImplementedError

    def _check_strength(self, first_stage: EffectEstimate, owner: str) -> None:
        """Warn where the instrument hardly moves the treatment; refuse where not."""
        strength = _strength(first_stage)
        weakest = float(strength.min())
        name = first_stage.labels[int(strength.argmin())]
        where = f" in {name!r}" if len(strength) > 1 else ""
        if weakest <= _NOTHING:
            raise ValueError(
                f"{owner}: the instrument moves nobody's treatment{where} (first-stage "
                f"F = {weakest:.1f}), so there are no compliers to learn an effect "
                "from. Check the columns, or look for another instrument."
            )
        if weakest < self.min_first_stage_f:
            warnings.warn(
                f"{owner}: the instrument is weak{where}: first-stage F = "
                f"{weakest:.1f}, below min_first_stage_f={self.min_first_stage_f:g}. "
                "Estimate and interval can be far off. Report "
                "anderson_rubin_interval(), which holds for any strength, or look for "
                "a stronger instrument.",
                WeakInstrumentWarning,
                stacklevel=4,
            )

    def anderson_rubin_interval(
        self, level: float = 0.95, *, where: Any = None, weights: Any = None
    ) -> ConfidenceSet:
        """Return the confidence set that holds however weak the instrument is.

        It holds the effects for which the test that the instrument has no effect on
        the outcome less the treatment's share of it does not reject. With a strong
        instrument it is close to the interval of :meth:`average_effect`; with a weak
        one it is wide, two rays, or every number, because the data say no more.

        Parameters
        ----------
        level : float, default=0.95
            Confidence level in (0, 1).
        where : array-like of bool of shape (n,), default=None
            Restrict the population to some training rows.
        weights : array-like of shape (n,), default=None
            Weight of each training row in the population, on top of sample weights.

        Returns
        -------
        effects : ConfidenceSet
            One interval, two rays or all numbers, in units of the outcome; clustered
            when ``fit`` had groups.

        Raises
        ------
        ValueError
            If ``level`` is not in (0, 1), or the subgroup is empty.
        """
        check_is_fitted(self, "average_effect_")
        owner = f"{type(self).__name__}.anderson_rubin_interval"
        question = Question(self._target, where, None, weights)
        return ratio_confidence_set(*self._stages(question, owner), level=level)

    def _moments(self, target: str, owner: str) -> list[list[Moment]]:
        self._check_question(Question(target), owner)
        pairs = zip(*self._stage_moments(), strict=True)
        sign = np.sign(np.atleast_1d(self.first_stage_.value)[0])
        return [[(sign * reduced, sign * first)] for (reduced, _), (first, _) in pairs]


def _strength(first_stage: EffectEstimate) -> np.ndarray:
    """Return the first-stage F of each effect: the square of its t-statistic."""
    value = np.atleast_1d(first_stage.value)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.nan_to_num(
            np.square(value / np.atleast_1d(first_stage.standard_error)), posinf=np.inf
        )
