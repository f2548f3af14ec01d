"""Replays of rows: what changes where nodes are set, with the noise of the rows."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from skcausal.structural._design import frame_of
from skcausal.structural._inputs import set_to, spread
from skcausal.structural._mechanism import Mechanism

Values = dict[Any, Any]


class RowNoise(dict[Any, np.ndarray]):
    """Noise of rows, recovered node by node when it is asked for.

    Each node has a generator of its own, so that its draws depend neither on the
    intervention nor on other nodes.
    """

    def __init__(self, model: Any, values: Values, random: np.random.Generator) -> None:
        super().__init__()
        self._model, self._values = model, values
        self._seed = int(random.integers(2**62))
        self._places = {node: k for k, node in enumerate(model.mechanisms_)}

    def __missing__(self, node: Any) -> np.ndarray:
        """Recover the noise of a node and keep it."""
        random = np.random.default_rng([self._seed, self._places[node]])
        parents = parent_frame(self._model, node, self._values)
        found = self._model.mechanisms_[node].noise(parents, self._values[node], random)
        self[node] = np.asarray(found)
        return self[node]


class FreshNoise(RowNoise):
    """Noise that has nothing to do with the rows."""

    def __missing__(self, node: Any) -> np.ndarray:
        """Draw the noise of a node and keep it."""
        random = np.random.default_rng([self._seed, self._places[node]])
        n = len(self._values[node])
        self[node] = self._model.mechanisms_[node].draw_noise(n, random)
        return self[node]


def parent_frame(model: Any, node: Any, values: Mapping[Any, Any]) -> pd.DataFrame:
    """Return the parents of a node as its mechanism takes them."""
    columns = {parent: values[parent] for parent in model.parents_of(node)}
    return frame_of(columns, len(values[node]))


class Replay:
    """Rows computed anew under an intervention, what does not change being kept.

    Parameters
    ----------
    model : AdditiveNoiseModel
        A fitted model.
    values : dict of node to array of shape (n,)
        The rows as they were.
    noise : mapping of node to array
        Their noise.
    redrawn : frozenset of node
        Nodes that are computed for all rows, changed causes or not.
    """

    def __init__(
        self,
        model: Any,
        values: Values,
        noise: Mapping[Any, np.ndarray],
        redrawn: frozenset[Any] = frozenset(),
    ) -> None:
        self.model, self.values, self.noise = model, values, noise
        self.redrawn = redrawn
        self.n = len(next(iter(values.values())))
        self.unsure: list[Any] = []

    def under(self, do: Mapping[Any, Any], owner: str) -> Values:
        """Return the rows under an intervention.

        ``unsure`` then lists the nodes that changed with a noise that is not known.
        """
        self.unsure = []
        new: Values = {}
        moved: dict[Any, np.ndarray | None] = {}
        for node, mechanism in self.model.mechanisms_.items():
            setting = do.get(node)
            if node in do and not callable(setting):
                new[node] = self._set(node, setting, {}, owner)
            else:
                new[node] = self._natural(node, mechanism, new, moved)
                if node in do:
                    seen = [*self.model.parents_of(node), node]
                    row = {name: new[name] for name in seen}
                    new[node] = self._set(node, setting, row, owner)
            moved[node] = differing(new[node], self.values[node])
        return new

    def _set(self, node: Any, setting: Any, row: Values, owner: str) -> Any:
        dtype = self.model.dtypes_[node]
        return set_to(setting, row, self.n, dtype, node, owner)

    def _natural(
        self,
        node: Any,
        mechanism: Mechanism,
        new: Values,
        moved: Mapping[Any, np.ndarray | None],
    ) -> Any:
        """Return a node that is not set, computed where one of its causes moved."""
        masks = [moved[parent] for parent in self.model.parents_of(node)]
        some = [mask for mask in masks if mask is not None]
        if node in self.redrawn:
            some = [np.ones(self.n, dtype=bool)]
        if not some:
            return self.values[node]
        if not mechanism.invertible:
            self.unsure.append(node)
        rows = np.flatnonzero(np.logical_or.reduce(some))
        noise = np.asarray(self.noise[node])
        if len(rows) == self.n:
            return self.model.apply(node, new, noise)
        parents = {name: new[name][rows] for name in self.model.parents_of(node)}
        found = self.model.apply(node, parents, noise[rows])
        return replaced(self.values[node], rows, found)


def replaced(values: Any, rows: np.ndarray, found: Any) -> Any:
    """Return values with some rows replaced."""
    values = values.copy()
    values[rows] = found
    return values


def differing(one: Any, two: Any) -> np.ndarray | None:
    """Return in which rows values differ; None for nowhere."""
    if one is two:
        return None
    if isinstance(one, pd.Categorical):
        one, two = one.codes, two.codes
    mask = np.asarray(one != two)
    return mask if mask.any() else None


def repeated(values: Values, times: int) -> Values:
    """Return each row several times in a row."""
    if times == 1:
        return values
    return {node: column.repeat(times) for node, column in values.items()}


def columns_of(table: pd.DataFrame) -> Values:
    """Return the columns of checked rows as arrays."""
    return {
        node: column.array
        if isinstance(column.dtype, pd.CategoricalDtype)
        else column.to_numpy()
        for node, column in table.items()
    }


def drawn_rows(
    model: Any, n: int, random: np.random.Generator
) -> tuple[Values, dict[Any, np.ndarray]]:
    """Return new rows of a model and their noise."""
    values: Values = {}
    noise: dict[Any, np.ndarray] = {}
    for node, mechanism in model.mechanisms_.items():
        noise[node] = mechanism.draw_noise(n, random)
        values[node] = model.apply(node, values, noise[node])
    return values, noise


def as_table(model: Any, values: Values, index: Any = None) -> pd.DataFrame:
    """Return rows as a frame, columns in the order of the graph."""
    return pd.DataFrame({node: values[node] for node in model.graph.nodes}, index=index)


def sample_index(index: pd.Index, n_samples: int) -> pd.Index:
    """Return the index of several samples per row."""
    if n_samples == 1:
        return index
    samples = np.tile(np.arange(n_samples), len(index))
    names = [index.name if index.name is not None else "row", "sample"]
    return pd.MultiIndex.from_arrays([index.repeat(n_samples), samples], names=names)


def settings_per_sample(
    do: Mapping[Any, Any], n_rows: int, times: int, owner: str
) -> Values:
    """Return interventions with one value per row for several samples per row."""
    if times == 1:
        return dict(do)

    def stretched(node: Any, setting: Any) -> Any:
        if callable(setting) or np.ndim(setting) == 0:
            return setting
        return np.repeat(spread(setting, n_rows, node, owner), times)

    return {node: stretched(node, setting) for node, setting in do.items()}
