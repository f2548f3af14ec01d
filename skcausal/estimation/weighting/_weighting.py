"""Weights, the population they stand for, and weighted means with their influence."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_LEAST_LEFT = 1e-3


@dataclass(frozen=True, eq=False)
class Parameters:
    r"""The estimated parameters behind some weights, as an M-estimator.

    They solve :math:`\sum_i u_i z_i = 0` for the scores u and features z (up to a
    ridge penalty), and weights depend on them through :math:`z_i'\theta`.

    Parameters
    ----------
    features : ndarray of shape (n, k)
        Features with the intercept.
    scores : ndarray of shape (n, c)
        Factor of the features in the estimating equation; c columns of parameters.
    slopes : ndarray of shape (n, c)
        Derivative of each weight by its linear predictors.
    inverse : ndarray of shape (c * k, c * k)
        Inverse of minus the derivative of the summed equations, ordered by column of
        parameters.
    curvature : ndarray of shape (n,), default=None
        Minus the derivative of each score, for a single column of parameters.
    density_slopes : ndarray of shape (n, c), default=None
        Derivative of the target density; None where it is known.
    """

    features: np.ndarray
    scores: np.ndarray
    slopes: np.ndarray
    inverse: np.ndarray
    curvature: np.ndarray | None = None
    density_slopes: np.ndarray | None = None

    @cached_property
    def _lengths(self) -> np.ndarray:
        """Squared length of each row's features in the metric of the inverse."""
        return ((self.features @ self.inverse) * self.features).sum(axis=1)

    def influence(
        self,
        residual: np.ndarray | None = None,
        density_residual: np.ndarray | None = None,
        *,
        leave_one_out: bool = True,
    ) -> np.ndarray:
        """Return what estimating the parameters adds to sums of weight x residual.

        With ``leave_one_out`` the change of the sum when the row is left out, by one
        Newton step; otherwise its derivative by the weight of the row.
        """
        moved = np.zeros_like(self.scores)
        if residual is not None:
            moved += self.slopes * residual[:, None]
        if density_residual is not None and self.density_slopes is not None:
            moved += self.density_slopes * density_residual[:, None]
        if not moved.any():
            return np.zeros(moved.shape[0])
        direction = self.inverse @ (moved.T @ self.features).ravel()
        pull = self.features @ direction.reshape(moved.shape[1], -1).T
        if leave_one_out and self.curvature is not None:
            left = np.maximum(1 - self.curvature * self._lengths, _LEAST_LEFT)
            pull = (pull - moved * self._lengths[:, None]) / left[:, None]
        return (pull * self.scores).sum(axis=1)

    def scattered(self, rows: np.ndarray, n_rows: int) -> "Parameters":
        """Return the same parameters among more rows, on which they do not depend."""

        def optional(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else scattered(values, rows, n_rows)

        return Parameters(
            scattered(self.features, rows, n_rows),
            scattered(self.scores, rows, n_rows),
            scattered(self.slopes, rows, n_rows),
            self.inverse,
            optional(self.curvature),
            optional(self.density_slopes),
        )


def inverse_of(hessian: np.ndarray) -> np.ndarray:
    """Return the inverse of a symmetric matrix, zero where columns are collinear."""
    return np.linalg.pinv(hessian, rcond=1e-12, hermitian=True)


@dataclass(frozen=True, eq=False)
class Weighting:
    """Weights of all rows towards a target population.

    Parameters
    ----------
    weights : ndarray of shape (n,)
        How many rows of the population each row of an arm stands for.
    density : ndarray of shape (n,)
        Weight of each row in the population itself.
    parameters : tuple of Parameters, or None
        What was estimated; empty for known weights, None where no valid influence is
        known.
    """

    weights: np.ndarray
    density: np.ndarray
    parameters: tuple[Parameters, ...] | None = ()

    def mean(
        self,
        in_arm: np.ndarray,
        outcome: np.ndarray,
        base: np.ndarray | None = None,
        *,
        leave_one_out: bool = True,
    ) -> tuple[float, np.ndarray]:
        """Return the mean outcome of an arm in the population, and its influence.

        With ``base``, predicted outcomes of all rows, they are averaged over the
        population and the weighted residuals of the arm added. With ``leave_one_out``
        influences are scaled changes of the mean when a row is left out, whose
        variance is less optimistic in small samples.
        """
        residual = outcome if base is None else outcome - base
        value = float(np.average(residual, weights=self.weights * in_arm))
        parts = [(self.weights, in_arm * (residual - value), in_arm * 1.0, "residual")]
        if base is not None:
            level = float(np.average(base, weights=self.density))
            value += level
            everyone = np.ones(outcome.shape[0])
            parts.append((self.density, base - level, everyone, "density_residual"))
        n_rows = outcome.shape[0]
        if self.parameters is None:
            return value, np.full(n_rows, np.nan)
        influence = np.zeros(n_rows)
        for weight, distance, unit, role in parts:
            total = float(weight @ unit)
            moved = self._moved(weight, distance, role, leave_one_out)
            if leave_one_out:
                rest = total - self._moved(weight, unit, role, leave_one_out)
                influence += (
                    (n_rows - 1) * moved / np.maximum(rest, _LEAST_LEFT * total)
                )
            else:
                influence += n_rows * moved / total
        return value, influence - influence.mean()

    def _moved(
        self, weight: np.ndarray, values: np.ndarray, role: str, leave_one_out: bool
    ) -> np.ndarray:
        """Return by how much each row moves the sum of weight x values."""
        moved = weight * values
        for one in self.parameters or ():
            moved = moved + one.influence(**{role: values}, leave_one_out=leave_one_out)
        return moved

    def scattered(self, rows: np.ndarray, n_rows: int) -> "Weighting":
        """Return the weighting among more rows; the others have weight zero."""
        parameters = self.parameters
        if parameters is not None:
            parameters = tuple(one.scattered(rows, n_rows) for one in parameters)
        return Weighting(
            scattered(self.weights, rows, n_rows),
            scattered(self.density, rows, n_rows),
            parameters,
        )


def scattered(values: np.ndarray, rows: np.ndarray, n_rows: int) -> np.ndarray:
    """Return values at some of ``n_rows`` rows, zero elsewhere."""
    spread = np.zeros((n_rows, *values.shape[1:]))
    spread[rows] = values
    return spread
