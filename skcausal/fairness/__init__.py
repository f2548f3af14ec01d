"""Is it fair? Predictors under a structural model: audit and repair.

- ``decompose_disparity``, ``decompose_error_rates``, ``estimate_disparity``: how much
  of a gap between groups is direct, indirect and spurious (``DisparityDecomposition``,
  drawn by ``DisparityDisplay``).
- ``PathSpecificFair``: a classifier without the effect along unfair paths.
"""

from skcausal.fairness._disparity import decompose_disparity, decompose_error_rates
from skcausal.fairness._disparity_result import DisparityDecomposition
from skcausal.fairness._path_fair import PathSpecificFair

__all__ = [
    "DisparityDecomposition",
    "PathSpecificFair",
    "decompose_disparity",
    "decompose_error_rates",
]
