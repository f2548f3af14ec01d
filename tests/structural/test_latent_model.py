"""One latent number behind several nodes: truth, quadrature, NUTS, noise, errors."""

import warnings

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone

from skcausal.graphs import CausalGraph
from skcausal.structural import LatentVariableModel
from skcausal.structural._latent_families import BERNOULLI, GAUSSIAN, POISSON
from skcausal.structural._latent_fit import Child, Objective, Weights, draw, posterior

ARROWS = [(a, b) for a in ("group", "K") for b in ("grade", "count", "passed")]
GRAPH = CausalGraph(ARROWS, latent=["K"])
FAMILIES = {"count": "poisson"}
TRUTH = {"grade": 0.6, "count": 0.3, "passed": 1.0}


def school(n=3000, seed=0):
    """Return rows of the model, and the latent number of each."""
    rng = np.random.default_rng(seed)
    group = rng.integers(2, size=n)
    latent = rng.normal(size=n)
    frame = pd.DataFrame({"group": pd.Categorical(np.where(group, "b", "a"))})
    frame["grade"] = 3 - 0.5 * group + 0.6 * latent + rng.normal(0, 0.5, n)
    frame["count"] = rng.poisson(np.exp(2 - 0.2 * group + 0.3 * latent))
    chance = 1 / (1 + np.exp(-(0.5 - group + latent)))
    frame["passed"] = (rng.random(n) < chance).astype(int)
    return frame, latent


@pytest.fixture(scope="module")
def frame():
    return school()[0]


@pytest.fixture(scope="module")
def model(frame):
    return LatentVariableModel(GRAPH, FAMILIES, random_state=0).fit(frame)


def test_loadings_are_recovered_over_seeds():
    """The mean of eight fits is within three standard errors of the truth."""
    fits = [
        LatentVariableModel(GRAPH, FAMILIES, prior_scale=100.0).fit(school(1500, s)[0])
        for s in range(8)
    ]
    found = pd.DataFrame([one.loadings_ for one in fits])
    error = found.std(ddof=1) / np.sqrt(len(found))
    assert (error < 0.05).all()
    assert ((found.mean() - pd.Series(TRUTH)).abs() < 3 * error + 0.005).all()


def test_latent_is_inferred_with_an_honest_spread(frame, model):
    _, latent = school()
    found = model.infer_latent(frame)
    standard = (latent - found["mean"]) / found["standard_deviation"]
    assert abs(standard.mean()) < 4 / np.sqrt(len(frame))
    assert standard.std() == pytest.approx(1, abs=0.05)
    fewer = model.infer_latent(frame.drop(columns="passed"))
    assert fewer["standard_deviation"].mean() > found["standard_deviation"].mean()


def random_children(rng, n=40):
    design = rng.normal(size=(n, 2))
    values = {
        GAUSSIAN: rng.normal(size=n),
        POISSON: rng.poisson(30, n).astype(float),
        BERNOULLI: rng.integers(2, size=n).astype(float),
    }
    children = [Child(family, v, design) for family, v in values.items()]
    starts = {GAUSSIAN: 0.0, POISSON: 3.4, BERNOULLI: 0.2}
    weights = [
        Weights(starts[c.family], 0.1 * rng.normal(size=2), loading, 0.7)
        for c, loading in zip(children, (0.8, 0.3, 1.5), strict=True)
    ]
    return children, weights


def dense(children, weights):
    """Return a fine grid and the normalised posterior of each row on it, and logs."""
    grid = np.linspace(-8, 8, 16_001)
    joint = stats.norm.logpdf(grid)
    for child, own in zip(children, weights, strict=True):
        eta = child.fixed(own)[:, None] + own.loading * grid
        values = child.values[:, None]
        if child.family is GAUSSIAN:
            joint = joint + stats.norm.logpdf(values, eta, own.scale)
        elif child.family is POISSON:
            joint = joint + stats.poisson.logpmf(values, np.exp(eta))
        else:
            joint = joint + stats.bernoulli.logpmf(values, 1 / (1 + np.exp(-eta)))
    density = np.exp(joint)
    step = grid[1] - grid[0]
    return (
        grid,
        density / density.sum(axis=1, keepdims=True),
        np.log(density.sum(axis=1) * step),
    )


def test_quadrature_agrees_with_a_fine_grid():
    children, weights = random_children(np.random.default_rng(0))
    found, _ = posterior(children, weights, 40, 9)
    grid, mass, marginal = dense(children, weights)
    mean = mass @ grid
    spread = np.sqrt(mass @ grid**2 - mean**2)
    np.testing.assert_allclose(found.log_marginal, marginal, atol=1e-5)
    np.testing.assert_allclose(found.mean, mean, atol=1e-4)
    np.testing.assert_allclose(found.standard_deviation, spread, atol=1e-4)


def test_draws_have_the_moments_of_the_posterior():
    children, weights = random_children(np.random.default_rng(1), n=3)
    rows = np.repeat(np.arange(3), 5000)
    many = [Child(c.family, c.values[rows], c.design[rows]) for c in children]
    drawn = draw(many, weights, len(rows), np.random.default_rng(2)).reshape(3, -1)
    found, _ = posterior(children, weights, 3, 15)
    error = found.standard_deviation / np.sqrt(5000)
    assert (np.abs(drawn.mean(axis=1) - found.mean) < 4 * error).all()
    np.testing.assert_allclose(drawn.std(axis=1), found.standard_deviation, rtol=0.04)


def test_gradient_is_that_of_the_objective():
    children, _ = random_children(np.random.default_rng(3), n=200)
    objective = Objective(children, 1.0, 15)
    theta = objective.start()
    _, gradient = objective(theta)
    step = 1e-5
    numeric = [
        (objective(theta + step * e)[0] - objective(theta - step * e)[0]) / (2 * step)
        for e in np.eye(len(theta))
    ]
    np.testing.assert_allclose(gradient, numeric, atol=1e-6)


def test_noise_gives_rows_back_and_counterfactuals_keep_the_latent(frame, model):
    noise = model.noise(frame, random_state=1)
    again = model.from_noise(noise)
    for node in frame:
        assert (again[node] == frame[node]).mean() > 0.999 or np.allclose(
            again[node].astype(float), frame[node]
        )
    other = model.from_noise(noise, do={"group": "b"})
    pd.testing.assert_series_equal(other["K"], again["K"])
    own = frame["group"] == "b"
    np.testing.assert_allclose(other.loc[own, "grade"], frame.loc[own, "grade"])
    moved = (other["grade"] - frame["grade"])[~own]
    assert moved.std() < 1e-9
    assert moved.mean() == pytest.approx(-0.5, abs=0.06)


def test_samples_look_like_the_data(frame, model):
    drawn = model.sample(20_000, random_state=0)
    assert set(drawn.columns) == set(GRAPH.nodes)
    for node in ("grade", "count", "passed"):
        for part in "ab":
            one = drawn.loc[drawn["group"] == part, node]
            two = frame.loc[frame["group"] == part, node]
            assert one.mean() == pytest.approx(two.mean(), rel=0.03)
    both = drawn[["grade", "count", "passed"]].corr().to_numpy()
    seen = frame[["grade", "count", "passed"]].corr().to_numpy()
    np.testing.assert_allclose(both, seen, atol=0.05)


def test_known_scale_is_kept(frame):
    model = LatentVariableModel(GRAPH, FAMILIES, scales={"grade": 0.5}).fit(frame)
    child = model.mechanisms_["grade"]
    assert child.weights_.scale * child.spread_ == pytest.approx(0.5)


def test_log_density_adds_up_with_the_latent_given(frame, model):
    child = model.mechanisms_["grade"]
    parents = frame[["group"]].assign(K=0.3)[model.parents_of("grade")]
    means = child.apply(parents, np.zeros(len(frame)))
    spread = child.weights_.scale * child.spread_
    expected = stats.norm.logpdf(frame["grade"], means, spread)
    np.testing.assert_allclose(child.log_density(parents, frame["grade"]), expected)


def test_fit_is_deterministic_and_clones(frame, model):
    again = clone(model).fit(frame)
    pd.testing.assert_series_equal(again.loadings_, model.loadings_)


@pytest.mark.slow
@pytest.mark.pyro
@pytest.mark.timeout(1200)
def test_parameters_agree_with_nuts():
    """A full posterior by NUTS on 150 rows is centred where ours has its mode."""
    pyro = pytest.importorskip("pyro")
    import torch
    from pyro import distributions as dist
    from pyro.infer import MCMC, NUTS

    frame, _ = school(150)
    group = torch.tensor((frame["group"] == "b").to_numpy(), dtype=torch.float64)
    grade = frame["grade"]
    standard = torch.tensor(((grade - grade.mean()) / grade.std(ddof=0)).to_numpy())
    count = torch.tensor(frame["count"].to_numpy(), dtype=torch.float64)
    passed = torch.tensor(frame["passed"].to_numpy(), dtype=torch.float64)
    normal = dist.Normal(torch.tensor(0.0).double(), torch.tensor(1.0).double())
    flat = dist.Normal(torch.tensor(0.0).double(), torch.tensor(20.0).double())

    def program():
        b = pyro.sample("b", flat.expand([3]).to_event(1))
        w = pyro.sample("w", normal.expand([3]).to_event(1))
        lam = pyro.sample("lam", normal.expand([3]).to_event(1))
        one = torch.tensor(1.0).double()
        variance = pyro.sample("variance", dist.InverseGamma(one, one))
        with pyro.plate("rows", len(frame)):
            k = pyro.sample("k", normal)
            eta = b + w * group[:, None] + lam * k[:, None]
            pyro.sample("grade", dist.Normal(eta[:, 0], variance.sqrt()), obs=standard)
            pyro.sample("count", dist.Poisson(eta[:, 1].exp()), obs=count)
            pyro.sample("passed", dist.Bernoulli(logits=eta[:, 2]), obs=passed)

    model = LatentVariableModel(GRAPH, FAMILIES).fit(frame)
    own = [model.mechanisms_[n].weights_ for n in ("grade", "count", "passed")]
    torch.manual_seed(0)
    start = {
        "b": torch.tensor([w.intercept for w in own]).double(),
        "w": torch.tensor([w.slopes[0] for w in own]).double(),
        "lam": torch.tensor([w.loading for w in own]).double(),
        "variance": torch.tensor(own[0].scale ** 2).double(),
        "k": torch.tensor(model.infer_latent(frame)["mean"].to_numpy()),
    }
    strategy = pyro.infer.autoguide.init_to_value(values=start)
    kernel = NUTS(program, init_strategy=strategy, max_tree_depth=6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mcmc = MCMC(kernel, num_samples=300, warmup_steps=150, disable_progbar=True)
        mcmc.run()
    found = mcmc.get_samples()
    for name, ours in (
        ("w", [w.slopes[0] for w in own]),
        ("lam", [w.loading for w in own]),
    ):
        mean, spread = found[name].mean(0).numpy(), found[name].std(0).numpy()
        # A mode is not a mean: it may be half a posterior deviation away.
        assert (np.abs(mean - np.array(ours)) < 0.5 * spread).all(), name
    latent = model.infer_latent(frame)
    means = found["k"].mean(0).numpy()
    assert np.corrcoef(means, latent["mean"])[0, 1] > 0.99
    spread = latent["standard_deviation"].mean()
    assert np.abs(means - latent["mean"]).mean() < 0.15 * spread


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"graph": CausalGraph([("K", "grade")], latent=["K"])}, "at least two"),
        ({"graph": CausalGraph([("group", "grade")])}, "exactly one latent"),
        ({"graph": CausalGraph([*ARROWS, ("group", "K")], latent=["K"])}, "no causes"),
        ({"families": {"count": "gamma"}}, "one of"),
        ({"families": {"group": "gaussian"}}, "children"),
        ({"families": {"grade": "poisson"}}, "counts"),
        ({"families": {"count": "bernoulli"}}, "0 and 1"),
        ({"scales": {"count": 1.0}}, "scales"),
        ({"scales": {"grade": -1.0}}, "scales"),
        ({"n_points": 1}, "n_points"),
        ({"prior_scale": 0.0}, "prior_scale"),
    ],
)
def test_bad_models_are_refused(frame, change, message):
    model = LatentVariableModel(GRAPH, FAMILIES).set_params(**change)
    with pytest.raises(ValueError, match=message):
        model.fit(frame)


def test_bad_rows_are_refused(frame, model):
    with pytest.raises(ValueError, match="no child of the latent"):
        model.infer_latent(frame[["group"]])
    with pytest.raises(ValueError, match="no column for node 'group'"):
        model.infer_latent(frame[["grade"]])
    with pytest.raises(ValueError, match="one value only"):
        LatentVariableModel(GRAPH).fit(frame.assign(grade=1.0))
    with pytest.raises(ValueError, match="holds categories"):
        LatentVariableModel(GRAPH).fit(frame.assign(grade=frame["group"]))
    with pytest.raises(TypeError, match="must be a CausalGraph"):
        LatentVariableModel("K->grade").fit(frame)
    with pytest.raises(TypeError, match="families must be a dict"):
        LatentVariableModel(GRAPH, ["poisson"]).fit(frame)
