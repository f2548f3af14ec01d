"""Warnings of the deconfounder, one class for each reason to doubt it."""


class DeconfounderWarning(UserWarning):
    """A reason to doubt effects that rest on a substitute confounder."""


class SubstituteOverlapWarning(DeconfounderWarning):
    """The substitute confounder determines a cause, so nothing is left to compare."""


class CollinearCausesWarning(DeconfounderWarning):
    """Causes, or causes and the substitute confounder, cannot be told apart."""


class UnchangedEffectsWarning(DeconfounderWarning):
    """The deconfounder changed nothing beyond a regression on all causes."""


class SingleCauseConfounderWarning(DeconfounderWarning):
    """A covariate goes with one cause only: such confounders leave no trace."""


class CoverageWarning(DeconfounderWarning):
    """A standard error or interval that takes the substitute confounder as known."""


class UnstableEffectsWarning(DeconfounderWarning):
    """Effects change sign with the seed, the factors or the factor model."""


class IgnoranceWarning(DeconfounderWarning):
    """Data leave effects open by more than their size."""


class SuspectOutcomeWarning(DeconfounderWarning):
    """Outcomes so small that they are hardly outcomes."""
