"""Overlap, balance, sample ratio and suspicious columns: arrays in, numbers out."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from skcausal.analysis._result import BalanceRow, Overlap, SampleRatio
from skcausal.validation import balance_table, effective_sample_size

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

LOWEST_PROPENSITY = 0.02
_LEAST_PROPENSITY = 0.01
_FLAG_LEVEL = 0.001


def sample_ratio(codes: IntArray, shares: tuple[float, ...]) -> SampleRatio:
    """Test the counts of the arms against the shares of the design.

    Parameters
    ----------
    codes : ndarray of shape (n,)
        The arm of each row, counted from 0.
    shares : tuple of float
        The share of each arm in the design; they sum to 1.

    Returns
    -------
    SampleRatio
        Pearson's chi-square statistic and its p-value.
    """
    observed = np.bincount(codes, minlength=len(shares))
    expected = len(codes) * np.asarray(shares)
    test = stats.chisquare(observed, expected)
    return SampleRatio(
        expected=tuple(expected.tolist()),
        observed=tuple(observed.tolist()),
        statistic=float(test.statistic),
        p_value=float(test.pvalue),
    )


def overlap(propensity: FloatArray, codes: IntArray, bins: int = 25) -> Overlap:
    """Describe how comparable the arms are.

    Parameters
    ----------
    propensity : ndarray of shape (n, n_arms)
        The chance of each row to be in each arm, predicted out of fold.
    codes : ndarray of shape (n,)
        The arm of each row.
    bins : int, default=25
        Bars of the histogram.

    Returns
    -------
    Overlap
        For two arms the histogram is over the chance to be treated; for more
        arms it is over the chance to be in the arm the row is in.
    """
    n_arms = propensity.shape[1]
    own = propensity[np.arange(len(codes)), codes]
    shown = propensity[:, 1] if n_arms == 2 else own
    edges = np.linspace(0.0, 1.0, bins + 1)
    outside = (propensity < LOWEST_PROPENSITY).any(axis=1)
    weights = arm_weights(propensity, codes)
    sizes = [effective_sample_size(weights[codes == arm]) for arm in range(n_arms)]
    return Overlap(
        edges=tuple(edges.tolist()),
        counts=tuple(
            tuple(np.histogram(shown[codes == arm], edges)[0].tolist())
            for arm in range(n_arms)
        ),
        share_outside=float(outside.mean()),
        effective_sizes=tuple(sizes),
        sizes=tuple(np.bincount(codes, minlength=n_arms).tolist()),
    )


def arm_weights(propensity: FloatArray, codes: IntArray) -> FloatArray:
    """Return one over the chance of each row's own arm, as the estimate caps it."""
    own = propensity[np.arange(len(codes)), codes]
    return np.asarray(1 / np.maximum(own, _LEAST_PROPENSITY))


def balance(
    X: pd.DataFrame,
    codes: IntArray,
    weights: FloatArray | None,
    labels: tuple[str, ...],
) -> tuple[BalanceRow, ...]:
    """Compare the features of each arm with control, before and after weighting.

    Parameters
    ----------
    X : pandas.DataFrame of shape (n, n_features)
        The features.
    codes : ndarray of shape (n,)
        The arm of each row, control is 0.
    weights : ndarray of shape (n,) or None
        One over the chance of the row's own arm; None in an experiment, where the
        arms need no weights.
    labels : tuple of str
        The arms, control first.

    Returns
    -------
    tuple of BalanceRow
        Standardised differences of `balance_table`; without weights both are the same.
    """
    treatment = np.asarray(labels)[codes]
    table = balance_table(X, treatment, weights, control_arm=labels[0])
    after = table["difference" if weights is None else "weighted_difference"]
    columns = (table.index, table["arm"], table["difference"], after)
    return tuple(
        BalanceRow(str(feature), str(arm), float(before), float(now))
        for feature, arm, before, now in zip(*columns, strict=True)
    )


def imbalanced_columns(X: pd.DataFrame, codes: IntArray) -> list[tuple[str, float]]:
    """List the columns that differ between arms more than chance allows.

    A chi-square test per category column, one-way analysis of variance per
    numeric column; the p-values are corrected for the number of columns
    (Bonferroni) and listed if below 0.001.
    """
    found = []
    for name in X.columns:
        p = _column_test(X[name], codes) * X.shape[1]
        if p < _FLAG_LEVEL:
            found.append((str(name), min(p, 1.0)))
    return found


def _column_test(column: "pd.Series[Any]", codes: IntArray) -> float:
    if isinstance(column.dtype, pd.CategoricalDtype):
        table = pd.crosstab(column.astype(str), codes)
        table = table[table.sum(axis=1) >= 5 * table.shape[1]]
        if len(table) < 2:
            return 1.0
        return float(stats.chi2_contingency(table).pvalue)
    values = column.to_numpy(dtype=float)
    present = np.isfinite(values)
    groups = [values[present & (codes == code)] for code in np.unique(codes)]
    if min(map(len, groups)) < 2 or np.ptp(values[present]) == 0:
        return 1.0
    if all(np.ptp(group) == 0 for group in groups):
        return 0.0
    return float(stats.f_oneway(*groups).pvalue)


def leaking_columns(X: pd.DataFrame, y: npt.NDArray[np.generic]) -> list[str]:
    """List the numeric columns that nearly repeat the outcome."""
    outcome = y.astype(float)
    found = []
    for name in X.columns:
        if isinstance(X[name].dtype, pd.CategoricalDtype):
            continue
        values = X[name].to_numpy(dtype=float)
        present = np.isfinite(values)
        if np.ptp(values[present]) == 0 or np.ptp(outcome[present]) == 0:
            continue
        if abs(float(stats.spearmanr(values[present], outcome[present])[0])) > 0.95:
            found.append(str(name))
    return found
