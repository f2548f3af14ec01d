"""Can data answer? A graph and a question become columns, a formula or a refusal.

`AdjustmentSets` finds the sets of covariates that turn an association into an effect.
`IdentificationError` and its kind `NoAdjustmentSetError` say what stands in the way.
"""

from skcausal.identification._adjustment import AdjustmentSets
from skcausal.identification._errors import IdentificationError, NoAdjustmentSetError

__all__ = ["AdjustmentSets", "IdentificationError", "NoAdjustmentSetError"]
