"""Is it fair? Predictors under a structural model: audit and repair.

- ``CounterfactuallyFairClassifier`` and ``CounterfactuallyFairRegressor`` use only what
  does not follow from sensitive attributes; ``SensitiveAttributeError`` where an
  attribute has causes.
"""

from skcausal.fairness._fair_classifier import CounterfactuallyFairClassifier
from skcausal.fairness._fair_regressor import CounterfactuallyFairRegressor
from skcausal.fairness._sensitive import SensitiveAttributeError

__all__ = [
    "CounterfactuallyFairClassifier",
    "CounterfactuallyFairRegressor",
    "SensitiveAttributeError",
]
