"""Nuisances for judging effects: cross-fitted on the scored rows, shared by all."""

import warnings
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from skcausal.estimation._average import (
    Question,
    average_effect,
    slope_estimate,
    variance_out_of_fold,
)
from skcausal.estimation._crossfit import FitSettings, cross_fit
from skcausal.estimation._data import CausalData, make_data
from skcausal.estimation._delegation import final_learner
from skcausal.estimation._folds import Folds, make_folds
from skcausal.estimation._losses import normalised_dr_score, normalised_r_score
from skcausal.estimation._nuisances import (
    OUTCOME,
    OUTCOME_POOLED,
    PROPENSITY,
    Nuisance,
)
from skcausal.estimation._scores import contrast_scores, residual_scores
from skcausal.estimation._survival import Endpoint
from skcausal.estimation._uncensoring import evaluated_without_censoring
from skcausal.inference import EffectEstimate
from skcausal.utils._target import (
    TargetParts,
    is_causal_target,
    resolve_target,
    with_nuisances,
)
from skcausal.utils._validation import (
    OverlapWarning,
    check_features,
    is_pandas,
    is_polars,
    pandas_from_polars,
)

_MIN_PROPENSITY = 0.01


@dataclass(frozen=True)
class EvaluationOptions:
    """How the nuisances of an evaluation are estimated.

    Parameters
    ----------
    outcome_model, propensity_model : estimator or None
        Base models; None is LightGBM sized by the data.
    cv : int, splitter or list
        Folds on the scored rows.
    random_state : int
        Seed; fixed by default, so that all candidates share the same nuisances.
    n_jobs : int or None
        Parallel fits.
    """

    outcome_model: Any = None
    propensity_model: Any = None
    cv: Any = 5
    random_state: int = 0
    n_jobs: int | None = None


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Rows with what is needed to score predicted effects on them.

    Parameters
    ----------
    data : CausalData
        The scored rows.
    given : dict
        Per-row nuisances that travelled in the target, columns ordered as the arms.
    options : EvaluationOptions
        How missing nuisances are estimated.
    """

    data: CausalData
    given: dict[str, np.ndarray] = field(default_factory=dict)
    options: EvaluationOptions = field(default_factory=EvaluationOptions)

    @classmethod
    def of(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        treatment: Any = None,
        sample_weight: Any = None,
        options: EvaluationOptions | None = None,
        event: Any = None,
    ) -> "Evaluation":
        """Evaluate a fitted learner, Pipeline or search on rows."""
        learner = final_learner(estimator)
        owner = f"{type(learner).__name__}.score"
        parts = resolve_target(owner, y, treatment, sample_weight, event=event)
        arms = getattr(learner, "arms_", None)
        continuous = arms is None and hasattr(learner, "arms_")
        return cls.make(
            X,
            parts,
            owner=owner,
            control_arm=None if arms is None else arms[0],
            treatment_type="continuous" if continuous else "auto",
            options=options,
            endpoint=getattr(learner, "_endpoint", None),
        )

    @classmethod
    def make(
        cls,
        X: Any,
        parts: TargetParts,
        *,
        owner: str,
        control_arm: Any = None,
        treatment_type: str = "auto",
        options: EvaluationOptions | None = None,
        endpoint: Endpoint | None = None,
    ) -> "Evaluation":
        """Check the rows; text columns count as categories here."""
        data = make_data(
            check_features(text_as_categories(X), owner),
            parts,
            owner=owner,
            control_arm=control_arm,
            treatment_type=treatment_type,
        )
        given = _in_arm_order(parts.nuisances, data, owner)
        options = options or EvaluationOptions()
        if endpoint is not None or data.event is not None:
            data, given = evaluated_without_censoring(data, endpoint, options, owner)
        return cls(data, given, options)

    @cached_property
    def _settings(self) -> FitSettings:
        options = self.options
        return FitSettings("score", options.random_state, True, options.n_jobs)

    @cached_property
    def _folds(self) -> Folds:
        seed = self.options.random_state
        return make_folds(
            self.data, self.options.cv, n_repeats=1, seed=seed, owner="score"
        )

    def nuisance(self, nuisance: Nuisance) -> np.ndarray:
        """Return out-of-fold values (n, k): given ones, else estimated and shared."""
        if nuisance.name in self.given:
            return self.given[nuisance.name].reshape(self.data.n_rows, -1)
        models = {
            "outcome_model": self.options.outcome_model,
            "propensity_model": self.options.propensity_model,
        }
        fitted = cross_fit((nuisance,), models, self.data, self._folds, self._settings)
        return fitted[nuisance.name][0]

    @cached_property
    def residuals(self) -> tuple[np.ndarray, np.ndarray]:
        """Residuals of the outcome (n,) and of the treatment (n, n_contrasts)."""
        outcome = self.data.outcome - self.nuisance(OUTCOME)[:, 0]
        mean = self.nuisance(PROPENSITY)
        if self.data.is_discrete:
            return outcome, (self.data.arm_indicators() - mean)[:, 1:]
        return outcome, self.data.treatment[:, None] - mean

    @cached_property
    def scores(self) -> np.ndarray:
        """Doubly robust effect scores, shape (n, n_arms - 1)."""
        if not self.data.is_discrete:
            raise ValueError(
                "score: a continuous treatment has no doubly robust scores of arms. "
                "Use the 'r_score', which judges slopes."
            )
        e = self.nuisance(PROPENSITY)
        low = (e < _MIN_PROPENSITY).any(axis=1)
        if low.any():
            warnings.warn(
                f"score: {low.sum()} of {low.shape[0]} scored rows have a propensity "
                f"below {_MIN_PROPENSITY}, which was raised to it.",
                OverlapWarning,
                stacklevel=3,
            )
        mu = self.nuisance(OUTCOME_POOLED)
        e = np.maximum(e, _MIN_PROPENSITY)
        return contrast_scores(self.data.outcome, self.data.treatment, mu, e)

    def average_effect(
        self, effects: np.ndarray, question: Question, owner: str
    ) -> EffectEstimate:
        """Return averages from outcome models rebuilt around predicted effects."""
        question.check(self.data, owner)
        if not self.data.is_discrete:
            return self._average_slope(effects[:, 0], question, owner)
        e = self.nuisance(PROPENSITY)
        control = self.nuisance(OUTCOME)[:, 0] - (e[:, 1:] * effects).sum(axis=1)
        mu = np.column_stack([control, control[:, None] + effects])
        return average_effect(
            self.data,
            mu[None],
            e[None],
            question,
            min_propensity=_MIN_PROPENSITY,
            owner=owner,
        )

    def _average_slope(
        self, effects: np.ndarray, question: Question, owner: str
    ) -> EffectEstimate:
        """Return the average slope from scores around predicted slopes."""
        u, v = self.residuals[0], self.residuals[1][:, 0]
        if question.target == "overlap":
            numerator, denominator = v * u, v**2
        else:
            variance = variance_out_of_fold(self.data, v, self._folds, self._settings)
            numerator = residual_scores(effects, u, v, variance)
            denominator = np.ones(self.data.n_rows)
        return slope_estimate(self.data, [(numerator, denominator)], question, owner)

    def r_score(self, effects: np.ndarray) -> float:
        """Return the normalised R-score of predicted effects."""
        u, v = self.residuals
        return normalised_r_score(self.checked(effects), u, v, self.data.weights)

    def dr_score(self, effects: np.ndarray) -> float:
        """Return the normalised DR-score of predicted effects."""
        return normalised_dr_score(
            self.checked(effects), self.scores, self.data.weights
        )

    def checked(self, effects: np.ndarray) -> np.ndarray:
        """Check predicted effects: one column per contrast, all finite."""
        effects = np.asarray(effects, dtype=float)
        columns = effects.reshape(effects.shape[0], -1)
        expected = (self.data.n_rows, self.data.n_contrasts)
        if columns.shape != expected:
            raise ValueError(
                f"score: predicted effects have shape {effects.shape}, but the scored "
                f"rows need {expected}. Does every scored fold hold all arms?"
            )
        if not np.isfinite(columns).all():
            raise ValueError("score: predicted effects hold NaN or infinite values.")
        return columns


def text_as_categories(X: Any) -> Any:
    """Return a frame whose text columns are categories, as evaluation reads them."""
    if is_polars(X):
        X = pandas_from_polars(X)
    if not is_pandas(X):
        return X
    text = [
        name
        for name, dtype in X.dtypes.items()
        if str(dtype) in ("object", "str", "string")
    ]
    return X.astype(dict.fromkeys(text, "category")) if text else X


def _in_arm_order(
    nuisances: dict[str, np.ndarray], data: CausalData, owner: str
) -> dict[str, np.ndarray]:
    """Reorder per-arm columns from sorted labels to control first."""
    if not nuisances or data.arms is None:
        return nuisances
    position = np.argsort(np.argsort(data.arms))  # of each arm among sorted labels
    ordered = {}
    for name, values in nuisances.items():
        if values.ndim == 2:
            if values.shape[1] != data.n_arms:
                raise ValueError(
                    f"{owner}: the target's nuisances were made for {values.shape[1]} "
                    f"arms, but these rows hold {data.n_arms}."
                )
            values = values[:, position]
        ordered[name] = values
    return ordered


def effect_scores(
    X: Any,
    y: Any,
    *,
    treatment: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    control_arm: Any = None,
    options: EvaluationOptions | None = None,
) -> np.ndarray:
    """Return doubly robust effect scores, cross-fitted on the rows given.

    Shape (n,) for two arms, (n, n_arms - 1) for more.
    """
    parts = resolve_target("effect_scores", y, treatment, sample_weight, groups)
    evaluation = Evaluation.make(
        X, parts, owner="effect_scores", control_arm=control_arm, options=options
    )
    scores = evaluation.scores
    return scores[:, 0] if scores.shape[1] == 1 else scores


def add_nuisances(
    X: Any,
    target: np.ndarray,
    *,
    cv: Any = 5,
    outcome_model: Any = None,
    propensity_model: Any = None,
    random_state: int = 0,
    n_jobs: int | None = None,
) -> np.ndarray:
    """Add nuisance estimates to a causal target, for all candidates of a search.

    Each row carries the out-of-fold estimates that our scorers need, so that a search
    over any number of candidates and processes fits them once.

    Parameters
    ----------
    X : array-like or DataFrame of shape (n, n_features)
        Covariates; text columns count as categories.
    target : structured ndarray of shape (n,)
        Made by ``causal_target``.
    cv : int, splitter or list of (train, test), default=5
        Folds; pass the list of splits that the search uses.
    outcome_model, propensity_model : estimator, default=None
        Base models; None is LightGBM sized by the data.
    random_state : int, default=0
        Seed of folds and models.
    n_jobs : int, default=None
        Parallel fits.

    Returns
    -------
    target : structured ndarray of shape (n,)
        The target with fields for the nuisances. Only scorers read them: a learner
        estimates its own, because these have seen rows its search holds out.

    Raises
    ------
    TypeError
        If ``target`` is not a causal target.

    Examples
    --------
    >>> from skcausal import add_nuisances, causal_target
    >>> from skcausal.datasets import make_observational
    >>> data = make_observational(200, random_state=0)
    >>> target = causal_target(data.y, data.treatment)
    >>> add_nuisances(data.X, target).dtype.names[2:]
    ('nuisance_outcome', 'nuisance_propensity', 'nuisance_outcome_pooled')
    """
    if not is_causal_target(target):
        raise TypeError(
            "add_nuisances: target must be made by causal_target(outcome, treatment), "
            f"got {type(target).__name__}."
        )
    parts = resolve_target("add_nuisances", target)
    options = EvaluationOptions(
        outcome_model, propensity_model, cv, random_state, n_jobs
    )
    labels = np.unique(parts.treatment)
    evaluation = Evaluation.make(
        X, parts, owner="add_nuisances", control_arm=labels[0], options=options
    )
    wanted = [OUTCOME, PROPENSITY]
    if evaluation.data.is_discrete:
        wanted.append(OUTCOME_POOLED)
    values = {n.name: evaluation.nuisance(n) for n in wanted}
    values["outcome"] = values["outcome"][:, 0]
    if not evaluation.data.is_discrete:
        values["propensity"] = values["propensity"][:, 0]
    return with_nuisances(target, values)
