"""A model given evidence: rows as they are among those that show it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from skcausal.inference._bootstrap import generator_of
from skcausal.structural._couplings import warn_of_coupling
from skcausal.structural._inputs import cast, check_count, check_interventions
from skcausal.structural._posterior import (
    draw_particles,
    effective_sizes,
    resampled,
    warn_of_few,
)
from skcausal.structural._replay import Replay, as_table


class ConditionedModel:
    r"""A structural model given what is known of a row, made by `condition`.

    Parameters
    ----------
    model : StructuralModel
        A fitted model.
    evidence : dict of node to value or function
        What is known: a value, or a function that takes a Series of values of the
        node and tells which agree with the evidence.
    n_draws : int, default=50000
        Rows that are drawn and weighted.
    random_state : int, Generator, RandomState or None, default=None
        Seed.

    Attributes
    ----------
    effective_sample_size_ : float
        How many equally weighted rows the draws are worth.
    method_ : str
        "exact" if the draws need no weights, "rejection" if they are kept or not,
        "importance" if they are weighted by a density.

    Raises
    ------
    ImpossibleEvidenceError
        If no draw agrees with the evidence.

    Warns
    -----
    EffectiveSampleSizeWarning
        If fewer than 50 draws count.

    Notes
    -----
    Assumes that the model is right. Nodes without evidence are drawn, causes first;
    nodes with a value are not drawn, and the row weighs :math:`w = \prod_j p(x_j \mid
    x_{pa(j)})`, over the nodes with a value. The effective sample size is
    :math:`(\sum w)^2 / \sum w^2`.

    References
    ----------
    Fung, R., & Chang, K.-C. (1990). Weighing and integrating evidence for stochastic
    simulation in Bayesian networks. UAI. https://arxiv.org/abs/1304.1504

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.structural import StructuralModel
    >>> rng = np.random.default_rng(0)
    >>> rain = rng.random(2000) < 0.3
    >>> frame = pd.DataFrame({"rain": rain, "wet": rain | (rng.random(2000) < 0.2)})
    >>> model = StructuralModel(CausalGraph([("rain", "wet")]), random_state=0)
    >>> given = model.fit(frame).condition(wet=True)
    >>> bool(given.sample(1000)["rain"].mean() > 0.6)
    True
    """

    effective_sample_size_: float
    method_: str

    def __init__(
        self,
        model: Any,
        evidence: Mapping[Any, Any],
        *,
        n_draws: int = 50_000,
        random_state: Any = None,
    ) -> None:
        owner = "StructuralModel.condition"
        check_count(n_draws, "n_draws", owner, least=100)
        self.model = model
        self.evidence = dict(evidence)
        self.n_draws = n_draws
        self._random = generator_of(random_state)
        values, accept = {}, {}
        for node in model.graph.nodes:
            given = self.evidence.get(node)
            known = node in self.evidence and not callable(given)
            if callable(given):
                accept[node] = given
            values[node] = self._column(node, given if known else None, owner)
        unknown = set(model.graph.nodes) - (set(self.evidence) - set(accept))
        self._particles = draw_particles(
            model, values, frozenset(unknown), self._random, accept
        )
        weights, sizes = effective_sizes(self._particles.log_weights[None], owner)
        self._weights = weights
        self.effective_sample_size_ = float(sizes[0])
        positive = weights[weights > 0]
        self.method_ = "importance" if np.ptp(positive) > 0 else "rejection"
        if (weights > 0).all() and self.method_ == "rejection":
            self.method_ = "exact"
        warn_of_few(sizes, n_draws, owner, stacklevel=4)

    def _column(self, node: Any, value: Any, owner: str) -> Any:
        """Return a node's value in each row; of unknown nodes any value."""
        dtype = self.model.dtypes_[node]
        if value is None:
            labels = isinstance(dtype, pd.CategoricalDtype)
            value = dtype.categories[0] if labels else 0.0
        return cast([value], dtype, node, owner).repeat(self.n_draws)

    def __repr__(self) -> str:
        """Show the evidence, the method and how many draws count."""
        return (
            f"ConditionedModel given {', '.join(map(str, self.evidence))}: "
            f"{self.method_}, effective sample size {self.effective_sample_size_:.0f}"
        )

    def sample(
        self, n: int, *, do: Mapping[Any, Any] | None = None, random_state: Any = None
    ) -> pd.DataFrame:
        """Draw rows that agree with the evidence, as they are or would have been.

        Parameters
        ----------
        n : int
            Number of rows. With more than the effective sample size, rows repeat.
        do : dict of node to value, array or function, default=None
            What is set after the evidence was seen: rows of the evidence, as they
            would have been.
        random_state : int, Generator, RandomState or None, default=None
            Seed; None continues that of the conditioning.

        Returns
        -------
        frame : DataFrame of shape (n, n_nodes)
            Rows; without ``do`` the evidence holds in each.
        """
        owner = "ConditionedModel.sample"
        check_count(n, "n", owner, least=1)
        do = check_interventions(do, self.model.graph, owner)
        random = self._random if random_state is None else generator_of(random_state)
        places = random.permutation(resampled(self._weights, n, random)[0])
        values, noise = self._particles.take(self.model, places, random)
        replay = Replay(self.model, values, noise)
        found = replay.under(do, owner)
        warn_of_coupling(replay.unsure, self.model.coupling, owner)
        return as_table(self.model, found)
