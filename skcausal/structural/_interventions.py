"""Mechanisms of nodes that an intervention sets."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from skcausal.structural._counterfactual_errors import (
    ImpossibleEvidenceError,
    UnidentifiedCounterfactualError,
)
from skcausal.structural._inputs import cast, check_interventions, spread
from skcausal.structural._mechanism import Mechanism


class SetTo(Mechanism):
    """A node that is one value, whatever happens."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def fit(self, parents: Any, values: Any) -> Self:
        """Learn nothing."""
        return self

    def draw_noise(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Return zeros, which nothing uses."""
        return np.zeros(n)

    def apply(self, parents: Any, noise: np.ndarray) -> np.ndarray:
        """Return the value in each row."""
        return np.full(len(noise), self.value)

    def noise(
        self, parents: Any, values: Any, random: np.random.Generator
    ) -> np.ndarray:
        """Return zeros: the value needs no noise."""
        return np.zeros(len(values))


def refuse_other_worlds(
    model: Any, values: Mapping[Any, Any], known: Mapping[Any, Any], owner: str
) -> None:
    """Raise if a node that the model sets has another value in rows that know it."""
    for node, mechanism in model.mechanisms_.items():
        if node not in values or not isinstance(mechanism, SetTo):
            continue
        other = np.asarray(np.asarray(values[node]) != mechanism.value)
        if (other & known.get(node, True)).any():
            raise ImpossibleEvidenceError(
                f"{owner}: {node!r} is set to {mechanism.value!r} in this model, but "
                "has other values in the rows. Take rows of this world, or the model "
                "before `do` and counterfactual(frame, do=...)."
            )


class FunctionOfRow(Mechanism):
    """A node that is a function of its causes and of what it would have been."""

    def __init__(self, node: Any, function: Any, natural: Mechanism, dtype: Any):
        self.node = node
        self.function = function
        self.natural = natural
        self.dtype = dtype

    @property
    def invertible(self) -> bool:  # type: ignore[override]
        """Whether the value that the node would have had has a known noise."""
        return self.natural.invertible

    @property
    def n_noise(self) -> int:
        """Numbers of noise per row: those of the mechanism that is overruled."""
        return self.natural.n_noise

    def fit(self, parents: Any, values: Any) -> Self:
        """Learn what the node would be."""
        self.natural = self.natural.fit(parents, values)
        return self

    def draw_noise(self, n: int, random: np.random.Generator) -> np.ndarray:
        """Draw the noise of what the node would have been."""
        return self.natural.draw_noise(n, random)

    def apply(self, parents: Any, noise: np.ndarray) -> Any:
        """Compute what the node would have been, and what the function makes of it."""
        natural = self.natural.apply(parents, noise)
        own = cast(natural, self.dtype, self.node, "StructuralModel.do")
        row = parents.copy()
        row[self.node] = own
        return spread(self.function(row), len(noise), self.node, "StructuralModel.do")

    def noise(
        self, parents: Any, values: Any, random: np.random.Generator
    ) -> np.ndarray:
        """Refuse: several values may lead to the one that the function gave."""
        raise UnidentifiedCounterfactualError(
            f"StructuralModel: {self.node!r} was set by a function, which hides what "
            "it would have been, so that its noise is not known. Take the model "
            "before `do` and rows of its world: counterfactual(frame, do=...)."
        )


def settings(
    given: Mapping[Any, Any] | None, named: Mapping[str, Any], model: Any, owner: str
) -> dict[Any, Any]:
    """Return interventions of a dict and of keywords; one value or function each."""
    do = check_interventions(given, model.graph, owner)
    twice = [node for node in named if node in do]
    if twice:
        raise ValueError(f"{owner}: {twice[0]!r} is given twice. Give it once.")
    do |= check_interventions(named, model.graph, owner)
    if not do:
        raise ValueError(
            f"{owner}: no node is named. Give nodes and values, such as price=3.0 or "
            "{'price': 3.0}."
        )
    for node, setting in do.items():
        if not callable(setting) and np.ndim(setting) > 0:
            raise ValueError(
                f"{owner}: {node!r} has {np.size(setting)} values; a model of any "
                "number of rows needs one, or a function of the row. For one per row, "
                "take counterfactual(frame, do=...), sample(n, do=...) or "
                "abduct(frame)."
            )
    return do


def mechanism_set_to(model: Any, node: Any, setting: Any, owner: str) -> Mechanism:
    """Return the mechanism of a node that is set to a value or a function."""
    dtype = model.dtypes_[node]
    if callable(setting):
        return FunctionOfRow(node, setting, model.mechanisms_[node], dtype)
    return SetTo(cast([setting], dtype, node, owner)[0])
