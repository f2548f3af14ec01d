"""Effects of causes: by adjustment, by Pyro's do, and what the naive models say."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from skcausal.estimation.deconfounding._diagnostics import (
    explained,
    extreme_share,
    ignorance_width,
    variance_inflation,
)
from skcausal.estimation.deconfounding._intervention import draw_under, make_program
from skcausal.estimation.deconfounding._outcome import (
    OutcomeFit,
    Rows,
    fit_outcome,
    is_binary,
)

OVERLAP_LIMIT = 0.9
EXTREME_LIMIT = 0.2
INFLATION_LIMIT = 10.0
Levels = tuple[float, float]
# Draws by do for each effect, over all rows.
_SAMPLES = 10_000


@dataclass(frozen=True)
class FittedModels:
    """All that effects, checks and counterfactuals need of a fitted deconfounder."""

    names: list[Any]
    rows: Rows
    y: np.ndarray
    z: np.ndarray
    factor_model: Any
    fit: OutcomeFit
    naive_rows: Rows
    outcome_model: Any
    seed: int

    @cached_property
    def naive(self) -> OutcomeFit:
        """The same outcome model without the confounder, fitted at first use."""
        return fit_outcome(self.outcome_model, self.naive_rows, self.y, "none")

    @cached_property
    def expected_causes(self) -> np.ndarray:
        """Expected causes of the rows under the factor model."""
        return np.asarray(self.factor_model.reconstruct(self.rows.causes))

    def position(self, cause: Any, owner: str) -> int:
        """Return the position of a cause among the causes."""
        if cause not in self.names:
            shown = ", ".join(repr(name) for name in self.names[:5])
            more = ", ..." if len(self.names) > 5 else ""
            raise ValueError(
                f"{owner}: cause must be one of the causes ({shown}{more}), got "
                f"{cause!r}. The names are in causes_."
            )
        return self.names.index(cause)

    def draws(self, n_draws: int, rows: Rows) -> np.ndarray:
        """Return posterior draws of the confounder, (n_draws, n, n_columns)."""
        if self.fit.adjust != "substitute":
            return rows.confounder[None]
        drawn = self.factor_model.sample_posterior(rows.causes, n_draws, self.seed)
        return np.asarray(drawn, dtype=float)


def adjusted_effect(
    fit: OutcomeFit, rows: Rows, draws: np.ndarray, cause: int, levels: Levels
) -> float:
    """Average the contrast of two levels over rows and draws of the confounder."""
    if fit.is_linear:
        return float(fit.coefficients[cause] * (levels[0] - levels[1]))
    means = []
    for level in levels:
        causes = rows.causes.copy()
        causes[:, cause] = level
        changed = rows.with_causes(causes)
        means.append(
            np.mean([fit.expected(changed.with_confounder(z)).mean() for z in draws])
        )
    return float(means[0] - means[1])


def effect_by_do(
    models: FittedModels, draws: np.ndarray, cause: int, levels: Levels
) -> tuple[float, float]:
    """Return the effect by Pyro's do, and its Monte Carlo standard error."""
    rows, n = models.rows, len(models.y)
    program = make_program(models.fit, rows, draws, models.expected_causes, [cause])
    n_samples = max(2, -(-_SAMPLES // n))
    worlds = [
        draw_under(program, {cause: level}, n, n_samples, models.seed + k)
        for k, level in enumerate(levels)
    ]
    gaps = worlds[0] - worlds[1]
    error = np.sqrt(gaps.var(axis=0, ddof=1).mean() / gaps.size)
    return float(gaps.mean()), float(error)


def contrasts(causes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the slope of the outcome on each cause alone, no one else held fixed."""
    centred = causes - causes.mean(axis=0)
    return np.asarray(centred.T @ y / (centred**2).sum(axis=0))


def effects_table(models: FittedModels, draws: np.ndarray) -> pd.DataFrame:
    """Return what is known of each cause but its effect by do."""
    A, z = models.rows.causes, models.z
    levels = (1.0, 0.0)
    position = range(A.shape[1])
    effect = np.array(
        [adjusted_effect(models.fit, models.rows, draws, j, levels) for j in position]
    )
    none = models.naive_rows.confounder[None]
    naive = np.array(
        [
            adjusted_effect(models.naive, models.naive_rows, none, j, levels)
            for j in position
        ]
    )
    table = pd.DataFrame(
        {
            "cause": models.names,
            "support": (A != 0).sum(axis=0),
            "coefficient": models.fit.coefficients,
            "standard_error": models.fit.standard_errors,
            "effect": effect,
            "effect_do": np.nan,
            "effect_do_error": np.nan,
            "naive": naive,
            "contrast": contrasts(A, models.y),
            "difference": effect - naive,
            "rank": ranks(effect),
            "rank_naive": ranks(naive),
            "overlap_r2": explained(A, z),
            "extreme_share": extreme_share(A, z),
            "vif": variance_inflation(A, np.hstack([models.rows.covariates, z])),
            "ignorance_width": ignorance_width(A, z, float(models.y.std())),
        }
    )
    table["flags"] = flags_of(table, is_binary(A))
    return table.set_index("cause")


def ranks(values: np.ndarray) -> np.ndarray:
    """Return ranks from 1 for the largest value."""
    return pd.Series(-values).rank(method="min").astype(int).to_numpy()


def flags_of(table: pd.DataFrame, binary: np.ndarray) -> list[str]:
    """Return, for each cause, the reasons to doubt its effect, in words."""
    marks = {
        "no overlap": table["overlap_r2"] > OVERLAP_LIMIT,
        "hardly varies": (table["extreme_share"] > EXTREME_LIMIT) & binary,
        "collinear": table["vif"] > INFLATION_LIMIT,
        "sign open": table["ignorance_width"] / 2 > table["effect"].abs(),
    }
    flagged = pd.DataFrame(marks)
    return [
        ", ".join(name for name, on in zip(marks, row, strict=True) if on)
        for row in flagged.to_numpy()
    ]
