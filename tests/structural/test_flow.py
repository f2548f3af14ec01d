"""SplineFlow: exact inverse, a density, and shapes that depend on the causes."""

import importlib.util
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone

from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel, SplineFlow


@pytest.fixture(scope="module")
def data():
    """Noise whose spread grows with one cause and whose mean depends on both."""
    pytest.importorskip("pyro")
    rng = np.random.default_rng(0)
    n = 1500
    kind = pd.Categorical(rng.choice(["u", "v"], n))
    parents = pd.DataFrame({"x": rng.uniform(-1, 1, n), "kind": kind})
    return parents, 2 * (kind == "v") + np.exp(parents["x"]) * rng.normal(size=n)


@pytest.fixture(scope="module")
def flow(data):
    return SplineFlow().fit(*data)


def test_inverse_is_exact(data, flow):
    parents, values = data
    noise = flow.noise(parents, values, None)
    again = flow.apply(parents, noise)
    np.testing.assert_allclose(again, values, atol=1e-9)
    fresh = np.linspace(-9, 9, len(parents))  # beyond the spline as well
    back = flow.noise(parents, flow.apply(parents, fresh), None)
    np.testing.assert_allclose(back, fresh, atol=1e-9)


def test_more_noise_gives_more(data, flow):
    parents = data[0].iloc[[0]].loc[[0] * 400]
    assert (np.diff(flow.apply(parents, np.linspace(-6, 6, 400))) > 0).all()


def test_density_integrates_to_one(data, flow):
    grid = np.linspace(-30, 30, 6001)
    row = data[0].iloc[[3]].loc[[3] * 6001]
    density = np.exp(flow.log_density(row, grid))
    assert np.trapezoid(density, grid) == pytest.approx(1, abs=1e-3)


def test_spread_follows_the_cause(flow):
    """At x the standard deviation is exp(x): between 0.45 and 2.2."""
    rng = np.random.default_rng(1)
    for x in (-0.8, 0.0, 0.8):
        kind = pd.Categorical(["v"] * 4000, ["u", "v"])
        row = pd.DataFrame({"x": np.full(4000, x), "kind": kind})
        drawn = flow.apply(row, flow.draw_noise(4000, rng))
        assert drawn.std() == pytest.approx(np.exp(x), rel=0.2)
        # Four standard errors of the 250 rows or so nearby.
        assert drawn.mean() == pytest.approx(2, abs=0.25 * np.exp(x))


def test_log_score_of_new_rows_is_near_the_truth(data, flow):
    rng = np.random.default_rng(2)
    x = rng.uniform(-1, 1, 4000)
    kind = pd.Categorical(rng.choice(["u", "v"], 4000))
    mean, deviation = 2.0 * (kind == "v"), np.exp(x)
    values = mean + deviation * rng.normal(size=4000)
    found = flow.log_density(pd.DataFrame({"x": x, "kind": kind}), values).mean()
    truth = stats.norm.logpdf(values, mean, deviation).mean()
    assert truth - 0.06 < found < truth + 0.01


def test_root_of_another_shape():
    pytest.importorskip("pyro")
    values = np.random.default_rng(0).gamma(2, size=1500)
    none = pd.DataFrame(index=range(1500))
    flow = SplineFlow().fit(none, values)
    drawn = flow.apply(none, flow.draw_noise(1500, np.random.default_rng(1)))
    assert stats.ks_2samp(drawn, values).pvalue > 0.001
    assert stats.skew(drawn) == pytest.approx(np.sqrt(2), abs=0.5)


def test_seed_clone_and_pickle(data):
    parents, values = data[0][:200], data[1][:200]
    one = SplineFlow(max_epochs=3, random_state=3).fit(parents, values)
    two = clone(one).fit(parents, values)
    three = pickle.loads(pickle.dumps(one))
    for other in (two, three):
        np.testing.assert_array_equal(
            one.log_density(parents, values), other.log_density(parents, values)
        )
    assert len(one.losses_) == 3
    assert one.losses_[one.n_epochs_ - 1] == one.losses_.min()


def test_rows_come_back_in_a_model(data):
    parents, values = data
    frame = parents.assign(y=values)
    graph = CausalGraph([("x", "y"), ("kind", "y")])
    given = {"y": SplineFlow(max_epochs=5)}
    model = AdditiveNoiseModel(graph, given, random_state=0).fit(frame)
    same = model.counterfactual(frame, {"x": frame["x"].to_numpy()})
    np.testing.assert_allclose(same["y"], values, atol=1e-9)


def test_data_that_cannot_be_learned():
    pytest.importorskip("pyro")
    parents = pd.DataFrame({"x": np.arange(20.0)})
    with pytest.raises(ValueError, match="values must vary, got 1 only"):
        SplineFlow().fit(parents, np.ones(20))
    with pytest.raises(ValueError, match="at least 10 rows, got 5"):
        SplineFlow().fit(parents[:5], np.arange(5.0))


def test_without_pyro_the_error_names_the_extra(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        "skcausal.utils._optional.find_spec",
        lambda name: None if name == "pyro" else find(name),
    )
    parents = pd.DataFrame({"x": np.arange(20.0)})
    with pytest.raises(ImportError, match=r"SplineFlow needs pyro: .*skcausal\[deep\]"):
        SplineFlow().fit(parents, np.arange(20.0))
