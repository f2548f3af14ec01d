"""InstrumentalForest: effects of a confounded treatment from an instrument."""

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._average import Moment, Question, slope_estimate
from skcausal.estimation._data import CausalData
from skcausal.estimation._nuisances import (
    INSTRUMENT_MEAN,
    OUTCOME,
    TREATMENT_MEAN,
    Nuisance,
    NuisanceEstimates,
)
from skcausal.estimation.forests._base_forest import EffectForest
from skcausal.estimation.forests._parameters import (
    check_parameters,
    check_rows_per_side,
)
from skcausal.inference import EffectEstimate
from skcausal.utils._target import resolve_target
from skcausal.utils._validation import OverlapWarning

_WEAK = 0.05  # change of the treatment's mean; below, local scores are mostly noise


class InstrumentalForest(EffectForest):
    r"""Learn effects of a confounded treatment from an instrument, by honest trees.

    What the treatment does to those whom the instrument moves, as a function of the
    covariates. Takes missing values and categories as they are; treatment and
    instrument are binary or continuous.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome given covariates. A classifier for binary outcomes, else a
        regressor; None is LightGBM sized by the data.
    treatment_model : estimator, default=None
        Model of the treatment given covariates: a classifier for arms, a regressor for
        a continuous treatment; None is LightGBM sized by the data.
    instrument_model : estimator, default=None
        Model of the instrument given covariates: a classifier for one of 0 and 1, else
        a regressor; None is LightGBM sized by the data.
    n_estimators : int, default=500
        Number of trees.
    min_samples_leaf : int, default=20
        Least number of growing rows in a leaf. Larger than in other forests: where few
        rows say how far the instrument moves the treatment, effects explode.
    min_samples_arm : int, default=0
        Least number of growing rows of a leaf on either side of its parent's mean
        instrument.
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
        Least share of a node's instrument variance in each child.
    imbalance_penalty : float, default=0.0
        Taken off the gain of a split, in units of what a split at random gains.
    n_groups : int, default=None
        Number of little bags whose trees share a half of the rows; None is half of
        ``n_estimators``. ``n_estimators`` must be a multiple of it.
    group_weighting : {"size", "equal"}, default="size"
        "size" counts every row the same, "equal" every group of ``fit``, whatever its
        size: rows weigh one over the size of their group, times sample weights. Leaves
        too small to hold rows of small groups still favour the large ones.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting: shuffled, stratified on arm and binary outcome, never
        splitting a group. A list or splitter must hold out each row exactly once.
    n_repeats : int, default=1
        Repetitions of cross-fitting with other folds; residuals are averaged.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    treatment_type : {"auto", "discrete", "continuous"}, default="auto"
        Numbers with fractions or more than ten levels are continuous under "auto".
    outcome_type : {"auto", "binary", "continuous"}, default="auto"
        Booleans and the integers 0/1 are binary under "auto": their models are
        classifiers by default.
    min_propensity : float, default=0.01
        Probabilities of the instrument closer to 0 or 1 are raised to it in scores,
        with an ``OverlapWarning``.
    memory : str or joblib.Memory, default=None
        Folder where nuisance estimates persist between sessions.
    warm_start : bool, default=False
        Keep the trees of an earlier ``fit`` on the same rows and add those missing.
    n_jobs : int, default=None
        Threads that grow trees, and parallel fits of base models.
    verbose : int, default=0
        Above 0, progress of growing is printed, and when kernels must be compiled.
    random_state : int, RandomState instance or None, default=None
        Seed of folds, base models, bins and trees.

    Attributes
    ----------
    arms_ : ndarray of shape (n_arms,) or None
        Labels of the arms, control first; None for a continuous treatment.
    nuisances_ : NuisanceEstimates
        Out-of-fold nuisance estimates, their held-out losses and fitted models.
    forest_ : FlatForest
        The trees in flat arrays.
    oob_effects_ : ndarray of shape (n,)
        Out-of-bag effects of the training rows, computed when first asked for.
    feature_importances_ : ndarray of shape (n_features,)
        Shares of splits by feature, the first four levels weighing 1, 1/4, 1/9, 1/16.

    Notes
    -----
    Assumes that, given X, the instrument is as good as random, moves the treatment, and
    acts on the outcome through the treatment only; and that it moves nobody's treatment
    in the other direction, or that the effect does not vary given X. The effect at x
    solves :math:`\sum_i \alpha_i(x)\, z_i (y_i - \tau w_i) = 0` for the weights of the
    forest, with outcome, treatment and instrument centred by cross-fitted models and
    then by their weighted means.

    References
    ----------
    Athey, S., Tibshirani, J., & Wager, S. (2019). Generalized random forests. Annals of
    Statistics, 47(2), section 7. https://doi.org/10.1214/18-AOS1709

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.estimation import InstrumentalForest
    >>> rng = np.random.default_rng(0)
    >>> X, hidden = rng.normal(size=(4000, 2)), rng.normal(size=4000)
    >>> z = rng.integers(0, 2, 4000)
    >>> treatment = (2 * z + hidden + rng.normal(size=4000) > 1).astype(int)
    >>> y = 2 * treatment * (X[:, 0] > 0) + hidden
    >>> forest = InstrumentalForest(n_estimators=100, random_state=0)
    >>> _ = forest.fit(X, y, treatment=treatment, instrument=z)
    >>> low, high = forest.effect([[-1.0, 0.0], [1.0, 0.0]])
    >>> bool(low < 1 < high)
    True
    """

    __metadata_request__fit: ClassVar = {
        "treatment": True,
        "instrument": True,
        "sample_weight": True,
        "groups": True,
    }
    _model_parameters: ClassVar[tuple[str, ...]] = (
        "outcome_model",
        "treatment_model",
        "instrument_model",
    )

    def __init__(
        self,
        outcome_model: Any = None,
        treatment_model: Any = None,
        instrument_model: Any = None,
        *,
        n_estimators: int = 500,
        min_samples_leaf: int = 20,
        min_samples_arm: int = 0,
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
        cv: Any = 5,
        n_repeats: int = 1,
        control_arm: Any = None,
        treatment_type: str = "auto",
        outcome_type: str = "auto",
        min_propensity: float = 0.01,
        memory: Any = None,
        warm_start: bool = False,
        n_jobs: int | None = None,
        verbose: int = 0,
        random_state: Any = None,
    ) -> None:
        self.outcome_model = outcome_model
        self.treatment_model = treatment_model
        self.instrument_model = instrument_model
        self.n_estimators = n_estimators
        self.min_samples_leaf = min_samples_leaf
        self.min_samples_arm = min_samples_arm
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
        self.cv = cv
        self.n_repeats = n_repeats
        self.control_arm = control_arm
        self.treatment_type = treatment_type
        self.outcome_type = outcome_type
        self.min_propensity = min_propensity
        self.memory = memory
        self.warm_start = warm_start
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        treatment: Any = None,
        instrument: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> "InstrumentalForest":
        """Estimate the effect of the treatment on those whom the instrument moves.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates given which the instrument is as good as random.
        y : array-like of shape (n,)
            Outcome, or a ``causal_target`` that also holds treatment and instrument.
        treatment : array-like of shape (n,), default=None
            Labels of two arms, or numbers for a continuous treatment.
        instrument : array-like of shape (n,), default=None
            Numbers, or two labels (in sorted order).
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows.
        groups : array-like of shape (n,), default=None
            Cluster of each row.

        Returns
        -------
        self : InstrumentalForest
            The fitted forest.

        Raises
        ------
        ValueError
            If treatment or instrument do not arrive or do not vary.
        """
        owner = f"{type(self).__name__}.fit"
        parts = resolve_target(owner, y, treatment, sample_weight, groups, instrument)
        if parts.instrument is None:
            raise ValueError(
                f"{owner}: no instrument arrived. Pass instrument=..., or "
                "y=skcausal.causal_target(outcome, treatment, instrument=...)."
            )
        return self._fit(X, parts, owner)

    def _nuisances_for(self, data: CausalData) -> tuple[Nuisance, ...]:
        check_parameters(self)
        if np.ptp(np.asarray(data.instrument)) == 0:
            raise ValueError(
                f"{type(self).__name__}.fit: the instrument has one value; without "
                "variation it says nothing. Check the column."
            )
        if data.binary_instrument:
            sides = np.asarray(data.instrument).astype(int)
            names = [
                f"the {side} value of the instrument" for side in ("lower", "higher")
            ]
            check_rows_per_side(self, sides, names, data.groups)
        return OUTCOME, TREATMENT_MEAN, INSTRUMENT_MEAN

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        from skcausal.estimation.forests._relabelling import INSTRUMENTAL

        means = [
            nuisances[name].mean(axis=0)[:, -1]
            for name in ("outcome", "treatment_mean", "instrument_mean")
        ]
        values = (data.outcome, data.treatment, data.instrument)
        self._residuals = tuple(v - m for v, m in zip(values, means, strict=True))
        self.__dict__.pop("_compliance", None)
        self._grow(
            INSTRUMENTAL,
            data.X,
            np.column_stack(self._residuals),
            data.weights,
            data.groups,
            self._settings.seed,
        )

    def average_effect(
        self,
        *,
        target: str = "all",
        where: Any = None,
        by: Any = None,
        weights: Any = None,
        scale: str = "difference",
    ) -> EffectEstimate:
        """Return the average of the conditional local effects, with its inference.

        Parameters
        ----------
        target : {"all", "overlap"}, default="all"
            "all" averages the local effects over everyone (binary instrument only);
            "overlap" weights rows by how far the instrument moves their treatment: the
            partially linear instrumental coefficient, which is steadier.
        where : array-like of bool of shape (n,), default=None
            Restrict the population to some training rows.
        by : array-like of shape (n,), default=None
            Label of the subgroup of each training row: one effect per label.
        weights : array-like of shape (n,), default=None
            Weight of each training row in the population, on top of sample weights.
        scale : {"difference"}, default="difference"
            Only differences are identified.

        Returns
        -------
        estimate : EffectEstimate
            One value per subgroup, clustered when ``fit`` had groups.

        Raises
        ------
        ValueError
            If the target or scale does not suit an instrument.
        """
        owner = f"{type(self).__name__}.average_effect"
        check_is_fitted(self, "forest_")
        if scale != "difference":
            raise ValueError(
                f"{owner}: with an instrument scale is 'difference', got {scale!r}."
            )
        moments = [self._moments(target, owner)[0][0]]
        question = Question(target, where, by, weights, scale)
        return slope_estimate(self._data, moments, question, owner)

    def _moments(self, target: str, owner: str) -> list[list[Moment]]:
        if target not in ("all", "overlap"):
            raise ValueError(
                f"{owner}: with an instrument target must be 'all' or 'overlap', got "
                f"{target!r}."
            )
        y, w, z = self._residuals
        if target == "overlap":
            z = z * np.sign(self._data.weights @ (z * w))
            return [[(z * y, z * w)]]
        return [[(self._local_scores(owner), np.ones(len(y)))]]

    def _local_scores(self, owner: str) -> np.ndarray:
        """Return tau + z (y - tau w) / (Var[z | X] compliance(X)) for every row.

        Compliance, the effect of the instrument on the treatment, is learned by a
        forest of its own and used out of bag.
        """
        if not self._data.binary_instrument:
            raise ValueError(
                f"{owner}: target='all' needs a binary instrument. Use 'overlap'."
            )
        from skcausal.estimation.forests._relabelling import CAUSAL

        y, w, z = self._residuals
        if not hasattr(self, "_compliance"):
            self._compliance = self._companion(CAUSAL, np.column_stack([w, z]))
        share = self._data.instrument - z
        weak = np.abs(self._compliance) < _WEAK
        extreme = np.minimum(share, 1 - share) < self.min_propensity
        if weak.any() or extreme.any():
            warnings.warn(
                f"{owner}: the instrument moves the treatment of {weak.sum()} rows by "
                f"less than {_WEAK}, and {extreme.sum()} rows have a probability of it "
                f"within {self.min_propensity} of 0 or 1, which was raised to that. "
                "Consider target='overlap'.",
                OverlapWarning,
                stacklevel=3,
            )
        share = np.clip(share, self.min_propensity, 1 - self.min_propensity)
        tau = self.oob_effects_
        return tau + z * (y - tau * w) / (share * (1 - share) * self._compliance)
