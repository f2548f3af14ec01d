"""Fold splitters that keep every arm in every fold."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.model_selection import (
    BaseCrossValidator,
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
)

from skcausal.utils._target import (
    check_treatment_values,
    is_causal_target,
    missing_treatment_message,
)

_MAX_ARMS_TO_STRATIFY = 50


def fold_strata(outcome: np.ndarray, treatment: np.ndarray) -> np.ndarray | None:
    """Return arm x binary-outcome codes, or None for a continuous treatment."""
    arms, codes = np.unique(treatment, return_inverse=True)
    is_number = arms.dtype.kind == "f" and not np.all(arms == np.round(arms))
    if is_number or arms.shape[0] > _MAX_ARMS_TO_STRATIFY:
        return None
    levels = np.unique(outcome)
    if levels.shape[0] == 2:
        codes = codes * 2 + (outcome == levels[1])
    return codes


def split_rows(
    strata: np.ndarray | None,
    groups: np.ndarray | None,
    n_rows: int,
    n_splits: int,
    random_state: Any,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (train, test) positions: shuffled, stratified, never splitting a group."""
    placeholder = np.zeros((n_rows, 1))
    options = {"n_splits": n_splits, "shuffle": True, "random_state": random_state}
    if strata is not None and groups is not None:
        return StratifiedGroupKFold(**options).split(placeholder, strata, groups)
    if groups is not None:
        return GroupKFold(**options).split(placeholder, groups=groups)
    if strata is not None:
        if np.bincount(strata).max() < n_splits:
            raise ValueError(
                f"n_splits={n_splits} cannot be greater than the number of rows of "
                f"the largest arm ({np.bincount(strata).max()}). Use fewer folds."
            )
        return StratifiedKFold(**options).split(placeholder, strata)
    return KFold(**options).split(placeholder)


class TreatmentStratifiedKFold(BaseCrossValidator):
    """Split rows into folds that keep the shares of the arms.

    Each fold has the same share of every treatment arm, and of a binary outcome within
    each arm, so that no fold lacks an arm or a rare outcome. Rows of one group stay
    together. For a continuous treatment the split is a plain shuffled one.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, at least 2.
    random_state : int, RandomState instance or None, default=None
        Seed of the shuffle. An integer gives the same folds at each call.

    Notes
    -----
    Assumes rows (or groups) are exchangeable: there is no time order to respect. The
    treatment is found in ``y`` when that is a ``causal_target``, else in the keyword
    ``treatment``, which arrives through metadata routing.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal import causal_target
    >>> from skcausal.validation import TreatmentStratifiedKFold
    >>> treatment = np.array([0, 0, 0, 0, 1, 1])
    >>> target = causal_target(np.arange(6.0), treatment)
    >>> folds = TreatmentStratifiedKFold(n_splits=2, random_state=0)
    >>> [int(treatment[test].sum()) for _, test in folds.split(target, target)]
    [1, 1]
    """

    __metadata_request__split = {"treatment": True, "groups": True}

    def __init__(self, n_splits: int = 5, *, random_state: Any = None) -> None:
        self.n_splits = n_splits
        self.random_state = random_state

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: Any = None, treatment: Any = None
    ) -> int:
        """Return the number of folds.

        Parameters
        ----------
        X, y, groups, treatment : object, default=None
            Ignored, present so that scikit-learn can route them.

        Returns
        -------
        n_splits : int
            Number of folds.
        """
        return self.n_splits

    def split(
        self, X: Any, y: Any = None, groups: Any = None, treatment: Any = None
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield train and test positions of each fold.

        Parameters
        ----------
        X : array-like of shape (n, ...)
            Covariates; only their number matters.
        y : array-like of shape (n,)
            Outcome, or a ``causal_target``.
        groups : array-like of shape (n,), default=None
            Rows of one group are kept in one fold.
        treatment : array-like of shape (n,), default=None
            Treatment, unless it travels in ``y``.

        Returns
        -------
        splits : iterator of (train, test)
            Integer positions of the rows.

        Raises
        ------
        ValueError
            If no treatment arrives, or there are fewer rows than folds.
        """
        if is_causal_target(y):
            treatment = y["treatment"] if treatment is None else treatment
            groups = (
                y["groups"] if groups is None and "groups" in y.dtype.names else groups
            )
            y = y["outcome"]
        if treatment is None:
            raise ValueError(
                missing_treatment_message("TreatmentStratifiedKFold.split")
            )
        labels = check_treatment_values(treatment, "TreatmentStratifiedKFold.split")
        outcome = np.zeros(labels.shape[0]) if y is None else np.asarray(y)
        strata = fold_strata(outcome, labels)
        codes = None if groups is None else np.unique(groups, return_inverse=True)[1]
        return split_rows(
            strata, codes, labels.shape[0], self.n_splits, self.random_state
        )


def is_binary(outcome: np.ndarray) -> bool:
    """Tell whether an outcome is of type bool or holds the integers 0 and 1 only."""
    if outcome.dtype.kind == "b":
        return True
    return outcome.dtype.kind in "iu" and set(np.unique(outcome)) <= {0, 1}
