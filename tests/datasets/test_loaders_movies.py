"""Published figures of the films of TMDB; no file, no test."""

import numpy as np
import pytest

from skcausal.datasets import _fetch, fetch_tmdb5000


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


def test_figures_of_the_authors_preparation():
    data = fetch_tmdb5000()
    assert data.X.shape == data.cast.shape == (2828, 901)
    assert data.cast.sum() == data.X.to_numpy().sum() == 14_000
    assert round(100 * data.X.to_numpy().mean(), 3) == 0.549
    assert round(float(data.y.mean()), 3) == 17.746
    assert round(float(data.y.std()), 3) == 1.800
    assert float(data.revenue.min()) == 5
    np.testing.assert_allclose(np.exp(data.y), data.revenue, rtol=1e-12)


def test_entries_that_the_authors_fitted_and_held_out():
    data = fetch_tmdb5000()
    assert data.training.sum() == 12_378
    assert data.validation.sum() == 1_645
    both = (data.training + data.validation).toarray()
    # 23 rows name an actor twice for a film.
    assert (both == 2).sum() == 23
    np.testing.assert_array_equal(np.minimum(both, 1), data.X)
    assert data.spoken["Avatar"] == ("en", "es")


def test_columns_that_go_with_the_cast():
    data = fetch_tmdb5000()
    assert data.genres.shape == (2828, 18)
    counts = data.genres.sum()
    shown = counts[["Drama", "Comedy", "Thriller", "Action"]].tolist()
    assert shown == [1240, 1015, 852, 848]
    assert data.frame.shape == (2828, 901 + 18 + 3)
    assert data.X.index.is_unique
    assert data.X.columns.is_unique
    for name in (
        "y",
        "genres",
        "frame",
        "budget",
        "runtime",
        "language",
        "spoken",
        "year",
    ):
        assert data[name].index.equals(data.X.index)
        assert not data[name].isna().any(axis=None)
    avatar = data.X.loc["Avatar"]
    assert set(avatar[avatar == 1].index) >= {"Zoe Saldana", "Sigourney Weaver"}
    assert data.revenue["Avatar"] == 2_787_965_087


def test_budget_is_that_of_the_film():
    """Published code paired the budgets with other films; the correlation tells."""
    data = fetch_tmdb5000()
    log_budget = np.log(data.budget.clip(lower=1))
    known = data.budget > 0
    assert 0.65 < np.corrcoef(log_budget[known], data.y[known])[0, 1] < 0.75
