"""choose_mechanism: the simplest candidate that explains held-out rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.structural import (
    AdditiveNoise,
    CategoricalNoise,
    EmpiricalDistribution,
    GeneralizedLinear,
    GumbelMax,
    choose_mechanism,
)

STRAIGHT = {"regressor": LinearRegression(), "classifier": LogisticRegression()}


def case(kind, n=600, seed=0):
    rng = np.random.default_rng(seed)
    parents = pd.DataFrame({"x": rng.normal(size=n)})
    x = parents["x"].to_numpy()
    values = {
        "gaussian": lambda: x + rng.normal(size=n),
        "lognormal": lambda: np.exp(0.5 * x + rng.normal(size=n)),
        "poisson": lambda: rng.poisson(np.exp(1 + 0.5 * x)),
        "additive": lambda: x + rng.exponential(size=n),
        "curved": lambda: np.sin(2 * x) + 0.3 * rng.normal(size=n),
        "dispersed": lambda: rng.negative_binomial(0.5, 0.02, n),
        "bernoulli": lambda: (rng.logistic(size=n) < x).astype(int),
        "hill": lambda: (rng.logistic(size=n) < 3 - 6 * np.abs(x)).astype(int),
        "labels": lambda: pd.Categorical(rng.choice(["a", "b", "c"], n)),
    }[kind]()
    return parents, values


@pytest.mark.parametrize("truth", ["gaussian", "lognormal", "poisson", "additive"])
def test_the_true_family_is_chosen(truth):
    """The one-error rule errs only toward simpler families, and rarely."""
    right = 0
    for seed in range(10):
        parents, values = case(truth, seed=seed)
        scores = choose_mechanism(parents, values, random_state=seed, **STRAIGHT)[1]
        right += scores.index[scores["chosen"]][0] == truth
    assert right >= 8


def test_the_mechanism_is_fitted_and_the_table_says_why():
    parents, values = case("gaussian")
    chosen, scores = choose_mechanism(parents, values, random_state=0, **STRAIGHT)
    assert isinstance(chosen, GeneralizedLinear)
    np.testing.assert_allclose(
        chosen.coef_, GeneralizedLinear().fit(parents, values).coef_
    )
    assert scores.index.tolist() == ["gaussian", "additive"]
    assert scores["mechanism"].tolist() == [
        "GeneralizedLinear(gaussian)",
        "LinearRegression",
    ]
    entropy = -0.5 * np.log(2 * np.pi * np.e)
    gap = scores["log_score"] - entropy
    assert (gap.abs() < 4 * scores["standard_error"]).all()
    assert scores["difference"].max() == 0
    again = choose_mechanism(parents, values, random_state=0, **STRAIGHT)[1]
    pd.testing.assert_frame_equal(scores, again)


def test_trees_are_taken_where_they_help():
    chosen, scores = choose_mechanism(*case("curved"), random_state=0)
    assert type(chosen.regressor_).__name__ == "LGBMRegressor"
    assert scores.loc["additive", "log_score"] > scores.loc["gaussian", "log_score"]


def test_counts_that_are_no_poisson():
    """Overdispersed counts: densities of noisy counts beat the Poisson."""
    parents, values = case("dispersed")
    chosen, scores = choose_mechanism(parents, values, random_state=0, **STRAIGHT)
    assert isinstance(chosen, AdditiveNoise)
    assert scores.loc["poisson", "difference"] < -5


def test_log_scores_of_counts_are_comparable():
    """Where the mean is large, a Poisson is a Gaussian: scores agree."""
    rng = np.random.default_rng(0)
    none = pd.DataFrame(index=range(4000))
    names = ["poisson", "gaussian"]
    scores = choose_mechanism(
        none, rng.poisson(400, 4000), candidates=names, random_state=0
    )[1]
    assert scores["difference"].min() > -0.01
    small = choose_mechanism(
        none, rng.poisson(0.02, 4000), candidates=names, random_state=0
    )[1]
    assert small.loc["gaussian", "log_score"] < small.loc["poisson", "log_score"]
    assert small.loc["gaussian", "log_score"] < 0  # no density of a spike


def test_labels():
    chosen, scores = choose_mechanism(*case("bernoulli"), random_state=0)
    assert chosen.family == "bernoulli"
    assert scores.index.tolist() == ["bernoulli", "categorical"]
    trees, scores = choose_mechanism(*case("hill"), random_state=0)
    assert type(trees.classifier_).__name__ == "LGBMClassifier"
    only, scores = choose_mechanism(*case("labels"), random_state=0, **STRAIGHT)
    assert type(only) is CategoricalNoise
    assert scores.index.tolist() == ["categorical"]
    assert scores["log_score"].isna().all()


def test_couplings_have_the_same_score():
    parents, values = case("labels")
    chosen, scores = choose_mechanism(
        parents, values, candidates=["gumbel", "categorical"], **STRAIGHT
    )
    assert type(chosen) is GumbelMax
    assert scores["log_score"].nunique() == 1


def test_roots():
    parents, values = case("gaussian")
    chosen, _ = choose_mechanism(parents[[]], values)
    assert isinstance(chosen, EmpiricalDistribution)
    names = ["gaussian", "empirical"]
    smooth, scores = choose_mechanism(
        parents[[]], values, candidates=names, random_state=0
    )
    assert isinstance(smooth, GeneralizedLinear)
    assert np.isfinite(scores["log_score"]).all()
    counts = case("poisson")[1]
    poisson = ["poisson", "gaussian", "empirical"]
    scores = choose_mechanism(parents[[]], counts, candidates=poisson)[1]
    assert np.isfinite(scores["log_score"]).all()
    labels, _ = choose_mechanism(parents[[]], case("labels")[1], candidates=["gumbel"])
    assert isinstance(labels, GumbelMax)


def test_mechanisms_as_candidates():
    parents, values = case("additive")
    given = [GeneralizedLinear(alpha=0.5), AdditiveNoise(LinearRegression())]
    chosen, scores = choose_mechanism(parents, values, candidates=given)
    assert scores.index.tolist() == ["GeneralizedLinear", "AdditiveNoise"]
    assert isinstance(chosen, AdditiveNoise)
    assert not hasattr(given[1], "noise_")  # copies are fitted


def test_flow_where_asked_for():
    pytest.importorskip("pyro")
    rng = np.random.default_rng(0)
    parents = pd.DataFrame({"x": rng.uniform(-1, 1, 500)})
    values = np.exp(2 * parents["x"]) * rng.normal(size=500)
    chosen, _ = choose_mechanism(
        parents, values, candidates=["gaussian", "flow"], cv=2, random_state=0
    )
    assert type(chosen).__name__ == "SplineFlow"


def test_categories_of_numbers_are_labels_in_their_order():
    rng = np.random.default_rng(0)
    parents = pd.DataFrame({"x": rng.normal(size=200)})
    sizes = pd.Categorical(rng.integers(3, size=200), [2, 0, 1], ordered=True)
    for values in (sizes, pd.Series(sizes, index=range(200, 400))):
        chosen, _ = choose_mechanism(parents, values, **STRAIGHT)
        assert chosen.classes_.tolist() == [2, 0, 1]


def test_a_label_that_is_rare():
    parents, _ = case("gaussian", n=100)
    rare = pd.Categorical(["a"] * 60 + ["b"] * 39 + ["c"])
    names = ["categorical", "gumbel"]
    scores = choose_mechanism(parents, rare, candidates=names, **STRAIGHT)[1]
    assert np.isfinite(scores["log_score"]).all()


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [
        ("gaussian", {"candidates": ["trees"]}, "names among .*'trees'"),
        ("gaussian", {"candidates": ["poisson"]}, "none of the candidates poisson"),
        ("labels", {"candidates": ["gaussian"]}, "that can: categorical, gumbel"),
        ("gaussian", {"cv": 1}, "cv must be an integer from 2"),
        ("gaussian", {"cv": 5.0}, "cv must be an integer from 2"),
    ],
)
def test_bad_input(kind, options, words):
    with pytest.raises(ValueError, match=words):
        choose_mechanism(*case(kind), **options)
