"""Average effects on any rows, from predicted effects debiased by their outcomes."""

from typing import Any

import numpy as np

from skcausal.estimation._evaluation import Evaluation, EvaluationOptions
from skcausal.estimation._scores import residual_scores
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
    where: Any = None,
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
    where : array-like of bool of shape (n,), default=None
        Restrict the average to some rows.
    outcome_model, propensity_model : estimator, default=None
        Base models of the nuisances, cross-fitted on the rows.
    cv : int, splitter or list, default=5
        Folds of the nuisances.
    random_state : int, default=0
        Seed of the nuisances.

    Returns
    -------
    estimate : EffectEstimate
        One value per arm but the control.

    Raises
    ------
    ValueError
        If shapes differ, or the mask selects no row.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap; effects from a model that
    has seen the rows would bias the result. With residuals u, v and predicted effect
    :math:`\tau`, the score for two arms is
    :math:`\tau + v (u - v \tau) / (e (1 - e))`; for several arms the doubly robust
    scores of the cross-fitted outcome models are used.

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
    data = evaluation.data
    tau = evaluation.checked(np.asarray(effects, dtype=float))
    scores = _scores(evaluation, tau)
    weight = data.weights * _mask(where, data.n_rows, owner)
    weight = weight / weight.mean()
    value = (weight[:, None] * scores).mean(axis=0)
    labels: tuple[str, ...] = ("slope",)
    if data.arms is not None:
        labels = tuple(f"{arm} vs {data.arms[0]}" for arm in data.arms[1:])
    return EffectEstimate.from_influence(
        value,
        weight[:, None] * (scores - value),
        labels=labels,
        groups=data.groups,
        row_key=data.row_key,
        name="average effect (all)",
    )


def _scores(evaluation: Evaluation, tau: np.ndarray) -> np.ndarray:
    """Return the scores of each contrast, shape (n, n_contrasts)."""
    if evaluation.data.n_contrasts > 1:
        return evaluation.scores
    u, v = evaluation.residuals
    return residual_scores(tau, u[:, None], v, evaluation.treatment_variance[:, None])


def _mask(where: Any, n_rows: int, owner: str) -> np.ndarray:
    if where is None:
        return np.ones(n_rows)
    mask = np.asarray(where)
    if mask.dtype != bool or mask.shape != (n_rows,) or not mask.any():
        raise ValueError(
            f"{owner}: where must be a boolean mask of shape ({n_rows},) that selects "
            f"some rows, got dtype {mask.dtype}, shape {mask.shape}, "
            f"{int(np.sum(mask))} selected."
        )
    return mask.astype(float)
