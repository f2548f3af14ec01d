"""EntropyBalancing: the weights closest to uniform that balance moments exactly."""

from typing import Any

import numpy as np

from skcausal.estimation.weighting._balancer import Balancer
from skcausal.estimation.weighting._dual import DualSolution, entropy_weights


class EntropyBalancing(Balancer):
    r"""Find the weights closest to uniform that give all arms the same moments.

    The means (and, if asked, higher moments) of every covariate in every arm become
    exactly those of the target population. No propensity model, no checking and
    refitting: balance is what is solved for.

    Parameters
    ----------
    target : {"all", "treated", "control"}, default="all"
        Population whose moments every arm is given; "treated" for two arms.
    moments : int, default=1
        Highest power of each covariate that is balanced: 1 for means, 2 for variances
        too, 3 for skewness too. Binary covariates only have means.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    tolerance : float, default=1e-8
        Largest difference to the target, in standard deviations.
    max_iter : int, default=200
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
    Assumes no unmeasured confounding given X, overlap, and that the log odds of the
    arm or the outcome is linear in the balanced moments: an average effect is right if
    either is. For arm a, weights minimise :math:`\sum_i w_i \log(w_i / q_i)` subject
    to :math:`\sum_i w_i c(X_i) = \bar c` and :math:`\sum_i w_i = 1`, with sample
    weights q; the solution is :math:`w_i \propto q_i \exp(\lambda_a' c(X_i))` with
    the minimiser :math:`\lambda_a` of a smooth convex function, found by Newton's
    method. Influences of averages account for the estimated :math:`\lambda_a`.

    References
    ----------
    Hainmueller, J. (2012). Entropy balancing for causal effects. Political Analysis,
    20(1). https://doi.org/10.1093/pan/mpr025

    Zhao, Q., & Percival, D. (2017). Entropy balancing is doubly robust. Journal of
    Causal Inference, 5(1). https://doi.org/10.1515/jci-2016-0010

    Examples
    --------
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import EntropyBalancing
    >>> data = make_observational(500, random_state=0)
    >>> weighter = EntropyBalancing(target="treated")
    >>> _ = weighter.fit(data.X, treatment=data.treatment)
    >>> bool(weighter.balance_["after"].max() < 1e-6)
    True
    >>> bool(weighter.effective_sample_size_[1] == (data.treatment == 1).sum())
    True
    """

    def __init__(
        self,
        target: str = "all",
        *,
        moments: int = 1,
        control_arm: Any = None,
        tolerance: float = 1e-8,
        max_iter: int = 200,
    ) -> None:
        self.target = target
        self.moments = moments
        self.control_arm = control_arm
        self.tolerance = tolerance
        self.max_iter = max_iter

    def _weigh_arm(self, columns: np.ndarray, base: np.ndarray) -> DualSolution:
        return entropy_weights(columns, base, self.tolerance, self.max_iter)

    def _slopes(
        self, columns: np.ndarray, base: np.ndarray, solution: DualSolution
    ) -> np.ndarray:
        return solution.weights
