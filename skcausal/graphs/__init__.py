"""What we assume: the graph that says what causes what.

`CausalGraph` holds arrows and hidden common causes, in a form that no method changes;
its methods give relatives, districts, separation, surgery and projection.
`minimal_separator` and `all_minimal_separators` keep two sides apart.
`implied_independencies` yields each `Independence` that data must show,
`verma_constraints` each `VermaConstraint` that hidden causes leave. `GraphError`
and its kinds `CycleError` and `UnknownNodeError` say what is wrong with a drawing.
"""

from skcausal.graphs._causal_graph import CausalGraph
from skcausal.graphs._constraints import VermaConstraint, verma_constraints
from skcausal.graphs._errors import CycleError, GraphError, UnknownNodeError
from skcausal.graphs._independencies import Independence, implied_independencies
from skcausal.graphs._separators import all_minimal_separators, minimal_separator

__all__ = [
    "CausalGraph",
    "CycleError",
    "GraphError",
    "Independence",
    "UnknownNodeError",
    "VermaConstraint",
    "all_minimal_separators",
    "implied_independencies",
    "minimal_separator",
    "verma_constraints",
]
