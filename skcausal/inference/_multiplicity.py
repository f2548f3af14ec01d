"""Several effects at once: what their largest error may be, and adjusted p-values."""

from collections.abc import Callable

import numpy as np

METHODS = (
    "romano_wolf",
    "holm",
    "bonferroni",
    "sidak",
    "holm-sidak",
    "simes-hochberg",
    "hommel",
    "fdr_bh",
    "fdr_by",
)


def largest_error(draws: np.ndarray, level: float) -> float:
    """Return the quantile of the largest absolute studentised draw."""
    largest = np.abs(draws).max(axis=1)
    return float(np.quantile(largest, level, method="higher"))


def step_down(ratios: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Return Romano-Wolf p-values of absolute ratios from studentised draws.

    The largest ratio is held against the largest draw of all effects, the next one
    against the largest of the remaining effects, and so on.
    """
    order = np.argsort(-ratios, kind="stable")
    largest = np.maximum.accumulate(np.abs(draws[:, order[::-1]]), axis=1)[:, ::-1]
    exceeding = (largest >= ratios[order]).sum(axis=0)
    stepwise = np.maximum.accumulate((1 + exceeding) / (1 + draws.shape[0]))
    adjusted = np.empty(len(ratios))
    adjusted[order] = stepwise
    return np.where(np.isnan(ratios), np.nan, adjusted)


def adjusted(
    method: str,
    p_values: np.ndarray,
    ratios: np.ndarray,
    draw: Callable[[], np.ndarray],
) -> np.ndarray:
    """Return p-values adjusted by step-down on draws, or by statsmodels' formulas."""
    if method not in METHODS:
        raise ValueError(
            "EffectEstimate.adjusted_p_value: method must be one of "
            f"{', '.join(map(repr, METHODS))}, got {method!r}."
        )
    if method == "romano_wolf":
        return np.maximum(step_down(ratios, draw()), p_values)
    from statsmodels.stats.multitest import multipletests

    return np.asarray(multipletests(p_values, method=method)[1])
