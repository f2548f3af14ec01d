"""Agreement of averages with statsmodels' doubly robust treatment effects."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LinearRegression, LogisticRegression
from statsmodels.treatment.treatment_effects import TreatmentEffect

from skcausal.datasets import make_observational
from skcausal.estimation import DRLearner, RLearner

pytestmark = [
    pytest.mark.reference,
    pytest.mark.filterwarnings("ignore:::statsmodels"),
]

LINE = LinearRegression()
LOGIT = LogisticRegression(C=np.inf)


@pytest.fixture(scope="module")
def data():
    return make_observational(3000, 5, confounding=0.5, random_state=3)


@pytest.fixture(scope="module")
def learner(data):
    learner = DRLearner(LINE, LOGIT, LINE, cv=10, random_state=0)
    return learner.fit(data.X, data.y, treatment=data.treatment)


@pytest.fixture(scope="module")
def peer(data):
    X = sm.add_constant(data.X)
    treated = data.treatment.to_numpy()
    select = sm.Logit(treated, X).fit(disp=False)
    outcome = sm.OLS(data.y.to_numpy(), X.to_numpy())
    return TreatmentEffect(outcome, treated, results_select=select)


@pytest.mark.parametrize("method", ["aipw", "aipw_wls", "ipw_ra"])
def test_average_effect(method, learner, peer):
    estimate = learner.average_effect()
    figure = getattr(peer, method)(return_results=False)[0]
    assert abs(estimate.value - figure) < 0.3 * estimate.standard_error


def test_standard_error_of_the_average_effect(learner, peer):
    estimate = learner.average_effect()
    table = peer.aipw().summary_frame()
    error = float(table.loc["ATE", "std err"])
    assert estimate.standard_error == pytest.approx(error, rel=0.1)


@pytest.mark.parametrize(("target", "group"), [("treated", 1), ("control", 0)])
def test_average_effect_of_a_group(target, group, learner, peer):
    estimate = learner.average_effect(target=target)
    figure = peer.ipw_ra(return_results=False, effect_group=group)[0]
    assert abs(estimate.value - figure) < 0.3 * estimate.standard_error


def test_partially_linear_slope_is_the_coefficient_of_least_squares():
    """With linear nuisances, both residualise on X; folds make the only difference."""
    data = make_observational(
        3000, 4, treatment="continuous", effect="constant", random_state=0
    )
    learner = RLearner(LINE, LINE, LINE, cv=10, random_state=0)
    learner.fit(data.X, data.y, treatment=data.treatment)
    estimate = learner.average_effect(target="overlap")
    Z = sm.add_constant(pd.concat([data.treatment, data.X], axis=1))
    result = sm.OLS(data.y, Z).fit(cov_type="HC1")
    coefficient, error = result.params.iloc[1], result.bse.iloc[1]
    assert abs(estimate.value - coefficient) < 0.1 * error
    assert estimate.standard_error == pytest.approx(error, rel=0.02)
