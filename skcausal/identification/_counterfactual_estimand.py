"""A counterfactual probability as a formula of what is observed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from skcausal.graphs import CausalGraph
from skcausal.identification._counterfactual_checking import largest_error
from skcausal.identification._evaluation import Table, evaluate
from skcausal.identification._expression import Expression
from skcausal.identification._expressions import Probability
from skcausal.identification._variables import Variable


@dataclass(frozen=True)
class CounterfactualEstimand:
    """The probability of events in several worlds, as a formula.

    `identify_counterfactual` makes it.

    Parameters
    ----------
    expression : Expression
        The formula.
    outcome, given : tuple of Variable
        The events in question, and those that are known.
    graph : CausalGraph
        What was assumed.
    steps : tuple of str, default=()
        The derivation, in sentences.
    from_experiments : bool, default=False
        Whether the formula may speak of what is set in experiments.

    Notes
    -----
    Assumes the graph, and that one mechanism with the same noise rules each node in all
    worlds. Values of one node that differ in primes are different values: where they
    are equal the formula says nothing.

    References
    ----------
    Shpitser, I. and Pearl, J. (2008). Complete identification methods for the causal
    hierarchy. Journal of Machine Learning Research 9, 1941-1979.
    https://jmlr.org/papers/v9/shpitser08a.html

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import Variable, identify_counterfactual
    >>> graph = CausalGraph([("z", "x"), ("z", "y"), ("x", "y")])
    >>> found = identify_counterfactual(
    ...     graph, Variable("y", world=["x"]), Variable("x", primes=1)
    ... )
    >>> found.check(n_random=3, random_state=0) < 1e-10
    True
    """

    expression: Expression
    outcome: tuple[Variable, ...]
    given: tuple[Variable, ...]
    graph: CausalGraph
    steps: tuple[str, ...] = ()
    from_experiments: bool = False

    @property
    def query(self) -> Probability:
        """The probability that the formula is equal to."""
        return Probability(self.outcome, self.given)

    def __str__(self) -> str:
        """Return question and formula in plain text."""
        return f"{self.query} = {self.expression}"

    def latex(self) -> str:
        """Return question and formula in LaTeX.

        Returns
        -------
        str
            Without dollar signs.
        """
        return f"{self.query.latex()} = {self.expression.latex()}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def explain(self) -> str:
        """Say how the formula was derived, one step a line.

        Returns
        -------
        str
            The steps, and the formula at the end.
        """
        lines = [f"{step}." for step in self.steps]
        return "\n".join([*lines, f"Therefore {self}"])

    @property
    def arbitrary(self) -> tuple[Variable, ...]:
        """Values the formula names that do not matter if the graph is right."""
        free = self.expression.free - self.query.free
        return tuple(sorted(free, key=lambda one: one.order))

    def evaluate(
        self, joint: Table, experiments: Mapping[Any, Table] | None = None
    ) -> Table:
        """Return the numbers of the formula under a discrete distribution.

        Parameters
        ----------
        joint : Table
            The probability of each combination of levels of the nodes that the
            formula names.
        experiments : mapping, default=None
            Tables of experiments, as in `evaluate`.

        Returns
        -------
        Table
            With an axis for each value that question and formula name; averaged over
            `arbitrary` ones.
        """
        table = evaluate(self.expression, joint, experiments)
        extra = [axis for axis in table.axes if axis in self.arbitrary]
        if not extra:
            return table
        kept = [axis for axis in table.axes if axis not in extra]
        nodes = [Variable(axis.node) for axis in extra]
        weights = joint.marginal(nodes).array(*nodes)
        values = table.array(*kept, *extra)
        lost = tuple(range(len(kept), values.ndim))
        parts = np.where(weights > 0, values * weights, 0.0)
        return Table(kept, parts.sum(axis=lost) / weights.sum())

    def check(self, n_random: int = 20, random_state: Any = None) -> float:
        """Compare the formula with the truth in random models of the graph.

        In each model every unit is listed, with its hidden causes and the functions by
        which its nodes respond, so that all worlds are known.

        Parameters
        ----------
        n_random : int, default=20
            How many models.
        random_state : int, Generator or None, default=None
            Seed.

        Returns
        -------
        float
            The largest absolute difference.

        Raises
        ------
        IdentificationError
            If it is above 1e-10, or the graph is too large.
        """
        return largest_error(self, n_random, np.random.default_rng(random_state))
