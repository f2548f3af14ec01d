"""What a set of covariates must do for a given effect: separate, without some nodes.

Every question about adjustment is one about separation in a graph that lacks some
arrows, by a set without forbidden nodes.
"""

from collections.abc import Collection
from dataclasses import dataclass

from skcausal.graphs._adjacency import Adjacency, closure
from skcausal.graphs._separation import Joined, without_arrows
from skcausal.identification._errors import IdentificationError
from skcausal.identification._question import Question, check_arrows, check_direct


@dataclass(frozen=True)
class Criterion:
    """When a set is valid: it separates in ``joined`` and avoids ``forbidden``.

    Parameters
    ----------
    joined : Joined
        The graph without the causal paths in question.
    causal : frozenset of int
        The nodes on these causal paths, treatments not among them.
    forbidden : frozenset of int
        What no valid set contains.
    why : str
        What forbids a node, as the end of a sentence.
    effect : str, default="total"
        Which effect it is about.
    """

    joined: Joined
    causal: frozenset[int]
    forbidden: frozenset[int]
    why: str
    effect: str = "total"


def _causal_nodes(
    adjacency: Adjacency, treatments: Collection[int], outcomes: Collection[int]
) -> frozenset[int]:
    """Return the nodes on paths from treatments to outcomes that meet no other one."""
    down = _closure_around(adjacency.children, treatments, treatments)
    up = _closure_around(adjacency.parents, outcomes, treatments)
    return frozenset((down & up).difference(treatments))


def _closure_around(
    lists: list[list[int]], starts: Collection[int], walls: Collection[int]
) -> set[int]:
    """Return what ``starts`` reach without going through other ``walls``."""
    reached = set(starts)
    waiting = list(reached)
    while waiting:
        for node in lists[waiting.pop()]:
            if node not in reached and node not in walls:
                reached.add(node)
                waiting.append(node)
    return reached


def adjustment_criterion(
    adjacency: Adjacency, treatments: Collection[int], outcomes: Collection[int]
) -> Criterion:
    """Return the complete criterion of Shpitser, VanderWeele, Robins and Perkovic."""
    causal = _causal_nodes(adjacency, treatments, outcomes)
    after = closure(causal, adjacency.children)
    return Criterion(
        without_arrows(adjacency, treatments, causal),
        causal,
        frozenset(after).union(treatments),
        "on a causal path to the outcome, or caused by such a node",
    )


def backdoor_criterion(
    adjacency: Adjacency, treatments: Collection[int], outcomes: Collection[int]
) -> Criterion:
    """Return Pearl's criterion: nothing that the treatment causes, no back door."""
    after = closure(treatments, adjacency.children)
    return Criterion(
        without_arrows(adjacency, treatments, range(adjacency.n_nodes)),
        _causal_nodes(adjacency, treatments, outcomes),
        frozenset(after),
        "caused by the treatment",
    )


def direct_criterion(
    adjacency: Adjacency, treatments: Collection[int], outcomes: Collection[int]
) -> Criterion:
    """Return the single-door criterion: all paths but the arrow to the outcome."""
    after = closure(outcomes, adjacency.children)
    return Criterion(
        without_arrows(adjacency, treatments, set(outcomes)),
        frozenset(outcomes),
        frozenset(after).union(treatments),
        "caused by the outcome",
        "direct",
    )


def choose_criterion(question: Question, effect: str, kind: str) -> Criterion:
    """Return what valid sets must do.

    Raises
    ------
    IdentificationError
        If the graph says that there is no such effect.
    """
    owner = "AdjustmentSets"
    sides = (question.graph.adjacency, question.treatment, question.outcome)
    if effect == "total":
        check_arrows(owner, question)
        make = backdoor_criterion if kind == "backdoor" else adjustment_criterion
        return make(*sides)
    if kind == "backdoor":
        raise IdentificationError(
            f"{owner}: criterion='backdoor' is about total effects. Use "
            "criterion='adjustment' with effect='direct'."
        )
    check_direct(owner, question)
    return direct_criterion(*sides)
