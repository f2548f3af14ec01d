"""Latent projection: a graph over fewer nodes that means the same for them."""

from collections.abc import Iterable
from itertools import combinations

from skcausal.graphs._adjacency import Adjacency, topological_order

Pairs = list[tuple[int, int]]


def project(adjacency: Adjacency, kept: Iterable[int]) -> tuple[Pairs, Pairs]:
    """Return the directed and bidirected edges among ``kept``.

    Nodes are taken out one by one, effects before causes: the parents of such a
    node become parents of its children, its children share a hidden cause, and so
    does each child with each sibling (Verma and Pearl 1990).

    Parameters
    ----------
    adjacency : Adjacency
        The whole graph.
    kept : iterable of int
        The nodes that stay.

    Returns
    -------
    tuple of list of (int, int)
        Directed and bidirected edges, sorted.
    """
    parents = [set(part) for part in adjacency.parents]
    children = [set(part) for part in adjacency.children]
    siblings = [set(part) for part in adjacency.siblings]
    stay = set(kept)
    for node in reversed(topological_order(adjacency)):
        if node in stay:
            continue
        for parent in parents[node]:
            children[parent].discard(node)
            children[parent] |= children[node]
        for child in children[node]:
            parents[child].discard(node)
            parents[child] |= parents[node]
        for a, b in combinations(sorted(children[node]), 2):
            siblings[a].add(b)
            siblings[b].add(a)
        for sibling in siblings[node]:
            siblings[sibling].discard(node)
            for child in children[node] - {sibling}:
                siblings[sibling].add(child)
                siblings[child].add(sibling)
    directed = [(a, b) for a in sorted(stay) for b in sorted(children[a])]
    bidirected = [(a, b) for a in sorted(stay) for b in sorted(siblings[a]) if a < b]
    return directed, bidirected
