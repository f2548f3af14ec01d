"""Predictions as rows are and in each world, gathered block by block."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from skcausal.fairness._predictor import AuditedPredictor
from skcausal.fairness._worlds import Worlds

_MOST_ROWS = 200_000  # rows predicted at once
_N_BINS = 20
_TAILS = (0.05, 0.95)


@dataclass(frozen=True)
class Predictions:
    """Predictions as rows are and in each world; shapes are (n,) and (n, n_values).

    ``own`` is the position of a row's own value, -1 if it is not among ``values``.
    ``decision``, ``flips`` and ``rates`` (positive decisions) are NaN for numbers.
    ``lower`` and ``upper`` are quantiles over draws. ``density`` has the share of
    scores in each bin, per group and world; ``before`` per group as rows are.
    """

    values: list[Any]
    own: np.ndarray
    score: np.ndarray
    decision: np.ndarray
    scores: np.ndarray
    flips: np.ndarray
    rates: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    edges: np.ndarray
    before: np.ndarray
    density: np.ndarray

    @property
    def differences(self) -> np.ndarray:
        """Mean score in each world less the score as it is; NaN in the own world."""
        return self.away(self.scores - self.score[:, None])

    def away(self, numbers: np.ndarray) -> np.ndarray:
        """Return numbers without those of a row's own world."""
        is_own = self.own[:, None] == np.arange(len(self.values))
        return np.where(is_own, np.nan, numbers)

    def own_world(self) -> np.ndarray:
        """Return how scores differ where a row's own value is set anew."""
        rows = np.flatnonzero(self.own >= 0)
        return np.asarray(self.scores[rows, self.own[rows]] - self.score[rows])


class Gathering:
    """Arrays that fill up block by block."""

    def __init__(
        self, values: list[Any], own: np.ndarray, score: np.ndarray, decision: Any
    ) -> None:
        shape = (len(score), len(values))
        self.values, self.own, self.score = values, own, score
        self.decision = (
            np.full(len(score), np.nan) if decision is None else decision.astype(float)
        )
        self.numbers = {
            name: np.full(shape, np.nan)
            for name in ("scores", "flips", "rates", "lower", "upper")
        }
        ends = np.linspace(score.min(), score.max(), _N_BINS - 1)
        # A score that is the same but for its last digits stays in its bin.
        self.edges = ends - 1e-9 * (1 + np.abs(ends))
        self.counts = np.zeros((len(values) + 1, len(values), _N_BINS))

    def add(self, rows: slice, k: int, score: np.ndarray, decision: Any) -> None:
        """Take the predictions of some rows in world k, of shape (n_rows, n_draws)."""
        before = self.score[rows]
        # So that scores that are all the same differ by exactly nothing.
        found = {"scores": before + (score - before[:, None]).mean(axis=1)}
        if score.shape[1] == 1:
            found |= {"lower": score[:, 0], "upper": score[:, 0]}
        else:
            found["lower"], found["upper"] = np.quantile(score, _TAILS, axis=1)
        if decision is not None:
            same = decision == (self.decision[rows, None] == 1)
            found |= {"flips": 1 - same.mean(axis=1), "rates": decision.mean(axis=1)}
        for name, numbers in found.items():
            self.numbers[name][rows, k] = numbers
        bins = np.digitize(score, self.edges)
        place = self.own[rows, None] * _N_BINS + bins
        self.counts[:, k] += _counts(place, len(self.values))

    def done(self) -> Predictions:
        """Return what was gathered."""
        place = self.own * _N_BINS + np.digitize(self.score, self.edges)
        before = _counts(place, len(self.values))
        return Predictions(
            values=self.values,
            own=self.own,
            score=self.score,
            decision=self.decision,
            edges=self.edges,
            before=_shares(before)[:-1],
            density=_shares(self.counts)[:-1],
            **self.numbers,
        )


def _counts(place: np.ndarray, n_groups: int) -> np.ndarray:
    """Count bins per group; rows of no group are counted last."""
    size = (n_groups + 1) * _N_BINS
    return np.bincount(np.ravel(place) % size, minlength=size).reshape(-1, _N_BINS)


def _shares(counts: np.ndarray) -> np.ndarray:
    return counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)


def compare(
    worlds: Worlds,
    predictor: AuditedPredictor,
    frame: pd.DataFrame,
    values: list[Any],
    n_draws: int,
    random: np.random.Generator,
) -> Predictions:
    """Predict rows as they are and as they would have been with each value."""
    nodes = list(worlds.model.graph.observed)
    table = worlds.model.known(frame)
    own = pd.Index(values).get_indexer(pd.Index(table[worlds.sensitive].to_numpy()))
    gathered = Gathering(values, own, *predictor(frame[nodes]))
    kept = {name: dtype for name, dtype in frame[nodes].dtypes.items() if _label(dtype)}
    size = max(1, _MOST_ROWS // n_draws)
    for start in range(0, len(table), size):
        rows = slice(start, min(start + size, len(table)))
        several = worlds.each(table.iloc[rows], values, n_draws, random)
        for k, world in enumerate(several):
            score, decision = predictor(world[nodes].astype(kept))
            shape = (rows.stop - rows.start, n_draws)
            chosen = None if decision is None else decision.reshape(shape)
            gathered.add(rows, k, score.reshape(shape), chosen)
    return gathered.done()


def _label(dtype: Any) -> bool:
    return isinstance(dtype, pd.CategoricalDtype)


def largest(differences: np.ndarray) -> np.ndarray:
    """Return the greatest absolute difference of each row over worlds."""
    return np.nanmax(np.abs(differences), axis=1)


def total_variation(predictions: Predictions) -> np.ndarray:
    """Return the distance between scores before and in each world, per group."""
    apart = np.abs(predictions.density - predictions.before[:, None])
    return np.asarray(apart.sum(axis=-1) / 2)


def flip_bounds(before: np.ndarray, after: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Fréchet bounds on the share that flips, from the two positive rates."""
    lower = np.abs(before - after)
    upper = np.minimum(before + after, 2 - before - after)
    return lower, np.maximum(lower, upper)
