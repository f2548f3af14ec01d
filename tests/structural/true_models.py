"""Structural models whose functions are known, and rows of them with their noise."""

import numpy as np
import pandas as pd
from scipy import special, stats

from skcausal.graphs import CausalGraph
from skcausal.structural import CategoricalNoise, Mechanism, StructuralModel


class Known(Mechanism):
    """x = function(parents) + scale u, with standard normal u."""

    def __init__(self, function, scale=1.0):
        self.function = function
        self.scale = scale

    def fit(self, parents, values):
        return self

    def mean(self, parents):
        return np.broadcast_to(self.function(parents), len(parents))

    def draw_noise(self, n, random):
        return random.normal(size=n)

    def apply(self, parents, noise):
        return self.mean(parents) + self.scale * noise

    def noise(self, parents, values, random):
        return (np.asarray(values) - self.mean(parents)) / self.scale

    def log_density(self, parents, values):
        return stats.norm.logpdf(np.asarray(values), self.mean(parents), self.scale)


class KnownClasses(CategoricalNoise):
    """Classes with log odds that are a known function of the parents."""

    def __init__(self, logits, labels):
        self.logits = logits
        self.labels = labels

    def fit(self, parents, values):
        self.classes_ = np.asarray(self.labels)
        return self

    def probabilities(self, parents):
        columns = [np.broadcast_to(one, len(parents)) for one in self.logits(parents)]
        return special.softmax(np.column_stack(columns), axis=1)


def fitted(graph, mechanisms, columns, **options):
    """Return a model that knows the types of its columns."""
    options = {"random_state": 0} | options
    return StructuralModel(graph, mechanisms, **options).fit(pd.DataFrame(columns))


DIAMOND = CausalGraph([("z", "x"), ("z", "y"), ("x", "m"), ("x", "y"), ("m", "y")])


def linear_truth(n, seed=0, do=None):
    """Return rows of a linear model, under do(x) if it is given, and its noise."""
    u = dict(zip("zxmy", np.random.default_rng(seed).normal(size=(4, n)), strict=True))
    return linear_rows(u, do), u


def linear_rows(u, do=None):
    z = u["z"]
    x = 0.8 * z + u["x"] if do is None else np.broadcast_to(do, z.shape) + 0.0
    m = 1 + 2 * x + 0.5 * u["m"]
    y = m - x + 3 * z + u["y"]
    return pd.DataFrame({"z": z, "x": x, "m": m, "y": y})


def linear_model(**options):
    mechanisms = {
        "z": Known(lambda row: 0.0),
        "x": Known(lambda row: 0.8 * row["z"]),
        "m": Known(lambda row: 1 + 2 * row["x"], 0.5),
        "y": Known(lambda row: row["m"] - row["x"] + 3 * row["z"]),
    }
    return fitted(DIAMOND, mechanisms, linear_truth(20)[0], **options)


def curved_rows(u, do=None):
    z = u["z"]
    x = np.sin(3 * z) + 0.3 * u["x"] if do is None else np.full(z.shape, do)
    m = np.exp(x / 2) + 0.2 * u["m"]
    y = m**2 + x * z + u["y"]
    return pd.DataFrame({"z": z, "x": x, "m": m, "y": y})


def curved_model():
    mechanisms = {
        "z": Known(lambda row: 0.0),
        "x": Known(lambda row: np.sin(3 * row["z"]), 0.3),
        "m": Known(lambda row: np.exp(row["x"] / 2), 0.2),
        "y": Known(lambda row: row["m"] ** 2 + row["x"] * row["z"]),
    }
    u = linear_truth(20)[1]
    return fitted(DIAMOND, mechanisms, curved_rows(u))


CLASS_LOGITS = {0.0: (0.5, 0.0, -0.4), 1.0: (-0.3, 0.7, 0.1)}


def class_logits(row):
    x = row["x"].to_numpy(dtype=float)
    return [
        np.where(x == 1, CLASS_LOGITS[1.0][k], CLASS_LOGITS[0.0][k]) for k in range(3)
    ]


def class_probabilities(x):
    return special.softmax(CLASS_LOGITS[float(x)])


def class_model(coupling="shared_noise", n=200, seed=0):
    """Return x -> colour with three classes, x a fair coin."""
    rng = np.random.default_rng(seed)
    x = rng.integers(2, size=n).astype(float)
    labels = pd.Categorical(rng.choice(["blue", "green", "red"], size=n))
    graph = CausalGraph([("x", "colour")])
    mechanisms = {"colour": KnownClasses(class_logits, ["blue", "green", "red"])}
    columns = {"x": x, "colour": labels}
    return fitted(graph, mechanisms, columns, coupling=coupling)
