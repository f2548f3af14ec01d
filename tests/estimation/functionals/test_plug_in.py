"""Formulas by observed shares: derivatives, intervals, bad input."""

import numpy as np
import pandas as pd
import pytest

from skcausal.estimation.functionals._gradient import Gradient
from skcausal.estimation.functionals._plug_in import (
    mean_outcomes,
    nodes_of,
    observed_shares,
)
from skcausal.identification import (
    Fraction,
    One,
    Probability,
    Product,
    Sum,
    Table,
    Zero,
    evaluate,
)
from tests.estimation.functionals.helpers import napkin

P = Probability
ADJUSTMENT = Sum("z", Product([P("y", ["x", "z"]), P("z")]))
FRONT_DOOR = Sum(
    "m", Product([P("m", "x"), Sum("x", Product([P("y", ["m", "x"]), P("x")]))])
)
NAPKIN = Fraction(
    Sum("z", Product([P(["x", "y"], ["w", "z"]), P("z")])),
    Sum("z", Product([P("x", ["w", "z"]), P("z")])),
)
REPEATED = Sum(["q", "z"], Product([P("y", "x"), P("z"), Fraction(One(), P("x"))]))
WORLDS = [{"x": 0}, {"x": 1}]


@pytest.mark.parametrize("formula", [ADJUSTMENT, FRONT_DOOR, NAPKIN, REPEATED])
def test_values_and_derivatives(formula):
    rng = np.random.default_rng(0)
    names = [*nodes_of(formula), "q"]
    joint = rng.dirichlet(np.ones(3 ** len(names))).reshape([3] * len(names))
    found = Gradient(formula, Table(names, joint))
    expected = evaluate(formula, Table(names, joint)).array(*found.axes)
    np.testing.assert_allclose(found.values, expected, rtol=1e-12)
    seed, change = rng.normal(size=found.values.shape), rng.normal(size=joint.shape)
    step = 1e-6
    above, below = (
        Gradient(formula, Table(names, joint + sign * step * change)).values
        for sign in (1, -1)
    )
    slope = (seed * (above - below)).sum() / (2 * step)
    assert (found.of(seed) * change).sum() == pytest.approx(slope, rel=1e-6)


def test_zero_has_no_slope():
    table = Table(["x"], np.array([0.5, 0.5]))
    assert (Gradient(Zero(), table).of(np.ones(())) == 0).all()


def contrast(formula, frame):
    shares = observed_shares(frame, nodes_of(formula), "y", np.ones(len(frame)))
    values, influences = mean_outcomes(formula, shares, "y", WORLDS)
    influence = influences[:, 1] - influences[:, 0]
    return values[1] - values[0], influence


def test_adjustment_is_the_mean_of_strata():
    rng = np.random.default_rng(1)
    z, x = rng.integers(3, size=900), rng.integers(2, size=900)
    frame = pd.DataFrame({"z": z, "x": x, "y": x * z + rng.normal(size=900)})
    value, influence = contrast(ADJUSTMENT, frame)
    means = frame.groupby(["z", "x"])["y"].mean().unstack()
    shares = frame["z"].value_counts(normalize=True).sort_index()
    effects = means[1] - means[0]
    assert value == pytest.approx((effects * shares).sum())
    residual = frame["y"] - means.to_numpy()[z, x]
    chance = frame.groupby(["z", "x"]).size().unstack()
    odds = (2 * x - 1) / (chance.to_numpy()[z, x] / chance.sum(axis=1).to_numpy()[z])
    expected = effects.to_numpy()[z] - value + odds * residual
    np.testing.assert_allclose(influence, expected, atol=1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("continuous", [False, True])
def test_napkin_is_unbiased_and_covered(continuous):
    errors = []
    for seed in range(300):
        frame, truth = napkin(5000, seed, continuous=continuous)
        value, influence = contrast(NAPKIN, frame)
        errors.append([value - truth, influence.std() / np.sqrt(len(frame))])
    error, se = np.transpose(errors)
    assert abs(error.mean()) < 2 * error.std() / np.sqrt(300)
    assert 0.92 <= (np.abs(error) < 1.96 * se).mean() <= 0.97


def test_napkin_in_one_large_sample():
    frame, truth = napkin(100_000, 0)
    value, influence = contrast(NAPKIN, frame)
    assert abs(value - truth) < 3 * influence.std() / np.sqrt(len(frame))
    assert influence.mean() == pytest.approx(0, abs=1e-10)


def test_weights_count_rows():
    frame, _ = napkin(400, 1)
    weight = np.random.default_rng(0).integers(1, 4, size=400)
    copies = frame.loc[np.repeat(frame.index, weight)]
    names = nodes_of(NAPKIN)
    weighted = observed_shares(frame, names, "y", weight.astype(float))
    copied = observed_shares(copies, names, "y", np.ones(len(copies)))
    np.testing.assert_allclose(weighted.joint.values, copied.joint.values)


def test_no_overlap_is_refused():
    frame = pd.DataFrame({"z": [0, 0, 1, 1], "x": [0, 1, 1, 1], "y": [1.0, 2, 3, 4]})
    with pytest.raises(ValueError, match="do not occur"):
        contrast(ADJUSTMENT, frame)


def test_many_levels_are_refused():
    frame = pd.DataFrame(
        np.random.default_rng(0).normal(size=(200, 3)), columns=[*"xyz"]
    )
    with pytest.raises(ValueError, match="column 'x' has 200 levels"):
        observed_shares(frame, ["x", "y", "z"], "y", np.ones(200))
    levels = pd.DataFrame(
        {name: np.arange(40_000) % 50 for name in "abcde"} | {"y": np.arange(40_000)}
    )
    with pytest.raises(ValueError, match="more than 50,000,000 cells"):
        observed_shares(levels, [*"abcde", "y"], "y", np.ones(40_000))
