"""EconMLEffect: an EconML estimator of conditional effects as one of our learners."""

import copy
import inspect
from typing import Any, ClassVar

import numpy as np
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._base import EffectLearner
from skcausal.estimation._data import CausalData
from skcausal.estimation._effect_models import select_features
from skcausal.estimation._nuisances import NuisanceEstimates

_PREFIX = "estimator__"


def _has_inference(learner: Any) -> bool:
    """Tell whether the fitted EconML estimator made inference."""
    return getattr(getattr(learner, "estimator_", None), "_inference", None) is not None


class EconMLEffect(EffectLearner):
    r"""Use an EconML estimator of conditional effects as one of our learners.

    It then takes labels of arms, DataFrames, ``causal_target`` and scikit-learn's
    Pipelines, searches and scorers; parameters of the EconML estimator are tuned as
    ``estimator__name``. Conditional effects and their intervals are EconML's; average
    effects come from our doubly robust scores, as those of every learner do.

    Parameters
    ----------
    estimator : EconML estimator
        Unfitted, with ``fit(Y, T, X=...)`` and ``effect(X, T0, T1)``: those of
        ``econml.dml``, ``econml.dr``, ``econml.metalearners``, ``econml.orf``.
        It is copied, never changed.
    outcome_model : estimator, default=None
        Model of the outcome for average effects, fitted once per arm; None is LightGBM
        sized by the data.
    propensity_model : classifier, default=None
        Model of the treatment for average effects; None is LightGBM sized by the data,
        ``KnownPropensity`` the design of an experiment.
    effect_features : list of str or int, default=None
        Columns that the effect may vary with (EconML's X); all others are controls
        (EconML's W). None is all, without further controls.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting for average effects.
    n_repeats : int, default=1
        Repetitions of that cross-fitting; averages take the median.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    treatment_type : {"auto", "discrete", "continuous"}, default="auto"
        Numbers with fractions or more than ten levels are continuous under "auto".
    outcome_type : {"auto", "binary", "continuous"}, default="auto"
        What models of average effects take the outcome for. EconML's own estimators
        need ``discrete_outcome=True`` besides.
    min_propensity : float, default=0.01
        Propensities below are raised to it in scores, with an ``OverlapWarning``.
    memory : str or joblib.Memory, default=None
        Folder where nuisance estimates persist between sessions.
    n_jobs : int, default=None
        Parallel fits of the models for average effects.
    random_state : int, RandomState instance or None, default=None
        Seed of folds and models, and of the EconML estimator where it has none.

    Attributes
    ----------
    estimator_ : EconML estimator
        The fitted copy.
    arms_ : ndarray of shape (n_arms,) or None
        Labels of the arms, control first; None for a continuous treatment.
    nuisances_ : NuisanceEstimates
        Out-of-fold nuisance estimates of average effects, once one was asked for.

    Notes
    -----
    Assumes what the EconML estimator assumes; average effects assume no unmeasured
    confounding given X, and overlap. Arms are handed over as the codes 0, 1, ... in
    the order of ``arms_``, so that :math:`\tau_a(x) = E[Y(a) - Y(0) | X = x]` for
    every arm a. Estimators with an instrument are refused: their effects are local,
    which average effects from propensities are not.

    References
    ----------
    Battocchi, K., Dillon, E., Hei, M., Lewis, G., Oka, P., Oprescu, M., & Syrgkanis, V.
    (2019). EconML: A Python package for ML-based heterogeneous treatment effects
    estimation. https://github.com/py-why/EconML

    Examples
    --------
    >>> from econml.metalearners import TLearner
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation.adapters import EconMLEffect
    >>> data = make_observational(300, effect="constant", random_state=0)
    >>> learner = EconMLEffect(TLearner(models=LinearRegression()), random_state=0)
    >>> learner.fit(data.X, data.y, treatment=data.treatment).effect(data.X).shape
    (300,)
    """

    _allows_continuous: ClassVar[bool] = True

    def __init__(
        self,
        estimator: Any,
        outcome_model: Any = None,
        propensity_model: Any = None,
        *,
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
        self.estimator = estimator
        self.outcome_model = outcome_model
        self.propensity_model = propensity_model
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

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return parameters; with ``deep`` also those of the EconML estimator.

        Parameters
        ----------
        deep : bool, default=True
            Whether to add ``estimator__name`` for each parameter of the estimator.

        Returns
        -------
        parameters : dict
            Values by name.
        """
        parameters = dict(super().get_params(deep=deep))
        if deep:
            for name in inspect.signature(type(self.estimator).__init__).parameters:
                if hasattr(self.estimator, name):
                    parameters[_PREFIX + name] = getattr(self.estimator, name)
        return parameters

    def set_params(self, **parameters: Any) -> "EconMLEffect":
        """Set parameters, those of the EconML estimator as ``estimator__name``.

        Parameters
        ----------
        **parameters : dict
            Values by name.

        Returns
        -------
        self : EconMLEffect
            The learner; the estimator it was made with stays as it was.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        inner = {k: v for k, v in parameters.items() if k.startswith(_PREFIX)}
        super().set_params(**{k: v for k, v in parameters.items() if k not in inner})
        known = self.get_params()
        if inner:
            self.estimator = copy.deepcopy(self.estimator)
        for key, value in inner.items():
            name, _, rest = key.removeprefix(_PREFIX).partition("__")
            if _PREFIX + name not in known:
                raise ValueError(
                    f"EconMLEffect.set_params: {type(self.estimator).__name__} has no "
                    f"parameter {name!r}; it has "
                    f"{sorted(k for k in known if k.startswith(_PREFIX))}."
                )
            if rest:
                getattr(self.estimator, name).set_params(**{rest: value})
            else:
                setattr(self.estimator, name, value)
        return self

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        owner = self._settings.owner
        takes = self._check_estimator(data, owner)
        estimator = copy.deepcopy(self.estimator)
        if getattr(estimator, "random_state", 0) is None:
            estimator.random_state = self._settings.seed % 2**31
        columns: dict[str, Any] = {"X": self._features(data.X, "fit")}
        if self.effect_features is not None:
            controls = self._controls(data.X, takes, owner)
            columns["W"] = None if controls is None else self._numbers(controls, owner)
        optional = {"sample_weight": data.sample_weight, "groups": data.groups}
        for name, values in optional.items():
            if values is not None:
                if name not in takes:
                    raise ValueError(
                        f"{owner}: {type(estimator).__name__} takes no {name}. Leave "
                        "it out, or use an estimator that does."
                    )
                columns[name] = values
        self.estimator_ = estimator.fit(data.outcome, data.treatment, **columns)

    def _check_estimator(self, data: CausalData, owner: str) -> Any:
        """Refuse what is no estimator of effects; return what its ``fit`` takes."""
        estimator = self.estimator
        name = type(estimator).__name__
        if isinstance(estimator, type) or not hasattr(
            estimator, "const_marginal_effect"
        ):
            raise TypeError(
                f"{owner}: estimator must be an EconML estimator of conditional "
                f"effects, such as econml.dml.LinearDML(), got {estimator!r}."
            )
        takes = inspect.signature(estimator.fit).parameters
        if "Z" in takes:
            raise ValueError(
                f"{owner}: {name} needs an instrument, and its effects are local. Use "
                "an InstrumentalForest or PartiallyLinearIV."
            )
        discrete = getattr(estimator, "discrete_treatment", True)
        if data.is_discrete and not discrete:
            raise ValueError(
                f"{owner}: the treatment has arms, but {name} takes it for a number. "
                "Set discrete_treatment=True on it, or treatment_type='continuous' "
                "here."
            )
        if not data.is_discrete and discrete:
            raise ValueError(
                f"{owner}: the treatment is continuous, but {name} compares arms. Use "
                "one with discrete_treatment=False, or treatment_type='discrete' here."
            )
        return takes

    def _controls(self, X: Any, takes: Any, owner: str) -> Any:
        """Return the columns that the effect does not vary with, if there are any."""
        if "W" not in takes:
            raise ValueError(
                f"{owner}: effect_features needs controls, which "
                f"{type(self.estimator).__name__} does not take. Leave it at None."
            )
        names = list(getattr(X, "columns", range(X.shape[1])))
        chosen = {names.index(c) if c in names else c for c in self.effect_features}
        rest = [place for place in range(len(names)) if place not in chosen]
        return select_features(X, rest, owner) if rest else None

    def _numbers(self, X: Any, owner: str) -> np.ndarray:
        """Return covariates as numbers: EconML takes no categories."""
        columns = getattr(X, "columns", None)
        if columns is not None:
            words = [c for c in columns if X[c].dtype.kind not in "iufb"]
            if words:
                raise ValueError(
                    f"{owner}: EconML takes numbers only, but column {words[0]!r} has "
                    f"dtype {X[words[0]].dtype}. Encode it first, for example with a "
                    "OneHotEncoder in a Pipeline."
                )
        return np.asarray(X.toarray() if hasattr(X, "toarray") else X, dtype=float)

    def _features(self, X: Any, verb: str) -> np.ndarray:
        owner = f"EconMLEffect.{verb}"
        return self._numbers(select_features(X, self.effect_features, owner), owner)

    def _contrast_effects(self, X: Any) -> np.ndarray:
        X = self._features(X, "effect")
        arms = range(1, len(self.arms_))  # type: ignore[arg-type]
        effects = [np.ravel(self.estimator_.effect(X, T0=0, T1=arm)) for arm in arms]
        return np.column_stack(effects)

    def _level_effects(self, X: Any, treated: Any, control: Any) -> np.ndarray:
        X = self._features(X, "effect")
        return np.ravel(self.estimator_.effect(X, T0=control, T1=treated))

    @available_if(_has_inference)
    def effect_interval(
        self, X: Any, *, level: float = 0.95
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the pointwise intervals that EconML makes.

        Available once fitted, where the EconML estimator makes inference; otherwise
        wrap the learner in ``BootstrapEffect``.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.
        level : float, default=0.95
            Confidence level in (0, 1).

        Returns
        -------
        lower, upper : ndarray of shape (n,) or (n, n_arms - 1)
            Bounds of the effects, in the units of ``y``.
        """
        check_is_fitted(self, "estimator_")
        X = self._features(self._check_X(X, reset=False), "effect_interval")
        arms = range(1, 2 if self.arms_ is None else len(self.arms_))
        bounds = [
            self.estimator_.effect_interval(X, T0=0, T1=arm, alpha=1 - level)
            for arm in arms
        ]
        lower, upper = (np.column_stack([b[k].ravel() for b in bounds]) for k in (0, 1))
        if lower.shape[1] == 1:
            return lower[:, 0], upper[:, 0]
        return lower, upper
