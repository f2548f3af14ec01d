"""The search for a derivation by do-calculus."""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

from skcausal.graphs import CausalGraph
from skcausal.identification._do_rules import Move, NodeSet, Rules, State
from skcausal.identification._expression import Expression
from skcausal.identification._expressions import Fraction, Probability, Sum, product
from skcausal.identification._steps import names
from skcausal.identification._variables import Node

_MOST_TESTS = 30_000
_MOST_SUMMED = 3

Context = Callable[[Expression], Expression]


@dataclass(frozen=True)
class DerivationStep:
    """One line of a derivation.

    Parameters
    ----------
    rule : str
        ``"rule 1"`` to ``"rule 3"``, ``"sum rule"``, ``"chain rule"`` or
        ``"conditional probability"``.
    reason : str
        Why, in words.
    expression : Expression
        What the query is equal to after the step.

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import DoCalculus, Probability
    >>> calculus = DoCalculus(CausalGraph([("x", "y")]))
    >>> print(calculus.derive(Probability("y", do="x")).steps[0])
    = P(y | x)
      rule 2: x and y are separated in the graph without arrows out of x
    """

    rule: str
    reason: str
    expression: Expression

    def __str__(self) -> str:
        """Return the line and its reason."""
        return f"= {self.expression}\n  {self.rule}: {self.reason}"


@dataclass(frozen=True)
class Derivation:
    """How a probability under interventions becomes one of what is seen.

    `DoCalculus.derive` makes it.

    Parameters
    ----------
    query : Probability
        Where it begins.
    steps : tuple of DerivationStep
        One line each.

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import DoCalculus, Probability
    >>> calculus = DoCalculus(CausalGraph([("x", "y")]))
    >>> print(calculus.derive(Probability("y", do="x")).expression)
    P(y | x)
    """

    query: Probability
    steps: tuple[DerivationStep, ...]

    @property
    def expression(self) -> Expression:
        """What it ends with."""
        return self.steps[-1].expression if self.steps else self.query

    def __str__(self) -> str:
        """Return the derivation as in a textbook."""
        return "\n".join(map(str, [self.query, *self.steps]))

    def latex(self) -> str:
        """Return the derivation in LaTeX.

        Returns
        -------
        str
            An aligned environment without dollar signs, one line a step.
        """
        lines = [f"& {self.query.latex()}"]
        lines += [
            rf"&= {step.expression.latex()} && \text{{{step.rule}}}"
            for step in self.steps
        ]
        body = r" \\ ".join(lines)
        return rf"\begin{{aligned}} {body} \end{{aligned}}"


@dataclass(frozen=True)
class Split:
    """A probability written with two others."""

    rule: str
    reason: str
    first: State
    second: State
    join: Callable[[Expression, Expression], Expression]


@dataclass(frozen=True)
class Plan:
    """Moves to a probability, and how that is split if it is not the end."""

    moves: tuple[Move, ...]
    end: State
    split: Split | None = None
    parts: "tuple[Plan, ...]" = ()


class Search:
    """A bounded search: least nesting first, then fewest moves.

    Parameters
    ----------
    rules : Rules
        The rules in the graph.
    pool : frozenset of node
        What formulas may name.
    """

    def __init__(self, rules: Rules, pool: NodeSet) -> None:
        self.rules = rules
        self.pool = pool
        self._reached: dict[State, dict[State, Move | None]] = {}
        self._classes: dict[State, int] = {}
        self._failed: set[tuple[int, int]] = set()

    def plan(self, state: State, depth: int) -> Plan | None:
        """Return how to get rid of what is set, None if no way is found."""
        reached = self._reach(state)
        end = next(reversed(reached))
        if not end.done:
            return Plan(self._path(reached, end), end)
        key = self._classes[state], depth
        if depth == 0 or key in self._failed or self._spent:
            return None
        for end in list(reached):
            for split in self._splits(end):
                first = self.plan(split.first, depth - 1)
                second = first and self.plan(split.second, depth - 1)
                if first and second:
                    path = self._path(reached, end)
                    return Plan(path, end, split, (first, second))
        self._failed.add(key)
        return None

    @property
    def _spent(self) -> bool:
        return self.rules.n_tests > _MOST_TESTS

    def _reach(self, start: State) -> dict[State, Move | None]:
        """Return the probabilities equal to one by the rules, nearest first.

        If nothing is set in one of them, it is the last: none is needed after it.
        """
        if start in self._reached:
            return self._reached[start]
        came: dict[State, Move | None] = {start: None}
        waiting = deque([start] if start.done else [])
        while waiting and not self._spent:
            for one in self.rules.moves(waiting.popleft(), self.pool):
                if one.after not in came:
                    came[one.after] = one
                    waiting.append(one.after)
                if not one.after.done:
                    waiting.clear()
                    break
        self._reached[start] = came
        number = self._classes.get(start, len(self._classes))
        for state in came:
            self._classes.setdefault(state, number)
        return came

    @staticmethod
    def _path(came: dict[State, Move | None], end: State) -> tuple[Move, ...]:
        found: list[Move] = []
        step = came[end]
        while step is not None:
            found.append(step)
            step = came[step.before]
        return tuple(found[::-1])

    def _splits(self, state: State) -> Iterator[Split]:
        y, x, w = state.asked, state.done, state.seen
        free = self.rules.graph.ordered(list(self.pool - state.named))
        for size in range(1, _MOST_SUMMED + 1):
            for over in combinations(free, size):
                yield _sum_over(state, over)
        for node in self.rules.graph.ordered(list(y)) if len(y) > 1 else ():
            one = frozenset([node])
            yield Split(
                "chain rule",
                f"{node} after the rest",
                State(one, x, w | (y - one)),
                State(y - one, x, w),
                lambda a, b: product([a, b]),
            )
        for node in self.rules.graph.ordered(list(w)):
            one = frozenset([node])
            above, below = State(y | one, x, w - one), State(one, x, w - one)
            reason = f"{node} is given"
            yield Split("conditional probability", reason, above, below, Fraction)


def _sum_over(state: State, over: tuple[Node, ...]) -> Split:
    y, x, w = state.asked, state.done, state.seen
    z = frozenset(over)
    return Split(
        "sum rule",
        f"over {names(over)}",
        State(y, x, w | z),
        State(z, x, w),
        lambda a, b: Sum(over, product([a, b])),
    )


def search(graph: CausalGraph, state: State, max_depth: int) -> Derivation | None:
    """Return a derivation with as little nesting as any that is found."""
    rules = Rules(graph)
    above = graph.ancestors(list(state.named))
    finder = Search(rules, frozenset(graph.observed) & above)
    for depth in range(max_depth + 1):
        plan = finder.plan(state, depth)
        if plan is not None:
            steps: list[DerivationStep] = []
            _write(rules, plan, lambda inner: inner, steps)
            return Derivation(state.probability, tuple(steps))
    return None


def _write(
    rules: Rules, plan: Plan, context: Context, steps: list[DerivationStep]
) -> Expression:
    """Add the lines of a plan, each the whole formula, and return its part of it."""
    for one in plan.moves:
        expression = context(one.after.probability)
        reason = rules.statement(one)
        steps.append(DerivationStep(f"rule {one.rule}", reason, expression))
    split = plan.split
    if split is None:
        return plan.end.probability
    left, right = split.first.probability, split.second.probability
    whole = context(split.join(left, right))
    steps.append(DerivationStep(split.rule, split.reason, whole))
    first, second = plan.parts
    a = _write(rules, first, lambda e: context(split.join(e, right)), steps)
    b = _write(rules, second, lambda e: context(split.join(a, e)), steps)
    return split.join(a, b)
