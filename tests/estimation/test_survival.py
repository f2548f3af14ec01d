"""Follow-up on a grid, hazards, and outcomes without censoring."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import poisson
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier
from statsmodels.duration.survfunc import SurvfuncRight

from skcausal.datasets import make_survival
from skcausal.estimation._data import CausalData
from skcausal.estimation._hazards import HazardModel, HazardNuisance
from skcausal.estimation._survival import (
    Endpoint,
    FollowUp,
    follow_up,
    remaining_means,
    time_grid,
    uncensored_outcome,
)
from skcausal.estimation._uncensoring import hazard_nuisances

HAZARD = np.array([0.2, 0.35, 0.5])  # of the event in the intervals ending at 1, 2, 4
CENSORING = np.array([0.1, 0.25, 0.4])  # after the boundaries 0, 1, 2
GRID = np.array([1.0, 2.0, 4.0])


def population(endpoint):
    """Every pair of event interval and censoring boundary, with its probability."""
    lives = np.append(1.0, np.cumprod(1 - HAZARD))
    free = np.append(1.0, np.cumprod(1 - CENSORING))
    dies = np.append(-np.diff(lives), lives[-1])
    stops = np.append(-np.diff(free), free[-1])
    cells = list(product(range(4), range(4)))  # 3: past the horizon, never censored
    died, stopped = np.array(cells).T
    event = (died < 3) & (stopped > died)  # boundary k comes before interval k
    position = np.where(event, died, np.where(stopped <= died, stopped, 3))
    position = np.where((died == 3) & (stopped == 3), 3, position)
    rows = FollowUp(GRID, position, event)
    return (
        rows,
        rows.outcome(GRID[np.minimum(died, 2)], endpoint),
        dies[died] * stops[stopped],
    )


@pytest.mark.parametrize("target", ["restricted_mean", "survival_probability"])
@pytest.mark.parametrize("wrong", [None, "survival", "censoring", "both"])
def test_outcome_without_censoring_is_doubly_robust(target, wrong):
    """Exact, by enumeration: the mean is right if either of the curves is."""
    endpoint = Endpoint(4.0, target)
    rows, outcome, probability = population(endpoint)
    truth = np.diff(-np.append(np.append(1, np.cumprod(1 - HAZARD)), 0)) @ np.append(
        endpoint.values(GRID), endpoint.end
    )
    hazard = np.array([0.6, 0.1, 0.2]) if wrong in ("survival", "both") else HAZARD
    censoring = [0.3, 0.1, 0.05] if wrong in ("censoring", "both") else CENSORING
    n = len(outcome)
    remaining = remaining_means(hazard[None], endpoint.values(GRID), endpoint.end)
    uncensored = np.cumprod(1 - np.array(censoring))
    values = uncensored_outcome(
        outcome, rows, np.repeat(remaining, n, 0), np.tile(uncensored, (n, 1))
    )
    if wrong == "both":
        assert abs(probability @ values - truth) > 0.02
    else:
        assert probability @ values == pytest.approx(truth, abs=1e-12)
    if wrong in (None, "censoring"):
        assert remaining[0, 0] == pytest.approx(truth, abs=1e-12)


def test_a_constant_outcome_stays_whatever_the_curves():
    """So centring by m(x) before or after is the same: the published denominator."""
    rows, outcome, _ = population(Endpoint(4.0))
    uncensored = np.random.default_rng(0).uniform(0.2, 1, (len(outcome), 3))
    uncensored = -np.sort(-uncensored, axis=1)
    ones = np.ones((len(outcome), 4))
    values = uncensored_outcome(ones[:, 0], rows, ones, uncensored)
    np.testing.assert_allclose(values, 1, rtol=1e-12)


def test_rows_are_placed_on_the_grid():
    """Events before censoring at ties; nobody is rounded to the horizon."""
    cases = [  # time, event, position, event before the horizon
        (0.0, False, 0, False),
        (0.2, False, 0, False),
        (0.7, False, 1, False),
        (1.0, False, 1, False),
        (1.0, True, 0, True),
        (1.01, True, 1, True),
        (3.9, False, 2, False),
        (4.0, True, 2, True),
        (4.0, False, 3, False),
        (5.0, True, 3, False),
    ]
    time, event, position, seen = (np.array(one) for one in zip(*cases, strict=True))
    rows = follow_up(time, event, GRID)
    np.testing.assert_array_equal(rows.position, position)
    np.testing.assert_array_equal(rows.event, seen)
    np.testing.assert_array_equal(rows.known, seen | (position == 3))
    alive = rows.outcome(time, Endpoint(4.0, "survival_probability"))
    np.testing.assert_array_equal(alive[-3:], [0, 1, 1])
    restricted = rows.outcome(time, Endpoint(4.0))
    np.testing.assert_array_equal(restricted[-3:], [4, 4, 4])
    periods, hit = rows.spells("event")
    np.testing.assert_array_equal(periods, [0, 0, 1, 1, 1, 2, 2, 3, 3, 3])
    np.testing.assert_array_equal(hit, seen)
    periods, hit = rows.spells("censoring")
    np.testing.assert_array_equal(periods, [1, 1, 2, 2, 1, 2, 3, 3, 3, 3])
    np.testing.assert_array_equal(hit, [1, 1, 1, 1, 0, 0, 1, 0, 0, 0])
    # Censored at time 0, where events happen: they come after these.
    zero = follow_up(np.zeros(2), np.array([True, False]), np.array([0.0, 1.0]))
    np.testing.assert_array_equal(zero.position, [0, 1])


def test_grids_keep_few_times_and_cover_many():
    np.testing.assert_array_equal(
        time_grid(np.array([3.0, 1.0, 1.0, 7.0]), 5.0, 10), [1, 3, 5]
    )
    time = np.random.default_rng(0).exponential(size=5000) ** 3
    grid = time_grid(time, 4.0, 20)
    assert len(grid) == 20
    assert grid[-1] == 4
    assert (np.diff(grid) > 0).all()
    assert np.diff(grid).max() < 4 / 13  # equally spaced ends
    shares = np.diff([np.mean(time <= end) for end in grid])
    assert shares.max() < 0.16  # ends at quantiles
    np.testing.assert_array_equal(time_grid(8 * time, 32.0, 20), 8 * grid)


@pytest.fixture
def discrete_times(rng):
    n = 400
    time = rng.integers(1, 8, n).astype(float)
    return time, rng.uniform(size=n) < 0.7, rng.integers(0, 2, n)


def saturated_hazards(model, nuisance, data):
    """Hazards of arms 0 and 1, stacked, from one model of arm and period."""
    X = np.column_stack([np.zeros(data.n_rows), data.treatment])
    fitted = HazardModel(model, nuisance.times).fit(X, nuisance.spells(data))
    tables = [np.column_stack([X[:, 0], np.full(len(X), arm)]) for arm in (0, 1)]
    return np.hstack([fitted.predict(table) for table in tables])


def test_saturated_hazards_are_kaplan_meier(discrete_times):
    """A tree per arm and period: restricted means are areas under the curves."""
    time, event, arm = discrete_times
    data = CausalData(None, time, arm, np.array([0, 1]), event=event)
    endpoint = Endpoint(6.0)
    events, censoring = hazard_nuisances(data, endpoint)
    tree = DecisionTreeClassifier()
    hazards = saturated_hazards(tree, events, data)
    rows = events.rows_at_risk(data)
    values = endpoint.values(rows.mean_times(time, np.ones(len(time))))
    own = np.split(saturated_hazards(tree, censoring, data), 2, axis=1)
    for code, hazard in enumerate(np.split(hazards, 2, axis=1)):
        chosen = arm == code
        curve = SurvfuncRight(time[chosen], event[chosen].astype(int))
        lives = [
            np.append(1, curve.surv_prob)[np.sum(curve.surv_times <= t)]
            for t in range(6)
        ]
        remaining = remaining_means(hazard, values, endpoint.end)
        assert remaining[0, 0] == pytest.approx(np.sum(lives), rel=1e-12)
        # With saturated curves the mean of uncensored outcomes is the same area.
        part = FollowUp(rows.grid, rows.position[chosen], rows.event[chosen])
        free = np.cumprod(1 - own[code][chosen], axis=1)
        outcome = uncensored_outcome(
            part.outcome(time[chosen], endpoint), part, remaining[chosen], free
        )
        assert outcome.mean() == pytest.approx(np.sum(lives), rel=1e-9)


def test_hazards_by_hand(discrete_times):
    """The classifier sees one row per period at risk, with weights and time."""
    time, event, arm = discrete_times
    data = CausalData(None, time, arm, np.array([0, 1]), event=event)
    grid = (2.0, 4.0, 7.0)
    nuisance = HazardNuisance("h", "survival_model", "event", "pooled", grid)
    frame = pd.DataFrame({"x": time % 3})
    weight = np.where(arm == 1, 2.0, 1.0)
    model = LogisticRegression(C=np.inf, tol=1e-10)
    fitted = HazardModel(model, nuisance.times).fit(
        frame, nuisance.spells(data), sample_weight=weight
    )
    rows, labels, weights = [], [], []
    for i in range(len(time)):
        position, seen = nuisance.rows_at_risk(data).position[i], event[i]
        for k in range(position + (1 if seen else 0)):
            rows.append([time[i] % 3, grid[k] / 7])
            labels.append(int(seen and k == position))
            weights.append(weight[i])
    expected = LogisticRegression(C=np.inf, tol=1e-10).fit(
        np.array(rows), labels, sample_weight=weights
    )
    hazards = fitted.predict(frame)
    new = np.column_stack([frame["x"], np.full(len(frame), 4 / 7)])
    np.testing.assert_allclose(
        hazards[:, 1], expected.predict_proba(new)[:, 1], rtol=1e-6
    )
    never = HazardModel(model, nuisance.times).fit(frame, 2 * np.ones(400, dtype=int))
    assert (never.predict(frame) == 0).all()


def test_loss_is_the_negative_log_likelihood():
    data = CausalData(
        None,
        np.array([1.0, 2.0, 9.0]),
        np.array([0, 1, 0]),
        np.array([0, 1]),
        event=np.array([True, False, False]),
    )
    nuisance = HazardNuisance("h", "survival_model", "event", "pooled", tuple(GRID))
    hazards = np.tile(np.append(HAZARD, HAZARD / 2), (3, 1))
    likelihood = [0.2, 0.9 * 0.825, 0.8 * 0.65 * 0.5]
    assert nuisance.loss(hazards, data) == pytest.approx(-np.log(likelihood).mean())


@pytest.mark.parametrize("target", ["restricted_mean", "survival_probability"])
@pytest.mark.parametrize("wrong", [None, "survival", "censoring"])
def test_outcomes_of_poisson_times(target, wrong):
    """Times and censoring in whole numbers, with their true hazards."""
    data = make_survival(20_000, setting=4, target=target, random_state=0)
    X, arm, time = (np.asarray(part) for part in (data.X, data.treatment, data.y))
    endpoint = Endpoint(data.horizon, target)
    grid = time_grid(time, data.horizon, 20)
    rows = follow_up(time, data.event.to_numpy() == 1, grid)
    gain = np.maximum(0, X[:, 0] - 0.3) * arm
    lives = poisson((X[:, 1] + X[:, 2] + gain)[:, None])
    stops = poisson((1 + np.log1p(np.exp(X[:, 2])))[:, None])
    hazard = lives.pmf(grid) / lives.sf(grid - 1)
    before = grid[:-1]
    uncensored = np.cumprod(1 - stops.pmf(before) / stops.sf(before - 1), axis=1)
    uncensored = np.column_stack([np.ones(len(X)), uncensored])
    remaining = remaining_means(hazard, endpoint.values(grid), endpoint.end)
    if wrong == "survival":
        remaining = 0.7 * remaining
    if wrong == "censoring":
        uncensored = uncensored**0.5
    outcome = uncensored_outcome(
        rows.outcome(time, endpoint), rows, remaining, uncensored
    )
    error = outcome - data.outcome_means[np.arange(len(X)), arm]
    for part in (arm == 0, arm == 1, X[:, 2] > 0.5):
        assert abs(error[part].mean()) < 3 * error[part].std() / np.sqrt(part.sum())
