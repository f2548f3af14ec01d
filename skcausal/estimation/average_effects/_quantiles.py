"""Weighted quantiles, densities at them, and the doubly robust quantile of an arm."""

from dataclasses import dataclass

import numpy as np

_EXACT = 1e-12


def weighted_quantile(
    values: np.ndarray, weight: np.ndarray, level: float | np.ndarray
) -> float:
    """Return the smallest value whose share of the weight reaches ``level``."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    enough = reached >= level * reached[-1] - _EXACT * reached[-1]
    carried = enough & (reached > 0)  # a row without weight is no quantile
    return float(values[order][np.argmax(carried)])


def density_at(point: float, values: np.ndarray, weight: np.ndarray) -> float:
    """Return the weighted Gaussian kernel density at a point.

    The bandwidth is Silverman's (1986, eq. 3.31), at the effective number of rows.
    """
    total = weight.sum()
    mean = weight @ values / total
    spread = np.sqrt(weight @ (values - mean) ** 2 / total)
    quartiles = [weighted_quantile(values, weight, level) for level in (0.25, 0.75)]
    middle = (quartiles[1] - quartiles[0]) / 1.34
    scale = min(spread, middle) if middle > 0 else spread
    if scale == 0:
        return np.inf  # all weight on one value, known without error
    effective = total**2 / (weight @ weight)
    bandwidth = 0.9 * scale * effective**-0.2
    kernel = np.exp(-(((values - point) / bandwidth) ** 2) / 2)
    return float(weight @ kernel / total / bandwidth / np.sqrt(2 * np.pi))


@dataclass(frozen=True, eq=False)
class ArmRows:
    """Rows of one arm with what carries them to the target population.

    Parameters
    ----------
    outcome : ndarray of shape (n,)
        Outcome of every row.
    carried : ndarray of shape (n,)
        Weights of the arm's rows that make them like the target; 0 elsewhere.
    share : ndarray of shape (n,)
        Weight of each row in the target population.
    """

    outcome: np.ndarray
    carried: np.ndarray
    share: np.ndarray

    def first_quantile(self, level: float) -> float:
        """Return the quantile of the weighted rows (Firpo 2007)."""
        own = self.carried > 0
        return weighted_quantile(self.outcome[own], self.carried[own], level)

    def quantile(self, level: float, below: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the doubly robust quantile and its influence.

        ``below`` is the probability, given covariates, of an outcome not above the
        first quantile. The distribution function is that of the weighted rows plus a
        constant that corrects how their ``below`` differs from the target's.
        """
        own = self.carried > 0
        carried = self.carried / self.carried.sum()
        share = self.share / self.share.sum()
        wanted = level - share @ below + carried @ below
        value = weighted_quantile(
            self.outcome[own], carried[own], np.clip(wanted, 0.0, 1.0)
        )
        indicator = self.outcome <= value
        score = carried * (indicator - below) + share * (below - level)
        density = density_at(value, self.outcome[own], carried[own])
        influence = -len(score) * score / density
        return value, influence - influence.mean()

    def tied(self, value: float) -> float:
        """Return the share of the arm's rows that share one value with another."""
        at = self.outcome[self.carried > 0] == value
        return float(at.mean()) if at.sum() > 1 else 0.0
