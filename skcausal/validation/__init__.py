"""Could it be wrong? Curves and scores of predicted effects, and their displays.

- ``e_value``, ``PartialR2Sensitivity``, ``RieszSensitivity``, ``MarginalSensitivity``,
  ``RosenbaumBounds``, ``ManskiBounds``: what an unobserved confounder could do to an
  average effect; ``BLearner``: to the effect of each row.
- ``falsify_graph``: does the graph fit the data?
- ``refute``: attacks an estimate by refits on changed tables, one class per change.
"""

from skcausal.estimation._losses import dr_loss, r_loss
from skcausal.utils._splitters import TreatmentStratifiedKFold
from skcausal.validation._average import average_effect
from skcausal.validation._b_learner import BLearner
from skcausal.validation._balance import balance_table, effective_sample_size
from skcausal.validation._calibration import calibration_curve, calibration_score
from skcausal.validation._calibration_test import calibration_test
from skcausal.validation._deciles import uplift_by_decile
from skcausal.validation._e_value import EValue, e_value
from skcausal.validation._falsifying._falsify import falsify_graph
from skcausal.validation._falsifying._result import GraphFalsification
from skcausal.validation._heterogeneity import blp_test, clan, gates
from skcausal.validation._heterogeneity_analysis import (
    HeterogeneityAnalysis,
    heterogeneity_analysis,
)
from skcausal.validation._manski import ManskiBounds
from skcausal.validation._marginal import MarginalSensitivity
from skcausal.validation._overlap import overlap_summary
from skcausal.validation._partial_r2 import PartialR2Sensitivity
from skcausal.validation._plots._balance import LovePlotDisplay, PropensityDisplay
from skcausal.validation._plots._bins import CalibrationDisplay, UpliftByDecileDisplay
from skcausal.validation._plots._contour import SensitivityContourDisplay
from skcausal.validation._plots._curves import QiniDisplay, TOCDisplay
from skcausal.validation._plots._falsification import FalsificationDisplay
from skcausal.validation._plots._heterogeneity import ClanDisplay, GatesDisplay
from skcausal.validation._plots._refutation import RefutationDisplay
from skcausal.validation._plots._tipping import TippingPointDisplay
from skcausal.validation._rate import rate_score, toc_curve
from skcausal.validation._refuting._base import Refuter
from skcausal.validation._refuting._confounders import SimulatedConfounder
from skcausal.validation._refuting._data import RefutationData
from skcausal.validation._refuting._left_out import LeaveOneConfounderOut
from skcausal.validation._refuting._null import (
    DummyOutcome,
    NegativeControlOutcome,
    NegativeControlTreatment,
    PlaceboTreatment,
)
from skcausal.validation._refuting._refute import refute
from skcausal.validation._refuting._result import Refutation
from skcausal.validation._refuting._stability import (
    BootstrapSample,
    DataSubset,
    RandomCommonCause,
)
from skcausal.validation._riesz import RieszSensitivity
from skcausal.validation._rosenbaum import RosenbaumBounds
from skcausal.validation._scorers import CausalScorer, get_scorer
from skcausal.validation._selection import compare_learners
from skcausal.validation._uplift import auuc_score, qini_curve, qini_score, uplift_at_k

__all__ = [
    "BLearner",
    "BootstrapSample",
    "CalibrationDisplay",
    "CausalScorer",
    "ClanDisplay",
    "DataSubset",
    "DummyOutcome",
    "EValue",
    "FalsificationDisplay",
    "GatesDisplay",
    "GraphFalsification",
    "HeterogeneityAnalysis",
    "LeaveOneConfounderOut",
    "LovePlotDisplay",
    "ManskiBounds",
    "MarginalSensitivity",
    "NegativeControlOutcome",
    "NegativeControlTreatment",
    "PartialR2Sensitivity",
    "PlaceboTreatment",
    "PropensityDisplay",
    "QiniDisplay",
    "RandomCommonCause",
    "Refutation",
    "RefutationData",
    "RefutationDisplay",
    "Refuter",
    "RieszSensitivity",
    "RosenbaumBounds",
    "SensitivityContourDisplay",
    "SimulatedConfounder",
    "TOCDisplay",
    "TippingPointDisplay",
    "TreatmentStratifiedKFold",
    "UpliftByDecileDisplay",
    "auuc_score",
    "average_effect",
    "balance_table",
    "blp_test",
    "calibration_curve",
    "calibration_score",
    "calibration_test",
    "clan",
    "compare_learners",
    "dr_loss",
    "e_value",
    "effective_sample_size",
    "falsify_graph",
    "gates",
    "get_scorer",
    "heterogeneity_analysis",
    "overlap_summary",
    "qini_curve",
    "qini_score",
    "r_loss",
    "rate_score",
    "refute",
    "toc_curve",
    "uplift_at_k",
    "uplift_by_decile",
]
