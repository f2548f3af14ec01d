"""Results: what each node or arrow contributes to a number, or to many rows."""

from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Attribution:
    """What each node, or each arrow, contributes to a number.

    Parameters
    ----------
    contributions : Series
        One value per node or arrow, causes first.
    standard_errors : Series
        Error of each by simulation: that of a longer run would be smaller. Errors of
        the fitted mechanisms are not in it.
    target : node
        What is explained.
    measure : str
        What a contribution is, and its unit, in words.
    total : float or None
        What all contributions make together; None where they do not add up.

    Attributes
    ----------
    table : DataFrame
        ``contribution``, ``standard_error`` and ``share``, the largest first.

    Notes
    -----
    Assumes what the function assumes that made it.

    Examples
    --------
    >>> import pandas as pd
    >>> from skcausal.structural import Attribution
    >>> parts = pd.Series({"a": 1.0, "b": 3.0})
    >>> errors = pd.Series({"a": 0.1, "b": 0.1})
    >>> Attribution(parts, errors, "y", "Variance of y", 4.0).table["share"].tolist()
    [0.75, 0.25]
    """

    contributions: pd.Series
    standard_errors: pd.Series
    target: Any
    measure: str
    total: float | None

    def __repr__(self) -> str:
        """Show what is divided, and the table."""
        whole = "" if self.total is None else f", {self.total:.4g} in all"
        return f"{self.measure}{whole}:\n{self.table.to_string()}"

    @property
    def table(self) -> pd.DataFrame:
        """Contributions with standard error and share of the total, sorted."""
        columns = {
            "contribution": self.contributions,
            "standard_error": self.standard_errors,
        }
        table = pd.DataFrame(columns)
        if self.total is not None:
            table["share"] = self.contributions / self.total
        order = self.contributions.abs().sort_values(ascending=False, kind="stable")
        return table.loc[order.index]


@dataclass(frozen=True)
class RowAttribution:
    """What each node contributes to a number of each row.

    Parameters
    ----------
    contributions : DataFrame of shape (n, n_nodes)
        One row per row asked about, one column per node, causes first.
    standard_errors : DataFrame of shape (n, n_nodes)
        Error of each by sampled orders; zero where all orders were used.
    target : node
        What is explained.
    measure : str
        What a contribution is, and its unit, in words.
    totals : Series of shape (n,)
        What contributions make together, per row.

    Notes
    -----
    Assumes what the function assumes that made it.

    Examples
    --------
    >>> import pandas as pd
    >>> from skcausal.structural import RowAttribution
    >>> parts = pd.DataFrame({"a": [0.0, 2.0], "b": [1.0, 0.0]})
    >>> rows = RowAttribution(parts, 0 * parts, "y", "Score", parts.sum(axis=1))
    >>> rows.of(1).contributions.idxmax()
    'a'
    """

    contributions: pd.DataFrame
    standard_errors: pd.DataFrame
    target: Any
    measure: str
    totals: pd.Series

    def __repr__(self) -> str:
        """Show what is divided, and the first rows."""
        rows = self.contributions.assign(total=self.totals)
        return f"{self.measure}:\n{rows.to_string(max_rows=10)}"

    def of(self, row: Any) -> Attribution:
        """Return what one row is made of.

        Parameters
        ----------
        row : label
            A label of the index of ``contributions``.

        Returns
        -------
        attribution : Attribution
            To look at, or to plot.

        Raises
        ------
        KeyError
            If there is no such row.
        """
        if row not in self.contributions.index:
            raise KeyError(
                f"RowAttribution.of: there is no row {row!r}; "
                f"the first are {self.contributions.index[:5].tolist()}."
            )
        return Attribution(
            self.contributions.loc[row],
            self.standard_errors.loc[row],
            self.target,
            self.measure,
            float(self.totals.loc[row]),
        )
