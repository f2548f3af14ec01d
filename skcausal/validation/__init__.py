"""Could it be wrong? Curves and scores of predicted effects, and their displays."""

from skcausal.estimation._losses import dr_loss, r_loss
from skcausal.utils._splitters import TreatmentStratifiedKFold
from skcausal.validation._average import average_effect
from skcausal.validation._balance import balance_table, effective_sample_size
from skcausal.validation._calibration import calibration_curve, calibration_score
from skcausal.validation._calibration_test import calibration_test
from skcausal.validation._deciles import uplift_by_decile
from skcausal.validation._heterogeneity import blp_test, clan, gates
from skcausal.validation._heterogeneity_analysis import (
    HeterogeneityAnalysis,
    heterogeneity_analysis,
)
from skcausal.validation._overlap import overlap_summary
from skcausal.validation._plots._balance import LovePlotDisplay, PropensityDisplay
from skcausal.validation._plots._bins import CalibrationDisplay, UpliftByDecileDisplay
from skcausal.validation._plots._curves import QiniDisplay, TOCDisplay
from skcausal.validation._plots._heterogeneity import ClanDisplay, GatesDisplay
from skcausal.validation._rate import rate_score, toc_curve
from skcausal.validation._scorers import CausalScorer, get_scorer
from skcausal.validation._selection import compare_learners
from skcausal.validation._uplift import (
    auuc_score,
    qini_curve,
    qini_score,
    uplift_at_k,
)

__all__ = [
    "CalibrationDisplay",
    "CausalScorer",
    "ClanDisplay",
    "GatesDisplay",
    "HeterogeneityAnalysis",
    "LovePlotDisplay",
    "PropensityDisplay",
    "QiniDisplay",
    "TOCDisplay",
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
    "effective_sample_size",
    "gates",
    "get_scorer",
    "heterogeneity_analysis",
    "overlap_summary",
    "qini_curve",
    "qini_score",
    "r_loss",
    "rate_score",
    "toc_curve",
    "uplift_at_k",
    "uplift_by_decile",
]
