"""What can be wrong with a counterfactual: errors and warnings."""


class UnidentifiedCounterfactualError(ValueError):
    """Neither the graph nor the mechanisms say what the answer is.

    Raised where hidden causes tie the noises of nodes, where a node would have to be
    as under both treatments at once (a recanting witness), and where the noise of a
    row cannot be recovered.
    """


class ImpossibleEvidenceError(ValueError):
    """The model gives what was seen a probability of zero."""


class CouplingWarning(UserWarning):
    """The answer rests on how two worlds share noise, which no data can test."""


class EffectiveSampleSizeWarning(UserWarning):
    """Few of the draws count: the answer is less precise than their number says."""
