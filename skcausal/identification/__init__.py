"""Can data answer? A graph and a question become columns, a formula or a refusal.

`AdjustmentSets` finds the sets of covariates that turn an association into an effect.
`AdjustmentSelector` keeps the columns of such a set, as a step of a Pipeline.
`IdentificationError` and its kind `NoAdjustmentSetError` say what stands in the way.
"""

from skcausal.identification._adjustment import AdjustmentSets
from skcausal.identification._errors import IdentificationError, NoAdjustmentSetError
from skcausal.identification._selector import AdjustmentSelector

__all__ = [
    "AdjustmentSelector",
    "AdjustmentSets",
    "IdentificationError",
    "NoAdjustmentSetError",
]
