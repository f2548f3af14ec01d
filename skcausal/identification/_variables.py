"""What a probability speaks of: a node, a value of it, the world it is in."""

import re
from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

Node = Hashable
Named = Any  # a node, a Variable, or a collection of them


@dataclass(frozen=True)
class Variable:
    """A node at one of its values, maybe in a world where others are set.

    Most formulas need nodes only, and write a plain name for
    ``Variable(name)``. Primes tell two values of one node apart; a world says what is
    set, as in the outcome that would have been under another treatment.

    Parameters
    ----------
    node : node
        A node of the graph.
    primes : int, default=0
        Which value: ``x``, ``x'`` or ``x''``.
    world : collection of node or Variable, default=()
        What is set to which value. One that has a world of its own is set to what it
        would be there: the outcome under ``x'`` with the mediator as under ``x``.

    Examples
    --------
    >>> from skcausal.identification import Variable
    >>> print(Variable("y", world=["x"]), Variable("x", primes=1))
    y_{x} x'
    """

    node: Node
    primes: int = 0
    world: tuple["Variable", ...] = ()

    def __post_init__(self) -> None:
        """Sort the world, so that equal variables are equal."""
        object.__setattr__(self, "world", as_variables(self.world))

    @property
    def symbol(self) -> "Variable":
        """The value alone, without the world."""
        return Variable(self.node, self.primes) if self.world else self

    @property
    def symbols(self) -> frozenset["Variable"]:
        """The values that the variable and its world name."""
        return frozenset({self.symbol}) | self._world_symbols()

    def _world_symbols(self) -> frozenset["Variable"]:
        found: set[Variable] = set()
        for one in self.world:
            found |= one._world_symbols() if one.world else {one}
        return frozenset(found)

    @cached_property
    def order(self) -> tuple[Any, ...]:
        """What variables are sorted by."""
        # Numbers in names count: x2 stands before x10.
        parts = re.split(r"(\d+)", str(self.node))
        name = tuple(int(part) if k % 2 else part for k, part in enumerate(parts))
        world = tuple(one.order for one in self.world)
        return name, type(self.node).__name__, self.primes, world

    def __str__(self) -> str:
        """Return the name, with primes and world."""
        world = ", ".join(map(str, self.world))
        below = f"_{{{world}}}" if world else ""
        return f"{self.node}{below}{chr(39) * self.primes}"


def as_variable(item: Named) -> Variable:
    """Return a node or a variable as a variable."""
    return item if isinstance(item, Variable) else Variable(item)


def as_variables(items: Named) -> tuple[Variable, ...]:
    """Return what is named as sorted variables, once each.

    A string, and anything else that cannot be iterated over, stands for itself.
    """
    alone = isinstance(items, str | bytes | Variable) or not isinstance(items, Iterable)
    listed = {as_variable(item) for item in ([items] if alone else items)}
    return tuple(sorted(listed, key=lambda one: one.order))
