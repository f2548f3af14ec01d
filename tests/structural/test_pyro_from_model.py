"""Fitted models of a graph as Pyro programs, and rows that lack values."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.graphs import CausalGraph
from skcausal.structural import (
    AdditiveNoise,
    AdditiveNoiseModel,
    CategoricalNoise,
    CouplingWarning,
    GeneralizedLinear,
    ProgramModel,
    StructuralModel,
    program_of,
)

pytest.importorskip("pyro")
pytestmark = pytest.mark.pyro

GRAPH = CausalGraph([("a", "b"), ("a", "c"), ("b", "c"), ("b", "n"), ("c", "kind")])


@pytest.fixture(scope="module")
def frame():
    rng = np.random.default_rng(0)
    n = 3000
    a = rng.normal(2, 1.5, n)
    b = 1 + 2 * a + rng.normal(0, 1, n)
    c = np.exp(0.1 * a - 0.1 * b + 0.4 * rng.normal(size=n))
    logits = np.column_stack([0 * c, 1 - c, c - 1]) + rng.gumbel(size=(n, 3))
    kind = pd.Categorical.from_codes(logits.argmax(1), ["red", "blue", "green"])
    counts = rng.poisson(np.exp(0.2 * b)).astype(float)
    return pd.DataFrame({"a": a, "b": b, "c": c, "n": counts, "kind": kind})


@pytest.fixture(scope="module")
def model(frame):
    mechanisms = {
        "b": AdditiveNoise(LinearRegression()),
        "c": GeneralizedLinear("lognormal"),
        "n": GeneralizedLinear("poisson"),
        "kind": CategoricalNoise(LogisticRegression(C=1e6)),
    }
    return AdditiveNoiseModel(GRAPH, mechanisms, random_state=0).fit(frame)


def test_the_program_has_the_distribution_of_the_model(model):
    n = 20_000
    program = ProgramModel(program_of(model), random_state=0)
    ours, theirs = program.sample(n), model.sample(n)
    for node in ("a", "b", "c", "n"):
        error = np.hypot(ours[node].std(), theirs[node].std()) / np.sqrt(n)
        assert abs(ours[node].mean() - theirs[node].mean()) < 4 * error
    codes = theirs["kind"].cat.codes
    for code in range(3):
        gap = (ours["kind"] == code).mean() - (codes == code).mean()
        assert abs(gap) < 4 * np.sqrt(0.5 / n)


def test_the_program_has_the_mechanisms_of_the_model(model):
    program = ProgramModel(program_of(model))
    rows = program.sample(50, random_state=0)
    coded = rows.assign(
        kind=pd.Categorical.from_codes(rows["kind"], dtype=model.dtypes_["kind"])
    )
    with pytest.warns(CouplingWarning, match="n, kind"):
        ours = program.counterfactual(rows, {"b": 1.0})
    theirs = model.counterfactual(coded, {"b": 1.0})
    assert np.allclose(ours["c"], theirs["c"])


def test_labels_keep_their_odds(frame):
    graph = CausalGraph([("kind", "x"), ("x", "late")])
    rng = np.random.default_rng(1)
    x = frame["kind"].cat.codes + rng.normal(size=len(frame))
    late = rng.random(len(x)) < 1 / (1 + np.exp(-x))
    table = pd.DataFrame({"kind": frame["kind"], "x": x, "late": late})
    mechanisms = {"x": GeneralizedLinear(), "late": GeneralizedLinear("bernoulli")}
    model = StructuralModel(graph, mechanisms).fit(table)
    program = ProgramModel(program_of(model), random_state=0)
    drawn = program.sample(20_000)
    means = drawn.groupby("kind")["x"].mean()
    errors = np.abs(means.to_numpy() - np.arange(3))
    assert (errors < 0.15).all()
    at_two = program.do(x=2.0).sample(20_000)["late"].mean()
    expected = model.do(x=2.0).sample(20_000, random_state=1)["late"].mean()
    assert abs(at_two - expected) < 3 * np.sqrt(0.5 / 20_000)


@pytest.fixture(scope="module")
def pair():
    """Return a model of a -> b with a ~ N(0, 1), b = 2 a + N(0, 1)."""
    rng = np.random.default_rng(2)
    a = rng.normal(size=2000)
    table = pd.DataFrame({"a": a, "b": 2 * a + rng.normal(size=2000)})
    linear = GeneralizedLinear()
    return StructuralModel(
        CausalGraph([("a", "b")]), {"a": linear, "b": linear}, random_state=0
    ).fit(table)


@pytest.mark.parametrize("method", ["importance", "svi", "nuts"])
def test_rows_that_lack_a_cause_are_drawn_from_their_normal_distribution(pair, method):
    gone = pd.DataFrame({"a": [np.nan, 0.5], "b": [3.0, 2.0]})
    n = 400
    found = pair.abduct(gone, n_samples=n, method=method, random_state=0)
    assert found.method == method
    assert method in repr(found)
    assert found.diagnostics["method"].tolist() == [method, "exact"]
    assert found.diagnostics["unknown"].tolist() == [1, 0]
    rows = found.predict()
    assert (rows["b"] == gone["b"].repeat(n).to_numpy()).all()
    # a | b is normal: Gaussian conditioning, with the parameters that were fitted.
    first, second = (pair.mechanisms_[node] for node in "ab")
    base, at_zero, at_one = (
        float(np.ravel(one)[0])
        for one in (
            first.linear(pd.DataFrame(index=[0]), 1),
            second.linear(pd.DataFrame({"a": [0.0]}), 1),
            second.linear(pd.DataFrame({"a": [1.0]}), 1),
        )
    )
    slope = at_one - at_zero
    precision = first.scale_**-2 + slope**2 * second.scale_**-2
    mean = base + slope * second.scale_**-2 / precision * (3 - at_zero - slope * base)
    drawn = rows.loc[0, "a"]
    # SVI ends near the optimum, not at it: a tenth of a standard deviation.
    slack = 0.1 * precision**-0.5 if method == "svi" else 0.0
    assert abs(drawn.mean() - mean) < 4 * (precision * n) ** -0.5 + slack
    assert drawn.std() == pytest.approx(precision**-0.5, rel=0.15)
    other = found.predict({"a": 0.0})
    assert np.allclose(other.loc[0, "b"], 3.0 - slope * drawn)


def test_inference_by_pyro_needs_linear_mechanisms(frame):
    forest = AdditiveNoise(RandomForestRegressor(n_estimators=3, random_state=0))
    graph = CausalGraph([("a", "b")])
    model = StructuralModel(graph, {"b": forest}).fit(frame[:200])
    gone = frame[:2].assign(a=np.nan)
    with pytest.raises(TypeError, match="mechanism of 'b' is not linear"):
        model.abduct(gone, method="svi")
    with pytest.raises(ValueError, match="importance, svi, nuts, got 'hmc'"):
        model.abduct(gone, method="hmc")


def test_a_program_is_another_way_in():
    import pyro
    import pyro.distributions as dist

    def shop():
        price = pyro.sample("price", dist.LogNormal(0.0, 1.0))
        pyro.sample("sales", dist.Normal(10 - 2 * price, 1.0))

    model = StructuralModel.from_program(shop, random_state=0)
    assert isinstance(model, ProgramModel)
    assert model.random_state == 0
    seen = pd.DataFrame({"price": [3.0], "sales": [5.0]})
    other = model.counterfactual(seen, {"price": 2.0})
    assert other["sales"].tolist() == pytest.approx([7.0])


def test_curved_mechanisms_are_refused(frame):
    forest = RandomForestRegressor(n_estimators=5, random_state=0)
    model = AdditiveNoiseModel(
        CausalGraph([("a", "b")]), {"b": AdditiveNoise(forest)}
    ).fit(frame)
    with pytest.raises(TypeError, match="mechanism of 'b' is not linear"):
        program_of(model)


def test_nodes_that_were_set_are_constants(model, frame):
    structural = StructuralModel(GRAPH, model.mechanisms, random_state=0).fit(frame)
    program = ProgramModel(program_of(structural.do(b=1.5)), random_state=0)
    drawn = program.sample(5000)
    assert (drawn["b"] == 1.5).all()
    expected = structural.do(b=1.5).sample(5000)["n"].mean()
    assert abs(drawn["n"].mean() - expected) < 4 * np.sqrt(2 * expected / 5000)
    moved = structural.do(b=lambda row: row["b"] + 1)
    with pytest.raises(TypeError, match="'b', FunctionOfRow, has no form in Pyro"):
        program_of(moved)
