"""Agreement with EconML's forests: the same residuals and settings, new rows.

Nuisances are known functions, so libraries differ by their trees only. Both draw rows
at random: two forests of one library differ too, and that is the measure here.
Instrumental trees of EconML split by "het" here, as ours do: its default finds worse
splits (2,000 rows, leaves of 20: error .37, against .29 with "het" and .30 for ours).
"""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats
from sklearn.base import BaseEstimator, RegressorMixin

from skcausal.estimation import CausalForest, InstrumentalForest, KnownPropensity

grf = pytest.importorskip("econml.grf")

pytestmark = [
    pytest.mark.reference,
    pytest.mark.filterwarnings("ignore:::econml"),
    pytest.mark.filterwarnings("ignore:::sklearn"),
]

N_DRAWS = 6
SETTINGS = {"n_estimators": 100, "max_samples": 0.45, "min_samples_leaf": 10}
PEER = {"max_features": None, "subforest_size": 2, "n_jobs": 1, "honest": True}
NEW = np.random.default_rng(99).uniform(size=(1000, 5))


class Known(RegressorMixin, BaseEstimator):
    """A regression function that needs no data."""

    def __init__(self, function):
        self.function = function

    def fit(self, X, y):
        return self

    def predict(self, X):
        return self.function(np.asarray(X))


def effect(X):
    """Rise smoothly from 1 to 4 along two features."""
    rises = 1 + 1 / (1 + np.exp(-20 * (X[:, :2] - 1 / 3)))
    return rises.prod(axis=1)


def outcome_mean(X_and_arm):
    return 2 * X_and_arm[:, 2] + effect(X_and_arm) * X_and_arm[:, -1]


def causal_pair(seed, **changes):
    """Return our forest and a function that fits EconML's on the same residuals."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(2000, 5))
    share = 0.25 + 0.5 * X[:, 2]
    treatment = (rng.uniform(size=2000) < share).astype(int)
    y = 2 * X[:, 2] + effect(X) * treatment + rng.normal(size=2000)
    models = Known(outcome_mean), KnownPropensity(share)
    ours = CausalForest(*models, cv=2, random_state=seed, **SETTINGS | changes)
    ours.fit(X, y, treatment=treatment)
    outcome = y - 2 * X[:, 2] - effect(X) * share

    def fit_peer(random_state):
        peer = grf.CausalForest(**PEER, **SETTINGS, random_state=random_state)
        return peer.fit(X, (treatment - share)[:, None], outcome[:, None])

    return ours, fit_peer


def instrumental_pair(seed, **changes):
    """Return the same for a dose that a hidden cause moves, and a lot."""
    rng = np.random.default_rng(seed)
    X, hidden = rng.uniform(size=(2000, 5)), rng.normal(size=2000)
    lot = rng.integers(0, 2, 2000)
    dose = 1.5 * lot + hidden + 0.5 * rng.normal(size=2000)
    y = effect(X) * dose + 2 * hidden + rng.normal(size=2000)
    models = (
        Known(lambda X: 0.75 * effect(X)),
        Known(lambda X: np.full(len(X), 0.75)),
        KnownPropensity(0.5),
    )
    ours = InstrumentalForest(*models, cv=2, random_state=seed, **SETTINGS | changes)
    ours.fit(X, y, treatment=dose, instrument=lot)
    columns = (dose - 0.75)[:, None], (y - 0.75 * effect(X))[:, None]

    def fit_peer(random_state):
        options = PEER | SETTINGS | {"criterion": "het"}
        peer = grf.CausalIVForest(**options, random_state=random_state)
        return peer.fit(X, *columns, Z=(lot - 0.5)[:, None])

    return ours, fit_peer


def root_mean_square(values):
    return np.sqrt(np.mean(np.square(values)))


def length(bounds):
    lower, upper = bounds
    return np.mean(upper - lower)


def compare(make_pair, **changes):
    """Return, for each draw, what tells the two libraries apart."""
    truth, rows = effect(NEW), []
    for seed in range(N_DRAWS):
        ours, fit_peer = make_pair(seed, **changes)
        peer = fit_peer(seed)
        a, b = ours.effect(NEW), peer.predict(NEW).ravel()
        again = fit_peer(seed + N_DRAWS).predict(NEW).ravel()
        rows.append(
            {
                "mean": np.mean(a - b),
                "error": root_mean_square(a - truth) - root_mean_square(b - truth),
                "distance": root_mean_square(a - b),
                "own_distance": root_mean_square(again - b),
                "length": length(ours.effect_interval(NEW))
                / length(peer.predict_interval(NEW, alpha=0.05)),
            }
        )
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return SimpleNamespace(**columns)


def standard_error(values):
    return values.std(ddof=1) / np.sqrt(len(values))


@pytest.mark.parametrize("make_pair", [causal_pair, instrumental_pair])
def test_effects_agree(make_pair):
    found = compare(make_pair)
    bar = stats.t(N_DRAWS - 1).ppf(0.995)
    assert standard_error(found.mean) < 0.02  # effects run from 1 to 4
    assert abs(found.mean.mean()) < bar * standard_error(found.mean)
    assert standard_error(found.error) < 0.01
    assert found.error.mean() < bar * standard_error(found.error)  # no worse
    assert found.distance.mean() < 1.25 * found.own_distance.mean()
    assert abs(np.log(found.length.mean())) < np.log(1.15)
