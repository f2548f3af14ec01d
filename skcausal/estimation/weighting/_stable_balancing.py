"""StableBalancingWeights: the least variable weights within a tolerance of balance."""

from typing import Any

import numpy as np

from skcausal.estimation._data import CausalData
from skcausal.estimation.weighting._balancer import Balancer
from skcausal.estimation.weighting._dual import DualSolution, stable_weights
from skcausal.estimation.weighting._weighting import Weighting


class StableBalancingWeights(Balancer):
    r"""Find the least variable weights that balance covariates within a tolerance.

    Exact balance of many covariates can cost most of the effective sample, or be
    impossible. A small tolerance buys it back; ``balance_`` shows what is left, which
    an ``outcome_model`` of :class:`BalancedEffect` can take care of.

    Parameters
    ----------
    target : {"all", "treated", "control"}, default="all"
        Population whose moments every arm is given; "treated" for two arms.
    tolerance : float, default=0.02
        Largest difference of each covariate mean to the target, in standard
        deviations; 0 balances exactly.
    moments : int, default=1
        Highest power of each covariate that is balanced: 1 for means, 2 for variances
        too. Binary covariates only have means.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    max_iter : int, default=500
        Newton steps after which balance counts as out of reach.

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
    Assumes no unmeasured confounding given X, overlap, and an outcome that is nearly
    linear in the balanced moments. For each arm, weights minimise
    :math:`\sum_i w_i^2 / q_i` subject to :math:`w_i \ge 0, \sum_i w_i = 1` and
    :math:`|\sum_i w_i c_j(X_i) - \bar c_j| \le \delta s_j` for every moment j with
    standard deviation :math:`s_j`, and sample weights q. The quadratic programme is
    solved through its dual, which has one variable per moment. With a tolerance, an
    average effect without an outcome model has a bias of unknown sign, hence no valid
    interval.

    References
    ----------
    Zubizarreta, J. R. (2015). Stable weights that balance covariates for estimation
    with incomplete outcome data. Journal of the American Statistical Association,
    110(511). https://doi.org/10.1080/01621459.2015.1023805

    Hirshberg, D. A., & Wager, S. (2021). Augmented minimax linear estimation. The
    Annals of Statistics, 49(6). https://doi.org/10.1214/21-AOS2080

    Examples
    --------
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import StableBalancingWeights
    >>> data = make_observational(500, random_state=0)
    >>> weighter = StableBalancingWeights("treated", tolerance=0.05)
    >>> _ = weighter.fit(data.X, treatment=data.treatment)
    >>> bool(weighter.balance_["after"].max() < 0.05 + 1e-6)
    True
    """

    def __init__(
        self,
        target: str = "all",
        *,
        tolerance: float = 0.02,
        moments: int = 1,
        control_arm: Any = None,
        max_iter: int = 500,
    ) -> None:
        self.target = target
        self.tolerance = tolerance
        self.moments = moments
        self.control_arm = control_arm
        self.max_iter = max_iter

    def _has_influence(self, *, augmented: bool) -> bool:
        return augmented or self.tolerance == 0

    def _solve(self, data: CausalData, target: str, owner: str) -> Weighting:
        if not self.tolerance >= 0:
            raise ValueError(
                f"{owner}: tolerance must be 0 or more standard deviations, got "
                f"{self.tolerance!r}. Use for example 0.02."
            )
        return super()._solve(data, target, owner)

    def _weigh_arm(self, columns: np.ndarray, base: np.ndarray) -> DualSolution:
        allowed = float(self.tolerance)
        return stable_weights(columns, base, allowed, 1e-8, self.max_iter)

    def _slopes(
        self, columns: np.ndarray, base: np.ndarray, solution: DualSolution
    ) -> np.ndarray | None:
        if self.tolerance > 0:
            return None
        return np.where(solution.weights > 0, base / base.sum(), 0.0)
