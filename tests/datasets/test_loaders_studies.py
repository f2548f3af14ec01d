"""Published figures of the reemployment bonus and of NHEFS; no file, no test."""

import numpy as np
import pandas as pd
import pytest

from skcausal.datasets import _fetch, fetch_bonus, fetch_nhefs


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


@pytest.mark.parametrize("fetch", [fetch_bonus, fetch_nhefs])
def test_shape_of_the_bunch(fetch):
    data = fetch()
    columns = [*data.feature_names, data.treatment_name, data.outcome_name]
    assert list(data.frame.columns) == columns
    pd.testing.assert_frame_equal(data.X, data.frame[data.feature_names])
    assert data.frame.notna().all(axis=None)
    assert set(data.treatment) == set(data.arms) == {0, 1}
    assert str(len(data.frame)) in data.description


def test_bonus_published_figures():
    data = fetch_bonus()
    assert data.X.shape == (5099, 15)
    assert (data.X.isin((0, 1))).all(axis=None)
    assert not (data.X["dep1"] & data.X["dep2"]).any()
    assert data.treatment.sum() == 1745
    assert np.exp(data.y).min() == pytest.approx(1.0)


def test_nhefs_published_figures():
    """Hernan & Robins (2020), section 12.1 and table 12.1."""
    data = fetch_nhefs()
    assert data.X.shape == (1566, 9)
    assert data.treatment.sum() == 403
    means = data.y.groupby(data.treatment).mean()
    assert means[1] - means[0] == pytest.approx(2.54, abs=5e-3)
    ages = data.X["age"].groupby(data.treatment).mean()
    assert ages.round(1).tolist() == [42.8, 46.2]
