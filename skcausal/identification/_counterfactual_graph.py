"""The graph of what would be in several worlds at once.

A copy of a node is the node in one world. Two copies with the same causes at the same
values are one variable, since the mechanism and its noise are those of the node. This
is what merges worlds (make-cg of Shpitser and Pearl 2008).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import networkx as nx

from skcausal.graphs import CausalGraph
from skcausal.identification._errors import IdentificationError
from skcausal.identification._variables import Node, Variable

Value = Variable | int  # a known value, or the number of a copy that may have any
Part = frozenset[tuple[int, Value]]  # copies, each with its value


@dataclass(frozen=True)
class Conflict:
    """Why a part of the counterfactual graph is seen in no experiment.

    Parameters
    ----------
    node : node
        Whose values differ.
    copies : tuple of int
        The copies that disagree; both are of ``node`` if it is seen twice.
    values : tuple of Value
        The values.
    """

    node: Node
    copies: tuple[int, int]
    values: tuple[Value, Value]


def nodes_in(event: Variable) -> Iterator[Node]:
    """Yield the nodes that an event names, those of its world among them."""
    yield event.node
    for one in event.world:
        yield from nodes_in(one)


class Copies:
    """The copies of the nodes of a graph, by number.

    Parameters
    ----------
    graph : CausalGraph
        The graph, without latent nodes.
    """

    def __init__(self, graph: CausalGraph) -> None:
        self.graph = graph
        self.place = {node: k for k, node in enumerate(graph.topological_order())}
        self.causes = {node: graph.ordered(graph.parents([node])) for node in graph}
        self.known: list[tuple[Node, tuple[Value, ...]]] = []
        self._numbers: dict[tuple[Node, tuple[Value, ...]], int] = {}

    def number(self, node: Node, values: tuple[Value, ...]) -> int:
        """Return the number of the copy of a node whose causes have these values."""
        key = node, values
        if key not in self._numbers:
            self._numbers[key] = len(self.known)
            self.known.append(key)
        return self._numbers[key]

    def node(self, copy: int) -> Node:
        """Return the node of a copy."""
        return self.known[copy][0]


@dataclass
class Worlds:
    """Events in several worlds, and the copies of nodes that they are about.

    Parameters
    ----------
    copies : Copies
        Shared by all events of a question.
    events : sequence of Variable
        Each a node at a value in a world.
    """

    copies: Copies
    events: Sequence[Variable]
    fixed: dict[int, Variable] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    impossible: str = ""

    def __post_init__(self) -> None:
        """Take causes first, so that what they are fixed at is known to effects."""
        place = self.copies.place
        for event in sorted(self.events, key=lambda one: (place[one.node], one.order)):
            self._add(event)

    def _add(self, event: Variable) -> None:
        value = self._value(event.node, self._world(event), {})
        if isinstance(value, int):
            self.fixed[value] = event.symbol
            return
        is_set = any(one.node == event.node for one in event.world)
        why = "is set to" if is_set else "is, by the other events,"
        if value == event.symbol:
            self.notes.append(f"{event} {why} {value}, which is certain: leave it out")
        else:
            self.impossible = f"{event} {why} {value}, which is another value"

    def _world(self, event: Variable) -> dict[Node, Value]:
        found: dict[Node, Value] = {}
        for one in event.world:
            if one.node in found:
                raise IdentificationError(
                    f"identify_counterfactual: the world of {event.symbol} sets "
                    f"{one.node!r} twice. Name one value of it."
                )
            inner = self._world(one) if one.world else {}
            found[one.node] = self._value(one.node, inner, {}) if one.world else one
        return found

    def _value(
        self, node: Node, world: dict[Node, Value], known: dict[Node, Value]
    ) -> Value:
        """Return the value that a node has in a world."""
        if node in world:
            return world[node]
        if node not in known:
            causes = self.copies.causes[node]
            values = tuple(self._value(cause, world, known) for cause in causes)
            copy = self.copies.number(node, values)
            known[node] = self.fixed.get(copy, copy)
        return known[node]

    def needed(self) -> list[int]:
        """Return the copies that events are about, and those that these depend on."""
        found = set(self.fixed)
        waiting = list(found)
        while waiting:
            for value in self.copies.known[waiting.pop()][1]:
                if isinstance(value, int) and value not in found:
                    found.add(value)
                    waiting.append(value)
        place = self.copies.place
        return sorted(found, key=lambda copy: (place[self.copies.node(copy)], copy))

    def districts(self) -> list[Part]:
        """Return the copies that hidden causes tie, each with its value."""
        needed = self.needed()
        nodes = {self.copies.node(copy) for copy in needed}
        ties = self.copies.graph.subgraph(list(nodes)).districts()
        return [
            frozenset(
                (copy, self.fixed.get(copy, copy))
                for copy in needed
                if self.copies.node(copy) in district
            )
            for district in sorted(ties, key=self._first)
        ]

    def _first(self, district: Iterable[Node]) -> int:
        return min(self.copies.place[node] for node in district)

    def groups(self) -> list[list[Part]]:
        """Return districts that share values which are summed over, together."""
        districts = self.districts()
        shared: nx.Graph[object] = nx.Graph()
        for place, district in enumerate(districts):
            shared.add_node(("district", place))
            for value in self._open_values(district):
                shared.add_edge(("district", place), value)
        found = []
        for part in nx.connected_components(shared):
            places = sorted(one[1] for one in part if isinstance(one, tuple))
            found.append([districts[place] for place in places])
        return found

    def _open_values(self, district: Part) -> set[int]:
        values = [value for _, value in district]
        values += [v for copy, _ in district for v in self.copies.known[copy][1]]
        return {value for value in values if isinstance(value, int)}


def setting_of(copies: Copies, district: Part) -> dict[Node, Value] | Conflict:
    """Return the value of each node in and above a district, if each has one."""
    found: dict[Node, tuple[Value, int]] = {}
    for copy, value in sorted(district, key=lambda one: one[0]):
        node = copies.node(copy)
        if node in found:
            return Conflict(node, (found[node][1], copy), (found[node][0], value))
        found[node] = value, copy
    for copy, _ in sorted(district, key=lambda one: one[0]):
        node, values = copies.known[copy]
        for cause, value in zip(copies.causes[node], values, strict=True):
            before, other = found.setdefault(cause, (value, copy))
            if before != value:
                return Conflict(cause, (other, copy), (before, value))
    return {node: value for node, (value, _) in found.items()}
