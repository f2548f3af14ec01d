"""The fitted generative program in Pyro, and effects by Pyro's ``do``.

The substitute confounder is drawn from its posterior given the causes of the row, not
from its prior: an intervention does not make the row another row.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyro
import torch
from pyro import distributions as dist

from skcausal.estimation.deconfounding._outcome import OutcomeFit, Rows

Program = Callable[[], torch.Tensor]


def make_program(
    fit: OutcomeFit,
    rows: Rows,
    draws: np.ndarray,
    expected: np.ndarray,
    positions: Sequence[int],
) -> Program:
    """Return ``z -> causes -> outcome`` for all rows, one sample at each call.

    Parameters
    ----------
    fit : OutcomeFit
        The outcome model.
    rows : Rows
        Rows with their observed causes.
    draws : ndarray of shape (n_draws, n, n_columns)
        Posterior draws of what stands for the confounder.
    expected : ndarray of shape (n, n_causes)
        Expected causes under the factor model.
    positions : sequence of int
        Causes that may be intervened on; others keep their values.
    """
    posterior = torch.as_tensor(np.swapaxes(draws, 0, 1))
    weights = torch.zeros(posterior.shape[:2])
    means = torch.as_tensor(expected)
    spreads = torch.as_tensor(rows.causes.std(axis=0)).clamp(min=1e-6)

    def program() -> torch.Tensor:
        with pyro.plate("rows", rows.causes.shape[0]):
            z = draws[0]
            if len(draws) > 1:
                z = pyro.sample("z", dist.Empirical(posterior, weights)).numpy()
            causes = rows.causes.copy()
            for j in positions:
                normal = dist.Normal(means[:, j], spreads[j])
                causes[:, j] = pyro.sample(f"cause_{j}", normal).numpy()
            level = fit.expected(rows.with_causes(causes).with_confounder(z))
            return pyro.sample("outcome", _noise(fit, torch.as_tensor(level)))

    return program


def draw_under(
    program: Program, do: dict[int, float], n_rows: int, n_draws: int, seed: int
) -> np.ndarray:
    """Draw outcomes of all rows with causes set to values, (n_draws, n)."""
    data = {
        f"cause_{j}": torch.full((n_rows,), float(value), dtype=torch.double)
        for j, value in do.items()
    }
    intervened = pyro.poutine.do(program, data=data)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        drawn = [intervened().numpy() for _ in range(n_draws)]
    return np.stack(drawn)


def _noise(fit: OutcomeFit, level: torch.Tensor) -> Any:
    """Return the distribution of the outcome around its expectation."""
    if fit.is_classifier:
        return dist.Bernoulli(level)
    return dist.Normal(level, max(fit.noise_std, 1e-12))
