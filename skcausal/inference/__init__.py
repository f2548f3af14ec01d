"""How sure? Estimates that carry their influence, and resampling of statistics.

- ``EffectEstimate``: values with influence; standard errors, intervals, clusters,
  sums and differences follow.
- ``best_linear_projection``: how effects vary with a few features.
- ``best_linear_predictor``, ``group_effects``: whether predicted effects hold true.
- ``BootstrapEstimate``: a statistic with its resampled replicates.
- ``ratio_of_estimates``, ``ratio_confidence_set``: ratios of two estimates, also
  where the lower one may be zero, as a ``ConfidenceSet``.
"""

from skcausal.inference._bootstrap import BootstrapEstimate, half_sample_replicates
from skcausal.inference._effect_estimate import EffectEstimate
from skcausal.inference._heterogeneity import best_linear_predictor, group_effects
from skcausal.inference._projection import best_linear_projection
from skcausal.inference._ratio import (
    ConfidenceSet,
    ratio_confidence_set,
    ratio_of_estimates,
)

__all__ = [
    "BootstrapEstimate",
    "ConfidenceSet",
    "EffectEstimate",
    "best_linear_predictor",
    "best_linear_projection",
    "group_effects",
    "half_sample_replicates",
    "ratio_confidence_set",
    "ratio_of_estimates",
]
