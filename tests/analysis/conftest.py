"""Small tables and finished analyses, shared by the tests of this folder."""

from pathlib import Path

import pandas as pd
import pytest

from tests.analysis.helpers import Finished, finish, make_frame


@pytest.fixture
def frame() -> pd.DataFrame:
    """Return a table of two arms."""
    return make_frame()


@pytest.fixture
def table_file(frame: pd.DataFrame, tmp_path: Path) -> Path:
    """Return the table as a CSV file."""
    path = tmp_path / "shop.csv"
    frame.to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return a randomised analysis by city."""
    folder = tmp_path_factory.mktemp("experiment")
    words = ("--randomised", "0.5", "--by", "city")
    return finish(folder, make_frame(), *words, refute=2)


@pytest.fixture(scope="session")
def observed(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """Return an observational analysis of three labelled arms and two outcomes."""
    frame = make_frame(600, n_arms=3)
    frame["mail"] = frame["mail"].map({0: "none", 1: "a & b", 2: "<b>letter</b>"})
    frame["id"] = [f"row-{number}" for number in range(len(frame))]
    frame["same"] = 1
    frame["<i>bought</i>"] = (frame["sales"] > frame["sales"].median()).astype(int)
    folder = tmp_path_factory.mktemp("observed")
    outcomes = ("sales", "<i>bought</i>")
    return finish(folder, frame, "--control", "none", outcomes=outcomes, refute=2)
