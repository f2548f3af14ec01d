"""Parameters that all forests share: checked, and turned into what kernels read."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from skcausal.estimation.forests._plan import (
        TrainingRows,
        TreeRules,
        TreeSampling,
    )

_NO_LIMIT = 2**31 - 1


def number_of_bags(forest: Any) -> int:
    """Return the number of little bags."""
    return forest.n_estimators // 2 if forest.n_groups is None else forest.n_groups


def check_parameters(forest: Any) -> None:
    """Refuse parameters out of range."""
    owner = f"{type(forest).__name__}.fit"
    for name in ("n_estimators", "min_samples_leaf"):
        _check(forest, owner, name, "an integer of at least 1", _is_count(1))
    if hasattr(forest, "min_samples_arm"):
        rule = "an integer of at least 0"
        _check(forest, owner, "min_samples_arm", rule, _is_count(0))
    if forest.max_depth is not None:
        _check(forest, owner, "max_depth", "None or at least 1", _is_count(1))
    for name, top in (("min_balance", 0.5), ("honest_fraction", 1.0)):
        least = 0.0 if name == "min_balance" else 1e-9
        rule = f"between 0 and {top}"
        _check(forest, owner, name, rule, lambda v, a=least, b=top: a <= v < b)
    _check(forest, owner, "imbalance_penalty", "at least 0", lambda v: v >= 0)
    if hasattr(forest, "local_linear_penalty"):
        rule = "a number of at least 0"
        _check(forest, owner, "local_linear_penalty", rule, lambda v: v >= 0)
    n_bags = number_of_bags(forest)
    if n_bags < 1 or forest.n_estimators % n_bags:
        raise ValueError(
            f"{owner}: n_estimators={forest.n_estimators} must be a multiple of the "
            f"number of little bags, n_groups={forest.n_groups} (None is half of the "
            "trees, so an even number of them)."
        )


def _is_count(least: int) -> Any:
    return lambda v: isinstance(v, (int, np.integer)) and v >= least


def _check(forest: Any, owner: str, name: str, rule: str, holds: Any) -> None:
    value = getattr(forest, name)
    if not holds(value):
        raise ValueError(f"{owner}: {name} must be {rule}, got {value!r}.")


def check_rows_per_side(
    forest: Any, codes: np.ndarray, names: list[str], groups: np.ndarray | None
) -> None:
    """Refuse sides (arms, or values of an instrument) too small for honest leaves.

    ``codes`` holds the side of each row. A tree sees a share of the rows, and the
    smaller honest half of these must be able to fill a leaf.
    """
    n_units = len(codes) if groups is None else int(groups.max()) + 1
    share = _count_of(forest, "max_samples", n_units) / n_units
    if forest.honest:
        share *= min(forest.honest_fraction, 1 - forest.honest_fraction)
    needed = int(np.ceil(forest.min_samples_leaf / share - 1e-9))
    counts = np.bincount(codes, minlength=len(names))
    smallest = int(counts.argmin())
    if counts[smallest] < needed:
        raise ValueError(
            f"{type(forest).__name__}.fit: {names[smallest]} has {counts[smallest]} "
            f"rows; leaves of min_samples_leaf={forest.min_samples_leaf} need at least "
            f"{needed}. Lower min_samples_leaf, set honest=False, raise max_samples, "
            "or use a metalearner such as DRLearner."
        )


def tree_rules(forest: Any, n_features: int) -> "TreeRules":
    """Return what the trees of a forest may look like."""
    from skcausal.estimation.forests._plan import TreeRules

    return TreeRules(
        min_samples_leaf=forest.min_samples_leaf,
        min_samples_arm=getattr(forest, "min_samples_arm", 0),
        min_balance=forest.min_balance,
        imbalance_penalty=forest.imbalance_penalty,
        max_depth=_NO_LIMIT if forest.max_depth is None else forest.max_depth,
        n_chosen=_count_of(forest, "max_features", n_features),
    )


def _count_of(forest: Any, name: str, total: int) -> int:
    """Return the number that an int, a share, "sqrt" or None (all) stands for."""
    value = getattr(forest, name)
    owner = type(forest).__name__
    if value is None:
        return total
    if value == "sqrt" and name == "max_features":
        return max(1, int(np.sqrt(total)))
    if isinstance(value, (int, np.integer)) and 1 <= value <= total:
        return int(value)
    if isinstance(value, float) and 0 < value <= 1:
        return max(1, int(value * total))
    raise ValueError(
        f"{owner}.fit: {name} must be a share in (0, 1] or a number between 1 and "
        f"{total}, got {value!r}."
    )


def tree_sampling(forest: Any, rows: "TrainingRows", seed: int) -> "TreeSampling":
    """Return which rows the trees of a forest see."""
    from skcausal.estimation.forests._plan import TreeSampling

    owner = f"{type(forest).__name__}.fit"
    clusters = len(rows.cluster_start) - 1
    n_units = clusters if clusters > 0 else rows.codes.shape[0]
    n_sample = _count_of(forest, "max_samples", n_units)
    n_bags = number_of_bags(forest)
    bag_size = forest.n_estimators // n_bags
    n_bag = n_units // 2 if bag_size > 1 else n_units
    if n_sample > n_bag:
        raise ValueError(
            f"{owner}: max_samples={forest.max_samples!r} asks for {n_sample} of "
            f"{n_units} rows (or groups), but trees that share a little bag see at "
            f"most half, {n_bag}. Lower max_samples, or set n_groups=n_estimators, "
            "which gives no intervals."
        )
    n_grow = round(n_sample * forest.honest_fraction) if forest.honest else n_sample
    needed = 2 if forest.honest else 1
    if min(n_grow, n_sample - n_grow if forest.honest else n_grow) < 1:
        raise ValueError(
            f"{owner}: {n_units} rows (or groups) leave {n_sample} to a tree; it needs "
            f"at least {needed}. Use more rows, or raise max_samples."
        )
    return TreeSampling(n_units, n_bag, n_sample, n_grow, bag_size, seed)


def weights_of_rows(
    forest: Any, weights: np.ndarray | None, groups: np.ndarray | None
) -> np.ndarray | None:
    """Return the weights of rows, divided by the size of their group for "equal"."""
    owner = f"{type(forest).__name__}.fit"
    if getattr(forest, "group_weighting", "size") == "size":
        return weights
    _check(forest, owner, "group_weighting", "'size' or 'equal'", "equal".__eq__)
    if groups is None:
        raise ValueError(
            f"{owner}: group_weighting='equal' needs groups, got none. Pass "
            "groups=..., or leave group_weighting at 'size'."
        )
    sizes = np.bincount(groups)
    equal = sizes.mean() / sizes[groups]
    return equal if weights is None else weights * equal
