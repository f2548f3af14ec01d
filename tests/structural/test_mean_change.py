"""Multiply robust change of a mean: truth, coverage, robustness, bad input."""

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

from skcausal import OverlapWarning
from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel, distribution_change, mean_change
from skcausal.structural._shapley import exact_shapley

GRAPH = CausalGraph([("x1", "x2"), ("x1", "y"), ("x2", "y")])


def samples(seed, n):
    """Return two samples; all three mechanisms change (the design of DoWhy's test)."""
    rng = np.random.default_rng(seed)
    tables = []
    for new in (0, 1):
        x1 = rng.normal(1, 1.1 if new else 1, n)
        x2 = (0.2 if new else 0.5) * x1 + rng.normal(size=n)
        curve = x1 + x2 + x1**2 / 4 + (-1 if new else 1) * x2**2 / 4
        y = curve + rng.normal(size=n)
        tables.append(pd.DataFrame({"x1": x1, "x2": x2, "y": y}))
    return tables


def mean_under(masks):
    """Return E[y] with some mechanisms new."""
    square = np.where(masks[:, 0], 2.21, 2.0)
    slope = np.where(masks[:, 1], 0.2, 0.5)
    sign = np.where(masks[:, 2], -1, 1)
    return (1 + slope + square / 4 + sign * (slope**2 * square + 1) / 4)[:, None]


TRUTH = exact_shapley(mean_under, 3)[:, 0]


def quadratic(model):
    return make_pipeline(PolynomialFeatures(2), model)


def estimate(seed, n=600, **options):
    models = {
        "regressor": quadratic(LinearRegression()),
        "classifier": quadratic(LogisticRegression(C=1e4, max_iter=1000)),
    }
    given = models | {"cv": 2, "random_state": 0} | options
    return mean_change(GRAPH, *samples(seed, n), "y", **given)


def errors(seeds, **options):
    found = [estimate(seed, **options) for seed in seeds]
    return np.array([(one.value - TRUTH) / one.standard_error for one in found])


def test_errors_have_the_size_that_is_stated():
    deviations = errors(range(6))
    assert np.sqrt((deviations**2).mean()) == pytest.approx(1, abs=0.5)
    assert np.abs(deviations.mean(axis=0)).max() < 4 / np.sqrt(6)


@pytest.mark.slow
def test_intervals_cover():
    deviations = errors(range(300))
    cover = (np.abs(deviations) < 1.96).mean(axis=0)
    assert (np.abs(cover - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 300)).all()
    assert np.abs(deviations.mean(axis=0)).max() < 4 / np.sqrt(300)


@pytest.mark.parametrize(
    "wrong",
    [{"classifier": DummyClassifier()}, {"regressor": DummyRegressor()}],
    ids=["ratios", "regressions"],
)
def test_one_kind_of_model_may_be_wrong(wrong):
    found = estimate(1, n=20_000, **wrong)
    assert (np.abs(found.value - TRUTH) < 0.08).all()
    both = estimate(
        1, n=20_000, regressor=DummyRegressor(), classifier=DummyClassifier()
    )
    assert (np.abs(both.value - TRUTH) > 0.2).any()


def test_the_sum_is_the_difference_of_means():
    before, after = samples(0, 800)
    total = after["y"].mean() - before["y"].mean()
    assert estimate(0, n=800).value.sum() == pytest.approx(total, abs=1e-9)


def test_agrees_with_simulation():
    before, after = samples(3, 4000)
    model = AdditiveNoiseModel(GRAPH, regressor=quadratic(LinearRegression()))
    old, new = (
        model.fit(before),
        AdditiveNoiseModel(GRAPH, regressor=quadratic(LinearRegression())).fit(after),
    )
    simulated = distribution_change(
        old, new, "y", measure="mean", n_samples=20_000, random_state=0
    )
    found = estimate(3, n=4000)
    within = 4 * np.hypot(simulated.standard_errors, 0.3 * found.standard_error)
    assert (np.abs(found.value - simulated.contributions) < within).all()


def test_default_models_and_unchanged_nodes():
    before, after = samples(0, 300)
    found = mean_change(GRAPH, before, after, "y", changed=["y"], cv=2, random_state=0)
    assert found.labels == ("y",)
    assert found.standard_error < 0.3
    # Only the last mechanism new: x2 squared has mean 1.5 before.
    assert found.value == pytest.approx(-0.75, abs=4 * found.standard_error)


def test_samples_without_overlap():
    before, after = samples(0, 300)
    with pytest.warns(OverlapWarning, match="times as likely"):
        mean_change(
            GRAPH,
            before,
            after.assign(x1=after["x1"] + 5),
            "y",
            regressor=LinearRegression(),
            classifier=LogisticRegression(),
        )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"target": "q"}, "target must be a node"),
        ({"changed": ["q"]}, "changed names 'q'"),
        ({"changed": []}, "between 1 and 10 nodes"),
        ({"cv": 1}, "cv must be"),
        ({"graph": CausalGraph([], [("x1", "y")])}, "hidden common cause"),
        ({"after": samples(0, 40)[1].drop(columns="x2")}, "no column for node 'x2'"),
        ({"after": samples(0, 40)[1].assign(x2=np.nan)}, "has 40 missing"),
    ],
)
def test_bad_input(options, words):
    before, after = samples(0, 40)
    given = {"graph": GRAPH, "before": before, "after": after, "target": "y"}
    with pytest.raises(ValueError, match=words):
        mean_change(**(given | options))


def test_categories_have_no_mean():
    before, after = samples(0, 40)
    labels = [
        one.assign(y=pd.Categorical(np.where(one["y"] > 0, "a", "b")))
        for one in (before, after)
    ]
    with pytest.raises(ValueError, match="holds categories"):
        mean_change(GRAPH, *labels, "y")
    with pytest.raises(ValueError, match="'y' is float64 in one table"):
        mean_change(GRAPH, before, labels[1], "y")
