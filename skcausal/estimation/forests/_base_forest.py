"""What all forest estimators share: growing, intervals, out-of-bag, access."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import issparse
from scipy.stats import norm
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._base import EffectLearner
from skcausal.estimation._models import allows
from skcausal.estimation.forests._binning import FeatureBins
from skcausal.estimation.forests._parameters import (
    number_of_bags,
    tree_rules,
    tree_sampling,
    weights_of_rows,
)
from skcausal.utils._target import TargetParts
from skcausal.utils._validation import missing_rows


class ForestMixin(BaseEstimator):
    """Growing a forest and asking it, whatever it estimates."""

    n_estimators: int
    max_bins: int
    warm_start: bool
    n_jobs: int | None
    verbose: int
    n_features_in_: int
    _correction: Any
    _center: float = 0.0  # what was taken off the outcome before growing
    _check_X: Callable[..., Any]

    def _grow(
        self,
        kind: int,
        X: Any,
        targets: np.ndarray,
        weights: np.ndarray,
        groups: np.ndarray | None,
        seed: int,
    ) -> None:
        """Set ``forest_``, and ``_bins`` and ``_rows`` that it was grown on."""
        from skcausal.estimation.forests._plan import training_rows
        from skcausal.estimation.forests._planting import grow_more

        owner = f"{type(self).__name__}.fit"
        self.__dict__.pop("_oob_estimates", None)
        self._bins = FeatureBins.fit(X, self.max_bins, owner)
        self._rows = training_rows(X, targets, weights, groups, self._bins)
        earlier = getattr(self, "forest_", None) if self.warm_start else None
        self.forest_ = grow_more(
            earlier,
            kind,
            self._rows,
            tree_rules(self, self._rows.ordered.shape[0]),
            tree_sampling(self, self._rows, seed),
            self.n_estimators,
            n_jobs=self.n_jobs,
            verbose=self.verbose,
            owner=owner,
        )
        self._correction = None
        if getattr(self, "local_linear", None) is not None:
            from skcausal.estimation.forests._correction import LocalLinear

            self._correction = LocalLinear.fit(self.forest_, self._rows, X, self)

    def _companion(self, kind: int, targets: np.ndarray) -> np.ndarray:
        """Return out-of-bag estimates of another forest on the same rows."""
        from skcausal.estimation.forests._planting import grow_forest

        rows = replace(
            self._grown_on("average_effect"), targets=targets.astype(np.float32)
        )
        forest = grow_forest(
            kind,
            rows,
            tree_rules(self, rows.ordered.shape[0]),
            self.forest_.sampling,
            np.arange(self.n_estimators),
            n_jobs=self.n_jobs,
            owner=type(self).__name__,
        )
        drawn = forest.drawn_rows(rows)
        return forest.predict(rows.codes, drawn=drawn, n_jobs=self.n_jobs)[0]

    def _predicted(
        self, X: Any, *, with_variance: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return estimates and variances of checked covariates."""
        codes = self._bins.transform(X)
        columns = None
        if self._correction is not None:
            columns = self._correction.standardised(X, type(self).__name__)
        return self._solved(codes, columns, with_variance)

    def _solved(
        self,
        codes: np.ndarray,
        columns: np.ndarray | None,
        with_variance: bool,
        drawn: np.ndarray | None = None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return estimates and variances, corrected where ``columns`` are given."""
        if columns is None:
            return self.forest_.predict(
                codes, with_variance=with_variance, drawn=drawn, n_jobs=self.n_jobs
            )
        return self._correction.predict(
            self.forest_,
            codes,
            columns,
            with_variance=with_variance,
            drawn=drawn,
            n_jobs=self.n_jobs,
        )

    def _interval(self, X: Any, level: float) -> tuple[np.ndarray, np.ndarray]:
        check_is_fitted(self, "forest_")
        return normal_interval(
            *self._predicted(self._check_X(X, reset=False), with_variance=True), level
        )

    @available_if(lambda self: number_of_bags(self) < self.n_estimators)
    def oob_interval(self, *, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
        """Return confidence intervals of the training rows, out of bag.

        Parameters
        ----------
        level : float, default=0.95
            Confidence level in (0, 1).

        Returns
        -------
        lower, upper : ndarray of shape (n,) or (n, n_arms - 1)
            Bounds of the forest's expectation, from the trees that left a row out.
        """
        return normal_interval(*self._out_of_bag(with_variance=True), level)

    @cached_property
    def _oob_estimates(self) -> np.ndarray:
        return self._out_of_bag(with_variance=False)[0]

    @property
    def feature_importances_(self) -> np.ndarray:
        """Shares of the splits on each feature, the first levels weighing most."""
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
            Numbers of leaves, counted through all trees; -1 for an empty one.
        """
        check_is_fitted(self, "forest_")
        return self.forest_.leaves(self._bins.transform(self._check_X(X, reset=False)))

    def decision_path(self, X: Any) -> tuple[Any, np.ndarray]:
        """Return the nodes that each row passes in each tree.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.

        Returns
        -------
        indicator : sparse array of shape (n, n_nodes)
            One where a row passes a node, its leaf included; nodes of all trees.
        n_nodes_ptr : ndarray of shape (n_estimators + 1,)
            The nodes of tree i are the columns ``n_nodes_ptr[i]:n_nodes_ptr[i + 1]``.
        """
        check_is_fitted(self, "forest_")
        codes = self._bins.transform(self._check_X(X, reset=False))
        return self.forest_.paths(codes, self.n_jobs), self.forest_.node_start

    def shap_values(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return by how much each feature moves each estimate: Shapley values.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.

        Returns
        -------
        values : ndarray of shape (n, n_features)
            Shapley values, in units of the estimate: exact and path-dependent, for the
            statistics that the forest averages, and along the straight path from their
            means to those of the row for the estimate they give.
        base_values : ndarray of shape (n,)
            Estimate at the mean statistics of the trees that count for the row. Base
            value and values of a row add up to its estimate.

        Raises
        ------
        ValueError
            If estimates are corrected by ``local_linear``.

        Notes
        -----
        Unknown features pass splits in proportion to the weight of both sides; splits
        with an empty side do not count (Lundberg, Erion & Lee 2018, algorithm 1).
        """
        check_is_fitted(self, "forest_")
        owner = f"{type(self).__name__}.shap_values"
        if self._correction is not None:
            raise ValueError(
                f"{owner}: explains what trees say, not the regressions of "
                "local_linear. Fit a forest with local_linear=None."
            )
        from skcausal.estimation.forests._explaining import explain_forest

        codes = self._bins.transform(self._check_X(X, reset=False))
        n_features = self.n_features_in_
        values, base = explain_forest(self.forest_, codes, n_features, self.n_jobs)
        return values, base + self._center

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
        rows = self._grown_on("forest_weights")
        codes = self._bins.transform(self._check_X(X, reset=False))
        return self.forest_.weights(codes, rows)

    def _grown_on(self, verb: str) -> Any:
        """Return the rows the forest was grown on, unless they were pickled away."""
        check_is_fitted(self, "forest_")
        if not hasattr(self, "_rows"):
            raise ValueError(
                f"{type(self).__name__}.{verb}: a forest that was pickled or "
                f"copied does not keep its training rows. Ask for {verb} before."
            )
        return self._rows

    def _out_of_bag(self, *, with_variance: bool) -> tuple[np.ndarray, np.ndarray]:
        rows = self._grown_on("out-of-bag estimates")
        columns = None if self._correction is None else self._correction.columns
        drawn = self.forest_.drawn_rows(rows)
        estimates, variances = self._solved(rows.codes, columns, with_variance, drawn)
        # An infinite variance marks an arm that is missing around a row.
        missing = int((np.isnan(estimates) & ~np.isinf(variances)).sum())
        if missing:
            raise ValueError(
                f"{type(self).__name__}: {missing} rows have no out-of-bag estimate, "
                f"because too few of the {self.n_estimators} trees left them out. "
                "Raise n_estimators."
            )
        return estimates, variances

    def __getstate__(self) -> dict[str, Any]:
        """Leave the training rows out of a pickle."""
        state = dict(super().__getstate__())
        state.pop("_rows", None)
        return state

    def __sklearn_tags__(self) -> Any:
        """Refuse sparse input."""
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        return tags


class EffectForest(ForestMixin, EffectLearner):
    """Base of the forests of effects: a subclass grows one in ``_fit_effect``."""

    _allows_continuous: ClassVar[bool] = True
    _allows_several_arms: ClassVar[bool] = False

    def _fit(self, X: Any, parts: TargetParts, owner: str) -> Any:
        weights = weights_of_rows(self, parts.sample_weight, parts.groups)
        return super()._fit(X, replace(parts, sample_weight=weights), owner)

    def _contrast_effects(self, X: Any) -> np.ndarray:
        estimates = self._predicted(X)[0]
        return estimates.reshape(len(estimates), -1)

    def _level_effects(self, X: Any, treated: Any, control: Any) -> np.ndarray:
        change = np.asarray(treated, dtype=float) - np.asarray(control, dtype=float)
        return self._predicted(X)[0] * change

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
        lower, upper : ndarray of shape (n,) or (n, n_arms - 1)
            Bounds for the forest's expectation of the effect: sampling variance and
            the variance of finitely many trees, but no bias.
        """
        return self._interval(X, level)

    @property
    def oob_effects_(self) -> np.ndarray:
        """Effects of the training rows, each from the trees that left it out."""
        return self._oob_estimates

    def _check_X(self, X: Any, *, reset: bool) -> Any:
        refuse_sparse(X, type(self).__name__)
        checked = super()._check_X(X, reset=reset)
        takes_missing = allows(list(self._models().values()), "nan")
        if not (reset or takes_missing) and missing_rows(checked).any():
            raise ValueError(
                f"{type(self).__name__}.effect: X contains NaN, which the base models "
                "of this forest do not take. Use base models that do (None is "
                "LightGBM), or impute X."
            )
        return checked


def refuse_sparse(X: Any, owner: str) -> None:
    """Raise for a sparse matrix."""
    if issparse(X):
        raise TypeError(
            f"{owner}: sparse input is not supported, because trees bin dense columns. "
            "Pass X.toarray()."
        )


def normal_interval(
    estimates: np.ndarray, variances: np.ndarray, level: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return lower and upper bounds of normal intervals."""
    if not 0 < level < 1:
        raise ValueError(f"interval: level must lie between 0 and 1, got {level}.")
    margin = norm.ppf(0.5 + level / 2) * np.sqrt(variances)
    return estimates - margin, estimates + margin
