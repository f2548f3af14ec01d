"""Propensities known by design."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin


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

    def __sklearn_tags__(self) -> Any:
        """Take any covariates: none is looked at."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags

    def _table_per_row(
        self, values: np.ndarray, n_rows: int, n_arms: int
    ) -> np.ndarray:
        if values.ndim == 1:
            values = np.column_stack([1 - values, values])
        if values.shape != (n_rows, n_arms):
            raise ValueError(
                f"KnownPropensity: per-row probabilities have shape {values.shape}, "
                f"but the data need ({n_rows}, {n_arms}). Inside scikit-learn's tools "
                "use causal_target(..., propensity=...), which is sliced with the rows."
            )
        return values
