"""Graphs from the literature, by name."""

from dataclasses import dataclass

from skcausal.graphs._causal_graph import CausalGraph
from skcausal.graphs._errors import GraphError
from skcausal.graphs._example_tables import ADJUSTMENT, IDENTIFICATION, Row
from skcausal.graphs._reading import parse_graph

_ROWS: dict[str, Row] = IDENTIFICATION | ADJUSTMENT


@dataclass(frozen=True)
class ExampleGraph:
    """A published causal graph and the question that is asked of it.

    Parameters
    ----------
    name : str
        What `example_graph` knows it by.
    graph : CausalGraph
        The graph; nodes that are not measured are latent.
    treatment, outcome : tuple of str
        The effect that is asked for, mostly of one node on one other.
    source : str
        Who drew it.

    Examples
    --------
    >>> from skcausal.graphs import example_graph
    >>> example_graph("napkin").source
    'Pearl and Mackenzie (2018), The Book of Why, page 240'
    """

    name: str
    graph: CausalGraph
    treatment: tuple[str, ...]
    outcome: tuple[str, ...]
    source: str


def list_example_graphs() -> list[str]:
    """Return the names of the graphs that `example_graph` has.

    Returns
    -------
    list of str
        Graphs for identification first, those for adjustment after them.

    Examples
    --------
    >>> from skcausal.graphs import list_example_graphs
    >>> list_example_graphs()[:2]
    ['bow', 'shpitser_pearl_1b']
    """
    return list(_ROWS)


def example_graph(name: str) -> ExampleGraph:
    """Return a graph from the literature, with the question asked of it.

    Parameters
    ----------
    name : str
        One of `list_example_graphs`.

    Returns
    -------
    ExampleGraph
        Its ``graph``, ``treatment``, ``outcome`` and ``source``.

    Raises
    ------
    GraphError
        If there is no graph of that name.

    Examples
    --------
    >>> from skcausal.graphs import example_graph
    >>> example = example_graph("front_door")
    >>> example.graph
    CausalGraph(directed=[('X', 'Z'), ('Z', 'Y')], bidirected=[('X', 'Y')])
    >>> example.treatment, example.outcome
    (('X',), ('Y',))
    """
    if name not in _ROWS:
        raise GraphError(
            f"example_graph: there is no graph {name!r}. There are: {', '.join(_ROWS)}."
        )
    text, treatment, outcome, source = _ROWS[name]
    graph = parse_graph(f"dag {{ {text} }}")
    return ExampleGraph(
        name, graph, tuple(treatment.split()), tuple(outcome.split()), source
    )
