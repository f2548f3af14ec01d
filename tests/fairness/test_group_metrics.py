"""Error rates by hand, intervals by their formula, and bad input."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from skcausal.fairness import SmallGroupWarning, group_metrics


def rows_of(tn, fp, fn, tp):
    truth = np.repeat([0, 0, 1, 1], [tn, fp, fn, tp])
    choice = np.repeat([0, 1, 0, 1], [tn, fp, fn, tp])
    return truth, choice


def test_rates_by_hand():
    truth, choice = rows_of(40, 10, 20, 30)
    table = group_metrics(truth, choice, ["a"] * 100)
    row = table.loc["a"]
    assert row["n"] == 100
    assert row["base_rate"] == 0.5
    assert row["selection_rate"] == 0.4
    assert row["false_positive_rate"] == 0.2
    assert row["false_negative_rate"] == 0.4
    assert row["positive_predictive_value"] == 0.75
    assert row["negative_predictive_value"] == pytest.approx(2 / 3)
    assert row["accuracy"] == 0.7
    assert row["positive_likelihood_ratio"] == pytest.approx(3.0)
    pd.testing.assert_series_equal(row, table.loc["all"], check_names=False)


def test_intervals_are_wilson_and_nest():
    truth, choice = rows_of(40, 10, 20, 30)
    wide = group_metrics(truth, choice, ["a"] * 100, level=0.99).loc["a"]
    narrow = group_metrics(truth, choice, ["a"] * 100, level=0.8).loc["a"]
    expected = proportion_confint(10, 50, 0.01, method="wilson")
    ends = (wide["false_positive_rate_lower"], wide["false_positive_rate_upper"])
    assert ends == pytest.approx(expected)
    for name in ("accuracy", "positive_likelihood_ratio"):
        assert wide[f"{name}_lower"] < narrow[f"{name}_lower"] < narrow[name]
        assert wide[f"{name}_upper"] > narrow[f"{name}_upper"] > narrow[name]


def test_likelihood_ratio_interval_covers():
    """Of 100 draws about 95 % of the intervals hold the ratio .6 / .2 = 3."""
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 300)
    hits = 0
    for _ in range(100):
        choice = rng.random(600) < np.where(truth, 0.6, 0.2)
        row = group_metrics(truth, choice, np.zeros(600)).loc[0.0]
        ends = row.filter(like="positive_likelihood_ratio_")
        hits += ends.iloc[0] <= 3 <= ends.iloc[1]
    assert 88 <= hits <= 100


def test_undefined_rates_are_missing():
    truth, choice = rows_of(60, 0, 0, 0)
    row = group_metrics(truth, choice, ["a"] * 60).loc["a"]
    assert row["false_positive_rate"] == 0
    assert np.isnan(row["false_negative_rate"])
    assert np.isnan(row["positive_predictive_value_lower"])
    assert np.isnan(row["positive_likelihood_ratio"])


def test_small_group_warns_and_is_named():
    truth, choice = rows_of(30, 30, 30, 30)
    group = np.where(np.arange(120) < 7, "few", "many")
    with pytest.warns(SmallGroupWarning, match=r"few \(7\)"):
        table = group_metrics(truth, choice, group)
    assert table.index.tolist() == ["few", "many", "all"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": [0, 2]}, "y must be bool, or 0 and 1, got 2"),
        ({"predicted": ["no", "yes"]}, "predicted must be bool"),
        ({"group": ["a"]}, "same length"),
        ({"group": ["all", "a"]}, "called 'all'"),
        ({"level": 1.0}, "level must be between"),
    ],
)
def test_bad_input(change, message):
    given = {"y": [0, 1], "predicted": [0, 1], "group": ["a", "b"]} | change
    with pytest.raises(ValueError, match=message):
        group_metrics(**given)
