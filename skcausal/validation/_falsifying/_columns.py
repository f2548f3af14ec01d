"""The columns of a frame that nodes stand for, as numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from skcausal.graphs import CausalGraph, GraphError
from skcausal.utils._validation import check_features, is_pandas, is_polars

OWNER = "falsify_graph"


@dataclass(frozen=True)
class Columns:
    """The observed nodes as columns.

    Parameters
    ----------
    frame : pandas.DataFrame
        One column per node, in the order of the graph.
    matrix : ndarray of shape (n, k)
        The same in numbers: a category has an indicator for each level but the first.
    places : tuple of ndarray
        For each node the columns of ``matrix`` that stand for it.
    """

    frame: pd.DataFrame
    matrix: np.ndarray
    places: tuple[np.ndarray, ...]

    def of(self, node: int) -> np.ndarray:
        """Return the columns of one node."""
        return self.matrix[:, self.places[node]]

    def positions(self, nodes: Any) -> np.ndarray:
        """Return the positions of all columns of several nodes."""
        found = [self.places[node] for node in sorted(nodes)]
        return np.concatenate(found) if found else np.empty(0, dtype=np.intp)


def columns_of(graph: CausalGraph, frame: Any) -> Columns:
    """Return the columns of a graph's nodes, all of which must be observed."""
    if not (is_pandas(frame) or is_polars(frame)):
        raise TypeError(
            f"{OWNER}: frame must be a pandas or polars DataFrame, got "
            f"{type(frame).__name__}. Its columns are the nodes of the graph."
        )
    missing = [node for node in graph.nodes if node not in list(frame.columns)]
    if missing:
        raise GraphError(
            f"{OWNER}: the node {missing[0]!r} has no column in frame. Add the "
            "column, or list the node among the latent ones of the graph."
        )
    chosen = check_features(frame[list(graph.nodes)], OWNER)
    blocks = [_block(chosen[node], node) for node in graph.nodes]
    ends = np.cumsum([block.shape[1] for block in blocks])
    places = np.split(np.arange(ends[-1]), ends[:-1])
    return Columns(chosen, np.hstack(blocks), tuple(places))


def _block(column: pd.Series, node: object) -> np.ndarray:
    """Return a column as numbers of shape (n, k)."""
    if column.isna().any():
        raise ValueError(
            f"{OWNER}: the column {node!r} has {int(column.isna().sum())} missing "
            "values. Drop these rows or impute them: tests of independence need both."
        )
    if isinstance(column.dtype, pd.CategoricalDtype):
        used = column.cat.remove_unused_categories()
        block = pd.get_dummies(used, drop_first=True).to_numpy(dtype=float)
    else:
        block = column.to_numpy(dtype=float)[:, None]
    if block.shape[1] == 0 or (np.ptp(block, axis=0) == 0).all():
        raise ValueError(
            f"{OWNER}: the column {node!r} has one value only, so nothing can depend "
            "on it. Leave the node out of the graph."
        )
    return block
