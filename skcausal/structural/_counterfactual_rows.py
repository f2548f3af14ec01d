"""Rows in another world than the one they were seen in: methods of StructuralModel."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from skcausal.structural._class_bounds import class_bounds
from skcausal.structural._couplings import (
    SHARED,
    check_coupling,
    coupled_model,
    warn_of_coupling,
)
from skcausal.structural._inputs import as_frame, check_count, check_interventions
from skcausal.structural._interventions import refuse_other_worlds
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

_OWNER = "StructuralModel"


class OtherWorlds:
    """What rows would have been under an intervention."""

    graph: Any
    coupling: Any
    known: Any
    _random: Any

    def counterfactual(
        self,
        frame: Any,
        do: Mapping[Any, Any],
        *,
        n_samples: int = 1,
        coupling: str | None = None,
        random_state: Any = None,
    ) -> pd.DataFrame:
        """Compute what these very rows would have been under an intervention.

        Parameters
        ----------
        frame : DataFrame of shape (n, n_columns)
            Rows as they were, with a value for each node.
        do : dict of node to value, array or function
            What nodes are set to: one value, one per row, or a function of the row.
        n_samples : int, default=1
            Draws per row of the noise that is not known.
        coupling : str, default=None
            What ties categories in the two worlds; None takes that of the model.
            "shared_noise", "monotone" and "gumbel_max" share noise; "bounds" returns
            what holds under any coupling; "independent" shares nothing below the
            intervention, only to show what goes wrong then.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        frame : DataFrame of shape (n * n_samples, n_nodes)
            Rows as they would have been; what does not change is exactly as it was.
            With several draws the index is (row, sample). With "bounds", a table of
            shape (n, 2 * n_classes) whose columns are (node, class, "lower" or
            "upper"): bounds on the probability of each class.

        Warns
        -----
        CouplingWarning
            If a category or count changes its causes: the answer then rests on the
            coupling.
        """
        check_is_fitted(self, "mechanisms_")
        owner = f"{_OWNER}.counterfactual"
        coupling = check_coupling(coupling or self.coupling, owner)
        check_count(n_samples, "n_samples", owner, least=1)
        do = check_interventions(do, self.graph, owner)
        table = self._complete(frame, owner)
        random = self._random(random_state)
        return counterfactual_rows(self, table, do, n_samples, coupling, random)

    def twin(
        self,
        do: Mapping[Any, Any],
        *,
        n: int | None = None,
        frame: Any = None,
        coupling: str | None = None,
        random_state: Any = None,
    ) -> pd.DataFrame:
        """Return rows in two worlds side by side: as they are, and under ``do``.

        Parameters
        ----------
        do : dict of node to value, array or function
            What nodes are set to in the other world.
        n : int, default=None
            Number of rows to draw; or give ``frame``.
        frame : DataFrame of shape (n, n_columns), default=None
            Rows as they were; or give ``n``.
        coupling : str, default=None
            As in `counterfactual`; None takes that of the model.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None takes that of the model.

        Returns
        -------
        frame : DataFrame of shape (n, 2 * n_nodes)
            Columns (world, node) with worlds "factual" and "counterfactual", which
            share their noise.

        Warns
        -----
        CouplingWarning
            If a category or count changes its causes.
        """
        check_is_fitted(self, "mechanisms_")
        owner = f"{_OWNER}.twin"
        if (n is None) == (frame is None):
            raise ValueError(f"{owner}: give n or frame, one of the two.")
        coupling = check_coupling(coupling or self.coupling, owner, SHARED)
        do = check_interventions(do, self.graph, owner)
        random = self._random(random_state)
        if frame is None:
            check_count(n, "n", owner, least=1)
            return twin_rows(self, int(n or 0), do, coupling, random)
        return twin_rows(self, self._complete(frame, owner), do, coupling, random)

    def _complete(self, frame: Any, owner: str) -> pd.DataFrame:
        """Return rows without gaps, or say who can deal with gaps."""
        nodes = self.graph.nodes
        if as_frame(frame, nodes, owner).isna().any(axis=None):
            raise ValueError(
                f"{owner}: some rows lack a value. Take "
                "abduct(frame, n_samples=...).predict(do), which draws what is unknown."
            )
        table = self.known(frame, owner=owner)
        refuse_other_worlds(self, columns_of(table), {}, owner)
        return table


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
