"""Randomisation inference: what the assignment of an experiment alone implies."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from skcausal.inference._assignment import Design
from skcausal.inference._bootstrap import generator_of
from skcausal.utils._target import check_treatment_values
from skcausal.utils._validation import check_groups, check_outcome, check_same_length

_OWNER = "randomisation_test"
_STATISTICS = ("studentised", "difference")
_ALTERNATIVES = ("two-sided", "greater", "less")
_TIE = 1e-9  # relative difference below which statistics count as equal
_STEPS = 60


@dataclass(frozen=True, eq=False, repr=False)
class RandomisationResult:
    """Outcome of a :func:`randomisation_test`.

    Parameters
    ----------
    value : float
        Difference in mean outcomes, treated minus control, in units of the outcome.
    statistic : float
        The test statistic at the null hypothesis.
    p_value : float
        Share of assignments with a statistic at least as extreme.
    exact : bool
        Whether every possible assignment was used, not a random selection.
    alternative : {"two-sided", "greater", "less"}
        What the null hypothesis was tested against.
    moments : ndarray of shape (n_assignments, 2 or 5)
        What the statistic of each assignment is made of; the first row is that of the
        assignment that took place.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import randomisation_test
    >>> result = randomisation_test([1, 2, 3, 7, 8, 9], [0, 0, 0, 1, 1, 1])
    >>> result.value, result.p_value, result.exact
    (6.0, 0.1, True)
    """

    value: float
    statistic: float
    p_value: float
    exact: bool
    alternative: str
    moments: np.ndarray = field(repr=False)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the effects that the test does not reject.

        Parameters
        ----------
        level : float, default=0.95
            Confidence level in (0, 1).

        Returns
        -------
        lower, upper : float
            Limits in units of the outcome; infinite on the side that a one-sided test
            leaves open, and where too few assignments exist for the level.
        """
        if not 0 < level < 1:
            raise ValueError(
                "RandomisationResult.interval: level must lie between 0 and 1, got "
                f"{level}."
            )
        lower = -np.inf if self.alternative == "less" else self._limit(-1, 1 - level)
        upper = np.inf if self.alternative == "greater" else self._limit(1, 1 - level)
        return lower, upper

    def _p_value(self, shift: float) -> float:
        return p_value_at(shift, self.moments, self.alternative)

    def _limit(self, side: int, alpha: float) -> float:
        """Return where the test starts to reject on one side, by bisection."""
        spread = float(np.std(self.moments[:, 0])) or 1.0
        inside, outside = self.value, self.value
        for _ in range(_STEPS):
            if self._p_value(inside) > alpha:
                break
            inside -= side * spread
        step = spread
        while self._p_value(outside) > alpha:
            inside, outside = outside, outside + side * step
            step *= 2
            if step > spread * 2.0**_STEPS:
                return side * np.inf
        for _ in range(_STEPS):
            middle = (inside + outside) / 2
            if self._p_value(middle) > alpha:
                inside = middle
            else:
                outside = middle
        return inside

    def __repr__(self) -> str:
        """Show the effect, its interval and its p-value."""
        lower, upper = self.interval()
        kind = "all" if self.exact else "random"
        return (
            f"RandomisationResult({self.value:.4g}, interval=({lower:.4g}, "
            f"{upper:.4g}), p_value={self.p_value:.3g}, {len(self.moments)} {kind} "
            "assignments)"
        )


def randomisation_test(
    y: Any,
    treatment: Any,
    *,
    statistic: str = "studentised",
    null: float = 0.0,
    blocks: Any = None,
    groups: Any = None,
    alternative: str = "two-sided",
    n_permutations: int = 9999,
    control_arm: Any = None,
    random_state: Any = None,
) -> RandomisationResult:
    r"""Test the effect in an experiment by assigning its arms anew.

    No model, no large sample: the assignment itself is the only source of chance. For
    small experiments, skewed outcomes, and experiments of few clusters.

    Parameters
    ----------
    y : array-like of shape (n,)
        Outcome.
    treatment : array-like of shape (n,)
        Labels of two arms.
    statistic : {"studentised", "difference"}, default="studentised"
        The difference in means divided by its standard error, or as it is.
    null : float, default=0.0
        Effect under the null hypothesis, the same for every row.
    blocks : array-like of shape (n,), default=None
        Stratum of each row: arms were assigned within strata, whose differences are
        averaged by size. Pairs are strata of two.
    groups : array-like of shape (n,), default=None
        Cluster of each row: clusters were assigned as a whole.
    alternative : {"two-sided", "greater", "less"}, default="two-sided"
        Direction in which the effect may differ from ``null``.
    n_permutations : int, default=9999
        Number of random assignments. Where no more than that many exist, all of them
        are used and the test is exact.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    random_state : int, Generator, RandomState or None, default=None
        Seed of the assignments.

    Returns
    -------
    result : RandomisationResult
        Difference in means, p-value, and ``interval(level)``.

    Raises
    ------
    ValueError
        If there are not two arms in each block, or a cluster has both arms or lies in
        several blocks.

    Notes
    -----
    Assumes that arms were assigned at random within blocks, each with as many treated
    units as it has, and that units do not affect each other. With the statistic
    :math:`t(w)` of assignment w on outcomes :math:`y - \tau_0 T`, the p-value is the
    share of assignments with :math:`|t(w)| \ge |t(T)|`; of random assignments the real
    one counts as one more, :math:`(1 + \#) / (1 + B)`. It is valid in any sample if
    every row has the effect :math:`\tau_0`; studentised, it is also right in large
    samples if only the mean effect is :math:`\tau_0`. The interval holds the effects
    that are not rejected. Standard errors are those of clusters within arms and blocks,
    or of differences between blocks where an arm has a single unit in a block.

    References
    ----------
    Wu, J., & Ding, P. (2021). Randomization tests for weak null hypotheses in
    randomized experiments. Journal of the American Statistical Association, 116(536).
    https://doi.org/10.1080/01621459.2020.1750415

    Phipson, B., & Smyth, G. K. (2010). Permutation p-values should never be zero.
    Statistical Applications in Genetics and Molecular Biology, 9(1).
    https://doi.org/10.2202/1544-6115.1585

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import randomisation_test
    >>> random = np.random.default_rng(0)
    >>> treatment = random.permutation(np.repeat([0, 1], 50))
    >>> y = random.lognormal(size=100) + treatment
    >>> result = randomisation_test(y, treatment, random_state=0)
    >>> bool(result.p_value < 0.05)
    True
    """
    _check_options(statistic, alternative, n_permutations)
    design = _design(y, treatment, blocks, groups, control_arm)
    studentise = statistic == "studentised"
    if studentise:
        _check_units(design)
    exact = design.n_assignments <= n_permutations
    observed = design.moments(design.treated[None], studentise)
    if exact:
        parts = design.other_assignments()
    else:
        random = generator_of(random_state)
        parts = design.random_assignments(n_permutations, random)
    rest = [design.moments(part, studentise) for part in parts]
    moments = np.concatenate([observed, *rest])
    return RandomisationResult(
        value=float(observed[0, 0]),
        statistic=float(statistics_at(null, observed)[0]),
        p_value=p_value_at(null, moments, alternative),
        exact=exact,
        alternative=alternative,
        moments=moments,
    )


def statistics_at(shift: float, moments: np.ndarray) -> np.ndarray:
    """Return the statistic of each assignment if every row had the effect ``shift``."""
    gap = moments[:, 0] - shift * moments[:, 1]
    if moments.shape[1] == 2:
        return gap
    yy, yt, tt = moments[:, 2:].T
    variance = yy - 2 * shift * yt + shift**2 * tt
    scale = yy + shift**2 * tt
    error = np.sqrt(np.where(variance > _TIE**1.5 * scale, variance, 0.0))
    certain = np.where(np.abs(gap) > _TIE * np.sqrt(scale), np.inf, 0.0)
    certain = np.copysign(certain, gap)
    return np.divide(gap, error, out=certain, where=error > 0)


def p_value_at(shift: float, moments: np.ndarray, alternative: str) -> float:
    """Return the share of assignments at least as extreme as the first one."""
    values = statistics_at(shift, moments)
    if alternative == "two-sided":
        values = np.abs(values)
    elif alternative == "less":
        values = -values
    finite = np.abs(values[np.isfinite(values)])
    slack = _TIE * (float(finite.max()) if finite.size else 0.0)
    return float((values >= values[0] - slack).mean())


def _check_options(statistic: str, alternative: str, n_permutations: int) -> None:
    if statistic not in _STATISTICS:
        raise ValueError(
            f"{_OWNER}: statistic must be 'studentised' or 'difference', got "
            f"{statistic!r}."
        )
    if alternative not in _ALTERNATIVES:
        raise ValueError(
            f"{_OWNER}: alternative must be 'two-sided', 'greater' or 'less', got "
            f"{alternative!r}."
        )
    if n_permutations < 1:
        raise ValueError(
            f"{_OWNER}: n_permutations must be at least 1, got {n_permutations}."
        )


def _design(
    y: Any, treatment: Any, blocks: Any, groups: Any, control_arm: Any
) -> Design:
    """Check the rows and sum them up to units."""
    outcome = check_outcome(y, _OWNER).astype(float)
    labels = check_treatment_values(treatment, _OWNER)
    check_same_length(_OWNER, y=outcome, treatment=labels)
    n_rows = outcome.shape[0]
    treated = _treated(labels, control_arm)
    unit = check_groups(groups, n_rows, _OWNER)
    unit = np.arange(n_rows) if unit is None else unit
    block = np.zeros(n_rows, dtype=int)
    if blocks is not None:
        block = np.unique(np.asarray(blocks), return_inverse=True)[1]
        check_same_length(_OWNER, y=outcome, blocks=block)
    for name, values in (("arms", treated), ("blocks", block)):
        first = values[np.unique(unit, return_index=True)[1]]
        if (first[unit] != values).any():
            raise ValueError(
                f"{_OWNER}: groups must be assigned as a whole, but some have rows in "
                f"several {name}. Leave groups out if rows were assigned one by one."
            )
    design = Design.of(outcome, treated, block, unit)
    n_units, n_treated = design.counts
    lacking = int(((n_treated == 0) | (n_treated == n_units)).sum())
    if lacking:
        raise ValueError(
            f"{_OWNER}: every block must hold both arms, but {lacking} of "
            f"{len(n_units)} lack one. Merge blocks, or drop these."
        )
    return design


def _treated(labels: np.ndarray, control_arm: Any) -> np.ndarray:
    """Return the mask of treated rows."""
    arms = np.unique(labels).tolist()
    if len(arms) != 2:
        raise ValueError(
            f"{_OWNER}: treatment must have two arms, got {len(arms)} ({arms[:5]}). "
            "Keep the rows of two arms."
        )
    if control_arm is None:
        if set(arms) != {0, 1}:
            raise ValueError(
                f"{_OWNER}: control_arm has a default for 0/1 and False/True only. Say "
                f"which of {arms} is the reference, for example "
                f"control_arm={arms[0]!r}."
            )
        control_arm = arms[0]
    if control_arm not in arms:
        raise ValueError(
            f"{_OWNER}: control_arm={control_arm!r} is not among the arms {arms}."
        )
    return labels != control_arm


def _check_units(design: Design) -> None:
    """Refuse to studentise where nothing could estimate a standard error."""
    n_units, n_treated = design.counts
    alone = min(n_treated.min(), (n_units - n_treated).min()) < 2
    if alone and len(n_units) < 2:
        raise ValueError(
            f"{_OWNER}: statistic='studentised' needs two units (rows or clusters) of "
            "each arm, or several blocks. Use statistic='difference'."
        )
