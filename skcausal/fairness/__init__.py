"""Is it fair? Predictors under a structural model: audit and repair.

- ``decompose_disparity``, ``decompose_error_rates``, ``estimate_disparity``: how much
  of a gap between groups is direct, indirect and spurious (``DisparityDecomposition``,
  drawn by ``DisparityDisplay``).
"""

from skcausal.fairness._disparity import decompose_disparity, decompose_error_rates
from skcausal.fairness._disparity_result import DisparityDecomposition

__all__ = [
    "DisparityDecomposition",
    "decompose_disparity",
    "decompose_error_rates",
]
