"""The algebra of a structural model: known truth, identities, errors."""

import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.graphs import CausalGraph
from skcausal.structural import (
    AdditiveNoise,
    CategoricalNoise,
    ImpossibleEvidenceError,
    StructuralModel,
    UnidentifiedCounterfactualError,
    intrinsic_influence,
)
from tests.structural.true_models import (
    DIAMOND,
    Known,
    class_model,
    class_probabilities,
    curved_model,
    curved_rows,
    linear_model,
    linear_rows,
    linear_truth,
)


def assert_mean(draws, truth):
    error = np.std(draws, ddof=1) / np.sqrt(len(draws))
    assert abs(np.mean(draws) - truth) < 3 * error


# Truth


@pytest.mark.parametrize("x", [-1.0, 2.0])
def test_interventional_mean_of_a_linear_model(x):
    """E[y | do(x)] = 1 + 2x - x, whereas E[y | x] also has 3 E[z | x]."""
    drawn = linear_model().do(x=x).sample(20_000, random_state=1)
    assert_mean(drawn["y"], 1 + x)
    assert_mean(drawn["m"], 1 + 2 * x)
    assert (drawn["x"] == x).all()


@pytest.mark.parametrize("x", [-1.0, 0.5])
def test_interventional_mean_of_a_curved_model(x):
    """E[y | do(x)] = exp(x) + 0.2 squared."""
    drawn = curved_model().do(x=x).sample(20_000, random_state=1)
    assert_mean(drawn["y"], np.exp(x) + 0.04)


@pytest.mark.parametrize("coupling", ["shared_noise", "gumbel_max", "monotone"])
@pytest.mark.parametrize("x", [0.0, 1.0])
def test_interventional_shares_of_classes(x, coupling):
    worlds = class_model(coupling).condition(x=x, n_draws=20_000, random_state=1)
    drawn = worlds.sample(20_000, random_state=2)
    set_ = class_model(coupling).do(x=x).sample(20_000, random_state=1)
    for k, label in enumerate(["blue", "green", "red"]):
        assert_mean(set_["colour"] == label, class_probabilities(x)[k])
        share = (drawn["colour"] == label).mean()
        # Draws of draws: twice the variance.
        assert share == pytest.approx(class_probabilities(x)[k], abs=0.015)


@pytest.mark.parametrize("case", ["linear", "curved"])
def test_counterfactuals_of_known_functions(case):
    model, rows = {
        "linear": (linear_model(), linear_rows),
        "curved": (curved_model(), curved_rows),
    }[case]
    u = linear_truth(500)[1]
    found = model.counterfactual(rows(u), {"x": 1.5})
    truth = rows(u, 1.5)
    np.testing.assert_allclose(found[truth.columns], truth, atol=1e-6)
    side = model.twin({"x": 1.5}, frame=rows(u))
    np.testing.assert_allclose(side["counterfactual"]["y"], truth["y"], atol=1e-6)
    pd.testing.assert_frame_equal(
        side["factual"][truth.columns], rows(u), check_names=False
    )


def test_learned_mechanisms_give_the_truth_of_a_linear_model():
    frame, _ = linear_truth(5000)
    model = StructuralModel(DIAMOND, regressor=LinearRegression(), random_state=0)
    model.fit(frame)
    assert set(model.choices_) == set("zxmy")
    assert model.choices_["y"]["chosen"].sum() == 1
    low, high = (model.do(x=x).sample(20_000, random_state=0) for x in (0.0, 1.0))
    assert (high["y"] - low["y"]).mean() == pytest.approx(1, abs=0.06)
    fresh, u = linear_truth(200, seed=5)
    found = model.counterfactual(fresh, {"x": fresh["x"] + 1})
    truth = linear_rows(u, fresh["x"].to_numpy() + 1)
    assert np.abs(found["y"] - truth["y"]).max() < 0.1


# Identities


def random_model(seed):
    """Return a model of a random graph with numbers and two kinds of labels."""
    rng = np.random.default_rng(seed)
    names = [f"v{k}" for k in range(6)]
    arrows = [(a, b) for k, a in enumerate(names) for b in names[k + 1 :]]
    graph = CausalGraph([e for e in arrows if rng.random() < 0.5], nodes=names)
    rows = {}
    for name in names:
        total = sum((codes(rows[p]) for p in graph.ordered(graph.parents(name))), 0.0)
        total = total + rng.normal(size=60)
        kind = rng.integers(3)
        if kind == 1:
            total = total > np.median(total)
        elif kind == 2:
            total = pd.Categorical(
                np.array(["p", "q", "r"])[np.digitize(total, [0, 1])]
            )
        rows[name] = total
    frame = pd.DataFrame(rows)
    chosen = {
        name: AdditiveNoise(encoded(LinearRegression()))
        if frame[name].dtype.kind == "f"
        else CategoricalNoise(encoded(LogisticRegression()))
        for name in names
        if graph.parents(name)
    }
    return StructuralModel(graph, chosen, random_state=seed).fit(frame), frame


def encoded(model):
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    labels = make_column_selector(dtype_include="category")
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    return make_pipeline(
        make_column_transformer((encoder, labels), remainder="passthrough"), model
    )


def codes(column):
    return column.codes if isinstance(column, pd.Categorical) else column.astype(float)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 10**6),
    coupling=st.sampled_from(["shared_noise", "gumbel_max", "monotone"]),
    places=st.lists(st.integers(0, 5), min_size=2, max_size=2, unique=True),
)
@pytest.mark.filterwarnings("ignore::skcausal.structural.CouplingWarning")
def test_consistency_effectiveness_composition(seed, coupling, places):
    """The axioms of counterfactuals (Pearl 2009, section 7.3), bit by bit."""
    model, frame = random_model(seed)
    options = {"coupling": coupling, "random_state": 1}
    one, two = (f"v{k}" for k in places)
    # Consistency: nothing changes where nothing is set, or set to what it was.
    for do in ({}, {one: frame[one].array}, {one: lambda row: row[one]}):
        again = model.counterfactual(frame, do, **options)
        pd.testing.assert_frame_equal(again, frame)
    value = frame[one].iloc[7]
    moved = model.counterfactual(frame, {one: value}, **options)
    assert (moved[one] == value).all()  # effectiveness
    held = {one: value, two: moved[two].array}
    again = model.counterfactual(frame, held, **options)
    pd.testing.assert_frame_equal(again, moved)  # composition
    # What is not below the intervention stays.
    above = [name for name in frame if name not in model.graph.descendants(one)]
    pd.testing.assert_frame_equal(moved[above], frame[above])


def test_interventions_compose():
    model = linear_model()
    both = model.do(x=1.0).do({"m": 0.0})
    at_once = model.do(x=1.0, m=0.0)
    pd.testing.assert_frame_equal(
        both.sample(50, random_state=0), at_once.sample(50, random_state=0)
    )
    assert both.graph == DIAMOND.do(["x", "m"])
    assert (model.do(x=1.0).do(x=2.0).sample(5)["x"] == 2).all()
    assert model.graph == DIAMOND  # the first model is as it was


def test_functions_of_the_row():
    model = linear_model()
    raised = model.do(x=lambda row: row["x"] + row["z"])
    assert raised.graph == DIAMOND
    base = model.sample(100, random_state=0)
    found = raised.sample(100, random_state=0)
    np.testing.assert_allclose(found["x"], base["x"] + base["z"])
    same = model.counterfactual(base, {"x": lambda row: row["x"] + row["z"]})
    np.testing.assert_allclose(found[same.columns], same)
    with pytest.raises(UnidentifiedCounterfactualError, match="set by a function"):
        raised.counterfactual(found, {"z": 0.0})


def test_rows_of_a_model_with_a_value_set():
    model = linear_model().do(x=1.0)
    rows = model.sample(20, random_state=0)
    found = model.counterfactual(rows, {"z": 0.0})
    np.testing.assert_allclose(found["y"], rows["y"] - 3 * rows["z"])
    other = rows.assign(x=2.0)
    for call in (
        lambda: model.abduct(other),
        lambda: model.counterfactual(other, {"z": 0.0}),
        lambda: model.twin({"z": 0.0}, frame=other),
        lambda: model.condition(x=2.0),
    ):
        with pytest.raises(ImpossibleEvidenceError, match="'x' is set to"):
            call()
    gaps = rows.assign(x=np.nan)
    assert (model.abduct(gaps).predict()["x"] == 1).all()


def test_samples_per_row():
    model, frame = random_model(3)
    few = frame[:4].set_axis(list("abcd"))
    found = model.counterfactual(few, {"v0": few["v0"].array}, n_samples=5)
    assert found.index.names == ["row", "sample"]
    assert found.index[:6].tolist() == [("a", k) for k in range(5)] + [("b", 0)]
    pd.testing.assert_frame_equal(found.xs(3, level="sample"), few, check_names=False)


def test_twin_of_new_rows_shares_noise():
    side = linear_model().twin({"x": lambda row: row["x"] + 1}, n=100, random_state=0)
    change = side["counterfactual"] - side["factual"]
    np.testing.assert_allclose(change[["x", "m", "y"]], [[1, 2, 1]] * 100)
    assert (change["z"] == 0).all()


def test_gumbel_noise_has_columns_of_its_own():
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    colour = np.array(["b", "g", "r"])[np.digitize(x + rng.logistic(size=300), [-1, 1])]
    frame = pd.DataFrame({"x": x, "colour": pd.Categorical(colour)})
    model = StructuralModel(
        CausalGraph([("x", "colour")]),
        candidates=["empirical", "gumbel"],
        classifier=LogisticRegression(),
        random_state=0,
    ).fit(frame)
    noise = model.noise(frame)
    assert noise.columns.tolist() == ["x", "colour[0]", "colour[1]", "colour[2]"]
    pd.testing.assert_frame_equal(model.from_noise(noise), frame)
    influence = intrinsic_influence(model, "colour", n_samples=500, random_state=0)
    assert (influence.contributions > 0).all()


def test_clone_pickle_and_inputs(tmp_path):
    frame, _ = linear_truth(100)
    model = StructuralModel(DIAMOND, candidates=["gaussian", "empirical"])
    model.set_params(random_state=0).fit(frame)
    again = pickle.loads(pickle.dumps(model))
    pd.testing.assert_frame_equal(again.sample(5), model.sample(5))
    refitted = clone(model).fit(frame)
    pd.testing.assert_frame_equal(refitted.sample(5), model.sample(5))
    before = frame.copy()
    model.counterfactual(frame, {"x": 0.0})
    pd.testing.assert_frame_equal(frame, before)


# Bad input


@pytest.mark.parametrize(
    "graph",
    [
        CausalGraph([("u", "x"), ("u", "y"), ("x", "y")], latent=["u"]),
        CausalGraph([("x", "y")], [("x", "y")]),
    ],
)
def test_hidden_causes_are_not_identified(graph):
    frame = pd.DataFrame(np.zeros((5, 3)), columns=["x", "y", "u"])
    with pytest.raises(UnidentifiedCounterfactualError, match=r"latent|hidden"):
        StructuralModel(graph).fit(frame)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m, f: m.do(), "no node is named"),
        (lambda m, f: m.do(q=1.0), "'q', which is not a node"),
        (lambda m, f: m.do({"x": 1.0}, x=2.0), "given twice"),
        (lambda m, f: m.do(x=f["x"]), r"counterfactual\(frame, do=...\)"),
        (lambda m, f: m.do(x="high"), "must be numeric"),
        (lambda m, f: m.counterfactual(f, {"q": 0.0}), "'q', which is not a node"),
        (lambda m, f: m.counterfactual(f[["z", "x"]], {"x": 0.0}), "node 'y'"),
        (lambda m, f: m.counterfactual(f.assign(x=np.nan), {}), r"abduct\(frame"),
        (lambda m, f: m.counterfactual(f, {}, coupling="copula"), "coupling must be"),
        (lambda m, f: m.counterfactual(f, {}, n_samples=0), "n_samples must be"),
        (lambda m, f: m.counterfactual(f, {"x": 0}, coupling="bounds"), "no category"),
        (lambda m, f: m.twin({"x": 0.0}), "one of the two"),
        (lambda m, f: m.abduct(f, method="hmc"), "method must be one of"),
        (lambda m, f: m.condition(q=0.0), "'q', which is not a node"),
    ],
)
def test_questions_without_an_answer(call, words):
    model = linear_model()
    frame, _ = linear_truth(5)
    with pytest.raises(ValueError, match=words):
        call(model, frame)


def test_candidates_that_hold_no_node():
    frame = linear_truth(30)[0]
    with pytest.raises(ValueError, match="of node 'z': choose_mechanism: none"):
        StructuralModel(DIAMOND, candidates=["gumbel"]).fit(frame)


def test_a_mechanism_that_is_not_fitted_knows_nothing():
    with pytest.raises(ValueError, match="not fitted yet"):
        StructuralModel(DIAMOND, {"x": Known(lambda row: 0.0)}).do(x=1.0)
    with pytest.raises(ValueError, match="coupling must be one of"):
        StructuralModel(DIAMOND, coupling="independent").fit(linear_truth(9)[0])
