"""EffectEstimate: values with their influence, from which all inference follows."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy import stats

from skcausal.inference._clusters import as_groups, degrees_of_freedom, variances
from skcausal.inference._multiplicity import adjusted, largest_error
from skcausal.inference._multiplier import studentised_draws

_Float = float | np.ndarray


@dataclass(frozen=True, eq=False)
class EffectEstimate:
    r"""One or several estimated effects together with their influence values.

    Because every estimate carries the influence of each row, estimates made on the
    same rows add and subtract with correct standard errors, and clustered errors need
    no refit.

    Parameters
    ----------
    values : ndarray of shape (n_repeats, n_effects)
        Estimates, one row per repetition of cross-fitting.
    influences : ndarray of shape (n_repeats, n, n_effects)
        Influence of each row on each estimate; each column has mean zero.
    labels : tuple, default=()
        Names of the effects. Empty for a single unnamed effect.
    groups : ndarray of shape (n,) or (n, n_ways), default=None
        Cluster of each row, in one or several ways; standard errors are then
        cluster-robust.
    row_key : str, default=""
        Identifies the rows: estimates of unlike rows refuse to add.
    null : float, default=0.0
        Value under the null hypothesis of ``p_value`` (1 for ratios).
    name : str, default="effect"
        What is estimated, shown in tables.

    Notes
    -----
    Assumes rows (or groups) are independent and the estimate asymptotically linear.
    With influence :math:`\psi_i`, the variance is
    :math:`\frac{1}{n(n-1)} \sum_i \psi_i^2`, with sums over groups in place of rows
    when groups are given. With groups in several ways, variances of single ways add
    up, those of their intersections are subtracted, and so on (Cameron et al. 2011);
    the result is never below the largest of the single ways, so it cannot be negative
    (MacKinnon et al. 2024). Over repetitions the value is the median and the variance
    the median of :math:`\hat\sigma_r^2 + (\hat\theta_r - \hat\theta)^2`
    (Chernozhukov et al. 2018, definition 3.3). Intervals are normal, and Student with
    one less than the (smallest) number of groups as degrees of freedom when groups are
    given.

    References
    ----------
    Cameron, A. C., Gelbach, J. B., & Miller, D. L. (2011). Robust inference with
    multiway clustering. Journal of Business & Economic Statistics, 29(2).
    https://doi.org/10.1198/jbes.2010.07136

    MacKinnon, J. G., Nielsen, M. Ø., & Webb, M. D. (2024). Jackknife inference with
    two-way clustering. https://arxiv.org/abs/2406.08880

    Chernozhukov, V., Chetverikov, D., Demirer, M., Duflo, E., Hansen, C., Newey, W.,
    & Robins, J. (2018). Double/debiased machine learning for treatment and structural
    parameters. The Econometrics Journal, 21(1). https://doi.org/10.1111/ectj.12097

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import EffectEstimate
    >>> outcome = np.array([1.0, 2.0, 3.0, 6.0])
    >>> mean = EffectEstimate.from_influence(outcome.mean(), outcome - outcome.mean())
    >>> mean.value
    3.0
    >>> round(mean.standard_error, 3)
    1.08
    >>> (mean - mean).standard_error
    0.0
    """

    values: np.ndarray
    influences: np.ndarray
    labels: tuple[Any, ...] = ()
    groups: np.ndarray | None = field(default=None, repr=False)
    row_key: str = ""
    null: float = 0.0
    name: str = "effect"

    @classmethod
    def from_influence(
        cls,
        value: _Float,
        influence: np.ndarray,
        *,
        labels: tuple[Any, ...] = (),
        groups: np.ndarray | None = None,
        row_key: str = "",
        name: str = "effect",
    ) -> "EffectEstimate":
        """Make an estimate from value(s) and influence, without repetitions.

        Parameters
        ----------
        value : float or ndarray of shape (n_effects,)
            Estimate(s).
        influence : ndarray of shape (n,) or (n, n_effects)
            Influence of each row.
        labels, groups, row_key, name : optional
            See the class.

        Returns
        -------
        estimate : EffectEstimate
            The estimate.
        """
        values = np.atleast_1d(np.asarray(value, dtype=float))[None, :]
        influences = np.asarray(influence, dtype=float).reshape(-1, values.shape[1])
        return cls(values, influences[None], labels, groups, row_key, name=name)

    def __post_init__(self) -> None:
        """Check that shapes agree."""
        repeats, n_effects = self.values.shape
        shape = self.influences.shape
        if len(shape) != 3 or (shape[0], shape[2]) != (repeats, n_effects):
            raise ValueError(
                "EffectEstimate: influences must have shape (n_repeats, n, n_effects) "
                f"= ({repeats}, n, {n_effects}), got {shape}."
            )
        if self.labels and len(self.labels) != n_effects:
            raise ValueError(
                f"EffectEstimate: labels must name all {n_effects} effects, got "
                f"{len(self.labels)}."
            )
        groups = np.shape(self.groups) if self.groups is not None else shape[1:2]
        if groups[:1] != shape[1:2] or len(groups) > 2 or 0 in groups:
            raise ValueError(
                f"EffectEstimate: groups must have one label for each of the "
                f"{shape[1]} rows, got shape {groups}."
            )

    @property
    def _is_scalar(self) -> bool:
        return self.values.shape[1] == 1 and len(self.labels) <= 1

    def _shaped(self, array: np.ndarray) -> _Float:
        """Return a float for a single effect, else the array."""
        return float(array[0]) if self._is_scalar else array

    @property
    def value(self) -> _Float:
        """Estimated effect(s): float, or array of shape (n_effects,)."""
        return self._shaped(np.median(self.values, axis=0))

    @property
    def influence(self) -> np.ndarray:
        """Influence of each row, averaged over repetitions: (n,) or (n, n_effects)."""
        mean = self.influences.mean(axis=0)
        return mean[:, 0] if self._is_scalar else mean

    @property
    def standard_error(self) -> _Float:
        """Standard error(s); cluster-robust when groups are given."""
        center = np.median(self.values, axis=0)
        spread = (self.values - center) ** 2
        variance = variances(self.influences, self.groups)
        return self._shaped(np.sqrt(np.median(variance + spread, axis=0)))

    def _distribution(self) -> Any:
        if self.groups is None:
            return stats.norm
        return stats.t(degrees_of_freedom(self.groups))

    def interval(self, level: float = 0.95) -> tuple[_Float, _Float]:
        """Return the confidence interval.

        Parameters
        ----------
        level : float, default=0.95
            Confidence level in (0, 1).

        Returns
        -------
        lower, upper : float or ndarray of shape (n_effects,)
            Bounds in the units of the effect.

        Raises
        ------
        ValueError
            If ``level`` is not strictly between 0 and 1.
        """
        margin = self._quantile(level, "interval") * self.standard_error
        return self.value - margin, self.value + margin

    def _quantile(self, level: float, verb: str) -> float:
        if not 0 < level < 1:
            raise ValueError(
                f"EffectEstimate.{verb}: level must lie between 0 and 1, got {level}."
            )
        return float(self._distribution().ppf(0.5 + level / 2))

    def _draws(self, options: dict[str, Any]) -> np.ndarray:
        """Return errors of all effects, drawn together, in standard errors."""
        return studentised_draws(self.influences.mean(axis=0), self.groups, options)

    def simultaneous_interval(
        self, level: float = 0.95, **bootstrap: Any
    ) -> tuple[_Float, _Float]:
        """Return intervals that cover all effects at once.

        Parameters
        ----------
        level : float, default=0.95
            Probability in (0, 1) that every interval covers its effect.
        **bootstrap : dict
            ``weights``, ``n_bootstrap``, ``random_state`` of :func:`multiplier_draws`.

        Returns
        -------
        lower, upper : float or ndarray of shape (n_effects,)
            The value minus and plus the standard error times the ``level`` quantile of
            the largest studentised error; never inside :meth:`interval`.
        """
        pointwise = self._quantile(level, "simultaneous_interval")
        widest = max(pointwise, largest_error(self._draws(bootstrap), level))
        margin = widest * self.standard_error
        return self.value - margin, self.value + margin

    @property
    def p_value(self) -> _Float:
        """Two-sided p-value of the null hypothesis that the effect equals ``null``."""
        return self._shaped(2 * self._distribution().sf(self._ratio()))

    def _ratio(self) -> np.ndarray:
        """Return the distance to the null in standard errors, (n_effects,)."""
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.atleast_1d(self.value) - self.null
            return np.abs(distance / self.standard_error)

    def adjusted_p_value(self, method: str = "romano_wolf", **bootstrap: Any) -> _Float:
        """Return p-values that account for the number of effects.

        Parameters
        ----------
        method : str, default="romano_wolf"
            "romano_wolf": step-down on the multiplier bootstrap, which knows how the
            estimates are correlated, and never below ``p_value``; or any of "holm",
            "bonferroni", "sidak", "holm-sidak", "simes-hochberg", "hommel" (chance of
            any false rejection), "fdr_bh", "fdr_by" (share of false ones) of
            ``statsmodels``.
        **bootstrap : dict
            ``weights``, ``n_bootstrap``, ``random_state`` of :func:`multiplier_draws`.

        Returns
        -------
        p_value : float or ndarray of shape (n_effects,)
            Adjusted two-sided p-values, in the order of the effects.
        """
        p_values, ratios = np.atleast_1d(self.p_value), self._ratio()
        draw = lambda: self._draws(bootstrap)  # noqa: E731
        return self._shaped(adjusted(method, p_values, ratios, draw))

    def with_groups(self, groups: Any) -> "EffectEstimate":
        """Return the same estimate with cluster-robust standard errors.

        Parameters
        ----------
        groups : array-like of shape (n,) or (n, n_ways), or None
            Cluster of each row, in one or several ways, such as customer and week;
            None goes back to independent rows.

        Returns
        -------
        estimate : EffectEstimate
            Same values, other standard errors.
        """
        if groups is not None:
            groups = as_groups(groups, "EffectEstimate.with_groups")
        return replace(self, groups=groups)

    def __getitem__(self, label: Any) -> "EffectEstimate":
        """Return the effect of one label as an estimate of its own."""
        if label not in self.labels:
            raise KeyError(
                f"EffectEstimate has no effect {label!r}; its labels are {self.labels}."
            )
        position = [self.labels.index(label)]
        return replace(
            self,
            values=self.values[:, position],
            influences=self.influences[:, :, position],
            labels=(label,),
        )

    def _combined(self, other: Any, sign: int) -> "EffectEstimate":
        if not isinstance(other, EffectEstimate):
            raise TypeError(
                "EffectEstimate adds to and subtracts from another EffectEstimate "
                f"only, got {type(other).__name__}."
            )
        same_shape = self.influences.shape == other.influences.shape
        if not same_shape or self.row_key != other.row_key:
            raise ValueError(
                "EffectEstimate: only estimates made on the same rows, with the same "
                "number of repetitions and effects, can be added or subtracted; got "
                f"shapes {self.influences.shape} and {other.influences.shape}, rows "
                f"{self.row_key or 'unnamed'!r} and {other.row_key or 'unnamed'!r}. "
                "Estimates from separate samples are independent: add their squared "
                "standard errors."
            )
        groups = self.groups if self.groups is not None else other.groups
        if other.groups is not None and not np.array_equal(
            np.asarray(groups), other.groups
        ):
            raise ValueError(
                "EffectEstimate: both estimates have groups, but not the same ones. "
                "Give them one clustering by with_groups first."
            )
        labels = self.labels
        if labels != other.labels:
            symbol = "+" if sign > 0 else "-"
            pairs = zip(self.labels, other.labels, strict=False)
            labels = tuple(f"({a}) {symbol} ({b})" for a, b in pairs)
        return replace(
            self,
            values=self.values + sign * other.values,
            influences=self.influences + sign * other.influences,
            labels=labels,
            null=self.null + sign * other.null,
            groups=groups,
        )

    def __add__(self, other: Any) -> "EffectEstimate":
        """Add two estimates made on the same rows."""
        return self._combined(other, 1)

    def __sub__(self, other: Any) -> "EffectEstimate":
        """Subtract two estimates made on the same rows."""
        return self._combined(other, -1)

    def __mul__(self, factor: float) -> "EffectEstimate":
        """Scale the estimate by a known number."""
        return replace(
            self,
            values=self.values * factor,
            influences=self.influences * factor,
            null=self.null * factor,
        )

    __rmul__ = __mul__

    def __neg__(self) -> "EffectEstimate":
        """Flip the sign."""
        return self * -1.0

    def summary(self, level: float = 0.95) -> Any:
        """Return estimates, standard errors, intervals and p-values as a table.

        Parameters
        ----------
        level : float, default=0.95
            Confidence level of the intervals.

        Returns
        -------
        table : pandas.DataFrame of shape (n_effects, 5)
            Columns ``estimate, standard_error, lower, upper, p_value``.
        """
        import pandas as pd

        lower, upper = self.interval(level)
        columns = {
            "estimate": self.value,
            "standard_error": self.standard_error,
            "lower": lower,
            "upper": upper,
            "p_value": self.p_value,
        }
        data = {name: np.atleast_1d(values) for name, values in columns.items()}
        labels = list(self.labels) or [self.name]
        return pd.DataFrame(data, index=pd.Index(labels, tupleize_cols=True))

    def __repr__(self) -> str:
        """Show the estimates with their intervals."""
        rows = []
        for label, row in self.summary().iterrows():
            rows.append(
                f"{label}: {row.estimate:.4g} "
                f"(95% interval {row.lower:.4g} to {row.upper:.4g})"
            )
        return f"EffectEstimate({'; '.join(rows)})"

    def _repr_html_(self) -> str:
        table = self.summary().to_html(float_format=lambda value: f"{value:.4g}")
        return f"<div><strong>{self.name}</strong>{table}</div>"
