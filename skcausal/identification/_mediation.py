"""Direct and indirect effects: what goes through mediators, and what goes past them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from skcausal.graphs import CausalGraph
from skcausal.identification._counterfactual import identify_counterfactual
from skcausal.identification._counterfactual_estimand import CounterfactualEstimand
from skcausal.identification._counterfactual_graph import (
    Conflict,
    Copies,
    Worlds,
    setting_of,
)
from skcausal.identification._errors import IdentificationError, NotIdentifiedError
from skcausal.identification._estimand import Estimand
from skcausal.identification._identify import identify
from skcausal.identification._steps import names
from skcausal.identification._variables import Node, Variable


@dataclass(frozen=True)
class MediationEffects:
    r"""The effect of a treatment, through mediators and past them, as formulas.

    `mediation_effects` makes it. Each formula is the probability of the outcome in one
    world; effects are differences of means, which
    `skcausal.estimation.estimate_mediation` takes from a table.

    Parameters
    ----------
    treatment, outcome : node
        Cause and effect.
    mediators : tuple of node
        What lies between.
    treated, untreated : CounterfactualEstimand
        The outcome under x, and under x'.
    direct : CounterfactualEstimand
        The outcome under x, with the mediators as they would be under x'.
    indirect : CounterfactualEstimand
        The outcome under x', with the mediators as they would be under x.
    controlled : Estimand
        The outcome where treatment and mediators are set.

    Notes
    -----
    Assumes the graph, and that what would be in one world and in another is a matter of
    the same unit with the same noise: no experiment can test that. With
    :math:`Y_{x M_{x'}}` for ``direct``, the natural direct effect is
    :math:`E(Y_{x M_{x'}}) - E(Y_{x'})`, the natural indirect effect
    :math:`E(Y_{x' M_x}) - E(Y_{x'})`, the total effect :math:`E(Y_x) - E(Y_{x'})`,
    and the controlled direct effect at m :math:`E(Y_{xm}) - E(Y_{x'm})`.

    References
    ----------
    Pearl, J. (2001). Direct and indirect effects. UAI.
    https://arxiv.org/abs/1301.2300

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import mediation_effects
    >>> graph = CausalGraph([("x", "m"), ("m", "y"), ("x", "y")])
    >>> effects = mediation_effects(graph, "x", "y", "m")
    >>> print(effects.controlled)
    P(y | do(x, m)) = P(y | m, x)
    """

    treatment: Node
    outcome: Node
    mediators: tuple[Node, ...]
    treated: CounterfactualEstimand
    untreated: CounterfactualEstimand
    direct: CounterfactualEstimand
    indirect: CounterfactualEstimand
    controlled: Estimand

    def __str__(self) -> str:
        """Return the formulas in plain text."""
        worlds = (self.treated, self.untreated, self.direct, self.indirect)
        return "\n".join(map(str, [*worlds, self.controlled]))


def mediation_effects(
    graph: CausalGraph,
    treatment: Node,
    outcome: Node,
    mediators: Any,
    *,
    observed: Any = None,
) -> MediationEffects:
    """Return direct and indirect effects as formulas of what is observed.

    Parameters
    ----------
    graph : CausalGraph
        What is assumed.
    treatment, outcome : node
        Cause and effect.
    mediators : node or collection of nodes
        Nodes on the way from one to the other; taken together.
    observed : collection of nodes, default=None
        What is measured; None for all nodes that the graph does not call latent.

    Returns
    -------
    MediationEffects
        Formulas of the worlds to be compared.

    Raises
    ------
    NotIdentifiedError
        If a natural effect has no formula; it names the recanting witness or the
        hidden causes.
    IdentificationError
        If a mediator does not lie between treatment and outcome.

    Notes
    -----
    Assumes what `identify_counterfactual` does. Natural effects have no formula where a
    node carries the effect both through the mediators and past them (a recanting
    witness), or where a mediator and the outcome share a hidden cause. The controlled
    direct effect needs less: ``identify(graph, [treatment, *mediators], outcome)``.

    References
    ----------
    Pearl, J. (2001). Direct and indirect effects. UAI.
    https://arxiv.org/abs/1301.2300

    Avin, C., Shpitser, I. and Pearl, J. (2005). Identifiability of path-specific
    effects. IJCAI. https://www.ijcai.org/Proceedings/05/Papers/1303.pdf

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import mediation_effects
    >>> graph = CausalGraph([("x", "m"), ("m", "y"), ("x", "y")])
    >>> print(mediation_effects(graph, "x", "y", "m").direct)
    P(y_{m_{x'}, x}) = Σ_{m} P(y | m, x) P(m | x')
    """
    owner = "mediation_effects"
    between = _between(owner, graph, treatment, outcome)
    middle = graph.ordered(mediators)
    outside = [node for node in middle if node not in between]
    if outside or not middle:
        raise IdentificationError(
            f"{owner}: mediators must lie on the way from {treatment!r} to "
            f"{outcome!r}, got {names(outside) or 'none'}. There are: "
            f"{names(between) or 'none'}."
        )
    x, other = Variable(treatment), Variable(treatment, 1)
    events = {
        "treated": Variable(outcome, world=(x,)),
        "untreated": Variable(outcome, world=(other,)),
        "direct": _mixed(outcome, middle, x, other),
        "indirect": _mixed(outcome, middle, other, x),
    }
    found = {
        name: _identified(owner, graph, event, observed)
        for name, event in events.items()
    }
    controlled = identify(
        graph, [treatment, *middle], outcome, observed=observed, kind="general"
    )
    return MediationEffects(treatment, outcome, middle, **found, controlled=controlled)


def _mixed(
    outcome: Node, mediators: Collection[Node], own: Variable, other: Variable
) -> Variable:
    """Return the outcome in one world, with the mediators of another."""
    natural = [Variable(node, world=(other,)) for node in mediators]
    return Variable(outcome, world=(own, *natural))


def path_specific_effect(
    graph: CausalGraph,
    treatment: Node,
    outcome: Node,
    edges: Any,
    *,
    observed: Any = None,
) -> CounterfactualEstimand:
    """Return the outcome where some arrows only know of the treatment.

    Parameters
    ----------
    graph : CausalGraph
        What is assumed.
    treatment, outcome : node
        Cause and effect.
    edges : iterable of (node, node)
        The arrows that carry the treatment x; along all others it is as under x'. An
        effect goes along a path if all its arrows are named.
    observed : collection of nodes, default=None
        What is measured; None for all nodes that the graph does not call latent.

    Returns
    -------
    CounterfactualEstimand
        The probability of the outcome; the effect is its difference to the outcome
        under x'.

    Raises
    ------
    NotIdentifiedError
        If there is no formula; it names the recanting witness or the hidden causes.
    IdentificationError
        If an edge is no arrow among observed nodes.

    Notes
    -----
    Assumes what `identify_counterfactual` does. With the arrow from treatment to
    outcome alone this is the natural direct effect of all other nodes as mediators.

    References
    ----------
    Avin, C., Shpitser, I. and Pearl, J. (2005). Identifiability of path-specific
    effects. IJCAI. https://www.ijcai.org/Proceedings/05/Papers/1303.pdf

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import path_specific_effect
    >>> graph = CausalGraph([("x", "m"), ("m", "y"), ("x", "y")])
    >>> through = path_specific_effect(graph, "x", "y", [("x", "m"), ("m", "y")])
    >>> print(through.expression)
    Σ_{m} P(y | m, x') P(m | x)
    """
    owner = "path_specific_effect"
    between = _between(owner, graph, treatment, outcome)
    seen = graph.observed if observed is None else observed
    projected = graph.latent_projection(list(seen))
    active = {tuple(edge) for edge in edges}
    wrong = sorted(map(str, active - set(projected.directed)))
    if wrong or not active:
        raise IdentificationError(
            f"{owner}: edges must be arrows among observed nodes, got "
            f"{wrong[0] if wrong else 'none'}. Name arrows of the graph, cause first."
        )
    carried = {treatment, *between}

    def copy(node: Node) -> Variable:
        """Return a node that the treatment reaches along active arrows."""
        world = []
        for cause in projected.ordered(carried & projected.parents([node])):
            on = (cause, node) in active
            if cause == treatment:
                world.append(Variable(treatment, 0 if on else 1))
            elif on:
                world.append(copy(cause))
            else:
                world.append(Variable(cause, world=(Variable(treatment, 1),)))
        return Variable(node, world=tuple(world))

    return _identified(owner, graph, copy(outcome), observed)


def _between(
    owner: str, graph: CausalGraph, treatment: Node, outcome: Node
) -> tuple[Node, ...]:
    """Return the nodes on directed paths from treatment to outcome."""
    graph.codes([treatment, outcome])
    ends = {treatment, outcome}
    below, above = graph.descendants([treatment]), graph.ancestors([outcome])
    if treatment == outcome or treatment not in above:
        raise IdentificationError(
            f"{owner}: no arrows lead from {treatment!r} to {outcome!r}, so the graph "
            "says that there is no effect. Are they the wrong way round?"
        )
    return graph.ordered(list((below & above) - ends))


def _identified(
    owner: str, graph: CausalGraph, event: Variable, observed: Any
) -> CounterfactualEstimand:
    try:
        return identify_counterfactual(graph, event, observed=observed)
    except NotIdentifiedError as error:
        seen = graph.observed if observed is None else observed
        witness = _witness(Copies(graph.latent_projection(list(seen))), event)
        raise NotIdentifiedError(
            f"{owner}: P({event}) is not identified: {witness or error.witness}. Ways "
            "out: set the mediators too (identify with several treatments), or take "
            "others.",
            error.hedge,
            witness or error.witness,
            error.ways_out,
        ) from None


def _witness(copies: Copies, event: Variable) -> str:
    """Return what forbids a mixture of worlds, empty if it is not that."""
    for district in Worlds(copies, [event]).districts():
        found = setting_of(copies, district)
        if not isinstance(found, Conflict):
            continue
        nodes = [copies.node(copy) for copy in found.copies]
        if set(nodes) == {found.node}:
            return (
                f"{found.node} carries the effect along paths of both kinds, and would "
                "have to be as under x for one and as under x' for the other (a "
                "recanting witness)"
            )
        return (
            f"hidden causes tie {names(nodes)}, and {found.node} is as under x for one "
            "and as under x' for the other"
        )
    return ""
