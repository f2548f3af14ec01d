"""Growing the trees of a forest in parallel, whole or in parts."""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed, effective_n_jobs

from skcausal.estimation.forests import _growing, _prediction, _pruning
from skcausal.estimation.forests._forest import FlatForest, merged
from skcausal.estimation.forests._histograms import MAX_NODE
from skcausal.estimation.forests._plan import (
    TrainingRows,
    TreeRules,
    TreeSampling,
    draw_rows,
)
from skcausal.estimation.forests._relabelling import MULTI_ARM
from skcausal.estimation.forests._several_splitting import several_scratch


def grow_more(
    earlier: FlatForest | None,
    kind: int,
    rows: TrainingRows,
    rules: TreeRules,
    sampling: TreeSampling,
    n_trees: int,
    **options: Any,
) -> FlatForest:
    """Grow a forest, or what an earlier one on the same rows lacks."""
    if earlier is None:
        return grow_forest(kind, rows, rules, sampling, np.arange(n_trees), **options)
    owner = options["owner"]
    n_means = _prediction.n_statistics(kind, rows.targets.shape[1])
    same_arms = earlier.statistics.shape[1] == n_means + 1
    if not same_arms or replace(earlier.sampling, seed=sampling.seed) != sampling:
        raise ValueError(
            f"{owner}: warm_start=True adds trees to a forest on the same number of "
            "rows and arms with the same sampling. Set warm_start=False to start again."
        )
    if n_trees < earlier.n_trees:
        raise ValueError(
            f"{owner}: n_estimators={n_trees} is below the {earlier.n_trees} trees "
            "that warm_start=True keeps."
        )
    if n_trees == earlier.n_trees:
        return earlier
    sampling = earlier.sampling
    numbers = np.arange(earlier.n_trees, n_trees)
    more = grow_forest(kind, rows, rules, sampling, numbers, **options)
    return merged([earlier, more])


def grow_forest(
    kind: int,
    rows: TrainingRows,
    rules: TreeRules,
    sampling: TreeSampling,
    numbers: np.ndarray,
    *,
    n_jobs: int | None = None,
    verbose: int = 0,
    owner: str,
) -> FlatForest:
    """Grow the trees of some numbers; the same whatever ``n_jobs`` and their order."""
    check_size(kind, rows, rules, sampling, len(numbers), owner)
    if verbose >= 1 and not _is_compiled():
        print(
            "compiling the kernels of forests, once per installation (some 15 seconds)"
        )
    n_chunks = min(4 * effective_n_jobs(n_jobs), len(numbers))
    chunks = np.array_split(numbers, n_chunks)
    grown = Parallel(n_jobs=n_jobs, prefer="threads", verbose=verbose)(
        delayed(_grow_trees)(kind, rows, rules, sampling, chunk) for chunk in chunks
    )
    return FlatForest.join(kind, sampling, numbers, [t for part in grown for t in part])


def _grow_trees(
    kind: int,
    rows: TrainingRows,
    rules: TreeRules,
    sampling: TreeSampling,
    numbers: np.ndarray,
) -> list[tuple[np.ndarray, ...]]:
    """Grow some trees and fill their leaves."""
    words = rows.codes.view(np.uint64)
    trees: list[tuple[np.ndarray, ...]] = []
    for number in numbers.tolist():
        grow, estimate = draw_rows(sampling, rows, number)
        one: int | None = kind
        several: tuple[Any, ...] | None = None
        if kind == MULTI_ARM:
            n_contrasts = rows.targets.shape[1] - 1
            one, several = (
                None,
                several_scratch(
                    len(grow), n_contrasts, rules.n_chosen, rules.min_samples_arm > 0
                ),
            )
        nodes, subset_of, subsets, n_leaves = _growing.grow_tree(
            one,
            words,
            rows.targets,
            rows.weight,
            grow,
            rows.ordered,
            rules.as_tuple(),
            rules.max_depth,
            rules.n_chosen,
            sampling.seed,
            number,
            several,
        )
        if sampling.is_honest:
            nodes, subset_of, n_leaves = _pruning.pruned(
                nodes,
                subset_of,
                subsets,
                n_leaves,
                rows.codes,
                rows.weight,
                estimate,
                rules.min_samples_leaf,
            )
        statistics = _prediction.fill_leaves(
            kind,
            nodes,
            subset_of,
            subsets,
            n_leaves,
            rows.codes,
            rows.targets,
            rows.weight,
            estimate,
            _prediction.n_statistics(kind, rows.targets.shape[1]),
        )
        trees.append((nodes, subset_of, subsets, statistics))
    return trees


def _is_compiled() -> bool:
    """Tell whether the largest kernel was compiled before, or need not be."""
    kernel = _growing.grow_nodes
    if not hasattr(kernel, "signatures") or kernel.signatures:
        return True
    version = f"py{sys.version_info.major}{sys.version_info.minor}"
    written = Path(kernel.stats.cache_path or ".").glob(
        f"_growing.grow_nodes-*.{version}.nbi"
    )
    source = Path(_growing.__file__).stat().st_mtime
    return any(index.stat().st_mtime >= source for index in written)


def check_size(
    kind: int,
    rows: TrainingRows,
    rules: TreeRules,
    sampling: TreeSampling,
    n_trees: int,
    owner: str,
) -> None:
    """Refuse a forest that cannot fit in memory, before anything is allocated."""
    per_unit = rows.codes.shape[0] / sampling.n_units
    n_grow = int(sampling.n_grow * per_unit)
    if n_grow > MAX_NODE:
        raise ValueError(
            f"{owner}: a tree would grow on {n_grow} rows, more than {MAX_NODE}. Lower "
            "max_samples."
        )
    n_leaves = n_grow / rules.min_samples_leaf
    n_means = _prediction.n_statistics(kind, rows.targets.shape[1])
    per_leaf = 16 + 4 * (n_means + 1)
    needed = 2 * n_trees * n_leaves * per_leaf  # parts and their concatenation
    available = _available_memory()
    if available is not None and needed > available:
        raise MemoryError(
            f"{owner}: {n_trees} trees with up to {n_leaves:.0f} leaves would need "
            f"{needed / 2**30:.1f} GiB, but {available / 2**30:.1f} GiB are free. "
            "Lower n_estimators or max_samples, or raise min_samples_leaf."
        )


def _available_memory() -> int | None:
    """Return the free memory in bytes, where the system tells."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return None
