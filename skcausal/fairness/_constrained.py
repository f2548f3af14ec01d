"""Logistic regression with the odds ratios of unfair effects inside bounds."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

FloatArray = np.ndarray
_RIDGE = 1e-8  # keeps the solution finite where columns separate the classes
# Bounds are tightened by three standard errors of the difference between these rows
# and a third as many new ones.
_SAFETY = 3.0 * np.sqrt(1 + 3)


@dataclass(frozen=True)
class Contrast:
    """Rows of the design under the active and under the baseline value."""

    active: FloatArray
    baseline: FloatArray

    def log_odds_ratio(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return the log odds ratio of mean probabilities, and its gradient."""
        value, gradient = 0.0, np.zeros_like(theta)
        for sign, design in ((1, self.active), (-1, self.baseline)):
            chance = expit(design @ theta)
            mean = chance.mean()
            slope = (chance * (1 - chance)) @ design / len(design)
            value += sign * float(logit(mean))
            gradient = gradient + sign * slope / (mean * (1 - mean))
        return value, gradient

    def standard_error(self, theta: FloatArray) -> float:
        """Return the error of the log odds ratio over rows, coefficients known."""
        spread = np.zeros(len(self.active))
        for sign, design in ((1, self.active), (-1, self.baseline)):
            chance = expit(design @ theta)
            mean = chance.mean()
            spread += sign * (chance - mean) / (mean * (1 - mean))
        return float(spread.std() / np.sqrt(len(spread)))


def fit_constrained(
    design: FloatArray,
    y: FloatArray,
    contrasts: list[Contrast],
    bounds: tuple[float, float] | None,
    weight: FloatArray,
) -> FloatArray:
    r"""Return coefficients of the greatest likelihood with odds ratios in bounds.

    Bounds are tightened by three standard errors, coefficients known, so that they hold
    on new rows, a third as many at least. Without bounds, or where they hold anyway,
    it is plain logistic regression.

    Raises
    ------
    RuntimeError
        If no coefficients are found.
    """
    start = np.zeros(design.shape[1])
    free = _solved(design, y, weight, start, [])
    if bounds is None or not contrasts:
        return free
    low, high = np.log(bounds)
    theta = free
    for _ in range(2):  # the second time with errors at the constrained solution
        rules = []
        for one in contrasts:
            margin = _SAFETY * one.standard_error(theta)
            # Bounds that leave no room for errors are met as their middle.
            margin = min(margin, 0.49 * (high - low))
            rules += _rules(one, low + margin, high - margin)
        theta = _solved(design, y, weight, free, rules)
    return theta


def _rules(contrast: Contrast, low: float, high: float) -> list[dict[str, Any]]:
    return [
        {
            "type": "ineq",
            "fun": lambda theta: contrast.log_odds_ratio(theta)[0] - low,
            "jac": lambda theta: contrast.log_odds_ratio(theta)[1],
        },
        {
            "type": "ineq",
            "fun": lambda theta: high - contrast.log_odds_ratio(theta)[0],
            "jac": lambda theta: -contrast.log_odds_ratio(theta)[1],
        },
    ]


def _solved(
    design: FloatArray,
    y: FloatArray,
    weight: FloatArray,
    start: FloatArray,
    rules: list[dict[str, Any]],
) -> FloatArray:
    share = weight / weight.sum()

    def loss(theta: FloatArray) -> tuple[float, FloatArray]:
        score = design @ theta
        value = share @ (np.logaddexp(0, score) - y * score)
        slope = design.T @ (share * (expit(score) - y))
        return float(value + _RIDGE * theta @ theta / 2), slope + _RIDGE * theta

    found = minimize(
        loss,
        start,
        jac=True,
        method="SLSQP",
        constraints=rules,
        options={"maxiter": 1000, "ftol": 1e-12},
    )
    if not found.success:
        raise RuntimeError(
            "PathSpecificFair.fit: no coefficients with the odds ratios inside bounds "
            f"were found ({found.message}). Widen bounds, or use mode='correct'."
        )
    return np.asarray(found.x)
