"""Changes between samples: published values, closed forms, calibrated p-values."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone

from skcausal.graphs import CausalGraph
from skcausal.structural import (
    AdditiveNoiseModel,
    distribution_change,
    mechanism_change_test,
)
from skcausal.structural._divergence import divergence_terms
from tests.structural.helpers import CHAIN, FORK, chain_frame, fork_frame, linear_model


def fitted_pair(before, after, graph=FORK):
    model = linear_model(graph)
    return clone(model).fit(before), clone(model).fit(after)


@pytest.mark.parametrize("seed", range(3))
def test_divergence_of_two_steeper_slopes(seed):
    """G9: slopes .5 to 2 and .5 to 3, DoWhy's test of distribution change."""
    rng = np.random.default_rng(seed)
    pair = fitted_pair(fork_frame(rng), fork_frame(rng, 2, 3))
    found = distribution_change(*pair, "X3", random_state=0).contributions
    assert found.index.tolist() == ["X0", "X2", "X3"]
    assert found["X3"] > found["X2"] > found["X0"]
    assert found["X0"] == pytest.approx(0, abs=0.15)


def test_mean_of_a_shifted_curve():
    """G9: X2 = exp(X0 / 2) shifts by 4 and X3 = X2 / 2; mechanisms are chosen."""
    rng = np.random.default_rng(1)
    shifted = []
    for shift in (0, 4):
        frame = fork_frame(rng, 0, 0)
        frame["X2"] += np.exp(frame["X0"] / 2) + shift
        frame["X3"] += frame["X2"] / 2
        shifted.append(frame)
    pair = [AdditiveNoiseModel(FORK).fit(frame) for frame in shifted]
    found = distribution_change(*pair, "X3", measure="mean", random_state=0)
    truth = pd.Series({"X0": 0.0, "X2": 2.0, "X3": 0.0})
    assert (np.abs(found.contributions - truth) < 0.05).all()


def test_nodes_that_have_not_changed():
    rng = np.random.default_rng(0)
    pair = fitted_pair(fork_frame(rng), fork_frame(rng, 2, 3))
    found = distribution_change(*pair, "X3", changed=["X2", "X3"], random_state=0)
    assert found.contributions["X0"] == found.standard_errors["X0"] == 0
    assert found.contributions["X3"] > found.contributions["X2"] > 0.5
    nothing = distribution_change(*pair, "X3", changed=[], random_state=0)
    assert (nothing.contributions == 0).all()


def test_variance_of_a_chain_whose_root_changed():
    frames = [chain_frame((root, 1, 1, 1), 20_000, root) for root in (1, 2)]
    pair = fitted_pair(*frames, CHAIN)
    found = distribution_change(
        *pair, "X3", measure="variance", n_samples=20_000, random_state=0
    )
    np.testing.assert_allclose(found.contributions, [3, 0, 0, 0], atol=0.25)
    assert found.total == pytest.approx(found.contributions.sum())


def test_a_category_that_became_more_frequent():
    """With only the target's mechanism changed it has the whole divergence."""
    rng = np.random.default_rng(0)
    frames = []
    for shift in (0, 2):
        x = rng.normal(size=5000)
        late = x + shift + rng.logistic(size=5000) > 0
        labels = pd.Categorical(np.where(late, "late", "punctual"))
        frames.append(pd.DataFrame({"x": x, "y": labels}))
    pair = fitted_pair(*frames, CausalGraph([("x", "y")]))
    found = distribution_change(*pair, "y", changed=["y"], random_state=0)
    p, q = ((frame["y"] == "late").mean() for frame in frames)
    truth = q * np.log(q / p) + (1 - q) * np.log((1 - q) / (1 - p))
    assert found.contributions["y"] == pytest.approx(truth, abs=0.03)


def test_divergence_of_normal_samples():
    """KL(N(1/2, .64) | N(0, 1)) = (.64 + .25 - 1 - log .64) / 2."""
    rng = np.random.default_rng(0)
    found = [
        divergence_terms(rng.normal(0.5, 0.8, 4000), rng.normal(size=4000)).mean()
        for _ in range(20)
    ]
    assert np.mean(found) == pytest.approx(0.168, abs=0.02)
    same = [
        divergence_terms(rng.normal(size=4000), rng.normal(size=4000)).mean()
        for _ in range(20)
    ]
    assert np.mean(same) == pytest.approx(0, abs=0.02)


def test_repeats_of_rows_are_no_divergence():
    """Nodes without causes are drawn from a table with replacement."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(10):
        one, two = (rng.choice(rng.normal(size=1000), 5000) for _ in "ab")
        found.append(divergence_terms(one, two).mean())
    assert np.mean(found) == pytest.approx(0, abs=0.03)


def test_neighbour_distances_are_those_of_brute_force():
    rng = np.random.default_rng(0)
    sample, reference = rng.normal(size=30), rng.normal(size=40)
    k = 5
    own = np.sort(np.abs(sample[:, None] - sample[None]), axis=1)[:, k]
    other = np.sort(np.abs(sample[:, None] - reference[None]), axis=1)[:, k - 1]
    expected = np.log(other / own) + np.log(40 / 29)
    np.testing.assert_allclose(divergence_terms(sample, reference), expected)


def test_divergence_of_repeated_values():
    sample = np.repeat([0.0, 1.0], [2000, 6000])
    reference = np.repeat([0.0, 1.0], [4000, 4000])
    truth = 0.25 * np.log(0.5) + 0.75 * np.log(1.5)
    assert divergence_terms(sample, reference).mean() == pytest.approx(truth, abs=1e-3)


# The test of a change


def test_changes_are_found_and_the_same_sample_is_not():
    """G10: slope, noise and root."""
    rng = np.random.default_rng(0)
    model = linear_model(CausalGraph([("X0", "X1")]))

    def rows(spread=1.0, slope=2.0, noise=0.1):
        x = rng.uniform(-spread, spread, 500)
        return pd.DataFrame({"X0": x, "X1": slope * x + rng.normal(0, noise, 500)})

    before = rows()
    for after, changed in (
        (rows(slope=0.5), {"X1"}),
        (rows(noise=1.0), {"X1"}),
        (rows(spread=2.0), {"X0"}),
        (before, set()),
    ):
        table = mechanism_change_test(model, before, after, random_state=0)
        rejected = set(table.index[table["p_value"] <= 0.05])
        assert changed <= rejected
        assert changed or not rejected


def p_values(make, n_seeds, graph, node="y"):
    """Return p-values of one node over seeds, with linear models."""
    model = linear_model(graph)
    found = []
    for seed in range(n_seeds):
        rng = np.random.default_rng(seed)
        table = mechanism_change_test(
            model, make(rng, 0), make(rng, 1), nodes=[node], random_state=seed
        )
        found.append(table.loc[node, "p_value"])
    return np.array(found)


def shifted_causes(rng, later, n=200):
    """Return causes whose distribution changes and a mechanism that does not."""
    x = rng.normal(0.7 * later, 1, n)
    z = 0.5 * x + rng.normal(size=n)
    return pd.DataFrame({"x": x, "z": z, "y": x - z + rng.standard_t(5, size=n)})


TWO = CausalGraph([("x", "y"), ("z", "y"), ("x", "z")])


@pytest.mark.slow
@pytest.mark.parametrize("label", [False, True])
def test_p_values_are_uniform_although_causes_shift(label):
    def make(rng, later):
        frame = shifted_causes(rng, later)
        high = np.where(frame["y"] > 0, "high", "low")
        return frame.assign(y=pd.Categorical(high)) if label else frame

    found = p_values(make, 300, TWO)
    assert stats.kstest(found, "uniform").pvalue > 0.01
    size = (found <= 0.05).mean()
    assert size == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 300))


def test_shifted_causes_are_no_change_of_the_mechanism():
    found = p_values(shifted_causes, 12, TWO)
    assert (found <= 0.05).sum() <= 3
    assert (p_values(shifted_causes, 4, TWO, "x") < 0.01).all()


def test_a_new_curve_is_found():
    def make(rng, later):
        x = rng.normal(size=300)
        return pd.DataFrame({"x": x, "y": x + later * x**2 / 2 + rng.normal(size=300)})

    assert (p_values(make, 4, CausalGraph([("x", "y")])) < 0.01).all()


def test_categories_that_react_differently():
    def make(rng, later):
        x = rng.normal(size=600)
        codes = np.digitize(x * (1 - 2 * later) + rng.logistic(size=600), [-1, 1])
        labels = pd.Categorical.from_codes(codes, ["a", "b", "c"])
        return pd.DataFrame({"x": x, "y": labels})

    assert (p_values(make, 3, CausalGraph([("x", "y")])) < 0.01).all()


def test_root_categories_and_adjusted_p_values():
    rng = np.random.default_rng(0)
    model = linear_model(CausalGraph(nodes=["g", "h"]))
    before, after = (
        pd.DataFrame({"g": rng.random(400) < share, "h": rng.choice(["a", "b"], 400)})
        for share in (0.3, 0.6)
    )
    before, after = (frame.astype({"h": "category"}) for frame in (before, after))
    table = mechanism_change_test(model, before, after)
    assert table["test"].tolist() == ["chi-square"] * 2
    assert table.loc["g", "p_adjusted"] == pytest.approx(2 * table.loc["g", "p_value"])
    assert table.loc["g", "p_value"] < 1e-6 < table.loc["h", "p_value"]


# Bad input


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"measure": "median"}, "measure must be one of"),
        ({"changed": ["q"]}, "changed names 'q'"),
        ({"target": "q"}, "target must be a node"),
        ({"target": "q", "measure": "mean"}, "target must be a node"),
        ({"n_samples": 10}, "n_samples must be"),
    ],
)
def test_questions_without_an_answer(options, words):
    rng = np.random.default_rng(0)
    pair = fitted_pair(fork_frame(rng, n=50), fork_frame(rng, n=50))
    with pytest.raises(ValueError, match=words):
        distribution_change(*pair, **({"target": "X3"} | options))


def test_models_that_do_not_go_together():
    frame = fork_frame(np.random.default_rng(0), n=60)
    old, _ = fitted_pair(frame, frame)
    other = linear_model(CHAIN).fit(frame)
    with pytest.raises(ValueError, match="must have the same graph"):
        distribution_change(old, other, "X3")
    labelled = frame.assign(X1=pd.Categorical(np.where(frame["X1"] > 0, "p", "q")))
    with pytest.raises(ValueError, match="'X1' is float64 in one model"):
        distribution_change(old, linear_model(FORK).fit(labelled), "X3")
    with pytest.raises(ValueError, match="no column for node 'X2'"):
        mechanism_change_test(old, frame, frame.drop(columns="X2"))
    with pytest.raises(TypeError, match="must be an AdditiveNoiseModel"):
        mechanism_change_test(FORK, frame, frame)
