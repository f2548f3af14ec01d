"""What would have been: formulas for questions about several worlds."""

from collections.abc import Collection
from itertools import permutations
from typing import Any

from skcausal.graphs import CausalGraph
from skcausal.identification._counterfactual_estimand import CounterfactualEstimand
from skcausal.identification._counterfactual_factors import Factors
from skcausal.identification._counterfactual_graph import (
    Copies,
    Part,
    Worlds,
    nodes_in,
)
from skcausal.identification._errors import IdentificationError
from skcausal.identification._expression import Expression, One, Zero
from skcausal.identification._expressions import Fraction, Probability, Sum, product
from skcausal.identification._simplification import (
    conditional_of,
    factors_of,
    joined_of,
)
from skcausal.identification._variables import Named, Variable, as_variables


def identify_counterfactual(
    graph: CausalGraph,
    outcome: Named,
    given: Named = (),
    *,
    observed: Any = None,
    from_experiments: bool = False,
) -> CounterfactualEstimand:
    r"""Return the probability of events in several worlds as a formula.

    An event is a `Variable`: ``Variable("y", world=["x"])`` is the outcome y under
    x, and ``Variable("x", primes=1)`` is that x' is found. Values of one node that
    differ in primes are different values.

    Parameters
    ----------
    graph : CausalGraph
        What is assumed.
    outcome : node, Variable or collection of them
        The events in question.
    given : node, Variable or collection of them, default=()
        Events that are known, in the same or in other worlds.
    observed : collection of nodes, default=None
        What is measured; None for all nodes that the graph does not call latent.
    from_experiments : bool, default=False
        Whether the formula may use what experiments show, in which any observed nodes
        are set. False asks for a formula of what is seen without.

    Returns
    -------
    CounterfactualEstimand
        The formula and its derivation.

    Raises
    ------
    NotIdentifiedError
        If there is no formula; it says which worlds clash, or carries the hedge.
    UnknownNodeError
        If an event names what is not a node of the graph.
    IdentificationError
        If the given events cannot all be, or an event is not observed.

    Notes
    -----
    Assumes that the graph is right, that one mechanism with the same noise rules each
    node in all worlds, and that what the formula conditions on occurs. Copies of a
    node with the same causes at the same values are merged. What is set has the value
    it is set to (effectiveness), so an event is left out or impossible. The rest
    splits into districts, :math:`P(\gamma) = \sum \prod_j P(C_j)`; one in which a node
    has two values is seen in no experiment, and each other one is
    :math:`P(c_j \mid do(pa_j))`. Under conditions, the groups of districts that
    numerator and denominator share cancel. This finds what ID* and IDC* find, for
    nodes of however many values. A node of two values may allow more by subtraction:
    :math:`P(y_x, x') = P(y_x) - P(y, x)`, where :math:`P(y_x)` is identified.

    References
    ----------
    Shpitser, I. and Pearl, J. (2008). Complete identification methods for the causal
    hierarchy. Journal of Machine Learning Research 9, 1941-1979.
    https://jmlr.org/papers/v9/shpitser08a.html

    Correa, J., Lee, S. and Bareinboim, E. (2021). Nested counterfactual identification
    from arbitrary surrogate experiments. NeurIPS 34.
    https://arxiv.org/abs/2107.03190

    Examples
    --------
    The effect of treatment on the treated:

    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import Variable, identify_counterfactual
    >>> front_door = CausalGraph([("x", "m"), ("m", "y")], [("x", "y")])
    >>> untreated = Variable("y", world=["x"])
    >>> print(identify_counterfactual(front_door, untreated, Variable("x", primes=1)))
    P(y_{x} | x') = Σ_{m} P(y | m, x') P(m | x)
    """
    events, known = as_variables(outcome), as_variables(given)
    projected = _projection(graph, [*events, *known], observed)
    query = Probability(events, known) if events else None
    if query is None:
        raise IdentificationError(
            "identify_counterfactual: outcome must name an event, got none."
        )
    copies = Copies(projected)
    factors = Factors(copies, str(query), query.free, from_experiments)
    expression = _solved(copies, factors, events, known)
    return CounterfactualEstimand(
        expression, events, known, graph, tuple(factors.steps), from_experiments
    )


def _projection(
    graph: CausalGraph, events: Collection[Variable], observed: Any
) -> CausalGraph:
    """Return the graph over what is observed, events checked against it."""
    if not isinstance(graph, CausalGraph):
        raise IdentificationError(
            f"identify_counterfactual: graph must be a CausalGraph, got "
            f"{type(graph).__name__}. Make one with CausalGraph(directed=[...])."
        )
    seen = graph.ordered(graph.observed if observed is None else observed)
    for node in graph.ordered({node for one in events for node in nodes_in(one)}):
        if node not in seen:
            raise IdentificationError(
                f"identify_counterfactual: {node!r} is in an event and not observed. "
                "Ask about what is measured."
            )
    return graph.latent_projection(list(seen))


def _solved(
    copies: Copies,
    factors: Factors,
    events: tuple[Variable, ...],
    known: tuple[Variable, ...],
) -> Expression:
    below = Worlds(copies, known)
    if below.impossible:
        raise IdentificationError(
            f"identify_counterfactual: given cannot be: {below.impossible}. Leave one "
            "of the events out."
        )
    above = Worlds(copies, [*events, *known])
    factors.steps += above.notes
    if above.impossible:
        factors.steps.append(above.impossible)
        return Zero()
    if above.fixed == below.fixed:
        return One()
    tops, bottoms = above.groups(), below.groups()
    _tell(factors, tops)
    both = [group for group in tops if group in bottoms]
    if both:
        texts = ", ".join(factors.text(part) for group in both for part in group)
        factors.steps.append(f"{texts} cancels, as the given events have it too")
    top = factors.of([group for group in tops if group not in both]).simplify()
    bottom = factors.of([group for group in bottoms if group not in both]).simplify()
    return top if isinstance(bottom, One) else _ratio(top, bottom)


def _ratio(above: Expression, below: Expression) -> Expression:
    """Return a fraction; a sum of P(y | x, z) P(x | z) P(z) over P(x) needs none."""
    if isinstance(above, Sum) and isinstance(below, Probability):
        parts = factors_of(above.body) if not {*above.over} & below.free else []
        for one, other in permutations(parts, 2):
            joint = joined_of(one, other)
            conditional = joint and conditional_of(joint, below)
            if conditional:
                rest = [part for part in parts if part not in (one, other)]
                return Sum(above.over, product([*rest, conditional]))
    return Fraction(above, below).simplify()


def _tell(factors: Factors, groups: list[list[Part]]) -> None:
    parts = [part for group in groups for part in group]
    if len(parts) > 1:
        texts = ", ".join(map(factors.text, parts))
        factors.steps.append(f"Hidden causes split the joint probability into {texts}")
