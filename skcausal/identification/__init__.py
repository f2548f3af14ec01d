"""Can data answer? A graph and a question become columns, a formula or a refusal.

`IdentificationError` and its kind `NoAdjustmentSetError` say what stands in the way.
`FrontDoorSets` (`NoFrontDoorSetError`) finds mediators and `InstrumentSets`
(`NoInstrumentError`) instruments for effects that hidden causes confound.
"""

from skcausal.identification._errors import IdentificationError, NoAdjustmentSetError
from skcausal.identification._front_door import FrontDoorSets, NoFrontDoorSetError
from skcausal.identification._instruments import InstrumentSets, NoInstrumentError

__all__ = [
    "FrontDoorSets",
    "IdentificationError",
    "InstrumentSets",
    "NoAdjustmentSetError",
    "NoFrontDoorSetError",
    "NoInstrumentError",
]
