"""CausalForest: honest trees that split where the effect varies."""

from typing import Any, ClassVar

import numpy as np

from skcausal.estimation._data import CausalData
from skcausal.estimation._nuisances import (
    OUTCOME,
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


class CausalForest(EffectForest):
    r"""Learn effects with a forest of honest trees, and how sure each one is.

    Trees split where the effect varies and estimate it on rows that did not choose the
    splits; the forest solves one weighted moment equation per row. Outcome and
    treatment are centred by cross-fitted models first. Takes missing values and
    categories as they are, binary and continuous treatments.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome given covariates and arm. A classifier for binary outcomes,
        else a regressor; None is LightGBM sized by the data.
    treatment_model : estimator, default=None
        Model of the treatment given covariates: a classifier for arms, a regressor for
        a continuous treatment; None is LightGBM sized by the data, ``KnownPropensity``
        the design of an experiment.
    n_estimators : int, default=500
        Number of trees.
    min_samples_leaf : int, default=5
        Least number of growing rows in a leaf.
    min_samples_arm : int, default=0
        Least number of growing rows of a leaf on either side of its parent's mean
        treatment (of either arm, for a binary treatment). Larger leaves give shorter
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
        Least share of a node's treatment variance in each child.
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
        for; "all" is every column but categories. Lowers the bias where the effect is
        smooth and adds noise where it is not; ``min_samples_leaf`` of about 20 suits
        it. Estimates then take a regression per row, and pickles keep training rows.
    local_linear_penalty : float, default=0.1
        Ridge penalty of these slopes, for features of unit variance; large values give
        the forest without correction.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting: shuffled, stratified on arm and binary outcome, never
        splitting a group. A list or splitter must hold out each row exactly once.
    n_repeats : int, default=1
        Repetitions of cross-fitting with other folds; averages take the median.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    treatment_type : {"auto", "discrete", "continuous"}, default="auto"
        Numbers with fractions or more than ten levels are continuous under "auto".
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
    arms_ : ndarray of shape (n_arms,) or None
        Labels of the arms, control first; None for a continuous treatment.
    control_arm_ : label or None
        The reference arm.
    nuisances_ : NuisanceEstimates
        Out-of-fold nuisance estimates, their held-out losses and fitted models.
    forest_ : FlatForest
        The trees in flat arrays.
    oob_effects_ : ndarray of shape (n,)
        Out-of-bag effects of the training rows, computed when first asked for.
    oob_score_ : float
        Normalised R-score of the out-of-bag effects: 1 if they explain all variation of
        the effect, 0 as good as one constant effect.
    feature_importances_ : ndarray of shape (n_features,)
        Shares of splits by feature, the first four levels weighing 1, 1/4, 1/9, 1/16.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap; for a continuous treatment
    also that the outcome is linear in it given X. With residuals :math:`u = Y - m(X)`
    and :math:`v = T - e(X)`, the effect at x is the slope of u on v with the forest's
    weights :math:`\alpha_i(x)`, the share of trees in which row i lies in the leaf of
    x, divided by the size of that leaf. A split maximises the sum over both children of
    :math:`(\sum \rho_i)^2 / \sum v_i^2` with
    :math:`\rho_i = v_i (u_i - \hat\tau v_i)`, all centred in the node: the gradient
    step of Athey, Tibshirani and Wager with each child's own information in the place
    of its number of rows. Variances come from the bootstrap of little bags; they hold
    no bias, so that intervals are too short where the effect bends within what the
    forest can resolve.

    With ``local_linear`` the effect at x is the coefficient of :math:`v` in a ridge
    regression of :math:`u` on :math:`1, v, x_j - X_{ij}` and :math:`v (x_j - X_{ij})`
    with the same weights, which penalises all but the intercept and the coefficient of
    :math:`v`.

    References
    ----------
    Athey, S., Tibshirani, J., & Wager, S. (2019). Generalized random forests. Annals of
    Statistics, 47(2), sections 2 to 4 and 6. https://doi.org/10.1214/18-AOS1709

    Friedberg, R., Tibshirani, J., Athey, S., & Wager, S. (2021). Local linear forests.
    Journal of Computational and Graphical Statistics, 30(2), sections 2 and 4.
    https://doi.org/10.1080/10618600.2020.1831930

    Examples
    --------
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import CausalForest
    >>> data = make_observational(2000, random_state=0)
    >>> forest = CausalForest(n_estimators=100, random_state=0)
    >>> _ = forest.fit(data.X, data.y, treatment=data.treatment)
    >>> lower, upper = forest.effect_interval(data.X)
    >>> bool((lower < upper).all())
    True
    """

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
        local_linear: Any = None,
        local_linear_penalty: float = 0.1,
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
        self.local_linear = local_linear
        self.local_linear_penalty = local_linear_penalty
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
        if data.arms is None:
            return OUTCOME, TREATMENT_MEAN
        names = [f"arm {label!r}" for label in data.arms.tolist()]
        check_rows_per_side(self, data.treatment, names, data.groups)
        return OUTCOME_POOLED, TREATMENT_MEAN

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        from skcausal.estimation.forests._relabelling import CAUSAL

        self._residuals = centred(data, nuisances)
        self._grow(
            CAUSAL,
            data.X,
            np.column_stack(self._residuals),
            data.weights,
            data.groups,
            self._settings.seed,
        )

    @property
    def oob_score_(self) -> float:
        """Normalised R-score of the out-of-bag effects."""
        effects = self.oob_effects_
        u, v = self._residuals
        weight = self._data.weights
        slope = np.sum(weight * u * v) / np.sum(weight * v * v)
        constant = np.sum(weight * (u - slope * v) ** 2)
        return float(1 - np.sum(weight * (u - effects * v) ** 2) / constant)

    def _arm_means(self) -> np.ndarray:
        """Return outcome means that differ by the out-of-bag effects."""
        e = self.nuisances_["treatment_mean"]
        mu = self.nuisances_["outcome_pooled"]
        mean = (e * mu).sum(axis=2)
        effects = self.oob_effects_[None, :]
        return np.stack([mean - e[:, :, 1] * effects, mean + e[:, :, 0] * effects], -1)


def centred(
    data: CausalData, nuisances: NuisanceEstimates
) -> tuple[np.ndarray, np.ndarray]:
    """Return outcome and treatment minus their means given X, averaged over repeats."""
    treatment_mean = nuisances["treatment_mean"]
    if data.is_discrete:
        e = treatment_mean[:, :, 1]
        mean = (treatment_mean * nuisances["outcome_pooled"]).sum(axis=2)
    else:
        e, mean = treatment_mean[:, :, 0], nuisances["outcome"][:, :, 0]
    return data.outcome - mean.mean(axis=0), data.treatment - e.mean(axis=0)
