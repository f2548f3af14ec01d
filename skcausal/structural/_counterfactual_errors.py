"""What can be wrong with a counterfactual: errors and warnings."""

from typing import Any


class UnidentifiedCounterfactualError(ValueError):
    """Neither the graph nor the mechanisms say what the answer is.

    Raised where hidden causes tie the noises of nodes and where the noise of a row
    cannot be recovered; as `RecantingWitnessError` where a node would have to be as
    under both treatments at once.
    """


class RecantingWitnessError(UnidentifiedCounterfactualError):
    """Paths that ask one node to pass on two values of itself at once.

    Parameters
    ----------
    message : str
        The node in words, and the way out.
    node : node, default=None
        The recanting witness.
    """

    def __init__(self, message: str, node: Any = None) -> None:
        super().__init__(message)
        self.node = node


class ImpossibleEvidenceError(ValueError):
    """The model gives what was seen a probability of zero."""


class CouplingWarning(UserWarning):
    """The answer rests on how two worlds share noise, which no data can test."""


class EffectiveSampleSizeWarning(UserWarning):
    """Few of the draws count: the answer is less precise than their number says."""
