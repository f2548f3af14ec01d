"""What sensitivity analyses need of a fitted estimator: rows, residuals, refits."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._base import EffectLearner
from skcausal.estimation._data import CausalData
from skcausal.estimation._delegation import final_learner
from skcausal.estimation._nuisances import OUTCOME
from skcausal.estimation._scores import ratio_of_means
from skcausal.estimation._wrapping import target_of
from skcausal.inference import EffectBounds, EffectEstimate
from skcausal.utils._target import TargetParts
from skcausal.utils._validation import is_pandas


def fitted_learner(
    estimator: Any, owner: str, *, cross_fitted: bool = True
) -> EffectLearner:
    """Return the learner behind a Pipeline, search or wrapper, or say why not.

    With ``cross_fitted`` it must be one that has (or can fit) out-of-fold nuisances.
    """
    learner = final_learner(estimator)
    while hasattr(learner, "learner_"):
        learner = final_learner(learner.learner_)
    if not isinstance(learner, EffectLearner):
        raise TypeError(
            f"{owner}: estimator must be a fitted learner of skcausal, or a Pipeline "
            f"or search that ends in one, got {type(estimator).__name__}."
        )
    check_is_fitted(learner, "nuisances_")
    if cross_fitted and "cv" not in learner.get_params(deep=False):
        raise TypeError(
            f"{owner}: {type(learner).__name__} has no out-of-fold outcome means and "
            "propensities. Fit an AIPW on the same rows, or use e_value."
        )
    data = learner._data
    if data.event is not None or data.instrument is not None:
        kind = "an instrument" if data.event is None else "censored times"
        raise ValueError(
            f"{owner}: {type(learner).__name__} was fitted with {kind}, which this "
            "analysis does not cover. Use a learner of the plain outcome and treatment."
        )
    return learner


@dataclass(frozen=True, eq=False)
class TwoArms:
    """Out-of-fold nuisances of a comparison of two arms.

    Parameters
    ----------
    data : CausalData
        The training rows; arm 1 is the treated.
    means : ndarray of shape (n_repeats, n, 2)
        Mean outcomes by arm.
    propensity : ndarray of shape (n_repeats, n, 2)
        Propensities, none below the learner's ``min_propensity``.
    """

    data: CausalData
    means: np.ndarray
    propensity: np.ndarray


def two_arms(learner: EffectLearner, owner: str) -> TwoArms:
    """Return the nuisances of a learner with two arms."""
    data = learner._data
    if data.n_arms != 2:
        kind = f"{data.n_arms} arms" if data.is_discrete else "a continuous treatment"
        raise ValueError(
            f"{owner}: this analysis compares two arms, but the learner was fitted on "
            f"{kind}. Fit on the rows of two arms, or use RieszSensitivity."
        )
    means, propensity = learner._means_and_propensity(owner)
    return TwoArms(data, means, np.maximum(propensity, learner.min_propensity))


def residuals(learner: EffectLearner, owner: str) -> tuple[np.ndarray, np.ndarray]:
    """Return out-of-fold residuals of outcome and treatment, each (n_repeats, n)."""
    data = learner._data
    if data.is_discrete:
        arms = two_arms(learner, owner)
        share = arms.propensity / arms.propensity.sum(axis=2, keepdims=True)
        mean = (share * arms.means).sum(axis=2)
        return data.outcome - mean, data.treatment - share[:, :, 1]
    learner._ensure((OUTCOME, learner._treatment_nuisance()))
    outcome = learner.nuisances_["outcome"][:, :, 0]
    treatment = learner.nuisances_["treatment_mean"][:, :, 0]
    return data.outcome - outcome, data.treatment - treatment


def refitted_without(learner: EffectLearner, columns: Any, owner: str) -> EffectLearner:
    """Return the learner fitted again on the same rows without some covariates."""
    data = learner._training_data("benchmarks")
    shorter = _without(data.X, columns, owner)
    changes: dict[str, Any] = {"random_state": learner._settings.seed}
    if "effect_features" in learner.get_params(deep=False):
        changes["effect_features"] = None  # averages do not depend on them
    labels, known = data.treatment, data.known_propensity
    if data.arms is not None:
        labels, changes["control_arm"] = data.arms[data.treatment], data.arms[0]
        known = None if known is None else known[:, np.argsort(data.arms)]
    parts = TargetParts(
        outcome=data.outcome.astype(int) if data.binary_outcome else data.outcome,
        treatment=labels,
        sample_weight=data.sample_weight,
        groups=data.groups,
        propensity=known,
    )
    return clone(learner).set_params(**changes).fit(shorter, target_of(parts))


def _without(X: Any, columns: Any, owner: str) -> Any:
    """Return covariates without some columns, given by name or position."""
    single = isinstance(columns, (str, int, np.integer))
    wanted = [columns] if single else list(columns)
    names = list(X.columns) if is_pandas(X) else list(range(X.shape[1]))
    unknown = [one for one in wanted if one not in names]
    if unknown or not wanted:
        raise ValueError(
            f"{owner}: covariates to leave out must be columns of X, got {columns!r}; "
            f"the columns are {names}."
        )
    kept = [one for one in names if one not in wanted]
    if not kept:
        raise ValueError(
            f"{owner}: {columns!r} are all covariates; at least one must stay. Compare "
            "with fewer of them."
        )
    return X[kept] if is_pandas(X) else X[:, kept]


def bounds_of_scores(data: CausalData, scores: np.ndarray) -> EffectBounds:
    """Return the bounds whose scores have shape (n_repeats, n, 2)."""
    ones = np.ones(data.n_rows)
    ends = []
    for column, label in enumerate(("lower", "upper")):
        pairs = [ratio_of_means(one[:, column], ones, data.weights) for one in scores]
        ends.append(
            EffectEstimate(
                np.array([[value] for value, _ in pairs]),
                np.stack([influence[:, None] for _, influence in pairs]),
                (label,),
                data.groups,
                data.row_key,
                name="bound",
            )
        )
    return EffectBounds(*ends)


def covariate_name(columns: Any) -> str:
    """Return how a covariate, or a group of them, is called in tables."""
    if isinstance(columns, (str, int, np.integer)):
        return columns if isinstance(columns, str) else f"column {columns}"
    return " + ".join(covariate_name(one) for one in columns)


def named_rows(rows: dict[str, dict[str, float]]) -> pd.DataFrame:
    """Return a table with one row per covariate."""
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index.name = "covariate"
    return table


def check_level(level: float, owner: str) -> float:
    """Return a confidence level, or refuse what is none."""
    if not 0 < level < 1:
        raise ValueError(f"{owner}: level must lie between 0 and 1, got {level}.")
    return float(level)


def check_share(value: Any, name: str, owner: str, *, below_one: bool) -> np.ndarray:
    """Return shares of variance as an array, or refuse what lies outside [0, 1]."""
    shares = np.asarray(value, dtype=float)
    inside = (shares >= 0) & ((shares < 1) if below_one else (shares <= 1))
    if not inside.all():
        end = "[0, 1)" if below_one else "[0, 1]"
        raise ValueError(
            f"{owner}: {name} must be a share of variance in {end}, got {value}."
        )
    return shares


def first_crossing(left: Any, most: float) -> float:
    """Return the smallest factor in (0, most) where ``left`` falls to zero.

    ``left`` starts positive; it is looked at on a grid before it is solved, because it
    need not fall everywhere. Infinity if it stays positive.
    """
    grid = most * np.concatenate([np.geomspace(1e-6, 1e-2, 20), np.linspace(0.01, 1)])
    values = np.array([left(factor) for factor in grid])
    crossed = np.flatnonzero(values <= 0)
    if crossed.shape[0] == 0:
        return float("inf")
    place = int(crossed[0])
    start = 0.0 if place == 0 else float(grid[place - 1])
    return float(optimize.brentq(left, start, float(grid[place])))


def needed_strength(covariate: str, to_zero: float, to_doubt: float) -> str:
    """Say how many times as strong as a covariate a confounder would have to be."""
    if not np.isfinite(to_zero):
        return (
            f"No unobserved confounder in the proportions of {covariate} would bring "
            "the estimate to 0."
        )
    return (
        f"An unobserved confounder {_times(to_zero)} times as strong as {covariate} "
        f"would be needed to bring the estimate to 0, and {_times(to_doubt)} times to "
        "bring 0 into its interval."
    )


def _times(factor: float) -> str:
    """Write how many times as strong something has to be."""
    return f"{factor:.2g}" if factor < 10 else f"{factor:.0f}"
