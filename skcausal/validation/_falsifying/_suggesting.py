"""Which edges to add or to remove, by the same tests."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from skcausal.graphs import CausalGraph
from skcausal.validation._falsifying._claims import Claim
from skcausal.validation._falsifying._tests import TestMemory

COLUMNS = ["action", "edge", "node", "other", "given", "p_value", "adjusted_p_value"]


def adjust(p_values: np.ndarray) -> np.ndarray:
    """Return p-values adjusted for their number (Benjamini and Hochberg)."""
    if len(p_values) == 0:
        return p_values
    return np.asarray(stats.false_discovery_control(p_values))


def suggest(
    graph: CausalGraph,
    claims: Sequence[Claim],
    edges: Sequence[tuple[str, Claim]],
    memory: TestMemory,
    alpha: float,
) -> pd.DataFrame:
    """Return edges to add and to remove, those with the clearest evidence first."""
    rows = _to_add(graph, claims, memory, alpha)
    needed = [claim for _, claim in edges]
    values = memory.p_values(needed)
    adjusted = adjust(values)
    spare = [k for k in np.argsort(-values, kind="stable") if adjusted[k] > alpha]
    rows += [
        _row(graph, "remove", edges[k][0], needed[k], values[k], adjusted[k])
        for k in spare
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def _to_add(
    graph: CausalGraph, claims: Sequence[Claim], memory: TestMemory, alpha: float
) -> list[dict[str, Any]]:
    values = memory.p_values(claims)
    adjusted = adjust(values)
    rejected = [k for k in range(len(claims)) if adjusted[k] <= alpha]
    if not rejected:
        return []
    threshold = float(values[rejected].max())
    chosen: dict[frozenset[int], tuple[float, Claim, float]] = {}
    for node in sorted({claims[k].node for k in rejected}):
        own = {claims[k].other: k for k in rejected if claims[k].node == node}
        for claim in _direct(
            node, {u: claims[k] for u, k in own.items()}, memory, threshold
        ):
            found = memory.p_value(claim), claim, float(adjusted[own[claim.other]])
            pair = frozenset((node, claim.other))
            chosen[pair] = min(chosen.get(pair, found), found, key=lambda one: one[0])
    return [
        _row(graph, "add", _edge(graph, claim), claim, value, adjusted_value)
        for value, claim, adjusted_value in sorted(
            chosen.values(), key=lambda one: one[2]
        )
    ]


def _direct(
    node: int, rejected: dict[int, Claim], memory: TestMemory, threshold: float
) -> list[Claim]:
    """Return the claims that stay rejected given the other ends of all of them.

    A missing edge breaks many independencies. Once its other end is held fixed, those
    that were broken by it only hold again. Ends are added one by one, those with the
    clearest evidence first, and then taken out where later ones explain them.
    """
    chosen: list[int] = []
    while left := [other for other in rejected if other not in chosen]:
        values = memory.p_values(_given(rejected, left, chosen))
        if values.min() > threshold:
            break
        chosen.append(left[int(values.argmin())])
    while chosen:
        claims = _given(rejected, chosen, chosen)
        values = memory.p_values(claims)
        if values.max() <= threshold:
            return claims
        del chosen[int(values.argmax())]
    return []


def _given(
    rejected: dict[int, Claim], others: list[int], ends: list[int]
) -> list[Claim]:
    """Return claims about ``others`` that hold further ends fixed."""
    return [
        claim._replace(given=(claim.given | set(ends)) - {claim.other})
        for claim in (rejected[other] for other in others)
    ]


def _edge(graph: CausalGraph, claim: Claim) -> str:
    """Return the missing edge; its direction is open unless the graph settles it."""
    node, other = graph.nodes[claim.node], graph.nodes[claim.other]
    arrow = "->" if other in graph.ancestors(node) else "--"
    return f"{other} {arrow} {node}"


def _row(
    graph: CausalGraph,
    action: str,
    edge: str,
    claim: Claim,
    value: float,
    adjusted: float,
) -> dict[str, Any]:
    names = graph.nodes
    return {
        "action": action,
        "edge": edge,
        "node": names[claim.node],
        "other": names[claim.other],
        "given": tuple(names[code] for code in sorted(claim.given)),
        "p_value": float(value),
        "adjusted_p_value": float(adjusted),
    }
