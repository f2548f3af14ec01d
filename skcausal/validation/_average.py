"""Average effects on any rows, from predicted effects debiased by their outcomes."""

from typing import Any

import numpy as np

from skcausal.estimation._average import Question
from skcausal.estimation._evaluation import Evaluation, EvaluationOptions
from skcausal.inference import EffectEstimate
from skcausal.utils._target import resolve_target


def average_effect(
    effects: Any,
    X: Any,
    y: Any,
    *,
    treatment: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    control_arm: Any = None,
    target: str = "all",
    where: Any = None,
    by: Any = None,
    weights: Any = None,
    scale: str = "difference",
    outcome_model: Any = None,
    propensity_model: Any = None,
    cv: Any = 5,
    random_state: int = 0,
) -> EffectEstimate:
    r"""Return the average effect on rows, doubly robust around predicted effects.

    Parameters
    ----------
    effects : array-like of shape (n,) or (n, n_arms - 1)
        Effects predicted for the rows by a model that has not seen them.
    X : array-like or DataFrame of shape (n, n_features)
        Covariates of the rows.
    y : array-like of shape (n,)
        Outcome, or a ``causal_target``.
    treatment : array-like of shape (n,), default=None
        Treatment, unless it travels in ``y``.
    sample_weight, groups : array-like of shape (n,), default=None
        Weights and clusters of the rows.
    control_arm : label, default=None
        Reference arm; needed for labels other than 0/1.
    target : {"all", "treated", "control", "overlap"}, default="all"
        Population, as in ``average_effect`` of a learner.
    where : array-like of bool of shape (n,), default=None
        Restrict the average to some rows.
    by : array-like of shape (n,), default=None
        Label of the subgroup of each row: one effect per label.
    weights : array-like of shape (n,), default=None
        Weight of each row in the population, on top of sample weights.
    scale : {"difference", "ratio"}, default="difference"
        Difference or ratio of mean outcomes.
    outcome_model, propensity_model : estimator, default=None
        Base models of the nuisances, cross-fitted on the rows.
    cv : int, splitter or list, default=5
        Folds of the nuisances.
    random_state : int, default=0
        Seed of the nuisances.

    Returns
    -------
    estimate : EffectEstimate
        One value per arm but the control and per subgroup.

    Raises
    ------
    ValueError
        If shapes differ, or the mask selects no row.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap; effects from a model that
    has seen the rows would bias the result. Outcome models are rebuilt around the
    effects: with :math:`m(x)` the mean outcome and :math:`e_a` the propensities,
    :math:`\mu_0 = m - \sum_a e_a \tau_a` and :math:`\mu_a = \mu_0 + \tau_a`. For two
    arms the score is then :math:`\tau + v (u - v \tau) / (e (1 - e))` with residuals u
    and v. For a continuous treatment the variance of T given X replaces
    :math:`e (1 - e)`.

    References
    ----------
    Athey, S., & Wager, S. (2019). Estimating treatment effects with causal forests: an
    application. Observational Studies, 5(2), equation 8.
    https://doi.org/10.1353/obs.2019.0001

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.validation import average_effect
    >>> data = make_observational(500, effect="constant", random_state=0)
    >>> effects = np.zeros(500)
    >>> estimate = average_effect(effects, data.X, data.y, treatment=data.treatment)
    >>> bool(estimate.standard_error > 0)
    True
    """
    owner = "validation.average_effect"
    parts = resolve_target(owner, y, treatment, sample_weight, groups)
    evaluation = Evaluation.make(
        X,
        parts,
        owner=owner,
        control_arm=control_arm,
        options=EvaluationOptions(outcome_model, propensity_model, cv, random_state),
    )
    question = Question(target, where, by, weights, scale)
    tau = evaluation.checked(np.asarray(effects, dtype=float))
    return evaluation.average_effect(tau, question, owner)
