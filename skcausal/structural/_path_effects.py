"""The effect along some paths, as a mean over draws of a model."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from skcausal.graphs import CausalGraph
from skcausal.structural._effects import Worlds, summary
from skcausal.structural._noise_frame import noise_frame
from skcausal.structural._paths import Edge, directed_paths, edges_of_paths, propagate
from skcausal.structural._swapping import as_numbers


def active_edges(
    graph: CausalGraph, treatment: Any, outcome: Any, active: Any, owner: str
) -> frozenset[Edge]:
    """Return the arrows that carry the effect, given as arrows or as whole paths."""
    paths = _paths(active, owner)
    if all(len(path) == 2 for path in paths):
        arrows = frozenset(graph.directed)
        for edge in paths:
            if edge not in arrows:
                raise ValueError(
                    f"{owner}: there is no arrow {edge[0]} -> {edge[1]} in the graph. "
                    "Give arrows such as ('x', 'y'), or paths such as ('x', 'm', 'y')."
                )
        carried = CausalGraph(paths, nodes=graph.nodes)
        paths = directed_paths(carried, treatment, outcome)
    return edges_of_paths(graph, treatment, outcome, paths, owner)


def _paths(active: Any, owner: str) -> list[tuple[Any, ...]]:
    paths = [tuple(path) for path in active] if isinstance(active, Iterable) else []
    if isinstance(active, str) or not paths or any(len(path) < 2 for path in paths):
        raise ValueError(
            f"{owner}: active must list arrows such as ('x', 'y'), or paths such as "
            f"('x', 'm', 'y'), got {active!r}."
        )
    return paths


def path_effect(
    worlds: Worlds,
    nodes: tuple[Any, Any],
    arms: tuple[Any, Any],
    edges: frozenset[Edge],
) -> pd.DataFrame:
    """Return the mean effect along active arrows, all others at the baseline."""
    treatment, outcome = nodes
    treated, control = arms
    base, moved = propagate(
        worlds.model,
        noise_frame(worlds.noise),
        {treatment: control},
        {treatment: treated},
        edges,
    )
    gain = as_numbers(moved[outcome]) - as_numbers(base[outcome])
    return summary({"path-specific": gain})
