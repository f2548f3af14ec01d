"""Goodness of fit of every mechanism with a log density."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.graphs import CausalGraph
from skcausal.structural import (
    AdditiveNoiseModel,
    CategoricalNoise,
    GeneralizedLinear,
    Mechanism,
    MisfitWarning,
)
from skcausal.structural._goodness import _errors_of_draws, same_distribution

NODES = ["number", "positive", "count", "label"]
FAMILIES = ["gaussian", "lognormal", "poisson", "bernoulli"]
GRAPH = CausalGraph([("x", node) for node in NODES])
MECHANISMS = {
    node: GeneralizedLinear(family)
    for node, family in zip(NODES, FAMILIES, strict=True)
}


def frame_of(n=800, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    return pd.DataFrame(
        {
            "x": x,
            "number": x + rng.normal(size=n),
            "positive": np.exp(0.5 * x + 0.5 * rng.normal(size=n)),
            "count": rng.poisson(np.exp(1 + 0.5 * x)),
            "label": rng.logistic(size=n) < x,
        }
    )


def model_of(graph=GRAPH, mechanisms=MECHANISMS, **options):
    return AdditiveNoiseModel(graph, mechanisms, random_state=0, **options)


@pytest.mark.parametrize("cv", [5, "prefit"])
def test_right_families_fit(cv):
    model = model_of().fit(frame_of())
    table = model.evaluate(frame_of(seed=1), cv=cv)
    assert table.index.tolist() == NODES
    assert (table["verdict"] == "fits").all()
    assert table["mechanism"].tolist() == [
        f"GeneralizedLinear({family})" for family in FAMILIES
    ]
    # A standard normal: entropy, share of variance, score of the distribution.
    number = table.loc["number"]
    assert number["log_score"] == pytest.approx(-1.419, abs=4 * 0.707 / 800**0.5)
    assert number["r2"] == pytest.approx(0.5, abs=0.08)
    assert number["crps"] == pytest.approx(1 / np.sqrt(np.pi), rel=0.08)
    assert table.loc["label", "log_loss"] == -table.loc["label", "log_score"]
    assert np.isnan(table.loc["label", "crps"])
    assert 0 < table.loc["label", "r2"] < 1


@pytest.mark.parametrize(
    ("node", "family", "words"),
    [
        ("skewed", "gaussian", "skewed: noise has another distribution"),
        ("spread", "gaussian", "spread: noise"),
        ("dispersed", "poisson", "dispersed: noise"),
    ],
)
def test_wrong_families_are_named(node, family, words):
    rng = np.random.default_rng(1)
    x = rng.normal(size=800)
    values = {
        "skewed": x + rng.exponential(size=800),
        "spread": x + np.exp(x) * rng.normal(size=800),
        "dispersed": rng.poisson(np.exp(1 + 0.5 * x) * rng.gamma(1, size=800)),
    }[node]
    frame = pd.DataFrame({"x": x, node: values})
    graph = CausalGraph([("x", node)])
    model = model_of(graph, {node: GeneralizedLinear(family)}).fit(frame)
    with pytest.warns(MisfitWarning, match=words):
        table = model.evaluate(frame)
    assert table.loc[node, ["p_uniform", "p_independent"]].min() < 0.01


@pytest.mark.filterwarnings("ignore::skcausal.structural.MisfitWarning")
def test_right_families_are_rarely_called_wrong():
    """Of 60 verdicts, no more than 5 % plus 4 binomial standard errors."""
    wrong = 0
    for seed in range(15):
        model = model_of().fit(frame_of(200, seed))
        wrong += (model.evaluate(frame_of(200, seed))["verdict"] != "fits").sum()
    # Two p-values per node at 5 % / 4 each.
    share = 2 * 0.05 / 4
    assert wrong <= 60 * share + 4 * np.sqrt(60 * share * (1 - share))


def test_mechanisms_that_draw_from_what_was_seen():
    frame = frame_of()
    options = {"regressor": LinearRegression(), "classifier": LogisticRegression()}
    model = model_of(mechanisms=None, **options).fit(frame)
    with pytest.warns(MisfitWarning, match="positive: noise depends"):
        table = model.evaluate(frame)
    assert table.loc["number", "log_score"] == pytest.approx(-1.419, abs=0.12)
    assert table.loc["label", "log_score"] == -table.loc["label", "log_loss"]
    assert (table.loc[["number", "label"], "p_uniform"] > 0.05).all()
    fresh = frame_of(seed=1)
    fresh["number"] += 0.5  # noise that is shifted
    with pytest.warns(MisfitWarning, match="number: noise has another distribution"):
        model.evaluate(fresh, cv="prefit")


def test_roots_are_judged_where_they_have_a_family():
    frame = frame_of()
    given = MECHANISMS | {"x": GeneralizedLinear()}
    table = model_of(mechanisms=given).fit(frame).evaluate(frame)
    assert table.loc["x", "verdict"] == "fits"
    assert np.isnan(table.loc["x", "r2"])
    assert np.isnan(table.loc["x", "p_independent"])


def test_errors_of_draws_have_no_bias():
    """Of a standard normal forecast: variance, and 1 / sqrt(pi) on average."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": np.zeros(40_000)})
    forecast = GeneralizedLinear().fit(frame, rng.normal(size=40_000))
    values = rng.normal(size=40_000)
    squared, crps = _errors_of_draws(forecast, frame, values, rng)
    assert squared.mean() == pytest.approx(1, abs=4 * np.sqrt(2 / 40_000) * 1.2)
    assert crps.mean() == pytest.approx(1 / np.sqrt(np.pi), rel=0.02)


def test_samples_in_several_dimensions():
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 3, 500))
    assert same_distribution(one, other) > 0.01
    other[2] += 1
    assert same_distribution(one, other) < 1e-6


class Twice(Mechanism):
    """Two noises per row: a sign and a size."""

    n_noise = 2

    def fit(self, parents, values):
        self.scale_ = np.std(np.asarray(values, dtype=float))
        return self

    def draw_noise(self, n, random):
        return np.column_stack(
            [random.choice([-1, 1], n), np.abs(random.normal(size=n))]
        )

    def apply(self, parents, noise):
        return self.scale_ * noise[:, 0] * noise[:, 1]

    def noise(self, parents, values, random):
        values = np.asarray(values, dtype=float) / self.scale_
        return np.column_stack([np.sign(values), np.abs(values)])

    def log_density(self, parents, values):
        values = np.asarray(values, dtype=float) / self.scale_
        return -(values**2) / 2 - np.log(2 * np.pi) / 2 - np.log(self.scale_)


@pytest.mark.filterwarnings("ignore::skcausal.structural.MisfitWarning")
def test_mechanisms_of_ones_own_with_several_noises():
    from skcausal.structural._evaluation import evaluate

    rng = np.random.default_rng(0)
    parents = pd.DataFrame({"x": rng.normal(size=500)})
    right, wrong = rng.normal(size=500), parents["x"].to_numpy() + rng.normal(size=500)
    judged = {
        name: (Twice().fit(parents, v), parents, v)
        for name, v in {"right": right, "wrong": wrong}.items()
    }
    table = evaluate(judged, 5, rng)
    assert table.loc["right", "p_uniform"] > 0.01
    assert table.loc["right", "p_independent"] > 0.01
    assert table.loc["wrong", "p_independent"] == pytest.approx(2 / 200)


def test_categorical_root():
    frame = pd.DataFrame({"c": pd.Categorical(["a", "b", "b"] * 50)})
    model = model_of(CausalGraph(nodes=["c"]), {"c": CategoricalNoise()}).fit(frame)
    assert model.evaluate(frame).loc["c", "verdict"] == "fits"
