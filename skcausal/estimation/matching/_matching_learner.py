"""MatchingLearner: the base of estimators that compare rows with matched rows."""

import warnings
from typing import Any, ClassVar

import numpy as np
import scipy.sparse as sp

from skcausal.estimation._average import Question, effect_label
from skcausal.estimation._average_learner import AverageLearner
from skcausal.estimation._crossfit import FitSettings
from skcausal.estimation._data import CausalData
from skcausal.estimation._nuisances import NuisanceEstimates
from skcausal.estimation.matching._covariates import balance_table
from skcausal.estimation.matching._estimate import (
    Matched,
    MatchingEffect,
    matching_effect,
)
from skcausal.estimation.matching._outcomes import fitted_outcomes
from skcausal.inference import EffectEstimate
from skcausal.utils._validation import OverlapWarning


class NoMatchError(ValueError):
    """No row of the target has a match: there is nothing to compare."""


class MatchingLearner(AverageLearner):
    """Base of matching: a subclass finds matches and predicts outcomes of points.

    It writes ``_prepare`` (once per fit), ``_match`` and ``_outcomes`` (per target).
    """

    _model_parameters: ClassVar[tuple[str, ...]] = ()
    _targets: ClassVar[tuple[str, ...]] = ("all", "treated", "control")
    _allows_several_arms: ClassVar[bool] = False
    outcome_type = "continuous"  # of an outcome that no model is fitted to
    n_jobs: int | None = None
    target: str
    bias_correction: bool

    def _fit_settings(self, owner: str) -> FitSettings:
        return FitSettings(owner, seed=0)

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        owner = self._settings.owner
        if self.target not in self._targets:
            raise ValueError(
                f"{owner}: target must be one of "
                f"{', '.join(map(repr, self._targets))}, got {self.target!r}."
            )
        self._target = self.target
        self._kept: dict[str, tuple[Matched, np.ndarray]] = {}
        self._prepare(data, owner)
        matched = self._with_outcomes(self.target)[0]
        v = data.weights * self._in_target(self.target)
        self.unmatched_ = np.flatnonzero((v > 0) & ~matched.has_match)
        self.matching_weights_ = self._effect_in(self.target, data.weights).weight
        self.balance_ = balance_table(
            data.X, data.treatment, data.weights, self.matching_weights_
        )
        self._list_matches(data)
        super()._fit_effect(data, nuisances)

    def _list_matches(self, data: CausalData) -> None:
        """Keep what users want to see of the matches (hook)."""

    def _prepare(self, data: CausalData, owner: str) -> None:
        """Check parameters and keep what matching needs of the table (hook)."""
        raise NotImplementedError

    def _match(self, target: str) -> Matched:
        """Return the matches that a target needs (hook)."""
        raise NotImplementedError

    def _outcomes(self, matched: Matched, v: np.ndarray) -> np.ndarray:
        """Predict outcomes in both arms (n, 2) from rows that matter for v (hook)."""
        raise NotImplementedError

    def _no_match_hint(self) -> str:
        """Return what to do about rows without a match (hook)."""
        raise NotImplementedError

    def _with_outcomes(self, target: str) -> tuple[Matched, np.ndarray]:
        """Return matches and predicted outcomes of a target, found once."""
        if target not in self._kept:
            self._training_data("average_effect")
            matched = self._match(target)
            v = self._data.weights * self._in_target(target)
            lost = np.flatnonzero((v > 0) & ~matched.has_match)
            if lost.shape[0] == (v > 0).sum():
                raise NoMatchError(
                    f"{self._settings.owner}: no row of target={target!r} has a match; "
                    f"nothing can be compared. {self._no_match_hint()}"
                )
            self._warn_of_unmatched(target, lost, int((v > 0).sum()))
            v = v * matched.has_match
            self._kept[target] = matched, self._outcomes(matched, v)
        return self._kept[target]

    def _arms_to_match(self, target: str) -> tuple[int, ...]:
        """Return the arms that matches come from."""
        return {"all": (0, 1), "treated": (0,), "control": (1,)}[target]

    def _in_target(self, target: str) -> np.ndarray:
        if target == "all":
            return np.ones(self._data.n_rows)
        return (self._data.treatment == (target == "treated")).astype(float)

    def _warn_of_unmatched(self, target: str, lost: np.ndarray, n_rows: int) -> None:
        if not lost.shape[0]:
            return
        shown = ", ".join(map(str, lost[:5])) + (", ..." if lost.shape[0] > 5 else "")
        where = "; all are in unmatched_" if target == self.target else ""
        warnings.warn(
            f"{self._settings.owner}: {lost.shape[0]} of {n_rows} rows of "
            f"target={target!r} have no match (rows {shown}{where}) and are left out, "
            "so the effect is about the others only. "
            f"{self._no_match_hint()}",
            OverlapWarning,
            stacklevel=6,
        )

    def _effect_in(self, target: str, weight: np.ndarray) -> MatchingEffect:
        """Return the effect among matched rows of a target, with weights given."""
        matched, fitted = self._with_outcomes(target)
        v = weight * self._in_target(target) * matched.has_match
        if not v.any():
            raise NoMatchError(
                f"{type(self).__name__}.average_effect: no row of target={target!r} in "
                "a subgroup has a match. Check where=, by=, weights= and unmatched_."
            )
        effect = matching_effect(matched, v, fitted, corrected=self.bias_correction)
        return self._finished(effect, target, weight)

    def _finished(
        self, effect: MatchingEffect, target: str, weight: np.ndarray
    ) -> MatchingEffect:
        """Account for what else was estimated (hook)."""
        return effect

    def _regressed(
        self,
        matched: Matched,
        v: np.ndarray,
        Z: np.ndarray,
        stratum: np.ndarray,
        distinct: np.ndarray,
    ) -> np.ndarray:
        """Predict outcomes in both arms by least squares on the matches in use."""
        used, arm = matched.as_match(v)[0], self._data.treatment
        is_match = np.isin(arm, list(matched.links))
        weight = np.where(is_match, used, v)
        fitted, poor = fitted_outcomes(
            Z, stratum, self._data.outcome, arm, weight, distinct
        )
        if poor and self.bias_correction:
            warnings.warn(
                f"{self._settings.owner}: bias_correction=True needs more distinct "
                "matches than coefficients, which the arm(s) "
                f"{np.asarray(self.arms_)[poor].tolist()} do not have: their "
                "matches are not corrected. Match on fewer columns, or set "
                "bias_correction=False.",
                UserWarning,
                stacklevel=7,
            )
        return fitted

    def _average(self, question: Question, owner: str) -> EffectEstimate:
        data = self._data
        if question.scale != "difference":
            raise ValueError(
                f"{owner}: scale={question.scale!r} has no matching estimator with a "
                "known variance. Use scale='difference', or AIPW for ratios."
            )
        weight = question.row_weights(data, owner)
        cells = question.subgroups(data, owner)
        effects = [self._effect_in(question.target, weight * m) for _, m in cells]
        return EffectEstimate(
            np.array([[effect.value for effect in effects]]),
            np.column_stack([effect.scaled_influence for effect in effects])[None],
            labels=tuple(effect_label(data, 1, label) for label, _ in cells),
            groups=data.groups,
            row_key=data.row_key,
            name=f"average effect ({question.target})",
        )

    def _projected(self, features: Any, target: str) -> EffectEstimate:
        raise ValueError(
            f"{type(self).__name__}.best_linear_projection: matching has no score of "
            "each row to project. Use AIPW or a learner such as DRLearner."
        )

    def _check_X(self, X: Any, *, reset: bool) -> Any:
        X = super()._check_X(X, reset=reset)
        if sp.issparse(X):
            raise TypeError(
                f"{type(self).__name__}: X is sparse, but matching needs all values. "
                "Pass X.toarray() of few columns, or reduce them (TruncatedSVD)."
            )
        return X

    def __sklearn_tags__(self) -> Any:
        """Take dense numbers only."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.allow_nan = False
        return tags
