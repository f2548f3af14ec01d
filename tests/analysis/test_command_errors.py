"""Bad input gives one clear line and exit status 2, and writes nothing."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from skcausal.analysis import main

_ASK = ["--outcome", "sales", "--treatment", "mail"]


def _fails(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Run the command, demand status 2 and a single line, and return the line."""
    try:
        status = main(arguments)
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("skcausal: error: ")
    return captured.err


def _fails_on(
    frame: pd.DataFrame,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    *words: str,
) -> str:
    path = folder / "bad.csv"
    frame.to_csv(path, index=False)
    out = folder / "report.html"
    message = _fails(["analyze", str(path), *_ASK, "--out", str(out), *words], capsys)
    assert sorted(folder.iterdir()) == [path]
    return message


def test_missing_file(capsys):
    assert '"no.csv" does not exist' in _fails(["analyze", "no.csv", *_ASK], capsys)


def test_folder_instead_of_a_file(tmp_path, capsys):
    folder = tmp_path / "folder.csv"
    folder.mkdir()
    assert "is a folder" in _fails(["analyze", str(folder), *_ASK], capsys)


def test_unknown_kind_of_file(tmp_path, capsys):
    path = tmp_path / "table.xlsx"
    path.write_text("x")
    assert ".parquet" in _fails(["analyze", str(path), *_ASK], capsys)


@pytest.mark.parametrize("name", ["bad.csv.gz", "bad.parquet", "bad.feather"])
def test_unreadable_file(name, tmp_path, capsys):
    if not name.endswith("gz"):
        pytest.importorskip("pyarrow")
    path = tmp_path / name
    path.write_bytes(b"this is no table \xff\xfe")
    assert "cannot be read as" in _fails(["analyze", str(path), *_ASK], capsys)


def test_parquet_without_pyarrow_names_the_extra(tmp_path, capsys, monkeypatch):
    path = tmp_path / "table.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    message = _fails(["analyze", str(path), *_ASK], capsys)
    assert 'pip install "skcausal[files]"' in message


@pytest.mark.parametrize("text", ["", "age,mail,sales\n"])
def test_empty_table(text, tmp_path, capsys):
    path = tmp_path / "empty.csv"
    path.write_text(text)
    assert "empty table" in _fails(["analyze", str(path), *_ASK], capsys)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--features", "agee"], 'no column "agee". Did you mean "age"?'),
        (["--by", "country"], "There are: "),
        (["--features", "mail"], '"mail" is the treatment already'),
        (["--features", "sales", "age"], '"sales" is the outcome already'),
        (["--outcome", "sales", "sales"], '"sales" is the outcome already'),
        (["--outcome", "sales", "mail"], '"mail" is the treatment already'),
        (["--outcome", "sales", "agee"], 'Did you mean "age"?'),
        (["--outcome", "sales", "city"], '"city" is not numeric'),
        (
            ["--outcome", "sales", "age", "--features", "age", "city"],
            '"age" is an outcome already',
        ),
        (["--refute", "1"], "number of refits (0, or 2 and more)"),
        (["--randomised", "1.5"], "must lie between 0 and 1"),
        (["--randomised", "half"], "neither a share"),
        (["--randomised", "male=0.5"], '"male" is not a label'),
        (["--randomised", "0=0.5", "1=0.6"], "sum to 1"),
        (["--control", "2"], '"2" is not a label'),
        (["--time-budget", "-1"], "number of seconds"),
        (["--random-state", "x"], "seed"),
        (["--out", "no/such/folder/report.html"], "does not exist"),
    ],
)
def test_bad_arguments(words, expected, frame, tmp_path, capsys):
    assert expected in _fails_on(frame, tmp_path, capsys, *words)


def test_unknown_outcome_and_treatment(table_file, capsys):
    ask = ["analyze", str(table_file), "--outcome", "Sale", "--treatment", "mail"]
    assert 'Did you mean "sales"?' in _fails(ask, capsys)
    ask = ["analyze", str(table_file), "--outcome", "sales", "--treatment", "male"]
    assert 'Did you mean "mail" or' in _fails(ask, capsys)
    ask = ["analyze", str(table_file), "--outcome", "mail", "--treatment", "mail"]
    assert "both name" in _fails(ask, capsys)


def test_required_arguments_and_commands(capsys):
    assert "required" in _fails(["analyze", "x.csv"], capsys)
    assert "COMMAND" in _fails([], capsys)
    assert "invalid choice" in _fails(["demo", "--data", "moon"], capsys)


def test_non_numeric_outcome(frame, tmp_path, capsys):
    frame["sales"] = np.where(frame["sales"] > 1, "yes", "no")
    assert "is not numeric" in _fails_on(frame, tmp_path, capsys)


def test_outcome_with_one_value_or_infinite(frame, tmp_path, capsys):
    message = _fails_on(frame.assign(sales=3.0), tmp_path, capsys)
    assert "in every row" in message
    frame.loc[0, "sales"] = np.inf
    assert "infinite" in _fails_on(frame, tmp_path, capsys)


@pytest.mark.parametrize(
    ("column", "option"), [("sales", "outcome"), ("mail", "treat")]
)
def test_missing_values_are_counted(column, option, frame, tmp_path, capsys):
    frame[column] = frame[column].astype(float)
    frame.loc[[1, 5], column] = np.nan
    message = _fails_on(frame, tmp_path, capsys)
    assert "missing in 2 of 400 rows" in message
    assert f"--{option}" in message


def test_one_arm(frame, tmp_path, capsys):
    assert "has one arm" in _fails_on(frame.assign(mail=1), tmp_path, capsys)


def test_tiny_arm(frame, tmp_path, capsys):
    frame["mail"] = (np.arange(len(frame)) < 5).astype(int)
    assert "has 5 rows" in _fails_on(frame, tmp_path, capsys)


def test_continuous_treatment(frame, tmp_path, capsys):
    frame["mail"] = np.linspace(0, 1, len(frame))
    assert "400 different values" in _fails_on(frame, tmp_path, capsys)


def test_labels_need_control(frame, tmp_path, capsys):
    frame["mail"] = frame["mail"].map({0: "none", 1: "letter"})
    message = _fails_on(frame, tmp_path, capsys)
    assert "--control is needed" in message
    assert '"letter" (200 rows), "none" (200 rows)' in message
    message = _fails_on(frame, tmp_path, capsys, "--control", "nome")
    assert 'Did you mean "none"?' in message


def test_one_share_for_three_arms(frame, tmp_path, capsys):
    frame["mail"] = np.arange(len(frame)) % 3
    message = _fails_on(
        frame, tmp_path, capsys, "--control", "0", "--randomised", "0.5"
    )
    assert "label=share for each" in message


def test_by_with_too_many_groups(frame, tmp_path, capsys):
    frame["name"] = [f"n{row % 50}" for row in range(len(frame))]
    assert "at most 12" in _fails_on(frame, tmp_path, capsys, "--by", "name")


def test_no_usable_feature(frame, tmp_path, capsys):
    frame["age"] = 1
    message = _fails_on(frame, tmp_path, capsys, "--features", "age")
    assert "no usable feature" in message


def test_outputs_must_not_collide(table_file, capsys):
    ask = ["analyze", str(table_file), *_ASK]
    assert "overwritten" in _fails([*ask, "--out", str(table_file)], capsys)
    same = str(table_file.with_name("x"))
    assert "both name" in _fails([*ask, "--out", same, "--json", same], capsys)


def test_help_and_version_are_quick_and_light():
    code = (
        "import sys; from skcausal.analysis import main\n"
        "try: main(['--help'])\n"
        "except SystemExit as stop: assert stop.code == 0\n"
        "assert not {'matplotlib', 'lightgbm', 'pandas'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert "analyze" in done.stdout
