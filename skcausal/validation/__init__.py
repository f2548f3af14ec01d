"""Could it be wrong? Curves and scores of predicted effects, and their displays.

- ``refute``: attacks an estimate by refits on changed tables, one class per change.
"""

from skcausal.estimation._losses import dr_loss, r_loss
from skcausal.utils._splitters import TreatmentStratifiedKFold
from skcausal.validation._average import average_effect
from skcausal.validation._calibration import calibration_curve, calibration_score
from skcausal.validation._deciles import uplift_by_decile
from skcausal.validation._plots._bins import CalibrationDisplay, UpliftByDecileDisplay
from skcausal.validation._plots._curves import QiniDisplay, TOCDisplay
from skcausal.validation._plots._refutation import RefutationDisplay
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
from skcausal.validation._scorers import CausalScorer, get_scorer
from skcausal.validation._selection import compare_learners
from skcausal.validation._uplift import (
    auuc_score,
    qini_curve,
    qini_score,
    uplift_at_k,
)

__all__ = [
    "BootstrapSample",
    "CalibrationDisplay",
    "CausalScorer",
    "DataSubset",
    "DummyOutcome",
    "LeaveOneConfounderOut",
    "NegativeControlOutcome",
    "NegativeControlTreatment",
    "PlaceboTreatment",
    "QiniDisplay",
    "RandomCommonCause",
    "Refutation",
    "RefutationData",
    "RefutationDisplay",
    "Refuter",
    "SimulatedConfounder",
    "TOCDisplay",
    "TreatmentStratifiedKFold",
    "UpliftByDecileDisplay",
    "auuc_score",
    "average_effect",
    "calibration_curve",
    "calibration_score",
    "compare_learners",
    "dr_loss",
    "get_scorer",
    "qini_curve",
    "qini_score",
    "r_loss",
    "rate_score",
    "refute",
    "toc_curve",
    "uplift_at_k",
    "uplift_by_decile",
]
