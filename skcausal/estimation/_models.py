"""Base models: defaults sized by the data, weighted fits, predicted means."""

from typing import Any

import numpy as np
from sklearn import config_context
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    clone,
    is_classifier,
)
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble._base import _BaseHeterogeneousEnsemble
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter


def _default_parameters(n_rows: int) -> dict[str, Any]:
    """Return LightGBM settings whose capacity grows with the number of rows."""
    n_leaves = int(np.clip(8 * (n_rows / 2000) ** 0.5, 8, 31))
    n_trees = int(np.clip(100 * (n_rows / 1000) ** 0.3, 60, 400))
    return {
        "n_estimators": n_trees,
        "num_leaves": n_leaves,
        "learning_rate": 0.05,
        "min_child_samples": int(np.clip(n_rows // 40, 5, 20)),
        "subsample": 0.8,
        "subsample_freq": 1,
        "n_jobs": 0,
        "verbose": -1,
        "deterministic": True,
        "force_col_wise": True,
    }


def default_regressor(n_rows: int) -> Any:
    """Return the regressor used where no model is given.

    LightGBM with few leaves, small steps and row subsampling: factory settings overfit
    small samples, which ruins the inference built on them.

    Parameters
    ----------
    n_rows : int
        Number of rows the model will be trained on.

    Returns
    -------
    model : lightgbm.LGBMRegressor
        Unfitted regressor; it obeys OMP_NUM_THREADS.

    Examples
    --------
    >>> from skcausal.estimation import default_regressor
    >>> default_regressor(1000).num_leaves
    8
    """
    from lightgbm import LGBMRegressor

    return LGBMRegressor(**_default_parameters(n_rows))


def default_classifier(n_rows: int) -> Any:
    """Return the classifier used where no model is given.

    Parameters
    ----------
    n_rows : int
        Number of rows the model will be trained on.

    Returns
    -------
    model : lightgbm.LGBMClassifier
        Unfitted classifier; it obeys OMP_NUM_THREADS.

    Examples
    --------
    >>> from skcausal.estimation import default_classifier
    >>> default_classifier(1000).subsample
    0.8
    """
    from lightgbm import LGBMClassifier

    return LGBMClassifier(**_default_parameters(n_rows))


class KnownPropensity(ClassifierMixin, BaseEstimator):
    """Propensity known by design: what a randomised experiment assigned.

    Pass it as ``propensity_model`` or ``treatment_model``; nothing is estimated then,
    and a doubly robust estimate is protected against any outcome model.

    Parameters
    ----------
    probability : float, dict or array-like of shape (n,) or (n, n_arms), default=0.5
        Probability of the treated arm (two arms); or a mapping label -> probability;
        or known probabilities per training row (columns: control first, then the
        other arms in sorted order).

    Notes
    -----
    Assumes the assignment really followed these probabilities: check the sample ratio.
    Probabilities per row belong to the rows of one ``fit``; inside scikit-learn's tools
    use ``causal_target(..., propensity=...)``, which is sliced with the rows.

    Examples
    --------
    >>> from skcausal.estimation import KnownPropensity
    >>> KnownPropensity(0.3).for_rows([0, 1], n_rows=2).tolist()
    [[0.7, 0.3], [0.7, 0.3]]
    """

    def __init__(self, probability: Any = 0.5) -> None:
        self.probability = probability

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "KnownPropensity":
        """Remember the labels; there is nothing to estimate.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Ignored.
        y : array-like of shape (n,)
            Arms.
        sample_weight : array-like of shape (n,), default=None
            Ignored.

        Returns
        -------
        self : KnownPropensity
            The fitted object.
        """
        self.classes_ = np.unique(y)
        self.n_features_in_ = np.shape(X)[1]
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Return the known probabilities.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Rows; only their number matters.

        Returns
        -------
        probability : ndarray of shape (n, n_arms)
            One column per arm.
        """
        return self.for_rows(self.classes_, n_rows=np.shape(X)[0])

    def predict(self, X: Any) -> np.ndarray:
        """Return the most probable arm.

        Parameters
        ----------
        X : array-like of shape (n, n_features)
            Rows; only their number matters.

        Returns
        -------
        arm : ndarray of shape (n,)
            Labels.
        """
        return self.classes_[self.predict_proba(X).argmax(axis=1)]

    def for_rows(self, arms: Any, n_rows: int) -> np.ndarray:
        """Return the probabilities of given arms for a number of rows.

        Parameters
        ----------
        arms : sequence
            Labels, control first.
        n_rows : int
            Number of rows.

        Returns
        -------
        probability : ndarray of shape (n_rows, n_arms)
            One column per arm, in the order of ``arms``.

        Raises
        ------
        ValueError
            If probabilities do not fit the arms or the rows, or are not in (0, 1).
        """
        arms = np.asarray(arms).tolist()
        given = self.probability
        if isinstance(given, dict):
            if set(given) != set(arms):
                raise ValueError(
                    "KnownPropensity: probability names the arms "
                    f"{sorted(given, key=str)}, but the treatment has {arms}."
                )
            table = np.tile([given[arm] for arm in arms], (n_rows, 1)).astype(float)
        elif np.ndim(given) == 0:
            if len(arms) != 2:
                raise ValueError(
                    f"KnownPropensity: one probability fits two arms, got {len(arms)} "
                    f"({arms}). Give a mapping label -> probability."
                )
            table = np.tile([1 - given, given], (n_rows, 1)).astype(float)
        else:
            table = self._table_per_row(
                np.asarray(given, dtype=float), n_rows, len(arms)
            )
        if (table <= 0).any() or not np.allclose(table.sum(axis=1), 1):
            raise ValueError(
                "KnownPropensity: probabilities must lie strictly between 0 and 1 and "
                f"add up to 1 over the arms, got {given!r}."
            )
        return table

    def _table_per_row(
        self, values: np.ndarray, n_rows: int, n_arms: int
    ) -> np.ndarray:
        if values.ndim == 1:
            values = np.column_stack([1 - values, values])
        if values.shape != (n_rows, n_arms):
            raise ValueError(
                f"KnownPropensity: per-row probabilities have shape {values.shape}, "
                f"but the data need ({n_rows}, {n_arms}). Inside scikit-learn's tools use "
                "causal_target(..., propensity=...), which is sliced with the rows."
            )
        return values


class ConstantModel(RegressorMixin, BaseEstimator):
    """Predicts one number: stands in where a training part has a single outcome."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def fit(self, X: Any, y: Any) -> "ConstantModel":
        """Do nothing."""
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the constant for each row."""
        return np.full(X.shape[0], self.value)


def weight_parameter(model: Any) -> str | None:
    """Return the fit parameter that carries weights through a model; None if none does.

    A Pipeline hands them to its last step, a search to its estimator, an ensemble to
    all its members; a frozen model is not fitted, so any weights suit it.
    """
    if isinstance(model, FrozenEstimator):
        return "sample_weight"
    if isinstance(model, Pipeline):
        name, last = model.steps[-1]
        inner = weight_parameter(last)
        return None if inner is None else f"{name}__{inner}"
    if isinstance(model, BaseSearchCV):
        return weight_parameter(model.estimator)
    if isinstance(model, TransformedTargetRegressor):
        regressor = model.regressor
        return "sample_weight" if regressor is None else weight_parameter(regressor)
    if isinstance(model, _BaseHeterogeneousEnsemble):
        members = [member for _, member in model.estimators if member != "drop"]
        plain = {weight_parameter(member) for member in members} == {"sample_weight"}
        return "sample_weight" if plain else None
    return "sample_weight" if has_fit_parameter(model, "sample_weight") else None


def fit_model(
    model: Any, X: Any, target: np.ndarray, weight: np.ndarray | None, role: str
) -> Any:
    """Fit a base model in place, with weights where given, and return it.

    Metadata routing is off inside: it would ask the user to set a request on every
    step of every base model.
    """
    with config_context(enable_metadata_routing=False):
        if weight is None:
            return model.fit(X, target)
        parameter = weight_parameter(model)
        if parameter is None:
            raise ValueError(
                f"{role}={model!r} cannot take sample weights, which this fit needs. "
                "Use a model whose fit has a sample_weight parameter, or leave the "
                "weights out (an R-learner always needs a weighted effect_model)."
            )
        return model.fit(X, target, **{parameter: weight})


def fresh_copy(model: Any, seed: int | None) -> Any:
    """Clone a base model and seed every random state that is still free."""
    copy = clone(model)
    if seed is not None:
        parameters = copy.get_params(deep=True)
        free = {
            name: seed
            for name, value in parameters.items()
            if value is None and name.rsplit("__", 1)[-1] == "random_state"
        }
        if free:
            copy.set_params(**free)
    return copy


def is_classifier_model(model: Any) -> bool:
    """Tell whether a base model predicts class probabilities."""
    return is_classifier(model) or isinstance(model, KnownPropensity)


def predict_mean(model: Any, X: Any) -> np.ndarray:
    """Predict the mean outcome: a classifier's probability of 1, else ``predict``."""
    if is_classifier_model(model):
        return model.predict_proba(X)[:, list(model.classes_).index(1)]
    return np.asarray(model.predict(X), dtype=float).reshape(X.shape[0])


def arm_probabilities(model: Any, X: Any, arms: np.ndarray, role: str) -> np.ndarray:
    """Predict the probabilities of arms, shape (n, n_arms), in the order of ``arms``.

    Models are fitted on arm codes, which are in this order. A frozen one was fitted
    on labels, whose sorted order need not put the control first.
    """
    table = np.asarray(model.predict_proba(X))
    last = model.steps[-1][1] if isinstance(model, Pipeline) else model
    if not isinstance(last, FrozenEstimator):
        return table
    classes, labels = np.asarray(model.classes_).tolist(), np.asarray(arms).tolist()
    if set(classes) != set(labels):
        raise ValueError(
            f"{role} is frozen and knows the arms {classes}, but the treatment has "
            f"{labels}. Freeze a model that was fitted on the labels of the treatment."
        )
    return table[:, [classes.index(label) for label in labels]]


def check_effect_model(model: Any, owner: str) -> None:
    """Refuse an effect model that is no regressor, before nuisances are fitted."""
    if model is None:
        return
    role = f"{owner}: effect_model={model!r}"
    if not is_estimator(model):
        raise TypeError(
            f"{role} must be a scikit-learn estimator instance or None (the default)."
        )
    if is_classifier_model(model):
        raise ValueError(
            f"{role} is a classifier, but effects are numbers. Use a regressor."
        )


def is_estimator(model: Any) -> bool:
    """Tell whether an object is an instance that can be cloned and fitted."""
    is_instance = not isinstance(model, type)
    return is_instance and hasattr(model, "fit") and hasattr(model, "get_params")


def allows(models: list[Any], tag: str) -> bool:
    """Tell whether all given base models allow ``"nan"`` or ``"sparse"`` input."""
    attribute = {"nan": "allow_nan", "sparse": "sparse"}[tag]
    return all(
        getattr(get_tags(model).input_tags, attribute)
        for model in models
        if is_estimator(model)
    )
