"""Do effects differ between rows as predicted: BLP, GATES, CLAN, calibration.

All tests are those of `skcausal.validation`, on evaluation rows that neither fitting
nor the choice of the learner saw.
"""

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from skcausal.analysis._candidates import Design
from skcausal.analysis._evidence import normal_estimate
from skcausal.analysis._result import ClanRow, Estimate, GroupEffect, Heterogeneity
from skcausal.analysis._tables import Table
from skcausal.validation import blp_test, calibration_test, clan, gates

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_UNKNOWN = Estimate(*[float("nan")] * 4)
_MOST_GROUPS = 5
_FEWEST_ROWS_PER_GROUP = 60


def n_groups(n_rows: int) -> int:
    """Return how many groups by predicted effect so many rows are cut into."""
    return int(np.clip(n_rows // _FEWEST_ROWS_PER_GROUP, 2, _MOST_GROUPS))


def group_effects(
    effects: FloatArray, scores: FloatArray
) -> tuple[tuple[GroupEffect, ...], Estimate]:
    """Return the effect in groups of the predicted effect, and first less last.

    The intervals of the groups hold together; the group of the largest predicted
    effects comes first.
    """
    table = gates(effects, scores=scores, n_groups=n_groups(len(scores)))
    groups = tuple(
        GroupEffect(
            label=str(label),
            rows=int(row["n_rows"]),
            estimate=_estimate(row),
            predicted=float(row["predicted"]),
        )
        for label, row in table.drop(index=["difference", "average"]).iterrows()
    )
    last: pd.Series[Any] = table.loc["difference"]  # type: ignore[assignment]
    difference = _estimate(last) if len(groups) > 1 else _UNKNOWN
    return groups, difference


def _estimate(row: "pd.Series[Any]") -> Estimate:
    columns = ("estimate", "standard_error", "lower", "upper", "p_value")
    return Estimate(*(float(row[name]) for name in columns))


def heterogeneity_tests(
    effects: FloatArray,
    scores: FloatArray,
    difference: Estimate,
    X: pd.DataFrame,
    calibration: tuple[Estimate, Estimate],
) -> Heterogeneity:
    """Put the tests of one contrast together.

    Parameters
    ----------
    effects, scores : ndarray of shape (n,)
        Predicted effects and doubly robust scores of the evaluation rows.
    difference : Estimate
        Effect in the most less that in the least affected group.
    X : pandas.DataFrame of shape (n, n_features)
        Features of the evaluation rows.
    calibration : tuple of Estimate
        What `calibration` returned.

    Returns
    -------
    Heterogeneity
        The tests.
    """
    slope = _UNKNOWN
    if not _is_constant(effects):
        found = blp_test(effects, scores=scores)["heterogeneity"]
        slope = normal_estimate(float(found.value), float(found.standard_error))
    return Heterogeneity(
        slope=slope,
        difference=difference,
        mean_prediction=calibration[0],
        differential_prediction=calibration[1],
        clan=clan_rows(effects, X) if math.isfinite(difference.value) else (),
    )


def _is_constant(effects: FloatArray) -> bool:
    """Tell whether effects differ by no more than rounding errors."""
    return bool(np.ptp(effects) <= 1e-12 * max(np.abs(effects).max(), 1e-300))


def clan_rows(effects: FloatArray, X: pd.DataFrame) -> tuple[ClanRow, ...]:
    """Compare features of the most and the least affected rows, most unlike first.

    The p-values are adjusted for the number of features (Holm).
    """
    from statsmodels.stats.multitest import multipletests

    table = clan(effects, X, n_groups=n_groups(len(effects)))
    table = table[np.isfinite(table["p_value"]) & (table["deviation"] > 0)]
    if table.empty:
        return ()
    adjusted = multipletests(table["p_value"], method="holm")[1]
    table = table.assign(
        adjusted=adjusted, standardised=table["difference"] / table["deviation"]
    )
    order = np.argsort(-table["standardised"].abs().to_numpy(), kind="stable")
    columns = ("difference", "standard_error", "lower", "upper", "p_value", "adjusted")
    return tuple(
        ClanRow(
            feature=str(feature),
            most=float(row["most"]),
            least=float(row["least"]),
            difference=Estimate(*(float(row[name]) for name in columns)),
            standardised=float(row["standardised"]),
        )
        for feature, row in table.iloc[order].iterrows()
    )


def calibration(
    effects: FloatArray, table: Table, rows: IntArray, code: int, design: Design
) -> tuple[Estimate, Estimate]:
    """Return mean and differential prediction of the calibration test of one arm.

    Parameters
    ----------
    effects : ndarray of shape (n,)
        Predicted effects of `rows`.
    table : Table
        The checked table.
    rows : ndarray of int
        The evaluation rows.
    code : int
        The arm, compared with the control (0).
    design : Design
        How the treatment was assigned.

    Returns
    -------
    tuple of Estimate
        Both are 1 for calibrated effects, NaN where the test does not apply.
    """
    kept = np.isin(table.codes[rows], (0, code))
    pair = rows[kept]
    if _is_constant(effects[kept]):
        return _UNKNOWN, _UNKNOWN
    found = calibration_test(
        effects[kept],
        table.X.iloc[pair],
        table.y[pair],
        treatment=table.treatment[pair],
        control_arm=table.arms[0],
        propensity_model=design.pair(code).propensity,
        random_state=design.random_state,
    )
    mean, differences = (
        normal_estimate(float(found[label].value), float(found[label].standard_error))
        for label in ("mean_prediction", "differential_prediction")
    )
    return mean, differences
