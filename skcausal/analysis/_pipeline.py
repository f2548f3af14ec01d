"""The analysis itself: from a checked table to an `AnalysisResult`."""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import train_test_split

from skcausal.analysis import _evidence as evidence
from skcausal.analysis._candidates import Design
from skcausal.analysis._code import reproducing_code
from skcausal.analysis._comparison import (
    collect_warnings,
    compare_arms,
    run_checks,
)
from skcausal.analysis._design import design_shares, observed_shares
from skcausal.analysis._result import (
    AnalysisResult,
    ArmSummary,
    AverageEffect,
    Contrast,
    Estimate,
    Question,
    Settings,
)
from skcausal.analysis._search import Search, search
from skcausal.analysis._tables import Table

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

EVALUATION_SHARE = 0.4
STEPS = 6
_MANY_ROWS = 20_000
_TARGETS = ("all", "treated", "control")
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Options:
    """How an analysis is run.

    Parameters
    ----------
    source : str
        The name of the table, for the report and the code in it.
    time_budget : float
        Seconds for the search.
    randomised : sequence of str or None
        None: not an experiment. Otherwise the shares as the user wrote them.
    random_state : int
        Seed of every random choice.
    loading : tuple of str
        The import and the expression that make the table, for the code in the report.
    """

    source: str
    time_budget: float = 60.0
    randomised: Sequence[str] | None = None
    random_state: int = 0
    loading: tuple[str, str] = ("", "pd.DataFrame()")


def analyse(
    table: Table, options: Options, advance: Callable[[str], None] = lambda step: None
) -> AnalysisResult:
    """Analyse a checked table.

    Parameters
    ----------
    table : Table
        What `check_table` returned.
    options : Options
        How the analysis is run.
    advance : callable
        Told the name of each of the `STEPS` steps as it begins.

    Returns
    -------
    AnalysisResult
        Everything the report says.

    Raises
    ------
    InputError
        If the shares after --randomised cannot be read.
    """
    start = time.perf_counter()
    question = _question(table, options)
    design = Design(table.arms, question.shares, options.random_state)
    fit_rows, evaluation_rows = split_rows(table, options.random_state)
    with _collected_warnings() as messages, _few_threads(len(table.y)):
        advance("comparing learners")
        found = search(table, fit_rows, design, options.time_budget, advance)
        learner = design.learner(found.best)
        advance("average effects on all rows")
        averages, propensity = _average_effects(table, learner)
        advance("fitting the chosen learner")
        parts = (fit_rows, evaluation_rows)
        contrasts = _contrasts(table, learner, parts, design, advance)
        advance("checking the arms")
        comparison = compare_arms(table, question, propensity)
    settings = _settings(
        (fit_rows, evaluation_rows), found, options, time.perf_counter() - start
    )
    return AnalysisResult(
        question=question,
        arms=_arms(table),
        average_effects=averages,
        contrasts=contrasts,
        leaderboard=found.leaderboard,
        balance=comparison.balance,
        checks=run_checks(table, question, comparison, contrasts),
        settings=settings,
        code=reproducing_code(table, design, found.best, options.loading),
        overlap=comparison.overlap,
        sample_ratio=comparison.sample_ratio,
        notes=table.notes,
        warnings=collect_warnings(table, question, comparison, messages),
    )


def split_rows(table: Table, random_state: int) -> tuple[IntArray, IntArray]:
    """Split the rows in a part for fitting and one for evaluation, by arm."""
    fit_rows, evaluation_rows = train_test_split(
        np.arange(len(table.y)),
        test_size=EVALUATION_SHARE,
        stratify=table.treatment,
        random_state=random_state,
    )
    return np.sort(fit_rows), np.sort(evaluation_rows)


@contextmanager
def _collected_warnings() -> Iterator[list[str]]:
    """Collect what the library warns about, each message once."""
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield messages
    for entry in caught:
        if issubclass(entry.category, UserWarning):
            messages.append(str(entry.message))
    messages[:] = dict.fromkeys(messages)


@contextmanager
def _few_threads(n_rows: int) -> Iterator[None]:
    """Use one thread on small tables: more of them mostly wait for each other."""
    import lightgbm  # noqa: F401  (its threads can be limited once it is loaded)
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    with threadpool_limits(1 if n_rows < _MANY_ROWS else None):
        yield


def _question(table: Table, options: Options) -> Question:
    shares = None
    given = None
    if options.randomised is not None:
        given = design_shares(options.randomised, table)
        shares = given or observed_shares(table)
    return Question(
        source=options.source,
        rows=len(table.y),
        outcome=table.columns.outcome,
        treatment=table.columns.treatment,
        labels=table.labels,
        binary_outcome=table.binary_outcome,
        features=tuple(str(name) for name in table.X.columns),
        by=table.columns.by,
        shares=shares,
        shares_given=given is not None,
    )


def _arms(table: Table) -> tuple[ArmSummary, ...]:
    return tuple(
        ArmSummary(
            label=label,
            rows=int((table.codes == code).sum()),
            share=float((table.codes == code).mean()),
            mean_outcome=float(table.y[table.codes == code].mean()),
        )
        for code, label in enumerate(table.labels)
    )


def _average_effects(
    table: Table, learner: Any
) -> tuple[tuple[AverageEffect, ...], FloatArray]:
    """Return averages over all rows, and the out-of-fold propensities (n, n_arms)."""
    from sklearn.base import clone

    fitted = clone(learner).fit(table.X, table.y, treatment=table.treatment)
    found = []
    for target in _TARGETS:
        estimates = _estimates(fitted.average_effect(target=target))
        for label, estimate in zip(table.labels[1:], estimates, strict=True):
            found.append(AverageEffect(label, table.labels[0], target, estimate))
    if table.by is not None:
        found += _by_group(table, fitted)
    nuisances = fitted.nuisances_
    name = "propensity" if "propensity" in nuisances else "treatment_mean"
    order = {label: position for position, label in enumerate(table.labels)}
    found.sort(key=lambda entry: order[entry.treated])
    return tuple(found), np.asarray(nuisances[name])[0]


def _by_group(table: Table, fitted: Any) -> list[AverageEffect]:
    by = np.asarray(table.by, dtype=str)
    names, sizes = np.unique(by, return_counts=True)
    rows = dict(zip(names.tolist(), sizes.tolist(), strict=True))
    cells = [(arm, group) for arm in table.labels[1:] for group in names.tolist()]
    estimates = _estimates(fitted.average_effect(by=by))
    return [
        AverageEffect(arm, table.labels[0], "all", estimate, group, rows[group])
        for (arm, group), estimate in zip(cells, estimates, strict=True)
    ]


def _estimates(effect: Any) -> list[Estimate]:
    """Turn an EffectEstimate into plain numbers."""
    lower, upper = effect.interval()
    columns = [effect.value, effect.standard_error, lower, upper, effect.p_value]
    if np.size(effect.value) > 1:
        columns.append(effect.adjusted_p_value(random_state=0))
    table = np.column_stack([np.atleast_1d(column) for column in columns])
    return [Estimate(*map(float, row)) for row in table]


def _contrasts(
    table: Table,
    learner: Any,
    parts: tuple[IntArray, IntArray],
    design: Design,
    advance: Callable[[str], None],
) -> tuple[Contrast, ...]:
    """Fit on one part of the rows, judge on the other."""
    from sklearn.base import clone

    fit_rows, rows = parts
    fitted = clone(learner).fit(
        table.X.iloc[fit_rows], table.y[fit_rows], treatment=table.treatment[fit_rows]
    )

    def predict(X: pd.DataFrame) -> FloatArray:
        return np.asarray(fitted.effect(X), dtype=float).reshape(len(X), -1)

    X = table.X.iloc[rows]
    effects = predict(X)
    scores = _scores(table, rows, design)
    advance("who gains")
    importance = evidence.permutation_importance(predict, X, design.random_state)
    return tuple(
        _contrast(
            (table.labels[position + 1], table.labels[0]),
            effects[:, position],
            scores[:, position],
            evidence.drivers(importance[:, position], X, scores[:, position]),
            design.random_state,
        )
        for position in range(scores.shape[1])
    )


def _scores(table: Table, rows: IntArray, design: Design) -> FloatArray:
    """Return doubly robust scores, cross-fitted on the evaluation rows alone."""
    from skcausal.estimation._evaluation import EvaluationOptions, effect_scores

    scores = effect_scores(
        table.X.iloc[rows],
        table.y[rows],
        treatment=table.treatment[rows],
        control_arm=table.arms[0],
        options=EvaluationOptions(
            propensity_model=design.propensity, random_state=design.random_state
        ),
    )
    return np.asarray(scores, dtype=float).reshape(len(rows), -1)


def _contrast(
    labels: tuple[str, str],
    effects: FloatArray,
    scores: FloatArray,
    found_drivers: tuple[Any, ...],
    random_state: int,
) -> Contrast:
    gain, toc = evidence.gain_and_toc(effects, scores, random_state)
    return Contrast(
        treated=labels[0],
        control=labels[1],
        overall=evidence.mean_estimate(scores),
        groups=evidence.group_effects(effects, scores),
        toc=toc,
        gain=gain,
        autoc=evidence.rate(effects, scores, "autoc", random_state),
        qini=evidence.rate(effects, scores, "qini", random_state),
        slope=evidence.calibration_slope(effects, scores),
        drivers=found_drivers,
        predicted_quantiles=tuple(np.quantile(effects, _QUANTILES).tolist()),
    )


def _settings(
    parts: tuple[IntArray, IntArray], found: Search, options: Options, seconds: float
) -> Settings:
    from skcausal import __version__

    today = date.today()
    return Settings(
        fit_rows=len(parts[0]),
        evaluation_rows=len(parts[1]),
        search_rows=found.rows,
        search_folds=found.folds,
        random_state=options.random_state,
        time_budget=options.time_budget,
        seconds=seconds,
        version=__version__,
        created=f"{today.day} {today:%B %Y}",
    )
