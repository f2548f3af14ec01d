"""The weighted conformal quantile: by hand, and its coverage."""

import numpy as np
import pytest

from skcausal.inference import conformal_quantile


def by_hand(scores, level, weights, new):
    """Walk through the weighted distribution that ends at infinity."""
    total = sum(weights) + new
    reached = 0.0
    for score, weight in sorted(zip(scores, weights, strict=True)):
        reached += weight / total
        if reached >= level - 1e-12:
            return score
    return np.inf


def test_equal_weights_are_an_order_statistic(rng):
    scores = rng.permutation(np.arange(1.0, 100.0))  # 99 rows
    for level in (0.5, 0.9, 0.95, 0.99):
        assert conformal_quantile(scores, level)[0] == np.ceil(100 * level)
    assert conformal_quantile(scores, 0.995)[0] == np.inf


@pytest.mark.parametrize("level", [0.3, 0.8, 0.95])
def test_weights_by_hand(level, rng):
    scores, weights = rng.normal(size=50), rng.exponential(size=50)
    new = rng.exponential(size=20) * 5
    expected = [by_hand(scores, level, weights, one) for one in new]
    np.testing.assert_array_equal(
        conformal_quantile(scores, level, weights=weights, new_weights=new), expected
    )


def test_no_calibration_rows_bound_nothing():
    assert conformal_quantile([], 0.5).tolist() == [np.inf]


def test_coverage_under_covariate_shift(rng):
    """New rows are likelier where scores are large; without weights they are missed."""
    hits = np.zeros((4000, 2))
    for hit in hits:
        x = rng.random(60)
        scores = x + 0.2 * rng.normal(size=60)
        new_x = np.sqrt(rng.random())  # density 2 x
        new = new_x + 0.2 * rng.normal()
        weighted = conformal_quantile(scores, 0.8, weights=2 * x, new_weights=2 * new_x)
        hit[:] = new <= conformal_quantile(scores, 0.8)[0], new <= weighted[0]
    plain, weighted = hits.mean(axis=0)
    assert plain < 0.72
    assert 0.8 - 3 * 0.0064 < weighted < 0.85


@pytest.mark.parametrize("level", [0, 1, 95])
def test_level_is_checked(level):
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        conformal_quantile([1.0], level)
