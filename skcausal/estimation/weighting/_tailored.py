"""Losses of a logistic propensity whose derivative is the balance of its weights."""

from dataclasses import dataclass

import numpy as np

_SUFFICIENT = 1e-4
_SMALLEST_STEP = 1e-12


@dataclass(frozen=True, eq=False)
class TailoredLoss:
    """The loss of one target population (Zhao 2019), in the log odds eta.

    Parameters
    ----------
    target : {"all", "treated", "control", "overlap"}
        Population.
    treated : ndarray of bool of shape (n,)
        Which rows are treated.
    sample_weight : ndarray of shape (n,)
        Weights of the rows.
    """

    target: str
    treated: np.ndarray
    sample_weight: np.ndarray

    def value(self, eta: np.ndarray) -> float:
        """Return the summed loss."""
        signed = np.where(self.treated, eta, -eta)
        odds = np.exp(-signed)  # of the other arm
        if self.target == "all":
            terms = odds - signed
        elif self.target == "overlap":
            terms = np.logaddexp(0, -signed)
        else:
            own = self.treated == (self.target == "treated")
            terms = np.where(own, -signed, odds)
        return float(self.sample_weight @ terms)

    def equation(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return minus the derivative of each row's loss, and the second derivative."""
        sign = np.where(self.treated, 1.0, -1.0)
        weights, slopes = self.weights(eta)
        return sign * weights, -sign * slopes

    def weights(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the weight of each row and its derivative."""
        sign = np.where(self.treated, 1.0, -1.0)
        odds = np.exp(-sign * eta)
        if self.target == "all":
            weights, slopes = 1 + odds, -sign * odds
        elif self.target == "overlap":
            weights = odds / (1 + odds)
            slopes = -sign * weights * (1 - weights)
        else:
            own = self.treated == (self.target == "treated")
            weights = np.where(own, 1.0, odds)
            slopes = np.where(own, 0.0, -sign * odds)
        return self.sample_weight * weights, self.sample_weight * slopes

    def density(self, eta: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """Return the weight of each row in the population and its derivative."""
        if self.target == "all":
            return self.sample_weight, None
        if self.target == "overlap":
            e = 1 / (1 + np.exp(-eta))
            density = self.sample_weight * e * (1 - e)
            return density, density * (1 - 2 * e)
        own = self.treated == (self.target == "treated")
        return self.sample_weight * own, None

    def separates(self, eta: np.ndarray) -> bool:
        """Tell whether eta proves that the loss has no minimum."""
        rows = self.sample_weight > 0
        signed = np.where(self.treated, eta, -eta)[rows]
        if self.target in ("all", "overlap"):
            return bool((signed > 0).all())
        own = (self.treated == (self.target == "treated"))[rows]
        mean = np.average(signed[own], weights=self.sample_weight[rows][own])
        return bool((signed[~own] > 0).all() and mean > 0)


def minimise_tailored(
    loss: TailoredLoss, features: np.ndarray, tolerance: float, max_iter: int
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return coefficients and None; or where balance fails, the gap that is left.

    The gap is relative to the total weight of an arm, per column of the features.
    """
    beta = np.zeros(features.shape[1])
    smallest = np.full(features.shape[1], np.inf)
    with np.errstate(over="ignore"):
        for _ in range(max_iter):
            eta = features @ beta
            scores, curvature = loss.equation(eta)
            gradient = scores @ features
            gap = gradient / (np.abs(scores).sum() / 2)
            if np.abs(gap).max() <= tolerance:
                return beta, None
            if np.abs(gap).max() < np.abs(smallest).max():
                smallest = gap
            if loss.separates(eta):
                return beta, smallest
            step = _step(features, curvature, gradient)
            moved = _searched(loss, features, beta, step, gradient @ step)
            if moved is None:
                break
            beta = moved
    return beta, smallest


def _step(
    features: np.ndarray, curvature: np.ndarray, gradient: np.ndarray
) -> np.ndarray:
    """Return the Newton step, damped where columns are collinear."""
    hessian = features.T @ (features * curvature[:, None])
    damping = 1e-12 * np.trace(hessian) / hessian.shape[0]
    return np.linalg.solve(hessian + damping * np.eye(hessian.shape[0]), gradient)


def _searched(
    loss: TailoredLoss,
    features: np.ndarray,
    beta: np.ndarray,
    step: np.ndarray,
    gain: float,
) -> np.ndarray | None:
    """Return the first of halved steps that lowers the loss enough; None without."""
    start = loss.value(features @ beta)
    size = 1.0
    slack = 1e-13 * abs(start)
    while size > _SMALLEST_STEP:
        trial = beta + size * step
        if loss.value(features @ trial) <= start - _SUFFICIENT * size * gain + slack:
            return trial
        size /= 2
    return None
