"""Ratios of estimates: influence, confidence sets of every shape, their coverage."""

import numpy as np
import pytest
from scipy import stats

from skcausal.inference import (
    ConfidenceSet,
    EffectEstimate,
    ratio_confidence_set,
    ratio_of_estimates,
)

INF = float("inf")


def mean_of(values, **options):
    return EffectEstimate.from_influence(
        values.mean(), values - values.mean(), **options
    )


def pair_of(denominator, n_rows=200, seed=0, **options):
    """Return estimates of means 1 and ``denominator``, correlated, errors 1 / 14."""
    rng = np.random.default_rng(seed)
    one, other = rng.normal(size=(2, n_rows))
    other = 0.6 * one + 0.8 * other
    return mean_of(one + 1, **options), mean_of(other + denominator, **options)


def statistic(numerator, denominator, value):
    rest = numerator - value * denominator
    return abs(rest.value / rest.standard_error)


def test_ratio_has_the_delta_method_error():
    numerator, denominator = pair_of(3.0)
    ratio = ratio_of_estimates(numerator, denominator, name="share")
    value = numerator.value / denominator.value
    rest = numerator - value * denominator
    assert ratio.value == pytest.approx(value)
    assert ratio.standard_error == pytest.approx(
        rest.standard_error / denominator.value
    )
    assert ratio.name == "share"
    assert (ratio.null, ratio.labels) == (0.0, ())


def test_ratio_of_repetitions_is_taken_within_each():
    rng = np.random.default_rng(0)
    values, influences = rng.normal(3, 1, (3, 1)), rng.normal(size=(3, 50, 1))
    numerator = EffectEstimate(values, influences, labels=("a",))
    denominator = EffectEstimate(values + 1, influences, labels=("b",))
    ratio = ratio_of_estimates(numerator, denominator)
    np.testing.assert_allclose(ratio.values, values / (values + 1))
    assert ratio.labels == ("a",)


@pytest.mark.parametrize("groups", [None, np.arange(200) // 5])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_ends_are_where_the_test_turns(groups, level):
    """Both ends of an interval and of two rays have the critical statistic."""
    law = stats.norm if groups is None else stats.t(39)
    critical = law.ppf(0.5 + level / 2)
    shapes = set()
    for denominator in (3.0, 0.3, 0.09, 0.02, 0.0):
        pair = pair_of(denominator, groups=groups)
        found = ratio_confidence_set(*pair, level=level)
        shapes.add((len(found.pieces), found.is_bounded))
        ends = np.array(found.pieces).ravel()
        for end in ends[np.isfinite(ends)]:
            assert statistic(*pair, end) == pytest.approx(critical)
        for value in np.linspace(-60, 60, 41):
            assert (value in found) == (statistic(*pair, value) <= critical)
    assert (1, True) in shapes
    assert shapes & {(2, False), (1, False)}


def test_a_strong_denominator_gives_nearly_the_interval_of_the_ratio():
    pair = pair_of(30.0, n_rows=2000)
    lower, upper = ratio_of_estimates(*pair).interval()
    found = ratio_confidence_set(*pair).hull
    np.testing.assert_allclose(found, (lower, upper), rtol=2e-3)


def test_repetitions_add_their_spread():
    numerator, denominator = pair_of(3.0)
    shift = np.array([[-0.2], [0.0], [0.2]])
    repeated = EffectEstimate(
        numerator.values + shift, np.repeat(numerator.influences, 3, axis=0)
    )
    below = EffectEstimate(
        np.repeat(denominator.values, 3, axis=0),
        np.repeat(denominator.influences, 3, axis=0),
    )
    found = ratio_confidence_set(repeated, below)
    variance = np.mean(shift**2)
    for end in found.hull:
        rest = numerator - end * denominator
        error = np.sqrt(rest.standard_error**2 + variance)
        assert abs(rest.value / error) == pytest.approx(stats.norm.ppf(0.975))


def test_coverage_where_the_denominator_is_nearly_zero():
    """The set covers .95 whatever the denominator; the interval of the ratio fails."""
    rng = np.random.default_rng(0)
    n_draws, n_rows, strength = 2000, 100, 0.1
    inside = np.zeros(2, dtype=int)
    for _ in range(n_draws):
        v, e = rng.normal(size=(2, n_rows))
        below = mean_of(strength + v)
        above = mean_of(0.95 * v + np.sqrt(1 - 0.95**2) * e)  # the true ratio is 0
        inside[0] += 0.0 in ratio_confidence_set(above, below)
        lower, upper = ratio_of_estimates(above, below).interval()
        inside[1] += lower <= 0 <= upper
    honest = stats.binomtest(int(inside[0]), n_draws).proportion_ci(0.99)
    assert honest.low < 0.97
    assert honest.high > 0.93
    assert inside[1] / n_draws < 0.9


def test_what_is_not_a_ratio_is_refused():
    numerator, denominator = pair_of(3.0)
    with pytest.raises(ValueError, match=r"denominator must not be zero"):
        ratio_of_estimates(numerator, denominator - denominator)
    with pytest.raises(ValueError, match=r"same rows"):
        ratio_of_estimates(numerator, pair_of(3.0, n_rows=20)[1])
    with pytest.raises(ValueError, match=r"level must lie between 0 and 1, got 95"):
        ratio_confidence_set(numerator, denominator, level=95)
    two = EffectEstimate(np.ones((1, 2)), np.zeros((1, 5, 2)), labels=("a", "b"))
    with pytest.raises(ValueError, match=r"one effect each, got 2 and 2.*\[label\]"):
        ratio_confidence_set(two, two)


def test_a_set_says_what_it_holds():
    rays = ConfidenceSet(((-INF, -2.0), (1.0, INF)), level=0.9)
    assert repr(rays) == "ConfidenceSet(0.9: -inf to -2 and 1 to inf)"
    assert rays.hull == (-INF, INF)
    assert not rays.is_bounded
    assert [value in rays for value in (-3, -2, 0, 1, 9)] == [True, True, False] + [
        True
    ] * 2
    interval = ConfidenceSet(((0.0, 1.0),))
    assert interval.is_bounded
    assert 0.5 in interval
