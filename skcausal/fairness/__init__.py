"""Is it fair? Predictors under a structural model: audit and repair.

- ``CounterfactuallyFairClassifier`` and ``CounterfactuallyFairRegressor`` use only what
  does not follow from sensitive attributes.
- ``group_metrics``: error rates of a classifier in each group, with intervals;
  ``SmallGroupWarning`` where a group is too small.
- ``CounterfactualFairnessAuditor``: what a predictor would have said of the same
  people, had they been others; ``FairnessAudit`` is what it found,
  ``FairnessAuditDisplay`` draws it. ``SensitiveAttributeError``: the attribute is no
  node, or has causes.
- ``counterfactual_unfairness_scorer``: the same as ``scoring=`` of a search, a
  ``CounterfactualUnfairnessScorer``.
"""

from skcausal.fairness._audit import FairnessAudit
from skcausal.fairness._auditor import CounterfactualFairnessAuditor
from skcausal.fairness._display import FairnessAuditDisplay
from skcausal.fairness._fair_classifier import CounterfactuallyFairClassifier
from skcausal.fairness._fair_regressor import CounterfactuallyFairRegressor
from skcausal.fairness._group_metrics import SmallGroupWarning, group_metrics
from skcausal.fairness._scorer import (
    CounterfactualUnfairnessScorer,
    counterfactual_unfairness_scorer,
)
from skcausal.fairness._worlds import SensitiveAttributeError

__all__ = [
    "CounterfactualFairnessAuditor",
    "CounterfactualUnfairnessScorer",
    "CounterfactuallyFairClassifier",
    "CounterfactuallyFairRegressor",
    "FairnessAudit",
    "FairnessAuditDisplay",
    "SensitiveAttributeError",
    "SmallGroupWarning",
    "counterfactual_unfairness_scorer",
    "group_metrics",
]
