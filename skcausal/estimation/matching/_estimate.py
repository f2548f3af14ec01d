"""The matching estimate, its Abadie-Imbens variance and its influence: arrays only.

Notation of Abadie & Imbens (2006), with weights: row i of the target has weight v_i and
matches j with weights w_ij that add up to one; K_j = sum_i v_i w_ij is the weight of j
as a match of others, K'_j = sum_i v_i^2 w_ij^2.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.sparse as sp

from skcausal.estimation.matching._rows import Rows

_ROUNDING = 1e-10  # of the effect: a smaller standard error is none


@dataclass(frozen=True, eq=False)
class Matched:
    """Rows with their matches.

    Parameters
    ----------
    rows : Rows
        Points, arms and weights.
    outcome : ndarray of shape (n,)
        Outcome.
    links : dict of int to csr_array of shape (n_points, n_points)
        By arm of the matches: the share of each point (column) in the matches of a
        point (row).
    alike : dict of int to csr_array of shape (n_points, n_points)
        By arm: ones where points hold the nearest rows of the same arm.
    """

    rows: Rows
    outcome: np.ndarray
    links: dict[int, sp.csr_array]
    alike: dict[int, sp.csr_array]

    @property
    def sign(self) -> np.ndarray:
        """Return 1 for treated rows and -1 for controls."""
        return 2.0 * self.rows.arm - 1.0

    @cached_property
    def has_match(self) -> np.ndarray:
        """Whether each row has a match in the other arm."""
        found = np.zeros(self.outcome.shape[0], dtype=bool)
        for arm, links in self.links.items():
            some = np.diff(links.indptr) > 0
            here = self.rows.arm != arm
            found[here] = some[self.rows.point[here]]
        return found

    def of_matches(self, values: np.ndarray) -> np.ndarray:
        """Return the mean of values over the matches of each row, 0 without any."""
        result = np.zeros(values.shape[0])
        for arm, links in self.links.items():
            here = self.rows.arm != arm
            means = links @ self.rows.means(arm, values)
            result[here] = means[self.rows.point[here]]
        return result

    def as_match(self, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return K and K' of each row for a target with weights v."""
        rows, used, squares = self.rows, np.zeros(v.shape[0]), np.zeros(v.shape[0])
        for arm, links in self.links.items():
            here = rows.arm == arm
            point = rows.point[here]
            used[here] = (links.T @ rows.total(1 - arm, v))[point]
            squares[here] = (links.power(2).T @ rows.total(1 - arm, v**2))[point]
        return used * rows.share, squares * rows.share**2

    @cached_property
    def residual(self) -> tuple[np.ndarray, np.ndarray]:
        """Outcome less the mean of the nearest rows of the same arm, and its square.

        The square is brought to the scale of the noise of one row, J / (J + 1) for J
        neighbours. A row that is alone gets the mean square of its arm.
        """
        residual, square = np.zeros((2, self.outcome.shape[0]))
        for arm in (0, 1):
            here = np.flatnonzero((self.rows.arm == arm) & (self.rows.weight > 0))
            residual[here], square[here] = self._residual(arm, here)
        return residual, square

    def _residual(self, arm: int, here: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rows = self.rows
        r, y = rows.weight[here], self.outcome[here]
        outcome = y - np.average(self.outcome[here], weights=r)  # keeps digits
        point = rows.point[here]
        total = self._alike_sum(arm, point, np.ones_like(r))
        others = self._alike_sum(arm, point, r) - r
        sums = self._alike_sum(arm, point, r * outcome) - r * outcome
        squares = self._alike_sum(arm, point, r**2) - r**2
        known = total > 1
        mean = np.divide(sums, others, out=np.zeros_like(r), where=known)
        scale = np.divide(squares, others**2, out=np.zeros_like(r), where=known)
        residual = outcome - mean
        square = residual**2 / (1 + scale)
        if not known.all():
            trusted = known if known.any() else np.ones_like(known)
            square[~known] = np.average(square[trusted], weights=r[trusted])
        return residual, square

    def _alike_sum(self, arm: int, point: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Return sums over the rows of an arm that are near each of its rows."""
        if arm not in self.alike:
            return np.zeros(point.shape[0])
        total = np.bincount(point, values, self.rows.n_points)
        return (self.alike[arm] @ total)[point]


@dataclass(frozen=True, eq=False)
class MatchingEffect:
    """A matching estimate with everything inference needs.

    Parameters
    ----------
    value : float
        Estimated effect.
    variance : float
        Its Abadie-Imbens variance.
    influence : ndarray of shape (n,)
        Influence of each row, of mean zero, not yet on the scale of the variance.
    moment : ndarray of shape (n,)
        v_i (tau_i - tau) + s_i K_i residual_i over the size of the target: its
        covariance with the score of a propensity model is that of the estimate.
    weight : ndarray of shape (n,)
        v_i + K_i: what each row counts in the mean of its arm.
    """

    value: float
    variance: float
    influence: np.ndarray
    moment: np.ndarray
    weight: np.ndarray

    @property
    def scaled_influence(self) -> np.ndarray:
        """Influence whose variance is exactly ``variance``."""
        n = self.influence.shape[0]
        raw = float((self.influence**2).sum() / (n * (n - 1)))
        if raw <= 0:  # no row tells, unless there is no noise at all
            is_exact = np.sqrt(self.variance) <= _ROUNDING * abs(self.value)
            return self.influence if is_exact else np.full(n, np.nan)
        return self.influence * np.sqrt(self.variance / raw)


def matching_effect(
    matched: Matched, v: np.ndarray, fitted: np.ndarray, *, corrected: bool
) -> MatchingEffect:
    """Return the effect in a target with weights v, which only matched rows may have.

    ``fitted`` (n, 2) predicts the outcome of each row in both arms. It corrects the
    bias of inexact matches where ``corrected`` (Abadie & Imbens 2011), and is the
    outcome model of the influence (Otsu & Rai 2017) in any case.
    """
    n, size = v.shape[0], v.sum()
    arm, sign, outcome = matched.rows.arm, matched.sign, matched.outcome
    own = fitted[np.arange(n), arm]
    other = fitted[np.arange(n), 1 - arm]
    error = outcome - own if corrected else outcome
    imputed = matched.of_matches(error) + (other if corrected else 0.0)
    difference = sign * (outcome - imputed)
    value = float(v @ difference / size)
    used, squares = matched.as_match(v)
    weight = v + used
    residual, noise = matched.residual
    spread = v**2 * (difference - value) ** 2
    variance = spread + (weight**2 - v**2 - squares) * noise
    influence = v * (fitted[:, 1] - fitted[:, 0]) + sign * weight * (outcome - own)
    influence = (influence - v * (influence.sum() / size)) * n / size
    moment = (v * (difference - value) + sign * used * residual) / size
    return MatchingEffect(
        value, float(variance.sum() / size**2), influence, moment, weight
    )
