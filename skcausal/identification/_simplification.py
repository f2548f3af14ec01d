"""Plain algebra on formulas; nothing here knows a graph."""

from collections import Counter
from collections.abc import Collection, Sequence

from skcausal.identification._expression import Expression, One, Zero
from skcausal.identification._expressions import (
    Fraction,
    Probability,
    Product,
    Sum,
    product,
    summation,
)
from skcausal.identification._variables import Variable

Factors = list[Expression]


def simplify(expression: Expression) -> Expression:
    """Return an equal formula that is shorter, where these rules find one."""
    found: dict[Expression, Expression] = {}
    for one in expression.walk():
        found[one] = _simple(one, [found[child] for child in one.children])
    return found[expression]


def _simple(one: Expression, parts: Sequence[Expression]) -> Expression:
    if isinstance(one, Product):
        return _simple_product(parts)
    if isinstance(one, Fraction):
        return _simple_fraction(*parts)
    if isinstance(one, Sum):
        return simple_sum(one.over, parts[0])
    return one


def factors_of(one: Expression) -> Factors:
    """Return the factors of a product, or the formula as its one factor."""
    if isinstance(one, Product):
        return list(one.factors)
    return [] if isinstance(one, One) else [one]


def _simple_product(parts: Sequence[Expression]) -> Expression:
    """Return a product in which factors cancel what is below a line."""
    above, below = Counter[Expression](), Counter[Expression]()
    for part in parts:
        top = part.numerator if isinstance(part, Fraction) else part
        above.update(factors_of(top))
        if isinstance(part, Fraction):
            below.update(factors_of(part.denominator))
    if not above & below:
        return product(parts)
    return _simple_fraction(product(above.elements()), product(below.elements()))


def _simple_fraction(above: Expression, below: Expression) -> Expression:
    if isinstance(above, Zero):
        return above
    top, bottom = Counter(factors_of(above)), Counter(factors_of(below))
    tops = list((top - bottom).elements())
    bottoms: Factors = []
    for factor in (bottom - top).elements():
        for k, candidate in enumerate(tops):
            conditional = conditional_of(candidate, factor)
            if conditional is not None:
                tops[k] = conditional
                break
        else:
            bottoms.append(factor)
    if not bottoms:
        return product(tops)
    return Fraction(product(tops), product(bottoms))


def conditional_of(above: Expression, below: Expression) -> Probability | None:
    """Return P(a | b, c) for P(a, b | c) / P(b | c)."""
    if not (isinstance(above, Probability) and isinstance(below, Probability)):
        return None
    same = above.given == below.given and _alike(above, below)
    rest = [one for one in above.variables if one not in below.variables]
    if not same or not rest or len(rest) + len(below.variables) > len(above.variables):
        return None
    given = [*below.variables, *above.given]
    return Probability(rest, given, above.do, above.population)


def _alike(one: Probability, other: Probability) -> bool:
    """Tell whether two probabilities are of one experiment in one population."""
    return one.do == other.do and one.population == other.population


def simple_sum(over: Collection[Variable], body: Expression) -> Expression:
    """Return a sum without what can be summed at once or does not depend on it."""
    bound = [one for one in over if one in body.free]
    idle = [one for one in over if one not in body.free]
    if isinstance(body, Zero):
        return body
    if isinstance(body, Sum) and not set(bound) & set(body.over):
        bound, body = [*bound, *body.over], body.body
    if isinstance(body, Fraction) and not set(bound) & body.denominator.free:
        above = simple_sum(bound, body.numerator)
        return summation(idle, _simple_fraction(above, body.denominator))
    factors = factors_of(body)
    again = True
    while again:
        again = False
        for one in reversed(bound):
            shorter = _summed(one, factors)
            if shorter is not None:
                factors, again = shorter, True
                bound.remove(one)
    outside = [factor for factor in factors if not factor.free & set(bound)]
    inside = [factor for factor in factors if factor.free & set(bound)]
    return summation(idle, product([*outside, summation(bound, product(inside))]))


def _summed(one: Variable, factors: Factors) -> Factors | None:
    """Return the factors after a value is summed out, if they stay probabilities."""
    touched = [factor for factor in factors if one in factor.free]
    rest = [factor for factor in factors if one not in factor.free]
    if len(touched) == 2:
        joined = joined_of(*touched) or joined_of(*reversed(touched))
        touched = [joined] if joined else touched
    if len(touched) != 1:
        return None
    marginal = _marginal(touched[0], one)
    return None if marginal is None else [*rest, *factors_of(marginal)]


def joined_of(one: Expression, other: Expression) -> Probability | None:
    """Return P(a, b | c) for P(a | b, c) P(b | c)."""
    if not (isinstance(one, Probability) and isinstance(other, Probability)):
        return None
    known = {*other.variables, *other.given}
    if not _alike(one, other) or set(one.given) != known:
        return None
    both = [*one.variables, *other.variables]
    return Probability(both, other.given, one.do, one.population)


def _marginal(factor: Expression, one: Variable) -> Expression | None:
    """Return P(a | c) for P(a, b | c) summed over b, and one for P(b | c)."""
    if not isinstance(factor, Probability) or one not in factor.variables:
        return None
    rest = [other for other in factor.variables if other != one]
    others = [*rest, *factor.given, *factor.do]
    if any(one in other.symbols for other in others):
        return None
    if not rest:
        return One()
    return Probability(rest, factor.given, factor.do, factor.population)
