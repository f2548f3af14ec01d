"""Agreement of MultiArmCausalForest with EconML's forest of a vector of treatments.

Both get the same residuals, centred by the truth; bins, draws and gains differ, so that
they agree up to the noise of their trees.
"""

import numpy as np
import pytest

from skcausal.estimation.forests._binning import FeatureBins

econml_grf = pytest.importorskip("econml.grf")

pytestmark = [
    pytest.mark.reference,
    pytest.mark.filterwarnings("ignore:::econml"),
    pytest.mark.filterwarnings("ignore:::sklearn"),
]

N_TREES, SHARE, LEAF = 200, 0.45, 5


def effects_at(X):
    """A smooth effect of the first arm, a step of the second."""
    return np.column_stack(
        [1 / (1 + np.exp(-10 * (X[:, 0] - 0.5))), 2.0 * (X[:, 1] > 0.5)]
    )


def make_residuals(n, seed):
    rng = np.random.default_rng(seed)
    X = rng.uniform(size=(n, 5))
    odds = np.column_stack([np.ones(n), np.exp(X[:, 1] - 0.5), np.exp(0.5 - X[:, 0])])
    e = odds / odds.sum(axis=1, keepdims=True)
    arm = (rng.uniform(size=(n, 1)) > e.cumsum(axis=1)).sum(axis=1)
    v = (np.eye(3)[arm] - e)[:, 1:]
    return X, (v * effects_at(X)).sum(axis=1) + rng.normal(size=n), v


def ours(X, u, v, new, seed):
    from skcausal.estimation.forests import _plan, _planting
    from skcausal.estimation.forests._relabelling import MULTI_ARM

    n = len(X)
    bins = FeatureBins.fit(X, 255, "test")
    rows = _plan.training_rows(X, np.column_stack([u, v]), np.ones(n), None, bins)
    rules = _plan.TreeRules(LEAF, 0, 0.05, 0.0, 2**31 - 1, X.shape[1])
    drawn = int(SHARE * n)
    sampling = _plan.TreeSampling(n, n // 2, drawn, drawn // 2, 2, seed)
    forest = _planting.grow_forest(
        MULTI_ARM, rows, rules, sampling, np.arange(N_TREES), owner="test"
    )
    return forest.predict(bins.transform(new), with_variance=True)


def theirs(X, u, v, new, seed):
    forest = econml_grf.CausalForest(
        n_estimators=N_TREES,
        max_samples=SHARE,
        min_samples_leaf=LEAF,
        max_features=None,
        min_balancedness_tol=0.45,
        inference=True,
        subforest_size=2,
        n_jobs=1,
        random_state=seed,
    )
    forest.fit(X, v, u[:, None])
    estimates, covariances = forest.predict_and_var(new)
    return estimates, np.diagonal(covariances, axis1=1, axis2=2)


def test_effects_and_variances_agree():
    new = np.random.default_rng(9).uniform(size=(500, 5))
    truth = effects_at(new)
    errors, apart, widths = [], [], []
    for seed in range(4):
        data = make_residuals(1500, seed)
        (one, variance), (two, other) = (f(*data, new, seed) for f in (ours, theirs))
        errors.append([np.sqrt(np.mean((e - truth) ** 2)) for e in (one, two)])
        apart.append(np.mean((one - two) ** 2 / (variance + other), axis=0))
        widths.append(np.mean(np.sqrt(variance), 0) / np.mean(np.sqrt(other), 0))
    # Much nearer to each other than forests of two samples would be (1 on average).
    assert np.max(apart) < 0.25
    ratios = np.divide(*np.transpose(errors))
    assert abs(ratios.mean() - 1) < 3 * ratios.std(ddof=1) / 2
    widths = np.mean(widths, axis=0)
    assert ((widths > 0.8) & (widths < 1.25)).all()
