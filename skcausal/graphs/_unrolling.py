"""A graph over time, written once and unrolled over several steps."""

from collections.abc import Iterable
from numbers import Integral
from typing import Any

from skcausal.graphs._building import Edge, node_list
from skcausal.graphs._causal_graph import CausalGraph
from skcausal.graphs._errors import CycleError, GraphError

LaggedEdge = tuple[str, str, int]


def unroll(
    lagged_edges: Iterable[LaggedEdge],
    *,
    n_steps: int,
    bidirected: Iterable[LaggedEdge] = (),
    latent: Iterable[str] = (),
) -> CausalGraph:
    """Return the graph of variables that cause each other over time.

    Parameters
    ----------
    lagged_edges : iterable of (cause, effect, lag)
        ``("x", "y", 1)`` says that x at one time causes y one step later; lag 0 is an
        effect within the step.
    n_steps : int
        How many steps the graph has; more than the largest lag.
    bidirected : iterable of (first, second, lag), default=()
        Hidden common causes of the first variable and of the second ``lag`` steps
        later.
    latent : iterable of str, default=()
        Variables that are not measured, at any time.

    Returns
    -------
    CausalGraph
        With a node for each variable and step, oldest first: ``"x_lag2"``,
        ``"x_lag1"``, and ``"x"`` for the last step, which are fit to be columns of a
        table.

    Raises
    ------
    CycleError
        If edges of lag 0 lead in a circle.
    GraphError
        If an edge is listed twice or is not of that form, a lag is negative, or
        ``n_steps`` is not larger than every lag.

    Notes
    -----
    Assumes that what causes what stays the same over time, and that nothing before
    the first step matters but through the nodes of the graph: add ``bidirected``
    edges or steps where it does.

    Examples
    --------
    >>> from skcausal.graphs import unroll
    >>> unroll([("price", "sales", 0), ("sales", "price", 1)], n_steps=2).directed
    (('price_lag1', 'sales_lag1'), ('price', 'sales'), ('sales_lag1', 'price'))
    """
    arrows = [_checked(edge, "lagged_edges") for edge in lagged_edges]
    arcs = [_checked(edge, "bidirected") for edge in bidirected]
    longest = max((lag for _, _, lag in [*arrows, *arcs]), default=0)
    if not isinstance(n_steps, Integral) or n_steps <= longest:
        raise GraphError(
            "unroll: n_steps must be an integer larger than every lag, got "
            f"{n_steps!r} with a lag of {longest}. Try n_steps={longest + 1}."
        )
    try:
        CausalGraph(dict.fromkeys((a, b) for a, b, lag in arrows if lag == 0))
    except CycleError as error:
        raise CycleError(
            f"unroll: the edges of lag 0 lead in a circle. {error}"
        ) from error
    hidden = node_list(latent, "latent")
    variables = dict.fromkeys(name for a, b, _ in [*arrows, *arcs] for name in (a, b))
    steps = range(int(n_steps) - 1, -1, -1)
    return CausalGraph(
        [copy for edge in arrows for copy in _copies(edge, steps)],
        [copy for edge in arcs for copy in _copies(edge, steps)],
        [_at(name, step) for step in steps for name in variables],
        latent=[_at(name, step) for step in steps for name in hidden],
    )


def _checked(edge: Any, name: str) -> LaggedEdge:
    whole = tuple(edge) if isinstance(edge, tuple | list) else ()
    if len(whole) != 3 or not all(isinstance(part, str) for part in whole[:2]):
        raise GraphError(
            f"unroll: {name} must hold (cause, effect, lag) with names that are "
            f"strings, got {edge!r}."
        )
    a, b, lag = whole
    if isinstance(lag, bool) or not isinstance(lag, Integral) or lag < 0:
        raise GraphError(
            f"unroll: {name}, the lag of ({a!r}, {b!r}) must be an integer of at least "
            f"0, got {lag!r}. Nothing causes what came before."
        )
    if a == b and lag == 0:
        raise GraphError(
            f"unroll: {name} joins {a!r} to itself at one time. Give it a lag of 1."
        )
    return a, b, int(lag)


def _copies(edge: LaggedEdge, steps: range) -> list[Edge]:
    a, b, lag = edge
    return [(_at(a, step + lag), _at(b, step)) for step in steps if step + lag in steps]


def _at(name: object, step: int) -> str:
    return f"{name}_lag{step}" if step else str(name)
