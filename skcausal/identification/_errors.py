"""What can be wrong with a question that a graph is asked."""

from skcausal.graphs import GraphError


class IdentificationError(GraphError):
    """A causal question that the graph and its observed nodes cannot answer.

    The message names the nodes and says how to mend the question or the graph.
    """


class NoAdjustmentSetError(IdentificationError):
    """No set of observed covariates turns the association into the effect."""
