"""How sure? Estimates that carry their influence, resampling, randomisation.

- ``EffectEstimate``: values with influence; standard errors, intervals and bands,
  clusters, adjusted p-values, sums and differences follow. ``join_estimates`` puts
  several side by side.
- ``EffectBounds``: lower and upper bound of an effect that is not pinned down.
- ``best_linear_projection``: how effects vary with a few features.
- ``best_linear_predictor``, ``group_effects``: whether predicted effects hold true.
- ``ratio_of_estimates``, ``ratio_confidence_set``: ratios of two estimates, also
  where the lower one may be zero, as a ``ConfidenceSet``.
- ``multiplier_draws``: errors of estimates, drawn from their influence.
- ``BootstrapEstimate``: a statistic with its resampled replicates.
- ``randomisation_test``: what the assignment of an experiment alone implies.
- ``partial_correlation_test``, ``kernel_independence_test``,
  ``residual_covariance_test``: is x independent of y given z? An ``IndependenceTest``.
- ``conformal_quantile``: how far off a new row may be, from rows held out.
"""

from skcausal.inference._bootstrap import BootstrapEstimate, half_sample_replicates
from skcausal.inference._bounds import EffectBounds
from skcausal.inference._conformal import conformal_quantile
from skcausal.inference._effect_estimate import EffectEstimate
from skcausal.inference._heterogeneity import best_linear_predictor, group_effects
from skcausal.inference._independence import IndependenceTest
from skcausal.inference._joining import join_estimates
from skcausal.inference._kernel_independence import kernel_independence_test
from skcausal.inference._multiplier import multiplier_draws
from skcausal.inference._partial_correlation import partial_correlation_test
from skcausal.inference._projection import best_linear_projection
from skcausal.inference._randomisation import RandomisationResult, randomisation_test
from skcausal.inference._ratio import (
    ConfidenceSet,
    ratio_confidence_set,
    ratio_of_estimates,
)
from skcausal.inference._residual_covariance import residual_covariance_test

__all__ = [
    "BootstrapEstimate",
    "ConfidenceSet",
    "EffectBounds",
    "EffectEstimate",
    "IndependenceTest",
    "RandomisationResult",
    "best_linear_predictor",
    "best_linear_projection",
    "conformal_quantile",
    "group_effects",
    "half_sample_replicates",
    "join_estimates",
    "kernel_independence_test",
    "multiplier_draws",
    "partial_correlation_test",
    "randomisation_test",
    "ratio_confidence_set",
    "ratio_of_estimates",
    "residual_covariance_test",
]
