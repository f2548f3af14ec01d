"""Direct, indirect and spurious effects from a table with roles."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures

from skcausal import OverlapWarning
from skcausal.estimation import estimate_mediation
from skcausal.fairness import estimate_disparity
from skcausal.graphs import CausalGraph
from skcausal.identification import mediation_effects
from tests.fairness.path_helpers import A_W, A_Y, C_W, C_Y, W_Y, fairness_frame

SWAP = {"reference": 0, "compared": 1}
ROLES = {"mediators": ["w"], "confounders": ["c"]}
LINEAR = {
    "outcome_model": LinearRegression(),
    "sensitive_model": LogisticRegression(),
    "averaging_model": LinearRegression(),
}
KNOWN = LINEAR | ROLES | SWAP


def few_levels(n=3000, seed=0):
    rng = np.random.default_rng(seed)
    c, d = rng.integers(2, size=n), rng.integers(3, size=n)
    a = (rng.random(n) < 0.3 + 0.3 * c).astype(int)
    w = (rng.random(n) < 0.2 + 0.3 * a + 0.2 * c + 0.1 * d).astype(int)
    v = (rng.random(n) < 0.2 + 0.3 * a + 0.2 * w).astype(int)
    y = a + w + c + v * a + d + rng.integers(2, size=n)
    return pd.DataFrame({"a": a, "c": c, "d": d, "w": w, "v": v, "y": y})


CELLS = {"mediators": ["w", "v"], "confounders": ["c", "d"]}


def identity_error(found):
    reverse = found["reverse indirect"] + found["reverse spurious"]
    return abs(found["total variation"] - (found["direct"] - reverse))


def test_cells_are_averages_of_cell_means():
    frame = few_levels()
    found = estimate_disparity(frame, "a", "y", method="cells", **CELLS, **SWAP)
    keys = ["c", "d", "w", "v"]
    given_all = frame[frame["a"] == 1].groupby(keys)["y"].mean().rename("mean")
    given_c = frame[frame["a"] == 1].groupby(["c", "d"])["y"].mean().rename("mean")
    left = frame[frame["a"] == 0]
    cross = left.join(given_all, on=keys)["mean"].mean()
    moved = left.join(given_c, on=["c", "d"])["mean"].mean()
    assert found["direct"] == pytest.approx(cross - left["y"].mean())
    assert found["effect on the group"] == pytest.approx(moved - left["y"].mean())
    assert found["reverse indirect"] == pytest.approx(cross - moved)
    assert identity_error(found) < 1e-10


def test_natural_effects_of_cells_are_those_of_mediation():
    frame = few_levels()
    found = estimate_disparity(frame, "a", "y", method="cells", **CELLS, **SWAP)
    order = ["c", "d", "a", "w", "v", "y"]
    graph = CausalGraph(list(itertools.combinations(order, 2)))
    expected = estimate_mediation(mediation_effects(graph, "a", "y", ["w", "v"]), frame)
    labels = ["total effect", "natural direct", "natural indirect"]
    table = found.table.loc[labels]
    np.testing.assert_allclose(table["effect"], expected.value)
    np.testing.assert_allclose(table["standard_error"], expected.standard_error)


def test_models_and_cells_agree_where_models_are_saturated():
    frame = few_levels(6000)
    cells = estimate_disparity(frame, "a", "y", method="cells", **CELLS, **SWAP)
    interactions = PolynomialFeatures(4, interaction_only=True, include_bias=False)
    saturated = (OneHotEncoder(drop="first", sparse_output=False), interactions)
    models = {
        "outcome_model": make_pipeline(*saturated, LinearRegression()),
        "sensitive_model": make_pipeline(
            *saturated, LogisticRegression(C=100, max_iter=500)
        ),
        "averaging_model": make_pipeline(*saturated, LinearRegression()),
    }
    robust = estimate_disparity(
        frame, "a", "y", random_state=0, **models, **CELLS, **SWAP
    )
    apart = robust.table["effect"] - cells.table["effect"]
    assert (apart.abs() < 0.35 * cells.table["standard_error"] + 1e-9).all()
    ratio = robust.table["standard_error"] / cells.table["standard_error"]
    assert ratio.between(0.93, 1.07).all()
    assert identity_error(robust) < 1e-10


def test_intervals_of_a_linear_model_hold_the_closed_forms():
    """Over 20 draws, errors in standard errors are those of a standard normal."""
    known = {
        "natural direct": A_Y,
        "natural indirect": A_W * W_Y,
        "direct": A_Y,
        "indirect": A_W * W_Y,
        "total effect": A_Y + A_W * W_Y,
    }
    errors = []
    for seed in range(20):
        frame = fairness_frame(1500, seed=seed)
        found = estimate_disparity(
            frame, "a", "y", cv=2, min_propensity=1e-4, random_state=0, **KNOWN
        ).table
        errors.append(
            [
                (found.loc[name, "effect"] - value) / found.loc[name, "standard_error"]
                for name, value in known.items()
            ]
        )
    errors = np.array(errors)
    assert (np.abs(errors.mean(axis=0)) < 3 / np.sqrt(20)).all()
    assert (np.abs(errors).max(axis=0) < 4).all()
    assert ((errors**2).mean(axis=0) < 2).all()


def test_spurious_effect_is_what_confounders_make():
    frame = fairness_frame(20_000)
    found = estimate_disparity(
        frame, "a", "y", min_propensity=1e-4, random_state=0, **KNOWN
    )
    gap = frame.groupby("a")["c"].mean().diff().iloc[-1]
    expected = (C_Y + C_W * W_Y) * gap
    table = found.table
    for label, sign in (("spurious", 1), ("reverse spurious", -1)):
        error = abs(sign * found[label] - expected)
        assert error < 3 * table.loc[label, "standard_error"] < 0.1


def test_without_confounders_nothing_is_spurious():
    frame = fairness_frame(2000).drop(columns="c")
    found = estimate_disparity(
        frame, "a", "y", mediators=["w"], random_state=0, **LINEAR, **SWAP
    )
    assert abs(found["spurious"]) < 0.01
    assert found["effect on the group"] == pytest.approx(
        found["total variation"], abs=0.01
    )


def test_mediators_that_tell_the_group_warn():
    frame = fairness_frame(1000)
    frame["w"] = 8 * frame["a"] + frame["w"]
    with pytest.warns(OverlapWarning, match="nearly tell the group"):
        estimate_disparity(frame, "a", "y", random_state=0, **LINEAR, **ROLES, **SWAP)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "magic"}, "method must be one of"),
        ({"mediators": []}, "a column at least"),
        ({"mediators": ["zip"]}, "no column 'zip'"),
        ({"mediators": ["c"]}, "two roles"),
        ({"compared": 7}, "compared must be a value"),
        ({"compared": 0}, "must differ"),
    ],
)
def test_bad_questions_are_refused(change, message):
    frame = fairness_frame(100)
    with pytest.raises(ValueError, match=message):
        estimate_disparity(frame, "a", "y", **(ROLES | SWAP | change))
