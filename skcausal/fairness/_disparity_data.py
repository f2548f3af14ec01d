"""Decompose a gap between groups from a table, without a structural model."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.utils import check_random_state

from skcausal.estimation._crossfit import FitSettings, cross_fit
from skcausal.estimation._data import CausalData, make_data
from skcausal.estimation._folds import make_folds
from skcausal.estimation._nuisances import OUTCOME_BY_ARM, PROPENSITY
from skcausal.fairness._disparity_cells import cell_estimate
from skcausal.fairness._disparity_result import (
    LABELS,
    MEANS,
    DisparityDecomposition,
    effects_of,
)
from skcausal.fairness._group_metrics import warn_of_small
from skcausal.inference import EffectEstimate
from skcausal.utils._target import resolve_target
from skcausal.utils._validation import (
    OverlapWarning,
    check_features,
    is_polars,
    pandas_from_polars,
)

_OWNER = "estimate_disparity"
_METHODS = ("doubly_robust", "cells")


def estimate_disparity(
    frame: Any,
    sensitive: Any,
    outcome: Any,
    *,
    mediators: Sequence[Any],
    confounders: Sequence[Any] = (),
    reference: Any,
    compared: Any,
    method: str = "doubly_robust",
    outcome_model: Any = None,
    sensitive_model: Any = None,
    averaging_model: Any = None,
    cv: Any = 5,
    min_propensity: float = 0.01,
    random_state: Any = None,
) -> DisparityDecomposition:
    r"""Tell how much of a gap is direct, indirect and spurious, from a table alone.

    Parameters
    ----------
    frame : DataFrame of shape (n, n_columns)
        Rows; those of other groups than the two are left out.
    sensitive, outcome : column
        The sensitive attribute, and a number.
    mediators : sequence of column
        All that lies between them.
    confounders : sequence of column, default=()
        What goes together with the sensitive attribute and moves mediators or outcome,
        such as age.
    reference, compared : level
        The two groups; effects are compared less reference.
    method : {"doubly_robust", "cells"}, default="doubly_robust"
        ``"doubly_robust"`` takes scikit-learn models, cross-fitted. ``"cells"`` takes
        the shares that occur, for columns with few levels: the formulas of
        `skcausal.identification.identify_counterfactual`, and natural effects by
        `skcausal.estimation.estimate_mediation`.
    outcome_model : estimator, default=None
        Of the outcome, once given all columns and once given confounders, per group. A
        classifier for an outcome of 0 and 1. None is LightGBM sized by the data.
    sensitive_model : classifier, default=None
        Of the sensitive attribute, given the same. None is LightGBM.
    averaging_model : regressor, default=None
        Of the expected outcome given confounders, once mediators are averaged out. None
        is LightGBM.
    cv : int, splitter or list of (train, test), default=5
        Folds of cross-fitting.
    min_propensity : float, default=0.01
        Chances of a group below this are raised to it, with an ``OverlapWarning``.
    random_state : int, RandomState or None, default=None
        Seed of folds and base models.

    Returns
    -------
    DisparityDecomposition
        Effects with intervals.

    Raises
    ------
    ValueError
        If a column is missing or a group has no rows.

    Warns
    -----
    OverlapWarning
        If the other columns nearly tell the group.
    SmallGroupWarning
        If a group has fewer than 50 rows.

    Notes
    -----
    Assumes the standard fairness model: no hidden causes of mediators and outcome, of
    the sensitive attribute and either given confounders, and overlap. With
    :math:`\mu_a(w, c) = E(Y \mid a, w, c)`, :math:`\eta_{a'a}(c) = E(\mu_{a'}(W, c)
    \mid a, c)`, :math:`g_a(c)` and :math:`e_a(w, c)` for the chances of group a, the
    score of :math:`E(Y_{a' W_a} \mid k)` is

    .. math::
        \frac{1_k}{p_k} \eta_{a'a} + 1_a \frac{g_k}{p_k g_a} (\mu_{a'} - \eta_{a'a})
        + 1_{a'} \frac{g_k e_a}{p_k g_a e_{a'}} (Y - \mu_{a'}),

    with :math:`g_k / p_k` and :math:`1_k / p_k` replaced by 1 for everybody. Without
    a change of worlds it is that of augmented inverse weighting. The gap is that of
    the data, and its parts add up exactly.

    References
    ----------
    Zhang, J., & Bareinboim, E. (2018). Fairness in decision-making: the causal
    explanation formula. AAAI. https://doi.org/10.1609/aaai.v32i1.11564

    Tchetgen Tchetgen, E. J., & Shpitser, I. (2012). Semiparametric theory for causal
    mediation analysis. Annals of Statistics, 40(3). https://doi.org/10.1214/12-AOS990

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> from skcausal.fairness import estimate_disparity
    >>> rng = np.random.default_rng(0)
    >>> a = rng.integers(2, size=4000)
    >>> w = (rng.random(4000) < 0.2 + 0.5 * a).astype(int)
    >>> frame = pd.DataFrame({"a": a, "w": w, "y": 2 * a + 4 * w})
    >>> found = estimate_disparity(
    ...     frame, "a", "y", mediators=["w"], reference=0, compared=1, method="cells"
    ... )
    >>> round(found["direct"], 6)
    2.0
    """
    if method not in _METHODS:
        raise ValueError(f"{_OWNER}: method must be one of {_METHODS}, got {method!r}.")
    roles = Roles(sensitive, outcome, tuple(mediators), tuple(confounders))
    table = roles.checked(frame, (reference, compared))
    counts = {x: int((table[sensitive] == x).sum()) for x in (reference, compared)}
    warn_of_small(counts, _OWNER, "parts of their gap")
    if method == "cells":
        estimate = cell_estimate(roles, table, (reference, compared))
    else:
        models = {
            "outcome_model": outcome_model,
            "propensity_model": sensitive_model,
            "averaging_model": averaging_model,
        }
        options = (cv, min_propensity, random_state)
        estimate = _doubly_robust(roles, table, (reference, compared), models, options)
    return DisparityDecomposition(
        estimate, sensitive, str(outcome), reference, compared
    )


@dataclass(frozen=True)
class Roles:
    """Which column is what in the standard fairness model."""

    sensitive: Any
    outcome: Any
    mediators: tuple[Any, ...]
    confounders: tuple[Any, ...]

    def checked(self, frame: Any, levels: tuple[Any, Any]) -> pd.DataFrame:
        """Return the rows of two groups, with the columns of all roles."""
        if is_polars(frame):
            frame = pandas_from_polars(frame)
        if not self.mediators:
            raise ValueError(
                f"{_OWNER}: mediators must name a column at least. Without mediators "
                "the direct effect is the whole effect: use an estimator of averages "
                "such as AIPW."
            )
        columns = [self.sensitive, self.outcome, *self.mediators, *self.confounders]
        if len(set(columns)) < len(columns):
            raise ValueError(f"{_OWNER}: a column has two roles, got {columns}.")
        for name in columns:
            if name not in frame.columns:
                raise ValueError(f"{_OWNER}: frame has no column {name!r}.")
            if frame[name].isna().any():
                raise ValueError(
                    f"{_OWNER}: column {name!r} has missing entries. Drop or impute "
                    "these rows."
                )
        if levels[0] == levels[1]:
            raise ValueError(f"{_OWNER}: reference and compared must differ.")
        for level, name in zip(levels, ("reference", "compared"), strict=True):
            if (frame[self.sensitive] == level).sum() < 2:
                raise ValueError(
                    f"{_OWNER}: {name} must be a value of {self.sensitive!r} with two "
                    f"rows at least, got {level!r}."
                )
        kept = frame[self.sensitive].isin(levels)
        return frame.loc[kept, columns].reset_index(drop=True)


def _doubly_robust(
    roles: Roles,
    table: pd.DataFrame,
    levels: tuple[Any, Any],
    models: dict[str, Any],
    options: tuple[Any, float, Any],
) -> EffectEstimate:
    cv, least, random_state = options
    arms = np.asarray(table[roles.sensitive] == levels[1]).astype(int)
    parts = resolve_target(_OWNER, table[roles.outcome], arms, None, None)
    columns = check_features(table[[*roles.mediators, *roles.confounders]], _OWNER)
    data = make_data(
        columns,
        parts,
        owner=_OWNER,
        control_arm=0,
        treatment_type="discrete",
        outcome_type="auto",
    )
    seed = check_random_state(random_state).randint(2**31 - 1)
    settings = FitSettings(_OWNER, seed)
    folds = make_folds(data, cv, n_repeats=1, seed=seed, owner=_OWNER)
    both = (OUTCOME_BY_ARM, PROPENSITY)
    full = cross_fit(both, models, data, folds, settings)
    without, own = _without_mediators(roles, table, data, models)
    given = cross_fit(both, own, without, folds, settings)
    means = full[OUTCOME_BY_ARM.name][0]
    averaged = []
    for arm in (0, 1):
        target = replace(without, outcome=means[:, arm], binary_outcome=False)
        models_of_means = {"outcome_model": own["averaging_model"]}
        fit = cross_fit((OUTCOME_BY_ARM,), models_of_means, target, folds, settings)
        averaged.append(fit[OUTCOME_BY_ARM.name][0])
    chances = [full[PROPENSITY.name][0], given[PROPENSITY.name][0]]
    nuisances = Nuisances(
        arms, data.outcome, means, given[OUTCOME_BY_ARM.name][0], np.stack(averaged),
        *_raised(chances, least),
    )  # fmt: skip
    return nuisances.estimate()


def _without_mediators(
    roles: Roles, table: pd.DataFrame, data: CausalData, models: dict[str, Any]
) -> tuple[CausalData, dict[str, Any]]:
    """Return the rows with confounders only, and the models given these."""
    if roles.confounders:
        X = check_features(table[list(roles.confounders)], _OWNER)
        return replace(data, X=X), models
    prior = DummyClassifier(strategy="prior")
    constant = {
        "outcome_model": prior if data.binary_outcome else DummyRegressor(),
        "propensity_model": prior,
        "averaging_model": DummyRegressor(),
    }
    return replace(data, X=np.zeros((data.n_rows, 1))), constant


def _raised(chances: list[np.ndarray], least: float) -> list[np.ndarray]:
    low = np.any([(chance < least).any(axis=1) for chance in chances], axis=0)
    if low.any():
        warnings.warn(
            f"{_OWNER}: {int(low.sum())} of {len(low)} rows have a chance of a group "
            f"below min_propensity={least}, which was raised to it: mediators or "
            "confounders nearly tell the group. Look at their overlap.",
            OverlapWarning,
            stacklevel=4,
        )
    return [np.maximum(chance, least) for chance in chances]


@dataclass(frozen=True)
class Nuisances:
    """Models of one table, out of fold; groups are 0 and 1."""

    arms: np.ndarray
    y: np.ndarray
    mean_given_all: np.ndarray  # (n, 2)
    mean_given_confounders: np.ndarray  # (n, 2)
    averaged: np.ndarray  # (2, n, 2): whose mean, and over whose mediators
    chance_given_all: np.ndarray  # (n, 2)
    chance_given_confounders: np.ndarray  # (n, 2)

    def score(
        self, direct: int, through: int, group: int | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the score of a mean, and the weight of each row in its group."""
        g, e = self.chance_given_confounders, self.chance_given_all
        own, moved = self.arms == direct, self.arms == through
        inside, shift = np.ones(len(self.y)), np.ones(len(self.y))
        if group is not None:
            share = np.mean(self.arms == group)
            inside, shift = (self.arms == group) / share, g[:, group] / share
        if direct == through:
            mean = self.mean_given_confounders[:, direct]
            found = inside * mean + own * shift / g[:, direct] * (self.y - mean)
            return found, inside
        mean, averaged = self.mean_given_all[:, direct], self.averaged[direct]
        ratio = shift / g[:, through]
        found = inside * averaged[:, through]
        found = found + moved * ratio * (mean - averaged[:, through])
        weight = ratio * e[:, through] / e[:, direct]
        return found + own * weight * (self.y - mean), inside

    def estimate(self) -> EffectEstimate:
        """Return all effects with the influence of each row."""
        scores = [self.score(*mean) for mean in MEANS]
        values = np.array([score.mean() for score, _ in scores])
        influence = np.column_stack(
            [
                score - share * value
                for (score, share), value in zip(scores, values, strict=True)
            ]
        )
        return EffectEstimate(
            effects_of(values)[None], effects_of(influence)[None], labels=LABELS
        )
