"""The distributions that identification starts from and passes on."""

from collections.abc import Collection, Sequence

from skcausal.identification._expression import Expression
from skcausal.identification._expressions import (
    Fraction,
    Probability,
    product,
    summation,
)
from skcausal.identification._parts import Codes, Parts
from skcausal.identification._variables import Variable


class Distribution:
    """A distribution as one factor for each node, given the nodes before it.

    Parameters
    ----------
    names : sequence of Variable
        The name of each code.
    order : sequence of int
        The nodes, causes first.
    factors : sequence of Expression
        The probability of each node given those before it.
    """

    def __init__(
        self,
        names: Sequence[Variable],
        order: Sequence[int],
        factors: Sequence[Expression],
    ) -> None:
        self.names = names
        self.order = tuple(order)
        self._factors = dict(zip(order, factors, strict=True))

    def factor(self, node: int) -> Expression:
        """Return the probability of a node given those before it."""
        return self._factors[node]

    def summed(self, keep: Codes) -> Expression:
        """Return the probability of some nodes, the others summed out."""
        order = self._needed(keep)
        lost = [self.names[node] for node in order if node not in keep]
        return summation(lost, product(self.factor(node) for node in order))

    def marginal(self, keep: Codes) -> "Distribution":
        """Return the distribution of some nodes.

        The factor of a node is the joint probability up to it divided by that up to
        the node before it; what comes before the first node summed out cancels.
        """
        order = self._needed(keep)
        lost = [node for node in order if node not in keep]
        start = order.index(lost[0]) if lost else len(order)
        factors = [self.factor(node) for node in order[:start]]
        before: Expression | None = None
        for place in range(start, len(order)):
            if order[place] not in keep:
                continue
            run = order[start : place + 1]
            body = product(self.factor(node) for node in run)
            above = summation((self.names[n] for n in run if n not in keep), body)
            factors.append(above if before is None else Fraction(above, before))
            before = above
        kept = [node for node in order if node in keep]
        return Distribution(self.names, kept, factors)

    def _needed(self, keep: Codes) -> list[int]:
        """Return the nodes kept and those that their factors speak of."""
        free: set[Variable] = set()
        order: list[int] = []
        for node in reversed(self.order):
            if node in keep or self.names[node] in free:
                order.append(node)
                free |= self.factor(node).free
        return order[::-1]


class Observed(Distribution):
    """What is seen, maybe while some nodes are set by experiment.

    The factor of a node is its probability given the nodes before it in its district
    and the parents of that district, which is all that matters of what is before.
    """

    def __init__(
        self,
        parts: Parts,
        nodes: Codes,
        done: Codes = frozenset(),
        population: str = "",
    ) -> None:
        self._parts = parts
        self._done = done
        self._population = population
        self.names = parts.names
        self.order = parts.sorted(nodes)
        self._factors: dict[int, Expression] = {}

    def factor(self, node: int) -> Expression:
        """Return the probability of a node given those before it."""
        if node not in self._factors:
            before = frozenset(self.order[: self.order.index(node) + 1])
            district = self._parts.district(node, before)
            causes = {p for one in district for p in self._parts.parents[one]}
            given = ((district | causes) & before) - {node}
            self._factors[node] = self._probability([node], given)
        return self._factors[node]

    def summed(self, keep: Codes) -> Expression:
        """Return the probability of some nodes."""
        return self._probability(keep, ())

    def marginal(self, keep: Codes) -> "Observed":
        """Return what is seen of some nodes."""
        return Observed(self._parts, keep, self._done, self._population)

    def _probability(
        self, nodes: Collection[int], given: Collection[int]
    ) -> Expression:
        asked, known, done = (
            [self.names[node] for node in part] for part in (nodes, given, self._done)
        )
        return Probability(asked, known, done, self._population)
