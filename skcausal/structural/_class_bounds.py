"""Bounds on counterfactual classes that hold however two worlds share noise."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from skcausal.structural._couplings import frechet_bounds, is_category, probabilities_of
from skcausal.structural._design import label_places
from skcausal.structural._replay import (
    Replay,
    RowNoise,
    Values,
    differing,
    parent_frame,
)


def class_bounds(
    model: Any,
    values: Values,
    do: Mapping[Any, Any],
    random: np.random.Generator,
    owner: str,
) -> pd.DataFrame:
    """Return bounds per row for each class of each category below an intervention.

    A category below another unknown one gets 0 and 1, which is all that is certain
    without a look at the two together.
    """
    noise = RowNoise(model, values, random)
    new = Replay(model, values, noise).under(do, owner)
    unsure = _unsure(model, do)
    cut = _cut(model, do)
    found = {}
    for node, mechanism in model.mechanisms_.items():
        if node not in unsure or node in do or not is_category(mechanism):
            continue
        blind = bool((cut.ancestors(node) - {node}) & unsure)
        lower, upper = _bounds(model, node, (values, new), blind)
        for k, label in enumerate(mechanism.classes_):
            found[node, label, "lower"] = lower[:, k]
            found[node, label, "upper"] = upper[:, k]
    if not found:
        raise ValueError(
            f"{owner}: no category lies below the intervention, so that there is "
            "nothing to bound. Leave coupling at its default."
        )
    table = pd.DataFrame(found)
    table.columns = table.columns.set_names(["node", "class", "bound"])
    return table


def _cut(model: Any, do: Mapping[Any, Any]) -> Any:
    """Return the graph without arrows into nodes that are set to a value."""
    return model.graph.do([node for node in do if not callable(do[node])])


def _unsure(model: Any, do: Mapping[Any, Any]) -> set[Any]:
    """Return nodes below an intervention whose noise does not follow from the row.

    A node that is set to a function of what it would have been is among them, if it
    lies below another intervention.
    """
    cut = _cut(model, do)
    below = {node for top in do for node in cut.descendants(top) - {top}}
    return {node for node in below if not model.mechanisms_[node].invertible}


def _bounds(
    model: Any, node: Any, worlds: tuple[Values, Values], blind: bool
) -> tuple[np.ndarray, np.ndarray]:
    old, new = worlds
    mechanism = model.mechanisms_[node]
    codes = label_places(old[node], pd.Index(mechanism.classes_))
    n_classes = len(mechanism.classes_)
    if blind:
        return np.zeros((len(codes), n_classes)), np.ones((len(codes), n_classes))
    lower, upper = frechet_bounds(
        probabilities_of(mechanism, parent_frame(model, node, old)),
        probabilities_of(mechanism, parent_frame(model, node, new)),
        codes,
    )
    masks = [differing(new[name], old[name]) for name in model.parents_of(node)]
    moved = [mask for mask in masks if mask is not None]
    still = ~np.logical_or.reduce(moved) if moved else np.ones(len(codes), dtype=bool)
    seen = np.eye(n_classes)[codes[still]]
    lower[still], upper[still] = seen, seen
    return lower, upper
