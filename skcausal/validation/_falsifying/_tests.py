"""Tests of independence, each done once, in parallel over conditioning sets."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone, is_regressor
from sklearn.model_selection import KFold, cross_val_predict

from skcausal.estimation import default_regressor
from skcausal.inference._kernel_independence import (
    basis_of,
    components,
    independence_of_residuals,
    without,
)
from skcausal.inference._partial_correlation import (
    correlations,
    independence_in_correlations,
)
from skcausal.inference._residual_covariance import residual_covariance_test
from skcausal.validation._falsifying._claims import Claim
from skcausal.validation._falsifying._columns import OWNER, Columns

TESTS = ("partial_correlation", "kernel", "residual")
_KERNEL_FEATURES = 300
_FOLDS = 3

Pairs = list[tuple[int, int]]
PairTest = Callable[[Columns, Pairs, list[int], int], list[float]]
Key = tuple[int, int, frozenset[int]]


class TestMemory:
    """P-values of claims; each pair given a set is tested once, in either order.

    Parameters
    ----------
    columns : Columns
        The data.
    test : str, regressor or callable
        As in `falsify_graph`.
    seed : int
        From which, and from the conditioning set, each test takes its own seed.
    n_jobs : int or None
        Conditioning sets tested at a time.
    """

    __test__ = False  # no class of tests for pytest

    def __init__(
        self, columns: Columns, test: Any, seed: int, n_jobs: int | None
    ) -> None:
        self.columns, self.seed = columns, seed
        self.pair_test, in_parallel = _pair_test(test, columns, seed)
        self.n_jobs = n_jobs if in_parallel else 1
        self.known: dict[Key, float] = {}

    def add(self, claims: Iterable[Claim]) -> None:
        """Test what is not known yet."""
        wanted: dict[frozenset[int], Pairs] = defaultdict(list)
        for a, b, given in sorted({c.key for c in claims} - set(self.known), key=_sort):
            wanted[given].append((a, b))
        found = Parallel(n_jobs=self.n_jobs)(
            delayed(self.pair_test)(self.columns, pairs, sorted(given), self.seed)
            for given, pairs in wanted.items()
        )
        for (given, pairs), values in zip(wanted.items(), found, strict=True):
            for (a, b), value in zip(pairs, values, strict=True):
                self.known[a, b, given] = value

    def p_value(self, claim: Claim) -> float:
        """Return the p-value of a claim, testing it where that was not done."""
        if claim.key not in self.known:
            self.add([claim])
        return self.known[claim.key]

    def p_values(self, claims: Iterable[Claim]) -> np.ndarray:
        """Return the p-values of claims."""
        return np.array([self.p_value(claim) for claim in claims], dtype=float)


def _sort(key: Key) -> tuple[int, list[int], int, int]:
    a, b, given = key
    return len(given), sorted(given), a, b


def _pair_test(test: Any, columns: Columns, seed: int) -> tuple[PairTest, bool]:
    """Return the function for a set of pairs, and whether it deserves processes."""
    if isinstance(test, str) and test in TESTS:
        if test == "partial_correlation":
            matrix = correlations(columns.matrix)
            return partial(_by_partial_correlation, matrix), False
        if test == "kernel":
            return partial(_by_kernel, _kernel_sides(columns, seed)), True
        return partial(_by_residuals, default_regressor(len(columns.matrix))), True
    is_class = isinstance(test, type)
    if not is_class and hasattr(test, "fit") and is_regressor(test):
        return partial(_by_residuals, test), True
    if not is_class and callable(test):
        return partial(_by_function, test), True
    raise ValueError(
        f"{OWNER}: test must be one of {', '.join(map(repr, TESTS))}, a regressor, or "
        f"a function of x, y and z that returns a p-value, got {test!r}."
    )


def _by_partial_correlation(
    matrix: np.ndarray, columns: Columns, pairs: Pairs, given: list[int], seed: int
) -> list[float]:
    z = columns.positions(given)
    n_rows, places = len(columns.matrix), columns.places
    sides = [(places[a], places[b]) for a, b in pairs]
    found = independence_in_correlations(matrix, sides, z, n_rows=n_rows)
    return [test.p_value for test in found]


def _kernel_sides(columns: Columns, seed: int) -> list[np.ndarray]:
    """Return the kernel features of each node."""
    return [
        components(columns.of(node), np.random.default_rng([seed, node]))
        for node in range(len(columns.places))
    ]


def _by_kernel(
    sides: list[np.ndarray], columns: Columns, pairs: Pairs, given: list[int], seed: int
) -> list[float]:
    """Test all pairs on one regression of their features on those of the set."""
    z = columns.matrix[:, columns.positions(given)]
    basis = basis_of(z, _KERNEL_FEATURES, np.random.default_rng([seed, *given]))
    nodes = {node for pair in pairs for node in pair}
    rests = {node: without(basis, sides[node]) for node in nodes}
    rank = basis.shape[1]
    return [
        independence_of_residuals(rests[a], rests[b], rank).p_value for a, b in pairs
    ]


def _by_residuals(
    model: Any, columns: Columns, pairs: Pairs, given: list[int], seed: int
) -> list[float]:
    """Test all pairs on one regression of each node on the set."""
    features = columns.matrix[:, columns.positions(given)]
    nodes = sorted({node for pair in pairs for node in pair})
    rests = {node: _rest(model, columns.of(node), features, seed) for node in nodes}
    return [residual_covariance_test(rests[a], rests[b]).p_value for a, b in pairs]


def _rest(model: Any, block: np.ndarray, features: np.ndarray, seed: int) -> np.ndarray:
    """Return each column less its mean, or less its out-of-fold prediction."""
    if features.shape[1] == 0:
        return np.asarray(block - block.mean(axis=0))
    model = clone(model)
    if "random_state" in model.get_params(deep=False):
        model.set_params(random_state=seed)
    folds = KFold(_FOLDS, shuffle=True, random_state=seed)
    predicted = [
        cross_val_predict(model, features, column, cv=folds) for column in block.T
    ]
    return np.asarray(block - np.column_stack(predicted))


def _by_function(
    function: Any, columns: Columns, pairs: Pairs, given: list[int], seed: int
) -> list[float]:
    z = columns.matrix[:, columns.positions(given)]
    return [
        _checked(function(columns.of(a), columns.of(b), z), function) for a, b in pairs
    ]


def _checked(value: Any, function: Any) -> float:
    p_value = float(getattr(value, "p_value", value))
    if not 0 <= p_value <= 1:
        name = getattr(function, "__name__", repr(function))
        raise ValueError(
            f"{OWNER}: the test {name} must return a p-value in [0, 1], got "
            f"{p_value!r}. Return it as a number or as an attribute p_value."
        )
    return p_value
