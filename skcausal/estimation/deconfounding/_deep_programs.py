"""Pyro programs of deep exponential families with gamma layers."""

from itertools import pairwise

import numpy as np
import pyro
import pyro.distributions as dist
import torch
from pyro import poutine

from skcausal.estimation.deconfounding._inputs import Causes
from skcausal.estimation.deconfounding._programs import (
    SMALLEST_RATE,
    gamma_prior,
    log_normal,
)
from skcausal.estimation.deconfounding._training import (
    Batch,
    Program,
    device_of,
    isolated,
    make_batch,
    tensor,
)

# The local fit of rows whose weights are known: steps of Adam, its rate, draws each.
LOCAL_STEPS, LOCAL_RATE, LOCAL_DRAWS = 200, 0.1, 2
# New rows always meet the same draws, so that their factors are a function of the row.
LOCAL_SEED = 0

Weights = list[tuple[np.ndarray, np.ndarray]]


def deep_model(
    layers: tuple[int, ...],
    m: int,
    shape: float,
    weight_prior: tuple[float, float],
    device: str,
) -> Program:
    """Return the deep exponential family: gammas whose means come from above."""
    sizes = [m, *layers]

    def model(batch: Batch) -> None:
        weights = [
            pyro.sample(
                f"weights_{level}",
                gamma_prior((sizes[level + 1], sizes[level]), weight_prior, device),
            )
            for level in range(len(layers))
        ]
        alpha = torch.full((), shape, dtype=torch.float32, device=device)
        with pyro.plate("rows", batch.n_rows, subsample=batch.rows):
            top = gamma_prior((layers[-1],), (shape, shape), device)
            z = pyro.sample(f"factors_{len(layers) - 1}", top)
            for level in reversed(range(len(layers) - 1)):
                mean = z @ weights[level + 1] + SMALLEST_RATE
                here = dist.Gamma(alpha, alpha / mean).to_event(1)
                z = pyro.sample(f"factors_{level}", here)
            rate = z @ weights[0] + SMALLEST_RATE
            causes = dist.Poisson(rate).mask(batch.observed).to_event(1)
            pyro.sample("causes", causes, obs=batch.causes)

    return model


def deep_guide(
    n_rows: int, sizes: tuple[int, ...], mean_count: float, device: str
) -> Program:
    """Return independent log-normals for the factors and weights of all layers.

    ``sizes`` starts with the number of causes. All layers start with a mean of one.
    """

    def guide(batch: Batch) -> None:
        for level, (low, high) in enumerate(pairwise(sizes)):
            mean = (mean_count if level == 0 else 1.0) / high
            here = log_normal(f"weights_{level}", (high, low), mean, device)
            pyro.sample(f"weights_{level}", dist.LogNormal(*here).to_event(2))
        plate = pyro.plate("rows", batch.n_rows, subsample=batch.rows)
        for level, size in enumerate(sizes[1:]):
            name = f"factors_{level}"
            loc, scale = log_normal(name, (n_rows, size), 1.0, device)
            with plate:
                drawn = dist.LogNormal(loc[batch.rows], scale[batch.rows])
                pyro.sample(name, drawn.to_event(1))

    return guide


def infer_factors(
    model: Program,
    weights: Weights,
    A: Causes,
    observed: np.ndarray | None,
    device: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Return location and scale of the lowest factors of any rows, weights known.

    All rows meet the same random numbers and the bound is a sum over rows, so a row's
    factors do not depend on the rows beside it.
    """
    device = device_of(device)
    with isolated(LOCAL_SEED, device):
        batch = make_batch(A, observed, np.arange(A.shape[0]), device)
        known = [(tensor(loc, device), tensor(std, device)) for loc, std in weights]
        sizes = [len(loc) for loc, _ in known]
        options = {"dtype": torch.float32, "device": device, "requires_grad": True}
        locs = [torch.zeros(A.shape[0], size, **options) for size in sizes]
        logs = [torch.full((A.shape[0], size), -1.0, **options) for size in sizes]
        optimiser = torch.optim.Adam([*locs, *logs], lr=LOCAL_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, LOCAL_STEPS)
        for _ in range(LOCAL_STEPS):
            optimiser.zero_grad()
            loss = sum(
                _negative_bound(model, batch, known, locs, logs)
                for _ in range(LOCAL_DRAWS)
            )
            loss.backward()
            optimiser.step()
            schedule.step()
        return (
            locs[0].detach().cpu().numpy().astype(float),
            logs[0].detach().exp().cpu().numpy().astype(float),
        )


def _negative_bound(
    model: Program,
    batch: Batch,
    weights: list[tuple[torch.Tensor, torch.Tensor]],
    locs: list[torch.Tensor],
    logs: list[torch.Tensor],
) -> torch.Tensor:
    """Return minus one draw of the bound, summed over rows."""
    values = {}
    for level, (loc, std) in enumerate(weights):
        values[f"weights_{level}"] = torch.exp(loc + std * torch.randn_like(loc))
    entropy = torch.zeros((), dtype=torch.float32, device=batch.causes.device)
    for level, (loc, log) in enumerate(zip(locs, logs, strict=True)):
        draw = torch.randn(
            (1, loc.shape[1]), dtype=torch.float32, device=batch.causes.device
        )
        values[f"factors_{level}"] = torch.exp(loc + log.exp() * draw)
        entropy = entropy + (loc + log).sum()
    trace = poutine.trace(poutine.condition(model, data=values)).get_trace(batch)
    trace.compute_log_prob()
    sites = ["causes", *(f"factors_{level}" for level in range(len(locs)))]
    joint = sum(trace.nodes[site]["unscaled_log_prob"].sum() for site in sites)
    return -(joint + entropy)
