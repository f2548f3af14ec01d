"""What we assume, generatively."""

from skcausal.structural._additive import AdditiveNoise
from skcausal.structural._anomaly import anomaly_attribution, unit_change
from skcausal.structural._arrows import arrow_strength
from skcausal.structural._categorical import CategoricalNoise
from skcausal.structural._change import distribution_change
from skcausal.structural._change_test import mechanism_change_test
from skcausal.structural._evaluation import MisfitWarning
from skcausal.structural._intrinsic import intrinsic_influence
from skcausal.structural._mechanism import EmpiricalDistribution, Mechanism
from skcausal.structural._model import AdditiveNoiseModel
from skcausal.structural._result import Attribution, RowAttribution

__all__ = [
    "AdditiveNoise",
    "AdditiveNoiseModel",
    "Attribution",
    "CategoricalNoise",
    "EmpiricalDistribution",
    "Mechanism",
    "MisfitWarning",
    "RowAttribution",
    "anomaly_attribution",
    "arrow_strength",
    "distribution_change",
    "intrinsic_influence",
    "mechanism_change_test",
    "unit_change",
]
