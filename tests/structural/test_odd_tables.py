"""Tables as users have them: names, types and sizes that models trip over."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from skcausal.graphs import CausalGraph
from skcausal.structural import (
    AdditiveNoise,
    AdditiveNoiseModel,
    CategoricalNoise,
    GumbelMax,
    StructuralModel,
)


def odd_table(names, n=300):
    rng = np.random.default_rng(1)
    kind = rng.choice(["x", "y", "z"], size=n)
    size = rng.normal(size=n)
    value = size + 2 * (kind == "x") + rng.normal(size=n)
    columns = (pd.Categorical(kind), size, value)
    return pd.DataFrame(dict(zip(names, columns, strict=True)))


@pytest.fixture(scope="module")
def plain():
    table = odd_table(["kind", "size", "value"])
    graph = CausalGraph([("kind", "value"), ("size", "value")])
    return StructuralModel(graph, random_state=0).fit(table), table


@pytest.mark.parametrize(
    "names",
    [(1, 0, 2), ("a kind", 0, 2), ("kind [k]", 'a "size": {s}', "of, them")],
    ids=["integers", "mixed", "json"],
)
def test_names_of_any_kind_give_the_same_model(plain, names):
    table = odd_table(names)
    arrows = [(names[0], names[2]), (names[1], names[2])]
    model = StructuralModel(CausalGraph(arrows), random_state=0).fit(table)
    found = model.counterfactual(table[:5], {names[1]: 1.0})
    expected = plain[0].counterfactual(plain[1][:5], {"size": 1.0})
    np.testing.assert_array_equal(found[names[2]], expected["value"])
    additive = AdditiveNoiseModel(CausalGraph(arrows)).fit(table)
    assert np.isfinite(additive.sample(5, random_state=0)[names[2]]).all()


def test_trees_take_names_of_any_kind():
    rng = np.random.default_rng(0)
    parents = pd.DataFrame({"a: [b]": rng.uniform(-3, 3, 600), 7: rng.normal(size=600)})
    wave = np.sin(3 * parents["a: [b]"]) + 0.1 * rng.normal(size=600)
    found = AdditiveNoise().fit(parents, wave)
    assert found.noise_.std() < 0.4
    label = CategoricalNoise().fit(parents, np.where(wave > 0, "up", "down"))
    assert label.log_density(parents, np.where(wave > 0, "up", "down")).mean() > -0.4


def test_errors_of_a_regressor_that_cannot_read_names_name_the_node():
    from sklearn.linear_model import LinearRegression

    table = odd_table(["kind", 0, 2]).assign(more=lambda t: t[0])
    graph = CausalGraph([(0, 2), ("more", 2)])
    model = AdditiveNoiseModel(graph, regressor=LinearRegression())
    with pytest.raises(ValueError, match="cannot be fitted to its causes"):
        model.fit(table)


def test_columns_that_are_there_twice(plain):
    model, table = plain
    twice = pd.concat([table, table[["size"]]], axis=1)
    with pytest.raises(ValueError, match="several columns 'size'"):
        model.counterfactual(twice, {"size": 1.0})


@pytest.mark.parametrize(
    "size",
    [
        pd.date_range("2020", periods=2),
        np.array(["1", "2"]),
        np.array([1.0, "2"], dtype=object),
    ],
    ids=["dates", "text", "objects"],
)
def test_dates_and_text_are_no_numbers(plain, size):
    model, table = plain
    rows = table[:2].drop(columns="size").assign(size=size)
    with pytest.raises(ValueError, match="'size' must be numeric"):
        model.counterfactual(rows, {"kind": "x"})
    with pytest.raises(ValueError, match="'size' must be numeric"):
        model.counterfactual(table[:2], {"size": size})


def test_one_row_as_a_series_names_the_way_out(plain):
    model, table = plain
    with pytest.raises(TypeError, match=r"frame\[:1\]"):
        model.counterfactual(table.iloc[0], {"size": 1.0})


def test_labels_of_other_tables_keep_their_meaning(plain):
    model, table = plain
    expected = model.known(table[:20])
    shuffled = table[:20].assign(
        kind=lambda t: t["kind"].cat.set_categories(["q", "z", "x", "y"])
    )
    pd.testing.assert_frame_equal(model.known(shuffled), expected)
    text = table[:20].assign(kind=lambda t: t["kind"].astype(object))
    pd.testing.assert_frame_equal(model.known(text), expected)


def test_interventions_of_a_wrong_length_are_told_the_number_of_rows(plain):
    model, table = plain
    with pytest.raises(ValueError, match=r"one per row \(4\), got shape \(3,\)"):
        model.counterfactual(table[:4], {"size": [1.0, 2, 3]}, n_samples=3)


@pytest.mark.parametrize("n", [1, 3])
def test_too_few_rows_for_a_choice(n):
    table = odd_table(["kind", "size", "value"])[:n]
    graph = CausalGraph([("size", "value")])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=f"at least 5 rows, got n_samples = {n}"):
            StructuralModel(graph).fit(table)


def test_a_constant_count_has_no_slopes():
    table = odd_table(["kind", "size", "value"]).assign(value=5)
    graph = CausalGraph([("size", "value")])
    model = StructuralModel(graph, random_state=0).fit(table)
    assert model.choices_["value"].index[0] == "poisson"


def test_treated_and_control_of_a_category(plain):
    with pytest.raises(ValueError, match=r"treated and control .* of 'kind'"):
        plain[0].treatment_effect("kind", "value")


def test_an_event_of_a_continuous_outcome_never_happens(plain):
    with pytest.raises(ValueError, match="no draw"):
        plain[0].causation_probabilities("kind", "value", treated="x", control="y")


def test_mediators_as_a_tuple(plain):
    table = plain[1].assign(end=lambda t: t["value"] + t["size"])
    graph = CausalGraph([("size", "value"), ("size", "end"), ("value", "end")])
    model = StructuralModel(graph, random_state=0).fit(table)
    options = {"n_samples": 100, "random_state": 0}
    one = model.natural_effects("size", "end", ("value",), **options)
    assert one.equals(model.natural_effects("size", "end", ["value"], **options))


def test_a_model_set_by_a_function_can_be_fitted_again(plain):
    from sklearn.base import clone

    model, table = plain
    higher = model.do(value=lambda row: row["value"] + 1)
    again = clone(higher).fit(table)
    expected = higher.sample(5, random_state=0)
    pd.testing.assert_frame_equal(again.sample(5, random_state=0), expected)


def test_nodes_whose_noise_would_have_the_same_columns():
    table = odd_table(["kind", "size", "kind[0]"])
    mechanism = {"kind": GumbelMax(LogisticRegression())}
    graph = CausalGraph([("size", "kind"), ("size", "kind[0]")])
    model = StructuralModel(graph, mechanism, random_state=0).fit(table)
    with pytest.raises(ValueError, match=r"column 'kind\[0\]'.* Rename"):
        model.noise(table[:3])
    assert len(model.counterfactual(table[:3], {"kind[0]": 1.0})) == 3
