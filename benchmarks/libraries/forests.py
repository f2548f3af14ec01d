"""Causal forests of both libraries on residuals, with the same settings.

``fit(X, outcome, treatment, n_jobs)`` returns a model; ``ask(model, X)`` its effects
and variances. 500 honest trees in bags of two, 45 % of the rows per tree, all features
at each split, at least five growing rows in a leaf and 5 % of the node on each side.
"""

N_TREES = 500
SHARE = 0.45
LEAF = 5


def fit_skcausal(X, outcome, treatment, n_jobs=2, seed=0, **changes):
    import numpy as np

    from skcausal.estimation.forests import _plan, _planting
    from skcausal.estimation.forests._binning import FeatureBins
    from skcausal.estimation.forests._relabelling import CAUSAL

    n, n_features = X.shape
    bins = FeatureBins.fit(X, 255, "benchmark")
    targets = np.column_stack([outcome, treatment])
    rows = _plan.training_rows(X, targets, np.ones(n), None, bins)
    options = {"min_samples_leaf": LEAF, "min_samples_arm": 0} | changes
    rules = _plan.TreeRules(
        min_balance=0.05,
        imbalance_penalty=0.0,
        max_depth=2**31 - 1,
        n_chosen=n_features,
        **options,
    )
    n_sample = int(SHARE * n)
    sampling = _plan.TreeSampling(n, n // 2, n_sample, n_sample // 2, 2, seed)
    forest = _planting.grow_forest(
        CAUSAL, rows, rules, sampling, np.arange(N_TREES), n_jobs=n_jobs, owner="b"
    )
    return bins, forest, n_jobs


def ask_skcausal(model, X, with_variance=True):
    bins, forest, n_jobs = model
    return forest.predict(bins.transform(X), with_variance=with_variance, n_jobs=n_jobs)


def fit_econml(X, outcome, treatment, n_jobs=2, seed=0):
    from econml.grf import CausalForest

    forest = CausalForest(
        n_estimators=N_TREES,
        max_samples=SHARE,
        min_samples_leaf=LEAF,
        max_features=None,
        min_balancedness_tol=0.45,
        honest=True,
        inference=True,
        subforest_size=2,
        n_jobs=n_jobs,
        random_state=seed,
    )
    return forest.fit(X, treatment[:, None], outcome[:, None])


def ask_econml(model, X, with_variance=True):
    if not with_variance:
        return model.predict(X).ravel(), None
    effect, variance = model.predict_and_var(X)
    return effect.ravel(), variance.ravel()


FORESTS = {
    "skcausal": (fit_skcausal, ask_skcausal),
    "econml": (fit_econml, ask_econml),
}
