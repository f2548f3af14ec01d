"""The outcome given causes, covariates and what stands for the confounder."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.linear_model._base import LinearModel

from skcausal.estimation._models import predict_mean
from skcausal.estimation.deconfounding._bayes_linear import BayesianLinear

ADJUSTMENTS = ("substitute", "reconstruction", "residual", "none")
OUTCOME_MODELS = ("bayes_linear", "ridge", "logistic")


@dataclass(frozen=True)
class Rows:
    """Rows as the outcome model needs them.

    Attributes
    ----------
    causes : ndarray of shape (n, n_causes)
    covariates : ndarray of shape (n, n_covariates)
    confounder : ndarray of shape (n, n_columns)
        Substitute confounder or expected causes; no column for "none".
    """

    causes: np.ndarray
    covariates: np.ndarray
    confounder: np.ndarray

    def with_causes(self, causes: np.ndarray) -> "Rows":
        """Return the same rows under other causes; the confounder stays."""
        return Rows(causes, self.covariates, self.confounder)

    def with_confounder(self, confounder: np.ndarray) -> "Rows":
        """Return the same rows with another confounder."""
        return Rows(self.causes, self.covariates, confounder)


def is_binary(values: np.ndarray) -> np.ndarray:
    """Tell which columns hold zeros and ones only."""
    return np.asarray(((values == 0) | (values == 1)).all(axis=0))


@dataclass(frozen=True)
class OutcomeFit:
    """A fitted outcome model and the scales of its columns.

    Binary columns keep their units; others are divided by their standard deviation,
    so that one prior or penalty suits all.
    """

    model: Any
    adjust: str
    center: np.ndarray
    scale: np.ndarray
    n_causes: int
    noise_std: float

    def expected(self, rows: Rows) -> np.ndarray:
        """Return the expected outcome, a probability for a classifier."""
        if self.is_linear:
            return self._sum_of_products(rows)
        design = (_columns(rows, self.adjust) - self.center) / self.scale
        return predict_mean(self.model, design)

    def _sum_of_products(self, rows: Rows) -> np.ndarray:
        """Return the linear predictor without copying the causes."""
        slopes = self.slopes(np.ravel(self.model.coef_))
        m, k = self.n_causes, self.n_causes + rows.covariates.shape[1]
        confounder = -slopes[:m] if self.adjust == "residual" else slopes[k:]
        return np.asarray(
            self.model.intercept_
            - self.center @ slopes
            + rows.causes @ slopes[:m]
            + rows.covariates @ slopes[m:k]
            + rows.confounder @ confounder
        )

    @property
    def is_classifier(self) -> bool:
        """Whether the outcome is a class, and its expectation a probability."""
        return bool(is_classifier(self.model))

    @property
    def is_linear(self) -> bool:
        """Whether the expected outcome is linear in its columns: no link function."""
        return isinstance(self.model, (BayesianLinear, LinearModel))

    @property
    def coefficients(self) -> np.ndarray:
        """Coefficients of the causes in their own units; NaN where there are none."""
        if not hasattr(self.model, "coef_"):
            return np.full(self.n_causes, np.nan)
        return self.slopes(np.ravel(self.model.coef_))[: self.n_causes]

    @property
    def standard_errors(self) -> np.ndarray:
        """Posterior standard deviations of these coefficients, NaN without any."""
        if not isinstance(self.model, BayesianLinear):
            return np.full(self.n_causes, np.nan)
        return (self.model.standard_errors_ / self.scale)[: self.n_causes]

    @property
    def effective_dof(self) -> float:
        """Effective number of parameters; NaN where the model does not tell."""
        return float(getattr(self.model, "effective_dof_", np.nan))

    def slopes(self, coefficients: np.ndarray) -> np.ndarray:
        """Return coefficients of the unscaled columns."""
        return np.asarray(coefficients / self.scale)


def fit_outcome(model: Any, rows: Rows, y: np.ndarray, adjust: str) -> OutcomeFit:
    """Fit an outcome model to rows; columns get a common scale first."""
    columns = _columns(rows, adjust)
    plain = is_binary(columns)
    if adjust == "residual":
        plain[: rows.causes.shape[1]] = is_binary(rows.causes)
    spread = columns.std(axis=0)
    keep = plain | (spread == 0)
    center = np.where(keep, 0.0, columns.mean(axis=0))
    scale = np.where(keep, 1.0, spread)
    design = (columns - center) / scale
    fitted = clone(model).fit(design, y)
    noise = getattr(fitted, "noise_std_", None)
    if noise is None:
        noise = np.std(y - predict_mean(fitted, design))
    return OutcomeFit(fitted, adjust, center, scale, rows.causes.shape[1], float(noise))


def make_outcome_model(chosen: Any, prior_scale: float | None, owner: str) -> Any:
    """Return the outcome model that a name or an estimator stands for."""
    if chosen == "bayes_linear":
        return BayesianLinear(prior_scale)
    if chosen == "ridge":
        return Ridge()
    if chosen == "logistic":
        return LogisticRegression(max_iter=1000)
    if isinstance(chosen, str) or not hasattr(chosen, "fit"):
        raise ValueError(
            f"{owner}: outcome_model must be one of {', '.join(OUTCOME_MODELS)} or a "
            f"regressor or classifier of scikit-learn, got {chosen!r}."
        )
    return chosen


def confounder_of(adjust: str, factor_model: Any, causes: np.ndarray) -> np.ndarray:
    """Return what stands for the confounder, from the causes alone."""
    if adjust == "none":
        return np.empty((causes.shape[0], 0))
    if adjust == "substitute":
        return np.asarray(factor_model.transform(causes), dtype=float)
    return np.asarray(factor_model.reconstruct(causes), dtype=float)


def _columns(rows: Rows, adjust: str) -> np.ndarray:
    if adjust == "residual":
        return np.hstack([rows.causes - rows.confounder, rows.covariates])
    return np.hstack([rows.causes, rows.covariates, rows.confounder])
