"""Noise as a frame: one column per node, several where a mechanism takes several."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from skcausal.structural._mechanism import Mechanism


def noise_frame(arrays: Mapping[Any, np.ndarray], index: Any = None) -> pd.DataFrame:
    """Return a frame of the noise of each node; two dimensions make several columns."""
    columns: dict[Any, Any] = {}
    for node, noise in arrays.items():
        names = noise_names(node, 1 if noise.ndim == 1 else noise.shape[1])
        for name in names:
            if name in columns:
                raise ValueError(
                    f"The noise of two nodes would have the column {name!r}, one of "
                    f"them {node!r}. Rename a node."
                )
        parts = [noise] if noise.ndim == 1 else noise.T
        columns |= dict(zip(names, parts, strict=True))
    return pd.DataFrame(columns, index=index)


def noise_names(node: Any, n_noise: int) -> list[Any]:
    """Return the columns that hold the noise of a node."""
    if n_noise == 1:
        return [node]
    return [f"{node}[{k}]" for k in range(n_noise)]


def noise_columns_of(mechanisms: Mapping[Any, Mechanism]) -> tuple[Any, ...]:
    """Return the columns of a frame of noise."""
    return tuple(
        name
        for node, mechanism in mechanisms.items()
        for name in noise_names(node, mechanism.n_noise)
    )


def noise_arrays(
    frame: pd.DataFrame, mechanisms: Mapping[Any, Mechanism]
) -> dict[Any, np.ndarray]:
    """Return the noise of each node, of shape (n,) or (n, n_noise)."""
    found = {}
    for node, mechanism in mechanisms.items():
        names = noise_names(node, mechanism.n_noise)
        found[node] = frame[names[0] if len(names) == 1 else names].to_numpy()
    return found
