"""EffectLearner: the one place where ``fit`` is written."""

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from skcausal.estimation._average import (
    Moment,
    Question,
    average_effect,
    average_slope,
    contrast_moments,
    propensity_of,
    slope_moments,
)
from skcausal.estimation._crossfit import FitSettings, cross_fit
from skcausal.estimation._data import CausalData, make_data
from skcausal.estimation._folds import Folds, make_folds
from skcausal.estimation._mixin import EffectMixin
from skcausal.estimation._models import allows, check_effect_model
from skcausal.estimation._nuisances import (
    OUTCOME,
    OUTCOME_BY_ARM,
    PROPENSITY,
    TREATMENT_MEAN,
    Nuisance,
    NuisanceEstimates,
)
from skcausal.estimation._projection import project
from skcausal.inference import EffectEstimate
from skcausal.utils._target import TargetParts, resolve_target
from skcausal.utils._validation import OverlapWarning, check_features, n_rows_of


class EffectLearner(EffectMixin):
    """Base of all learners: validate, make folds, cross-fit, fit the effect.

    A learner declares ``_nuisances`` and writes ``_fit_effect`` and
    ``_contrast_effects``; everything else is here.
    """

    _nuisances: ClassVar[tuple[Nuisance, ...]] = ()
    _model_parameters: ClassVar[tuple[str, ...]] = ("outcome_model", "propensity_model")
    _allows_continuous: ClassVar[bool] = False
    _allows_several_arms: ClassVar[bool] = True
    _allows_censoring: ClassVar[bool] = False

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        treatment: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> "EffectLearner":
        """Estimate the effect of the treatment on the outcome.

        Parameters
        ----------
        X : array-like, sparse matrix or DataFrame of shape (n, n_features)
            Covariates: everything that affects both treatment and outcome. Missing
            values and categories are passed on to the base models.
        y : array-like of shape (n,)
            Outcome, or a ``causal_target`` that also holds the treatment.
        treatment : array-like of shape (n,), default=None
            Labels of the arms, or numbers for a continuous treatment.
        sample_weight : array-like of shape (n,), default=None
            Weights of the rows; used by every base model and average.
        groups : array-like of shape (n,), default=None
            Cluster of each row: kept together by folds, unit of standard errors.

        Returns
        -------
        self : EffectLearner
            The fitted learner.

        Raises
        ------
        ValueError
            If no treatment arrives, it has one arm, values are missing, or a base
            model does not suit the data.
        """
        owner = f"{type(self).__name__}.fit"
        parts = resolve_target(owner, y, treatment, sample_weight, groups)
        return self._fit(X, parts, owner)

    def _fit(self, X: Any, parts: TargetParts, owner: str) -> "EffectLearner":
        """Fit on a resolved target."""
        if parts.event is not None and not self._allows_censoring:
            raise ValueError(
                f"{owner}: y holds an event, so its times may be censored; this "
                "learner would take them for complete. Use a CausalSurvivalForest."
            )
        data = make_data(
            self._check_X(X, reset=True),
            parts,
            owner=owner,
            control_arm=self.control_arm,
            treatment_type=self.treatment_type,
            outcome_type=self.outcome_type,
        )
        if not (data.is_discrete or self._allows_continuous):
            raise ValueError(
                f"{owner}: a continuous treatment needs an SLearner or an RLearner; "
                "this learner compares arms. Use one of them, cut the treatment into "
                "levels, or say treatment_type='discrete'."
            )
        if data.n_arms > 2 and not self._allows_several_arms:
            raise ValueError(
                f"{owner}: the treatment has {data.n_arms} arms; this learner compares "
                "two. Use one for several (MultiArmCausalForest, RLearner, DRLearner), "
                "or keep the rows of two arms."
            )
        check_effect_model(getattr(self, "effect_model", None), owner)
        self.arms_ = data.arms
        self.control_arm_ = None if data.arms is None else data.arms[0]
        self._settings = self._fit_settings(owner)
        self._data = data
        self._folds: Folds | None = None
        self.nuisances_ = NuisanceEstimates()
        needed = self._nuisances_for(data)
        if needed:
            self.nuisances_ = self._cross_fitted(needed)
        self._fit_effect(data, self.nuisances_)
        return self

    def refit_effect(self) -> "EffectLearner":
        """Fit the effect model again on the nuisances already estimated.

        For trying another ``effect_model`` after ``set_params`` without paying for the
        nuisances again.

        Returns
        -------
        self : EffectLearner
            The learner with a new effect model.
        """
        check_is_fitted(self, "nuisances_")
        self._fit_effect(self._training_data("refit_effect"), self.nuisances_)
        return self

    def effect(self, X: Any, *, treated: Any = None, control: Any = None) -> np.ndarray:
        """Return the conditional average treatment effect of each row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.
        treated, control : label or float, default=None
            Arms to compare, by default all arms against the control arm; for a
            continuous treatment its two levels, by default 1 against 0.

        Returns
        -------
        effects : ndarray of shape (n,) or (n, n_arms - 1)
            Effects in units of the outcome: one column per arm but the control when
            there are more than two arms and ``treated`` is not given.

        Raises
        ------
        ValueError
            If ``treated`` or ``control`` is not an arm.
        """
        check_is_fitted(self, "nuisances_")
        X = self._check_X(X, reset=False)
        if self.arms_ is None:
            high = 1.0 if treated is None else treated
            return self._level_effects(X, high, 0.0 if control is None else control)
        effects = self._contrast_effects(X)
        if treated is None and control is None:
            return effects[:, 0] if effects.shape[1] == 1 else effects
        effects = np.column_stack([np.zeros(effects.shape[0]), effects])
        reference = effects[:, self._arm_code(control)]
        if treated is None:
            if len(self.arms_) != 2:
                raise ValueError(
                    f"{type(self).__name__}.effect: with {len(self.arms_)} arms, "
                    "control= also needs treated=."
                )
            return effects[:, 1 - self._arm_code(control)] - reference
        return effects[:, self._arm_code(treated)] - reference

    def average_effect(
        self,
        *,
        target: str = "all",
        where: Any = None,
        by: Any = None,
        weights: Any = None,
        scale: str = "difference",
    ) -> EffectEstimate:
        """Return the average effect in the training sample with its inference.

        Parameters
        ----------
        target : {"all", "treated", "control", "overlap"}, default="all"
            Population: everyone (ATE), the treated (ATT), the controls (ATC), or rows
            weighted by their overlap (ATO). Continuous treatment: "all", "overlap".
        where : array-like of bool of shape (n,), default=None
            Restrict the population to some training rows.
        by : array-like of shape (n,), default=None
            Label of the subgroup of each training row: one effect per label.
        weights : array-like of shape (n,), default=None
            Weight of each training row in the population, on top of sample weights.
        scale : {"difference", "ratio"}, default="difference"
            Difference or ratio of mean outcomes ("ratio" for lift).

        Returns
        -------
        estimate : EffectEstimate
            One value per arm but the control and per subgroup, from doubly robust
            scores on out-of-fold nuisances. Clustered when ``fit`` had groups.

        Raises
        ------
        ValueError
            If the target or scale does not suit the treatment, or a subgroup is empty.

        Warns
        -----
        OverlapWarning
            If propensities below ``min_propensity`` had to be raised to it.
        """
        check_is_fitted(self, "nuisances_")
        owner = f"{type(self).__name__}.average_effect"
        question = Question(target, where, by, weights, scale)
        question.check(self._data, owner)
        if not self._data.is_discrete:
            self._ensure((OUTCOME, self._treatment_nuisance()))
            data, folds = self._training_data("average_effect"), self._make_folds()
            return average_slope(data, self.nuisances_, question, folds, self._settings)
        return average_effect(
            self._outcome_data(),
            *self._means_and_propensity(owner),
            question,
            min_propensity=self.min_propensity,
            owner=owner,
        )

    def _moments(self, target: str, owner: str) -> list[list[Moment]]:
        """Return what averages solve: (numerator, denominator) by repeat, contrast."""
        Question(target).check(self._data, owner)
        if not self._data.is_discrete:
            self._ensure((OUTCOME, self._treatment_nuisance()))
            data, folds = self._training_data("this"), self._make_folds()
            slopes = slope_moments(data, self.nuisances_, target, folds, self._settings)
            return [[moment] for moment in slopes]
        nuisances = self._means_and_propensity(owner)
        data = self._outcome_data()
        return contrast_moments(data, *nuisances, target, self.min_propensity)

    def _means_and_propensity(self, owner: str) -> tuple[np.ndarray, np.ndarray]:
        means = self._arm_means()
        self._warn_of_overlap(self.nuisances_, owner)
        return means, propensity_of(self.nuisances_)

    def _projected(self, features: Any, target: str) -> EffectEstimate:
        owner = f"{type(self).__name__}.best_linear_projection"
        check_is_fitted(self, "nuisances_")
        if features is None:
            features = self._training_data("best_linear_projection").X
        return project(self._data, self._moments(target, owner), features, owner)

    def _outcome_data(self) -> CausalData:
        """Return the rows with the outcome that averages are about (hook)."""
        return self._data

    def _nuisances_for(self, data: CausalData) -> tuple[Nuisance, ...]:
        """Return the nuisances to cross-fit (hook); the declared ones by default."""
        return self._nuisances

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        """Fit what turns covariates into effects (hook)."""
        raise NotImplementedError

    def _contrast_effects(self, X: Any) -> np.ndarray:
        """Return the effects of arms against control, (n, n_arms - 1) (hook)."""
        raise NotImplementedError

    def _level_effects(self, X: Any, treated: Any, control: Any) -> np.ndarray:
        """Return the effect between two levels of a continuous treatment (hook)."""
        raise NotImplementedError

    def _outcome_means(self) -> Nuisance:
        """Return the nuisance that predicts the outcome at each arm."""
        return OUTCOME_BY_ARM

    def _arm_means(self) -> np.ndarray:
        """Return out-of-fold outcome means, shape (n_repeats, n, n_arms)."""
        means = self._outcome_means()
        self._ensure((means, self._treatment_nuisance()))
        return self.nuisances_[means.name]

    def _treatment_nuisance(self) -> Nuisance:
        """Return the nuisance that predicts the treatment."""
        return TREATMENT_MEAN if hasattr(self, "treatment_model") else PROPENSITY

    def _models(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._model_parameters}

    def _fit_settings(self, owner: str) -> FitSettings:
        state = self.random_state
        share = isinstance(state, (int, np.integer)) and not isinstance(state, bool)
        if share:
            seed = int(state)
        else:
            seed = int(check_random_state(state).randint(2**31 - 1))
        return FitSettings(owner, seed, share, self.n_jobs, self.memory)

    def _make_folds(self) -> Folds:
        if self._folds is None:
            self._folds = make_folds(
                self._data,
                self.cv,
                n_repeats=self.n_repeats,
                seed=self._settings.seed,
                owner=self._settings.owner,
            )
        return self._folds

    def _cross_fitted(self, nuisances: tuple[Nuisance, ...]) -> NuisanceEstimates:
        folds = self._make_folds()
        return cross_fit(nuisances, self._models(), self._data, folds, self._settings)

    def _ensure(self, nuisances: tuple[Nuisance, ...]) -> None:
        """Cross-fit the nuisances an average needs and the learner has not used."""
        missing = tuple(n for n in nuisances if n.name not in self.nuisances_)
        if missing:
            self._training_data("average_effect")
            self.nuisances_ = self.nuisances_.merged(self._cross_fitted(missing))

    def _training_data(self, verb: str) -> CausalData:
        if self._data.X is None:
            raise ValueError(
                f"{type(self).__name__}.{verb}: a learner that was pickled does not "
                f"keep its training rows. Call {verb} before pickling, or use "
                "skcausal.validation.average_effect(...) on rows at hand."
            )
        return self._data

    def _warn_of_overlap(self, nuisances: NuisanceEstimates, owner: str) -> None:
        """Record and report propensities that were raised to ``min_propensity``."""
        if not 0 <= self.min_propensity < 0.5:
            raise ValueError(
                f"{owner}: min_propensity must lie in [0, 0.5), got "
                f"{self.min_propensity}."
            )
        low = (propensity_of(nuisances) < self.min_propensity).any(axis=(0, 2))
        self.n_raised_propensities_ = int(low.sum())
        if low.any():
            warnings.warn(
                f"{owner}: {low.sum()} of {low.shape[0]} rows have a propensity below "
                f"min_propensity={self.min_propensity}, which is raised to it where an "
                "average divides by it: these rows are hardly comparable between arms. "
                "Consider target='overlap', or trimming the population.",
                OverlapWarning,
                stacklevel=3,
            )

    def _arm_code(self, label: Any) -> int:
        """Return the code of an arm; None is the control."""
        if label is None:
            return 0
        arms = np.asarray(self.arms_)
        position = np.flatnonzero(arms == label)
        if position.shape[0] != 1:
            raise ValueError(
                f"{type(self).__name__}.effect: {label!r} is not an arm; the arms are "
                f"{arms.tolist()}."
            )
        return int(position[0])

    def _check_X(self, X: Any, *, reset: bool) -> Any:
        owner = f"{type(self).__name__}.{'fit' if reset else 'effect'}"
        checked = check_features(X, owner)
        validate_data(self, checked, skip_check_array=True, reset=reset)
        if n_rows_of(checked) < 2 and reset:
            raise ValueError(
                f"{owner}: n_samples=1 is too few; each arm needs at least two rows."
            )
        return checked

    def __getstate__(self) -> dict[str, Any]:
        """Leave the training rows out of a pickle; scores and models stay."""
        state = dict(super().__getstate__())
        if "_data" in state:
            state["_data"] = state["_data"].without_features()
        return state

    def __sklearn_tags__(self) -> Any:
        """Take missing values and sparse input where all base models do."""
        tags = super().__sklearn_tags__()
        models = list(self._models().values())
        tags.input_tags.allow_nan = allows(models, "nan")
        tags.input_tags.sparse = allows(models, "sparse")
        tags.input_tags.categorical = False
        return tags
