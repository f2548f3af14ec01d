"""Anomalies and changes of single rows: published values, sums, displays."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from skcausal.graphs import CausalGraph
from skcausal.structural import (
    AttributionDisplay,
    RowAttribution,
    anomaly_attribution,
    intrinsic_influence,
    unit_change,
)
from tests.structural.helpers import CHAIN, chain_frame, linear_model

# G8: root causes X1; X0; X0 and X3, ten deviations of noise too much.
INCIDENTS = pd.DataFrame(
    {"X0": [0, 10, 10], "X1": [10] * 3, "X2": [10] * 3, "X3": [10, 10, 20]},
    index=["first", "second", "third"],
)


@pytest.fixture(scope="module")
def model():
    return linear_model(CHAIN).fit(chain_frame((1, 1, 1, 1), 5000))


@pytest.fixture(scope="module")
def found(model):
    return anomaly_attribution(model, INCIDENTS, "X3", random_state=0)


def test_root_causes_of_a_chain(found):
    scores = found.contributions
    assert scores.loc["first", "X1"] > 8
    assert scores.loc["second", "X0"] > 8
    assert scores.loc["third", "X0"] > 4
    assert scores.loc["third", "X3"] > 4
    roots = [("first", "X1"), ("second", "X0"), ("third", "X0"), ("third", "X3")]
    others = scores.stack().drop(roots)
    assert len(others) == 8
    assert (others < 0.5).all()


def test_contributions_sum_to_the_score(model, found):
    """The score from many rows of the model itself, where it can be estimated."""
    np.testing.assert_allclose(found.contributions.sum(axis=1), found.totals, atol=1e-3)
    np.testing.assert_allclose(found.totals, np.log(10_001), atol=1e-3)
    row = pd.DataFrame({"X0": [2.0], "X1": [3.0], "X2": [3.0], "X3": [4.0]})
    mild = anomaly_attribution(model, row, "X3", random_state=0)
    normal = model.sample(200_000, random_state=1)["X3"]
    middle = normal.median()
    share = (np.abs(normal - middle) >= abs(4 - middle)).mean()
    assert mild.totals.iloc[0] == pytest.approx(-np.log(share), abs=0.1)


def test_noise_that_makes_a_row_less_extreme_is_negative(model):
    row = pd.DataFrame({"X0": [8.0], "X1": [8.0], "X2": [8.0], "X3": [4.0]})
    found = anomaly_attribution(model, row, "X3", tail="upper", random_state=0)
    assert found.contributions["X3"].iloc[0] < -0.5 < 2 < found.totals.iloc[0]


def test_tails(model):
    row = pd.DataFrame({name: [-6.0] for name in CHAIN.nodes})
    lower = anomaly_attribution(model, row, "X3", tail="lower", random_state=0)
    upper = anomaly_attribution(model, row, "X3", tail="upper", random_state=0)
    assert lower.contributions["X0"].iloc[0] > 4
    assert abs(upper.totals.iloc[0]) < 0.01


def test_rows_do_not_depend_on_their_company(model, found):
    alone = anomaly_attribution(model, INCIDENTS[1:2], "X3", random_state=0)
    np.testing.assert_allclose(
        alone.contributions, found.contributions[1:2], atol=1e-12
    )
    many = INCIDENTS.loc[["second"] * 23]
    several = anomaly_attribution(model, many, "X3", random_state=0)
    np.testing.assert_allclose(several.contributions.std(), 0, atol=1e-12)


def test_sampled_orders(model, found):
    sampled = anomaly_attribution(
        model, INCIDENTS, "X3", n_permutations=40, random_state=0
    )
    np.testing.assert_allclose(sampled.contributions.sum(axis=1), found.totals)
    error = np.abs(sampled.contributions - found.contributions)
    assert (error <= 4 * sampled.standard_errors + 1e-9).to_numpy().all()


def test_rare_categories_are_extreme():
    rng = np.random.default_rng(0)
    load = rng.normal(size=3000)
    failed = load + rng.logistic(size=3000) > 5
    frame = pd.DataFrame({"load": load, "state": np.where(failed, "down", "up")})
    frame["state"] = frame["state"].astype("category")
    model = linear_model(CausalGraph([("load", "state")])).fit(frame)
    incident = pd.DataFrame({"load": [8.0], "state": ["down"]})
    found = anomaly_attribution(model, incident, "state", random_state=0)
    assert found.contributions["load"].iloc[0] > 3
    assert found.totals.iloc[0] == pytest.approx(-np.log(failed.mean()), abs=0.3)
    with pytest.raises(ValueError, match="have no tails"):
        anomaly_attribution(model, incident, "state", tail="upper")


def test_change_of_a_row_is_additive_in_a_linear_model(model):
    before, after = chain_frame((1, 1, 1, 1), 20, 5), chain_frame((1, 1, 1, 1), 20, 6)
    change = unit_change(model, before, after, "X3")
    total = after["X3"] - before["X3"]
    np.testing.assert_allclose(change.totals, total)
    slope = [model.mechanisms_[f"X{k}"].regressor_.coef_[0] for k in (1, 2, 3)]
    first = (after["X0"] - before["X0"]) * np.prod(slope)
    np.testing.assert_allclose(change.contributions["X0"], first)


def test_change_of_a_row_with_another_mechanism(model):
    """Only X3 reacts differently: the rest of the change is the noise."""
    rows = chain_frame((1, 1, 1, 1), 2000, 7)
    steep = rows.assign(X3=rows["X3"] + rows["X2"])
    later = clone(model).fit(steep)
    change = unit_change(model, rows, steep, "X3", new_model=later)
    np.testing.assert_allclose(change.totals, rows["X2"])
    # Mechanisms of X1 and X2 differ by estimation error only.
    np.testing.assert_allclose(change.contributions["X3"], rows["X2"], atol=0.4)


def test_bad_rows(model):
    few = INCIDENTS[:1]
    for options, words in (
        ({"tail": "left"}, "tail must be one of"),
        ({"n_samples": 10}, "n_samples must be"),
        ({"target": "q"}, "target must be a node"),
    ):
        with pytest.raises(ValueError, match=words):
            anomaly_attribution(model, few, **({"target": "X3"} | options))
    with pytest.raises(ValueError, match="no column for node 'X2'"):
        anomaly_attribution(model, few.drop(columns="X2"), "X3")
    with pytest.raises(ValueError, match="same rows in the same order"):
        unit_change(model, few, INCIDENTS, "X3")
    other = linear_model(CausalGraph([("X0", "X3")]))
    other.fit(chain_frame((1, 1, 1, 1), 50))
    with pytest.raises(ValueError, match="must have the same graph"):
        unit_change(model, few, few, "X3", new_model=other)


# Results and their display


def test_part_of_a_row(found):
    part = found.of("third")
    assert part.table.index[:2].tolist() in (["X0", "X3"], ["X3", "X0"])
    assert part.table["share"].sum() == pytest.approx(1)
    assert list(part.table) == ["contribution", "standard_error", "share"]
    with pytest.raises(KeyError, match="there is no row 'fourth'"):
        found.of("fourth")
    assert isinstance(found, RowAttribution)


def test_display(model, found):
    import matplotlib.pyplot as plt

    influence = intrinsic_influence(model, "X3", random_state=0)
    display = AttributionDisplay.from_attribution(influence, most=3)
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == list(
        influence.table.index[:3]
    )
    widths = [bar.get_width() for bar in display.ax_.patches]
    np.testing.assert_allclose(widths, influence.table["contribution"][:3])
    assert display.ax_.get_xlabel() == "Contribution to the variance of X3"
    _, ax = plt.subplots()
    assert AttributionDisplay(found.of("first")).plot(ax=ax, color="0.5").ax_ is ax
    with pytest.raises(TypeError, match=r"rows\.of\(row\)"):
        AttributionDisplay(found).plot()
    plt.close("all")
