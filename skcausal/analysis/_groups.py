"""The subgroups of ``--by``."""

from typing import Any

import pandas as pd

from skcausal.analysis._errors import InputError

MOST_GROUPS = 12


def subgroups(
    frame: pd.DataFrame, name: str | None
) -> tuple["pd.Series[str] | None", list[str]]:
    """Return the subgroup of each row as text, and notes on how it was made.

    Numbers with many values are cut into quarters.

    Raises
    ------
    InputError
        If a text column has too many values.
    """
    if name is None:
        return None, []
    column = frame[name]
    notes: list[str] = []
    if column.isna().any():
        notes.append(
            f'"{name}" is missing in {int(column.isna().sum()):,} rows: they '
            'are the group "missing".'
        )
    if column.nunique() <= MOST_GROUPS:
        return _group_labels(column), notes
    if not pd.api.types.is_numeric_dtype(column):
        msg = (
            f'--by: the column "{name}" has {column.nunique():,} different '
            f"values; at most {MOST_GROUPS} groups can be compared. Merge some."
        )
        raise InputError(msg)
    notes.append(f'"{name}" was cut into quarters of its values for --by.')
    cut = pd.qcut(column, 4, duplicates="drop", precision=4)
    return _interval_labels(cut), notes


def _group_labels(column: "pd.Series[Any]") -> "pd.Series[str]":
    missing = column.isna()
    if pd.api.types.is_float_dtype(column):
        text = column.map(lambda value: f"{value:g}")
    else:
        text = column.astype(str).astype(object)
    return text.where(~missing, "missing").astype(str)


def _interval_labels(cut: "pd.Series[Any]") -> "pd.Series[str]":
    text = cut.map(
        lambda piece: f"{piece.left:g} to {piece.right:g}", na_action="ignore"
    )
    return text.astype(object).where(cut.notna(), "missing").astype(str)
