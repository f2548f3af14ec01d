"""Shorter formulas by the independences of a graph."""

from skcausal.graphs import CausalGraph
from skcausal.identification._expression import Expression
from skcausal.identification._expressions import (
    Fraction,
    Probability,
    Product,
    Sum,
    product,
    summation,
)
from skcausal.identification._simplification import factors_of, simplify
from skcausal.identification._variables import Node, Variable


def simplify_in(graph: CausalGraph, expression: Expression) -> Expression:
    """Return an equal formula for every distribution of the graph, shorter if found.

    A value that is summed out of P(a | b, c) P(b | d) is gone if b is independent of
    what c has more than d, given d; conditions that tell nothing are left out
    (Tikka and Karvanen 2017, https://jmlr.org/papers/v18/16-166.html).
    """
    found: dict[Expression, Expression] = {}
    for one in expression.walk():
        parts = [found[child] for child in one.children]
        found[one] = _rebuilt(graph, one, parts)
    return simplify(found[expression])


def _rebuilt(
    graph: CausalGraph, one: Expression, parts: list[Expression]
) -> Expression:
    if isinstance(one, Probability):
        return _without_idle_conditions(graph, one)
    if isinstance(one, Product):
        return product(parts)
    if isinstance(one, Fraction):
        return simplify(Fraction(*parts))
    if isinstance(one, Sum):
        return _short_sum(graph, one.over, parts[0])
    return one


def _plain(one: Expression) -> bool:
    """Tell whether a probability is of what was seen, at one value a node."""
    if not isinstance(one, Probability) or one.do or one.population:
        return False
    return not any(symbol.world or symbol.primes for symbol in one.free)


def _nodes(variables: tuple[Variable, ...]) -> list[Node]:
    return [one.node for one in variables]


def _without_idle_conditions(graph: CausalGraph, one: Probability) -> Probability:
    if not _plain(one):
        return one
    given = _nodes(one.given)
    for node in list(given):
        rest = [other for other in given if other != node]
        if graph.d_separated(_nodes(one.variables), [node], rest):
            given = rest
    return Probability(one.variables, given)


def _short_sum(
    graph: CausalGraph, over: tuple[Variable, ...], body: Expression
) -> Expression:
    bound = [*over]
    again = True
    while again:
        again = False
        for one in bound:
            shorter = _summed(graph, one, factors_of(body))
            if shorter is not None:
                bound.remove(one)
                body, again = shorter, True
                break
    return simplify(summation(bound, body))


def _summed(
    graph: CausalGraph, one: Variable, factors: list[Expression]
) -> Expression | None:
    touched = [factor for factor in factors if one in factor.free]
    rest = [factor for factor in factors if one not in factor.free]
    if len(touched) != 2 or not all(map(_plain, touched)):
        return None
    inner = next((f for f in touched if one in _variables(f)), None)
    outer = next((f for f in touched if f is not inner), None)
    if not (isinstance(inner, Probability) and isinstance(outer, Probability)):
        return None
    if inner.variables != (one,) or one not in outer.given:
        return None
    # sum_z P(y | z, c) P(z | d) = P(y | c + d) if y does not need what d has more
    # than c, and z does not need what c has more than d.
    c = [node for node in _nodes(outer.given) if node != one.node]
    d = _nodes(inner.given)
    more_c = [node for node in c if node not in d]
    more_d = [node for node in d if node not in c]
    y = _nodes(outer.variables)
    if set(y) & set(d):
        return None
    if more_d and not graph.d_separated(y, more_d, [*c, one.node]):
        return None
    if more_c and not graph.d_separated([one.node], more_c, d):
        return None
    joined = Probability(y, [*c, *more_d])
    return product([*rest, _without_idle_conditions(graph, joined)])


def _variables(factor: Expression) -> tuple[Variable, ...]:
    return factor.variables if isinstance(factor, Probability) else ()
