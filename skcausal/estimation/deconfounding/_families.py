r"""Distributions of a cause given the factors, as exponential families.

Each log density is linear in the cause,
:math:`\log p(a) = a\,\eta - \psi(\eta) + h(a)`, so its mean over many posterior draws
needs only the means of :math:`\eta` and :math:`\psi`.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import expit, gammaln


class Family(Protocol):
    """What a factor model says about one cause, given its linear predictor."""

    def mean(self, predictor: np.ndarray) -> np.ndarray:
        """Return the expected cause."""

    def natural(self, predictor: np.ndarray) -> np.ndarray:
        """Return the natural parameter."""

    def log_normaliser(self, predictor: np.ndarray) -> np.ndarray:
        """Return the log normaliser at the natural parameter."""

    def base_measure(self, causes: np.ndarray) -> np.ndarray:
        """Return the part of the log density without any parameter."""

    def draw(self, predictor: np.ndarray, random: np.random.RandomState) -> np.ndarray:
        """Draw causes."""


@dataclass(frozen=True)
class Gaussian:
    """Normal causes around the predictor, with one standard deviation."""

    std: float

    def mean(self, predictor: np.ndarray) -> np.ndarray:
        """Return the predictor itself."""
        return predictor

    def natural(self, predictor: np.ndarray) -> np.ndarray:
        """Return the mean over the variance."""
        return predictor / self.std**2

    def log_normaliser(self, predictor: np.ndarray) -> np.ndarray:
        """Return half the squared mean over the variance."""
        return 0.5 * (predictor / self.std) ** 2

    def base_measure(self, causes: np.ndarray) -> np.ndarray:
        """Return the density's part without the mean."""
        constant = 0.5 * np.log(2 * np.pi) + np.log(self.std)
        return -0.5 * (causes / self.std) ** 2 - constant

    def draw(self, predictor: np.ndarray, random: np.random.RandomState) -> np.ndarray:
        """Add normal noise to the predictor."""
        return predictor + self.std * random.standard_normal(predictor.shape)


class Poisson:
    """Counts whose rate is the predictor."""

    def mean(self, predictor: np.ndarray) -> np.ndarray:
        """Return the rate."""
        return predictor

    def natural(self, predictor: np.ndarray) -> np.ndarray:
        """Return the log rate."""
        return np.log(np.maximum(predictor, np.finfo(float).tiny))

    def log_normaliser(self, predictor: np.ndarray) -> np.ndarray:
        """Return the rate."""
        return predictor

    def base_measure(self, causes: np.ndarray) -> np.ndarray:
        """Return minus the log factorial."""
        return -gammaln(causes + 1)

    def draw(self, predictor: np.ndarray, random: np.random.RandomState) -> np.ndarray:
        """Draw counts."""
        return random.poisson(predictor).astype(float)


class Bernoulli:
    """Zeros and ones whose log odds are the predictor."""

    def mean(self, predictor: np.ndarray) -> np.ndarray:
        """Return the probability of a one."""
        return expit(predictor)

    def natural(self, predictor: np.ndarray) -> np.ndarray:
        """Return the log odds."""
        return predictor

    def log_normaliser(self, predictor: np.ndarray) -> np.ndarray:
        """Return the softplus of the log odds."""
        return np.logaddexp(0, predictor)

    def base_measure(self, causes: np.ndarray) -> np.ndarray:
        """Return zeros."""
        return np.zeros_like(causes)

    def draw(self, predictor: np.ndarray, random: np.random.RandomState) -> np.ndarray:
        """Draw zeros and ones."""
        return (random.uniform(size=predictor.shape) < expit(predictor)).astype(float)
