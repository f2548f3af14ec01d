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


class ParseError(GraphError):
    """A text that does not say a graph.

    Parameters
    ----------
    problem : str
        What was expected and what was found, and the way out.
    line, column : int, default=None
        Where, counted from one; None if the whole text is meant.
    owner : str, default="parse_graph"
        Who read the text.
    """

    def __init__(
        self,
        problem: str,
        line: int | None = None,
        column: int | None = None,
        owner: str = "parse_graph",
    ) -> None:
        self.problem, self.line, self.column, self.owner = problem, line, column, owner
        where = "" if line is None else f" line {line}, column {column}:"
        super().__init__(f"{owner}:{where} {problem}")

    def __reduce__(self) -> tuple[type, tuple[str, int | None, int | None, str]]:
        """Return how to make the error again, in another process."""
        return type(self), (self.problem, self.line, self.column, self.owner)
