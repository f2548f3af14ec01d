"""What trees are grown on, and by which rules."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from skcausal.estimation.forests import _sampling
from skcausal.estimation.forests._binning import FeatureBins


@dataclass(frozen=True)
class TreeRules:
    """What a tree may look like.

    Parameters
    ----------
    min_samples_leaf : int
        Least number of growing rows of a child, and of estimation rows of a leaf.
    min_samples_arm : int
        Least number of growing rows of a child on either side of the node's mean
        treatment.
    min_balance : float
        Least share of the node's information (``mass``) in a child.
    imbalance_penalty : float
        Taken off the gain, times the node's mass over that of each child.
    max_depth : int
        Greatest depth.
    n_chosen : int
        Number of features tried at each node.
    """

    min_samples_leaf: int
    min_samples_arm: int
    min_balance: float
    imbalance_penalty: float
    max_depth: int
    n_chosen: int

    def as_tuple(self) -> tuple[float, float, float, float]:
        """Return what the kernels read."""
        return (
            float(self.min_samples_leaf),
            float(self.min_samples_arm),
            float(self.min_balance),
            float(self.imbalance_penalty),
        )


@dataclass(frozen=True)
class TreeSampling:
    """Which rows the trees see.

    Parameters
    ----------
    n_units, n_bag, n_sample, n_grow : int
        Numbers of rows (or clusters): in all, in a bag, in a tree, growing the tree.
    bag_size : int
        Number of trees that share a bag.
    seed : int
        Seed of bags and trees.
    """

    n_units: int
    n_bag: int
    n_sample: int
    n_grow: int
    bag_size: int
    seed: int

    @property
    def is_honest(self) -> bool:
        """Tell whether other rows estimate in the leaves than grew the tree."""
        return self.n_grow < self.n_sample


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """What trees are grown on.

    Parameters
    ----------
    codes : ndarray of shape (n, width), uint8
        Binned covariates, padded to a multiple of eight.
    ordered : ndarray of shape (n_features,), bool
        Which columns have an order.
    targets : ndarray of shape (n, n_targets), float32
        Columns of the forest.
    weight : ndarray of shape (n,), float32
        Weights of the rows.
    cluster_start, cluster_rows : ndarray of int32
        Rows by cluster; empty if each row is its own cluster.
    """

    codes: np.ndarray
    ordered: np.ndarray
    targets: np.ndarray
    weight: np.ndarray
    cluster_start: np.ndarray
    cluster_rows: np.ndarray


def draw_rows(
    sampling: TreeSampling, rows: TrainingRows, number: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the rows that grow a tree and those that estimate in its leaves."""
    grow, estimate = _sampling.tree_units(
        sampling.n_units,
        sampling.n_bag,
        sampling.n_sample,
        sampling.n_grow,
        sampling.seed,
        number // sampling.bag_size,
        number,
    )
    grown = _sampling.rows_of(grow, rows.cluster_start, rows.cluster_rows)
    return grown, _sampling.rows_of(estimate, rows.cluster_start, rows.cluster_rows)


def training_rows(
    X: Any,
    targets: np.ndarray,
    weights: np.ndarray,
    groups: np.ndarray | None,
    bins: FeatureBins,
) -> TrainingRows:
    """Return rows as kernels read them; ``groups`` are codes of clusters."""
    start = members = np.empty(0, dtype=np.int32)
    if groups is not None:
        members = np.argsort(groups, kind="stable").astype(np.int32)
        sizes = np.bincount(groups)
        start = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
    return TrainingRows(
        codes=bins.transform(X),
        ordered=bins.ordered,
        targets=np.ascontiguousarray(targets, dtype=np.float32),
        weight=(weights / weights.mean()).astype(np.float32),
        cluster_start=start,
        cluster_rows=members,
    )
