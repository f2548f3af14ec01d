"""Graphs and structural models as the levels of fairness need them."""

from typing import Any

from sklearn.base import clone

from skcausal.fairness._worlds import SensitiveAttributeError
from skcausal.graphs import CausalGraph
from skcausal.structural import (
    AdditiveNoiseModel,
    LatentVariableModel,
    StructuralModel,
)


def structural_model(model: Any, owner: str, random_state: Any = None) -> Any:
    """Return a model, fitted or not; a graph becomes one that chooses mechanisms.

    Its mechanisms are those that explain held-out rows best, where additive noise
    would make fractions of counts.
    """
    if isinstance(model, CausalGraph):
        return StructuralModel(model, random_state=random_state)
    if not hasattr(model, "from_noise"):
        raise TypeError(
            f"{owner}: model must be a CausalGraph or a structural model of one, such "
            f"as StructuralModel, got {type(model).__name__}. A program has no graph "
            "that says what the attribute moves: draw it."
        )
    return model


def graph_of(model: Any, owner: str) -> CausalGraph:
    """Return the graph of a model, or the graph that was given itself."""
    graph = getattr(model, "graph", model)
    if not isinstance(graph, CausalGraph):
        raise TypeError(
            f"{owner}: model must be a CausalGraph or a structural model such as "
            f"StructuralModel or LatentVariableModel, got {type(model).__name__}."
        )
    return graph


def sensitive_nodes(graph: CausalGraph, sensitive: Any, owner: str) -> tuple[Any, ...]:
    """Return the sensitive attributes; unknown ones and ones with causes are errors."""
    several = isinstance(sensitive, list | tuple | set | frozenset)
    nodes = tuple(sensitive) if several else (sensitive,)
    if not nodes:
        raise SensitiveAttributeError(
            f"{owner}: sensitive names no node. Name at least one."
        )
    for node in nodes:
        if node not in graph or node in graph.latent:
            raise SensitiveAttributeError(
                f"{owner}: sensitive must name measured nodes of the graph, got "
                f"{node!r}. Nodes: {', '.join(map(str, graph.nodes[:20]))}."
            )
        causes = [*graph.ordered(graph.parents(node)), *graph.siblings(node)]
        if causes:
            raise SensitiveAttributeError(
                f"{owner}: the sensitive attribute {node!r} has causes in the graph, "
                f"or shares hidden ones with other nodes: "
                f"{', '.join(map(str, causes))}. Fairness "
                "is defined here for attributes that nothing in the graph causes. "
                "Take these edges out, or name their origin as sensitive."
            )
    return nodes


def nodes_below(graph: CausalGraph, sensitive: tuple[Any, ...]) -> frozenset[Any]:
    """Return the sensitive attributes and all that follows from them."""
    return graph.descendants(list(sensitive))


def latent_model(
    model: Any, columns: list[Any], outcome: Any, owner: str
) -> LatentVariableModel:
    """Return an unfitted model with a latent node over the columns that are there."""
    graph = graph_of(model, owner)
    if not isinstance(model, LatentVariableModel) and hasattr(model, "infer_latent"):
        return clone(model)
    if len(graph.latent) != 1:
        raise ValueError(
            f"{owner}: level 2 infers a latent node, so the graph must have exactly "
            f"one, got {sorted(map(str, graph.latent))}. Draw it, with "
            "CausalGraph(arrows, latent=['K']), or take level 1 or 3."
        )
    kept = [n for n in graph.nodes if n == outcome or n in columns]
    _refuse_absent(graph, kept, outcome, owner)
    if isinstance(model, LatentVariableModel):
        return clone(model)
    shared = {} if model is graph else _models_of(model)
    return LatentVariableModel(graph, **shared)


def directed_model(
    model: Any, columns: list[Any], below: frozenset[Any], outcome: Any, owner: str
) -> AdditiveNoiseModel:
    """Return an unfitted model of the columns that follow from sensitive ones.

    The outcome and latent nodes are projected out; what does not follow from the
    sensitive attributes is a root. Of a graph alone all errors are added, which is what
    residuals assume.
    """
    graph = graph_of(model, owner)
    kept = [n for n in graph.nodes if n in columns and n != outcome]
    _refuse_absent(graph, kept, outcome, owner)
    projected = graph.latent_projection(kept)
    for node in kept:
        if node in below:
            _refuse_dependent_noise(projected, node, owner)
    arrows = [edge for edge in projected.directed if edge[1] in below]
    cut = CausalGraph(arrows, nodes=kept)
    if isinstance(model, AdditiveNoiseModel) and not isinstance(
        model, LatentVariableModel
    ):
        given = {n: m for n, m in (model.mechanisms or {}).items() if n in below}
        return clone(model).set_params(graph=cut, mechanisms=given or None)
    shared = {} if model is graph else _models_of(model)
    return AdditiveNoiseModel(cut, **shared)


def _models_of(model: Any) -> dict[str, Any]:
    """Return the regressor and classifier of a structural model."""
    names = ("regressor", "classifier", "random_state")
    return {name: getattr(model, name) for name in names if hasattr(model, name)}


def _refuse_absent(
    graph: CausalGraph, kept: list[Any], outcome: Any, owner: str
) -> None:
    absent = [n for n in graph.nodes if n not in {*kept, *graph.latent, outcome}]
    if absent:
        raise ValueError(
            f"{owner}: X has no column for node {absent[0]!r}. If it is y, say "
            f"outcome={absent[0]!r}; if it is not measured, draw it as latent."
        )


def _refuse_dependent_noise(graph: CausalGraph, node: Any, owner: str) -> None:
    """Refuse a node whose noise is related to its causes: no regression finds it."""
    hidden = graph.ordered(graph.siblings(node))
    entangled = graph.descendants(list(hidden)) & graph.parents(node)
    if entangled:
        raise ValueError(
            f"{owner}: at level 3 the noise of {node!r} must be independent of its "
            f"causes, but it shares a hidden cause with "
            f"{', '.join(map(str, graph.ordered(entangled)))}, or with a cause of "
            "it. Measure the hidden cause, or take level 1 or 2."
        )
