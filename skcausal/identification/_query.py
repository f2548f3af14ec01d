"""The question that a graph is asked, checked."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Self

from skcausal.graphs import CausalGraph
from skcausal.identification._criterion import (
    Criterion,
    adjustment_criterion,
    backdoor_criterion,
    direct_criterion,
)
from skcausal.identification._errors import IdentificationError

Nodes = Any  # one node or a collection of nodes


def listed(graph: CausalGraph, codes: Collection[int]) -> str:
    """Return nodes in the order of the graph, as text."""
    return ", ".join(str(graph.nodes[code]) for code in sorted(codes))


@dataclass(frozen=True)
class Query:
    """An effect in a graph: of what, on what, with what measured.

    Parameters
    ----------
    graph : CausalGraph
        The graph.
    treatments, outcomes : frozenset of int
        Causes and effects in question; they share no node.
    observed : frozenset of int
        What is measured.
    include : frozenset of int
        What each set must contain.
    """

    graph: CausalGraph
    treatments: frozenset[int]
    outcomes: frozenset[int]
    observed: frozenset[int]
    include: frozenset[int]

    @classmethod
    def of(
        cls,
        graph: CausalGraph,
        treatment: Nodes,
        outcome: Nodes,
        observed: Nodes | None,
        include: Nodes,
    ) -> Self:
        """Return the query in integers.

        Raises
        ------
        UnknownNodeError
            If a name is not a node.
        IdentificationError
            If the parts make no question.
        """
        query = cls(
            graph,
            frozenset(graph.codes(treatment)),
            frozenset(graph.codes(outcome)),
            frozenset(graph.codes(graph.observed if observed is None else observed)),
            frozenset(graph.codes(include)),
        )
        query._check()
        return query

    def _check(self) -> None:
        sides = {
            "treatment": self.treatments,
            "outcome": self.outcomes,
            "include": self.include,
        }
        for name in ("treatment", "outcome"):
            if not sides[name]:
                raise IdentificationError(
                    f"AdjustmentSets: {name} names no node. Name at least one."
                )
        for one, two in (
            ("treatment", "outcome"),
            ("treatment", "include"),
            ("outcome", "include"),
        ):
            shared = sides[one] & sides[two]
            if shared:
                raise IdentificationError(
                    f"AdjustmentSets: {listed(self.graph, shared)} is in both {one} "
                    f"and {two}. A node has one role; take it out of one of them."
                )
        for name, codes in sides.items():
            hidden = codes - self.observed
            if hidden:
                raise IdentificationError(
                    f"AdjustmentSets: {name} {listed(self.graph, hidden)} is not "
                    "observed. Measure it and take it out of latent, or ask about a "
                    "node that is measured."
                )

    def criterion(self, effect: str, kind: str) -> Criterion:
        """Return what valid sets must do.

        Raises
        ------
        IdentificationError
            If the graph says that there is no such effect.
        """
        sides = (self.graph.adjacency, self.treatments, self.outcomes)
        if effect == "direct":
            self._check_direct(kind)
            return direct_criterion(*sides)
        self._check_ancestors()
        make = backdoor_criterion if kind == "backdoor" else adjustment_criterion
        return make(*sides)

    def _check_ancestors(self) -> None:
        graph = self.graph
        causes = set(graph.codes(graph.ancestors(graph.names(self.outcomes))))
        idle = self.treatments - causes
        if idle:
            name, outcome = listed(graph, idle), listed(graph, self.outcomes)
            raise IdentificationError(
                f"AdjustmentSets: treatment {name} is not an ancestor of {outcome}: "
                "the graph says that there is no effect. Draw the arrows of the "
                f"effect in question, such as {name} -> {outcome}."
            )

    def _check_direct(self, kind: str) -> None:
        graph = self.graph
        if kind == "backdoor":
            raise IdentificationError(
                "AdjustmentSets: criterion='backdoor' is about total effects. Use "
                "criterion='adjustment' with effect='direct'."
            )
        if len(self.outcomes) > 1:
            raise IdentificationError(
                f"AdjustmentSets: outcome names {len(self.outcomes)} nodes; a direct "
                "effect has one outcome. Ask for one at a time."
            )
        (outcome,) = self.outcomes
        idle = self.treatments.difference(graph.adjacency.parents[outcome])
        if idle:
            name = listed(graph, idle)
            raise IdentificationError(
                f"AdjustmentSets: no arrow goes from {name} to {graph.nodes[outcome]}: "
                "the graph says that there is no direct effect. Draw the arrow, or ask "
                "for effect='total'."
            )
