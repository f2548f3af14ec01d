"""An effect as a formula of what is observed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skcausal.graphs import CausalGraph
from skcausal.identification._adjustment import AdjustmentSets
from skcausal.identification._assumptions import assumptions
from skcausal.identification._checking import largest_error
from skcausal.identification._columns import Columns, check_columns
from skcausal.identification._errors import IdentificationError
from skcausal.identification._evaluation import Table, evaluate
from skcausal.identification._expression import Expression
from skcausal.identification._expressions import (
    Probability,
)
from skcausal.identification._graph_simplification import simplify_in
from skcausal.identification._population import Population
from skcausal.identification._printing import LATEX
from skcausal.identification._steps import Step, names, question
from skcausal.identification._variables import Node, Variable

Names = tuple[Node, ...]


@dataclass(frozen=True, repr=False)
class Estimand:
    r"""An effect as a formula of what is observed.

    `identify` makes it. The formula is a tree with parts that can be read; nothing
    downstream parses text.

    Parameters
    ----------
    expression : Expression
        The formula.
    treatment, outcome, given : tuple of node
        The question: the probability of ``outcome`` where ``treatment`` is set, among
        those with ``given``.
    graph : CausalGraph
        What was assumed.
    kind : {"adjustment", "front-door", "instrument", "general", "conditional"}
        How it was identified.
    observed : tuple of node
        What is measured.
    adjustment : frozenset of node, default=None
        The covariates, where the kind is ``"adjustment"``; what is held where it is
        ``"instrument"``.
    mediators : frozenset of node, default=None
        What the effect passes through, where the kind is ``"front-door"``.
    instrument : node, default=None
        The instrument, where the kind is that.
    steps : tuple of Step, default=()
        The derivation; see `explain`.
    experiments : tuple of tuple of node, default=()
        Sets of nodes that were set in experiments the formula may use.
    populations : tuple of Population, default=()
        Others that the formula may use.

    Notes
    -----
    Assumes the graph; `assumptions` says in words what that means here. A formula of
    the kind ``"instrument"`` is a slope and holds for linear effects only, all others
    are probabilities and hold for whatever effects.

    References
    ----------
    Pearl, J. (2009). Causality, chapters 3 and 4. Cambridge University Press.
    https://doi.org/10.1017/CBO9780511803161

    Examples
    --------
    >>> from skcausal.graphs import example_graph
    >>> from skcausal.identification import identify
    >>> estimand = identify(example_graph("front_door").graph, "X", "Y")
    >>> print(estimand)
    P(Y | do(X)) = Σ_{Z} P(Z | X) Σ_{X'} P(Y | X', Z) P(X')
    >>> estimand.kind, sorted(estimand.mediators)
    ('front-door', ['Z'])
    >>> estimand.check(n_random=5, random_state=0) < 1e-10
    True
    """

    expression: Expression
    treatment: Names
    outcome: Names
    given: Names
    graph: CausalGraph
    kind: str
    observed: Names
    adjustment: frozenset[Node] | None = None
    mediators: frozenset[Node] | None = None
    instrument: Node | None = None
    steps: tuple[Step, ...] = ()
    experiments: tuple[Names, ...] = ()
    populations: tuple[Population, ...] = ()

    # How it reads

    @property
    def query(self) -> Expression:
        """The probability that the formula is equal to."""
        return Probability(self.outcome, self.given, self.treatment)

    def __str__(self) -> str:
        """Return question and formula in plain text."""
        if self.kind == "instrument":
            slope = f"slope of E({names(self.outcome)} | do({names(self.treatment)}))"
            return f"{slope} = {self.expression}"
        return f"{question(self.outcome, self.treatment, self.given)} = {self._body()}"

    def __repr__(self) -> str:
        """Return the kind and the formula."""
        return f"<Estimand, {self.kind}: {self}>"

    def _body(self) -> str:
        text = str(self.expression)
        return f"\n{text}" if "\n" in text else text

    def latex(self) -> str:
        """Return question and formula in LaTeX.

        Returns
        -------
        str
            Without dollar signs.
        """
        left = self.query.latex()
        if self.kind == "instrument":
            outcome, treatment = (
                LATEX.name(Variable(side[0])) for side in (self.outcome, self.treatment)
            )
            do = LATEX.do(treatment)
            left = rf"\frac{{d}}{{d {treatment}}} \mathrm{{E}}({outcome} \mid {do})"
        return f"{left} = {self.expression.latex()}"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def explain(self) -> str:
        """Say how the formula was derived, one step a line.

        Returns
        -------
        str
            The steps, and the formula at the end.
        """
        return "\n".join([*map(str, self.steps), f"Therefore {self}"])

    def assumptions(self) -> list[str]:
        """Say in words what must hold.

        Returns
        -------
        list of str
            One sentence each.
        """
        return assumptions(self)

    def simplify(self) -> "Estimand":
        """Return the same effect by a shorter formula, where one is found.

        Returns
        -------
        Estimand
            With a formula that the independences of the graph allow.
        """
        projected = self.graph.latent_projection(list(self.observed))
        return replace(self, expression=simplify_in(projected, self.expression))

    # What it gives

    @property
    def arbitrary(self) -> tuple[Node, ...]:
        """Nodes the formula names whose value does not matter if the graph is right."""
        asked = {*self.treatment, *self.outcome, *self.given}
        free = {one.node for one in self.expression.free} - asked
        return tuple(node for node in self.graph.nodes if node in free)

    def evaluate(
        self,
        joint: Table,
        experiments: Mapping[Any, Table] | None = None,
        populations: Mapping[str, Mapping[Any, Table]] | None = None,
    ) -> Table:
        """Return the numbers of the effect under a discrete distribution.

        Parameters
        ----------
        joint : Table
            The probability of each combination of levels of the nodes that the
            formula names.
        experiments : mapping, default=None
            Tables of experiments, as in `evaluate`.
        populations : mapping, default=None
            Tables of other populations, as in `evaluate`.

        Returns
        -------
        Table
            With axes treatment, outcome, given. Over `arbitrary` nodes, at whose levels
            the formula would be the same under the true distribution, it is averaged
            by how often they occur, where it is defined; NaN where it never is. For
            an instrument one number without axes.
        """
        table = self.all_values(joint, experiments, populations)
        extra = [axis for axis in table.axes if axis.node in self.arbitrary]
        if not extra:
            return table
        lost = tuple(range(len(table.axes) - len(extra), len(table.axes)))
        start = len(self.treatment)
        outcomes = tuple(range(start, start + len(self.outcome)))
        bad = np.isnan(table.values).any(axis=outcomes, keepdims=True)
        weights = np.where(bad, 0.0, joint.marginal(extra).array(*extra))
        parts = np.where(weights > 0, table.values * weights, 0.0)
        total = weights.sum(axis=lost)
        mean = np.divide(
            parts.sum(axis=lost),
            total,
            out=np.full(parts.shape[: -len(extra)], np.nan),
            where=total > 0,
        )
        return Table(table.axes[: -len(extra)], mean)

    def all_values(
        self,
        joint: Table,
        experiments: Mapping[Any, Table] | None = None,
        populations: Mapping[str, Mapping[Any, Table]] | None = None,
    ) -> Table:
        """Return the numbers of the formula for each level of `arbitrary` nodes too.

        Parameters
        ----------
        joint : Table
            As in `evaluate`.
        experiments, populations : mapping, default=None
            As in `evaluate`.

        Returns
        -------
        Table
            With axes treatment, outcome, given and those of `arbitrary`, along which
            numbers differ by chance only if the graph is right.
        """
        table = evaluate(self.expression, joint, experiments, populations)
        if self.kind == "instrument":
            return table
        nodes = (*self.treatment, *self.outcome, *self.given, *self.arbitrary)
        axes = [Variable(node) for node in nodes]
        spread = np.expand_dims(
            table.array(*(axis for axis in axes if axis in table.axes)),
            tuple(k for k, axis in enumerate(axes) if axis not in table.axes),
        )
        sizes = dict(zip(joint.axes, joint.values.shape, strict=True))
        missing = [axis for axis in axes if axis not in sizes]
        if missing:
            raise ValueError(
                f"Estimand.evaluate: {missing[0].node!r} is not an axis of the table. "
                "Give a joint table of all nodes that the question names."
            )
        return Table(axes, np.broadcast_to(spread, [sizes[axis] for axis in axes]))

    def check(self, n_random: int = 20, random_state: Any = None) -> float:
        """Compare the formula with the truth in random models of the graph.

        Each model has two or three levels a node, a hidden cause for each bidirected
        edge, and no zero probabilities; for an instrument it is linear.

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
            If it is above 1e-10, or the formula names too many nodes for a table.
        """
        return largest_error(self, n_random, np.random.default_rng(random_state))

    # What to hand over

    def columns(self, frame: Any, effect_modifiers: Any = None) -> Columns:
        """Return the columns of a table by their role.

        Parameters
        ----------
        frame : DataFrame
            With a column for each node that the formula names.
        effect_modifiers : column or list of columns, default=None
            Nodes that the effect may vary with; None for all covariates where the kind
            is ``"adjustment"``, else for none.

        Returns
        -------
        Columns
            Names, for ``frame[columns.covariates]`` and the like.

        Raises
        ------
        MissingColumnError
            If the table lacks one.
        UnknownNodeError
            If an effect modifier is not a node of the graph.
        IdentificationError
            If the treatment causes an effect modifier, or the formula does not hold
            within its levels.
        """
        covariates = self.graph.ordered(self.adjustment or self._others())
        modifiers = () if effect_modifiers is None else effect_modifiers
        modifiers = asked = self.graph.ordered(modifiers)
        self._check_modifiers(modifiers)
        covariates = self.graph.ordered({*covariates, *modifiers})
        if effect_modifiers is None and self.kind == "adjustment":
            modifiers = covariates
        mediators = self.graph.ordered(self.mediators or ())
        roles = {
            "the outcome": self.outcome,
            "the treatment": self.treatment,
            "a covariate": [node for node in covariates if node not in asked],
            "an effect modifier": asked,
            "the instrument": [] if self.instrument is None else [self.instrument],
            "a mediator": mediators,
        }
        check_columns(frame, roles)
        outcome, treatment = (
            side[0] if len(side) == 1 else list(side)
            for side in (self.outcome, self.treatment)
        )
        return Columns(
            outcome,
            treatment,
            list(covariates),
            list(modifiers),
            self.instrument,
            list(mediators),
        )

    def _others(self) -> list[Node]:
        """Return what a general formula names beside treatment and outcome."""
        if self.kind not in ("general", "conditional"):
            return []
        ends = {*self.treatment, *self.outcome}
        named = {one.node for one in self.expression.named()} | set(self.given)
        return [node for node in named if node not in ends]

    def _check_modifiers(self, modifiers: Names) -> None:
        caused = self.graph.descendants(list(self.treatment))
        for node in modifiers:
            if node in caused:
                raise IdentificationError(
                    f"Estimand.columns: effect modifier {node!r} is an effect of "
                    f"{names(self.treatment)}, or the treatment itself. Groups must be "
                    "formed before the treatment; leave it out."
                )
        if self.kind != "adjustment":
            wrong = set(modifiers) - {*(self.adjustment or ()), *self._others()}
            if wrong:
                raise IdentificationError(
                    f"Estimand.columns: effect modifier "
                    f"{self.graph.ordered(wrong)[0]!r} is not in the formula. Ask "
                    "identify for the effect with given= that node."
                )
            return
        sets = AdjustmentSets(
            self.graph, self.treatment, self.outcome, observed=self.observed
        )
        whole = {*(self.adjustment or ()), *modifiers}
        if not sets.is_valid(whole):
            raise IdentificationError(
                f"Estimand.columns: with {names(modifiers)} the covariates are no "
                f"longer a valid adjustment set. {sets.explain(whole)}"
            )
