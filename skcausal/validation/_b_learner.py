"""BLearner: bounds of the effect of each row under unobserved confounding."""

from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._base import EffectLearner
from skcausal.estimation._data import CausalData
from skcausal.estimation._effect_models import (
    fit_effect_models,
    predict_effects,
    select_features,
)
from skcausal.estimation._nuisances import (
    OUTCOME_BY_ARM,
    PROPENSITY,
    Nuisance,
    NuisanceEstimates,
)
from skcausal.estimation._scores import contrast_scores as doubly_robust_scores
from skcausal.validation._marginal_formulas import contrast_scores
from skcausal.validation._marginal_tails import check_odds_ratio, fitted_tails
from skcausal.validation._sensitivity_inputs import bounds_of_scores


class BLearner(EffectLearner):
    r"""Learn bounds of effects when a confounder may move the odds of treatment.

    The DR-learner with bounds around it: orthogonal scores of the lower and the upper
    bound are regressed on covariates.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome given covariates, fitted once per arm. A classifier for
        binary outcomes, else a regressor; None is LightGBM sized by the data.
    propensity_model : classifier, default=None
        Model of the treatment given covariates; None is LightGBM sized by the data.
    effect_model : regressor, default=None
        Regression of the scores on X; None is LightGBM sized by the data.
    odds_ratio : float, default=2.0
        Largest factor by which the confounder changes a row's odds of treatment.
    quantile_model : regressor, default=None
        Model of a quantile of the outcome within an arm: with a parameter ``quantile``,
        or ``alpha`` next to a quantile loss. Not used for binary outcomes; None is
        LightGBM sized by the data.
    tail_model : regressor, default=None
        Model of the mean of the outcome with a reweighted tail; not used for binary
        outcomes; None is LightGBM sized by the data.
    effect_features : list of str or int, default=None
        Names or indices of the columns the bounds may vary with; None is all.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting: shuffled, stratified on arm and binary outcome, never
        splitting a group. A list or splitter must hold out each row exactly once.
    n_repeats : int, default=1
        Repetitions of cross-fitting with other folds.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    treatment_type : {"auto", "discrete", "continuous"}, default="auto"
        Numbers with fractions or more than ten levels are continuous under "auto",
        which this estimator refuses.
    outcome_type : {"auto", "binary", "continuous"}, default="auto"
        Booleans and the integers 0/1 are binary under "auto".
    min_propensity : float, default=0.01
        Propensities below are raised to it in scores, with an ``OverlapWarning``.
    memory : str or joblib.Memory, default=None
        Folder where nuisance estimates persist between sessions.
    n_jobs : int, default=None
        Parallel fits of base models; None is 1 unless in a joblib context.
    random_state : int, RandomState instance or None, default=None
        Seed of folds and base models.

    Attributes
    ----------
    average_bounds_ : EffectBounds
        Bounds of the average effect.
    scores_ : ndarray of shape (n, 2)
        Orthogonal scores of the lower and the upper bound of the training rows.
    effect_models_ : list of regressor
        Fitted models of the effect without a confounder, the lower and upper bound.
    arms_ : ndarray of shape (2,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.
    nuisances_ : NuisanceEstimates
        Out-of-fold outcome means and propensities.

    See Also
    --------
    MarginalSensitivity : Bounds of averages for any fitted learner.

    Notes
    -----
    Assumes overlap, and the marginal sensitivity model of
    :class:`MarginalSensitivity`. For the upper bound of :math:`E[Y(1) \mid x]` the
    score is

    .. math:: \phi = A Y + (1 - A) \rho_+ + A \frac{1 - e}{e} (R_+ - \rho_+),

    with :math:`R_+ = \Lambda^{-1} Y + (1 - \Lambda^{-1}) (q + (1 + \Lambda)
    (Y - q)_+)` and its mean :math:`\rho_+` given x among the treated; the other three
    are alike. The quantile q, :math:`\rho_+` and e are cross-fitted, and an error in
    one enters only times an error in another, or squared. ``effect`` is the effect if
    there is no confounder, a DR-learner. The three are separate regressions: where
    bounds are close their noise may let them cross.

    References
    ----------
    Oprescu, M., Dorn, J., Ghoummaid, M., Jesson, A., Kallus, N., & Shalit, U. (2023).
    B-Learner: quasi-oracle bounds on heterogeneous causal effects under hidden
    confounding. ICML, algorithm 1. https://arxiv.org/abs/2304.10577

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.validation import BLearner
    >>> rng = np.random.default_rng(0)
    >>> X, treatment = rng.normal(size=(400, 1)), np.tile([0, 1], 200)
    >>> y = rng.random(400) < 0.3 + 0.2 * treatment
    >>> learner = BLearner(
    ...     LogisticRegression(), LogisticRegression(), LinearRegression(), odds_ratio=2
    ... )
    >>> _ = learner.fit(X, y, treatment=treatment)
    >>> lower, upper = learner.effect_bounds(X)
    >>> bool((lower < upper).all())
    True
    """

    _nuisances: ClassVar[tuple[Nuisance, ...]] = (OUTCOME_BY_ARM, PROPENSITY)
    _model_parameters: ClassVar[tuple[str, ...]] = (
        "outcome_model",
        "propensity_model",
        "effect_model",
        "quantile_model",
        "tail_model",
    )
    _allows_several_arms: ClassVar[bool] = False

    def __init__(
        self,
        outcome_model: Any = None,
        propensity_model: Any = None,
        effect_model: Any = None,
        *,
        odds_ratio: float = 2.0,
        quantile_model: Any = None,
        tail_model: Any = None,
        effect_features: Any = None,
        cv: Any = 5,
        n_repeats: int = 1,
        control_arm: Any = None,
        treatment_type: str = "auto",
        outcome_type: str = "auto",
        min_propensity: float = 0.01,
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.outcome_model = outcome_model
        self.propensity_model = propensity_model
        self.effect_model = effect_model
        self.odds_ratio = odds_ratio
        self.quantile_model = quantile_model
        self.tail_model = tail_model
        self.effect_features = effect_features
        self.cv = cv
        self.n_repeats = n_repeats
        self.control_arm = control_arm
        self.treatment_type = treatment_type
        self.outcome_type = outcome_type
        self.min_propensity = min_propensity
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        owner = self._settings.owner
        odds_ratio = check_odds_ratio(self.odds_ratio, owner)
        means, propensity = self._means_and_propensity(owner)
        e = np.maximum(propensity, self.min_propensity)
        models = {"quantile_model": self.quantile_model, "tail_model": self.tail_model}
        folds = self._make_folds()
        tails = fitted_tails(data, means, folds, self._settings, odds_ratio, models)
        y, arm = data.outcome, data.treatment
        scores = np.stack(
            [
                contrast_scores(y, arm, p, (quantile, worst), odds_ratio)
                for p, quantile, worst in zip(e, *tails, strict=True)
            ]
        )
        pairs = zip(means, e, strict=True)
        plain = np.mean([doubly_robust_scores(y, arm, m, p) for m, p in pairs], axis=0)
        self.scores_ = scores.mean(axis=0)
        self.average_bounds_ = bounds_of_scores(data, scores)
        targets = np.column_stack([plain, self.scores_])
        weight = data.sample_weight
        self.effect_models_ = fit_effect_models(
            self.effect_model,
            select_features(data.X, self.effect_features, owner),
            targets,
            None if weight is None else np.tile(weight[:, None], (1, 3)),
            seed=self._settings.seed,
            owner=owner,
        )

    def _contrast_effects(self, X: Any) -> np.ndarray:
        features = select_features(X, self.effect_features, "BLearner.effect")
        return predict_effects(self.effect_models_[:1], features)

    def effect_bounds(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return bounds of the conditional effect of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.

        Returns
        -------
        lower, upper : ndarray of shape (n,)
            Bounds of the effect, in units of the outcome, for every confounder of
            strength ``odds_ratio`` at most.
        """
        check_is_fitted(self, "effect_models_")
        features = select_features(
            self._check_X(X, reset=False),
            self.effect_features,
            "BLearner.effect_bounds",
        )
        lower, upper = predict_effects(self.effect_models_[1:], features).T
        return lower, upper
