"""What may be changed about a row, by how much, and what that costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

_OWNER = "StructuralRecourse.fit"
_DIRECTIONS = ("any", "increase", "decrease")
_CATEGORY_COST = 0.5


@dataclass(frozen=True)
class Action:
    """One node that may be set.

    Parameters
    ----------
    node : node
        Which.
    values : ndarray of shape (n_values,)
        Values seen, sorted, for numbers; the allowed labels for categories.
    low, high : float
        Range of numbers.
    direction : {"any", "increase", "decrease"}
        Which way numbers may move.
    numeric : bool
        Whether it is a number.
    whole : bool
        Whether all values seen are whole numbers.
    """

    node: Any
    values: np.ndarray
    low: float
    high: float
    direction: str
    numeric: bool
    whole: bool = False

    def grid(self, now: Any, size: int) -> np.ndarray:
        """Return values to try for a row, the present one left out."""
        if not self.numeric:
            return self.values[self.values != now]
        low = max(self.low, now) if self.direction == "increase" else self.low
        high = min(self.high, now) if self.direction == "decrease" else self.high
        if low > high:
            return np.empty(0)
        seen = self.values[(self.values >= low) & (self.values <= high)]
        shares = np.linspace(0, 1, size)
        inside = np.quantile(seen, shares) if len(seen) else np.empty(0)
        found = np.concatenate([[low, high], inside])
        found = np.unique(np.round(found) if self.whole else found)
        # Rounding may leave the range, and the row may already be at a limit.
        return found[(found != now) & (found >= low) & (found <= high)]

    def cost(self, now: Any, after: np.ndarray) -> np.ndarray:
        """Return how far values lie from the present one."""
        if not self.numeric:
            return _CATEGORY_COST * (after != now)
        ranks = self._shares(np.append(np.asarray(after, dtype=float), float(now)))
        return np.abs(ranks[:-1] - ranks[-1])

    def _shares(self, values: np.ndarray) -> np.ndarray:
        """Return the share of rows seen below each value, linear between them."""
        known, counts = np.unique(self.values, return_counts=True)
        middle = (np.cumsum(counts) - counts / 2) / counts.sum()
        if len(known) < 2:
            return np.zeros(len(values))
        inside = np.interp(values, known, middle)
        # Beyond what was seen each further step costs as much as the average one.
        slope = 1 / (known[-1] - known[0])
        beyond = np.maximum(values - known[-1], 0) - np.maximum(known[0] - values, 0)
        return inside + slope * beyond


def actions_of(
    actionable: Any, immutable: Sequence[Any], model: Any, table: pd.DataFrame
) -> list[Action]:
    """Return the actions that were asked for, checked against graph and data.

    Raises
    ------
    TypeError, ValueError
        If one is unknown, immutable, has no values, or would change what is immutable.
    """
    for given, name in ((actionable, "actionable"), (immutable, "immutable")):
        if isinstance(given, str):
            raise TypeError(
                f"{_OWNER}: {name} must be a list of nodes, got {given!r}. Write "
                f"[{given!r}]."
            )
    if not isinstance(actionable, Mapping):
        actionable = dict.fromkeys(actionable, "any")
    if not actionable:
        raise ValueError(
            f"{_OWNER}: actionable must name at least one node that can be changed."
        )
    for node in [*actionable, *immutable]:
        if node not in model.graph:
            raise ValueError(
                f"{_OWNER}: {node!r} in actionable or immutable is not a node of the "
                f"graph. Nodes: {', '.join(map(str, model.graph.nodes[:20]))}."
            )
    for node in actionable:
        reached = model.graph.descendants([node]) & set(immutable)
        if reached:
            first = model.graph.ordered(reached)[0]
            what = (
                "is immutable" if first == node else f"causes the immutable {first!r}"
            )
            raise ValueError(
                f"{_OWNER}: actionable {node!r} {what}. Take one of them out: what "
                "cannot change must not follow from what does."
            )
    return [_action(node, rule, table[node]) for node, rule in actionable.items()]


def _action(node: Any, rule: Any, column: pd.Series) -> Action:
    if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype == bool:
        return _category(node, rule, column)
    values = np.sort(column.to_numpy(dtype=float))
    low, high, direction = values[0], values[-1], "any"
    if isinstance(rule, str):
        direction = rule
    else:
        low, high = _limits(node, rule)
    if direction not in _DIRECTIONS:
        raise ValueError(
            f"{_OWNER}: actionable[{node!r}] must be one of "
            f"{', '.join(map(repr, _DIRECTIONS))} or a pair (low, high), got {rule!r}."
        )
    whole = bool((values == np.round(values)).all())
    return Action(node, values, low, high, direction, numeric=True, whole=whole)


def _limits(node: Any, rule: Any) -> tuple[float, float]:
    try:
        low, high = map(float, rule)
    except (TypeError, ValueError):
        low, high = 1.0, 0.0
    if not low < high:
        raise ValueError(
            f"{_OWNER}: actionable[{node!r}] must be a pair (low, high) with low < "
            f"high, got {rule!r}."
        )
    return low, high


def _category(node: Any, rule: Any, column: pd.Series) -> Action:
    if column.dtype == bool:
        known = np.array([False, True])
    else:
        known = np.asarray(column.cat.categories, dtype=object)
    chosen = known if isinstance(rule, str) and rule == "any" else rule
    if isinstance(chosen, str) or not set(chosen) <= set(known.tolist()):
        raise ValueError(
            f"{_OWNER}: actionable[{node!r}] must be 'any' or a list of its categories "
            f"{known.tolist()}, got {rule!r}."
        )
    values = np.array(list(chosen), dtype=known.dtype)
    return Action(node, values, 0.0, 0.0, "any", numeric=False)
