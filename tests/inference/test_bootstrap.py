"""Half-sample bootstrap and the estimate that carries its replicates."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from skcausal.inference import BootstrapEstimate, half_sample_replicates


def test_estimate_matches_hand_calculation():
    estimate = BootstrapEstimate(2.0, np.array([1.0, 2.0, 3.0]), null=0.5)
    assert estimate.standard_error == 1.0
    assert estimate.interval(0.95) == pytest.approx((2 - 1.959964, 2 + 1.959964))
    assert estimate.p_value == pytest.approx(2 * stats.norm.sf(1.5))
    assert isinstance(estimate.p_value, float)
    assert "2" in repr(estimate)
    assert "standard_error=1" in repr(estimate)


def test_intervals_nest_in_level():
    estimate = BootstrapEstimate(1.0, np.random.default_rng(0).normal(size=50))
    limits = [estimate.interval(level) for level in (0.5, 0.9, 0.99)]
    lower, upper = np.array(limits).T
    assert (np.diff(lower) < 0).all()
    assert (np.diff(upper) > 0).all()


def test_vector_estimate():
    replicates = np.random.default_rng(0).normal(size=(30, 4))
    estimate = BootstrapEstimate(np.arange(4), replicates)
    assert estimate.standard_error == pytest.approx(replicates.std(axis=0, ddof=1))
    lower, upper = estimate.interval()
    assert lower.shape == upper.shape == estimate.p_value.shape == (4,)
    assert "values of shape [4], 30 replicates" in repr(estimate)


def test_estimate_is_frozen():
    estimate = BootstrapEstimate(1.0, np.zeros(3))
    with pytest.raises(dataclasses.FrozenInstanceError):
        estimate.value = 2.0


@pytest.mark.parametrize(("value", "p_value"), [(0.0, 1.0), (0.1, 0.0)])
def test_p_value_without_spread(value, p_value):
    assert BootstrapEstimate(value, np.full(5, value)).p_value == p_value


@pytest.mark.parametrize(
    ("replicates", "message"),
    [(np.zeros((5, 2)), "must have shape"), (np.zeros(1), "at least two")],
)
def test_estimate_rejects_bad_replicates(replicates, message):
    with pytest.raises(ValueError, match=message):
        BootstrapEstimate(1.0, replicates)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_estimate_rejects_bad_level(level):
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        BootstrapEstimate(1.0, np.zeros(3)).interval(level)


def test_rows_are_increasing_halves():
    halves = half_sample_replicates(lambda rows: rows, 10, n_bootstrap=50)
    assert halves.shape == (50, 5)
    assert (np.diff(halves) > 0).all()
    assert set(halves.ravel()) == set(range(10))


def test_groups_are_drawn_whole():
    groups = np.repeat(list("abcdef"), 3)
    halves = half_sample_replicates(
        lambda rows: np.bincount(rows, minlength=18), 18, groups, n_bootstrap=40
    )
    per_group = halves.reshape(40, 6, 3).sum(axis=2)
    assert set(per_group.ravel()) == {0, 3}
    assert (per_group.sum(axis=1) == 9).all()


def test_spread_equals_standard_error_of_mean():
    values = np.random.default_rng(1).exponential(size=300)
    means = half_sample_replicates(
        lambda rows: values[rows].mean(), 300, n_bootstrap=4000, random_state=1
    )
    assert means.std(ddof=1) == pytest.approx(values.std(ddof=1) / 300**0.5, rel=0.04)


def test_spread_equals_clustered_standard_error_of_mean():
    rng = np.random.default_rng(2)
    groups = np.repeat(np.arange(60), 5)
    values = rng.normal(size=60)[groups] + rng.normal(size=300)
    means = half_sample_replicates(
        lambda rows: values[rows].mean(), 300, groups, n_bootstrap=4000, random_state=1
    )
    clustered = values.reshape(60, 5).mean(axis=1).std(ddof=1) / 60**0.5
    assert means.std(ddof=1) == pytest.approx(clustered, rel=0.04)


@pytest.mark.parametrize("seed", [3, np.random.RandomState, np.random.default_rng])
def test_seed_reproduces(seed):
    def draw():
        state = seed if isinstance(seed, int) else seed(3)
        return half_sample_replicates(np.sum, 20, n_bootstrap=5, random_state=state)

    assert (draw() == draw()).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n": 3}, "at least 4 rows"),
        ({"n": 9, "groups": np.arange(9) % 3}, "at least 4 groups"),
        ({"n": 9, "groups": np.arange(8)}, "one cluster label per row"),
        ({"n": 9, "n_bootstrap": 1}, "n_bootstrap must be at least 2"),
    ],
)
def test_replicates_reject_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        half_sample_replicates(np.mean, **arguments)
