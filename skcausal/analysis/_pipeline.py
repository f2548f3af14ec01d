"""The analysis itself: from a checked table to an `AnalysisResult`."""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import train_test_split

from skcausal.analysis._attacks import attack
from skcausal.analysis._candidates import Design
from skcausal.analysis._code import reproducing_code
from skcausal.analysis._comparison import (
    collect_warnings,
    compare_arms,
    run_checks,
)
from skcausal.analysis._contrasts import find_contrasts
from skcausal.analysis._design import design_shares, observed_shares
from skcausal.analysis._outcomes import average_effects, fit_outcomes, propensities
from skcausal.analysis._result import (
    AnalysisResult,
    ArmSummary,
    Question,
    Settings,
)
from skcausal.analysis._search import Search, search
from skcausal.analysis._sensitivity import sensitivity
from skcausal.analysis._tables import Table
from skcausal.utils._validation import OverlapWarning

IntArray = npt.NDArray[np.int64]

EVALUATION_SHARE = 0.4
STEPS = 8
_MANY_ROWS = 20_000


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
    simulations : int
        Refits per refuter; 0 skips them.
    loading : tuple of str
        The import and the expression that make the table, for the code in the report.
    """

    source: str
    time_budget: float = 60.0
    randomised: Sequence[str] | None = None
    random_state: int = 0
    simulations: int = 0
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
    with _collected_warnings(len(table.y)) as messages, few_threads(len(table.y)):
        advance("comparing learners")
        found = search(table, fit_rows, design, options.time_budget, advance)
        learner = design.learner(found.best)
        advance("average effects on all rows")
        fitted = fit_outcomes(table, learner)
        averages, others = average_effects(table, fitted)
        first = fitted[question.outcome]
        advance("fitting the chosen learner")
        parts = (fit_rows, evaluation_rows)
        contrasts = find_contrasts(table, learner, parts, design, advance)
        advance("checking the arms")
        comparison = compare_arms(table, question, propensities(first))
        advance("unobserved confounders")
        hidden = (
            () if question.randomised else sensitivity(table, question, first, averages)
        )
        advance("attacking the estimate")
        seed, simulations = options.random_state, options.simulations
        attacks = attack(table, learner, simulations, seed)
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
        checks=run_checks(table, question, comparison, contrasts, attacks, hidden),
        settings=settings,
        code=reproducing_code(
            table, design, found.best, options.loading, options.simulations
        ),
        other_outcomes=others,
        attacks=attacks,
        sensitivity=hidden,
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
def _collected_warnings(n_rows: int) -> Iterator[list[str]]:
    """Collect what the library warns about, each message once.

    Of the many fits whose rows hardly overlap only the first on all rows is told.
    """
    messages: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield messages
    overlap = []
    for entry in caught:
        if issubclass(entry.category, OverlapWarning):
            overlap.append(str(entry.message))
        elif issubclass(entry.category, UserWarning):
            messages.append(str(entry.message))
    messages += [text for text in overlap if f"of {n_rows} rows" in text][:1]
    messages[:] = dict.fromkeys(messages)


@contextmanager
def few_threads(n_rows: int) -> Iterator[None]:
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
        other_outcomes=table.columns.other_outcomes,
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
