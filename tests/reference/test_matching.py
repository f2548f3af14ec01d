"""Matching on LaLonde's data; a missing file skips its test and says so."""

import numpy as np
import pytest

from skcausal import OverlapWarning
from skcausal.datasets import _fetch, fetch_lalonde
from skcausal.estimation import CoarsenedExactMatching, NearestNeighbourMatching

pytestmark = pytest.mark.reference

EXPERIMENT = 1794.34  # Dehejia & Wahba (1999)


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


def estimated(learner, controls):
    data = fetch_lalonde(controls=controls)
    learner.fit(data.X, data.y, treatment=data.treatment)
    return learner.average_effect()


@pytest.mark.parametrize("distance", ["euclidean", "mahalanobis", "propensity"])
def test_experiment(distance):
    learner = NearestNeighbourMatching(distance, 4, target="treated")
    estimate = estimated(learner, None)
    assert abs(estimate.value - EXPERIMENT) < estimate.standard_error
    assert 600 < estimate.standard_error < 800


@pytest.mark.parametrize("controls", ["psid", "cps"])
@pytest.mark.parametrize("distance", ["euclidean", "mahalanobis", "propensity"])
def test_survey_controls(distance, controls):
    """The raw differences are -15,205 and -8,498 dollars; matched intervals cover."""
    learner = NearestNeighbourMatching(distance, 4, target="treated")
    estimate = estimated(learner, controls)
    lower, upper = estimate.interval()
    assert lower < EXPERIMENT < upper
    assert upper - lower < 4500
    balance = learner.balance_.abs()
    assert balance["after"].max() < 0.2 * balance["before"].max()


def test_coarsened_survey_controls():
    learner = CoarsenedExactMatching(n_bins=4, target="treated")
    with pytest.warns(OverlapWarning, match=r"of 185 rows of target='treated'"):
        estimate = estimated(learner, "cps")
    lower, upper = estimate.interval()
    assert lower < EXPERIMENT < upper
    assert learner.unmatched_.shape[0] < 20
    assert np.abs(learner.balance_["after"]).max() < 0.1
