"""Input checks: what is let through as it is, what is copied, what is refused."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp

from skcausal.utils._validation import (
    append_columns,
    as_vector,
    check_features,
    check_groups,
    check_weights,
    missing_rows,
    pandas_from_polars,
    take_rows,
)


# ------------------------------------------------------------------------- features
def test_frames_stay_as_they_are():
    frame = pd.DataFrame(
        {"a": [1.0, np.nan], "b": pd.Categorical(["x", "y"]), "c": [True, False]}
    )
    assert check_features(frame, "test") is frame


def test_object_columns_of_numbers_pass():
    frame = pd.DataFrame({"a": np.array([1, 2.5], dtype=object)})
    assert check_features(frame, "test") is frame


def test_polars_becomes_pandas_with_categories():
    frame = pl.DataFrame(
        {
            "number": [1.5, None],
            "count": [1, 2],
            "flag": [True, False],
            "level": pl.Series(["x", "y"], dtype=pl.Categorical),
            "size": pl.Series(["s", "l"], dtype=pl.Enum(["s", "m", "l"])),
        }
    )
    result = pandas_from_polars(frame)
    assert result.columns.tolist() == frame.columns
    assert np.isnan(result["number"][1])
    assert result["count"].dtype.kind == "i"
    assert result["flag"].dtype == bool
    assert result["level"].cat.categories.tolist() == ["x", "y"]
    assert result["size"].cat.categories.tolist() == ["s", "m", "l"]


@pytest.mark.parametrize(
    ("column", "kind"),
    [(["x", "y"], "text"), ([pd.Timestamp("2024"), pd.Timestamp("2025")], "dates")],
)
def test_polars_columns_that_no_model_reads(column, kind):
    frame = pl.DataFrame({"a": [1, 2], "b": column})
    with pytest.raises(ValueError, match=f"test: column 'b' of X holds {kind}"):
        check_features(frame, "test")


def test_arrays_become_numeric():
    checked = check_features([["1", 2.0], [None, 4.0]], "test")
    assert checked.dtype.kind == "f"
    assert np.isnan(checked[1, 0])


@pytest.mark.parametrize("kind", [sp.csc_matrix, sp.coo_array, sp.csr_array])
def test_sparse_becomes_csr(kind):
    checked = check_features(kind(np.eye(3)), "test")
    assert checked.format == "csr"
    np.testing.assert_array_equal(
        take_rows(checked, np.array([2, 0])).toarray()[0], [0, 0, 1]
    )


@pytest.mark.parametrize("rows", [np.array([2, 0]), np.array([True, False, True])])
def test_take_rows_by_position_or_mask(rows):
    values = np.arange(6).reshape(3, 2)
    expected = values[rows]
    frame = pd.DataFrame(values, index=[5, 4, 3])
    np.testing.assert_array_equal(take_rows(frame, rows), expected)
    np.testing.assert_array_equal(take_rows(values, rows), expected)
    np.testing.assert_array_equal(
        take_rows(sp.csr_array(values), rows).todense(), expected
    )


def test_append_columns_keeps_the_container():
    values, extra = np.arange(6.0).reshape(3, 2), np.ones((3, 1))
    expected = np.hstack([values, extra])
    frame = pd.DataFrame(values, columns=["a", "treatment"], index=[5, 4, 3])
    appended = append_columns(frame, extra, ["treatment"])
    assert appended.columns.is_unique
    assert appended.index.tolist() == [5, 4, 3]
    np.testing.assert_array_equal(appended, expected)
    np.testing.assert_array_equal(append_columns(values, extra, ["t"]), expected)
    sparse = append_columns(sp.csr_matrix(values), extra, ["t"])
    np.testing.assert_array_equal(sparse.toarray(), expected)


# -------------------------------------------------------------------------- vectors
@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2], [1, 2]),
        (["a", "b"], ["a", "b"]),
        (["a", 1], ["a", 1]),
        (["a", None], ["a", None]),
        (pd.Series([1, 2], dtype="category"), [1, 2]),
        (pd.Categorical(["a", "b"]), ["a", "b"]),
        (pl.Series(["a", "b"], dtype=pl.Enum(["b", "a"])), ["a", "b"]),
        (np.array([[1], [2]]), [1, 2]),
    ],
)
def test_vectors(values, expected):
    vector = as_vector(values, "by")
    assert vector.ndim == 1
    assert vector.tolist() == expected


def test_missing_rows_of_every_kind():
    values = np.array([None, np.nan, pd.NA, pd.NaT, "a", 0], dtype=object)
    assert missing_rows(values).tolist() == [True] * 4 + [False] * 2
    assert missing_rows(np.array([1.0, np.nan])).tolist() == [False, True]
    assert not missing_rows(np.array(["nan", ""])).any()


# ------------------------------------------------------------------- weights, groups
def test_weights():
    assert check_weights(None, 3, "test") is None
    assert check_weights(2, 3, "test").tolist() == [2, 2, 2]
    for kind in (list, np.array, pd.Series, pl.Series):
        assert check_weights(kind([0, 1, 2]), 3, "test").tolist() == [0, 1, 2]


@pytest.mark.parametrize("scalar", [0, -1, np.nan, np.inf])
def test_one_weight_for_all_is_checked_too(scalar):
    with pytest.raises(ValueError, match="test: sample_weight must be finite, non-neg"):
        check_weights(scalar, 3, "test")


def test_groups_become_codes():
    assert check_groups(None, 3, "test") is None
    assert check_groups(["b", "a", "b"], 3, "test").tolist() == [1, 0, 1]
    assert check_groups(pd.Series([7, 7, 3]), 3, "test").tolist() == [1, 1, 0]
    codes = check_groups(pd.Categorical(["b", "a", "b"]), 3, "test")
    assert codes.tolist() == [1, 0, 1]
