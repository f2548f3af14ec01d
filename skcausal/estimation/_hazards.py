"""Hazards over a grid of times: a classifier on rows of (covariates, arm, period)."""

from dataclasses import dataclass
from typing import Any

import joblib
import numpy as np
from sklearn.base import BaseEstimator

from skcausal.estimation._data import CausalData
from skcausal.estimation._models import fit_model, predict_mean
from skcausal.estimation._nuisances import Nuisance
from skcausal.estimation._survival import FollowUp, follow_up, own_arm
from skcausal.utils._validation import append_columns, n_rows_of, take_rows

_BLOCK = 200_000  # rows of (covariates, period) predicted at once


@dataclass(frozen=True)
class HazardNuisance(Nuisance):
    """The hazards of events or of censoring over a grid of times, by arm.

    Parameters
    ----------
    grid : tuple of float
        Ends of the intervals; the last is the horizon.
    """

    grid: tuple[float, ...] = ()

    @property
    def kind(self) -> str:
        """What is estimated: also the grid."""
        return f"{super().kind}/{joblib.hash(self.grid)}"

    @property
    def times(self) -> np.ndarray:
        """Time of each period as a share of the horizon, which models see."""
        ends = np.array(self.grid) / self.grid[-1]
        return ends if self.target == "event" else np.append(0.0, ends[:-1])

    def rows_at_risk(self, data: CausalData) -> FollowUp:
        """Return the follow-up of rows on the grid."""
        assert data.event is not None
        return follow_up(data.outcome, data.event, np.array(self.grid))

    def spells(self, data: CausalData) -> np.ndarray:
        """Return 2 * (periods at risk) + (the last one hits), what a model learns."""
        n_periods, hit = self.rows_at_risk(data).spells(self.target)
        return 2 * n_periods + hit

    def loss(self, hazards: np.ndarray, data: CausalData) -> float:
        """Return the mean negative log-likelihood of the rows."""
        n_periods, hit = self.rows_at_risk(data).spells(self.target)
        own = np.clip(own_arm(hazards, data.treatment, data.n_arms), 1e-15, 1 - 1e-15)
        period = np.arange(own.shape[1])
        stays = period < (n_periods - hit)[:, None]
        hits = hit[:, None] & (period == (n_periods - 1)[:, None])
        return -float((stays * np.log1p(-own) + hits * np.log(own)).sum(axis=1).mean())


class HazardModel(BaseEstimator):
    """A classifier of hits among all periods at risk, with the time as a feature.

    Parameters
    ----------
    model : estimator
        Classifier.
    times : ndarray of shape (n_times,)
        Value of the time feature in each period.
    role : str
        Name of the model in errors.
    """

    def __init__(self, model: Any, times: np.ndarray, role: str = "model") -> None:
        self.model = model
        self.times = times
        self.role = role

    def fit(
        self, X: Any, spells: np.ndarray, sample_weight: np.ndarray | None = None
    ) -> "HazardModel":
        """Fit the classifier; without a hit, hazards are zero."""
        n_periods, hit = np.divmod(spells, 2)
        ends = np.cumsum(n_periods)
        row = np.repeat(np.arange(n_rows_of(X)), n_periods)
        period = np.arange(row.shape[0]) - np.repeat(ends - n_periods, n_periods)
        label = np.zeros(row.shape[0], dtype=int)
        label[ends[hit == 1] - 1] = 1
        self.constant_ = float(label[0]) if np.ptp(label) == 0 else None
        if self.constant_ is None:
            weight = None if sample_weight is None else sample_weight[row]
            fit_model(self.model, self._table(X, row, period), label, weight, self.role)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """Return the hazards, shape (n, n_times)."""
        n_rows, n_times = n_rows_of(X), self.times.shape[0]
        if self.constant_ is not None:
            return np.full((n_rows, n_times), self.constant_)
        hazards = np.empty((n_rows, n_times))
        step = max(1, _BLOCK // n_times)
        for start in range(0, n_rows, step):
            rows = np.arange(start, min(start + step, n_rows))
            period = np.tile(np.arange(n_times), rows.shape[0])
            table = self._table(X, np.repeat(rows, n_times), period)
            hazards[rows] = predict_mean(self.model, table).reshape(-1, n_times)
        return hazards

    def _table(self, X: Any, row: np.ndarray, period: np.ndarray) -> Any:
        """Return covariates with the time of the period beside them."""
        time = self.times[period][:, None]
        return append_columns(take_rows(X, row), time, ["time"])
