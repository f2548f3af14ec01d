"""Is it fair? Predictors under a structural model: audit and repair.

- ``group_metrics``: error rates of a classifier in each group, with intervals;
  ``SmallGroupWarning`` where a group is too small.
"""

from skcausal.fairness._group_metrics import SmallGroupWarning, group_metrics

__all__ = [
    "SmallGroupWarning",
    "group_metrics",
]
