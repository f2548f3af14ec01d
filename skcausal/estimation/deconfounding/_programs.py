"""Pyro programs of the factor models: what generates the causes, and the guides."""

import math
from collections.abc import Callable

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from torch.distributions import constraints

from skcausal.estimation.deconfounding._training import Batch, Program, tensor

# Rates stay above this, so that a logarithm in single precision is finite.
SMALLEST_RATE = 1e-8

# Log-normals stay within these, so that no draw leaves single precision.
LOG_RANGE, LARGEST_SCALE = (-20.0, 10.0), 3.5

Shape = tuple[int, ...]


def filled(shape: Shape, value: float, device: str) -> Callable[[], torch.Tensor]:
    """Return a function that makes a constant tensor."""
    return lambda: torch.full(shape, value, dtype=torch.float32, device=device)


def noise(shape: Shape, std: float, device: str) -> Callable[[], torch.Tensor]:
    """Return a function that draws a starting point around zero."""
    return lambda: std * torch.randn(shape, dtype=torch.float32, device=device)


def positive(name: str, shape: Shape, value: float, device: str) -> torch.Tensor:
    """Return a positive parameter that starts at a value."""
    start = filled(shape, value, device)
    return pyro.param(name, start, constraint=constraints.positive)


def normal_prior(shape: Shape, std: float, device: str) -> dist.TorchDistribution:
    """Return independent normals around zero."""
    zero = torch.zeros((), dtype=torch.float32, device=device)
    return dist.Normal(zero, zero + std).expand(shape).to_event(len(shape))


def gamma_prior(
    shape: Shape, parameters: tuple[float, float], device: str
) -> dist.TorchDistribution:
    """Return independent gammas of one shape and rate."""
    one = torch.ones((), dtype=torch.float32, device=device)
    each = dist.Gamma(parameters[0] * one, parameters[1] * one)
    return each.expand(shape).to_event(len(shape))


def normal_guide(n_rows: int, k: int, m: int, device: str) -> Program:
    """Return independent normals for factors and loadings."""

    def guide(batch: Batch) -> None:
        loc = pyro.param("loadings_loc", noise((k, m), 0.1, device))
        scale = positive("loadings_scale", (k, m), 0.1, device)
        pyro.sample("loadings", dist.Normal(loc, scale).to_event(2))
        z_loc = pyro.param("factors_loc", noise((n_rows, k), 0.1, device))
        z_scale = positive("factors_scale", (n_rows, k), 0.5, device)
        with pyro.plate("rows", batch.n_rows, subsample=batch.rows):
            here = dist.Normal(z_loc[batch.rows], z_scale[batch.rows])
            pyro.sample("factors", here.to_event(1))

    return guide


def linear_gaussian(k: int, m: int, noise_std: float | None, device: str) -> Program:
    """Return probabilistic PCA: normal factors, loadings and causes."""

    def model(batch: Batch) -> None:
        mean = pyro.param("mean", filled((m,), 0.0, device))
        if noise_std is None:
            std = positive("noise_std", (), 1.0, device)
        else:
            std = filled((), noise_std, device)()
        loadings = pyro.sample("loadings", normal_prior((k, m), 1.0, device))
        with pyro.plate("rows", batch.n_rows, subsample=batch.rows):
            z = pyro.sample("factors", normal_prior((k,), 1.0, device))
            causes = dist.Normal(z @ loadings + mean, std)
            pyro.sample(
                "causes", causes.mask(batch.observed).to_event(1), obs=batch.causes
            )

    return model


def log_normal(
    name: str, shape: Shape, mean: float, device: str
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return location and scale of log-normals that start around a mean."""
    start, shift = noise(shape, 0.1, device), math.log(mean)
    loc = pyro.param(f"{name}_loc", lambda: start() + shift)
    scale = positive(f"{name}_scale", shape, 0.1, device)
    return loc.clamp(*LOG_RANGE), scale.clamp(max=LARGEST_SCALE)


def found_log_normal(
    found: dict[str, np.ndarray], name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return what `log_normal` became, from the trained parameters."""
    loc, scale = found[f"{name}_loc"], found[f"{name}_scale"]
    return np.clip(loc, *LOG_RANGE), np.minimum(scale, LARGEST_SCALE)


def positive_guide(
    n_rows: int, k: int, m: int, mean_count: float, device: str
) -> Program:
    """Return independent log-normals for factors and loadings.

    Gradients through draws of gammas with small shapes are too noisy to train with.
    """

    def guide(batch: Batch) -> None:
        loadings = log_normal("loadings", (k, m), mean_count / k, device)
        pyro.sample("loadings", dist.LogNormal(*loadings).to_event(2))
        loc, scale = log_normal("factors", (n_rows, k), 1.0, device)
        with pyro.plate("rows", batch.n_rows, subsample=batch.rows):
            here = dist.LogNormal(loc[batch.rows], scale[batch.rows])
            pyro.sample("factors", here.to_event(1))

    return guide


def poisson_gamma(
    k: int,
    m: int,
    priors: tuple[tuple[float, float], tuple[float, float]],
    device: str,
) -> Program:
    """Return Poisson factorisation: gamma factors and loadings, Poisson causes."""

    def model(batch: Batch) -> None:
        loadings = pyro.sample("loadings", gamma_prior((k, m), priors[1], device))
        with pyro.plate("rows", batch.n_rows, subsample=batch.rows):
            z = pyro.sample("factors", gamma_prior((k,), priors[0], device))
            causes = dist.Poisson(z @ loadings + SMALLEST_RATE)
            pyro.sample(
                "causes", causes.mask(batch.observed).to_event(1), obs=batch.causes
            )

    return model


def bernoulli_logistic(
    k: int, intercept: np.ndarray, loading_std: float, device: str
) -> Program:
    """Return logistic matrix factorisation with intercepts that start at a value."""
    m = len(intercept)

    def model(batch: Batch) -> None:
        shift = pyro.param("intercept", lambda: tensor(intercept, device))
        loadings = pyro.sample("loadings", normal_prior((k, m), loading_std, device))
        with pyro.plate("rows", batch.n_rows, subsample=batch.rows):
            z = pyro.sample("factors", normal_prior((k,), 1.0, device))
            causes = dist.Bernoulli(logits=z @ loadings + shift)
            pyro.sample(
                "causes", causes.mask(batch.observed).to_event(1), obs=batch.causes
            )

    return model
