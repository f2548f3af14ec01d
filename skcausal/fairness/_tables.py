"""Tables of an audit, from predictions in each world."""

import warnings
from typing import Any

import numpy as np
import pandas as pd

from skcausal.fairness._comparing import (
    Predictions,
    flip_bounds,
    largest,
    total_variation,
)
from skcausal.fairness._group_metrics import SmallGroupWarning, group_metrics


def row_table(found: Predictions, frame: pd.DataFrame, outside: Any) -> pd.DataFrame:
    """Return one line per row; ``frame`` has the column of the groups only."""
    differences = found.differences
    rows = np.arange(len(frame))
    world = np.nanargmax(np.abs(differences), axis=1)
    flips = found.away(found.flips)
    decides = np.isfinite(found.decision).all()
    return frame.assign(
        score=found.score,
        decision=found.decision,
        world=np.asarray(found.values, dtype=object)[world],
        largest_difference=differences[rows, world],
        lower=found.lower[rows, world],
        upper=found.upper[rows, world],
        mean_difference=np.nanmean(np.abs(differences), axis=1),
        flip_probability=np.nanmax(flips, axis=1) if decides else np.nan,
        outside_support=outside.any(axis=1),
    )


def pair_table(found: Predictions, outside: np.ndarray) -> pd.DataFrame:
    """Return one line per pair of own value and other value."""
    differences, apart = found.differences, total_variation(found)
    lines = {}
    for a, start in enumerate(found.values):
        rows = found.own == a
        for b, end in enumerate(found.values):
            if a == b or not rows.any():
                continue
            delta = differences[rows, b]
            lines[start, end] = {
                "n": int(rows.sum()),
                "mean_difference": delta.mean(),
                "mean_absolute_difference": np.abs(delta).mean(),
                "flip_probability": found.flips[rows, b].mean(),
                "total_variation": apart[a, b],
                "outside_support": outside[rows, b].mean(),
            }
    return _by_pair(lines)


def bounds_table(found: Predictions, pairs: pd.DataFrame) -> pd.DataFrame:
    """Return bounds on the share of flips per pair, whatever the coupling."""
    lines = {}
    for start, end in pairs.index:
        a, b = found.values.index(start), found.values.index(end)
        rows = found.own == a
        before, after = found.decision[rows].mean(), found.rates[rows, b].mean()
        lower, upper = flip_bounds(before, after)
        lines[start, end] = {"lower": float(lower), "upper": float(upper)}
    return _by_pair(lines)


def _by_pair(lines: dict[Any, Any]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(lines, orient="index")
    table.index = pd.MultiIndex.from_tuples(lines, names=["from", "to"])
    return table


def group_table(rows: pd.DataFrame, outcome: Any) -> pd.DataFrame:
    """Return one line per group, with error rates where the outcome is known."""
    by = rows.groupby("group", observed=True, sort=True)
    size = rows["largest_difference"].abs()
    of = size.groupby(rows["group"], observed=True)
    table = pd.DataFrame(
        {
            "n": by.size(),
            "mean_score": by["score"].mean(),
            "unfairness": of.mean(),
            "standard_error": of.sem(),
            "mean_difference": by["mean_difference"].mean(),
            "flip_probability": by["flip_probability"].mean(),
            "outside_support": by["outside_support"].mean(),
        }
    )
    if outcome is None:
        return table
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SmallGroupWarning)  # fit has warned
        labels = rows["group"].to_numpy()
        metrics = group_metrics(outcome, rows["decision"], labels).drop("all")
    return table.join(metrics.drop(columns="n"))


def summarise(
    found: Predictions, rows: pd.DataFrame, pairs: pd.DataFrame
) -> dict[str, float]:
    """Return the numbers of the summary that need no replicates."""
    size = largest(found.differences)
    share = pairs.groupby(level="from", sort=False)
    n = share["n"].first()
    worst = share["total_variation"].max()
    floor = np.abs(found.own_world())
    return {
        "unfairness": float(size.mean()),
        "mean_difference": float(rows["mean_difference"].mean()),
        "percentile_95": float(np.percentile(size, 95)),
        "total_variation": float((n * worst).sum() / n.sum()) if len(n) else np.nan,
        "flip_probability": float(rows["flip_probability"].mean()),
        "noise_floor": float(floor.mean()) if len(floor) else np.nan,
        "outside_support": float(rows["outside_support"].mean()),
    }
