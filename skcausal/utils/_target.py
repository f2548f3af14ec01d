"""The causal target: outcome and treatment in one array that any Pipeline carries."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skcausal.utils._validation import (
    as_vector,
    check_groups,
    check_outcome,
    check_same_length,
    check_weights,
    missing_rows,
    refuse_missing,
)

_NUISANCE_PREFIX = "nuisance_"


def causal_target(
    outcome: Any,
    treatment: Any,
    *,
    sample_weight: Any = None,
    groups: Any = None,
    propensity: Any = None,
    instrument: Any = None,
    event: Any = None,
) -> np.ndarray:
    """Pack outcome and treatment into one structured target for scikit-learn's tools.

    A structured array is sliced, shuffled and passed on by every Pipeline, search and
    cross-validation of scikit-learn, so the treatment travels with the outcome and no
    global setting is needed. A scorer that is not causal fails on it loudly.

    Parameters
    ----------
    outcome : array-like of shape (n,)
        Outcome, numeric and finite.
    treatment : array-like of shape (n,)
        Treatment: labels of any kind, or numbers for a continuous treatment.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows, used by ``fit`` and by our scorers.
    groups : array-like of shape (n,), default=None
        Group (cluster) of each row: never split by folds, and the unit of variance.
    propensity : array-like of shape (n,) or (n, n_arms), default=None
        Known probability of treatment: of the second of two sorted labels, or of all
        arms in sorted order of their labels. Replaces the estimated propensity.
    instrument : array-like of shape (n,), default=None
        Instrument, for estimators that use one: numbers, or two labels.
    event : array-like of shape (n,), default=None
        For an outcome that is a time: 1 or True where the event was seen at that time,
        0 or False where the row was censored then.

    Returns
    -------
    target : ndarray of shape (n,), structured
        Fields ``outcome`` and ``treatment``, and one for each optional argument.

    Raises
    ------
    ValueError
        If lengths differ, the outcome is not numeric, or a value is missing.

    See Also
    --------
    add_nuisances : Add nuisance estimates shared by all candidates of a search.

    Examples
    --------
    >>> from skcausal import causal_target
    >>> target = causal_target([1.0, 2.0, 3.0], ["mail", "none", "mail"])
    >>> target["treatment"].tolist()
    ['mail', 'none', 'mail']
    >>> target[1:]["outcome"].tolist()
    [2.0, 3.0]
    """
    owner = "causal_target"
    values = check_outcome(outcome, owner)
    labels = check_treatment_values(treatment, owner)
    check_same_length(owner, outcome=values, treatment=labels)
    fields: dict[str, Any] = {"outcome": values, "treatment": labels}
    n_rows = values.shape[0]
    if sample_weight is not None:
        fields["sample_weight"] = check_weights(sample_weight, n_rows, owner)
    if groups is not None:
        fields["groups"] = check_groups(groups, n_rows, owner)
    if propensity is not None:
        fields["propensity"] = _check_propensity(propensity, labels, owner)
    if instrument is not None:
        fields["instrument"] = check_instrument(instrument, n_rows, owner)
    if event is not None:
        fields["event"] = check_event(event, n_rows, owner)
    return pack(fields)


def pack(fields: dict[str, Any]) -> np.ndarray:
    """Build the structured array from equally long columns (2-D columns allowed)."""
    dtype = [(name, v.dtype, v.shape[1:]) for name, v in fields.items()]
    target = np.empty(next(iter(fields.values())).shape[0], dtype=dtype)
    for name, values in fields.items():
        target[name] = values
    return target


def check_treatment_values(treatment: Any, owner: str) -> np.ndarray:
    """Return the treatment as a plain vector; missing values are an error."""
    labels = as_vector(treatment, "treatment")
    if labels.dtype.kind in "mM":
        raise ValueError(
            f"{owner}: treatment holds dates (dtype {labels.dtype}). Cut it into arms, "
            "or turn it into numbers such as days."
        )
    if labels.dtype == object:
        missing = missing_rows(labels)
        if not missing.any():
            if all(isinstance(value, str) for value in labels):
                labels = labels.astype(str)
            elif all(isinstance(value, (bool, np.bool_)) for value in labels):
                labels = labels.astype(bool)
            else:
                labels = _numbers_or_error(labels, owner)
    elif labels.dtype.kind == "f":
        missing = ~np.isfinite(labels)
    else:
        missing = np.zeros(labels.shape[0], dtype=bool)
    if missing.any():
        raise ValueError(
            f"{owner}: treatment has {int(missing.sum())} missing or infinite values "
            f"(NaN) among {labels.shape[0]} rows. Drop these rows, or give them a "
            "label of their own if being unassigned is an arm."
        )
    return labels


def _numbers_or_error(labels: np.ndarray, owner: str) -> np.ndarray:
    """Turn an object vector of numbers into a numeric one; refuse mixtures."""
    if any(isinstance(value, str) for value in labels):
        raise ValueError(
            f"{owner}: treatment mixes text and numbers "
            f"(e.g. {labels[:3].tolist()}). Use one kind of label."
        )
    return np.array(labels.tolist())


def _check_propensity(propensity: Any, labels: np.ndarray, owner: str) -> np.ndarray:
    """Return known propensities as (n, n_arms), arms in sorted order."""
    values = np.asarray(propensity, dtype=float)
    if values.ndim == 1:
        values = np.column_stack([1 - values, values])
    n_arms = np.unique(labels).shape[0]
    if values.shape != (labels.shape[0], n_arms):
        raise ValueError(
            f"{owner}: propensity must have shape (n,) for two arms or "
            f"(n, n_arms) = ({labels.shape[0]}, {n_arms}), got "
            f"{np.shape(propensity)}."
        )
    valid = (values > 0).all() and np.allclose(values.sum(axis=1), 1)
    if not valid:
        raise ValueError(
            f"{owner}: propensity must lie strictly between 0 and 1 and add up to 1 "
            "over the arms."
        )
    return values


def check_instrument(instrument: Any, n_rows: int, owner: str) -> np.ndarray | None:
    """Return the instrument as floats; two labels become 0 and 1 in sorted order."""
    if instrument is None:
        return None
    values = as_vector(instrument, "instrument")
    if values.shape[0] != n_rows:
        raise ValueError(
            f"{owner}: instrument must have one value for each of the {n_rows} rows, "
            f"got {values.shape[0]}."
        )
    refuse_missing(values, "instrument", owner)
    levels, codes = np.unique(values, return_inverse=True)
    if values.dtype.kind in "iuf":
        return values.astype(float)
    if len(levels) > 2:
        raise ValueError(
            f"{owner}: the instrument has {len(levels)} labels "
            f"({levels[:3].tolist()}, ...); use numbers, or two labels."
        )
    return codes.astype(float)


def check_event(event: Any, n_rows: int, owner: str) -> np.ndarray | None:
    """Return whether each row's event was seen, as booleans."""
    if event is None:
        return None
    values = as_vector(event, "event")
    if values.shape[0] != n_rows:
        raise ValueError(
            f"{owner}: event must have one value for each of the {n_rows} rows, got "
            f"{values.shape[0]}."
        )
    refuse_missing(values, "event", owner)
    if not np.isin(values, (0, 1)).all():
        raise ValueError(
            f"{owner}: event must hold 1 or True where the event was seen and 0 or "
            f"False where the row was censored, got values such as "
            f"{np.unique(values)[:4].tolist()}."
        )
    return values.astype(bool)


@dataclass(frozen=True, eq=False)
class TargetParts:
    """What ``y``, ``treatment``, weights and groups say once they are resolved."""

    outcome: np.ndarray
    treatment: np.ndarray
    sample_weight: np.ndarray | None = None
    groups: np.ndarray | None = None
    propensity: np.ndarray | None = None
    instrument: np.ndarray | None = None
    event: np.ndarray | None = None
    nuisances: dict[str, np.ndarray] = field(default_factory=dict)


def is_causal_target(y: Any) -> bool:
    """Tell whether ``y`` is a structured target made by :func:`causal_target`."""
    names = getattr(getattr(y, "dtype", None), "names", None)
    return names is not None and {"outcome", "treatment"} <= set(names)


def resolve_target(
    owner: str,
    y: Any,
    treatment: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    instrument: Any = None,
    event: Any = None,
) -> TargetParts:
    """Find outcome and treatment, whichever of the two ways they travel.

    Raises an error that names both ways if there is no treatment.
    """
    nuisances: dict[str, np.ndarray] = {}
    propensity = None
    if is_causal_target(y):
        fields = fields_of(y)
        if treatment is not None:
            raise ValueError(
                f"{owner}: treatment is given twice, inside y (a causal_target) and "
                "as keyword. Give it once."
            )
        given = {
            "sample_weight": sample_weight,
            "groups": groups,
            "instrument": instrument,
            "event": event,
        }
        for name, value in given.items():
            if name in fields and value is not None:
                raise ValueError(
                    f"{owner}: {name} is given twice, inside y (a causal_target) and "
                    "as keyword. Give it once."
                )
        treatment = fields["treatment"]
        sample_weight = fields.get("sample_weight", sample_weight)
        groups = fields.get("groups", groups)
        instrument = fields.get("instrument", instrument)
        event = fields.get("event", event)
        propensity = fields.get("propensity")
        prefix = len(_NUISANCE_PREFIX)
        nuisances = {
            name[prefix:]: values
            for name, values in fields.items()
            if name.startswith(_NUISANCE_PREFIX)
        }
        y = fields["outcome"]
    outcome = check_outcome(y, owner)
    if treatment is None:
        raise ValueError(missing_treatment_message(owner))
    labels = check_treatment_values(treatment, owner)
    check_same_length(owner, y=outcome, treatment=labels)
    n_rows = outcome.shape[0]
    return TargetParts(
        outcome=outcome,
        treatment=labels,
        sample_weight=check_weights(sample_weight, n_rows, owner),
        groups=check_groups(groups, n_rows, owner),
        propensity=propensity,
        instrument=check_instrument(instrument, n_rows, owner),
        event=check_event(event, n_rows, owner),
        nuisances=nuisances,
    )


def missing_treatment_message(owner: str) -> str:
    """Say that no treatment arrived, and name both ways to pass it."""
    return (
        f"{owner}: no treatment arrived. Pass it in one of two ways: (a) "
        "y=skcausal.causal_target(outcome, treatment), which every Pipeline, search "
        "and cross-validation of scikit-learn carries; or (b) the keyword "
        "treatment=..., which inside scikit-learn's tools also needs "
        "sklearn.set_config(enable_metadata_routing=True)."
    )


def fields_of(target: np.ndarray) -> dict[str, np.ndarray]:
    """Return the columns of a causal target by name."""
    return {name: target[name] for name in target.dtype.names or ()}


def with_nuisances(target: np.ndarray, nuisances: dict[str, np.ndarray]) -> np.ndarray:
    """Return a copy of a causal target with per-row nuisance fields added."""
    fields = fields_of(target)
    fields |= {_NUISANCE_PREFIX + name: values for name, values in nuisances.items()}
    return pack(fields)
