"""Ratios of two estimates, and confidence sets that hold where the lower is near 0."""

from dataclasses import dataclass, replace

import numpy as np

from skcausal.inference._effect_estimate import EffectEstimate
from skcausal.inference._least_squares import cluster_sums

_Pieces = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class ConfidenceSet:
    """Values that a test does not reject: an interval, two rays, or every number.

    Parameters
    ----------
    pieces : tuple of (float, float)
        Lower and upper ends of the intervals that make up the set, in order; ends may
        be infinite.
    level : float, default=0.95
        Confidence level.

    Notes
    -----
    Assumes nothing by itself. An unbounded set is an answer: at this level the data
    do not limit the value on that side.

    Examples
    --------
    >>> from skcausal.inference import ConfidenceSet
    >>> rays = ConfidenceSet(((float("-inf"), -2.0), (1.0, float("inf"))))
    >>> 0.0 in rays, 3.0 in rays, rays.is_bounded
    (False, True, False)
    """

    pieces: _Pieces
    level: float = 0.95

    def __contains__(self, value: float) -> bool:
        """Tell whether a value is in the set."""
        return any(lower <= value <= upper for lower, upper in self.pieces)

    @property
    def is_bounded(self) -> bool:
        """Whether both ends of the set are finite."""
        return bool(np.isfinite(self.hull).all())

    @property
    def hull(self) -> tuple[float, float]:
        """Least interval that holds the set: its lower and upper end."""
        return self.pieces[0][0], self.pieces[-1][1]

    def __repr__(self) -> str:
        """Show the intervals and the level."""
        listed = " and ".join(f"{low:.4g} to {high:.4g}" for low, high in self.pieces)
        return f"ConfidenceSet({self.level:.4g}: {listed})"


def ratio_of_estimates(
    numerator: EffectEstimate, denominator: EffectEstimate, *, name: str = "ratio"
) -> EffectEstimate:
    r"""Return the ratio of two estimates made on the same rows.

    Parameters
    ----------
    numerator, denominator : EffectEstimate
        As many effects each.
    name : str, default="ratio"
        What the ratio is, shown in tables.

    Returns
    -------
    estimate : EffectEstimate
        Ratios, labelled as the numerator.

    Raises
    ------
    ValueError
        If the rows are not the same, or a denominator is zero.

    See Also
    --------
    ratio_confidence_set : Holds also where the denominator may be near zero.

    Notes
    -----
    Assumes that the denominator is far from zero, in its own standard errors: with
    :math:`\theta = a / b` the influence is :math:`(\psi_a - \theta \psi_b) / b`.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import EffectEstimate, ratio_of_estimates
    >>> gain, cost = np.array([[1.0, 2.0, 3.0, 6.0], [1.0, 1.0, 2.0, 4.0]])
    >>> ratio = ratio_of_estimates(
    ...     EffectEstimate.from_influence(gain.mean(), gain - gain.mean()),
    ...     EffectEstimate.from_influence(cost.mean(), cost - cost.mean()),
    ... )
    >>> ratio.value
    1.5
    """
    difference = numerator - denominator  # refuses estimates of unlike rows
    if (denominator.values == 0).any():
        raise ValueError(
            "ratio_of_estimates: the denominator must not be zero. Use "
            "ratio_confidence_set, which needs no estimate of the ratio."
        )
    values = numerator.values / denominator.values
    remainders = numerator.influences - values[:, None, :] * denominator.influences
    return replace(
        difference,
        values=values,
        influences=remainders / denominator.values[:, None, :],
        labels=numerator.labels,
        null=0.0,
        name=name,
    )


def ratio_confidence_set(
    numerator: EffectEstimate, denominator: EffectEstimate, *, level: float = 0.95
) -> ConfidenceSet:
    r"""Return the confidence set of a ratio that holds for any denominator.

    Where the denominator may be zero the set is unbounded, as it must be; an
    interval around the estimated ratio is then wrong far more often than it says.

    Parameters
    ----------
    numerator, denominator : EffectEstimate
        One effect each, made on the same rows.
    level : float, default=0.95
        Confidence level in (0, 1).

    Returns
    -------
    values : ConfidenceSet
        An interval, two rays that leave out an interval, or every number.

    Raises
    ------
    ValueError
        If the rows are not the same, an estimate holds several effects, or the level
        is not in (0, 1).

    See Also
    --------
    ratio_of_estimates : The ratio with its standard error.

    Notes
    -----
    Assumes that both estimates are jointly normal. The set holds each :math:`\theta`
    at which the test of :math:`a - \theta b = 0` does not reject:
    :math:`(a - \theta b)^2 \le q^2 (V_{aa} - 2 \theta V_{ab} + \theta^2 V_{bb})`, a
    quadratic inequality. Critical values are those of the estimates: normal, Student
    with groups. Repetitions are averaged, with their spread added to the variance.

    References
    ----------
    Fieller, E. C. (1954). Some problems in interval estimation. Journal of the Royal
    Statistical Society B, 16(2). https://doi.org/10.1111/j.2517-6161.1954.tb00159.x

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import EffectEstimate, ratio_confidence_set
    >>> gain, cost = np.random.default_rng(0).normal(size=(2, 100))
    >>> ratio_confidence_set(
    ...     EffectEstimate.from_influence(gain.mean(), gain - gain.mean()),
    ...     EffectEstimate.from_influence(cost.mean(), cost - cost.mean()),
    ... )
    ConfidenceSet(0.95: -inf to inf)
    """
    if not 0 < level < 1:
        raise ValueError(
            f"ratio_confidence_set: level must lie between 0 and 1, got {level}."
        )
    if numerator.values.shape[1] != 1 or denominator.values.shape[1] != 1:
        raise ValueError(
            "ratio_confidence_set: numerator and denominator must hold one effect "
            f"each, got {numerator.values.shape[1]} and "
            f"{denominator.values.shape[1]}. Take one by its label: estimate[label]."
        )
    difference = numerator - denominator  # refuses estimates of unlike rows
    values = np.hstack([numerator.values, denominator.values])
    pairs = np.concatenate([numerator.influences, denominator.influences], axis=2)
    critical = float(difference._distribution().ppf(0.5 + level / 2))
    covariance = _covariance(values, pairs, difference.groups)
    return ConfidenceSet(_fieller(values.mean(axis=0), covariance, critical), level)


def _covariance(
    values: np.ndarray, pairs: np.ndarray, groups: np.ndarray | None
) -> np.ndarray:
    """Return the covariance of numerator and denominator, spread over repetitions in.

    ``values`` has shape (n_repeats, 2), ``pairs`` of influences (n_repeats, n, 2).
    """
    n_rows = pairs.shape[1]
    if groups is not None:
        codes = np.unique(groups, return_inverse=True)[1]
        pairs = np.stack([cluster_sums(pair, codes) for pair in pairs])
    n_units = pairs.shape[1]
    within = np.einsum("rij,rik->jk", pairs, pairs) / len(pairs)
    spread = values - values.mean(axis=0)
    return within / n_rows**2 * n_units / (n_units - 1) + spread.T @ spread / len(
        values
    )


def _fieller(point: np.ndarray, covariance: np.ndarray, critical: float) -> _Pieces:
    """Return where (a - b t)^2 <= q^2 (V_aa - 2 t V_ab + t^2 V_bb), as intervals."""
    (a, b), squared = point, critical**2
    leading = float(b * b - squared * covariance[1, 1])
    middle = float(a * b - squared * covariance[0, 1])
    constant = float(a * a - squared * covariance[0, 0])
    discriminant = middle**2 - leading * constant
    if leading == 0 and middle != 0:
        end = constant / (2 * middle)
        return ((end, np.inf),) if middle > 0 else ((-np.inf, end),)
    if leading <= 0 and discriminant <= 0:
        return ((-np.inf, np.inf),)
    half = np.sqrt(max(discriminant, 0.0))
    lower, upper = sorted(((middle - half) / leading, (middle + half) / leading))
    if leading > 0:
        return ((lower, upper),)
    return ((-np.inf, lower), (upper, np.inf))
