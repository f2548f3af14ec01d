"""Outcome models of matching: least squares in the space where rows are matched."""

import numpy as np


def fitted_outcomes(
    Z: np.ndarray,
    stratum: np.ndarray,
    outcome: np.ndarray,
    arm: np.ndarray,
    weight: np.ndarray,
    distinct: np.ndarray,
) -> tuple[np.ndarray, list[int]]:
    """Predict the outcome of every row in both arms, shape (n, 2).

    One regression per arm, on rows with weight, with an intercept per stratum. An arm
    with fewer distinct rows than coefficients keeps its intercepts only, and is listed.
    """
    fitted, poor = np.zeros((Z.shape[0], 2)), []
    for code in (0, 1):
        rows = np.flatnonzero((arm == code) & (weight > 0))
        r = weight[rows]
        cells = _weighted_means(
            np.column_stack([outcome, Z])[rows], stratum[rows], r, stratum.max() + 1
        )
        slopes = np.zeros(Z.shape[1])
        root = np.sqrt(r)[:, None]
        centred = root * (Z[rows] - cells[stratum[rows], 1:])
        n_coefficients = np.unique(stratum[rows]).shape[0] + Z.shape[1]
        if np.unique(distinct[rows]).shape[0] > n_coefficients:
            y = root[:, 0] * (outcome[rows] - cells[stratum[rows], 0])
            slopes = np.linalg.lstsq(centred, y, rcond=None)[0]
        elif Z.shape[1]:
            poor.append(code)
        at_row = cells[stratum]
        fitted[:, code] = at_row[:, 0] + ((Z - at_row[:, 1:]) * slopes).sum(axis=1)
    return fitted, poor


def _weighted_means(
    values: np.ndarray, stratum: np.ndarray, weight: np.ndarray, n_strata: int
) -> np.ndarray:
    """Return means by stratum; strata without rows get the mean of all."""
    size = np.bincount(stratum, weight, n_strata)
    sums = np.column_stack(
        [np.bincount(stratum, weight * column, n_strata) for column in values.T]
    )
    overall = sums.sum(axis=0) / size.sum()
    means = np.tile(overall, (n_strata, 1))
    present = size > 0
    means[present] = sums[present] / size[present, None]
    return means
