"""Shared by the tests of average effects: confounded draws and their coverage."""

import numpy as np
from scipy.special import expit
from scipy.stats import binomtest

N_ROWS = 400
TARGETS = ("all", "treated", "control")


def propensity(X):
    return expit(0.6 * X[:, 0] - 0.3 * X[:, 1])


def draw(seed, n_rows=N_ROWS, outcome="continuous"):
    """Draw rows with confounding, an effect that varies, and unequal noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 2))
    treatment = rng.binomial(1, propensity(X))
    if outcome == "binary":
        odds = -0.5 + 0.7 * X[:, 0] + 0.4 * X[:, 1] + 0.6 * treatment
        return X, rng.binomial(1, expit(odds)), treatment
    noise = rng.normal(size=n_rows) * (1 + 0.5 * treatment)
    y = 4 + X.sum(axis=1) + treatment * (1 + 0.5 * X[:, 0]) + noise
    return X, y, treatment


def truths(outcome="continuous"):
    """Integrate effects over the distribution of X by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    X = np.column_stack([grid.ravel() for grid in np.meshgrid(nodes, nodes)])
    w, e = np.outer(weights, weights).ravel(), propensity(X)
    tau = 1 + 0.5 * X[:, 0]
    if outcome == "binary":
        odds = -0.5 + 0.7 * X[:, 0] + 0.4 * X[:, 1]
        tau = expit(odds + 0.6) - expit(odds)
    populations = {"all": 1, "treated": e, "control": 1 - e, "overlap": e * (1 - e)}
    return {name: np.average(tau, weights=w * h) for name, h in populations.items()}


def coverage(make, n_draws, targets=TARGETS, outcome="continuous", n_rows=N_ROWS):
    """Check that intervals cover and values are right on average, per target."""
    truth = truths(outcome)
    estimates = {target: [] for target in targets}
    for seed in range(n_draws):
        X, y, treatment = draw(seed, n_rows, outcome)
        fitted = make(seed).fit(X, y, treatment=treatment)
        for target in targets:
            estimates[target].append(fitted.average_effect(target=target))
    for target, made in estimates.items():
        check(made, truth[target], target)


def check(estimates, truth, label):
    """Pass if the 99 % interval of the coverage meets [.93, .97], the mean is right."""
    values = np.array([one.value for one in estimates])
    bounds = np.array([one.interval() for one in estimates])
    hits = ((bounds[:, 0] <= truth) & (truth <= bounds[:, 1])).sum()
    low, high = binomtest(int(hits), len(values)).proportion_ci(0.99)
    figure = f"{label}: {hits / len(values):.3f} of {len(values)} draws"
    assert low <= 0.97, figure
    assert high >= 0.93, figure
    error = values.std(ddof=1) / np.sqrt(len(values))
    assert abs(values.mean() - truth) < 4 * error, f"{label}: mean {values.mean():.4f}"
