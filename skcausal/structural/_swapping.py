"""Replays of a target in which each node comes from one of two sides."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from skcausal.structural._noise_frame import noise_arrays

_MEMORY = 1 << 28  # bytes of values that are kept for later subsets


@dataclass(frozen=True)
class Side:
    """A fitted model and noise for its nodes."""

    model: Any
    noise: Mapping[Any, Any]


class Swap:
    """Values of a target with some nodes from one side and the rest from another.

    A node needs the mechanism and the noise of its ancestors only, so what it was for
    an earlier subset is used again for all subsets that agree on its ancestors.
    ``among`` restricts the players; all other nodes stay on the absent side.
    """

    def __init__(
        self, target: Any, absent: Side, present: Side, among: Any = None
    ) -> None:
        self.target = target
        self.sides = (absent, present)
        graph = absent.model.graph
        self.nodes = causes_first(graph, target)
        free = set(self.nodes) if among is None else set(among)
        self.players = tuple(node for node in self.nodes if node in free)
        place = {node: k for k, node in enumerate(self.players)}
        self._place = place
        self._above = {
            node: sorted(place[n] for n in graph.ancestors(node) if n in place)
            for node in self.nodes
        }
        self._seen: dict[tuple[Any, bytes], Any] = {}
        self._most = max(64, _MEMORY // (8 * max(1, len(absent.noise[target]))))

    def values(self, mask: np.ndarray) -> Any:
        """Return the target with the players of a mask from the present side."""
        if len(self._seen) > self._most:
            self._seen.clear()
        return self._value(self.target, mask)

    def _value(self, node: Any, mask: np.ndarray) -> Any:
        key = (node, mask[self._above[node]].tobytes())
        if key not in self._seen:
            is_present = node in self._place and mask[self._place[node]]
            side = self.sides[int(is_present)]
            parents = side.model.parents_of(node)
            values = {parent: self._value(parent, mask) for parent in parents}
            self._seen[key] = side.model.apply(node, values, side.noise[node])
        return self._seen[key]

    def numbers(self, mask: np.ndarray) -> np.ndarray:
        """Return the target as numbers; categories as their codes."""
        return as_numbers(self.values(mask))


def causes_first(graph: Any, target: Any) -> tuple[Any, ...]:
    """Return a node and its ancestors, causes before effects."""
    among = graph.ancestors(target)
    return tuple(node for node in graph.topological_order() if node in among)


def as_numbers(values: Any) -> np.ndarray:
    """Return numbers as floats, categories as the codes of their labels."""
    if isinstance(values, pd.Categorical):
        return np.asarray(values.codes, dtype=float)
    return np.asarray(values, dtype=float)


def noise_columns(model: Any, n: int, random: np.random.Generator) -> dict[Any, Any]:
    """Return fresh noise, one array per node."""
    return noise_arrays(model.draw_noise(n, random_state=random), model.mechanisms_)
