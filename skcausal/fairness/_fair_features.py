"""Features that do not follow from the sensitive attributes, at three levels."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from skcausal.fairness._fair_graphs import (
    directed_model,
    graph_of,
    latent_model,
    nodes_below,
)
from skcausal.fairness._fair_residuals import (
    check_residuals,
    expected_noise,
    residual_mechanisms,
)

N_DRAWS = 100  # of noise whose expectation has no formula here


@dataclass(frozen=True)
class FairSettings:
    """What the user chose, checked."""

    sensitive: tuple[Any, ...]
    level: int
    residuals: str
    outcome: Any
    n_samples: int | None
    owner: str


class FairFeatures:
    """Learns on training rows what features of a row are fair, and computes them."""

    def __init__(self, model: Any, settings: FairSettings) -> None:
        self.settings = settings
        self.model = model
        self.fitted_model: Any = None
        self.residual_nodes: tuple[Any, ...] = ()

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> "FairFeatures":
        """Sort the columns, and fit the structural model that the level needs."""
        chosen = self.settings
        graph = graph_of(self.model, chosen.owner)
        below = nodes_below(graph, chosen.sensitive)
        self.excluded = {
            name: reason
            for name in X.columns
            if (reason := _reason(name, graph, below, chosen)) is not None
        }
        self.plain = [name for name in X.columns if name not in self.excluded]
        if chosen.level == 1 and not self.plain:
            raise ValueError(_nothing_left(self.excluded, chosen.owner))
        if chosen.level == 2:
            self._fit_latent(X, y)
        if chosen.level == 3:
            self._fit_residuals(X, below)
        self.needed = self._needed(X)
        return self

    def _needed(self, X: pd.DataFrame) -> list[Any]:
        """Return the columns that `transform` takes."""
        if self.fitted_model is None:
            return self.plain
        nodes = set(self.fitted_model.graph.nodes) - {self.settings.outcome}
        return [name for name in X.columns if name in self.plain or name in nodes]

    def _fit_latent(self, X: pd.DataFrame, y: np.ndarray) -> None:
        owner, outcome = self.settings.owner, self.settings.outcome
        model = latent_model(self.model, list(X.columns), outcome, owner)
        frame = X
        if outcome is not None and outcome in model.graph:
            frame = X.assign(**{outcome: y})
        self.fitted_model = model.fit(frame)

    def _fit_residuals(self, X: pd.DataFrame, below: frozenset[Any]) -> None:
        chosen = self.settings
        model = directed_model(
            self.model, list(X.columns), below, chosen.outcome, chosen.owner
        )
        nodes = [node for node in model.graph.nodes if node in below]
        nodes = [node for node in nodes if node not in chosen.sensitive]
        given = dict(model.mechanisms or {})
        if chosen.residuals == "rank":
            model = clone(model).set_params(
                mechanisms=residual_mechanisms(X, nodes, given, model) or None
            )
        self.fitted_model = model.fit(X)
        check_residuals(self.fitted_model, X, nodes, given, chosen)
        self.residual_nodes = tuple(nodes)

    def transform(self, X: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
        """Return the fair features of rows."""
        features = X[self.plain].copy()
        if self.settings.level == 2:
            name = str(self.fitted_model.latent_)
            features[name] = self._latent(X, random)
        for node in self.residual_nodes:
            noise = self._noise(node, X, random)
            for k, column in enumerate(noise.T):
                suffix = f"_{k}" if noise.shape[1] > 1 else ""
                features[f"residual_{node}{suffix}"] = column
        return features

    def _latent(self, X: pd.DataFrame, random: np.random.Generator) -> np.ndarray:
        n_samples = self.settings.n_samples
        evidence = X.drop(columns=self.settings.outcome, errors="ignore")
        if n_samples is None:
            return self.fitted_model.infer_latent(evidence)["mean"].to_numpy()
        draws = [
            self.fitted_model.draw_latent(evidence, random_state=random)
            for _ in range(n_samples)
        ]
        return np.asarray(np.mean(draws, axis=0))

    def _noise(
        self, node: Any, X: pd.DataFrame, random: np.random.Generator
    ) -> np.ndarray:
        """Return the noise of a node, of shape (n, n_noise)."""
        model = self.fitted_model
        parents = model.parents_of(node)
        table = model.known(X, (*parents, node), self.settings.owner)
        mechanism, values = model.mechanisms_[node], table[node].array
        n_samples = self.settings.n_samples
        if not mechanism.invertible and n_samples is None:
            expected = expected_noise(mechanism, table[parents], values)
            if expected is not None:
                return expected[:, None]
        n_draws = 1 if mechanism.invertible else n_samples or N_DRAWS
        draws = [
            mechanism.noise(table[parents], values, random) for _ in range(n_draws)
        ]
        return np.asarray(np.mean(draws, axis=0)).reshape(len(X), -1)


def _reason(
    name: Any, graph: Any, below: frozenset[Any], chosen: FairSettings
) -> str | None:
    """Return why a column is no feature as it is, or None."""
    if name in chosen.sensitive:
        return "sensitive"
    if name == chosen.outcome:
        return "the outcome"
    if name not in graph:
        return "not in the graph"
    if name in below:
        causes = graph.ordered(graph.ancestors(name) & set(chosen.sensitive))
        return f"follows from {', '.join(map(str, causes))}"
    return None


def _nothing_left(excluded: dict[Any, str], owner: str) -> str:
    listed = "; ".join(f"{name!r}: {reason}" for name, reason in excluded.items())
    return (
        f"{owner}: at level 1 no feature is left. {listed}. Measure causes that the "
        "sensitive attributes do not act on, or take level 2 or 3."
    )
