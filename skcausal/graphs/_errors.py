"""What can be wrong with a graph."""


class GraphError(ValueError):
    """A graph, or a question about it, that makes no sense.

    The message names the node or edge and says how to mend it.
    """


class CycleError(GraphError):
    """Directed edges that lead back to where they began."""


class UnknownNodeError(GraphError, KeyError):
    """A name that is not a node of the graph."""

    def __str__(self) -> str:
        """Return the message without the quotes of a KeyError."""
        return str(self.args[0])
