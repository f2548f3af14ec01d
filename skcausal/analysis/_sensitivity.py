"""How strong an unobserved confounder would have to be to overturn an effect."""

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from skcausal.analysis import _words as words
from skcausal.analysis._numbers import percent
from skcausal.analysis._result import (
    AverageEffect,
    Benchmark,
    Question,
    Sensitivity,
)
from skcausal.analysis._tables import Table

FloatArray = npt.NDArray[np.float64]

LEVEL = 0.95
_MOST_BENCHMARKS = 3
_MANY_ROWS = 20_000


def sensitivity(
    table: Table, question: Question, fitted: Any, effects: Sequence[AverageEffect]
) -> tuple[Sensitivity, ...]:
    """Measure the confounders that would overturn each average effect.

    Parameters
    ----------
    table : Table
        The checked table.
    question : Question
        What was asked of it.
    fitted : estimator
        The chosen learner, fitted on all rows.
    effects : sequence of AverageEffect
        Effects on the first outcome.

    Returns
    -------
    tuple of Sensitivity
        One per arm but the control. Features are compared with (each costs a refit
        without it) only if the effect is clear.
    """
    features = strongest_features(table)
    found = []
    for position, arm in enumerate(table.arms[1:]):
        (effect,) = (
            entry
            for entry in effects
            if entry.treated == table.labels[position + 1]
            and entry.target == "all"
            and entry.group is None
        )
        clear = effect.estimate.lower > 0 or effect.estimate.upper < 0
        one = _of_arm(fitted, arm, effect, features if clear else [], table)
        found.append(replace(one, sentence=sensitivity_sentence(one, question)))
    return tuple(found)


def _of_arm(
    fitted: Any, arm: Any, effect: AverageEffect, features: list[str], table: Table
) -> Sensitivity:
    from skcausal.validation import RieszSensitivity

    values = _e_values(fitted, table.arms.index(arm)) if table.binary_outcome else None
    strengths = (math.nan, math.nan)
    benchmarks: tuple[Benchmark, ...] = ()
    try:
        riesz = RieszSensitivity.from_estimator(fitted, target="all", arm=arm)
        strengths = riesz.robustness_value(), riesz.robustness_value(level=LEVEL)
        benchmarks = tuple(_benchmark(riesz, name) for name in features)
    except ValueError as error:  # arms so unlike that weights have no variance
        warnings.warn(str(error), UserWarning, stacklevel=2)
    return Sensitivity(
        treated=effect.treated,
        robustness_to_zero=strengths[0],
        robustness_to_doubt=strengths[1],
        benchmarks=benchmarks,
        e_value=None if values is None else values[0],
        e_value_limit=None if values is None else values[1],
    )


def _benchmark(riesz: Any, feature: str) -> Benchmark:
    row = riesz.benchmarks([feature]).iloc[0]
    return Benchmark(
        feature=feature,
        outcome=float(row["outcome"]),
        treatment=float(row["treatment"]),
        without=float(row["estimate"]),
        times_to_zero=riesz.times_stronger(feature),
        times_to_doubt=riesz.times_stronger(feature, level=LEVEL),
    )


def _e_values(fitted: Any, code: int) -> tuple[float, float] | None:
    """Return the E-values of the risk ratio of an arm and of its interval."""
    from skcausal.validation import e_value

    try:
        ratio = fitted.average_effect(target="all", scale="ratio")
    except ValueError:  # the estimated rate of the control arm is not positive
        return None
    numbers = (ratio.value, *ratio.interval(LEVEL))
    value, lower, upper = (float(np.atleast_1d(x)[code - 1]) for x in numbers)
    if not (np.isfinite([value, lower, upper]).all() and value > 0):
        return None
    lower = max(lower, float(np.finfo(float).tiny))
    found = e_value(value, lower=lower, upper=upper, measure="rr")
    return found.value, float(found.limit or 1.0)


def strongest_features(table: Table) -> list[str]:
    """List the features that are most related to both treatment and outcome.

    Three at most, one for more than 20,000 rows: each costs a refit. A feature counts
    by the product of its correlations (of ranks; the correlation ratio for categories)
    with outcome and treatment.
    """
    if table.X.shape[1] < 2:
        return []
    arms = np.eye(len(table.arms))[table.codes]
    strength = {}
    for name in table.X.columns:
        column = table.X[name]
        of_treatment = max(correlation(column, arm) for arm in arms.T)
        strength[str(name)] = of_treatment * correlation(column, table.y)
    ordered = sorted(strength, key=lambda name: -strength[name])
    return ordered[: _MOST_BENCHMARKS if len(table.y) <= _MANY_ROWS else 1]


def correlation(column: "pd.Series[Any]", values: npt.NDArray[Any]) -> float:
    """Return the size of the correlation of a feature with numbers, in [0, 1]."""
    present = column.notna().to_numpy()
    y = stats.rankdata(values[present])
    if present.sum() < 2 or np.ptp(y) == 0:
        return 0.0
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column[present].cat.codes.to_numpy()
        counts = np.maximum(np.bincount(codes), 1)
        means = (np.bincount(codes, weights=y) / counts)[codes]
        return float(np.sqrt(np.var(means) / np.var(y)))
    x = stats.rankdata(column[present].to_numpy(dtype=float))
    return 0.0 if np.ptp(x) == 0 else abs(float(np.corrcoef(x, y)[0, 1]))


def sensitivity_sentence(found: Sensitivity, question: Question) -> str:
    """Say in words what it would take to overturn an effect."""
    name = words.treated_name(question, found.treated)
    if not math.isfinite(found.robustness_to_doubt):
        return (
            f"How strong unobserved confounders of the effect of {name} would have to "
            "be cannot be told from these rows (see the warnings)."
        )
    if found.robustness_to_doubt == 0:
        return (
            f"The interval of the effect of {name} holds 0 already, so there is "
            "nothing to explain away; an unobserved confounder could also hide an "
            "effect."
        )
    robust = (
        "Unobserved confounders would have to explain "
        f"{percent(found.robustness_to_zero, 1)} of what the features leave open, both "
        f"in {question.outcome} and in the weights that balance the arms, to bring the "
        f"effect of {name} to 0, and {percent(found.robustness_to_doubt, 1)} to bring "
        "0 into its interval."
    )
    marks = [mark for mark in found.benchmarks if min(mark.outcome, mark.treatment) > 0]
    if not marks:
        return robust
    return f"{_comparison(min(marks, key=_needed), name)} {robust}"


def _needed(mark: Benchmark) -> tuple[float, float]:
    return mark.times_to_zero, mark.times_to_doubt


def _comparison(mark: Benchmark, name: str) -> str:
    if not math.isfinite(mark.times_to_zero):
        weaker = (
            f", but one {times(mark.times_to_doubt)} times as strong would bring 0 "
            "into its interval"
            if math.isfinite(mark.times_to_doubt)
            else ""
        )
        return (
            "No unobserved confounder, however strong, that is related to outcome and "
            f'treatment in the proportions of "{mark.feature}" would bring the effect '
            f"of {name} to 0{weaker}."
        )
    need = "would be needed" if mark.times_to_zero >= 1 else "would be enough"
    return (
        f"An unobserved confounder {times(mark.times_to_zero)} times as strong as "
        f'"{mark.feature}" {need} to bring the effect of {name} to 0, and '
        f"{times(mark.times_to_doubt)} times to bring 0 into its interval."
    )


def times(factor: float) -> str:
    """Write how many times as strong something has to be."""
    if not math.isfinite(factor):
        return "\u2013"
    return f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}"
