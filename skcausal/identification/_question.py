"""The check of a question: the effect of which nodes on which, seen through which."""

from dataclasses import dataclass

from skcausal.graphs import CausalGraph
from skcausal.graphs._adjacency import closure
from skcausal.graphs._named_graph import Nodes
from skcausal.identification._errors import IdentificationError


@dataclass(frozen=True)
class Question:
    """Who acts on whom and who is measured, in the integers of a graph."""

    treatment: frozenset[int]
    outcome: frozenset[int]
    observed: frozenset[int]


def _some(graph: CausalGraph, nodes: Nodes, owner: str, name: str) -> frozenset[int]:
    codes = frozenset(graph.codes(nodes))
    if not codes:
        raise IdentificationError(f"{owner}: {name} must name a node, got none.")
    return codes


def _words(graph: CausalGraph, codes: frozenset[int]) -> str:
    return ", ".join(repr(node) for node in graph.ordered(graph.names(codes)))


def check_question(
    owner: str,
    graph: CausalGraph,
    treatment: Nodes,
    outcome: Nodes,
    observed: Nodes | None,
) -> Question:
    """Return a question in integers.

    Raises
    ------
    IdentificationError
        If it makes no sense; the message begins with ``owner``.
    """
    if not isinstance(graph, CausalGraph):
        raise IdentificationError(
            f"{owner}: graph must be a CausalGraph, got {type(graph).__name__}. "
            "Make one with CausalGraph(directed=[...])."
        )
    causes = _some(graph, treatment, owner, "treatment")
    effects = _some(graph, outcome, owner, "outcome")
    if causes & effects:
        raise IdentificationError(
            f"{owner}: {_words(graph, causes & effects)} is treatment and outcome. "
            "Nothing has an effect on itself; name different nodes."
        )
    seen = frozenset(graph.codes(graph.observed if observed is None else observed))
    latent = frozenset(graph.codes(graph.latent))
    if seen & latent:
        raise IdentificationError(
            f"{owner}: observed names {_words(graph, seen & latent)}, which the graph "
            "calls latent. Take it out of one of the two."
        )
    hidden = (causes | effects) - seen
    if hidden:
        raise IdentificationError(
            f"{owner}: {_words(graph, hidden)} is treatment or outcome and not "
            "observed. Both must be measured."
        )
    idle = causes - frozenset(closure(effects, graph.adjacency.parents))
    if idle:
        raise IdentificationError(
            f"{owner}: no arrows lead from {_words(graph, idle)} to "
            f"{_words(graph, effects)}, so the graph says that there is no effect. "
            "Are treatment and outcome the wrong way round?"
        )
    return Question(causes, effects, seen)
