"""Which set of covariates allows the most precise estimate."""

from dataclasses import dataclass
from functools import cached_property

from skcausal.graphs._adjacency import closure
from skcausal.graphs._separation import Joined, connected
from skcausal.graphs._separators import SeparationProblem
from skcausal.identification._criterion import Criterion
from skcausal.identification._question import Question


@dataclass(frozen=True)
class BestSet:
    """The valid set with the most precise estimate, if there is one (Runge 2021).

    Without hidden causes it is the parents of the causal paths. A hidden cause of a
    causal path and a covariate makes that covariate tell of the outcome too.

    Parameters
    ----------
    question : Question
        The question.
    criterion : Criterion
        Its criterion.
    allowed : frozenset of int
        What may be adjusted for.
    """

    question: Question
    criterion: Criterion
    allowed: frozenset[int]

    @property
    def _joined(self) -> Joined:
        return self.question.graph.adjacency

    @cached_property
    def _causal(self) -> frozenset[int]:
        return self.criterion.causal | self.question.outcome

    @cached_property
    def _ancestors(self) -> frozenset[int]:
        question = self.question
        ends = question.treatment | question.outcome | question.include
        return self.allowed & closure(ends, self._joined.parents)

    @cached_property
    def _parents(self) -> frozenset[int]:
        return self._parents_of(self._causal)

    @cached_property
    def _colliders(self) -> frozenset[int]:
        """Return nodes that hidden causes join to the causal paths, one by one.

        Such a node tells of the outcome. It is an ancestor, or the treatment does not
        depend on it.
        """
        treatments = self.question.treatment
        near = connected(self._joined, treatments, self._ancestors)
        usable = self._ancestors | (self.allowed - near)
        return self._joined_by_siblings(usable)

    def _joined_by_siblings(self, usable: frozenset[int]) -> frozenset[int]:
        found: frozenset[int] = frozenset()
        edge = self._causal
        while edge:
            edge = (self._siblings_of(edge) & usable) - found
            found |= edge
        return found

    def _climb(self, nodes: frozenset[int]) -> tuple[set[int], set[int]]:
        """Return nodes with the hidden ones above them, and the first observed ones."""
        inside, above = set(nodes), set()
        waiting = list(inside)
        while waiting:
            for parent in self._joined.parents[waiting.pop()]:
                if parent in self.question.observed:
                    above.add(parent)
                elif parent not in inside:
                    inside.add(parent)
                    waiting.append(parent)
        return inside, above

    def _parents_of(self, nodes: frozenset[int]) -> frozenset[int]:
        return self.allowed & self._climb(nodes)[1]

    def _siblings_of(self, nodes: frozenset[int]) -> frozenset[int]:
        """Return what shares a hidden cause with nodes, drawn as a node or an edge."""
        inside, _ = self._climb(nodes)
        reached = {s for node in inside for s in self._joined.siblings[node]}
        reached |= inside - self.question.observed
        waiting = list(reached)
        while waiting:
            node = waiting.pop()
            if node not in self.question.observed:
                more = set(self._joined.children[node]) - reached
                reached |= more
                waiting += more
        return self.allowed & reached

    @cached_property
    def candidate(self) -> frozenset[int]:
        """The set that is best if any is."""
        above = self._parents_of(self._colliders)
        return self._parents | self._colliders | above | self.question.include

    def exists(self) -> bool:
        """Tell whether the candidate is valid and Runge's two conditions hold.

        The first is asked in a stronger form: no valid set contains a node outside
        the candidate that shares a hidden cause with it or with the causal paths.
        """
        reached = connected(
            self.criterion.joined, self.question.treatment, self.candidate
        )
        if not reached.isdisjoint(self.question.outcome):
            return False
        inside = self._causal | self._colliders
        outside = self._siblings_of(inside) - self.candidate
        return not any(map(self._is_usable, outside)) and self._costs_nothing()

    def _is_usable(self, node: int) -> bool:
        question = self.question
        problem = SeparationProblem.of(
            self.criterion.joined,
            question.treatment,
            question.outcome,
            question.include | {node},
            self.allowed,
        )
        return problem.nearest(question.treatment, question.outcome) is not None

    def _costs_nothing(self) -> bool:
        """Tell whether nodes that depend on the treatment are needed by any set."""
        core = self._joined_by_siblings(self._ancestors & self._colliders)
        needed = (
            self._parents
            | self.question.include
            | self._siblings_of(self._causal | core)
            | self._parents_of(core)
        )
        rest = {node: self.candidate - {node} for node in self.candidate - needed}
        return all(
            self.question.treatment.isdisjoint(connected(self._joined, [node], given))
            for node, given in rest.items()
        )
