"""What all forest estimators share: predictions, intervals, out-of-bag, access."""

from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse
from scipy.stats import norm
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._base import EffectLearner
from skcausal.estimation._models import allows
from skcausal.estimation.forests._parameters import number_of_bags
from skcausal.utils._validation import missing_rows


class HonestForest(EffectLearner):
    """Base of forests: a subclass sets ``forest_``, ``_bins``, ``_rows``."""

    _allows_continuous: ClassVar[bool] = True
    _allows_several_arms: ClassVar[bool] = False

    def _predicted(self, X: Any, with_variance: bool) -> tuple[np.ndarray, np.ndarray]:
        return self.forest_.predict(
            self._bins.transform(X), with_variance=with_variance, n_jobs=self.n_jobs
        )

    def _contrast_effects(self, X: Any) -> np.ndarray:
        return self._predicted(X, False)[0][:, None]

    def _level_effects(self, X: Any, treated: Any, control: Any) -> np.ndarray:
        change = np.asarray(treated, dtype=float) - np.asarray(control, dtype=float)
        return self._predicted(X, False)[0] * change

    @available_if(lambda self: number_of_bags(self) < self.n_estimators)
    def effect_interval(
        self, X: Any, *, level: float = 0.95
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return pointwise confidence intervals of the effects.

        Available when trees share little bags (``n_groups`` below ``n_estimators``).

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.
        level : float, default=0.95
            Confidence level in (0, 1).

        Returns
        -------
        lower, upper : ndarray of shape (n,)
            Bounds for the forest's expectation of the effect: sampling variance and
            the variance of finitely many trees, but no bias.
        """
        check_is_fitted(self, "forest_")
        estimates, variances = self._predicted(self._check_X(X, reset=False), True)
        return normal_interval(estimates, variances, level)

    def oob_interval(self, *, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Return out-of-bag confidence intervals of the training rows' effects.

        Parameters
        ----------
        level : float, default=0.95
            Confidence level in (0, 1).

        Returns
        -------
        lower, upper : ndarray of shape (n,)
            Bounds as ``effect_interval`` gives them, from trees that did not see a row.
        """
        estimates, variances = self._out_of_bag(with_variance=True)
        return normal_interval(estimates, variances, level)

    @cached_property
    def oob_effects_(self) -> np.ndarray:
        """Out-of-bag effects of the training rows."""
        return self._out_of_bag(with_variance=False)[0]

    @property
    def feature_importances_(self) -> np.ndarray:
        """Shares of the splits on each feature."""
        check_is_fitted(self, "forest_")
        return self.forest_.split_shares(self.n_features_in_)

    def apply(self, X: Any) -> np.ndarray:
        """Return the leaf of each row in each tree.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.

        Returns
        -------
        leaves : ndarray of shape (n, n_estimators)
            Numbers of leaves, counted through all trees.
        """
        check_is_fitted(self, "forest_")
        codes = self._bins.transform(self._check_X(X, reset=False))
        return self.forest_.leaves(codes)

    def forest_weights(self, X: Any) -> Any:
        """Return the weights that the forest gives the training rows for new rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.

        Returns
        -------
        weights : sparse array of shape (n, n_training_rows)
            Rows add up to one; row i is the kernel around ``X[i]``.
        """
        self._training_data("forest_weights")
        codes = self._bins.transform(self._check_X(X, reset=False))
        return self.forest_.weights(codes, self._rows)

    def _check_X(self, X: Any, *, reset: bool) -> Any:
        if issparse(X):
            raise TypeError(
                f"{type(self).__name__}: sparse input is not supported, because trees "
                "bin dense columns. Pass X.toarray()."
            )
        checked = super()._check_X(X, reset=reset)
        takes_missing = allows(list(self._models().values()), "nan")
        if not (reset or takes_missing) and missing_rows(checked).any():
            raise ValueError(
                f"{type(self).__name__}.effect: X contains NaN, which the base models "
                "of this forest do not take. Use base models that do (None is "
                "LightGBM), or impute X."
            )
        return checked

    def _out_of_bag(self, *, with_variance: bool) -> tuple[np.ndarray, np.ndarray]:
        check_is_fitted(self, "forest_")
        self._training_data("oob_effects_")
        drawn = self.forest_.drawn_rows(self._rows)
        estimates, variances = self.forest_.predict(
            self._rows.codes,
            with_variance=with_variance,
            drawn=drawn,
            n_jobs=self.n_jobs,
        )
        missing = int(np.isnan(estimates).sum())
        if missing:
            raise ValueError(
                f"{type(self).__name__}: {missing} rows have no out-of-bag effect, "
                f"because too few of the {self.n_estimators} trees left them out. "
                "Raise n_estimators."
            )
        return estimates, variances

    def __getstate__(self) -> dict[str, Any]:
        """Leave the training rows out of a pickle."""
        state = super().__getstate__()
        state.pop("_rows", None)
        return state

    def __sklearn_tags__(self) -> Any:
        """Refuse sparse input, whatever the base models take."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags


def normal_interval(
    estimates: np.ndarray, variances: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper bounds of normal intervals."""
    if not 0 < level < 1:
        raise ValueError(
            f"effect_interval: level must lie between 0 and 1, got {level}."
        )
    margin = norm.ppf(0.5 + level / 2) * np.sqrt(variances)
    return estimates - margin, estimates + margin
