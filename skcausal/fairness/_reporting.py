"""What is audited, and the result put together."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from skcausal.fairness._audit import FairnessAudit
from skcausal.fairness._comparing import Predictions, compare
from skcausal.fairness._predictor import AuditedPredictor
from skcausal.fairness._spread import Spread
from skcausal.fairness._tables import (
    bounds_table,
    group_table,
    pair_table,
    row_table,
    summarise,
)
from skcausal.fairness._worlds import Worlds


@dataclass(frozen=True)
class Case:
    """A predictor, rows, and the values that their attribute is set to.

    Nothing is said of rows whose value is in ``small``.
    """

    asked: AuditedPredictor
    frame: pd.DataFrame
    group: pd.Series
    values: list[Any]
    small: list[Any]
    outcome: Any
    owner: str

    @property
    def counted(self) -> np.ndarray:
        """Rows of groups that are large enough."""
        rows = ~self.group.isin(self.small).to_numpy()
        if not rows.any():
            raise ValueError(
                f"{self.owner}: all rows are of groups with too few rows in fit "
                f"({', '.join(map(str, self.small))}). Fit on more rows."
            )
        if not self.group[rows].isin(self.values).any():
            raise ValueError(
                f"{self.owner}: no row has one of the values {self.values!r}. Add the "
                "rows' own values, so that pairs can be formed."
            )
        return rows

    def nodes(self, graph: Any) -> list[Any]:
        """Return the nodes that the predictor may depend on."""
        if self.asked.derived is None:
            return [node for node in graph.nodes if node in self.asked.features]
        outcome = self.outcome if isinstance(self.outcome, str) else None
        return [n for n in graph.nodes if n in self.frame and n != outcome]

    def compare(
        self, worlds: Worlds, n_draws: int, random: np.random.Generator
    ) -> Predictions:
        """Predict for the rows that count, as they are and in each world."""
        rows = self.frame[self.counted]
        return compare(worlds, self.asked, rows, self.values, n_draws, random)

    def outcomes(self) -> Any:
        """Return what happened, for all rows; None if it is not known."""
        if isinstance(self.outcome, str):
            if self.outcome not in self.frame:
                raise ValueError(
                    f"{self.owner}: outcome names {self.outcome!r}, which is no column "
                    "of frame."
                )
            return self.frame[self.outcome].to_numpy()
        return self.outcome


def report(
    case: Case,
    worlds: Worlds,
    found: Predictions,
    spread: Spread,
    outside: np.ndarray,
    n_draws: int,
) -> FairnessAudit:
    """Return the result."""
    index, counted = case.frame.index, case.counted
    groups = pd.DataFrame({"group": case.group.to_numpy()}, index=index)
    rows = row_table(found, groups[counted], outside)
    pairs = pair_table(found, outside)
    numbers = summarise(found, rows, pairs) | {
        "standard_error": float(spread.replicates.std(ddof=1)),
        "p_value": spread.p_value,
    }
    scores = np.full((len(index), len(case.values)), np.nan)
    scores[counted] = found.scores
    rows = _all_rows(case, worlds, groups, rows)
    return FairnessAudit(
        rows=rows,
        scores=pd.DataFrame(scores, index=index, columns=case.values),
        pairs=pairs,
        groups=group_table(rows, case.outcomes(), case.owner),
        bounds=bounds_table(found, pairs) if case.asked.decides else pd.DataFrame(),
        summary=pd.Series(numbers),
        replicates=spread.replicates,
        exact=worlds.exact,
        n_counterfactuals=n_draws,
        coupling=worlds.coupling,
        n_refits=spread.n_refits,
        density={"edges": found.edges, "before": found.before, "after": found.density},
    )


def _all_rows(
    case: Case, worlds: Worlds, groups: pd.DataFrame, rows: pd.DataFrame
) -> pd.DataFrame:
    """Add the rows of small groups, with what was predicted and nothing more."""
    others = ~case.counted
    if not others.any():
        return rows
    nodes = list(worlds.model.graph.observed)
    score, decision = case.asked(case.frame.loc[others, nodes])
    rest = groups[others].assign(
        score=score, decision=np.nan if decision is None else decision.astype(float)
    )
    both = pd.concat([rows, rest.reindex(columns=rows.columns).astype(rows.dtypes)])
    place = np.concatenate([np.flatnonzero(~others), np.flatnonzero(others)])
    return both.iloc[np.argsort(place)]
