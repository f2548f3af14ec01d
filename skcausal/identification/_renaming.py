"""Other names for the values of a formula."""

from collections.abc import Mapping

from skcausal.identification._expression import Expression
from skcausal.identification._expressions import Fraction, Probability, Product, Sum
from skcausal.identification._variables import Variable

Names = Mapping[Variable, Variable]
Pair = tuple[Variable, Variable]


def rename(expression: Expression, names: Names) -> Expression:
    """Return a formula with other names for values that it leaves free.

    A value that a sum binds stays what it is: it moves out of the way if a new name
    is its own.
    """
    found: dict[
        tuple[Expression, frozenset[tuple[Variable, Variable]]], Expression
    ] = {}

    def renamed(one: Expression, names: Names) -> Expression:
        names = {old: new for old, new in names.items() if old in one.free}
        key = (one, frozenset(names.items()))
        if key not in found:
            found[key] = rebuilt(one, names) if names else one
        return found[key]

    def rebuilt(one: Expression, names: Names) -> Expression:
        if isinstance(one, Probability):
            parts = (one.variables, one.given, one.do)
            asked, given, done = ([_named(v, names) for v in part] for part in parts)
            return Probability(asked, given, done, one.population)
        if isinstance(one, Sum):
            bound = _out_of_the_way(one, names)
            over = [bound.get(value, value) for value in one.over]
            return Sum(over, renamed(one.body, {**names, **bound}))
        if isinstance(one, Fraction):
            return Fraction(*(renamed(child, names) for child in one.children))
        return Product(renamed(child, names) for child in one.children)

    return renamed(expression, names)


def _named(one: Variable, names: Names) -> Variable:
    """Return a variable at another value, in a world of other values."""
    symbol = names.get(one.symbol, one.symbol)
    world = [
        _in_world(other, names) if other.world else names.get(other, other)
        for other in one.world
    ]
    return Variable(symbol.node, symbol.primes, tuple(world))


def _in_world(one: Variable, names: Names) -> Variable:
    """Return a node at whatever value it takes in a world of other values."""
    world = _named(one, {k: v for k, v in names.items() if k != one.symbol}).world
    return Variable(one.node, one.primes, world)


def _out_of_the_way(one: Sum, names: Names) -> dict[Variable, Variable]:
    taken = {*names.values(), *one.body.free}
    moved = {}
    for value in one.over:
        new = value
        while new in names.values() or (new != value and new in taken):
            new = Variable(new.node, new.primes + 1)
        if new != value:
            moved[value] = new
            taken.add(new)
    return moved
