"""The bound of deep exponential families with gamma layers, and its two fits."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from skcausal.estimation.deconfounding._inputs import Causes
from skcausal.estimation.deconfounding._programs import (
    LARGEST_SCALE,
    LOG_RANGE,
    SMALLEST_RATE,
    log_normal,
)
from skcausal.estimation.deconfounding._training import (
    Batch,
    Loss,
    device_of,
    isolated,
    make_batch,
    tensor,
)

# The local fit of rows whose weights are known: steps of Adam and its rate.
LOCAL_STEPS, LOCAL_RATE = 200, 0.1
LOCAL_SEED = 0

HALF_LOG_2_PI_E = 0.5 * math.log(2 * math.pi * math.e)

Weights = list[tuple[np.ndarray, np.ndarray]]


@dataclass(frozen=True)
class LogNormals:
    """Independent log-normals: what the bound needs of them."""

    loc: torch.Tensor
    scale: torch.Tensor

    @property
    def mean(self) -> torch.Tensor:
        """Arithmetic means."""
        return torch.exp(self.loc + self.scale**2 / 2)

    @property
    def harmonic(self) -> torch.Tensor:
        """Harmonic means: one over the expectation of one over the variable."""
        return torch.exp(self.loc - self.scale**2 / 2)

    @property
    def geometric(self) -> torch.Tensor:
        """Exponentials of expected logarithms."""
        return torch.exp(self.loc)

    def divergence(
        self,
        shape: float,
        log_mean: torch.Tensor,
        inverse_mean: torch.Tensor,
    ) -> torch.Tensor:
        """Return the divergence from gammas, given expectations about their means.

        Linear in the location and in the mean, so no draw is needed.
        """
        entropy = self.loc + self.scale.log() + HALF_LOG_2_PI_E
        constant = math.lgamma(shape) - shape * math.log(shape)
        fit = (shape - 1) * self.loc - shape * inverse_mean * self.mean
        return constant + shape * log_mean - fit - entropy


def divergence_of_rows(
    factors: list[LogNormals], weights: list[LogNormals], shape: float
) -> torch.Tensor:
    """Return the divergence of all layers of factors from their priors, per row.

    The mean of a layer is a sum of products. Its expected logarithm is at most the
    logarithm of its expectation, and the expectation of its inverse at most one over
    the sum of harmonic means.
    """
    zero = torch.zeros_like(factors[-1].loc)
    total = factors[-1].divergence(shape, zero, zero + 1).sum(dim=1)
    for level in range(len(factors) - 1):
        above, through = factors[level + 1], weights[level + 1]
        mean = above.mean @ through.mean + SMALLEST_RATE
        harmonic = above.harmonic @ through.harmonic + SMALLEST_RATE
        found = factors[level].divergence(shape, mean.log(), 1 / harmonic)
        total = total + found.sum(dim=1)
    return total


def fit_of_rows(batch: Batch, z: LogNormals, W: LogNormals) -> torch.Tensor:
    """Return a lower bound of each row's expected log probability.

    Rates enter at nonzeros, by their geometric means, and as a sum over all causes.
    """
    rows, columns = batch.causes.nonzero(as_tuple=True)
    counts = batch.causes[rows, columns]
    rates = (z.geometric[rows] * W.geometric.T[columns]).sum(dim=-1) + SMALLEST_RATE
    terms = counts * rates.log() - torch.lgamma(counts + 1)
    mean = W.mean
    if isinstance(batch.observed, torch.Tensor):
        exposure = batch.observed.to(mean.dtype) @ mean.T
    else:
        exposure = mean.sum(dim=1)
    return (-(z.mean * exposure).sum(dim=-1)).index_add(0, rows, terms)


def deep_loss(
    n_rows: int,
    sizes: tuple[int, ...],
    mean_count: float,
    priors: tuple[float, tuple[float, float]],
    device: str,
) -> Loss:
    """Return minus the bound of some rows, scaled to all, of its Pyro parameters.

    ``sizes`` starts with the number of causes. All layers start with a mean of one.
    """
    shape, (a, b) = priors

    def loss(batch: Batch) -> torch.Tensor:
        factors, weights = [], []
        for level, (low, high) in enumerate(pairwise(sizes)):
            mean = (mean_count if level == 0 else 1.0) / high
            here = log_normal(f"weights_{level}", (high, low), mean, device)
            weights.append(LogNormals(*here))
            loc, scale = log_normal(f"factors_{level}", (n_rows, high), 1.0, device)
            factors.append(LogNormals(loc[batch.rows], scale[batch.rows]))
        # Gamma(a, b) has the mean a / b.
        known = torch.full((), a / b, dtype=torch.float32, device=device)
        prior = sum(W.divergence(a, known.log(), 1 / known).sum() for W in weights)
        rows = fit_of_rows(batch, factors[0], weights[0])
        rows = rows - divergence_of_rows(factors, weights, shape)
        return prior - rows.sum() * (n_rows / len(batch.rows))

    return loss


def infer_factors(
    weights: Weights,
    A: Causes,
    observed: np.ndarray | None,
    shape: float,
    device: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Return location and scale of the lowest factors of any rows, weights known.

    The bound is a sum over rows, so a row's factors do not depend on the rows beside
    it; no random number enters.
    """
    device = device_of(device)
    with isolated(LOCAL_SEED, device):
        batch = make_batch(A, observed, np.arange(A.shape[0]), device)
        known = [
            LogNormals(tensor(loc, device), tensor(std, device)) for loc, std in weights
        ]
        options = {"dtype": torch.float32, "device": device, "requires_grad": True}
        sizes = [(A.shape[0], len(loc)) for loc, _ in weights]
        locs = [torch.zeros(size, **options) for size in sizes]
        # The lowest layer starts where a row without any cause would end.
        start = torch.log(shape / (shape + known[0].mean.sum(dim=1))) - 0.5
        locs[0].data += start
        logs = [torch.zeros(size, **options) for size in sizes]
        optimiser = torch.optim.Adam([*locs, *logs], lr=LOCAL_RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, LOCAL_STEPS)
        for _ in range(LOCAL_STEPS):
            optimiser.zero_grad()
            factors = bounded(locs, logs)
            fit = fit_of_rows(batch, factors[0], known[0])
            loss = (divergence_of_rows(factors, known, shape) - fit).sum()
            loss.backward()
            optimiser.step()
            schedule.step()
        found = bounded(locs, logs)[0]
        return tuple(
            part.detach().cpu().numpy().astype(float)
            for part in (found.loc, found.scale)
        )


def bounded(locs: list[torch.Tensor], logs: list[torch.Tensor]) -> list[LogNormals]:
    """Return log-normals that no draw of which leaves single precision."""
    return [
        LogNormals(loc.clamp(*LOG_RANGE), log.exp().clamp(max=LARGEST_SCALE))
        for loc, log in zip(locs, logs, strict=True)
    ]
