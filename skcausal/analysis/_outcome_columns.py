"""The columns of ``--outcome``: numbers without gaps, one or several."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skcausal.analysis._errors import InputError


def read_outcomes(
    frame: pd.DataFrame, names: Sequence[str]
) -> tuple[dict[str, npt.NDArray[Any]], list[str]]:
    """Return the values of each outcome by name, and notes on how they were read.

    Raises
    ------
    InputError
        If a column has gaps, is not numeric, is infinite, or constant.
    """
    outcomes = {name: _outcome(frame[name]) for name in names}
    notes = [
        f'"{name}" holds only 0 and 1 and is read as a rate.'
        for name, values in outcomes.items()
        if is_binary(values)
    ]
    return outcomes, notes


def is_binary(values: npt.NDArray[Any]) -> bool:
    """Tell whether a checked outcome only holds 0 and 1."""
    return values.dtype.kind in "iu" and set(np.unique(values)) == {0, 1}


def complete(column: "pd.Series[Any]", option: str) -> None:
    """Refuse a column with gaps.

    Raises
    ------
    InputError
        If a value is missing.
    """
    missing = int(column.isna().sum())
    if missing:
        msg = (
            f'{option}: the column "{column.name}" is missing in {missing:,} of '
            f"{len(column):,} rows. Remove those rows, or find out why they are "
            "missing: leaving them out changes the question if the treatment had "
            'a part in it. (Labels such as "None" or "NA" are read as missing.)'
        )
        raise InputError(msg)


def _outcome(column: "pd.Series[Any]") -> npt.NDArray[Any]:
    complete(column, "--outcome")
    kinds = pd.api.types
    if kinds.is_bool_dtype(column):
        column = column.astype(int)
    if not kinds.is_numeric_dtype(column) or kinds.is_complex_dtype(column):
        examples = ", ".join(f'"{value}"' for value in column.unique()[:3])
        msg = (
            f'--outcome: the column "{column.name}" is not numeric (it holds '
            f"{examples}). Write it as numbers, yes and no as 1 and 0."
        )
        raise InputError(msg)
    values = column.to_numpy(dtype=float)
    if not np.isfinite(values).all():
        msg = f'--outcome: the column "{column.name}" holds infinite values.'
        raise InputError(msg)
    distinct = np.unique(values)
    if len(distinct) == 1:
        msg = (
            f'--outcome: the column "{column.name}" is {distinct[0]:g} in every '
            "row, so nothing can be learnt about it."
        )
        raise InputError(msg)
    if set(distinct) == {0.0, 1.0}:
        return values.astype(np.int64)
    return values
