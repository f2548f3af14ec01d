"""Attacks on the estimate: the chosen learner refitted on changed tables."""

import warnings
from typing import Any

import numpy as np
import pandas as pd

from skcausal.analysis._result import Attacks, RefuterRow
from skcausal.analysis._search import subsample
from skcausal.analysis._tables import Table

MOST_ROWS = 10_000
FOLDS = 2
REFUTERS = ("PlaceboTreatment()", 'DummyOutcome("learned")', "DataSubset()")


def attack(
    table: Table, learner: Any, simulations: int, random_state: int
) -> Attacks | None:
    """Refit the learner where the answer is known, and compare.

    Parameters
    ----------
    table : Table
        The checked table.
    learner : estimator
        The chosen learner, unfitted.
    simulations : int
        Refits per refuter; 0 skips all.
    random_state : int
        Seed of all simulations.

    Returns
    -------
    Attacks or None
        The verdicts on the average effect of each arm. Of tables of more than 11,000
        rows 10,000 are drawn at random within each arm; refits are cross-fitted with
        two folds, which takes less time.
    """
    if simulations == 0:
        return None
    from sklearn.base import clone

    from skcausal import validation

    rows = np.arange(len(table.y))
    if len(rows) > 1.1 * MOST_ROWS:
        rows = subsample(rows, table.codes, MOST_ROWS, random_state)
    try:
        found = validation.refute(
            clone(learner).set_params(cv=FOLDS),
            table.X.iloc[rows],
            table.y[rows],
            treatment=table.treatment[rows],
            refuters=_refuters(),
            n_simulations=simulations,
            cv=None,
            random_state=random_state,
            progress=False,
        )
    except ValueError as error:  # such as arms too small for the folds
        warnings.warn(f"No attack could be made: {error}", UserWarning, stacklevel=2)
        return Attacks((), simulations, len(rows), FOLDS)
    return Attacks(
        rows=_rows(table, found.table),
        simulations=simulations,
        table_rows=len(rows),
        folds=FOLDS,
        notes=tuple(found.notes),
    )


def _refuters() -> list[Any]:
    """Run the code of the refuters: what the report shows is what was used."""
    from skcausal import validation

    return [eval(refuter, vars(validation)) for refuter in REFUTERS]


def _rows(table: Table, verdicts: Any) -> tuple[RefuterRow, ...]:
    """Name the arms; for each refuter they come in their order, control left out."""
    arms = table.labels[1:]
    rows = []
    for position, (name, row) in enumerate(verdicts.iterrows()):
        passed = row["passed"]
        rows.append(
            RefuterRow(
                refuter=name[0] if isinstance(name, tuple) else name,
                treated=arms[position % len(arms)],
                expectation=row["expectation"],
                expected=float(row["expected"]),
                original=float(row["original"]),
                refuted=float(row["refuted"]),
                lower=float(row["lower"]),
                upper=float(row["upper"]),
                p_value=float(row["p_value"]),
                passed=None if pd.isna(passed) else bool(passed),
                verdict=row["verdict"],
            )
        )
    return tuple(rows)
