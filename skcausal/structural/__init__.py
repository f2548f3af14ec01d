"""What we assume, generatively: a graph with a mechanism for each node.

The model, learned by any scikit-learn regressors and classifiers:

- ``AdditiveNoiseModel``: fit, sample, intervene, recover noise, counterfactuals,
  ``evaluate``, which warns (``MisfitWarning``) where a mechanism fits badly.
- ``AdditiveNoise`` for numbers, ``CategoricalNoise`` for categories,
  ``EmpiricalDistribution`` for nodes without causes; ``Mechanism`` is their base.
- ``GeneralizedLinear`` for Gaussian, lognormal, Poisson and Bernoulli nodes,
  ``GumbelMax`` for categories with a noise per category, ``SplineFlow`` for any
  continuous shape; ``choose_mechanism`` compares them on rows they did not see.
- ``LatentVariableModel``: one number that nobody saw stands behind several nodes.

``StructuralModel`` answers everything else with the same mechanisms: ``do`` and
``condition`` return models, ``abduct`` an ``Abduction`` (noise of rows, some of whose
nodes may be unknown); ``ConditionedModel`` samples given evidence. A
``CouplingWarning`` says where an answer rests on an untestable choice, an
``EffectiveSampleSizeWarning`` where few draws count, an
``UnidentifiedCounterfactualError`` where there is no answer, an
``ImpossibleEvidenceError`` where the model excludes what was seen, a
``RecantingWitnessError`` where paths ask one node for two values at once.

``ProgramModel`` asks the same questions of a program written in Pyro, and finds latent
nodes by importance sampling, SVI or NUTS (``ProgramAbduction``); ``program_of`` writes
a fitted model as such a program. Both need ``pip install "skcausal[deep]"``.

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

from skcausal.structural._abduction import Abduction
from skcausal.structural._additive import AdditiveNoise
from skcausal.structural._anomaly import anomaly_attribution, unit_change
from skcausal.structural._arrows import arrow_strength
from skcausal.structural._categorical import CategoricalNoise
from skcausal.structural._change import distribution_change
from skcausal.structural._change_test import mechanism_change_test
from skcausal.structural._conditioning import ConditionedModel
from skcausal.structural._counterfactual_errors import (
    CouplingWarning,
    EffectiveSampleSizeWarning,
    ImpossibleEvidenceError,
    RecantingWitnessError,
    UnidentifiedCounterfactualError,
)
from skcausal.structural._display import AttributionDisplay
from skcausal.structural._evaluation import MisfitWarning
from skcausal.structural._flow import SplineFlow
from skcausal.structural._generalized_linear import GeneralizedLinear
from skcausal.structural._gumbel import GumbelMax
from skcausal.structural._intrinsic import intrinsic_influence
from skcausal.structural._latent_model import LatentVariableModel
from skcausal.structural._mean_change import mean_change
from skcausal.structural._mechanism import EmpiricalDistribution, Mechanism
from skcausal.structural._mechanism_choice import choose_mechanism
from skcausal.structural._model import AdditiveNoiseModel
from skcausal.structural._pyro_from_model import program_of
from skcausal.structural._pyro_program import ProgramModel
from skcausal.structural._pyro_result import ProgramAbduction
from skcausal.structural._result import Attribution, RowAttribution
from skcausal.structural._structural_model import StructuralModel

__all__ = [
    "Abduction",
    "AdditiveNoise",
    "AdditiveNoiseModel",
    "Attribution",
    "AttributionDisplay",
    "CategoricalNoise",
    "ConditionedModel",
    "CouplingWarning",
    "EffectiveSampleSizeWarning",
    "EmpiricalDistribution",
    "GeneralizedLinear",
    "GumbelMax",
    "ImpossibleEvidenceError",
    "LatentVariableModel",
    "Mechanism",
    "MisfitWarning",
    "ProgramAbduction",
    "ProgramModel",
    "RecantingWitnessError",
    "RowAttribution",
    "SplineFlow",
    "StructuralModel",
    "UnidentifiedCounterfactualError",
    "anomaly_attribution",
    "arrow_strength",
    "choose_mechanism",
    "distribution_change",
    "intrinsic_influence",
    "mean_change",
    "mechanism_change_test",
    "program_of",
    "unit_change",
]
