"""Separators near the outcome, in integers: what conditional instruments need."""

from dataclasses import dataclass

from skcausal.graphs._adjacency import Adjacency, Lists, closure


@dataclass(frozen=True)
class _MoralWalk:
    """Walks in the moral graph of some ancestors, which is never built.

    Two nodes are neighbours in it if an edge joins them or if both have an arrowhead
    into one node or one district; so every collider lets a walk pass.
    """

    parents: Lists
    children: Lists
    siblings: Lists
    within: set[int]

    def reach(self, start: int, stops: frozenset[int]) -> set[int]:
        """Return what can be reached, ``stops`` too but nothing behind them."""
        waiting = [(start, False)]
        seen = {(start, False)}
        while waiting:
            node, by_head = waiting.pop()
            onward: list[tuple[int, bool]] = []
            if node not in stops:
                onward += [(child, True) for child in self.children[node]]
            if by_head or node not in stops:
                onward += [(sibling, True) for sibling in self.siblings[node]]
                onward += [(parent, False) for parent in self.parents[node]]
            for state in onward:
                if state[0] in self.within and state not in seen:
                    seen.add(state)
                    waiting.append(state)
        return {node for node, _ in seen}


def nearest_separator(
    adjacency: Adjacency, outcome: int, other: int, allowed: frozenset[int]
) -> frozenset[int] | None:
    """Return the minimal set nearest to the outcome that separates it from another.

    Of all sets of allowed ancestors of the two that separate them, this one leaves
    the most paths of the other node open: where any of them leaves it connected to
    some node, this one does.

    Parameters
    ----------
    adjacency : Adjacency
        The graph.
    outcome, other : int
        The nodes to keep apart.
    allowed : frozenset of int
        What the set may hold; neither of the two.

    Returns
    -------
    frozenset of int or None
        None if no allowed set separates them.
    """
    within = closure([outcome, other], adjacency.parents)
    walk = _MoralWalk(adjacency.parents, adjacency.children, adjacency.siblings, within)
    around_outcome = walk.reach(outcome, allowed)
    if other in around_outcome:
        return None
    border = allowed & around_outcome
    return border & walk.reach(other, border)
