"""Rows in another world than the one they were seen in."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from skcausal.structural._class_bounds import class_bounds
from skcausal.structural._couplings import coupled_model, warn_of_coupling
from skcausal.structural._replay import (
    FreshNoise,
    Replay,
    RowNoise,
    as_table,
    columns_of,
    drawn_rows,
    repeated,
    sample_index,
    settings_per_sample,
)


def counterfactual_rows(
    model: Any,
    table: pd.DataFrame,
    do: Mapping[Any, Any],
    n_samples: int,
    coupling: str,
    random: np.random.Generator,
) -> pd.DataFrame:
    """Return rows under an intervention, or bounds on their classes."""
    owner = "StructuralModel.counterfactual"
    values = columns_of(table)
    if coupling == "bounds":
        bounds = class_bounds(model, values, do, random, owner)
        return bounds.set_axis(table.index)
    coupled = coupled_model(model, coupling)
    do = settings_per_sample(do, len(table), n_samples, owner)
    values = repeated(values, n_samples)
    if coupling == "independent":
        below = model.graph.do(list(do)).descendants(list(do)) - set(do)
        replay = Replay(coupled, values, FreshNoise(coupled, values, random), below)
    else:
        replay = Replay(coupled, values, RowNoise(coupled, values, random))
    found = replay.under(do, owner)
    doubtful = replay.redrawn if coupling == "independent" else replay.unsure
    warn_of_coupling(doubtful, coupling, owner, stacklevel=4)
    return as_table(model, found, sample_index(table.index, n_samples))


def twin_rows(
    model: Any,
    rows: pd.DataFrame | int,
    do: Mapping[Any, Any],
    coupling: str,
    random: np.random.Generator,
) -> pd.DataFrame:
    """Return rows, or a number of new ones, as they are and under an intervention."""
    owner = "StructuralModel.twin"
    model = coupled_model(model, coupling)
    index = None if isinstance(rows, int) else rows.index
    if isinstance(rows, int):
        values, noise = drawn_rows(model, rows, random)
        replay = Replay(model, values, noise)
    else:
        values = columns_of(rows)
        replay = Replay(model, values, RowNoise(model, values, random))
    found = replay.under(do, owner)
    warn_of_coupling(replay.unsure, coupling, owner, stacklevel=4)
    worlds = (as_table(model, values, index), as_table(model, found, index))
    keys = ["factual", "counterfactual"]
    return pd.concat(worlds, axis=1, keys=keys, names=["world", "node"])
