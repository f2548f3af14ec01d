"""Direct and indirect effects from a table, against known truth."""

import numpy as np
import pandas as pd
import pytest

from skcausal.estimation import estimate, estimate_mediation
from skcausal.estimation.functionals._plug_in import observed_shares
from skcausal.graphs import CausalGraph
from skcausal.identification import (
    MissingColumnError,
    Variable,
    evaluate,
    mediation_effects,
)

GRAPH = CausalGraph([("x", "m"), ("m", "y"), ("x", "y")])
EFFECTS = mediation_effects(GRAPH, "x", "y", "m")
TRUTH = np.array([2.7, 1.2, 1.0])


def make_frame(seed, n=1000):
    """Total 2.7, natural direct 1 + .2 and indirect 2 * .5."""
    rng = np.random.default_rng(seed)
    x = rng.integers(2, size=n)
    m = (rng.random(n) < 0.2 + 0.5 * x).astype(int)
    y = x + 2 * m + x * m + rng.normal(size=n).round(1)
    return pd.DataFrame({"x": x, "m": m, "y": y})


def scores(seeds):
    """Return estimates less truth in standard errors."""
    found = [estimate_mediation(EFFECTS, make_frame(seed)) for seed in seeds]
    return np.array([(one.value - TRUTH) / one.standard_error for one in found])


def check_scores(found):
    n_draws = len(found)
    assert (np.abs(found.mean(axis=0)) < 3.5 / np.sqrt(n_draws)).all()
    assert (np.abs(found.std(axis=0) - 1) < 3.5 / np.sqrt(2 * n_draws)).all()


def test_estimates_and_errors_are_right():
    check_scores(scores(range(40)))


@pytest.mark.slow
def test_estimates_and_errors_are_right_often():
    check_scores(scores(range(1000, 1600)))


def test_numbers_are_the_mediation_formula():
    frame = make_frame(0)
    found = estimate_mediation(EFFECTS, frame)
    means = frame.groupby(["x", "m"])["y"].mean().unstack().to_numpy()
    shares = pd.crosstab(frame["x"], frame["m"], normalize="index").to_numpy()
    direct = ((means[1] - means[0]) * shares[0]).sum()
    indirect = (means[0] * (shares[1] - shares[0])).sum()
    total = (means * shares).sum(axis=1)
    assert np.allclose(found.value, [total[1] - total[0], direct, indirect])
    assert found.labels == ("total", "natural direct", "natural indirect")


def test_levels_may_have_any_name():
    frame = make_frame(0)
    named = frame.assign(x=frame["x"].map({0: "mail", 1: "visit"}))
    found = estimate_mediation(EFFECTS, named, treated="visit", control="mail")
    assert np.allclose(found.value, estimate_mediation(EFFECTS, frame).value)
    back = estimate_mediation(EFFECTS, named, treated="mail", control="visit")
    assert np.isclose(back.value[0], -found.value[0])
    # The total is the direct effect less the indirect one of the way back.
    assert np.isclose(found.value[0], found.value[1] - back.value[2])


def test_weights_count_rows():
    frame = make_frame(0, n=300)
    weight = np.random.default_rng(0).integers(1, 4, size=len(frame))
    weighted = estimate_mediation(EFFECTS, frame, sample_weight=weight)
    longer = frame.loc[frame.index.repeat(weight)].reset_index(drop=True)
    assert np.allclose(weighted.value, estimate_mediation(EFFECTS, longer).value)


def test_controlled_direct_effect():
    found = estimate(
        EFFECTS.controlled,
        make_frame(0),
        treated={"x": 1, "m": 1},
        control={"x": 0, "m": 1},
    )
    lower, upper = found.interval()
    assert lower < 2 < upper


def test_formula_under_shares_is_what_is_estimated():
    frame = make_frame(0).assign(y=lambda table: (table["y"] > 1).astype(int))
    shares = observed_shares(frame, ["m", "x", "y"], "y", np.ones(len(frame)))
    table = evaluate(EFFECTS.direct.expression, shares.joint)
    mixed = table.array(Variable("x"), Variable("x", 1), "y")[1, 0, 1]
    base = frame.loc[frame["x"] == 0, "y"].mean()
    assert np.isclose(estimate_mediation(EFFECTS, frame).value[1], mixed - base)


@pytest.mark.parametrize(
    ("change", "options", "error", "message"),
    [
        (lambda t: t.drop(columns="m"), {}, MissingColumnError, "no column 'm'"),
        (lambda t: t.assign(m=np.nan), {}, ValueError, "missing entries"),
        (lambda t: t, {"treated": 2, "control": 0}, ValueError, "treated must be"),
        (lambda t: t.assign(x=t["x"] + 1), {}, ValueError, "must be a level"),
        (
            lambda t: t.assign(m=np.arange(len(t))),
            {},
            ValueError,
            "has 100 levels",
        ),
        (lambda t: t.assign(m=t["x"]), {}, ValueError, "do not occur"),
    ],
)
def test_bad_tables(change, options, error, message):
    frame = make_frame(0, n=100)
    with pytest.raises(error, match=message):
        estimate_mediation(EFFECTS, change(frame), **options)
