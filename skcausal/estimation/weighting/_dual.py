"""Convex duals of balancing weights, in k dimensions whatever the number of rows."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

_SUFFICIENT = 1e-4
_SMALLEST_STEP = 1e-12


@dataclass(frozen=True, eq=False)
class DualSolution:
    """Weights that add up to one, and how far from balance they are.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        The weights.
    gap : ndarray of shape (k,)
        Weighted mean of each centred column.
    multipliers : ndarray of shape (k,)
        Solution of the dual.
    converged : bool
        Whether the gap is within its tolerance.
    """

    weights: np.ndarray
    gap: np.ndarray
    multipliers: np.ndarray
    converged: bool


def entropy_weights(
    columns: np.ndarray, base: np.ndarray, tolerance: float, max_iter: int
) -> DualSolution:
    """Minimise relative entropy to ``base`` with all weighted means zero.

    Newton's method with backtracking on the log of the sum of base * exp(columns @ m).
    The dual is bounded by the log of the smallest base weight exactly if a solution
    exists, so a lower value proves that there is none.
    """
    base = base / base.sum()
    log_base = np.log(base)
    lowest = log_base.min() - 1e-6
    multipliers = np.zeros(columns.shape[1])
    value, weights = _log_sum(log_base, columns, multipliers)
    gap = weights @ columns
    best = DualSolution(weights, gap, multipliers, False)
    for _ in range(max_iter):
        if np.abs(gap).max() <= tolerance:
            return DualSolution(weights, gap, multipliers, True)
        if value < lowest:
            break
        hessian = columns.T @ (columns * weights[:, None]) - np.outer(gap, gap)
        step = -np.linalg.solve(_damped(hessian), gap)
        size, slope = 1.0, gap @ step
        while size > _SMALLEST_STEP:
            trial = multipliers + size * step
            new_value, new_weights = _log_sum(log_base, columns, trial)
            if new_value <= value + _SUFFICIENT * size * slope + 1e-15:
                break
            size /= 2
        else:
            break
        multipliers, value, weights = trial, new_value, new_weights
        gap = weights @ columns
        if np.abs(gap).max() < np.abs(best.gap).max():
            best = DualSolution(weights, gap, multipliers, False)
    return best


def _log_sum(
    log_base: np.ndarray, columns: np.ndarray, multipliers: np.ndarray
) -> tuple[float, np.ndarray]:
    """Return log of the sum of base * exp(columns @ m) and the normalised terms."""
    exponent = log_base + columns @ multipliers
    largest = exponent.max()
    terms = np.exp(exponent - largest)
    total = terms.sum()
    return float(largest + np.log(total)), terms / total


def _damped(hessian: np.ndarray) -> np.ndarray:
    """Make a positive semidefinite matrix safe to solve with."""
    size = hessian.shape[0]
    return hessian + (1e-12 * np.trace(hessian) / size + 1e-14) * np.eye(size)


def stable_weights(
    columns: np.ndarray,
    base: np.ndarray,
    allowed: float,
    tolerance: float,
    max_iter: int,
) -> DualSolution:
    r"""Minimise sum w^2 / base with w >= 0, sum 1 and all |weighted means| <= allowed.

    The dual minimises :math:`\frac12 \sum_i b_i (\theta' z_i)_+^2 - \theta_0 + \delta
    \lVert \theta_{1:} \rVert_1` with z the columns behind a one. Quasi-Newton steps
    find which constraints bind; Newton steps on these then solve to many digits.
    """
    base = base / base.sum()
    design = np.column_stack([np.ones(columns.shape[0]), columns])
    theta = np.zeros(design.shape[1])
    theta[0] = 1.0
    if allowed > 0:
        theta = _quasi_newton(design, base, allowed, theta, max_iter)
    theta = _polished(design, base, allowed, theta, tolerance, max_iter)
    weights = base * np.maximum(design @ theta, 0)
    total = weights.sum()
    weights = weights / total if total > 0 else base
    gap = weights @ columns
    reached = abs(total - 1) < 1e-6
    within = bool((np.abs(gap) <= allowed + 10 * tolerance).all())
    return DualSolution(weights, gap, theta, reached and within)


def _quasi_newton(
    design: np.ndarray, base: np.ndarray, allowed: float, start: np.ndarray, steps: int
) -> np.ndarray:
    """Solve the dual roughly, multipliers split into positive and negative parts."""
    k = design.shape[1] - 1

    def split(parts: np.ndarray) -> np.ndarray:
        return np.append(parts[0], parts[1 : k + 1] - parts[k + 1 :])

    def objective(parts: np.ndarray) -> tuple[float, np.ndarray]:
        positive = np.maximum(design @ split(parts), 0)
        weights = base * positive
        value = 0.5 * weights @ positive - parts[0] + allowed * parts[1:].sum()
        pull = weights @ design
        gradient = np.concatenate([[pull[0] - 1], pull[1:], -pull[1:]])
        gradient[1:] += allowed
        return float(value), gradient

    bounds = [(None, None)] + [(0.0, None)] * (2 * k)
    first = np.append(start[0], np.zeros(2 * k))
    options = {"maxiter": 10 * steps, "maxfun": 20 * steps, "ftol": 1e-15, "gtol": 1e-9}
    found = minimize(
        objective, first, jac=True, method="L-BFGS-B", bounds=bounds, options=options
    )
    return split(found.x)


def _polished(
    design: np.ndarray,
    base: np.ndarray,
    allowed: float,
    theta: np.ndarray,
    tolerance: float,
    max_iter: int,
) -> np.ndarray:
    """Take Newton steps on the constraints that bind, and let these change."""
    best, least = theta, np.inf
    cap = 0.5 / base.min() + 1
    for _ in range(max_iter):
        positive = np.maximum(design @ theta, 0)
        pull = (base * positive) @ design
        pull[0] -= 1
        sign = np.sign(theta)
        sign[0] = 0.0
        binding = (theta != 0) | (np.abs(pull) > allowed + tolerance)
        binding[0] = True
        new = (theta == 0) & binding & (np.arange(theta.shape[0]) > 0)
        sign[new] = -np.sign(pull[new])
        residual = np.where(binding, pull + allowed * sign, 0.0)
        excess = float(np.abs(residual).max())
        if excess < least:
            best, least = theta, excess
        if excess <= tolerance / 10:
            return theta
        value = 0.5 * base @ positive**2 - theta[0] + allowed * np.abs(theta[1:]).sum()
        if -value > cap:  # above every possible primal value: nothing is feasible
            return best
        theta = _newton_step(design, base, allowed, theta, (residual, binding, sign))
    return best


def _newton_step(
    design: np.ndarray,
    base: np.ndarray,
    allowed: float,
    theta: np.ndarray,
    state: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> np.ndarray:
    """Return the next point: halved until the dual falls, cut where signs flip."""
    residual, binding, sign = state
    active = (design @ theta) > 0
    part = design[np.ix_(active, binding)]
    hessian = part.T @ (part * base[active, None])
    step = np.zeros_like(theta)
    step[binding] = -np.linalg.solve(_damped(hessian), residual[binding])

    def value(point: np.ndarray) -> float:
        positive = np.maximum(design @ point, 0)
        penalty = allowed * np.abs(point[1:]).sum()
        return float(0.5 * base @ positive**2 - point[0] + penalty)

    start, size = value(theta), 1.0
    trial = theta
    while size > _SMALLEST_STEP:
        trial = theta + size * step
        flipped = (trial * sign < 0) & (allowed > 0)
        trial = np.where(flipped, 0.0, trial)
        if value(trial) <= start + 1e-15:
            return trial
        size /= 2
    return theta
