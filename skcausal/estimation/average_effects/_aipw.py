"""AIPW: averages of doubly robust scores."""

from typing import Any, ClassVar

from skcausal.estimation._average import Question, average_effect
from skcausal.estimation._average_learner import AverageLearner
from skcausal.estimation._nuisances import OUTCOME_BY_ARM, PROPENSITY, Nuisance
from skcausal.inference import EffectEstimate


class AIPW(AverageLearner):
    r"""Estimate average effects by augmented inverse-propensity weighting.

    Right if either the outcome model or the propensity model is right; with both
    cross-fitted, intervals hold for machine-learned models. What to report after an
    observational study of two or more arms.

    Parameters
    ----------
    outcome_model : estimator, default=None
        Model of the outcome given covariates, fitted once per arm. A classifier for
        binary outcomes, else a regressor; None is LightGBM sized by the data.
    propensity_model : classifier, default=None
        Model of the treatment given covariates; None is LightGBM sized by the data,
        ``KnownPropensity`` the design of an experiment.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting: shuffled, stratified on arm and binary outcome, never
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
        Propensities below are raised to it in scores, with an ``OverlapWarning``.
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
        The average effect of everyone, as ``average_effect()`` returns it.
    arms_ : ndarray of shape (n_arms,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.
    nuisances_ : NuisanceEstimates
        Out-of-fold nuisance estimates, their held-out losses and fitted models.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap. With out-of-fold
    :math:`\mu_a, e_a` the mean outcome of arm a is the mean of
    :math:`\psi_a = \mu_a(X) + 1[T = a] (Y - \mu_a(X)) / e_a(X)`, and its influence is
    the score less its mean. ``effect`` is this average for every row: estimate effects
    that differ between rows with a learner.

    References
    ----------
    Robins, J. M., Rotnitzky, A., & Zhao, L. P. (1994). Estimation of regression
    coefficients when some regressors are not always observed. Journal of the American
    Statistical Association, 89(427). https://doi.org/10.1080/01621459.1994.10476818

    Chernozhukov, V., Chetverikov, D., Demirer, M., Duflo, E., Hansen, C., Newey, W.,
    & Robins, J. (2018). Double/debiased machine learning for treatment and structural
    parameters. The Econometrics Journal, 21(1). https://doi.org/10.1111/ectj.12097

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import AIPW
    >>> data = make_observational(500, effect="constant", random_state=0)
    >>> aipw = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
    >>> _ = aipw.fit(data.X, data.y, treatment=data.treatment)
    >>> lower, upper = aipw.average_effect().interval()
    >>> bool(lower < data.average_effect < upper)
    True
    """

    _nuisances: ClassVar[tuple[Nuisance, ...]] = (OUTCOME_BY_ARM, PROPENSITY)

    def __init__(
        self,
        outcome_model: Any = None,
        propensity_model: Any = None,
        *,
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
        self.cv = cv
        self.n_repeats = n_repeats
        self.control_arm = control_arm
        self.treatment_type = treatment_type
        self.outcome_type = outcome_type
        self.min_propensity = min_propensity
        self.memory = memory
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _average(self, question: Question, owner: str) -> EffectEstimate:
        return average_effect(
            self._outcome_data(),
            *self._means_and_propensity(owner),
            question,
            min_propensity=self.min_propensity,
            owner=owner,
        )
