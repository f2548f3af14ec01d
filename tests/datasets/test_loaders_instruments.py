"""Published figures of the data sets with an instrument; no file, no test."""

import pandas as pd
import pytest

from skcausal.datasets import _fetch, _loaders_instruments, fetch_401k, fetch_card


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


@pytest.mark.parametrize(
    ("fetch", "options"),
    [
        (fetch_card, {}),
        (fetch_card, {"instrument": "nearc2"}),
        (fetch_401k, {}),
        (fetch_401k, {"treatment": "e401"}),
    ],
)
def test_shape_of_the_bunch(fetch, options):
    data = fetch(**options)
    columns = [*data.feature_names, data.treatment_name, data.outcome_name]
    assert sorted(data.frame.columns) == sorted(columns)
    pd.testing.assert_frame_equal(data.X, data.frame[data.feature_names])
    assert data.frame.notna().all(axis=None)
    assert str(len(data.frame)) in data.description
    if data.instrument is not None:
        assert set(data.instrument) == {0, 1}
        assert data.instrument.index.equals(data.frame.index)


def test_card_published_figures():
    data = fetch_card()
    assert data.X.shape == (3010, 14)
    assert "arms" not in data
    assert not data.instrument.equals(fetch_card(instrument="nearc2").instrument)


def test_401k_published_figures():
    data = fetch_401k()
    eligible, takes = data.instrument, data.treatment
    assert data.X.shape == (9915, 9)
    assert eligible.mean() == pytest.approx(0.3714, abs=5e-5)
    assert takes.mean() == pytest.approx(0.2616, abs=5e-5)
    assert data.y.mean() == pytest.approx(18_051.5, abs=0.05)
    assert not (takes > eligible).any()
    means, shares = data.y.groupby(eligible).mean(), takes.groupby(eligible).mean()
    assert means[1] - means[0] == pytest.approx(19_559, abs=0.5)
    wald = (means[1] - means[0]) / (shares[1] - shares[0])
    assert wald == pytest.approx(27_763, abs=0.5)
    assert fetch_401k(treatment="e401").instrument is None


def test_content_of_the_survey_is_known_in_any_format():
    remote = _loaders_instruments.SIPP
    table, _ = _fetch.load(remote, "test")
    assert _fetch.content_digest(table, remote.columns) == remote.content_sha256


@pytest.mark.parametrize(
    ("fetch", "options", "message"),
    [
        (fetch_card, {"instrument": "educ"}, "instrument must be one of 'nearc4', "),
        (fetch_401k, {"treatment": "pira"}, "treatment must be one of 'p401', 'e401'"),
    ],
)
def test_unknown_option_names_owner_rule_and_value(fetch, options, message):
    with pytest.raises(ValueError, match=f"^{fetch.__name__}: {message}"):
        fetch(**options)
