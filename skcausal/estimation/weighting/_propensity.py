"""The propensity behind weights, and its estimating equation where it is logistic."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal.estimation._crossfit import check_model
from skcausal.estimation._data import CausalData
from skcausal.estimation._known_propensity import KnownPropensity
from skcausal.estimation._models import arm_probabilities, fit_model, fresh_copy
from skcausal.estimation._nuisances import PROPENSITY
from skcausal.estimation.weighting._errors import InfeasibleBalanceError
from skcausal.utils._validation import OverlapWarning

_CERTAIN = 1e-8
_LOW = 0.01


@dataclass(frozen=True, eq=False)
class Propensity:
    """Probabilities of the arms for each row, and what estimated them.

    Parameters
    ----------
    values : ndarray of shape (n, n_arms)
        Probabilities, columns ordered as the arms.
    features : ndarray of shape (n, k) or None
        Features of the logistic regression with its intercept; None without one.
    scores : ndarray of shape (n, c) or None
        Residuals times sample weight: their product with features adds up to zero.
    hessian : ndarray of shape (c * k, c * k) or None
        Minus the derivative of these sums.
    known : bool
        Whether nothing was estimated.
    """

    values: np.ndarray
    features: np.ndarray | None = None
    scores: np.ndarray | None = None
    hessian: np.ndarray | None = None
    known: bool = False


def default_propensity_model() -> Any:
    """Return logistic regression by maximum likelihood, without a penalty."""
    logit = LogisticRegression(
        C=np.inf, solver="newton-cholesky", tol=1e-12, max_iter=200
    )
    return make_pipeline(StandardScaler(), logit)


def with_known_propensity(data: CausalData, model: Any) -> CausalData:
    """Attach probabilities known by design to the rows."""
    if data.known_propensity is not None or not isinstance(model, KnownPropensity):
        return data
    return replace(data, known_propensity=model.for_rows(data.arms, data.n_rows))


def fit_propensity(
    data: CausalData, model: Any, random_state: Any, owner: str
) -> Propensity:
    """Fit the model of the arms on all rows and predict these."""
    if data.known_propensity is not None:
        return Propensity(data.known_propensity, known=True)
    assert data.arms is not None
    check_model(PROPENSITY, model, data, owner)
    role = f"{owner}: propensity_model"
    chosen = default_propensity_model() if model is None else model
    fitted = fresh_copy(chosen, random_state)
    with warnings.catch_warnings():
        if model is None:  # what separation does to the fit is an error below
            warnings.simplefilter("ignore")
        fit_model(fitted, data.X, data.treatment, data.sample_weight, role)
        values = arm_probabilities(fitted, data.X, data.arms, role)
    if not is_parametric(model):
        return Propensity(values)
    return _with_equation(fitted, data, values)


def is_parametric(model: Any) -> bool:
    """Tell whether a model is a logistic regression with a known influence."""
    if model is None or isinstance(model, KnownPropensity):
        return True
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    return (
        isinstance(last, LogisticRegression)
        and last.class_weight is None
        and last.solver != "liblinear"
        and not last.l1_ratio
        and last.get_params().get("penalty") not in ("l1", "elasticnet")
    )


def _with_equation(fitted: Any, data: CausalData, values: np.ndarray) -> Propensity:
    """Add the estimating equation of a logistic regression."""
    pipeline = isinstance(fitted, Pipeline)
    last = fitted.steps[-1][1] if pipeline else fitted
    features = fitted[:-1].transform(data.X) if pipeline else data.X
    if hasattr(features, "toarray"):
        features = features.toarray()
    features = np.asarray(features, dtype=float)
    penalty = np.full(features.shape[1], 1 / last.C)
    if last.fit_intercept:
        features = np.column_stack([features, np.ones(data.n_rows)])
        penalty = np.append(penalty, 0.0)
    columns = slice(1, None) if data.n_arms == 2 else slice(None)
    p = values[:, columns]
    scores = data.weights[:, None] * (data.arm_indicators()[:, columns] - p)
    hessian = _logistic_hessian(features, p, data.weights)
    hessian += np.diag(np.tile(penalty, p.shape[1]))
    return Propensity(values, features, scores, hessian)


def _logistic_hessian(
    features: np.ndarray, p: np.ndarray, weight: np.ndarray
) -> np.ndarray:
    """Return the Hessian of the log-likelihood, blocks ordered by column of p."""
    blocks = [
        [
            features.T @ (features * (weight * p[:, k] * ((k == m) - p[:, m]))[:, None])
            for m in range(p.shape[1])
        ]
        for k in range(p.shape[1])
    ]
    return np.block(blocks)


def check_separation(values: np.ndarray, owner: str) -> None:
    """Refuse propensities of zero: covariates that tell which arm a row is in."""
    certain = (values < _CERTAIN).any(axis=1)
    if certain.any():
        raise InfeasibleBalanceError(
            f"{owner}: {int(certain.sum())} of {values.shape[0]} rows have a "
            "propensity of 0 or 1 (separation): the covariates tell their arm, so no "
            "row of another arm can stand for them. Drop the covariate that decides "
            "the arm, leave these rows out (CrumpTrimming), or ask about the overlap "
            "(OverlapWeights)."
        )


def warn_of_low(values: np.ndarray, owner: str, stacklevel: int = 5) -> None:
    """Warn of propensities that make a few rows stand for very many."""
    low = int((values < _LOW).any(axis=1).sum())
    if low:
        warnings.warn(
            f"{owner}: {low} of {values.shape[0]} rows have a propensity below {_LOW}: "
            "rows like them get weights above 100. Consider OverlapWeights, "
            "EntropyBalancing, or trimming with CrumpTrimming.",
            OverlapWarning,
            stacklevel=stacklevel,
        )
