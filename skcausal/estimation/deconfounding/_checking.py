"""Reasons to doubt a fitted deconfounder, as typed warnings."""

from typing import Any

import numpy as np
import pandas as pd

from skcausal.estimation.deconfounding import _warnings as reasons
from skcausal.estimation.deconfounding._check import (
    PredictiveCheck,
    PredictiveCheckWarning,
)
from skcausal.estimation.deconfounding._diagnostics import (
    causes_of_covariates,
    confounder_inflation,
    correlated_pairs,
)
from skcausal.estimation.deconfounding._effects import (
    EXTREME_LIMIT,
    INFLATION_LIMIT,
    OVERLAP_LIMIT,
    FittedModels,
)

UNCHANGED_LIMIT = 0.98
COLLINEAR_LIMIT = 0.95
_SHOWN = 5

Warnings = list[UserWarning]


def listed(names: Any) -> str:
    """Return the first names in words."""
    names = list(names)
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(repr(name) for name in names[:_SHOWN]) + more


def heldout_warnings(found: PredictiveCheck | None) -> Warnings:
    """Warn where held-out entries are unlikely under the factor model."""
    if found is None or found.passed:
        return []
    return [
        PredictiveCheckWarning(
            f"Deconfounder: the factor model predicts held-out causes badly (mean "
            f"p-value {found.p_value:.3f}): it misses what causes share. Try more "
            "components or another factor model."
        )
    ]


def collinear_warnings(models: FittedModels) -> Warnings:
    """Warn of causes that can hardly be told apart."""
    pairs = correlated_pairs(models.rows.causes, COLLINEAR_LIMIT)
    if not len(pairs):
        return []
    named = [(models.names[i], models.names[j]) for i, j in pairs]
    return [
        reasons.CollinearCausesWarning(
            f"Deconfounder: {len(named)} pair(s) of causes correlate beyond "
            f"{COLLINEAR_LIMIT}: {listed(named)}. Their effects cannot be told apart; "
            "drop one of each pair."
        )
    ]


def overlap_warnings(models: FittedModels, effects: pd.DataFrame) -> Warnings:
    """Warn of causes that the substitute confounder determines."""
    found: Warnings = []
    fixed = effects.index[effects["overlap_r2"] > OVERLAP_LIMIT]
    if len(fixed):
        found.append(
            reasons.SubstituteOverlapWarning(
                f"Deconfounder: the substitute confounder explains more than "
                f"{OVERLAP_LIMIT:.0%} of {len(fixed)} cause(s): {listed(fixed)}. Their "
                "effects are extrapolated by the outcome model. Use fewer components."
            )
        )
    extreme = effects.index[effects["extreme_share"] > EXTREME_LIMIT]
    if len(extreme):
        found.append(
            reasons.SubstituteOverlapWarning(
                f"Deconfounder: {len(extreme)} cause(s) have a probability outside "
                f"[.01, .99] in more than {EXTREME_LIMIT:.0%} of the rows: "
                f"{listed(extreme)}. There is hardly a comparable row for them."
            )
        )
    return found


def inflation_warnings(models: FittedModels, effects: pd.DataFrame) -> Warnings:
    """Warn where the causes determine the confounder, or causes each other."""
    found: Warnings = []
    inflation = confounder_inflation(models.z, models.rows.causes)
    if inflation > INFLATION_LIMIT:
        found.append(
            reasons.CollinearCausesWarning(
                f"Deconfounder: the substitute confounder is almost a linear function "
                f"of the causes (variance inflation {inflation:.3g}): with all causes "
                "in the model, the prior of the outcome model tells them apart, not "
                "the data."
            )
        )
    inflated = effects.index[effects["vif"] > INFLATION_LIMIT]
    if len(inflated):
        found.append(
            reasons.CollinearCausesWarning(
                f"Deconfounder: {len(inflated)} cause(s) have a variance inflation "
                f"above {INFLATION_LIMIT:g} given all else: {listed(inflated)}."
            )
        )
    return found


def unchanged_warnings(effects: pd.DataFrame) -> Warnings:
    """Warn where a plain regression on all causes says the same."""
    effect, naive = effects["effect"], effects["naive"]
    if effect.std() == 0 or naive.std() == 0:
        return []
    agreement = float(np.corrcoef(effect, naive)[0, 1])
    if agreement <= UNCHANGED_LIMIT:
        return []
    return [
        reasons.UnchangedEffectsWarning(
            f"Deconfounder: the deconfounder changed nothing: effects correlate "
            f"{agreement:.3f} with those of the same outcome model without the "
            "substitute confounder. Report that regression instead."
        )
    ]


def covariate_warnings(models: FittedModels, names: list[Any]) -> Warnings:
    """Warn of covariates that go with one cause only."""
    if not names:
        return []
    goes = causes_of_covariates(models.rows.causes, models.rows.covariates)
    single = np.flatnonzero(goes.sum(axis=1) == 1)
    if not single.size:
        return []
    pairs = [f"{names[k]!r} with {models.names[goes[k].argmax()]!r}" for k in single]
    more = f" and {len(pairs) - _SHOWN} more" if len(pairs) > _SHOWN else ""
    return [
        reasons.SingleCauseConfounderWarning(
            f"Deconfounder: {len(pairs)} covariate(s) go with one cause only: "
            f"{', '.join(pairs[:_SHOWN])}{more}. Confounders of this kind leave no "
            "trace among the causes; those that are not observed bias the effects."
        )
    ]


def ignorance_warnings(effects: pd.DataFrame) -> Warnings:
    """Warn where the range that data leave open holds zero for most causes."""
    open_sign = effects["ignorance_width"] / 2 > effects["effect"].abs()
    if open_sign.mean() <= 0.5:
        return []
    return [
        reasons.IgnoranceWarning(
            f"Deconfounder: for {int(open_sign.sum())} of {len(effects)} causes the "
            "range that data leave open (ignorance_width) includes zero: another split "
            "between causes and confounder fits as well and has the other sign."
        )
    ]


def outcome_warnings(y: np.ndarray, labels: Any, minimum: float | None) -> Warnings:
    """Warn of rows with an outcome below a minimum."""
    if minimum is None:
        return []
    small = np.flatnonzero(y < minimum)
    if not small.size:
        return []
    shown = small.tolist() if labels is None else labels[small]
    return [
        reasons.SuspectOutcomeWarning(
            f"Deconfounder: {small.size} row(s) have an outcome below {minimum:g}: "
            f"{listed(shown)}. Check them, or leave them out."
        )
    ]
