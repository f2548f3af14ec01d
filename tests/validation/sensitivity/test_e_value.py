"""E-values: published numbers (G13), hand formulas, learners, bad input."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.estimation import AIPW
from skcausal.validation import e_value


def by_hand(ratio):
    return ratio + np.sqrt(ratio * (ratio - 1))


@pytest.mark.parametrize(
    ("estimate", "lower", "upper", "value", "limit"),
    [(10.73, 8.02, 14.36, 20.948, 15.523), (3.9, 1.8, 8.7, 7.263, 3.000)],
)
def test_published_risk_ratios(estimate, lower, upper, value, limit):
    result = e_value(estimate, lower=lower, upper=upper)
    assert result.value == pytest.approx(value, abs=5e-4)
    assert result.limit == pytest.approx(limit, abs=5e-4)
    inverted = e_value(1 / estimate, lower=1 / upper, upper=1 / lower)
    assert inverted.value == pytest.approx(result.value)
    assert inverted.limit == pytest.approx(result.limit)


def test_an_interval_that_holds_no_effect_has_the_e_value_one():
    assert e_value(1.2, lower=0.9, upper=1.6).limit == 1
    assert e_value(0.8, lower=0.6, upper=1.1).limit == 1
    assert e_value(1.0).value == 1
    assert e_value(2.0).limit is None


@pytest.mark.parametrize(
    ("measure", "rare", "estimate", "ratio"),
    [
        ("or", True, 3.0, 3.0),
        ("or", False, 3.0, np.sqrt(3)),
        ("hr", True, 0.5, 0.5),
        ("hr", False, 4.0, (1 - 0.5**2) / (1 - 0.5**0.5)),
        ("smd", None, 0.5, np.exp(0.455)),
    ],
)
def test_measures_become_risk_ratios(measure, rare, estimate, ratio):
    result = e_value(estimate, measure=measure, rare=rare)
    assert result.risk_ratio == pytest.approx(ratio)
    assert result.value == pytest.approx(by_hand(max(ratio, 1 / ratio)))


def test_another_null_is_a_ratio_of_ratios():
    assert e_value(4.0, null=2.0).value == pytest.approx(by_hand(2.0))
    shifted = e_value(0.8, measure="smd", null=0.3)
    assert shifted.value == pytest.approx(by_hand(np.exp(0.91 * 0.5)))


def test_a_risk_difference_needs_the_ratio_of_risks_for_its_estimate():
    result = e_value(None, counts=(60, 40, 30, 70))
    assert result.measure == "rd"
    assert result.value == pytest.approx(by_hand(2.0))
    assert 1 < result.limit < result.value
    swapped = e_value(None, counts=(30, 70, 60, 40))
    assert swapped.limit == pytest.approx(result.limit)


def test_the_limit_of_a_risk_difference_corrects_it_to_zero():
    """At the bias factor the corrected difference is 1.96 standard errors from 0."""
    result = e_value(None, counts=(600, 400, 300, 700))
    value = result.limit
    bias = value**2 / (2 * value - 1)  # the inverse of the E-value's formula
    p1, p0, f, n = 0.6, 0.3, 0.5, 2000
    mix, left = f + (1 - f) / bias, p1 - p0 * bias
    variance = (p1 * (1 - p1) / 1000 + bias**2 * p0 * (1 - p0) / 1000) * mix**2
    variance += left**2 * (1 - 1 / bias) ** 2 * f * (1 - f) / n
    assert left * mix / np.sqrt(variance) == pytest.approx(1.959964, abs=1e-4)


def test_a_large_sample_brings_the_limit_to_the_estimate():
    result = e_value(None, counts=(6e7, 4e7, 3e7, 7e7))
    assert result.limit == pytest.approx(result.value, rel=1e-3)


def test_a_learner_of_a_binary_outcome_gives_its_risk_ratio():
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(600, 2)), rng.integers(0, 2, 600)
    y = (rng.random(600) < 0.2 + 0.3 * t).astype(int)
    logit = LogisticRegression()
    aipw = AIPW(logit, logit, random_state=0).fit(X, y, treatment=t)
    ratio = aipw.average_effect(scale="ratio")
    result = e_value(aipw)
    assert result.measure == "rr"
    assert result.value == pytest.approx(by_hand(ratio.value))
    assert result.limit == pytest.approx(by_hand(ratio.interval()[0]))


def test_a_learner_of_a_continuous_outcome_gives_its_standardised_difference():
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(600, 2)), rng.integers(0, 2, 600)
    y = -1.0 * t + 2 * rng.normal(size=600)
    line = LinearRegression()
    aipw = AIPW(line, LogisticRegression(), random_state=0).fit(X, y, treatment=t)
    result = e_value(aipw)
    within = np.sqrt(
        np.mean((y - np.where(t, y[t == 1].mean(), y[t == 0].mean())) ** 2)
    )
    expected = by_hand(np.exp(-0.91 * aipw.average_effect_.value / within))
    assert result.value == pytest.approx(expected)
    scaled = AIPW(line, LogisticRegression(), random_state=0)
    assert e_value(scaled.fit(X, 10 * y, treatment=t)).value == pytest.approx(expected)


def test_summary_names_the_numbers():
    text = e_value(3.9, lower=1.8, upper=8.7).summary()
    assert "7.26" in text
    assert "3.00" in text
    assert "even without" in e_value(1.2, lower=0.9, upper=1.6).summary()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"estimate": -1.0}, "positive"),
        ({"estimate": 2.0, "measure": "or"}, "rare"),
        ({"estimate": 2.0, "measure": "ratio"}, "measure must be"),
        ({"estimate": 2.0, "lower": 2.5}, "between lower and upper"),
        ({"estimate": 0.2, "measure": "rd"}, "counts"),
        ({"estimate": None, "counts": (1, 2, 0, 4)}, "both arms"),
        ({"estimate": None, "counts": (1, 2, 3, 4), "null": 0.1}, "null must be 0"),
        ({"estimate": 2.0, "level": 2}, "level"),
    ],
)
def test_bad_input_gets_an_error(arguments, message):
    with pytest.raises(ValueError, match=message):
        e_value(**arguments)


def test_what_is_no_learner_is_refused():
    with pytest.raises(TypeError, match="learner of skcausal"):
        e_value(LinearRegression())
