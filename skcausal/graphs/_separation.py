"""Which nodes a set of nodes keeps apart."""

from collections.abc import Collection, Iterable

from skcausal.graphs._adjacency import Adjacency, closure


def connected(
    adjacency: Adjacency, starts: Iterable[int], given: Collection[int]
) -> set[int]:
    """Return the nodes that ``given`` does not separate from ``starts``.

    A walk is open if each of its colliders is an ancestor of ``given`` and none of
    its other nodes is in ``given`` (m-separation; with directed edges only,
    d-separation). Each node is visited at most twice, by an arrowhead and by a tail,
    so the cost is linear in nodes and edges.

    Parameters
    ----------
    adjacency : Adjacency
        The graph.
    starts : iterable of int
        Where walks begin.
    given : collection of int
        What is conditioned on.

    Returns
    -------
    set of int
        The ends of open walks, ``starts`` among them, none of ``given``.
    """
    parents, children = adjacency.parents, adjacency.children
    siblings = adjacency.siblings
    blocked = set(given)
    opened = closure(blocked, parents)  # colliders that conditioning opens
    by_head: set[int] = set()
    by_tail = set(starts) - blocked
    heads: list[int] = []
    tails = list(by_tail)
    while heads or tails:
        node, arrived_by_tail = (tails.pop(), True) if tails else (heads.pop(), False)
        onward: list[int] = []
        if node not in blocked:
            onward += children[node]
        if (node not in blocked) if arrived_by_tail else (node in opened):
            onward += siblings[node]
            for parent in parents[node]:
                if parent not in by_tail:
                    by_tail.add(parent)
                    tails.append(parent)
        for other in onward:
            if other not in by_head:
                by_head.add(other)
                heads.append(other)
    return (by_head | by_tail) - blocked
