"""The closed bound of deep exponential families against draws."""

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("pyro")
torch = pytest.importorskip("torch")

from skcausal.estimation.deconfounding._deep_bound import (  # noqa: E402
    LogNormals,
    divergence_of_rows,
    fit_of_rows,
)
from skcausal.estimation.deconfounding._training import make_batch  # noqa: E402

DRAWS = 20_000
SHAPE = 0.3


def log_normals(random, size):
    loc = random.normal(-0.5, 0.5, size=size)
    scale = random.uniform(0.2, 0.6, size=size)
    return LogNormals(torch.tensor(loc), torch.tensor(scale))


def draws(of, random):
    noise = random.normal(size=(DRAWS, *of.loc.shape))
    return np.exp(of.loc.numpy() + of.scale.numpy() * noise)


def log_density(of, values):
    scale = np.exp(of.loc.numpy())
    return stats.lognorm.logpdf(values, of.scale.numpy(), scale=scale)


def test_divergence_of_one_layer_is_exact():
    random = np.random.default_rng(0)
    z = log_normals(random, (3, 2))
    values = draws(z, random)
    prior = stats.gamma.logpdf(values, SHAPE, scale=1 / SHAPE)
    gap = (log_density(z, values) - prior).sum(axis=2)
    error = gap.std(axis=0) / np.sqrt(DRAWS)
    found = divergence_of_rows([z], [], SHAPE).numpy()
    assert (np.abs(gap.mean(axis=0) - found) < 4 * error).all()


def test_bound_is_below_its_expectation_and_close():
    random = np.random.default_rng(1)
    low, high = log_normals(random, (3, 4)), log_normals(random, (3, 2))
    down, through = log_normals(random, (4, 6)), log_normals(random, (2, 4))
    A = random.poisson(1.0, size=(3, 6)).astype(float)
    observed = random.uniform(size=A.shape) < 0.7
    A[~observed] = 0
    z0, z1, W0, W1 = (draws(one, random) for one in (low, high, down, through))
    log_prior = stats.gamma.logpdf(z1, SHAPE, scale=1 / SHAPE).sum(axis=2)
    log_prior += stats.gamma.logpdf(z0, SHAPE, scale=z1 @ W1 / SHAPE).sum(axis=2)
    log_q = log_density(low, z0).sum(axis=2) + log_density(high, z1).sum(axis=2)
    fit = (stats.poisson.logpmf(A, z0 @ W0) * observed).sum(axis=2)
    exact = (fit + log_prior - log_q).mean(axis=0)
    error = (fit + log_prior - log_q).std(axis=0) / np.sqrt(DRAWS)
    batch = make_batch(A, observed, np.arange(3), "cpu")
    found = fit_of_rows(batch, low, down) - divergence_of_rows(
        [low, high], [down, through], SHAPE
    )
    assert (found.numpy() < exact + 4 * error).all()
    assert (found.numpy() > exact - 1.5).all()
