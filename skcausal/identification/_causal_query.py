"""The question that `identify` is asked, checked."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from skcausal.graphs import CausalGraph
from skcausal.identification._errors import IdentificationError
from skcausal.identification._id import Verdict, run_id, run_idc
from skcausal.identification._population import Population
from skcausal.identification._question import check_arrows, check_question
from skcausal.identification._steps import names, question
from skcausal.identification._variables import Node

Names = tuple[Node, ...]


@dataclass(frozen=True)
class CausalQuery:
    """A probability of outcomes where treatments are set and conditions seen.

    Parameters
    ----------
    graph : CausalGraph
        The graph as it was drawn.
    treatment, outcome, given, observed : tuple of node
        In the order of the graph.
    experiments : tuple of tuple of node
        Sets of nodes that were set in an experiment, beside what was seen.
    populations : tuple of Population
        Others, of which something is known.
    """

    graph: CausalGraph
    treatment: Names
    outcome: Names
    given: Names
    observed: Names
    experiments: tuple[Names, ...] = ()
    populations: tuple[Population, ...] = ()

    @cached_property
    def projected(self) -> CausalGraph:
        """The graph over what is observed."""
        return self.graph.latent_projection(list(self.observed))

    @property
    def text(self) -> str:
        """The question as a probability."""
        return question(self.outcome, self.treatment, self.given)

    def solve(self, graph: CausalGraph) -> Verdict:
        """Return what ID, or IDC where there are conditions, finds in a graph."""
        parts = (self.outcome, self.treatment)
        if self.given:
            return run_idc(
                graph, *parts, self.given, self.experiments, self.populations
            )
        return run_id(graph, *parts, self.experiments, self.populations)


def make_query(
    graph: CausalGraph,
    treatment: Any,
    outcome: Any,
    given: Any,
    observed: Any,
    experiments: Sequence[Any],
    populations: Sequence[Population],
) -> CausalQuery:
    """Return a checked question.

    Raises
    ------
    IdentificationError
        If it makes no sense.
    """
    owner = "identify"
    effects = outcome
    if isinstance(graph, CausalGraph):
        held = graph.ordered(given)
        for name, nodes in (("treatment", treatment), ("outcome", outcome)):
            both = [node for node in graph.ordered(nodes) if node in held]
            if both:
                raise IdentificationError(
                    f"{owner}: {both[0]!r} is in {name} and in given. A node is asked "
                    "for, set or seen; take it out of one of them."
                )
        seen = graph.observed if observed is None else graph.ordered(observed)
        hidden = [node for node in held if node not in seen]
        if hidden:
            raise IdentificationError(
                f"{owner}: given {hidden[0]!r} is not observed. Measure it and take it "
                "out of latent, or leave it out of given."
            )
        # Under a condition that the treatment causes, its effect need not be along
        # arrows to the outcome.
        effects = [*graph.ordered(outcome), *held]
        if not graph.ordered(outcome):
            effects = ()
    asked = check_question(owner, graph, treatment, effects, observed)
    check_arrows(owner, asked)
    seen = graph.ordered(graph.names(asked.observed))
    trials = tuple(graph.ordered(nodes) for nodes in experiments)
    _check_experiments(trials, seen)
    places = _check_populations(graph, populations, seen)
    return CausalQuery(
        graph,
        graph.ordered(treatment),
        graph.ordered(outcome),
        graph.ordered(given),
        seen,
        trials,
        places,
    )


def _check_experiments(trials: Collection[Names], seen: Names) -> None:
    for nodes in trials:
        hidden = [node for node in nodes if node not in seen]
        if hidden or not nodes:
            raise IdentificationError(
                f"identify: each of experiments must name observed nodes that were "
                f"set, got {names(hidden) or 'none'}. Write experiments=[['z']] for "
                "one in which z was set."
            )


def _check_populations(
    graph: CausalGraph, populations: Sequence[Population], seen: Names
) -> tuple[Population, ...]:
    """Return populations with their nodes in the order of the graph."""
    found: list[Population] = []
    for one in populations:
        if not isinstance(one, Population):
            raise IdentificationError(
                f"identify: populations must hold Population objects, got "
                f"{type(one).__name__}. Write Population(name, differs=[...])."
            )
        if not one.name or one.name in {other.name for other in found}:
            raise IdentificationError(
                f"identify: populations must have names of their own, got "
                f"{one.name!r} {'twice' if one.name else 'as one'}."
            )
        trials = tuple(graph.ordered(nodes) for nodes in one.experiments)
        _check_experiments([trial for trial in trials if trial], seen)
        found.append(Population(one.name, graph.ordered(one.differs), trials))
    return tuple(found)
