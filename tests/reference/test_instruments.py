"""Published figures from instruments; a missing file skips its test and says so."""

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from statsmodels.sandbox.regression.gmm import IV2SLS

from skcausal.datasets import _fetch, fetch_401k, fetch_card
from skcausal.estimation import InteractiveIV, PartiallyLinear, PartiallyLinearIV

pytestmark = pytest.mark.reference

LINE = LinearRegression()


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


# ------------------------------------------------------- Card: the return to schooling
def in_sample(X, values):
    return FrozenEstimator(LinearRegression().fit(X, values))


@pytest.fixture
def card():
    data = fetch_card()
    return data, data.X.to_numpy(float), data.treatment.to_numpy(float)


def two_stage_least_squares(data):
    X = data.X.to_numpy(float)
    endogenous = sm.add_constant(np.column_stack([data.treatment, X]))
    instruments = sm.add_constant(np.column_stack([data.instrument, X]))
    return IV2SLS(data.y.to_numpy(), endogenous, instruments).fit()


def test_card_in_sample_is_two_stage_least_squares(card):
    """Card (1995): a year of schooling, 13.2 % by college proximity, 7.5 % by OLS."""
    data, X, t = card
    learner = PartiallyLinearIV(
        in_sample(X, data.y), in_sample(X, t), in_sample(X, data.instrument)
    )
    learner.fit(X, data.y, treatment=t, instrument=data.instrument)
    peer = two_stage_least_squares(data)
    estimate = learner.average_effect()
    assert estimate.value == pytest.approx(peer.params[1], rel=1e-6)
    assert estimate.value == pytest.approx(0.1315, abs=5e-5)
    assert estimate.standard_error == pytest.approx(peer.bse[1], rel=0.03)
    direct = PartiallyLinear(in_sample(X, data.y), in_sample(X, t))
    direct.fit(X, data.y, treatment=t)
    assert direct.average_effect().value == pytest.approx(0.0747, abs=5e-5)


def test_card_cross_fitted(card):
    data, X, t = card
    logit = LogisticRegression(C=np.inf, solver="newton-cholesky")
    learner = PartiallyLinearIV(LINE, LINE, logit, cv=10, random_state=0)
    learner.fit(X, data.y, treatment=t, instrument=data.instrument)
    estimate, peer = learner.average_effect(), two_stage_least_squares(data)
    assert abs(estimate.value - peer.params[1]) < 0.5 * peer.bse[1]
    assert 10 < learner.first_stage_f_ < 25
    wald = estimate.interval()
    lower, upper = learner.anderson_rubin_interval().hull
    assert upper - lower > wald[1] - wald[0]
    assert lower < estimate.value < upper


# ----------------------------------------------------------------- 401(k) and wealth
def test_eligibility_raises_wealth():
    """Chernozhukov et al. (2018): about 8 to 9 thousand dollars, partially linear."""
    data = fetch_401k(treatment="e401")
    learner = PartiallyLinear(cv=3, random_state=0)
    learner.fit(data.X, data.y, treatment=data.treatment)
    estimate = learner.average_effect()
    assert 1000 < estimate.standard_error < 1600
    assert abs(estimate.value - 8500) < 500 + estimate.standard_error


@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
def test_participation_raises_the_wealth_of_compliers():
    """Chernozhukov et al. (2018): about 11 to 12 thousand dollars, LATE."""
    data = fetch_401k()
    learner = InteractiveIV(cv=3, random_state=0)
    learner.fit(data.X, data.y, treatment=data.treatment, instrument=data.instrument)
    estimate = learner.average_effect()
    assert 1300 < estimate.standard_error < 2200
    assert abs(estimate.value - 11_500) < 500 + estimate.standard_error
    assert np.all(learner.nuisances_["treatment_by_instrument"][:, :, 0] == 0)
    assert 0.6 < learner.complier_share_.value < 0.75
    assert learner.first_stage_f_ > 1000
    wald, honest = estimate.interval(), learner.anderson_rubin_interval().hull
    np.testing.assert_allclose(honest, wald, atol=0.02 * estimate.standard_error)
