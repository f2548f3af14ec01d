"""EffectBounds: Imbens-Manski intervals and their limits."""

import numpy as np
import pytest
from scipy import stats

from skcausal.inference import EffectBounds, EffectEstimate
from skcausal.inference._bounds import imbens_manski_quantile


def bounds(lower, upper, errors=(1.0, 1.0), groups=None):
    n = 200
    noise = np.tile([-1.0, 1.0], n // 2) * np.sqrt(n - 1)
    ends = [
        EffectEstimate.from_influence(value, noise * error, groups=groups)
        for value, error in zip((lower, upper), errors, strict=True)
    ]
    return EffectBounds(*ends)


def test_interval_solves_the_equation():
    one = bounds(0.0, 1.0, (0.5, 1.0))
    assert one.lower.standard_error == pytest.approx(0.5)
    lower, upper = one.interval(0.9)
    c = upper - 1.0
    assert lower == pytest.approx(-0.5 * c)
    assert stats.norm.cdf(c + 1.0) - stats.norm.cdf(-c) == pytest.approx(0.9)


def test_interval_is_two_sided_for_equal_and_one_sided_for_distant_bounds():
    assert bounds(0, 0).interval() == pytest.approx((-1.959964, 1.959964))
    assert bounds(0, 50).interval() == pytest.approx((-1.644854, 51.644854))
    crossed = bounds(0, -0.1).interval()
    assert crossed == pytest.approx((-1.959964, 1.859964))
    certain = bounds(0, 1, (0, 0)).interval()
    assert certain == pytest.approx((0, 1))


def test_intervals_nest_and_groups_use_student():
    one = bounds(0, 1)
    assert one.interval(0.99)[0] < one.interval(0.9)[0]
    clustered = bounds(0, 50, groups=np.repeat(np.arange(5), 40))
    assert clustered.lower.standard_error == pytest.approx(0, abs=1e-9)
    mixed = bounds(0, 500, groups=np.arange(200) % 2 + 2 * (np.arange(200) // 50))
    error = mixed.lower.standard_error
    assert mixed.interval()[0] == pytest.approx(-stats.t(7).ppf(0.95) * error)


def test_coverage_at_either_end_and_in_the_middle():
    rng = np.random.default_rng(0)
    quantile = imbens_manski_quantile(2.0, 1.0, 0.95)
    lower, upper = rng.normal(0, 1, 100_000), rng.normal(2, 1, 100_000)
    for effect in (0.0, 1.0, 2.0):
        inside = (lower - quantile <= effect) & (effect <= upper + quantile)
        # Independent ends: at most the mass beyond the far one is missing.
        assert inside.mean() >= 0.945


def test_summary_value_and_repr():
    one = bounds(0.0, 1.0)
    table = one.summary()
    assert list(table.index) == ["lower", "upper"]
    assert tuple(table["interval"]) == pytest.approx(one.interval())
    assert one.width == 1.0
    assert "0 to 1" in repr(one)


def test_bad_input_gets_an_error():
    two = EffectEstimate.from_influence(np.zeros(2), np.ones((5, 2)))
    one = EffectEstimate.from_influence(0.0, np.ones(5))
    with pytest.raises(ValueError, match="one effect"):
        EffectBounds(one, two)
    with pytest.raises(ValueError, match="level"):
        EffectBounds(one, one).interval(1.0)
