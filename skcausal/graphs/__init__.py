"""What we assume: the graph that says what causes what.

`CausalGraph` holds arrows and hidden common causes, in a form that no method changes;
its methods give relatives, districts, separation, surgery and projection. `GraphError`
and its kinds `CycleError` and `UnknownNodeError` say what is wrong with a drawing.
"""

from skcausal.graphs._causal_graph import CausalGraph
from skcausal.graphs._errors import CycleError, GraphError, UnknownNodeError

__all__ = ["CausalGraph", "CycleError", "GraphError", "UnknownNodeError"]
