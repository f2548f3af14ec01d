"""ConformalEffect: intervals that hold the effect of a single new row."""

import warnings
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, check_random_state, validate_data

from skcausal.estimation._crossfit import FitSettings, cross_fit
from skcausal.estimation._data import CausalData, make_data
from skcausal.estimation._evaluation import text_as_categories
from skcausal.estimation._folds import make_folds
from skcausal.estimation._known_propensity import KnownPropensity
from skcausal.estimation._models import allows, arm_probabilities, fresh_copy
from skcausal.estimation._nuisances import PROPENSITY
from skcausal.estimation._wrapping import EffectWrapper, target_of
from skcausal.estimation.wrappers._conformal_fitting import (
    IntervalSettings,
    fit_intervals,
    predict_pair,
)
from skcausal.estimation.wrappers._quantile_models import check_quantile_model
from skcausal.utils._target import resolve_target
from skcausal.utils._validation import OverlapWarning, check_features, n_rows_of

_METHODS = ("exact", "inexact")


class ConformalEffect(EffectWrapper):
    r"""Give any learner intervals for the effect of a single row.

    An interval of the conditional effect is about the mean of all rows alike. This one
    is about :math:`Y(1) - Y(0)` of one new row, noise included, whatever the models
    are worth: bad models make it wide, not wrong.

    Parameters
    ----------
    estimator : learner or Pipeline
        Anything with an effect: the source of effects and averages. Intervals do not
        depend on it.
    quantile_model : regressor, default=None
        Model of conditional quantiles, such as ``QuantileRegressor()`` or
        ``HistGradientBoostingRegressor(loss="quantile")``; its level is set by this
        class. None is LightGBM sized by the data.
    propensity_model : classifier, default=None
        Model of the treatment given covariates; None is LightGBM sized by the data,
        ``KnownPropensity`` the design of an experiment.
    method : {"exact", "inexact"}, default="exact"
        Whether intervals are calibrated twice, with a guarantee, or only once and then
        smoothed: narrower, and too narrow where outcomes are noisy.
    quantiles : tuple of float, default=(0.05, 0.95)
        Levels of the modelled quantiles, the same for every ``level`` of intervals.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting the propensity.
    min_propensity : float, default=0.01
        Propensities below are raised to it, with an ``OverlapWarning``.
    n_jobs : int, default=None
        Parallel fits of the propensity.
    random_state : int, RandomState instance or None, default=None
        Seed of splits and models, and of the learner where it has none.

    Attributes
    ----------
    learner_ : learner or Pipeline
        Fitted on all rows: the source of effects.
    quantile_models_ : list of tuple
        Lower and upper quantile of the outcome, for each arm.
    edge_models_ : list of tuple
        Lower and upper edge of the effect, for each arm but the control.

    Notes
    -----
    Assumes no unmeasured confounding given X, overlap, and independent rows (or
    groups). Rows are split in three. On the first, quantiles
    :math:`q^-_a, q^+_a` of the outcome are modelled in each arm. On the second their
    errors :math:`\max(q^-_a(X) - Y, Y - q^+_a(X))` are weighted to rows of the other
    arm, by :math:`e_b(X) / e_a(X)`; their conformal quantile widens the quantiles to an
    interval of the outcome that was not seen. So a row has an interval :math:`C` of its
    effect: :math:`[Y - q^+_0(X), Y - q^-_0(X)]`, widened, if it was treated. Its edges
    are modelled on the first two parts; the conformal quantile of what :math:`C`
    exceeds them in the third widens the model. Two thirds of the probability of error
    are spent on the first step and one on the second, so that

    .. math:: P(Y(a) - Y(0) \in \hat C(X)) \ge \text{level}

    in any sample and for any models where the propensity is known; where it is
    estimated, up to its error. The probability is over new rows and samples together,
    not given X. Nothing is assumed about the correlation of :math:`Y(a)` and
    :math:`Y(0)`, so intervals have to be wide enough for the worst one.

    References
    ----------
    Lei, L., & Candès, E. J. (2021). Conformal inference of counterfactuals and
    individual treatment effects. Journal of the Royal Statistical Society B, 83(5).
    https://doi.org/10.1111/rssb.12445

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression, QuantileRegressor
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import ConformalEffect, KnownPropensity, TLearner
    >>> data = make_observational(400, confounding="none", random_state=0)
    >>> conformal = ConformalEffect(
    ...     TLearner(LinearRegression()),
    ...     QuantileRegressor(alpha=0),
    ...     KnownPropensity(0.5),
    ...     random_state=0,
    ... ).fit(data.X, data.y, treatment=data.treatment)
    >>> lower, upper = conformal.individual_effect_interval(data.X, level=0.9)
    >>> bool((lower < upper).all())
    True
    """

    def __init__(
        self,
        estimator: Any,
        quantile_model: Any = None,
        propensity_model: Any = None,
        *,
        method: str = "exact",
        quantiles: tuple[float, float] = (0.05, 0.95),
        cv: Any = 5,
        min_propensity: float = 0.01,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.quantile_model = quantile_model
        self.propensity_model = propensity_model
        self.method = method
        self.quantiles = quantiles
        self.cv = cv
        self.min_propensity = min_propensity
        self.n_jobs = n_jobs
        self.random_state = random_state

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        treatment: Any = None,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> "ConformalEffect":
        """Fit the learner on all rows, and the intervals on three parts of them.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates. Models of intervals take text columns as categories.
        y : array-like of shape (n,)
            Outcome, or a ``causal_target``.
        treatment : array-like of shape (n,), default=None
            Treatment, unless it travels in ``y``.
        sample_weight, groups : array-like of shape (n,), default=None
            Weights and clusters of the rows. Weights stand for how often new rows are
            like each; with groups, intervals are for rows of new groups.

        Returns
        -------
        self : ConformalEffect
            The fitted wrapper.

        Raises
        ------
        ValueError
            If a parameter is out of range, the treatment has no arms, an outcome may be
            censored, or the learner refuses the data.
        """
        owner = "ConformalEffect.fit"
        self._check_parameters(owner)
        parts = resolve_target(owner, y, treatment, sample_weight, groups)
        for name, given in (("event", parts.event), ("instrument", parts.instrument)):
            if given is not None:
                raise ValueError(
                    f"{owner}: y holds an {name}, but intervals of individual effects "
                    "need outcomes seen in full and no unmeasured confounding. Leave "
                    "it out."
                )
        random = check_random_state(self.random_state)
        seeds = random.randint(2**31 - 1, size=2)
        self._adopt(fresh_copy(self.estimator, int(seeds[0])).fit(X, target_of(parts)))
        if self.arms_ is None:
            raise ValueError(
                f"{owner}: the treatment is continuous, but intervals of individual "
                "effects compare arms. Cut it into levels."
            )
        data = make_data(
            check_features(text_as_categories(X), owner),
            parts,
            owner=owner,
            control_arm=self.arms_[0],
            treatment_type="discrete",
        )
        self._fit_intervals(data, random, int(seeds[1]))
        return self

    def individual_effect_interval(
        self, X: Any, *, level: float = 0.95
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return intervals that hold the effect of each single row.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates of new rows.
        level : float, default=0.95
            Probability in (0, 1) that the interval of a new row holds its
            ``Y(a) - Y(0)``.

        Returns
        -------
        lower, upper : ndarray of shape (n,) or (n, n_arms - 1)
            Limits in units of the outcome, each arm against the control; infinite, with
            a warning, where calibration rows are too few for the level.
        """
        X = self._checked(X, level, "individual_effect_interval")
        fit = self._intervals
        # With two arms every row counts; with more, rows of two arms stand for all.
        e = self._propensity_of(X) if len(fit.edges) > 1 else None
        lower, upper = [], []
        for edges, pair in zip(fit.effects, fit.edges, strict=True):
            new = np.ones(1) if e is None else 1 / (e[:, 0] + e[:, edges.arm])
            outcomes = fit.outcomes[0], fit.outcomes[edges.arm]
            below, above = edges.margins(level, self.method, outcomes, new)
            low, high = predict_pair(pair, X)
            lower.append(np.minimum(low - below, high + above))
            upper.append(np.maximum(low - below, high + above))
        self._warn_of_infinite(lower, level, "individual_effect_interval")
        if len(lower) == 1:
            return lower[0], upper[0]
        return np.column_stack(lower), np.column_stack(upper)

    def outcome_interval(
        self, X: Any, treatment: Any, *, level: float = 0.95
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return intervals that hold the outcome of each single row under one arm.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates of new rows.
        treatment : label
            The arm.
        level : float, default=0.95
            Probability in (0, 1) that the interval of a new row holds the outcome it
            would have under the arm.

        Returns
        -------
        lower, upper : ndarray of shape (n,)
            Limits in units of the outcome; infinite, with a warning, where calibration
            rows are too few for the level.
        """
        X = self._checked(X, level, "outcome_interval")
        arms = np.asarray(self.arms_).tolist()
        if treatment not in arms:
            raise ValueError(
                f"ConformalEffect.outcome_interval: {treatment!r} is not an arm; the "
                f"arms are {arms}."
            )
        code = arms.index(treatment)
        bound = self._intervals.outcomes[code].bound(
            level, None, self._propensity_of(X)
        )
        low, high = predict_pair(self._intervals.quantiles[code], X)
        lower = np.minimum(low - bound, high + bound)
        self._warn_of_infinite([lower], level, "outcome_interval")
        return lower, np.maximum(low - bound, high + bound)

    def _fit_intervals(self, data: CausalData, random: Any, seed: int) -> None:
        owner = "ConformalEffect.fit"
        settings = FitSettings(owner, seed, n_jobs=self.n_jobs)
        models = {"propensity_model": self.propensity_model}
        folds = make_folds(data, self.cv, n_repeats=1, seed=seed, owner=owner)
        fit = cross_fit((PROPENSITY,), models, data, folds, settings).fits["propensity"]
        self._propensity_models = fit.models
        low, high = self.quantiles
        self._intervals = fit_intervals(
            data,
            self._raised(fit.values[0], owner),
            IntervalSettings(
                owner, self.quantile_model, self.method, (low, high), seed
            ),
            random,
        )
        self.quantile_models_ = self._intervals.quantiles
        self.edge_models_ = self._intervals.edges

    def _check_parameters(self, owner: str) -> None:
        """Refuse parameters out of their range before anything is fitted."""
        if self.method not in _METHODS:
            raise ValueError(
                f"{owner}: method must be 'exact' or 'inexact', got {self.method!r}."
            )
        levels = np.asarray(self.quantiles, dtype=float)
        if levels.shape != (2,) or not 0 < levels[0] < levels[1] < 1:
            raise ValueError(
                f"{owner}: quantiles must be two increasing numbers in (0, 1), got "
                f"{self.quantiles!r}."
            )
        if not 0 <= self.min_propensity < 0.5:
            raise ValueError(
                f"{owner}: min_propensity must lie in [0, 0.5), got "
                f"{self.min_propensity}."
            )
        check_quantile_model(self.quantile_model, f"{owner}: quantile_model")

    def _checked(self, X: Any, level: float, verb: str) -> Any:
        """Check the level and the covariates of new rows."""
        check_is_fitted(self, "edge_models_")
        owner = f"ConformalEffect.{verb}"
        if not 0 < level < 1:
            raise ValueError(f"{owner}: level must lie between 0 and 1, got {level}.")
        checked = check_features(text_as_categories(X), owner)
        validate_data(self, checked, skip_check_array=True, reset=False)
        return checked

    def _propensity_of(self, X: Any) -> np.ndarray:
        """Return the propensities of new rows: the mean over models of the folds."""
        arms = np.asarray(self.arms_)
        if self._propensity_models:
            tables = [
                arm_probabilities(model, X, arms, "propensity_model")
                for model in self._propensity_models
            ]
            table = np.mean(tables, axis=0)
        elif isinstance(self.propensity_model, KnownPropensity):
            table = self.propensity_model.for_rows(arms, n_rows_of(X))
        else:
            raise ValueError(
                "ConformalEffect: the propensity was known for the rows of fit only; "
                "new rows need it here. Pass propensity_model=KnownPropensity(...) or "
                "a classifier instead of causal_target(..., propensity=...)."
            )
        return self._raised(table, "ConformalEffect")

    def _raised(self, propensity: np.ndarray, owner: str) -> np.ndarray:
        """Raise small propensities to ``min_propensity`` and say so."""
        low = int((propensity < self.min_propensity).any(axis=1).sum())
        if low:
            warnings.warn(
                f"{owner}: {low} of {propensity.shape[0]} rows have a propensity below "
                f"min_propensity={self.min_propensity}, which was raised to it: "
                "intervals may not hold for such rows.",
                OverlapWarning,
                stacklevel=4,
            )
        return np.maximum(propensity, self.min_propensity)

    def _warn_of_infinite(
        self, limits: list[np.ndarray], level: float, verb: str
    ) -> None:
        """Warn where calibration rows were too few for the level."""
        infinite = int(np.isinf(np.stack(limits)).any(axis=0).sum())
        if infinite:
            fewest = min(len(one.scores) for one in self._intervals.outcomes)
            warnings.warn(
                f"ConformalEffect.{verb}: the intervals of {infinite} rows are "
                f"infinite: {fewest} calibration rows in the smallest arm, or their "
                f"overlap, do not suffice for level={level}. Use more rows, a lower "
                "level, or rows that overlap better.",
                UserWarning,
                stacklevel=3,
            )

    def _wrapped(self) -> Any:
        return self.estimator

    def __sklearn_tags__(self) -> Any:
        """Take the input that the learner and the models of intervals take."""
        tags = super().__sklearn_tags__()
        models = [self.quantile_model, self.propensity_model]
        tags.input_tags.allow_nan &= allows(models, "nan")
        tags.input_tags.sparse &= allows(models, "sparse")
        return tags
