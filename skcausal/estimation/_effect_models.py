"""Second-stage models of the effect, and the inference of linear ones."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline

from skcausal.estimation._defaults import default_effect_model
from skcausal.estimation._models import fit_model, fresh_copy
from skcausal.inference._least_squares import (
    cluster_sums,
    inverse_gram,
    leave_one_out_factors,
)
from skcausal.utils._validation import is_pandas, take_rows


def select_features(X: Any, features: Any, owner: str) -> Any:
    """Return the columns the effect may vary with; all of them for None."""
    if features is None:
        return X
    names = list(X.columns) if is_pandas(X) else None
    try:
        if all(isinstance(feature, str) for feature in features):
            if names is None:
                raise ValueError(
                    f"{owner}: effect_features={features!r} are names, but X has none. "
                    "Pass a DataFrame, or give column indices."
                )
            return X[list(features)]
        positions = np.asarray(features)
        return X.iloc[:, positions] if names is not None else X[:, positions]
    except (KeyError, IndexError):
        raise ValueError(
            f"{owner}: effect_features={features!r} must name columns of X, which has "
            f"{names if names is not None else X.shape[1]} columns."
        ) from None


class AverageModel:
    """The mean of fitted regressors.

    Parameters
    ----------
    estimators : list of fitted regressors
        Kept as ``estimators_``.
    """

    def __init__(self, estimators: list[Any]) -> None:
        self.estimators_ = estimators

    @property
    def n_features_in_(self) -> int:
        """Number of features of the regressors."""
        return int(self.estimators_[0].n_features_in_)

    def predict(self, X: Any) -> np.ndarray:
        """Return the mean prediction of each row."""
        return predict_effects(self.estimators_, X).mean(axis=1)


def fit_effect_models(
    model: Any,
    X: Any,
    targets: np.ndarray,
    weights: np.ndarray | None,
    *,
    seed: int,
    owner: str,
    parts: list[np.ndarray] | None = None,
    default: Callable[[int], Any] = default_effect_model,
) -> list[Any]:
    """Fit one effect model per column of ``targets`` (n, k), weights (n, k) or None.

    With ``parts`` (positions of rows) each part trains a model, and their mean counts.
    """
    if parts is not None:
        members = [
            fit_effect_models(
                model,
                take_rows(X, rows),
                targets[rows],
                None if weights is None else weights[rows],
                seed=seed,
                owner=owner,
                default=default,
            )
            for rows in parts
        ]
        return [AverageModel(list(column)) for column in zip(*members, strict=True)]
    fitted = []
    for column in range(targets.shape[1]):
        weight = None if weights is None else weights[:, column]
        n_rows = targets.shape[0]
        unfitted = model if model is not None else default(n_rows)
        copy = fresh_copy(unfitted, seed + column)
        fitted.append(
            fit_model(copy, X, targets[:, column], weight, f"{owner}: effect_model")
        )
    return fitted


def predict_effects(models: list[Any], X: Any) -> np.ndarray:
    """Return the predictions of the effect models side by side, shape (n, k)."""
    return np.column_stack(
        [np.asarray(m.predict(X)).reshape(X.shape[0]) for m in models]
    )


def is_linear(model: Any) -> bool:
    """Tell whether a model is ordinary least squares, perhaps after transformers."""
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    return type(last) is LinearRegression and not last.positive


def design_matrix(model: Any, X: Any) -> np.ndarray:
    """Return the columns a fitted linear model multiplies by its coefficients."""
    last = model
    if isinstance(model, Pipeline):
        last = model.steps[-1][1]
        if len(model.steps) > 1:
            X = model[:-1].transform(X)
    dense = X.toarray() if hasattr(X, "toarray") else np.asarray(X, dtype=float)
    if not last.fit_intercept:
        return dense
    return np.column_stack([np.ones(dense.shape[0]), dense])


@dataclass(frozen=True, eq=False)
class LinearInference:
    """Sandwich covariance of a weighted least squares effect model.

    Parameters
    ----------
    covariance : ndarray of shape (n_columns, n_columns)
        Covariance of the coefficients, intercept first.
    n_groups : int or None
        Number of clusters, None for independent rows.
    """

    covariance: np.ndarray
    n_groups: int | None

    @classmethod
    def of(
        cls,
        model: Any,
        X: Any,
        target: np.ndarray,
        weight: np.ndarray,
        groups: np.ndarray | None,
    ) -> "LinearInference":
        """Compute (Z'WZ)^-1 [sum of g g'] (Z'WZ)^-1 with g = w e z per row or group.

        White (1980), with the factor n / (n - rank of Z), for independent rows. For
        clusters the jackknife (CR3; Bell & McCaffrey 2002): every cluster's moment is
        divided by one minus its leverage, without which few clusters undercover.
        """
        Z = design_matrix(model, X)
        residual = target - model.predict(X)
        bread, rank = inverse_gram(Z, weight)
        moments = Z * (weight * residual)[:, None]
        if groups is None:
            factor = Z.shape[0] / max(Z.shape[0] - rank, 1)
            return cls(factor * bread @ (moments.T @ moments) @ bread, None)
        codes = np.unique(groups, return_inverse=True)[1]
        factors = leave_one_out_factors(Z, weight, codes, bread)
        moments = np.einsum("gij,gj->gi", factors, cluster_sums(moments, codes))
        n_groups = moments.shape[0]
        factor = (n_groups - 1) / n_groups
        return cls(factor * bread @ (moments.T @ moments) @ bread, n_groups)

    def standard_errors(self, model: Any, X: Any) -> np.ndarray:
        """Return the standard error of the predicted effect of each row."""
        Z = design_matrix(model, X)
        return np.sqrt(np.einsum("ij,jk,ik->i", Z, self.covariance, Z))

    def critical_value(self, level: float) -> float:
        """Return the two-sided quantile: normal, or Student for clusters."""
        from scipy import stats

        tail = 0.5 + level / 2
        if self.n_groups is None:
            return float(stats.norm.ppf(tail))
        return float(stats.t(self.n_groups - 1).ppf(tail))


def linear_inferences(
    models: list[Any],
    X: Any,
    targets: np.ndarray,
    weights: np.ndarray | None,
    groups: np.ndarray | None,
) -> list[LinearInference | None]:
    """Return the inference of each fitted effect model, None where it is not linear."""
    if weights is None:
        weights = np.ones(targets.shape)
    return [
        LinearInference.of(model, X, targets[:, column], weights[:, column], groups)
        if is_linear(model)
        else None
        for column, model in enumerate(models)
    ]


def linear_interval(
    models: list[Any], inferences: list[Any], X: Any, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper bounds of the predicted effects of linear models."""
    if not 0 < level < 1:
        raise ValueError(
            f"effect_interval: level must lie between 0 and 1, got {level}."
        )
    effects = predict_effects(models, X)
    pairs = zip(models, inferences, strict=True)
    margin = np.column_stack(
        [one.critical_value(level) * one.standard_errors(m, X) for m, one in pairs]
    )
    lower, upper = effects - margin, effects + margin
    return (lower[:, 0], upper[:, 0]) if lower.shape[1] == 1 else (lower, upper)


def has_linear_effect(learner: Any) -> bool:
    """Tell whether a learner's effect model gives intervals in closed form."""
    one_model = getattr(learner, "n_effect_parts", 1) in ("auto", 1)
    if one_model and is_linear(learner.effect_model):
        return True
    raise AttributeError(
        f"{type(learner).__name__} has effect_interval only when effect_model is a "
        "LinearRegression (or a Pipeline that ends in one) fitted on all rows at once. "
        "Wrap the learner in skcausal.estimation.BootstrapEffect for intervals with "
        "any model."
    )
