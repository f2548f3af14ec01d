"""Is it fair? Predictors under a structural model: audit and repair.

- ``group_metrics``: error rates of a classifier in each group, with intervals;
  ``SmallGroupWarning`` where a group is too small.
- ``CounterfactualFairnessAuditor``: what a predictor would have said of the same
  people, had they been others; ``FairnessAudit`` is what it found,
  ``FairnessAuditDisplay`` draws it. ``SensitiveAttributeError``: the attribute is no
  node, or has causes.
- ``counterfactual_unfairness_scorer``: the same as ``scoring=`` of a search, a
  ``CounterfactualUnfairnessScorer``.
- ``CounterfactuallyFairClassifier``, ``CounterfactuallyFairRegressor``: predictors
  that would say the same (levels 1 to 3 of Kusner et al. 2017).
- ``decompose_disparity``, ``decompose_error_rates``, and from a table alone
  ``estimate_disparity``: how much of a gap between groups is direct, indirect and
  spurious, as a ``DisparityDecomposition``, which ``DisparityDisplay`` draws.
- ``PathSpecificFair``: a classifier without the effect along unfair paths;
  ``path_effect_bounds``: what shares of few levels say of an effect along paths that no
  formula gives, as ``PathEffectBounds``.
- ``compare_models``, ``confounder_tipping``: does a conclusion survive other graphs
  (``ModelComparison``), and a confounder that nobody saw (``ConfounderTipping``)?
"""

from skcausal.fairness._audit import FairnessAudit
from skcausal.fairness._auditor import CounterfactualFairnessAuditor
from skcausal.fairness._disparity import decompose_disparity, decompose_error_rates
from skcausal.fairness._disparity_data import estimate_disparity
from skcausal.fairness._disparity_display import DisparityDisplay
from skcausal.fairness._disparity_result import DisparityDecomposition
from skcausal.fairness._display import FairnessAuditDisplay
from skcausal.fairness._fair_classifier import CounterfactuallyFairClassifier
from skcausal.fairness._fair_regressor import CounterfactuallyFairRegressor
from skcausal.fairness._group_metrics import SmallGroupWarning, group_metrics
from skcausal.fairness._model_comparison import ModelComparison, compare_models
from skcausal.fairness._path_bounds import PathEffectBounds, path_effect_bounds
from skcausal.fairness._path_fair import PathSpecificFair
from skcausal.fairness._scorer import (
    CounterfactualUnfairnessScorer,
    counterfactual_unfairness_scorer,
)
from skcausal.fairness._tipping import ConfounderTipping, confounder_tipping
from skcausal.fairness._worlds import SensitiveAttributeError

__all__ = [
    "ConfounderTipping",
    "CounterfactualFairnessAuditor",
    "CounterfactualUnfairnessScorer",
    "CounterfactuallyFairClassifier",
    "CounterfactuallyFairRegressor",
    "DisparityDecomposition",
    "DisparityDisplay",
    "FairnessAudit",
    "FairnessAuditDisplay",
    "ModelComparison",
    "PathEffectBounds",
    "PathSpecificFair",
    "SensitiveAttributeError",
    "SmallGroupWarning",
    "compare_models",
    "confounder_tipping",
    "counterfactual_unfairness_scorer",
    "decompose_disparity",
    "decompose_error_rates",
    "estimate_disparity",
    "group_metrics",
    "path_effect_bounds",
]
