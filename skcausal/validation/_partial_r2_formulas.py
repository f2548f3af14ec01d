"""Formulas of Cinelli and Hazlett (2020), and the partial R² that go into them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from skcausal.estimation._base import EffectLearner
from skcausal.validation._sensitivity_inputs import (
    covariate_name,
    fitted_learner,
    refitted_without,
    residuals,
)

Pairs = dict[str, tuple[float, float]]
_OWNER = "PartialR2Sensitivity"


def robustness(f: float, margin: float) -> float:
    """Return the robustness value of a partial f, less the margin of an interval."""
    rest = f - margin
    if rest <= 0:
        return 0.0
    if margin > 0 and f > 1 / margin:
        # The worst confounder explains less of the outcome than of the treatment: it
        # would otherwise shrink the standard error more than the estimate.
        return float((f**2 - margin**2) / (1 + f**2))
    return float((np.sqrt(rest**4 + 4 * rest**2) - rest**2) / 2)


def most_times(r_d: float) -> float:
    """Return how many times as strong as a covariate no confounder can be.

    At this factor it would explain all of the treatment.
    """
    return float("inf") if r_d == 0 else (1 - r_d) / r_d


def benchmark_strength(r_d: float, r_y: float, times: float) -> tuple[float, float]:
    """Return the partial R² of a confounder some times as strong as a covariate."""
    if times == 0:
        return 0.0, 0.0
    share = times * r_d / (1 - r_d)
    overlap = times * r_d**2 / ((1 - times * r_d) * (1 - r_d))
    slope = (np.sqrt(times) + np.sqrt(overlap)) / np.sqrt(1 - overlap)
    return float(share), float(min(slope**2 * r_y / (1 - r_y), 1.0))


def ols_inputs(
    results: Any, treatment: str, benchmarks: Sequence[Any]
) -> tuple[float, float, float, Pairs]:
    """Return estimate, standard error, dof and benchmarks of an OLS coefficient."""
    model: Any = getattr(results, "model", None)
    if type(model).__name__ != "OLS":
        raise TypeError(
            f"{_OWNER}.from_ols: results must come from a statsmodels OLS, got "
            f"{type(model).__name__}. For others give estimate, standard_error and dof."
        )
    names, design = list(model.exog_names), np.asarray(model.exog)
    place = _positions(treatment, names)[0]
    variance = results.scale * np.asarray(results.normalized_cov_params)
    everything = np.arange(len(names))
    others = np.delete(everything, place)
    pairs = {}
    for group in benchmarks:
        columns = _positions(group, names)
        pairs[covariate_name(group)] = (
            _partial_r2(design[:, others], design[:, place], others, columns),
            _partial_r2(design, np.asarray(model.endog), everything, columns),
        )
    estimate = float(np.asarray(results.params)[place])
    error = float(np.sqrt(variance[place, place]))
    return estimate, error, float(results.df_resid), pairs


def learner_inputs(
    estimator: Any, benchmarks: Sequence[Any]
) -> tuple[float, float, float, Pairs]:
    """Return the same of residuals regressed on residuals of a fitted learner."""
    owner = f"{_OWNER}.from_estimator"
    learner = fitted_learner(estimator, owner)
    if learner._data.groups is not None:
        raise ValueError(
            f"{owner}: the learner was fitted with groups, but this analysis needs the "
            "classical standard error. Use RieszSensitivity."
        )
    estimate, error, dof, full = _residual_regression(learner, owner)
    pairs = {}
    for group in benchmarks:
        shorter = refitted_without(learner, group, owner)
        shares = 1 - full / _residual_regression(shorter, owner)[3]
        pairs[covariate_name(group)] = (float(shares[0]), float(shares[1]))
    return estimate, error, dof, pairs


def _positions(group: Any, names: list[str]) -> list[int]:
    """Return the positions of one regressor, or of a group of them."""
    wanted = [group] if isinstance(group, str) else list(group)
    unknown = [name for name in wanted if name not in names]
    if unknown or not wanted:
        raise ValueError(
            f"{_OWNER}.from_ols: {group!r} must name regressors of the fitted model, "
            f"which are {names}."
        )
    return [names.index(name) for name in wanted]


def _partial_r2(
    design: np.ndarray, target: np.ndarray, labels: np.ndarray, columns: list[int]
) -> float:
    """Return the share of a target's residual variance that some columns explain.

    ``labels`` number the columns of ``design``, ``columns`` are some of these numbers.
    """
    full = _squares(design, target)
    return 1 - full / _squares(design[:, ~np.isin(labels, columns)], target)


def _squares(design: np.ndarray, target: np.ndarray) -> float:
    """Return the residual sum of squares of a regression."""
    if design.shape[1] == 0:
        return float(target @ target)
    coefficients = np.linalg.lstsq(design, target, rcond=None)[0]
    return float(((target - design @ coefficients) ** 2).sum())


def _residual_regression(
    learner: EffectLearner, owner: str
) -> tuple[float, float, float, np.ndarray]:
    """Return estimate, classical standard error, dof and residual sums of squares.

    The residual of the outcome is regressed on that of the treatment; the sums are
    those of the treatment and of this regression. Medians over repetitions.
    """
    weight = learner._data.weights
    dof = float(weight.shape[0] - 1)
    fits = []
    for u, v in zip(*residuals(learner, owner), strict=True):
        square = float(weight @ v**2)
        slope = float(weight @ (u * v)) / square
        rest = float(weight @ (u - slope * v) ** 2)
        fits.append((slope, np.sqrt(rest / dof / square), square, rest))
    slope, error, square, rest = np.median(np.array(fits), axis=0)
    return float(slope), float(error), dof, np.array([square, rest])
