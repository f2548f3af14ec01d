"""Half-sample bootstrap: standard errors without an influence function."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm


def normal_quantile(level: float, owner: str) -> float:
    """Return z with P(-z < Z < z) = ``level`` for a standard normal Z."""
    if not 0.0 < level < 1.0:
        raise ValueError(
            f"{owner}: level must lie strictly between 0 and 1, got {level!r}. "
            "Use for example level=0.95."
        )
    return float(norm.ppf(0.5 + level / 2))


def _plain(array: np.ndarray) -> float | np.ndarray:
    """Return a float for a single number, the array otherwise."""
    return float(array) if array.ndim == 0 else array


@dataclass(frozen=True, eq=False, repr=False)
class BootstrapEstimate:
    """An estimate with its bootstrap replicates.

    Parameters
    ----------
    value : float or ndarray of shape (p,)
        The estimate on all rows, in the units of the statistic.
    replicates : ndarray of shape (n_bootstrap,) or (n_bootstrap, p)
        The statistic on each resample. Their standard deviation must estimate the
        standard error of ``value`` directly, as it does for half-samples.
    null : float, default=0.0
        The value under the null hypothesis that ``p_value`` tests.

    Notes
    -----
    Assumes that the estimate is approximately normal around its limit. The interval
    is ``value -+ z * standard_error``: half-samples measure spread, and their own
    centre (a statistic of n/2 rows) plays no part.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import BootstrapEstimate
    >>> estimate = BootstrapEstimate(2.0, np.array([1.0, 2.0, 3.0]))
    >>> estimate.standard_error
    1.0
    >>> lower, upper = estimate.interval(level=0.95)
    >>> print(f"{lower:.2f} to {upper:.2f}, p = {estimate.p_value:.3f}")
    0.04 to 3.96, p = 0.046
    """

    value: float | np.ndarray
    replicates: np.ndarray
    null: float = 0.0

    def __post_init__(self) -> None:
        """Check that the replicates belong to the value."""
        value = np.asarray(self.value, dtype=float)
        replicates = np.asarray(self.replicates, dtype=float)
        if replicates.shape[1:] != value.shape or replicates.ndim != value.ndim + 1:
            raise ValueError(
                "BootstrapEstimate: replicates must have shape (n_bootstrap, "
                f"*value.shape), got {replicates.shape} for a value of shape "
                f"{value.shape}."
            )
        if replicates.shape[0] < 2:
            raise ValueError(
                "BootstrapEstimate: replicates must hold at least two resamples, got "
                f"{replicates.shape[0]}. Raise n_bootstrap."
            )
        object.__setattr__(self, "value", _plain(value))
        object.__setattr__(self, "replicates", replicates)

    @property
    def standard_error(self) -> float | np.ndarray:
        """Standard deviation of the replicates: float, or (p,)."""
        return _plain(np.std(self.replicates, axis=0, ddof=1))

    def interval(self, level: float = 0.95) -> tuple:
        """Return the normal interval of the given level.

        Parameters
        ----------
        level : float, default=0.95
            Coverage probability, strictly between 0 and 1.

        Returns
        -------
        lower, upper : float or ndarray of shape (p,)
            The limits, in the units of ``value``.
        """
        z = normal_quantile(level, "BootstrapEstimate.interval")
        half = z * self.standard_error
        return self.value - half, self.value + half

    @property
    def p_value(self) -> float | np.ndarray:
        """Two-sided normal p-value of ``value == null``: float, or (p,)."""
        distance = np.abs(np.asarray(self.value) - self.null)
        error = np.asarray(self.standard_error)
        # No spread at all: certain either way.
        certain = np.where(distance > 0, np.inf, 0.0)
        z = np.divide(distance, error, out=certain, where=error > 0)
        return _plain(np.asarray(2 * norm.sf(z)))

    def __repr__(self) -> str:
        """Show the value, its error, its 95 % interval and its p-value."""
        if np.ndim(self.value):
            count, *shape = self.replicates.shape
            return f"BootstrapEstimate(values of shape {shape}, {count} replicates)"
        lower, upper = self.interval()
        return (
            f"BootstrapEstimate({self.value:.4g}, "
            f"standard_error={self.standard_error:.3g}, "
            f"interval=({lower:.4g}, {upper:.4g}), p_value={self.p_value:.3g})"
        )


def half_sample_replicates(
    statistic: Callable[[np.ndarray], float | np.ndarray],
    n: int,
    groups: np.ndarray | None = None,
    n_bootstrap: int = 200,
    random_state: int | np.random.Generator | np.random.RandomState | None = None,
) -> np.ndarray:
    """Evaluate a statistic on random halves of the rows, drawn without replacement.

    Parameters
    ----------
    statistic : callable
        ``statistic(rows)`` with the chosen row positions as an increasing integer
        array (so data sorted once stay sorted); returns a float or an array (p,).
    n : int
        Number of rows.
    groups : array-like of shape (n,), default=None
        Cluster labels: half of the clusters are drawn, with all their rows. By
        default each row is its own cluster.
    n_bootstrap : int, default=200
        Number of half-samples, at least 2.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the draws.

    Returns
    -------
    replicates : ndarray of shape (n_bootstrap,) or (n_bootstrap, p)
        Their standard deviation estimates the standard error of ``statistic`` on all
        n rows, without rescaling.

    Raises
    ------
    ValueError
        With fewer than four rows or clusters, or ``n_bootstrap`` below 2.

    Notes
    -----
    Assumes independent rows (or clusters) and an asymptotically linear statistic.
    For m of n rows without replacement the variance of a mean is
    (1 / m - 1 / n) S^2, which for m = n / 2 is the variance S^2 / n of the mean of
    all rows. With n odd, m = (n - 1) / 2, a little on the safe side.

    References
    ----------
    Yadlowsky, Fleming, Shah, Brunskill and Wager (2025), "Evaluating treatment
    prioritization rules via rank-weighted average treatment effects", JASA,
    arXiv:2111.07966, Section 3.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import half_sample_replicates
    >>> values = np.random.default_rng(0).normal(size=400)
    >>> means = half_sample_replicates(
    ...     lambda rows: values[rows].mean(), 400, n_bootstrap=500, random_state=0
    ... )
    >>> print(f"{means.std(ddof=1):.3f} against {values.std(ddof=1) / 20:.3f}")
    0.050 against 0.050
    """
    if n_bootstrap < 2:
        raise ValueError(
            "half_sample_replicates: n_bootstrap must be at least 2, got "
            f"{n_bootstrap!r}."
        )
    codes, n_units = _units(n, groups)
    generator = generator_of(random_state)
    replicates = []
    for _ in range(n_bootstrap):
        drawn = np.zeros(n_units, dtype=bool)
        drawn[generator.choice(n_units, n_units // 2, replace=False, shuffle=False)] = 1
        rows = np.flatnonzero(drawn if codes is None else drawn[codes])
        replicates.append(statistic(rows))
    return np.asarray(replicates, dtype=float)


def _units(n: int, groups: np.ndarray | None) -> tuple[np.ndarray | None, int]:
    """Return cluster codes per row (None: rows are units) and the number of units."""
    codes, n_units, kind = None, n, "rows"
    if groups is not None:
        labels = np.asarray(groups)
        if labels.shape != (n,):
            raise ValueError(
                f"half_sample_replicates: groups must have shape ({n},), got "
                f"{labels.shape}. Pass one cluster label per row."
            )
        unique, codes = np.unique(labels, return_inverse=True)
        n_units, kind = len(unique), "groups"
    if n_units < 4:
        raise ValueError(
            f"half_sample_replicates: at least 4 {kind} are needed to draw halves, "
            f"got {n_units}. Collect more {kind}, or leave the standard error out."
        )
    return codes, n_units


def generator_of(
    random_state: int | np.random.Generator | np.random.RandomState | None,
) -> np.random.Generator:
    """Turn any of scikit-learn's or numpy's seeds into a Generator."""
    if isinstance(random_state, np.random.RandomState):
        random_state = int(random_state.randint(np.iinfo(np.int32).max))
    return np.random.default_rng(random_state)
