"""When a rule of do-calculus applies: separation in a graph that lacks edges."""

from collections.abc import Iterator
from dataclasses import dataclass

from skcausal.graphs import CausalGraph
from skcausal.identification._expressions import Probability
from skcausal.identification._steps import names
from skcausal.identification._variables import Node

NodeSet = frozenset[Node]


@dataclass(frozen=True)
class State:
    """A probability of nodes, without values.

    Parameters
    ----------
    asked, done, seen : frozenset of node
        What it is of, what is set, what is given.
    """

    asked: NodeSet
    done: NodeSet
    seen: NodeSet

    @property
    def named(self) -> NodeSet:
        """All nodes that it names."""
        return self.asked | self.done | self.seen

    @property
    def probability(self) -> Probability:
        """The probability as a formula."""
        return Probability(list(self.asked), list(self.seen), list(self.done))


@dataclass(frozen=True)
class Move:
    """A rule on some nodes of a probability.

    Parameters
    ----------
    rule : int
        1, 2 or 3.
    nodes : frozenset of node
        What is left out, added or exchanged.
    before, after : State
        The two sides.
    """

    rule: int
    nodes: NodeSet
    before: State
    after: State

    @property
    def done(self) -> NodeSet:
        """What is set on both sides."""
        return self.before.done & self.after.done

    @property
    def seen(self) -> NodeSet:
        """What is given on both sides."""
        return self.before.seen & self.after.seen


def move(rule: int, nodes: NodeSet, state: State) -> Move:
    """Return what a rule makes of a state, applicable or not."""
    y, x, w = state.asked, state.done, state.seen
    if rule == 1:
        after = State(y, x, w ^ nodes)
    elif rule == 3:
        after = State(y, x ^ nodes, w)
    else:
        after = State(y, x ^ nodes, w ^ nodes)
    return Move(rule, nodes, state, after)


class Rules:
    """The rules in one graph.

    Parameters
    ----------
    graph : CausalGraph
        The graph.
    """

    def __init__(self, graph: CausalGraph) -> None:
        self.graph = graph
        self.n_tests = 0
        self._graphs: dict[tuple[NodeSet, NodeSet], CausalGraph] = {}
        self._known: dict[Move, bool] = {}

    def applies(self, one: Move) -> bool:
        """Tell whether the separation that a rule needs holds."""
        if one not in self._known:
            self.n_tests += 1
            graph = self._without(*self._cuts(one))
            sides = (one.nodes, one.before.asked, one.done | one.seen)
            self._known[one] = graph.d_separated(*map(list, sides))
        return self._known[one]

    def _cuts(self, one: Move) -> tuple[NodeSet, NodeSet]:
        """Return whose incoming and whose outgoing edges are cut."""
        none: NodeSet = frozenset()
        if one.rule == 1:
            return one.done, none
        if one.rule == 2:
            return one.done, one.nodes
        above = self._without(one.done, none).ancestors(list(one.seen))
        return one.done | (one.nodes - above), none

    def _without(self, into: NodeSet, out_of: NodeSet) -> CausalGraph:
        key = into, out_of
        if key not in self._graphs:
            cut = self.graph.do(list(into))
            self._graphs[key] = cut.without_edges_out_of(list(out_of))
        return self._graphs[key]

    def statement(self, one: Move, holds: bool = True) -> str:
        """Return the separation in words."""
        into, out_of = self._cuts(one)
        cuts = [f"edges into {self._names(into)}"] if into else []
        cuts += [f"arrows out of {self._names(out_of)}"] if out_of else []
        graph = f"the graph without {' and '.join(cuts)}" if cuts else "the graph"
        given = one.done | one.seen
        held = f" given {self._names(given)}" if given else ""
        verb = "are separated" if holds else "are not separated"
        ends = f"{self._names(one.nodes)} and {self._names(one.before.asked)}"
        return f"{ends} {verb}{held} in {graph}"

    def _names(self, nodes: NodeSet) -> str:
        return names(self.graph.ordered(list(nodes)))

    def moves(self, state: State, pool: NodeSet) -> Iterator[Move]:
        """Yield the applicable moves of one node, and of all that is set."""
        for one in self._candidates(state, pool):
            if self.applies(one):
                yield one

    def _candidates(self, state: State, pool: NodeSet) -> Iterator[Move]:
        ordered = self.graph.ordered
        sets = [state.done] if len(state.done) > 1 else []
        sets += [frozenset([node]) for node in ordered(list(state.done))]
        for rule in (3, 2):
            for nodes in sets:
                yield move(rule, nodes, state)
        for rule in (1, 2):
            for node in ordered(list(state.seen)):
                yield move(rule, frozenset([node]), state)
        for rule in (1, 3):
            for node in ordered(list(pool - state.named)):
                yield move(rule, frozenset([node]), state)
