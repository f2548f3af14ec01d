"""Which arrows are unfair, and rows in which they carry another value."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from skcausal.graphs import CausalGraph
from skcausal.structural._couplings import in_own_coupling
from skcausal.structural._inputs import check_count, check_graph
from skcausal.structural._paths import (
    Edge,
    directed_paths,
    edges_of_paths,
    propagate,
)
from skcausal.utils._validation import as_vector

_MODES = ("constrain", "correct")


@dataclass(frozen=True)
class PathQuestion:
    """A model of all nodes but the outcome, and the arrows that are unfair."""

    model: Any
    sensitive: Any
    outcome: Any
    causes: list[Any]
    reference: Any
    levels: list[Any]
    unfair_edges: frozenset[Edge]
    fair_edges: frozenset[Edge]

    @classmethod
    def fitted(
        cls, estimator: Any, model: Any, X: Any, outcome: Any, owner: str
    ) -> "PathQuestion":
        """Return the question of an estimator, with a model fitted to rows."""
        graph, sensitive = model.graph, estimator.sensitive
        _check_graph(graph, sensitive, outcome, owner)
        unfair = {tuple(path) for path in estimator.unfair_paths}
        unfair_edges = edges_of_paths(graph, sensitive, outcome, unfair, owner)
        fair = set(directed_paths(graph, sensitive, outcome)) - unfair
        fair_edges = edges_of_paths(graph, sensitive, outcome, fair, owner)
        model = in_own_coupling(_model_without(model, outcome).fit(X))
        column = model.known(X, [sensitive])[sensitive]
        reference = _reference(column, estimator.reference, owner)
        levels = [level for level in sorted(pd.unique(column)) if level != reference]
        causes = list(graph.ordered(graph.parents([outcome])))
        return cls(
            model,
            sensitive,
            outcome,
            causes,
            reference,
            levels,
            unfair_edges,
            fair_edges,
        )

    @property
    def unfair_mediators(self) -> list[Any]:
        """Causes of the outcome that unfair paths end in, but the attribute itself."""
        ends = {a for a, b in self.unfair_edges if b == self.outcome}
        return [node for node in self.causes if node in ends - {self.sensitive}]

    @property
    def is_random(self) -> bool:
        """Whether noise of a node that the attribute moves is a draw."""
        below = self.model.graph.descendants([self.sensitive]) - {self.sensitive}
        return any(not self.model.mechanisms_[node].invertible for node in below)

    def causes_in(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the columns of the outcome's causes."""
        return rows[self.causes]

    def along_unfair_paths(
        self, noise: pd.DataFrame, level: Any
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the causes at the reference, and with a level on unfair arrows."""
        worlds = propagate(
            self.model,
            noise,
            {self.sensitive: self.reference},
            {self.sensitive: level},
            self.unfair_edges,
        )
        return worlds[0][self.causes], self._mixed(*worlds, self.unfair_edges)

    def corrected(self, noise: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the causes with the row's own value on fair arrows only."""
        worlds = propagate(
            self.model,
            noise,
            {self.sensitive: self.reference},
            {self.sensitive: rows[self.sensitive].array},
            self.fair_edges,
        )
        return self._mixed(*worlds, self.fair_edges)

    def _mixed(
        self, base: pd.DataFrame, moved: pd.DataFrame, edges: frozenset[Edge]
    ) -> pd.DataFrame:
        columns = {
            node: (moved if (node, self.outcome) in edges else base)[node]
            for node in self.causes
        }
        return pd.DataFrame(columns)


def _check_graph(graph: Any, sensitive: Any, outcome: Any, owner: str) -> None:
    check_graph(graph, owner)
    if sensitive not in graph:
        raise ValueError(
            f"{owner}: sensitive must be a node of the graph, got {sensitive!r}."
        )
    below = graph.children([outcome])
    if below:
        raise ValueError(
            f"{owner}: the outcome {outcome!r} causes {next(iter(below))!r}, so it "
            "would be predicted from what it causes. Take its effects out of the graph."
        )


def _model_without(model: Any, outcome: Any) -> Any:
    """Return a copy of a model for all nodes but the outcome, not fitted."""
    graph: CausalGraph = model.graph
    kept = [node for node in graph.nodes if node != outcome]
    given = model.mechanisms
    if given is not None:
        given = {node: one for node, one in given.items() if node != outcome}
    changed = clone(model)
    return changed.set_params(graph=graph.subgraph(kept), mechanisms=given)


def _reference(column: pd.Series, given: Any, owner: str) -> Any:
    levels = sorted(pd.unique(column))
    if given is None and set(levels) == {0, 1}:
        return levels[0]
    if given is None or given not in levels:
        raise ValueError(
            f"{owner}: reference must be a value of {column.name!r}, got {given!r}. "
            f"There are: {', '.join(map(repr, levels[:10]))}."
        )
    return given


def check_options(estimator: Any, owner: str) -> None:
    """Refuse options that make no sense."""
    if estimator.mode not in _MODES:
        raise ValueError(
            f"{owner}.fit: mode must be one of {_MODES}, got {estimator.mode!r}."
        )
    if not len(estimator.unfair_paths):
        raise ValueError(
            f"{owner}.fit: unfair_paths must name a path at least. Without any, use "
            "the classifier itself."
        )
    check_count(estimator.n_draws, "n_draws", f"{owner}.fit", least=1)
    low, high = estimator.bounds
    if not 0 < low < 1 < high:
        raise ValueError(
            f"{owner}.fit: bounds must be two positive numbers with 1 between them, "
            f"got {estimator.bounds!r}."
        )


def check_binary(estimator: Any, y: Any, n_rows: int, owner: str) -> np.ndarray:
    """Set ``classes_`` and return the outcome as 0 and 1."""
    labels = as_vector(y, "y")
    if len(labels) != n_rows:
        raise ValueError(
            f"{owner}.fit: y must have one label per row ({n_rows}), got {len(labels)}."
        )
    if pd.isna(labels).any():
        raise ValueError(f"{owner}.fit: y has missing labels. Drop these rows.")
    estimator.classes_, codes = np.unique(labels, return_inverse=True)
    if len(estimator.classes_) != 2:
        raise ValueError(
            f"{owner}.fit: y must have two labels, got {len(estimator.classes_)}."
        )
    return codes.astype(float)


def named_outcome(model: Any, X: Any, y: Any, owner: str) -> Any:
    """Return the node that y is: the one whose column is not in X."""
    name = getattr(y, "name", None)
    if name in model.graph:
        return name
    absent = [node for node in model.graph.nodes if node not in X.columns]
    if len(absent) != 1:
        raise ValueError(
            f"{owner}: cannot tell which node y is: X lacks {absent or 'none'}. Give y "
            "as a Series whose name is its node."
        )
    return absent[0]
