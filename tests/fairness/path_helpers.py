"""Linear models under the standard fairness model, with effects in closed form."""

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel

# c -> a, c -> w, c -> y, a -> w, a -> y, w -> y
FAIRNESS = CausalGraph(
    [("c", "a"), ("c", "w"), ("c", "y"), ("a", "w"), ("a", "y"), ("w", "y")]
)
A_W, A_Y, W_Y, C_Y, C_W = 0.8, 0.5, 0.6, 0.7, 0.4


def fairness_frame(n, seed=0, noise=1.0):
    rng = np.random.default_rng(seed)
    c = rng.normal(size=n)
    a = (rng.random(n) < 1 / (1 + np.exp(-c))).astype(float)
    w = A_W * a + C_W * c + rng.normal(0, noise, n)
    y = A_Y * a + W_Y * w + C_Y * c + rng.normal(0, noise, n)
    return pd.DataFrame({"c": c, "a": a, "w": w, "y": y})


def linear_model(frame, graph=FAIRNESS, **options):
    model = AdditiveNoiseModel(
        graph,
        regressor=LinearRegression(),
        classifier=LogisticRegression(C=1e4),
        **options,
    )
    return model.fit(frame)
