"""One training loop for all factor models: stochastic variational inference in Pyro.

Nothing global changes: the random state is forked, the parameter store is scoped, and
every tensor names its type and device.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyro
import torch
from pyro.infer import SVI, TraceMeanField_ELBO
from pyro.optim import ClippedAdam
from tqdm.auto import tqdm

from skcausal.estimation.deconfounding._inputs import Causes, rows_of

# Epochs whose mean bound is compared with the mean of as many before.
WINDOW = 20
# The learning rate falls to this share of its start by the last epoch.
FINAL_RATE = 0.1

Program = Callable[["Batch"], None]
Loss = Callable[["Batch"], torch.Tensor]


@dataclass(frozen=True)
class Batch:
    """Some rows of the causes on the device."""

    rows: torch.Tensor
    causes: torch.Tensor
    observed: torch.Tensor | bool
    n_rows: int


@dataclass(frozen=True)
class Training:
    """The settings of one run."""

    max_iter: int
    batch_size: int
    learning_rate: float
    tol: float
    device: str
    verbose: bool
    seed: int


def device_of(device: str) -> str:
    """Return the device to compute on; "auto" is the GPU where there is one."""
    if device != "auto":
        return device
    return "cuda" if torch.cuda.is_available() else "cpu"


def tensor(values: np.ndarray, device: str) -> torch.Tensor:
    """Copy an array to the device in single precision."""
    return torch.tensor(values, dtype=torch.float32, device=device)


def make_batch(
    A: Causes, observed: np.ndarray | None, rows: np.ndarray, device: str
) -> Batch:
    """Copy some rows of the causes to the device."""
    return Batch(
        torch.tensor(rows, device=device),
        tensor(rows_of(A, rows), device),
        True if observed is None else torch.tensor(observed[rows], device=device),
        A.shape[0],
    )


@contextmanager
def isolated(seed: int, device: str) -> Iterator[None]:
    """Run with a seed of its own, gradients on and an empty parameter store."""
    devices = [torch.cuda.current_device()] if "cuda" in device else []
    with (
        torch.random.fork_rng(devices),
        torch.inference_mode(False),
        torch.enable_grad(),
        pyro.get_param_store().scope(),
        pyro.validation_enabled(False),
    ):
        torch.manual_seed(seed)
        yield


def train(
    model: Program,
    guide: Program,
    A: Causes,
    observed: np.ndarray | None,
    settings: Training,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Fit the guide; return its parameters and the bound (ELBO) of each epoch."""
    bound = TraceMeanField_ELBO()

    def loss(batch: Batch) -> torch.Tensor:
        return bound.differentiable_loss(model, guide, batch)

    return minimise(loss, A, observed, settings)


def minimise(
    loss: Loss,
    A: Causes,
    observed: np.ndarray | None,
    settings: Training,
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Minimise minus the bound of batches over its Pyro parameters; see `train`."""
    device = device_of(settings.device)
    with isolated(settings.seed, device):
        n_rows = A.shape[0]
        n_steps = settings.max_iter * -(-n_rows // settings.batch_size)
        rate = {
            "lr": settings.learning_rate,
            "lrd": FINAL_RATE ** (1 / n_steps),
        }

        def of_batch(_model: Any, _guide: Any, batch: Batch) -> torch.Tensor:
            return loss(batch)

        svi = SVI(_nothing, _nothing, ClippedAdam(rate), of_batch)
        trace: list[float] = []
        for _ in tqdm(range(settings.max_iter), disable=not settings.verbose):
            trace.append(_epoch(svi, A, observed, settings, device))
            if converged(trace, settings.tol):
                break
        parameters = {
            name: value.detach().cpu().numpy().astype(float)
            for name, value in pyro.get_param_store().items()
        }
    return parameters, np.array(trace)


def _nothing(batch: Batch) -> None:
    """Stand for a program where the loss is known by itself."""


def _epoch(
    svi: SVI,
    A: Causes,
    observed: np.ndarray | None,
    settings: Training,
    device: str,
) -> float:
    """Pass once over all rows in random order; return the mean bound."""
    n_rows = A.shape[0]
    order = torch.randperm(n_rows, device="cpu").numpy()
    bounds = []
    for start in range(0, n_rows, settings.batch_size):
        rows = order[start : start + settings.batch_size]
        batch = make_batch(A, observed, rows, device)
        bounds.append(-svi.step(batch) * len(rows))
    return float(np.sum(bounds) / n_rows)


def converged(trace: list[float], tol: float) -> bool:
    """Tell whether the smoothed bound has stopped rising."""
    if len(trace) < 2 * WINDOW:
        return False
    now = np.mean(trace[-WINDOW:])
    before = np.mean(trace[-2 * WINDOW : -WINDOW])
    return bool(now - before < tol * abs(before))
