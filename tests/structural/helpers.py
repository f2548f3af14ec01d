"""Data with known structure, and models that fit it."""

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel

CHAIN = CausalGraph([("X0", "X1"), ("X1", "X2"), ("X2", "X3")])
FORK = CausalGraph([("X0", "X1"), ("X0", "X2"), ("X2", "X3")])


def chain_frame(deviations, n, seed=0):
    """Return X0 -> X1 -> X2 -> X3, slopes one, noises with the given deviations."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(n, 4)) * np.asarray(deviations)
    return pd.DataFrame(noise.cumsum(axis=1), columns=["X0", "X1", "X2", "X3"])


def fork_frame(rng, to_x2=0.5, to_x3=0.5, n=1000):
    x0 = rng.uniform(-1, 1, n)
    x2 = to_x2 * x0 + rng.normal(0, 0.1, n)
    x1, x3 = 2 * x0 + rng.normal(0, 0.1, n), to_x3 * x2 + rng.normal(0, 0.1, n)
    return pd.DataFrame({"X0": x0, "X1": x1, "X2": x2, "X3": x3})


def linear_model(graph, **options):
    return AdditiveNoiseModel(
        graph,
        regressor=LinearRegression(),
        classifier=LogisticRegression(C=100),
        **options,
    )
