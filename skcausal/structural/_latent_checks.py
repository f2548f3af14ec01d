"""Checks of a model with a latent node: its graph, families and scales."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from skcausal.graphs import CausalGraph
from skcausal.structural._latent_families import FAMILIES


def check_latent_graph(graph: Any, owner: str) -> Any:
    """Return the one latent node; any other graph is an error."""
    if not isinstance(graph, CausalGraph):
        raise TypeError(
            f"{owner}: graph must be a CausalGraph, got {type(graph).__name__}. Make "
            "one with skcausal.graphs.CausalGraph(arrows, latent=['K'])."
        )
    latent = graph.ordered(graph.latent)
    if len(latent) != 1 or graph.bidirected:
        raise ValueError(
            f"{owner}: graph must have exactly one latent node and no other hidden "
            f"common cause, got latent nodes {list(latent)} and "
            f"{len(graph.bidirected)} bidirected edge(s). Draw the latent node as "
            "CausalGraph(arrows, latent=['K'])."
        )
    node = latent[0]
    if graph.parents(node) or len(graph.children(node)) < 2:
        raise ValueError(
            f"{owner}: the latent node {node!r} must have no causes and at least two "
            f"children, got causes {sorted(map(str, graph.parents(node)))} and "
            f"children {sorted(map(str, graph.children(node)))}."
        )
    return node


def check_families(
    given: Any, children: list[Any], table: pd.DataFrame, owner: str
) -> dict[Any, str]:
    """Return the family of each child; values that do not suit it are errors."""
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(
            f"{owner}: families must be a dict of node to name, got "
            f"{type(given).__name__}."
        )
    given = dict(given or {})
    for node, name in given.items():
        if node not in children or name not in FAMILIES:
            raise ValueError(
                f"{owner}: families must map children of the latent node to one of "
                f"{sorted(FAMILIES)}, got {node!r}: {name!r}. Children: "
                f"{', '.join(map(str, children))}."
            )
    return {node: _family(node, given.get(node), table, owner) for node in children}


def _family(node: Any, name: str | None, table: pd.DataFrame, owner: str) -> str:
    values = table[node]
    if isinstance(values.dtype, pd.CategoricalDtype):
        raise ValueError(
            f"{owner}: {node!r}, a child of the latent node, holds categories. Make it "
            "0 and 1 for the category of interest, or numbers."
        )
    numbers = values.to_numpy(dtype=float)
    binary = bool(np.isin(numbers, [0, 1]).all())
    if name is None:
        name = "bernoulli" if binary else "gaussian"
    if name == "bernoulli" and not binary:
        raise ValueError(f"{owner}: {node!r} is Bernoulli: it must hold 0 and 1.")
    if name == "poisson" and ((numbers < 0) | (numbers % 1 != 0)).any():
        raise ValueError(
            f"{owner}: {node!r} is Poisson: it must hold counts 0, 1, 2, ..., got "
            f"{numbers[(numbers < 0) | (numbers % 1 != 0)][0]}. Round it first, or "
            "make it Gaussian."
        )
    if numbers.std() == 0:
        raise ValueError(
            f"{owner}: {node!r} has one value only. Take it out of the graph."
        )
    return name


def check_scales(given: Any, families: dict[Any, str], owner: str) -> dict[Any, float]:
    """Return known standard deviations; those of other nodes are errors."""
    found = dict(given or {})
    for node, value in found.items():
        if families.get(node) != "gaussian" or not value > 0:
            raise ValueError(
                f"{owner}: scales must map Gaussian children of the latent node to "
                f"positive numbers, got {node!r}: {value!r}."
            )
    return found
