"""GraphFalsification: what data say about a graph, and what that is worth."""

from dataclasses import dataclass
from html import escape

import pandas as pd

from skcausal.graphs import CausalGraph

INDEPENDENCE, DEPENDENCE, EDGE = "independence", "dependence", "needed edge"


@dataclass(frozen=True, eq=False)
class GraphFalsification:
    """What data say about a graph. Made by :func:`falsify_graph`.

    Parameters
    ----------
    graph : CausalGraph
        The graph over the observed nodes.
    test : str
        Name of the test of independence.
    alpha : float
        Level of each test, and of the verdict.
    table : pandas.DataFrame
        One row per test: ``claim`` ("independence": a node and a non-descendant given
        its parents; "dependence": a node and an ancestor; "needed edge": the ends of an
        edge given the other parents), ``node``, ``other``, ``given``, ``p_value``,
        ``adjusted_p_value`` (Benjamini and Hochberg, within a claim) and ``violated``:
        an independence with a p-value of at most alpha, or one of the others with a
        larger one.
    suggestions : pandas.DataFrame
        Edges to add or remove, by adjusted p-values: ``action``, ``edge``, ``node``,
        ``other``, ``given``, ``p_value`` and ``adjusted_p_value``. "a -- b" leaves the
        direction open; a hidden common cause would look the same.
    relabelled : pandas.DataFrame
        One row per graph with shuffled names: ``violations``, independencies that
        the data reject, and ``contradictions``, those that the given graph denies.
    exact : bool
        Whether these are all orders of the nodes, the given one among them.

    Notes
    -----
    Assumes what :func:`falsify_graph` assumes.

    Examples
    --------
    >>> from skcausal.validation import GraphFalsification
    >>> GraphFalsification.__name__
    'GraphFalsification'
    """

    graph: CausalGraph
    test: str
    alpha: float
    table: pd.DataFrame
    suggestions: pd.DataFrame
    relabelled: pd.DataFrame
    exact: bool

    @property
    def summary(self) -> pd.DataFrame:
        """Number of tests and of violations of each claim."""
        groups = self.table.groupby("claim")["violated"]
        counted = pd.DataFrame({"tests": groups.size(), "violations": groups.sum()})
        wanted = [INDEPENDENCE, DEPENDENCE, EDGE]
        return counted.reindex(wanted, fill_value=0).astype(int)

    @property
    def n_tests(self) -> int:
        """Independencies that the graph implies and the data can test."""
        return len(self._independencies)

    @property
    def n_violations(self) -> int:
        """Those that the data reject, each at level alpha."""
        return int(self._independencies["violated"].sum())

    @property
    def n_adjusted_violations(self) -> int:
        """Those that the data reject after adjustment for their number."""
        return int((self._independencies["adjusted_p_value"] <= self.alpha).sum())

    @property
    def _independencies(self) -> pd.DataFrame:
        return self.table[self.table["claim"] == INDEPENDENCE]

    @property
    def lmc_share(self) -> float:
        """Share of relabelled graphs that violate no more (p_LMC of Eulig et al.)."""
        return float((self.relabelled["violations"] <= self.n_violations).mean())

    @property
    def tpa_share(self) -> float:
        """Share of relabelled graphs that imply the same (p_TPa of Eulig et al.)."""
        return float((self.relabelled["contradictions"] == 0).mean())

    @property
    def p_lmc(self) -> float:
        """P-value of fitting as well: that of a graph whose names are shuffled."""
        return self._p_value(self.lmc_share)

    @property
    def p_tpa(self) -> float:
        """P-value of implying the same: that of a graph whose names are shuffled."""
        return self._p_value(self.tpa_share)

    def _p_value(self, share: float) -> float:
        """Return (1 + #) / (1 + n); all orders hold the given one, hence # / n."""
        n = len(self.relabelled)
        return share if self.exact else (1 + share * n) / (1 + n)

    @property
    def falsifiable(self) -> bool:
        """Whether the graph says more than most graphs with shuffled names."""
        return self.n_tests > 0 and self.p_tpa < self.alpha

    @property
    def falsified(self) -> bool:
        """Whether it is falsifiable, and fits no better than shuffled names do."""
        return self.falsifiable and self.p_lmc > self.alpha

    @property
    def verdict(self) -> str:
        """What follows, in words."""
        if self.n_tests == 0:
            return (
                "No verdict: the graph implies no independence among observed nodes, "
                "so no data could contradict it."
            )
        fit = (
            f"{self.n_violations} of {self.n_tests} implied independencies are "
            f"rejected at {self.alpha:g}; graphs with shuffled names do as well or "
            f"better with p_LMC = {self.p_lmc:.3g}"
        )
        if not self.falsifiable:
            return (
                f"No verdict: too many graphs with shuffled names imply the same "
                f"(p_TPa = {self.p_tpa:.3g}), so the graph cannot be told from them. "
                f"{fit}.{self._local()}"
            )
        if self.falsified:
            return (
                f"Falsified: {fit}, so the graph explains the data no better than its "
                f"drawing with the names at random.{self._local()}"
            )
        return (
            f"Not falsified: {fit}. This is no support for the graph: it says only "
            "that the graph is better than its drawing with the names at random, which "
            f"a graph with many wrong edges can be as well.{self._local()}"
        )

    def _local(self) -> str:
        n = self.n_adjusted_violations
        if n == 0:
            return " No single independence is rejected after adjustment."
        return (
            f" After adjustment {n} implied "
            f"{'independence stays' if n == 1 else 'independencies stay'} rejected: "
            "some edge is wrong or missing, see suggestions."
        )

    def __repr__(self) -> str:
        """Show the verdict and how many edges there are to think about."""
        counts = self.suggestions["action"].value_counts()
        return (
            f"GraphFalsification by {self.test}: {self.verdict}\n"
            f"  suggestions: {counts.get('add', 0)} to add, "
            f"{counts.get('remove', 0)} to remove"
        )

    def _repr_html_(self) -> str:
        title = f"<strong>{escape(self.verdict)}</strong>"
        return f"<div>{title}{self.summary.to_html()}{self.suggestions.to_html()}</div>"
