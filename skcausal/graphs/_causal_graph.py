"""The graph that says what causes what."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from skcausal.graphs._adjacency import (
    Adjacency,
    closure,
    components,
    edge_array,
    find_cycle,
    topological_order,
)
from skcausal.graphs._building import (
    all_nodes,
    check_latent,
    edge_list,
    node_list,
)
from skcausal.graphs._errors import CycleError, GraphError
from skcausal.graphs._named_graph import Edge, NamedGraph, Node, Nodes
from skcausal.graphs._projection import project
from skcausal.graphs._separation import connected

if TYPE_CHECKING:
    import networkx as nx


class CausalGraph(NamedGraph):
    """A causal graph: who causes whom, and who shares a cause that is not seen.

    An arrow ``("a", "b")`` in ``directed`` says that ``a`` may cause ``b`` directly.
    A pair in ``bidirected`` says that both have a common cause that is not in the
    graph. What is not drawn is assumed away: a missing arrow is a missing direct
    effect. Graphs do not change; methods such as `do` return new ones.

    Parameters
    ----------
    directed : iterable of (node, node), default=()
        Arrows, cause first.
    bidirected : iterable of (node, node), default=()
        Pairs with a hidden common cause, in either order.
    nodes : iterable of node, default=()
        Nodes in the order wanted, those without edges among them; nodes that only
        edges name follow in order of appearance. A node is any hashable name.
    latent : iterable of node, default=()
        Nodes that are part of the story but not measured.

    Raises
    ------
    CycleError
        If arrows lead back to where they began.
    GraphError
        If an edge or node is listed twice, an edge joins a node to itself, or
        ``latent`` names a node that no edge and no entry of ``nodes`` has.

    Notes
    -----
    Assumes that the graph without its bidirected edges is acyclic: it is an acyclic
    directed mixed graph. Each node is independent of the nodes that are neither its
    descendants nor its parents given its parents, if nothing is bidirected; with
    bidirected edges, m-separation says what is independent of what.

    References
    ----------
    Richardson, T. (2003). Markov properties for acyclic directed mixed graphs.
    Scandinavian Journal of Statistics 30. https://doi.org/10.1111/1467-9469.00323

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> graph = CausalGraph([("age", "drug"), ("age", "health"), ("drug", "health")])
    >>> sorted(graph.parents("health"))
    ['age', 'drug']
    >>> graph.do("drug").d_separated("age", "drug")
    True
    """

    def __init__(
        self,
        directed: Iterable[Edge] = (),
        bidirected: Iterable[Edge] = (),
        nodes: Iterable[Node] = (),
        *,
        latent: Iterable[Node] = (),
    ) -> None:
        directed = edge_list(directed, "directed", ordered=True)
        bidirected = edge_list(bidirected, "bidirected", ordered=False)
        names = all_nodes([*directed, *bidirected], node_list(nodes, "nodes"))
        self._index = {name: code for code, name in enumerate(names)}
        self._latent = frozenset(node_list(latent, "latent"))
        check_latent(self._latent, self._index)
        self._adjacency = Adjacency(
            len(names),
            edge_array((self._index[a], self._index[b]) for a, b in directed),
            edge_array(self._sorted_codes(a, b) for a, b in bidirected),
        )
        if len(topological_order(self._adjacency)) < len(names):
            cycle = [names[code] for code in find_cycle(self._adjacency)]
            raise CycleError(
                f"CausalGraph: directed edges lead in a circle: "
                f"{' -> '.join(map(str, cycle))}. Take one of them out; a feedback "
                "over time needs a node for each time."
            )

    def _sorted_codes(self, a: Node, b: Node) -> tuple[int, int]:
        first, second = sorted((self._index[a], self._index[b]))
        return first, second

    # Relatives

    def parents(self, nodes: Nodes) -> frozenset[Node]:
        """Return the direct causes of one or more nodes.

        Parameters
        ----------
        nodes : node or collection of nodes
            Whose parents.

        Returns
        -------
        frozenset of node
            Every node with an arrow into one of ``nodes``.
        """
        return self._union(nodes, self._adjacency.parents)

    def children(self, nodes: Nodes) -> frozenset[Node]:
        """Return what one or more nodes cause directly.

        Parameters
        ----------
        nodes : node or collection of nodes
            Whose children.

        Returns
        -------
        frozenset of node
            Every node that one of ``nodes`` has an arrow into.
        """
        return self._union(nodes, self._adjacency.children)

    def siblings(self, nodes: Nodes) -> frozenset[Node]:
        """Return the nodes that bidirected edges join to one or more nodes.

        Parameters
        ----------
        nodes : node or collection of nodes
            Whose siblings.

        Returns
        -------
        frozenset of node
            Every node that shares a hidden cause with one of ``nodes``.
        """
        return self._union(nodes, self._adjacency.siblings)

    def _union(self, nodes: Nodes, lists: list[list[int]]) -> frozenset[Node]:
        return self.names(
            {other for code in self.codes(nodes) for other in lists[code]}
        )

    def ancestors(self, nodes: Nodes) -> frozenset[Node]:
        """Return the direct and indirect causes of nodes, and the nodes themselves.

        Parameters
        ----------
        nodes : node or collection of nodes
            Whose ancestors.

        Returns
        -------
        frozenset of node
            Every node with a directed path, maybe of no edge, to one of ``nodes``.
        """
        return self.names(closure(self.codes(nodes), self._adjacency.parents))

    def descendants(self, nodes: Nodes) -> frozenset[Node]:
        """Return what nodes cause, directly or not, and the nodes themselves.

        Parameters
        ----------
        nodes : node or collection of nodes
            Whose descendants.

        Returns
        -------
        frozenset of node
            Every node with a directed path, maybe of no edge, from one of ``nodes``.
        """
        return self.names(closure(self.codes(nodes), self._adjacency.children))

    def topological_order(self) -> tuple[Node, ...]:
        """Return all nodes, causes before effects.

        Returns
        -------
        tuple of node
            Of the nodes that may come next, the first in `nodes` does.
        """
        return tuple(self.nodes[code] for code in topological_order(self._adjacency))

    def districts(self) -> tuple[frozenset[Node], ...]:
        """Return the sets of nodes that bidirected edges join, the c-components.

        Returns
        -------
        tuple of frozenset of node
            A partition of the nodes, in the order of their first nodes.
        """
        adjacency = self._adjacency
        found = components(range(adjacency.n_nodes), adjacency.siblings)
        return tuple(self.names(part) for part in found)

    def d_separated(self, a: Nodes, b: Nodes, given: Nodes = ()) -> bool:
        """Tell whether nodes are independent given others by the graph alone.

        Parameters
        ----------
        a, b : node or collection of nodes
            The two sides.
        given : node or collection of nodes, default=()
            What is held fixed.

        Returns
        -------
        bool
            True if every path between the sides is blocked (m-separation where
            there are bidirected edges).

        Raises
        ------
        GraphError
            If the three sets share a node.

        Examples
        --------
        >>> from skcausal.graphs import CausalGraph
        >>> collider = CausalGraph([("a", "c"), ("b", "c")])
        >>> collider.d_separated("a", "b"), collider.d_separated("a", "b", "c")
        (True, False)
        """
        left, right, held = (set(self.codes(part)) for part in (a, b, given))
        for one, two in ((left, right), (left, held), (right, held)):
            if one & two:
                shared = ", ".join(map(str, self.ordered(self.names(one & two))))
                raise GraphError(
                    f"CausalGraph.d_separated: {shared} is on two sides. "
                    "a, b and given must not share a node."
                )
        return not connected(self._adjacency, left, held) & right

    # Other graphs made of this one

    def do(self, nodes: Nodes) -> "CausalGraph":
        """Return the graph under an intervention: no edge goes into ``nodes``.

        Parameters
        ----------
        nodes : node or collection of nodes
            What is set from outside.

        Returns
        -------
        CausalGraph
            Without arrows into ``nodes`` and without their bidirected edges.
        """
        set_ = self._mask(nodes)
        adjacency = self._adjacency
        into = set_[adjacency.directed[:, 1]]
        return self._with(adjacency.without(into, set_[adjacency.bidirected].any(1)))

    def without_edges_out_of(self, nodes: Nodes) -> "CausalGraph":
        """Return the graph without the arrows that leave ``nodes``.

        Parameters
        ----------
        nodes : node or collection of nodes
            Whose effects are cut.

        Returns
        -------
        CausalGraph
            In which ``nodes`` cause nothing.
        """
        adjacency = self._adjacency
        out = self._mask(nodes)[adjacency.directed[:, 0]]
        none = np.zeros(len(adjacency.bidirected), dtype=bool)
        return self._with(adjacency.without(out, none))

    def subgraph(self, nodes: Nodes) -> "CausalGraph":
        """Return the graph of some nodes and the edges among them.

        Parameters
        ----------
        nodes : node or collection of nodes
            What is kept.

        Returns
        -------
        CausalGraph
            Paths through other nodes are lost: see `latent_projection`.
        """
        kept = self.ordered(nodes)
        inside = set(kept)
        return CausalGraph(
            [edge for edge in self.directed if inside.issuperset(edge)],
            [edge for edge in self.bidirected if inside.issuperset(edge)],
            kept,
            latent=self._latent & inside,
        )

    def latent_projection(self, observed: Nodes | None = None) -> "CausalGraph":
        """Return the graph over the observed nodes that means the same for them.

        Parameters
        ----------
        observed : collection of nodes, default=None
            What is kept; None for all nodes that are not latent.

        Returns
        -------
        CausalGraph
            With an arrow for each directed path through removed nodes and a
            bidirected edge for each pair that removed nodes confound.
        """
        kept = self.ordered(self.observed if observed is None else observed)
        directed, bidirected = project(self._adjacency, self.codes(kept))
        names = self.nodes
        return CausalGraph(
            [(names[a], names[b]) for a, b in directed],
            [(names[a], names[b]) for a, b in bidirected],
            kept,
            latent=self._latent.intersection(kept),
        )

    def moral_graph(self) -> "nx.Graph[Node]":
        """Return the undirected graph in which separation is plain reachability.

        Returns
        -------
        networkx.Graph
            Each district is joined to itself and its parents, completely.
        """
        import networkx as nx

        moral: nx.Graph[Node] = nx.Graph()
        moral.add_nodes_from(self.nodes)
        for district in self.districts():
            group = self.ordered(district | self.parents(district))
            moral.add_edges_from(
                (a, b) for k, a in enumerate(group) for b in group[k + 1 :]
            )
        return moral

    def _repr_html_(self) -> str:
        """Return what a notebook shows: the drawing."""
        from skcausal.graphs._drawing import graph_html

        return graph_html(self)

    def _mask(self, nodes: Nodes) -> Any:
        mask = np.zeros(len(self._index), dtype=bool)
        mask[self.codes(nodes)] = True
        return mask

    def _with(self, adjacency: Adjacency) -> "CausalGraph":
        return self._from_adjacency(self._index, self._latent, adjacency)
