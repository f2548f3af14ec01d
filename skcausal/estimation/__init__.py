"""What is the effect? Learners with ``fit`` and ``effect``, and what they are made of.

- ``SLearner``, ``TLearner``, ``XLearner``, ``RLearner``, ``DRLearner``: any regressor
  becomes a learner of conditional effects.
- ``AIPW``: one number, the average effect, with its interval.
- ``CausalForest``, ``MultiArmCausalForest``, ``CausalSurvivalForest``,
  ``InstrumentalForest``, ``RegressionForest``: honest trees on binned data, with
  intervals; ``merge_forests``
  joins what several machines grew.
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
from skcausal.estimation.forests._causal_forest import CausalForest
from skcausal.estimation.forests._instrumental_forest import InstrumentalForest
from skcausal.estimation.forests._merging import merge_forests
from skcausal.estimation.forests._multi_arm_causal_forest import MultiArmCausalForest
from skcausal.estimation.forests._regression_forest import RegressionForest
from skcausal.estimation.forests._survival_forest import CausalSurvivalForest
from skcausal.estimation.metalearners._dr_learner import DRLearner
from skcausal.estimation.metalearners._r_learner import RLearner
from skcausal.estimation.metalearners._s_learner import SLearner
from skcausal.estimation.metalearners._t_learner import TLearner
from skcausal.estimation.metalearners._x_learner import XLearner
from skcausal.estimation.wrappers._bootstrap_effect import BootstrapEffect
from skcausal.estimation.wrappers._conformal_effect import ConformalEffect
from skcausal.estimation.wrappers._effect_stacking import EffectStacking

__all__ = [
    "AIPW",
    "BootstrapEffect",
    "CausalForest",
    "CausalSurvivalForest",
    "ConformalEffect",
    "DRLearner",
    "EffectStacking",
    "InstrumentalForest",
    "KnownPropensity",
    "MultiArmCausalForest",
    "RLearner",
    "RegressionForest",
    "SLearner",
    "TLearner",
    "XLearner",
    "default_classifier",
    "default_effect_model",
    "default_regressor",
    "merge_forests",
]
