"""The fitted generative program in Pyro, and effects by Pyro's ``do``.

The substitute confounder is drawn from its posterior given the causes of the row, not
from its prior: an intervention does not make the row another row.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pyro
import torch
from pyro import distributions as dist

from skcausal.estimation.deconfounding._outcome import OutcomeFit, Rows

Program = Callable[[], torch.Tensor]


def make_program(
    fit: OutcomeFit, rows: Rows, draws: np.ndarray, expected: np.ndarray, cause: int
) -> Program:
    """Return ``z -> cause -> outcome`` for all rows, one sample at each call.

    Parameters
    ----------
    fit : OutcomeFit
        The outcome model.
    rows : Rows
        Rows with their observed causes.
    draws : ndarray of shape (n_draws, n, n_columns)
        Posterior draws of what stands for the confounder.
    expected : ndarray of shape (n,)
        Expected value of the cause under the factor model.
    cause : int
        Position of the cause that may be intervened on; others keep their values.
    """
    posterior = torch.as_tensor(np.swapaxes(draws, 0, 1))
    logits = torch.zeros(posterior.shape[:2])
    mean = torch.as_tensor(expected)
    spread = torch.as_tensor(max(float(rows.causes[:, cause].std()), 1e-6))
    noise = torch.as_tensor(fit.noise_std)

    def program() -> torch.Tensor:
        with pyro.plate("rows", rows.causes.shape[0]):
            if draws.shape[2]:
                z = pyro.sample("z", dist.Empirical(posterior, logits)).numpy()
            else:
                z = draws[0]
            value = pyro.sample("cause", dist.Normal(mean, spread))
            changed = rows.causes.copy()
            changed[:, cause] = value.numpy()
            level = fit.expected(rows.with_causes(changed).with_confounder(z))
            return pyro.sample("outcome", _noise(fit, torch.as_tensor(level), noise))

    return program


def draw_under(
    program: Program, value: float, n_rows: int, n_draws: int, seed: int
) -> np.ndarray:
    """Draw outcomes of all rows with the cause set to a value, (n_draws, n)."""
    intervened = pyro.poutine.do(
        program, data={"cause": torch.full((n_rows,), float(value), dtype=torch.double)}
    )
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        drawn = [intervened().numpy() for _ in range(n_draws)]
    return np.stack(drawn)


def _noise(fit: OutcomeFit, level: torch.Tensor, noise: torch.Tensor) -> Any:
    """Return the distribution of the outcome around its expectation."""
    if fit.is_classifier:
        return dist.Bernoulli(level)
    return dist.Normal(level, noise)
