"""Which set of covariates allows the most precise estimate."""

from dataclasses import dataclass
from functools import cached_property

from skcausal.graphs._adjacency import Lists, closure
from skcausal.graphs._separation import Joined, connected
from skcausal.graphs._separators import SeparationProblem
from skcausal.identification._criterion import Criterion
from skcausal.identification._query import Query


@dataclass(frozen=True)
class BestSet:
    """The valid set with the most precise estimate, if there is one (Runge 2021).

    Without hidden causes it is the parents of the causal paths. A hidden cause of a
    causal path and a covariate makes that covariate tell of the outcome too.

    Parameters
    ----------
    query : Query
        The question, in a graph whose nodes are all observed.
    criterion : Criterion
        Its criterion.
    """

    query: Query
    criterion: Criterion

    @property
    def _joined(self) -> Joined:
        return self.query.graph.adjacency

    @cached_property
    def allowed(self) -> frozenset[int]:
        """What may be adjusted for."""
        ends = self.query.treatments | self.query.outcomes
        return self.query.observed - ends - self.criterion.forbidden

    @cached_property
    def _causal(self) -> frozenset[int]:
        return self.criterion.causal | self.query.outcomes

    @cached_property
    def _ancestors(self) -> frozenset[int]:
        query = self.query
        ends = query.treatments | query.outcomes | query.include
        return self.allowed & closure(ends, self._joined.parents)

    @cached_property
    def _parents(self) -> frozenset[int]:
        return self._onto(self._causal, self._joined.parents)

    @cached_property
    def _colliders(self) -> frozenset[int]:
        """Return nodes that hidden causes join to the causal paths, one by one.

        Such a node tells of the outcome. It is an ancestor, or the treatment does not
        depend on it.
        """
        treatments = self.query.treatments
        near = connected(self._joined, treatments, self._ancestors)
        usable = self._ancestors | (self.allowed - near)
        return self._joined_by_siblings(usable)

    def _joined_by_siblings(self, usable: frozenset[int]) -> frozenset[int]:
        found = self._onto(self._causal, self._joined.siblings) & usable
        while True:
            more = found | (self._onto(found, self._joined.siblings) & usable)
            if more == found:
                return found
            found = more

    def _onto(self, nodes: frozenset[int], lists: Lists) -> frozenset[int]:
        return self.allowed.intersection(k for node in nodes for k in lists[node])

    @cached_property
    def candidate(self) -> frozenset[int]:
        """The set that is best if any is."""
        above = self._onto(self._colliders, self._joined.parents)
        return self._parents | self._colliders | above | self.query.include

    def exists(self) -> bool:
        """Tell whether the candidate is valid and Runge's two conditions hold.

        The first is asked in a stronger form: no valid set contains a node outside
        the candidate that shares a hidden cause with it or with the causal paths.
        """
        reached = connected(
            self.criterion.joined, self.query.treatments, self.candidate
        )
        if not reached.isdisjoint(self.query.outcomes):
            return False
        inside = self._causal | self._colliders
        outside = self._onto(inside, self._joined.siblings) - self.candidate
        return not any(map(self._is_usable, outside)) and self._costs_nothing()

    def _is_usable(self, node: int) -> bool:
        query = self.query
        problem = SeparationProblem.of(
            self.criterion.joined,
            query.treatments,
            query.outcomes,
            query.include | {node},
            self.allowed,
        )
        return problem.nearest(query.treatments, query.outcomes) is not None

    def _costs_nothing(self) -> bool:
        """Tell whether nodes that depend on the treatment are needed by any set."""
        core = self._joined_by_siblings(self._ancestors & self._colliders)
        needed = (
            self._parents
            | self.query.include
            | self._onto(self._causal | core, self._joined.siblings)
            | self._onto(core, self._joined.parents)
        )
        rest = {node: self.candidate - {node} for node in self.candidate - needed}
        return all(
            self.query.treatments.isdisjoint(connected(self._joined, [node], given))
            for node, given in rest.items()
        )
