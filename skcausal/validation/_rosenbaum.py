"""RosenbaumBounds: how hidden bias could change the p-value of matched pairs."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from skcausal.utils._validation import check_same_length
from skcausal.validation._sensitivity_inputs import fitted_learner, two_arms

_OWNER = "RosenbaumBounds"
_MAX_EXACT = 50  # pairs without ties: more of them are normal to three digits
ALTERNATIVES = ("greater", "less", "two-sided")
GAMMAS = (1, 1.25, 1.5, 2, 3, 5)


class RosenbaumBounds:
    r"""Bound the p-value of Wilcoxon's signed rank test under hidden bias of pairs.

    Parameters
    ----------
    differences : array-like of shape (n_pairs,)
        Outcome of the treated minus that of the control, for each matched pair.
    alternative : {"greater", "less", "two-sided"}, default="greater"
        Direction of the effect that is claimed; two-sided doubles the smaller p-value.
    method : {"auto", "exact", "normal"}, default="auto"
        Distribution of the statistic; "auto" is exact up to 50 pairs. Ranks with ties
        are exact too.

    Attributes
    ----------
    n_pairs : int
        Pairs that count: those with a difference.
    n_ties : int
        Pairs without a difference, which say nothing and are left out.
    statistic : float
        Sum of the ranks of positive differences.

    Notes
    -----
    Assumes pairs that are alike in observed covariates. If an unobserved covariate
    makes one of a pair up to :math:`\Gamma` times as likely (in odds) to be treated as
    the other, each positive difference has at most the probability
    :math:`p = \Gamma / (1 + \Gamma)` without an effect, so the statistic has at most
    the mean :math:`p \sum_i r_i` and the variance :math:`p (1 - p) \sum_i r_i^2` of
    ranks r. :math:`\Gamma = 1` is the ordinary test.

    References
    ----------
    Rosenbaum, P. R. (2002). Observational Studies, 2nd edition, section 4.3. Springer.
    https://doi.org/10.1007/978-1-4757-3692-2

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.validation import RosenbaumBounds
    >>> differences = np.random.default_rng(0).normal(1.0, 1.0, 60)
    >>> bounds = RosenbaumBounds(differences)
    >>> bounds.p_value(1) < bounds.p_value(3)
    True
    >>> bool(bounds.largest_gamma(0.05) > 2)
    True
    """

    def __init__(
        self, differences: Any, *, alternative: str = "greater", method: str = "auto"
    ) -> None:
        values = np.asarray(differences, dtype=float)
        if values.ndim != 1 or not np.isfinite(values).all():
            raise ValueError(
                f"{_OWNER}: differences must be one finite number per pair, got shape "
                f"{values.shape}. Drop pairs with missing outcomes."
            )
        if alternative not in ALTERNATIVES:
            raise ValueError(
                f"{_OWNER}: alternative must be one of "
                f"{', '.join(map(repr, ALTERNATIVES))}, got {alternative!r}."
            )
        if method not in ("auto", "exact", "normal"):
            raise ValueError(
                f"{_OWNER}: method must be 'auto', 'exact' or 'normal', got {method!r}."
            )
        self.differences = values
        self.alternative, self.method = alternative, method
        kept = values[values != 0]
        self.n_pairs, self.n_ties = int(kept.shape[0]), int((values == 0).sum())
        if self.n_pairs == 0:
            raise ValueError(
                f"{_OWNER}: differences are all zero (or there are none); a rank test "
                "needs pairs that differ."
            )
        self._ranks = stats.rankdata(np.abs(kept))
        self.statistic = float(self._ranks[kept > 0].sum())

    @classmethod
    def from_pairs(
        cls, treated: Any, control: Any, *, alternative: str = "greater"
    ) -> "RosenbaumBounds":
        """Make the bounds from the outcomes of matched pairs.

        Parameters
        ----------
        treated, control : array-like of shape (n_pairs,)
            Outcomes of the two rows of each pair.
        alternative : {"greater", "less", "two-sided"}, default="greater"
            Direction of the effect.

        Returns
        -------
        bounds : RosenbaumBounds
            The bounds.
        """
        check_same_length(f"{_OWNER}.from_pairs", treated=treated, control=control)
        difference = np.asarray(treated, float) - np.asarray(control, float)
        return cls(difference, alternative=alternative)

    @classmethod
    def from_estimator(
        cls, estimator: Any, *, alternative: str = "greater", adjust: bool = True
    ) -> "RosenbaumBounds":
        """Make the bounds from pairs of alike propensity in a learner's training rows.

        Rows are sorted by out-of-fold propensity (and expected outcome, where it is
        the same) and paired with their neighbour; pairs of one arm are left out. Which
        rows are paired does not depend on their arms.

        Parameters
        ----------
        estimator : estimator
            Fitted learner with two arms, or a Pipeline or search that ends in one.
        alternative : {"greater", "less", "two-sided"}, default="greater"
            Direction of the effect.
        adjust : bool, default=True
            Subtract each row's expected outcome given its covariates, which removes
            differences of pairs that covariates explain.

        Returns
        -------
        bounds : RosenbaumBounds
            The bounds.

        Raises
        ------
        ValueError
            If the learner does not have two arms, or was fitted with weights or groups,
            which a rank test of pairs ignores.
        """
        owner = f"{_OWNER}.from_estimator"
        learner = fitted_learner(estimator, owner)
        arms = two_arms(learner, owner)
        data = arms.data
        if data.sample_weight is not None or data.groups is not None:
            raise ValueError(
                f"{owner}: the learner was fitted with sample_weight or groups, which "
                "a rank test of pairs cannot use. Use RieszSensitivity."
            )
        e, mu = arms.propensity.mean(axis=0), arms.means.mean(axis=0)
        expected = (e * mu).sum(axis=1)
        outcome = data.outcome - expected if adjust else data.outcome
        order = np.lexsort((expected, e[:, 1]))[: data.n_rows // 2 * 2].reshape(-1, 2)
        signs = data.treatment[order[:, 0]] - data.treatment[order[:, 1]]
        difference = signs * (outcome[order[:, 0]] - outcome[order[:, 1]])
        return cls(difference[signs != 0], alternative=alternative)

    def p_value(self, gamma: float = 1.0) -> float:
        """Return the largest p-value that hidden bias of a strength could produce.

        Parameters
        ----------
        gamma : float, default=1.0
            Odds ratio of treatment within a pair, at least 1.

        Returns
        -------
        p_value : float
            Upper bound of the p-value.

        Raises
        ------
        ValueError
            If ``gamma`` is less than 1.
        """
        share = _share(gamma)
        total = self._ranks.sum()
        ways = {"greater": self.statistic, "less": total - self.statistic}
        if self.alternative != "two-sided":
            return self._tail(ways[self.alternative], share)
        return min(1.0, 2 * min(self._tail(one, share) for one in ways.values()))

    def _tail(self, statistic: float, share: float) -> float:
        """Return the probability of a statistic at least as large."""
        exact = self.method == "exact"
        if exact or (self.method == "auto" and self.n_pairs <= _MAX_EXACT):
            return _exact_tail(self._ranks, statistic, share)
        mean = share * self._ranks.sum()
        variance = share * (1 - share) * (self._ranks**2).sum()
        return float(stats.norm.sf((statistic - mean) / np.sqrt(variance)))

    def largest_gamma(self, level: float = 0.05) -> float:
        """Return the strongest hidden bias under which the effect stays significant.

        Parameters
        ----------
        level : float, default=0.05
            Significance level.

        Returns
        -------
        gamma : float
            Largest odds ratio whose p-value is at most ``level``; 1 if the test is not
            significant without hidden bias, infinity if it always is.
        """
        if not 0 < level < 1:
            raise ValueError(
                f"{_OWNER}.largest_gamma: level must lie between 0 and 1, got {level}."
            )

        def excess(log_gamma: float) -> float:
            return self.p_value(float(np.exp(log_gamma))) - level

        if excess(0.0) > 0:
            return 1.0
        most = np.log(1e6)
        if excess(most) <= 0:
            return float("inf")
        return float(np.exp(optimize.brentq(excess, 0.0, most)))

    def estimate_bounds(self, gamma: float = 1.0) -> tuple[float, float]:
        """Return bounds of the Hodges-Lehmann estimate of an additive effect.

        Parameters
        ----------
        gamma : float, default=1.0
            Odds ratio of treatment within a pair, at least 1.

        Returns
        -------
        lower, upper : float
            Effects in units of the outcome that make the statistic of what is left of
            the differences equal its largest and its smallest mean.
        """
        share = _share(gamma)
        return self._root(share), self._root(1 - share)

    def _root(self, share: float) -> float:
        """Return the shift that brings the statistic to a share of its total."""
        low, high = self.differences.min(), self.differences.max()
        if low == high:
            return float(low)
        edge = 1e-9 * (high - low)

        def excess(shift: float) -> float:
            left = self.differences - shift
            ranks = stats.rankdata(np.abs(left))
            positive = (left > 0) + 0.5 * (left == 0)
            return float(ranks @ positive / ranks.sum() - share)

        return float(optimize.brentq(excess, low - edge, high + edge, xtol=edge))

    def table(self, gammas: Sequence[float] = GAMMAS) -> pd.DataFrame:
        """Return p-values and bounds of the effect by strength of hidden bias.

        Parameters
        ----------
        gammas : sequence of float, default=(1, 1.25, 1.5, 2, 3, 5)
            Odds ratios of treatment within a pair.

        Returns
        -------
        table : DataFrame
            One row per gamma; columns ``p_value, lower, upper``.
        """
        rows = [(self.p_value(one), *self.estimate_bounds(one)) for one in gammas]
        index = pd.Index([float(one) for one in gammas], name="gamma")
        return pd.DataFrame(rows, index, columns=["p_value", "lower", "upper"])

    def summary(self, level: float = 0.05) -> str:
        """Say in sentences how much hidden bias the finding withstands.

        Parameters
        ----------
        level : float, default=0.05
            Significance level.

        Returns
        -------
        text : str
            The sentences.
        """
        p_value, gamma = self.p_value(), self.largest_gamma(level)
        found = f"The p-value of {self.n_pairs} pairs is {p_value:.2g}"
        if p_value > level:
            return f"{found}: there is no significant effect to begin with."
        if not np.isfinite(gamma):
            return f"{found}, whatever the hidden bias: all differences have one sign."
        return (
            f"{found}. It stays below {level:g} unless an unobserved confounder makes "
            "one of two alike rows "
            f"{gamma:.2f} times as likely (in odds) to be treated as the other."
        )


def _share(gamma: float) -> float:
    """Return the largest probability of a positive difference without an effect."""
    if not (np.isfinite(gamma) and gamma >= 1):
        raise ValueError(
            f"{_OWNER}: gamma must be at least 1 (no hidden bias) and finite, got "
            f"{gamma}."
        )
    return float(gamma / (1 + gamma))


def _exact_tail(ranks: np.ndarray, statistic: float, share: float) -> float:
    """Return the exact probability of a rank sum at least as large.

    Ranks with ties are multiples of one half, so twice the sum is a whole number.
    """
    steps = np.round(2 * ranks).astype(int)
    chance = np.zeros(steps.sum() + 1)
    chance[0] = 1.0
    for step in steps:
        moved = np.zeros_like(chance)
        moved[step:] = chance[: chance.shape[0] - step]
        chance = (1 - share) * chance + share * moved
    return float(min(chance[round(2 * statistic) :].sum(), 1.0))
