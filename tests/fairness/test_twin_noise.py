"""Flips with the noise of the row, and with fresh noise: only one is about the row."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures

from skcausal.datasets import fetch_compas
from skcausal.datasets._fetch import DatasetNotFoundError
from skcausal.graphs import CausalGraph
from skcausal.structural import AdditiveNoiseModel
from tests.fairness.path_helpers import linear_model

A_W, A_S, W_S = 0.8, 0.3, 0.5


def flip_rates(model, frame, node, decide):
    """Return shares of decisions that differ between a = 0 and a = 1."""
    noise = model.noise(frame, random_state=0)
    fresh = model.draw_noise(len(frame), random_state=1)
    low = decide(model.from_noise(noise, do={"a": 0})[node])
    twin = decide(model.from_noise(noise, do={"a": 1})[node])
    other = decide(model.from_noise(fresh, do={"a": 1})[node])
    return (low != twin).mean(), (low != other).mean()


def test_flip_probability_has_its_closed_form():
    """Row B-14: a -> w -> score, a -> score; a decision is score > 0.4."""
    rng = np.random.default_rng(0)
    n = 20_000
    a = rng.integers(2, size=n).astype(float)
    w = A_W * a + rng.normal(size=n)
    score = A_S * a + W_S * w + rng.normal(size=n)
    frame = pd.DataFrame({"a": a, "w": w, "s": score})
    model = linear_model(frame, CausalGraph([("a", "w"), ("a", "s"), ("w", "s")]))
    twin, independent = flip_rates(model, frame, "s", lambda s: s > 0.4)
    spread = np.sqrt(1 + W_S**2)
    shift = A_S + W_S * A_W
    low, high = norm.cdf(-0.4 / spread), norm.cdf((shift - 0.4) / spread)
    # Noise is added, so a decision can only change upwards.
    assert abs(twin - (high - low)) < 0.01
    assert abs(independent - (low * (1 - high) + high * (1 - low))) < 0.01
    assert independent > 1.7 * twin


def saturated():
    return make_pipeline(
        OneHotEncoder(drop="first", sparse_output=False),
        PolynomialFeatures(3, interaction_only=True, include_bias=False),
        LogisticRegression(C=1e5, max_iter=1000),
    )


@pytest.fixture(scope="module")
def compas():
    """Return COMPAS with few levels: a class project's first model, refitted.

    Race, sex and age decide whether there is more than one prior charge, and that
    alone decides whether somebody is charged again.
    """
    try:
        rows = fetch_compas().frame
    except DatasetNotFoundError as error:
        pytest.skip(str(error))
    rows = rows[rows["race"].isin(["African-American", "Caucasian"])]
    frame = pd.DataFrame(
        {
            "race": rows["race"].astype("category"),
            "sex": rows["sex"].astype("category"),
            "age": rows["age_cat"].astype("category"),
            "priors": pd.Categorical(np.where(rows["priors_count"] > 1, "b", "a")),
            "recid": rows["two_year_recid"].astype(int),
        }
    )
    arrows = [(cause, "priors") for cause in ("race", "sex", "age")]
    model = AdditiveNoiseModel(
        CausalGraph([*arrows, ("priors", "recid")]),
        classifier=saturated(),
        random_state=0,
    )
    return model.fit(frame), frame.reset_index(drop=True)


BLACK, WHITE = {"race": "African-American"}, {"race": "Caucasian"}


def test_effect_of_race_in_the_class_project(compas):
    """Row B-15: .049 by 20,000 draws, so within .01 of it."""
    model, _ = compas
    noise = model.draw_noise(200_000, random_state=0)
    rates = [model.from_noise(noise, do=do)["recid"].mean() for do in (BLACK, WHITE)]
    print(f"P(recid | do): {rates[0]:.4f} - {rates[1]:.4f} = {-np.diff(rates)[0]:.4f}")
    assert abs(rates[0] - rates[1] - 0.049) < 0.01


def fresh_recidivism(model, rows, do, random_state):
    """Return new outcomes for rows whose priors are kept: the project's flips."""
    drawn = model.draw_noise(len(rows), random_state=random_state)
    priors = rows["priors"].array
    return model.from_noise(drawn, do={**do, "priors": priors})["recid"]


def test_flips_of_the_class_project_are_noise(compas):
    """Row B-15: .408 flips (as PS .442), PN .488 and PNS .246.

    The project kept their priors, set race and drew the outcome anew. The same number
    comes out when race is not changed at all; with the noise of the row it is zero,
    because race reaches the outcome through priors only.
    """
    model, frame = compas
    found = {}
    for name, group, truth, do in (
        ("PS", "Caucasian", 0, BLACK),
        ("PN", "African-American", 1, WHITE),
    ):
        rows = frame[(frame["race"] == group) & (frame["recid"] == truth)]
        rows = pd.concat([rows] * 20, ignore_index=True)
        own = {"race": group}
        swapped = fresh_recidivism(model, rows, do, 0)
        kept = fresh_recidivism(model, rows, own, 1)
        noise = model.noise(rows, random_state=0)
        held = {**do, "priors": rows["priors"].array}
        twin = model.from_noise(noise, do=held)["recid"]
        moved = model.from_noise(noise, do=do)["recid"]
        found[name] = [(x != truth).mean() for x in (swapped, kept, twin, moved)]
        print(name, "race swapped, kept, same noise, priors moved:", found[name])
    # Theirs are draws from 100 weighted particles, and .408 and .442 are the same
    # quantity drawn twice: their errors are about .03.
    assert abs(found["PS"][0] - (0.408 + 0.442) / 2) < 0.04
    assert abs(found["PN"][0] - 0.488) < 0.04
    shares = frame.groupby(["race", "recid"], observed=True).size() / len(frame)
    charged, free = shares["African-American", 1], shares["Caucasian", 0]
    necessary_and_sufficient = charged * found["PN"][0] + free * found["PS"][0]
    print(f"PNS as the project has it: {necessary_and_sufficient:.3f}")
    assert abs(necessary_and_sufficient - 0.246) < 0.03
    for swapped, kept, twin, moved in found.values():
        assert abs(swapped - kept) < 0.01
        assert twin == 0
        assert 0 < moved < 0.15 < swapped
