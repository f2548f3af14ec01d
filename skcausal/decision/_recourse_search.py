"""The search for the least set of actions that changes a decision."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product
from typing import Any

import numpy as np
import pandas as pd

from skcausal.decision._actions import Action
from skcausal.decision._decisions import Decision
from skcausal.decision._recourse_result import Recourse
from skcausal.structural._replay import Replay, Values, as_table

_MOST_TRIED = 1000  # combinations of values for one set of nodes
_FINEST = 100  # values of one node
_POINTS, _ROUNDS = 32, 3  # of the way back to the row
Setting = dict[Any, Any]


@dataclass(frozen=True)
class RowSearch:
    """The search for one row.

    Parameters
    ----------
    model : AdditiveNoiseModel
        Fitted: what follows from what.
    decision : Decision
        Who gets the desired answer.
    actions : list of Action
        What may be set.
    row : DataFrame of shape (1, n_nodes)
        The row as it is.
    values : dict of node to array of shape (n_draws,)
        The row, several times.
    noise : mapping of node to array
        Noises that explain the row.
    confidence : float
        Share of the draws in which the decision must be as desired.
    """

    model: Any
    decision: Decision
    actions: Sequence[Action]
    row: pd.DataFrame
    values: Values
    noise: Mapping[Any, np.ndarray]
    confidence: float
    now: Setting = field(init=False)

    def __post_init__(self) -> None:
        """Read the present values."""
        first = self.row.iloc[0]
        object.__setattr__(self, "now", {a.node: first[a.node] for a in self.actions})

    @property
    def n_draws(self) -> int:
        """Number of noises that explain the row."""
        return len(next(iter(self.values.values())))

    def after(self, settings: dict[Any, np.ndarray]) -> pd.DataFrame:
        """Return the draws of the row under each setting, one after another."""
        n = len(next(iter(settings.values())))
        draws = np.tile(np.arange(self.n_draws), n)
        values = {node: column[draws] for node, column in self.values.items()}
        replay = Replay(self.model, values, _Tiled(self.noise, draws))
        do = {k: np.repeat(v, self.n_draws) for k, v in settings.items()}
        return as_table(self.model, replay.under(do, "StructuralRecourse.explain"))

    def scores(self, settings: dict[Any, np.ndarray]) -> np.ndarray:
        """Return the score of each setting in each draw."""
        return self.decision.score(self.after(settings)).reshape(-1, self.n_draws)

    def succeeds(self, settings: dict[Any, np.ndarray]) -> np.ndarray:
        """Tell which settings lead to the desired answer often enough."""
        share = self.decision.granted(self.scores(settings)).mean(axis=1)
        return np.asarray(share >= self.confidence)

    def ways(
        self, most_actions: int, objective: str, n_alternatives: int
    ) -> tuple[Recourse, ...]:
        """Return the best ways, no set of nodes within another's."""
        found: list[tuple[tuple[int, float], Setting]] = []
        for size in range(1, most_actions + 1):
            for chosen in combinations(self.actions, size):
                nodes = {action.node for action in chosen}
                done = any(set(setting) <= nodes for _, setting in found)
                if done and objective == "fewest":
                    continue
                setting = self._best(chosen)
                if setting is not None:
                    setting = self._needed(setting)
                    rank = len(setting) if objective == "fewest" else 0
                    found.append(((rank, self._cost(chosen, setting)), setting))
            if objective == "fewest" and len(found) >= n_alternatives:
                break
        kept: list[Setting] = []
        for _, setting in sorted(found, key=lambda pair: pair[0]):
            if not any(_nested(setting, other) for other in kept):
                kept.append(setting)
        return tuple(self._recourse(one) for one in kept[:n_alternatives])

    def _cost(self, chosen: Sequence[Action], setting: Setting) -> float:
        return float(
            sum(
                a.cost(self.now[a.node], np.asarray([setting[a.node]]))[0]
                for a in chosen
                if a.node in setting
            )
        )

    def _needed(self, setting: Setting) -> Setting:
        """Return the setting without actions that it can do without."""
        for node in list(setting):
            rest = {k: np.asarray([v]) for k, v in setting.items() if k != node}
            if rest and self.succeeds(rest)[0]:
                setting = {k: v for k, v in setting.items() if k != node}
        return setting

    def _grid(self, action: Action, chosen: Sequence[Action], size: int) -> np.ndarray:
        """Return values to try; what others would change may also be kept."""
        now = self.now[action.node]
        grid = action.grid(now, size)
        others = [other.node for other in chosen if other is not action]
        if len(grid) and action.node in self.model.graph.descendants(others):
            grid = np.append(grid, np.asarray([now], dtype=grid.dtype))
        return grid

    def _best(self, chosen: Sequence[Action]) -> Setting | None:
        """Return the cheapest setting of some nodes that succeeds, if one does."""
        size = min(_FINEST, int(_MOST_TRIED ** (1 / len(chosen))))
        grids = [self._grid(action, chosen, size) for action in chosen]
        if not all(len(grid) for grid in grids):
            return None
        cells = np.array(list(product(*(range(len(grid)) for grid in grids))))
        costs = [
            action.cost(self.now[action.node], grid)
            for action, grid in zip(chosen, grids, strict=True)
        ]
        total = np.sum([c[cells[:, k]] for k, c in enumerate(costs)], axis=0)
        order = np.argsort(total, kind="stable")
        for block in _blocks(order):
            settings = {
                action.node: grid[cells[block, k]]
                for k, (action, grid) in enumerate(zip(chosen, grids, strict=True))
            }
            good = np.flatnonzero(self.succeeds(settings))
            if len(good):
                first = {node: values[good[0]] for node, values in settings.items()}
                return self._refined(chosen, first)
        return None

    def _refined(self, chosen: Sequence[Action], setting: Setting) -> Setting:
        """Move numbers back toward the row as far as the decision holds."""
        moving = [
            a for a in chosen if a.numeric and setting[a.node] != self.now[a.node]
        ]
        for group in ([moving] if len(moving) > 1 else []) + [[a] for a in moving]:
            setting = self._pulled_back(group, setting)
        return setting

    def _pulled_back(self, group: Sequence[Action], setting: Setting) -> Setting:
        """Return the setting nearest to the row on the way to it that holds."""
        failing, holding = 0.0, 1.0
        best = setting
        for _ in range(_ROUNDS):
            shares = np.linspace(failing, holding, _POINTS + 1)[1:]
            tried = {node: np.full(_POINTS, value) for node, value in setting.items()}
            for action in group:
                start, end = float(self.now[action.node]), float(setting[action.node])
                values = start + shares * (end - start)
                outward = np.ceil if end > start else np.floor
                tried[action.node] = outward(values) if action.whole else values
            good = np.flatnonzero(self.succeeds(tried))
            if not len(good):
                break
            first = good[0]
            best = {node: values[first] for node, values in tried.items()}
            holding = shares[first]
            failing = shares[first - 1] if first else failing
        return best

    def _recourse(self, setting: Setting) -> Recourse:
        arrays = {node: np.asarray([value]) for node, value in setting.items()}
        after = self.after(arrays)
        score = self.decision.score(after)
        chosen = [action for action in self.actions if action.node in setting]
        return Recourse(
            actions=setting,
            cost=self._cost(chosen, setting),
            score=float(score.mean()),
            probability=float(self.decision.granted(score).mean()),
            consequences=after,
            feature_edit_suffices=self._edit_suffices(setting),
        )

    def _edit_suffices(self, setting: Setting) -> bool:
        edited: Any = self.row.copy()
        for node, value in setting.items():
            edited[node] = pd.Series([value], edited.index).astype(edited[node].dtype)
        return bool(self.decision.granted(self.decision.score(edited))[0])


class _Tiled(dict[Any, np.ndarray]):
    """Noise of some rows, taken node by node when it is asked for."""

    def __init__(self, noise: Mapping[Any, np.ndarray], rows: np.ndarray) -> None:
        super().__init__()
        self._noise, self._rows = noise, rows

    def __missing__(self, node: Any) -> np.ndarray:
        """Take the noise of a node."""
        return np.asarray(self._noise[node])[self._rows]


def _blocks(order: np.ndarray) -> Iterator[np.ndarray]:
    """Yield parts of an order, small ones first: cheap settings often do."""
    start, size = 0, 50
    while start < len(order):
        yield order[start : start + size]
        start, size = start + size, size * 4


def _nested(one: Setting, other: Setting) -> bool:
    """Tell whether one set of nodes holds the other."""
    return set(one) <= set(other) or set(other) <= set(one)
