"""Why a set of covariates is valid or not, in words."""

from collections import deque
from collections.abc import Collection, Iterator
from itertools import pairwise

from skcausal.graphs import CausalGraph
from skcausal.graphs._adjacency import closure
from skcausal.graphs._separation import Joined

Step = tuple[int, bool]  # a node, and whether it was reached by a tail
_MARKS = {"parents": "<-", "siblings": "<->", "children": "->"}


def open_path(
    joined: Joined,
    starts: Collection[int],
    ends: Collection[int],
    given: Collection[int],
) -> list[tuple[str, int]]:
    """Return a shortest open path as marks and nodes, empty if none is open.

    The first mark is empty; each other one is the edge that leads to its node.
    """
    blocked = set(given)
    opened = closure(blocked, joined.parents)
    came: dict[Step, tuple[str, Step | None]] = {
        (node, True): ("", None) for node in sorted(starts)
    }
    waiting = deque(came)
    while waiting:
        step = waiting.popleft()
        if step[0] in ends:
            return _trace(came, step)
        for mark, following in _onward(joined, step, blocked, opened):
            if following not in came:
                came[following] = (mark, step)
                waiting.append(following)
    return []


def _onward(
    joined: Joined, step: Step, blocked: Collection[int], opened: Collection[int]
) -> Iterator[tuple[str, Step]]:
    node, by_tail = step
    passes = node not in blocked
    names = ["children"] if passes else []
    if passes if by_tail else node in opened:
        names = ["parents", "siblings", *names]
    for name in names:
        for other in getattr(joined, name)[node]:
            yield _MARKS[name], (other, name == "parents")


def _trace(
    came: dict[Step, tuple[str, Step | None]], step: Step
) -> list[tuple[str, int]]:
    path: list[tuple[str, int]] = []
    at: Step | None = step
    while at is not None:
        mark, before = came[at]
        path.append((mark, at[0]))
        at = before
    return path[::-1]


def path_text(graph: CausalGraph, path: list[tuple[str, int]]) -> str:
    """Return a path as it is drawn: ``x <- a -> y``."""
    return "".join(
        f" {mark} {graph.nodes[code]}" if mark else str(graph.nodes[code])
        for mark, code in path
    )


def colliders(path: list[tuple[str, int]]) -> list[int]:
    """Return the nodes of a path that both neighbours point at."""
    return [
        node
        for (into, node), (out, _) in pairwise(path)
        if into in ("->", "<->") and out in ("<-", "<->")
    ]
