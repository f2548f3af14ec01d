"""Columns are checked, and what is done to them is written down."""

import numpy as np
import pandas as pd
import pytest

from skcausal.analysis._design import design_shares, shares_to_test
from skcausal.analysis._errors import InputError
from skcausal.analysis._reading import loading_code, read_table
from skcausal.analysis._tables import Columns, check_table, unknown_name
from tests.analysis.helpers import make_frame


def _table(frame: pd.DataFrame, **changes):
    columns = Columns(**{"outcome": "sales", "treatment": "mail", **changes})
    return check_table(frame, columns)


def test_text_becomes_a_category(frame):
    table = _table(frame)
    assert table.text_columns == ["city"]
    assert table.conversions == {"city": '.astype("category")'}
    assert any("3 categories" in note for note in table.notes)


def test_the_frame_is_not_changed(frame):
    before = frame.copy(deep=True)
    _table(frame, by="age")
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (["same"] * 400, "the same value"),
        ([np.nan] * 400, "the same value"),
        (range(400), "numbers the rows"),
        ([f"k{row}" for row in range(400)], "400 different values"),
        (pd.date_range("2020-01-01", periods=400), "is a date"),
        ([np.inf, *range(399)], "infinite"),
    ],
)
def test_useless_columns_are_left_out_with_a_warning(column, reason, frame):
    table = _table(frame.assign(extra=column))
    assert "extra" not in table.X
    assert reason in table.warnings[0]


def test_constant_column_with_gaps_is_kept(frame):
    frame["flag"] = np.where(np.arange(400) % 2, 1.0, np.nan)
    assert "flag" in _table(frame).X


def test_true_and_false(frame):
    frame["member"] = np.arange(400) % 3 == 0
    frame["mail"] = frame["mail"].astype(bool)
    frame["sales"] = frame["sales"] > 2
    table = _table(frame)
    assert table.arms == (0, 1)
    assert table.binary_outcome
    assert table.X["member"].dtype.kind == "i"
    assert _table(frame, control="True").arms == (1, 0)


def test_labels_put_control_first():
    frame = make_frame(n_arms=3)
    frame["mail"] = frame["mail"] + 1.0
    table = _table(frame, control="2")
    assert table.labels == ("2", "1", "3")
    assert np.bincount(table.codes).tolist() == [133, 134, 133]
    assert table.conversions["mail"] == ".astype(int).astype(str)"


def test_rate_outcome_is_noted(frame):
    frame["sales"] = (frame["sales"] > 2).astype(float)
    table = _table(frame)
    assert table.binary_outcome
    assert "read as a rate" in table.notes[0]


def test_numbers_are_cut_for_by(frame):
    table = _table(frame, by="age")
    assert table.by.nunique() == 4
    assert any("quarters" in note for note in table.notes)


def test_missing_group_is_a_group(frame):
    frame.loc[:99, "city"] = None
    table = _table(frame, by="city")
    assert (table.by == "missing").sum() == 100


def test_unknown_name_suggests():
    assert unknown_name("AGE", ["age", "city"]) == 'Did you mean "age"?'
    assert unknown_name("zzz", ["age", "city"]) == 'There are: "age", "city".'


@pytest.mark.parametrize(
    ("words", "shares"),
    [
        ([], None),
        (["0.3"], (0.7, 0.3)),
        (["30%"], (0.7, 0.3)),
        (["1=0.3"], (0.7, 0.3)),
        (["1=0.25", "0=0.75"], (0.75, 0.25)),
    ],
)
def test_shares(words, shares, frame):
    found = design_shares(words, _table(frame))
    assert found == (None if shares is None else pytest.approx(shares))


def test_shares_of_unknown_form(frame):
    with pytest.raises(InputError, match="label=share"):
        design_shares(["0.5", "0.5"], _table(frame))


def test_equal_shares_are_assumed_only_if_plausible():
    assert shares_to_test(None, (0.49, 0.51)) == (0.5, 0.5)
    assert shares_to_test(None, (0.15, 0.85)) is None
    assert shares_to_test((0.2, 0.8), (0.15, 0.85)) == (0.2, 0.8)


def test_other_separators(tmp_path, frame):
    path = tmp_path / "shop.csv"
    frame.to_csv(path, index=False, sep=";")
    pd.testing.assert_frame_equal(read_table(path), frame, check_dtype=False)
    assert loading_code(path).endswith(", sep=';')")
