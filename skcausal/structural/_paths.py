"""Replays of noise in which single arrows carry the value of another world."""

from collections.abc import Collection, Mapping
from itertools import pairwise
from typing import Any

import pandas as pd

from skcausal.graphs import CausalGraph, GraphError
from skcausal.structural._counterfactual_errors import RecantingWitnessError
from skcausal.structural._inputs import cast, spread
from skcausal.structural._noise_frame import noise_arrays

_MOST_PATHS = 100_000
Edge = tuple[Any, Any]


def propagate(
    model: Any,
    noise: Any,
    baseline: Mapping[Any, Any],
    active: Mapping[Any, Any],
    edges: Collection[Edge],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compute rows from noise, with some arrows carrying the active values.

    Each node is computed twice: from its causes at baseline, and from the active value
    of those causes whose arrow is among ``edges``, others at baseline.

    Parameters
    ----------
    model : AdditiveNoiseModel
        A fitted model.
    noise : DataFrame of shape (n, n_columns)
        From ``model.noise`` or ``model.draw_noise``; the same noise rules both worlds.
    baseline, active : dict of node to value or array
        What the same nodes are set to, in one world and in the other.
    edges : collection of (node, node)
        Arrows that carry active values.

    Returns
    -------
    baseline, active : DataFrame of shape (n, n_nodes)
        Each node at baseline, and as the active arrows make it.
    """
    on = {tuple(edge) for edge in edges}
    noises = noise_arrays(noise, model.mechanisms_)
    worlds: tuple[dict[Any, Any], dict[Any, Any]] = ({}, {})
    for node in model.mechanisms_:
        if node in baseline:
            for world, setting in zip(worlds, (baseline, active), strict=True):
                given = spread(setting[node], len(noise), node, "propagate")
                world[node] = cast(given, model.dtypes_[node], node, "propagate")
            continue
        own = noises[node]
        parents = model.parents_of(node)
        plain, moved = worlds
        plain[node] = model.apply(node, plain, own)
        if not any((parent, node) in on for parent in parents):
            moved[node] = plain[node]
            continue
        mixed = {
            parent: (moved if (parent, node) in on else plain)[parent]
            for parent in parents
        }
        moved[node] = model.apply(node, mixed, own)
    order = list(model.graph.nodes)
    first, second = (pd.DataFrame(world, index=noise.index) for world in worlds)
    return first[order], second[order]


def edges_of_paths(
    graph: CausalGraph, source: Any, target: Any, paths: Collection[Any], owner: str
) -> frozenset[Edge]:
    """Return the arrows of paths, which carry the effect along these paths only.

    Raises
    ------
    GraphError
        If a path is none in the graph.
    RecantingWitnessError
        If arrows cannot tell these paths from others.
    """
    known = set(graph.directed)
    wanted = {tuple(path) for path in paths}
    for path in wanted:
        if len(path) < 2 or path[0] != source or path[-1] != target:
            raise GraphError(
                f"{owner}: a path must lead from {source!r} to {target!r}, got {path}."
            )
        for edge in pairwise(path):
            if edge not in known:
                raise GraphError(
                    f"{owner}: the path {' -> '.join(map(str, path))} needs the arrow "
                    f"{edge[0]} -> {edge[1]}, which is not in the graph."
                )
    witness = recanting_witness(graph, source, target, wanted)
    if witness is not None:
        raise RecantingWitnessError(
            f"{owner}: {witness!r} is a recanting witness: it carries the effect of "
            f"{source!r} along one of the paths and along another that is not among "
            "them, so it would need two values at once. Add or leave out all paths "
            f"through {witness!r} that begin alike, or take path_effect_bounds.",
            witness,
        )
    return frozenset(edge for path in wanted for edge in pairwise(path))


def recanting_witness(
    graph: CausalGraph, source: Any, target: Any, paths: Collection[tuple[Any, ...]]
) -> Any:
    """Return the node where a path parts from one that is not wanted, or None.

    Both must have an arrow in common before it (Avin, Shpitser and Pearl 2005).
    """
    wanted = set(paths)
    for other in directed_paths(graph, source, target):
        if other in wanted:
            continue
        shared = max((_n_shared(path, other) for path in wanted), default=0)
        if shared > 1:
            return other[shared - 1]
    return None


def _n_shared(one: tuple[Any, ...], other: tuple[Any, ...]) -> int:
    """Return how many nodes two paths have in common from the start."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((k for k, (a, b) in pairs if a != b), min(len(one), len(other)))


def directed_paths(
    graph: CausalGraph, source: Any, target: Any
) -> list[tuple[Any, ...]]:
    """Return all directed paths from one node to another."""
    above = graph.ancestors([target])
    found: list[tuple[Any, ...]] = []
    waiting: list[tuple[Any, ...]] = [(source,)]
    while waiting:
        path = waiting.pop()
        if path[-1] == target:
            found.append(path)
            continue
        below = graph.ordered(graph.children([path[-1]]) & above)
        waiting += [(*path, node) for node in reversed(below)]
        if len(found) + len(waiting) > _MOST_PATHS:
            raise GraphError(
                f"directed_paths: more than {_MOST_PATHS} paths lead from {source!r} "
                f"to {target!r}. Leave out nodes that the question does not need: "
                "graph.latent_projection(kept)."
            )
    return found
