"""The kinds of formulas: probabilities, sums, products and fractions."""

from collections.abc import Iterable
from functools import cmp_to_key
from typing import Any

from skcausal.identification._expression import Expression, One, Zero, compare
from skcausal.identification._printing import Scope, Style
from skcausal.identification._variables import Named, Node, Variable, as_variables


class Probability(Expression):
    """The probability of values, given others, where others are set.

    Parameters
    ----------
    variables : node, Variable or collection of them
        What the probability is of.
    given : node, Variable or collection of them, default=()
        What is seen.
    do : node, Variable or collection of them, default=()
        What is set by an experiment.
    population : str, default=""
        Where; empty for the population that the question is about.

    Raises
    ------
    ValueError
        If there are no variables, or one stands on both sides of the bar.

    Examples
    --------
    >>> from skcausal.identification import Probability
    >>> print(Probability("y", given="z", do="x"))
    P(y | do(x), z)
    >>> Probability(["a", "b"]) == Probability(["b", "a"])
    True
    >>> print(Probability("y", do="x", population="trial"))
    P_trial(y | do(x))
    """

    _rank = 1

    def __new__(
        cls,
        variables: Named,
        given: Named = (),
        do: Named = (),
        population: str = "",
    ) -> "Probability":
        """Return the one probability of these parts."""
        parts = (as_variables(variables), as_variables(given), as_variables(do))
        if not parts[0]:
            raise ValueError("Probability: variables must name at least one node.")
        for left, right in ((0, 1), (0, 2), (1, 2)):
            both = set(parts[left]) & set(parts[right])
            if both:
                raise ValueError(
                    f"Probability: {min(map(str, both))} stands in two places. A value "
                    "is either asked for, given or set."
                )
        return cls._of(*parts, population)

    @property
    def variables(self) -> tuple[Variable, ...]:
        """What the probability is of."""
        return self._parts[0]

    @property
    def given(self) -> tuple[Variable, ...]:
        """What is seen."""
        return self._parts[1]

    @property
    def do(self) -> tuple[Variable, ...]:
        """What is set."""
        return self._parts[2]

    @property
    def population(self) -> str:
        """Where; empty for the population that the question is about."""
        return self._parts[3]

    def _find_free(self) -> frozenset[Variable]:
        parts = self._parts[:3]
        return frozenset().union(*(one.symbols for part in parts for one in part))

    def _key(self) -> Any:
        order = tuple(tuple(one.order for one in part) for part in self._parts[:3])
        return (-len(self.given) - len(self.do), order, self.population)

    def _write(self, style: Style, scope: Scope) -> str:
        return style.probability(self._parts[:3], scope, self.population)


class Covariance(Expression):
    """The covariance of two nodes, after others are taken out by linear regression.

    Parameters
    ----------
    one, other : node or Variable
        The two nodes.
    given : node, Variable or collection of them, default=()
        What is taken out of both.

    Examples
    --------
    >>> from skcausal.identification import Covariance, Fraction
    >>> print(Fraction(Covariance("y", "z", "w"), Covariance("x", "z", "w")))
    Cov(y, z | w) / Cov(x, z | w)
    """

    _rank = 1

    def __new__(cls, one: Named, other: Named, given: Named = ()) -> "Covariance":
        """Return the one covariance of these parts."""
        return cls._of(as_variables(one), as_variables(other), as_variables(given))

    @property
    def nodes(self) -> tuple[Node, Node]:
        """The two nodes."""
        return self._parts[0][0].node, self._parts[1][0].node

    @property
    def given(self) -> tuple[Node, ...]:
        """What is taken out of both."""
        return tuple(one.node for one in self._parts[2])

    def _key(self) -> Any:
        return 0, tuple(tuple(one.order for one in part) for part in self._parts)

    def _write(self, style: Style, scope: Scope) -> str:
        one, other, given = self._parts
        return style.covariance([(*one, *other), given], scope)


class Sum(Expression):
    """The sum of a formula over all values of some nodes.

    Parameters
    ----------
    over : node, Variable or collection of them
        What is summed out. The names are the sum's own: outside it they are free to
        mean something else.
    body : Expression
        What is summed.

    Raises
    ------
    ValueError
        If a variable of ``over`` has a world.

    Examples
    --------
    >>> from skcausal.identification import Probability, Product, Sum
    >>> inner = Product([Probability("y", ["x", "z"]), Probability("x")])
    >>> front_door = Product([Probability("z", "x"), Sum("x", inner)])
    >>> print(Sum("z", front_door))
    Σ_{z} P(z | x) Σ_{x'} P(y | x', z) P(x')
    """

    _rank = 4
    shape = "sum"

    def __new__(cls, over: Named, body: Expression) -> "Sum":
        """Return the one sum of these parts."""
        bound = as_variables(over)
        if any(one.world for one in bound):
            raise ValueError("Sum: over must name values, without a world.")
        return cls._of(bound, body)

    @property
    def over(self) -> tuple[Variable, ...]:
        """What is summed out."""
        return self._parts[0]

    @property
    def body(self) -> Expression:
        """What is summed."""
        return self._parts[1]

    @property
    def children(self) -> tuple[Expression, ...]:
        """The body."""
        return (self.body,)

    def _find_free(self) -> frozenset[Variable]:
        return self.body.free - frozenset(self.over)

    def _key(self) -> Any:
        return tuple(one.order for one in self.over)

    def _write(self, style: Style, scope: Scope) -> str:
        inner, names = scope.bind(self.over)
        return style.sum(names, style.write(self.body, inner))


class Product(Expression):
    """Formulas times each other.

    Parameters
    ----------
    factors : iterable of Expression
        In any order.

    Examples
    --------
    >>> from skcausal.identification import Probability, Product
    >>> print(Product([Probability("z"), Probability("y", ["x", "z"])]))
    P(y | x, z) P(z)
    """

    _rank = 2
    shape = "product"

    def __new__(cls, factors: Iterable[Expression]) -> "Product":
        """Return the one product of these factors."""
        return cls._of(tuple(sorted(factors, key=cmp_to_key(compare))))

    @property
    def factors(self) -> tuple[Expression, ...]:
        """What is multiplied."""
        return self._parts[0]

    @property
    def children(self) -> tuple[Expression, ...]:
        """The factors."""
        return self.factors

    def _write(self, style: Style, scope: Scope) -> str:
        if not self.factors:
            return "1"
        last = len(self.factors) - 1
        parts = [
            style.factor(one, style.write(one, scope), place == last)
            for place, one in enumerate(self.factors)
        ]
        return " ".join(parts)


class Fraction(Expression):
    """A formula divided by another.

    Parameters
    ----------
    numerator, denominator : Expression
        Above and below the line.

    Examples
    --------
    >>> from skcausal.identification import Fraction, Probability
    >>> print(Fraction(Probability(["x", "y"]), Probability("x")))
    P(x, y) / P(x)
    >>> print(Fraction(Probability(["x", "y"]), Probability("x")).simplify())
    P(y | x)
    """

    _rank = 3
    shape = "fraction"

    def __new__(cls, numerator: Expression, denominator: Expression) -> "Fraction":
        """Return the one fraction of these parts."""
        return cls._of(numerator, denominator)

    @property
    def numerator(self) -> Expression:
        """What is above the line."""
        return self._parts[0]

    @property
    def denominator(self) -> Expression:
        """What is below the line."""
        return self._parts[1]

    @property
    def children(self) -> tuple[Expression, ...]:
        """Above and below."""
        return (self.numerator, self.denominator)

    def _write(self, style: Style, scope: Scope) -> str:
        above, below = (style.write(part, scope) for part in self.children)
        return style.fraction(self, above, below)


def product(factors: Iterable[Expression]) -> Expression:
    """Return a product without ones, products inside it, and needless wrapping."""
    parts: list[Expression] = []
    for factor in factors:
        parts += factor.factors if isinstance(factor, Product) else [factor]
    parts = [part for part in parts if not isinstance(part, One)]
    if any(isinstance(part, Zero) for part in parts):
        return Zero()
    if not parts:
        return One()
    return parts[0] if len(parts) == 1 else Product(parts)


def summation(over: Iterable[Any], body: Expression) -> Expression:
    """Return a sum, or its body if nothing is summed."""
    bound = as_variables(list(over))
    return Sum(bound, body) if bound else body
