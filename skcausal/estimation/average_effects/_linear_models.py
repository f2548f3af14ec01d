"""Models with estimating equations: linear in covariates, fitted without a search."""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.pipeline import Pipeline

from skcausal.estimation._data import CausalData
from skcausal.estimation._models import ConstantModel, predict_mean
from skcausal.inference._least_squares import inverse_gram, leave_one_out_factors
from skcausal.utils._validation import NoIntervalWarning

_ALONE = 1e-8
_TOLERABLE = 0.25  # bias in standard errors at which 95 % intervals still cover 94 %


def final_step(model: Any) -> Any:
    """Return the last step of a Pipeline, or the model itself."""
    return model.steps[-1][1] if isinstance(model, Pipeline) else model


def is_logistic(model: Any) -> bool:
    """Tell whether a model is logistic regression whose penalty, if any, is fixed."""
    last = final_step(model)
    return (
        type(last) is LogisticRegression
        and last.solver != "liblinear"  # penalises the intercept
        and getattr(last, "penalty", None) not in ("l1", "elasticnet")
        and not last.l1_ratio
        and last.class_weight is None
        and last.fit_intercept
    )


def is_linear(model: Any) -> bool:
    """Tell whether an outcome model solves the equations of its canonical link.

    Residuals times covariates add up to zero: least squares, logistic regression and
    Poisson regression, at the end of a Pipeline or alone.
    """
    last = final_step(model)
    if type(last) is LinearRegression:
        return bool(last.fit_intercept and not last.positive)
    if type(last) is PoissonRegressor:
        return bool(last.fit_intercept and last.alpha == 0)
    return is_logistic(model)


def unsolved_equations(model: Any, residual: np.ndarray, design: np.ndarray) -> float:
    """Return how far a penalty keeps estimating equations from zero.

    The largest sum of residual times column, in standard errors of this sum: the bias
    in units that decide whether an interval covers. 0 without a penalty.
    """
    last = final_step(model)
    if type(last) is not LogisticRegression or np.isinf(last.C):
        return 0.0
    total, spread = residual @ design, np.sqrt(residual**2 @ design**2)
    return float(np.max(np.abs(total) / np.where(spread > 0, spread, np.inf)))


def design_matrix(model: Any, X: Any) -> np.ndarray:
    """Return the columns that a fitted model is linear in, the intercept first."""
    if isinstance(model, ConstantModel):
        return np.ones((X.shape[0], 1))
    if isinstance(model, Pipeline) and len(model.steps) > 1:
        X = model[:-1].transform(X)
    if sp.issparse(X):
        X = X.toarray()
    columns = np.asarray(X, dtype=float)
    return np.column_stack([np.ones(columns.shape[0]), columns])


def link_slope(model: Any, mean: np.ndarray) -> np.ndarray:
    """Return the slope of the mean in the linear predictor of a canonical link."""
    last = final_step(model)
    if type(last) in (LinearRegression, ConstantModel):
        return np.ones_like(mean)
    if type(last) is PoissonRegressor:
        return mean
    return mean * (1 - mean)


def warn_of_penalty(unsolved: float, parameter: str, owner: str) -> None:
    """Warn where a penalty makes a bias that the standard error does not hold."""
    if unsolved > _TOLERABLE:
        warnings.warn(
            f"{owner}: the penalty of {parameter} moves its equations by "
            f"{unsolved:.2g} standard errors, a bias that intervals do not hold. Use "
            "LogisticRegression(C=np.inf), or AIPW with this model.",
            NoIntervalWarning,
            stacklevel=5,
        )


@dataclass(frozen=True, eq=False)
class ArmFit:
    """A linear model fitted on the rows of one arm, seen from every row.

    Parameters
    ----------
    mean, slope : ndarray of shape (n,)
        Predicted mean outcome of each row, and its slope in the linear predictor.
    design : ndarray of shape (n, p)
        Columns of the model, the intercept first.
    gram, bread : ndarray of shape (p, p)
        Sum of w slope z z' over the rows of the arm, and its inverse.
    unsolved : float
        How far a penalty keeps the equations from zero, in standard errors.
    residual : ndarray of shape (n,)
        w (Y - mean) for rows of the arm, corrected for leverage; 0 elsewhere.
    group_factors : ndarray of shape (n_groups, p, p) or None
        What leaving a group out does to its moment.
    """

    mean: np.ndarray
    slope: np.ndarray
    design: np.ndarray
    gram: np.ndarray
    bread: np.ndarray
    unsolved: float
    residual: np.ndarray
    group_factors: np.ndarray | None = None

    def average(
        self, share: np.ndarray, groups: np.ndarray | None
    ) -> tuple[float, np.ndarray]:
        """Return the average predicted mean and how far each row moves it.

        ``share`` weighs the rows and adds up to one. The influence is that of the
        coefficients; the rows that are averaged over are taken as given.
        """
        direction = self.bread @ self._gradient(share)
        n_rows = self.mean.shape[0]
        if self.group_factors is None or groups is None:
            moved = self.design @ direction
        else:
            by_group = np.einsum("gkj,k->gj", self.group_factors, direction)
            moved = np.einsum("ij,ij->i", self.design, by_group[groups])
        return float(share @ self.mean), n_rows * self.residual * moved

    def extrapolates(self, share: np.ndarray) -> bool:
        """Tell whether the arm's rows leave the average prediction undetermined."""
        gradient = self._gradient(share)
        gap = np.abs(gradient - self.gram @ (self.bread @ gradient))
        return bool((gap > _ALONE * (1 + np.abs(self.design)).max(axis=0)).any())

    def _gradient(self, share: np.ndarray) -> np.ndarray:
        return (share * self.slope) @ self.design


def arm_fit(model: Any, data: CausalData, code: int, covariance: str) -> ArmFit:
    """Return the estimating equations of a model fitted on the rows of one arm."""
    own = (data.treatment == code) * data.weights
    mean, design = predict_mean(model, data.X), design_matrix(model, data.X)
    slope = link_slope(model, mean)
    mass = own * slope
    bread, _ = inverse_gram(design, mass)
    residual, factors = own * (data.outcome - mean), None
    unsolved = unsolved_equations(model, residual, design)
    if data.groups is None:
        leverage = mass * np.einsum("ij,jk,ik->i", design, bread, design, optimize=True)
        residual = residual * _correction(leverage, covariance)
    elif covariance != "HC0":
        factors = leave_one_out_factors(design, mass, data.groups, bread)
    gram = design.T @ (design * mass[:, None])
    return ArmFit(mean, slope, design, gram, bread, unsolved, residual, factors)


def _correction(leverage: np.ndarray, covariance: str) -> np.ndarray:
    """Return what residuals are multiplied by under HC0, HC2 or HC3.

    A row that its arm cannot do without (leverage 1) has residual 0 and keeps it.
    """
    power = {"HC0": 0.0, "HC2": 0.5, "HC3": 1.0}[covariance]
    rest = np.where(leverage > 1 - _ALONE, 1.0, 1 - leverage)
    return rest**-power
