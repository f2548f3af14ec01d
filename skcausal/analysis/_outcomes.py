"""Average effects on one or several outcomes, and p-values adjusted for all."""

from typing import Any

import numpy as np
import numpy.typing as npt

from skcausal.analysis._outcome_columns import is_binary
from skcausal.analysis._result import AverageEffect, Estimate, OutcomeEffects
from skcausal.analysis._tables import Table

TARGETS = ("all", "treated", "control")


def fit_outcomes(table: Table, learner: Any) -> dict[str, Any]:
    """Fit the learner to each outcome on all rows; the first outcome comes first."""
    from sklearn.base import clone

    return {
        name: clone(learner).fit(table.X, y, treatment=table.treatment)
        for name, y in table.outcomes.items()
    }


def average_effects(
    table: Table, fitted: dict[str, Any]
) -> tuple[tuple[AverageEffect, ...], tuple[OutcomeEffects, ...]]:
    """Return averages over all rows on the first outcome, and on the others.

    Parameters
    ----------
    table : Table
        The checked table.
    fitted : dict
        What `fit_outcomes` returned.

    Returns
    -------
    first : tuple of AverageEffect
        Effects on the first outcome, also by group if the table has groups.
    others : tuple of OutcomeEffects
        Effects on the other outcomes. Adjusted p-values are those of Romano and Wolf
        over all outcomes and arms of a target together.
    """
    found: dict[str, list[AverageEffect]] = {name: [] for name in fitted}
    arms = table.labels[1:]
    for target in TARGETS:
        estimates = _joint_estimates(fitted, target)
        cells = [(name, arm) for name in fitted for arm in arms]
        for (name, arm), estimate in zip(cells, estimates, strict=True):
            entry = AverageEffect(arm, table.labels[0], target, estimate)
            found[name].append(entry)
    first = found[table.columns.outcome]
    if table.by is not None:
        first += _by_group(table, fitted[table.columns.outcome])
    for entries in found.values():
        entries.sort(key=lambda entry: arms.index(entry.treated))
    others = tuple(
        OutcomeEffects(
            outcome=name,
            binary=is_binary(y),
            control_mean=float(y[table.codes == 0].mean()),
            average_effects=tuple(found[name]),
        )
        for name, y in table.other_outcomes.items()
    )
    return tuple(first), others


def _joint_estimates(fitted: dict[str, Any], target: str) -> list[Estimate]:
    from skcausal.inference import join_estimates

    parts = {name: one.average_effect(target=target) for name, one in fitted.items()}
    return _estimates(join_estimates(parts))


def _by_group(table: Table, fitted: Any) -> list[AverageEffect]:
    by = np.asarray(table.by, dtype=str)
    names, sizes = np.unique(by, return_counts=True)
    rows = dict(zip(names.tolist(), sizes.tolist(), strict=True))
    cells = [(arm, group) for arm in table.labels[1:] for group in names.tolist()]
    estimates = _estimates(fitted.average_effect(by=by))
    return [
        AverageEffect(arm, table.labels[0], "all", estimate, group, rows[group])
        for (arm, group), estimate in zip(cells, estimates, strict=True)
    ]


def _estimates(effect: Any) -> list[Estimate]:
    """Turn an EffectEstimate into plain numbers."""
    lower, upper = effect.interval()
    columns = [effect.value, effect.standard_error, lower, upper, effect.p_value]
    if np.size(effect.value) > 1:
        columns.append(effect.adjusted_p_value(random_state=0))
    table = np.column_stack([np.atleast_1d(column) for column in columns])
    return [Estimate(*map(float, row)) for row in table]


def propensities(fitted: Any) -> npt.NDArray[np.float64]:
    """Return the out-of-fold propensities of a fitted learner, (n, n_arms)."""
    nuisances = fitted.nuisances_
    name = "propensity" if "propensity" in nuisances else "treatment_mean"
    return np.asarray(nuisances[name])[0]
