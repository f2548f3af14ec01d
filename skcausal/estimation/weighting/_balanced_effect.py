"""BalancedEffect: the average effect between arms that a weighter made alike."""

import warnings
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from skcausal.estimation._average import Question, effect_label
from skcausal.estimation._average_learner import AverageLearner
from skcausal.estimation._data import CausalData
from skcausal.estimation._nuisances import (
    OUTCOME_BY_ARM,
    Nuisance,
    NuisanceEstimates,
)
from skcausal.inference import EffectEstimate
from skcausal.utils._validation import NoIntervalWarning

_Cell = tuple[float, np.ndarray]


class BalancedEffect(AverageLearner):
    r"""Estimate average effects by comparing arms that a weighter has made alike.

    The design (who counts how much) is settled before any outcome is looked at, and
    ``weighter_.balance_`` shows whether it worked. Intervals account for the weights
    being estimated.

    Parameters
    ----------
    weighter : weighter
        Makes the arms alike: ``EntropyBalancing()``, ``OverlapWeights()``,
        ``CovariateBalancingPropensity()``, ... Its ``target`` is the population of
        the effect; its ``control_arm`` is replaced by the one here.
    outcome_model : estimator, default=None
        Model of the outcome given covariates, cross-fitted once per arm, that takes
        care of what the weights leave unbalanced; None is none.
    cv : int, splitter or list of (train, test), default=5
        Folds of the outcome model.
    n_repeats : int, default=1
        Repetitions of cross-fitting with other folds; averages take the median.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    treatment_type : {"auto", "discrete", "continuous"}, default="auto"
        Numbers with fractions or more than ten levels are continuous under "auto",
        which this estimator refuses.
    outcome_type : {"auto", "binary", "continuous"}, default="auto"
        Booleans and the integers 0/1 are binary under "auto": an outcome model may
        then be a classifier.
    memory : str or joblib.Memory, default=None
        Folder where outcome models' estimates persist between sessions.
    n_jobs : int, default=None
        Parallel fits of outcome models; None is 1 unless in a joblib context.
    random_state : int, RandomState instance or None, default=None
        Seed of folds and outcome models.

    Attributes
    ----------
    weighter_ : weighter
        The fitted weighter, with ``weights_``, ``balance_`` and
        ``effective_sample_size_`` of the training rows.
    average_effect_ : EffectEstimate
        The average effect of the weighter's target; its errors are NaN where no valid
        ones are known.
    arms_ : ndarray of shape (n_arms,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.
    nuisances_ : NuisanceEstimates
        Out-of-fold outcome means, if there is an outcome model.

    Notes
    -----
    Assumes no unmeasured confounding given X, overlap, and what the weighter assumes.
    With weights :math:`w(\hat\theta)` the mean outcome of arm a is
    :math:`\hat\mu_a = \sum_i w_i 1[T_i = a] Y_i / \sum_i w_i 1[T_i = a]`. The weights'
    parameters solve :math:`\sum_i u_i(\theta) z_i = 0`, and stacking both equations
    gives the influence :math:`(w_i 1[T_i = a] (Y_i - \mu_a) + G_a' H^{-1} z_i u_i) /
    E[w 1[T = a]]` with :math:`G_a = E[\partial_\theta w 1[T = a] (Y - \mu_a)]` and
    :math:`H = -E[\partial_\theta u z']`. Influences are evaluated as the change when
    the row is left out (one Newton step, a jackknife), which is less optimistic where a
    few rows weigh much. With outcome models :math:`m_a`, residuals
    :math:`Y - m_a` take the place of Y and the population mean of :math:`m_a` is
    added. Errors are NaN, with a ``NoIntervalWarning``, where no valid influence is
    known: propensities of machine learning (use ``AIPW``), over-identified ones, and a
    tolerance without an outcome model. Subgroups are balanced on their own.

    References
    ----------
    Stefanski, L. A., & Boos, D. D. (2002). The calculus of M-estimation. The American
    Statistician, 56(1). https://doi.org/10.1198/000313002753631330

    Zhao, Q., & Percival, D. (2017). Entropy balancing is doubly robust. Journal of
    Causal Inference, 5(1). https://doi.org/10.1515/jci-2016-0010

    Examples
    --------
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import BalancedEffect, EntropyBalancing
    >>> data = make_observational(1000, effect="constant", random_state=0)
    >>> learner = BalancedEffect(EntropyBalancing())
    >>> _ = learner.fit(data.X, data.y, treatment=data.treatment)
    >>> lower, upper = learner.average_effect().interval()
    >>> bool(lower < data.average_effect < upper)
    True
    """

    _model_parameters: ClassVar[tuple[str, ...]] = ("outcome_model", "weighter")

    def __init__(
        self,
        weighter: Any,
        outcome_model: Any = None,
        *,
        cv: Any = 5,
        n_repeats: int = 1,
        control_arm: Any = None,
        treatment_type: str = "auto",
        outcome_type: str = "auto",
        memory: Any = None,
        n_jobs: int | None = None,
        random_state: Any = None,
    ) -> None:
        self.weighter = weighter
        self.outcome_model = outcome_model
        self.cv = cv
        self.n_repeats = n_repeats
        self.control_arm = control_arm
        self.treatment_type = treatment_type
        self.outcome_type = outcome_type
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _has_interval(self) -> bool:
        augmented = self.outcome_model is not None
        return bool(self.weighter._has_influence(augmented=augmented))

    def _warn_of_no_interval(self) -> None:
        warnings.warn(
            f"BalancedEffect: {self.weighter!r} alone has no valid interval, so "
            "standard errors are NaN. For an interval use EntropyBalancing or a "
            "logistic propensity_model that is not over-identified, give "
            "StableBalancingWeights an outcome_model, or use AIPW for machine-learned "
            "propensities.",
            NoIntervalWarning,
            stacklevel=3,
        )

    def _nuisances_for(self, data: CausalData) -> tuple[Nuisance, ...]:
        return () if self.outcome_model is None else (OUTCOME_BY_ARM,)

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        owner = self._settings.owner
        if not hasattr(self.weighter, "_fit_data"):
            raise TypeError(
                f"{owner}: weighter must be a weighter such as EntropyBalancing(), got "
                f"{self.weighter!r}."
            )
        self.weighter_ = clone(self.weighter)
        self._target = self.weighter_._own_target()
        self._prepared = self.weighter_._prepared(data)
        weighting = self.weighter_._fit_data(self._prepared, owner)
        question = Question(self._target)
        self.average_effect_ = self._estimate(question, owner, whole=weighting)

    def average_effect(
        self,
        *,
        target: str | None = None,
        where: Any = None,
        by: Any = None,
        weights: Any = None,
        scale: str = "difference",
    ) -> EffectEstimate:
        """Return the average effect in the training sample with its inference.

        Parameters
        ----------
        target : {"all", "treated", "control", "overlap"}, default=None
            Population: everyone (ATE), the treated (ATT), the controls (ATC), or rows
            weighted by their overlap (ATO); None is the target of the weighter.
        where : array-like of bool of shape (n,), default=None
            Restrict the population to some training rows, which are balanced anew.
        by : array-like of shape (n,), default=None
            Label of the subgroup of each training row: one effect per label, each
            balanced on its own.
        weights : array-like of shape (n,), default=None
            Weight of each training row in the population, on top of sample weights.
        scale : {"difference", "ratio"}, default="difference"
            Difference or ratio of mean outcomes ("ratio" for lift).

        Returns
        -------
        estimate : EffectEstimate
            One value per arm but the control and per subgroup; clustered when ``fit``
            had groups.

        Raises
        ------
        ValueError
            If the weighter does not offer the target, or a subgroup is empty.
        InfeasibleBalanceError
            If a subgroup cannot be balanced.
        """
        check_is_fitted(self, "average_effect_")
        if not self._has_interval():
            self._warn_of_no_interval()
        plain = where is None and by is None and weights is None
        if plain and scale == "difference" and target in (None, self._target):
            return self.average_effect_
        return super().average_effect(
            target=target, where=where, by=by, weights=weights, scale=scale
        )

    def _average(self, question: Question, owner: str) -> EffectEstimate:
        self._training_data("average_effect")
        return self._estimate(question, owner)

    def _estimate(
        self, question: Question, owner: str, whole: Any = None
    ) -> EffectEstimate:
        """Return one effect per contrast and subgroup, over repetitions."""
        data = self._prepared
        weight = question.row_weights(data, owner)
        labels, columns = [], []
        for subgroup, mask in question.subgroups(data, owner):
            for contrast in range(1, data.n_arms):
                labels.append((contrast, subgroup))
            columns += self._contrasts(question, weight * mask, whole, owner)
        order = sorted(range(len(labels)), key=lambda i: labels[i][0])
        repeats = range(len(columns[0]))
        values = [[columns[i][r][0] for i in order] for r in repeats]
        influences = [
            np.column_stack([columns[i][r][1] for i in order]) for r in repeats
        ]
        return EffectEstimate(
            np.array(values),
            np.stack(influences),
            labels=tuple(effect_label(data, *labels[i]) for i in order),
            groups=data.groups,
            row_key=data.row_key,
            null=1.0 if question.scale == "ratio" else 0.0,
            name=f"average effect ({question.target})",
        )

    def _contrasts(
        self, question: Question, weight: np.ndarray, whole: Any, owner: str
    ) -> list[list[_Cell]]:
        """Return (value, influence) by contrast and repetition, in one subgroup."""
        data = self._prepared
        pairwise = question.target == "treated" and data.n_arms > 2
        arms = [(0, arm) for arm in range(1, data.n_arms)]
        problems = arms if pairwise else [tuple(range(data.n_arms))]
        found = []
        for included in problems:
            rows = np.flatnonzero((weight > 0) & np.isin(data.treatment, included))
            part = _rows_of_arms(data, rows, weight, included)
            _check_arms(part, owner)
            weighting = whole
            if whole is None:
                weighting = clone(self.weighter)._solve(part, question.target, owner)
            elif rows.shape[0] < data.n_rows:
                part = replace(data, sample_weight=weight)
                rows = np.arange(data.n_rows)
            if not self._has_interval():
                weighting = replace(weighting, parameters=None)
            for position in range(1, len(included)):
                found.append(
                    self._cells(question, part, rows, weighting, included, position)
                )
        return found

    def _cells(
        self,
        question: Question,
        part: CausalData,
        rows: np.ndarray,
        weighting: Any,
        included: tuple[int, ...],
        position: int,
    ) -> list[_Cell]:
        """Return value and influence of one contrast for each repetition."""
        cells = []
        n_rows = self._prepared.n_rows
        for means in self._bases():
            sides = []
            for code in (position, 0):
                base = None if means is None else means[rows, included[code]]
                in_arm = part.treatment == code
                sides.append(weighting.mean(in_arm, part.outcome, base))
            value, influence = _contrast(sides[0], sides[1], question.scale)
            spread = np.zeros(n_rows)
            spread[rows] = influence * (n_rows / rows.shape[0])
            cells.append((value, spread))
        return cells

    def _bases(self) -> list[Any]:
        """Return out-of-fold outcome means of each repetition; [None] without model."""
        if self.outcome_model is None:
            return [None]
        return list(self.nuisances_[OUTCOME_BY_ARM.name])

    def _projected(self, features: Any, target: str) -> EffectEstimate:
        check_is_fitted(self, "average_effect_")
        raise ValueError(
            "BalancedEffect.best_linear_projection: weights that balance averages say "
            "nothing about single rows. Use AIPW or DRLearner."
        )

    def __getstate__(self) -> dict[str, Any]:
        """Leave the training rows out of a pickle."""
        state = dict(super().__getstate__())
        if "_prepared" in state:
            state["_prepared"] = state["_prepared"].without_features()
        return state


def _rows_of_arms(
    data: CausalData, rows: np.ndarray, weight: np.ndarray, arms: tuple[int, ...]
) -> CausalData:
    """Return some rows with new weights, their arms coded from 0 again."""
    part = data.take(rows) if rows.shape[0] < data.n_rows else data
    unit = data.sample_weight is None and (weight[rows] == 1).all()
    part = replace(part, sample_weight=None if unit else weight[rows])
    if len(arms) == data.n_arms:
        return part
    codes = np.searchsorted(arms, part.treatment)
    assert data.arms is not None
    known = part.known_propensity
    if known is not None:
        known = known[:, list(arms)]
        known = known / known.sum(axis=1, keepdims=True)
    return replace(
        part, treatment=codes, arms=data.arms[list(arms)], known_propensity=known
    )


def _check_arms(data: CausalData, owner: str) -> None:
    counts = np.bincount(data.treatment, minlength=data.n_arms)
    if (counts == 0).any():
        assert data.arms is not None
        missing = data.arms[counts == 0].tolist()
        raise ValueError(
            f"{owner}: the target population is empty in the arms {missing}. Check "
            "where=, by= and weights=."
        )


def _contrast(one: _Cell, other: _Cell, scale: str) -> _Cell:
    """Return the difference or ratio of two means with its influence."""
    if scale == "difference":
        return one[0] - other[0], one[1] - other[1]
    if other[0] <= 0:
        raise ValueError(
            "BalancedEffect.average_effect: scale='ratio' needs a positive mean "
            f"outcome under control, got {other[0]:.4g}. Use scale='difference'."
        )
    ratio = one[0] / other[0]
    return ratio, (one[1] - ratio * other[1]) / other[0]
