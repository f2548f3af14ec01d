"""From a graph and a question to a formula."""

from collections.abc import Callable, Sequence
from typing import Any

from skcausal.graphs import CausalGraph
from skcausal.identification._adjustment import AdjustmentSets
from skcausal.identification._causal_query import CausalQuery, make_query
from skcausal.identification._errors import IdentificationError, NoAdjustmentSetError
from skcausal.identification._estimand import Estimand
from skcausal.identification._expression import Expression
from skcausal.identification._expressions import (
    Covariance,
    Fraction,
    Probability,
    Product,
    Sum,
    product,
    summation,
)
from skcausal.identification._front_door import FrontDoorSets, NoFrontDoorSetError
from skcausal.identification._id import Hedge
from skcausal.identification._instruments import InstrumentSets
from skcausal.identification._population import Population
from skcausal.identification._refusal import refusal
from skcausal.identification._steps import Step
from skcausal.identification._variables import Node


def identify(
    graph: CausalGraph,
    treatment: Any,
    outcome: Any,
    *,
    given: Any = (),
    observed: Any = None,
    kind: str | None = None,
    experiments: Sequence[Any] = (),
    populations: Sequence[Population] = (),
) -> Estimand:
    r"""Return the effect of a treatment as a formula of what is observed.

    Parameters
    ----------
    graph : CausalGraph
        What is assumed.
    treatment, outcome : node or collection of nodes
        What is set, and what is asked for.
    given : node or collection of nodes, default=()
        Conditions: the effect among rows at each of their values.
    observed : collection of nodes, default=None
        What is measured; None for all nodes that the graph does not call latent.
    kind : {"adjustment", "front-door", "instrument", "general"}, default=None
        How to identify it. None tries adjustment, then the front door, then the
        general algorithm, which finds a formula if there is any. ``"instrument"`` is
        used only when asked for, since it takes linear effects.
    experiments : sequence of collections of nodes, default=()
        Sets of nodes that were set in an experiment, in each of which all other
        observed nodes were seen; used where what is seen without one is not enough.
    populations : sequence of Population, default=()
        Others with the same graph, in which something was seen, and in what they
        differ from the one that the question is about; used where what is seen here
        is not enough.

    Returns
    -------
    Estimand
        The formula, its derivation and its assumptions.

    Raises
    ------
    NotIdentifiedError
        If there is no formula; it carries the reason and the ways out.
    NoAdjustmentSetError, NoFrontDoorSetError, NoInstrumentError
        If ``kind`` asks for what the graph does not have.
    UnknownNodeError
        If a name is not a node of the graph.
    IdentificationError
        If a node has two roles, treatment or outcome is not observed, or the graph
        says that the treatment has no effect on the outcome.

    Notes
    -----
    Assumes that the graph is right and that what the formula conditions on occurs. The
    general algorithm is ID, and IDC where there are conditions: both are complete, so
    that a refusal is a proof that two models of the graph agree on all that is seen and
    differ in the effect. Its cost is polynomial in the size of the graph; parts that a
    formula repeats are stored once. With ``experiments`` it is gID, with
    ``populations`` its extension to transportability; both are complete as well.

    References
    ----------
    Shpitser, I. and Pearl, J. (2006). Identification of joint interventional
    distributions in recursive semi-Markovian causal models. AAAI.
    https://cdn.aaai.org/AAAI/2006/AAAI06-191.pdf

    Shpitser, I. and Pearl, J. (2006). Identification of conditional interventional
    distributions. UAI. https://arxiv.org/abs/1206.6876

    Lee, S., Correa, J. and Bareinboim, E. (2019). General identifiability with
    arbitrary surrogate experiments. UAI.
    https://proceedings.mlr.press/v115/lee20b.html

    Lee, S., Correa, J. and Bareinboim, E. (2020). General transportability -
    synthesizing observations and experiments from heterogeneous domains. AAAI.
    https://doi.org/10.1609/aaai.v34i06.6582

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import identify
    >>> graph = CausalGraph([("age", "drug"), ("age", "health"), ("drug", "health")])
    >>> estimand = identify(graph, "drug", "health")
    >>> print(estimand)
    P(health | do(drug)) = Σ_{age} P(health | age, drug) P(age)
    >>> print(identify(graph, "drug", "health", given="age"))
    P(health | do(drug), age) = P(health | age, drug)
    """
    sources = (experiments, populations)
    query = make_query(graph, treatment, outcome, given, observed, *sources)
    if kind is not None:
        return _chosen(kind, query)(query)
    if not query.given:
        for attempt in (_adjustment, _front_door):
            try:
                return attempt(query)
            except (NoAdjustmentSetError, NoFrontDoorSetError):
                pass
    return _general(query)


def _chosen(kind: str, query: CausalQuery) -> Callable[[CausalQuery], Estimand]:
    kinds = {
        "adjustment": _adjustment,
        "front-door": _front_door,
        "instrument": _instrument,
        "general": _general,
    }
    if kind not in kinds:
        raise IdentificationError(
            f"identify: kind must be None or one of {', '.join(map(repr, kinds))}, got "
            f"{kind!r}."
        )
    if query.given and kind != "general":
        raise IdentificationError(
            f"identify: kind={kind!r} takes no given. Leave kind out."
        )
    return kinds[kind]


def _estimand(
    query: CausalQuery, expression: Expression, kind: str, **rest: Any
) -> Estimand:
    return Estimand(
        expression,
        query.treatment,
        query.outcome,
        query.given,
        query.graph,
        kind,
        query.observed,
        **rest,
    )


def _step(query: CausalQuery, rule: str, *sets: Sequence[Node]) -> tuple[Step, ...]:
    parts = tuple(tuple(part) for part in sets)
    return (Step(rule, query.outcome, query.treatment, parts),)


def _sides(query: CausalQuery) -> tuple[Any, ...]:
    return query.graph, list(query.treatment), list(query.outcome)


def _adjustment(query: CausalQuery) -> Estimand:
    sets = AdjustmentSets(*_sides(query), observed=query.observed)
    try:
        found = sets.optimal()
    except NoAdjustmentSetError:
        raise
    except IdentificationError:  # none is best for every distribution
        found = sets.optimal_minimal()
    z = query.graph.ordered(found)
    conditional = Probability(query.outcome, [*query.treatment, *z])
    parts = [conditional, Probability(z)] if z else [conditional]
    expression = summation(z, product(parts))
    steps = _step(query, "adjustment", z)
    return _estimand(query, expression, "adjustment", adjustment=found, steps=steps)


def _front_door(query: CausalQuery) -> Estimand:
    found = FrontDoorSets(*_sides(query), observed=query.observed).minimal()
    x, z = query.treatment, query.graph.ordered(found)
    inner = Product([Probability(query.outcome, [*x, *z]), Probability(x)])
    expression = Sum(z, Product([Probability(z, x), Sum(x, inner)]))
    steps = _step(query, "front-door", z)
    return _estimand(query, expression, "front-door", mediators=found, steps=steps)


def _instrument(query: CausalQuery) -> Estimand:
    node, held = InstrumentSets(*_sides(query), observed=query.observed).any()
    w = query.graph.ordered(held)
    (x,), (y,) = query.treatment, query.outcome
    expression = Fraction(Covariance(y, node, w), Covariance(x, node, w))
    steps = _step(query, "instrument", [node], w)
    return _estimand(
        query,
        expression,
        "instrument",
        adjustment=held,
        instrument=node,
        steps=steps,
    )


def _general(query: CausalQuery) -> Estimand:
    verdict = query.solve(query.projected)
    if isinstance(verdict.found, Hedge):
        raise refusal(query, verdict.found)
    return _estimand(
        query,
        verdict.found.simplify(),
        "conditional" if query.given else "general",
        steps=verdict.steps,
        experiments=query.experiments,
        populations=query.populations,
    )
