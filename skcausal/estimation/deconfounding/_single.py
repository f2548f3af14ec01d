"""One regression for each cause, with the substitute confounder beside it."""

from typing import Any

import numpy as np
import pandas as pd

from skcausal.estimation.deconfounding._diagnostics import orthogonal_basis
from skcausal.estimation.deconfounding._effects import ranks


def one_by_one(
    causes: np.ndarray, y: np.ndarray, adjustment: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return coefficients and standard errors of each cause alone with adjustment.

    Least squares by partialling out: residuals of outcome and causes given the
    adjustment, then simple regressions. All is standardised.
    """
    n = len(y)
    A = (causes - causes.mean(axis=0)) / causes.std(axis=0)
    target = (y - y.mean()) / y.std()
    n_columns = 0
    if adjustment.shape[1]:
        basis = orthogonal_basis(adjustment)
        n_columns = basis.shape[1]
        A = A - basis @ (basis.T @ A)
        target = target - basis @ (basis.T @ target)
    squares = (A**2).sum(axis=0)
    slopes = A.T @ target / np.where(squares > 1e-10 * n, squares, np.nan)
    rest = (target**2).sum() - slopes**2 * squares
    dof = max(n - n_columns - 2, 1)
    return slopes, np.sqrt(np.maximum(rest, 0) / dof / squares)


def single_cause_table(
    names: list[Any],
    causes: np.ndarray,
    y: np.ndarray,
    covariates: np.ndarray,
    confounder: np.ndarray,
) -> pd.DataFrame:
    """Return standardised coefficients without and with the confounder."""
    naive, naive_error = one_by_one(causes, y, covariates)
    beside = np.hstack([covariates, confounder])
    adjusted, error = one_by_one(causes, y, beside)
    table = pd.DataFrame(
        {
            "cause": names,
            "support": (causes != 0).sum(axis=0),
            "naive": naive,
            "naive_standard_error": naive_error,
            "deconfounded": adjusted,
            "standard_error": error,
            "difference": adjusted - naive,
            "rank_naive": ranks(naive),
            "rank": ranks(np.nan_to_num(adjusted, nan=-np.inf)),
        }
    )
    return table.set_index("cause")
