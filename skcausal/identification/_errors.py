"""What can be wrong with a question that a graph is asked."""

from typing import TYPE_CHECKING

from skcausal.graphs import GraphError

if TYPE_CHECKING:
    from skcausal.identification._id import Hedge


class IdentificationError(GraphError):
    """A causal question that the graph and its observed nodes cannot answer.

    The message names the nodes and says how to mend the question or the graph.
    """


class NoAdjustmentSetError(IdentificationError):
    """No set of observed covariates turns the association into the effect."""


class NotIdentifiedError(IdentificationError):
    """No formula of what is observed gives the effect, whatever the sample size.

    Parameters
    ----------
    message : str
        The reason in words, and the ways out.
    hedge : Hedge, default=None
        The two sets of nodes that hidden causes tie.
    witness : str, default=""
        The reason in words.
    ways_out : tuple of str, default=()
        What would make the effect identified: what to measure, an instrument, an
        experiment.
    """

    def __init__(
        self,
        message: str,
        hedge: "Hedge | None" = None,
        witness: str = "",
        ways_out: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.hedge = hedge
        self.witness = witness
        self.ways_out = ways_out


class MissingColumnError(IdentificationError, KeyError):
    """A table without a column that a formula needs."""

    def __str__(self) -> str:
        """Return the message without the quotes of a KeyError."""
        return str(self.args[0])
