"""ManskiBounds: hand formulas, assumptions, intervals, bad input."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal import causal_target
from skcausal.estimation import AIPW, TLearner
from skcausal.validation import ManskiBounds

LOGIT = LogisticRegression()


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 2))
    t = (rng.random(800) < 1 / (1 + np.exp(-X[:, 0]))).astype(int)
    y = (rng.random(800) < 1 / (1 + np.exp(-X[:, 0] - t))).astype(int)
    return X, y, t


@pytest.fixture(scope="module")
def aipw(rows):
    X, y, t = rows
    return AIPW(LOGIT, LOGIT, random_state=0).fit(X, y, treatment=t)


def by_hand(y, t, low, high):
    p = t.mean()
    one, zero = y[t == 1].mean(), y[t == 0].mean()
    ends = [
        (p * one + (1 - p) * a) - ((1 - p) * zero + p * b)
        for a, b in ((low, high), (high, low))
    ]
    return tuple(ends)


def test_bounds_without_assumptions_by_hand(rows, aipw):
    _, y, t = rows
    for one in (ManskiBounds.from_arrays(y, t), ManskiBounds.from_estimator(aipw)):
        assert one.bounds.value == pytest.approx(by_hand(y, t, 0, 1))
        assert one.bounds.width == pytest.approx(1)


def test_a_wider_range_widens_the_bounds(rows):
    _, y, t = rows
    outcome = y + np.random.default_rng(0).uniform(0, 1, len(y))
    one = ManskiBounds.from_arrays(outcome, t, outcome_range=(-1, 3))
    assert one.bounds.value == pytest.approx(by_hand(outcome, t, -1, 3))
    assert one.bounds.width == pytest.approx(4)


def test_monotone_selection_is_the_adjusted_effect(rows, aipw):
    _, y, t = rows
    one = ManskiBounds.from_estimator(aipw, selection="positive")
    assert one.bounds.value[1] == pytest.approx(aipw.average_effect_.value)
    assert one.bounds.value[0] == pytest.approx(by_hand(y, t, 0, 1)[0])
    raw = ManskiBounds.from_arrays(y, t, selection="negative")
    difference = y[t == 1].mean() - y[t == 0].mean()
    assert raw.bounds.value[0] == pytest.approx(difference)
    error = np.sqrt(sum(y[t == a].var() / (t == a).sum() for a in (0, 1)))
    assert raw.bounds.lower["lower"].standard_error == pytest.approx(error, rel=1e-3)


def test_monotone_response_puts_zero_at_one_end(rows):
    _, y, t = rows
    up = ManskiBounds.from_arrays(y, t, response="increasing")
    down = ManskiBounds.from_arrays(y, t, response="decreasing")
    assert up.bounds.value == pytest.approx((0, by_hand(y, t, 0, 1)[1]))
    assert down.bounds.value == pytest.approx((by_hand(y, t, 0, 1)[0], 0))
    both = ManskiBounds.from_arrays(y, t, response="increasing", selection="positive")
    difference = y[t == 1].mean() - y[t == 0].mean()
    assert both.bounds.value == pytest.approx((0, difference))
    assert both.interval()[0] == 0


def test_contradictory_assumptions_are_an_error(rows):
    _, y, t = rows
    with pytest.raises(ValueError, match="contradict"):
        ManskiBounds.from_arrays(1 - y, t, response="increasing", selection="positive")


def test_weights_count_rows(rows):
    _, y, t = rows
    weight = np.random.default_rng(0).integers(1, 4, len(y))
    one = ManskiBounds.from_arrays(y, t, selection="positive", sample_weight=weight)
    copies = np.repeat(np.arange(len(y)), weight)
    same = ManskiBounds.from_arrays(y[copies], t[copies], selection="positive")
    assert one.bounds.value == pytest.approx(same.bounds.value)


def test_groups_widen_the_interval(rows):
    _, y, t = rows
    twice = np.tile(np.arange(len(y)), 2)
    one = ManskiBounds.from_arrays(np.tile(y, 2), np.tile(t, 2), groups=twice)
    plain = ManskiBounds.from_arrays(y, t)
    assert one.interval() == pytest.approx(plain.interval(), abs=1e-3)


def test_the_interval_covers_the_worst_case_and_not_more():
    """If every untreated had outcome 1 had it been treated, the bound is the effect."""
    covered = 0
    for seed in range(400):
        rng = np.random.default_rng(seed)
        t = rng.integers(0, 2, 200)
        y = (rng.random(200) < np.where(t, 0.5, 0.3)).astype(int)
        # Y(1) = 1 for all untreated, Y(0) = 0 for all treated: .75 - .15.
        lower, upper = ManskiBounds.from_arrays(y, t).interval(0.9)
        covered += lower <= 0.75 - 0.15 <= upper
    assert abs(covered / 400 - 0.9) < 4 * np.sqrt(0.9 * 0.1 / 400)


def test_pipelines_repeats_and_summary(rows):
    X, y, t = rows
    learner = TLearner(LOGIT, LOGIT, n_repeats=3, random_state=0)
    pipeline = make_pipeline(StandardScaler(), learner).fit(X, causal_target(y, t))
    one = ManskiBounds.from_estimator(
        pipeline, selection="positive", response="increasing"
    )
    assert one.bounds.value[1] == pytest.approx(learner.average_effect().value)
    text = one.summary()
    assert "lowers nobody's outcome" in text
    assert "higher potential outcomes" in text
    assert "whatever the unobserved" in ManskiBounds.from_estimator(pipeline).summary()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"y": [1.5, 2, 3], "treatment": [0, 1, 1]}, "outcome_range"),
        (
            {"y": [1, 2, 3], "treatment": [0, 1, 1], "outcome_range": (0, 2)},
            "leave outcome_range",
        ),
        (
            {"y": [1, 2, 3], "treatment": [0, 1, 1], "outcome_range": (5, 2)},
            "smaller first",
        ),
        ({"y": [0, 1, 1], "treatment": [1, 2, 1]}, "0 and 1"),
        ({"y": [0, 1, 1], "treatment": [1, 0, 1], "response": "up"}, "response must"),
        ({"y": [0, 1, 1], "treatment": [1, 0, 1], "selection": 1}, "selection must"),
    ],
)
def test_bad_input_gets_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        ManskiBounds.from_arrays(**arguments)


def test_a_continuous_treatment_is_refused(rows):
    from skcausal.estimation import RLearner

    X, y, _ = rows
    line = LinearRegression()
    fit = RLearner(line, line, line, outcome_type="continuous", random_state=0)
    fit.fit(X, y, treatment=X[:, 0] + np.random.default_rng(0).normal(size=len(y)))
    with pytest.raises(ValueError, match="continuous treatment"):
        ManskiBounds.from_estimator(fit)
