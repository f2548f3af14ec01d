"""An effect learner that needs no treatment, for scikit-learn's own checks."""

import sys
import zlib
from functools import cache
from inspect import signature
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

_THIS_MODULE = sys.modules[__name__]


def treatment_from_rows(X: Any) -> np.ndarray:
    """Return a treatment that depends on the rows alone: the parity of a hash.

    Equal rows get equal arms, whatever their order; a split on X itself would destroy
    overlap. Input that is no table gets an alternating treatment, so that the
    estimator's own checks speak.
    """
    dense = X.toarray() if hasattr(X, "toarray") else X
    try:
        table = np.asarray(dense, dtype=np.float64)
    except (TypeError, ValueError):
        table = np.empty(0)
    if table.ndim != 2:
        n_rows = dense.shape[0] if np.ndim(dense) else len(dense)
        return np.arange(n_rows) % 2
    rows = np.ascontiguousarray(table)
    return np.array([zlib.crc32(row.tobytes()) >> 18 & 1 for row in rows], dtype=int)


class _PlainMixin:
    """Replaces ``fit`` and ``score`` by ones that make up a treatment."""

    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, groups: Any = None
    ) -> Any:
        """Fit with a treatment derived from the rows, its own instrument if needed."""
        treatment = treatment_from_rows(X)
        metadata = {"treatment": treatment, "sample_weight": sample_weight}
        if "instrument" in signature(super().fit).parameters:  # type: ignore[misc]
            metadata["instrument"] = treatment
        return super().fit(X, y, **metadata, groups=groups)  # type: ignore[misc]

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Score with a treatment derived from the rows."""
        treatment = treatment_from_rows(X)
        return super().score(  # type: ignore[misc]
            X, y, treatment=treatment, sample_weight=sample_weight
        )


@cache
def _plain_class(cls: Any) -> type:
    """Return (and register, so that pickle finds it) the plain subclass."""
    name = f"Plain{cls.__name__}"
    plain = type(name, (_PlainMixin, cls), {"__module__": __name__, "__doc__": ""})
    plain.__init__ = cls.__init__  # type: ignore[misc]
    setattr(_THIS_MODULE, name, plain)
    return plain


def as_plain_estimator(estimator: BaseEstimator) -> BaseEstimator:
    """Return the same estimator with a treatment made up from the rows.

    Parameters
    ----------
    estimator : estimator
        An effect learner.

    Returns
    -------
    plain : estimator
        Of a subclass with the same parameters whose ``fit(X, y)`` needs no treatment:
        what ``sklearn.utils.estimator_checks.check_estimator`` can check.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.estimation import TLearner
    >>> from skcausal.testing import as_plain_estimator
    >>> plain = as_plain_estimator(TLearner(LinearRegression()))
    >>> X = np.random.default_rng(0).normal(size=(40, 2))
    >>> plain.fit(X, X[:, 0]).predict(X).shape
    (40,)
    """
    parameters = estimator.get_params(deep=False)
    cls: Any = type(estimator)
    return _plain_class(cls)(**parameters)
