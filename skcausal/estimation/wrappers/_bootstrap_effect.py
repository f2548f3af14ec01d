"""BootstrapEffect: intervals for any learner, by refitting on resampled rows."""

from typing import Any

import numpy as np
from joblib import Parallel, delayed
from scipy import stats
from sklearn.utils.validation import check_is_fitted, check_random_state

from skcausal.estimation._models import fresh_copy
from skcausal.estimation._wrapping import (
    EffectWrapper,
    resample,
    rows_of,
    slim,
    target_of,
)
from skcausal.utils._target import fields_of, pack, resolve_target

_METHODS = ("half_sample", "bayesian", "pairs")


class BootstrapEffect(EffectWrapper):
    r"""Give any learner intervals, by refitting it on resampled rows.

    The whole procedure is repeated, nuisances included, so the spread of the refitted
    effects is the spread of the learner.

    Parameters
    ----------
    estimator : learner or Pipeline
        Anything with an effect: a learner, or a Pipeline that ends in one.
    n_bootstrap : int, default=100
        Number of refits, at least 2.
    method : {"half_sample", "bayesian", "pairs"}, default="half_sample"
        Half of the rows without replacement; random exponential weights; or rows drawn
        with replacement. Resampling is by group when ``fit`` has groups, and within
        arms otherwise.
    progress : bool, default=False
        Show a progress bar.
    n_jobs : int, default=None
        Parallel refits; None is 1 unless in a joblib context.
    random_state : int, RandomState instance or None, default=None
        Seed of resampling, and of the refits where they have none.

    Attributes
    ----------
    learner_ : learner or Pipeline
        Fitted on all rows: the source of effects.
    replicates_ : list
        Fitted on resampled rows: the source of intervals.

    Notes
    -----
    Assumes rows (or groups) are independent and the learner's bias is small against its
    spread: an interval does not repair regularisation bias. A half-sample estimate
    deviates from the full one with the variance of the full one,
    :math:`\sigma^2 / (n/2) \cdot (1 - 1/2) = \sigma^2 / n`, so the standard deviation
    of the replicates is the standard error, without rescaling. Half-samples have no
    ties between training and held-out rows, which cross-fitting with replacement has.

    References
    ----------
    Yadlowsky, S., Fleming, S., Shah, N., Brunskill, E., & Wager, S. (2021). Evaluating
    treatment prioritization rules via rank-weighted average treatment effects.
    https://arxiv.org/abs/2111.07966

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import BootstrapEffect, TLearner
    >>> data = make_observational(300, random_state=0)
    >>> bootstrap = BootstrapEffect(
    ...     TLearner(LinearRegression()), n_bootstrap=10, random_state=0
    ... ).fit(data.X, data.y, treatment=data.treatment)
    >>> lower, upper = bootstrap.effect_interval(data.X[:2])
    >>> bool((lower < bootstrap.effect(data.X[:2])).all())
    True
    """

    def __init__(
        self,
        estimator: Any,
        *,
        n_bootstrap: int = 100,
        method: str = "half_sample",
        progress: bool = False,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.estimator = estimator
        self.n_bootstrap = n_bootstrap
        self.method = method
        self.progress = progress
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
    ) -> "BootstrapEffect":
        """Fit the learner on all rows and on resampled rows.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.
        y : array-like of shape (n,)
            Outcome, or a ``causal_target``.
        treatment : array-like of shape (n,), default=None
            Treatment, unless it travels in ``y``.
        sample_weight, groups : array-like of shape (n,), default=None
            Weights and clusters of the rows.

        Returns
        -------
        self : BootstrapEffect
            The fitted wrapper.

        Raises
        ------
        ValueError
            If a parameter is out of range, or the learner refuses the data.
        """
        if self.method not in _METHODS:
            raise ValueError(
                f"BootstrapEffect: method must be one of "
                f"{', '.join(map(repr, _METHODS))}, got {self.method!r}."
            )
        if self.n_bootstrap < 2:
            raise ValueError(
                f"BootstrapEffect: n_bootstrap must be at least 2, got "
                f"{self.n_bootstrap}."
            )
        parts = resolve_target(
            "BootstrapEffect.fit", y, treatment, sample_weight, groups
        )
        target = target_of(parts)
        random = check_random_state(self.random_state)
        seeds = random.randint(2**31 - 1, size=self.n_bootstrap + 1)
        self._adopt(fresh_copy(self.estimator, int(seeds[0])).fit(X, target))
        jobs = (
            delayed(_refit)(self.estimator, X, target, self.method, int(seed))
            for seed in seeds[1:]
        )
        refits = Parallel(n_jobs=self.n_jobs, return_as="generator")(jobs)
        self.replicates_ = list(self._with_progress(refits))
        return self

    def _with_progress(self, refits: Any) -> Any:
        """Wrap the refits in a progress bar where asked."""
        if not self.progress:
            return refits
        from tqdm.auto import tqdm

        return tqdm(refits, total=self.n_bootstrap, desc="BootstrapEffect")

    def effect_interval(
        self, X: Any, *, level: float = 0.95
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return pointwise confidence intervals of the effects.

        Parameters
        ----------
        X : array-like or DataFrame of shape (n, n_features)
            Covariates.
        level : float, default=0.95
            Confidence level in (0, 1).

        Returns
        -------
        lower, upper : ndarray of shape (n,) or (n, n_arms - 1)
            Effect minus and plus the normal quantile times the standard deviation of
            the refitted effects.
        """
        check_is_fitted(self, "replicates_")
        if not 0 < level < 1:
            raise ValueError(
                f"BootstrapEffect.effect_interval: level must lie between 0 and 1, got "
                f"{level}."
            )
        effects = self.effect(X)
        replicates = np.stack([learner.predict(X) for learner in self.replicates_])
        margin = stats.norm.ppf(0.5 + level / 2) * replicates.std(axis=0, ddof=1)
        return effects - margin, effects + margin

    def _wrapped(self) -> Any:
        return self.estimator


def _refit(estimator: Any, X: Any, target: np.ndarray, method: str, seed: int) -> Any:
    """Fit a copy of the estimator on resampled (or reweighted) rows."""
    random = np.random.default_rng(seed)
    if method == "bayesian":
        rows, resampled = np.arange(target.shape[0]), _reweighted(target, random)
    else:
        share = None if method == "pairs" else 0.5
        rows, resampled = resample(target, random, share)
    # Not an integer seed: nuisances of resampled rows would only fill the cache.
    copy = fresh_copy(estimator, np.random.RandomState(seed))
    return slim(copy.fit(rows_of(X, rows), resampled))


def _reweighted(target: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Multiply the weights by exponential draws, one per row or group."""
    fields = fields_of(target)
    units = fields.get("groups", np.arange(target.shape[0]))
    draws = random.exponential(size=units.max() + 1)[units]
    old = fields.get("sample_weight", np.ones(target.shape[0]))
    return pack(fields | {"sample_weight": old * draws})
