"""Weights, the population they stand for, and weighted means with their influence."""

from dataclasses import dataclass

import numpy as np


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
    hessian : ndarray of shape (c * k, c * k)
        Minus the derivative of the summed equations, ordered by column of parameters.
    density_slopes : ndarray of shape (n, c), default=None
        Derivative of the target density; None where it is known.
    """

    features: np.ndarray
    scores: np.ndarray
    slopes: np.ndarray
    hessian: np.ndarray
    density_slopes: np.ndarray | None = None

    def influence(
        self, residual: np.ndarray, density_residual: np.ndarray
    ) -> np.ndarray:
        """Return what estimating the parameters adds to sums of weight x residual."""
        moved = self.slopes * residual[:, None]
        if self.density_slopes is not None:
            moved = moved + self.density_slopes * density_residual[:, None]
        gradient = (moved.T @ self.features).ravel()
        inverse = np.linalg.pinv(self.hessian, rcond=1e-12, hermitian=True)
        direction = (inverse @ gradient).reshape(self.slopes.shape[1], -1)
        added = ((self.features @ direction.T) * self.scores).sum(axis=1)
        return added - added.mean()

    def scattered(self, rows: np.ndarray, n_rows: int) -> "Parameters":
        """Return the same parameters among more rows, on which they do not depend."""
        density = self.density_slopes
        return Parameters(
            scattered(self.features, rows, n_rows),
            scattered(self.scores, rows, n_rows),
            scattered(self.slopes, rows, n_rows),
            self.hessian,
            None if density is None else scattered(density, rows, n_rows),
        )


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
        self, in_arm: np.ndarray, outcome: np.ndarray, base: np.ndarray | None = None
    ) -> tuple[float, np.ndarray]:
        """Return the mean outcome of an arm in the population, and its influence.

        With ``base``, predicted outcomes of all rows, they are averaged over the
        population and the weighted residuals of the arm added.
        """
        own = self.weights * in_arm
        scale = own.mean()
        residual = outcome if base is None else outcome - base
        value = float(np.average(residual, weights=own))
        left = in_arm * (residual - value) / scale
        influence = self.weights * left
        spread = np.zeros(outcome.shape[0])
        if base is not None:
            level = float(np.average(base, weights=self.density))
            spread = (base - level) / self.density.mean()
            influence = influence + self.density * spread
            value += level
        if self.parameters is None:
            return value, np.full(outcome.shape[0], np.nan)
        for one in self.parameters:
            influence = influence + one.influence(left, spread)
        return value, influence

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
