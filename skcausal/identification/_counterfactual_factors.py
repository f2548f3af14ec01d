"""Formulas for the parts of a counterfactual graph."""

from collections.abc import Iterable, Sequence

from skcausal.graphs import CausalGraph
from skcausal.identification._counterfactual_graph import (
    Conflict,
    Copies,
    Part,
    Value,
    setting_of,
)
from skcausal.identification._errors import NotIdentifiedError
from skcausal.identification._expression import Expression
from skcausal.identification._expressions import Probability, product, summation
from skcausal.identification._id import Hedge, run_id
from skcausal.identification._steps import braces, names
from skcausal.identification._variables import Node, Variable


class Factors:
    """Turns districts of a counterfactual graph into formulas.

    Parameters
    ----------
    copies : Copies
        The copies of nodes that a question is about.
    question : str
        The question as text.
    symbols : iterable of Variable
        The values that the question names.
    from_experiments : bool
        Whether formulas may speak of what is set.
    """

    def __init__(
        self,
        copies: Copies,
        question: str,
        symbols: Iterable[Variable],
        from_experiments: bool,
    ) -> None:
        self.copies = copies
        self.question = question
        self.from_experiments = from_experiments
        self.steps: list[str] = []
        self._taken = set(symbols)
        self._symbols: dict[int, Variable] = {}
        self._known: dict[Part, Expression] = {}

    def symbol(self, value: Value) -> Variable:
        """Return the name of a value; one that is summed over gets its own."""
        if isinstance(value, Variable):
            return value
        if value not in self._symbols:
            name = Variable(self.copies.node(value))
            while name in self._taken:
                name = Variable(name.node, name.primes + 1)
            self._taken.add(name)
            self._symbols[value] = name
        return self._symbols[value]

    def label(self, copy: int, value: Value) -> Variable:
        """Return a copy as a node at a value in a world."""
        node, causes = self.copies.known[copy]
        world = [self.symbol(cause) for cause in causes]
        return Variable(node, self.symbol(value).primes, tuple(world))

    def text(self, district: Part) -> str:
        """Return the probability of a district as text."""
        labels = [self.label(*one) for one in sorted(district, key=lambda one: one[0])]
        return f"P({', '.join(map(str, labels))})"

    def of(self, groups: Sequence[Sequence[Part]]) -> Expression:
        """Return the product of groups of districts, each summed on its own."""
        parts = []
        for group in groups:
            free = {v for part in group for _, v in part if isinstance(v, int)}
            over = [self.symbol(value) for value in sorted(free)]
            factors = product(self._factor(part) for part in group)
            parts.append(summation(over, factors))
        return product(parts)

    def _factor(self, district: Part) -> Expression:
        if district not in self._known:
            setting = setting_of(self.copies, district)
            if isinstance(setting, Conflict):
                raise self._refusal(district, setting)
            self._known[district] = self._formula(district, setting)
        return self._known[district]

    def _formula(self, district: Part, setting: dict[Node, Value]) -> Expression:
        symbols = {node: self.symbol(value) for node, value in setting.items()}
        graph = self.copies.graph
        nodes = graph.ordered([self.copies.node(copy) for copy, _ in district])
        above = [node for node in graph.ordered(list(setting)) if node not in nodes]
        asked = [symbols[node] for node in nodes]
        trial = Probability(asked, do=[symbols[node] for node in above])
        if self.from_experiments:
            self._tell(district, trial)
            return trial
        found = self._observed(graph, nodes, above, trial)
        found = found.rename(symbols)
        self._tell(district, trial, found)
        return found

    def _tell(self, district: Part, *equal: Expression) -> None:
        """Note what a district is equal to, where that is not how it is written."""
        texts = dict.fromkeys([self.text(district), *map(str, equal)])
        if len(texts) > 1:
            self.steps.append(" = ".join(texts))

    def _observed(
        self,
        graph: CausalGraph,
        nodes: tuple[Node, ...],
        above: list[Node],
        trial: Expression,
    ) -> Expression:
        verdict = run_id(graph, nodes, above)
        if isinstance(verdict.found, Expression):
            return verdict.found.simplify()
        raise self._no_data(graph, verdict.found, above, trial)

    def _no_data(
        self, graph: CausalGraph, hedge: Hedge, above: list[Node], trial: Expression
    ) -> NotIdentifiedError:
        sets = [braces(graph.ordered(part)) for part in (hedge.larger, hedge.smaller)]
        witness = (
            f"it needs {trial}, and hidden causes tie {sets[0]}, without what is set "
            f"{sets[1]}"
        )
        way = f"set {names(above)} in an experiment (from_experiments=True)"
        return NotIdentifiedError(
            f"identify_counterfactual: {self.question} is not identified from what is "
            f"seen without an experiment: {witness}. Way out: {way}.",
            hedge,
            witness,
            (way,),
        )

    def _refusal(self, district: Part, conflict: Conflict) -> NotIdentifiedError:
        witness = self._witness(district, conflict)
        way = "ask about one world at a time, or assume more than a graph says"
        return NotIdentifiedError(
            f"identify_counterfactual: {self.question} is not identified, not even "
            f"from experiments: {witness}. Way out: {way}.",
            None,
            witness,
            (way,),
        )

    def _witness(self, district: Part, conflict: Conflict) -> str:
        values = dict(district)
        first, second = (
            str(self.label(copy, values[copy])) for copy in conflict.copies
        )
        if all(self.copies.node(copy) == conflict.node for copy in conflict.copies):
            return (
                f"{conflict.node} appears in two worlds, as {first} and as {second}, "
                "and no row shows both"
            )
        one, other = (self.symbol(value) for value in conflict.values)
        nodes = [self.copies.node(copy) for copy in conflict.copies]
        return (
            f"hidden causes tie {names(nodes)}, which {first} and {second} are about, "
            f"and {conflict.node} is {one} for the first and {other} for the second"
        )
