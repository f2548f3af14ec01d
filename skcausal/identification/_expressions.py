"""Formulas of probabilities, as trees that share their parts."""

import threading
from collections.abc import Iterable, Iterator
from functools import cmp_to_key
from typing import Any, ClassVar, TypeVar
from weakref import WeakValueDictionary

from skcausal.identification._printing import LATEX, TEXT, Scope, Style
from skcausal.identification._variables import Named, Node, Variable, as_variables

Kind = TypeVar("Kind", bound="Expression")


class Expression:
    """A formula of probabilities.

    Expressions do not change, and equal expressions are one object: comparing costs
    nothing, and what a formula says twice is stored once. The kinds are `Probability`,
    `Sum`, `Product`, `Fraction`, `One` and `Zero`.

    Examples
    --------
    >>> from skcausal.identification import Expression, Probability
    >>> isinstance(Probability("y", "x"), Expression)
    True
    """

    _known: ClassVar[WeakValueDictionary[Any, "Expression"]] = WeakValueDictionary()
    _lock: ClassVar[threading.RLock] = threading.RLock()
    _rank: ClassVar[int] = 0
    _parts: tuple[Any, ...]
    free: frozenset[Variable]  # the values that the formula is a function of

    @classmethod
    def _of(cls: type[Kind], *parts: Any) -> Kind:
        """Return the one expression of this kind with these parts."""
        key = (cls, parts)
        with Expression._lock:
            found = Expression._known.get(key)
            if found is None:
                found = object.__new__(cls)
                found._parts = parts
                found.free = found._find_free()
                Expression._known[key] = found
        assert isinstance(found, cls)
        return found

    def __reduce__(self) -> Any:
        """Copy and pickle by the constructor, which keeps equals one object."""
        return type(self), self._parts

    @property
    def children(self) -> tuple["Expression", ...]:
        """The formulas that this one is made of."""
        return ()

    def _find_free(self) -> frozenset[Variable]:
        return frozenset().union(*(child.free for child in self.children))

    def _key(self) -> Any:
        """Return what sorts expressions of one kind, apart from their children."""
        return ()

    def _write(self, style: Style, scope: Scope) -> str:
        raise NotImplementedError

    def walk(self) -> Iterator["Expression"]:
        """Iterate over the distinct formulas inside, parts before wholes.

        Yields
        ------
        Expression
            Each once, however often the formula says it; this one last.
        """
        seen: set[Expression] = set()
        waiting: list[tuple[Expression, bool]] = [(self, False)]
        while waiting:
            one, ready = waiting.pop()
            if ready:
                yield one
            elif one not in seen:
                seen.add(one)
                waiting.append((one, True))
                waiting += [(child, False) for child in one.children]

    def named(self) -> frozenset[Variable]:
        """Return every value that the formula names, those that sums bind among them.

        Returns
        -------
        frozenset of Variable
            Without worlds.
        """
        return frozenset().union(*(one.free for one in self.walk() if not one.children))

    def latex(self) -> str:
        """Return the formula in LaTeX.

        Returns
        -------
        str
            Without the dollar signs. A value that a sum binds gets a prime where its
            name is in use.
        """
        return LATEX.written(self)

    def simplify(self) -> "Expression":
        """Return an equal formula that is shorter, where plain algebra finds one.

        Returns
        -------
        Expression
            Sums of probabilities are marginals, factors without the summed value
            stand before the sum, fractions of probabilities are conditionals.
        """
        from skcausal.identification._simplification import simplify

        return simplify(self)

    def __str__(self) -> str:
        """Return the formula in plain text."""
        return TEXT.written(self)

    def __repr__(self) -> str:
        """Return the kind and the formula."""
        return f"<{type(self).__name__}: {self}>"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"


class One(Expression):
    """The number one.

    Examples
    --------
    >>> from skcausal.identification import One
    >>> One() is One()
    True
    """

    def __new__(cls) -> "One":
        """Return the one."""
        return cls._of()

    def _write(self, style: Style, scope: Scope) -> str:
        return "1"


class Zero(Expression):
    """The number zero: what cannot be.

    Examples
    --------
    >>> from skcausal.identification import Zero
    >>> print(Zero())
    0
    """

    def __new__(cls) -> "Zero":
        """Return the zero."""
        return cls._of()

    def _write(self, style: Style, scope: Scope) -> str:
        return "0"


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
    """

    _rank = 1

    def __new__(
        cls, variables: Named, given: Named = (), do: Named = ()
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
        return cls._of(*parts)

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

    def _find_free(self) -> frozenset[Variable]:
        return frozenset().union(*(one.symbols for part in self._parts for one in part))

    def _key(self) -> Any:
        order = tuple(tuple(one.order for one in part) for part in self._parts)
        return (-len(self.given) - len(self.do), order)

    def _write(self, style: Style, scope: Scope) -> str:
        return style.probability(self._parts, scope)


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

    def __new__(cls, factors: Iterable[Expression]) -> "Product":
        """Return the one product of these factors."""
        return cls._of(tuple(sorted(factors, key=cmp_to_key(_compare))))

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


def _compare(one: Expression, other: Expression) -> int:
    """Order expressions: plain probabilities first, then by what they hold."""
    if one is other:
        return 0
    mine = (one._rank, one._key(), len(one.children))
    theirs = (other._rank, other._key(), len(other.children))
    if one._rank != other._rank or mine != theirs:
        return -1 if mine < theirs else 1
    for a, b in zip(one.children, other.children, strict=True):
        found = _compare(a, b)
        if found:
            return found
    return 0


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
