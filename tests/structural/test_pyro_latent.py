"""Pyro programs with unknown sites, and with parameters, against closed forms."""

import numpy as np
import pandas as pd
import pytest

from skcausal.structural import (
    EffectiveSampleSizeWarning,
    ImpossibleEvidenceError,
    ProgramModel,
)

torch = pytest.importorskip("torch")
pyro = pytest.importorskip("pyro")
dist = pytest.importorskip("pyro.distributions")

pytestmark = pytest.mark.pyro


def confounded():
    """A linear-Gaussian program whose confounder u no column shows."""
    u = pyro.sample("u", dist.Normal(0.0, 1.0))
    x = pyro.sample("x", dist.Normal(u, 1.0))
    pyro.sample("y", dist.Normal(2 * x + 3 * u, 1.5))


# The prior of (u, x, y), and what the rows below say of u: Gaussian conditioning.
LOADINGS = np.array([[1, 0, 0], [1, 1, 0], [5, 2, 1.5]])  # of the three noises
COVARIANCE = LOADINGS @ LOADINGS.T
ROWS = pd.DataFrame({"x": [0.5, -1.0, 2.0], "y": [1.0, -4.0, 9.0]})


def posterior_of_u(known):
    """Return mean per row and standard deviation of u given some columns."""
    places = [["u", "x", "y"].index(name) for name in known]
    weights = np.linalg.solve(COVARIANCE[np.ix_(places, places)], COVARIANCE[places, 0])
    variance = COVARIANCE[0, 0] - COVARIANCE[0, places] @ weights
    return ROWS[list(known)] @ weights, np.sqrt(variance)


@pytest.mark.parametrize(
    ("method", "options", "n"),
    [
        ("importance", {"particles": 40_000}, 4000),
        ("svi", {"steps": 1000}, 4000),
        ("nuts", {"warmup": 100}, 200),
    ],
)
def test_posterior_and_counterfactual_mean(method, options, n):
    model = ProgramModel(confounded, random_state=0)
    found = model.abduct(ROWS, n_samples=n, method=method, options=options)
    mean, deviation = posterior_of_u(("x", "y"))
    drawn = found.predict()["u"].groupby(level="row")
    size = n
    if method == "importance":
        size = np.minimum(n, found.diagnostics["effective_sample_size"])
    elif method == "nuts":
        size = np.minimum(n, found.diagnostics["effective_sample_size"])
        assert (found.diagnostics["r_hat"] < 1.05).all()
        assert (found.diagnostics["divergences"] == 0).all()
    else:
        assert found.elbo[0][-100:].mean() > found.elbo[0][:100].mean()
    error = 3 * deviation / np.sqrt(size)
    assert (np.abs(drawn.mean() - mean) < error).all()
    # A standard deviation of n draws is sure to about 1 / sqrt(2 n) of itself.
    assert (np.abs(drawn.std() / deviation - 1) < 4 / np.sqrt(2 * size)).all()
    # x = u + d and y = 2 x + 3 u + e: without the confounder y is less by 5 u.
    other = found.predict({"u": 0.0})["y"].groupby(level="row").mean()
    assert (np.abs(other - (ROWS["y"] - 5 * mean)) < 5 * error).all()
    # Of what x does, u need not be known: the answer is the same in each draw.
    shifted = found.predict({"x": 0.0})["y"]
    assert np.allclose(shifted, (ROWS["y"] - 2 * ROWS["x"]).repeat(n))


def test_rows_with_gaps_use_what_is_known():
    frame = ROWS.copy()
    frame.loc[0, "y"] = np.nan
    frame.loc[2, "x"] = np.nan
    model = ProgramModel(confounded, random_state=1)
    n = 3000
    found = model.abduct(frame, n_samples=n, options={"particles": 30_000})
    drawn = found.predict()
    assert (drawn.loc[1, ["x", "y"]] == frame.loc[1]).all(axis=None)
    assert (drawn.loc[0, "x"] == 0.5).all()
    for row, known in ((0, ("x",)), (1, ("x", "y")), (2, ("y",))):
        mean, deviation = posterior_of_u(known)
        size = min(n, found.diagnostics["effective_sample_size"][row])
        error = np.abs(drawn.loc[row, "u"].mean() - mean[row])
        assert error < 3 * deviation / np.sqrt(size)
    assert found.diagnostics["unknown"].tolist() == [2, 1, 2]


def test_condition_draws_from_the_posterior_and_then_intervenes():
    model = ProgramModel(confounded, random_state=2)
    seen = model.condition(x=2.0)
    n = 4000
    drawn = seen.sample(n)
    assert (drawn["x"] == 2).all()
    # u | x = 2 is N(1, 1/2), and y = 2 x + 3 u + e.
    assert abs(drawn["y"].mean() - 7) < 3 * np.sqrt((4.5 + 2.25) / n)
    assert abs(drawn["y"].std() - np.sqrt(6.75)) < 4 * np.sqrt(6.75 / 2 / n)
    other = seen.do(x=0.0).sample(n)["y"]
    assert abs(other.mean() - 3) < 3 * np.sqrt(6.75 / n)
    before = model.do(x=2.0).condition(x=2.0).sample(n)["y"]
    assert abs(before.mean() - 4) < 3 * np.sqrt(11.25 / n)
    with pytest.raises(ValueError, match="Give all evidence before"):
        seen.do(x=0.0).condition(y=1.0)


def test_latent_labels_are_drawn_by_importance():
    def program():
        kind = pyro.sample("kind", dist.Bernoulli(0.25))
        pyro.sample("x", dist.Normal(2 * kind, 1.0))

    model = ProgramModel(program, random_state=0)
    frame = pd.DataFrame({"x": [0.0, 1.0, 2.0]})
    drawn = model.abduct(frame, n_samples=4000).predict()["kind"]
    odds = np.exp(2 * frame["x"] - 2) / 3
    share = odds / (1 + odds)
    error = np.abs(drawn.groupby(level="row").mean() - share)
    assert (error < 3 * np.sqrt(share * (1 - share) / 4000)).all()
    with pytest.raises(ValueError, match="'kind' is discrete"):
        model.abduct(frame, method="nuts")


def test_few_effective_particles_warn():
    model = ProgramModel(confounded, random_state=0)
    with pytest.warns(EffectiveSampleSizeWarning, match="Take more particles"):
        model.abduct(pd.DataFrame({"x": [0.0], "y": [14.0]}))


def test_a_row_that_no_particle_explains():
    def program():
        u = pyro.sample("u", dist.Uniform(0.0, 1.0))
        pyro.sample("x", dist.Uniform(u, 2.0))

    with pytest.raises(ImpossibleEvidenceError, match="evidence of row 1"):
        ProgramModel(program).abduct(pd.DataFrame({"x": [1.0, 3.0]}))


def learned():
    slope = pyro.param("slope", torch.tensor(0.0))
    scale = pyro.param("scale", torch.tensor(1.0), constraint=dist.constraints.positive)
    x = pyro.sample("x", dist.Normal(0.0, 1.0))
    pyro.sample("y", dist.Normal(slope * x, scale))


def shared(n):
    slope = pyro.sample("slope", dist.Normal(0.0, 10.0))
    with pyro.plate("units", n):
        x = pyro.sample("x", dist.Normal(0.0, 1.0))
        pyro.sample("y", dist.Normal(slope * x, 0.5))


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    x = random.normal(size=300)
    return pd.DataFrame({"x": x, "y": 2 * x + 0.5 * random.normal(size=300)})


def test_parameters_are_learned_by_maximum_likelihood(table):
    model = ProgramModel(learned, random_state=0)
    with pytest.raises(ValueError, match=r"slope, scale.*Call fit"):
        model.sample(3)
    model.fit(table, options={"steps": 600})
    slope = (table["x"] @ table["y"]) / (table["x"] @ table["x"])
    scale = np.sqrt(((table["y"] - slope * table["x"]) ** 2).mean())
    row = pd.DataFrame({"x": [1.0], "y": [3.0]})
    found = model.counterfactual(row, {"x": 0.0})["y"][0]
    assert abs(found - (3 - slope)) < 0.01
    spread = model.do(x=0.0).sample(20_000)["y"].std()
    assert abs(spread / scale - 1) < 0.03
    assert model.elbo_[-1] > model.elbo_[0]
    assert len(pyro.get_param_store()) == 0


def test_sites_that_rows_share_are_learned(table):
    model = ProgramModel(shared, random_state=0)
    model.fit(table[:60], options={"warmup": 100})
    x, y = table["x"][:60], table["y"][:60]
    precision = 0.01 + (x @ x) / 0.25
    draws = model.posterior_["slope"]
    error = abs(draws.mean() - (x @ y) / 0.25 / precision) * np.sqrt(precision)
    assert error < 4 / np.sqrt(len(draws) / 4)  # NUTS: at worst a fourth are effective
    assert abs(draws.std() * np.sqrt(precision) - 1) < 0.2
    row = pd.DataFrame({"x": [1.0], "y": [3.0]})
    found = model.counterfactual(row, {"x": 0.0})["y"][0]
    assert abs(found - (3 - draws.mean())) < 1e-9


def test_nuts_learns_no_parameters(table):
    with pytest.raises(ValueError, match="NUTS draws sites and does not learn"):
        ProgramModel(learned).fit(table, method="nuts")


def test_a_module_is_copied_and_needs_no_fit():
    from pyro.nn import PyroModule

    class Program(PyroModule):
        def __init__(self):
            super().__init__()
            self.linear = PyroModule[torch.nn.Linear](1, 1)

        def forward(self):
            x = pyro.sample("x", dist.Normal(0.0, 1.0))
            y = self.linear(x.unsqueeze(-1)).squeeze(-1)
            pyro.sample("y", dist.Normal(y, 1.0))

    program = Program()
    slope = program.linear.weight.item()
    row = pd.DataFrame({"x": [1.0], "y": [3.0]})
    model = ProgramModel(program)
    assert abs(model.counterfactual(row, {"x": 0.0})["y"][0] - 3 + slope) < 1e-6
    table = model.sample(200, random_state=0).assign(y=lambda frame: 4 * frame["x"])
    model.fit(table, options={"steps": 400, "learning_rate": 0.1})
    assert abs(model.counterfactual(row, {"x": 0.0})["y"][0] + 1) < 0.05
    assert program.linear.weight.item() == slope
    assert program.linear.weight.dtype == torch.float32


def test_a_guide_of_the_user():
    def guide(known):
        u = (known["x"] + 6 * (known["y"] - 2 * known["x"]) / 4.5) / 6
        pyro.sample("u", dist.Normal(u + pyro.param("shift", torch.tensor(1.0)), 0.4))

    model = ProgramModel(confounded, guide=guide, random_state=0)
    found = model.abduct(ROWS, n_samples=2000, method="svi", options={"steps": 300})
    mean, _ = posterior_of_u(("x", "y"))
    drawn = found.predict()["u"].groupby(level="row").mean()
    assert (np.abs(drawn - mean) < 0.1).all()
    assert repr(found).endswith("2000 draw(s) each, method 'svi'")
