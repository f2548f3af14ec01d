"""Published figures of the data of the fairness literature; no file, no test."""

import numpy as np
import pandas as pd
import pytest

from skcausal.datasets import (
    DatasetNotFoundError,
    _fetch,
    fetch_compas,
    fetch_law_school,
)


@pytest.fixture
def no_download(monkeypatch):
    """Skip with the reason where a file would have to be downloaded."""

    def skip(remote, owner):
        names = " or ".join(source.name for source in remote.sources)
        pytest.skip(
            f"{owner} needs {remote.folder}/{names}, not in {_fetch.data_folder()}; "
            f"set {_fetch.DATA_VARIABLE}"
        )

    monkeypatch.setattr(_fetch, "download", skip)


pytestmark = pytest.mark.usefixtures("no_download")


def test_compas_published_counts():
    """Counts of ProPublica's notebook, on the rows that its filter leaves."""
    data = fetch_compas()
    assert data.X.shape == (6172, 8)
    assert data.frame["race"].value_counts().to_dict() == {
        "African-American": 3175,
        "Caucasian": 2103,
        "Hispanic": 509,
        "Other": 343,
        "Asian": 31,
        "Native American": 11,
    }
    assert data.frame["sex"].value_counts().to_dict() == {"Male": 4997, "Female": 1175}
    ages = data.frame["age_cat"].value_counts(sort=False).to_dict()
    assert ages == {"Less than 25": 1347, "25 - 45": 3532, "Greater than 45": 1293}
    assert data.frame["c_charge_degree"].value_counts().to_dict() == {
        "F": 3970,
        "M": 2202,
    }
    scores = data.frame["score_text"].value_counts(sort=False).to_dict()
    assert scores == {"Low": 3421, "Medium": 1607, "High": 1144}
    assert data.y.sum() == 2809


@pytest.mark.parametrize("filtered", [True, False])
@pytest.mark.parametrize("violent", [True, False])
def test_compas_shape(filtered, violent):
    rows = {
        (True, False): 6172,
        (False, False): 7214,
        (True, True): 4020,
        (False, True): 4743,
    }
    data = fetch_compas(filtered=filtered, violent=violent)
    assert len(data.frame) == rows[filtered, violent]
    assert data.frame.notna().all(axis=None)
    assert set(data.sensitive_names) <= set(data.feature_names)
    pd.testing.assert_frame_equal(data.X, data.frame[data.feature_names])
    assert str(len(data.frame)) in data.description
    named = {"name", "first", "last", "dob", "c_case_number"}
    assert not named & set(data.frame.columns)
    assert ("v_score_text" in data.frame) == violent


def test_law_school_published_counts():
    data = fetch_law_school()
    assert data.X.shape == (21790, 4)
    races = data.frame["race"].value_counts().to_dict()
    assert races["Black"] == 1282
    assert races["Asian"] + races["Hispanic"] + races["Mexican"] == 845 + 488 + 389
    assert races["White"] + races["Other"] == 18285 + 293 - 1
    assert "PO" not in set(data.frame["region_first"])
    assert (data.X["LSAT"] == data.X["LSAT"].round()).all()
    assert np.abs(data.X["LSAT"] - data.lsat_unrounded).max() <= 0.5
    assert data.y.std() == pytest.approx(0.933, abs=5e-4)


def test_compas_is_never_downloaded(monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setenv(_fetch.DATA_VARIABLE, str(tmp_path))
    with pytest.raises(DatasetNotFoundError, match="names people"):
        fetch_compas()


def test_unknown_option_names_owner_rule_and_value():
    with pytest.raises(ValueError, match=r"^fetch_compas: violent must be one of"):
        fetch_compas(violent="yes")
