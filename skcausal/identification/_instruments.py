"""Nodes that move the treatment and reach the outcome through it only."""

from collections.abc import Iterator

from skcausal.graphs import CausalGraph
from skcausal.graphs._adjacency import closure
from skcausal.graphs._named_graph import Node, Nodes
from skcausal.identification._errors import IdentificationError
from skcausal.identification._instrument_search import nearest_separator
from skcausal.identification._question import check_arrows, check_question


class NoInstrumentError(IdentificationError):
    """No observed node is an instrument, whatever is conditioned on."""


class InstrumentSets:
    r"""Instruments for an effect, each with what must be conditioned on.

    Parameters
    ----------
    graph : CausalGraph
        What causes what.
    treatment, outcome : node
        The effect of which node on which.
    observed : collection of nodes, default=None
        Nodes that are measured; None for all that the graph does not call latent.

    Raises
    ------
    IdentificationError
        If treatment or outcome is more than one node or not observed, both are the
        same, or no directed path joins them.

    Notes
    -----
    Assumes the graph. It shows independence, exclusion and relevance only; a number
    takes more: the same effect for all, or an instrument that moves nobody's treatment
    the other way. A node :math:`Z` is an instrument given :math:`W`, for the total
    effect of :math:`X` on :math:`Y`, if :math:`X` causes neither :math:`Z` nor any of
    :math:`W`, :math:`W` separates :math:`Z` from :math:`Y` once the arrows out of
    :math:`X` are cut, and :math:`W` does not separate :math:`Z` from :math:`X`. In a
    linear model the effect is then
    :math:`\mathrm{Cov}(Y, Z \mid W) / \mathrm{Cov}(X, Z \mid W)`.

    To find :math:`W` for a given :math:`Z` is NP-hard. If there is an instrument at
    all, however, there is one whose :math:`W` consists of ancestors of :math:`Z` and
    :math:`Y`, and for such the separator nearest to :math:`Y` serves if any does.
    `all` tries each node with that set: the cost is linear in the graph for each.

    References
    ----------
    Brito, C. and Pearl, J. (2002). Generalized instrumental variables. UAI 18.
    https://arxiv.org/abs/1301.0560

    van der Zander, B., Textor, J. and Liśkiewicz, M. (2015). Efficiently finding
    conditional instruments for causal inference. IJCAI 24.
    https://research.uni-luebeck.de/en/publications/efficiently-finding-conditional-instruments-for-causal-inference

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import InstrumentSets
    >>> arrows = [("town", "lot"), ("lot", "school"), ("school", "wage")]
    >>> arrows += [("town", "wage")]
    >>> graph = CausalGraph(arrows, bidirected=[("school", "wage")])
    >>> instruments = InstrumentSets(graph, "school", "wage")
    >>> instruments.any()
    ('lot', frozenset({'town'}))
    >>> instruments.is_valid("lot", given=())
    False
    """

    def __init__(
        self,
        graph: CausalGraph,
        treatment: Nodes,
        outcome: Nodes,
        *,
        observed: Nodes | None = None,
    ) -> None:
        owner = type(self).__name__
        question = check_question(owner, graph, treatment, outcome, observed)
        check_arrows(owner, question)
        for name, codes in (
            ("treatment", question.treatment),
            ("outcome", question.outcome),
        ):
            if len(codes) > 1:
                raise IdentificationError(
                    f"{owner}: {name} must be one node, got {len(codes)}. Ask for one "
                    "effect at a time."
                )
        self._graph = graph
        self._treatment = next(iter(graph.names(question.treatment)))
        self._outcome = next(iter(graph.names(question.outcome)))
        self._cut = graph.without_edges_out_of(self._treatment)
        affected = closure(question.treatment, graph.adjacency.children)
        self._allowed = question.observed - affected

    def is_valid(self, instrument: Node, given: Nodes = ()) -> bool:
        """Tell whether a node is an instrument given others.

        Parameters
        ----------
        instrument : node
            What moves the treatment.
        given : node or collection of nodes, default=()
            What is conditioned on, ancestors or not.

        Returns
        -------
        bool
            False also if one of the nodes is not observed or an effect of the
            treatment, or if ``given`` holds the instrument.

        Raises
        ------
        UnknownNodeError
            If one is not a node of the graph.
        """
        graph = self._graph
        moving, held = frozenset(graph.codes(instrument)), frozenset(graph.codes(given))
        if len(moving) != 1:
            raise IdentificationError(
                f"{type(self).__name__}.is_valid: instrument must be one node, got "
                f"{len(moving)}. Ask for one at a time."
            )
        if moving & held or not (moving | held) <= self._allowed:
            return False
        return self._cut.d_separated(instrument, self._outcome, given) and (
            not graph.d_separated(instrument, self._treatment, given)
        )

    def any(self) -> tuple[Node, frozenset[Node]]:
        """Return an instrument and what it is conditioned on.

        Returns
        -------
        tuple of (node, frozenset of node)
            The first that `all` yields.

        Raises
        ------
        NoInstrumentError
            If there is none.
        """
        found = next(self.all(), None)
        if found is None:
            raise NoInstrumentError(
                f"{type(self).__name__}: no observed node is an instrument for the "
                f"effect of {self._treatment!r} on {self._outcome!r}, whatever is held "
                "fixed. Each is an effect of the treatment, tells nothing about it, or "
                "reaches the outcome on another way."
            )
        return found

    def all(self) -> Iterator[tuple[Node, frozenset[Node]]]:
        """Iterate over instruments that need to hold only ancestors fixed.

        Yields
        ------
        tuple of (node, frozenset of node)
            Each instrument once, in the order of the graph, with a set of which no
            part keeps it and the outcome apart.
        """
        adjacency = self._cut.adjacency
        outcome = self._graph.codes(self._outcome)[0]
        for code in sorted(self._allowed):
            allowed = self._allowed - {code}
            found = nearest_separator(adjacency, outcome, code, allowed)
            if found is not None:
                node, given = self._graph.nodes[code], self._graph.names(found)
                if not self._graph.d_separated(node, self._treatment, given):
                    yield node, given
