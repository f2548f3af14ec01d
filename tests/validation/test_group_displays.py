"""Displays of groups, balance and propensities: they show the tables' numbers."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal import causal_target
from skcausal.estimation import TLearner
from skcausal.validation import (
    ClanDisplay,
    GatesDisplay,
    LovePlotDisplay,
    PropensityDisplay,
    balance_table,
    clan,
    gates,
)

mpl.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.fixture
def table():
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(300, 3)), columns=["age", "income", "visits"])
    t = (rng.uniform(size=300) < 1 / (1 + np.exp(-X["age"]))).astype(int)
    y = X["income"] + t * (1 + X["age"]) + rng.normal(size=300)
    return X, y.to_numpy(), t.to_numpy()


def texts(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_gates_are_drawn_with_average_and_difference(table):
    X, y, t = table
    shown = GatesDisplay.from_effects(X["age"], y, t, n_groups=4, name="Mine")
    expected = gates(X["age"], y, t, n_groups=4)
    pd.testing.assert_frame_equal(shown.table, expected)
    points = shown.ax_.containers[0].lines[0]
    assert points.get_ydata() == pytest.approx(expected["estimate"].to_numpy()[:4])
    assert points.get_xdata().tolist() == [1, 2, 3, 4]
    assert "Group 1 less group 4" in shown.ax_.get_title(loc="left")
    assert any(text.startswith("Mine: group average") for text in texts(shown.ax_))


def test_gates_of_an_estimator(table):
    X, y, t = table
    pipeline = make_pipeline(StandardScaler(), TLearner(LinearRegression()))
    pipeline.fit(X, causal_target(y, t))
    shown = GatesDisplay.from_estimator(pipeline, X, y, treatment=t, propensity=0.5)
    assert shown.name == "TLearner"
    assert len(shown.table) == 7


def test_gates_without_information_are_drawn():
    shown = GatesDisplay.from_effects(np.ones(8), scores=np.arange(8.0))
    assert shown.ax_.get_xticks().tolist() == [3]


def test_clan_is_drawn_in_standard_deviations(table):
    X, _, _ = table
    shown = ClanDisplay.from_effects(X["age"] + 0.1 * X["visits"], X)
    expected = clan(X["age"] + 0.1 * X["visits"], X)
    assert shown.ax_.get_yticklabels()[0].get_text().startswith("age  (")
    scaled = expected["difference"] / expected["deviation"]
    points = shown.ax_.containers[0].lines[0]
    assert points.get_xdata() == pytest.approx(sorted(scaled, key=abs, reverse=True))


def test_clan_shows_the_largest_and_no_constants(table):
    X, _, _ = table
    X = X.assign(constant=1.0)
    shown = ClanDisplay.from_effects(X["age"], X)
    assert len(shown.ax_.get_yticklabels()) == 3
    again = shown.plot(most=2)
    assert len(again.ax_.get_yticklabels()) == 2


def test_clan_of_an_estimator(table):
    X, y, t = table
    learner = TLearner(LinearRegression()).fit(X, y, treatment=t)
    shown = ClanDisplay.from_estimator(learner, X, level=0.9)
    pd.testing.assert_frame_equal(shown.table, clan(learner.effect(X), X, level=0.9))
    assert shown.ax_.get_xlabel().endswith("90 % interval)")


def test_love_plot_shows_absolute_differences(table):
    X, _, t = table
    e = 1 / (1 + np.exp(-X["age"]))
    weights = np.where(t == 1, 1 / e, 1 / (1 - e))
    shown = LovePlotDisplay.from_weights(X, t, weights, threshold=0.2)
    pd.testing.assert_frame_equal(shown.table, balance_table(X, t, weights))
    before, after = shown.ax_.lines[:2]
    table = shown.table[["difference", "weighted_difference"]].abs()
    table = table.sort_values("difference", ascending=False)
    assert before.get_xdata().tolist() == table["difference"].tolist()
    assert after.get_xdata().tolist() == table["weighted_difference"].tolist()
    assert texts(shown.ax_) == ["Before weighting", "After weighting", "Threshold 0.2"]


def test_love_plot_without_weights_and_with_several_arms(table):
    X, _, t = table
    arms = np.where(X["income"] > 1, 2, t)
    shown = LovePlotDisplay.from_weights(X, arms, control_arm=0)
    assert texts(shown.ax_) == ["Without weights", "Threshold 0.1"]
    worst = shown.table["difference"].abs().groupby(level=0).max().max()
    assert shown.ax_.lines[0].get_xdata()[0] == pytest.approx(worst)


def test_love_plot_draws_infinite_differences():
    X = np.array([[0.0, 1.0], [0, 2], [1, 1], [1, 3]])
    shown = LovePlotDisplay.from_weights(X, [0, 0, 1, 1])
    assert np.isfinite(shown.ax_.lines[0].get_xdata()).all()


def test_propensities_are_mirrored():
    shown = PropensityDisplay.from_propensity(
        [0.1, 0.1, 0.3, 0.9, 0.9], [0, 0, 0, 1, 1], n_bins=5
    )
    heights = np.array([bar.get_height() for bar in shown.ax_.patches[:10]])
    assert heights == pytest.approx([0, 0, 0, 0, 1, -2 / 3, -1 / 3, 0, 0, 0])
    first, second = texts(shown.ax_)
    assert first == "Arm 1: 2 rows, worth 2"
    assert second.startswith("Arm 0: 3 rows, worth 3")
    low, high = shown.ax_.get_ylim()
    assert low == -high


def test_propensity_of_one_of_several_arms():
    propensity = np.tile([0.2, 0.3, 0.5], (6, 1))
    arms = ["none", "call", "mail"] * 2
    with pytest.raises(ValueError, match=r"arm must be one of \['call', 'mail'\]"):
        PropensityDisplay.from_propensity(propensity, arms, control_arm="none")
    shown = PropensityDisplay.from_propensity(
        propensity, arms, control_arm="none", arm="mail"
    )
    assert shown.ax_.get_xlabel() == "Propensity: probability of arm mail"
    assert shown.shares.sum() == pytest.approx(2)


@pytest.mark.parametrize("kind", ["gates", "clan", "love", "propensity"])
def test_given_axes_are_used(kind, table):
    import matplotlib.pyplot as plt

    X, y, t = table
    _, ax = plt.subplots()
    make = {
        "gates": lambda: GatesDisplay.from_effects(X["age"], y, t, ax=ax),
        "clan": lambda: ClanDisplay.from_effects(X["age"], X, ax=ax),
        "love": lambda: LovePlotDisplay.from_weights(X, t, ax=ax),
        "propensity": lambda: PropensityDisplay.from_propensity(
            np.full(300, 0.5), t, ax=ax
        ),
    }[kind]
    shown = make()
    assert shown.ax_ is ax
    assert shown.figure_ is ax.figure
