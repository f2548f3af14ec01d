"""Tests of heterogeneity over many sample splits, with medians of their results."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
import pandas as pd
from sklearn.utils import check_random_state

from skcausal.estimation._delegation import final_learner
from skcausal.estimation._evaluation import Evaluation, EvaluationOptions
from skcausal.estimation._models import fresh_copy
from skcausal.estimation._wrapping import rows_of, target_of
from skcausal.inference import best_linear_predictor, group_effects
from skcausal.inference._bootstrap import normal_quantile
from skcausal.inference._heterogeneity import (
    is_constant,
    median_p_value,
    split_level,
)
from skcausal.utils._splitters import TreatmentStratifiedKFold
from skcausal.utils._target import TargetParts, resolve_target
from skcausal.utils._validation import check_groups
from skcausal.validation._covariates import Covariates, covariates_of
from skcausal.validation._deciles import check_n_bins
from skcausal.validation._heterogeneity import (
    AVERAGE,
    COLUMNS,
    DIFFERENCE,
    NOTHING_LEARNT,
    check_n_groups,
    clan_of,
    gates_of,
    lines_of,
)
from skcausal.validation._ranking import ScoredRows

_HETEROGENEITY = "heterogeneity"
_UNKNOWN = {"lower": -np.inf, "upper": np.inf, "p_value": 1.0}


@dataclass(frozen=True, eq=False)
class HeterogeneityAnalysis:
    """Results of :func:`heterogeneity_analysis`: medians over sample splits.

    Parameters
    ----------
    blp : DataFrame
        "average" and "heterogeneity" of :func:`blp_test`.
    gates : DataFrame
        Groups of :func:`gates`.
    clan : DataFrame
        Covariates of :func:`clan`.
    splits : DataFrame of shape (n_splits, 6)
        Estimates and p-values of each split, not adjusted:
        ``average_estimate, average_p_value``, the same of ``heterogeneity`` (the
        loading) and of ``difference`` (first less last group).
    level : float
        Coverage of the intervals.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> from skcausal.datasets import make_ab_test
    >>> from skcausal.estimation import KnownPropensity, TLearner
    >>> from skcausal.validation import heterogeneity_analysis
    >>> data = make_ab_test(600, missing=0, random_state=0)
    >>> X = data.X[["recency", "prior_spend"]]
    >>> analysis = heterogeneity_analysis(
    ...     TLearner(LinearRegression()), X, data.y, treatment=data.treatment,
    ...     outcome_model=LinearRegression(), propensity_model=KnownPropensity(0.5),
    ...     n_splits=3,
    ... )
    >>> analysis.splits.shape
    (3, 6)
    """

    blp: pd.DataFrame
    gates: pd.DataFrame
    clan: pd.DataFrame
    splits: pd.DataFrame
    level: float = 0.95

    def __repr__(self) -> str:
        """Show average, loading and difference with their intervals."""
        lines = {
            "average effect": self.blp.loc[AVERAGE],
            "loading on predicted effects": self.blp.loc[_HETEROGENEITY],
            "most less least affected": self.gates.loc[DIFFERENCE],
        }
        shown = [
            f"{name}: {line['estimate']:.4g} ({100 * self.level:g}% interval "
            f"{line['lower']:.4g} to {line['upper']:.4g}, p-value "
            f"{line['p_value']:.3g})"
            for name, line in lines.items()
        ]
        head = f"HeterogeneityAnalysis, medians over {len(self.splits)} splits"
        return "\n  ".join([head, *shown])


def heterogeneity_analysis(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    treatment: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    control_arm: Any = None,
    arm: Any = None,
    n_splits: int = 50,
    n_groups: int = 5,
    level: float = 0.95,
    monotone: bool = False,
    outcome_model: Any = None,
    propensity_model: Any = None,
    cv: Any = 5,
    n_jobs: int | None = None,
    random_state: int = 0,
    progress: bool = False,
) -> HeterogeneityAnalysis:
    r"""Test heterogeneity on many sample splits: BLP, GATES and CLAN.

    Each split fits the estimator on one half of the rows and judges its predictions on
    the other; medians over splits do not depend on the luck of one split.

    Parameters
    ----------
    estimator : estimator
        A learner, or a Pipeline or search that ends in one; it is cloned.
    X : array-like or DataFrame of shape (n, n_features)
        Covariates, as the estimator takes them.
    y : array-like of shape (n,)
        Outcome, or a ``causal_target``.
    treatment : array-like of shape (n,), default=None
        Treatment with arms, unless it travels in ``y``.
    sample_weight, groups : array-like of shape (n,), default=None
        Weights and clusters of the rows; groups are never split.
    control_arm : label, default=None
        Reference arm, the same as the estimator's. Default: that of the final learner.
    arm : label, default=None
        The arm compared with control; needed if there are more than two.
    n_splits : int, default=50
        Number of random splits into halves. More make the medians more stable: for
        a publication take 100 or more.
    n_groups : int, default=5
        Number of groups by predicted effect.
    level : float, default=0.95
        Coverage of the intervals.
    monotone : bool, default=False
        Rearrange the group effects, see :func:`gates`.
    outcome_model, propensity_model : estimator, default=None
        Base models of the scores, such as ``KnownPropensity(0.5)`` for an experiment;
        None is LightGBM sized by the data.
    cv : int, splitter or list of (train, test), default=5
        Folds of the scores.
    n_jobs : int, default=None
        Splits that run in parallel.
    random_state : int, default=0
        Seed of scores and splits, and of estimators that have none.
    progress : bool, default=False
        Show a progress bar.

    Returns
    -------
    analysis : HeterogeneityAnalysis
        Tables ``blp``, ``gates``, ``clan`` and ``splits``; show them with
        ``GatesDisplay(table=analysis.gates)`` and ``ClanDisplay(table=analysis.clan)``.

    Raises
    ------
    ValueError
        If the treatment is continuous, ``arm`` is not one of the arms, ``y`` holds an
        instrument or event, or parameters are out of range.

    Notes
    -----
    Assumes no unmeasured confounding given X, and overlap. Doubly robust scores are
    cross-fitted once on all rows: a row's score uses no model that has seen the row,
    nor do the effects of a half that it is not in, so the tests of a split are those of
    held-out rows. Over splits estimates are medians, and

    .. math:: p = \min(1, 2 \, \mathrm{median}_s \, p_s), \qquad
        [\mathrm{median}_s \, l_s, \ \mathrm{median}_s \, u_s]

    with intervals :math:`[l_s, u_s]` of level :math:`1 - \alpha / 2` per split: by
    Markov's inequality the p-value is valid and the interval covers with probability
    :math:`1 - \alpha` at least, whatever the dependence between splits. Usually both
    are on the safe side. A split whose predictions are all equal says nothing: its
    p-values are 1 and its intervals the whole line.

    References
    ----------
    Chernozhukov, V., Demirer, M., Duflo, E., & Fernandez-Val, I. (2025). Fisher-Schultz
    lecture: Generic machine learning inference on heterogeneous treatment effects in
    randomized experiments. Econometrica, sections 2 and 3. arXiv:1712.04802.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression, LogisticRegression
    >>> from skcausal.datasets import make_observational
    >>> from skcausal.estimation import TLearner
    >>> from skcausal.validation import heterogeneity_analysis
    >>> data = make_observational(1000, 3, confounding=0.5, random_state=0)
    >>> analysis = heterogeneity_analysis(
    ...     TLearner(LinearRegression()), data.X, data.y, treatment=data.treatment,
    ...     outcome_model=LinearRegression(), propensity_model=LogisticRegression(),
    ...     n_splits=5,
    ... )
    >>> bool(analysis.blp.loc["heterogeneity", "p_value"] < 0.01)
    True
    """
    owner = "heterogeneity_analysis"
    parts = _checked_target(
        resolve_target(owner, y, treatment, sample_weight, groups), owner
    )
    n_splits = check_n_bins(n_splits, owner, "n_splits")
    normal_quantile(level, owner)
    reference = getattr(final_learner(estimator), "control_arm", None)
    evaluation = Evaluation.make(
        X,
        parts,
        owner=owner,
        control_arm=reference if control_arm is None else control_arm,
        options=EvaluationOptions(
            outcome_model, propensity_model, cv, random_state, n_jobs
        ),
    )
    control, contrast = _contrast(evaluation, arm, owner)
    job = _Job(
        X,
        target_of(parts),
        evaluation.scores[:, contrast],
        control,
        evaluation.data.weights,
        check_groups(parts.groups, evaluation.data.n_rows, owner),
        covariates_of(X, owner),
        contrast,
        check_n_groups(n_groups, owner),
        split_level(level),
        monotone,
    )
    seeds = check_random_state(random_state).randint(2**31 - 1, size=n_splits)
    results = joblib.Parallel(n_jobs=n_jobs)(
        joblib.delayed(job.run)(estimator, int(seed))
        for seed in _with_progress(seeds, progress)
    )
    return _analysis(results, n_groups, level)


def _checked_target(parts: TargetParts, owner: str) -> TargetParts:
    """Refuse targets whose scores would be wrong."""
    for name in ("instrument", "event"):
        if getattr(parts, name) is not None:
            raise ValueError(
                f"{owner}: y holds an {name}, which doubly robust scores of arms do "
                "not take into account. Pass your own scores to blp_test and gates."
            )
    return parts


def _contrast(evaluation: Evaluation, arm: Any, owner: str) -> tuple[Any, int]:
    """Return the control arm, and the position of the arm among the others."""
    arms = evaluation.data.arms
    if arms is None:
        raise ValueError(
            f"{owner}: a continuous treatment has no arms to compare. Use "
            "calibration_test on held-out rows, or cut the treatment into levels."
        )
    others = arms[1:].tolist()
    if arm is None and len(others) == 1:
        return arms[0], 0
    if arm not in others:
        raise ValueError(
            f"{owner}: arm must be one of {others}, to be compared with "
            f"{arms[0]!s}, got {arm!r}."
        )
    return arms[0], others.index(arm)


def _with_progress(seeds: np.ndarray, progress: bool) -> Any:
    if not progress:
        return seeds
    from tqdm.auto import tqdm

    return tqdm(seeds, desc="heterogeneity_analysis")


@dataclass(frozen=True, eq=False)
class _Job:
    """What all splits share."""

    X: Any
    target: np.ndarray
    scores: np.ndarray
    control_arm: Any
    weights: np.ndarray
    groups: np.ndarray | None
    covariates: Covariates
    contrast: int
    n_groups: int
    level: float
    monotone: bool

    def run(self, estimator: Any, seed: int) -> dict[str, pd.DataFrame]:
        """Fit on one half and return the tables of the other."""
        halves = TreatmentStratifiedKFold(2, random_state=seed)
        train, test = next(halves.split(self.target, self.target))
        fitted = fresh_copy(estimator, seed)
        fitted.fit(rows_of(self.X, train), self.target[train])
        self._check_arms(final_learner(fitted))
        effects = np.asarray(fitted.predict(rows_of(self.X, test)), dtype=float)
        effects = effects.reshape(len(test), -1)[:, self.contrast]
        codes = None if self.groups is None else self.groups[test]
        rows = ScoredRows(effects, self.scores[test], self.weights[test], codes)
        covariates = self.covariates.take(test[rows.weights > 0])
        rows = rows.weighted()
        return {
            "blp": self._blp(rows),
            "gates": gates_of(rows, self.n_groups, self.level, self.monotone),
            "clan": clan_of(rows, covariates, self.n_groups, self.level),
        }

    def _check_arms(self, learner: Any) -> None:
        """Refuse a learner that compares with another arm than the scores do."""
        control = getattr(learner, "control_arm_", self.control_arm)
        if control != self.control_arm:
            raise ValueError(
                f"heterogeneity_analysis: control_arm is {self.control_arm!s}, but the "
                f"estimator compares with {control!s}. Say the same in both places."
            )

    def _blp(self, rows: ScoredRows) -> pd.DataFrame:
        options: dict[str, Any] = {"weights": rows.weights, "groups": rows.groups}
        if not is_constant(rows.effects):
            found = best_linear_predictor(rows.scores, rows.effects, **options)
            lines = lines_of(found, self.level)
        else:
            found = group_effects(rows.scores, np.zeros(len(rows.scores)), **options)
            lines = np.vstack([lines_of(found, self.level), NOTHING_LEARNT])
        return pd.DataFrame(lines, index=[AVERAGE, _HETEROGENEITY], columns=COLUMNS)


def _analysis(
    results: list[dict[str, pd.DataFrame]], n_groups: int, level: float
) -> HeterogeneityAnalysis:
    """Return the medians of the tables of all splits."""
    labels = [*range(1, n_groups + 1), DIFFERENCE, AVERAGE]
    gates = [result["gates"].reindex(labels) for result in results]
    blp = [result["blp"] for result in results]
    return HeterogeneityAnalysis(
        blp=_medians(blp),
        gates=_medians(gates),
        clan=_medians([result["clan"] for result in results]),
        splits=pd.DataFrame(
            [
                {
                    f"{name}_{column}": table.loc[name, column]
                    for name, table in _headlines(result)
                    for column in ("estimate", "p_value")
                }
                for result in results
            ]
        ).rename_axis("split"),
        level=level,
    )


def _headlines(result: dict[str, pd.DataFrame]) -> Iterator[tuple[str, pd.DataFrame]]:
    yield AVERAGE, result["blp"]
    yield _HETEROGENEITY, result["blp"]
    yield DIFFERENCE, result["gates"]


def _medians(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """Return the median of each cell; p-values are doubled, errors left out."""
    result = {}
    for column in tables[0].columns.drop(["standard_error", "n_rows"], errors="ignore"):
        values = np.stack([table[column].to_numpy(dtype=float) for table in tables])
        if column in _UNKNOWN:
            values = np.where(np.isnan(values), _UNKNOWN[column], values)
            is_p_value = column == "p_value"
            medians = (
                median_p_value(values) if is_p_value else np.median(values, axis=0)
            )
        else:
            medians = _median_of_known(values)
        result[column] = medians
    return pd.DataFrame(result, index=tables[0].index)


def _median_of_known(values: np.ndarray) -> np.ndarray:
    """Return the median over splits (axis 0) that have a value; NaN if none has."""
    known = ~np.isnan(values).all(axis=0)
    medians = np.full(values.shape[1], np.nan)
    medians[known] = np.nanmedian(values[:, known], axis=0)
    return medians
