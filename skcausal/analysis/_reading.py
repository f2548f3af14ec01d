"""Reading a table from a CSV, Parquet or Feather file."""

import gzip
from pathlib import Path
from typing import Any

import pandas as pd

from skcausal.analysis._errors import InputError

_SUFFIXES = ".csv, .csv.gz, .parquet or .feather"


def file_format(path: Path) -> str:
    """Return "csv", "parquet" or "feather" from the name of the file."""
    name = path.name.lower()
    for suffix, kind in (
        (".csv", "csv"),
        (".csv.gz", "csv"),
        (".parquet", "parquet"),
        (".feather", "feather"),
    ):
        if name.endswith(suffix):
            return kind
    msg = f'the kind of "{path}" is unknown. The name must end in {_SUFFIXES}.'
    raise InputError(msg)


def _separator(path: Path) -> str:
    """Guess the separator of a CSV file from its first line."""
    opener: Any = gzip.open if path.name.lower().endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8-sig", errors="replace") as stream:
        header = stream.readline()
    if "," not in header:
        for separator in (";", "\t"):
            if separator in header:
                return separator
    return ","


def loading_code(path: Path) -> str:
    """Write the pandas expression that reads the file."""
    kind = file_format(path)
    separator = _separator(path) if kind == "csv" else ","
    told = "" if separator == "," else f", sep={separator!r}"
    return f"pd.read_{kind}({str(path)!r}{told})"


def _read(path: Path, kind: str) -> pd.DataFrame:
    if kind == "csv":
        return pd.read_csv(path, low_memory=False, sep=_separator(path))
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        msg = (
            f"reading a {kind.capitalize()} file needs pyarrow, which is not "
            'installed: pip install "skcausal[files]".'
        )
        raise InputError(msg) from None
    return pd.read_parquet(path) if kind == "parquet" else pd.read_feather(path)


def read_table(path: Path) -> pd.DataFrame:
    """Read a table.

    Parameters
    ----------
    path : pathlib.Path
        A file whose name ends in .csv, .csv.gz, .parquet or .feather.

    Returns
    -------
    pandas.DataFrame
        The table, with a plain row index.

    Raises
    ------
    InputError
        If the file is missing, unreadable, empty, or needs pyarrow.
    """
    kind = file_format(path)
    if not path.exists():
        msg = f'the file "{path}" does not exist. Check the name and the folder.'
        raise InputError(msg)
    if path.is_dir():
        msg = f'"{path}" is a folder, not a file.'
        raise InputError(msg)
    try:
        frame = _read(path, kind)
    except InputError:
        raise
    except pd.errors.EmptyDataError:
        frame = pd.DataFrame()
    except (OSError, EOFError, ValueError, pd.errors.ParserError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].strip()
        msg = f'"{path}" cannot be read as {kind}: {reason}'
        raise InputError(msg) from error
    if frame.empty:
        msg = f'"{path}" holds an empty table (no rows). Check the export.'
        raise InputError(msg)
    frame.columns = [str(name) for name in frame.columns]
    if repeated := sorted(set(frame.columns[frame.columns.duplicated()])):
        msg = f'"{path}" has two columns named "{repeated[0]}". Rename one.'
        raise InputError(msg)
    return frame.reset_index(drop=True)
