"""Noise that explains a category: consistent, right on average, stable."""

import numpy as np
import pytest

from skcausal.fairness._couplings import gumbel_noise

BEFORE = np.array([0.5, 0.3, 0.2])
AFTER = np.array([0.2, 0.6, 0.2])


@pytest.fixture(scope="module")
def noise():
    rng = np.random.default_rng(0)
    codes = rng.choice(3, size=100_000, p=BEFORE)
    rows = np.tile(BEFORE, (len(codes), 1))
    return codes, gumbel_noise(rows, codes, rng)


def test_noise_gives_the_category_back(noise):
    codes, gumbels = noise
    assert (np.argmax(np.log(BEFORE) + gumbels, axis=1) == codes).all()


def test_noise_has_a_gumbel_distribution_over_all_rows(noise):
    """Mean .5772 and variance pi^2 / 6 in each class, without correlation."""
    _, gumbels = noise
    error = 5 * np.pi / np.sqrt(6 * len(gumbels))
    np.testing.assert_allclose(gumbels.mean(axis=0), np.euler_gamma, atol=error)
    np.testing.assert_allclose(gumbels.var(axis=0), np.pi**2 / 6, rtol=0.03)
    correlation = np.corrcoef(gumbels.T) - np.eye(3)
    assert np.abs(correlation).max() < 5 / np.sqrt(len(gumbels))


def test_other_world_has_its_frequencies_and_is_stable(noise):
    """Nobody leaves the class whose odds rose against all others."""
    codes, gumbels = noise
    moved = np.argmax(np.log(AFTER) + gumbels, axis=1)
    shares = np.bincount(moved) / len(moved)
    np.testing.assert_allclose(shares, AFTER, atol=5 * 0.5 / np.sqrt(len(moved)))
    assert (moved[codes == 1] == 1).all()
    assert not ((codes == 2) & (moved == 0)).any()


def test_impossible_class_never_wins():
    rng = np.random.default_rng(0)
    rows = np.tile([0.0, 0.4, 0.6], (1000, 1))
    codes = rng.choice([1, 2], size=1000)
    gumbels = gumbel_noise(rows, codes, rng)
    assert np.isfinite(gumbels).all()
    with np.errstate(divide="ignore"):
        assert (np.argmax(np.log(rows) + gumbels, axis=1) == codes).all()
