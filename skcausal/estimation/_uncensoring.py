"""From out-of-fold hazards to outcomes without censoring and their means by arm."""

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from skcausal.estimation._crossfit import FitSettings, cross_fit
from skcausal.estimation._data import CausalData
from skcausal.estimation._folds import make_folds
from skcausal.estimation._hazards import HazardNuisance
from skcausal.estimation._nuisances import (
    OUTCOME,
    OUTCOME_POOLED,
    PROPENSITY,
    NuisanceEstimates,
)
from skcausal.estimation._survival import (
    Endpoint,
    check_not_negative,
    check_times,
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
    outcome : ndarray of shape (n,)
        Uncensored outcome, averaged over repetitions of cross-fitting.
    means : ndarray of shape (n_repeats, n, n_arms)
        Mean outcome under each arm, from the survival curves.
    n_raised : int
        Number of rows whose probability of being followed was raised.
    """

    outcome: np.ndarray
    means: np.ndarray
    n_raised: int

    def pooled_mean(self, propensity: np.ndarray) -> np.ndarray:
        """Return the mean outcome given covariates alone, averaged over repeats."""
        return np.asarray((self.means * propensity).sum(axis=2).mean(axis=0))

    def put_into(self, data: CausalData) -> CausalData:
        """Return the rows with the uncensored outcome in the place of the time."""
        without = replace(data, outcome=self.outcome, event=None)
        without.__dict__["row_key"] = data.row_key
        return without


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


def check_censored(data: CausalData, endpoint: Endpoint, owner: str) -> None:
    """Refuse times from which the endpoint cannot be learned; warn of thin arms."""
    endpoint.check(owner)
    assert data.event is not None
    assert data.arms is not None
    times = data.outcome, data.event, data.treatment
    thin = check_times(*times, arms=data.arms, endpoint=endpoint, owner=owner)
    if thin:
        warnings.warn(
            f"{owner}: {' and '.join(thin)}, so survival from there to the horizon "
            f"{endpoint.horizon} is a guess of the model. Lower the horizon.",
            OverlapWarning,
            stacklevel=5,
        )


def uncensored(
    data: CausalData, nuisances: NuisanceEstimates, endpoint: Endpoint, owner: str
) -> Uncensored:
    """Return the uncensored outcome of rows from their out-of-fold hazards."""
    rows = hazard_nuisances(data, endpoint)[0].rows_at_risk(data)
    values = endpoint.values(rows.mean_times(data.outcome, data.weights))
    known = rows.outcome(data.outcome, endpoint)
    index, last = np.arange(data.n_rows), np.minimum(rows.position, rows.n_times - 1)
    outcomes, means, raised = [], [], np.zeros(data.n_rows, dtype=bool)
    repeats = nuisances["event_hazards"], nuisances["censoring_hazards"]
    for event, censoring in zip(*repeats, strict=True):
        by_arm = [
            remaining_means(hazard, values, endpoint.end)
            for hazard in np.split(event, data.n_arms, axis=1)
        ]
        means.append(np.column_stack([table[:, 0] for table in by_arm]))
        own = own_arm(censoring, data.treatment, data.n_arms)
        followed = np.cumprod(1 - own, axis=1)
        raised |= followed[index, last] < endpoint.min_uncensored
        followed = np.maximum(followed, endpoint.min_uncensored)
        remaining = np.stack(by_arm, axis=1)[index, data.treatment]
        outcomes.append(uncensored_outcome(known, rows, remaining, followed))
    if raised.any():
        warnings.warn(
            f"{owner}: {raised.sum()} of {data.n_rows} rows had a probability below "
            f"min_uncensored={endpoint.min_uncensored} of being followed as long as "
            "they were, which was raised to it: hardly anyone like them is followed so "
            "long. Consider a shorter horizon.",
            OverlapWarning,
            stacklevel=5,
        )
    outcome = np.mean(outcomes, axis=0)
    return Uncensored(outcome, np.stack(means), int(raised.sum()))


def evaluated_without_censoring(
    data: CausalData, endpoint: Endpoint | None, options: Any, owner: str
) -> tuple[CausalData, dict[str, np.ndarray]]:
    """Return scored rows without censoring, and the nuisances that this has cost.

    Hazards and propensities are cross-fitted on the rows, hazards by default models.
    """
    if endpoint is None:
        raise ValueError(
            f"{owner}: the rows hold censored times (an event field in y), which only "
            "score and get_scorer of a CausalSurvivalForest can judge: it knows the "
            "horizon. Use these."
        )
    if data.event is None:
        raise ValueError(missing_event_message(owner))
    if options.outcome_model is not None:
        raise ValueError(
            f"{owner}: outcome_model is not used for censored times; their mean comes "
            "from survival curves. Leave it out."
        )
    check_not_negative(data.outcome, owner)
    seed = options.random_state
    folds = make_folds(data, options.cv, n_repeats=1, seed=seed, owner=owner)
    fitted = cross_fit(
        (*hazard_nuisances(data, endpoint), PROPENSITY),
        {
            "survival_model": None,
            "censoring_model": None,
            "propensity_model": options.propensity_model,
        },
        data,
        folds,
        FitSettings(owner, seed, True, options.n_jobs),
    )
    rows = uncensored(data, fitted, endpoint, owner)
    propensity = fitted[PROPENSITY.name]
    given = {
        PROPENSITY.name: propensity[0],
        OUTCOME.name: rows.pooled_mean(propensity),
        OUTCOME_POOLED.name: rows.means[0],
    }
    return rows.put_into(data), given


def missing_event_message(owner: str) -> str:
    """Say that no event arrived, and name both ways to pass it."""
    return (
        f"{owner}: no event arrived, so nothing says which times are censored. Pass "
        "event=... (1 where the event was seen), or "
        "y=skcausal.causal_target(time, treatment, event=...), which scikit-learn's "
        "tools carry. Without censoring, pass ones."
    )
