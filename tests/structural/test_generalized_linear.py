"""Linear mechanisms: estimates, densities, and noise that gives values back."""

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone

from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel, GeneralizedLinear
from skcausal.structural._quantiles import (
    normal_between,
    poisson_interval,
    poisson_quantile,
)

FAMILIES = ["gaussian", "lognormal", "poisson", "bernoulli"]
SLOPES, INTERCEPT, SCALE = np.array([0.6, -0.8]), 0.3, 0.5


def parents_of(n, rng):
    return pd.DataFrame({"x": rng.normal(size=n), "w": rng.uniform(-1, 1, n)})


def values_of(family, parents, rng):
    linear = INTERCEPT + parents[["x", "w"]].to_numpy() @ SLOPES
    if family == "poisson":
        return rng.poisson(np.exp(linear))
    if family == "bernoulli":
        return (rng.logistic(size=len(linear)) < linear).astype(int)
    numbers = linear + SCALE * rng.normal(size=len(linear))
    return np.exp(numbers) if family == "lognormal" else numbers


def case(family, n=1000, seed=0):
    rng = np.random.default_rng(seed)
    parents = parents_of(n, rng)
    return parents, values_of(family, parents, rng), rng


@pytest.mark.parametrize("family", FAMILIES)
def test_parameters_are_recovered(family):
    """Means of 25 estimates are within 4 of their standard errors of the truth."""
    found = []
    for seed in range(25):
        parents, values, _ = case(family, n=4000, seed=seed)
        one = GeneralizedLinear(family).fit(parents, values)
        found.append([one.intercept_, *one.coef_, one.scale_])
    mean, error = np.mean(found, axis=0), np.std(found, axis=0, ddof=1) / 5
    truth = [INTERCEPT, *SLOPES, SCALE if one.invertible else 1.0]
    assert (np.abs(mean - truth) <= 4 * error + 1e-12).all()
    assert (error[:3] < 0.02).all()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("columns", [["x", "w"], ["x"], []])
def test_noise_gives_values_back(family, columns):
    parents, values, rng = case(family)
    mechanism = GeneralizedLinear(family).fit(parents[columns], values)
    noise = mechanism.noise(parents[columns], values, rng)
    again = mechanism.apply(parents[columns], noise)
    if mechanism.invertible:
        np.testing.assert_allclose(again, values, rtol=1e-12, atol=1e-12)
    else:
        np.testing.assert_array_equal(again, values)


@pytest.mark.parametrize("family", FAMILIES)
def test_noise_of_the_right_family_is_standard_normal(family):
    parents, values, rng = case(family, n=3000)
    mechanism = GeneralizedLinear(family).fit(parents, values)
    noise = mechanism.noise(parents, values, rng)
    assert stats.kstest(noise, "norm").pvalue > 0.001
    assert abs(np.corrcoef(noise, parents["x"])[0, 1]) < 4 / np.sqrt(3000)


@pytest.mark.parametrize("family", FAMILIES)
def test_draws_have_the_mean(family):
    parents, values, rng = case(family)
    mechanism = GeneralizedLinear(family).fit(parents, values)
    row = parents.iloc[[0]].loc[[0] * 40_000]
    drawn = mechanism.apply(row, mechanism.draw_noise(len(row), rng))
    error = drawn.std() / np.sqrt(len(drawn))
    assert abs(drawn.mean() - mechanism.mean(row)[0]) < 4 * error


def test_gaussian_is_least_squares():
    parents, values, _ = case("gaussian")
    mechanism = GeneralizedLinear().fit(parents, values)
    design = np.column_stack([np.ones(len(parents)), parents])
    slopes, squares, *_ = np.linalg.lstsq(design, values, rcond=None)
    np.testing.assert_allclose(mechanism.coef_, slopes[1:])
    assert mechanism.intercept_ == pytest.approx(slopes[0])
    assert mechanism.scale_ == pytest.approx(np.sqrt(squares[0] / 997))


def test_penalty_of_one_standardised_cause():
    """The slope of a standardised cause is the least squares one over 1 + alpha."""
    parents, values, _ = case("gaussian")
    free, shrunk = (
        GeneralizedLinear(alpha=alpha).fit(parents[["x"]], values)
        for alpha in (0.0, 1.0)
    )
    np.testing.assert_allclose(shrunk.coef_, free.coef_ / 2)


@pytest.mark.parametrize("family", FAMILIES)
def test_log_densities(family):
    parents, values, _ = case(family, n=200)
    one = GeneralizedLinear(family).fit(parents, values)
    linear = one.intercept_ + parents.to_numpy() @ one.coef_
    expected = {
        "gaussian": lambda: stats.norm.logpdf(values, linear, one.scale_),
        "lognormal": lambda: stats.lognorm.logpdf(
            values, one.scale_, scale=np.exp(linear)
        ),
        "poisson": lambda: stats.poisson.logpmf(values, np.exp(linear)),
        "bernoulli": lambda: stats.bernoulli.logpmf(values, 1 / (1 + np.exp(-linear))),
    }[family]()
    np.testing.assert_allclose(one.log_density(parents, values), expected, rtol=1e-9)


def test_roots_have_the_maximum_likelihood_estimate():
    _, values, _ = case("poisson")
    none = pd.DataFrame(index=range(1000))
    poisson = GeneralizedLinear("poisson").fit(none, values)
    np.testing.assert_allclose(poisson.mean(none), values.mean())
    seen = GeneralizedLinear("bernoulli").fit(none, values > 1)
    np.testing.assert_allclose(seen.mean(none), (values > 1).mean())


def test_categories_become_indicators():
    rng = np.random.default_rng(0)
    kind = pd.Categorical(rng.choice(["a", "b", "c"], 300), ["c", "a", "b", "empty"])
    values = np.where(kind == "a", 5.0, np.where(kind == "b", 7.0, 4.0))
    values = values + 0.01 * rng.normal(size=300)
    mechanism = GeneralizedLinear().fit(pd.DataFrame({"kind": kind}), values)
    assert mechanism.features_ == ["kind_a", "kind_b", "kind_empty"]
    np.testing.assert_allclose(mechanism.coef_, [1, 3, 0], atol=0.01)
    labels = pd.DataFrame({"kind": pd.Categorical(["b", "c"])})
    np.testing.assert_allclose(mechanism.mean(labels), [7, 4], atol=0.01)
    other = pd.DataFrame({"kind": pd.Categorical(["b", "other"])})
    with pytest.raises(ValueError, match="category 'other', which was not seen"):
        mechanism.mean(other)


def test_labels_that_can_be_separated_have_finite_coefficients():
    parents = pd.DataFrame({"x": np.linspace(-1, 1, 100)})
    labels = np.where(parents["x"] > 0, "yes", "no")
    mechanism = GeneralizedLinear("bernoulli").fit(parents, labels)
    assert np.isfinite(mechanism.coef_).all()
    assert mechanism.classes_.tolist() == ["no", "yes"]
    noise = mechanism.noise(parents, labels, np.random.default_rng(0))
    assert (mechanism.apply(parents, noise) == labels).all()


def test_counts_and_labels_are_monotone():
    """More of what raises the mean never leads to less."""
    for family in ("poisson", "bernoulli"):
        parents, values, rng = case(family)
        mechanism = GeneralizedLinear(family).fit(parents, values)
        noise = mechanism.noise(parents, values, rng)
        more = mechanism.apply(parents.assign(x=parents["x"] + 1), noise)
        assert (more >= values).all()
        assert (more > values).any()


# Quantiles


@pytest.mark.parametrize("mean", [1e-4, 0.3, 4.0, 120.0, 1e5])
def test_poisson_quantiles_agree_with_scipy(mean):
    scores = np.random.default_rng(0).normal(size=500)
    found = poisson_quantile(scores, np.full(500, mean))
    assert (found == stats.poisson.ppf(stats.norm.cdf(scores), mean)).all()


@pytest.mark.parametrize("mean", [0.01, 2.0, 1000.0])
@pytest.mark.parametrize("quantile", [-30, -12, 12, 30])
def test_counts_far_in_the_tails_come_back(mean, quantile):
    """Uniform noise would round to 1 from 8.3 standard deviations on."""
    rng, means = np.random.default_rng(0), np.full(200, mean)
    counts = poisson_quantile(np.full(200, float(quantile)), means)
    noise = normal_between(*poisson_interval(counts, means), rng)
    assert (poisson_quantile(noise, means) == counts).all()


def test_noise_of_a_count_is_normal_within_its_interval():
    """Given a count, the place of its noise within the interval is uniform."""
    rng, means = np.random.default_rng(0), np.full(5000, 2.0)
    (low, high), above = poisson_interval(np.full(5000, 3.0), means)
    noise = normal_between((low, high), above, rng)
    places = (stats.norm.cdf(noise) - low) / (high - low)
    assert stats.kstest(places, "uniform").pvalue > 0.001


# In a model


def test_model_of_linear_mechanisms():
    rng = np.random.default_rng(0)
    x = rng.normal(size=3000)
    y = rng.poisson(np.exp(0.5 * x))
    z = rng.logistic(size=3000) < y - 1
    frame = pd.DataFrame({"x": x, "y": y, "z": z})
    given = {
        "x": GeneralizedLinear(),
        "y": GeneralizedLinear("poisson"),
        "z": GeneralizedLinear("bernoulli"),
    }
    graph = CausalGraph([("x", "y"), ("y", "z")])
    model = AdditiveNoiseModel(graph, given, random_state=0).fit(frame)
    again = model.from_noise(model.noise(frame))
    assert (again["z"] == z).all()
    assert (again["y"] == y).all()
    drawn = model.sample(40_000, do={"x": 1.0})["y"]
    error = drawn.std() / np.sqrt(len(drawn))
    expected = np.exp(model.mechanisms_["y"].intercept_ + model.mechanisms_["y"].coef_)
    assert abs(drawn.mean() - expected[0]) < 4 * error


@pytest.mark.parametrize("family", FAMILIES)
def test_clone_and_pickle(family):
    parents, values, _ = case(family)
    one = clone(GeneralizedLinear(family, alpha=0.1)).fit(parents, values)
    two = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(one.mean(parents), two.mean(parents))


@pytest.mark.parametrize(
    ("options", "values", "words"),
    [
        ({"family": "gamma"}, [1.0, 2.0], "family must be one of gaussian"),
        ({"alpha": -1}, [1.0, 2.0], "alpha must be 0 or more"),
        ({"family": "lognormal"}, [1.0, 0.0], "'lognormal' needs positive numbers"),
        ({"family": "poisson"}, [1.0, 0.5], "'poisson' needs whole numbers.* 0.5"),
        ({"family": "poisson"}, [1.0, -1.0], "'poisson' needs whole numbers"),
        ({"family": "bernoulli"}, ["a", "a"], "two labels, got 1"),
    ],
)
def test_values_of_another_family(options, values, words):
    parents = pd.DataFrame({"x": [0.0, 1.0]})
    with pytest.raises(ValueError, match=words):
        GeneralizedLinear(**options).fit(parents, values)


def test_what_is_impossible_is_an_error():
    parents, values, rng = case("poisson")
    mechanism = GeneralizedLinear("poisson").fit(parents, values)
    with pytest.raises(ValueError, match="row 0 has the value 1000000"):
        mechanism.noise(parents[:1], [1_000_000], rng)
    with pytest.raises(ValueError, match=r"a count of more than 1e\+12"):
        mechanism.mean(parents[:1].assign(x=1e4))
    labels = GeneralizedLinear("bernoulli").fit(parents, values > 0)
    with pytest.raises(ValueError, match=r"category 2.* was not seen"):
        labels.noise(parents[:1], [2], rng)
