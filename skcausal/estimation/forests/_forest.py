"""Many honest trees as flat arrays, and what can be asked of them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, pairwise
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from skcausal.estimation.forests import (
    _local_linear,
    _paths,
    _prediction,
    _several_prediction,
)
from skcausal.estimation.forests._plan import TrainingRows, TreeSampling, draw_rows
from skcausal.estimation.forests._relabelling import MULTI_ARM


@dataclass(frozen=True, eq=False)
class FlatForest:
    """Trees one after the other in flat arrays.

    Parameters
    ----------
    kind : int
        What the forest estimates, see ``_relabelling``.
    sampling : TreeSampling
        How many rows each tree saw.
    tree_numbers, tree_seeds : ndarray of shape (n_trees,)
        Number and seed of each tree, which its rows depend on.
    nodes, subset_of, subsets, statistics : ndarray
        As the kernels return them, of all trees.
    node_start, subset_start, set_start, leaf_start : ndarray of shape (n_trees + 1,)
        Where each tree starts in them.
    """

    kind: int
    sampling: TreeSampling
    tree_numbers: np.ndarray
    tree_seeds: np.ndarray
    nodes: np.ndarray
    subset_of: np.ndarray
    subsets: np.ndarray
    statistics: np.ndarray
    node_start: np.ndarray
    subset_start: np.ndarray
    set_start: np.ndarray
    leaf_start: np.ndarray

    @property
    def n_trees(self) -> int:
        """Number of trees."""
        return len(self.node_start) - 1

    @property
    def trees(self) -> tuple[np.ndarray, ...]:
        """The structure of the trees, as the kernels take it."""
        return (
            self.nodes,
            self.node_start,
            self.subset_of,
            self.subset_start,
            self.subsets,
            self.set_start,
        )

    def tree(self, position: int) -> tuple[np.ndarray, ...]:
        """Return nodes, subset_of, subsets and statistics of one tree."""
        pairs = (
            (self.nodes, self.node_start),
            (self.subset_of, self.subset_start),
            (self.subsets, self.set_start),
            (self.statistics, self.leaf_start),
        )
        return tuple(
            array[starts[position] : starts[position + 1]] for array, starts in pairs
        )

    @property
    def n_contrasts(self) -> int | None:
        """Number of effects per row; None for one without a column of its own."""
        if self.kind != MULTI_ARM:
            return None
        n_means = self.statistics.shape[1] - 1
        sizes = (_prediction.n_statistics(MULTI_ARM, k + 1) for k in count())
        return next(k for k, size in enumerate(sizes) if size == n_means)

    @property
    def _kernel(self) -> Any:
        """The kernel that predicts; that of several effects is compiled if needed."""
        if self.kind == MULTI_ARM:
            return _several_prediction.predict_several
        return partial(_prediction.predict, self.kind)

    @classmethod
    def join(
        cls, kind: int, sampling: TreeSampling, numbers: np.ndarray, grown: list[Any]
    ) -> "FlatForest":
        """Put grown trees, each (nodes, subset_of, subsets, statistics), together."""
        parts = [list(column) for column in zip(*grown, strict=True)]
        arrays = [np.concatenate(column) for column in parts]
        starts = [
            np.concatenate([[0], np.cumsum([len(one) for one in column])])
            for column in parts
        ]
        nodes, subset_of, subsets, statistics = arrays
        node_start, subset_start, set_start, leaf_start = starts
        return cls(
            kind,
            sampling,
            numbers,
            np.full(len(numbers), sampling.seed),
            nodes,
            subset_of,
            subsets,
            statistics,
            node_start,
            subset_start,
            set_start,
            leaf_start,
        )

    def predict(
        self,
        codes: np.ndarray,
        *,
        with_variance: bool = False,
        drawn: np.ndarray | None = None,
        n_jobs: int | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return estimates and variances (NaN unless asked for) of binned rows.

        ``drawn`` marks the trees that may not speak about a row: its own, for
        out-of-bag estimates of the training rows.
        """
        n = codes.shape[0]
        shape = (n,) if self.n_contrasts is None else (n, self.n_contrasts)
        estimates, variances = np.empty(shape), np.full(shape, np.nan)
        mask = np.empty((0, 0), dtype=np.uint8) if drawn is None else drawn

        def run(first: int, last: int) -> None:
            self._kernel(
                codes,
                first,
                last,
                self.trees,
                self.leaf_start,
                self.statistics,
                mask,
                self.sampling.bag_size,
                with_variance,
                estimates,
                variances,
            )

        over_rows(run, n, n_jobs)
        return estimates, variances

    def leaves(self, codes: np.ndarray) -> np.ndarray:
        """Return the leaf of each row in each tree, -1 where it is empty."""
        found = np.empty((codes.shape[0], self.n_trees), dtype=np.int32)
        _paths.write_leaves(
            codes,
            self.trees,
            self.leaf_start,
            self.statistics,
            np.empty((0, 0), dtype=np.uint8),
            _prediction.block_scratch(self.n_trees),
            found,
        )
        return found

    def paths(self, codes: np.ndarray, n_jobs: int | None) -> Any:
        """Return which nodes each row passes, sparse."""
        from scipy import sparse

        n = codes.shape[0]
        starts, passed = np.zeros(n + 1, np.int64), np.empty(0, np.int32)

        def run(first: int, last: int) -> None:
            _paths.walk(codes, first, last, self.trees, starts, passed)

        over_rows(run, n, n_jobs)
        starts.cumsum(out=starts)
        passed = np.empty(starts[-1], np.int32)
        over_rows(run, n, n_jobs)
        ones = np.ones(len(passed), dtype=np.int64)
        return sparse.csr_array((ones, passed, starts), shape=(n, len(self.nodes)))

    def weights(self, codes: np.ndarray, rows: TrainingRows) -> Any:
        """Return the weight of each training row for each binned row, sparse."""
        from scipy import sparse

        shape = (codes.shape[0], len(self.statistics))
        leaves = self.leaves(codes)
        counted = leaves >= 0
        share = np.broadcast_to(1 / counted.sum(axis=1)[:, None], leaves.shape)
        place = np.nonzero(counted)[0]
        new = sparse.csr_array((share[counted], (place, leaves[counted])), shape=shape)
        start, members, shares = self.leaf_rows(rows, None)
        shape = (len(self.statistics), rows.codes.shape[0])
        return new @ sparse.csr_array((shares, members, start), shape=shape)

    def leaf_rows(
        self, rows: TrainingRows, n_jobs: int | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return where each leaf starts in the rows that estimate, these, and shares.

        The shares of a leaf add up to one.
        """

        def of_tree(tree: int) -> Any:
            nodes, subset_of, subsets, statistics = self.tree(tree)
            return _local_linear.rows_by_leaf(
                nodes,
                subset_of,
                subsets,
                len(statistics),
                rows.codes,
                rows.weight,
                self.rows_of_tree(rows, tree)[1],
            )

        found = Parallel(n_jobs=n_jobs, require="sharedmem")(
            delayed(of_tree)(tree) for tree in range(self.n_trees)
        )
        members, shares, starts = zip(*found, strict=True)
        sizes = np.concatenate([np.diff(start) for start in starts])
        start = np.concatenate([[0], np.cumsum(sizes)])
        return start, np.concatenate(members), np.concatenate(shares)

    def split_shares(self, n_features: int, depth: int = 4) -> np.ndarray:
        """Return the weighted shares of splits by feature on the first levels."""
        shares = np.zeros(n_features)
        level = self.node_start[:-1]
        root = level.copy()
        for step in range(1, depth + 1):
            nodes = self.nodes[level]
            inner = nodes >= 0
            if not inner.any():
                break
            features = (nodes[inner] >> 9) & 0xFFFFFF
            counts = np.bincount(features, minlength=n_features)
            shares += counts / counts.sum() / step**2
            left = root[inner] + (nodes[inner] >> 33)
            level = np.concatenate([left, left + 1])
            root = np.concatenate([root[inner], root[inner]])
        return shares / shares.sum() if shares.any() else shares

    def rows_of_tree(
        self, rows: TrainingRows, position: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows that grew a tree and those that estimate in its leaves."""
        sampling = replace(self.sampling, seed=int(self.tree_seeds[position]))
        return draw_rows(sampling, rows, int(self.tree_numbers[position]))

    def drawn_rows(self, rows: TrainingRows) -> np.ndarray:
        """Return which training rows each tree drew, one bit per tree and row."""
        drawn = np.zeros((-(-self.n_trees // 8), rows.codes.shape[0]), dtype=np.uint8)
        for position in range(self.n_trees):
            grow, estimate = self.rows_of_tree(rows, position)
            _prediction.mark_drawn(drawn, position, grow, estimate)
        return drawn


def over_rows(run: Callable[[int, int], None], n: int, n_jobs: int | None) -> None:
    """Call ``run(first, last)`` on parts of ``n`` rows, in threads."""
    n_parts = max(1, min(effective_n_jobs(n_jobs), -(-n // 256)))
    if n_parts == 1:  # joblib takes longer than one row
        run(0, n)
        return
    bounds = np.linspace(0, n, n_parts + 1).astype(int)
    Parallel(n_jobs=n_parts, require="sharedmem")(
        delayed(run)(first, last) for first, last in pairwise(bounds)
    )


def merged(forests: list[FlatForest]) -> FlatForest:
    """Return the trees of several forests as one."""

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(forest, name) for forest in forests])

    def starts(name: str) -> np.ndarray:
        sizes = [np.diff(getattr(forest, name)) for forest in forests]
        return np.concatenate([[0], np.cumsum(np.concatenate(sizes))])

    return replace(
        forests[0],
        tree_numbers=joined("tree_numbers"),
        tree_seeds=joined("tree_seeds"),
        nodes=joined("nodes"),
        subset_of=joined("subset_of"),
        subsets=joined("subsets"),
        statistics=joined("statistics"),
        node_start=starts("node_start"),
        subset_start=starts("subset_start"),
        set_start=starts("set_start"),
        leaf_start=starts("leaf_start"),
    )
