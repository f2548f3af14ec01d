"""Refuter: the base of all, and the two ways to judge a series of simulations."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pandas as pd
from scipy import stats
from sklearn.base import BaseEstimator

from skcausal.validation._refuting._data import RefutationData

ALPHA = 0.05
NORMAL_QUANTILE = float(stats.norm.ppf(1 - ALPHA / 2))
ENOUGH_FOR_QUANTILES = 100


@dataclass(frozen=True, eq=False)
class Simulation:
    """What one refit found, or why it failed.

    Parameters
    ----------
    setting : object
        What the refuter told this simulation to do.
    seconds : float
        How long it took.
    value, standard_error, expected : ndarray of shape (n_effects,)
        Estimated effects, their standard errors and what was to be found.
    labels : tuple of str, default=()
        Names of the effects.
    failure : str, default=""
        Type and message of the error, if there was one.
    warnings : tuple of str, default=()
        Names of the warnings raised meanwhile.
    """

    setting: Any
    seconds: float
    value: np.ndarray = field(default_factory=lambda: np.empty(0))
    standard_error: np.ndarray = field(default_factory=lambda: np.empty(0))
    expected: np.ndarray = field(default_factory=lambda: np.empty(0))
    labels: tuple[str, ...] = ()
    failure: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Conclusion:
    """What one refuter concludes about one effect: a row of the table."""

    effect: str
    expectation: str
    expected: float
    refuted: float
    lower: float
    upper: float
    p_value: float
    passed: bool | None
    verdict: str


class Refuter(BaseEstimator):
    """Base of all refuters: changes a table, and knows what should then be found.

    To write one, subclass it, let ``__init__`` assign its parameters, and write
    ``_alter(data, setting, random)``, which returns a changed
    :class:`RefutationData`. By default there is one simulation per number of
    ``range(n_simulations)``, the effect should stay as it was, and the changed effects
    are judged by their spread. Optional hooks: ``_settings`` (one entry per
    simulation), ``_unavailable`` (why it cannot run here), ``_check`` (parameters),
    ``_conclude`` and ``_details``.

    Notes
    -----
    Assumes simulations are independent given the table. Class attributes say how they
    are judged: with ``_knows_truth = True`` the mean error is compared with zero by a
    Student test, which is exact for normal errors; otherwise the original effect is
    compared with the distribution of the simulated ones, in which it should be an
    ordinary draw. A p-value below 0.05 divided by the number of tests in the table is a
    failure, so a sound estimator fails in at most one of twenty tables. A deviation
    below ``_tolerance`` standard errors of the original effect is none: a bias of a
    quarter of a standard error lowers the coverage of a 95 % interval to 94 %.

    Examples
    --------
    >>> from skcausal.validation import Refuter
    >>> class ShiftedOutcome(Refuter):
    ...     def _alter(self, data, setting, random):
    ...         return data.changed(outcome=data.outcome + 10 * setting)
    >>> ShiftedOutcome()
    ShiftedOutcome()
    """

    _has_p_value: ClassVar[bool] = True
    _knows_truth: ClassVar[bool] = False
    _paired: ClassVar[bool] = False  # same folds and seeds as the original fit
    _tolerance: ClassVar[float] = 0.25
    _expectation: ClassVar[str] = "unchanged effect"
    _failing_means: ClassVar[str] = "the estimate is not stable"

    @property
    def _name(self) -> str:
        """Name in the table."""
        return type(self).__name__

    def _check(self) -> None:
        """Raise if a parameter is out of range (hook)."""

    def _unavailable(self, data: RefutationData) -> str | None:
        """Return why this refuter cannot run on the table (hook)."""
        return None

    def _prepared(self, data: RefutationData, seed: int) -> RefutationData:
        """Add what all simulations share (hook)."""
        return data

    def _settings(
        self, data: RefutationData, n_simulations: int, seed: int
    ) -> list[Any]:
        """Return one setting per simulation (hook)."""
        return list(range(n_simulations))

    def _alter(
        self, data: RefutationData, setting: Any, random: np.random.Generator
    ) -> RefutationData:
        """Return the changed table (hook)."""
        raise NotImplementedError

    def _adapted(self, estimator: Any) -> Any:
        """Return the estimator to refit (hook)."""
        return estimator

    def _conclude(
        self, data: RefutationData, simulations: list[Simulation]
    ) -> list[Conclusion]:
        """Return one conclusion per effect (hook)."""
        values = np.stack([s.value for s in simulations])
        expected = np.stack([s.expected for s in simulations])
        judge = judge_by_mean if self._knows_truth else judge_by_spread
        errors = np.stack([s.standard_error for s in simulations])
        return [
            self._conclusion(data, k, judge(values[:, k], expected[:, k], errors[:, k]))
            for k in range(len(data.labels))
        ]

    def _details(
        self, data: RefutationData, simulations: list[Simulation]
    ) -> dict[str, pd.DataFrame]:
        """Return further tables by name (hook)."""
        return {}

    def _conclusion(
        self, data: RefutationData, k: int, judged: "Judgement"
    ) -> Conclusion:
        """Turn the numbers of one effect into a conclusion with a verdict."""
        error = float(data.standard_error[k])
        shift = abs(judged.refuted - judged.expected)
        small = bool(shift <= self._tolerance * error)
        significant = bool(judged.p_value < ALPHA / data.n_tests)
        return Conclusion(
            effect=data.labels[k],
            expectation=self._expectation,
            expected=judged.expected,
            refuted=judged.refuted,
            lower=judged.lower,
            upper=judged.upper,
            p_value=judged.p_value,
            passed=small or not significant,
            verdict=self._verdict(judged, error, data.n_tests, small),
        )

    def _verdict(
        self, judged: "Judgement", error: float, n_tests: int, small: bool
    ) -> str:
        """Say in words what was found."""
        found = in_digits(judged.refuted, error)
        compared = f"found {found}, expected {in_digits(judged.expected, error)}"
        p_value = p_in_words(judged.p_value)
        if not judged.p_value < ALPHA:
            return f"passed: {compared} ({p_value})"
        times = abs(judged.refuted - judged.expected) / error if error > 0 else np.inf
        off = f"{compared}, off by {times:.2g} standard errors ({p_value})"
        if small:
            return f"passed: {off}, too little to matter"
        if not judged.p_value < ALPHA / n_tests:
            return f"passed: {off}, as may happen by chance in {n_tests} tests"
        return f"failed: {off}: {self._failing_means}"


@dataclass(frozen=True)
class Judgement:
    """Mean of simulated effects with an interval, and the p-value of the expected."""

    expected: float
    refuted: float
    lower: float
    upper: float
    p_value: float


def judge_by_mean(
    values: np.ndarray, expected: np.ndarray, standard_errors: np.ndarray
) -> Judgement:
    """Compare the mean error with zero: the truth of every simulation is known.

    A single simulation is judged by its own standard error.
    """
    errors = values - expected
    n, center = len(errors), float(expected.mean())
    mean = float(errors.mean())
    if n == 1:
        spread, law = float(standard_errors[0]), stats.norm
    else:
        spread, law = float(errors.std(ddof=1) / np.sqrt(n)), stats.t(n - 1)
    return _judgement(center, mean, spread, law)


def judge_by_spread(
    values: np.ndarray, expected: np.ndarray, standard_errors: np.ndarray
) -> Judgement:
    """Ask whether the original effect is an ordinary draw among the simulated ones.

    From 100 simulations on, quantiles count; below, a Student prediction interval.
    """
    center, n = float(expected.mean()), len(values)
    errors = values - expected
    mean = float(errors.mean())
    if n == 1:
        return _judgement(center, mean, float(standard_errors[0]), stats.norm)
    spread = float(errors.std(ddof=1) * np.sqrt(1 + 1 / n))
    judged = _judgement(center, mean, spread, stats.t(n - 1))
    if n < ENOUGH_FOR_QUANTILES:
        return judged
    below, above = int((errors <= 0).sum()), int((errors >= 0).sum())
    lower, upper = np.quantile(center + errors, [ALPHA / 2, 1 - ALPHA / 2])
    p_value = min(1.0, 2 * (min(below, above) + 1) / (n + 1))
    return Judgement(center, judged.refuted, float(lower), float(upper), p_value)


def _judgement(center: float, mean: float, spread: float, law: Any) -> Judgement:
    """Return mean, interval and two-sided p-value of a mean error."""
    margin = float(law.ppf(1 - ALPHA / 2)) * spread
    refuted = center + mean
    if spread > 0:
        p_value = float(2 * law.sf(abs(mean) / spread))
    else:
        p_value = 1.0 if mean == 0 else 0.0
    return Judgement(center, refuted, refuted - margin, refuted + margin, p_value)


def in_digits(value: float, error: float) -> str:
    """Write a value to two digits of a standard error."""
    if not (np.isfinite(error) and error > 0):
        return f"{value:.4g}"
    digits = max(0, 1 - int(np.floor(np.log10(error))))
    text = f"{value:.{digits}f}"
    return text.lstrip("-") if float(text) == 0 else text


def p_in_words(p_value: float) -> str:
    """Write a p-value."""
    return "p < 0.001" if p_value < 0.001 else f"p = {p_value:.2g}"
