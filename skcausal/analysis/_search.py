"""The leaderboard: which learner predicts effects best on these rows."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import train_test_split

from skcausal.analysis._candidates import CANDIDATES, Design
from skcausal.analysis._result import LeaderboardRow
from skcausal.analysis._tables import Table

IntArray = npt.NDArray[np.int64]

_PILOT_ROWS = 2000
_FOLDS = 3
_SAFETY = 0.7


@dataclass(frozen=True)
class Search:
    """A finished search: the ranking and the rows it used."""

    leaderboard: tuple[LeaderboardRow, ...]
    rows: int
    folds: int

    @property
    def best(self) -> str:
        """The name of the learner with the highest score."""
        return next(row.learner for row in self.leaderboard if row.chosen)


def search(
    table: Table,
    rows: IntArray,
    design: Design,
    time_budget: float,
    advance: Callable[[str], None] = lambda step: None,
) -> Search:
    """Compare the candidates within a time budget.

    A first round uses at most 2,000 rows. If time is left, a second round uses as
    many rows as the first one says there is time for.

    Parameters
    ----------
    table : Table
        The checked table.
    rows : ndarray of int
        The rows set aside for fitting and choosing.
    design : Design
        How learners are told about the treatment.
    time_budget : float
        Seconds.
    advance : callable
        Told the name of each round.

    Returns
    -------
    Search
        The leaderboard of the last round.
    """
    import skcausal.validation  # noqa: F401  (loading it is not part of the work)

    start = time.perf_counter()
    sample = subsample(rows, table.codes, _PILOT_ROWS, design.random_state)
    board = _compare(table, sample, design)
    elapsed = time.perf_counter() - start
    affordable = len(sample) * _SAFETY * (time_budget - elapsed) / max(elapsed, 1e-3)
    size = min(len(rows), int(affordable))
    if size > 1.5 * len(sample):
        advance(f"comparing learners on {size:,} rows")
        sample = subsample(rows, table.codes, size, design.random_state)
        board = _compare(table, sample, design)
    return Search(_ranked(board), len(sample), _FOLDS)


def subsample(
    rows: IntArray, codes: IntArray, size: int, random_state: int
) -> IntArray:
    """Draw rows with the arms in the same shares, in the order of the table."""
    if size >= len(rows):
        return rows
    drawn, _ = train_test_split(
        rows, train_size=size, stratify=codes[rows], random_state=random_state
    )
    return np.sort(drawn)


def _compare(table: Table, rows: IntArray, design: Design) -> pd.DataFrame:
    """Return one row per candidate, best first."""
    from skcausal.validation import compare_learners

    return compare_learners(
        [(name, design.learner(name)) for name in CANDIDATES],
        table.X.iloc[rows],
        table.y[rows],
        treatment=table.treatment[rows],
        scoring="r_score",
        cv=_FOLDS,
        random_state=design.random_state,
    )


def _ranked(board: pd.DataFrame) -> tuple[LeaderboardRow, ...]:
    return tuple(
        LeaderboardRow(
            learner=str(name),
            score=float(row["r_score"]),
            standard_error=float(row["r_score_standard_error"]),
            difference=float(row["difference"]),
            difference_error=float(row["difference_standard_error"]),
            seconds=float(row["fit_seconds"]),
            chosen=position == 0,
        )
        for position, (name, row) in enumerate(board.iterrows())
    )
