"""Average effects on real data: published figures, and statsmodels on the same rows."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from statsmodels.treatment.treatment_effects import TreatmentEffect

from skcausal.datasets import _fetch, fetch_lalonde
from skcausal.estimation import AIPW, TMLE, PropensityWeighting, RegressionAdjustment

pytestmark = pytest.mark.reference


@pytest.fixture(scope="module")
def quitters():
    """Return covariates, weight gain and smoking cessation of NHEFS.

    Hernan & Robins (2020), Causal Inference: What If, section 12.2.
    """
    path = _fetch.data_folder() / "nhefs" / "nhefs_complete.csv.gz"
    if not path.exists():
        pytest.skip(f"needs {path}; set {_fetch.DATA_VARIABLE}")
    frame = pd.read_csv(path)
    numbers = frame[["age", "smokeintensity", "smokeyrs", "wt71"]]
    categories = frame[["education", "exercise", "active"]].astype(str)
    parts = [
        frame[["sex", "race"]],
        numbers,
        (numbers**2).add_suffix("_squared"),
        pd.get_dummies(categories, drop_first=True),
    ]
    X = pd.concat(parts, axis=1).astype(float)
    return X, frame["wt82_71"], frame["qsmk"].astype(int)


@pytest.fixture(scope="module")
def peer(quitters):
    X, y, treatment = (np.asarray(part) for part in quitters)
    design = sm.add_constant(X)
    selection = sm.Logit(treatment, design).fit(disp=False, maxiter=100)
    return TreatmentEffect(sm.OLS(y, design), treatment, selection)


def test_weighting_of_nhefs_equals_the_book_and_statsmodels(quitters, peer):
    """Quitting smoking: 3.4 kg (the book's figure from inverse-propensity weights)."""
    X, y, treatment = quitters
    weighting = PropensityWeighting().fit(X, y, treatment=treatment)
    estimate = weighting.average_effect()
    assert round(estimate.value, 1) == 3.4
    assert estimate.value == pytest.approx(peer.ipw(return_results=False)[0], rel=1e-4)


def test_regression_of_nhefs_equals_statsmodels(quitters, peer):
    X, y, treatment = quitters
    lin = RegressionAdjustment(covariance="HC0").fit(X, y, treatment=treatment)
    estimate, expected = lin.average_effect(), peer.ra()
    assert 3.3 < estimate.value < 3.6  # the book standardises to 3.5
    assert estimate.value == pytest.approx(expected.effect[0], rel=1e-5)
    assert estimate.standard_error == pytest.approx(expected.sd[0], rel=1e-3)


@pytest.mark.parametrize("cls", [AIPW, TMLE])
def test_default_models_on_nhefs(cls, quitters):
    X, y, treatment = quitters
    estimate = cls(random_state=0).fit(X, y, treatment=treatment).average_effect()
    assert abs(estimate.value - 3.44) < 0.5 * estimate.standard_error


@pytest.fixture
def no_download(monkeypatch):
    """Skip with the reason where a file would have to be downloaded."""

    def skip(remote, owner):
        pytest.skip(f"{owner} needs {remote.folder}; set {_fetch.DATA_VARIABLE}")

    monkeypatch.setattr(_fetch, "download", skip)


@pytest.mark.usefixtures("no_download")
@pytest.mark.parametrize("estimator", [RegressionAdjustment(), PropensityWeighting()])
def test_national_supported_work(estimator):
    """The experiment: covariates move 1,794 dollars little, and sharpen it."""
    data = fetch_lalonde(sample="nsw_dw")
    estimate = estimator.fit(data.X, data.y, treatment=data.treatment).average_effect()
    assert abs(estimate.value - data.benchmark_effect) < 200
    assert 600 < estimate.standard_error < 750


@pytest.mark.usefixtures("no_download")
@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
def test_survey_controls_instead_of_the_experiment():
    """Means are off by 17,000 dollars; weights bring back the benchmark."""
    data = fetch_lalonde(sample="nsw_dw", controls="psid")
    weighting = PropensityWeighting().fit(data.X, data.y, treatment=data.treatment)
    estimate = weighting.average_effect(target="treated")
    raw = data.y[data.treatment == 1].mean() - data.y[data.treatment == 0].mean()
    assert raw < -15_000
    lower, upper = estimate.interval()
    assert lower < data.benchmark_effect < upper
    assert abs(estimate.value - data.benchmark_effect) < 500
