"""Effects on the treated, causation, mediation and paths: closed forms."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from skcausal.graphs import CausalGraph
from skcausal.structural import (
    CouplingWarning,
    RecantingWitnessError,
    UnidentifiedCounterfactualError,
)
from skcausal.structural._causation import causation_table
from tests.structural.true_models import Known, KnownClasses, fitted, linear_model

N = 40_000


def value(table, row):
    return table.loc[row, "value"]


def close(table, row, truth):
    error = max(table.loc[row, "standard_error"], 1e-9)
    assert abs(value(table, row) - truth) < 3 * error


def coin(logit):
    """Return a 0/1 mechanism by its log odds."""
    return KnownClasses(lambda row: [0.0, logit(row)], [0.0, 1.0])


SELECTED = CausalGraph([("z", "x"), ("z", "y"), ("x", "y")])


def selected_model():
    """Return a model in which those gain who choose the treatment: y = x z + noise."""
    mechanisms = {
        "z": Known(lambda row: 0.0),
        "x": coin(lambda row: 2 * row["z"]),
        "y": Known(lambda row: row["x"] * row["z"]),
    }
    columns = {"z": [0.0, 1.0], "x": [0.0, 1.0], "y": [0.0, 1.0]}
    return fitted(SELECTED, mechanisms, columns)


def test_effect_on_all_the_treated_and_the_others():
    """The effect is z; E[z | x = 1] by quadrature."""
    model = selected_model()
    z = np.linspace(-8, 8, 4001)
    weight = np.exp(-(z**2) / 2) * special.expit(2 * z)
    treated = (z * weight).sum() / weight.sum()
    for target, truth in (("all", 0.0), ("treated", treated), ("control", -treated)):
        table = model.treatment_effect("x", "y", target=target, n_samples=N)
        close(table, target, truth)
    linear = linear_model().treatment_effect("x", "y", treated=2.0, control=0.0)
    assert value(linear, "all") == pytest.approx(2, abs=1e-9)


CAUSED = CausalGraph([("x", "y")])


def caused_model(effect=1.5, **options):
    mechanisms = {"x": coin(lambda row: 0.0), "y": coin(lambda row: effect * row["x"])}
    columns = {"x": [0.0, 1.0], "y": [0.0, 1.0]}
    return fitted(CAUSED, mechanisms, columns, **options)


def test_probabilities_of_causation_without_confounding():
    """Under monotonicity PNS is the effect, PN and PS its shares (Tian & Pearl)."""
    model = caused_model()
    p0, p1 = 0.5, special.expit(1.5)
    with pytest.warns(CouplingWarning, match="ties y"):
        table = model.causation_probabilities("x", "y", n_samples=N)
    close(table, "PNS", p1 - p0)
    close(table, "PN", (p1 - p0) / p1)
    close(table, "PS", (p1 - p0) / (1 - p0))
    assert table.loc["PNS", "upper"] == pytest.approx(min(p1, 1 - p0), abs=0.01)
    assert (table["lower"] <= table["value"] + 1e-9).all()
    assert (table["value"] <= table["upper"] + 1e-9).all()
    bounds = model.causation_probabilities("x", "y", coupling="bounds", n_samples=N)
    assert bounds["value"].isna().all()
    np.testing.assert_allclose(bounds["lower"], table["lower"], atol=0.02)


def test_bounds_of_causation_hold_for_any_response_types():
    """Rows of four response types, confounded: bounds contain the truth and are sharp.

    Tian & Pearl: max(0, P(y) - P(y_x')) / P(x, y) <= PN.
    """
    rng = np.random.default_rng(0)
    for _ in range(50):
        joint = rng.dirichlet(np.ones(8)).reshape(2, 4)
        kinds = rng.choice(8, size=2000, p=joint.ravel())
        x, kind = kinds // 4 == 1, kinds % 4
        under, without = np.isin(kind, [1, 2]), np.isin(kind, [1, 3])
        factual = np.where(x, under, without)
        table = causation_table((x, ~x), factual, (under, without))
        assert (table["lower"] <= table["value"] + 1e-12).all()
        assert (table["value"] <= table["upper"] + 1e-12).all()
        necessity = (factual.mean() - without.mean()) / (x & factual).mean()
        assert table.loc["PN", "lower"] == pytest.approx(max(0, necessity))
        above = (1 - without.mean() - (~x & ~factual).mean()) / (x & factual).mean()
        assert table.loc["PN", "upper"] == pytest.approx(min(1, above))


def test_natural_effects_of_a_linear_model():
    """x -> m with slope 2, m -> y with 1, x -> y with -1."""
    model = linear_model()
    table = model.natural_effects("x", "y", "m", at={"m": 0.7}, n_samples=1000)
    truth = [1, -1, 2, -1]
    np.testing.assert_allclose(table["value"], truth, atol=1e-9)
    assert table.index.tolist() == [
        "total",
        "natural direct",
        "natural indirect",
        "controlled direct",
    ]


def test_natural_effects_with_interaction():
    """y = x m, m = x + u: NDE = E m(0) = 0, NIE = 0, total 1, CDE(m) = m."""
    mechanisms = {
        "x": Known(lambda row: 0.0),
        "m": Known(lambda row: row["x"]),
        "y": Known(lambda row: row["x"] * row["m"]),
    }
    graph = CausalGraph([("x", "m"), ("m", "y"), ("x", "y")])
    model = fitted(graph, mechanisms, {"x": [0.0], "m": [0.0], "y": [0.0]})
    table = model.natural_effects("x", "y", ["m"], at={"m": 3.0}, n_samples=N)
    close(table, "total", 1)
    close(table, "natural direct", 0)
    close(table, "natural indirect", 0)
    close(table, "controlled direct", 3)


WITNESS = CausalGraph([("x", "w"), ("w", "m"), ("w", "y"), ("m", "y"), ("x", "y")])


def witness_model():
    mechanisms = {
        "x": Known(lambda row: 0.0),
        "w": Known(lambda row: 2 * row["x"]),
        "m": Known(lambda row: 3 * row["w"]),
        "y": Known(lambda row: row["x"] + 5 * row["w"] + 7 * row["m"]),
    }
    columns = {name: [0.0] for name in "xwmy"}
    return fitted(WITNESS, mechanisms, columns)


def test_path_specific_effects_are_products_of_slopes():
    model = witness_model()
    edges = {
        "direct": [("x", "y")],
        "past m": [("x", "w"), ("w", "y"), ("w", "m"), ("m", "y")],
        "all": [*WITNESS.directed],
    }
    truth = {"direct": 1, "past m": 2 * 5 + 2 * 3 * 7, "all": 1 + 10 + 42}
    for name, active in edges.items():
        table = model.path_specific_effect("x", "y", active, n_samples=100)
        assert value(table, "path-specific") == pytest.approx(truth[name])
    paths = [("x", "y"), ("x", "w", "y"), ("x", "w", "m", "y")]
    table = model.path_specific_effect("x", "y", paths, n_samples=100)
    assert value(table, "path-specific") == pytest.approx(53)


def test_paths_through_and_past_mediators_agree_with_natural_effects():
    model = linear_model()
    through = model.path_specific_effect("x", "y", [("x", "m", "y")], n_samples=100)
    past = model.path_specific_effect("x", "y", [("x", "y")], n_samples=100)
    table = model.natural_effects("x", "y", "m", n_samples=100)
    assert value(through, "path-specific") == pytest.approx(
        value(table, "natural indirect")
    )
    assert value(past, "path-specific") == pytest.approx(value(table, "natural direct"))


@pytest.mark.parametrize(
    "active",
    [
        [("x", "w"), ("w", "y")],
        [("x", "w", "y")],
        [("x", "w"), ("w", "m"), ("m", "y")],
    ],
)
def test_recanting_witnesses(active):
    with pytest.raises(RecantingWitnessError, match="recanting witness") as caught:
        witness_model().path_specific_effect("x", "y", active)
    assert caught.value.node == "w"
    assert isinstance(caught.value, UnidentifiedCounterfactualError)


def test_a_node_in_two_worlds_is_named():
    with pytest.warns(CouplingWarning, match="ties w in both worlds"):
        witness_model().natural_effects("x", "y", "m", n_samples=100)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda m: m.treatment_effect("q", "y"), "treatment must be a node"),
        (lambda m: m.treatment_effect("x", "x"), "Name two nodes"),
        (lambda m: m.treatment_effect("x", "y", target="some"), "target must be"),
        (lambda m: m.treatment_effect("x", "y", target="treated"), "0 have 'x'"),
        (lambda m: m.treatment_effect("x", "y", control=1), "are both 1.0"),
        (lambda m: m.treatment_effect("x", "y", n_samples=3), "n_samples must be"),
        (lambda m: m.causation_probabilities("x", "q"), "outcome must be a node"),
        (lambda m: m.natural_effects("x", "y", "x"), "mediators must be nodes"),
        (lambda m: m.natural_effects("x", "y", []), "mediators is empty"),
        (lambda m: m.natural_effects("x", "y", "m", at={"z": 1}), "for each mediator"),
        (lambda m: m.path_specific_effect("x", "y", [("y", "x")]), "no arrow y -> x"),
        (lambda m: m.path_specific_effect("x", "y", "xy"), "active must list"),
        (
            lambda m: m.path_specific_effect("x", "y", [("z", "x", "y")]),
            "must lead from 'x'",
        ),
    ],
)
def test_questions_without_an_answer(call, words):
    with pytest.raises(ValueError, match=words):
        call(linear_model())


def test_categories_have_no_mean():
    frame = pd.DataFrame({"x": [0.0, 1.0] * 5, "y": pd.Categorical(list("ab") * 5)})
    mechanisms = {"y": KnownClasses(lambda row: [0.0, row["x"]], ["a", "b"])}
    model = fitted(CAUSED, mechanisms, frame)
    with pytest.raises(ValueError, match="holds categories"):
        model.treatment_effect("x", "y")
    with pytest.warns(CouplingWarning):
        table = model.causation_probabilities("x", "y", event="b", n_samples=N)
    close(table, "PNS", special.expit(1) - 0.5)
