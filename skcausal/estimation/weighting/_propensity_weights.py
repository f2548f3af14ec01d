"""Weights from the propensity: inverse probability, and overlap."""

from typing import Any, ClassVar

import numpy as np

from skcausal.estimation._data import CausalData
from skcausal.estimation.weighting._errors import InfeasibleBalanceError
from skcausal.estimation.weighting._propensity import (
    Propensity,
    check_separation,
    fit_propensity,
    is_parametric,
    warn_of_low,
    with_known_propensity,
)
from skcausal.estimation.weighting._weighter import Weighter
from skcausal.estimation.weighting._weighting import Parameters, Weighting, inverse_of

_NOTHING = 1e-6
_TINY = 1e-300


class PropensityWeighter(Weighter):
    """Base of weights that are functions of the propensity."""

    def _prepared(self, data: CausalData) -> CausalData:
        return with_known_propensity(data, self.propensity_model)

    def _has_influence(self, *, augmented: bool) -> bool:
        return is_parametric(self.propensity_model)

    def _solve(self, data: CausalData, target: str, owner: str) -> Weighting:
        propensity = fit_propensity(
            data, self.propensity_model, self.random_state, owner
        )
        arm = {"all": None, "overlap": None, "control": 0, "treated": 1}[target]
        if target != "overlap":
            needed = propensity.values
            if arm is not None:
                needed = needed[data.treatment == arm]
            check_separation(needed, owner)
            warn_of_low(needed, owner)
        p = np.maximum(propensity.values, _TINY)
        h, log_slope = _tilt(p, target, arm)
        own = p[np.arange(data.n_rows), data.treatment]
        weights = data.weights * h / own
        _check_anything_left(data, weights, owner)
        density = (
            data.weights * h if arm is None else data.weights * (data.treatment == arm)
        )
        if propensity.known:
            return Weighting(weights, density)
        block = _block(propensity, data, weights, log_slope, target)
        return Weighting(weights, density, None if block is None else (block,))


def _tilt(p: np.ndarray, target: str, arm: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Return h, the density of the population by that of all rows, and its slopes.

    The slopes are the derivatives of log h by the linear predictor of each arm.
    """
    if target == "overlap":
        h = 1 / (1 / p).sum(axis=1)
        return h, h[:, None] / p - p
    if arm is None:
        return np.ones(p.shape[0]), np.zeros_like(p)
    return p[:, arm], np.eye(p.shape[1])[arm] - p


def _block(
    propensity: Propensity,
    data: CausalData,
    weights: np.ndarray,
    log_slope: np.ndarray,
    target: str,
) -> Parameters | None:
    """Return the equation of a logistic propensity with the slopes of the weights."""
    if (
        propensity.features is None
        or propensity.scores is None
        or propensity.hessian is None
    ):
        return None
    own_slope = data.arm_indicators() - propensity.values
    slopes = weights[:, None] * (log_slope - own_slope)
    density = None
    if target == "overlap":
        h = 1 / (1 / np.maximum(propensity.values, _TINY)).sum(axis=1)
        density = (data.weights * h)[:, None] * log_slope
    columns = slice(1, None) if data.n_arms == 2 else slice(None)
    p = propensity.values
    curvature = data.weights * p[:, 0] * p[:, 1] if data.n_arms == 2 else None
    return Parameters(
        propensity.features,
        propensity.scores,
        slopes[:, columns],
        inverse_of(propensity.hessian),
        curvature,
        None if density is None else density[:, columns],
    )


def _check_anything_left(data: CausalData, weights: np.ndarray, owner: str) -> None:
    """Refuse weights that vanish in an arm."""
    totals = np.bincount(data.treatment, weights=weights)
    sizes = np.bincount(data.treatment, weights=data.weights)
    if (totals <= _NOTHING * sizes).any():
        raise InfeasibleBalanceError(
            f"{owner}: the arms do not overlap at all (separation): every row's "
            "propensity is 0 or 1. Drop the covariate that decides the arm, or use a "
            "penalised propensity_model such as LogisticRegression()."
        )


class InverseProbabilityWeights(PropensityWeighter):
    r"""Weigh each row by the inverse probability of the arm that it got.

    The arms then resemble the target population in everything the propensity model
    knows. Simple, but a few rows with small propensities can dominate: look at
    ``effective_sample_size_``.

    Parameters
    ----------
    propensity_model : classifier, default=None
        Model of the treatment given covariates; None is logistic regression by maximum
        likelihood, ``KnownPropensity`` the design of an experiment.
    target : {"all", "treated", "control"}, default="all"
        Population that every arm is weighted towards; "treated" for two arms.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    random_state : int, RandomState instance or None, default=None
        Seed of the propensity model.

    Attributes
    ----------
    weights_ : ndarray of shape (n,)
        Weights of the training rows times their sample weights: how many rows of the
        population each stands for. A ``sample_weight`` for any model.
    effective_sample_size_ : dict of label to float
        Rows of equal weight that would be as precise, per arm.
    balance_ : DataFrame of shape (n_covariates, 2)
        Largest standardised difference of means between arms, ``before`` and ``after``
        weighting.
    arms_ : ndarray of shape (n_arms,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.

    Notes
    -----
    Assumes no unmeasured confounding given X, overlap, and a propensity model that is
    right. With propensity :math:`e_a`, the weight of a row of arm a is
    :math:`1 / e_a(X)` for everyone and :math:`e_t(X) / e_a(X)` for the population of
    arm t. Nothing is clipped: a propensity of 0 is an error, one below 0.01 a warning.

    References
    ----------
    Hirano, K., Imbens, G. W., & Ridder, G. (2003). Efficient estimation of average
    treatment effects using the estimated propensity score. Econometrica, 71(4).
    https://doi.org/10.1111/1468-0262.00442

    Examples
    --------
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import InverseProbabilityWeights
    >>> data = make_observational(500, random_state=0)
    >>> weighter = InverseProbabilityWeights()
    >>> _ = weighter.fit(data.X, treatment=data.treatment)
    >>> weighter.weights_.shape
    (500,)
    >>> before, after = weighter.balance_.max()
    >>> bool(after < before)
    True
    """

    def __init__(
        self,
        propensity_model: Any = None,
        *,
        target: str = "all",
        control_arm: Any = None,
        random_state: Any = None,
    ) -> None:
        self.propensity_model = propensity_model
        self.target = target
        self.control_arm = control_arm
        self.random_state = random_state


class OverlapWeights(PropensityWeighter):
    r"""Weigh each row by the probability of the arms that it did not get.

    Rows that could have gone either way count most, rows that were sure of their arm
    count least: no weight is large, and the average effect in this population is the
    one that the data can tell most precisely.

    Parameters
    ----------
    propensity_model : classifier, default=None
        Model of the treatment given covariates; None is logistic regression by maximum
        likelihood, with which the means of all covariates balance exactly for two
        arms. ``KnownPropensity`` is the design of an experiment.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    random_state : int, RandomState instance or None, default=None
        Seed of the propensity model.

    Attributes
    ----------
    weights_ : ndarray of shape (n,)
        Weights of the training rows times their sample weights. A ``sample_weight``
        for any model.
    effective_sample_size_ : dict of label to float
        Rows of equal weight that would be as precise, per arm.
    balance_ : DataFrame of shape (n_covariates, 2)
        Largest standardised difference of means between arms, ``before`` and ``after``
        weighting.
    arms_ : ndarray of shape (n_arms,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.

    Notes
    -----
    Assumes no unmeasured confounding given X and a propensity model that is right. The
    population has density :math:`h(X) = 1 / \sum_a 1 / e_a(X)` relative to all rows,
    and a row of arm a the weight :math:`h(X) / e_a(X)`: for two arms
    :math:`1 - e(X)` if treated and :math:`e(X)` if not.

    References
    ----------
    Li, F., Morgan, K. L., & Zaslavsky, A. M. (2018). Balancing covariates via
    propensity score weighting. Journal of the American Statistical Association,
    113(521). https://doi.org/10.1080/01621459.2016.1260466

    Li, F., & Li, F. (2019). Propensity score weighting for causal inference with
    multiple treatments. The Annals of Applied Statistics, 13(4).
    https://doi.org/10.1214/19-AOAS1282

    Examples
    --------
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import OverlapWeights
    >>> data = make_observational(500, random_state=0)
    >>> weighter = OverlapWeights().fit(data.X, treatment=data.treatment)
    >>> bool(weighter.balance_["after"].max() < 1e-6)
    True
    """

    _targets: ClassVar[tuple[str, ...]] = ("overlap",)

    def __init__(
        self,
        propensity_model: Any = None,
        *,
        control_arm: Any = None,
        random_state: Any = None,
    ) -> None:
        self.propensity_model = propensity_model
        self.control_arm = control_arm
        self.random_state = random_state

    def _own_target(self) -> str:
        return "overlap"
