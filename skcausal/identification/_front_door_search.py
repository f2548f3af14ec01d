"""Search for front-door sets, in integers; every search is linear in the graph."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from skcausal.graphs._adjacency import Adjacency, closure


def _unlinked(adjacency: Adjacency, treatment: set[int]) -> set[int]:
    """Return the nodes that no back-door path joins to the treatment."""
    linked = closure(treatment, adjacency.parents)
    waiting = list(linked)
    for node in tuple(linked):
        fresh = set(adjacency.siblings[node]) - linked
        linked |= fresh
        waiting += fresh
    while waiting:
        node = waiting.pop()
        if node not in treatment:
            fresh = set(adjacency.children[node]) - linked
            linked |= fresh
            waiting += fresh
    return set(range(adjacency.n_nodes)) - linked


@dataclass
class _WalkFromOutcome:
    """Walks from the outcome, open given the treatment, that find unfit mediators.

    A mediator at the end of such a walk, reached by an arrowhead, has a back door to
    the outcome. It is struck out of ``fit``, and from then on walks may pass it; a walk
    that came to it before, against an arrow that leaves it, goes on.
    """

    adjacency: Adjacency
    treatment: set[int]
    fit: set[int]
    by_head: set[int] = field(default_factory=set)
    by_tail: set[int] = field(default_factory=set)
    waiting: list[tuple[int, bool]] = field(default_factory=list)

    def run(self, outcome: set[int]) -> None:
        """Strike out of ``fit`` all that a walk from the outcome forbids."""
        opened = closure(self.treatment, self.adjacency.parents)
        for node in outcome:
            self._arrive(node, head=False)
        while self.waiting:
            node, by_head = self.waiting.pop()
            through = node not in self.treatment
            if through:
                for child in self.adjacency.children[node]:
                    self._arrive(child, head=True)
            if (node in opened) if by_head else through:
                for sibling in self.adjacency.siblings[node]:
                    self._arrive(sibling, head=True)
                for parent in self.adjacency.parents[node]:
                    self._arrive(parent, head=False)

    def _arrive(self, node: int, *, head: bool) -> None:
        seen = self.by_head if head else self.by_tail
        if node in seen:
            return
        seen.add(node)
        if head and node in self.fit:
            self.fit.remove(node)
            if node in self.by_tail:
                self.waiting.append((node, False))
        if node not in self.fit:
            self.waiting.append((node, head))


@dataclass(frozen=True)
class FrontDoorSearch:
    """The front-door sets of one question.

    Parameters
    ----------
    adjacency : Adjacency
        The graph.
    treatment, outcome : frozenset of int
        Disjoint sets of nodes.
    """

    adjacency: Adjacency
    treatment: frozenset[int]
    outcome: frozenset[int]

    def fit_nodes(self, allowed: frozenset[int]) -> frozenset[int]:
        """Return the largest part of ``allowed`` that has no open back door.

        None from the treatment to it, and none from it to the outcome but those
        that the treatment blocks. Each set without open back doors is a part of it.
        """
        treatment = set(self.treatment)
        fit = _unlinked(self.adjacency, treatment) & (allowed - self.outcome)
        walk = _WalkFromOutcome(self.adjacency, treatment, fit)
        walk.run(set(self.outcome))
        return frozenset(walk.fit)

    def intercepts(self, nodes: frozenset[int]) -> bool:
        """Tell whether nodes lie on each directed path to the outcome."""
        return not self._forward(nodes) & self.outcome

    def _forward(self, fence: frozenset[int]) -> set[int]:
        """Return what directed paths from the treatment reach before a fence ends."""
        return _reach(set(self.treatment), self.adjacency.children, fence)

    def largest(
        self, include: frozenset[int], allowed: frozenset[int]
    ) -> frozenset[int] | None:
        """Return the front-door set that holds all others, or None."""
        found = self.fit_nodes(allowed)
        return found if include <= found and self.intercepts(found) else None

    def minimal(
        self, include: frozenset[int], allowed: frozenset[int]
    ) -> frozenset[int] | None:
        """Return a front-door set no part of which is one, or None.

        Of the largest set, the mediators ``last`` before the outcome form a
        front-door set as well. Of them are needed: those that the treatment reaches
        first, and then those that close a back door of one that is needed.
        """
        largest = self.largest(include, allowed)
        if largest is None:
            return None
        stops = largest | self.treatment
        last = _reach(set(self.outcome), self.adjacency.parents, stops) & largest
        fence = frozenset(last | include)
        needed = (self._forward(fence) & fence) | include
        return frozenset(self._behind(needed, fence))

    def _behind(self, needed: set[int], fence: frozenset[int]) -> set[int]:
        """Add to ``needed`` what back doors lead to, up to the fence, again and again.

        Walks are open given the treatment.
        """
        adjacency = self.adjacency
        opened = closure(self.treatment, adjacency.parents)
        found = set(needed)
        waiting = [(node, "start") for node in needed]
        seen = set(waiting)
        while waiting:
            node, arrival = waiting.pop()
            free = node not in self.treatment
            onward: list[tuple[int, str]] = []
            if arrival != "start" and free:
                onward += [(child, "head") for child in adjacency.children[node]]
            if (node in opened) if arrival == "head" else free:
                onward += [(other, "head") for other in adjacency.siblings[node]]
                onward += [(parent, "tail") for parent in adjacency.parents[node]]
            for other, how in onward:
                state = (other, "start" if other in fence else how)
                found |= {other} & fence
                if state not in seen:
                    seen.add(state)
                    waiting.append(state)
        return found

    def all(
        self, include: frozenset[int], allowed: frozenset[int]
    ) -> Iterator[frozenset[int]]:
        """Yield each front-door set once; at most 2 n searches lie between two."""
        waiting = [(include, allowed)]
        while waiting:
            include, allowed = waiting.pop()
            largest = self.largest(include, allowed)
            if largest is None:
                continue
            if largest == include:
                yield include
                continue
            node = min(largest - include)
            waiting.append((include | {node}, largest))
            waiting.append((include, largest - {node}))


def _reach(
    starts: set[int], neighbours: list[list[int]], stops: frozenset[int]
) -> set[int]:
    """Return what can be reached, ``stops`` too but nothing behind them."""
    reached: set[int] = set()
    waiting = list(starts)
    while waiting:
        for node in neighbours[waiting.pop()]:
            if node not in reached:
                reached.add(node)
                if node not in stops:
                    waiting.append(node)
    return reached
