"""The derivation of a formula, in words."""

from collections.abc import Collection
from dataclasses import dataclass

from skcausal.identification._variables import Node

Names = tuple[Node, ...]

_REASONS = {
    "line 1": "nothing is set, so it is a marginal",
    "line 2": "{names[0]} cannot influence {outcome}; leave out",
    "line 3": "setting {names[0]} too changes nothing",
    "line 4": "a product over the districts {all}",
    "line 5": "hidden causes tie {names[0]}, and without the treatment {names[1]}: "
    "a hedge",
    "line 6": "{sets[0]} is a district, so it is a product of conditionals",
    "line 7": "{sets[0]} is part of the district {sets[1]}; go on within that",
    "experiment": "the factor is taken where {names[0]} was set",
    "population": "the factor is taken from {where}, which does not differ in it",
    "rule 2": "to see {names[0]} is as good as to set it",
    "adjustment": "{sets[0]} blocks each path that is not causal, and the treatment "
    "causes none of it along the way to the outcome",
    "front-door": "all causal paths pass {sets[0]}, which shares no hidden cause with "
    "the treatment, nor with the outcome once the treatment is held",
    "instrument": "given {sets[1]}, {names[0]} moves the outcome through the treatment "
    "only",
}
_REASONS_WITHOUT_COVARIATES = {
    "adjustment": "every path that is open is causal, so nothing is adjusted for",
    "instrument": "{names[0]} moves the outcome through the treatment only",
}


def names(nodes: Collection[Node]) -> str:
    """Return nodes as they are written in a sentence."""
    listed = [str(node) for node in nodes]
    if len(listed) < 2:
        return "".join(listed)
    return f"{', '.join(listed[:-1])} and {listed[-1]}"


def braces(nodes: Collection[Node]) -> str:
    """Return nodes as a set."""
    return f"{{{', '.join(map(str, nodes))}}}"


def question(outcome: Names, treatment: Names, given: Names = ()) -> str:
    """Return what is asked for."""
    right = [f"do({', '.join(map(str, treatment))})"] if treatment else []
    right += [str(node) for node in given]
    bar = " | " if right else ""
    return f"P({', '.join(map(str, outcome))}{bar}{', '.join(right)})"


@dataclass(frozen=True)
class Step:
    """One step of a derivation.

    Parameters
    ----------
    rule : str
        ``"line 1"`` to ``"line 7"`` of the algorithm ID, ``"rule 2"`` of do-calculus
        where a condition becomes an intervention, ``"experiment"`` where one is used,
        ``"population"`` where another population is, or the criterion that was met.
    outcome, treatment : tuple of node
        The question at this step.
    sets : tuple of tuple of node
        What the step found: what is left out (line 2), set as well (3), the districts
        (4), the hedge (5), the district (6), it and the larger one around it (7), what
        was set (experiment).
    part : tuple of node, default=()
        The part of the graph that the question is about, after line 7.
    depth : int, default=0
        How many times line 4 has split the question.
    population : str, default=""
        Where a factor is taken from, if from another population.

    Examples
    --------
    >>> from skcausal.graphs import example_graph
    >>> from skcausal.identification import identify
    >>> estimand = identify(example_graph("napkin").graph, "X", "Y")
    >>> [step.rule for step in estimand.steps]
    ['line 3', 'line 7', 'line 2', 'line 6']
    >>> print(estimand.steps[0])
    P(Y | do(X)): setting Z2 and Z1 too changes nothing (line 3).
    """

    rule: str
    outcome: Names
    treatment: Names
    sets: tuple[Names, ...] = ()
    part: Names = ()
    depth: int = 0
    population: str = ""

    def __str__(self) -> str:
        """Return the step as a sentence."""
        within = f" within {braces(self.part)}" if self.part else ""
        sets = [braces(part) for part in self.sets]
        bare = bool(self.sets) and not self.sets[-1]
        reasons = _REASONS | (_REASONS_WITHOUT_COVARIATES if bare else {})
        reason = reasons[self.rule].format(
            names=[names(part) for part in self.sets],
            outcome=names(self.outcome),
            sets=sets,
            all=", ".join(sets),
            where=self.population,
        )
        asked = question(self.outcome, self.treatment)
        return f"{'  ' * self.depth}{asked}{within}: {reason} ({self.rule})."
