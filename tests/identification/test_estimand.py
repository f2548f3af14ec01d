"""Estimands: how they read, which columns they need, and what they assume."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest

from skcausal.graphs import CausalGraph, UnknownNodeError, example_graph
from skcausal.identification import (
    Covariance,
    IdentificationError,
    MissingColumnError,
    Table,
    evaluate,
    identify,
)

DRUG = CausalGraph(
    [
        ("age", "drug"),
        ("age", "health"),
        ("sex", "health"),
        ("drug", "dose"),
        ("dose", "health"),
        ("drug", "nausea"),
        ("luck", "drug"),
    ]
)
FRAME = pd.DataFrame(columns=["age", "sex", "drug", "dose", "nausea", "health", "luck"])


def test_adjustment():
    estimand = identify(DRUG, "drug", "health")
    assert estimand.kind == "adjustment"
    assert estimand.adjustment == {"age", "sex"}
    assert str(estimand) == (
        "P(health | do(drug)) = Σ_{age, sex} P(health | age, drug, sex) P(age, sex)"
    )
    assert estimand.latex() == (
        r"P(\mathrm{health} \mid \mathrm{do}(\mathrm{drug})) = "
        r"\sum_{\mathrm{age}, \mathrm{sex}} P(\mathrm{health} \mid \mathrm{age}, "
        r"\mathrm{drug}, \mathrm{sex}) P(\mathrm{age}, \mathrm{sex})"
    )
    assert estimand._repr_latex_().startswith(r"$\displaystyle P(")
    assert "share no cause" in estimand.assumptions()[1]
    assert "Every value of drug occurs" in estimand.assumptions()[2]
    assert estimand.explain().splitlines()[-1] == f"Therefore {estimand}"
    assert pickle.loads(pickle.dumps(estimand)) == estimand


def test_explain_prints_the_derivation():
    estimand = identify(example_graph("front_door").graph, "X", "Y", kind="general")
    assert estimand.explain() == (
        "P(Y | do(X)): a product over the districts {Z}, {Y} (line 4).\n"
        "  P(Z | do(X, Y)): Y cannot influence Z; leave out (line 2).\n"
        "  P(Z | do(X)): {Z} is a district, so it is a product of conditionals "
        "(line 6).\n"
        "  P(Y | do(X, Z)): {Y} is part of the district {X, Y}; go on within that "
        "(line 7).\n"
        "  P(Y | do(X)) within {X, Y}: X cannot influence Y; leave out (line 2).\n"
        "  P(Y) within {Y}: nothing is set, so it is a marginal (line 1).\n"
        "Therefore P(Y | do(X)) = Σ_{Z} P(Z | X) Σ_{X'} P(Y | X', Z) P(X')"
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("front_door", "X acts on Y through Z only."),
        ("napkin", "Only these pairs share a hidden cause: Z2 and X, Z2 and Y."),
        ("napkin", "Nothing that the formula divides by is zero."),
        ("shpitser_pearl_2a", "X and Y share no cause: nothing but chance"),
    ],
)
def test_assumptions(name, words):
    estimand = identify(example_graph(name).graph, "X", "Y")
    sentences = estimand.assumptions()
    assert sentences[0].startswith("The graph is right")
    assert any(words in sentence for sentence in sentences)


def test_instrument():
    graph = CausalGraph([("w", "z"), ("w", "y"), ("z", "x"), ("x", "y")], [("x", "y")])
    estimand = identify(graph, "x", "y", kind="instrument")
    assert (estimand.instrument, estimand.adjustment) == ("z", {"w"})
    assert str(estimand) == "slope of E(y | do(x)) = Cov(y, z | w) / Cov(x, z | w)"
    assert estimand.latex() == (
        r"\frac{d}{d x} \mathrm{E}(y \mid \mathrm{do}(x)) = "
        r"\frac{\mathrm{Cov}(y, z \mid w)}{\mathrm{Cov}(x, z \mid w)}"
    )
    assert estimand.check(n_random=20, random_state=0) < 1e-10
    assert "linear" in estimand.assumptions()[-2]
    columns = estimand.columns(pd.DataFrame(columns=list("wxyz")))
    assert (columns.instrument, columns.covariates) == ("z", ["w"])


def test_covariance_of_levels():
    rng = np.random.default_rng(0)
    values = rng.random((2, 3, 2))
    joint = Table(["x", "y", "z"], values / values.sum())
    rows = np.array(list(np.ndindex(values.shape)))
    weights = joint.values.ravel()
    design = np.column_stack([np.ones(len(rows)), rows[:, 2]])
    root = np.sqrt(weights)[:, None]
    fit = np.linalg.lstsq(design * root, rows[:, :2] * root, rcond=None)[0]
    left, right = (rows[:, :2] - design @ fit).T
    found = evaluate(Covariance("x", "y", "z"), joint).values
    assert found == pytest.approx(np.sum(weights * left * right))


@pytest.mark.parametrize("frame", [FRAME, pl.DataFrame(FRAME.to_dict("list"))])
def test_columns_of_adjustment(frame):
    columns = identify(DRUG, "drug", "health").columns(frame)
    assert columns.outcome == "health"
    assert columns.treatment == "drug"
    assert columns.covariates == columns.effect_modifiers == ["age", "sex"]
    assert columns.instrument is None
    assert columns.mediators == []
    chosen = identify(DRUG, "drug", "health").columns(frame, effect_modifiers="sex")
    assert chosen.effect_modifiers == ["sex"]
    assert chosen.covariates == ["age", "sex"]


def test_modifiers_join_the_covariates():
    graph = CausalGraph([("age", "y"), ("age", "x"), ("x", "y"), ("town", "y")])
    columns = identify(graph, "x", "y", observed=["age", "x", "y", "town"]).columns(
        pd.DataFrame(columns=["age", "x", "y", "town"]), effect_modifiers=["town"]
    )
    assert columns.covariates == ["age", "town"]


def test_columns_of_other_kinds():
    front_door = identify(example_graph("front_door").graph, "X", "Y")
    columns = front_door.columns(pd.DataFrame(columns=list("XYZ")))
    assert (columns.mediators, columns.covariates) == (["Z"], [])
    napkin = identify(example_graph("napkin").graph, "X", "Y")
    columns = napkin.columns(pd.DataFrame(columns=["X", "Y", "Z1", "Z2"]))
    assert columns.covariates == ["Z2", "Z1"]
    several = identify(example_graph("pearl_two_actions").graph, ["X1", "X2"], "Y")
    columns = several.columns(pd.DataFrame(columns=["X1", "X2", "Y", "Z"]))
    assert (columns.treatment, columns.outcome) == (["X1", "X2"], "Y")


@pytest.mark.parametrize(
    ("frame", "modifiers", "error", "words"),
    [
        (
            FRAME.drop(columns="age"),
            None,
            MissingColumnError,
            "the DataFrame has no column 'age', which is a covariate",
        ),
        (
            FRAME.drop(columns="drug"),
            None,
            MissingColumnError,
            "'drug', which is the treatment",
        ),
        (np.ones((3, 3)), None, IdentificationError, "must have named columns"),
        (
            pd.concat([FRAME, FRAME[["age"]]], axis=1),
            None,
            IdentificationError,
            "2 columns 'age'. Keep one",
        ),
        (FRAME, "nausea", IdentificationError, "'nausea' is an effect of drug"),
        (FRAME, "drug", IdentificationError, "or the treatment itself"),
        (FRAME, "height", UnknownNodeError, "'height' is not a node"),
    ],
)
def test_bad_frames_are_refused(frame, modifiers, error, words):
    estimand = identify(DRUG, "drug", "health")
    with pytest.raises(error, match=words):
        estimand.columns(frame, effect_modifiers=modifiers)


def test_a_modifier_that_opens_a_path_is_refused():
    graph = CausalGraph([("x", "y")], [("x", "m"), ("m", "y")])
    frame = pd.DataFrame(columns=["x", "y", "m"])
    with pytest.raises(IdentificationError, match="no longer a valid adjustment set"):
        identify(graph, "x", "y").columns(frame, effect_modifiers="m")
    front_door = CausalGraph([("x", "m"), ("m", "y"), ("w", "y")], [("x", "y")])
    frame = pd.DataFrame(columns=["x", "y", "m", "w"])
    with pytest.raises(IdentificationError, match="identify for the effect with given"):
        identify(front_door, "x", "y").columns(frame, effect_modifiers="w")


def test_evaluate_spreads_over_what_has_no_say():
    graph = CausalGraph([("x1", "x2"), ("x2", "y")])
    estimand = identify(graph, ["x1", "x2"], "y", kind="general")
    values = np.random.default_rng(0).random((2, 3, 2))
    joint = Table(["x1", "x2", "y"], values / values.sum())
    found = estimand.evaluate(joint)
    assert found.values.shape == (2, 3, 2)
    np.testing.assert_allclose(found.values[0], found.values[1])
    with pytest.raises(ValueError, match="'x1' is not an axis of the table"):
        estimand.evaluate(joint.marginal(joint.axes[1:]))


def test_too_large_a_table_is_refused():
    graph = CausalGraph(
        [(f"c{k}", node) for k in range(24) for node in "xy"] + [("x", "y")]
    )
    with pytest.raises(IdentificationError, match="the formula names 26 nodes"):
        identify(graph, "x", "y").check(n_random=1)
