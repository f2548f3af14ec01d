"""Units of one district: every way in which its nodes may respond to their parents."""

import itertools
import math
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from scipy.sparse import csr_matrix, hstack, identity, vstack

from skcausal.graphs import CausalGraph, GraphError
from skcausal.structural._paths import Edge
from skcausal.utils._validation import is_polars, pandas_from_polars

_OWNER = "path_effect_bounds"
_MOST_UNITS = 2**14
_MOST_WORK = 2**24  # units times assignments of all other nodes
_TOLERANCE = 1e-9

Copy = tuple[Any, bool]  # a node, and whether it is as the active arrows make it


@dataclass(frozen=True)
class UnitModel:
    """Shares of all nodes, and the district whose units are free.

    Parameters
    ----------
    codes : DataFrame of shape (n, n_nodes)
        Levels of the nodes as numbers from 0.
    labels : dict of node to Index
        What the numbers mean.
    levels : (int, int)
        Code of the sensitive attribute at the reference, and compared.
    free : tuple of node
        The nodes of the district, causes first.
    """

    graph: CausalGraph
    codes: pd.DataFrame
    labels: dict[Any, pd.Index]
    sensitive: Any
    outcome: Any
    levels: tuple[int, int]
    edges: frozenset[Edge]
    free: tuple[Any, ...]

    @classmethod
    def of(
        cls,
        graph: CausalGraph,
        frame: Any,
        ends: tuple[Any, Any],
        levels: tuple[Any, Any],
        edges: Collection[Edge],
    ) -> "UnitModel":
        """Return the model of a table, checked."""
        active = frozenset((a, b) for a, b in edges)
        for edge in active - set(graph.directed):
            raise GraphError(f"{_OWNER}: {edge[0]} -> {edge[1]} is no arrow.")
        (sensitive, outcome), (reference, compared) = ends, levels
        if outcome not in graph.descendants([sensitive]) - {sensitive}:
            raise GraphError(
                f"{_OWNER}: no arrows lead from {sensitive!r} to {outcome!r}."
            )
        codes, labels = _coded(graph, frame)
        for level, name in zip(levels, ("reference", "compared"), strict=True):
            if level not in labels[sensitive]:
                raise ValueError(
                    f"{_OWNER}: {name} must be a value of {sensitive!r}, got {level!r}."
                )
        pair = (
            _place(labels[sensitive], reference),
            _place(labels[sensitive], compared),
        )
        common = (graph, codes, labels, sensitive, outcome, pair, active)
        found = cls(*common, free=())
        return cls(*common, free=found.free_district())

    def size(self, node: Any) -> int:
        """Return the number of levels of a node."""
        return len(self.labels[node])

    def parents(self, node: Any) -> list[Any]:
        """Return the parents of a node in a fixed order."""
        return list(self.graph.ordered(self.graph.parents([node])))

    @property
    def below(self) -> tuple[Any, ...]:
        """What the sensitive attribute may move, causes first."""
        moved = self.graph.descendants([self.sensitive]) - {self.sensitive}
        return tuple(n for n in self.graph.topological_order() if n in moved)

    def copies(self, *, active: bool) -> list[Copy]:
        """Return the copies of nodes that make the outcome in a world."""
        carried = CausalGraph(self.edges, nodes=self.graph.nodes)
        reached = carried.descendants([self.sensitive]) if active else frozenset()
        needed: set[Copy] = set()
        waiting: list[Copy] = [(self.outcome, self.outcome in reached)]
        while waiting:
            node, moved = waiting.pop()
            if (node, moved) in needed or node not in self.below:
                continue
            needed.add((node, moved))
            for parent in self.parents(node):
                on = moved and (parent, node) in self.edges and parent in reached
                waiting.append((parent, on))
        return [(n, m) for n in self.below for m in (False, True) if (n, m) in needed]

    def free_district(self) -> tuple[Any, ...]:
        """Return the one district that no formula covers; empty if all are."""
        tied = self.graph.bidirected
        for a, b in tied:
            if (a in self.below) != (b in self.below):
                raise GraphError(
                    f"{_OWNER}: hidden causes tie {a!r} and {b!r}, of which the "
                    "sensitive attribute moves one only. Bounds are for ties among "
                    "nodes that it moves, or among others."
                )
        both = [node for node, moved in self.copies(active=True) if moved]
        plain = [node for node, moved in self.copies(active=True) if not moved]
        districts = {self._district(node, self.below) for node in self.below}
        clashing = set(both) & set(plain)
        found = [d for d in districts if len(d) > 1 or clashing & d]
        if len(found) > 1:
            names = " and ".join(str(sorted(map(str, d))) for d in found)
            raise GraphError(
                f"{_OWNER}: {names} are free at once, and the effect is not linear in "
                "both. Change the edges, or join the districts by a bidirected edge, "
                "which gives wider bounds."
            )
        return tuple(n for n in self.below if found and n in found[0])

    def _district(self, node: Any, among: Collection[Any]) -> frozenset[Any]:
        """Return the nodes tied to one by hidden causes, among some."""
        inside = self.graph.subgraph(list(among))
        found, waiting = {node}, [node]
        while waiting:
            at = waiting.pop()
            ends = [set(pair) - {at} for pair in inside.bidirected if at in pair]
            fresh = set().union(*ends) - found if ends else set()
            found |= fresh
            waiting += list(fresh)
        return frozenset(found)

    def chances(self, node: Any, given: list[Any]) -> np.ndarray:
        """Return shares of a node given others; NaN where these do not occur."""
        shape = [self.size(one) for one in (*given, node)]
        cells = np.ravel_multi_index(self.codes[[*given, node]].to_numpy().T, shape)
        counts = np.bincount(cells, minlength=math.prod(shape)).reshape(shape)
        total = counts.sum(axis=-1, keepdims=True).astype(float)
        return np.asarray(counts / np.where(total > 0, total, np.nan))

    def units(self) -> tuple[dict[Any, np.ndarray], dict[Any, np.ndarray]]:
        """Return functions of each free node, and which one each unit has."""
        numbers = {}
        for node in self.free:
            cells = math.prod(self.size(parent) for parent in self.parents(node))
            numbers[node] = self.size(node) ** cells
            if numbers[node] > _MOST_UNITS:
                break
        total = math.prod(numbers.values())
        if total > _MOST_UNITS:
            raise GraphError(
                f"{_OWNER}: {', '.join(map(str, self.free))} may respond in more than "
                f"{_MOST_UNITS} ways. Give them fewer levels or parents."
            )
        responses = {}
        for node in self.free:
            shape = [self.size(parent) for parent in self.parents(node)]
            rows = itertools.product(range(self.size(node)), repeat=math.prod(shape))
            responses[node] = np.array(list(rows)).reshape(-1, *shape)
        places = np.indices(list(numbers.values())).reshape(len(numbers), total)
        return responses, dict(zip(numbers, places, strict=True))

    def objective(self, positive: Any) -> np.ndarray:
        """Return the effect for each unit."""
        if positive not in self.labels[self.outcome]:
            raise ValueError(
                f"{_OWNER}: positive must be a value of {self.outcome!r}, got "
                f"{positive!r}."
            )
        wanted = _place(self.labels[self.outcome], positive)
        units = self.units()
        moved, plain = (self._world(active, wanted, units) for active in (True, False))
        return moved - plain

    def _world(self, active: bool, wanted: int, units: Any) -> np.ndarray:
        """Return the probability of the outcome in one world, per unit."""
        responses, functions = units
        copies = self.copies(active=active)
        last = copies[-1]
        drawn = [copy for copy in copies if copy[0] not in self.free]
        tables = {}
        for node, _ in drawn:
            tables[node] = self.chances(node, self.parents(node))
            if np.isnan(tables[node]).any():
                raise ValueError(
                    f"{_OWNER}: no rows show how {node!r} behaves for some values of "
                    f"{', '.join(map(str, self.parents(node)))}. Join rare levels."
                )
        n_units = len(next(iter(functions.values()))) if functions else 1
        assignments = list(self._assignments(drawn))
        if len(assignments) * n_units > _MOST_WORK:
            raise GraphError(f"{_OWNER}: too many levels. Join some, or drop nodes.")
        found = np.zeros(n_units)
        for share, outside, values in assignments:
            known = {**outside, **values}
            weight = np.full(n_units, share)
            for copy in copies:
                above = tuple(self._above(copy, known))
                if copy in values:
                    weight = weight * tables[copy[0]][(*above, values[copy])]
                else:
                    rows = functions[copy[0]]
                    known[copy] = responses[copy[0]][(rows, *above)]
            found += weight * (np.asarray(known[last]) == wanted)
        return found

    def _assignments(self, drawn: list[Copy]) -> Iterator[tuple[float, Any, Any]]:
        """Yield values of what is not free, with the share of what is not moved."""
        moved = {self.sensitive, *self.below}
        outside = [node for node in self.graph.nodes if node not in moved]
        counts: Any = {(): len(self.codes)}
        if outside:
            keys = self.codes[outside].apply(tuple, axis=1)
            counts = keys.value_counts().to_dict()
        ranges = [range(self.size(node)) for node, _ in drawn]
        for cell, count in counts.items():
            fixed = {(node, False): v for node, v in zip(outside, cell, strict=True)}
            for values in itertools.product(*ranges):
                share = count / len(self.codes)
                yield share, fixed, dict(zip(drawn, values, strict=True))

    def _above(self, copy: Copy, known: dict[Copy, Any]) -> Iterator[Any]:
        """Yield the values of the parents of a copy."""
        node, moved = copy
        for parent in self.parents(node):
            on = moved and (parent, node) in self.edges
            if parent == self.sensitive:
                yield self.levels[int(on)]
            else:
                yield (
                    known[parent, on] if (parent, on) in known else known[parent, False]
                )

    def equations(self) -> tuple[csr_matrix, np.ndarray]:
        """Return what units must make: A q = b, with one row per cell seen."""
        responses, functions = self.units()
        if not self.free:
            return csr_matrix(np.ones((1, 1))), np.ones(1)
        above = self.graph.parents(list(self.free)) - set(self.free)
        outer = list(self.graph.ordered(above))
        factors = self._factors()
        rows, right = [np.ones(len(functions[self.free[0]]))], [1.0]
        for cell in itertools.product(*[range(self.size(n)) for n in outer]):
            fixed: dict[Any, Any] = dict(zip(outer, cell, strict=True))
            made = dict(fixed)
            for node in self.free:
                values = tuple(made[parent] for parent in self.parents(node))
                made[node] = responses[node][(functions[node], *values)]
            for values in itertools.product(*[range(self.size(n)) for n in self.free]):
                inside = dict(zip(self.free, values, strict=True))
                share = self._share(factors, {**fixed, **inside})
                if np.isfinite(share):
                    agree = [made[node] == inside[node] for node in self.free]
                    rows.append(np.logical_and.reduce(agree))
                    right.append(share)
        return csr_matrix(np.array(rows, dtype=float)), np.array(right)

    def _factors(self) -> list[tuple[Any, list[Any], np.ndarray]]:
        """Return each free node with what it is conditioned on (Tian's factors)."""
        order = list(self.graph.topological_order())
        found = []
        for node in self.free:
            before = order[: order.index(node) + 1]
            tied = self._district(node, before)
            given = (tied | self.graph.parents(list(tied))) - {node}
            names = list(self.graph.ordered(given))
            found.append((node, names, self.chances(node, names)))
        return found

    def _share(self, factors: Any, values: dict[Any, int]) -> float:
        parts = [
            table[(*(values[one] for one in given), values[node])]
            for node, given, table in factors
        ]
        return float(np.prod(parts))


def _place(labels: pd.Index, level: Any) -> int:
    """Return the code of a level."""
    return int(np.flatnonzero(np.asarray(labels == level))[0])


def _coded(graph: CausalGraph, frame: Any) -> tuple[pd.DataFrame, dict[Any, pd.Index]]:
    """Return levels of all nodes as numbers, and what they mean."""
    if is_polars(frame):
        frame = pandas_from_polars(frame)
    codes, labels = {}, {}
    for node in graph.nodes:
        if node not in frame.columns:
            raise ValueError(f"{_OWNER}: frame has no column for node {node!r}.")
        if frame[node].isna().any():
            raise ValueError(f"{_OWNER}: column {node!r} has missing entries.")
        codes[node], labels[node] = pd.factorize(frame[node], sort=True)
        labels[node] = pd.Index(labels[node])
    return pd.DataFrame(codes), labels


def least_and_greatest(
    objective: np.ndarray, matrix: csr_matrix, right: np.ndarray
) -> tuple[float, float]:
    """Return both ends of a linear program over probabilities of units.

    Shares of a sample need not agree with the graph exactly, so equations may be
    missed by the least total error that there must be.
    """
    n_rows, n_units = matrix.shape
    unit = identity(n_rows, format="csr")
    wide = hstack([matrix, unit, -unit], format="csr")
    error = np.concatenate([np.zeros(n_units), np.ones(2 * n_rows)])
    least = linprog(error, A_eq=wide, b_eq=right, method="highs")
    total = csr_matrix(error[None])
    ends = []
    for sign in (1, -1):
        costs = np.concatenate([sign * objective, np.zeros(2 * n_rows)])
        found = linprog(
            costs,
            A_ub=vstack([total]),
            b_ub=[least.fun + _TOLERANCE],
            A_eq=wide,
            b_eq=right,
            method="highs",
        )
        ends.append(sign * float(found.fun))
    return ends[0], ends[1]
