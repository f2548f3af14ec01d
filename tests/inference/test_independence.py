"""Tests of conditional independence: closed forms, uniform p-values, power."""

import numpy as np
import pytest
from scipy import special, stats

from skcausal.inference import (
    kernel_independence_test,
    partial_correlation_test,
    residual_covariance_test,
)
from skcausal.inference._kernel_independence import _upper_tail

EVERY = [partial_correlation_test, kernel_independence_test, residual_covariance_test]


def rejections(p_values, level=0.05):
    """Return the share of rejections and its standard error were the level right."""
    return np.mean(np.array(p_values) <= level), np.sqrt(
        level * (1 - level) / len(p_values)
    )


def assert_uniform(p_values):
    """Neither the whole distribution nor its lower tail is off."""
    assert stats.kstest(p_values, "uniform").pvalue > 0.01
    share, error = rejections(p_values)
    assert share == pytest.approx(0.05, abs=3 * error)


def residuals(columns, given):
    design = np.column_stack([np.ones(len(columns)), given])
    return columns - design @ np.linalg.lstsq(design, columns, rcond=None)[0]


# ------------------------------------------------------------------ partial correlation
@pytest.mark.parametrize("n_given", [0, 1, 4])
def test_partial_correlation_is_that_of_least_squares(n_given):
    rng = np.random.default_rng(n_given)
    z = rng.normal(size=(40, n_given))
    x, y = rng.normal(size=(2, 40)) + z.sum(axis=1)
    r = np.corrcoef(residuals(x, z), residuals(y, z))[0, 1]
    degrees = 40 - n_given - 2
    t = r * np.sqrt(degrees / (1 - r**2))
    found = partial_correlation_test(x, y, z)
    assert found.statistic == pytest.approx(t)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(t), degrees))
    score = np.sqrt(40 - n_given - 3) * np.arctanh(r)
    fisher = partial_correlation_test(x, y, z, method="fisher")
    assert fisher.statistic == pytest.approx(score)
    assert fisher.p_value == pytest.approx(2 * stats.norm.sf(abs(score)))


def test_a_category_is_tested_as_in_analysis_of_covariance():
    """Wilks' lambda with one outcome is the F test of nested regressions."""
    rng = np.random.default_rng(0)
    n_rows, codes = 90, rng.integers(4, size=90)
    indicators = np.eye(4)[codes][:, 1:]
    z = rng.normal(size=(n_rows, 2))
    y = z.sum(axis=1) + 0.2 * codes + rng.normal(size=n_rows)
    small = (residuals(y, z) ** 2).sum()
    large = (residuals(y, np.column_stack([z, indicators])) ** 2).sum()
    degrees = n_rows - 1 - 2 - 3
    f = (small - large) / 3 / (large / degrees)
    found = partial_correlation_test(indicators, y, z)
    assert found.statistic == pytest.approx(f)
    assert found.p_value == pytest.approx(stats.f.sf(f, 3, degrees))
    other = partial_correlation_test(y, indicators, z)
    assert other.p_value == pytest.approx(found.p_value)


def test_two_categories_agree_with_manova():
    from statsmodels.multivariate.manova import MANOVA

    rng = np.random.default_rng(1)
    left, right = rng.integers(3, size=(2, 200))
    x, y = np.eye(3)[left][:, 1:], np.eye(4)[right % 4][:, 1:3]
    y[:60, 0] = left[:60] == 1
    design = np.column_stack([np.ones(200), x])
    contrast = [("x", np.eye(3)[1:])]
    table = MANOVA(y, design).mv_test(contrast).results["x"]["stat"]
    expected = table.loc["Wilks' lambda", ["F Value", "Pr > F"]].astype(float)
    found = partial_correlation_test(x, y)
    assert found.statistic == pytest.approx(expected.iloc[0])
    assert found.p_value == pytest.approx(expected.iloc[1])
    fisher = partial_correlation_test(x, y, method="fisher")
    assert fisher.p_value == pytest.approx(found.p_value, abs=0.01)


@pytest.mark.parametrize("method", ["t", "fisher"])
def test_partial_correlation_is_calibrated(method):
    rng = np.random.default_rng(2)
    p_values = []
    for _ in range(600):
        z = rng.normal(size=(30, 3))
        x, y = rng.normal(size=(2, 30)) + z @ [1.0, -1.0, 0.5]
        p_values.append(partial_correlation_test(x, y, z, method=method).p_value)
    assert_uniform(p_values)


def test_what_is_determined_is_independent():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 50))
    assert partial_correlation_test(2 * x, y, x).p_value == 1
    assert partial_correlation_test(x, y, np.column_stack([x, x])).p_value == 1
    assert partial_correlation_test(np.ones(50), y).p_value == 1
    assert partial_correlation_test(x, -3 * x).p_value == pytest.approx(0, abs=1e-12)
    twice = np.column_stack([y, 2 * y + 1])
    assert partial_correlation_test(x, x + y, twice).p_value < 1e-12


# ------------------------------------------------------------------------------ kernel
def curved(rng, n_rows, strength=0.0):
    z = rng.normal(size=n_rows)
    x = np.sin(2 * z) + 0.5 * rng.normal(size=n_rows)
    extra = strength * np.abs(x - np.sin(2 * z))
    return x, z**2 + extra + 0.5 * rng.standard_t(4, size=n_rows), z


MANY = pytest.param(500, marks=pytest.mark.slow)


@pytest.mark.parametrize("n_draws", [60, MANY])
def test_kernel_is_calibrated_where_dependence_is_curved(n_draws):
    rng = np.random.default_rng(3)
    tests = [
        kernel_independence_test(*curved(rng, 300), n_features=60, random_state=k)
        for k in range(n_draws)
    ]
    assert_uniform([test.p_value for test in tests])


@pytest.mark.parametrize("n_draws", [60, MANY])
def test_kernel_is_calibrated_for_categories_without_conditions(n_draws):
    rng = np.random.default_rng(4)
    p_values = []
    for k in range(n_draws):
        y = curved(rng, 300)[1]
        kinds = np.eye(3)[np.digitize(rng.normal(size=300), [-0.5, 0.5])][:, 1:]
        p_values.append(kernel_independence_test(kinds, y, random_state=k).p_value)
    assert_uniform(p_values)


def test_kernel_has_power_against_what_correlation_cannot_see():
    rng = np.random.default_rng(5)
    draws = [curved(rng, 400, strength=3.0) for _ in range(20)]
    kernel = [
        kernel_independence_test(*one, n_features=60, random_state=0).p_value
        for one in draws
    ]
    linear = [partial_correlation_test(*one).p_value for one in draws]
    assert rejections(kernel)[0] > 0.9
    assert rejections(linear)[0] < 0.5


def test_kernel_does_not_depend_on_monotone_scales():
    x, y, z = curved(np.random.default_rng(6), 300, strength=0.3)
    one = kernel_independence_test(x, y, z, random_state=0)
    two = kernel_independence_test(np.exp(x), y**3, 5 * z - 2, random_state=0)
    assert one.statistic == pytest.approx(two.statistic)
    assert one.p_value == pytest.approx(two.p_value)


def test_tail_of_equal_weights_is_that_of_chi_squared():
    for value in (0.5, 3.0, 12.0):
        found = _upper_tail(2 * value, 2 * np.eye(4))
        assert found == pytest.approx(stats.chi2.sf(value, 4))


def test_tail_of_unequal_weights():
    rng = np.random.default_rng(0)
    weights = np.array([3.0, 1.0, 0.5, 0.1])
    draws = rng.chisquare(1, size=(400_000, 4)) @ weights
    for level in (0.1, 0.05, 0.01):
        value = np.quantile(draws, 1 - level)
        assert _upper_tail(value, np.diag(weights)) == pytest.approx(level, rel=0.06)


# -------------------------------------------------------------------------- residuals
def test_residual_statistic_by_hand():
    x, y = np.array([1.0, -2.0, 3.0, 0.5]), np.array([0.5, 1.0, 1.0, -1.0])
    products = x * y
    score = 2 * products.mean() / products.std()
    found = residual_covariance_test(x, y)
    assert found.statistic == pytest.approx(score)
    assert found.p_value == pytest.approx(2 * special.ndtr(-abs(score)))


def test_residuals_are_calibrated_where_variance_depends_on_z():
    rng = np.random.default_rng(7)
    p_values, several = [], []
    for _ in range(400):
        scale = np.exp(0.5 * rng.normal(size=300))
        x, y, w = rng.normal(size=(3, 300)) * scale
        p_values.append(residual_covariance_test(x, y).p_value)
        several.append(residual_covariance_test(np.column_stack([x, w]), y).p_value)
    assert_uniform(p_values)
    assert rejections(several)[0] == pytest.approx(0.05, abs=0.033)


def test_redundant_residuals_change_nothing():
    """The residuals of all categories sum to zero; one may be left out."""
    rng = np.random.default_rng(8)
    codes, y = rng.integers(3, size=200), rng.normal(size=200)
    every = np.eye(3)[codes] - np.bincount(codes, minlength=3) / 200
    one = residual_covariance_test(every, y)
    two = residual_covariance_test(every[:, :2], y)
    assert one.statistic == pytest.approx(two.statistic)
    assert one.p_value == pytest.approx(two.p_value)
    assert residual_covariance_test(np.zeros(200), y).p_value == 1


# -------------------------------------------------------------------------- every test
@pytest.mark.parametrize("test", EVERY)
def test_sides_may_be_swapped(test):
    x, y, _ = curved(np.random.default_rng(9), 200, strength=0.4)
    options = {"random_state": 0} if test is kernel_independence_test else {}
    tolerance = 0.05 if options else 1e-9  # other rows make the features of each side
    one, two = test(x, y, **options), test(y, x, **options)
    assert one.p_value == pytest.approx(two.p_value, abs=tolerance)


@pytest.mark.parametrize("test", EVERY)
@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.ones(5), np.ones(4), "same number of rows, got 5, 4 and 5"),
        (np.array([1.0, np.nan]), np.ones(2), "x must be finite"),
        (np.ones(3), np.ones((3, 1, 1)), r"y must have shape \(n,\) or \(n, k\)"),
    ],
)
def test_bad_sides_are_named(test, x, y, words):
    with pytest.raises(ValueError, match=f"^{test.__name__}: .*{words}"):
        test(x, y)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda x: partial_correlation_test(x, x, method="z"), "method must be 't' or"),
        (
            lambda x: partial_correlation_test(x, x, np.eye(6)[:, :4]),
            "6 rows are too few for 4 columns",
        ),
        (lambda x: kernel_independence_test(x, x, n_features=501), "from 1 to 500"),
        (lambda x: kernel_independence_test(x, x, n_features=2.0), "got 2.0"),
    ],
)
def test_bad_options_are_named(call, words):
    with pytest.raises(ValueError, match=words):
        call(np.arange(6.0))
