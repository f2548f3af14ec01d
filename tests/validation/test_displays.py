"""Displays: what they draw, on which axes, from which numbers."""

import matplotlib as mpl
import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from skcausal import causal_target
from skcausal.estimation import DRLearner, TLearner
from skcausal.estimation._evaluation import effect_scores
from skcausal.validation import (
    CalibrationDisplay,
    QiniDisplay,
    TOCDisplay,
    UpliftByDecileDisplay,
    calibration_score,
    qini_curve,
    qini_score,
    rate_score,
    toc_curve,
    uplift_by_decile,
)

mpl.use("Agg")

CURVES = [QiniDisplay, TOCDisplay]
BINS = [UpliftByDecileDisplay, CalibrationDisplay]
EVERY = CURVES + BINS


class FirstColumn(BaseEstimator):
    """Stands for a fitted learner whose effect is the first covariate."""

    control_arm_ = 0

    def fit(self, X, y=None):
        return self

    def __sklearn_is_fitted__(self):
        return True

    def predict(self, X):
        return np.asarray(X)[:, 0]


@pytest.fixture
def trial():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 2))
    t = np.arange(200) % 2
    y = X[:, 1] + t * X[:, 0] + rng.normal(size=200)
    return X, y, t


@pytest.fixture(autouse=True)
def close_figures():
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


@pytest.mark.parametrize("display", EVERY)
def test_from_effects_draws_a_complete_figure(display, trial):
    X, y, t = trial
    shown = display.from_effects(X[:, 0], y, t, name="Mine")
    assert shown.figure_ is shown.ax_.figure
    assert "units of the outcome" in shown.ax_.get_ylabel()
    assert shown.ax_.get_xlabel()
    legend = " ".join(text.get_text() for text in shown.ax_.get_legend().get_texts())
    assert "Mine" in legend


@pytest.mark.parametrize("display", EVERY)
def test_axes_are_used_when_given(display, trial):
    import matplotlib.pyplot as plt

    X, y, t = trial
    _, ax = plt.subplots()
    shown = display.from_effects(X[:, 0], y, t, ax=ax)
    assert shown.ax_ is ax
    again = display.from_effects(X[:, 0], y, t).plot(ax=ax, name="Again")
    assert again.ax_ is ax


@pytest.mark.parametrize("display", [*CURVES, CalibrationDisplay])
def test_displays_on_one_axes_differ_in_colour(display, trial):
    X, y, t = trial
    first = display.from_effects(X[:, 0], y, t, name="First")
    display.from_effects(X[:, 1], y, t, name="Second", ax=first.ax_)
    marked = [line for line in first.ax_.lines if line.get_gid()]
    assert len({line.get_color() for line in marked}) == 2
    labels = [text.get_text() for text in first.ax_.get_legend().get_texts()]
    assert len(labels) == len(set(labels))


@pytest.mark.parametrize("display", EVERY)
def test_style_is_passed_on(display, trial):
    X, y, t = trial
    shown = display.from_effects(X[:, 0], y, t, color="black", label="Own words")
    labels = [text.get_text() for text in shown.ax_.get_legend().get_texts()]
    assert "Own words" in labels


@pytest.mark.parametrize(
    ("display", "curve"), [(QiniDisplay, qini_curve), (TOCDisplay, toc_curve)]
)
def test_curves_show_the_values_of_the_functions(display, curve, trial):
    X, y, t = trial
    shown = display.from_effects(X[:, 0], y, t)
    fractions, values = curve(X[:, 0], y, t)
    common = np.isin(fractions.round(9), shown.fractions.round(9))
    drawn = np.interp(fractions[common], shown.fractions, shown.curve.value)
    assert common.sum() >= 95
    assert drawn == pytest.approx(values[common])


def test_curves_carry_their_area(trial):
    X, y, t = trial
    qini = QiniDisplay.from_effects(X[:, 0], y, t).score
    autoc = TOCDisplay.from_effects(X[:, 0], y, t).score
    assert qini.value == qini_score(X[:, 0], y, t)
    expected = rate_score(X[:, 0], y, t, random_state=0)
    assert autoc.value == expected.value
    assert (autoc.replicates == expected.replicates).all()


@pytest.mark.parametrize("display", CURVES)
def test_band_is_the_pointwise_interval(display, trial):
    X, y, t = trial
    shown = display.from_effects(X[:, 0], y, t, level=0.8, n_bootstrap=50)
    (band,) = shown.ax_.collections
    heights = band.get_paths()[0].vertices[:, 1]
    lower, upper = shown.curve.interval(0.8)
    assert heights.max() == pytest.approx(upper.max())
    assert heights.min() == pytest.approx(lower.min())


def test_bars_show_the_table(trial):
    X, y, t = trial
    shown = UpliftByDecileDisplay.from_effects(X[:, 0], y, t, n_bins=4)
    table = uplift_by_decile(X[:, 0], y, t, n_bins=4)
    heights = [bar.get_height() for bar in shown.ax_.patches]
    assert heights == pytest.approx(table["estimate"].tolist())


def test_calibration_shows_its_score(trial):
    X, y, t = trial
    shown = CalibrationDisplay.from_effects(X[:, 0], y, t, n_bins=5)
    score = calibration_score(X[:, 0], y, t, n_bins=5)
    labels = [text.get_text() for text in shown.ax_.get_legend().get_texts()]
    assert f"Calibration score {score:.2f}" in labels


def test_bins_of_one_row_are_drawn():
    shown = UpliftByDecileDisplay.from_effects([3, 2, 1], scores=[1.0, 2.0, 3.0])
    assert len(shown.ax_.patches) == 3


@pytest.mark.parametrize("display", EVERY)
def test_errors_name_the_display(display):
    owner = f"{display.__name__}.from_effects"
    with pytest.raises(ValueError, match=f"{owner}: effects must be one-dimensional"):
        display.from_effects(np.ones((5, 2)), scores=np.ones(5))


@pytest.mark.parametrize("display", EVERY)
def test_from_estimator_with_given_scores(display, trial):
    X, y, _ = trial
    shown = display.from_estimator(FirstColumn(), X, scores=y)
    legend = " ".join(text.get_text() for text in shown.ax_.get_legend().get_texts())
    assert "FirstColumn" in legend


@pytest.mark.parametrize("packed", [True, False])
def test_from_estimator_of_a_randomised_design(packed, trial):
    X, y, t = trial
    target = {"y": causal_target(y, t)} if packed else {"y": y, "treatment": t}
    pipeline = make_pipeline(FunctionTransformer(), FirstColumn())
    shown = QiniDisplay.from_estimator(
        pipeline, X, **target, propensity=0.5, name="Trial", ax=None
    )
    expected = qini_score(X[:, 0], y, t, propensity=0.5)
    assert shown.score.value == pytest.approx(expected)
    assert shown.name == "Trial"


@pytest.fixture
def observed():
    """Rows with confounding and text labels; half for fitting, half for judging."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(800, 2))
    treated = rng.uniform(size=800) < 1 / (1 + np.exp(-X[:, 1]))
    y = 2 * X[:, 1] + treated * (1 + X[:, 0]) + rng.normal(size=800)
    return X, causal_target(y, np.where(treated, "mail", "none"))


def learner():
    linear = LinearRegression()
    return make_pipeline(
        StandardScaler(),
        DRLearner(linear, LogisticRegression(), linear, cv=2, control_arm="none"),
    )


@pytest.mark.parametrize("display", EVERY)
def test_from_estimator_scores_the_rows(display, observed):
    X, target = observed
    fitted = learner().fit(X[:400], target[:400])
    new_X, new = X[400:], target[400:]
    expected = effect_scores(new_X, new, control_arm="none")
    shown = display.from_estimator(fitted, new_X, new)
    other = display.from_effects(fitted.predict(new_X), scores=expected)
    if display in CURVES:
        assert shown.curve.value == pytest.approx(other.curve.value)
        assert shown.score.value == pytest.approx(other.score.value)
        assert shown.score.p_value < 0.01
    else:
        np.testing.assert_allclose(shown.table, other.table)
    assert shown.name == "DRLearner"


@pytest.mark.filterwarnings("ignore:.*propensity below")
def test_from_estimator_takes_a_search_and_the_keyword(observed):
    X, target = observed
    grid = {"drlearner__n_repeats": [1]}
    search = GridSearchCV(learner(), grid, cv=2).fit(X[:400], target[:400])
    new = target[400:]
    shown = [
        TOCDisplay.from_estimator(search, X[400:], *given, n_bootstrap=2, **more)
        for given, more in [
            ((new,), {}),
            ((new["outcome"],), {"treatment": new["treatment"]}),
        ]
    ]
    assert shown[0].score.value == pytest.approx(shown[1].score.value)
    assert shown[0].name == "DRLearner"


def test_from_estimator_rejects_several_contrasts(observed):
    X, target = observed
    arms = np.where(X[:, 0] > 1, "call", target["treatment"])
    model = TLearner(LinearRegression(), control_arm="none")
    model.fit(X, target["outcome"], treatment=arms)
    with pytest.raises(ValueError, match="one contrast at a time"):
        QiniDisplay.from_estimator(model, X, target["outcome"], treatment=arms)


def test_from_estimator_rejects_scores_with_propensity(trial):
    X, y, _ = trial
    with pytest.raises(ValueError, match="got scores and also propensity"):
        QiniDisplay.from_estimator(FirstColumn(), X, scores=y, propensity=0.5)


def test_from_estimator_without_treatment(trial):
    X, y, _ = trial
    with pytest.raises(ValueError, match=r"QiniDisplay.from_estimator: .*treatment"):
        QiniDisplay.from_estimator(FirstColumn(), X, y)
