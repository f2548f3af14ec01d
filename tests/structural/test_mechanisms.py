"""Mechanisms and the model: noise, replays, interventions, counterfactuals."""

import pickle
import subprocess
import sys

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from skcausal.graphs import CausalGraph
from skcausal.structural import (
    AdditiveNoise,
    AdditiveNoiseModel,
    CategoricalNoise,
    EmpiricalDistribution,
    Mechanism,
    MisfitWarning,
    arrow_strength,
    intrinsic_influence,
)
from skcausal.structural._evaluation import crps

GRAPH = CausalGraph(
    [("a", "b"), ("c", "b"), ("b", "d"), ("a", "e"), ("d", "e"), ("e", "f"), ("b", "f")]
)


def mixed_frame(n=1500, seed=0):
    """Numbers, categories with three and two labels, a bool and a 0/1 column."""
    rng = np.random.default_rng(seed)
    a = rng.normal(size=n)
    c = np.array(["u", "v", "w"])[rng.integers(3, size=n)]
    b = 2 * a + (c == "v") + rng.normal(size=n)
    d = np.where(b + rng.logistic(size=n) > 0, "yes", "no")
    e = (a + (d == "yes") + rng.logistic(size=n) > 0).astype(int)
    f = b - 2 * e + rng.logistic(size=n) > 0
    labels = {"c": pd.Categorical(c), "d": pd.Categorical(d)}
    frame = pd.DataFrame({"a": a, "b": b, **labels, "e": e, "f": f})
    return frame


def linear_model(graph=GRAPH, **options):
    linear = make_numbers(LinearRegression()), make_numbers(LogisticRegression())
    return AdditiveNoiseModel(
        graph, regressor=linear[0], classifier=linear[1], random_state=0, **options
    )


def make_numbers(model):
    encoder = OneHotEncoder(sparse_output=False)
    chosen = make_column_selector(dtype_include="category")
    transformer = make_column_transformer((encoder, chosen), remainder="passthrough")
    return make_pipeline(transformer, model)


@pytest.fixture(scope="module")
def frame():
    return mixed_frame()


@pytest.fixture(scope="module")
def model(frame):
    return linear_model().fit(frame)


def assert_same(one, two):
    for node in one:
        if one[node].dtype.kind == "f":
            np.testing.assert_allclose(one[node], two[node].astype(float), atol=1e-9)
        else:
            assert (one[node] == two[node]).all()


def test_kinds_of_mechanisms(model):
    kinds = {node: type(one) for node, one in model.mechanisms_.items()}
    assert kinds == {
        "a": EmpiricalDistribution,
        "c": EmpiricalDistribution,
        "b": AdditiveNoise,
        "d": CategoricalNoise,
        "e": CategoricalNoise,
        "f": CategoricalNoise,
    }


def test_noise_and_replay_are_inverse(frame, model):
    noise = model.noise(frame)
    assert_same(model.from_noise(noise), frame)
    fresh = model.draw_noise(200, random_state=1)
    replayed = model.noise(model.from_noise(fresh))
    np.testing.assert_allclose(replayed["b"], fresh["b"], atol=1e-9)


def test_recovered_noise_of_categories_is_uniform(frame, model):
    noise = model.noise(frame)
    for node in "def":
        shares, _ = np.histogram(noise[node], bins=10, range=(0, 1))
        assert np.abs(shares / len(frame) - 0.1).max() < 5 * np.sqrt(0.09 / len(frame))


def test_sample_has_the_distribution_of_the_data(frame, model):
    drawn = model.sample(20_000, random_state=3)
    assert drawn["b"].mean() == pytest.approx(frame["b"].mean(), abs=0.1)
    assert drawn["b"].std() == pytest.approx(frame["b"].std(), rel=0.05)
    for node, label in (("d", "yes"), ("e", 1), ("f", True)):
        share = (frame[node] == label).mean()
        assert (drawn[node] == label).mean() == pytest.approx(share, abs=0.03)
    assert drawn["c"].dtype == "category"
    assert drawn["f"].dtype == bool


def test_intervention_gives_the_interventional_mean(model):
    """E[b | do(a)] is linear with slope 2, and nothing upstream moves."""
    low, high = (model.sample(4000, do={"a": x}, random_state=0) for x in (0.0, 1.0))
    assert (high["b"] - low["b"]).mean() == pytest.approx(2, abs=0.1)
    assert (high["c"] == low["c"]).all()
    assert set(high["a"]) == {1.0}


def test_functions_see_causes_and_the_natural_value(model):
    base = model.sample(300, random_state=0)
    shifted = model.sample(
        300, do={"b": lambda row: row["b"] + row["a"]}, random_state=0
    )
    np.testing.assert_allclose(shifted["b"], base["b"] + base["a"])


def test_consistency_effectiveness_composition(frame, model):
    """The three axioms of counterfactuals (Pearl 2009, section 7.3)."""
    noise = model.noise(frame)
    actual = model.from_noise(noise, do={"b": frame["b"].to_numpy()})
    assert_same(actual, frame)  # consistency
    set_ = model.from_noise(noise, do={"b": 1.5, "d": "no"})
    assert (set_["b"] == 1.5).all()  # effectiveness
    assert (set_["d"] == "no").all()
    one = model.from_noise(noise, do={"a": 0.0})
    two = model.from_noise(noise, do={"a": 0.0, "b": one["b"].to_numpy()})
    assert_same(one, two)  # composition


def test_counterfactual_of_additive_noise_is_exact():
    rng = np.random.default_rng(0)
    x = rng.normal(size=400)
    m = 0.5 * x + rng.normal(size=400)
    frame = pd.DataFrame({"x": x, "m": m, "y": x - 2 * m + rng.normal(size=400)})
    graph = CausalGraph([("x", "m"), ("m", "y"), ("x", "y")])
    model = AdditiveNoiseModel(graph, regressor=LinearRegression()).fit(frame)
    slope = {
        node: one.regressor_.coef_
        for node, one in model.mechanisms_.items()
        if node != "x"
    }
    other = model.counterfactual(frame, {"x": x + 1})
    np.testing.assert_allclose(other["m"] - m, slope["m"][0])
    total = slope["y"][0] + slope["y"][1] * slope["m"][0]
    np.testing.assert_allclose(other["y"] - frame["y"], total)


def test_noise_of_a_memorising_regressor_is_not_zero(frame):
    memory = AdditiveNoise(KNeighborsRegressor(1)).fit(frame[["a"]], frame["b"])
    assert memory.noise(frame[["a"]], frame["b"], None).std() == 0
    assert memory.noise_.std() > 1


def test_default_takes_trees_only_where_they_help():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 1000))
    parents = pd.DataFrame({"x": x})
    straight = AdditiveNoise().fit(parents, x + noise)
    curved = AdditiveNoise().fit(parents, np.sin(3 * x) + 0.3 * noise)
    assert type(straight.regressor_).__name__ == "Pipeline"
    assert type(curved.regressor_).__name__ == "LGBMRegressor"
    labels = CategoricalNoise().fit(parents, np.where(np.abs(x) + noise > 1, "p", "q"))
    assert type(labels.classifier_).__name__ == "LGBMClassifier"


def test_ordinal_categories_keep_their_order():
    rng = np.random.default_rng(0)
    x = rng.normal(size=1000)
    codes = np.digitize(x + rng.logistic(size=1000), [-1, 1])
    sizes = pd.Categorical.from_codes(codes, ["small", "medium", "large"], ordered=True)
    frame = pd.DataFrame({"x": x, "size": sizes})
    model = linear_model(CausalGraph([("x", "size")])).fit(frame)
    assert model.mechanisms_["size"].classes_.tolist() == ["small", "medium", "large"]
    more = model.counterfactual(frame, {"x": x + 1})
    assert (more["size"] >= frame["size"]).all()  # monotone: never an earlier class


def test_clone_pickle_polars_and_random_state(frame, model):
    again = clone(model).fit(frame)
    assert_same(again.sample(50), model.sample(50))
    loaded = pickle.loads(pickle.dumps(model))
    assert_same(loaded.sample(50), model.sample(50))
    columns = {name: frame[name].tolist() for name in "abef"}
    labels = {
        name: pl.Series(frame[name].tolist(), dtype=pl.Categorical) for name in "cd"
    }
    from_polars = clone(model).fit(pl.DataFrame(columns | labels))
    assert_same(from_polars.sample(50), model.sample(50))


class Multiple(Mechanism):
    """A mechanism of one's own: x = exp(slope p) u with u > 0."""

    def fit(self, parents, values):
        slope = LinearRegression().fit(parents, np.log(np.asarray(values)))
        self.coef_ = slope.coef_
        self.noise_ = self.noise(parents, values, None)
        return self

    def draw_noise(self, n, random):
        return self.noise_[random.integers(len(self.noise_), size=n)]

    def apply(self, parents, noise):
        return np.exp(parents.to_numpy() @ self.coef_) * noise

    def noise(self, parents, values, random):
        return np.asarray(values) / np.exp(parents.to_numpy() @ self.coef_)


def test_a_mechanism_of_ones_own():
    rng = np.random.default_rng(0)
    x = rng.normal(size=500)
    y = np.exp(0.5 * x) * rng.gamma(2, size=500)
    frame = pd.DataFrame({"x": x, "y": y})
    graph = CausalGraph([("x", "y")])
    model = AdditiveNoiseModel(graph, {"y": Multiple()}, random_state=0).fit(frame)
    assert_same(model.from_noise(model.noise(frame)), frame)
    other = model.counterfactual(frame, {"x": x + 1})
    slope = model.mechanisms_["y"].coef_[0]
    np.testing.assert_allclose(other["y"] / y, np.exp(slope))
    influence = intrinsic_influence(model, "y", random_state=0)
    assert influence.total == pytest.approx(model.sample(50_000)["y"].var(), rel=0.2)
    assert model.evaluate(frame).empty
    with pytest.raises(TypeError, match="must be AdditiveNoise or CategoricalNoise"):
        arrow_strength(model, "y")


def test_inputs_are_not_changed(frame, model):
    before = frame.copy()
    model.counterfactual(frame, {"a": 0.0})
    pd.testing.assert_frame_equal(frame, before)


def test_integer_nodes():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(100, 2)))
    model = AdditiveNoiseModel(CausalGraph([(0, 1)]), random_state=0).fit(frame)
    assert model.sample(3).shape == (3, 2)


def test_needs_no_torch():
    code = (
        "import sys, skcausal.structural\n"
        "slow = {'torch', 'pyro', 'matplotlib', 'lightgbm', 'numba'}\n"
        "assert not slow & set(sys.modules), slow & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# Evaluation


def test_crps_is_the_double_sum():
    rng = np.random.default_rng(0)
    noise, residuals = rng.normal(size=40), rng.normal(size=7)
    first = np.abs(noise[None] - residuals[:, None]).mean()
    second = np.abs(noise[None] - noise[:, None]).mean() / 2
    assert crps(residuals, noise) == pytest.approx(first - second)


def test_evaluate_of_right_mechanisms(frame, model):
    table = model.evaluate(frame)
    assert table.index.tolist() == ["b", "d", "e", "f"]
    assert (table["verdict"] == "fits").all()
    explained = 1 - 1 / frame["b"].var()
    assert table.loc["b", "r2"] == pytest.approx(explained, abs=0.03)
    # Of a normal forecast with standard deviation 1 the score is 1 / sqrt(pi).
    assert table.loc["b", "crps"] == pytest.approx(1 / np.sqrt(np.pi), rel=0.06)
    fresh = model.evaluate(mixed_frame(seed=1), cv="prefit")
    assert fresh.loc["b", "r2"] == pytest.approx(explained, abs=0.03)


def test_evaluate_says_where_a_mechanism_is_wrong():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 800))
    frame = pd.DataFrame({"x": x, "good": x + noise, "curved": x**2 + 0.5 * noise})
    graph = CausalGraph([("x", "good"), ("x", "curved")])
    model = AdditiveNoiseModel(graph, regressor=LinearRegression(), random_state=0)
    model.fit(frame)
    with pytest.warns(MisfitWarning, match="curved: "):
        table = model.evaluate(frame)
    assert table.loc["good", "verdict"] == "fits"
    assert table.loc["curved", "p_independent"] <= 0.01


def test_noise_of_another_size_is_dependent():
    rng = np.random.default_rng(0)
    x, noise = rng.normal(size=(2, 800))
    frame = pd.DataFrame({"x": x, "y": x + np.exp(x) * noise})
    model = AdditiveNoiseModel(
        CausalGraph([("x", "y")]), regressor=LinearRegression(), random_state=0
    )
    with pytest.warns(MisfitWarning, match="noise depends on the causes"):
        model.fit(frame).evaluate(frame)


@pytest.mark.filterwarnings("ignore::skcausal.structural.MisfitWarning")
def test_right_models_are_rarely_called_wrong():
    """Residuals of a fit are less dependent than noise, so it is conservative."""
    wrong = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x, noise = rng.normal(size=(2, 100))
        frame = pd.DataFrame({"x": x, "y": x + noise})
        model = AdditiveNoiseModel(
            CausalGraph([("x", "y")]), regressor=LinearRegression(), random_state=seed
        )
        wrong += model.fit(frame).evaluate(frame).loc["y", "verdict"] != "fits"
    assert wrong <= 40 * 0.05 + 4 * np.sqrt(40 * 0.05 * 0.95)


# Bad input


def broken(**changes):
    return mixed_frame(100).assign(**changes)


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (mixed_frame(50).drop(columns="b"), "no column for node 'b'"),
        (broken(b=np.r_[np.nan, np.zeros(99)]), "column 'b' has 1 missing"),
        (broken(b=np.r_[np.inf, np.zeros(99)]), "column 'b'.* infinity"),
        (broken(d=["yes"] * 50 + ["no"] * 50), "'d' of X holds text"),
        (broken(d=pd.Categorical(["yes"] * 100)), "one category only"),
        (broken(e=0), "one category only"),
    ],
)
def test_tables_that_cannot_be_fitted(frame, words):
    with pytest.raises(ValueError, match=words):
        linear_model().fit(frame)


@pytest.mark.parametrize(
    ("graph", "error", "words"),
    [
        (CausalGraph([("u", "a")], latent=["u"]), ValueError, "latent node.* u"),
        (CausalGraph([], [("a", "b")]), ValueError, "hidden common cause of a and b"),
        (CausalGraph(), ValueError, "no nodes"),
        ([("a", "b")], TypeError, "must be a CausalGraph"),
    ],
)
def test_graphs_that_cannot_be_fitted(graph, error, words):
    with pytest.raises(error, match=words):
        linear_model(graph).fit(mixed_frame(50))


@pytest.mark.parametrize(
    ("mechanisms", "error", "words"),
    [
        ({"q": AdditiveNoise()}, ValueError, "'q', which is not a node"),
        ({"b": LinearRegression()}, TypeError, "Wrap a regressor in AdditiveNoise"),
        ([AdditiveNoise()], TypeError, "must be a dict"),
    ],
)
def test_mechanisms_that_are_none(mechanisms, error, words):
    with pytest.raises(error, match=words):
        linear_model(mechanisms=mechanisms).fit(mixed_frame(50))


def test_unseen_categories_and_gaps(frame, model):
    few = frame[:5].astype({"c": object})
    with pytest.raises(ValueError, match="'c' has the category 'new'"):
        model.noise(few.assign(c="new"))
    with pytest.raises(ValueError, match="column 'a' has 5 missing"):
        model.counterfactual(few.assign(a=np.nan), {"b": 0.0})
    with pytest.raises(TypeError, match="must be a DataFrame"):
        model.noise(np.zeros((3, 6)))


@pytest.mark.parametrize(
    ("do", "error", "words"),
    [
        ({"q": 1.0}, ValueError, "'q', which is not a node"),
        ({"c": "new"}, ValueError, "category 'new'"),
        ({"a": np.nan}, ValueError, "missing or infinite"),
        ({"a": "high"}, ValueError, "'a' must be numeric"),
        ({"a": np.zeros(3)}, ValueError, "one per row"),
        ({"f": 2}, ValueError, "True or False"),
        ([("a", 1)], TypeError, "do must map nodes"),
        ({"a": lambda row: np.zeros(2)}, ValueError, "one per row"),
    ],
)
def test_interventions_that_make_no_sense(model, do, error, words):
    with pytest.raises(error, match=words):
        model.sample(5, do=do)


@pytest.mark.parametrize("n", [0, 2.5, True, None])
def test_numbers_of_rows(model, n):
    with pytest.raises(ValueError, match="n must be an integer of at least 1"):
        model.sample(n)


@pytest.mark.parametrize("cv", [1, "fit", 2.0, 10**6])
def test_folds_of_evaluate(frame, model, cv):
    with pytest.raises(ValueError, match="cv must be"):
        model.evaluate(frame, cv=cv)


def test_a_classifier_that_excludes_what_was_seen():
    x = np.arange(40.0)
    parents, values = pd.DataFrame({"x": x}), np.where(x % 3 == 0, "p", "q")
    sure = CategoricalNoise(DecisionTreeClassifier()).fit(parents, values)
    with pytest.raises(ValueError, match="probability zero"):
        sure.noise(parents, np.roll(values, 1), np.random.default_rng(0))


def test_a_model_that_cannot_take_its_causes_is_named(frame):
    plain = AdditiveNoiseModel(GRAPH, regressor=LinearRegression())
    with pytest.raises(ValueError, match=r"fit: the mechanism of .* \(category\)"):
        plain.fit(frame)
