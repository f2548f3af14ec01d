"""Probabilities of causation: shares of draws, and bounds for any coupling."""

import numpy as np
import pandas as pd


def causation_table(
    arms: tuple[np.ndarray, np.ndarray],
    factual: np.ndarray,
    potential: tuple[np.ndarray, np.ndarray],
) -> pd.DataFrame:
    """Return PN, PS and PNS with standard errors and the bounds of Tian and Pearl.

    Parameters are bool arrays over draws: who has the treatment and who the control
    value, who has the event, and who would have it under either. The formulas allow
    for rows with neither value, and are those of the paper where there are none.
    """
    treated, control = arms
    under, without = potential
    helped = under & ~without
    hit = treated & factual
    spared = control & ~factual
    mean = {
        "x, y": hit.mean(),
        "x, no": (treated & ~factual).mean(),
        "x', y": (control & factual).mean(),
        "x', no": spared.mean(),
        "other": (~treated & ~control).mean(),
        "y_x": under.mean(),
        "y_x'": without.mean(),
    }
    rows = {
        "PN": _share(helped, hit) | _necessity_bounds(mean),
        "PS": _share(helped, spared) | _sufficiency_bounds(mean),
        "PNS": _share(helped, np.ones_like(hit)) | _both_bounds(mean),
    }
    return pd.DataFrame(rows).T.rename_axis("probability")


def _share(event: np.ndarray, among: np.ndarray) -> dict[str, float]:
    n = int(among.sum())
    if n == 0:
        return {"value": np.nan, "standard_error": np.nan}
    value = float(event[among].mean())
    return {"value": value, "standard_error": float(np.sqrt(value * (1 - value) / n))}


def _clipped(lower: float, upper: float, mass: float) -> dict[str, float]:
    """Return bounds of a conditional probability from those of the joint one."""
    if mass == 0:
        return {"lower": np.nan, "upper": np.nan}
    return {"lower": max(0.0, lower) / mass, "upper": min(mass, upper) / mass}


def _necessity_bounds(p: dict[str, float]) -> dict[str, float]:
    """Bound P(no event without the treatment, treatment, event)."""
    upper = (1 - p["y_x'"]) - p["x', no"]
    lower = upper - p["x, no"] - p["other"]
    return _clipped(lower, upper, p["x, y"])


def _sufficiency_bounds(p: dict[str, float]) -> dict[str, float]:
    """Bound P(event under the treatment, control, no event)."""
    upper = p["y_x"] - p["x, y"]
    lower = upper - p["x', y"] - p["other"]
    return _clipped(lower, upper, p["x', no"])


def _both_bounds(p: dict[str, float]) -> dict[str, float]:
    """Bound P(event under the treatment, no event without it)."""
    lower = max(
        p["y_x"] - p["y_x'"],
        p["x, y"] + p["x', y"] - p["y_x'"],
        p["y_x"] + p["x', no"] + p["x, no"] - 1,
    )
    upper = min(
        p["y_x"],
        1 - p["y_x'"],
        p["x, y"] + p["x', no"] + p["other"],
        p["y_x"] - p["y_x'"] + p["x, no"] + p["x', y"] + p["other"],
    )
    return _clipped(lower, upper, 1.0)
