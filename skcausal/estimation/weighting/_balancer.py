"""Balancer: the base of weights that solve for balance arm by arm."""

import numpy as np

from skcausal.estimation._data import CausalData
from skcausal.estimation.weighting._covariates import (
    numeric_covariates,
    pooled_deviation,
    with_moments,
)
from skcausal.estimation.weighting._dual import DualSolution
from skcausal.estimation.weighting._errors import InfeasibleBalanceError
from skcausal.estimation.weighting._weighter import Weighter
from skcausal.estimation.weighting._weighting import Parameters, Weighting, inverse_of


class Balancer(Weighter):
    """Base of weights that give every arm the moments of the target population."""

    def _weigh_arm(self, columns: np.ndarray, base: np.ndarray) -> DualSolution:
        """Return weights of the rows of one arm whose means are near zero (hook)."""
        raise NotImplementedError

    def _slopes(
        self, columns: np.ndarray, base: np.ndarray, solution: DualSolution
    ) -> np.ndarray | None:
        """Return the derivative of each weight, None where it is no matter (hook)."""
        raise NotImplementedError

    def _solve(self, data: CausalData, target: str, owner: str) -> Weighting:
        if target not in self._targets:
            raise ValueError(
                f"{owner}: this weighter has no target={target!r}. Use one of "
                f"{', '.join(map(repr, self._targets))}, or OverlapWeights."
            )
        moments = getattr(self, "moments", 1)
        _check_moments(moments, owner)
        columns, names = with_moments(*numeric_covariates(data.X, owner), moments)
        goal = {"all": None, "control": 0, "treated": 1}[target]
        density = data.weights
        if goal is not None:
            density = density * (data.treatment == goal)
        columns = _standardised(columns, data, density)
        weights = np.where(data.treatment == goal, data.weights, 0.0)
        parameters = []
        assert data.arms is not None
        for arm, label in enumerate(data.arms.tolist()):
            if arm == goal:
                continue
            rows = np.flatnonzero((data.treatment == arm) & (data.weights > 0))
            part, base = columns[rows], data.weights[rows]
            solution = self._weigh_arm(part, base)
            if not solution.converged:
                _refuse(solution, part, names, repr(label), owner)
            weights[rows] = density.sum() * solution.weights
            slopes = self._slopes(part, base, solution)
            if slopes is not None:
                slopes = density.sum() * slopes
                parameters.append(_equation(columns, rows, weights, density, slopes))
        return Weighting(weights, density, tuple(parameters))


def _check_moments(moments: int, owner: str) -> None:
    if not isinstance(moments, (int, np.integer)) or moments < 1:
        raise ValueError(
            f"{owner}: moments must be a positive integer, got {moments!r}. Use 1 for "
            "means, 2 for variances too."
        )


def _standardised(
    columns: np.ndarray, data: CausalData, density: np.ndarray
) -> np.ndarray:
    """Return columns centred at the target, in within-arm deviations."""
    deviation = pooled_deviation(columns, data.treatment, data.weights)
    centre = np.average(columns, axis=0, weights=density)
    return (columns - centre) / np.where(deviation > 0, deviation, 1.0)


def _equation(
    columns: np.ndarray,
    rows: np.ndarray,
    weights: np.ndarray,
    density: np.ndarray,
    slopes: np.ndarray,
) -> Parameters:
    """Return balance as an estimating equation: density less weights times features."""
    features = np.column_stack([np.ones(columns.shape[0]), columns])
    own = np.zeros(columns.shape[0])
    own[rows] = weights[rows]
    slope = np.zeros(columns.shape[0])
    slope[rows] = slopes
    part = features[rows]
    inverse = inverse_of(part.T @ (part * slopes[:, None]))
    scores = density - own
    return Parameters(features, scores[:, None], slope[:, None], inverse, slope)


def _refuse(
    solution: DualSolution, columns: np.ndarray, names: list[str], arm: str, owner: str
) -> None:
    """Say which covariate cannot be balanced, and what to do."""
    below, above = columns.max(axis=0) < 0, columns.min(axis=0) > 0
    if (below | above).any():
        worst = int(np.flatnonzero(below | above)[0])
        side = "below" if below[worst] else "above"
        reason = f"every row of arm {arm} is {side} the target's mean of"
    else:
        worst = int(np.abs(solution.gap).argmax())
        distance = abs(solution.gap[worst])
        reason = (
            f"weights of arm {arm} that balance all covariates at once do not exist; "
            f"{distance:.2g} standard deviations are left in"
        )
    raise InfeasibleBalanceError(
        f"{owner}: {reason} {names[worst]!r}. Balance fewer covariates or moments, "
        "allow a difference (StableBalancingWeights with a larger tolerance), weigh "
        "towards another target, or drop rows without a counterpart (CrumpTrimming)."
    )
