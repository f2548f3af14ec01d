"""Log densities of noise that is drawn from what was seen."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.structural import (
    AdditiveNoise,
    CategoricalNoise,
    EmpiricalDistribution,
    Mechanism,
)

NONE = pd.DataFrame(index=range(2000))


def test_additive_noise():
    rng = np.random.default_rng(0)
    parents = pd.DataFrame({"x": rng.normal(size=4000)})
    values = 2 * parents["x"] + rng.normal(size=4000)
    mechanism = AdditiveNoise(LinearRegression()).fit(parents, values)
    grid = np.linspace(-8, 12, 4001)
    row = pd.DataFrame({"x": np.ones(4001)})
    density = np.exp(mechanism.log_density(row, grid))
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=0.002)
    middle = np.abs(grid - 2) < 2
    truth = stats.norm.pdf(grid[middle], 2)
    assert np.abs(density[middle] - truth).max() < 0.04
    far = mechanism.log_density(row[:3], np.array([2 + 1e6, 50.0, -50.0]))
    assert np.isfinite(far).all()
    assert (np.diff(far[[0, 1]]) > 0).all()  # falls further out


def test_density_follows_a_new_fit():
    parents = pd.DataFrame({"x": np.arange(50.0)})
    rng = np.random.default_rng(0)
    mechanism = AdditiveNoise(LinearRegression())
    one = [
        mechanism.fit(parents, scale * rng.normal(size=50)).log_density(
            parents, np.zeros(50)
        )
        for scale in (1, 100)
    ]
    assert one[0].mean() - one[1].mean() == pytest.approx(np.log(100), abs=0.5)


def test_a_node_without_noise():
    parents = pd.DataFrame({"x": np.arange(50.0)})
    mechanism = AdditiveNoise(LinearRegression()).fit(parents, 3 * parents["x"])
    assert np.isfinite(mechanism.log_density(parents, 3 * parents["x"] + 1)).all()


def test_empirical_distribution_of_numbers_and_labels():
    rng = np.random.default_rng(0)
    seen = rng.gamma(3, size=2000)
    root = EmpiricalDistribution().fit(NONE, seen)
    grid = np.linspace(-5, 60, 20_001)
    density = np.exp(root.log_density(None, grid))
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=0.002)
    counts = EmpiricalDistribution().fit(NONE, [0, 0, 1, 1, 1, 1, 1, 5] * 10)
    found = np.exp(counts.log_density(None, [0, 1, 5, 3]))
    np.testing.assert_allclose(found, np.array([20, 50, 10, 1]) / 81)
    labels = EmpiricalDistribution().fit(NONE, pd.Categorical(["a", "b", "b"]))
    np.testing.assert_allclose(
        np.exp(labels.log_density(None, pd.Categorical(["b", "a"]))), [0.5, 0.25]
    )


def test_categories():
    parents = pd.DataFrame({"x": np.linspace(-1, 1, 40)})
    labels = np.where(np.arange(40) % 3 == 0, "yes", "no")
    one = CategoricalNoise(LogisticRegression()).fit(parents, labels)
    table = one.probabilities(parents)
    for code, label in enumerate(one.classes_):
        found = one.log_density(parents, np.repeat(label, 40))
        np.testing.assert_allclose(found, np.log(table[:, code]))


@pytest.mark.parametrize("given", [None, LinearRegression()])
def test_additive_noise_without_causes_learns_the_mean(given):
    values = np.random.default_rng(0).normal(3, size=2000)
    root = AdditiveNoise(given).fit(NONE, values)
    np.testing.assert_allclose(root.mean(NONE), values.mean())
    noise = root.noise(NONE, values, None)
    np.testing.assert_allclose(root.apply(NONE, noise), values)


def test_mechanisms_of_ones_own_need_none():
    with pytest.raises(NotImplementedError):
        Mechanism().log_density(NONE, np.zeros(2000))
