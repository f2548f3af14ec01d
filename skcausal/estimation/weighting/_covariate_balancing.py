"""CovariateBalancingPropensity: a logistic propensity fitted so that it balances."""

from typing import Any, ClassVar, NoReturn

import numpy as np

from skcausal.estimation._data import CausalData
from skcausal.estimation.weighting._covariates import (
    numeric_covariates,
    pooled_deviation,
)
from skcausal.estimation.weighting._errors import InfeasibleBalanceError
from skcausal.estimation.weighting._tailored import TailoredLoss, minimise_tailored
from skcausal.estimation.weighting._two_step import fit_two_steps
from skcausal.estimation.weighting._weighter import Weighter
from skcausal.estimation.weighting._weighting import Parameters, Weighting, inverse_of


class CovariateBalancingPropensity(Weighter):
    r"""Fit a logistic propensity so that its weights balance the covariates exactly.

    Maximum likelihood fits the treatment well; what weighting needs is balance. Here
    the coefficients solve the balance equations themselves: the weighted means of all
    covariates agree between the two arms.

    Parameters
    ----------
    target : {"all", "treated", "control", "overlap"}, default="all"
        Population of the weights; "overlap" is maximum likelihood.
    over_identified : bool, default=False
        Whether the likelihood counts besides balance, in a generalised method of
        moments: ``specification_p_value_`` tests the propensity model, but balance is
        no longer exact. The bias this costs is a sizeable share of the standard error
        in tables of thousands of rows, so averages have no interval.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    tolerance : float, default=1e-9
        Largest imbalance of a covariate, in standard deviations.
    max_iter : int, default=200
        Newton steps after which balance counts as out of reach.

    Attributes
    ----------
    weights_ : ndarray of shape (n,)
        Weights of the training rows times their sample weights: how many rows of the
        population each stands for. A ``sample_weight`` for any model.
    propensity_ : ndarray of shape (n,)
        Probability of the treated arm.
    coefficients_ : ndarray of shape (n_features,)
        Log odds of the treated arm per unit of each covariate.
    intercept_ : float
        Log odds where all covariates are zero.
    specification_p_value_ : float
        Only if over-identified: p-value of likelihood and balance equations holding
        at once. Small if the logistic model is wrong.
    effective_sample_size_ : dict of label to float
        Rows of equal weight that would be as precise, per arm.
    balance_ : DataFrame of shape (n_covariates, 2)
        Standardised difference of means between the arms, ``before`` and ``after``
        weighting.
    arms_ : ndarray of shape (2,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.

    Notes
    -----
    Assumes no unmeasured confounding given X, overlap, and a logistic propensity
    :math:`e_\beta(X)`. The just-identified estimator solves
    :math:`\sum_i (T_i / e_\beta(X_i) - (1 - T_i) / (1 - e_\beta(X_i))) Z_i = 0` with
    :math:`Z = (1, X)` for everyone (Imai & Ratkovic), and
    :math:`\sum_i (T_i - (1 - T_i) e_\beta(X_i) / (1 - e_\beta(X_i))) Z_i = 0` for the
    treated. Each is the derivative of a concave function of :math:`\beta` (Zhao),
    which Newton's method maximises. The over-identified estimator weighs these
    equations and those of the likelihood by the inverse of their covariance at the
    maximum-likelihood fit (two steps). Influences of averages account for the
    estimated :math:`\beta`.

    References
    ----------
    Imai, K., & Ratkovic, M. (2014). Covariate balancing propensity score. Journal of
    the Royal Statistical Society: Series B, 76(1). https://doi.org/10.1111/rssb.12027

    Zhao, Q. (2019). Covariate balancing propensity score by tailored loss functions.
    The Annals of Statistics, 47(2). https://doi.org/10.1214/18-AOS1698

    Examples
    --------
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import CovariateBalancingPropensity
    >>> data = make_observational(500, random_state=0)
    >>> weighter = CovariateBalancingPropensity()
    >>> _ = weighter.fit(data.X, treatment=data.treatment)
    >>> bool(weighter.balance_["after"].max() < 1e-6)
    True
    """

    _targets: ClassVar[tuple[str, ...]] = ("all", "treated", "control", "overlap")
    _allows_several_arms: ClassVar[bool] = False

    def __init__(
        self,
        target: str = "all",
        *,
        over_identified: bool = False,
        control_arm: Any = None,
        tolerance: float = 1e-9,
        max_iter: int = 200,
    ) -> None:
        self.target = target
        self.over_identified = over_identified
        self.control_arm = control_arm
        self.tolerance = tolerance
        self.max_iter = max_iter

    def _has_influence(self, *, augmented: bool) -> bool:
        return not self.over_identified

    def _solve(self, data: CausalData, target: str, owner: str) -> Weighting:
        columns, names = numeric_covariates(data.X, owner)
        centre = np.average(columns, axis=0, weights=data.weights)
        deviation = pooled_deviation(columns, data.treatment, data.weights)
        scale = np.where(deviation > 0, deviation, 1.0)
        features = np.column_stack([np.ones(data.n_rows), (columns - centre) / scale])
        loss = TailoredLoss(target, data.treatment == 1, data.weights)
        beta = self._fitted(loss, features, names, owner)
        eta = features @ beta
        self._describe(eta, beta, centre, scale)
        weights, slopes = loss.weights(eta)
        density, density_slopes = loss.density(eta)
        if self.over_identified:
            return Weighting(weights, density, None)
        scores, curvature = loss.equation(eta)
        block = Parameters(
            features,
            scores[:, None],
            slopes[:, None],
            inverse_of(features.T @ (features * curvature[:, None])),
            curvature,
            None if density_slopes is None else density_slopes[:, None],
        )
        return Weighting(weights, density, (block,))

    def _fitted(
        self, loss: TailoredLoss, features: np.ndarray, names: list[str], owner: str
    ) -> np.ndarray:
        """Return the coefficients, or say which covariate keeps the arms apart."""
        if self.over_identified:
            _check_two_sets(loss.target, owner)
            fit = fit_two_steps(loss, features, self.tolerance, self.max_iter)
            if isinstance(fit, np.ndarray):
                _refuse(fit, names, owner)
            self.specification_p_value_ = fit.p_value
            return fit.coefficients
        beta, gap = minimise_tailored(loss, features, self.tolerance, self.max_iter)
        if gap is not None:
            _refuse(gap, names, owner)
        return beta

    def _describe(
        self, eta: np.ndarray, beta: np.ndarray, centre: np.ndarray, scale: np.ndarray
    ) -> None:
        """Keep the fitted propensity in the units of the covariates."""
        self.propensity_ = 1 / (1 + np.exp(-eta))
        self.coefficients_ = beta[1:] / scale
        self.intercept_ = float(beta[0] - self.coefficients_ @ centre)


def _check_two_sets(target: str, owner: str) -> None:
    if target == "overlap":
        raise ValueError(
            f"{owner}: over_identified=True needs balance equations of their own; "
            "those of target='overlap' are the likelihood's. Use "
            "over_identified=False."
        )


def _refuse(gap: np.ndarray, names: list[str], owner: str) -> NoReturn:
    """Say which covariate keeps the arms apart."""
    worst = int(np.abs(gap[1:]).argmax())
    raise InfeasibleBalanceError(
        f"{owner}: no logistic propensity balances the arms (separation); "
        f"{abs(gap[1:][worst]):.2g} standard deviations are left in "
        f"{names[worst]!r}. Drop the covariate that decides the arm, weigh towards "
        "another target, or drop rows without a counterpart (CrumpTrimming)."
    )
