"""CausalData: the one place where a table becomes covariates, outcome and treatment."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import joblib
import numpy as np

from skcausal.utils._splitters import is_binary
from skcausal.utils._target import TargetParts
from skcausal.utils._validation import n_rows_of, take_rows

_MAX_INTEGER_ARMS = 10
_MOST_LISTED = 20  # arms in a message


@dataclass(frozen=True, eq=False)
class CausalData:
    """Checked covariates, outcome and coded treatment; the control arm is code 0.

    Parameters
    ----------
    X : ndarray, sparse matrix or DataFrame of shape (n, n_features)
        Covariates, as base models receive them; None once features are dropped.
    outcome : ndarray of shape (n,)
        Outcome as floats.
    treatment : ndarray of shape (n,)
        Codes of the arms, or the level of a continuous treatment.
    arms : ndarray of shape (n_arms,) or None
        Labels by code, control first; None for a continuous treatment.
    binary_outcome : bool
        Whether the outcome is a probability to be modelled by a classifier.
    sample_weight, groups : ndarray of shape (n,) or None
        Weights and cluster codes.
    known_propensity : ndarray of shape (n, n_arms) or None
        Per-row propensities known by design, columns ordered as ``arms``.
    instrument : ndarray of shape (n,) or None
        Instrument as floats, where the estimator uses one.
    event : ndarray of bool of shape (n,) or None
        Whether the outcome is the time of an event, not of censoring.
    """

    X: Any
    outcome: np.ndarray
    treatment: np.ndarray
    arms: np.ndarray | None
    binary_outcome: bool = False
    sample_weight: np.ndarray | None = None
    groups: np.ndarray | None = None
    known_propensity: np.ndarray | None = None
    instrument: np.ndarray | None = None
    event: np.ndarray | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.outcome.shape[0])

    @property
    def is_discrete(self) -> bool:
        """Whether the treatment has arms."""
        return self.arms is not None

    @property
    def n_arms(self) -> int:
        """Number of arms; 0 for a continuous treatment."""
        return 0 if self.arms is None else len(self.arms)

    @property
    def n_contrasts(self) -> int:
        """Number of effects per row: arms against control, or one slope."""
        return max(self.n_arms - 1, 1)

    @property
    def weights(self) -> np.ndarray:
        """Sample weights, ones where none are given."""
        return (
            np.ones(self.n_rows) if self.sample_weight is None else self.sample_weight
        )

    @property
    def binary_instrument(self) -> bool:
        """Whether the instrument takes the values 0 and 1 only."""
        return self.instrument is not None and bool(
            np.isin(self.instrument, (0, 1)).all()
        )

    def arm_indicators(self) -> np.ndarray:
        """Return the one-hot coded treatment, shape (n, n_arms)."""
        return np.eye(self.n_arms)[self.treatment]

    def strata(self) -> np.ndarray | None:
        """Return arm x event or arm x binary-outcome codes for stratified folds."""
        if not self.is_discrete:
            return None
        if self.event is not None:
            return self.treatment * 2 + self.event
        if self.binary_outcome:
            return self.treatment * 2 + (self.outcome > 0)
        return self.treatment

    def take(self, rows: np.ndarray) -> "CausalData":
        """Return the data of some rows."""

        def optional(values: np.ndarray | None) -> np.ndarray | None:
            return None if values is None else values[rows]

        return replace(
            self,
            X=take_rows(self.X, rows),
            outcome=self.outcome[rows],
            treatment=self.treatment[rows],
            sample_weight=optional(self.sample_weight),
            groups=optional(self.groups),
            known_propensity=optional(self.known_propensity),
            instrument=optional(self.instrument),
            event=optional(self.event),
        )

    def without_features(self) -> "CausalData":
        """Return the data without covariates, as a pickled learner keeps it.

        The name of the rows goes along: estimates of one learner, made before and
        after pickling, are about the same rows.
        """
        slim = replace(self, X=None)
        slim.__dict__["row_key"] = self.row_key
        return slim

    @cached_property
    def content_hash(self) -> str:
        """Hash of everything a nuisance model could see."""
        parts: Any = (self.X, self.outcome, self.treatment, self.sample_weight)
        if self.instrument is not None:
            parts = (*parts, self.instrument)
        if self.event is not None:
            parts = (*parts, self.event)
        return str(joblib.hash((parts, self.binary_outcome, self.n_arms)))

    @cached_property
    def row_key(self) -> str:
        """Short name of these rows, so that estimates of unlike rows refuse to add."""
        head = None if self.X is None else np.asarray(_head(self.X), dtype=object)
        key = (self.treatment, self.n_rows, None if head is None else head.tolist())
        return str(joblib.hash(key))[:12]


def _head(X: Any) -> Any:
    """Return the first rows as a dense array or frame."""
    head = take_rows(X, np.arange(min(20, n_rows_of(X))))
    return head.toarray() if hasattr(head, "toarray") else head


def make_data(
    X: Any,
    parts: TargetParts,
    *,
    owner: str,
    control_arm: Any = None,
    treatment_type: str = "auto",
    outcome_type: str = "auto",
) -> CausalData:
    """Combine checked covariates and target into CausalData, or say what is wrong."""
    if n_rows_of(X) != parts.outcome.shape[0]:
        raise ValueError(
            f"{owner}: X and y must have the same number of rows (inconsistent numbers "
            f"of samples), got {n_rows_of(X)} and {parts.outcome.shape[0]}."
        )
    binary = _outcome_is_binary(parts.outcome, outcome_type, owner)
    common = {
        "X": X,
        "outcome": parts.outcome.astype(float),
        "binary_outcome": binary,
        "sample_weight": parts.sample_weight,
        "groups": parts.groups,
        "instrument": parts.instrument,
        "event": parts.event,
    }
    if treatment_is_continuous(parts.treatment, treatment_type, owner):
        if parts.propensity is not None:
            raise ValueError(f"{owner}: a continuous treatment has no propensity.")
        return CausalData(treatment=parts.treatment.astype(float), arms=None, **common)
    labels, counts = np.unique(parts.treatment, return_counts=True)
    order = _control_first(labels, counts, control_arm, owner)
    codes = np.argsort(order)[np.searchsorted(labels, parts.treatment)]
    known = parts.propensity
    if known is not None and known.shape[1] != len(labels):
        raise ValueError(
            f"{owner}: the known propensity has {known.shape[1]} arms but only "
            f"{len(labels)} occur ({labels.tolist()})."
        )
    return CausalData(
        treatment=codes,
        arms=labels[order],
        known_propensity=None if known is None else known[:, order],
        **common,
    )


def _outcome_is_binary(outcome: np.ndarray, outcome_type: str, owner: str) -> bool:
    """Decide whether the outcome is binary, by type or by the user's word."""
    if outcome_type == "auto":
        return is_binary(outcome)
    if outcome_type == "continuous":
        return False
    if outcome_type == "binary":
        if not set(np.unique(outcome)) <= {0, 1}:
            raise ValueError(
                f"{owner}: outcome_type='binary' needs an outcome of 0 and 1, got "
                f"values such as {np.unique(outcome)[:4].tolist()}."
            )
        return True
    raise ValueError(
        f"{owner}: outcome_type must be 'auto', 'binary' or 'continuous', got "
        f"{outcome_type!r}."
    )


def treatment_is_continuous(
    treatment: np.ndarray, treatment_type: str, owner: str
) -> bool:
    """Decide whether a treatment is a number or has arms."""
    if treatment_type not in ("auto", "discrete", "continuous"):
        raise ValueError(
            f"{owner}: treatment_type must be 'auto', 'discrete' or 'continuous', got "
            f"{treatment_type!r}."
        )
    is_number = treatment.dtype.kind in "iuf"
    if treatment_type == "continuous":
        if not is_number:
            raise ValueError(
                f"{owner}: treatment_type='continuous' needs a numeric treatment, got "
                f"dtype {treatment.dtype}."
            )
        return True
    if treatment_type == "discrete" or not is_number:
        return False
    levels = np.unique(treatment)
    whole = bool(np.all(levels == np.round(levels)))
    return not whole or levels.shape[0] > _MAX_INTEGER_ARMS


def _control_first(
    labels: np.ndarray, counts: np.ndarray, control_arm: Any, owner: str
) -> np.ndarray:
    """Return the order of the sorted labels that puts the control arm first."""
    some = zip(labels[:_MOST_LISTED].tolist(), counts, strict=False)
    listed = ", ".join(f"{label!r}: {count} rows" for label, count in some)
    if labels.shape[0] > _MOST_LISTED:
        listed += f" and {labels.shape[0] - _MOST_LISTED} more"
    if labels.shape[0] < 2:
        raise ValueError(
            f"{owner}: treatment has one arm ({listed}); at least two are needed. "
            "Check the column, or the rows you selected: folds of a table that is "
            "sorted by arm need TreatmentStratifiedKFold."
        )
    if control_arm is None:
        if set(labels.tolist()) != {0, 1}:
            raise ValueError(
                f"{owner}: control_arm has a default for treatments 0/1 and "
                f"False/True only. Say which of these arms is the reference: {listed}. "
                "For example control_arm="
                f"{labels.tolist()[0]!r}."
            )
        control_arm = labels[0]
    position = np.flatnonzero(labels == control_arm)
    if position.shape[0] != 1:
        raise ValueError(
            f"{owner}: control_arm={control_arm!r} is not among the arms ({listed})."
        )
    rest = np.delete(np.arange(labels.shape[0]), position[0])
    return np.concatenate([position, rest])
