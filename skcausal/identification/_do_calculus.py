"""The three rules of do-calculus, and derivations by them."""

from dataclasses import dataclass

from skcausal.graphs import CausalGraph
from skcausal.identification._derivation import Derivation, search
from skcausal.identification._do_rules import NodeSet, Rules, State, move
from skcausal.identification._errors import IdentificationError, NotIdentifiedError
from skcausal.identification._expressions import Probability
from skcausal.identification._steps import names
from skcausal.identification._variables import Named, Variable, as_variables


@dataclass(frozen=True)
class RuleResult:
    """What a rule of do-calculus says about a probability.

    Parameters
    ----------
    rule : str
        ``"rule 1"``, ``"rule 2"`` or ``"rule 3"``.
    applies : bool
        Whether the separation holds.
    separation : str
        What must be separated, given what, in which graph, and whether it is.
    before, after : Probability
        The probability, and what the rule turns it into; they are equal if the rule
        applies.

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import DoCalculus, Probability
    >>> calculus = DoCalculus(CausalGraph([("x", "y")]))
    >>> result = calculus.rule2(Probability("y", do="x"), "x")
    >>> bool(result), str(result.after)
    (True, 'P(y | x)')
    """

    rule: str
    applies: bool
    separation: str
    before: Probability
    after: Probability

    def __bool__(self) -> bool:
        """Tell whether the rule applies."""
        return self.applies

    def __str__(self) -> str:
        """Return the rule as a sentence."""
        sign = "=" if self.applies else "is not shown to be"
        return f"{self.before} {sign} {self.after} by {self.rule}: {self.separation}."


class DoCalculus:
    r"""The rules by which interventions become observations.

    Parameters
    ----------
    graph : CausalGraph
        What is assumed; latent nodes stay in it.

    Notes
    -----
    Assumes that the graph is right. With :math:`G_{\overline X}` the graph without
    edges into X and :math:`G_{\underline Z}` that without arrows out of Z, they are

    1. :math:`P(y \mid do(x), z, w) = P(y \mid do(x), w)` if Z and Y are separated given
       X and W in :math:`G_{\overline X}`;
    2. :math:`P(y \mid do(x), do(z), w) = P(y \mid do(x), z, w)` if they are in
       :math:`G_{\overline X \underline Z}`;
    3. :math:`P(y \mid do(x), do(z), w) = P(y \mid do(x), w)` if they are in
       :math:`G_{\overline X, \overline{Z(W)}}`, where Z(W) is the part of Z that is
       no ancestor of W in :math:`G_{\overline X}`.

    References
    ----------
    Pearl, J. (1995). Causal diagrams for empirical research. Biometrika 82, 669-688.
    https://doi.org/10.1093/biomet/82.4.669

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import DoCalculus, Probability
    >>> graph = CausalGraph([("z", "x"), ("z", "y"), ("x", "y")])
    >>> print(DoCalculus(graph).derive(Probability("y", do="x")))
    P(y | do(x))
    = Σ_{z} P(y | do(x), z) P(z | do(x))
      sum rule: over z
    = Σ_{z} P(y | x, z) P(z | do(x))
      rule 2: x and y are separated given z in the graph without arrows out of x
    = Σ_{z} P(y | x, z) P(z)
      rule 3: x and z are separated in the graph without edges into x
    """

    def __init__(self, graph: CausalGraph) -> None:
        self.graph = graph
        self._rules = Rules(graph)

    def rule1(self, probability: Probability, nodes: Named) -> RuleResult:
        """Leave out what is seen, or see more.

        Parameters
        ----------
        probability : Probability
            Of nodes without primes or worlds.
        nodes : node or collection of nodes
            What is given and to be left out, or absent and to be given.

        Returns
        -------
        RuleResult
            Whether that changes nothing, and why.

        Raises
        ------
        IdentificationError
            If ``nodes`` are not all given, or all absent.
        """
        return self._result(1, probability, nodes, ("given", "absent"))

    def rule2(self, probability: Probability, nodes: Named) -> RuleResult:
        """See in place of setting, or set in place of seeing.

        Parameters
        ----------
        probability : Probability
            Of nodes without primes or worlds.
        nodes : node or collection of nodes
            What is set and to be seen, or given and to be set.

        Returns
        -------
        RuleResult
            Whether that changes nothing, and why.

        Raises
        ------
        IdentificationError
            If ``nodes`` are not all set, or all given.
        """
        return self._result(2, probability, nodes, ("set", "given"))

    def rule3(self, probability: Probability, nodes: Named) -> RuleResult:
        """Leave out what is set, or set more.

        Parameters
        ----------
        probability : Probability
            Of nodes without primes or worlds.
        nodes : node or collection of nodes
            What is set and to be left out, or absent and to be set.

        Returns
        -------
        RuleResult
            Whether that changes nothing, and why.

        Raises
        ------
        IdentificationError
            If ``nodes`` are not all set, or all absent.
        """
        return self._result(3, probability, nodes, ("set", "absent"))

    def derive(self, query: Probability, max_depth: int = 4) -> Derivation:
        """Turn a probability under interventions into one of what is seen.

        Parameters
        ----------
        query : Probability
            Of observed nodes without primes or worlds.
        max_depth : int, default=4
            How deep sums, products and fractions may be nested.

        Returns
        -------
        Derivation
            With the least nesting that was found.

        Raises
        ------
        NotIdentifiedError
            If none was found. `identify` finds a formula wherever there is one.
        IdentificationError
            If the query names a latent node.
        """
        state = self._state("derive", query)
        hidden = state.named & self.graph.latent
        if hidden:
            raise IdentificationError(
                f"DoCalculus.derive: {names(self.graph.ordered(list(hidden)))} is "
                "latent. Ask about what is measured."
            )
        found = search(self.graph, state, max_depth)
        if found is None:
            raise NotIdentifiedError(
                f"DoCalculus.derive: no derivation of {query} was found within depth "
                f"{max_depth}, which proves nothing. Ask identify, which finds a "
                "formula wherever there is one, or raise max_depth."
            )
        return found

    def _state(self, name: str, probability: Probability) -> State:
        variables = (*probability.variables, *probability.given, *probability.do)
        for one in variables:
            if one != Variable(one.node):
                raise IdentificationError(
                    f"DoCalculus.{name}: {one} has a prime or a world, got "
                    f"{probability}. Use plain nodes; identify_counterfactual knows "
                    "worlds."
                )
        self.graph.codes([one.node for one in variables])
        sides = (probability.variables, probability.do, probability.given)
        return State(*(frozenset(one.node for one in side) for side in sides))

    def _result(
        self, rule: int, probability: Probability, nodes: Named, places: tuple[str, str]
    ) -> RuleResult:
        name = f"rule{rule}"
        state = self._state(name, probability)
        z: NodeSet = frozenset(one.node for one in as_variables(nodes))
        self.graph.codes(list(z))
        found = [place for place in places if z and z <= self._place(state, place)]
        if not found:
            got = names(sorted(map(str, z))) or "none"
            raise IdentificationError(
                f"DoCalculus.{name}: nodes must all be {places[0]} or all be "
                f"{places[1]} in {probability}, got {got}. Take others, or another "
                "rule."
            )
        one = move(rule, z, state)
        applies = self._rules.applies(one)
        return RuleResult(
            f"rule {rule}",
            applies,
            self._rules.statement(one, applies),
            probability,
            one.after.probability,
        )

    def _place(self, state: State, place: str) -> NodeSet:
        absent = frozenset(self.graph.nodes) - state.named
        return {"given": state.seen, "set": state.done, "absent": absent}[place]
