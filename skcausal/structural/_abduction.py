"""Abduction: the noise of rows, known or drawn, and what follows from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from skcausal.structural._counterfactual_errors import UnidentifiedCounterfactualError
from skcausal.structural._couplings import warn_of_coupling
from skcausal.structural._inputs import check_interventions
from skcausal.structural._noise_frame import noise_frame
from skcausal.structural._posterior import (
    joined_parts,
    posterior,
    warn_of_few,
)
from skcausal.structural._replay import (
    Replay,
    RowNoise,
    Values,
    as_table,
    repeated,
    sample_index,
    settings_per_sample,
)

# How rows that lack the same nodes are drawn; a new method needs an entry here.
METHODS = {"auto": posterior, "exact": posterior, "importance": posterior}
BY_PROGRAM = ("svi", "nuts")  # Pyro's inference on the program of the model


@dataclass(frozen=True, repr=False)
class Abduction:
    r"""What rows say of their noise: exact where it follows, else draws.

    Parameters
    ----------
    model : StructuralModel
        The model of the rows.
    values : dict of node to array of shape (n * n_samples,)
        The rows, several times each, unknown nodes drawn.
    row_noise : mapping of node to array
        Their noise.
    index : Index of shape (n,)
        Labels of the rows.
    n_samples : int
        Draws per row.
    diagnostics : DataFrame of shape (n, 3) or (n, 5)
        Per row ``method`` ("exact", "importance", "svi" or "nuts"), ``unknown`` (nodes
        without a value) and ``effective_sample_size``; of SVI and NUTS also ``r_hat``
        and ``divergences``.

    Notes
    -----
    Assumes that the model is right. A row that shows all nodes has noise that follows
    from it (invertible mechanisms) or is drawn from the part of its distribution that
    leads to what was seen: both are exact. Unknown nodes are drawn from the model and
    weighted by the density of the known nodes below them, :math:`w = \prod_j p(x_j
    \mid x_{pa(j)})`; the effective sample size is :math:`(\sum w)^2 / \sum w^2`.

    References
    ----------
    Pearl, J. (2009). Causality, 2nd ed., section 7.1. Cambridge University Press.
    https://doi.org/10.1017/CBO9780511803161

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import AdditiveNoise, StructuralModel
    >>> rng = np.random.default_rng(0)
    >>> price = rng.normal(10, 2, size=500)
    >>> frame = pd.DataFrame({"price": price, "sales": 9 - price})
    >>> graph, linear = CausalGraph([("price", "sales")]), LinearRegression()
    >>> model = StructuralModel(graph, {"sales": AdditiveNoise(linear)}).fit(frame)
    >>> abduction = model.abduct(frame[:3])
    >>> abduction.method
    'exact'
    >>> abduction.predict({"price": 9.0}).shape
    (3, 2)
    """

    model: Any
    values: Values
    row_noise: Mapping[Any, np.ndarray]
    index: pd.Index
    n_samples: int
    diagnostics: pd.DataFrame

    def __repr__(self) -> str:
        """Show how many rows there are, and by which method."""
        return (
            f"Abduction of {len(self.index)} row(s), {self.n_samples} draw(s) each, "
            f"method {self.method!r}"
        )

    @property
    def method(self) -> str:
        """How noise was found; "exact" if no row needed anything else."""
        others = set(self.diagnostics["method"]) - {"exact"}
        return str(others.pop()) if others else "exact"

    @property
    def noise(self) -> pd.DataFrame:
        """The noise, one row per row and draw, as `from_noise` takes it."""
        arrays = {node: self.row_noise[node] for node in self.model.mechanisms_}
        return noise_frame(arrays, sample_index(self.index, self.n_samples))

    def predict(self, do: Mapping[Any, Any] | None = None) -> pd.DataFrame:
        """Compute the rows as they would have been, or as they were.

        Parameters
        ----------
        do : dict of node to value, array or function, default=None
            What nodes are set to: one value, one per row, or a function of the row.
            None gives the rows themselves, with draws of what was unknown.

        Returns
        -------
        frame : DataFrame of shape (n * n_samples, n_nodes)
            With several draws per row the index is (row, sample).
        """
        do = check_interventions(do, self.model.graph, "Abduction.predict")
        do = settings_per_sample(
            do, len(self.index), self.n_samples, "Abduction.predict"
        )
        replay = Replay(self.model, self.values, self.row_noise)
        found = replay.under(do, "Abduction.predict")
        warn_of_coupling(replay.unsure, self.model.coupling, "Abduction.predict")
        index = sample_index(self.index, self.n_samples)
        return as_table(self.model, found, index)


def abduction(
    model: Any,
    rows: tuple[Values, np.ndarray, pd.Index],
    sizes: tuple[int, int],
    method: str,
    random: np.random.Generator,
    owner: str,
) -> Abduction:
    """Return the noise of rows, patterns of unknown nodes one by one."""
    values, gaps, index = rows
    n_samples, n_draws = sizes
    patterns, which = np.unique(gaps, axis=0, return_inverse=True)
    which = which.ravel()
    sizes_of, weighted_of = np.full(len(index), float(n_samples)), gaps[:, 0] & False
    parts: list[tuple[Values, Mapping[Any, np.ndarray]]] = []
    order: list[np.ndarray] = []
    for k, pattern in enumerate(patterns):
        chosen = np.flatnonzero(which == k)
        unknown = frozenset(np.array(model.graph.nodes, dtype=object)[pattern])
        part = {node: column[chosen] for node, column in values.items()}
        if not unknown:
            part = repeated(part, n_samples)
            parts.append((part, RowNoise(model, part, random)))
        else:
            drawn, noise, effective, weighted = METHODS[method](
                model, part, unknown, sizes, random, owner
            )
            parts.append((drawn, noise))
            sizes_of[chosen], weighted_of[chosen] = effective, weighted
        order.append((chosen[:, None] * n_samples + np.arange(n_samples)).ravel())
    if method == "exact" and weighted_of.any():
        raise UnidentifiedCounterfactualError(
            f"{owner}: {weighted_of.sum()} row(s) lack a node above one that is known, "
            "so that its noise does not follow. Take method='importance', or give "
            "the missing values."
        )
    if weighted_of.any():
        warn_of_few(sizes_of[weighted_of], n_draws, owner, stacklevel=4)
    diagnostics = pd.DataFrame(
        {
            "method": np.where(weighted_of, "importance", "exact"),
            "unknown": gaps.sum(axis=1),
            "effective_sample_size": sizes_of,
        },
        index=index,
    )
    found = _joined(model, parts, order)
    return Abduction(model, *found, index, n_samples, diagnostics)


def _joined(
    model: Any, parts: list[Any], order: list[np.ndarray]
) -> tuple[Values, Mapping[Any, np.ndarray]]:
    """Return draws of all patterns in the order of the rows."""
    if len(parts) == 1:
        return parts[0]
    back = np.argsort(np.concatenate(order))
    nodes = list(model.mechanisms_)
    values = {
        node: joined_parts([part[0][node] for part in parts])[back] for node in nodes
    }
    noise = {
        node: np.concatenate([part[1][node] for part in parts])[back] for node in nodes
    }
    return values, noise
