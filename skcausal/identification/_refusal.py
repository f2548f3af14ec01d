"""Why an effect is not identified, in words, and what would help."""

from collections.abc import Iterator
from itertools import combinations, islice, pairwise

from skcausal.graphs import CausalGraph
from skcausal.identification._causal_query import CausalQuery
from skcausal.identification._errors import NotIdentifiedError
from skcausal.identification._id import Hedge
from skcausal.identification._instruments import InstrumentSets
from skcausal.identification._steps import braces, names
from skcausal.identification._variables import Node

_MOST_TRIES = 60
_MOST_INSTRUMENTS = 20

Link = tuple[Node, Node]


def refusal(query: CausalQuery, hedge: Hedge) -> NotIdentifiedError:
    """Return the error that says why there is no formula, and what would help."""
    witness = _witness(query, hedge)
    ways = tuple(_ways_out(query, hedge))
    sets = (query.graph.ordered(part) for part in (hedge.larger, hedge.smaller))
    message = (
        f"identify: {query.text} is not identified: {witness} (hedge "
        f"{', '.join(map(braces, sets))}). Ways out: {'; '.join(ways)}."
    )
    return NotIdentifiedError(message, hedge, witness, ways)


def _witness(query: CausalQuery, hedge: Hedge) -> str:
    """Return the chain of hidden causes from the treatment into the smaller set."""
    import networkx as nx

    graph = query.projected
    ties = nx.Graph(graph.subgraph(list(hedge.larger)).bidirected)
    ends = set(hedge.smaller)
    starts = hedge.larger.intersection(query.treatment) or hedge.larger - ends
    chains = nx.multi_source_dijkstra_path(ties, set(starts))
    chain = min((chains[end] for end in graph.ordered(ends)), key=len)
    pairs = [f"{a} and {b}" for a, b in pairwise(chain)]
    shared = f"{pairs[0]} share a hidden cause"
    if pairs[1:]:
        shared += f", so do {', '.join(pairs[1:])}"
    reached = ends & graph.children(list(hedge.larger - ends)) or ends
    return (
        f"{shared}, and what {chain[0]} does to {names(graph.ordered(reached))} looks "
        "the same in the data as what is hidden"
    )


def _ways_out(query: CausalQuery, hedge: Hedge) -> Iterator[str]:
    yield from _measurements(query, hedge)
    if len(query.treatment) == len(query.outcome) == 1 and not query.given:
        sets = InstrumentSets(
            query.graph, query.treatment, query.outcome, observed=query.observed
        )
        some = islice(sets.all(), _MOST_INSTRUMENTS)
        found = min(some, key=lambda one: len(one[1]), default=None)
        if found:
            node, held = found
            given = f" given {names(query.graph.ordered(held))}" if held else ""
            yield (
                f"{node} is an instrument{given}: if effects are linear and alike, "
                'identify(..., kind="instrument") gives the slope'
            )
    yield f"set {names(query.treatment)} in an experiment"


def _measurements(query: CausalQuery, hedge: Hedge) -> Iterator[str]:
    """Yield what to measure: single things if one is enough, else pairs."""
    hidden = query.graph.ordered(set(query.graph.nodes) - set(query.observed))
    links = [link for link in query.graph.bidirected if hedge.larger.issuperset(link)]
    things = [*hidden, *links]
    for size in (1, 2):
        good = [
            _said(some, links)
            for some in islice(combinations(things, size), _MOST_TRIES)
            if _helps(query, some, hidden)
        ]
        if good:
            yield "measure " + ", or ".join(good)
            return
    ties = query.projected.subgraph(list(hedge.larger)).bidirected
    pairs = ", ".join(f"{a} and {b}" for a, b in ties[:6])
    yield f"measure what is behind several pairs of {pairs}"


def _said(things: tuple[Node, ...], links: list[Link]) -> str:
    return " and ".join(
        f"the common cause of {thing[0]} and {thing[1]}"
        if isinstance(thing, tuple) and thing in links
        else str(thing)
        for thing in things
    )


def _helps(
    query: CausalQuery, things: tuple[Node, ...], hidden: tuple[Node, ...]
) -> bool:
    """Tell whether measuring hidden nodes, or what is behind links, is enough."""
    graph = query.graph
    seen = [*query.observed, *(thing for thing in things if thing in hidden)]
    links = [link for link in graph.bidirected if link in things]
    measured = [(("cause of", link), node) for link in links for node in link]
    larger = CausalGraph(
        [*graph.directed, *measured],
        [link for link in graph.bidirected if link not in links],
        graph.nodes,
    )
    causes = [("cause of", link) for link in links]
    verdict = query.solve(larger.latent_projection([*seen, *causes]))
    return not isinstance(verdict.found, Hedge)
