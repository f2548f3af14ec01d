"""Other names for the values that a formula leaves free."""

from collections.abc import Mapping

from skcausal.identification._expression import Expression
from skcausal.identification._expressions import Fraction, Probability, Product, Sum
from skcausal.identification._variables import Variable

Names = Mapping[Variable, Variable]


def renamed(expression: Expression, names: Names) -> Expression:
    """Return a formula with free values under other names.

    A value that a sum binds gets more primes where its name is now in use.
    """
    return _renamed(expression, names, {})


def _renamed(
    one: Expression, names: Names, known: dict[object, Expression]
) -> Expression:
    used = {old: new for old, new in names.items() if old in one.free and old != new}
    if not used:
        return one
    key = one, frozenset(used.items())
    if key not in known:
        known[key] = _made(one, used, known)
    return known[key]


def _made(
    one: Expression, names: dict[Variable, Variable], known: dict[object, Expression]
) -> Expression:
    if isinstance(one, Probability):
        sides = (one.variables, one.given, one.do)
        return Probability(*([names.get(v, v) for v in side] for side in sides))
    if isinstance(one, Sum):
        taken = set(names.values()) | one.free
        over = []
        for symbol in one.over:
            fresh = symbol
            while fresh in taken:
                fresh = Variable(fresh.node, fresh.primes + 1)
            taken.add(fresh)
            over.append(fresh)
        inner = {**names, **dict(zip(one.over, over, strict=True))}
        return Sum(over, _renamed(one.body, inner, known))
    parts = [_renamed(child, names, known) for child in one.children]
    return Product(parts) if isinstance(one, Product) else Fraction(*parts)
