"""Structural models given as Pyro programs: exact counterfactuals, identities."""

import warnings

import numpy as np
import pandas as pd
import pytest

from skcausal.structural import CouplingWarning, ProgramModel

torch = pytest.importorskip("torch")
pyro = pytest.importorskip("pyro")
dist = pytest.importorskip("pyro.distributions")

pytestmark = pytest.mark.pyro


def invertible():
    """A program of one row with noise of many families."""
    a = pyro.sample("a", dist.Normal(1.0, 2.0))
    b = pyro.sample("b", dist.LogNormal(0.3 * a, 0.5))
    c = pyro.sample("c", dist.Gamma(2.0, 1 + b))
    d = pyro.sample("d", dist.StudentT(4.0, a * b, 1 + c))
    e = pyro.deterministic("e", a + d)
    f = pyro.sample("f", dist.Beta(2 + c, 3.0))
    g = pyro.sample("g", dist.Exponential(0.1 + f))
    pyro.sample("h", dist.Weibull(1 + g, 2.0))
    pyro.sample("i", dist.Gumbel(0.1 * e, 1.0))
    pyro.sample("j", dist.HalfNormal(1 + f))
    pyro.sample("k", dist.Uniform(-b, b))


def linear():
    x = pyro.sample("x", dist.Normal(0.0, 1.0))
    m = pyro.sample("m", dist.Normal(1 + 0.5 * x, 0.5))
    pyro.sample("y", dist.Normal(2 * x * m + m, 1.5))


def labels():
    x = pyro.sample("x", dist.Bernoulli(0.4))
    shift = torch.stack([0 * x, x, -x], dim=-1)
    pyro.sample("colour", dist.Categorical(logits=torch.tensor([0.3, 0, 0.5]) + shift))
    pyro.sample("count", dist.Poisson(torch.exp(0.5 + x)))
    pyro.sample("bought", dist.Bernoulli(logits=2 * x - 1))


@pytest.fixture(scope="module")
def rows():
    return ProgramModel(invertible, random_state=0).sample(400)


def test_no_intervention_returns_the_rows_exactly(rows):
    model = ProgramModel(invertible)
    pd.testing.assert_frame_equal(model.abduct(rows).predict(), rows, check_exact=True)


def test_counterfactual_is_exact_where_the_program_is_invertible():
    frame = ProgramModel(linear, random_state=1).sample(500)
    found = ProgramModel(linear).counterfactual(frame, {"x": 0.7})
    m = 1 + 0.5 * 0.7 + (frame["m"] - 1 - 0.5 * frame["x"])
    noise = frame["y"] - 2 * frame["x"] * frame["m"] - frame["m"]
    assert np.abs(found["m"] - m).max() < 1e-12
    assert np.abs(found["y"] - (2 * 0.7 * m + m + noise)).max() < 1e-12
    assert (found["x"] == 0.7).all()


def test_setting_what_was_changes_nothing(rows):
    found = ProgramModel(invertible).counterfactual(rows, {"a": rows["a"]})
    pd.testing.assert_frame_equal(found, rows, check_exact=True)


def test_there_and_back_again(rows):
    model = ProgramModel(invertible)
    away = model.counterfactual(rows, {"a": rows["a"] + 1})
    assert (np.abs(away - rows).drop(columns="f").max() > 0.01).all()
    back = model.counterfactual(away, {"a": rows["a"]})
    assert np.abs((back - rows) / (1 + rows.abs())).max().max() < 1e-6


def test_composition(rows):
    model = ProgramModel(invertible)
    one = model.counterfactual(rows, {"a": 0.5})
    two = model.counterfactual(rows, {"a": 0.5, "c": one["c"]})
    pd.testing.assert_frame_equal(one, two, rtol=1e-9)


def test_do_gives_interventional_means():
    n, model = 40_000, ProgramModel(linear, random_state=2)
    drawn = model.do(x=2.0).sample(n)["y"]
    assert abs(drawn.mean() - 10) < 3 * drawn.std() / np.sqrt(n)  # E[5 m], E[m] = 2
    pd.testing.assert_frame_equal(
        model.do({"x": 2.0}).sample(50), model.sample(50, do={"x": 2.0})
    )


def test_functions_of_the_row():
    model = ProgramModel(linear, random_state=3)
    shifted = model.do(m=lambda row: row["m"] + 10 * row["x"])
    drawn = shifted.sample(20_000)
    slope = np.polyfit(drawn["x"], drawn["m"], 1)[0]
    assert abs(slope - 10.5) < 0.02
    frame = model.sample(20)
    found = model.counterfactual(frame, {"m": lambda row: row["m"] + 1})
    assert np.allclose(found["y"] - frame["y"], 2 * frame["x"] + 1)


def test_twin_shares_noise():
    both = ProgramModel(linear, random_state=4).twin({"x": 1.0}, n=300)
    factual, other = both["factual"], both["counterfactual"]
    assert np.allclose(other["m"], factual["m"] + 0.5 * (1 - factual["x"]))
    again = ProgramModel(linear).twin({"x": 1.0}, frame=factual)
    assert np.allclose(again["counterfactual"], other)


@pytest.mark.parametrize("coupling", ["shared_noise", "gumbel_max", "monotone"])
def test_labels_are_consistent_and_have_their_probabilities(coupling):
    model = ProgramModel(labels, random_state=5)
    frame = model.sample(20_000)
    same = model.abduct(frame, coupling=coupling).predict()
    pd.testing.assert_frame_equal(same, frame)
    with pytest.warns(CouplingWarning, match="colour, count, bought"):
        found = model.counterfactual(frame, {"x": 1.0}, coupling=coupling)
    logits = np.array([0.3, 1.0, -0.5])
    expected = np.exp(logits) / np.exp(logits).sum()
    share = np.bincount(found["colour"], minlength=3) / len(found)
    assert np.abs(share - expected).max() < 3 * np.sqrt(0.25 / len(found))
    mean = np.exp(1.5)
    assert abs(found["count"].mean() - mean) < 3 * np.sqrt(mean / len(found))
    p = 1 / (1 + np.exp(-1))
    assert abs(found["bought"].mean() - p) < 3 * np.sqrt(0.25 / len(found))


def test_gumbel_max_is_stable():
    """A label is left only for one whose relative probability rises (Oberst 2019)."""
    model = ProgramModel(labels, random_state=6)
    frame = model.sample(5000, do={"x": 0.0})
    with pytest.warns(CouplingWarning):
        found = model.counterfactual(frame, {"x": 1.0}, coupling="gumbel_max")
    change = np.array([0, 1, -1])  # of the log odds
    moved = frame["colour"] != found["colour"]
    assert moved.any()
    assert (change[found["colour"]] > change[frame["colour"]])[moved].all()


def test_gumbel_max_flips_as_often_as_the_closed_form_says():
    """P(stay | k) = (1 + sum_{j != k} p_j max(0, ...)) of Gumbel races."""
    model = ProgramModel(labels, random_state=7)
    frame = model.sample(40_000, do={"x": 0.0})
    with pytest.warns(CouplingWarning):
        found = model.counterfactual(frame, {"x": 1.0}, coupling="gumbel_max")
    old = np.exp([0.3, 0.0, 0.5])
    new = np.exp([0.3, 1.0, -0.5])
    # With waiting times E_k / w_k, k wins both races at rate 1 / sum_j max ratios.
    stay = [1 / np.maximum(old / old[k], new / new[k]).sum() for k in range(3)]
    for k in range(3):
        share = ((frame["colour"] == k) & (found["colour"] == k)).mean()
        assert abs(share - stay[k]) < 3 * np.sqrt(stay[k] / len(frame))


def test_monotone_noise_keeps_the_order():
    model = ProgramModel(labels, random_state=8)
    frame = model.sample(2000, do={"x": 0.0})
    with pytest.warns(CouplingWarning):
        found = model.counterfactual(frame, {"x": 1.0}, coupling="monotone")
    assert (found["count"] >= frame["count"]).all()
    assert (found["bought"] >= frame["bought"]).all()


def test_counts_far_in_the_tail_keep_their_noise():
    def program():
        x = pyro.sample("x", dist.Normal(0.0, 1.0))
        pyro.sample("n", dist.Poisson(torch.exp(x)))

    frame = pd.DataFrame({"x": [0.0, 0.0, 5.0], "n": [40.0, 0.0, 20.0]})
    model = ProgramModel(program, random_state=0)
    pd.testing.assert_frame_equal(model.abduct(frame).predict(), frame)
    with pytest.warns(CouplingWarning):
        found = model.counterfactual(frame, {"x": 0.1})
    assert 40 < found["n"][0] < 46
    assert found["n"][2] == 0


def test_draws_are_repeatable_and_leave_generators_alone():
    torch.manual_seed(3)
    np.random.seed(3)  # noqa: NPY002
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    pyro.get_param_store().clear()
    model = ProgramModel(labels, random_state=0)
    one, two = model.sample(50), model.sample(50)
    pd.testing.assert_frame_equal(one, two)
    assert not model.sample(50, random_state=1).equals(one)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002
    assert torch.get_default_dtype() == torch.float32
    assert len(pyro.get_param_store()) == 0


def test_a_noise_without_inverse_names_the_site_and_the_way_out():
    def program():
        pyro.sample("angle", dist.VonMises(0.0, 1.0))

    model = ProgramModel(program, random_state=0)
    with pytest.raises(TypeError, match=r"'angle'.*VonMises.*TransformedDistribution"):
        model.abduct(model.sample(3))


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (lambda m, f: m.abduct(f.assign(z=1.0)), "'z', which is no site"),
        (lambda m, f: m.abduct(f.assign(y=np.inf)), "missing or infinite"),
        (lambda m, f: m.abduct(f.assign(y="a")), "must be numbers"),
        (lambda m, f: m.abduct(f, method="hmc"), "method must be one of"),
        (lambda m, f: m.abduct(f, coupling="no"), "coupling must be one of"),
        (lambda m, f: m.abduct(f, options={"step": 1}), "options names 'step'"),
        (lambda m, f: m.abduct(f, n_samples=0), "n_samples"),
        (lambda m, f: m.counterfactual(f, {"q": 1.0}), "'q', which is no site"),
        (lambda m, f: m.counterfactual(f, {"x": [1.0, 2]}), "one per row"),
        (lambda m, f: m.do(x=[1.0, 2.0]), "x' is set to 2 values"),
        (lambda m, f: m.do(), "nothing is given"),
        (lambda m, f: m.do({"x": 1.0}, x=2.0), "given twice"),
        (lambda m, f: m.condition(x=[1.0, 2.0]), "must be one value"),
        (lambda m, f: m.condition(x=1.0).abduct(f), "conditioned already"),
        (lambda m, f: m.do(m=lambda row: 1.0).abduct(f), "hides what it would"),
        (lambda m, f: m.do(x=1.0).abduct(f), "contradicts the program"),
        (lambda m, f: m.abduct(f[["y"]], method="exact"), "nothing is known of x, m"),
        (lambda m, f: m.twin({"x": 1.0}), "one of the two"),
        (lambda m, f: m.do(x=1.0).fit(f), "Fit the model first"),
        (lambda m, f: m.do(x="a"), "must be numbers"),
        (lambda m, f: m.sample(0), "n must be"),
        (lambda m, f: ProgramModel(linear, nodes=["q"]).sample(2), "nodes names 'q'"),
    ],
)
def test_bad_input_is_told_in_words(act, error):
    model = ProgramModel(linear, random_state=0)
    with pytest.raises(ValueError, match=error):
        act(model, model.sample(3))


def test_evidence_about_computed_sites_must_agree(rows):
    model = ProgramModel(invertible)
    with pytest.raises(ValueError, match="'e' contradicts the program"):
        model.abduct(rows.assign(e=rows["e"] + 1))


def test_impossible_evidence(rows):
    with pytest.raises(ValueError, match="'b' is impossible under LogNormal"):
        ProgramModel(invertible).abduct(rows.assign(b=-1.0))


def test_data_inside_the_program_is_refused():
    def program():
        pyro.sample("x", dist.Normal(0.0, 1.0), obs=torch.tensor(1.0))

    with pytest.raises(ValueError, match=r"'x' has data in the program"):
        ProgramModel(program).sample(2)


def test_nothing_warns_where_nothing_rests_on_a_coupling():
    frame = ProgramModel(labels, random_state=0).sample(20)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = ProgramModel(labels).counterfactual(frame, {"bought": 1.0})
    pd.testing.assert_frame_equal(found, frame.assign(bought=1.0))


def test_labels_cannot_be_set_to_what_they_are_not():
    with pytest.raises(ValueError, match="'colour' cannot be set to 3"):
        ProgramModel(labels).do(colour=3).sample(2)
    with pytest.raises(ValueError, match="'colour' must be whole numbers"):
        ProgramModel(labels).do(colour=0.5)


def test_do_is_that_of_pyro():
    n, x = 40_000, torch.tensor(2.0)
    with pyro.plate("rows", n), torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        trace = pyro.poutine.trace(pyro.poutine.do(linear, {"x": x})).get_trace()
    theirs = trace.nodes["y"]["value"].double().numpy()
    ours = ProgramModel(linear, random_state=1).do(x=2.0).sample(n)["y"]
    error = np.hypot(ours.std(), theirs.std()) / np.sqrt(n)
    assert abs(ours.mean() - theirs.mean()) < 3 * error


def test_vectors_may_be_latent():
    def program():
        z = pyro.sample("z", dist.Normal(torch.zeros(2), 1.0).to_event(1))
        w = pyro.sample("w", dist.MultivariateNormal(z, torch.eye(2)))
        pyro.sample("x", dist.Normal(w[..., 0] + z[..., 1], 1.0))

    frame = pd.DataFrame({"x": [2.0, -1.0]})
    found = ProgramModel(program, random_state=0).abduct(frame, n_samples=50)
    drawn = found.predict()
    assert drawn.columns.tolist() == ["x"]
    assert np.array_equal(drawn["x"], frame["x"].repeat(50))


def test_a_distribution_function_without_inverse_is_bisected():
    def program():
        a = pyro.sample("a", dist.Normal(0.0, 1.0))
        parts = dist.Normal(torch.stack([a - 2, a + 2], dim=-1), 0.5)
        weights = dist.Categorical(torch.tensor([0.3, 0.7]))
        pyro.sample("b", dist.MixtureSameFamily(weights, parts))

    model = ProgramModel(program, random_state=0)
    frame = model.sample(200)
    pd.testing.assert_frame_equal(model.abduct(frame).predict(), frame)
    found = model.counterfactual(frame, {"a": frame["a"] + 1})
    assert np.abs(found["b"] - frame["b"] - 1).max() < 1e-6


def test_sites_must_be_the_same_in_all_worlds():
    def program():
        x = pyro.sample("x", dist.Normal(0.0, 1.0))
        if x.mean() > 50:
            pyro.sample("y", dist.Normal(x, 1.0))

    model = ProgramModel(program, random_state=0)
    with pytest.raises(ValueError, match="'y' is sampled under the intervention only"):
        model.counterfactual(model.sample(3), {"x": 100.0})


def test_values_far_in_the_tail_keep_their_noise():
    def program():
        x = pyro.sample("x", dist.Normal(0.0, 1.0))
        pyro.sample("wait", dist.Exponential(torch.exp(-x)))
        pyro.sample("rain", dist.Gamma(2.0, torch.exp(-x)))

    frame = pd.DataFrame({"x": [0.0], "wait": [80.0], "rain": [90.0]})
    found = ProgramModel(program).counterfactual(frame, {"x": 1.0})
    assert np.allclose(found[["wait", "rain"]], frame[["wait", "rain"]] * np.e)


def test_mixtures_give_rows_back():
    def program():
        parts = dist.Normal(torch.tensor([0.0, 1.0]), 1.0)
        mixed = dist.MixtureSameFamily(dist.Categorical(torch.ones(2)), parts)
        pyro.sample("x", mixed)

    found = ProgramModel(program).abduct(pd.DataFrame({"x": [3.0]}))
    assert found.predict()["x"][0] == 3


def test_noise_that_is_lost_to_rounding():
    def program():
        pyro.sample("rain", dist.Gamma(2.0, 1.0))

    with pytest.raises(ValueError, match="'rain' lies so far in the tail of Gamma"):
        ProgramModel(program).abduct(pd.DataFrame({"rain": [2000.0]}))


def test_text_is_no_number():
    def program():
        dose = pyro.sample("dose", dist.Normal(0.0, 1.0))
        pyro.sample("answer", dist.Normal(dose, 1.0))

    model = ProgramModel(program, random_state=0)
    rows = model.sample(2)
    with pytest.raises(ValueError, match="values of 'dose' must be numbers"):
        model.counterfactual(rows, {"dose": "1"})
    with pytest.raises(ValueError, match="values of 'answer' must be numbers"):
        model.counterfactual(rows.assign(answer=["1", "2"]), {"dose": 1.0})
