"""The effect along some paths: each arrow carries the active or the baseline value."""

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from skcausal.structural._counterfactual_errors import UnidentifiedCounterfactualError
from skcausal.structural._effects import Worlds, summary
from skcausal.structural._replay import Values
from skcausal.structural._swapping import as_numbers

Edge = tuple[Any, Any]


def active_edges(
    graph: Any, treatment: Any, outcome: Any, active: Any, owner: str
) -> frozenset[Edge]:
    """Return the arrows that carry the effect, given as arrows or as whole paths."""
    paths = _paths(active, owner)
    arrows = frozenset(graph.directed)
    edges = [edge for path in paths for edge in pairwise(path)]
    for edge in edges:
        if edge not in arrows:
            raise ValueError(
                f"{owner}: there is no arrow {edge[0]} -> {edge[1]} in the graph. Give "
                "arrows such as ('x', 'y'), or paths such as ('x', 'm', 'y')."
            )
    if any(len(path) > 2 for path in paths):
        for path in paths:
            if (path[0], path[-1]) != (treatment, outcome):
                raise ValueError(
                    f"{owner}: the path {' -> '.join(map(str, path))} does not lead "
                    f"from {treatment!r} to {outcome!r}. Give whole paths, or arrows."
                )
        _refuse_other_paths(set(edges), set(paths), treatment, outcome, owner)
    return frozenset(edges)


def _paths(active: Any, owner: str) -> list[tuple[Any, ...]]:
    paths = [tuple(path) for path in active] if isinstance(active, Iterable) else []
    if isinstance(active, str) or not paths or any(len(path) < 2 for path in paths):
        raise ValueError(
            f"{owner}: active must list arrows such as ('x', 'y'), or paths such as "
            f"('x', 'm', 'y'), got {active!r}."
        )
    return paths


def _refuse_other_paths(
    edges: set[Edge], paths: set[tuple[Any, ...]], start: Any, end: Any, owner: str
) -> None:
    """Raise if the arrows of the paths make up further paths."""
    import networkx as nx

    for path in nx.all_simple_paths(nx.DiGraph(edges), start, end):
        if tuple(path) not in paths:
            raise UnidentifiedCounterfactualError(
                f"{owner}: the arrows of these paths also make up "
                f"{' -> '.join(map(str, path))}; a node on it would have to be as "
                "under both treatments at once (a recanting witness). Add that path, "
                "or take others."
            )


def refuse_recanting_witness(
    graph: Any, treatment: Any, outcome: Any, edges: frozenset[Edge], owner: str
) -> None:
    """Raise if a node passes the effect on along one arrow but not along another."""
    carried = type(graph)(edges, nodes=graph.nodes)
    reached = carried.descendants(treatment) - {treatment, outcome}
    useful = carried.ancestors(outcome)
    relevant = graph.without_edges_out_of(treatment).ancestors(outcome)
    for node in graph.ordered(reached & useful):
        for child in graph.ordered(graph.children(node) & relevant):
            if (node, child) not in edges:
                raise UnidentifiedCounterfactualError(
                    f"{owner}: {node!r} passes the effect on along some arrows, but "
                    f"not along {node} -> {child}: it would have to be as under both "
                    "treatments at once (a recanting witness), which no experiment "
                    f"can show. Make {node} -> {child} active too, or take others."
                )


def path_effect(
    worlds: Worlds,
    nodes: tuple[Any, Any],
    arms: tuple[Any, Any],
    edges: frozenset[Edge],
) -> pd.DataFrame:
    """Return the mean effect along active arrows, all others at the baseline."""
    treatment, outcome = nodes
    treated, control = arms
    model = worlds.model
    base = worlds.under({treatment: control})
    mixed: Values = dict(base)
    carried = type(model.graph)(edges, nodes=model.graph.nodes)
    mixed[treatment] = worlds.under({treatment: treated})[treatment]
    for node in model.mechanisms_:
        if node == treatment or node not in carried.descendants(treatment):
            continue
        parents = {
            parent: (mixed if (parent, node) in edges else base)[parent]
            for parent in model.parents_of(node)
        }
        mixed[node] = model.apply(node, parents, worlds.noise[node])
    gain = as_numbers(mixed[outcome]) - as_numbers(base[outcome])
    return summary({"path-specific": np.asarray(gain)})
