"""Sets of covariates that turn an association into an effect."""

from collections.abc import Iterator, Mapping
from functools import cached_property

import numpy as np

from skcausal.graphs import CausalGraph
from skcausal.graphs._named_graph import Node, Nodes
from skcausal.graphs._separation import connected
from skcausal.graphs._separators import SeparationProblem
from skcausal.identification._criterion import choose_criterion
from skcausal.identification._errors import IdentificationError, NoAdjustmentSetError
from skcausal.identification._explaining import explanation, why_none
from skcausal.identification._precision import BestSet
from skcausal.identification._question import check_question, listed

_EFFECTS = ("total", "direct")
_CRITERIA = ("adjustment", "backdoor")


class AdjustmentSets:
    r"""The sets of observed covariates that identify an effect by adjustment.

    A set is valid if comparing treatments among rows that are alike in it gives the
    effect, whatever the numbers behind the graph. There can be many; they differ in
    what they cost to measure and in how precise an estimate they allow.

    Parameters
    ----------
    graph : CausalGraph
        What is assumed.
    treatment, outcome : node or collection of nodes
        Of what, on what. Several treatments are set together.
    observed : collection of nodes, default=None
        What is measured, treatment and outcome among it; None for all nodes that are
        not latent.
    effect : {"total", "direct"}, default="total"
        ``"total"`` is the effect along all causal paths; ``"direct"`` that of the
        arrow from treatment to outcome, which takes several treatments but one
        outcome.
    include : node or collection of nodes, default=()
        What each set must contain, such as effect modifiers.
    criterion : {"adjustment", "backdoor"}, default="adjustment"
        ``"adjustment"`` finds every valid set; ``"backdoor"`` those without nodes that
        the treatment causes.

    Raises
    ------
    UnknownNodeError
        If a name is not a node of the graph.
    IdentificationError
        If roles overlap, treatment, outcome or ``include`` is not observed,
        ``include`` names a node that no valid set contains, or the graph says that
        the treatment has no such effect.

    Notes
    -----
    Assumes that the graph is right and that every combination of covariates has some
    rows of each treatment. A set :math:`Z` is valid if

    .. math:: p(y \mid do(x)) = \sum_z p(y \mid x, z) \, p(z)

    which holds for every distribution of the graph if and only if :math:`Z` contains no
    node on a causal path from treatment to outcome, nor a descendant of one, and blocks
    all other paths. A direct effect is the coefficient of the treatment in a linear
    model: its set blocks all paths but the arrow.

    References
    ----------
    Perkovic, E., Textor, J., Kalisch, M. and Maathuis, M. H. (2018). Complete graphical
    characterization and construction of adjustment sets in Markov equivalence classes
    of ancestral graphs. JMLR 18. https://jmlr.org/papers/v18/16-319.html

    van der Zander, B., Liskiewicz, M. and Textor, J. (2019). Separators and adjustment
    sets in causal graphs. Artificial Intelligence 270.
    https://doi.org/10.1016/j.artint.2018.12.006

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import AdjustmentSets
    >>> graph = CausalGraph(
    ...     [("a", "x"), ("a", "b"), ("b", "y"), ("x", "m"), ("m", "y")]
    ... )
    >>> sets = AdjustmentSets(graph, "x", "y")
    >>> sorted(sorted(one) for one in sets.all_minimal())
    [['a'], ['b']]
    >>> sets.optimal()
    frozenset({'b'})
    >>> print(sets.explain(["b", "m"]))
    {b, m} is not valid: m is on a causal path to the outcome, or caused by such a node.
    """

    def __init__(
        self,
        graph: CausalGraph,
        treatment: Nodes,
        outcome: Nodes,
        *,
        observed: Nodes | None = None,
        effect: str = "total",
        include: Nodes = (),
        criterion: str = "adjustment",
    ) -> None:
        _check_choice("effect", effect, _EFFECTS)
        _check_choice("criterion", criterion, _CRITERIA)
        self._graph = graph
        self._question = check_question(
            "AdjustmentSets", graph, treatment, outcome, observed, include
        )
        self._criterion = choose_criterion(self._question, effect, criterion)
        barred = self._question.include & self._criterion.forbidden
        if barred:
            raise IdentificationError(
                f"AdjustmentSets: include names {listed(graph, barred)}, which no "
                f"valid set contains: it is {self._criterion.why}. Take it out."
            )

    def __repr__(self) -> str:
        """Return which effect the sets are for."""
        sides = (self._question.treatment, self._question.outcome)
        treatment, outcome = (listed(self._graph, codes) for codes in sides)
        effect = self._criterion.effect
        return f"AdjustmentSets({effect} effect of {treatment} on {outcome})"

    @cached_property
    def _allowed(self) -> frozenset[int]:
        question = self._question
        taken = question.treatment | question.outcome | self._criterion.forbidden
        return question.observed - taken

    @cached_property
    def _problem(self) -> SeparationProblem:
        question = self._question
        return SeparationProblem.of(
            self._criterion.joined,
            question.treatment,
            question.outcome,
            question.include,
            self._allowed,
        )

    @cached_property
    def _canonical(self) -> frozenset[int]:
        found = self._problem.allowed | self._question.include
        if not self._separates(found):
            raise self._none_exists(found)
        return found

    def _separates(self, codes: frozenset[int]) -> bool:
        reached = connected(self._criterion.joined, self._question.treatment, codes)
        return reached.isdisjoint(self._question.outcome)

    def is_valid(self, z: Nodes) -> bool:
        """Tell whether adjusting for a set gives the effect.

        Parameters
        ----------
        z : node or collection of nodes
            The set; empty for no adjustment.

        Returns
        -------
        bool
            Whether it is valid, contains ``include`` and is observed.
        """
        codes = frozenset(self._graph.codes(z))
        inside = self._question.include <= codes <= self._allowed
        return inside and self._separates(codes)

    def any(self) -> frozenset[Node]:
        """Return some valid set, the one that is quickest to find.

        Returns
        -------
        frozenset of node
            The canonical set.

        Raises
        ------
        NoAdjustmentSetError
            If no set is valid; the message shows a path that stays open.
        """
        return self._graph.names(self._canonical)

    def canonical(self) -> frozenset[Node]:
        """Return all that may be adjusted for among the causes of either side.

        Returns
        -------
        frozenset of node
            Observed ancestors of treatment, outcome and ``include`` that are not
            forbidden. It is valid if any set is.

        Raises
        ------
        NoAdjustmentSetError
            If no set is valid.
        """
        return self._graph.names(self._canonical)

    def minimal(self) -> frozenset[Node]:
        """Return a valid set that loses validity if any node is left out.

        Returns
        -------
        frozenset of node
            The minimal set closest to the treatment.

        Raises
        ------
        NoAdjustmentSetError
            If no set is valid.
        """
        return self._nearest(self._question.treatment, self._question.outcome)

    def optimal_minimal(self) -> frozenset[Node]:
        """Return the minimal set with the most precise estimate.

        Returns
        -------
        frozenset of node
            The minimal set closest to the outcome. It exists whenever a valid set
            does, with latent nodes too (Smucler, Sapienza and Rotnitzky 2022, for one
            treatment and one outcome).

        Raises
        ------
        NoAdjustmentSetError
            If no set is valid.
        """
        return self._nearest(self._question.outcome, self._question.treatment)

    def _nearest(self, near: frozenset[int], far: frozenset[int]) -> frozenset[Node]:
        found = self._problem.nearest(near, far)
        if found is None:
            raise self._none_exists(self._problem.allowed | self._question.include)
        return self._graph.names(found | self._question.include)

    def all_minimal(self) -> Iterator[frozenset[Node]]:
        """Iterate over all minimal valid sets.

        Returns
        -------
        iterator of frozenset of node
            Each once, none if no set is valid. There may be exponentially many; the
            time between two is polynomial in the size of the graph.
        """
        return (self._graph.names(found) for found in self._problem.all_minimal())

    def minimum_cost(self, cost: Mapping[Node, float] | None = None) -> frozenset[Node]:
        """Return a valid set that costs least.

        Parameters
        ----------
        cost : mapping of node to float, default=None
            What each covariate costs, zero or more; None if all cost the same, for a
            set of smallest size.

        Returns
        -------
        frozenset of node
            A minimal set whose costs add up to least, found as a minimum cut.

        Raises
        ------
        NoAdjustmentSetError
            If no set is valid.
        IdentificationError
            If a cost is missing, negative or not a finite number.
        """
        allowed = self._problem.allowed
        costs = {code: self._cost(self._graph.nodes[code], cost) for code in allowed}
        found = self._problem.cheapest(costs)
        if found is None:
            raise self._none_exists(allowed | self._question.include)
        return self._graph.names(found)

    @staticmethod
    def _cost(node: Node, cost: Mapping[Node, float] | None) -> float:
        if cost is None:
            return 1.0
        if node not in cost:
            raise IdentificationError(
                f"AdjustmentSets.minimum_cost: cost has no entry for {node!r}. Add "
                "one for each covariate, or leave the node out of observed."
            )
        value = float(cost[node])
        if not (np.isfinite(value) and value >= 0):
            raise IdentificationError(
                f"AdjustmentSets.minimum_cost: cost of {node!r} must be finite and not "
                f"negative, got {cost[node]!r}. Leave out of observed what must not "
                "be used."
            )
        return value

    def optimal(self) -> frozenset[Node]:
        r"""Return the set that allows the most precise estimate of a total effect.

        Returns
        -------
        frozenset of node
            The parents of the causal paths that are not on them, covariates that share
            a hidden cause with these paths and the parents of such covariates, and
            ``include``.

        Raises
        ------
        NoAdjustmentSetError
            If no set is valid.
        IdentificationError
            If no set is known to be best for every distribution of the graph, as may
            be with hidden causes; `optimal_minimal` and `all_minimal` still help.

        Notes
        -----
        Assumes a total effect. With :math:`cn` the nodes on causal paths and no hidden
        causes, :math:`O = pa(cn) \setminus (cn \cup X)`. For linear least squares and
        for efficient estimators of any kind, no valid set :math:`Z` has a smaller
        asymptotic variance, since :math:`Y` and :math:`Z \setminus O` are independent
        given :math:`X` and :math:`O`, and :math:`X` and :math:`O \setminus Z` are
        independent given :math:`Z`. With hidden causes a best set may not exist;
        conditions of Runge (2021) are checked, the first in a stronger form.

        References
        ----------
        Henckel, L., Perkovic, E. and Maathuis, M. H. (2022). Graphical criteria for
        efficient total effect estimation via adjustment in causal linear models.
        JRSS B 84. https://doi.org/10.1111/rssb.12451

        Rotnitzky, A. and Smucler, E. (2020). Efficient adjustment sets for population
        average causal treatment effect estimation in graphical models. JMLR 21.
        https://jmlr.org/papers/v21/19-1026.html

        Runge, J. (2021). Necessary and sufficient graphical conditions for optimal
        adjustment sets in causal graphical models with hidden variables. NeurIPS 34.
        https://arxiv.org/abs/2102.10324
        """
        if self._criterion.effect != "total":
            raise IdentificationError(
                "AdjustmentSets.optimal: a best set is known for total effects only. "
                "Use minimal() or all_minimal() for a direct effect."
            )
        best = BestSet(self._question, self._criterion, self._allowed)
        if not best.exists():
            _ = self._canonical  # whether any set is valid
            raise IdentificationError(
                "AdjustmentSets.optimal: with these hidden causes no set is known to "
                "be best for every distribution of the graph. Use optimal_minimal(), "
                "or compare the standard errors of several valid sets on data."
            )
        return self._graph.names(best.candidate)

    def explain(self, z: Nodes = ()) -> str:
        """Say in words why a set is valid or not.

        Parameters
        ----------
        z : node or collection of nodes, default=()
            The set.

        Returns
        -------
        str
            What is wrong: nodes that must not be in it, or a path that is open.
        """
        codes = frozenset(self._graph.codes(z))
        return explanation(self._question, self._criterion, codes)

    def _none_exists(self, tried: frozenset[int]) -> NoAdjustmentSetError:
        message = why_none(self._question, self._criterion, tried)
        return NoAdjustmentSetError(f"AdjustmentSets: {message}")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise IdentificationError(
            f"AdjustmentSets: {name} must be one of {', '.join(map(repr, choices))}, "
            f"got {value!r}."
        )
