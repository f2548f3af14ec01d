"""Statistical truth: 95 % intervals cover, and naive ones are seen not to.

A coverage figure passes when its 99 % Clopper-Pearson interval meets [.93, .97].
"""

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import binomtest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from skcausal.estimation import (
    BootstrapEffect,
    DRLearner,
    KnownPropensity,
    RLearner,
    TLearner,
)

LINE = LinearRegression()
LOGIT = LogisticRegression(C=np.inf)
POINTS = np.array([[0.0, 0.0], [1.0, -1.0], [-1.5, 0.5]])


def propensity(X):
    return expit(0.6 * X[:, 0] - 0.3 * X[:, 1])


def effect(X):
    return 1 + 0.5 * X[:, 0]


def draw(seed, n_rows):
    """Draw rows with confounding, a linear effect and unequal noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 2))
    treatment = rng.binomial(1, propensity(X))
    noise = rng.normal(size=n_rows) * (1 + 0.5 * treatment)
    y = 4 + X.sum(axis=1) + treatment * effect(X) + noise
    return X, y, treatment


def truths():
    """Integrate over the distribution of X by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    X = np.column_stack([grid.ravel() for grid in np.meshgrid(nodes, nodes)])
    w = np.outer(weights, weights).ravel()
    e, tau = propensity(X), effect(X)

    def mean(values, weight):
        return np.average(values, weights=weight)

    # E[X1 | X1 > 0] = sqrt(2 / pi)
    by = 1 + 0.5 * np.sqrt(2 / np.pi) * np.array([-1, 1])
    return {
        "all": mean(tau, w),
        "treated": mean(tau, w * e),
        "control": mean(tau, w * (1 - e)),
        "overlap": mean(tau, w * e * (1 - e)),
        "ratio": mean(4 + X.sum(axis=1) + tau, w) / mean(4 + X.sum(axis=1), w),
        "x1 <= 0": by[0],
        "x1 > 0": by[1],
    }


def covers(interval, truth):
    lower, upper = interval
    return (lower <= truth) & (truth <= upper)


def check(hits, label):
    """Pass if the 99 % Clopper-Pearson interval of the coverage meets [.93, .97]."""
    n_hits, n_draws = int(np.sum(hits)), len(hits)
    low, high = binomtest(n_hits, n_draws).proportion_ci(0.99)
    figure = f"{label}: {n_hits / n_draws:.3f} of {n_draws} draws"
    assert low <= 0.97, figure
    assert high >= 0.93, figure


def average_coverage(make_learner, n_draws, n_rows):
    """Return for each question whether each draw's interval covers."""
    truth = truths()
    hits = {name: [] for name in truth}
    for seed in range(n_draws):
        X, y, treatment = draw(seed, n_rows)
        learner = make_learner().set_params(random_state=seed)
        learner.fit(X, y, treatment=treatment)
        for target in ("all", "treated", "control", "overlap"):
            interval = learner.average_effect(target=target).interval()
            hits[target].append(covers(interval, truth[target]))
        interval = learner.average_effect(scale="ratio").interval()
        hits["ratio"].append(covers(interval, truth["ratio"]))
        by = learner.average_effect(by=X[:, 0] > 0)
        for label, name in ((False, "x1 <= 0"), (True, "x1 > 0")):
            hits[name].append(covers(by[label].interval(), truth[name]))
    return hits


# ------------------------------------------------------------------------------- fast
def test_average_effects_cover():
    hits = average_coverage(lambda: TLearner(LINE, LOGIT, cv=2), 300, 400)
    for name, values in hits.items():
        check(values, name)


@pytest.mark.parametrize("weighting", ["uniform", "overlap"])
def test_row_intervals_of_the_dr_learner_cover(weighting):
    hits = []
    for seed in range(250):
        X, y, treatment = draw(seed, 400)
        learner = DRLearner(LINE, LOGIT, LINE, weighting=weighting, cv=2)
        learner.set_params(random_state=seed)
        learner.fit(X, y, treatment=treatment)
        hits.append(covers(learner.effect_interval(POINTS), effect(POINTS)))
    for point, values in zip(POINTS, np.transpose(hits), strict=True):
        check(values, f"DR {point}")


def test_row_intervals_of_the_r_learner_cover_for_a_dose():
    curve = make_pipeline(PolynomialFeatures(2), LINE)
    hits, slopes = [], []
    for seed in range(250):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(400, 2))
        dose = 0.5 * X[:, 0] + rng.normal(size=400)
        noise = rng.normal(size=400) * (1 + 0.3 * np.abs(dose))
        y = X.sum(axis=1) + dose * effect(X) + noise
        learner = RLearner(curve, LINE, LINE, cv=2, random_state=seed)
        learner.fit(X, y, treatment=dose)
        hits.append(covers(learner.effect_interval(POINTS), effect(POINTS)))
        slopes.append(covers(learner.average_effect(target="overlap").interval(), 1.0))
    for point, values in zip(POINTS, np.transpose(hits), strict=True):
        check(values, f"R {point}")
    check(slopes, "slope")


def test_clusters_must_be_told():
    """Whole clusters are treated: rows as units undercover, clusters cover."""
    naive, clustered, rows = [], [], []
    for seed in range(250):
        rng = np.random.default_rng(seed)
        groups = np.repeat(np.arange(40), 8)
        treatment = rng.permutation(np.arange(40) % 2)[groups]
        X = rng.normal(size=(320, 1))
        shared = rng.normal(size=40)[groups]
        y = X[:, 0] + treatment + shared + rng.normal(size=320)
        learner = DRLearner(LINE, KnownPropensity(), LINE, cv=2, random_state=seed)
        learner.fit(X, y, treatment=treatment, groups=groups)
        estimate = learner.average_effect()
        clustered.append(covers(estimate.interval(), 1.0))
        naive.append(covers(estimate.with_groups(None).interval(), 1.0))
        rows.append(covers(learner.effect_interval(np.zeros((1, 1))), 1.0)[0])
    assert np.mean(naive) < 0.8
    check(clustered, "average")
    check(rows, "row")


def test_repeats_and_weights_cover():
    hits = []
    for seed in range(200):
        X, y, treatment = draw(seed, 300)
        weight = 0.5 + (X[:, 1] > 0)  # independent of the effect
        learner = TLearner(LINE, LOGIT, cv=2, n_repeats=2, random_state=seed)
        learner.fit(X, y, treatment=treatment, sample_weight=weight)
        hits.append(covers(learner.average_effect().interval(), 1.0))
    check(hits, "weighted, repeated")


# ------------------------------------------------------------------------------- slow
@pytest.mark.slow
@pytest.mark.parametrize("n_rows", [1000, 4000])
def test_average_effects_cover_in_a_thousand_draws(n_rows):
    hits = average_coverage(lambda: TLearner(LINE, LOGIT), 1000, n_rows)
    for name, values in hits.items():
        check(values, name)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["half_sample", "pairs"])
def test_bootstrap_intervals_cover(method):
    hits = []
    for seed in range(300):
        X, y, treatment = draw(seed, 400)
        wrapper = BootstrapEffect(
            TLearner(LINE), n_bootstrap=60, method=method, random_state=seed
        ).fit(X, y, treatment=treatment)
        hits.append(covers(wrapper.effect_interval(POINTS), effect(POINTS)))
    for point, values in zip(POINTS, np.transpose(hits), strict=True):
        check(values, f"{method} {point}")


@pytest.mark.slow
def test_default_models_cover():
    """LightGBM nuisances of the default size, linear confounding."""
    hits = {"all": [], "treated": []}
    truth = truths()
    for seed in range(300):
        X, y, treatment = draw(seed, 1000)
        learner = TLearner(random_state=seed).fit(X, y, treatment=treatment)
        for target, values in hits.items():
            interval = learner.average_effect(target=target).interval()
            values.append(covers(interval, truth[target]))
    for target, values in hits.items():
        check(values, target)
