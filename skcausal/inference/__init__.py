"""How sure? Estimates that carry their influence, and resampling of statistics.

- ``EffectEstimate``: values with influence; standard errors, intervals, clusters,
  sums and differences follow.
- ``BootstrapEstimate``: a statistic with its resampled replicates.
"""

from skcausal.inference._bootstrap import BootstrapEstimate, half_sample_replicates
from skcausal.inference._effect_estimate import EffectEstimate

__all__ = ["BootstrapEstimate", "EffectEstimate", "half_sample_replicates"]
