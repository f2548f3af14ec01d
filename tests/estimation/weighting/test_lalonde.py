"""Entropy balancing of LaLonde's treated men against survey controls."""

import os

import numpy as np
import pytest

from skcausal.datasets import fetch_lalonde
from skcausal.estimation import BalancedEffect, EntropyBalancing

pytestmark = pytest.mark.skipif(
    "SKCAUSAL_DATA" not in os.environ, reason="SKCAUSAL_DATA does not name the data"
)


@pytest.mark.parametrize("controls", ["psid", "cps"])
@pytest.mark.parametrize("moments", [1, 2])
def test_survey_controls_reproduce_the_experiment(controls, moments):
    data = fetch_lalonde(controls=controls)
    weighter = EntropyBalancing("treated", moments=moments)
    learner = BalancedEffect(weighter).fit(data.X, data.y, treatment=data.treatment)
    balance = learner.weighter_.balance_
    assert balance["before"].max() > 1.0
    assert balance["after"].max() < 1e-6
    estimate = learner.average_effect()
    raw = data.y[data.treatment == 1].mean() - data.y[data.treatment == 0].mean()
    assert raw < -8000
    lower, upper = estimate.interval()
    assert lower < data.benchmark_effect < upper
    assert np.ptp([lower, upper]) < 6000
