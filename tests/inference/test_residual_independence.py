"""The test of independence of residuals: uniform p-values, power, constants."""

import numpy as np
import pytest
from scipy import stats

from skcausal.inference._residual_independence import independence_p_value


def p_value(make, seed, n=150):
    rng = np.random.default_rng(seed)
    residual, design = make(rng, n)
    return independence_p_value(residual, design, rng, n_permutations=99)


def test_p_values_are_uniform_under_independence():
    """Also with a heavy tail, and columns that depend on each other."""

    def independent(rng, n):
        first = rng.normal(size=n)
        return rng.standard_t(2, size=n), np.column_stack([first, first**2 - 1])

    found = [p_value(independent, seed) for seed in range(200)]
    assert stats.kstest(found, "uniform").pvalue > 0.01


@pytest.mark.parametrize(
    "make",
    [
        lambda z, noise: z**2 + noise,
        lambda z, noise: np.exp(z) * noise,
        lambda z, noise: np.sin(3 * z) + 0.5 * noise,
    ],
    ids=["curve", "size", "wave"],
)
def test_dependence_without_correlation_is_found(make):
    def dependent(rng, n):
        z, noise = rng.normal(size=(2, n))
        return make(z, noise), z[:, None]

    assert np.mean([p_value(dependent, seed, 300) <= 0.05 for seed in range(10)]) >= 0.8


def test_a_constant_has_no_p_value():
    rng = np.random.default_rng(0)
    assert np.isnan(independence_p_value(np.ones(20), rng.normal(size=(20, 1)), rng))
    assert np.isnan(independence_p_value(rng.normal(size=20), np.ones((20, 1)), rng))
