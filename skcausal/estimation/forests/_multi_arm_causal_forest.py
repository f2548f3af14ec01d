"""MultiArmCausalForest: one forest for the effects of several arms."""

import warnings
from typing import Any, ClassVar

import numpy as np

from skcausal.estimation._data import CausalData
from skcausal.estimation._losses import normalised_r_score
from skcausal.estimation._nuisances import (
    OUTCOME_POOLED,
    TREATMENT_MEAN,
    Nuisance,
    NuisanceEstimates,
)
from skcausal.estimation.forests._base_forest import EffectForest
from skcausal.estimation.forests._parameters import (
    check_parameters,
    check_rows_per_side,
)
from skcausal.utils._validation import OverlapWarning


class MultiArmCausalForest(EffectForest):
    r"""Learn the effects of several arms against one control with one forest.

    Trees split where the effect of any arm varies, and estimate all of them in the same
    leaves, so that the effects of arms can be compared row by row. Takes missing values
    and categories as they are. With two arms it is a ``CausalForest``.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome given covariates and arm. A classifier for binary outcomes,
        else a regressor; None is LightGBM sized by the data.
    treatment_model : estimator, default=None
        Classifier of the arm given covariates; None is LightGBM sized by the data,
        ``KnownPropensity`` the design of an experiment.
    n_estimators : int, default=500
        Number of trees.
    min_samples_leaf : int, default=5
        Least number of growing rows in a leaf.
    min_samples_arm : int, default=0
        Least number of growing rows of each arm in a leaf. Larger leaves give shorter
        intervals that ignore more bias.
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
        Least share of a node's information in each child, averaged over contrasts.
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
        Repetitions of cross-fitting with other folds; averages take the median.
    control_arm : label, default=None
        Reference arm. There is a default for arms 0/1 and False/True only.
    treatment_type : {"auto", "discrete", "continuous"}, default="auto"
        Numbers with fractions or more than ten levels are continuous under "auto",
        which this forest refuses; "discrete" makes each number an arm.
    outcome_type : {"auto", "binary", "continuous"}, default="auto"
        Booleans and the integers 0/1 are binary under "auto": their models are
        classifiers by default.
    min_propensity : float, default=0.01
        Propensities below are raised to it in scores, with an ``OverlapWarning``.
    memory : str or joblib.Memory, default=None
        Folder where nuisance estimates persist between sessions.
    warm_start : bool, default=False
        Keep the trees of an earlier ``fit`` on the same rows and add those missing.
    n_jobs : int, default=None
        Threads that grow trees, and parallel fits of base models. The trees are the
        same for any number.
    verbose : int, default=0
        Above 0, progress of growing is printed, and when kernels must be compiled.
    random_state : int, RandomState instance or None, default=None
        Seed of folds, base models, bins and trees.

    Attributes
    ----------
    arms_ : ndarray of shape (n_arms,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.
    nuisances_ : NuisanceEstimates
        Out-of-fold nuisance estimates, their held-out losses and fitted models.
    forest_ : FlatForest
        The trees in flat arrays.
    oob_effects_ : ndarray of shape (n,) or (n, n_arms - 1)
        Out-of-bag effects of the training rows, computed when first asked for.
    oob_score_ : float
        Normalised R-score of the out-of-bag effects: 1 if they explain all variation of
        the effects, 0 as good as one constant effect per arm.
    feature_importances_ : ndarray of shape (n_features,)
        Shares of splits by feature, the first four levels weighing 1, 1/4, 1/9, 1/16.

    Warns
    -----
    OverlapWarning
        If an effect cannot be told because an arm is missing around a row: it is NaN.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap of all arms. With
    :math:`u = Y - m(X)` and the vector :math:`v_k = 1[T = k] - e_k(X)` over the arms
    but the control, the effects at x are
    :math:`\tau(x) = \mathrm{Var}_\alpha(v)^{-1} \mathrm{Cov}_\alpha(v, u)`, moments
    under the forest's weights :math:`\alpha_i(x)`, centred by their weighted means. A
    split maximises the sum over both children of
    :math:`|\sum \rho_i|^2 / m`. Here :math:`\rho_i = L^{-1} v_i (u_i - \hat\tau' v_i)`,
    all centred in the node, with :math:`L L' = \sum v_i v_i'`: a step of Newton's
    method from the node's slopes, the same for any order of arms. And m is the
    child's share of the node's information, averaged over contrasts, where the
    information on a contrast is the sum of squares of what the other indicators leave
    of its own. Levels of a category are split in the order of the direction in which
    their effects differ most.

    Leaves may lack an arm, since only averages over trees are solved. Where an
    indicator varies by less than 1e-4 given the others under the weights of a row, as
    if an arm had less than that share of them, the effect is NaN. Variances come from
    the bootstrap of little bags; they hold no bias.

    References
    ----------
    Athey, S., Tibshirani, J., & Wager, S. (2019). Generalized random forests. Annals of
    Statistics, 47(2), sections 2 to 4 and 6. https://doi.org/10.1214/18-AOS1709

    Nie, X., & Wager, S. (2021). Quasi-oracle estimation of heterogeneous treatment
    effects. Biometrika, 108(2), section 6. https://doi.org/10.1093/biomet/asaa076

    Examples
    --------
    >>> from skcausal.datasets import make_ab_test
    >>> from skcausal.estimation import KnownPropensity, MultiArmCausalForest
    >>> data = make_ab_test(
    ...     2000, n_arms=3, labels=["none", "mail", "call"], random_state=0)
    >>> design = KnownPropensity(data.arm_probabilities)
    >>> forest = MultiArmCausalForest(
    ...     None, design, control_arm="none", n_estimators=100, random_state=0)
    >>> _ = forest.fit(data.X, data.y, treatment=data.treatment)
    >>> forest.effect(data.X).shape
    (2000, 2)
    """

    _allows_continuous: ClassVar[bool] = False
    _allows_several_arms: ClassVar[bool] = True
    _model_parameters: ClassVar[tuple[str, ...]] = ("outcome_model", "treatment_model")

    def __init__(
        self,
        outcome_model: Any = None,
        treatment_model: Any = None,
        *,
        n_estimators: int = 500,
        min_samples_leaf: int = 5,
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

    def _nuisances_for(self, data: CausalData) -> tuple[Nuisance, ...]:
        check_parameters(self)
        names = [f"arm {label!r}" for label in np.asarray(data.arms).tolist()]
        check_rows_per_side(self, data.treatment, names, data.groups)
        return OUTCOME_POOLED, TREATMENT_MEAN

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        from skcausal.estimation.forests._relabelling import MULTI_ARM

        self._residuals = _centred_arms(data, nuisances)
        self._grow(
            MULTI_ARM,
            data.X,
            np.column_stack(self._residuals),
            data.weights,
            data.groups,
            self._settings.seed,
        )

    def _predicted(
        self, X: Any, *, with_variance: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        return self._told(*super()._predicted(X, with_variance=with_variance))

    def _out_of_bag(self, *, with_variance: bool) -> tuple[np.ndarray, np.ndarray]:
        return self._told(*super()._out_of_bag(with_variance=with_variance))

    def _told(
        self, estimates: np.ndarray, variances: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Drop the axis of a single contrast; warn of arms that are missing."""
        unknown = np.isnan(estimates)
        if unknown.any():
            arms = np.asarray(self.arms_).tolist()[1:]
            counts = dict(zip(arms, unknown.sum(axis=0).tolist(), strict=True))
            warnings.warn(
                f"{type(self).__name__}: around some rows an arm is missing, so that "
                "its effect is not known: NaN for this number of rows of each arm: "
                f"{counts}. Leave these rows out, or compare arms that they have.",
                OverlapWarning,
                stacklevel=4,
            )
        if estimates.shape[1] > 1:
            return estimates, variances
        return estimates[:, 0], variances[:, 0]

    def shap_values(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return by how much each feature moves each effect: Shapley values.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.

        Returns
        -------
        values : ndarray of shape (n, n_features) or (n, n_features, n_arms - 1)
            Shapley values, in units of the outcome, as those of ``CausalForest``.
        base_values : ndarray of shape (n,) or (n, n_arms - 1)
            Effects at the mean statistics of the trees that count for the row. Base
            value and values of a row add up to its effect.
        """
        values, base = super().shap_values(X)
        if base.shape[1] > 1:
            return values, base
        return values[:, :, 0], base[:, 0]

    @property
    def oob_score_(self) -> float:
        """Normalised R-score of the out-of-bag effects, where all are known."""
        effects = self.oob_effects_.reshape(self._data.n_rows, -1)
        known = ~np.isnan(effects).any(axis=1)
        u, v = self._residuals
        weight = self._data.weights[known]
        return float(normalised_r_score(effects[known], u[known], v[known], weight))

    def _arm_means(self) -> np.ndarray:
        """Return outcome means that differ by the out-of-bag effects.

        An effect that is not known is that of the outcome model.
        """
        e = self.nuisances_["treatment_mean"]
        mu = self.nuisances_["outcome_pooled"]
        modelled = mu[:, :, 1:] - mu[:, :, :1]
        effects = self.oob_effects_.reshape(self._data.n_rows, -1)[None]
        effects = np.where(np.isnan(effects), modelled, effects)
        controls = (e * mu).sum(axis=2) - (e[:, :, 1:] * effects).sum(axis=2)
        return np.concatenate(
            [controls[:, :, None], controls[:, :, None] + effects], axis=2
        )


def _centred_arms(
    data: CausalData, nuisances: NuisanceEstimates
) -> tuple[np.ndarray, np.ndarray]:
    """Return outcome (n,) and indicators (n, n_arms - 1) minus their means given X."""
    e = nuisances["treatment_mean"]
    mean = (e * nuisances["outcome_pooled"]).sum(axis=2).mean(axis=0)
    return data.outcome - mean, (data.arm_indicators() - e.mean(axis=0))[:, 1:]
