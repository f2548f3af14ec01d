"""EffectBounds: the two ends of an effect that data alone cannot pin down."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import optimize, stats

from skcausal.inference._effect_estimate import EffectEstimate


@dataclass(frozen=True, eq=False)
class EffectBounds:
    r"""Lower and upper bound of an effect, with an interval for the effect itself.

    Parameters
    ----------
    lower : EffectEstimate
        Estimate of the lower bound: one effect.
    upper : EffectEstimate
        Estimate of the upper bound, on the same rows.

    Notes
    -----
    Assumes that both bounds are estimated without bias and asymptotically normal. The
    interval covers the effect, wherever it lies between the bounds, with probability
    ``level``: its ends are :math:`\hat\theta_- - c \hat\sigma_-` and
    :math:`\hat\theta_+ + c \hat\sigma_+`, where c solves
    :math:`\Phi(c + \Delta / \max(\hat\sigma_-, \hat\sigma_+)) - \Phi(-c) =` ``level``
    and :math:`\Delta = \hat\theta_+ - \hat\theta_-`. Far apart bounds need the
    one-sided quantile only, because the effect cannot be near both; equal bounds the
    two-sided one.

    References
    ----------
    Imbens, G. W., & Manski, C. F. (2004). Confidence intervals for partially
    identified parameters. Econometrica, 72(6), equations 6 and 7.
    https://doi.org/10.1111/j.1468-0262.2004.00555.x

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import EffectBounds, EffectEstimate
    >>> noise = np.tile([-1.0, 1.0], 50)
    >>> bounds = EffectBounds(
    ...     EffectEstimate.from_influence(-1.0, noise),
    ...     EffectEstimate.from_influence(1.0, noise),
    ... )
    >>> lower, upper = bounds.interval()
    >>> round(lower, 3), round(upper, 3)
    (-1.165, 1.165)
    """

    lower: EffectEstimate
    upper: EffectEstimate

    def __post_init__(self) -> None:
        """Check that there is one bound on each side."""
        for name, one in (("lower", self.lower), ("upper", self.upper)):
            if one.values.shape[1] != 1:
                raise ValueError(
                    f"EffectBounds: {name} must be one effect, got "
                    f"{one.values.shape[1]}."
                )

    @property
    def value(self) -> tuple[float, float]:
        """The estimated bounds."""
        return _number(self.lower.value), _number(self.upper.value)

    @property
    def width(self) -> float:
        """Distance of the bounds, in the units of the effect."""
        lower, upper = self.value
        return upper - lower

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return a confidence interval for the effect between the bounds.

        Parameters
        ----------
        level : float, default=0.95
            Probability in (0, 1) of covering the effect.

        Returns
        -------
        lower, upper : float
            Ends of the interval, in the units of the effect.

        Raises
        ------
        ValueError
            If ``level`` is not strictly between 0 and 1.
        """
        if not 0 < level < 1:
            raise ValueError(
                f"EffectBounds.interval: level must lie between 0 and 1, got {level}."
            )
        errors = [_number(one.standard_error) for one in (self.lower, self.upper)]
        groups = self.lower.groups
        normal = stats.norm
        distribution = (
            normal if groups is None else stats.t(np.unique(groups).shape[0] - 1)
        )
        c = imbens_manski_quantile(self.width, max(errors), level, distribution)
        lower, upper = self.value
        return lower - c * errors[0], upper + c * errors[1]

    def summary(self, level: float = 0.95) -> Any:
        """Return the bounds, their standard errors and the interval as a table.

        Parameters
        ----------
        level : float, default=0.95
            Confidence level of the interval.

        Returns
        -------
        table : pandas.DataFrame of shape (2, 3)
            Rows ``lower, upper``; columns ``bound, standard_error, interval``, the
            last of which holds the ends of the interval for the effect.
        """
        import pandas as pd

        errors = [_number(one.standard_error) for one in (self.lower, self.upper)]
        columns = {
            "bound": self.value,
            "standard_error": errors,
            "interval": self.interval(level),
        }
        return pd.DataFrame(columns, index=pd.Index(["lower", "upper"]))

    def __repr__(self) -> str:
        """Show the bounds with the interval of the effect."""
        (low, high), (start, end) = self.value, self.interval()
        return (
            f"EffectBounds({low:.4g} to {high:.4g}, "
            f"95% interval of the effect {start:.4g} to {end:.4g})"
        )


def imbens_manski_quantile(
    width: float, standard_error: float, level: float, distribution: Any = stats.norm
) -> float:
    """Return the factor of standard errors that covers an effect between bounds."""
    one_sided = float(distribution.ppf(level))
    two_sided = float(distribution.ppf(0.5 + level / 2))
    if standard_error == 0:
        return one_sided
    gap = max(width, 0.0) / standard_error

    def excess(c: float) -> float:
        return float(distribution.cdf(c + gap) - distribution.cdf(-c) - level)

    if excess(one_sided) >= 0:
        return one_sided
    if excess(two_sided) <= 0:  # equal bounds, up to rounding
        return two_sided
    return float(optimize.brentq(excess, one_sided, two_sided))


def _number(value: Any) -> float:
    """Return a single effect's number, labelled or not."""
    return float(np.atleast_1d(value)[0])
