"""What we assume, generatively: a graph with a mechanism for each node.

The model, learned by any scikit-learn regressors and classifiers:

- ``AdditiveNoiseModel``: fit, sample, intervene, recover noise, counterfactuals,
  ``evaluate``, which warns (``MisfitWarning``) where a mechanism fits badly.
- ``RecantingWitnessError``: paths that ask one node for two values at once.
- ``AdditiveNoise`` for numbers, ``CategoricalNoise`` for categories,
  ``EmpiricalDistribution`` for nodes without causes; ``Mechanism`` is their base.
- ``GeneralizedLinear`` for Gaussian, lognormal, Poisson and Bernoulli nodes,
  ``GumbelMax`` for categories with a noise per category, ``SplineFlow`` for any
  continuous shape; ``choose_mechanism`` compares them on rows they did not see.

What drove this? Each function divides one number among nodes or arrows:

=========================  ==========================================================
function                   what it divides, and the paper
=========================  ==========================================================
``intrinsic_influence``    the uncertainty of a node (Janzing et al. 2024)
``arrow_strength``         what is lost without an arrow (Janzing et al. 2013)
``anomaly_attribution``    how extreme a row is (Budhathoki et al. 2022)
``unit_change``            the change from one row to another (Budhathoki et al. 2022)
``distribution_change``    the change between two samples (Budhathoki et al. 2021)
``mean_change``            the change of a mean, multiply robust, with intervals
                           (Quintas-Martínez et al. 2024)
``mechanism_change_test``  did a mechanism change? A p-value per node
=========================  ==========================================================

``mean_change`` returns an ``EffectEstimate``. The others that divide return an
``Attribution``, or a ``RowAttribution`` with a part per row, which
``AttributionDisplay`` draws.
"""

from skcausal.structural._additive import AdditiveNoise
from skcausal.structural._anomaly import anomaly_attribution, unit_change
from skcausal.structural._arrows import arrow_strength
from skcausal.structural._categorical import CategoricalNoise
from skcausal.structural._change import distribution_change
from skcausal.structural._change_test import mechanism_change_test
from skcausal.structural._display import AttributionDisplay
from skcausal.structural._evaluation import MisfitWarning
from skcausal.structural._flow import SplineFlow
from skcausal.structural._generalized_linear import GeneralizedLinear
from skcausal.structural._gumbel import GumbelMax
from skcausal.structural._intrinsic import intrinsic_influence
from skcausal.structural._mean_change import mean_change
from skcausal.structural._mechanism import EmpiricalDistribution, Mechanism
from skcausal.structural._mechanism_choice import choose_mechanism
from skcausal.structural._model import AdditiveNoiseModel
from skcausal.structural._paths import RecantingWitnessError
from skcausal.structural._result import Attribution, RowAttribution

__all__ = [
    "AdditiveNoise",
    "AdditiveNoiseModel",
    "Attribution",
    "AttributionDisplay",
    "CategoricalNoise",
    "EmpiricalDistribution",
    "GeneralizedLinear",
    "GumbelMax",
    "Mechanism",
    "MisfitWarning",
    "RecantingWitnessError",
    "RowAttribution",
    "SplineFlow",
    "anomaly_attribution",
    "arrow_strength",
    "choose_mechanism",
    "distribution_change",
    "intrinsic_influence",
    "mean_change",
    "mechanism_change_test",
    "unit_change",
]
