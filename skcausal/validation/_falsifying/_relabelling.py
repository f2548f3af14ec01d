"""The same drawing with shuffled names: what a graph without knowledge would say."""

from collections.abc import Iterator, Sequence
from itertools import permutations
from math import factorial
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from skcausal.graphs import CausalGraph
from skcausal.graphs._separation import connected
from skcausal.validation._falsifying._claims import Claim
from skcausal.validation._falsifying._columns import OWNER
from skcausal.validation._falsifying._tests import TestMemory

_MOST_NODES = 8  # whose relabellings, 40,320, are enumerated


def number_of_relabellings(n_permutations: Any, n_nodes: int, alpha: float) -> int:
    """Check the number of permutations and return how many there will be."""
    if n_permutations == "all":
        if n_nodes > _MOST_NODES:
            raise ValueError(
                f"{OWNER}: n_permutations='all' needs at most {_MOST_NODES} observed "
                f"nodes, got {n_nodes}. Give a number, such as 200."
            )
        return factorial(n_nodes)
    is_integer = isinstance(n_permutations, Integral)
    if not is_integer or isinstance(n_permutations, bool) or n_permutations < 1:
        raise ValueError(
            f"{OWNER}: n_permutations must be 'all' or an integer of at least 1, got "
            f"{n_permutations!r}."
        )
    if 1 / (1 + n_permutations) >= alpha and n_permutations < factorial(n_nodes):
        raise ValueError(
            f"{OWNER}: n_permutations={n_permutations} can give no p-value below alpha="
            f"{alpha:g}. Use at least {int(1 / alpha)}."
        )
    return int(min(n_permutations, factorial(n_nodes)))


def relabellings(
    n_nodes: int, count: int, rng: np.random.Generator
) -> Iterator[Sequence[int]]:
    """Return all orders of the nodes, or as many random ones as asked for."""
    if count == factorial(n_nodes):
        yield from permutations(range(n_nodes))
        return
    for _ in range(count):
        yield rng.permutation(n_nodes).tolist()


def judge(
    graph: CausalGraph,
    claims: Sequence[Claim],
    orders: Sequence[Sequence[int]],
    memory: TestMemory,
    alpha: float,
) -> pd.DataFrame:
    """Return for each relabelling how many of its claims data and graph contradict."""
    shuffled = [[claim.relabelled(order) for claim in claims] for order in orders]
    memory.add(claim for row in shuffled for claim in row)
    separated = _Separations(graph)
    rows = [
        (
            sum(memory.p_value(claim) <= alpha for claim in row),
            sum(not separated(claim) for claim in row),
        )
        for row in shuffled
    ]
    return pd.DataFrame(rows, columns=["violations", "contradictions"])


class _Separations:
    """Whether the graph implies a claim; each set is walked from a node once."""

    def __init__(self, graph: CausalGraph) -> None:
        self.adjacency = graph.adjacency
        self.known: dict[tuple[int, frozenset[int]], set[int]] = {}

    def __call__(self, claim: Claim) -> bool:
        key = claim.node, claim.given
        if key not in self.known:
            self.known[key] = connected(self.adjacency, [claim.node], claim.given)
        return claim.other not in self.known[key]
