"""One list of folds per fit, shared by every nuisance."""

import warnings
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np

from skcausal.estimation._data import CausalData
from skcausal.utils._splitters import split_rows


@dataclass(frozen=True, eq=False)
class Folds:
    """Which fold holds each row out, for each repetition.

    Parameters
    ----------
    assignment : ndarray of shape (n_repeats, n), int16
        Number of the fold that holds the row out.
    """

    assignment: np.ndarray

    @property
    def n_repeats(self) -> int:
        """Number of repetitions of cross-fitting."""
        return int(self.assignment.shape[0])

    def splits(self) -> list[tuple[int, int, np.ndarray]]:
        """Return (repeat, fold, mask of held-out rows) of every split."""
        return [
            (repeat, int(fold), row == fold)
            for repeat, row in enumerate(self.assignment)
            for fold in np.unique(row)
        ]

    @property
    def content_hash(self) -> str:
        """Hash of the assignment."""
        return str(joblib.hash(self.assignment))


def make_folds(
    data: CausalData, cv: Any, *, n_repeats: int, seed: int, owner: str
) -> Folds:
    """Make the folds of a fit from an int, a splitter or a list of splits.

    Integers give shuffled folds stratified on arm and binary outcome that keep groups
    together. Whatever the source, each row must be held out exactly once and each
    training part must hold every arm.
    """
    if n_repeats < 1:
        raise ValueError(f"{owner}: n_repeats must be at least 1, got {n_repeats}.")
    assignments = []
    for repeat in range(n_repeats):
        splits = _splits(data, cv, seed + repeat, owner)
        assignments.append(_assignment(splits, data.n_rows, owner))
        if n_repeats > 1 and not isinstance(cv, (int, np.integer)):
            raise ValueError(
                f"{owner}: n_repeats={n_repeats} needs an integer cv, because a fixed "
                "list of splits would only repeat itself."
            )
    folds = Folds(np.stack(assignments).astype(np.int16))
    _check_arms(data, folds, owner)
    return folds


def _splits(data: CausalData, cv: Any, seed: int, owner: str) -> list[Any]:
    """Return a list of (train, test) positions."""
    if isinstance(cv, (int, np.integer)):
        _check_int_cv(data, int(cv), owner)
        arguments = (data.strata(), data.groups, data.n_rows, int(cv), seed)
        with warnings.catch_warnings():
            # Events rarer than folds are spread as far as they go; arms were checked.
            warnings.filterwarnings("ignore", "The least populated class", UserWarning)
            return list(split_rows(*arguments))
    if hasattr(cv, "split") and not isinstance(cv, str):
        placeholder = np.zeros((data.n_rows, 1))
        strata = data.outcome if data.strata() is None else data.strata()
        if type(cv).__name__ == "TreatmentStratifiedKFold":
            return list(cv.split(placeholder, data.outcome, data.groups, strata))
        return list(cv.split(placeholder, strata, data.groups))
    if isinstance(cv, (list, tuple)):
        return list(cv)
    raise ValueError(
        f"{owner}: cv must be an int, a splitter or a list of (train, test) positions, "
        f"got {type(cv).__name__}."
    )


def _check_int_cv(data: CausalData, cv: int, owner: str) -> None:
    """Check that an integer number of folds suits the data."""
    if cv < 2:
        raise ValueError(f"{owner}: cv must be at least 2, got {cv}.")
    if data.groups is not None:
        n_groups = np.unique(data.groups).shape[0]
        if n_groups < cv:
            raise ValueError(
                f"{owner}: cv={cv} folds need at least {cv} groups, got {n_groups}. "
                f"Set cv={n_groups} or fewer."
            )
    if data.arms is not None:
        counts = np.bincount(data.treatment, minlength=data.n_arms)
        if counts.min() < cv:
            arm = data.arms[counts.argmin()].item()
            raise ValueError(
                f"{owner}: arm {arm!r} has {counts.min()} rows, fewer than the cv={cv} "
                "folds, so some folds would lack it. Use fewer folds, more rows, or "
                "merge arms. (n_samples too small for cross-fitting.)"
            )


def _assignment(splits: list[Any], n_rows: int, owner: str) -> np.ndarray:
    """Return the fold of each row; every row must be held out exactly once."""
    assignment = np.full(n_rows, -1)
    for fold, (train, test) in enumerate(splits):
        train, test = np.asarray(train), np.asarray(test)
        if max(_last(train), _last(test)) >= n_rows:
            raise ValueError(
                f"{owner}: cv must hold positions of the {n_rows} rows, but fold "
                f"{fold} names row {max(_last(train), _last(test))}. Splits belong to "
                "the rows they were made for; inside scikit-learn's tools give an "
                "integer or a splitter."
            )
        complement = np.ones(n_rows, dtype=bool)
        complement[test] = False
        trained = np.zeros(n_rows, dtype=bool)
        trained[train] = True
        if (assignment[test] >= 0).any() or (trained != complement).any():
            raise ValueError(
                f"{owner}: cv must hold out each row exactly once and train on all "
                f"others (a partition); fold {fold} does not. Use KFold-like splitters "
                "(not time series or shuffle splits)."
            )
        assignment[test] = fold
    if (assignment < 0).any():
        raise ValueError(
            f"{owner}: cv must hold out each row exactly once; "
            f"{int((assignment < 0).sum())} rows are never held out."
        )
    return assignment


def _last(rows: np.ndarray) -> int:
    """Return the highest position that a mask or an array of positions names."""
    return rows.shape[0] - 1 if rows.dtype == bool else int(rows.max(initial=-1))


def _check_arms(data: CausalData, folds: Folds, owner: str) -> None:
    """Check that every training part holds every arm."""
    if data.arms is None:
        return
    for _, fold, held_out in folds.splits():
        present = np.bincount(data.treatment[~held_out], minlength=data.n_arms) > 0
        if not present.all():
            missing = [arm.item() for arm in data.arms[~present]]
            raise ValueError(
                f"{owner}: the training part of fold {fold} lacks the arm(s) "
                f"{missing}. Use stratified folds (an integer cv), fewer folds, or "
                "groups that mix arms."
            )
