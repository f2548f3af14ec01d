"""How sure? Estimates that carry their influence, and resampling of statistics.

- ``EffectEstimate``: values with influence; standard errors, intervals, clusters,
  sums and differences follow.
- ``EffectBounds``: lower and upper bound of an effect that is not pinned down.
- ``best_linear_projection``: how effects vary with a few features.
- ``BootstrapEstimate``: a statistic with its resampled replicates.
"""

from skcausal.inference._bootstrap import BootstrapEstimate, half_sample_replicates
from skcausal.inference._bounds import EffectBounds
from skcausal.inference._effect_estimate import EffectEstimate
from skcausal.inference._projection import best_linear_projection

__all__ = [
    "BootstrapEstimate",
    "EffectBounds",
    "EffectEstimate",
    "best_linear_projection",
    "half_sample_replicates",
]
