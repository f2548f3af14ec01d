"""Which set of covariates allows the most precise estimate."""

from skcausal.graphs._separation import connected
from skcausal.identification._criterion import Criterion
from skcausal.identification._query import Query


def best_candidate(
    query: Query, criterion: Criterion, allowed: frozenset[int]
) -> frozenset[int]:
    """Return the parents of the causal paths, and what must be included.

    The nearest allowed ancestors stand for a parent that is not allowed. Each node
    found has an open path along arrows to the outcome, whatever valid set is given:
    so such a set either contains it or separates it from the treatment.
    """
    parents = query.graph.adjacency.parents
    stops = allowed | query.treatments
    reached = set(criterion.causal)
    waiting = list(reached)
    while waiting:
        for parent in parents[waiting.pop()]:
            if parent not in reached:
                reached.add(parent)
                if parent not in stops:
                    waiting.append(parent)
    return (allowed & reached) | query.include


def informs(query: Query, codes: frozenset[int], allowed: frozenset[int]) -> bool:
    """Tell whether no other covariate says more about the outcome."""
    given = codes | query.treatments
    informed = connected(query.graph.adjacency, query.outcomes, given)
    return informed.isdisjoint(allowed - codes)
