"""What is the effect? Learners with ``fit`` and ``effect``, and what they are made of.

- ``SLearner``, ``TLearner``, ``XLearner``, ``RLearner``, ``DRLearner``: any regressor
  becomes a learner of conditional effects.
- ``AIPW``, ``TMLE``, ``RegressionAdjustment``, ``PropensityWeighting``: one number, the
  average effect, with its interval; ``QuantileEffect``: the effect on quantiles.
- ``NearestNeighbourMatching``, ``CoarsenedExactMatching``: averages from rows that look
  alike; ``NoMatchError`` where nothing does.
- ``PartiallyLinear``: one number, of a continuous or binary treatment.
- ``estimate``: from an estimand that a graph gave, and a table, to its effect;
  ``estimate_mediation``: what goes through mediators and past them.
- ``FrontDoorEffect``: one number, through measured mediators.
- ``PartiallyLinearIV``, ``InteractiveIV``: one number, from an instrument.
- ``CausalForest``, ``MultiArmCausalForest``, ``CausalSurvivalForest``,
  ``InstrumentalForest``, ``RegressionForest``: honest trees on binned data, with
  intervals; ``merge_forests``
  joins what several machines grew.
- ``EntropyBalancing``, ``StableBalancingWeights``, ``InverseProbabilityWeights``,
  ``OverlapWeights``, ``CovariateBalancingPropensity``, ``CrumpTrimming``: weights that
  make arms alike, for any model; ``BalancedEffect`` compares the weighted arms.
- ``InfeasibleBalanceError``: no weights make the arms alike.
- ``BootstrapEffect``, ``EffectStacking``: any learner made more.
- ``BootstrapEffect``, ``ConformalEffect``, ``EffectStacking``: any learner made more.
- ``KnownPropensity``: the assignment probabilities of a randomised design.
- ``default_regressor``, ``default_classifier``, ``default_effect_model``: what a base
  model of None stands for.
"""

from skcausal.estimation._defaults import (
    default_classifier,
    default_effect_model,
    default_regressor,
)
from skcausal.estimation._known_propensity import KnownPropensity
from skcausal.estimation.average_effects._aipw import AIPW
from skcausal.estimation.average_effects._interactive_iv import InteractiveIV
from skcausal.estimation.average_effects._partially_linear import PartiallyLinear
from skcausal.estimation.average_effects._partially_linear_iv import PartiallyLinearIV
from skcausal.estimation.average_effects._propensity_weighting import (
    PropensityWeighting,
)
from skcausal.estimation.average_effects._quantile_effect import QuantileEffect
from skcausal.estimation.average_effects._regression_adjustment import (
    RegressionAdjustment,
)
from skcausal.estimation.average_effects._tmle import TMLE
from skcausal.estimation.forests._causal_forest import CausalForest
from skcausal.estimation.forests._instrumental_forest import InstrumentalForest
from skcausal.estimation.forests._merging import merge_forests
from skcausal.estimation.forests._multi_arm_causal_forest import MultiArmCausalForest
from skcausal.estimation.forests._regression_forest import RegressionForest
from skcausal.estimation.forests._survival_forest import CausalSurvivalForest
from skcausal.estimation.functionals._estimate import estimate
from skcausal.estimation.functionals._front_door import FrontDoorEffect
from skcausal.estimation.functionals._mediation import estimate_mediation
from skcausal.estimation.matching._coarsened_exact import CoarsenedExactMatching
from skcausal.estimation.matching._matching_learner import NoMatchError
from skcausal.estimation.matching._nearest_neighbour import NearestNeighbourMatching
from skcausal.estimation.metalearners._dr_learner import DRLearner
from skcausal.estimation.metalearners._r_learner import RLearner
from skcausal.estimation.metalearners._s_learner import SLearner
from skcausal.estimation.metalearners._t_learner import TLearner
from skcausal.estimation.metalearners._x_learner import XLearner
from skcausal.estimation.weighting._balanced_effect import BalancedEffect
from skcausal.estimation.weighting._covariate_balancing import (
    CovariateBalancingPropensity,
)
from skcausal.estimation.weighting._entropy_balancing import EntropyBalancing
from skcausal.estimation.weighting._errors import InfeasibleBalanceError
from skcausal.estimation.weighting._propensity_weights import (
    InverseProbabilityWeights,
    OverlapWeights,
)
from skcausal.estimation.weighting._stable_balancing import StableBalancingWeights
from skcausal.estimation.weighting._trimming import CrumpTrimming
from skcausal.estimation.wrappers._bootstrap_effect import BootstrapEffect
from skcausal.estimation.wrappers._conformal_effect import ConformalEffect
from skcausal.estimation.wrappers._effect_stacking import EffectStacking

__all__ = [
    "AIPW",
    "TMLE",
    "BalancedEffect",
    "BootstrapEffect",
    "CausalForest",
    "CausalSurvivalForest",
    "CoarsenedExactMatching",
    "ConformalEffect",
    "CovariateBalancingPropensity",
    "CrumpTrimming",
    "DRLearner",
    "EffectStacking",
    "EntropyBalancing",
    "FrontDoorEffect",
    "InfeasibleBalanceError",
    "InstrumentalForest",
    "InteractiveIV",
    "InverseProbabilityWeights",
    "KnownPropensity",
    "MultiArmCausalForest",
    "NearestNeighbourMatching",
    "NoMatchError",
    "OverlapWeights",
    "PartiallyLinear",
    "PartiallyLinearIV",
    "PropensityWeighting",
    "QuantileEffect",
    "RLearner",
    "RegressionAdjustment",
    "RegressionForest",
    "SLearner",
    "StableBalancingWeights",
    "TLearner",
    "XLearner",
    "default_classifier",
    "default_effect_model",
    "default_regressor",
    "estimate",
    "estimate_mediation",
    "merge_forests",
]
