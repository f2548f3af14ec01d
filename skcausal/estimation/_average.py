"""Average effects of a training sample: from scores to EffectEstimate."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skcausal.estimation._crossfit import FitSettings, cross_fit
from skcausal.estimation._data import CausalData
from skcausal.estimation._folds import Folds
from skcausal.estimation._nuisances import OUTCOME, NuisanceEstimates
from skcausal.estimation._scores import (
    ScoreTerms,
    raised,
    ratio_of_means,
    residual_scores,
    target_terms,
)
from skcausal.inference import EffectEstimate
from skcausal.utils._validation import (
    OverlapWarning,
    as_vector,
    check_weights,
    refuse_missing,
)

Moment = tuple[np.ndarray, np.ndarray]  # numerator and denominator of each row
Mean = tuple[float, np.ndarray]  # a value and the influence of each row on it
Cell = Callable[[int, int, np.ndarray], Mean]

_MIN_VARIANCE = 0.05
TARGETS = ("all", "treated", "control", "overlap")


@dataclass(frozen=True, eq=False)
class Question:
    """Which average is wanted: target population, subgroups and scale.

    Parameters
    ----------
    target : str
        "all", "treated", "control" or "overlap".
    where : array-like of bool or None
        Rows of the subgroup.
    by : array-like or None
        Label of the subgroup of each row: one effect per label.
    weights : array-like or None
        Weight of each row in the target population.
    scale : {"difference", "ratio"}
        Difference or ratio of mean outcomes.
    """

    target: str = "all"
    where: Any = None
    by: Any = None
    weights: Any = None
    scale: str = "difference"

    def check(self, data: CausalData, owner: str) -> None:
        """Refuse what the treatment does not allow."""
        if self.target not in TARGETS:
            raise ValueError(
                f"{owner}: target must be one of {', '.join(map(repr, TARGETS))}, got "
                f"{self.target!r}."
            )
        if self.scale not in ("difference", "ratio"):
            raise ValueError(
                f"{owner}: scale must be 'difference' or 'ratio', got {self.scale!r}."
            )
        if not data.is_discrete and self.target not in ("all", "overlap"):
            raise ValueError(
                f"{owner}: target={self.target!r} needs arms, but the treatment is "
                "continuous. Use 'all' or 'overlap'."
            )
        if self.scale == "ratio" and (self.target == "overlap" or not data.is_discrete):
            raise ValueError(
                f"{owner}: scale='ratio' needs mean outcomes of both arms, which "
                "target='overlap' and continuous treatments do not have. Use "
                "scale='difference', or target='all'."
            )

    def row_weights(self, data: CausalData, owner: str) -> np.ndarray:
        """Return the weight of each row in the target population."""
        weight = data.weights
        if self.weights is not None:
            weight = weight * check_weights(self.weights, data.n_rows, owner, "weights")
        if self.where is not None:
            mask = np.asarray(self.where)
            if mask.dtype != bool or mask.shape != (data.n_rows,):
                raise ValueError(
                    f"{owner}: where must be a boolean mask over the {data.n_rows} "
                    f"rows, got dtype {mask.dtype} and shape {mask.shape}."
                )
            weight = weight * mask
        return weight

    def subgroups(self, data: CausalData, owner: str) -> list[tuple[Any, np.ndarray]]:
        """Return (label, mask) of each subgroup; one unnamed group without ``by``."""
        if self.by is None:
            return [(None, np.ones(data.n_rows, dtype=bool))]
        categories = getattr(getattr(self.by, "dtype", None), "categories", None)
        labels = as_vector(self.by, "by")
        if labels.shape[0] != data.n_rows:
            raise ValueError(
                f"{owner}: by must have one label for each of the {data.n_rows} rows, "
                f"got {labels.shape[0]}."
            )
        refuse_missing(labels, "by", owner)
        if labels.dtype == object:
            labels = np.array(labels.tolist())
        names = np.unique(labels).tolist()
        if categories is not None:  # in their order, not the alphabet's
            names = [name for name in list(categories) if name in set(names)]
        return [(name, labels == name) for name in names]


def average_effect(
    data: CausalData,
    outcome_means: np.ndarray,
    propensity: np.ndarray,
    question: Question,
    *,
    min_propensity: float,
    owner: str,
) -> EffectEstimate:
    """Return doubly robust average effects of arms against control.

    Both nuisances are out of fold, of shape (n_repeats, n, n_arms).
    """

    def cell(repeat: int, contrast: int, weight: np.ndarray) -> Mean:
        e = raised(propensity[repeat], min_propensity, question.target, contrast)
        mu = outcome_means[repeat]
        terms = target_terms(
            question.target, contrast, data.outcome, data.treatment, mu, e
        )
        return effect_of_terms(terms, weight, question.scale, owner)

    return effects_by_cell(data, question, len(outcome_means), cell, owner)


def effects_by_cell(
    data: CausalData, question: Question, n_repeats: int, cell: Cell, owner: str
) -> EffectEstimate:
    """Return the effect of every contrast in every subgroup.

    ``cell(repeat, contrast, weight)`` gives value and influence of one of them, with
    the weight of each row in its population.
    """
    question.check(data, owner)
    weight = question.row_weights(data, owner)
    cells = [
        (contrast, label, mask)
        for contrast in range(1, data.n_arms)
        for label, mask in question.subgroups(data, owner)
    ]
    repeats = [
        [cell(repeat, contrast, weight * mask) for contrast, _, mask in cells]
        for repeat in range(n_repeats)
    ]
    labels = tuple(effect_label(data, contrast, label) for contrast, label, _ in cells)
    return _assembled(data, repeats, labels, question)


def propensity_of(nuisances: NuisanceEstimates) -> np.ndarray:
    """Return the propensities, whichever name a learner gives them."""
    return nuisances["propensity" if "propensity" in nuisances else "treatment_mean"]


def effect_of_terms(
    terms: ScoreTerms, weight: np.ndarray, scale: str, owner: str
) -> Mean:
    """Return value and influence of one contrast from its score terms."""
    if scale == "difference":
        return ratio_of_means(terms.treated - terms.control, terms.denominator, weight)
    return contrast_of_means(
        ratio_of_means(terms.treated, terms.denominator, weight),
        ratio_of_means(terms.control, terms.denominator, weight),
        scale,
        owner,
    )


def contrast_of_means(treated: Mean, control: Mean, scale: str, owner: str) -> Mean:
    """Return the difference or ratio of two means, with its influence."""
    (mean_a, influence_a), (mean_0, influence_0) = treated, control
    if scale == "difference":
        return mean_a - mean_0, influence_a - influence_0
    if mean_0 <= 0:
        raise ValueError(
            f"{owner}: scale='ratio' needs a positive mean outcome under "
            f"control, got {mean_0:.4g}. Use scale='difference'."
        )
    ratio = mean_a / mean_0
    return ratio, (influence_a - ratio * influence_0) / mean_0


def effect_label(data: CausalData, contrast: int, subgroup: Any) -> Any:
    """Return the label of an effect: arms, subgroup, or both."""
    if data.arms is None:
        return "slope" if subgroup is None else subgroup
    arms = f"{data.arms[contrast]} vs {data.arms[0]}"
    if subgroup is None:
        return arms
    return subgroup if data.n_arms == 2 else (arms, subgroup)


def _assembled(
    data: CausalData,
    repeats: list[list[tuple[float, np.ndarray]]],
    labels: tuple[Any, ...],
    question: Question,
) -> EffectEstimate:
    values = np.array([[value for value, _ in cells] for cells in repeats])
    influences = np.stack(
        [np.column_stack([influence for _, influence in cells]) for cells in repeats]
    )
    return EffectEstimate(
        values,
        influences,
        labels=labels,
        groups=data.groups,
        row_key=data.row_key,
        null=1.0 if question.scale == "ratio" else 0.0,
        name=f"average effect ({question.target})",
    )


def average_slope(
    data: CausalData,
    nuisances: NuisanceEstimates,
    question: Question,
    folds: Folds,
    settings: FitSettings,
) -> EffectEstimate:
    """Return the average slope of a continuous treatment.

    "overlap" is the partially linear coefficient (slopes weighted by the conditional
    variance of the treatment); "all" adds the debiasing term to out-of-fold slopes.
    """
    question.check(data, settings.owner)
    moments = slope_moments(data, nuisances, question.target, folds, settings)
    return slope_estimate(data, moments, question, settings.owner)


def slope_moments(
    data: CausalData,
    nuisances: NuisanceEstimates,
    target: str,
    folds: Folds,
    settings: FitSettings,
) -> list[Moment]:
    """Return numerator and denominator of the slope per row, for each repetition."""
    moments = []
    for repeat in range(folds.n_repeats):
        u = data.outcome - nuisances["outcome"][repeat, :, 0]
        v = data.treatment - nuisances["treatment_mean"][repeat, :, 0]
        if target == "overlap":
            moments.append((v * u, v**2))
        else:
            one = Folds(folds.assignment[repeat : repeat + 1])
            scores = _slope_scores(data, u, v, one, settings)
            moments.append((scores, np.ones(data.n_rows)))
    return moments


def contrast_moments(
    data: CausalData,
    outcome_means: np.ndarray,
    propensity: np.ndarray,
    target: str,
    min_propensity: float,
) -> list[list[Moment]]:
    """Return numerator and denominator per row, for each repetition and contrast."""
    moments = []
    for m, p in zip(outcome_means, propensity, strict=True):
        terms = []
        for contrast in range(1, data.n_arms):
            e = raised(p, min_propensity, target, contrast)
            terms.append(
                target_terms(target, contrast, data.outcome, data.treatment, m, e)
            )
        moments.append([(t.treated - t.control, t.denominator) for t in terms])
    return moments


def slope_estimate(
    data: CausalData,
    moments: list[Moment],
    question: Question,
    owner: str,
) -> EffectEstimate:
    """Return averages of (numerator, denominator) per row, one pair per repetition."""
    weight = question.row_weights(data, owner)
    subgroups = question.subgroups(data, owner)
    repeats = [
        [ratio_of_means(numerator, denominator, weight * m) for _, m in subgroups]
        for numerator, denominator in moments
    ]
    labels = tuple(effect_label(data, 1, label) for label, _ in subgroups)
    return _assembled(data, repeats, labels, question)


def _slope_scores(
    data: CausalData, u: np.ndarray, v: np.ndarray, folds: Folds, settings: FitSettings
) -> np.ndarray:
    """Return debiased scores of the slope from out-of-fold slopes and variances."""
    safe = np.where(v == 0, 1.0, v)
    slopes = out_of_fold(data, u / safe, data.weights * v**2, folds, settings)
    variance = variance_out_of_fold(data, v, folds, settings)
    return residual_scores(slopes, u, v, variance)


def out_of_fold(
    data: CausalData,
    target: np.ndarray,
    weight: np.ndarray | None,
    folds: Folds,
    settings: FitSettings,
) -> np.ndarray:
    """Regress any target on the covariates out of fold, with the default model."""
    derived = replace(data, outcome=target, sample_weight=weight, binary_outcome=False)
    models = {"outcome_model": None}
    return cross_fit((OUTCOME,), models, derived, folds, settings)["outcome"][0, :, 0]


def variance_out_of_fold(
    data: CausalData, v: np.ndarray, folds: Folds, settings: FitSettings
) -> np.ndarray:
    """Return Var[T | X] out of fold; values near zero are raised, with a warning."""
    variance = out_of_fold(data, v**2, data.sample_weight, folds, settings)
    floor = _MIN_VARIANCE * float(np.average(v**2, weights=data.weights))
    low = int((variance < floor).sum())
    if low:
        warnings.warn(
            f"{settings.owner}: the treatment hardly varies given X in {low} of "
            f"{data.n_rows} rows; its variance was raised to {_MIN_VARIANCE:.0%} of "
            "the mean. Consider target='overlap'.",
            OverlapWarning,
            stacklevel=3,
        )
    return np.maximum(variance, floor)
