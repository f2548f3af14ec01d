"""PartialR2Sensitivity: what an omitted variable would do to a linear estimate."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from skcausal.validation._partial_r2_formulas import (
    benchmark_strength,
    learner_inputs,
    most_times,
    ols_inputs,
    robustness,
)
from skcausal.validation._sensitivity_inputs import (
    check_level,
    check_share,
    first_crossing,
    named_rows,
    needed_strength,
)

_OWNER = "PartialR2Sensitivity"


class PartialR2Sensitivity:
    r"""Tell how strong an omitted confounder must be to overturn a linear estimate.

    Strength is two shares of variance that the confounder would explain: of the
    treatment given the covariates, and of the outcome given treatment and covariates.

    Parameters
    ----------
    estimate : float
        Coefficient of the treatment.
    standard_error : float
        Its classical standard error (one variance for all rows): the formulas use it
        as the ratio of two residual standard deviations.
    dof : float
        Residual degrees of freedom of the regression.
    benchmarks : dict of str to (float, float), default=None
        Partial R² of observed covariates with the treatment, given the other
        covariates, and with the outcome, given treatment and other covariates.

    Attributes
    ----------
    t_value : float
        Estimate over standard error.
    partial_r2 : float
        Share of the outcome's residual variance that the treatment explains. A
        confounder that explains all the rest of the outcome would need this share of
        the treatment to bring the estimate to zero.
    benchmarks : DataFrame
        The benchmarks, one row per covariate, columns ``treatment, outcome``.

    See Also
    --------
    RieszSensitivity : The same question without linearity.

    Notes
    -----
    Assumes that the outcome regression is linear with an additive treatment. A
    confounder with partial R² :math:`R_D` of the treatment and :math:`R_Y` of the
    outcome biases the estimate by
    :math:`\mathrm{se} \sqrt{\mathrm{df}} \sqrt{R_Y R_D / (1 - R_D)}`, and the standard
    error with the confounder would have been
    :math:`\mathrm{se} \sqrt{(1 - R_Y) / (1 - R_D)} \sqrt{\mathrm{df} / (\mathrm{df} -
    1)}`. The robustness value is the strength :math:`R_D = R_Y` that brings the
    estimate to zero; below it no confounder does. Benchmarks bound a confounder that
    is k times as strong as an observed covariate (their equations 13 to 16).

    References
    ----------
    Cinelli, C., & Hazlett, C. (2020). Making sense of sensitivity: extending omitted
    variable bias. Journal of the Royal Statistical Society, Series B, 82(1).
    https://doi.org/10.1111/rssb.12348

    Examples
    --------
    >>> from skcausal.validation import PartialR2Sensitivity
    >>> harm = PartialR2Sensitivity(
    ...     0.097316, 0.023257, 783, benchmarks={"female": (0.00908, 0.1090)}
    ... )
    >>> round(harm.robustness_value(), 4), round(harm.robustness_value(level=0.95), 4)
    (0.1388, 0.0763)
    >>> harm.bounds(times=(1, 2))["estimate"].round(3).tolist()
    [0.075, 0.053]
    """

    def __init__(
        self,
        estimate: float,
        standard_error: float,
        dof: float,
        *,
        benchmarks: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        numbers = np.array([estimate, standard_error, dof], dtype=float)
        if not np.isfinite(numbers).all() or standard_error <= 0 or dof <= 1:
            raise ValueError(
                f"{_OWNER}: estimate must be finite, standard_error positive and dof "
                f"above 1, got {estimate}, {standard_error} and {dof}."
            )
        self.estimate, self.standard_error, self.dof = map(float, numbers)
        rows = {
            str(name): {"treatment": float(pair[0]), "outcome": float(pair[1])}
            for name, pair in (benchmarks or {}).items()
        }
        self.benchmarks = named_rows(rows)
        for column in self.benchmarks:
            shares = self.benchmarks[column].to_numpy()
            # Out of fold a useless covariate has a share below zero.
            check_share(np.maximum(shares, 0), "benchmarks", _OWNER, below_one=True)

    @classmethod
    def from_ols(
        cls, results: Any, treatment: str, benchmarks: Sequence[Any] = ()
    ) -> "PartialR2Sensitivity":
        """Make the analysis of one coefficient of a fitted statsmodels OLS.

        Parameters
        ----------
        results : statsmodels RegressionResults
            Result of ``OLS(...).fit()``. The classical standard error is computed from
            it, whatever ``cov_type`` it shows.
        treatment : str
            Name of the treatment among the regressors.
        benchmarks : sequence of str or of tuples of str, default=()
            Regressors to compare with; a tuple is a group taken together, such as the
            indicators of a category.

        Returns
        -------
        sensitivity : PartialR2Sensitivity
            The analysis.

        Raises
        ------
        TypeError
            If ``results`` is no OLS result.
        ValueError
            If a name is not among the regressors.
        """
        estimate, error, dof, pairs = ols_inputs(results, treatment, benchmarks)
        return cls(estimate, error, dof, benchmarks=pairs)

    @classmethod
    def from_estimator(
        cls, estimator: Any, benchmarks: Sequence[Any] = ()
    ) -> "PartialR2Sensitivity":
        """Make the analysis of a fitted learner: residuals regressed on residuals.

        Parameters
        ----------
        estimator : estimator
            Fitted learner of two arms or a continuous treatment, or a Pipeline of one.
        benchmarks : sequence of str, int or tuples of them, default=()
            Covariates to compare with, as the learner sees them. Each costs a refit
            without it; out of fold, a useless covariate may have a share below zero.

        Returns
        -------
        sensitivity : PartialR2Sensitivity
            The analysis of the partially linear coefficient, which weights rows by
            their overlap.

        Raises
        ------
        ValueError
            If the learner has several arms, groups, or no training rows.
        """
        estimate, error, dof, pairs = learner_inputs(estimator, benchmarks)
        return cls(estimate, error, dof, benchmarks=pairs)

    @property
    def t_value(self) -> float:
        """Estimate over standard error."""
        return self.estimate / self.standard_error

    @property
    def partial_r2(self) -> float:
        """Share of the outcome's residual variance that the treatment explains."""
        return self.t_value**2 / (self.t_value**2 + self.dof)

    def robustness_value(self, q: float = 1.0, level: float | None = None) -> float:
        """Return the strength of a confounder that takes the estimate away.

        Parameters
        ----------
        q : float, default=1.0
            Share of the estimate that it takes away.
        level : float, default=None
            With a level, the strength that brings what is left of the estimate within
            the margin of error of an interval of this level.

        Returns
        -------
        strength : float
            Share of variance of both treatment and outcome, in [0, 1].
        """
        if q < 0:
            raise ValueError(
                f"{_OWNER}.robustness_value: q must not be negative, got {q}."
            )
        f = q * abs(self.t_value) / np.sqrt(self.dof)
        margin = 0.0 if level is None else self._critical(level)
        return robustness(f, margin)

    def _critical(self, level: float) -> float:
        tail = 0.5 + check_level(level, _OWNER) / 2
        return float(stats.t.ppf(tail, self.dof - 1) / np.sqrt(self.dof - 1))

    def adjusted(
        self, treatment: Any, outcome: Any, level: float = 0.95
    ) -> dict[str, Any]:
        """Return what the regression would have shown with a confounder of a strength.

        Parameters
        ----------
        treatment : float or ndarray
            Share of the treatment's residual variance that it explains, in [0, 1).
        outcome : float or ndarray
            Share of the outcome's residual variance that it explains, in [0, 1].
        level : float, default=0.95
            Confidence level of the interval.

        Returns
        -------
        adjusted : dict of str to float or ndarray
            ``estimate``, less the bias that works in its favour, ``standard_error``,
            ``t_value`` and the interval's ``lower`` and ``upper``.
        """
        owner = f"{_OWNER}.adjusted"
        r_d = check_share(treatment, "treatment", owner, below_one=True)
        r_y = check_share(outcome, "outcome", owner, below_one=False)
        bias = self.standard_error * np.sqrt(self.dof * r_y * r_d / (1 - r_d))
        value = np.copysign(1.0, self.estimate) * (abs(self.estimate) - bias)
        change = np.sqrt((1 - r_y) / (1 - r_d) * self.dof / (self.dof - 1))
        error = self.standard_error * change
        margin = self._critical(level) * np.sqrt(self.dof - 1) * error
        with np.errstate(divide="ignore", invalid="ignore"):
            t_value = value / error
        return {
            "estimate": value,
            "standard_error": error,
            "t_value": t_value,
            "lower": value - margin,
            "upper": value + margin,
        }

    def strength(self, covariate: str, times: float = 1.0) -> tuple[float, float]:
        """Bound the strength of a confounder by that of an observed covariate.

        Parameters
        ----------
        covariate : str
            Name of a benchmark.
        times : float, default=1.0
            How many times as strong as the covariate the confounder is, for both
            treatment and outcome.

        Returns
        -------
        treatment, outcome : float
            Shares of variance; the second is at most 1.

        Raises
        ------
        ValueError
            If so strong a confounder would explain all of the treatment.
        """
        r_d, r_y = self._benchmark(covariate)
        if not 0 <= times < most_times(r_d):
            raise ValueError(
                f"{_OWNER}.strength: a confounder {times} times as strong as "
                f"{covariate!r} is impossible: times must be at least 0 and less than "
                f"{most_times(r_d):.4g}, where it would explain all of the treatment."
            )
        return benchmark_strength(r_d, r_y, times)

    def _benchmark(self, covariate: str) -> tuple[float, float]:
        if covariate not in self.benchmarks.index:
            raise ValueError(
                f"{_OWNER}: {covariate!r} is no benchmark; the benchmarks are "
                f"{list(self.benchmarks.index)}."
            )
        pair = self.benchmarks.loc[covariate, ["treatment", "outcome"]].to_numpy()
        r_d, r_y = np.maximum(pair.astype(float), 0.0)
        return float(r_d), float(r_y)

    def bounds(
        self,
        covariates: Sequence[str] | None = None,
        *,
        times: Sequence[float] = (1, 2, 3),
        level: float = 0.95,
    ) -> pd.DataFrame:
        """Return what confounders as strong as observed covariates would leave.

        Parameters
        ----------
        covariates : sequence of str, default=None
            Names of benchmarks; None is all.
        times : sequence of float, default=(1, 2, 3)
            How many times as strong as the covariate.
        level : float, default=0.95
            Confidence level of the adjusted interval.

        Returns
        -------
        table : DataFrame
            One row per covariate and times; columns ``treatment, outcome`` (strength),
            ``estimate, standard_error, t_value, lower, upper``.
        """
        rows, index = [], []
        for name in self.benchmarks.index if covariates is None else covariates:
            for factor in times:
                treatment, outcome = self.strength(name, factor)
                row = {"treatment": treatment, "outcome": outcome}
                rows.append(row | self.adjusted(treatment, outcome, level))
                index.append((name, factor))
        columns = ["treatment", "outcome", "estimate", "standard_error", "t_value"]
        labels = pd.MultiIndex.from_tuples(index, names=["covariate", "times"])
        return pd.DataFrame(rows, labels, columns=[*columns, "lower", "upper"])

    def times_stronger(self, covariate: str, level: float | None = None) -> float:
        """Return how many times as strong as a covariate a confounder has to be.

        Parameters
        ----------
        covariate : str
            Name of a benchmark.
        level : float, default=None
            None asks when the estimate is zero, a level when zero is inside the
            interval of that level.

        Returns
        -------
        times : float
            0 if it is so already; infinity if no possible confounder with the
            covariate's mix of strengths gets there.
        """
        sign = np.copysign(1.0, self.estimate)

        def left(factor: float) -> float:
            adjusted = self.adjusted(*self.strength(covariate, factor), level or 0.95)
            if level is None:
                return sign * adjusted["estimate"]
            return adjusted["lower"] if sign > 0 else -adjusted["upper"]

        r_d, _ = self._benchmark(covariate)
        if left(0.0) <= 0:
            return 0.0
        if r_d == 0:
            return float("inf")
        return first_crossing(left, (1 - 1e-9) * most_times(r_d))

    def summary(self, level: float = 0.95) -> str:
        """Say in sentences what it would take to overturn the estimate.

        Parameters
        ----------
        level : float, default=0.95
            Confidence level.

        Returns
        -------
        text : str
            One sentence on the estimate, one on the robustness values, and one for
            each benchmark.
        """
        now = self.adjusted(0.0, 0.0, level)
        percent = f"{100 * level:g} %"
        text = [
            f"The estimate is {self.estimate:.4g} ({percent} interval "
            f"{now['lower']:.4g} to {now['upper']:.4g}).",
            "An unobserved confounder would have to explain "
            f"{100 * self.robustness_value():.1f} % of what is left of the variance of "
            "both treatment and outcome to bring the estimate to 0, and "
            f"{100 * self.robustness_value(level=level):.1f} % to bring 0 into its "
            "interval.",
        ]
        for name in self.benchmarks.index:
            ways = [self.times_stronger(name), self.times_stronger(name, level)]
            text.append(needed_strength(str(name), *ways))
        return " ".join(text)
