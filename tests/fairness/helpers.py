"""Structural models whose counterfactuals are known by hand."""

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel

SHIFT = 1.5


def shifted(n=200, shift=SHIFT):
    """Return rows and a model: x = shift * group + noise, art is on its own.

    Both groups have the same noise, quantiles of a normal distribution, so that least
    squares recovers the shift exactly.
    """
    noise = norm.ppf((np.arange(n) + 0.5) / n)
    group = np.repeat([0.0, 1.0], n)
    art = np.tile(np.random.default_rng(0).permutation(noise), 2)
    frame = pd.DataFrame(
        {"group": group, "x": shift * group + np.tile(noise, 2), "art": art}
    )
    graph = CausalGraph([("group", "x")], nodes=["art"])
    return frame, AdditiveNoiseModel(graph, regressor=LinearRegression())


def chosen(n=1000):
    """Return rows and a model in which group 1 gets "yes" in .6, group 0 in .3."""
    group = np.repeat([0.0, 1.0], n)
    rank = np.tile(np.arange(n), 2)
    label = rank < n * np.where(group == 1, 0.6, 0.3)
    frame = pd.DataFrame({"group": group, "label": label})
    logistic = LogisticRegression(C=np.inf, tol=1e-8)
    graph = CausalGraph([("group", "label")])
    return frame, AdditiveNoiseModel(graph, classifier=logistic, random_state=0)


class Above(ClassifierMixin, BaseEstimator):
    """Say yes where a weighted sum is above zero; the score is a logistic of it."""

    def __init__(self, **weights):
        self.weights = weights
        self.feature_names_in_ = np.array(list(weights), dtype=object)
        self.classes_ = np.array([0, 1])

    def _sum(self, X):
        return sum(w * X[name].astype(float) for name, w in self.weights.items())

    def predict(self, X):
        return (np.asarray(self._sum(X)) > 0).astype(int)

    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-np.asarray(self._sum(X))))
        return np.column_stack([1 - p, p])


def line(frame, **weights):
    """Return a linear regression with these coefficients."""
    X = frame[list(weights)]
    return LinearRegression().fit(X, X @ np.array(list(weights.values())))
