"""Who gains: one learner fitted on one part of the rows and judged on the other."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skcausal.analysis import _evidence as evidence
from skcausal.analysis import _heterogeneity as heterogeneity
from skcausal.analysis._candidates import Design
from skcausal.analysis._result import Contrast
from skcausal.analysis._tables import Table

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def find_contrasts(
    table: Table,
    learner: Any,
    parts: tuple[IntArray, IntArray],
    design: Design,
    advance: Callable[[str], None],
) -> tuple[Contrast, ...]:
    """Fit on one part of the rows, judge on the other.

    Parameters
    ----------
    table : Table
        The checked table.
    learner : estimator
        The chosen learner, unfitted.
    parts : tuple of ndarray of int
        Rows to fit on, and evaluation rows.
    design : Design
        How the treatment was assigned.
    advance : callable
        Told the name of the second step.

    Returns
    -------
    tuple of Contrast
        One per arm but the control.
    """
    from sklearn.base import clone

    fit_rows, rows = parts
    fitted = clone(learner).fit(
        table.X.iloc[fit_rows], table.y[fit_rows], treatment=table.treatment[fit_rows]
    )

    def predict(X: pd.DataFrame) -> FloatArray:
        return np.asarray(fitted.effect(X), dtype=float).reshape(len(X), -1)

    X = table.X.iloc[rows]
    effects = predict(X)
    scores = _scores(table, rows, design)
    advance("who gains")
    importance = evidence.permutation_importance(predict, X, design.random_state)
    found = []
    for position in range(scores.shape[1]):
        tau, score = effects[:, position], scores[:, position]
        test = heterogeneity.calibration(tau, table, rows, position + 1, design)
        found.append(
            _contrast(
                (table.labels[position + 1], table.labels[0]),
                (tau, score, X),
                test,
                evidence.drivers(importance[:, position], X, score),
                design.random_state,
            )
        )
    return tuple(found)


def _scores(table: Table, rows: IntArray, design: Design) -> FloatArray:
    """Return doubly robust scores, cross-fitted on the evaluation rows alone."""
    from skcausal.estimation._evaluation import EvaluationOptions, effect_scores

    scores = effect_scores(
        table.X.iloc[rows],
        table.y[rows],
        treatment=table.treatment[rows],
        control_arm=table.arms[0],
        options=EvaluationOptions(
            propensity_model=design.propensity, random_state=design.random_state
        ),
    )
    return np.asarray(scores, dtype=float).reshape(len(rows), -1)


def _contrast(
    labels: tuple[str, str],
    rows: tuple[FloatArray, FloatArray, pd.DataFrame],
    calibration: tuple[Any, Any],
    found_drivers: tuple[Any, ...],
    random_state: int,
) -> Contrast:
    effects, scores, X = rows
    gain, toc = evidence.gain_and_toc(effects, scores, random_state)
    groups, difference = heterogeneity.group_effects(effects, scores)
    return Contrast(
        treated=labels[0],
        control=labels[1],
        overall=evidence.mean_estimate(scores),
        groups=groups,
        toc=toc,
        gain=gain,
        autoc=evidence.rate(effects, scores, "autoc", random_state),
        qini=evidence.rate(effects, scores, "qini", random_state),
        heterogeneity=heterogeneity.heterogeneity_tests(
            effects, scores, difference, X, calibration
        ),
        drivers=found_drivers,
        predicted_quantiles=tuple(np.quantile(effects, _QUANTILES).tolist()),
    )
