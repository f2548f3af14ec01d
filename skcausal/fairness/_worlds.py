"""Rows as they would have been with another value of the sensitive attribute."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from skcausal.structural._couplings import SHARED, coupled_model, own_coupling
from skcausal.structural._noise_frame import noise_names

COUPLINGS = (*SHARED, "independent")


class SensitiveAttributeError(ValueError):
    """The sensitive attribute is no node of the graph, or has causes in it."""


def check_sensitive(graph: Any, sensitive: Any, owner: str) -> None:
    """Refuse an attribute that is no node, or that something in the graph causes."""
    if isinstance(sensitive, list | tuple) or sensitive not in graph:
        raise SensitiveAttributeError(
            f"{owner}: sensitive must be one node of the graph, got {sensitive!r}. "
            f"Nodes: {', '.join(map(str, graph.nodes[:20]))}."
        )
    causes = graph.ordered(graph.parents(sensitive))
    if causes:
        raise SensitiveAttributeError(
            f"{owner}: {sensitive!r} has the cause(s) {', '.join(map(str, causes))} in "
            "the graph. People who differ in it would then differ in causes that the "
            "audit holds fixed, so this is not the fairness asked about. Take these "
            "arrows out of the graph, or name their origin as the sensitive attribute."
        )


def restricted(model: Any, nodes: Any) -> Any:
    """Return a fitted model of some nodes and their ancestors only."""
    kept = model.graph.ancestors(list(nodes))
    small = copy.copy(model)
    small.graph = model.graph.subgraph(kept)
    small.mechanisms_ = {n: m for n, m in model.mechanisms_.items() if n in kept}
    small.dtypes_ = {n: d for n, d in model.dtypes_.items() if n in kept}
    return small


@dataclass(frozen=True)
class Worlds:
    """What follows from the sensitive attribute, and what of it a row determines.

    ``known`` holds the nodes that follow from the row itself, ``drawn`` those for
    which a row leaves several values possible, ``held`` those that stay as they are.
    """

    model: Any
    sensitive: Any
    coupling: str
    known: tuple[Any, ...]
    drawn: tuple[Any, ...]
    held: tuple[Any, ...]

    @classmethod
    def of(cls, model: Any, sensitive: Any, coupling: str) -> "Worlds":
        """Sort the nodes of a fitted model; "shared_noise" is as it couples itself."""
        if coupling == "shared_noise":
            coupling = own_coupling(model)
        model = coupled_model(model, coupling)
        below = model.graph.descendants(sensitive) - {sensitive}
        known: list[Any] = []
        drawn: list[Any] = []
        for node in model.mechanisms_:
            if node not in below:
                continue
            sure = model.mechanisms_[node].invertible and coupling != "independent"
            follows = not set(model.parents_of(node)) & set(drawn)
            (known if sure and follows else drawn).append(node)
        seen = model.graph.observed
        held = [n for n in seen if n not in below and n != sensitive]
        return cls(model, sensitive, coupling, tuple(known), tuple(drawn), tuple(held))

    @property
    def exact(self) -> bool:
        """Whether each row has one counterfactual per value."""
        return not self.drawn

    def each(
        self,
        table: pd.DataFrame,
        values: list[Any],
        n_draws: int,
        random: np.random.Generator,
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows for each value, ``n_draws`` successive copies of each row."""
        noise = self.model.noise(table, random_state=random)
        held = {node: table[node].to_numpy() for node in self.held}
        first = [
            self.model.from_noise(noise, do=held | {self.sensitive: value})
            for value in values
        ]
        if self.exact:
            yield from first
            return
        places = np.repeat(np.arange(len(table)), n_draws)
        many = table.iloc[places].reset_index(drop=True)
        noise = self._noise(noise.iloc[places].reset_index(drop=True), many, random)
        held = {node: values[places] for node, values in held.items()}
        for value, world in zip(values, first, strict=True):
            fixed = {node: world[node].to_numpy()[places] for node in self.known}
            do = held | fixed | {self.sensitive: value}
            yield self.model.from_noise(noise, do=do)

    def _noise(
        self, noise: pd.DataFrame, many: pd.DataFrame, random: np.random.Generator
    ) -> pd.DataFrame:
        """Draw noise that explains each row, anew for each copy; or fresh noise."""
        model = self.model
        if self.coupling == "independent":
            return model.draw_noise(len(many), random_state=random)
        if model.graph.latent:  # it is drawn with the noise
            return model.noise(many, random_state=random)
        # Other nodes are held, or follow from the row: their noise is not used.
        for node in self.drawn:
            mechanism, parents = model.mechanisms_[node], many[model.parents_of(node)]
            found = mechanism.noise(parents, many[node].array, random)
            noise[noise_names(node, mechanism.n_noise)] = found.reshape(len(many), -1)
        return noise
