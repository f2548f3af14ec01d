"""Can data answer? A graph and a question become columns, a formula or a refusal.

`IdentificationError` and its kind `NoAdjustmentSetError` say what stands in the way.
"""

from skcausal.identification._errors import IdentificationError, NoAdjustmentSetError

__all__ = ["IdentificationError", "NoAdjustmentSetError"]
