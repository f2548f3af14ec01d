"""PartiallyLinearIV: the coefficient of a confounded treatment, from an instrument."""

from typing import Any, ClassVar

from skcausal.estimation._average import Moment
from skcausal.estimation._nuisances import (
    INSTRUMENT_MEAN,
    OUTCOME,
    TREATMENT_MEAN,
    Nuisance,
)
from skcausal.estimation.average_effects._instrument_learner import InstrumentLearner


class PartiallyLinearIV(InstrumentLearner):
    r"""Estimate one effect of a confounded treatment from an instrument.

    Two-stage least squares with any model of the covariates. Treatment and instrument
    are binary or continuous.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome given covariates. A classifier for binary outcomes, else a
        regressor; None is LightGBM sized by the data.
    treatment_model : estimator, default=None
        Model of the treatment given covariates: a classifier for arms, a regressor for
        a continuous treatment; None is LightGBM sized by the data.
    instrument_model : estimator, default=None
        Model of the instrument given covariates: a classifier for one of 0 and 1, else
        a regressor; None is LightGBM sized by the data, ``KnownPropensity`` a lottery.
    min_first_stage_f : float, default=10.0
        First-stage F below which the instrument is called weak, with a
        ``WeakInstrumentWarning``.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting: shuffled, stratified on arm and binary instrument, never
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
        The coefficient, as ``average_effect()`` returns it; its interval is Wald's.
    first_stage_ : EffectEstimate
        Change of the treatment per unit of the instrument.
    reduced_form_ : EffectEstimate
        Change of the outcome per unit of the instrument.
    first_stage_f_ : float
        Square of the t-statistic of the first stage, robust to unequal variances and
        to clusters when ``fit`` had groups.
    arms_ : ndarray of shape (2,) or None
        Labels of the arms, control first; None for a continuous treatment.
    control_arm_ : label or None
        The reference arm.
    nuisances_ : NuisanceEstimates
        Out-of-fold nuisance estimates, their held-out losses and fitted models.

    Notes
    -----
    Assumes that, given X, the instrument Z is as good as random, moves the treatment,
    and acts on the outcome through the treatment only; and that the effect does not
    vary, or that Z moves nobody's treatment in the other direction: the coefficient is
    then an average over those whom Z moves. With out-of-fold residuals
    :math:`u = Y - E[Y | X]`, :math:`v = T - E[T | X]` and :math:`z = Z - E[Z | X]`,
    :math:`\theta = \sum z u / \sum z v`. The Anderson-Rubin set holds each
    :math:`\theta_0` for which the robust t-test of the slope of
    :math:`u - \theta_0 v` on z does not reject.

    References
    ----------
    Chernozhukov, V., Chetverikov, D., Demirer, M., Duflo, E., Hansen, C., Newey, W.,
    & Robins, J. (2018). Double/debiased machine learning for treatment and structural
    parameters. The Econometrics Journal, 21(1), section 4.2.
    https://doi.org/10.1111/ectj.12097

    Anderson, T. W., & Rubin, H. (1949). Estimation of the parameters of a single
    equation in a complete system of stochastic equations. Annals of Mathematical
    Statistics, 20(1). https://doi.org/10.1214/aoms/1177730090

    Staiger, D., & Stock, J. H. (1997). Instrumental variables regression with weak
    instruments. Econometrica, 65(3). https://doi.org/10.2307/2171753

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.estimation import PartiallyLinearIV
    >>> rng = np.random.default_rng(0)
    >>> X, (hidden, z) = rng.normal(size=(1000, 2)), rng.normal(size=(2, 1000))
    >>> dose = X[:, 0] + z + hidden
    >>> y = 2 * dose + X[:, 0] - 3 * hidden + rng.normal(size=1000)
    >>> line = LinearRegression()
    >>> iv = PartiallyLinearIV(line, line, line, random_state=0)
    >>> _ = iv.fit(X, y, treatment=dose, instrument=z)
    >>> 2.0 in iv.anderson_rubin_interval()
    True
    """

    _nuisances: ClassVar[tuple[Nuisance, ...]] = (
        OUTCOME,
        TREATMENT_MEAN,
        INSTRUMENT_MEAN,
    )
    _target = "overlap"

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
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _stage_moments(self) -> tuple[list[Moment], list[Moment]]:
        values = (self._data.outcome, self._data.treatment, self._data.instrument)
        u, v, z = (
            value - self.nuisances_[name][:, :, -1]
            for value, name in zip(
                values, ("outcome", "treatment_mean", "instrument_mean"), strict=True
            )
        )
        square = z**2
        reduced_form = list(zip(z * u, square, strict=True))
        return reduced_form, list(zip(z * v, square, strict=True))
