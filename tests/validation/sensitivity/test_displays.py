"""Displays of sensitivity analyses: what they draw, from which numbers."""

import matplotlib as mpl
import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression, QuantileRegressor

from skcausal.estimation import AIPW
from skcausal.validation import (
    MarginalSensitivity,
    PartialR2Sensitivity,
    RieszSensitivity,
    RosenbaumBounds,
    SensitivityContourDisplay,
    TippingPointDisplay,
)

mpl.use("Agg")


@pytest.fixture(scope="module")
def aipw():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 2))
    t = (rng.random(500) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)
    y = X[:, 0] - t + rng.normal(size=500)
    fit = AIPW(LinearRegression(), LogisticRegression(), cv=2, random_state=0)
    return fit.fit(X, y, treatment=t)


@pytest.fixture
def linear():
    return PartialR2Sensitivity(1.0, 0.1, 200, benchmarks={"age": (0.02, 0.1)})


@pytest.fixture
def riesz(aipw):
    return RieszSensitivity.from_estimator(aipw)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def texts(ax):
    return " ".join(text.get_text() for text in ax.get_legend().get_texts())


@pytest.mark.parametrize("of", ["estimate", "limit"])
def test_contours_show_what_the_analysis_says(linear, riesz, of):
    for one in (linear, riesz):
        shown = SensitivityContourDisplay.from_sensitivity(one, of=of, largest=0.3)
        i, j = 20, 40  # outcome, treatment
        r_y, r_d = shown.shares[i], shown.shares[j]
        if one is linear:
            left = linear.adjusted(r_d, r_y)
            expected = left["estimate" if of == "estimate" else "lower"]
        else:
            bounds = riesz.bounds(r_y, r_d)
            expected = (bounds.value if of == "estimate" else bounds.interval())[1]
        assert shown.values[i, j] == pytest.approx(expected, rel=5e-3)
        assert shown.figure_ is shown.ax_.figure
        assert "treatment" in shown.ax_.get_xlabel()
        assert "No confounder" in texts(shown.ax_)


def test_contours_mark_benchmarks(linear, riesz):
    shown = SensitivityContourDisplay.from_sensitivity(linear, times=(1, 2))
    assert list(shown.points.index) == ["age", "2 x age"]
    assert tuple(shown.points.loc["2 x age"]) == pytest.approx(
        linear.strength("age", 2)
    )
    labels = [text.get_text() for text in shown.ax_.texts]
    assert "2 x age" in labels
    assert len(SensitivityContourDisplay.from_sensitivity(riesz).points) == 0
    marked = SensitivityContourDisplay.from_sensitivity(riesz, benchmarks=[0])
    row = riesz.benchmarks([0]).iloc[0]
    assert tuple(marked.points.loc["column 0"]) == pytest.approx(
        (row["treatment"], row["outcome"])
    )
    assert marked.shares[-1] > row["outcome"]


def test_the_border_runs_through_the_robustness_value(linear):
    value = linear.robustness_value()
    shown = SensitivityContourDisplay.from_sensitivity(linear, largest=2 * value)
    assert np.diag(shown.values)[30] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("kind", ["linear", "riesz", "marginal", "rosenbaum"])
def test_tipping_points_are_those_of_the_analysis(kind, linear, riesz, aipw):
    quantile = QuantileRegressor(alpha=0, solver="highs")
    differences = np.random.default_rng(0).normal(0.8, 1.0, 60)
    marginal = MarginalSensitivity.from_estimator(aipw, quantile, odds_ratios=(1, 2, 6))
    one = {
        "linear": linear,
        "riesz": riesz,
        "marginal": marginal,
        "rosenbaum": RosenbaumBounds(differences),
    }[kind]
    shown = TippingPointDisplay.from_sensitivity(one)
    point = shown.tipping_point_
    if kind in ("linear", "riesz"):
        assert point == pytest.approx(one.robustness_value(), rel=1e-2)
    elif kind == "marginal":
        assert point == pytest.approx(one.tipping_point())
    else:
        assert one.estimate_bounds(point)[0] == pytest.approx(0, abs=0.05)
        assert one.largest_gamma() < point
    assert ("interval" in texts(shown.ax_)) == (kind != "rosenbaum")
    assert shown.ax_.get_xlabel()
    assert (shown.table["lower"] <= shown.table["upper"] + 1e-12).all()


def test_tipping_displays_share_axes_and_take_a_name_and_style(linear, riesz):
    first = TippingPointDisplay.from_sensitivity(linear, name="Linear")
    again = TippingPointDisplay.from_sensitivity(riesz, name="Riesz", ax=first.ax_)
    assert again.ax_ is first.ax_
    marked = [line for line in first.ax_.lines if line.get_gid()]
    assert len({line.get_color() for line in marked}) == 2
    assert "Linear" in texts(first.ax_)
    assert "Riesz" in texts(first.ax_)
    styled = TippingPointDisplay.from_sensitivity(linear, color="black", label="Mine")
    assert "Mine" in texts(styled.ax_)


def test_bounds_that_never_reach_null_say_so(aipw):
    one = MarginalSensitivity.from_estimator(
        aipw, QuantileRegressor(alpha=0, solver="highs"), odds_ratios=(1, 1.1)
    )
    shown = TippingPointDisplay.from_sensitivity(one)
    assert shown.tipping_point_ == np.inf
    assert "stay off 0" in texts(shown.ax_)


def test_another_null_is_shown(linear, riesz):
    for one in (linear, riesz):
        shown = TippingPointDisplay.from_sensitivity(one, null=-2.0)
        assert 0 < shown.tipping_point_ < shown.table.index[-1]
        assert "reach -2" in texts(shown.ax_)
    shown = SensitivityContourDisplay.from_sensitivity(linear, null=0.5)
    assert np.diag(shown.values)[30] == pytest.approx(0.5, abs=1e-9)
    assert "Effect = 0.5" in texts(shown.ax_)


def test_bad_input_gets_an_error(linear):
    with pytest.raises(TypeError, match="PartialR2Sensitivity"):
        SensitivityContourDisplay.from_sensitivity(RosenbaumBounds([1.0, 2.0]))
    with pytest.raises(TypeError, match="RosenbaumBounds"):
        TippingPointDisplay.from_sensitivity(0.1)
    with pytest.raises(ValueError, match="of must be"):
        SensitivityContourDisplay.from_sensitivity(linear, of="t")
    with pytest.raises(ValueError, match="largest"):
        SensitivityContourDisplay.from_sensitivity(linear, largest=2)
