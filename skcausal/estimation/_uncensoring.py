"""From out-of-fold hazards to outcomes without censoring and their means by arm."""

import warnings
from dataclasses import dataclass, replace

import numpy as np

from skcausal.estimation._data import CausalData
from skcausal.estimation._hazards import HazardNuisance
from skcausal.estimation._nuisances import NuisanceEstimates
from skcausal.estimation._survival import (
    Endpoint,
    own_arm,
    remaining_means,
    time_grid,
    uncensored_outcome,
)
from skcausal.utils._validation import OverlapWarning


@dataclass(frozen=True, eq=False)
class Uncensored:
    """Outcomes and their means as if nobody was censored.

    Parameters
    ----------
    data : CausalData
        The rows, with the uncensored outcome in the place of the time.
    means : ndarray of shape (n_repeats, n, n_arms)
        Mean outcome under each arm, from the survival curves.
    n_raised : int
        Rows whose probability of being followed was raised.
    """

    data: CausalData
    means: np.ndarray
    n_raised: int

    def pooled_mean(self, propensity: np.ndarray) -> np.ndarray:
        """Return the mean outcome given covariates alone, averaged over repeats."""
        return np.asarray((self.means * propensity).sum(axis=2).mean(axis=0))


def hazard_nuisances(
    data: CausalData, endpoint: Endpoint
) -> tuple[HazardNuisance, HazardNuisance]:
    """Return the hazards of events and of censoring on one grid of times."""
    times = time_grid(data.outcome, endpoint.horizon, endpoint.n_times)
    grid = tuple(times.tolist())
    return (
        HazardNuisance("event_hazards", "survival_model", "event", "pooled", grid),
        HazardNuisance(
            "censoring_hazards", "censoring_model", "censoring", "pooled", grid
        ),
    )


def uncensored(
    data: CausalData, nuisances: NuisanceEstimates, endpoint: Endpoint, owner: str
) -> Uncensored:
    """Return the uncensored outcome, averaged over repetitions of cross-fitting."""
    events, _ = hazard_nuisances(data, endpoint)
    rows = events.rows_at_risk(data)
    values = endpoint.values(rows.mean_times(data.outcome, data.weights))
    known = endpoint.values(data.outcome)
    last = np.minimum(rows.position, rows.n_times - 1)
    index = np.arange(data.n_rows)
    outcomes, means, raised = [], [], np.zeros(data.n_rows, dtype=bool)
    hazards = zip(
        nuisances["event_hazards"], nuisances["censoring_hazards"], strict=True
    )
    for event, censoring in hazards:
        by_arm = [
            remaining_means(hazard, values, endpoint.end)
            for hazard in np.split(event, data.n_arms, axis=1)
        ]
        means.append(np.column_stack([table[:, 0] for table in by_arm]))
        followed = np.cumprod(1 - own_arm(censoring, data.treatment, data.n_arms), 1)
        raised |= followed[index, last] < endpoint.min_uncensored
        remaining = np.stack(by_arm, axis=1)[index, data.treatment]
        followed = np.maximum(followed, endpoint.min_uncensored)
        outcomes.append(uncensored_outcome(known, rows, remaining, followed))
    if raised.any():
        warnings.warn(
            f"{owner}: {raised.sum()} of {data.n_rows} rows had a probability below "
            f"min_uncensored={endpoint.min_uncensored} of being followed as long as "
            "they were, which was raised to it: hardly anyone like them is followed so "
            "long. Consider a shorter horizon.",
            OverlapWarning,
            stacklevel=4,
        )
    data_without = replace(data, outcome=np.mean(outcomes, axis=0), event=None)
    data_without.__dict__["row_key"] = data.row_key
    return Uncensored(data_without, np.stack(means), int(raised.sum()))
