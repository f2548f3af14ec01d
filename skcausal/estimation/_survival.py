"""Right-censored times: from follow-up to an outcome without censoring.

Time runs over a grid: interval k ends at ``grid[k]``, the last at the horizon. Boundary
k is the start of interval k, the first one is time 0. Within the grid the order is
boundary 0 (censoring), interval 0 (events), boundary 1 (censoring), and so on: an event
comes before censoring at the same time.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

TARGETS = ("restricted_mean", "survival_probability")


@dataclass(frozen=True)
class Endpoint:
    """What is asked of a survival time, and how finely it is cut.

    Parameters
    ----------
    horizon : float
        Time up to which survival counts.
    target : {"restricted_mean", "survival_probability"}
        Mean of min(T, horizon), or P(T > horizon).
    n_times : int
        Greatest number of intervals.
    min_uncensored : float
        Probabilities of being followed below are raised to it.
    """

    horizon: float
    target: str = "restricted_mean"
    n_times: int = 20
    min_uncensored: float = 0.05

    def check(self, owner: str) -> None:
        """Refuse parameters out of range."""
        number = isinstance(self.horizon, (int, float, np.number))
        if not number or not 0 < self.horizon < np.inf:
            raise ValueError(
                f"{owner}: horizon must be a positive number, in the units of y, got "
                f"{self.horizon!r}."
            )
        if self.target not in TARGETS:
            raise ValueError(
                f"{owner}: target must be one of {', '.join(map(repr, TARGETS))}, got "
                f"{self.target!r}."
            )
        if not isinstance(self.n_times, (int, np.integer)) or self.n_times < 2:
            raise ValueError(
                f"{owner}: n_times must be an integer of at least 2, got "
                f"{self.n_times!r}."
            )
        if not 0 < self.min_uncensored < 1:
            raise ValueError(
                f"{owner}: min_uncensored must lie in (0, 1), got "
                f"{self.min_uncensored!r}."
            )

    @property
    def end(self) -> float:
        """Value of the outcome for those who live past the horizon."""
        return float(self.horizon) if self.target == TARGETS[0] else 1.0

    def values(self, time: np.ndarray) -> np.ndarray:
        """Return the outcome of events at times up to the horizon."""
        return time if self.target == TARGETS[0] else np.zeros(time.shape)


@dataclass(frozen=True, eq=False)
class FollowUp:
    """Follow-up of rows on a grid of times.

    Parameters
    ----------
    grid : ndarray of shape (n_times,)
        Ends of the intervals, increasing; the last is the horizon.
    position : ndarray of shape (n,)
        Interval of the event, boundary of censoring, or n_times past the horizon.
    event : ndarray of bool of shape (n,)
        Whether an event up to the horizon was seen.
    """

    grid: np.ndarray
    position: np.ndarray
    event: np.ndarray

    @property
    def n_times(self) -> int:
        """Number of intervals."""
        return int(self.grid.shape[0])

    def outcome(self, time: np.ndarray, endpoint: Endpoint) -> np.ndarray:
        """Return the outcome where it is known; elsewhere it means nothing."""
        past = self.position == self.n_times
        return np.where(past, endpoint.end, endpoint.values(time))

    @property
    def known(self) -> np.ndarray:
        """Whether the outcome is known: event seen, or followed to the horizon."""
        return self.event | (self.position == self.n_times)

    def spells(self, of: str) -> tuple[np.ndarray, np.ndarray]:
        """Return how many periods a row is at risk, and whether the last one hits.

        Periods are intervals for ``of="event"``, boundaries for ``of="censoring"``.
        """
        if of == "event":
            return self.position + self.event, self.event
        return np.minimum(self.position + 1, self.n_times), ~self.known

    def mean_times(self, time: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Return the mean time of events in each interval; its middle without any."""
        cell, weight = self.position[self.event], weight[self.event]
        total = np.bincount(cell, weight, minlength=self.n_times)
        sums = np.bincount(cell, weight * time[self.event], minlength=self.n_times)
        middle = (self.grid + np.append(0.0, self.grid[:-1])) / 2
        return np.where(total > 0, sums / np.where(total > 0, total, 1.0), middle)


def time_grid(time: np.ndarray, horizon: float, n_times: int) -> np.ndarray:
    """Return the ends of intervals up to the horizon.

    Where there are no more distinct times than intervals, each has its own, and
    nothing is lost. Else two thirds of the ends are equally spaced, because long
    intervals cost accuracy, and one third at quantiles, where most happens.
    """
    before = time[time < horizon]
    ends = np.unique(before)
    if ends.shape[0] > n_times - 1:
        n_quantiles = n_times // 3
        shares = np.arange(1, n_quantiles + 1) / (n_quantiles + 1)
        quantiles = np.quantile(before, shares, method="inverted_cdf")
        n_equal = n_times - n_quantiles
        equal = horizon * np.arange(1, n_equal) / n_equal
        ends = np.unique(np.append(equal, quantiles))
    return np.append(ends, float(horizon))


def follow_up(time: np.ndarray, event: np.ndarray, grid: np.ndarray) -> FollowUp:
    """Place events into intervals and censoring at the nearest boundary.

    Rounding times of censoring to the nearest boundary counts half of those censored in
    an interval as exposed to all of it, the others to none: an error of second order
    in the length of intervals, and none where times are on the grid. Nobody is rounded
    to the horizon.
    """
    n_times, horizon = grid.shape[0], grid[-1]
    past = (time > horizon) | ((time == horizon) & ~event)
    interval = np.minimum(np.searchsorted(grid, time, side="left"), n_times - 1)
    starts = np.append(0.0, grid[:-1])
    lower = np.minimum(np.searchsorted(grid, time, side="right"), n_times - 1)
    upper = np.minimum(lower + 1, n_times - 1)
    boundary = np.where(time - starts[lower] <= starts[upper] - time, lower, upper)
    position = np.where(past, n_times, np.where(event, interval, boundary))
    return FollowUp(grid, position, event & ~past)


def remaining_means(hazard: np.ndarray, values: np.ndarray, end: float) -> np.ndarray:
    """Return E[f(T) | T later than boundary k] for every k, shape (n, n_times + 1).

    ``hazard`` (n, n_times) are probabilities of the event in an interval given life at
    its start, ``values`` the mean of f for events in each interval, ``end`` its value
    past the horizon.
    """
    n_rows, n_times = hazard.shape
    means = np.empty((n_rows, n_times + 1))
    means[:, n_times] = end
    for k in range(n_times - 1, -1, -1):
        stay = (1 - hazard[:, k]) * means[:, k + 1]
        means[:, k] = hazard[:, k] * values[k] + stay
    return means


def uncensored_outcome(
    outcome: np.ndarray,
    rows: FollowUp,
    remaining: np.ndarray,
    uncensored: np.ndarray,
) -> np.ndarray:
    r"""Return outcomes whose conditional mean is that of f(T), whatever the censoring.

    :math:`\Delta f(T) / G_p + (1 - \Delta) Q_p / G_p - \sum_{j \le p} Q_j c_j / G_j`
    with the probability :math:`G_j` of being uncensored after boundary j, its hazard
    :math:`c_j = 1 - G_j / G_{j-1}` and the mean :math:`Q_j` of f(T) given life beyond
    boundary j, up to the last boundary p at which the row was at risk (Cui et al. 2023,
    section 2.3; Rubin and van der Laan 2007). Its mean given covariates and arm is that
    of f(T) if either G or Q is right.

    ``outcome`` is f of known rows, ``remaining`` (n, n_times + 1) holds Q and
    ``uncensored`` (n, n_times) G.
    """
    index = np.arange(outcome.shape[0])
    last = np.minimum(rows.position, rows.n_times - 1)
    before = np.column_stack([np.ones(outcome.shape[0]), uncensored[:, :-1]])
    hazard = 1 - uncensored / before
    taken = np.cumsum(remaining[:, :-1] * hazard / uncensored, axis=1)
    value = np.where(rows.known, outcome, remaining[index, rows.position])
    return value / uncensored[index, last] - taken[index, last]


def own_arm(table: np.ndarray, arm: np.ndarray, n_arms: int) -> np.ndarray:
    """Return the columns of each row's own arm from (n, n_arms * n_times)."""
    by_arm = table.reshape(table.shape[0], n_arms, -1)
    return by_arm[np.arange(table.shape[0]), arm]


def check_not_negative(time: np.ndarray, owner: str) -> None:
    """Refuse times before the start of follow-up."""
    if (time < 0).any():
        raise ValueError(
            f"{owner}: y must hold times of at least 0, got {int((time < 0).sum())} "
            f"below (the smallest is {time.min():.6g}). Measure time from the start of "
            "follow-up."
        )


def check_times(
    time: np.ndarray,
    event: np.ndarray,
    arm: np.ndarray,
    arms: Any,
    endpoint: Endpoint,
    owner: str,
) -> list[str]:
    """Refuse times from which the endpoint cannot be learned; return what is thin."""
    check_not_negative(time, owner)
    horizon = endpoint.horizon
    if horizon > time.max():
        raise ValueError(
            f"{owner}: horizon={horizon} lies beyond the last observed time, "
            f"{time.max():.6g}; nothing is known of survival there. Lower the horizon."
        )
    thin = []
    for code, label in enumerate(arms):
        own, seen = time[arm == code], event[arm == code]
        if not (seen & (own <= horizon)).any():
            raise ValueError(
                f"{owner}: arm {np.asarray(label).item()!r} has no event up to the "
                f"horizon {horizon}, so its survival cannot be learned. Raise the "
                "horizon, or check that event is 1 where the event was seen."
            )
        if own.max() < horizon and not seen[own == own.max()].any():
            thin.append(
                f"nobody in arm {np.asarray(label).item()!r} is followed beyond "
                f"{own.max():.6g}"
            )
    return thin
