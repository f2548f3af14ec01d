"""The algorithms ID, IDC and gID: interventions out of distributions.

Shpitser, I. and Pearl, J. (2006). Identification of joint interventional distributions
in recursive semi-Markovian causal models. AAAI. Line numbers and letters are the
paper's: y is asked for, x is set, v are the nodes of the graph at hand.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from skcausal.graphs import CausalGraph
from skcausal.identification._distributions import Distribution, Observed
from skcausal.identification._expression import Expression
from skcausal.identification._expressions import (
    Fraction,
    product,
    summation,
)
from skcausal.identification._parts import Codes, Parts
from skcausal.identification._population import Population
from skcausal.identification._steps import Step
from skcausal.identification._variables import Node

NodeSet = frozenset[Node]


@dataclass(frozen=True)
class Hedge:
    """Why an effect is not identified: two sets of nodes that hidden causes tie.

    Both sets hang together by hidden causes and lead to the same nodes, which are
    causes of the outcome. The treatment is in the larger set only, so that what it does
    to the smaller one cannot be told from what is hidden.

    Parameters
    ----------
    larger : frozenset of node
        The set F, with a part of the treatment in it.
    smaller : frozenset of node
        The set F' inside it, without the treatment.

    References
    ----------
    Shpitser, I. and Pearl, J. (2006). Identification of joint interventional
    distributions in recursive semi-Markovian causal models. AAAI.
    https://cdn.aaai.org/AAAI/2006/AAAI06-191.pdf

    Examples
    --------
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import NotIdentifiedError, identify
    >>> bow = CausalGraph([("x", "y")], [("x", "y")])
    >>> try:
    ...     identify(bow, "x", "y")
    ... except NotIdentifiedError as error:
    ...     print(sorted(error.hedge.larger), sorted(error.hedge.smaller))
    ['x', 'y'] ['y']
    """

    larger: NodeSet
    smaller: NodeSet


@dataclass(frozen=True)
class Verdict:
    """What an algorithm found: a formula, or a hedge."""

    found: Expression | Hedge
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Source:
    """A distribution that factors may be taken from.

    Parameters
    ----------
    seen : Observed
        What was seen.
    done : frozenset of int
        What was set by experiment.
    population : str
        Where; empty for the population that the question is about.
    differs : frozenset of int
        Nodes that come about otherwise there.
    """

    seen: Observed
    done: Codes = frozenset()
    population: str = ""
    differs: Codes = frozenset()


class _Run:
    """One run of ID on one graph without latent nodes."""

    def __init__(self, graph: CausalGraph) -> None:
        self.graph = graph
        self.parts = Parts(graph)
        self.names = self.parts.names
        self.steps: list[Step] = []
        self.depth = 0

    def id(self, y: Codes, x: Codes, p: Distribution, v: Codes) -> Expression | Hedge:
        """Return P(y | do(x)), where p is the distribution of v."""
        # Line 1: nothing is set.
        if not x:
            self._note("line 1", y, x, p, v)
            return p.summed(y)
        # Line 2: what is no ancestor of y does not matter.
        ancestors = self.parts.ancestors(y, v)
        if ancestors != v:
            self._note("line 2", y, x, p, v, v - ancestors)
            return self.id(y, x & ancestors, p.marginal(ancestors), ancestors)
        # Line 3: setting w as well changes nothing.
        w = (v - x) - self.parts.ancestors(y, v, cut=x)
        if w:
            self._note("line 3", y, x, p, v, w)
            return self.id(y, x | w, p, v)
        # Line 4: one factor for each district of what is not set.
        districts = self.parts.districts(v - x)
        if len(districts) > 1:
            self._note("line 4", y, x, p, v, *districts)
            return self._each(y, v - (y | x), [(s, v - s, p, v) for s in districts])
        (s,) = districts
        around = self.parts.district(next(iter(s)), v)
        # Line 5: all is one district; fail.
        if around == v:
            self._note("line 5", y, x, p, v, v, s)
            return Hedge(self.graph.names(v), self.graph.names(s))
        # Line 6: s is a district of the whole.
        if around == s:
            self._note("line 6", y, x, p, v, s)
            body = product(p.factor(node) for node in self.parts.sorted(s))
            return self._summed(s - y, body)
        # Line 7: s is part of a larger district; go on in that one.
        self._note("line 7", y, x, p, v, s, around)
        order = self.parts.sorted(around)
        inside = Distribution(self.names, order, [p.factor(node) for node in order])
        return self.id(y, x & around, inside, around)

    def gid(self, y: Codes, x: Codes, sources: Sequence[Source]) -> Expression | Hedge:
        """Return P(y | do(x)) from several sources.

        Lee, Correa, Bareinboim (2019); with other populations Lee, Correa, Bareinboim
        (2020).
        """
        everything = frozenset(range(len(self.graph)))
        v = self.parts.ancestors(y, everything, cut=x) | x
        districts = self.parts.districts(v - x)
        self._note("line 4", y, x, sources[0].seen, v, *districts)
        factors = []
        for s in districts:
            factor = self._from_any(s, everything, sources)
            if isinstance(factor, Hedge):
                return factor
            factors.append(factor)
        return self._summed(v - (y | x), product(factors))

    def _from_any(
        self, s: Codes, v: Codes, sources: Sequence[Source]
    ) -> Expression | Hedge:
        """Return the factor of a district from the first source that gives it."""
        first: Hedge | None = None
        for source in sources:
            known = v - source.done
            if s & (source.done | source.differs):  # this says nothing about s
                continue
            mark, self.depth = len(self.steps), 1
            if source.population:
                self._note("population", s, v - s, source.seen, v)
                self.steps[-1] = replace(self.steps[-1], population=source.population)
            if source.done:
                self._note("experiment", s, v - s, source.seen, v, source.done)
            factor = self.id(s, known - s, source.seen, known)
            self.depth = 0
            if not isinstance(factor, Hedge):
                return factor
            del self.steps[mark:]
            first = first or factor
        assert first is not None  # what is seen without experiments knows all nodes
        return first

    def _each(
        self,
        y: Codes,
        over: Codes,
        queries: Sequence[tuple[Codes, Codes, Distribution, Codes]],
    ) -> Expression | Hedge:
        factors = []
        self.depth += 1
        for query in queries:
            factor = self.id(*query)
            if isinstance(factor, Hedge):
                return factor
            factors.append(factor)
        self.depth -= 1
        return self._summed(over, product(factors))

    def _summed(self, over: Codes, body: Expression) -> Expression:
        return summation((self.names[node] for node in self.parts.sorted(over)), body)

    def _note(
        self, rule: str, y: Codes, x: Codes, p: Distribution, v: Codes, *found: Codes
    ) -> None:
        part = frozenset() if isinstance(p, Observed) else v
        sets = (
            self.graph.ordered(self.graph.names(one)) for one in (y, x, part, *found)
        )
        outcome, treatment, within, *parts = sets
        self.steps.append(
            Step(rule, outcome, treatment, tuple(parts), within, self.depth)
        )


def run_id(
    graph: CausalGraph,
    y: Collection[Node],
    x: Collection[Node],
    experiments: Sequence[Collection[Node]] = (),
    populations: Sequence[Population] = (),
) -> Verdict:
    """Return P(y | do(x)) as a formula, or the hedge that forbids it."""
    run = _Run(graph)
    v = frozenset(range(len(graph)))
    codes_y, codes_x = (frozenset(graph.codes(list(part))) for part in (y, x))
    seen = Observed(run.parts, v)
    found = run.id(codes_y, codes_x, seen, v)
    if (experiments or populations) and isinstance(found, Hedge):
        run.steps.clear()
        run.depth = 0
        here = Population("", experiments=((), *map(tuple, experiments)))
        places = [here, *populations]
        sources = [one for place in places for one in _sources(run, place)]
        found = run.gid(codes_y, codes_x, sources)
    return Verdict(found, tuple(run.steps))


def _sources(run: _Run, place: Population) -> Iterator[Source]:
    """Yield what was seen in a population, without and with experiments."""
    v = frozenset(range(len(run.graph)))
    differs = frozenset(run.graph.codes(list(place.differs)))
    for nodes in place.experiments:
        done = frozenset(run.graph.codes(list(nodes)))
        seen = Observed(run.parts, v - done, done, place.name)
        yield Source(seen, done, place.name, differs)


def run_idc(
    graph: CausalGraph,
    y: Collection[Node],
    x: Collection[Node],
    z: Collection[Node],
    experiments: Sequence[Collection[Node]] = (),
    populations: Sequence[Population] = (),
) -> Verdict:
    """Return P(y | do(x), z) as a formula, or the hedge that forbids it.

    Shpitser, I. and Pearl, J. (2006). Identification of conditional interventional
    distributions. UAI.
    """
    y, x, z = list(y), list(x), list(z)
    moved: list[Step] = []
    again = True
    while again:
        again = False
        for one in graph.ordered(z):
            # Rule 2: seeing z_i is as good as setting it.
            rest = [other for other in z if other != one]
            cut = graph.do(x).without_edges_out_of([one])
            if cut.d_separated(y, [one], [*x, *rest]):
                asked = graph.ordered(y), graph.ordered(x)
                moved.append(Step("rule 2", *asked, ((one,),)))
                x, z, again = [*x, one], rest, True
                break
    verdict = run_id(graph, [*y, *z], x, experiments, populations)
    steps = (*moved, *verdict.steps)
    if not z or isinstance(verdict.found, Hedge):
        return Verdict(verdict.found, steps)
    below = summation(graph.ordered(y), verdict.found)
    return Verdict(Fraction(verdict.found, below), steps)
