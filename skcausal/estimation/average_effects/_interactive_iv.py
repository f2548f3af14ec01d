"""InteractiveIV: the average effect on compliers, from doubly robust scores."""

import warnings
from typing import Any, ClassVar

import numpy as np

from skcausal.estimation._average import Moment, Question
from skcausal.estimation._data import CausalData
from skcausal.estimation._models import is_classifier_model
from skcausal.estimation._nuisances import (
    INSTRUMENT_MEAN,
    OUTCOME_BY_INSTRUMENT,
    TREATMENT_BY_INSTRUMENT,
    Nuisance,
    NuisanceEstimates,
)
from skcausal.estimation._scores import contrast_scores
from skcausal.estimation.average_effects._instrument_learner import InstrumentLearner
from skcausal.inference import EffectEstimate
from skcausal.utils._validation import OverlapWarning


class InteractiveIV(InstrumentLearner):
    r"""Estimate the average effect on compliers from a binary instrument.

    The local average treatment effect (LATE): the effect of a binary treatment on those
    who take it because of the instrument, such as a lottery, an offer or an
    encouragement. It may vary with everything; scores are doubly robust.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome given covariates, fitted once per value of the instrument.
        A classifier for binary outcomes, else a regressor; None is LightGBM sized by
        the data.
    treatment_model : classifier, default=None
        Model of the treatment given covariates, fitted once per value of the
        instrument; None is LightGBM sized by the data.
    instrument_model : classifier, default=None
        Model of the instrument given covariates; None is LightGBM sized by the data,
        ``KnownPropensity`` a lottery.
    min_first_stage_f : float, default=10.0
        First-stage F below which the instrument is called weak, with a
        ``WeakInstrumentWarning``.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting: shuffled, stratified on instrument and arm, never
        splitting a group. A list or splitter must hold out each row exactly once.
    n_repeats : int, default=1
        Repetitions of cross-fitting with other folds; averages take the median.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    treatment_type : {"auto", "discrete", "continuous"}, default="auto"
        Numbers with fractions or more than ten levels are continuous under "auto",
        which this estimator refuses.
    outcome_type : {"auto", "binary", "continuous"}, default="auto"
        Booleans and the integers 0/1 are binary under "auto": their models are
        classifiers by default.
    min_propensity : float, default=0.01
        Probabilities of the instrument closer to 0 or 1 are raised to it in scores,
        with an ``OverlapWarning``.
    memory : str or joblib.Memory, default=None
        Folder where nuisance estimates persist between sessions.
    n_jobs : int, default=None
        Parallel fits of base models; None is 1 unless in a joblib context.
    random_state : int, RandomState instance or None, default=None
        Seed of folds and base models. With an integer, estimators that are fitted on
        the same rows share equal nuisances in memory.

    Attributes
    ----------
    average_effect_ : EffectEstimate
        The average effect on compliers, as ``average_effect()`` returns it; its
        interval is Wald's.
    complier_share_ : EffectEstimate
        Share of rows whose treatment the instrument moves.
    first_stage_ : EffectEstimate
        Effect of the instrument on the treatment: the complier share, negative where
        the instrument discourages.
    reduced_form_ : EffectEstimate
        Effect of the instrument on the outcome (intention to treat).
    first_stage_f_ : float
        Square of the t-statistic of the first stage, robust to unequal variances and
        to clusters when ``fit`` had groups.
    n_raised_propensities_ : int
        Rows whose probability of the instrument was raised.
    arms_ : ndarray of shape (2,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.
    nuisances_ : NuisanceEstimates
        Out-of-fold nuisance estimates, their held-out losses and fitted models.

    Notes
    -----
    Assumes that, given X, the instrument Z is as good as random, acts on the outcome
    through the treatment only, moves the treatment of some, and moves nobody's in the
    other direction. With out-of-fold :math:`m_z(X) = E[A | Z = z, X]` and
    :math:`p(X) = P(Z = 1 | X)` the score of A is :math:`\psi(A) = m_1 - m_0 +
    Z (A - m_1) / p - (1 - Z)(A - m_0) / (1 - p)`. The mean of :math:`\psi(T)` is the
    share of compliers and :math:`\theta = \sum \psi(Y) / \sum \psi(T)`. Where no row
    with Z = 0 is treated, or every row with Z = 1 is, the treatment there is known and
    no model is fitted; with nobody treated at Z = 0 compliers are the treated. The
    Anderson-Rubin set holds each :math:`\theta_0` for which the t-test that
    :math:`\psi(Y) - \theta_0 \psi(T)` has mean zero does not reject.

    References
    ----------
    Imbens, G. W., & Angrist, J. D. (1994). Identification and estimation of local
    average treatment effects. Econometrica, 62(2). https://doi.org/10.2307/2951620

    Tan, Z. (2006). Regression and weighting methods for causal inference using
    instrumental variables. Journal of the American Statistical Association, 101(476).
    https://doi.org/10.1198/016214505000001366

    Chernozhukov, V., Chetverikov, D., Demirer, M., Duflo, E., Hansen, C., Newey, W.,
    & Robins, J. (2018). Double/debiased machine learning for treatment and structural
    parameters. The Econometrics Journal, 21(1), section 5.2.
    https://doi.org/10.1111/ectj.12097

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.estimation import InteractiveIV, KnownPropensity
    >>> rng = np.random.default_rng(0)
    >>> X, hidden = rng.normal(size=(2000, 2)), rng.normal(size=2000)
    >>> offer = rng.integers(0, 2, 2000)
    >>> taken = offer * (hidden + X[:, 0] > 0)
    >>> y = 1.5 * taken + 2 * hidden + X[:, 0]
    >>> models = LinearRegression(), LogisticRegression(), KnownPropensity(0.5)
    >>> iv = InteractiveIV(*models, random_state=0)
    >>> _ = iv.fit(X, y, treatment=taken, instrument=offer)
    >>> lower, upper = iv.average_effect().interval()
    >>> bool(lower < 1.5 < upper)
    True
    """

    _nuisances: ClassVar[tuple[Nuisance, ...]] = (
        OUTCOME_BY_INSTRUMENT,
        TREATMENT_BY_INSTRUMENT,
        INSTRUMENT_MEAN,
    )
    _target = "all"

    def __init__(
        self,
        outcome_model: Any = None,
        treatment_model: Any = None,
        instrument_model: Any = None,
        *,
        min_first_stage_f: float = 10.0,
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
        self.treatment_model = treatment_model
        self.instrument_model = instrument_model
        self.min_first_stage_f = min_first_stage_f
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
        owner = "InteractiveIV.fit"
        nuisances = super()._nuisances_for(data)
        if not data.is_discrete:
            raise ValueError(
                f"{owner}: the treatment is continuous, but compliers are defined for "
                "two arms. Use PartiallyLinearIV, or say treatment_type='discrete'."
            )
        if not data.binary_instrument:
            raise ValueError(
                f"{owner}: the instrument must hold 0 and 1 or two labels, got values "
                f"such as {np.unique(np.asarray(data.instrument))[:3].tolist()}. Code "
                "it so, or use PartiallyLinearIV."
            )
        if data.known_propensity is not None:
            raise ValueError(
                f"{owner}: y holds a known propensity of the treatment, which is of no "
                "use here. Leave it out; that of the instrument goes into "
                "instrument_model=KnownPropensity(...)."
            )
        model = self.instrument_model
        if model is not None and not is_classifier_model(model):
            raise ValueError(
                f"{owner}: instrument_model={model!r} must be a classifier, because "
                "scores divide by its probabilities."
            )
        if not 0 <= self.min_propensity < 0.5:
            raise ValueError(
                f"{owner}: min_propensity must lie in [0, 0.5), got "
                f"{self.min_propensity}."
            )
        return nuisances

    def _fit_effect(self, data: CausalData, nuisances: NuisanceEstimates) -> None:
        super()._fit_effect(data, nuisances)
        first = self.first_stage_
        self.complier_share_ = first if np.all(first.value > 0) else -first

    def _average(self, question: Question, owner: str) -> EffectEstimate:
        share = self.nuisances_["instrument_mean"]
        extreme = np.minimum(share, 1 - share) < self.min_propensity
        self.n_raised_propensities_ = int(extreme.any(axis=(0, 2)).sum())
        if self.n_raised_propensities_:
            warnings.warn(
                f"{owner}: {self.n_raised_propensities_} of {self._data.n_rows} rows "
                f"have a probability of the instrument within {self.min_propensity} of "
                "0 or 1, which was raised to that: for them its values are hardly "
                "comparable. Consider where=, trimming, or PartiallyLinearIV.",
                OverlapWarning,
                stacklevel=3,
            )
        return super()._average(question, owner)

    def _stage_moments(self) -> tuple[list[Moment], list[Moment]]:
        data, nuisances = self._data, self.nuisances_
        floor = self.min_propensity
        share = np.clip(nuisances["instrument_mean"], floor, 1 - floor)
        e = np.concatenate([1 - share, share], axis=2)
        z, ones = np.asarray(data.instrument).astype(int), np.ones(data.n_rows)
        reduced_form, first_stage = (
            [
                (contrast_scores(values, z, m, p)[:, 0], ones)
                for m, p in zip(nuisances[name], e, strict=True)
            ]
            for values, name in (
                (data.outcome, "outcome_by_instrument"),
                (data.treatment, "treatment_by_instrument"),
            )
        )
        return reduced_form, first_stage
