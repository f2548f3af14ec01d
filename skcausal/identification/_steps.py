"""The derivation of a formula, in words."""

from collections.abc import Collection
from dataclasses import dataclass

from skcausal.identification._variables import Node

Names = tuple[Node, ...]


def names(nodes: Collection[Node]) -> str:
    """Return nodes as they are written in a sentence."""
    listed = [str(node) for node in nodes]
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} and {listed[-1]}"


def braces(nodes: Collection[Node]) -> str:
    """Return nodes as a set."""
    return f"{{{', '.join(map(str, nodes))}}}"


@dataclass(frozen=True)
class Step:
    """One step of a derivation.

    Parameters
    ----------
    line : int
        The line of the algorithm ID, 1 to 7; 0 for a condition that becomes an
        intervention (IDC).
    outcome, treatment : tuple of node
        The question at this step.
    sets : tuple of tuple of node
        What the step found: what is left out (2), set as well (3), the districts (4),
        the hedge (5), the district (6), the district and the one around it (7).
    depth : int
        How many times line 4 has split the question.

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import identify
    >>> graph = CausalGraph([("x", "y"), ("y", "z")])
    >>> estimand = identify(graph, "x", "y")
    >>> [step.line for step in estimand.steps]
    [0]
    """

    line: int
    outcome: Names
    treatment: Names
    sets: tuple[Names, ...] = ()
    depth: int = 0

    @property
    def question(self) -> str:
        """The probability asked for at this step."""
        given = f" | do({', '.join(map(str, self.treatment))})" if self.treatment else ""
        return f"P({', '.join(map(str, self.outcome))}{given})"

    def __str__(self) -> str:
        """Return the step as a sentence."""
        return f"{'  ' * self.depth}{self.question}: {self._reason()}"

    def _reason(self) -> str:
        found = [names(part) for part in self.sets]
        sets = [braces(part) for part in self.sets]
        return {
            0: "given {0[0]}, which may as well be set (rule 2).",
            1: "nothing is set, so it is a marginal (line 1).",
            2: "{0[0]} cannot influence {1}; leave out (line 2).",
            3: "setting {0[0]} too changes nothing (line 3).",
            4: "a product over the districts {2} (line 4).",
            5: "hidden causes tie {0[0]}, and without the treatment {0[1]}: a hedge "
            "(line 5).",
            6: "{3} is a district, so it is a product of conditionals (line 6).",
            7: "{3} is part of the district {4}; go on within that (line 7).",
        }[self.line].format(
            found,
            names(self.outcome),
            ", ".join(sets),
            *(sets + ["", ""])[:2],
        )
