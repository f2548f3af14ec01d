"""Intrinsic influence and arrow strength: published values and closed forms."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.graphs import CausalGraph
from skcausal.structural import (
    AdditiveNoiseModel,
    Attribution,
    RowAttribution,
    arrow_strength,
    intrinsic_influence,
)
from tests.structural.helpers import CHAIN, chain_frame, linear_model

DEVIATIONS = (1, 0.001, 2, 1)


@pytest.fixture(scope="module")
def chain():
    """G6: DoWhy's test of intrinsic causal influence."""
    return chain_frame(DEVIATIONS, 10_000)


def test_variance_of_a_chain(chain):
    influence = intrinsic_influence(
        linear_model(CHAIN).fit(chain), "X3", random_state=0
    )
    found = influence.contributions
    for node, expected, within in (
        ("X0", 1, 0.25),
        ("X1", 0, 0.05),
        ("X2", 4, 0.5),
        ("X3", 1, 0.25),
    ):
        assert found[node] == pytest.approx(expected, abs=within)
    assert influence.total == pytest.approx(chain["X3"].var(), abs=0.5)
    assert found.sum() == pytest.approx(influence.total)


def entropy(p):
    return -(p * np.log(p) + (1 - p) * np.log(1 - p))


def test_entropy_of_a_category(chain):
    """G7: the sign of X3; also against the closed form of probit probabilities."""
    labels = pd.Categorical(np.where(chain["X3"] >= 0, "up", "down"))
    model = linear_model(CHAIN).fit(chain.assign(X3=labels))
    influence = intrinsic_influence(model, "X3", n_samples=4000, random_state=0)
    found = influence.contributions
    for node, expected in (("X0", 0.14), ("X1", 0.01), ("X2", 0.38), ("X3", 0.12)):
        assert found[node] == pytest.approx(expected, abs=0.05)
    assert influence.total == pytest.approx(np.log(2), abs=0.01)
    # Truth of each by quadrature: v(S) = log 2 - E H(P(X3 >= 0 | U_S)).
    variances = np.array([1.0, 0.0, 4.0, 1.0])

    def worth(members):
        known = sum(variances[k] for k in members)
        if known == 6:
            return np.log(2)
        z = np.linspace(-8, 8, 4001)
        p = stats.norm.cdf(np.sqrt(known) * z / np.sqrt(6 - known))
        p = np.clip(p, 1e-12, 1 - 1e-12)
        return np.log(2) - np.trapezoid(entropy(p) * stats.norm.pdf(z), z)

    three = [0, 2, 3]
    for k in three:
        others = [j for j in three if j != k]
        truth = (worth([k]) + worth(three) - worth(others)) / 3 + sum(
            worth([k, j]) - worth([j]) for j in others
        ) / 6
        assert found.iloc[k] == pytest.approx(truth, abs=0.03)


def test_sampled_orders_give_the_same(chain):
    model = linear_model(CHAIN).fit(chain)
    exact = intrinsic_influence(model, "X3", random_state=0)
    sampled = intrinsic_influence(model, "X3", n_permutations=20, random_state=0)
    np.testing.assert_allclose(sampled.contributions, exact.contributions, atol=1e-3)


def test_twelve_causes_with_a_product():
    """Beyond ten nodes orders are sampled; errors cover the closed form.

    y = sum of x_j + x_1 x_2: both factors share the unit variance of the product.
    """
    names = [f"x{k}" for k in range(1, 13)]
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(4000, 12)), columns=names)
    noise = rng.normal(size=4000)
    frame["y"] = frame.sum(axis=1) + frame["x1"] * frame["x2"] + noise

    class Product(LinearRegression):
        def fit(self, X, y, sample_weight=None):
            return super().fit(self.widened(X), y, sample_weight)

        def predict(self, X):
            return super().predict(self.widened(X))

        def widened(self, X):
            return np.column_stack([X, X["x1"] * X["x2"]])

    graph = CausalGraph([(name, "y") for name in names])
    model = AdditiveNoiseModel(graph, regressor=Product()).fit(frame)
    influence = intrinsic_influence(
        model, "y", n_permutations=20, n_samples=4000, random_state=0
    )
    truth = pd.Series(1.0, influence.contributions.index)
    truth[["x1", "x2"]] = 1.5
    deviation = (influence.contributions - truth) / influence.standard_errors
    # The data's own error is about as large as that of 4000 simulated rows.
    assert np.sqrt((deviation**2).mean()) < 2.5
    assert influence.total == pytest.approx(14, rel=0.1)


def test_standard_errors_of_influence():
    model = linear_model(CHAIN).fit(chain_frame((1, 1, 1, 1), 2000))
    runs = [
        intrinsic_influence(model, "X3", n_samples=400, random_state=seed)
        for seed in range(50)
    ]
    spread = pd.DataFrame([run.contributions for run in runs]).std()
    stated = pd.DataFrame([run.standard_errors**2 for run in runs]).mean() ** 0.5
    np.testing.assert_allclose(stated / spread, 1, atol=0.35)


def test_only_ancestors_are_listed(chain):
    influence = intrinsic_influence(linear_model(CHAIN).fit(chain), "X1")
    assert influence.contributions.index.tolist() == ["X0", "X1"]


def test_binary_numbers_have_variance_and_entropy(chain):
    frame = chain.assign(X3=(chain["X3"] >= 0).astype(int))
    model = linear_model(CHAIN).fit(frame)
    variance = intrinsic_influence(model, "X3", random_state=0)
    assert variance.total == pytest.approx(0.25, abs=0.01)
    both = intrinsic_influence(
        model, "X3", uncertainty="entropy", n_samples=1000, random_state=0
    )
    assert both.total == pytest.approx(np.log(2), abs=0.01)


# Arrows


def two_causes(n=4000, deviation=0.2, seed=0):
    a, b, noise = np.random.default_rng(seed).normal(size=(3, n))
    return pd.DataFrame({"a": a, "b": b, "y": 3 * a + b + deviation * noise})


INTO_Y = CausalGraph([("a", "y"), ("b", "y")])


def test_arrow_strength_of_a_linear_mechanism():
    """Variance b²; divergence log(1 + b² / s²) / 2. DoWhy's tests: 2.76, 1.6 ± .4."""
    model = linear_model(INTO_Y).fit(two_causes())
    variance = arrow_strength(model, "y", random_state=0)
    np.testing.assert_allclose(variance.contributions, [9, 1], rtol=0.08)
    found = arrow_strength(model, "y", measure="kl", random_state=0)
    truth = np.log(1 + np.array([9, 1]) / 0.04) / 2
    assert found.contributions["a"] == pytest.approx(2.76, abs=0.4)
    assert found.contributions["b"] == pytest.approx(1.6, abs=0.4)
    np.testing.assert_allclose(found.contributions, truth, atol=0.12)
    assert found.total is None


def test_arrow_strength_counts_the_direct_way_only():
    rng = np.random.default_rng(0)
    x = rng.normal(size=4000)
    m = 2 * x + rng.normal(size=4000)
    frame = pd.DataFrame({"x": x, "m": m, "y": x + m + rng.normal(size=4000)})
    graph = CausalGraph([("x", "m"), ("x", "y"), ("m", "y")])
    found = arrow_strength(linear_model(graph).fit(frame), "y", random_state=0)
    # An independent copy of m has its whole variance of 5.
    np.testing.assert_allclose(found.contributions, [1, 5], rtol=0.1)


def test_arrow_strength_of_a_category():
    """A closed form: with one binary cause the cut gives the marginal."""
    rng = np.random.default_rng(0)
    a = rng.integers(2, size=8000)
    y = rng.random(8000) < np.where(a == 1, 0.9, 0.3)
    frame = pd.DataFrame({"a": a, "y": pd.Categorical(np.where(y, "p", "q"))})
    model = AdditiveNoiseModel(
        CausalGraph([("a", "y")]), classifier=LogisticRegression(C=1e6)
    )
    found = arrow_strength(model.fit(frame), "y", random_state=0)
    mutual = entropy(0.6) - (entropy(0.9) + entropy(0.3)) / 2
    assert found.contributions["a"] == pytest.approx(mutual, rel=0.12)


def test_rows_of_a_table_instead_of_the_model():
    model = linear_model(INTO_Y).fit(two_causes())
    wide = two_causes(seed=1).assign(a=lambda rows: 2 * rows["a"])
    found = arrow_strength(model, "y", frame=wide, random_state=0)
    np.testing.assert_allclose(found.contributions, [36, 1], rtol=0.1)


def test_no_noise_has_no_divergence():
    model = linear_model(INTO_Y).fit(two_causes(deviation=0.0))
    with pytest.raises(ValueError, match="no noise"):
        arrow_strength(model, "y", measure="kl")


# Bad input


@pytest.mark.parametrize(
    ("function", "options", "words"),
    [
        (intrinsic_influence, {"target": "q"}, "target must be a node"),
        (intrinsic_influence, {"uncertainty": "sd"}, "uncertainty must be"),
        (intrinsic_influence, {"uncertainty": "entropy"}, "is a number"),
        (intrinsic_influence, {"n_samples": 3}, "n_samples must be"),
        (intrinsic_influence, {"n_permutations": 1}, "n_permutations must be"),
        (arrow_strength, {"target": "a"}, "has no causes"),
        (arrow_strength, {"measure": "mean"}, "measure must be"),
        (arrow_strength, {"n_samples": 1.5}, "n_samples must be"),
        (arrow_strength, {"frame": pd.DataFrame({"a": [1.0]})}, "node 'b'"),
    ],
)
def test_questions_without_an_answer(function, options, words):
    model = linear_model(INTO_Y).fit(two_causes(200))
    with pytest.raises(ValueError, match=words):
        function(model, **({"target": "y"} | options))


def test_categories_have_no_variance():
    labels = pd.Categorical(np.where(two_causes(300)["y"] > 0, "p", "q"))
    model = linear_model(INTO_Y).fit(two_causes(300).assign(y=labels))
    for function, option in (
        (intrinsic_influence, {"uncertainty": "variance"}),
        (arrow_strength, {"measure": "variance"}),
    ):
        with pytest.raises(ValueError, match="have no variance"):
            function(model, "y", **option)


def test_what_is_no_model():
    with pytest.raises(TypeError, match="must be a fitted model of a graph"):
        intrinsic_influence(LinearRegression(), "y")
    with pytest.raises(ValueError, match="not fitted"):
        arrow_strength(linear_model(INTO_Y), "y")


def test_results_show_what_is_divided():
    parts = pd.Series({"a": 1.0, "b": 3.0})
    shown = repr(Attribution(parts, 0 * parts, "y", "Variance of y", 4.0))
    assert shown.startswith("Variance of y, 4 in all:\n")
    assert shown.index("\nb") < shown.index("\na")
    rows = RowAttribution(pd.DataFrame([parts]), 0, "y", "Score", pd.Series([4.0]))
    assert repr(rows).splitlines()[1].split() == ["a", "b", "total"]
