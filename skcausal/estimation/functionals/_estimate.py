"""From a formula and a table to an estimate."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.utils import check_random_state

from skcausal.estimation._data import treatment_is_continuous
from skcausal.estimation.average_effects._aipw import AIPW
from skcausal.estimation.average_effects._interactive_iv import InteractiveIV
from skcausal.estimation.average_effects._partially_linear import PartiallyLinear
from skcausal.estimation.average_effects._partially_linear_iv import PartiallyLinearIV
from skcausal.estimation.functionals._front_door import FrontDoorEffect
from skcausal.estimation.functionals._plug_in import (
    MOST_LEVELS,
    mean_outcomes,
    nodes_of,
    observed_shares,
)
from skcausal.estimation.functionals._simulation import (
    Models,
    NotAChainError,
    chain_of,
)
from skcausal.estimation.functionals._worlds import World, contrasts
from skcausal.identification import Estimand, IdentificationError, Probability
from skcausal.inference import EffectEstimate
from skcausal.utils._splitters import is_binary
from skcausal.utils._validation import (
    NoIntervalWarning,
    check_weights,
    is_polars,
    pandas_from_polars,
)

N_DRAWS = 100_000


@dataclass(frozen=True, eq=False)
class Task:
    """A learner and what it is to be fitted to.

    Parameters
    ----------
    learner : estimator
        Not fitted.
    X : DataFrame
        Covariates, and mediators where the learner wants them.
    y : Series
        The outcome.
    parameters : dict
        Treatment and whatever else ``fit`` takes by keyword.
    """

    learner: Any
    X: Any
    y: Any
    parameters: dict[str, Any]

    def fitted(self) -> Any:
        """Return a fitted copy of the learner."""
        return clone(self.learner).fit(self.X, self.y, **self.parameters)


def task_of(
    estimand: Estimand,
    frame: Any,
    learner: Any = None,
    *,
    control: Any = None,
    random_state: Any = None,
) -> Task:
    """Return the learner that suits a formula, and its input.

    Raises
    ------
    IdentificationError
        If the formula is not one that a learner estimates, or has several treatments
        or outcomes.
    """
    columns = estimand.columns(frame)
    if estimand.kind not in ("adjustment", "front-door", "instrument"):
        raise IdentificationError(
            f"estimate: a formula of the kind {estimand.kind!r} has no learner. Leave "
            "learner out to estimate it as it stands."
        )
    if isinstance(columns.treatment, list) or isinstance(columns.outcome, list):
        raise IdentificationError(
            "estimate: learners take one treatment and one outcome. Use "
            "identify(..., kind='general') for joint effects of classes."
        )
    wanted = [*columns.covariates, *columns.mediators]
    X = frame[wanted]
    parameters = {"treatment": frame[columns.treatment]}
    if columns.instrument is not None:
        parameters["instrument"] = frame[columns.instrument]
    if not wanted:
        X = pd.DataFrame({"nothing": np.zeros(len(frame))})
    if learner is None:
        continuous = _is_continuous(frame[columns.treatment])
        learner = _default(estimand, frame, columns, continuous, random_state)
        if control is not None:
            learner.set_params(control_arm=control)
    else:
        _check_learner(learner)
        learner = _with_control(learner, control)
    return Task(learner, X, frame[columns.outcome], parameters)


def _with_control(learner: Any, control: Any) -> Any:
    """Return a learner whose control arm is the one that was asked for.

    Raises
    ------
    ValueError
        If the learner has another one, or none.
    """
    if control is None:
        return learner
    own = learner.get_params(deep=False).get("control_arm", "no control_arm")
    if own is None:
        return clone(learner).set_params(control_arm=control)
    if own != control:
        raise ValueError(
            f"estimate: control is {control!r}, and the learner has {own!r}. Leave one "
            "of the two out."
        )
    return learner


def _is_continuous(treatment: Any) -> bool:
    return treatment_is_continuous(np.asarray(treatment), "auto", "estimate")


def _default(
    estimand: Estimand, frame: Any, columns: Any, continuous: bool, seed: Any
) -> Any:
    """Return the learner that stands for None."""
    if estimand.kind == "front-door":
        return FrontDoorEffect(list(columns.mediators), random_state=seed)
    models: dict[str, Any] = {}
    if not columns.covariates:
        models["outcome_model"] = DummyRegressor()
        if is_binary(np.asarray(frame[columns.outcome])):
            models["outcome_model"] = DummyClassifier()
    mean = DummyRegressor() if continuous else DummyClassifier()
    if estimand.kind == "adjustment" and not continuous:
        if models:
            models["propensity_model"] = DummyClassifier()
        return AIPW(**models, random_state=seed)
    if models:
        models["treatment_model"] = mean
    if estimand.kind == "adjustment":
        return PartiallyLinear(**models, random_state=seed)
    instrument = np.asarray(frame[columns.instrument])
    binary = len(np.unique(instrument)) == 2
    if models:
        models["instrument_model"] = DummyClassifier() if binary else DummyRegressor()
    class_ = InteractiveIV if binary and not continuous else PartiallyLinearIV
    return class_(**models, random_state=seed)


def estimate(
    estimand: Estimand,
    frame: Any,
    learner: Any = None,
    *,
    treated: Any = None,
    control: Any = None,
    sample_weight: Any = None,
    groups: Any = None,
    random_state: Any = None,
) -> EffectEstimate:
    r"""Estimate an effect by the formula that a graph gives for it.

    Parameters
    ----------
    estimand : Estimand
        What `skcausal.identification.identify` returned.
    frame : DataFrame
        With a column for each node that the formula names.
    learner : estimator, default=None
        For the kinds ``"adjustment"`` and ``"instrument"`` any learner of this package,
        for ``"front-door"`` a `FrontDoorEffect`. None is `AIPW` (`PartiallyLinear` if
        the treatment is continuous), `FrontDoorEffect`, and `InteractiveIV`
        (`PartiallyLinearIV` unless treatment and instrument have two levels), with
        their default models. Formulas of other kinds are estimated as they stand: by
        counting with None, or by draws from copies of this regressor.
    treated, control : level, or dict of node to level, default=None
        What is compared. ``control`` has a default for levels 0/1 and False/True only;
        None for ``treated`` is every other level, and must be so where a learner is
        used. Dicts are needed for several treatments.
    sample_weight : array-like of shape (n,), default=None
        Weights of the rows.
    groups : array-like of shape (n,), default=None
        Cluster of each row.
    random_state : int, RandomState instance or None, default=None
        Seed of folds and of models that are None.

    Returns
    -------
    EffectEstimate
        Differences of mean outcomes, one per level of the treatment that is compared
        and, if the estimand is conditional, per level of what is given.

    Raises
    ------
    MissingColumnError
        If the frame lacks a column.
    IdentificationError
        If the formula uses an experiment, so that one table is not enough.
    ValueError
        If a column of a formula that is counted has many levels or missing entries,
        or the formula asks for shares among rows that do not occur.

    Notes
    -----
    Assumes what `Estimand.assumptions` lists. By counting, observed shares take the
    place of probabilities (the outcome keeps its own values), and the influence of a
    row is the derivative of the formula in the share of its cell, which makes the
    interval that of the delta method, as good as the cells are full. Where a formula
    without fractions has a column of many levels, models are fitted to each of its
    factors (LightGBM by default), draws from them follow the formula, with residuals
    drawn at random, and no interval is known: errors are NaN with a
    ``NoIntervalWarning``.

    References
    ----------
    Bhattacharya, R., Nabi, R., & Shpitser, I. (2022). Semiparametric inference for
    causal effects in graphical models with hidden variables. Journal of Machine
    Learning Research 23. https://jmlr.org/papers/v23/21-0753.html

    Examples
    --------
    >>> import numpy as np
    >>> import pandas as pd
    >>> from skcausal.estimation import estimate
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import identify
    >>> rng = np.random.default_rng(0)
    >>> u = rng.random(5000) < 0.5
    >>> smokes = (rng.random(5000) < 0.2 + 0.6 * u).astype(int)
    >>> tar = (rng.random(5000) < 0.1 + 0.7 * smokes).astype(int)
    >>> damage = tar + 2 * u + rng.normal(size=5000)
    >>> frame = pd.DataFrame({"smokes": smokes, "tar": tar, "damage": damage})
    >>> graph = CausalGraph(
    ...     [("smokes", "tar"), ("tar", "damage")], [("smokes", "damage")]
    ... )
    >>> found = estimate(identify(graph, "smokes", "damage", kind="general"), frame)
    >>> lower, upper = found.interval()
    >>> bool(lower < 0.7 < upper)
    True
    """
    if not isinstance(estimand, Estimand):
        raise TypeError(
            f"estimate: estimand must be what identify returned, got "
            f"{type(estimand).__name__}. Call estimate(identify(graph, treatment, "
            "outcome), frame)."
        )
    if is_polars(frame):
        frame = pandas_from_polars(frame)
    general = estimand.kind in ("general", "conditional")
    if general:
        _refuse_experiments(estimand)
        frame = frame.reset_index(drop=True)
        worlds = contrasts(estimand, frame, treated, control)
        return _as_it_stands(
            estimand, frame, worlds, learner, sample_weight, groups, random_state
        )
    if treated is not None:
        raise ValueError(
            "estimate: treated is for formulas without a learner; learners compare "
            "every arm with control."
        )
    task = task_of(estimand, frame, learner, control=control, random_state=random_state)
    extra = {"sample_weight": sample_weight, "groups": groups}
    task.parameters.update({k: v for k, v in extra.items() if v is not None})
    fitted = task.fitted()
    found: EffectEstimate = fitted.average_effect()
    return found


def _refuse_experiments(estimand: Estimand) -> None:
    parts = [p for p in estimand.expression.walk() if isinstance(p, Probability)]
    used = {one.node for part in parts for one in part.do}
    places = sorted({part.population for part in parts} - {""})
    if used or places:
        nodes = ", ".join(map(str, estimand.graph.ordered(used)))
        what = [f"an experiment in which {nodes} was set"] if used else []
        what += [f"data of {', '.join(places)}"] if places else []
        raise IdentificationError(
            f"estimate: the formula {estimand.expression} uses {' and '.join(what)}, "
            "and takes more than one table. Use estimand.evaluate(table, "
            "experiments=..., populations=...) with shares from each."
        )


def _check_learner(learner: Any) -> None:
    if not hasattr(learner, "average_effect"):
        raise TypeError(
            f"estimate: learner must be an estimator of effects with average_effect, "
            f"got {type(learner).__name__}. Give a model such as this one to a "
            "learner, for example AIPW(outcome_model=..., propensity_model=...)."
        )


def _as_it_stands(
    estimand: Estimand,
    frame: pd.DataFrame,
    worlds: dict[str, tuple[World, World]],
    regressor: Any,
    sample_weight: Any,
    groups: Any,
    random_state: Any,
) -> EffectEstimate:
    """Estimate a formula that no learner is made for."""
    if len(estimand.outcome) != 1:
        raise ValueError("estimate: one outcome at a time. Call identify for each.")
    (outcome,) = estimand.outcome
    nodes = nodes_of(estimand.expression)
    named = {*nodes, outcome, *estimand.treatment, *estimand.given} - {outcome}
    many = [node for node in named if frame[node].nunique() > MOST_LEVELS]
    if hasattr(regressor, "average_effect"):
        raise ValueError(
            f"estimate: a formula of the kind {estimand.kind!r} has no learner; "
            f"{type(regressor).__name__} is one. Leave learner out to count, or pass "
            "a regressor."
        )
    if regressor is not None or many:
        values = _simulated(
            estimand, frame, worlds, regressor, sample_weight, random_state, many
        )
        influence = np.full((len(frame), len(values)), np.nan)
    else:
        weight = check_weights(sample_weight, len(frame), "estimate")
        weight = np.ones(len(frame)) if weight is None else weight
        shares = observed_shares(frame, nodes, outcome, weight)
        flat = [world for pair in worlds.values() for world in pair]
        means, slopes = mean_outcomes(estimand.expression, shares, outcome, flat)
        values = means[::2] - means[1::2]
        influence = slopes[:, ::2] - slopes[:, 1::2]
        influence = influence * (weight / weight.mean())[:, None]
    return EffectEstimate(
        values[None],
        influence[None],
        labels=tuple(worlds),
        groups=None if groups is None else np.asarray(groups),
        name=f"effect of {', '.join(map(str, estimand.treatment))} on {outcome}",
    )


def _simulated(
    estimand: Estimand,
    frame: pd.DataFrame,
    worlds: dict[str, tuple[World, World]],
    regressor: Any,
    sample_weight: Any,
    random_state: Any,
    many: Sequence[Any],
) -> np.ndarray:
    """Return effects by draws from fitted models."""
    (outcome,) = estimand.outcome
    if sample_weight is not None:
        raise ValueError("estimate: draws from models take no sample_weight.")
    try:
        chain = chain_of(estimand.expression, outcome)
    except NotAChainError as error:
        columns = ", ".join(map(str, many)) or "none"
        raise ValueError(
            f"estimate: the formula {estimand.expression} is estimated by counting "
            f"only, for columns of at most {MOST_LEVELS} levels (more: {columns}). Cut "
            "them into classes (pandas.qcut), and leave learner out."
        ) from error
    warnings.warn(
        "estimate: the formula was followed by draws from fitted models, for which no "
        "valid interval is known, so standard errors are NaN. Cut columns into classes "
        "for an interval.",
        NoIntervalWarning,
        stacklevel=4,
    )
    seed = int(check_random_state(random_state).randint(2**31 - 1))
    models = Models(frame, outcome, regressor, None, seed)
    return np.array(
        [
            models.mean_outcome(chain, one, N_DRAWS)
            - models.mean_outcome(chain, other, N_DRAWS)
            for one, other in worlds.values()
        ]
    )
