"""What a search for recourse found."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Recourse:
    """One way to another decision.

    Parameters
    ----------
    actions : dict of node to value
        What to set.
    cost : float
        Sum of the costs of the actions.
    score : float
        Probability of the desired class, or value predicted, after the actions; mean
        over the draws.
    probability : float
        Share of the draws in which the decision is as desired: 1 where the row's noise
        is known.
    consequences : DataFrame of shape (n_draws, n_nodes)
        The row as it would be, everything that follows from the actions included.
    feature_edit_suffices : bool
        Whether a change of these features alone, without what follows from it, would
        have the desired decision too.

    Examples
    --------
    >>> import pandas as pd
    >>> from skcausal.decision import Recourse
    >>> after = pd.DataFrame({"income": [2.0], "savings": [1.0]})
    >>> way = Recourse({"income": 2.0}, 0.3, 0.6, 1.0, after, False)
    >>> way.text()
    'income = 2'
    """

    actions: Mapping[Any, Any]
    cost: float
    score: float
    probability: float
    consequences: pd.DataFrame
    feature_edit_suffices: bool

    def text(self) -> str:
        """Return the actions as text.

        Returns
        -------
        str
            Such as ``"income = 2, purpose = car"``.
        """
        return ", ".join(
            f"{node} = {value:.6g}" if isinstance(value, float) else f"{node} = {value}"
            for node, value in self.actions.items()
        )


@dataclass(frozen=True)
class RecourseResult:
    """What `StructuralRecourse.explain` found for some rows.

    Parameters
    ----------
    alternatives : dict of row label to tuple of Recourse
        The ways of each row, best first; empty where none was found or needed.
    scores : Series
        Of each row as it is.
    granted : Series of bool
        Whether the decision is as desired already.

    Examples
    --------
    >>> import pandas as pd
    >>> from skcausal.decision import RecourseResult
    >>> result = RecourseResult({}, pd.Series([0.7]), pd.Series([True]))
    >>> len(result.to_frame())
    0
    """

    alternatives: Mapping[Any, tuple[Recourse, ...]]
    scores: pd.Series
    granted: pd.Series

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each way.

        Returns
        -------
        DataFrame
            Indexed by row and alternative, with ``actions`` as text, ``n_actions``,
            ``cost``, ``score_before``, ``score``, ``probability`` and
            ``feature_edit_suffices``.
        """
        columns = ["actions", "n_actions", "cost", "score_before", "score"]
        columns += ["probability", "feature_edit_suffices"]
        rows = {
            (row, place): (
                way.text(),
                len(way.actions),
                way.cost,
                self.scores[row],
                way.score,
                way.probability,
                way.feature_edit_suffices,
            )
            for row, ways in self.alternatives.items()
            for place, way in enumerate(ways)
        }
        index = pd.MultiIndex.from_tuples(list(rows), names=["row", "alternative"])
        if not rows:
            index = pd.MultiIndex.from_arrays([[], []], names=["row", "alternative"])
        return pd.DataFrame(list(rows.values()), index=index, columns=columns)

    @property
    def without(self) -> list[Any]:
        """Labels of rows that need another decision, and have no way to it."""
        return [
            row
            for row, ways in self.alternatives.items()
            if not ways and not self.granted[row]
        ]
