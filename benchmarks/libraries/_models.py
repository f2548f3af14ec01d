"""The LightGBM base models that every library gets in mode ``same``.

No subsampling: one parameter set and one seed give one model, whatever library calls
it, so that differences between libraries come from what they do with the model.
"""

LIGHTGBM = {
    "n_estimators": 100,
    "num_leaves": 15,
    "learning_rate": 0.1,
    "min_child_samples": 20,
    "verbose": -1,
}


def regressor(seed, n_jobs=1):
    from lightgbm import LGBMRegressor

    return LGBMRegressor(**LIGHTGBM, random_state=seed, n_jobs=n_jobs)


def classifier(seed, n_jobs=1):
    from lightgbm import LGBMClassifier

    return LGBMClassifier(**LIGHTGBM, random_state=seed, n_jobs=n_jobs)


def cross_fitted_propensity(X, treatment, X_new, folds, seed):
    """Propensity out of fold for X and, for new rows, averaged over the fold models.

    For libraries that take a propensity but do not cross-fit it.
    """
    import numpy as np

    out_of_fold = np.empty(len(X))
    new = np.zeros(len(X_new))
    for train, test in folds:
        model = classifier(seed).fit(X[train], treatment[train])
        out_of_fold[test] = model.predict_proba(X[test])[:, 1]
        new += model.predict_proba(X_new)[:, 1] / len(folds)
    return out_of_fold, new
