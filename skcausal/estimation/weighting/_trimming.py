"""CrumpTrimming: leave out rows that have hardly any counterpart in another arm."""

import warnings
from typing import Any, ClassVar

import numpy as np
from sklearn.base import clone

from skcausal.estimation._data import CausalData
from skcausal.estimation.weighting._errors import InfeasibleBalanceError
from skcausal.estimation.weighting._propensity import (
    fit_propensity,
    with_known_propensity,
)
from skcausal.estimation.weighting._propensity_weights import InverseProbabilityWeights
from skcausal.estimation.weighting._weighter import Weighter
from skcausal.estimation.weighting._weighting import Weighting
from skcausal.utils._validation import OverlapWarning


class CrumpTrimming(Weighter):
    r"""Leave out rows with extreme propensities, then weigh the others.

    The effect is then that of the rows kept, which the data can tell; how many rows
    were dropped is warned about and recorded.

    Parameters
    ----------
    weighter : weighter, default=None
        Weighs the rows kept; None is ``InverseProbabilityWeights()`` with a propensity
        fitted again on them.
    threshold : {"optimal"} or float, default="optimal"
        Keep rows whose probability of every arm is at least this. "optimal" minimises
        the variance of the average effect of the rows kept, for two arms; 0.1 is the
        rule of thumb of the same paper.
    propensity_model : classifier, default=None
        Model that decides who is dropped; None is logistic regression by maximum
        likelihood.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    random_state : int, RandomState instance or None, default=None
        Seed of the propensity model.

    Attributes
    ----------
    kept_ : ndarray of bool of shape (n,)
        Which training rows are kept.
    n_dropped_ : dict of label to int
        Dropped rows per arm.
    threshold_ : float
        The smallest probability of an arm that is kept.
    weights_ : ndarray of shape (n,)
        Weights of the training rows times their sample weights; 0 for dropped rows.
    effective_sample_size_ : dict of label to float
        Rows of equal weight that would be as precise, per arm.
    balance_ : DataFrame of shape (n_covariates, 2)
        Largest standardised difference of means between arms, ``before`` trimming and
        ``after`` trimming and weighting.
    arms_ : ndarray of shape (n_arms,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.

    Notes
    -----
    Assumes no unmeasured confounding given X. Rows with
    :math:`e(X)(1 - e(X)) < \alpha(1 - \alpha)` are dropped. The optimal
    :math:`\alpha` solves :math:`\gamma = 2 E[g \mid g \le \gamma]` with
    :math:`g = 1 / (e(X)(1 - e(X)))` and :math:`\gamma = 1 / (\alpha(1 - \alpha))`, and
    is 0 if no row exceeds twice the mean of g. Intervals take the set of rows kept as
    given, as the paper does.

    References
    ----------
    Crump, R. K., Hotz, V. J., Imbens, G. W., & Mitnik, O. A. (2009). Dealing with
    limited overlap in estimation of average treatment effects. Biometrika, 96(1).
    https://doi.org/10.1093/biomet/asn055

    Examples
    --------
    >>> import warnings
    >>> from skcausal import OverlapWarning
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import CrumpTrimming
    >>> data = make_observational(500, confounding=2.0, random_state=0)
    >>> weighter = CrumpTrimming(threshold=0.1)
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore", OverlapWarning)
    ...     _ = weighter.fit(data.X, treatment=data.treatment)
    >>> bool(sum(weighter.n_dropped_.values()) == (~weighter.kept_).sum())
    True
    """

    _targets: ClassVar[tuple[str, ...]] = ("all", "treated", "control", "overlap")

    def __init__(
        self,
        weighter: Any = None,
        *,
        threshold: Any = "optimal",
        propensity_model: Any = None,
        control_arm: Any = None,
        random_state: Any = None,
    ) -> None:
        self.weighter = weighter
        self.threshold = threshold
        self.propensity_model = propensity_model
        self.control_arm = control_arm
        self.random_state = random_state

    def _inner(self) -> Any:
        if self.weighter is None:
            return InverseProbabilityWeights(random_state=self.random_state)
        return clone(self.weighter)

    def _own_target(self) -> str:
        return str(self._inner()._own_target())

    def _has_influence(self, *, augmented: bool) -> bool:
        return bool(self._inner()._has_influence(augmented=augmented))

    def _prepared(self, data: CausalData) -> CausalData:
        return with_known_propensity(data, self.propensity_model)

    def _check_data(self, data: CausalData, owner: str) -> None:
        super()._check_data(data, owner)
        inner = self._inner()
        if not isinstance(inner, Weighter):
            raise TypeError(
                f"{owner}: weighter must be a weighter such as EntropyBalancing(), got "
                f"{inner!r}."
            )
        inner._check_data(data, owner)
        number = isinstance(self.threshold, (int, float, np.number))
        if self.threshold != "optimal" and not (
            number and 0 <= self.threshold < 1 / data.n_arms
        ):
            raise ValueError(
                f"{owner}: threshold must be 'optimal' or a probability in [0, "
                f"{1 / data.n_arms:.2g}), got {self.threshold!r}. Use for example 0.1."
            )
        if self.threshold == "optimal" and data.n_arms > 2:
            raise ValueError(
                f"{owner}: threshold='optimal' is for two arms, the treatment has "
                f"{data.n_arms}. Use a number such as 0.05."
            )

    def _solve(self, data: CausalData, target: str, owner: str) -> Weighting:
        p = fit_propensity(data, self.propensity_model, self.random_state, owner).values
        smallest = p.min(axis=1)
        self.threshold_ = (
            optimal_threshold(smallest, data.weights)
            if self.threshold == "optimal"
            else float(self.threshold)
        )
        self.kept_ = smallest >= self.threshold_
        self._report(data, owner)
        kept = np.flatnonzero(self.kept_)
        weighting = self._inner()._solve(data.take(kept), target, owner)
        return weighting.scattered(kept, data.n_rows)

    def _report(self, data: CausalData, owner: str) -> None:
        """Record and say how many rows are dropped."""
        assert data.arms is not None
        labels = data.arms.tolist()
        counts = np.bincount(data.treatment[~self.kept_], minlength=data.n_arms)
        self.n_dropped_ = dict(zip(labels, counts.tolist(), strict=True))
        if not counts.any():
            return
        listed = ", ".join(f"{label!r}: {n}" for label, n in self.n_dropped_.items())
        left = np.bincount(data.treatment[self.kept_], minlength=data.n_arms)
        if (left < 2).any():
            raise InfeasibleBalanceError(
                f"{owner}: a threshold of {self.threshold_:.3g} leaves fewer than two "
                f"rows of an arm (dropped: {listed}). Use a smaller threshold."
            )
        warnings.warn(
            f"{owner}: dropped {counts.sum()} of {data.n_rows} rows ({listed}) with a "
            f"propensity of an arm below {self.threshold_:.3g}; the effect is that of "
            "the rows kept.",
            OverlapWarning,
            stacklevel=5,
        )


def optimal_threshold(smallest: np.ndarray, weight: np.ndarray) -> float:
    """Return the cut-off of the smaller propensity that gives the least variance.

    Crump et al. (2009); the least over all cut-offs that the rows allow.
    """
    with np.errstate(divide="ignore"):
        g = 1 / (smallest * (1 - smallest))
    order = np.argsort(g, kind="stable")
    sorted_g, w = g[order], weight[order]
    means = np.cumsum(w * np.where(np.isfinite(sorted_g), sorted_g, 0)) / np.cumsum(w)
    if np.isfinite(sorted_g[-1]) and sorted_g[-1] <= 2 * means[-1]:
        return 0.0
    variance = np.where(np.isfinite(sorted_g), means, np.inf) / np.cumsum(w)
    gamma = 2 * means[int(np.argmin(variance))]
    return float(0.5 - np.sqrt(0.25 - 1 / gamma))
