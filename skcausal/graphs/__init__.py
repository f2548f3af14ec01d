"""What we assume: the graph that says what causes what.

`CausalGraph` holds arrows and hidden common causes, in a form that no method changes;
its methods give relatives, districts, separation, surgery and projection.
`minimal_separator` and `all_minimal_separators` keep two sides apart.
`implied_independencies` yields each `Independence` that data must show,
`verma_constraints` each `VermaConstraint` that hidden causes leave.

`read_graph`, `parse_graph` and `format_graph` know dagitty, DOT, GML and lists of
edges; `from_networkx`, `to_networkx`, `from_adjacency` and `to_adjacency` convert.
`unroll` writes out a graph over time, `draw_graph` and `to_svg` draw, and
`example_graph` returns an `ExampleGraph` of the literature by one of the names in
`list_example_graphs`.

`GraphError` and its kinds `CycleError`, `ParseError` and `UnknownNodeError` say what is
wrong with a drawing.
"""

from skcausal.graphs._causal_graph import CausalGraph
from skcausal.graphs._constraints import VermaConstraint, verma_constraints
from skcausal.graphs._conversion import (
    from_adjacency,
    from_networkx,
    to_adjacency,
    to_networkx,
)
from skcausal.graphs._drawing import draw_graph, to_svg
from skcausal.graphs._errors import CycleError, GraphError, ParseError, UnknownNodeError
from skcausal.graphs._examples import ExampleGraph, example_graph, list_example_graphs
from skcausal.graphs._independencies import Independence, implied_independencies
from skcausal.graphs._reading import parse_graph, read_graph
from skcausal.graphs._separators import all_minimal_separators, minimal_separator
from skcausal.graphs._unrolling import unroll
from skcausal.graphs._writing import format_graph

__all__ = [
    "CausalGraph",
    "CycleError",
    "ExampleGraph",
    "GraphError",
    "Independence",
    "ParseError",
    "UnknownNodeError",
    "VermaConstraint",
    "all_minimal_separators",
    "draw_graph",
    "example_graph",
    "format_graph",
    "from_adjacency",
    "from_networkx",
    "implied_independencies",
    "list_example_graphs",
    "minimal_separator",
    "parse_graph",
    "read_graph",
    "to_adjacency",
    "to_networkx",
    "to_svg",
    "unroll",
    "verma_constraints",
]
