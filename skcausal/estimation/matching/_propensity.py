"""Matching on the propensity: the score, and what its estimation changes."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from skcausal.estimation._crossfit import FitSettings, fit_in_full, predict_nuisance
from skcausal.estimation._data import CausalData
from skcausal.estimation._known_propensity import KnownPropensity
from skcausal.estimation._nuisances import PROPENSITY


@dataclass(frozen=True, eq=False)
class Score:
    """The propensity of each row and, for a logit by maximum likelihood, its design.

    Parameters
    ----------
    propensity : ndarray of shape (n,)
        Probability of treatment.
    known : bool
        Whether it is known by design: then nothing was estimated.
    design : ndarray of shape (n, p) or None
        Columns of the logit.
    """

    propensity: np.ndarray
    known: bool = False
    design: np.ndarray | None = None


def estimated_score(
    data: CausalData, model: Any, table: np.ndarray, settings: FitSettings
) -> Score:
    """Return the propensity: known by design, or fitted on all rows.

    The default is a logit on ``table``, whose columns are not collinear; a given model
    sees the covariates as they are.
    """
    if data.known_propensity is not None:
        return Score(data.known_propensity[:, 1], known=True)
    if isinstance(model, KnownPropensity):
        return Score(model.for_rows(data.arms, data.n_rows)[:, 1], known=True)
    if model is None:
        model = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-10)
        data = replace(data, X=table)
    fitted = fit_in_full(PROPENSITY, model, data, settings)[0]
    propensity = predict_nuisance(PROPENSITY, fitted, data.X, data)[:, 1]
    return Score(propensity, design=_logit_design(fitted, data.X))


def _logit_design(model: Any, X: Any) -> np.ndarray | None:
    """Return the columns of a logit without penalty; None for any other model."""
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    if type(last) is not LogisticRegression or last.class_weight is not None:
        return None
    if not np.isinf(last.C):
        return None
    if isinstance(model, Pipeline) and len(model.steps) > 1:
        X = model[:-1].transform(X)
    columns = np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=float)
    if not last.fit_intercept:
        return columns
    return np.column_stack([np.ones(columns.shape[0]), columns])


def adjustment(
    score: Score,
    arm: np.ndarray,
    weight: np.ndarray,
    moment: np.ndarray,
    derivative: np.ndarray,
) -> tuple[float, np.ndarray]:
    """Return what estimating the logit adds to the variance, and to the influence.

    ``moment`` is that of the estimate given the propensity, ``derivative`` (n,) is the
    change of the target population with the index of the logit, times the effect less
    its average: zero for an average over everyone (Abadie & Imbens 2016, theorems 1-2).
    """
    assert score.design is not None
    x, p = score.design, score.propensity
    slope = p * (1 - p)
    error = (arm - p)[:, None] * x
    information = np.linalg.pinv((x * (weight * slope)[:, None]).T @ x, hermitian=True)
    meat = (x * (weight**2 * slope)[:, None]).T @ x
    change = information @ (derivative @ x - moment @ error)
    covariance = (moment * weight) @ error
    added = 2 * change @ covariance + change @ meat @ change
    return float(added), arm.shape[0] * weight * (error @ change)
