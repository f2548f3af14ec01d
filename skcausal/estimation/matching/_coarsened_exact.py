"""CoarsenedExactMatching: rows against all rows of the other arm in their stratum."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp

from skcausal.estimation._data import CausalData
from skcausal.estimation.matching._covariates import (
    column_names,
    column_values,
    is_category,
    positions,
    standardised,
)
from skcausal.estimation.matching._estimate import Matched
from skcausal.estimation.matching._matching_learner import MatchingLearner
from skcausal.estimation.matching._rows import Rows, joint_codes
from skcausal.utils._validation import is_pandas


class CoarsenedExactMatching(MatchingLearner):
    r"""Estimate average effects within strata of coarsened covariates.

    Each column is cut into bins that count as equal; rows are compared with the rows
    of the other arm that agree with them in the bins of all columns. Rows whose stratum
    holds one arm only are left out, and the effect is about the others.

    Parameters
    ----------
    cut_points : dict, default=None
        Where to cut columns (names or positions): a list of points, or a number of
        bins with equally many rows. A value at a point belongs to the bin above it.
        Other columns are cut automatically; an empty list takes a column out.
    n_bins : "auto" or int, default="auto"
        Bins of the columns that are cut automatically, with equally many rows. "auto"
        is the largest number, at most Sturges' :math:`\log_2 n + 1` and at least two,
        at which half of the target finds a match.
    bias_correction : bool, default=True
        Whether least squares with an intercept per stratum corrects what is left of the
        difference of numeric columns within strata. Without it, coarse bins leave a
        bias that intervals do not cover.
    target : {"all", "treated", "control"}, default="all"
        Population of ``average_effect_``, ``matching_weights_`` and ``balance_``, in
        each case within the strata that hold both arms.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    treatment_type : {"auto", "discrete", "continuous"}, default="auto"
        Numbers with fractions or more than ten levels are continuous under "auto",
        which this estimator refuses.

    Attributes
    ----------
    average_effect_ : EffectEstimate
        The average effect of ``target``, as ``average_effect()`` returns it.
    strata_ : ndarray of shape (n,)
        Stratum of each row; -1 where it holds one arm only.
    cut_points_ : dict
        Points at which each numeric column was cut; columns with at most as many levels
        as bins keep their levels and are not listed.
    n_bins_ : int
        Bins of the columns that were cut automatically.
    matching_weights_ : ndarray of shape (n,)
        What each row counts in the mean of its arm. Usable as ``sample_weight``; 0 for
        rows that were left out.
    unmatched_ : ndarray of int
        Positions of rows of the target that have no match.
    balance_ : DataFrame
        Standardised mean difference of each covariate ``before`` and ``after``
        matching.
    arms_ : ndarray of shape (2,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.

    Raises
    ------
    NoMatchError
        If no stratum holds both arms.

    Warns
    -----
    OverlapWarning
        If rows of the target have no match.

    Notes
    -----
    Assumes no unmeasured confounding given the stratum. With the mean outcomes
    :math:`\bar Y_{as}` of arm a in stratum s and the weight :math:`V_s` of its rows in
    the target, :math:`\hat\tau = \sum_s V_s (\bar Y_{1s} - \bar Y_{0s}) / \sum_s V_s`
    before the correction.
    This is matching with ties for all rows of a stratum, and so is its variance (see
    ``NearestNeighbourMatching``), with the noise of a row from the rows of its arm and
    stratum, or from its arm where it is alone. Categories and missing values are levels
    of their own; text has to be made a category. An effect that is about matched rows
    only is another one than that of all rows, unless effects do not differ: look at
    ``unmatched_``.

    References
    ----------
    Iacus, S. M., King, G., & Porro, G. (2012). Causal inference without balance
    checking: Coarsened exact matching. Political Analysis, 20(1).
    https://doi.org/10.1093/pan/mpr013

    Abadie, A., & Imbens, G. W. (2006). Large sample properties of matching estimators
    for average treatment effects. Econometrica, 74(1).
    https://doi.org/10.1111/j.1468-0262.2006.00655.x

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.estimation import CoarsenedExactMatching
    >>> age = np.array([[21.0], [24.0], [28.0], [63.0], [65.0], [67.0]])
    >>> treatment = np.array([0, 0, 1, 0, 1, 1])
    >>> outcome = np.array([1.0, 2.0, 3.5, 5.0, 6.0, 8.0])
    >>> matching = CoarsenedExactMatching({0: [30, 60]}, bias_correction=False)
    >>> matching.fit(age, outcome, treatment=treatment).average_effect().value
    2.0
    >>> matching.matching_weights_.tolist()
    [1.5, 1.5, 3.0, 3.0, 1.5, 1.5]
    """

    def __init__(
        self,
        cut_points: Any = None,
        n_bins: Any = "auto",
        *,
        bias_correction: bool = True,
        target: str = "all",
        control_arm: Any = None,
        treatment_type: str = "auto",
    ) -> None:
        self.cut_points = cut_points
        self.n_bins = n_bins
        self.bias_correction = bias_correction
        self.target = target
        self.control_arm = control_arm
        self.treatment_type = treatment_type

    def _prepare(self, data: CausalData, owner: str) -> None:
        given = self._given_cuts(data.X, owner)
        for n_bins in self._numbers_of_bins(data.n_rows, owner):
            codes, cuts = _coarsened(data, given, n_bins)
            stratum = joint_codes(codes)[0]
            rows = Rows(stratum, data.treatment, data.weights, stratum.max() + 1)
            both = (rows.mass[0] > 0) & (rows.mass[1] > 0)
            v = data.weights * self._in_target(self.target)
            if v @ both[stratum] >= 0.5 * v.sum():
                break
        self._rows, self._both = rows, both
        self.n_bins_ = n_bins
        self.cut_points_ = cuts
        numbered = np.where(both, np.cumsum(both) - 1, -1)
        self.strata_ = numbered[stratum]

    def _numbers_of_bins(self, n_rows: int, owner: str) -> list[int]:
        """Return the numbers of bins to try, finest first."""
        if isinstance(self.n_bins, str) and self.n_bins == "auto":
            return list(range(max(2, int(np.log2(n_rows)) + 1), 1, -1))
        is_number = isinstance(self.n_bins, (int, np.integer))
        if not is_number or isinstance(self.n_bins, bool) or self.n_bins < 2:
            raise ValueError(
                f"{owner}: n_bins must be 'auto' or an integer of at least 2, got "
                f"{self.n_bins!r}. An empty list in cut_points takes a column out."
            )
        return [int(self.n_bins)]

    def _given_cuts(self, X: Any, owner: str) -> dict[int, Any]:
        """Return the cut points that were given, by position of the column."""
        if self.cut_points is None:
            return {}
        if not isinstance(self.cut_points, Mapping):
            raise TypeError(
                f"{owner}: cut_points must map columns to points or numbers of bins, "
                f"such as {{'age': [30, 60]}}, got {self.cut_points!r}."
            )
        given = {}
        for name, cuts in self.cut_points.items():
            (place,) = positions(X, [name], owner, "cut_points")
            points = np.asarray(cuts, dtype=float)
            is_bins = points.ndim == 0 and points >= 1 and points == int(points)
            if is_category(X, place) and points.size:
                raise ValueError(
                    f"{owner}: column {name!r} is a category and cannot be cut. Merge "
                    "its levels beforehand, or take it out by an empty list."
                )
            if not is_bins and (points.ndim != 1 or (np.diff(points) <= 0).any()):
                raise ValueError(
                    f"{owner}: cut_points of column {name!r} must be increasing "
                    f"points or a number of bins, got {cuts!r}."
                )
            given[place] = int(points) if is_bins else points
        return given

    def _match(self, target: str) -> Matched:
        both = sp.diags_array(self._both.astype(float)).tocsr()
        both.eliminate_zeros()
        arms = self._arms_to_match(target)
        links = dict.fromkeys(arms, both)
        return Matched(self._rows, self._data.outcome, links, links)

    def _outcomes(self, matched: Matched, v: np.ndarray) -> np.ndarray:
        stratum, X = self._rows.point, self._data.X
        table = np.column_stack(
            [np.empty((len(stratum), 0))]
            + [column_values(X, j) for j in range(X.shape[1]) if not is_category(X, j)]
        )
        missing = np.isnan(table)  # a stratum of its own, where nothing differs
        Z = standardised(np.where(missing, 0.0, table), self._data.weights)
        distinct = joint_codes(np.column_stack([stratum, Z]))[0]
        return self._regressed(matched, v, Z, stratum, distinct)

    def _no_match_hint(self) -> str:
        return (
            f"Use fewer columns or bins (n_bins={self.n_bins_} here; cut_points= sets "
            "those of a column, an empty list takes it out), or "
            "NearestNeighbourMatching, which needs no equal bins."
        )

    def __sklearn_tags__(self) -> Any:
        """Take missing values, which are a level of their own."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


def _coarsened(
    data: CausalData, given: dict[int, Any], n_bins: int
) -> tuple[np.ndarray, dict[Any, np.ndarray]]:
    """Return the bin of each row in each column, and the points of the cuts."""
    names = column_names(data.X) if is_pandas(data.X) else range(data.X.shape[1])
    codes, cuts = np.empty((data.n_rows, len(names)), dtype=int), {}
    for place, name in enumerate(names):
        values = column_values(data.X, place)
        how = given.get(place, n_bins)
        points = how if isinstance(how, np.ndarray) else None
        if points is None and not is_category(data.X, place):
            points = _equal_cuts(values, data.weights, how)
        if points is None:
            levels = np.unique(values)  # NaN last, once
            codes[:, place] = np.searchsorted(levels, values)
            continue
        cuts[name] = points
        missing = np.isnan(values) & bool(points.size)
        bins = np.searchsorted(points, values, side="right")
        codes[:, place] = np.where(missing, -1, bins * ~np.isnan(values))
    return codes, cuts


def _equal_cuts(
    values: np.ndarray, weight: np.ndarray, n_bins: int
) -> np.ndarray | None:
    """Return points between bins of equal weight; None for as few levels as bins.

    Points lie midway between values, so that no value lies on one.
    """
    known = ~np.isnan(values) & (weight > 0)
    levels = np.unique(values[known])
    if levels.shape[0] <= n_bins:
        return None
    shares = np.arange(1, n_bins) / n_bins
    last = np.quantile(
        values[known], shares, method="inverted_cdf", weights=weight[known]
    )
    above = np.unique(np.searchsorted(levels, last, side="right"))
    above = above[above < levels.shape[0]]
    return 0.5 * (levels[above - 1] + levels[above])
