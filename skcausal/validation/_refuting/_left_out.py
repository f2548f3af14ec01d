"""LeaveOneConfounderOut: what each covariate does to the estimate."""

from typing import Any, ClassVar

import numpy as np
import pandas as pd

from skcausal.validation._refuting._base import (
    NORMAL_QUANTILE,
    Conclusion,
    Refuter,
    Simulation,
    in_digits,
)
from skcausal.validation._refuting._data import (
    RefutationData,
    column_names,
    with_shuffled,
)

_MAX_COLUMNS = 50


class LeaveOneConfounderOut(Refuter):
    """Take what each covariate tells away: how far would the effect move.

    Parameters
    ----------
    columns : sequence of names or positions, default=None
        Covariates to leave out one at a time; None is all, at most 50.

    Notes
    -----
    Assumes covariates that are left out resemble confounders that were never measured:
    it says what missing one as strong as the strongest known would do. Values of the
    column are shuffled over rows, so Pipelines find the columns they know. One refit
    per column, with folds and seeds of the original fit; the table shows the column
    that moves the effect most, ``details["left_out"]`` all of them, where
    ``shift = refuted - original`` is also given in standard errors of the original.

    References
    ----------
    Cinelli, C., & Hazlett, C. (2020). Making sense of sensitivity: extending omitted
    variable bias. Journal of the Royal Statistical Society B, 82(1), section 4.4, on
    benchmarks from observed covariates. https://doi.org/10.1111/rssb.12348

    Examples
    --------
    >>> from skcausal.validation import LeaveOneConfounderOut
    >>> LeaveOneConfounderOut(columns=["age"])
    LeaveOneConfounderOut(columns=['age'])
    """

    _has_p_value: ClassVar[bool] = False
    _paired: ClassVar[bool] = True
    _expectation: ClassVar[str] = "no covariate carries the conclusion"

    def __init__(self, columns: Any = None) -> None:
        self.columns = columns

    def _unavailable(self, data: RefutationData) -> str | None:
        n_columns = data.X.shape[1]
        if self.columns is None and n_columns > _MAX_COLUMNS:
            return (
                f"X has {n_columns} columns; name those to leave out: "
                "LeaveOneConfounderOut(columns=[...])"
            )
        names = column_names(data.X)
        unknown = [c for c in self.columns or () if not self._knows(c, names)]
        if unknown:
            return f"X has no columns {unknown!r}"
        return None

    @staticmethod
    def _knows(column: Any, names: list[Any]) -> bool:
        is_position = isinstance(column, (int, np.integer))
        return column in names or (is_position and 0 <= column < len(names))

    def _settings(
        self, data: RefutationData, n_simulations: int, seed: int
    ) -> list[Any]:
        return column_names(data.X) if self.columns is None else list(self.columns)

    def _alter(
        self, data: RefutationData, setting: Any, random: np.random.Generator
    ) -> RefutationData:
        names = column_names(data.X)
        position = names.index(setting) if setting in names else int(setting)
        return data.changed(X=with_shuffled(data.X, position, random))

    def _details(
        self, data: RefutationData, simulations: list[Simulation]
    ) -> dict[str, pd.DataFrame]:
        rows = [
            {
                "effect": label,
                "left_out": s.setting,
                "refuted": s.value[k],
                "lower": s.value[k] - NORMAL_QUANTILE * s.standard_error[k],
                "upper": s.value[k] + NORMAL_QUANTILE * s.standard_error[k],
                "shift": s.value[k] - data.effect[k],
                "shift_in_standard_errors": (s.value[k] - data.effect[k])
                / data.standard_error[k],
            }
            for k, label in enumerate(data.labels)
            for s in simulations
        ]
        return {"left_out": pd.DataFrame(rows)}

    def _conclude(
        self, data: RefutationData, simulations: list[Simulation]
    ) -> list[Conclusion]:
        table = self._details(data, simulations)["left_out"]
        conclusions = []
        for k, label in enumerate(data.labels):
            part = table[table["effect"] == label]
            worst = part.iloc[int(np.argmax(part["shift"].abs()))]
            passed = self._conclusion_stays(data, k, part)
            conclusions.append(
                Conclusion(
                    effect=label,
                    expectation=self._expectation,
                    expected=float(data.effect[k]),
                    refuted=float(worst["refuted"]),
                    lower=float(worst["lower"]),
                    upper=float(worst["upper"]),
                    p_value=np.nan,
                    passed=passed,
                    verdict=self._shift_verdict(data, k, worst, passed),
                )
            )
        return conclusions

    @staticmethod
    def _conclusion_stays(data: RefutationData, k: int, part: pd.DataFrame) -> bool:
        """Tell whether sign and significance are the same without any one covariate."""
        effect, error = data.effect[k] - data.null, data.standard_error[k]
        part = part[part["shift_in_standard_errors"].abs() > Refuter._tolerance]
        significant = abs(effect) > NORMAL_QUANTILE * error
        low, high = part["lower"] > data.null, part["upper"] < data.null
        if not significant:
            return not bool((low | high).any())
        return bool((low if effect > 0 else high).all())

    @staticmethod
    def _shift_verdict(data: RefutationData, k: int, worst: Any, passed: bool) -> str:
        error = float(data.standard_error[k])
        column = worst["left_out"]
        column = repr(column) if isinstance(column, str) else f"column {column}"
        moved = (
            f"without {column} it would be "
            f"{in_digits(worst['refuted'], error)}, a change of "
            f"{abs(worst['shift_in_standard_errors']):.2g} standard errors"
        )
        if passed:
            return f"robust: no covariate decides the conclusion; {moved}"
        return f"sensitive: missing one covariate would change the conclusion; {moved}"
