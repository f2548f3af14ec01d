"""Balance, effective sizes and overlap: numbers by hand, kinds of columns, errors."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from skcausal.datasets import make_observational
from skcausal.validation import (
    balance_table,
    effective_sample_size,
    overlap_summary,
)

AGE = pd.DataFrame({"age": [20.0, 40, 60, 40, 60, 90]})
ARM = [0, 0, 0, 1, 1, 1]


def test_balance_by_hand():
    line = balance_table(AGE, ARM).iloc[0]
    control, treated = [20, 40, 60], [40, 60, 90]
    pooled = np.sqrt((np.var(control, ddof=1) + np.var(treated, ddof=1)) / 2)
    assert line["arm"] == 1
    assert line["mean_control"] == pytest.approx(40)
    assert line["mean_arm"] == pytest.approx(190 / 3)
    assert line["difference"] == pytest.approx((190 / 3 - 40) / pooled)
    ratio = np.var(treated, ddof=1) / np.var(control, ddof=1)
    assert line["variance_ratio"] == pytest.approx(ratio)
    assert "weighted_difference" not in line


def test_weighted_balance_by_hand():
    weights = [1, 1, 2, 2, 1, 1]
    line = balance_table(AGE, ARM, weights).iloc[0]
    plain = balance_table(AGE, ARM).iloc[0]
    assert line["difference"] == plain["difference"]
    assert line["weighted_mean_control"] == pytest.approx(45)
    assert line["weighted_mean_arm"] == pytest.approx(57.5)
    pooled = (plain["mean_arm"] - plain["mean_control"]) / plain["difference"]
    assert line["weighted_difference"] == pytest.approx(12.5 / pooled)
    # Squares around 45: 625, 25, 225 weighted 1100; around 57.5: 1675; equal factors.
    assert line["weighted_variance_ratio"] == pytest.approx(1675 / 1100)


def test_equal_weights_change_nothing():
    table = balance_table(AGE, ARM, np.full(6, 7.0))
    for name in ("mean_control", "mean_arm", "difference", "variance_ratio"):
        assert table[f"weighted_{name}"].to_numpy() == pytest.approx(
            table[name].to_numpy()
        )


def test_balance_of_categories_missing_values_and_constants():
    frame = pd.DataFrame(
        {
            "city": pd.Categorical(["a", "b", "c", "a", "b", "b"]),
            "age": [20.0, np.nan, 60, 40, 60, 90],
            "constant": np.ones(6),
        }
    )
    table = balance_table(frame, ARM)
    names = ["city = a", "city = b", "city = c", "age", "age is missing", "constant"]
    assert table.index.tolist() == names
    assert table.loc["city = b", "mean_arm"] == pytest.approx(2 / 3)
    # Shares 1/3 and 2/3: variance 2/9 * 3/2 = 1/3 in both arms.
    assert table.loc["city = b", "difference"] == pytest.approx(1 / 3 / np.sqrt(1 / 3))
    assert np.isnan(table.loc["city = b", "variance_ratio"])
    assert table.loc["age", "mean_control"] == 40
    assert table.loc["age is missing", "mean_control"] == pytest.approx(1 / 3)
    assert table.loc["constant", "difference"] == 0
    polars = pl.DataFrame(
        {
            "city": pl.Series(["a", "b", "c", "a", "b", "b"], dtype=pl.Categorical),
            "age": [20.0, None, 60, 40, 60, 90],
            "constant": np.ones(6),
        }
    )
    pd.testing.assert_frame_equal(balance_table(polars, ARM), table)
    array = frame[["age", "constant"]].to_numpy()
    assert balance_table(array.tolist(), ARM).index[0] == "x0"


def test_separate_constants_differ_infinitely():
    table = balance_table(np.array([[0.0], [0], [1], [1]]), [1, 1, 0, 0])
    assert table["difference"].tolist() == [-np.inf]


def test_several_arms_are_compared_with_control():
    treatment = ["none", "none", "call", "call", "mail", "mail"]
    table = balance_table(AGE, treatment, control_arm="none")
    assert table["arm"].tolist() == ["call", "mail"]
    assert table["mean_arm"].tolist() == [50, 75]
    assert table.index.tolist() == ["age", "age"]


def test_inverse_propensity_balances():
    data = make_observational(4000, 4, random_state=0)
    e = np.where(data.treatment == 1, data.propensity, 1 - data.propensity)
    table = balance_table(data.X, data.treatment, 1 / e)
    assert table["difference"].abs().max() > 0.5
    assert table["weighted_difference"].abs().max() < 0.1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((AGE, [0, 0, 0, 1, 1]), "balance_table: treatment must have one label for"),
        ((AGE, np.ones(6, int)), "treatment has one arm"),
        ((AGE, list("aabbbb")), "control_arm has a default"),
        ((AGE, np.linspace(0, 1, 6)), "treatment is continuous"),
        ((AGE, ARM, [1, 1, 1, 0, 0, 0]), r"weights are zero for all rows of \[1\]"),
        ((AGE, ARM, [1, 1, 1, 0, 0, -1]), "balance_table: weights must be finite"),
        ((sp.csr_array(np.eye(6)), ARM), "balance_table: X is sparse"),
    ],
)
def test_balance_refuses_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        balance_table(*arguments)


# ------------------------------------------------------------------- effective sizes
def test_effective_sample_size_by_hand():
    assert effective_sample_size([2, 2, 2]) == pytest.approx(3)
    assert effective_sample_size([1, 2, 3]) == pytest.approx(36 / 14)
    assert effective_sample_size([1, 0, 0]) == 1
    assert effective_sample_size([1e300, 1e300]) == pytest.approx(2)


@pytest.mark.parametrize("wrong", [[-1, 2], [0, 0], [np.nan, 1]])
def test_effective_sample_size_refuses(wrong):
    with pytest.raises(ValueError, match="effective_sample_size: weights must be"):
        effective_sample_size(wrong)


# --------------------------------------------------------------------------- overlap
def test_overlap_by_hand():
    table = overlap_summary([0.5, 0.01, 0.5, 0.8], [0, 0, 1, 1])
    assert table.index.tolist() == [0, 1]
    assert table["n_rows"].tolist() == [2, 2]
    assert table["lowest"].tolist() == pytest.approx([0.2, 0.01])
    assert table["mean"].tolist() == pytest.approx([1 - 1.81 / 4, 1.81 / 4])
    assert table["extreme_share"].tolist() == [0, 0.25]
    a, b = 2, 1 / 0.99
    sizes = [(a + b) ** 2 / (a**2 + b**2), (2 + 1.25) ** 2 / (4 + 1.25**2)]
    assert table["effective_size"].tolist() == pytest.approx(sizes)
    assert table["effective_share"].tolist() == pytest.approx(np.array(sizes) / 2)


def test_overlap_of_several_arms():
    propensity = np.array([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.1, 0.8, 0.1]])
    arms = ["none", "call", "mail"]
    table = overlap_summary(propensity, arms, control_arm="none", extreme=0.15)
    assert table.index.tolist() == arms
    assert table["lowest"].tolist() == [0.1, 0.3, 0.1]
    assert table["extreme_share"].tolist() == pytest.approx([1 / 3, 0, 2 / 3])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (
            ([0.5, 0.5], [0, 1, 1]),
            {},
            "treatment must have one label for each of the 2",
        ),
        (([0.5, 1.5], [0, 1]), {}, "must hold probabilities"),
        (([0.5, np.nan], [0, 1]), {}, "must hold probabilities"),
        (([[0.5, 0.6], [0.5, 0.5]], [0, 1]), {}, "must hold probabilities"),
        (([[0.5, 0.2, 0.3], [0.5, 0.2, 0.3]], [0, 1]), {}, "3 columns for 2 arms"),
        (([0.5, 0.0], [0, 1]), {}, "1 rows have probability 0 of the arm"),
        (([0.5, 0.5], [0, 1]), {"extreme": 0.5}, "extreme must lie strictly"),
        ((np.ones((2, 1, 1)), [0, 1]), {}, "propensity must have shape"),
    ],
)
def test_overlap_refuses_bad_input(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        overlap_summary(*arguments, **options)
