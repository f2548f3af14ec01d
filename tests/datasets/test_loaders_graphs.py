"""Published figures of the data sets with a graph; no file, no test."""

import pandas as pd
import pytest

from skcausal.datasets import _fetch, fetch_sachs
from skcausal.graphs import CausalGraph


@pytest.fixture(autouse=True)
def no_download(monkeypatch):
    """Skip with the reason where a file would have to be downloaded."""

    def skip(remote, owner):
        names = " or ".join(source.name for source in remote.sources)
        pytest.skip(
            f"{owner} needs {remote.folder}/{names}, not in {_fetch.data_folder()}; "
            f"set {_fetch.DATA_VARIABLE}"
        )

    monkeypatch.setattr(_fetch, "download", skip)


def test_sachs_published_figures():
    data = fetch_sachs()
    assert data.frame.shape == (853, 11)
    assert data.feature_names == list(data.frame.columns)
    assert set(data.condition) == {"cd3_cd28"}
    assert "853 cells" in data.description
    every = fetch_sachs(conditions="all")
    assert every.frame.shape == (7466, 11)
    counts = every.condition.value_counts(sort=False).to_dict()
    assert sorted(counts.values()) == [707, 723, 799, 810, 848, 853, 902, 911, 913]
    assert counts["cd3_cd28"] == 853
    own = every.frame[every.condition == "cd3_cd28"]
    pd.testing.assert_frame_equal(own, data.frame)


def test_sachs_graphs_are_acyclic_and_name_the_columns():
    data = fetch_sachs()
    for edges, count in ((data.edges, 17), (data.known_edges, 20)):
        assert len(edges) == count
        assert set(CausalGraph(edges).nodes) == set(data.frame.columns)
    assert ("Plcg", "PIP3") in data.edges
    assert ("PIP3", "Plcg") in data.known_edges


def test_unknown_option_names_owner_rule_and_value():
    with pytest.raises(ValueError, match=r"^fetch_sachs: conditions must be one of"):
        fetch_sachs(conditions="some")
