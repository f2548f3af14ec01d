"""Why a set of covariates is valid or not, in words."""

from collections import deque
from collections.abc import Collection, Iterator
from itertools import pairwise

from skcausal.graphs import CausalGraph
from skcausal.graphs._adjacency import closure
from skcausal.graphs._separation import Joined
from skcausal.identification._criterion import Criterion
from skcausal.identification._question import Question, listed

Step = tuple[int, bool]  # a node, and whether it was reached by a tail
_MARKS = {"parents": "<-", "siblings": "<->", "children": "->"}


def _open_path(
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


def _path_text(graph: CausalGraph, path: list[tuple[str, int]]) -> str:
    """Return a path as it is drawn: ``x <- a -> y``."""
    return "".join(
        f" {mark} {graph.nodes[code]}" if mark else str(graph.nodes[code])
        for mark, code in path
    )


def _colliders(path: list[tuple[str, int]]) -> list[int]:
    """Return the nodes of a path that both neighbours point at."""
    return [
        node
        for (into, node), (out, _) in pairwise(path)
        if into in ("->", "<->") and out in ("<-", "<->")
    ]


def explanation(question: Question, criterion: Criterion, codes: frozenset[int]) -> str:
    """Return a sentence on why a set is valid or not."""
    text = "{" + listed(question.graph, codes) + "}"
    reasons = [
        *_misplaced(question, criterion, codes),
        *_open(question, criterion, codes),
    ]
    if reasons:
        return f"{text} is not valid: {'; '.join(reasons)}."
    return (
        f"{text} is valid: it contains no forbidden node and blocks every path from "
        "treatment to outcome that does not carry the effect."
    )


def _misplaced(
    question: Question, criterion: Criterion, codes: frozenset[int]
) -> Iterator[str]:
    graph = question.graph
    ends = question.treatment | question.outcome
    for found, why in (
        (codes & ends, "a treatment or outcome"),
        ((codes & criterion.forbidden) - ends, criterion.why),
        (codes - question.observed, "not observed"),
    ):
        if found:
            yield f"{listed(graph, found)} {'are' if len(found) > 1 else 'is'} {why}"
    lacking = question.include - codes
    if lacking:
        yield f"{listed(graph, lacking)} must be included"


def _open(
    question: Question, criterion: Criterion, codes: frozenset[int]
) -> Iterator[str]:
    inner = codes - question.treatment - question.outcome
    path = _open_path(criterion.joined, question.treatment, question.outcome, inner)
    if path:
        text = f"the path {_path_text(question.graph, path)} is open"
        middle = _colliders(path)
        if middle:
            text += f", since adjusting opens it at {listed(question.graph, middle)}"
        yield text


def why_none(question: Question, criterion: Criterion, tried: frozenset[int]) -> str:
    """Return a sentence on why no set is valid, given the largest that was tried."""
    graph = question.graph
    path = _open_path(criterion.joined, question.treatment, question.outcome, tried)
    hidden = {code for _, code in path} - question.observed
    if hidden:
        mend = f"Measure {listed(graph, hidden)}"
    elif any(mark == "<->" for mark, _ in path):
        mend = "Measure the hidden cause behind '<->'"
    else:
        mend = "Change what is set or included"
    return (
        f"no set of observed covariates gives the {criterion.effect} effect of "
        f"{listed(graph, question.treatment)} on {listed(graph, question.outcome)}: "
        f"the path {_path_text(graph, path)} stays open. {mend}, or look for another "
        "way: a front door, an instrument."
    )
