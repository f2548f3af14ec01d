"""Mediators that carry the whole effect and share no hidden cause with either end."""

from collections.abc import Iterator
from typing import NoReturn

from skcausal.graphs import CausalGraph
from skcausal.graphs._named_graph import Node, Nodes
from skcausal.identification._errors import IdentificationError
from skcausal.identification._front_door_search import FrontDoorSearch
from skcausal.identification._question import check_arrows, check_question


class NoFrontDoorSetError(IdentificationError):
    """No set of observed mediators satisfies the front-door criterion."""


class FrontDoorSets:
    r"""Sets of mediators through which an effect shows despite hidden confounding.

    Parameters
    ----------
    graph : CausalGraph
        What causes what.
    treatment, outcome : node or collection of nodes
        The effect of which nodes on which.
    observed : collection of nodes, default=None
        Nodes that are measured; None for all that the graph does not call latent.
    include : node or collection of nodes, default=()
        Mediators that every set must hold.

    Raises
    ------
    IdentificationError
        If treatment and outcome share a node, one of them is not observed, no directed
        path leads from a treatment to an outcome, or ``include`` names an end or a node
        that is not observed.

    Notes
    -----
    Assumes the graph, and that each value of the treatment occurs with each value of
    the mediators. Disjoint from treatment :math:`X` and outcome :math:`Y`, a set
    :math:`Z` satisfies the front-door criterion if (1) each directed path from
    :math:`X` to :math:`Y` passes it, (2) no back-door path from :math:`X` to
    :math:`Z` is open and (3) :math:`X` blocks each back-door path from :math:`Z` to
    :math:`Y`. Then

    .. math::
        P(y \mid do(x)) = \sum_z P(z \mid x) \sum_{x'} P(y \mid x', z) P(x').

    All nodes that (2) and (3) allow form one largest set, and one walk through the
    graph finds it; a minimal set takes three more. Both are linear in nodes and edges;
    between two sets that `all` yields, the cost is at most twice that per node.

    References
    ----------
    Pearl, J. (1995). Causal diagrams for empirical research. Biometrika 82.
    https://doi.org/10.1093/biomet/82.4.669

    Jeong, H., Tian, J. and Bareinboim, E. (2022). Finding and listing front-door
    adjustment sets. NeurIPS 35. https://arxiv.org/abs/2210.05816

    Wienöbst, M., van der Zander, B. and Liśkiewicz, M. (2024). Linear-time algorithms
    for front-door adjustment in causal graphs. AAAI 38.
    https://arxiv.org/abs/2211.16468

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import FrontDoorSets
    >>> arrows = [("smoking", "tar"), ("tar", "cancer")]
    >>> graph = CausalGraph(arrows, bidirected=[("smoking", "cancer")])
    >>> sorted(FrontDoorSets(graph, "smoking", "cancer").minimal())
    ['tar']
    """

    def __init__(
        self,
        graph: CausalGraph,
        treatment: Nodes,
        outcome: Nodes,
        *,
        observed: Nodes | None = None,
        include: Nodes = (),
    ) -> None:
        owner = type(self).__name__
        question = check_question(owner, graph, treatment, outcome, observed, include)
        check_arrows(owner, question)
        ends = question.treatment | question.outcome
        self._graph = graph
        self._allowed = question.observed - ends
        self._include = question.include
        self._search = FrontDoorSearch(
            graph.adjacency, question.treatment, question.outcome
        )

    def is_valid(self, nodes: Nodes) -> bool:
        """Tell whether nodes satisfy the front-door criterion.

        Parameters
        ----------
        nodes : node or collection of nodes
            The mediators.

        Returns
        -------
        bool
            False also if one is treatment, outcome or not observed, or if ``include``
            names one that is missing.

        Raises
        ------
        UnknownNodeError
            If one is not a node of the graph.
        """
        asked = frozenset(self._graph.codes(nodes))
        if not self._include <= asked <= self._allowed:
            return False
        return self._search.largest(asked, asked) is not None

    def any(self) -> frozenset[Node]:
        """Return the largest front-door set, of which every other is a part.

        Returns
        -------
        frozenset of node
            Mediators, and nodes that do no harm.

        Raises
        ------
        NoFrontDoorSetError
            If there is none.
        """
        found = self._search.largest(self._include, self._allowed)
        return self._refuse() if found is None else self._graph.names(found)

    def minimal(self) -> frozenset[Node]:
        """Return a front-door set no part of which is one.

        Returns
        -------
        frozenset of node
            A set that holds ``include``; of the others in it, none can be spared.

        Raises
        ------
        NoFrontDoorSetError
            If there is none.
        """
        found = self._search.minimal(self._include, self._allowed)
        return self._refuse() if found is None else self._graph.names(found)

    def all(self) -> Iterator[frozenset[Node]]:
        """Iterate over all front-door sets; there may be exponentially many.

        Yields
        ------
        frozenset of node
            Each set once; nothing if there is none.
        """
        for found in self._search.all(self._include, self._allowed):
            yield self._graph.names(found)

    def _refuse(self) -> NoReturn:
        """Say which condition of the criterion fails."""
        graph, search = self._graph, self._search
        fit = search.fit_nodes(self._allowed)
        unfit = graph.ordered(graph.names(self._include - fit))
        if unfit:
            reason = f"{unfit[0]!r}, which include names, has an open back door"
        else:
            reason = (
                "some directed path has no observed node without an open back door to "
                "the treatment or to the outcome"
            )
        ends = [
            ", ".join(repr(node) for node in graph.ordered(graph.names(side)))
            for side in (search.treatment, search.outcome)
        ]
        raise NoFrontDoorSetError(
            f"{type(self).__name__}: from {ends[0]} to {ends[1]}, {reason}. Measure "
            "such mediators, or look for another way to identify the effect."
        )
