"""E-values: the risk ratios a confounder needs to explain an effect away."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats

from skcausal.validation._sensitivity_inputs import check_level, fitted_learner

MEASURES = ("rr", "or", "hr", "smd", "rd")


@dataclass(frozen=True)
class EValue:
    """E-value of an estimate and of the limit of its interval nearer to no effect.

    Made by :func:`e_value`.

    Parameters
    ----------
    value : float
        E-value of the estimate: at least 1, larger is more robust.
    limit : float or None
        E-value of the interval: 1 if it holds "no effect" already; None without one.
    risk_ratio : float
        The estimate as an (approximate) risk ratio.
    measure : str
        The measure of the effect that it comes from.

    Examples
    --------
    >>> from skcausal.validation import e_value
    >>> e_value(2.0).value.__round__(3)
    3.414
    """

    value: float
    limit: float | None
    risk_ratio: float
    measure: str

    def summary(self) -> str:
        """Say in a sentence what it would take to explain the effect away.

        Returns
        -------
        text : str
            The sentence.
        """
        text = (
            "An unobserved confounder associated with both treatment and outcome by a "
            f"risk ratio of {self.value:.2f} each, beyond the covariates, could "
            "explain the estimate away; a weaker one could not."
        )
        if self.limit is None:
            return text
        if self.limit == 1:
            return f"{text} The interval holds no effect even without a confounder."
        return f"{text} For the interval {self.limit:.2f} would do."


def e_value(
    estimate: Any,
    *,
    lower: float | None = None,
    upper: float | None = None,
    measure: str | None = None,
    rare: bool | None = None,
    null: float | None = None,
    counts: Any = None,
    level: float = 0.95,
) -> EValue:
    r"""Return how strong confounding must be to explain an effect away.

    Parameters
    ----------
    estimate : float, estimator or None
        The effect in the units of ``measure``; or a fitted learner with two arms, whose
        average effect is taken as risk ratio for a binary outcome, else as a
        standardised difference. None with ``counts``.
    lower, upper : float, default=None
        Limits of its interval, in the same units.
    measure : {"rr", "or", "hr", "smd", "rd"}, default=None
        Risk ratio, odds ratio, hazard ratio, standardised mean difference, or risk
        difference (which needs ``counts``). None is "rr" for numbers.
    rare : bool, default=None
        Whether the outcome is rarer than some 15 % when follow-up ends; needed for "or"
        and "hr", because ratios of common outcomes exaggerate the risk ratio.
    null : float, default=None
        Value the effect should be moved to; None is no effect (1 for ratios, else 0).
    counts : sequence of four int, default=None
        For "rd": treated with and without the event, control with and without it.
    level : float, default=0.95
        Confidence level of intervals that are computed here, from a learner or counts.

    Returns
    -------
    result : EValue
        E-values of the estimate and of the limit nearer to ``null``.

    Raises
    ------
    ValueError
        If a ratio is not positive, the estimate lies outside its limits, or something
        the measure needs is missing.

    Notes
    -----
    Assumes a confounder that is equally associated with treatment and outcome, as risk
    ratios given the covariates. For a risk ratio above 1 the E-value is
    :math:`RR + \sqrt{RR (RR - 1)}`, below 1 that of :math:`1 / RR`. Conversions: common
    outcomes :math:`RR = \sqrt{OR}` and :math:`RR = (1 - .5^{\sqrt{HR}}) /
    (1 - .5^{\sqrt{1/HR}})`; a standardised difference d gives :math:`RR = \exp(.91 d)`.
    For a risk difference the bias factor is solved from the lower limit of the
    corrected difference (Ding and VanderWeele, section 4).

    References
    ----------
    VanderWeele, T. J., & Ding, P. (2017). Sensitivity analysis in observational
    research: introducing the E-value. Annals of Internal Medicine, 167(4), table 2.
    https://doi.org/10.7326/M16-2607

    Ding, P., & VanderWeele, T. J. (2016). Sensitivity analysis without assumptions.
    Epidemiology, 27(3). https://dash.harvard.edu/handle/1/26860180

    Examples
    --------
    >>> from skcausal.validation import e_value
    >>> result = e_value(3.9, lower=1.8, upper=8.7)
    >>> round(result.value, 2), round(result.limit, 2)
    (7.26, 3.0)
    """
    check_level(level, "e_value")
    if counts is not None or measure == "rd":
        return _of_counts(estimate, counts, measure, null, level)
    if estimate is None or not np.isscalar(estimate):
        if measure is not None or lower is not None or upper is not None:
            raise ValueError(
                "e_value: measure, lower and upper belong to an estimate that is a "
                f"number, got {type(estimate).__name__}."
            )
        estimate, lower, upper, measure = _of_learner(estimate, level)
    measure = measure or "rr"
    if measure not in MEASURES:
        raise ValueError(
            f"e_value: measure must be one of {', '.join(map(repr, MEASURES))}, got "
            f"{measure!r}."
        )
    if null is None:
        null = 0.0 if measure == "smd" else 1.0
    numbers = [estimate, lower, upper, null]
    ratios = [x if x is None else _risk_ratio(x, measure, rare) for x in numbers]
    return _from_ratios(ratios, measure)


def _risk_ratio(value: float, measure: str, rare: bool | None) -> float:
    """Return an effect as an approximate risk ratio."""
    value = float(value)
    if measure == "smd":
        return float(np.exp(0.91 * value))
    if not np.isfinite(value) or value <= 0:
        raise ValueError(
            f"e_value: a ratio must be positive and finite, got {value}. A difference "
            "needs measure='smd' (in standard deviations) or 'rd' (with counts)."
        )
    if measure == "rr":
        return value
    if rare is None:
        raise ValueError(
            f"e_value: measure={measure!r} needs rare=True or rare=False: is the "
            "outcome rarer than some 15 %?"
        )
    if rare:
        return value
    root = np.sqrt(value)
    return float(root) if measure == "or" else (1 - 0.5**root) / (1 - 0.5 ** (1 / root))


def _from_ratios(ratios: list[Any], measure: str) -> EValue:
    """Return the E-values of (estimate, lower, upper) against null, as risk ratios."""
    estimate, lower, upper, null = ratios
    if (lower is not None and lower > estimate) or (
        upper is not None and upper < estimate
    ):
        raise ValueError(
            "e_value: the estimate must lie between lower and upper, got risk ratios "
            f"{lower}, {estimate}, {upper}."
        )
    nearer = lower if estimate >= null else upper
    limit = None
    if nearer is not None:
        crossed = nearer <= null if estimate >= null else nearer >= null
        limit = 1.0 if crossed else _formula(nearer / null)
    return EValue(_formula(estimate / null), limit, float(estimate), measure)


def _formula(ratio: float) -> float:
    """Return the E-value of a risk ratio on either side of 1."""
    ratio = max(ratio, 1 / ratio)
    return float(ratio + np.sqrt(ratio * (ratio - 1)))


def _of_learner(estimator: Any, level: float) -> tuple[float, float, float, str]:
    """Return estimate, limits and measure of a learner's average effect."""
    learner = fitted_learner(estimator, "e_value", cross_fitted=False)
    data = learner._data
    if data.n_arms != 2:
        raise ValueError(
            "e_value: the learner must have two arms; give the number of one contrast "
            "instead."
        )
    binary = data.binary_outcome
    effect = learner.average_effect(scale="ratio" if binary else "difference")
    value = float(np.atleast_1d(effect.value)[0])
    lower, upper = (float(np.atleast_1d(x)[0]) for x in effect.interval(level))
    if binary:
        return value, max(lower, np.finfo(float).tiny), upper, "rr"
    spread = _spread_within_arms(data)
    return value / spread, lower / spread, upper / spread, "smd"


def _spread_within_arms(data: Any) -> float:
    """Return the pooled standard deviation of the outcome within arms."""
    weight, total = data.weights, 0.0
    for arm in (0, 1):
        rows = data.treatment == arm
        mean = np.average(data.outcome[rows], weights=weight[rows])
        total += weight[rows] @ (data.outcome[rows] - mean) ** 2
    return float(np.sqrt(total / weight.sum()))


def _of_counts(
    estimate: Any, counts: Any, measure: str | None, null: float | None, level: float
) -> EValue:
    """Return the E-values of a risk difference from a two by two table."""
    table = np.asarray([] if counts is None else counts, dtype=float)
    if measure not in (None, "rd") or estimate is not None or table.shape != (4,):
        raise ValueError(
            "e_value: a risk difference needs estimate=None, measure='rd' and counts "
            "of (treated with event, treated without, control with, control without), "
            f"got estimate={estimate!r}, measure={measure!r} and counts={counts!r}."
        )
    if null not in (None, 0) or (table < 0).any() or (table[::2] <= 0).any():
        raise ValueError(
            "e_value: counts must not be negative, events must occur in both arms, and "
            f"null must be 0, got {counts!r} and null={null}."
        )
    sizes = np.array([table[:2].sum(), table[2:].sum()])
    risks = table[::2] / sizes
    ratio = float(risks[0] / risks[1])
    if risks[0] < risks[1]:
        # Swapping the arms changes the sign of the difference and nothing else.
        sizes, risks = sizes[::-1], risks[::-1]
    quantile = float(stats.norm.ppf(0.5 + level / 2))

    def limit(bias: float) -> float:
        return _corrected_limit(bias, risks, sizes, quantile)

    bias = 1.0
    if limit(1.0) > 0:
        bias = float(optimize.brentq(limit, 1.0, risks[0] / risks[1]))
    return EValue(_formula(ratio), _formula(bias), ratio, "rd")


def _corrected_limit(
    bias: float, risks: np.ndarray, sizes: np.ndarray, quantile: float
) -> float:
    """Return the lower limit of a risk difference that a bias factor corrects."""
    share, total = sizes[0] / sizes.sum(), sizes.sum()
    difference = risks[0] - risks[1] * bias
    mix = share + (1 - share) / bias
    of_risks = risks * (1 - risks) / sizes
    variance = (of_risks[0] + of_risks[1] * bias**2) * mix**2
    variance += (difference * (1 - 1 / bias)) ** 2 * share * (1 - share) / total
    return float(difference * mix - quantile * np.sqrt(variance))
