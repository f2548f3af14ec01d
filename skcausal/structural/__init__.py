"""What we assume, generatively."""

from skcausal.structural._additive import AdditiveNoise
from skcausal.structural._categorical import CategoricalNoise
from skcausal.structural._evaluation import MisfitWarning
from skcausal.structural._mechanism import EmpiricalDistribution, Mechanism
from skcausal.structural._model import AdditiveNoiseModel

__all__ = [
    "AdditiveNoise",
    "AdditiveNoiseModel",
    "CategoricalNoise",
    "EmpiricalDistribution",
    "Mechanism",
    "MisfitWarning",
]
