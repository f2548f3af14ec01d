"""RegressionForest: honest regression with intervals, and a fast nuisance model."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from skcausal.estimation.forests._base_forest import ForestMixin, refuse_sparse
from skcausal.estimation.forests._parameters import (
    check_parameters,
    number_of_bags,
    weights_of_rows,
)
from skcausal.utils._validation import (
    check_features,
    check_groups,
    check_outcome,
    check_same_length,
    check_weights,
    n_rows_of,
)


class RegressionForest(RegressorMixin, ForestMixin):
    """Regress with a forest of honest trees, and say how sure each prediction is.

    The forest of :class:`CausalForest` without a treatment: any scikit-learn tool takes
    it, and it serves as outcome model of other learners. Takes missing values and
    categories as they are.

    Parameters
    ----------
    n_estimators : int, default=500
        Number of trees.
    min_samples_leaf : int, default=5
        Least number of growing rows in a leaf.
    max_depth : int, default=None
        Greatest depth of a tree; None is no limit.
    max_features : int, float, "sqrt" or None, default=None
        Number or share of features tried at each split; None is all.
    max_samples : int or float, default=0.45
        Number or share of rows (or groups) that a tree sees; at most half, because the
        trees of a bag share a half.
    honest : bool, default=True
        Estimate in the leaves with rows that did not grow the tree.
    honest_fraction : float, default=0.5
        Share of a tree's rows that grow it.
    max_bins : int, default=255
        Number of bins of an ordered feature, at most 255; missing values have their
        own.
    min_balance : float, default=0.05
        Least share of a node's weight in each child.
    imbalance_penalty : float, default=0.0
        Taken off the gain of a split, in units of what a split at random gains.
    n_groups : int, default=None
        Number of little bags whose trees share a half of the rows; None is half of
        ``n_estimators``. ``n_estimators`` must be a multiple of it.
    group_weighting : {"size", "equal"}, default="size"
        "size" counts every row the same, "equal" every group of ``fit``, whatever its
        size: rows weigh one over the size of their group, times sample weights. Leaves
        too small to hold rows of small groups still favour the large ones.
    local_linear : "all" or list of names or indices, default=None
        Numeric features whose slope within the forest's neighbourhoods is corrected
        for; "all" is every column but categories. Lowers the bias where the outcome is
        smooth and adds noise where it is not; ``min_samples_leaf`` of about 20 suits
        it. Estimates then take a regression per row, and pickles keep training rows.
    local_linear_penalty : float, default=0.1
        Ridge penalty of these slopes, for features of unit variance; large values give
        the forest without correction.
    warm_start : bool, default=False
        Keep the trees of an earlier ``fit`` on the same rows and add those missing.
    n_jobs : int, default=None
        Threads that grow trees. The trees are the same for any number.
    verbose : int, default=0
        Above 0, progress of growing is printed, and when kernels must be compiled.
    random_state : int, RandomState instance or None, default=None
        Seed of bins and trees.

    Attributes
    ----------
    forest_ : FlatForest
        The trees in flat arrays.
    oob_prediction_ : ndarray of shape (n,)
        Out-of-bag predictions of the training rows, computed when first asked for.
    oob_score_ : float
        R² of the out-of-bag predictions.
    feature_importances_ : ndarray of shape (n_features,)
        Shares of splits by feature, the first four levels weighing 1, 1/4, 1/9, 1/16.

    Notes
    -----
    A prediction is the mean outcome of the training rows with the forest's weights.
    Assumes independent rows, or groups; intervals are for the forest's expectation and
    hold no bias. With ``local_linear`` it is the intercept of a ridge regression of the
    outcome on features minus those of the row, with the same weights.

    References
    ----------
    Athey, S., Tibshirani, J., & Wager, S. (2019). Generalized random forests. Annals of
    Statistics, 47(2). https://doi.org/10.1214/18-AOS1709

    Friedberg, R., Tibshirani, J., Athey, S., & Wager, S. (2021). Local linear forests.
    Journal of Computational and Graphical Statistics, 30(2), section 2.
    https://doi.org/10.1080/10618600.2020.1831930

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.estimation import RegressionForest
    >>> X = np.random.default_rng(0).uniform(-1, 1, (1000, 2))
    >>> forest = RegressionForest(n_estimators=100, random_state=0)
    >>> _ = forest.fit(X, np.abs(X[:, 0]))
    >>> forest.oob_score_ > 0.9
    True
    """

    __metadata_request__fit = {"sample_weight": True, "groups": True}

    def __init__(
        self,
        n_estimators: int = 500,
        *,
        min_samples_leaf: int = 5,
        max_depth: int | None = None,
        max_features: Any = None,
        max_samples: Any = 0.45,
        honest: bool = True,
        honest_fraction: float = 0.5,
        max_bins: int = 255,
        min_balance: float = 0.05,
        imbalance_penalty: float = 0.0,
        n_groups: int | None = None,
        group_weighting: str = "size",
        local_linear: Any = None,
        local_linear_penalty: float = 0.1,
        warm_start: bool = False,
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.max_depth = max_depth
        self.max_features = max_features
        self.max_samples = max_samples
        self.honest = honest
        self.honest_fraction = honest_fraction
        self.max_bins = max_bins
        self.min_balance = min_balance
        self.imbalance_penalty = imbalance_penalty
        self.n_groups = n_groups
        self.group_weighting = group_weighting
        self.local_linear = local_linear
        self.local_linear_penalty = local_linear_penalty
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, *, groups: Any = None
    ) -> "RegressionForest":
        """Grow the forest.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates; missing values and categories are taken as they are.
        y : array-like of shape (n,)
            Outcome.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows.
        groups : array-like of shape (n,), default=None
            Cluster of each row: drawn, honest and counted in variances as a whole.

        Returns
        -------
        self : RegressionForest
            The fitted forest.

        Raises
        ------
        ValueError
            If a parameter is out of range or the rows are too few for honest trees.
        """
        from skcausal.estimation.forests._relabelling import REGRESSION

        owner = f"{type(self).__name__}.fit"
        X = self._check_X(X, reset=True)
        outcome = check_outcome(y, owner).astype(float)
        check_same_length(owner, X=np.empty(n_rows_of(X)), y=outcome)
        check_parameters(self)
        codes = check_groups(groups, outcome.shape[0], owner)
        weights = check_weights(sample_weight, outcome.shape[0], owner)
        weights = weights_of_rows(self, weights, codes)
        state = self.random_state
        is_seed = isinstance(state, (int, np.integer))
        seed = state if is_seed else check_random_state(state).randint(2**31 - 1)
        self._outcome, self._center = outcome, float(outcome.mean())
        self._grow(
            REGRESSION,
            X,
            (outcome - self._center)[:, None],
            np.ones(outcome.shape[0]) if weights is None else weights,
            codes,
            int(seed),
        )
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the expected outcome of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.

        Returns
        -------
        outcome : ndarray of shape (n,)
            Expected outcome.
        """
        check_is_fitted(self, "forest_")
        centred = self._predicted(self._check_X(X, reset=False))[0]
        return centred + self._center

    @available_if(lambda self: number_of_bags(self) < self.n_estimators)
    def predict_interval(
        self, X: Any, *, level: float = 0.95
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return pointwise confidence intervals of the expected outcome.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.
        level : float, default=0.95
            Confidence level in (0, 1).

        Returns
        -------
        lower, upper : ndarray of shape (n,)
            Bounds for the forest's expectation, not for single outcomes.
        """
        lower, upper = self._interval(X, level)
        return lower + self._center, upper + self._center

    @property
    def oob_prediction_(self) -> np.ndarray:
        """Predictions of the training rows, each from the trees that left it out."""
        return self._oob_estimates + self._center

    @property
    def oob_score_(self) -> float:
        """R² of the out-of-bag predictions."""
        return float(r2_score(self._outcome, self.oob_prediction_))

    def _check_X(self, X: Any, *, reset: bool) -> Any:
        owner = f"{type(self).__name__}.{'fit' if reset else 'predict'}"
        refuse_sparse(X, owner)
        checked = check_features(X, owner)
        validate_data(self, checked, skip_check_array=True, reset=reset)
        if reset and n_rows_of(checked) < 2:
            raise ValueError(f"{owner}: n_samples=1 is too few for a forest.")
        return checked

    def __sklearn_tags__(self) -> Any:
        """Take missing values."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
