"""The question that a graph is asked, checked."""

from collections.abc import Collection
from dataclasses import dataclass
from itertools import combinations

from skcausal.graphs import CausalGraph
from skcausal.graphs._adjacency import closure
from skcausal.graphs._named_graph import Nodes
from skcausal.identification._errors import IdentificationError


@dataclass(frozen=True)
class Question:
    """An effect in a graph, in its integers: of what, on what, with what measured.

    Parameters
    ----------
    graph : CausalGraph
        The graph.
    treatment, outcome : frozenset of int
        Causes and effects in question; they share no node.
    observed : frozenset of int
        What is measured.
    include : frozenset of int
        What each set in answer must contain.
    """

    graph: CausalGraph
    treatment: frozenset[int]
    outcome: frozenset[int]
    observed: frozenset[int]
    include: frozenset[int]


def listed(graph: CausalGraph, codes: Collection[int]) -> str:
    """Return nodes in the order of the graph, as text."""
    return ", ".join(str(graph.nodes[code]) for code in sorted(codes))


def check_question(
    owner: str,
    graph: CausalGraph,
    treatment: Nodes,
    outcome: Nodes,
    observed: Nodes | None,
    include: Nodes = (),
) -> Question:
    """Return a question in integers.

    Raises
    ------
    UnknownNodeError
        If a name is not a node.
    IdentificationError
        If the parts make no question; the message begins with ``owner``.
    """
    if not isinstance(graph, CausalGraph):
        raise IdentificationError(
            f"{owner}: graph must be a CausalGraph, got {type(graph).__name__}. "
            "Make one with CausalGraph(directed=[...])."
        )
    question = Question(
        graph,
        frozenset(graph.codes(treatment)),
        frozenset(graph.codes(outcome)),
        frozenset(graph.codes(graph.observed if observed is None else observed)),
        frozenset(graph.codes(include)),
    )
    _check_roles(owner, question)
    _check_observed(owner, question)
    return question


def _quoted(graph: CausalGraph, codes: Collection[int]) -> str:
    return ", ".join(repr(graph.nodes[code]) for code in sorted(codes))


def _check_roles(owner: str, question: Question) -> None:
    for name in ("treatment", "outcome"):
        if not getattr(question, name):
            raise IdentificationError(f"{owner}: {name} must name a node, got none.")
    for one, two in combinations(("treatment", "outcome", "include"), 2):
        shared = getattr(question, one) & getattr(question, two)
        if shared:
            raise IdentificationError(
                f"{owner}: {_quoted(question.graph, shared)} is in both {one} and "
                f"{two}. A node has one role; take it out of one of them."
            )


def _check_observed(owner: str, question: Question) -> None:
    graph = question.graph
    both = question.observed.intersection(graph.codes(graph.latent))
    if both:
        raise IdentificationError(
            f"{owner}: observed names {_quoted(graph, both)}, which the graph calls "
            "latent. Take it out of one of the two."
        )
    for name in ("treatment", "outcome", "include"):
        hidden = getattr(question, name) - question.observed
        if hidden:
            raise IdentificationError(
                f"{owner}: {name} {_quoted(graph, hidden)} is not observed. Measure it "
                "and take it out of latent, or ask about a node that is measured."
            )


def check_arrows(owner: str, question: Question) -> None:
    """Check that arrows lead from each treatment to an outcome.

    Raises
    ------
    IdentificationError
        If the graph says that a treatment has no effect.
    """
    graph = question.graph
    causes = closure(question.outcome, graph.adjacency.parents)
    idle = question.treatment.difference(causes)
    if idle:
        raise IdentificationError(
            f"{owner}: no arrows lead from {_quoted(graph, idle)} to "
            f"{_quoted(graph, question.outcome)}, so the graph says that there is no "
            "effect. Draw the arrows, or are treatment and outcome the wrong way round?"
        )


def check_direct(owner: str, question: Question) -> None:
    """Check that an arrow goes from each treatment to the one outcome.

    Raises
    ------
    IdentificationError
        If there are several outcomes, or an arrow is missing.
    """
    graph = question.graph
    if len(question.outcome) > 1:
        raise IdentificationError(
            f"{owner}: outcome names {len(question.outcome)} nodes; a direct effect "
            "has one outcome. Ask for one at a time."
        )
    (outcome,) = question.outcome
    idle = question.treatment.difference(graph.adjacency.parents[outcome])
    if idle:
        raise IdentificationError(
            f"{owner}: no arrow goes from {_quoted(graph, idle)} to "
            f"{graph.nodes[outcome]!r}: the graph says that there is no direct effect. "
            "Draw the arrow, or ask for effect='total'."
        )
