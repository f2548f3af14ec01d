"""Couplings of categories: closed forms, stability, bounds, warnings."""

import numpy as np
import pandas as pd
import pytest

from skcausal.graphs import CausalGraph
from skcausal.structural import CouplingWarning, StructuralModel
from tests.structural.true_models import (
    KnownClasses,
    class_logits,
    class_model,
    class_probabilities,
    fitted,
)

LABELS = ["blue", "green", "red"]
N = 20_000
quiet = pytest.mark.filterwarnings("ignore::skcausal.structural.CouplingWarning")


def rows_of(label, n=N, x=0.0):
    return pd.DataFrame(
        {"x": np.full(n, x), "colour": pd.Categorical([label] * n, LABELS)}
    )


def shares(model, label, **options):
    found = model.counterfactual(rows_of(label), {"x": 1.0}, random_state=0, **options)
    return found["colour"].value_counts(normalize=True).reindex(LABELS).to_numpy()


@quiet
@pytest.mark.parametrize("k", range(3))
def test_monotone_coupling_is_the_overlap_of_intervals(k):
    ends = [np.r_[0, np.cumsum(class_probabilities(x))] for x in (0, 1)]
    upper = np.minimum(ends[0][k + 1], ends[1][1:])
    lower = np.maximum(ends[0][k], ends[1][:-1])
    truth = np.maximum(upper - lower, 0) / (ends[0][k + 1] - ends[0][k])
    found = shares(class_model(), LABELS[k], coupling="monotone")
    np.testing.assert_allclose(found, truth, atol=4 * 0.5 / np.sqrt(N))


@quiet
@pytest.mark.parametrize("k", range(3))
def test_gumbel_coupling_is_that_of_shared_gumbel_noise(k):
    """Truth: noise drawn without any evidence, rows of the class picked out."""
    noise = np.random.default_rng(1).gumbel(size=(200_000, 3))
    one, two = (
        np.argmax(np.log(class_probabilities(x)) + noise, axis=1) for x in (0, 1)
    )
    truth = np.bincount(two[one == k], minlength=3) / (one == k).sum()
    found = shares(class_model(), LABELS[k], coupling="gumbel_max")
    np.testing.assert_allclose(found, truth, atol=5 * 0.5 / np.sqrt(N))


@quiet
def test_gumbel_coupling_is_stable():
    """No row leaves its class for one whose probability rises by a smaller factor."""
    factor = class_probabilities(1) / class_probabilities(0)
    for k in range(3):
        found = shares(class_model("gumbel_max"), LABELS[k])
        assert (found[factor < factor[k]] == 0).all()


@quiet
@pytest.mark.parametrize("coupling", ["shared_noise", "gumbel_max", "monotone"])
def test_bounds_hold_for_every_coupling(coupling):
    for k, label in enumerate(LABELS):
        bounds = class_model().counterfactual(
            rows_of(label, 3), {"x": 1.0}, coupling="bounds"
        )
        found = shares(class_model(), label, coupling=coupling)
        p, q = class_probabilities(0)[k], class_probabilities(1)
        lower = bounds["colour"].xs("lower", axis=1, level="bound").iloc[0]
        upper = bounds["colour"].xs("upper", axis=1, level="bound").iloc[0]
        np.testing.assert_allclose(lower, np.maximum(0, p + q - 1) / p)
        np.testing.assert_allclose(upper, np.minimum(p, q) / p)
        assert (lower <= found + 0.02).all()
        assert (found <= upper + 0.02).all()


def test_bounds_of_rows_that_do_not_change():
    bounds = class_model().counterfactual(
        rows_of("red", 2, x=1.0), {"x": 1.0}, coupling="bounds"
    )
    assert bounds.loc[0, ("colour", "red", "lower")] == 1
    assert bounds.loc[0, ("colour", "blue", "upper")] == 0


def test_bounds_below_another_category_say_nothing():
    graph = CausalGraph([("x", "colour"), ("colour", "shade")])

    def shade_logits(row):
        return [(row["colour"] == "red").astype(float), 0.0]

    mechanisms = {
        "colour": KnownClasses(class_logits, LABELS),
        "shade": KnownClasses(shade_logits, ["dark", "light"]),
    }
    columns = rows_of("red", 4).assign(
        x=[0.0, 1.0, 0.0, 1.0],
        colour=pd.Categorical([*LABELS, "red"]),
        shade=pd.Categorical(["dark", "light"] * 2),
    )
    model = fitted(graph, mechanisms, columns)
    bounds = model.counterfactual(columns, {"x": 0.0}, coupling="bounds")
    assert (bounds["shade"].xs("lower", axis=1, level="bound") == 0).all(axis=None)
    assert (bounds["shade"].xs("upper", axis=1, level="bound") == 1).all(axis=None)


def test_independent_noise_changes_rows_that_nothing_touched():
    model = class_model()
    rows = rows_of("red", 2000, x=1.0)
    with pytest.warns(CouplingWarning, match="fresh noise"):
        found = model.counterfactual(rows, {"x": 1.0}, coupling="independent")
    kept = (found["colour"] == "red").mean()
    assert kept == pytest.approx(class_probabilities(1)[2], abs=0.05)
    same = model.counterfactual(rows, {"x": 1.0})
    assert (same["colour"] == "red").all()


def test_one_warning_where_the_answer_rests_on_the_coupling():
    model = class_model()
    with pytest.warns(CouplingWarning, match="ties colour in both worlds") as caught:
        model.counterfactual(rows_of("red", 5), {"x": 1.0})
    assert len(caught) == 1
    assert caught[0].filename == __file__
    model.counterfactual(rows_of("red", 5), {"colour": "blue"})  # nothing rests on it
    model.do(x=1.0).sample(5)


def test_draws_do_not_depend_on_the_intervention():
    """The same row and seed have the same noise in all worlds."""
    model = class_model()
    rows = rows_of("red", 300).assign(x=0.0)
    with pytest.warns(CouplingWarning):
        one = model.counterfactual(rows, {"x": 1.0}, random_state=3)
    with pytest.warns(CouplingWarning):
        two = model.counterfactual(rows, {"x": np.ones(300)}, random_state=3)
    pd.testing.assert_frame_equal(one, two)


@quiet
def test_functions_of_a_row_keep_the_coupling():
    """A category set to what it would have been is as if it had not been set."""
    model = class_model("gumbel_max")
    same = model.do(colour=lambda row: row["colour"])
    plain, natural = (
        one.twin({"x": 1.0}, n=200, random_state=0)["counterfactual"]
        for one in (model, same)
    )
    pd.testing.assert_frame_equal(plain, natural)


def test_bounds_below_a_function_of_an_unknown_count_are_certain_only():
    rng = np.random.default_rng(0)
    ads = rng.normal(size=500)
    visits = rng.poisson(np.exp(1 + ads / 2))
    buys = (visits - 3 + rng.logistic(size=500) > 0).astype(int)
    frame = pd.DataFrame({"ads": ads, "visits": visits, "buys": buys})
    graph = CausalGraph([("ads", "visits"), ("visits", "buys")])
    model = StructuralModel(graph, random_state=0).fit(frame)
    rows = frame[:20]
    one_more = {"visits": lambda row: row["visits"] + 1}
    both = model.counterfactual(rows, {"ads": 2.0, **one_more}, coupling="bounds")
    assert (both["buys"].xs("lower", axis=1, level="bound") == 0).all(axis=None)
    assert (both["buys"].xs("upper", axis=1, level="bound") == 1).all(axis=None)
    known = model.counterfactual(rows, one_more, coupling="bounds")
    assert (known["buys"].xs("upper", axis=1, level="bound") < 1).any(axis=None)


def test_bounds_do_not_look_above_a_node_that_is_set():
    rng = np.random.default_rng(0)
    ads = rng.normal(size=500)
    visits = rng.poisson(np.exp(1 + ads / 2))
    buys = (visits - 3 + ads + rng.logistic(size=500) > 0).astype(int)
    frame = pd.DataFrame({"ads": ads, "visits": visits, "buys": buys})
    graph = CausalGraph([("ads", "visits"), ("visits", "buys"), ("ads", "buys")])
    model = StructuralModel(graph, random_state=0).fit(frame)
    found = model.counterfactual(
        frame[:20], {"ads": 2.0, "visits": 3}, coupling="bounds"
    )
    assert (found["buys"].xs("lower", axis=1, level="bound") > 0).any(axis=None)


def test_a_model_of_bounds_names_the_coupling_that_it_uses_for_draws():
    frame = pd.DataFrame({"x": [0, 1, 1, 0] * 50, "y": [0, 1, 0, 1, 1] * 40})
    model = StructuralModel(CausalGraph([("x", "y")]), coupling="bounds")
    given = model.fit(frame).condition(y=1, n_draws=1000, random_state=0)
    with pytest.warns(CouplingWarning, match="rests on coupling='shared_noise'"):
        given.sample(20, do={"x": 1})
