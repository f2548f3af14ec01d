"""What a formula changes by when the distribution it is evaluated under changes."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from skcausal.identification import (
    Expression,
    Fraction,
    Probability,
    Product,
    Sum,
    Table,
    Variable,
    Zero,
)

FloatArray = npt.NDArray[np.float64]
Axes = tuple[Variable, ...]


class Gradient:
    """A formula under a joint distribution, and its derivatives in that distribution.

    Values are computed once from the leaves up, derivatives once from the root down
    (reverse-mode differentiation), so both cost about as much as the formula is long.

    Parameters
    ----------
    expression : Expression
        A formula of observational probabilities.
    joint : Table
        Probabilities of all combinations of levels.
    fill : float, default=0.0
        What stands for a probability given what never occurs.

    Attributes
    ----------
    undefined : bool
        Whether ``fill`` was used.
    """

    def __init__(
        self, expression: Expression, joint: Table, *, fill: float = 0.0
    ) -> None:
        self._joint = joint
        self._fill = fill
        self.undefined = False
        self._sizes = dict(zip(joint.axes, joint.values.shape, strict=True))
        self._order = list(expression.walk())
        self._tables: dict[Expression, tuple[Axes, FloatArray]] = {}
        for one in self._order:
            self._tables[one] = self._value(one)
        self.axes, self.values = self._tables[expression]

    def _size(self, symbol: Variable) -> int:
        return int(self._sizes[Variable(symbol.node)])

    def _value(self, one: Expression) -> tuple[Axes, FloatArray]:
        if isinstance(one, Probability):
            return self._probability(one)
        inside = [self._tables[child] for child in one.children]
        if isinstance(one, Sum):
            (axes, values), kept = inside[0], tuple(_without(inside[0][0], one.over))
            return kept, self._idle(one) * _moved(values, axes, kept)
        if isinstance(one, Fraction):
            axes = _union(inside)
            above, below = (_spread(*part, axes) for part in inside)
            return axes, self._divided(above, below)
        if isinstance(one, Product):
            axes = _union(inside)
            whole = np.ones([self._size(axis) for axis in axes])
            for part in inside:
                whole = whole * _spread(*part, axes)
            return axes, whole
        return (), np.array(0.0 if isinstance(one, Zero) else 1.0)

    def _divided(self, above: FloatArray, below: FloatArray) -> FloatArray:
        self.undefined |= bool((below == 0).any())
        return _ratio(above, below, self._fill)

    def _idle(self, one: Sum) -> float:
        """Return how often a sum repeats what does not depend on its values."""
        idle = [symbol for symbol in one.over if symbol not in one.body.free]
        return float(np.prod([self._size(symbol) for symbol in idle]))

    def _probability(self, one: Probability) -> tuple[Axes, FloatArray]:
        axes = (*one.variables, *one.given)
        marginal = self._marginal(axes)
        asked = tuple(range(len(one.variables)))
        if one.given:
            marginal = self._divided(marginal, marginal.sum(axis=asked, keepdims=True))
        return axes, marginal

    def _marginal(self, axes: Axes) -> FloatArray:
        plain = tuple(Variable(axis.node) for axis in axes)
        return _moved(self._joint.values, tuple(self._joint.axes), plain)

    def of(self, seed: FloatArray) -> FloatArray:
        """Return the derivative of ``(seed * values).sum()`` in each probability.

        Parameters
        ----------
        seed : ndarray
            Weights of the values of the formula, of the same shape.

        Returns
        -------
        ndarray
            One number for each cell of the joint distribution.
        """
        total = np.zeros(self._joint.values.shape)
        pending: dict[Expression, FloatArray] = {self._order[-1]: seed}
        for one in reversed(self._order):
            gradient = pending.pop(one, None)
            if gradient is None:
                continue
            if isinstance(one, Probability):
                total += self._to_joint(one, gradient)
                continue
            parts = self._to_children(one, gradient)
            for child, part in zip(one.children, parts, strict=True):
                pending[child] = pending.get(child, 0.0) + part
        return total

    def _to_children(self, one: Expression, gradient: FloatArray) -> list[FloatArray]:
        inside = [self._tables[child] for child in one.children]
        axes = self._tables[one][0]
        if isinstance(one, Sum):
            child, values = inside[0]
            spread = _spread(axes, gradient, child) * self._idle(one)
            return [np.broadcast_to(spread, values.shape)]
        if isinstance(one, Fraction):
            above, below = (_spread(*part, axes) for part in inside)
            parts = [_ratio(gradient, below), _ratio(-gradient * above, below**2)]
        else:
            spread_out = [_spread(*part, axes) for part in inside]
            parts = [
                gradient * _others(spread_out, place) for place in range(len(inside))
            ]
        return [
            _moved(part, axes, child)
            for part, (child, _) in zip(parts, inside, strict=True)
        ]

    def _to_joint(self, one: Probability, gradient: FloatArray) -> FloatArray:
        axes = (*one.variables, *one.given)
        if one.given:
            asked = tuple(range(len(one.variables)))
            given = self._marginal(axes).sum(axis=asked, keepdims=True)
            values = self._tables[one][1]
            inner = (gradient * values).sum(axis=asked, keepdims=True)
            gradient = _ratio(gradient - inner, given)
        plain = tuple(Variable(axis.node) for axis in axes)
        spread = _spread(plain, gradient, tuple(self._joint.axes))
        return np.asarray(np.broadcast_to(spread, self._joint.values.shape))


def _ratio(above: FloatArray, below: FloatArray, fill: float = 0.0) -> FloatArray:
    shape = np.broadcast_shapes(above.shape, below.shape)
    return np.divide(above, below, out=np.full(shape, fill), where=below != 0)


def _without(axes: Axes, lost: Sequence[Variable]) -> Axes:
    return tuple(axis for axis in axes if axis not in set(lost))


def _union(parts: Sequence[tuple[Axes, Any]]) -> Axes:
    return tuple(dict.fromkeys(axis for axes, _ in parts for axis in axes))


def _others(parts: list[FloatArray], place: int) -> Any:
    """Return the product of all parts but one."""
    whole: Any = 1.0
    for k, part in enumerate(parts):
        whole = whole if k == place else whole * part
    return whole


def _moved(values: FloatArray, axes: Axes, wanted: Axes) -> FloatArray:
    """Return the array summed over the axes not wanted, the rest as wanted."""
    lost = tuple(k for k, axis in enumerate(axes) if axis not in wanted)
    kept = [axis for axis in axes if axis in wanted]
    summed = values.sum(axis=lost) if lost else values
    return np.asarray(summed.transpose([kept.index(axis) for axis in wanted]))


def _spread(axes: Axes, values: FloatArray, wanted: Axes) -> FloatArray:
    """Return the array with an axis for each one wanted, of length one if absent."""
    present = tuple(axis for axis in wanted if axis in axes)
    missing = tuple(k for k, axis in enumerate(wanted) if axis not in axes)
    return np.asarray(np.expand_dims(_moved(values, axes, present), missing))
