"""Is it fair? Predictors under a structural model: audit and repair.

- ``group_metrics``: error rates of a classifier in each group, with intervals;
  ``SmallGroupWarning`` where a group is too small.
- ``decompose_disparity``, ``decompose_error_rates``, and from a table alone
  ``estimate_disparity``: how much of a gap between groups is direct, indirect and
  spurious, as a ``DisparityDecomposition``, which ``DisparityDisplay`` draws.
- ``PathSpecificFair``: a classifier without the effect along unfair paths.
- ``compare_models``, ``confounder_tipping``: does a conclusion survive other graphs
  (``ModelComparison``), and a confounder that nobody saw (``ConfounderTipping``)?
"""

from skcausal.fairness._disparity import decompose_disparity, decompose_error_rates
from skcausal.fairness._disparity_data import estimate_disparity
from skcausal.fairness._disparity_display import DisparityDisplay
from skcausal.fairness._disparity_result import DisparityDecomposition
from skcausal.fairness._group_metrics import SmallGroupWarning, group_metrics
from skcausal.fairness._model_comparison import ModelComparison, compare_models
from skcausal.fairness._path_fair import PathSpecificFair
from skcausal.fairness._tipping import ConfounderTipping, confounder_tipping

__all__ = [
    "ConfounderTipping",
    "DisparityDecomposition",
    "DisparityDisplay",
    "ModelComparison",
    "PathSpecificFair",
    "SmallGroupWarning",
    "compare_models",
    "confounder_tipping",
    "decompose_disparity",
    "decompose_error_rates",
    "estimate_disparity",
    "group_metrics",
]
