"""What ConformalEffect keeps of its calibration rows: scores, edges, propensities."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skcausal.inference import conformal_quantile

_MIDDLE = 0.4, 0.6  # quantiles of lower and upper edges in the inexact method
_OUTCOME_SHARE = 2 / 3  # of the probability of error, spent on unseen outcomes
PARTS = ("quantiles", "outcomes", "effects")
# 35, 45 and 20 % of rows, spread so that small arms have some of each. The second part
# is the largest: a row whose weight is a large share of its sum has no finite bound.
_ORDER = np.array([0, 1, 2, 1, 0, 1, 0, 1, 2, 0, 1, 1, 0, 2, 1, 0, 1, 2, 1, 0])


def edge_levels(method: str, quantiles: tuple[float, float]) -> tuple[float, float]:
    """Return the quantiles at which the edges of intervals are modelled."""
    return quantiles if method == "exact" else _MIDDLE


def split_parts(
    treatment: np.ndarray, groups: np.ndarray | None, random: Any
) -> dict[str, np.ndarray]:
    """Return the mask of each part; arms are spread evenly, groups stay whole."""
    units = np.arange(len(treatment)) if groups is None else groups
    strata = treatment if groups is None else np.zeros(units.max() + 1, dtype=int)
    part = np.empty(len(strata), dtype=int)
    for stratum in np.unique(strata):
        members = random.permutation(np.flatnonzero(strata == stratum))
        part[members] = _ORDER[np.arange(len(members)) % len(_ORDER)]
    return {name: part[units] == code for code, name in enumerate(PARTS)}


def likelihood(propensity: np.ndarray, own: int, other: int | None) -> np.ndarray:
    """Return how much likelier covariates of rows in one arm are among other rows.

    Those of another arm, or all rows; up to a factor.
    """
    aim = 1.0 if other is None else propensity[:, other]
    return aim / propensity[:, own]


@dataclass(frozen=True, eq=False)
class OutcomeScores:
    """Calibration rows of one arm.

    Parameters
    ----------
    arm : int
        Code of the arm.
    scores : ndarray of shape (k,)
        How far outcomes lie outside their predicted quantiles.
    propensity : ndarray of shape (k, n_arms)
        Probability of each arm.
    weight : ndarray of shape (k,)
        Sample weights.
    """

    arm: int
    scores: np.ndarray
    propensity: np.ndarray
    weight: np.ndarray

    def bound(self, level: float, other: int | None, new: np.ndarray) -> np.ndarray:
        """Return the bound on scores of new rows, given their propensities.

        New rows come from the arm ``other``, or from everywhere.
        """
        return conformal_quantile(
            self.scores,
            level,
            weights=self.weight * likelihood(self.propensity, self.arm, other),
            new_weights=likelihood(new, self.arm, other),
        )


@dataclass(frozen=True, eq=False)
class Edges:
    """Calibration rows of one contrast, whose effects are known up to an interval.

    Parameters
    ----------
    arm : int
        Code of the arm compared with control.
    below, above : ndarray of shape (k,)
        How far the effect's interval, not yet widened, reaches below the modelled lower
        and above the modelled upper edge.
    treated : ndarray of bool of shape (k,)
        Whether the row had the arm, not the control.
    propensity : ndarray of shape (k, n_arms)
        Probability of each arm.
    weight : ndarray of shape (k,)
        Weights of rows of these two arms in the population of new rows.
    """

    arm: int
    below: np.ndarray
    above: np.ndarray
    treated: np.ndarray
    propensity: np.ndarray
    weight: np.ndarray

    def margins(
        self,
        level: float,
        method: str,
        outcomes: tuple[OutcomeScores, OutcomeScores],
        new_weights: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return by how much new rows' modelled edges have to move outwards."""
        if method == "exact":
            error = (1 - level) * _OUTCOME_SHARE
            width = self._width(1 - error, *outcomes)
            bound = conformal_quantile(
                np.maximum(self.below, self.above) + width,
                level + error,
                weights=self.weight,
                new_weights=new_weights,
            )
            return bound, bound
        width = self._width(level, *outcomes)
        lower, upper = (
            conformal_quantile(gap + width, share, weights=self.weight, new_weights=0.0)
            for gap, share in ((self.below, 1 - _MIDDLE[0]), (self.above, _MIDDLE[1]))
        )
        return lower, upper

    def _width(
        self, level: float, control: OutcomeScores, arm: OutcomeScores
    ) -> np.ndarray:
        """Return by how much quantiles must be widened to hold the unseen outcome.

        The outcome a treated row would have had as control is predicted for rows like
        the treated, and the other way round.
        """
        width = np.empty(len(self.below))
        treated, untreated = self.treated, ~self.treated
        width[treated] = control.bound(level, self.arm, self.propensity[treated])
        width[untreated] = arm.bound(level, 0, self.propensity[untreated])
        return width
