"""What all formulas share: equal ones are one object, and how they read."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, TypeVar
from weakref import WeakValueDictionary

from skcausal.identification._printing import LATEX, TEXT, Scope, Style
from skcausal.identification._variables import Variable, as_variable

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
    shape: ClassVar[str] = "atom"  # what may need brackets when it is written
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

    def rename(self, names: Mapping[Any, Any]) -> "Expression":
        """Return the formula with other names for values that it leaves free.

        Parameters
        ----------
        names : mapping of node or Variable to node or Variable
            New names by old ones, such as ``{"x": Variable("x", primes=1)}``.

        Returns
        -------
        Expression
            In which what a sum binds stays bound.

        Examples
        --------
        >>> from skcausal.identification import Probability, Product, Sum, Variable
        >>> inner = Sum("x", Product([Probability("y", "x"), Probability("x", "z")]))
        >>> print(inner.rename({"z": "x"}))
        Σ_{x'} P(x' | x) P(y | x')
        """
        from skcausal.identification._renaming import rename

        pairs = names.items()
        return rename(self, {as_variable(old): as_variable(new) for old, new in pairs})

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


def compare(one: Expression, other: Expression) -> int:
    """Order expressions: plain probabilities first, then by what they hold."""
    if one is other:
        return 0
    mine = (one._rank, one._key(), len(one.children))
    theirs = (other._rank, other._key(), len(other.children))
    if one._rank != other._rank or mine != theirs:
        return -1 if mine < theirs else 1
    for a, b in zip(one.children, other.children, strict=True):
        found = compare(a, b)
        if found:
            return found
    return 0
