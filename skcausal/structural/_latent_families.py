"""Densities of the children of a latent node, as functions of a linear predictor."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import expit, gammaln

Array = np.ndarray


@dataclass(frozen=True)
class Family:
    """How a child is drawn given its linear predictor and a scale.

    ``log_density``, ``score`` and ``information`` take values, predictor and scale; the
    last two are the first derivative of the log density by the predictor and minus
    the second, which is positive: the posterior of the latent node has one mode.
    """

    name: str
    log_density: Callable[[Array, Array, float], Array]
    score: Callable[[Array, Array, float], Array]
    information: Callable[[Array, Array, float], Array]
    start: Callable[[Array], Array]  # values on the scale of the predictor, roughly
    has_scale: bool = False


def _normal_log_density(values: Array, eta: Array, scale: float) -> Array:
    standard = (values - eta) / scale
    return -0.5 * standard**2 - np.log(scale * np.sqrt(2 * np.pi))


GAUSSIAN = Family(
    "gaussian",
    _normal_log_density,
    lambda values, eta, scale: (values - eta) / scale**2,
    lambda values, eta, scale: np.full_like(eta, 1 / scale**2),
    lambda values: values,
    has_scale=True,
)

POISSON = Family(
    "poisson",
    lambda values, eta, scale: values * eta - np.exp(eta) - gammaln(values + 1),
    lambda values, eta, scale: values - np.exp(eta),
    lambda values, eta, scale: np.exp(eta),
    lambda values: np.log(np.maximum(values, 0.5)),
)

BERNOULLI = Family(
    "bernoulli",
    lambda values, eta, scale: values * eta - np.logaddexp(0, eta),
    lambda values, eta, scale: values - expit(eta),
    lambda values, eta, scale: expit(eta) * expit(-eta),
    lambda values: 2.0 * values - 1.0,
)

FAMILIES = {one.name: one for one in (GAUSSIAN, POISSON, BERNOULLI)}


def value_of_noise(family: Family, eta: Array, scale: float, noise: Array) -> Array:
    """Return the values that noise gives: normal if Gaussian, else uniform."""
    if family is GAUSSIAN:
        return eta + scale * noise
    if family is POISSON:
        return np.asarray(stats.poisson.ppf(noise, np.exp(eta)), dtype=float)
    return (noise > expit(-eta)).astype(float)


def noise_of_value(
    family: Family, eta: Array, scale: float, values: Array, random: np.random.Generator
) -> Array:
    """Return noise that gives the values; uniform between its bounds if discrete."""
    if family is GAUSSIAN:
        return (values - eta) / scale
    if family is POISSON:
        rate = np.exp(eta)
        upper = stats.poisson.cdf(values, rate)
        lower = np.where(values > 0, stats.poisson.cdf(values - 1, rate), 0.0)
    else:
        lower = np.where(values > 0, expit(-eta), 0.0)
        upper = np.where(values > 0, 1.0, expit(-eta))
    drawn = upper - (upper - lower) * random.random(len(values))
    return np.clip(drawn, np.nextafter(lower, 1), np.nextafter(1.0, 0))
