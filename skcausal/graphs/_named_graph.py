"""The nodes and edges of a graph, under names and under integers."""

from collections.abc import Hashable, Iterable, Iterator
from functools import cached_property
from typing import Any, Self

from skcausal.graphs._adjacency import Adjacency
from skcausal.graphs._building import listed
from skcausal.graphs._errors import UnknownNodeError

Node = Hashable
Edge = tuple[Node, Node]
Nodes = Any  # one node or a collection of nodes


class NamedGraph:
    """Nodes with names, and the edges among them in integers."""

    _index: dict[Node, int]
    _latent: frozenset[Node]
    _adjacency: Adjacency

    @classmethod
    def _from_adjacency(
        cls, index: dict[Node, int], latent: frozenset[Node], adjacency: Adjacency
    ) -> Self:
        """Make a graph of parts that are known to be right."""
        graph = cls.__new__(cls)
        graph._index, graph._latent, graph._adjacency = index, latent, adjacency
        return graph

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All nodes, latent ones among them."""
        return tuple(self._index)

    @property
    def latent(self) -> frozenset[Node]:
        """The nodes that are not measured."""
        return self._latent

    @cached_property
    def observed(self) -> tuple[Node, ...]:
        """The nodes that are measured."""
        return tuple(node for node in self.nodes if node not in self._latent)

    @cached_property
    def directed(self) -> tuple[Edge, ...]:
        """The arrows, cause first."""
        return self._edges(self._adjacency.directed)

    @cached_property
    def bidirected(self) -> tuple[Edge, ...]:
        """The pairs with a hidden common cause."""
        return self._edges(self._adjacency.bidirected)

    @property
    def adjacency(self) -> Adjacency:
        """The edges in integers, for algorithms; see `codes` and `names`."""
        return self._adjacency

    def _edges(self, array: Any) -> tuple[Edge, ...]:
        nodes = self.nodes
        return tuple((nodes[a], nodes[b]) for a, b in array.tolist())

    def codes(self, nodes: Nodes) -> list[int]:
        """Return the integers by which ``adjacency`` knows nodes.

        Parameters
        ----------
        nodes : node or collection of nodes
            A string, or anything else that is a node, stands for itself.

        Returns
        -------
        list of int
            One integer per node, in the order given.

        Raises
        ------
        UnknownNodeError
            If one is not a node of the graph.
        """
        given = self._as_nodes(nodes)
        unknown = [node for node in given if node not in self._index]
        if unknown:
            raise UnknownNodeError(
                f"CausalGraph: {unknown[0]!r} is not a node of the graph. "
                f"Nodes: {', '.join(map(str, self.nodes[:20]))}"
                f"{', ...' if len(self.nodes) > 20 else ''}."
            )
        return [self._index[node] for node in given]

    def names(self, codes: Iterable[int]) -> frozenset[Node]:
        """Return the nodes that integers stand for.

        Parameters
        ----------
        codes : iterable of int
            Integers as `codes` returns them.

        Returns
        -------
        frozenset of node
            Their names.
        """
        nodes = self.nodes
        return frozenset(nodes[code] for code in codes)

    def ordered(self, nodes: Nodes) -> tuple[Node, ...]:
        """Return nodes once each, in the order of the graph.

        Parameters
        ----------
        nodes : node or collection of nodes
            What to sort.

        Returns
        -------
        tuple of node
            The nodes as `nodes` lists them.
        """
        all_nodes = self.nodes
        return tuple(all_nodes[code] for code in sorted(set(self.codes(nodes))))

    def _as_nodes(self, nodes: Nodes) -> list[Node]:
        if isinstance(nodes, str | bytes) or not isinstance(nodes, Iterable):
            return [nodes]
        if isinstance(nodes, tuple) and nodes in self._index:
            return [nodes]
        return list(nodes)

    def __len__(self) -> int:
        """Return the number of nodes."""
        return len(self._index)

    def __iter__(self) -> Iterator[Node]:
        """Iterate over the nodes."""
        return iter(self._index)

    def __contains__(self, node: object) -> bool:
        """Tell whether something is a node."""
        return node in self._index

    def _key(self) -> tuple[frozenset[Any], ...]:
        pairs = frozenset(frozenset(pair) for pair in self.bidirected)
        return frozenset(self.nodes), frozenset(self.directed), pairs, self._latent

    def __eq__(self, other: object) -> bool:
        """Tell whether two graphs have the same nodes and edges, in any order."""
        return isinstance(other, NamedGraph) and self._key() == other._key()

    def __hash__(self) -> int:
        """Hash nodes and edges."""
        return hash(self._key())

    def __repr__(self) -> str:
        """Return an expression that makes the graph, shortened if it is large."""
        parts = [listed("directed", self.directed)]
        parts += [listed("bidirected", self.bidirected)] if self.bidirected else []
        joined = {node for edge in (*self.directed, *self.bidirected) for node in edge}
        alone = [node for node in self.nodes if node not in joined]
        parts += [listed("nodes", alone)] if alone else []
        latent = self.ordered(self._latent)
        parts += [listed("latent", latent)] if latent else []
        return f"{type(self).__name__}({', '.join(parts)})"
