"""Targeting steps: outcome means moved until they solve the equation of an average."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

from skcausal.estimation._scores import arm_weights

_FURTHEST = 50.0  # in log-odds


def targeted_means(
    target: str,
    contrast: int,
    outcome: np.ndarray,
    arm: np.ndarray,
    mu: np.ndarray,
    e: np.ndarray,
    weight: np.ndarray,
) -> np.ndarray:
    """Return outcome means whose plug-in average needs no correction any more.

    The log-odds of the two arms in the contrast are shifted by one number each, so that
    the weighted residuals of the arm add up to zero; weights carry the arm to the
    target population. Outcome and ``mu`` lie in [0, 1], ``mu`` strictly inside.
    van der Laan & Rubin (2006), with the weight outside the fluctuation.
    """
    targeted = np.array(mu)
    towards = arm_weights(target, contrast, e)
    for code, omega in zip((contrast, 0), towards, strict=True):
        own = arm == code
        share = weight[own] * omega[own]
        targeted[:, code] = _shifted(outcome[own], mu[own, code], share, mu[:, code])
    return targeted


def _shifted(
    outcome: np.ndarray, mean: np.ndarray, weight: np.ndarray, means: np.ndarray
) -> np.ndarray:
    """Shift the log-odds of ``means`` so that sum w (outcome - mean) is zero."""
    mass, total = float(weight.sum()), float(weight @ outcome)
    if mass == 0:
        return means
    if total <= 0 or total >= mass:  # the limit of an endless shift
        return np.full(means.shape, float(total > 0))
    odds = logit(mean)

    def residual(shift: float) -> float:
        return float(weight @ (outcome - expit(odds + shift))) / mass

    shift = brentq(residual, -_FURTHEST, _FURTHEST, xtol=1e-14, rtol=1e-14)
    return expit(logit(means) + shift)
