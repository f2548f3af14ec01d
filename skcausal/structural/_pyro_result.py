"""What abduction with a Pyro program found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from skcausal.structural._replay import sample_index


@dataclass(frozen=True, repr=False)
class ProgramAbduction:
    r"""What rows say of their noise under a Pyro program: exact, or draws.

    `ProgramModel.abduct` makes it.

    Parameters
    ----------
    engine : object
        The program with what was learned of it.
    before : dict of site to value or function
        Interventions in the world of the rows.
    parts : list
        Noise of the rows of which the same sites are known.
    table : DataFrame of shape (n, n_columns)
        The rows.
    request : object
        Draws per row, method and coupling.

    Notes
    -----
    Assumes that the program is right. Unknown sites z of a row with evidence e are
    drawn from :math:`p(z \mid e)`; given z, the noise of each site follows, or is drawn
    from the part of its distribution that leads to the value.

    References
    ----------
    Pearl, J. (2009). Causality, 2nd ed., section 7.1. Cambridge University Press.
    https://doi.org/10.1017/CBO9780511803161

    Examples
    --------
    >>> import pandas as pd, pyro, pyro.distributions as dist
    >>> from skcausal.structural import ProgramModel
    >>> def exam():
    ...     skill = pyro.sample("skill", dist.Normal(0, 1))
    ...     pyro.sample("grade", dist.Normal(skill, 1))
    >>> seen = pd.DataFrame({"grade": [2.0]})
    >>> found = ProgramModel(exam).abduct(seen, n_samples=4000, random_state=0)
    >>> found.method
    'importance'
    >>> found.predict()["skill"].mean().round(1)
    np.float64(1.0)
    """

    engine: Any
    before: Mapping[str, Any]
    parts: list[Any]
    table: pd.DataFrame
    request: Any

    def __repr__(self) -> str:
        """Show how many rows there are, and by which method."""
        return (
            f"ProgramAbduction of {len(self.table)} row(s), "
            f"{self.request.n_samples} draw(s) each, method {self.method!r}"
        )

    @property
    def method(self) -> str:
        """How noise was found; "exact" if all sites of all rows were known."""
        methods = {part.method for part in self.parts} - {"exact"}
        return methods.pop() if methods else "exact"

    @property
    def diagnostics(self) -> pd.DataFrame:
        """Per row: method, unknown sites, effective sample size, R-hat, divergences.

        Of NUTS the effective sample size is the smallest and R-hat the largest of all
        latent sites of all rows with the same known sites. NaN: does not apply.
        """
        tables = []
        for part in self.parts:
            numbers = {
                name: part.diagnostics.get(name, np.nan)
                for name in ("effective_sample_size", "r_hat", "divergences")
            }
            columns = {"method": part.method, "unknown": part.unknown, **numbers}
            tables.append(pd.DataFrame(columns, index=part.rows))
        return pd.concat(tables).sort_index().set_axis(self.table.index)

    @property
    def elbo(self) -> list[np.ndarray]:
        """Evidence lower bound of SVI, step by step, per set of known sites."""
        return [p.diagnostics["elbo"] for p in self.parts if "elbo" in p.diagnostics]

    def predict(self, do: Mapping[str, Any] | None = None) -> pd.DataFrame:
        """Compute the rows as they would have been, or as they were.

        Parameters
        ----------
        do : dict of site to value, array or function, default=None
            What sites are set to: one value, one per row, or a function of the row.
            None gives the rows themselves, with draws of what was unknown.

        Returns
        -------
        frame : DataFrame of shape (n * n_samples, n_nodes)
            With several draws per row the index is (row, sample).

        Warns
        -----
        CouplingWarning
            If the distribution of a label, 0/1 or count changes, so that the answer
            rests on the coupling.
        """
        from skcausal.structural import _pyro_queries as queries

        owner, times = "ProgramAbduction.predict", self.request.n_samples
        given = queries.interventions_of(self.engine, do, len(self.table), owner)
        merged, coupling = {**self.before, **given}, self.request.coupling
        found, changed = queries.predict(
            self.engine, self.parts, merged, times, coupling
        )
        queries.warn_of_coupling(changed, coupling, owner)
        return found.set_axis(sample_index(self.table.index, times))
