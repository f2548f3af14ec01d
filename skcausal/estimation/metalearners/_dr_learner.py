"""DR-learner: regression of doubly robust scores on covariates."""

from typing import Any, ClassVar

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._base import EffectLearner
from skcausal.estimation._data import CausalData
from skcausal.estimation._effect_models import (
    fit_effect_models,
    has_linear_effect,
    is_linear,
    linear_inferences,
    linear_interval,
    predict_effects,
    select_features,
)
from skcausal.estimation._folds import make_folds
from skcausal.estimation._nuisances import (
    OUTCOME_BY_ARM,
    OUTCOME_POOLED,
    PROPENSITY,
    Nuisance,
    NuisanceEstimates,
)
from skcausal.estimation._scores import contrast_scores


class DRLearner(EffectLearner):
    r"""Learn effects by regressing doubly robust scores on the covariates.

    Right if either the outcome model or the propensity model is right; errors of both
    enter as products only.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome given covariates and arm. A classifier for binary outcomes,
        else a regressor; None is LightGBM sized by the data.
    propensity_model : classifier, default=None
        Model of the treatment given covariates; None is
        LightGBM sized by the data, ``KnownPropensity`` the design of an experiment.
    effect_model : regressor, default=None
        Model of the effect given covariates; None is LightGBM sized by the data.
    outcome_by_arm : bool, default=False
        Fit ``outcome_model`` once per arm instead of once on all rows with the arm
        among the features. True suits linear models, whose pooled fit has no
        interactions with the arm.
    n_effect_parts : int or "auto", default="auto"
        Number of disjoint parts of the rows that train one effect model each; the
        effect is their mean. "auto" is 2, and 1 where ``effect_model`` is linear.
    weighting : {"overlap", "uniform"}, default="overlap"
        Weights of the regression of the scores: "overlap" gives each row the inverse of
        the leading term of its score's variance; "uniform" weighs rows alike, as
        published: a linear effect model is then the best projection over all rows.
    effect_features : list of str or int, default=None
        Names or indices of the columns the effect may vary with; None is all.
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
    n_jobs : int, default=None
        Parallel fits of base models; None is 1 unless in a joblib context.
    random_state : int, RandomState instance or None, default=None
        Seed of folds and base models. With an integer, learners that are fitted on the
        same rows share equal nuisances in memory.

    Attributes
    ----------
    arms_ : ndarray of shape (n_arms,) or None
        Labels of the arms, control first; None for a continuous treatment.
    control_arm_ : label or None
        The reference arm.
    nuisances_ : NuisanceEstimates
        Out-of-fold nuisance estimates, their held-out losses and fitted models.
    effect_models_ : list
        One fitted effect model per arm but the control; with several parts an
        ``AverageModel``, whose ``estimators_`` are the models of the parts.
    scores_ : ndarray of shape (n, n_arms - 1)
        Doubly robust effect scores of the training rows.
    linear_inference_ : list of LinearInference or None
        Covariances of the coefficients where ``effect_model`` is linear.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap. With out-of-fold
    :math:`\mu_a, e_a`, the score of arm a is
    :math:`\psi_a = \mu_a(X) + 1[T = a] (Y - \mu_a(X)) / e_a(X)` and the effect is
    the regression of :math:`\psi_a - \psi_0` on X. Weights that depend on X alone do
    not change what a flexible regression estimates; "overlap" uses
    :math:`e_a e_0 / (e_a + e_0)`, because the variance of the score is
    :math:`\sigma^2 (1 / e_a + 1 / e_0)` for homoscedastic outcomes. Average effects
    are not weighted. With repetitions the scores are averaged first.

    Scores are noisy, and a flexible effect model fits their noise: the mean of models
    from disjoint halves has less of it at the cost of one fit on all rows. Kennedy's
    algorithm averages in the same way, over folds.

    References
    ----------
    Kennedy, E. H. (2023). Towards optimal doubly robust estimation of heterogeneous
    causal effects. Electronic Journal of Statistics, 17(2), algorithm 1.
    https://doi.org/10.1214/23-EJS2157

    Fisher, A. (2024). Inverse-variance weighting for estimation of heterogeneous
    treatment effects. ICML. https://arxiv.org/abs/2306.11915

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import DRLearner
    >>> data = make_observational(500, effect="constant", random_state=0)
    >>> linear = LinearRegression()
    >>> learner = DRLearner(linear, LogisticRegression(), linear, random_state=0)
    >>> _ = learner.fit(data.X, data.y, treatment=data.treatment)
    >>> lower, upper = learner.average_effect().interval()
    >>> bool(lower < data.average_effect < upper)
    True
    """

    _model_parameters: ClassVar[tuple[str, ...]] = (
        "outcome_model",
        "propensity_model",
        "effect_model",
    )

    def __init__(
        self,
        outcome_model: Any = None,
        propensity_model: Any = None,
        effect_model: Any = None,
        *,
        outcome_by_arm: bool = False,
        n_effect_parts: Any = "auto",
        weighting: str = "overlap",
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
        self.outcome_by_arm = outcome_by_arm
        self.n_effect_parts = n_effect_parts
        self.weighting = weighting
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

    def _nuisances_for(self, data: CausalData) -> tuple[Nuisance, ...]:
        return self._outcome_means(), PROPENSITY

    def _outcome_means(self) -> Nuisance:
        return OUTCOME_BY_ARM if self.outcome_by_arm else OUTCOME_POOLED

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        owner = self._settings.owner
        self._warn_of_overlap(nuisances, owner)
        propensities = np.maximum(nuisances["propensity"], self.min_propensity)
        pairs = zip(nuisances[self._outcome_means().name], propensities, strict=True)
        scores = [
            contrast_scores(data.outcome, data.treatment, mu, e) for mu, e in pairs
        ]
        self.scores_ = np.mean(scores, axis=0)
        features = select_features(data.X, self.effect_features, owner)
        weights = self._weights(data, propensities.mean(axis=0))
        self.effect_models_ = fit_effect_models(
            self.effect_model,
            features,
            self.scores_,
            weights,
            parts=self._effect_parts(data),
            seed=self._settings.seed,
            owner=owner,
        )
        self.linear_inference_ = linear_inferences(
            self.effect_models_, features, self.scores_, weights, data.groups
        )

    def _effect_parts(self, data: CausalData) -> list[np.ndarray] | None:
        """Return the rows of each effect model; None for one model on all rows."""
        n_parts, owner = self.n_effect_parts, self._settings.owner
        if n_parts == "auto":
            n_parts = 1 if is_linear(self.effect_model) else 2
        if not isinstance(n_parts, (int, np.integer)) or n_parts < 1:
            raise ValueError(
                f"{owner}: n_effect_parts must be a positive integer or 'auto', got "
                f"{n_parts!r}."
            )
        if n_parts == 1:
            return None
        parts = make_folds(
            data, int(n_parts), n_repeats=1, seed=self._settings.seed, owner=owner
        )
        return [np.flatnonzero(rows) for _, _, rows in parts.splits()]

    def _weights(self, data: CausalData, e: np.ndarray) -> np.ndarray | None:
        """Return the regression weights of each contrast; None for equal ones."""
        if self.weighting not in ("overlap", "uniform"):
            raise ValueError(
                "DRLearner.fit: weighting must be 'overlap' or 'uniform', got "
                f"{self.weighting!r}."
            )
        sample_weight = data.weights[:, None]
        if self.weighting == "uniform":
            if data.sample_weight is None:
                return None
            return np.broadcast_to(sample_weight, self.scores_.shape)
        overlap = e[:, 1:] * e[:, :1] / (e[:, 1:] + e[:, :1])
        return sample_weight * overlap / overlap.mean(axis=0)

    def _contrast_effects(self, X: Any) -> np.ndarray:
        features = select_features(X, self.effect_features, "DRLearner.effect")
        return predict_effects(self.effect_models_, features)

    @available_if(has_linear_effect)
    def effect_interval(
        self, X: Any, *, level: float = 0.95
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return pointwise confidence intervals of the effects.

        Available when ``effect_model`` is a ``LinearRegression``, alone or as the last
        step of a Pipeline; otherwise wrap the learner in ``BootstrapEffect``.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.
        level : float, default=0.95
            Confidence level in (0, 1).

        Returns
        -------
        lower, upper : ndarray of shape (n,) or (n, n_arms - 1)
            Bounds for the linear projection of the effect, robust to
            heteroscedasticity, and to clusters when ``fit`` had groups.
        """
        check_is_fitted(self, "effect_models_")
        features = select_features(
            self._check_X(X, reset=False), self.effect_features, type(self).__name__
        )
        return linear_interval(
            self.effect_models_, self.linear_inference_, features, level
        )
