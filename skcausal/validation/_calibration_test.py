"""Calibration test: are predicted effects right on average, and in their spread."""

from dataclasses import replace
from typing import Any

import numpy as np

from skcausal.estimation._evaluation import Evaluation, EvaluationOptions
from skcausal.inference import EffectEstimate, best_linear_predictor
from skcausal.utils._target import resolve_target


def calibration_test(
    effects: Any,
    X: Any,
    y: Any,
    *,
    treatment: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    control_arm: Any = None,
    outcome_model: Any = None,
    propensity_model: Any = None,
    cv: Any = 5,
    random_state: int = 0,
) -> EffectEstimate:
    r"""Test whether predicted effects have the right mean and the right spread.

    Parameters
    ----------
    effects : array-like of shape (n,)
        Effects predicted for the rows by a model that has not seen them, such as the
        ``oob_effects_`` of a forest on its own rows.
    X : array-like or DataFrame of shape (n, n_features)
        Covariates of the rows.
    y : array-like of shape (n,)
        Outcome, or a ``causal_target``.
    treatment : array-like of shape (n,), default=None
        Treatment of two arms or continuous, unless it travels in ``y``.
    sample_weight, groups : array-like of shape (n,), default=None
        Weights and clusters of the rows.
    control_arm : label, default=None
        Reference arm; needed for labels other than 0/1.
    outcome_model, propensity_model : estimator, default=None
        Base models of the nuisances, cross-fitted on the rows.
    cv : int, splitter or list, default=5
        Folds of the nuisances.
    random_state : int, default=0
        Seed of the nuisances.

    Returns
    -------
    estimate : EffectEstimate
        "mean_prediction" and "differential_prediction", both without unit and 1 for
        calibrated effects. The p-value of the second tests that predictions say
        nothing about differences between rows (two-sided; half of it for a positive
        coefficient is the usual one-sided p-value).

    Raises
    ------
    ValueError
        If all effects are equal, their mean is zero, or there are more than two arms.

    See Also
    --------
    blp_test : The same question from scores that weigh all rows alike.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap. With out-of-fold residuals
    u of the outcome and v of the treatment, and :math:`\bar\tau` the mean prediction,

    .. math:: u_i = \alpha \, \bar\tau v_i + \beta \, (\hat\tau_i - \bar\tau) v_i + r_i

    by least squares; rows of better overlap count more. Standard errors are those of
    the jackknife (HC3). Both coefficients are scaled by predictions taken as given.

    References
    ----------
    Athey, S., & Wager, S. (2019). Estimating treatment effects with causal forests: an
    application. Observational Studies, 5(2), section 2.
    https://doi.org/10.1353/obs.2019.0001

    Chernozhukov, V., Demirer, M., Duflo, E., & Fernandez-Val, I. (2025). Fisher-Schultz
    lecture: Generic machine learning inference on heterogeneous treatment effects in
    randomized experiments. Econometrica, section 2. arXiv:1712.04802.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.validation import calibration_test
    >>> data = make_observational(1000, random_state=0)
    >>> test = calibration_test(
    ...     data.effect, data.X, data.y, treatment=data.treatment,
    ...     outcome_model=LinearRegression(), propensity_model=LogisticRegression(),
    ... )
    >>> lower, upper = test["differential_prediction"].interval()
    >>> bool(lower < 1 < upper)
    True
    """
    owner = "calibration_test"
    parts = resolve_target(owner, y, treatment, sample_weight, groups)
    evaluation = Evaluation.make(
        X,
        parts,
        owner=owner,
        control_arm=control_arm,
        options=EvaluationOptions(outcome_model, propensity_model, cv, random_state),
    )
    data = evaluation.data
    if data.n_contrasts > 1:
        raise ValueError(
            f"{owner}: the treatment has {data.n_arms} arms; the test compares two. "
            "Pass the rows of one arm and the control, with effects[:, j]."
        )
    tau = evaluation.checked(np.asarray(effects, dtype=float))[:, 0]
    mean = np.average(tau, weights=data.weights)
    if mean == 0:
        raise ValueError(
            f"{owner}: the mean of effects is zero, so its coefficient is not defined. "
            "Use blp_test, which does not divide by it."
        )
    outcome, residual = evaluation.residuals[0], evaluation.residuals[1][:, 0]
    predictor = best_linear_predictor(
        residual * outcome,
        tau,
        denominator=residual**2,
        weights=data.weights,
        groups=data.groups,
        row_key=data.row_key,
    )
    unit = np.array([1 / mean, 1.0])
    return replace(
        predictor,
        values=predictor.values * unit,
        influences=predictor.influences * unit,
        labels=("mean_prediction", "differential_prediction"),
        name="calibration",
    )
