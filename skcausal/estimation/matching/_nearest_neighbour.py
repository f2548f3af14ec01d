"""NearestNeighbourMatching: each row against the most similar rows of the other arm."""

import warnings
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from skcausal.estimation._data import CausalData
from skcausal.estimation.matching._covariates import (
    column_names,
    column_values,
    is_category,
    numbers,
    positions,
    refuse_nan,
    standardised,
    whitened,
)
from skcausal.estimation.matching._estimate import Matched, MatchingEffect
from skcausal.estimation.matching._matching_learner import MatchingLearner
from skcausal.estimation.matching._neighbours import (
    Space,
    across,
    nearest_rows,
    within,
)
from skcausal.estimation.matching._propensity import Score, adjustment, estimated_score
from skcausal.estimation.matching._rows import Pairs, Rows, joint_codes
from skcausal.utils._validation import OverlapWarning

_DISTANCES = ("mahalanobis", "euclidean", "propensity")
_EXTREME = 1e-3  # chance of the other arm below which a row has no like there
_DIGITS = 12  # of propensities: what differs by less is a tie


class NearestNeighbourMatching(MatchingLearner):
    r"""Estimate average effects by comparing each row with its nearest rows.

    Every row of the target population is compared with the ``n_neighbors`` most similar
    rows of the other arm, which can serve several times (matching with replacement).
    Easy to explain and to check: who was compared with whom is in the attributes.

    Parameters
    ----------
    distance : {"mahalanobis", "euclidean", "propensity"}, default="mahalanobis"
        Distance of covariates after taking out their correlations, of covariates in
        standard deviations, or of propensities.
    n_neighbors : int, default=1
        Matches of each row; all rows that tie with the last one are used as well.
    exact : str, int or list of these, default=None
        Columns (names or positions) that matches have in common exactly; the distance
        is that of the other columns. Categories can only be matched so.
    caliper : float, default=None
        Largest distance of a match, in units of the distance: a probability for
        "propensity", else about a standard deviation. Rows without a match within are
        left out, with an ``OverlapWarning``.
    bias_correction : bool, default=True
        Whether least squares on the coordinates of the distance corrects what is left
        of the difference within matches. Without it, matching on more than one
        continuous covariate is biased in a way that intervals do not cover.
    target : {"all", "treated", "control"}, default="all"
        Population of ``average_effect_``, ``matching_weights_`` and ``balance_``.
    propensity_model : classifier, default=None
        Model of the treatment for ``distance="propensity"``; None is logistic
        regression by maximum likelihood, ``KnownPropensity`` the design.
    n_variance_neighbors : int, default=2
        Nearest rows of the same arm from which the noise of a row is estimated.
    control_arm : label, default=None
        Reference arm. The default is 0 or False; other labels need to be told.
    treatment_type : {"auto", "discrete", "continuous"}, default="auto"
        Numbers with fractions or more than ten levels are continuous under "auto",
        which this estimator refuses.
    n_jobs : int, default=None
        Threads of the search for neighbours; None is 1.

    Attributes
    ----------
    average_effect_ : EffectEstimate
        The average effect of ``target``, as ``average_effect()`` returns it.
    match_indices_ : ndarray of shape (n, n_neighbors)
        Positions of the nearest rows of the other arm; -1 for rows outside of the
        target and where there is none. Further rows that tie with the last one are not
        listed, but used.
    match_distances_ : ndarray of shape (n, n_neighbors)
        Their distances; infinity where there is none.
    matching_weights_ : ndarray of shape (n,)
        What each row counts in the mean of its arm: its weight in the target plus that
        as a match. Usable as ``sample_weight``; 0 for rows that were left out.
    unmatched_ : ndarray of int
        Positions of rows of the target that have no match.
    balance_ : DataFrame
        Standardised mean difference of each covariate ``before`` and ``after``
        matching.
    propensity_ : ndarray of shape (n,)
        Probability of treatment; for ``distance="propensity"`` only.
    arms_ : ndarray of shape (2,)
        Labels of the arms, control first.
    control_arm_ : label
        The reference arm.

    Raises
    ------
    NoMatchError
        If no row of the target has a match.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap. With target weights
    :math:`v_i` and the shares :math:`w_{ij}` of the matches of row i,
    :math:`\hat\tau = \sum_i v_i \hat\tau_i / V`, :math:`V = \sum_i v_i`,
    :math:`\hat\tau_i = \pm (Y_i - \sum_j w_{ij} (Y_j + \hat\mu(X_i) - \hat\mu(X_j)))`,
    where :math:`\hat\mu` is fitted to the matches, weighted by their use. Its variance
    is

    .. math::
        V^{-2} \sum_i v_i^2 (\hat\tau_i - \hat\tau)^2
        + [(v_i + K_i)^2 - v_i^2 - K'_i] \hat\sigma_i^2

    with :math:`K_j = \sum_i v_i w_{ij}`, :math:`K'_j = \sum_i v_i^2 w_{ij}^2`, and
    :math:`\hat\sigma_i^2` from the nearest rows of the same arm (Abadie and Imbens
    2006). For a propensity estimated by logistic regression without penalty the
    variance accounts for the estimation (Abadie and Imbens 2016); for another model a
    warning says that it does not. The influence is that of Otsu and Rai (2017), scaled
    so that independent rows have exactly this variance; clusters sum it, which assumes
    that the treatment, given X, needs no other model than for independent rows.

    The bootstrap is not valid for matching: do not wrap this in ``BootstrapEffect``.

    References
    ----------
    Abadie, A., & Imbens, G. W. (2006). Large sample properties of matching estimators
    for average treatment effects. Econometrica, 74(1).
    https://doi.org/10.1111/j.1468-0262.2006.00655.x

    Abadie, A., & Imbens, G. W. (2011). Bias-corrected matching estimators for average
    treatment effects. Journal of Business & Economic Statistics, 29(1).
    https://doi.org/10.1198/jbes.2009.07333

    Abadie, A., & Imbens, G. W. (2016). Matching on the estimated propensity score.
    Econometrica, 84(2). https://doi.org/10.3982/ECTA11293

    Otsu, T., & Rai, Y. (2017). Bootstrap inference of matching estimators for average
    treatment effects. Journal of the American Statistical Association, 112(520).
    https://doi.org/10.1080/01621459.2016.1231613

    Examples
    --------
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import NearestNeighbourMatching
    >>> data = make_observational(500, 3, effect="constant", random_state=0)
    >>> matching = NearestNeighbourMatching(target="treated")
    >>> _ = matching.fit(data.X, data.y, treatment=data.treatment)
    >>> lower, upper = matching.average_effect().interval()
    >>> bool(lower < data.average_effect < upper)
    True
    """

    _model_parameters: ClassVar[tuple[str, ...]] = ("propensity_model",)

    def __init__(
        self,
        distance: str = "mahalanobis",
        n_neighbors: int = 1,
        *,
        exact: Any = None,
        caliper: float | None = None,
        bias_correction: bool = True,
        target: str = "all",
        propensity_model: Any = None,
        n_variance_neighbors: int = 2,
        control_arm: Any = None,
        treatment_type: str = "auto",
        n_jobs: int | None = None,
    ) -> None:
        self.distance = distance
        self.n_neighbors = n_neighbors
        self.exact = exact
        self.caliper = caliper
        self.bias_correction = bias_correction
        self.target = target
        self.propensity_model = propensity_model
        self.n_variance_neighbors = n_variance_neighbors
        self.control_arm = control_arm
        self.treatment_type = treatment_type
        self.n_jobs = n_jobs

    def _list_matches(self, data: CausalData) -> None:
        shape = (data.n_rows, self.n_neighbors)
        self.match_indices_ = np.full(shape, -1)
        self.match_distances_ = np.full(shape, np.inf)
        for arm in self._arms_to_match(self.target):
            index, distance = nearest_rows(
                self._pairs[arm], self._rows, arm, self.n_neighbors
            )
            here = data.treatment != arm
            self.match_indices_[here] = index[here]
            self.match_distances_[here] = distance[here]

    def _prepare(self, data: CausalData, owner: str) -> None:
        self._check_parameters(data, owner)
        exact = positions(data.X, self.exact, owner, "exact")
        cells = np.column_stack(
            [np.empty((data.n_rows, 0)), *(column_values(data.X, j) for j in exact)]
        )
        refuse_nan(cells, [column_names(data.X)[j] for j in exact], owner)
        stratum = joint_codes(cells)[0]
        if self.distance == "propensity":
            table = coordinates = self._scores(data, exact, owner)
        else:
            rest = [j for j in range(data.X.shape[1]) if j not in exact]
            table = numbers(data.X, rest, owner)
            scale = whitened if self.distance == "mahalanobis" else standardised
            coordinates = scale(table, data.weights)
        point, first = joint_codes(np.column_stack([stratum, table]))
        self._rows = Rows(point, data.treatment, data.weights, first.shape[0])
        self._space = Space(coordinates[first], stratum[first], self.n_jobs)
        self._pairs: dict[int, Pairs] = {}
        self._differences: np.ndarray | None = None

    def _check_parameters(self, data: CausalData, owner: str) -> None:
        if self.distance not in _DISTANCES:
            raise ValueError(
                f"{owner}: distance must be one of "
                f"{', '.join(map(repr, _DISTANCES))}, got {self.distance!r}."
            )
        for name in ("n_neighbors", "n_variance_neighbors"):
            value = getattr(self, name)
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(
                    f"{owner}: {name} must be a positive integer, got {value!r}."
                )
        if self.caliper is not None and not self.caliper >= 0:
            raise ValueError(
                f"{owner}: caliper must be a distance of 0 or more, or None for no "
                f"limit, got {self.caliper!r}."
            )
        for arm in self._arms_to_match(self.target):
            size = int(((data.treatment == arm) & (data.weights > 0)).sum())
            if size < self.n_neighbors:
                label = np.asarray(self.arms_).tolist()[arm]
                raise ValueError(
                    f"{owner}: n_neighbors={self.n_neighbors}, but arm {label!r} has "
                    f"{size} rows with weight only. Use fewer neighbours."
                )

    def _scores(self, data: CausalData, exact: list[int], owner: str) -> np.ndarray:
        """Estimate the propensity, and say where matching on it is doubtful."""
        plain = [
            j
            for j in range(data.X.shape[1])
            if not (j in exact and is_category(data.X, j))
        ]
        needed = self.propensity_model is None and data.known_propensity is None
        table = np.zeros((data.n_rows, 1))
        if needed:
            table = whitened(numbers(data.X, plain, owner), data.weights)
        self._score: Score = estimated_score(
            data, self.propensity_model, table, self._settings
        )
        self.propensity_ = p = self._score.propensity
        chance = np.where(data.treatment == 1, 1 - p, p)
        low = int(((chance < _EXTREME) & (self._in_target(self.target) > 0)).sum())
        if low:
            warnings.warn(
                f"{owner}: {low} of {data.n_rows} rows had a chance below {_EXTREME} "
                "of getting the other arm: nobody there is like them. Set caliper=, "
                "choose another target, or use fewer covariates if they separate the "
                "arms.",
                OverlapWarning,
                stacklevel=6,
            )
        if not (self._score.known or self._score.design is not None):
            warnings.warn(
                f"{owner}: standard errors take the propensity of this model for "
                "known; what estimating it changes is derived for maximum likelihood "
                "only. Use propensity_model=None or LogisticRegression(C=np.inf).",
                UserWarning,
                stacklevel=6,
            )
        return np.round(p, _DIGITS)[:, None]

    def _match(self, target: str) -> Matched:
        links, alike = {}, {}
        rows, space = self._rows, self._space
        for arm in self._arms_to_match(target):
            if arm not in self._pairs:
                self._pairs[arm] = across(
                    space, rows, arm, self.n_neighbors, self.caliper
                )
            pairs = self._pairs[arm]
            links[arm] = pairs.links(rows.mass[arm])
            used = np.unique(pairs.pool)
            near = within(space, rows, arm, used, self.n_variance_neighbors)
            alike[arm] = near.table(np.ones(near.query.shape[0]), rows.n_points)
        if target != "all" and self._adjusts():
            self._keep_differences()
        return Matched(rows, self._data.outcome, links, alike)

    def _outcomes(self, matched: Matched, v: np.ndarray) -> np.ndarray:
        point, space = self._rows.point, self._space
        return self._regressed(
            matched, v, space.coordinates[point], space.stratum[point], point
        )

    def _no_match_hint(self) -> str:
        ways = [
            f"widen caliper={self.caliper}" if self.caliper is not None else "",
            "match exactly on fewer columns than exact=" if self.exact else "",
        ]
        return f"To keep them, {' or '.join(way for way in ways if way)}."

    def _adjusts(self) -> bool:
        """Tell whether the estimation of the propensity is accounted for."""
        return self.distance == "propensity" and self._score.design is not None

    def _keep_differences(self) -> None:
        """Match on the columns of the logit: differences whose mean is the effect."""
        if self._differences is not None:
            return
        assert self._score.design is not None
        point, first = joint_codes(self._score.design)
        rows = Rows(point, self._rows.arm, self._rows.weight, first.shape[0])
        where = whitened(self._score.design, rows.weight)[first]
        space = Space(where, np.zeros(first.shape[0], dtype=int), self.n_jobs)
        links = {
            arm: across(space, rows, arm, self.n_neighbors, None).links(rows.mass[arm])
            for arm in (0, 1)
        }
        matched = Matched(rows, self._data.outcome, links, {})
        imputed = matched.of_matches(matched.outcome)
        self._differences = matched.sign * (matched.outcome - imputed)

    def _finished(
        self, effect: MatchingEffect, target: str, weight: np.ndarray
    ) -> MatchingEffect:
        if not self._adjusts():
            return effect
        score, arm = self._score, self._data.treatment
        derivative = np.zeros(weight.shape[0])
        if self._differences is not None and target != "all":
            size = weight @ (self._in_target(target) * self._kept[target][0].has_match)
            slope = score.propensity * (1 - score.propensity)
            towards = 1.0 if target == "treated" else -1.0
            gap = self._differences - effect.value
            derivative = towards * weight * slope * gap / size
        added, extra = adjustment(
            score, arm, self._data.weights, effect.moment, derivative
        )
        if effect.variance + added <= 0:
            warnings.warn(
                f"{type(self).__name__}: too few rows to tell what estimating the "
                "propensity changes; the standard error takes it for known.",
                UserWarning,
                stacklevel=3,
            )
            return effect
        return replace(
            effect,
            variance=effect.variance + added,
            influence=effect.scaled_influence + extra,
        )

    def __getstate__(self) -> dict[str, Any]:
        """Leave the training rows out of a pickle."""
        state = super().__getstate__()
        state.pop("_space", None)
        return state
