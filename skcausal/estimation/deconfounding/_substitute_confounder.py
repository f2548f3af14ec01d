"""The substitute confounder as a transformer, for any learner in a Pipeline."""

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted

from skcausal.estimation._models import fresh_copy
from skcausal.estimation.deconfounding._columns import (
    cause_positions,
    check_causes,
    checked_table,
    names_of,
    numbers,
)
from skcausal.estimation.deconfounding._ppca import PPCAFactorModel
from skcausal.utils._validation import append_columns, is_pandas


class SubstituteConfounder(TransformerMixin, BaseEstimator):
    r"""Add to a table what its causes share: the substitute confounder.

    A step of a Pipeline before any learner, which then adjusts for the substitute
    confounder as for a covariate.

    Parameters
    ----------
    factor_model : factor model, default=None
        ``PPCAFactorModel`` and others; None is a ``PPCAFactorModel`` with a quarter as
        many components as causes, at most 10.
    causes : column selector, default=None
        Names, positions, a slice, a boolean mask, or a callable of X such as
        ``sklearn.compose.make_column_selector``; None is every column.
    keep_causes : bool, default=True
        Whether the causes stay in the table beside the substitute confounder. Leave
        them out where the treatment is one of them: with it among the covariates no
        row has a comparable one.
    random_state : int, RandomState instance or None, default=None
        Seed of a factor model that has none.

    Attributes
    ----------
    factor_model_ : factor model
        The fitted one.
    causes_ : list
        Names (or positions) of the causes.
    n_features_in_ : int
        Number of columns seen in ``fit``.
    feature_names_in_ : ndarray of str
        Their names, if they have any.

    Notes
    -----
    Assumes that every hidden confounder of the treatment is shared by several causes,
    and that the factor model finds it: with
    :math:`a_{ij} \mid z_i \sim p(a_{ij} \mid z_i, w_j)` the new columns are
    :math:`\hat z_i = E[z_i \mid a_i]`. The outcome never enters. They are an estimate:
    what it misses of the confounder stays unadjusted.

    References
    ----------
    Wang, Y. and Blei, D. M. (2019). The blessings of multiple causes. Journal of the
    American Statistical Association 114(528). https://arxiv.org/abs/1805.06826

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.estimation.deconfounding import SubstituteConfounder
    >>> random = np.random.default_rng(0)
    >>> A = random.normal(size=(100, 1)) + random.normal(size=(100, 6))
    >>> SubstituteConfounder().fit_transform(A).shape
    (100, 7)
    """

    def __init__(
        self,
        factor_model: Any = None,
        *,
        causes: Any = None,
        keep_causes: bool = True,
        random_state: Any = None,
    ) -> None:
        self.factor_model = factor_model
        self.causes = causes
        self.keep_causes = keep_causes
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Fit the factor model to the causes.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Causes and covariates.
        y : Ignored
            The outcome must not enter.

        Returns
        -------
        self : SubstituteConfounder
            The fitted transformer.

        Raises
        ------
        ValueError
            If the causes are fewer than two or do not vary.
        """
        owner = "SubstituteConfounder.fit"
        table = checked_table(self, X, reset=True, numeric=False)
        self._positions = cause_positions(table, self.causes, owner)
        A = numbers(table, self._positions)
        self.causes_ = names_of(table, self._positions)
        check_causes(A, self.causes_, owner)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        model = self.factor_model or default_factor_model(A.shape[1])
        self.factor_model_ = fresh_copy(model, seed).fit(A)
        self._n_components = self.factor_model_.transform(A[:1]).shape[1]
        return self

    def transform(self, X: Any) -> Any:
        """Return the table with the substitute confounder on the right.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Causes and covariates.

        Returns
        -------
        X_new : ndarray or DataFrame of shape (n, n_columns)
            Columns of X (without the causes if ``keep_causes`` is False), then the
            substitute confounder; a DataFrame if X is one.
        """
        check_is_fitted(self)
        table = checked_table(self, X, reset=False, numeric=False)
        z = self.factor_model_.transform(numbers(table, self._positions))
        kept = self._kept()
        if is_pandas(table):
            names = [f"substitute_{k}" for k in range(self._n_components)]
            return append_columns(table.iloc[:, kept], z, names)
        return np.hstack([table[:, kept], z])

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Return the names of the columns that ``transform`` returns.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the columns of X where it had none.

        Returns
        -------
        names : ndarray of str
            Names of the kept columns, then "substitute_0" and so on.
        """
        check_is_fitted(self)
        names = _check_feature_names_in(self, input_features)
        own = [f"substitute_{k}" for k in range(self._n_components)]
        return np.concatenate([names[self._kept()], np.array(own, dtype=object)])

    def _kept(self) -> np.ndarray:
        """Return the positions of the columns that stay."""
        every = np.arange(self.n_features_in_)
        return every if self.keep_causes else np.setdiff1d(every, self._positions)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def default_factor_model(n_causes: int) -> PPCAFactorModel:
    """Return a model with few factors for the number of causes."""
    return PPCAFactorModel(max(1, min(10, n_causes // 4)))
