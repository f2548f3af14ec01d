"""From a raw table to checked columns: outcome, treatment, features, groups."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skcausal.analysis._errors import InputError
from skcausal.analysis._groups import subgroups
from skcausal.analysis._outcome_columns import complete, is_binary, read_outcomes

MOST_ARMS = 10
FEWEST_ROWS_PER_ARM = 30
_ID_LIKE_SHARE = 0.5


@dataclass(frozen=True)
class Columns:
    """The names a user gives: which column plays which part."""

    outcome: str
    treatment: str
    other_outcomes: tuple[str, ...] = ()
    control: str | None = None
    features: tuple[str, ...] | None = None
    by: str | None = None


@dataclass(frozen=True)
class Table:
    """A checked table, ready for a learner.

    Attributes
    ----------
    X : pandas.DataFrame
        The features that are used; text columns have become categories.
    y : ndarray of shape (n,)
        The outcome; integers if it only holds 0 and 1.
    treatment : ndarray of shape (n,)
        Integers for 0/1 labels, strings otherwise.
    arms : tuple
        The labels found in `treatment`, the control arm first.
    by : pandas.Series or None
        The subgroup of each row, as text.
    columns : Columns
        The names the user gave.
    notes, warnings : tuple of str
        What was done to the columns, for the report.
    conversions : dict
        Column -> the pandas code that made it what it is here.
    other_outcomes : dict
        Further outcome -> its values, as `y`.
    """

    X: pd.DataFrame
    y: npt.NDArray[Any]
    treatment: npt.NDArray[Any]
    arms: tuple[Any, ...]
    by: "pd.Series[str] | None"
    columns: Columns
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    conversions: dict[str, str] = field(default_factory=dict)
    other_outcomes: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    @property
    def binary_outcome(self) -> bool:
        """Whether the outcome only holds 0 and 1."""
        return is_binary(self.y)

    @property
    def outcomes(self) -> dict[str, npt.NDArray[Any]]:
        """All outcomes by name, the first one first."""
        return {self.columns.outcome: self.y, **self.other_outcomes}

    @property
    def labels(self) -> tuple[str, ...]:
        """The arms as text, control first."""
        return tuple(str(arm) for arm in self.arms)

    @property
    def codes(self) -> npt.NDArray[np.int64]:
        """The position of each row's arm in `arms`."""
        codes = np.zeros(len(self.y), dtype=np.int64)
        for position, arm in enumerate(self.arms):
            codes[self.treatment == arm] = position
        return codes

    @property
    def text_columns(self) -> list[str]:
        """The features that are categories."""
        kinds = self.X.dtypes
        return [
            str(name)
            for name, kind in kinds.items()
            if isinstance(kind, pd.CategoricalDtype)
        ]


def check_table(frame: pd.DataFrame, columns: Columns) -> Table:
    """Check the columns of a table and prepare them for a learner.

    Parameters
    ----------
    frame : pandas.DataFrame
        One row per unit.
    columns : Columns
        Which column plays which part.

    Returns
    -------
    Table
        The checked columns.

    Raises
    ------
    InputError
        If a column is missing or cannot play its part.
    """
    _check_names(frame, columns)
    outcomes, notes = read_outcomes(frame, (columns.outcome, *columns.other_outcomes))
    treatment, arms = _treatment(frame[columns.treatment], columns.control)
    features, feature_notes, warnings = _features(frame, columns)
    by, by_notes = subgroups(frame, columns.by)
    if columns.features is None:
        notes.append(
            "--features was not given, so every other column is a feature. A "
            "feature must be measured before the treatment: name the features "
            "if some are not."
        )
    return Table(
        X=features,
        y=outcomes[columns.outcome],
        treatment=treatment,
        arms=arms,
        by=by,
        columns=columns,
        notes=tuple(notes + feature_notes + by_notes),
        warnings=tuple(warnings),
        conversions=_conversions(
            frame,
            {**outcomes, columns.treatment: treatment, **features},
        ),
        other_outcomes={name: outcomes[name] for name in columns.other_outcomes},
    )


def _conversions(frame: pd.DataFrame, used: dict[str, Any]) -> dict[str, str]:
    """Write down how the columns that were changed can be changed again."""
    found = {}
    for name, values in used.items():
        raw, now = frame[name].dtype, values.dtype
        if isinstance(now, pd.CategoricalDtype) and not isinstance(raw, type(now)):
            found[name] = '.astype("category")'
        elif now.kind == "U" and not pd.api.types.is_string_dtype(raw):
            whole = pd.api.types.is_float_dtype(raw) and (frame[name] % 1 == 0).all()
            found[name] = f"{'.astype(int)' if whole else ''}.astype(str)"
        elif now.kind in "iu" and getattr(raw, "kind", "O") not in "iu":
            found[name] = ".astype(int)"
        elif now.kind == "f" and getattr(raw, "kind", "O") not in "iuf":
            found[name] = ".astype(float)"
    return found


def unknown_name(name: str, known: Iterable[str]) -> str:
    """Say that `name` is not among `known`, and what was perhaps meant."""
    known = list(known)
    folded = {entry.casefold(): entry for entry in known}
    close = difflib.get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)
    if close:
        meant = " or ".join(f'"{folded[entry]}"' for entry in close)
        return f"Did you mean {meant}?"
    shown = ", ".join(f'"{entry}"' for entry in known[:12])
    return f"There are: {shown}{', ...' if len(known) > 12 else ''}."


def _check_names(frame: pd.DataFrame, columns: Columns) -> None:
    roles: list[tuple[str, str]] = [
        ("--outcome", columns.outcome),
        ("--treatment", columns.treatment),
        *(("--outcome", name) for name in columns.other_outcomes),
        *((("--by", columns.by),) if columns.by is not None else ()),
        *(("--features", name) for name in columns.features or ()),
    ]
    for option, name in roles:
        if name not in frame.columns:
            msg = (
                f'{option}: the table has no column "{name}". '
                f"{unknown_name(name, frame.columns)}"
            )
            raise InputError(msg)
    if columns.outcome == columns.treatment:
        msg = f'--outcome and --treatment both name the column "{columns.outcome}".'
        raise InputError(msg)
    taken = {columns.outcome: "the outcome", columns.treatment: "the treatment"}
    for option, name in roles[2:]:
        if name in taken:
            msg = f'{option}: "{name}" is {taken[name]} already. Leave it out.'
            raise InputError(msg)
        if option == "--outcome":
            taken[name] = "an outcome"


def _treatment(
    column: "pd.Series[Any]", control: str | None
) -> tuple[npt.NDArray[Any], tuple[Any, ...]]:
    complete(column, "--treatment")
    kinds = pd.api.types
    if kinds.is_bool_dtype(column):
        column = column.astype(int)
        control = {"true": "1", "false": "0"}.get(str(control).lower(), control)
    if kinds.is_numeric_dtype(column) and (column == column.round()).all():
        column = column.astype(np.int64)
    _check_arms(column)
    if kinds.is_integer_dtype(column) and set(column.unique()) == {0, 1}:
        values: npt.NDArray[Any] = column.to_numpy(dtype=np.int64)
        first = 0 if control is None else _control_label(column, control)
    else:
        values = column.astype(str).to_numpy(dtype=str)
        first = _control_label(column.astype(str), control)
    others = [arm for arm in np.unique(values).tolist() if arm != first]
    return values, (first, *others)


def _check_arms(column: "pd.Series[Any]") -> None:
    counts = column.value_counts()
    if len(counts) == 1:
        msg = (
            f'--treatment: the column "{column.name}" has one arm '
            f'("{counts.index[0]}"); at least two are needed. Is the table '
            "filtered, or is it the wrong column?"
        )
        raise InputError(msg)
    if len(counts) > MOST_ARMS:
        msg = (
            f'--treatment: the column "{column.name}" has {len(counts):,} different '
            f"values; the command line compares at most {MOST_ARMS} arms. Merge "
            "them, or use a learner for a continuous treatment in Python."
        )
        raise InputError(msg)
    if counts.min() < FEWEST_ROWS_PER_ARM:
        msg = (
            f'--treatment: the arm "{counts.idxmin()}" has {counts.min()} rows; at '
            f"least {FEWEST_ROWS_PER_ARM} are needed in each arm. Merge or remove it."
        )
        raise InputError(msg)


def _control_label(column: "pd.Series[Any]", control: str | None) -> Any:
    counts = column.value_counts().sort_index()
    listed = ", ".join(f'"{label}" ({count:,} rows)' for label, count in counts.items())
    if control is None:
        msg = (
            f'--control is needed: the labels of "{column.name}" are not 0 and 1, '
            f"so the arm to compare with must be named. There are: {listed}."
        )
        raise InputError(msg)
    for label in counts.index:
        if str(label) == control:
            return label
    close = difflib.get_close_matches(control, [str(x) for x in counts.index], n=1)
    meant = f' Did you mean "{close[0]}"?' if close else ""
    msg = (
        f'--control: "{control}" is not a label of "{column.name}".{meant} There '
        f"are: {listed}."
    )
    raise InputError(msg)


def _features(
    frame: pd.DataFrame, columns: Columns
) -> tuple[pd.DataFrame, list[str], list[str]]:
    reserved = (columns.outcome, columns.treatment, *columns.other_outcomes)
    names: Sequence[str] = columns.features or [
        str(name) for name in frame.columns if name not in reserved
    ]
    names = list(dict.fromkeys(names))
    kept: dict[str, Any] = {}
    notes: list[str] = []
    warnings: list[str] = []
    for name in names:
        reason = _why_unusable(frame[name])
        if reason:
            warnings.append(f'The column "{name}" was left out: {reason}')
            continue
        kept[name], converted = _as_feature(frame[name])
        if converted:
            notes.append(f'The column "{name}" {converted}.')
    if not kept:
        msg = (
            "--features: no usable feature is left. "
            + (" ".join(warnings) or "The table has no other column.")
            + " At least one is needed to ask for whom the effect is larger."
        )
        raise InputError(msg)
    return pd.DataFrame(kept), notes, warnings


def _why_unusable(column: "pd.Series[Any]") -> str:
    """Say why a column cannot be a feature; empty if it can."""
    kinds = pd.api.types
    present = column.dropna()
    distinct = present.nunique()
    if distinct <= 1 and len(present) in (0, len(column)):
        return "it has the same value in every row."
    if kinds.is_datetime64_any_dtype(column) or kinds.is_timedelta64_dtype(column):
        return "it is a date. Derive numbers from it (days since ...) to use it."
    if kinds.is_numeric_dtype(column):
        if np.isinf(present.to_numpy(dtype=float)).any():
            return "it holds infinite values. Replace them to use it."
        whole = kinds.is_integer_dtype(column) and distinct == len(column)
        if whole and int(column.max()) - int(column.min()) == len(column) - 1:
            return "it only numbers the rows."
        return ""
    if distinct > max(20, _ID_LIKE_SHARE * len(present)):
        return (
            f"it is text with {distinct:,} different values in {len(column):,} rows, "
            "so it identifies rows instead of describing them."
        )
    return ""


def _as_feature(column: "pd.Series[Any]") -> tuple["pd.Series[Any]", str]:
    kinds = pd.api.types
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column, ""
    if kinds.is_bool_dtype(column):
        filled = column.astype("float64" if column.isna().any() else "int64")
        return filled, "is true or false and is used as 1 and 0"
    if kinds.is_numeric_dtype(column):
        plain = column.dtype
        if kinds.is_extension_array_dtype(plain):
            return column.astype("float64"), ""
        return column, ""
    text = column.astype(object).where(column.notna(), None)
    text = text.map(str, na_action="ignore")
    count = text.nunique()
    return text.astype("category"), f"is text and is used as {count} categories"
