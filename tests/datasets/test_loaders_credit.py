"""German credit, where the file is on this machine."""

import pytest

from skcausal.datasets import _fetch, fetch_german_credit
from skcausal.datasets._loaders_credit import GERMAN_CREDIT


@pytest.mark.skipif(
    _fetch.find(GERMAN_CREDIT) is None, reason="german credit is not here"
)
def test_german_credit():
    data = fetch_german_credit()
    assert data.frame.shape == (1000, 22)
    assert data.y.sum() == 700
    assert not data.frame.isna().any(axis=None)
    assert data.X["savings_account"].cat.ordered
    assert data.X["other_debtors"].value_counts()["none"] == 907
    assert (data.X["checking_account"].cat.categories[0]) == "no account"
