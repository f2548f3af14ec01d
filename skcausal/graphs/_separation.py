"""Which nodes a set of nodes keeps apart."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Protocol

from skcausal.graphs._adjacency import Lists, closure


class Joined(Protocol):
    """Lists of neighbours: all that separation needs to know of a graph."""

    @property
    def parents(self) -> Lists:
        """For each node, the nodes with an arrow into it."""

    @property
    def children(self) -> Lists:
        """For each node, the nodes it has an arrow into."""

    @property
    def siblings(self) -> Lists:
        """For each node, the nodes a bidirected edge joins it to."""


@dataclass(frozen=True)
class Neighbours:
    """Lists of neighbours of a graph that lacks some edges of another."""

    parents: Lists
    children: Lists
    siblings: Lists


def without_arrows(
    joined: Joined, tails: Iterable[int], heads: Collection[int]
) -> Neighbours:
    """Return the graph without the arrows from ``tails`` into ``heads``.

    Lists of other nodes are shared with the original, so the cost is that of copying
    references.
    """
    parents, children = list(joined.parents), list(joined.children)
    cut = set(tails)
    touched: set[int] = set()
    for node in cut:
        touched.update(child for child in children[node] if child in heads)
        children[node] = [child for child in children[node] if child not in heads]
    for node in touched:
        parents[node] = [parent for parent in parents[node] if parent not in cut]
    return Neighbours(parents, children, joined.siblings)


def reach(
    joined: Joined,
    starts: Iterable[int],
    blocked: Collection[int],
    opened: Collection[int],
    within: Collection[int] | None = None,
) -> set[int]:
    """Return the nodes that walks from ``starts`` get to.

    A walk goes through a collider if it is in ``opened`` and through any other node
    if it is not in ``blocked``. Each node is visited at most twice, by an arrowhead
    and by a tail, so the cost is linear in nodes and edges.

    Parameters
    ----------
    joined : Joined
        The graph.
    starts : iterable of int
        Where walks begin; not in ``blocked``.
    blocked, opened : collection of int
        Which nodes stop a walk, and which colliders let it pass.
    within : collection of int, default=None
        The only nodes that may be visited, closed under parents; None for all.

    Returns
    -------
    set of int
        The nodes reached, ``starts`` and reached members of ``blocked`` among them.
    """
    parents, children, siblings = joined.parents, joined.children, joined.siblings
    by_head: set[int] = set()
    by_tail = set(starts)
    heads: list[int] = []
    tails = list(by_tail)
    while heads or tails:
        node, arrived_by_tail = (tails.pop(), True) if tails else (heads.pop(), False)
        passes = node not in blocked
        onward = children[node] if passes else []
        if passes if arrived_by_tail else (node in opened):
            onward = onward + siblings[node]
            for parent in parents[node]:
                if parent not in by_tail:
                    by_tail.add(parent)
                    tails.append(parent)
        for other in onward:
            if other not in by_head and (within is None or other in within):
                by_head.add(other)
                heads.append(other)
    return by_head | by_tail


def connected(
    joined: Joined, starts: Iterable[int], given: Collection[int]
) -> set[int]:
    """Return the nodes that ``given`` does not separate from ``starts``.

    A walk is open if each of its colliders is an ancestor of ``given`` and none of
    its other nodes is in ``given`` (m-separation; with directed edges only,
    d-separation).

    Parameters
    ----------
    joined : Joined
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
    blocked = set(given)
    opened = closure(blocked, joined.parents)  # colliders that conditioning opens
    return reach(joined, set(starts) - blocked, blocked, opened) - blocked
