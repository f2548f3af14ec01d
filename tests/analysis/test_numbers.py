"""Statistics against closed forms, and numbers as text."""

import numpy as np
import pandas as pd
import pytest

from skcausal.analysis import _checks as checks
from skcausal.analysis import _evidence as evidence
from skcausal.analysis import _heterogeneity as heterogeneity
from skcausal.analysis._numbers import Units, number, p_value, percent
from skcausal.analysis._result import Estimate


def test_sample_ratio_by_hand():
    codes = np.repeat([0, 1], [40, 60])
    test = checks.sample_ratio(codes, (0.5, 0.5))
    assert test.statistic == pytest.approx(100 / 50 + 100 / 50)
    assert test.p_value == pytest.approx(0.0455, abs=1e-4)


def test_balance_with_and_without_weights():
    X = pd.DataFrame({"x": [0.0, 2.0, 1.0, 3.0, 0.0, 2.0]})
    codes = np.array([0, 0, 1, 1, 2, 2])
    rows = checks.balance(X, codes, None, ("b", "c", "a"))
    spread = np.sqrt(2)
    assert [(row.treated, row.before, row.after) for row in rows] == [
        ("a", 0.0, 0.0),
        ("c", pytest.approx(1 / spread), pytest.approx(1 / spread)),
    ]
    weights = np.array([1.0, 1.0, 1.0, 1e-12, 1.0, 3.0])
    a, c = checks.balance(X, codes, weights, ("b", "c", "a"))
    assert (a.after, c.after) == pytest.approx((0.5 / spread, 0.0), abs=1e-9)
    assert c.before == pytest.approx(1 / spread)


def test_balance_has_a_row_per_level_and_for_gaps():
    X = pd.DataFrame(
        {"c": pd.Categorical(list("abcabc")), "x": [1.0, np.nan, 3.0, 1.0, 2.0, 4.0]}
    )
    rows = checks.balance(X, np.array([0, 0, 0, 1, 1, 1]), None, ("0", "1"))
    assert [row.feature for row in rows] == [
        "c = a",
        "c = b",
        "c = c",
        "x",
        "x is missing",
    ]


def test_weights_are_capped_as_the_estimate_caps_them():
    propensity = np.array([[0.999, 0.001], [0.25, 0.75]])
    weights = checks.arm_weights(propensity, np.array([1, 0]))
    assert weights.tolist() == [100, 4]


def test_overlap_counts_every_row():
    propensity = np.array([[0.99, 0.01], [0.5, 0.5], [0.4, 0.6], [0.2, 0.8]])
    found = checks.overlap(propensity, np.array([0, 0, 1, 1]))
    assert found.share_outside == 0.25
    assert [sum(counts) for counts in found.counts] == [2, 2]
    w = 1 / np.array([0.99, 0.5])
    assert found.effective_sizes[0] == pytest.approx(w.sum() ** 2 / (w @ w))


def test_imbalanced_and_leaking_columns():
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1], 200)
    y = rng.normal(size=400)
    X = pd.DataFrame({"fine": rng.normal(size=400), "later": codes + y, "copy": 2 * y})
    X["level"] = pd.Categorical(np.where(codes, "x", "y"))
    assert [name for name, _ in checks.imbalanced_columns(X, codes)] == [
        "later",
        "level",
    ]
    assert checks.leaking_columns(X, y) == ["copy"]


def _tests(effects, scores, X):
    difference = heterogeneity.group_effects(effects, scores)[1]
    unknown = Estimate(*[float("nan")] * 4)
    return heterogeneity.heterogeneity_tests(
        effects, scores, difference, X, (unknown, unknown)
    )


def test_heterogeneity_of_known_effects():
    rng = np.random.default_rng(0)
    effects = rng.normal(size=4000)
    X = pd.DataFrame({"noise": rng.normal(size=4000), "same": effects, "flag": 1})
    found = _tests(effects, effects + rng.normal(size=4000), X)
    assert found.slope.lower < 1 < found.slope.upper
    assert found.slope.standard_error == pytest.approx(1 / np.sqrt(4000), rel=0.1)
    gap = 2 * 1.3998  # mean of the top fifth less that of the bottom, standard normal
    assert found.difference.lower < gap < found.difference.upper
    first, second = found.clan  # a constant has no difference
    assert (first.feature, second.feature) == ("same", "noise")
    assert first.standardised == pytest.approx(gap, rel=0.05)
    assert first.difference.adjusted_p_value < 1e-6
    assert second.difference.adjusted_p_value >= second.difference.p_value


def test_groups_are_fewer_in_small_tables():
    sizes = [heterogeneity.n_groups(n) for n in (60, 160, 240, 300, 9999)]
    assert sizes == [2, 2, 4, 5, 5]


def test_constant_effects_have_no_ranking():
    scores = np.random.default_rng(0).normal(size=200)
    assert evidence.rate(np.ones(200), scores, "autoc", 0).p_value == 1
    groups, difference = heterogeneity.group_effects(np.ones(200), scores)
    assert len(groups) == 1
    assert np.isnan(difference.value)
    found = _tests(np.ones(200), scores, pd.DataFrame({"x": scores}))
    assert np.isnan(found.slope.value)
    assert found.clan == ()
    nearly = 1 + 1e-15 * np.arange(200)
    assert np.isnan(_tests(nearly, scores, pd.DataFrame({"x": scores})).slope.value)
    few = np.r_[2.0, np.ones(199)]  # one group, but not one effect
    assert np.isfinite(_tests(few, scores, pd.DataFrame({"x": scores})).slope.value)


def test_curve_covers_the_mean():
    rng = np.random.default_rng(1)
    effects = rng.normal(size=500)
    gain, toc = evidence.gain_and_toc(effects, effects + rng.normal(size=500), 0)
    assert toc.value[-1] == pytest.approx(0, abs=1e-12)
    assert toc.lower[20] > 0
    assert gain.lower[-1] < 0 < gain.upper[-1]


def test_importance_finds_the_only_column_used():
    X = pd.DataFrame({"a": np.arange(50.0), "b": np.arange(50.0)})
    found = evidence.permutation_importance(lambda X: X[["a"]].to_numpy(), X, 0)
    assert found[:, 0].tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (number(-1234.5678, 1), "\u22121,234.6"),
        (number(-0.001, 2), "0.00"),
        (number(float("nan")), "\u2013"),
        (percent(0.256, 1), "25.6\u00a0%"),
        (p_value(0.0002), "< 0.001"),
        (p_value(0.0312), "0.031"),
        (Units(rate=True, precision=0.0034).effect(0.0766), "+7.66"),
        (Units(rate=True, precision=0.0034).level(0.1062), "10.62\u00a0%"),
        (Units(rate=False, precision=633.0).effect(1794.3), "+1,794"),
        (Units(rate=False, precision=0.04).interval(-0.1, 0.2), "\u22120.100 to 0.200"),
    ],
)
def test_formats(text, expected):
    assert text == expected
