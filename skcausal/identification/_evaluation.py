"""Numbers for formulas: what an expression is under a discrete distribution."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatchmethod
from typing import Any

import numpy as np
import numpy.typing as npt

from skcausal.identification._expression import Expression, One, Zero
from skcausal.identification._expressions import (
    Covariance,
    Fraction,
    Probability,
    Product,
    Sum,
)
from skcausal.identification._variables import (
    Named,
    Node,
    Variable,
    as_variable,
    as_variables,
)

FloatArray = npt.NDArray[np.float64]
Sources = Mapping[tuple[str, frozenset[Node]], "Table"]
_SEEN = ("", frozenset[Node]())  # here, without an experiment


@dataclass(frozen=True, eq=False)
class Table:
    """An array whose axes have names: one for each variable, one level a place.

    Parameters
    ----------
    axes : sequence of node or Variable
        The name of each axis.
    values : ndarray
        One number for each combination of levels.

    Raises
    ------
    ValueError
        If there is not one name for each axis, or a name is there twice.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.identification import Table
    >>> table = Table(["x", "y"], np.array([[0.1, 0.2], [0.3, 0.4]]))
    >>> table.array("y", "x")
    array([[0.1, 0.3],
           [0.2, 0.4]])
    """

    axes: Sequence[Any]
    values: FloatArray

    def __post_init__(self) -> None:
        """Check the names against the array."""
        axes = tuple(as_variable(axis) for axis in self.axes)
        values = np.asarray(self.values, dtype=float)
        if len(set(axes)) < len(axes) or values.ndim != len(axes):
            raise ValueError(
                f"Table: axes must be {values.ndim} different names, one for each axis "
                f"of values, got {', '.join(map(str, axes)) or 'none'}."
            )
        object.__setattr__(self, "axes", axes)
        object.__setattr__(self, "values", values)

    def array(self, *axes: Named) -> FloatArray:
        """Return the numbers with axes in an order of choice.

        Parameters
        ----------
        *axes : node or Variable
            Every axis of the table, in the order wanted.

        Returns
        -------
        ndarray
            A view of ``values``.

        Raises
        ------
        ValueError
            If ``axes`` is not a reordering of the axes of the table.
        """
        wanted = [as_variable(axis) for axis in axes]
        mine = list(self.axes)
        if sorted(map(str, wanted)) != sorted(map(str, mine)):
            raise ValueError(
                f"Table.array: axes must be {', '.join(map(str, mine)) or 'none'} in "
                f"some order, got {', '.join(map(str, wanted)) or 'none'}."
            )
        return self.values.transpose([mine.index(axis) for axis in wanted])

    def marginal(self, keep: Collection[Variable]) -> "Table":
        """Return the table summed over the axes that are not kept.

        Parameters
        ----------
        keep : collection of Variable
            Axes that stay.

        Returns
        -------
        Table
            With the kept axes in the order they had.
        """
        axes = tuple(axis for axis in self.axes if axis in keep)
        lost = tuple(k for k, axis in enumerate(self.axes) if axis not in keep)
        return Table(axes, self.values.sum(axis=lost) if lost else self.values)


def evaluate(
    expression: Expression,
    joint: Table,
    experiments: Mapping[Any, Table] | None = None,
    populations: Mapping[str, Mapping[Any, Table]] | None = None,
) -> Table:
    """Return the numbers that a formula gives under a discrete distribution.

    Parameters
    ----------
    expression : Expression
        A formula without worlds.
    joint : Table
        The probability of each combination of levels of the nodes; only the nodes
        that the formula names are needed.
    experiments : mapping, default=None
        For each set of nodes that was set by experiment, a table like ``joint`` that
        holds the probability of all other nodes at each level of those.
    populations : mapping, default=None
        For the name of each other population a mapping like ``experiments``, in which
        ``()`` stands for what was seen without one.

    Returns
    -------
    Table
        One axis for each value that the formula leaves free. NaN where the formula
        asks for a probability given what has probability zero.

    Raises
    ------
    TypeError
        If ``joint`` is not a table.
    ValueError
        If its numbers are no probabilities, a node is not in the table, a probability
        is of a world, or an experiment is missing.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.identification import Probability, Table, evaluate
    >>> joint = Table(["x", "y"], np.array([[0.1, 0.3], [0.2, 0.4]]))
    >>> evaluate(Probability("y", "x"), joint).array("x", "y").round(2)
    array([[0.25, 0.75],
           [0.33, 0.67]])
    """
    sources = {_SEEN: joint}
    for name, tables in {"": experiments or {}, **(populations or {})}.items():
        for nodes, table in tables.items():
            done = frozenset(one.node for one in as_variables(nodes))
            sources[name, done] = table
    for (_, done), table in sources.items():
        _check_table(table, done)
    first = _Evaluation(sources, fill=0.0)
    result = first.of(expression)
    if first.undefined:
        # What depends on numbers that are not defined changes with their stand-in.
        other = _Evaluation(sources, fill=1.0).of(expression).array(*result.axes)
        return Table(result.axes, np.where(result.values == other, other, np.nan))
    return result


def _check_table(table: Table, done: frozenset[Node]) -> None:
    if not isinstance(table, Table):
        raise TypeError(
            f"evaluate: joint must be a Table, got {type(table).__name__}. Name its "
            "axes: Table([...], array)."
        )
    axes = [axis for axis in table.axes if axis.node in done]
    totals = table.marginal(axes).values
    if not (np.allclose(totals, 1, atol=1e-6) and (table.values >= 0).all()):
        raise ValueError(
            "evaluate: probabilities must be at least 0 and sum to one"
            f"{' at each level of what was set' if done else ''}, got a sum of "
            f"{np.ravel(totals)[0]:.6g}. Divide counts by their sum."
        )


class _Evaluation:
    """One pass over a formula; each part is computed once."""

    def __init__(self, sources: Sources, fill: float) -> None:
        self._sources = sources
        self._fill = fill
        self.undefined = False
        levels: dict[Node, int] = {}
        for table in sources.values():
            for axis, size in zip(table.axes, table.values.shape, strict=True):
                levels[axis.node] = size
        self._levels = levels

    def of(self, expression: Expression) -> Table:
        found: dict[Expression, Table] = {}
        # A product that is only summed is never laid out whole.
        parts = [one for one in expression.walk() if not isinstance(one, Sum)]
        whole = {child for one in parts for child in one.children} | {expression}
        for one in expression.walk():
            if isinstance(one, Product) and one not in whole:
                continue
            body = one.body if isinstance(one, Sum) else one
            inside = body.children if isinstance(body, Product) else one.children
            found[one] = self._value(one, [found[child] for child in inside])
        return found[expression]

    @singledispatchmethod
    def _value(self, one: Expression, tables: list[Table]) -> Table:
        raise NotImplementedError(type(one).__name__)

    @_value.register
    def _(self, one: One, tables: list[Table]) -> Table:
        return Table((), np.ones(()))

    @_value.register
    def _(self, one: Zero, tables: list[Table]) -> Table:
        return Table((), np.zeros(()))

    @_value.register
    def _(self, one: Product, tables: list[Table]) -> Table:
        return contract(tables, one.free)

    @_value.register
    def _(self, one: Sum, tables: list[Table]) -> Table:
        table = contract(tables, one.free)
        idle = [symbol for symbol in one.over if symbol not in one.body.free]
        times = np.prod([self._levels[symbol.node] for symbol in idle])
        return Table(table.axes, table.values * times)

    @_value.register
    def _(self, one: Fraction, tables: list[Table]) -> Table:
        above, below = tables
        axes = tuple(dict.fromkeys([*above.axes, *below.axes]))
        parts = [_spread(table, axes) for table in (above, below)]
        return Table(axes, self._divided(*parts))

    @_value.register
    def _(self, one: Covariance, tables: list[Table]) -> Table:
        joint = self._sources[_SEEN]
        nodes = [Variable(node) for node in (*one.nodes, *one.given)]
        self._check_axes(nodes, joint)
        table = joint.marginal(nodes)
        levels = np.indices(table.values.shape).reshape(len(table.axes), -1)
        matrix = np.cov(levels, aweights=table.values.ravel(), ddof=0)
        places = [list(table.axes).index(node) for node in nodes]
        matrix = np.atleast_2d(matrix)[np.ix_(places, places)]
        return Table((), np.asarray(partial_covariance(matrix)))

    @_value.register
    def _(self, one: Probability, tables: list[Table]) -> Table:
        table = self._source(one)
        seen = [*one.variables, *one.given, *one.do]
        nodes = [symbol.node for symbol in seen]
        if len(set(nodes)) < len(nodes):
            raise ValueError(f"evaluate: {one} holds one node at two values.")
        rest = [Variable(node) for node in nodes]
        whole = table.marginal(rest)
        values = whole.array(*rest)
        if one.given:
            asked = tuple(range(len(one.variables)))
            values = self._divided(values, values.sum(axis=asked, keepdims=True))
        return Table(seen, values)

    def _source(self, one: Probability) -> Table:
        seen = [*one.variables, *one.given, *one.do]
        if any(symbol.world for symbol in seen):
            raise ValueError(
                f"evaluate: {one} speaks of a world that no table is of. Identify it "
                "first."
            )
        done = frozenset(symbol.node for symbol in one.do)
        if (one.population, done) not in self._sources:
            names = ", ".join(sorted(map(str, done)))
            what = f"an experiment on {names}" if done else "what was seen"
            where = f" in {one.population}" if one.population else ""
            raise ValueError(
                f"evaluate: {one} needs {what}{where}. Give its table in "
                f"{'populations' if where else 'experiments'}."
            )
        table = self._sources[one.population, done]
        self._check_axes(seen, table)
        return table

    @staticmethod
    def _check_axes(wanted: Collection[Variable], table: Table) -> None:
        missing = [one for one in wanted if Variable(one.node) not in table.axes]
        if missing:
            raise ValueError(
                f"evaluate: {missing[0].node!r} is not an axis of the table. Axes: "
                f"{', '.join(map(str, table.axes))}."
            )

    def _divided(self, above: FloatArray, below: FloatArray) -> FloatArray:
        if (below != 0).all():
            return np.asarray(above / below)
        self.undefined = True
        out = np.full(np.broadcast_shapes(above.shape, below.shape), self._fill)
        return np.divide(above, below, out=out, where=below != 0)


def partial_covariance(matrix: FloatArray) -> float:
    """Return the covariance of the first two variables without what others explain."""
    if len(matrix) == 2:
        return float(matrix[0, 1])
    explained = matrix[:2, 2:] @ np.linalg.solve(matrix[2:, 2:], matrix[2:, :2])
    return float((matrix[:2, :2] - explained)[0, 1])


def _spread(table: Table, axes: Sequence[Variable]) -> FloatArray:
    """Return the numbers with an axis for each of ``axes``, of length one if absent."""
    mine = [axis for axis in axes if axis in table.axes]
    missing = tuple(k for k, axis in enumerate(axes) if axis not in table.axes)
    return np.asarray(np.expand_dims(table.array(*mine), missing))


def contract(tables: Sequence[Table], keep: Collection[Variable]) -> Table:
    """Return the product of tables, summed over the axes that are not kept."""
    numbers = {
        axis: k
        for k, axis in enumerate(dict.fromkeys(a for t in tables for a in t.axes))
    }
    axes = tuple(axis for axis in numbers if axis in keep)
    operands: list[Any] = []
    for table in tables:
        operands += [table.values, [numbers[axis] for axis in table.axes]]
    if not tables:
        return Table((), np.ones(()))
    values = np.einsum(*operands, [numbers[axis] for axis in axes], optimize="greedy")
    return Table(axes, np.asarray(values))
