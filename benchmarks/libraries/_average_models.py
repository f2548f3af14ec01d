"""The base models that both sides of a comparison of averages get."""


def average_models(mode, seed=0):
    """Return a regressor and a classifier.

    "linear" is least squares and logistic regression without penalty, solved to the
    last digits, so that no solver's tolerance is taken for a difference of methods.
    """
    import numpy as np
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.linear_model import LassoCV, LinearRegression, LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures, StandardScaler

    from benchmarks.libraries import _models

    if mode == "linear":
        logit = LogisticRegression(C=np.inf, solver="newton-cholesky", tol=1e-12)
        return LinearRegression(), make_pipeline(StandardScaler(), logit)
    if mode == "lasso":
        terms = (PolynomialFeatures(2, include_bias=False), StandardScaler())
        logit = LogisticRegression(C=0.05, solver="newton-cholesky", tol=1e-12)
        return make_pipeline(*terms, LassoCV(cv=3)), make_pipeline(*terms, logit)
    if mode == "forest":
        options = {"n_estimators": 50, "min_samples_leaf": 20, "random_state": seed}
        options["max_features"] = 0.4
        return RandomForestRegressor(**options), RandomForestClassifier(**options)
    return _models.regressor(seed), _models.classifier(seed)
