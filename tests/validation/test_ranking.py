"""Laws that every function of a ranking obeys, and the messages for bad input."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import stats

from skcausal.validation import (
    auuc_score,
    calibration_curve,
    calibration_score,
    qini_curve,
    qini_score,
    rate_score,
    toc_curve,
    uplift_at_k,
    uplift_by_decile,
)
from skcausal.validation._ranking import resolve_ranking


def rate(*args, **kwargs):
    estimate = rate_score(*args, **kwargs, n_bootstrap=10, random_state=0)
    return np.array([estimate.value, estimate.standard_error])


RANK_ONLY = [
    qini_curve,
    qini_score,
    auuc_score,
    uplift_at_k,
    toc_curve,
    pytest.param(rate, id="rate_score"),
]
SIZE_TOO = [uplift_by_decile, calibration_curve, calibration_score]
EVERY = RANK_ONLY + SIZE_TOO


@pytest.fixture
def trial():
    """A randomised design with ties in the predicted effects, and weights."""
    rng = np.random.default_rng(0)
    n = 240
    x = rng.normal(size=n)
    t = rng.permutation(np.repeat([0, 1], [96, 144]))
    return {
        "effects": np.round(x, 1),
        "y": x + t * x + rng.normal(size=n),
        "treatment": t,
        "weights": rng.uniform(0.2, 2, size=n),
    }


def numbers(result):
    if isinstance(result, tuple):
        return np.concatenate(result)
    return np.asarray(result, dtype=float)


def same(first, second, **kwargs):
    np.testing.assert_allclose(numbers(first), numbers(second), atol=1e-12, **kwargs)


@pytest.mark.parametrize("function", EVERY)
def test_order_of_rows_does_not_matter(function, trial):
    effects, y, t, w = trial.values()
    order = np.random.default_rng(1).permutation(len(y))
    same(
        function(effects, y, t, sample_weight=w),
        function(effects[order], y[order], t[order], sample_weight=w[order]),
        rtol=1e-10,
    )


@pytest.mark.parametrize("function", RANK_ONLY)
@pytest.mark.parametrize("transform", [np.exp, np.arctan, lambda e: 5 * e - 3])
def test_monotone_transform_does_not_matter(function, transform, trial):
    effects, y, t, w = trial.values()
    same(
        function(effects, y, t, sample_weight=w),
        function(transform(effects), y, t, sample_weight=w),
    )


@pytest.mark.parametrize("function", EVERY)
@pytest.mark.parametrize("propensity", [None, 0.55])
def test_outcome_form_equals_scores_form(function, propensity, trial):
    effects, y, t, w = trial.values()
    p = np.average(t, weights=w) if propensity is None else propensity
    mean_1 = np.average(y, weights=w * t)
    mean_0 = np.average(y, weights=w * (1 - t))
    centre = (1 - p) * mean_1 + p * mean_0
    scores = np.where(t == 1, (y - centre) / p, -(y - centre) / (1 - p))
    same(
        function(effects, y, t, propensity=propensity, sample_weight=w),
        function(effects, scores=scores, sample_weight=w),
        rtol=1e-9,
    )


@pytest.mark.parametrize("function", EVERY)
def test_unit_weights_and_scale_of_weights_do_not_matter(function, trial):
    effects, y, t, w = trial.values()
    same(function(effects, y, t), function(effects, y, t, sample_weight=np.ones(240)))
    first = function(effects, y, t, sample_weight=w)
    second = function(effects, y, t, sample_weight=7 * w)
    same(first, second, rtol=1e-10)


@pytest.mark.parametrize("function", EVERY)
def test_weight_zero_equals_leaving_out(function, trial):
    effects, y, t, w = trial.values()
    w = np.where(np.arange(240) % 3, w, 0)
    keep = w > 0
    same(
        function(effects, y, t, sample_weight=w),
        function(effects[keep], y[keep], t[keep], sample_weight=w[keep]),
    )


@pytest.mark.parametrize(
    "function",
    [qini_curve, qini_score, auuc_score, uplift_at_k, toc_curve, calibration_score],
)
def test_integer_weights_equal_repeated_rows(function, trial):
    effects, y, t, _ = trial.values()
    counts = np.random.default_rng(2).integers(1, 4, size=240)
    repeated = [np.repeat(array, counts) for array in (effects, y, t)]
    same(function(effects, y, t, sample_weight=counts), function(*repeated), rtol=1e-9)


@pytest.mark.parametrize("function", EVERY)
def test_scaling_the_outcome(function, trial):
    """Doubling outcome (and effects) doubles areas and leaves fractions alone."""
    effects, y, t, _ = trial.values()
    first, second = function(effects, y, t), function(2 * effects, 2 * y, t)
    if function is calibration_score:
        factor = 1
    elif function in (qini_curve, toc_curve):
        assert (first[0] == second[0]).all()
        first, second, factor = first[1], second[1], 2
    elif function is uplift_by_decile:
        columns = ["estimate", "standard_error", "lower", "upper", "predicted"]
        first, second, factor = first[columns], second[columns], 2
    else:
        factor = 2
    same(factor * numbers(first), second)


@pytest.mark.parametrize("function", EVERY)
@pytest.mark.parametrize("container", [pd.Series, pl.Series, list])
def test_containers_agree(function, container, trial):
    effects, y, t, w = trial.values()
    same(
        function(effects, y, t, sample_weight=w),
        function(*map(container, (effects, y, t)), sample_weight=container(w)),
    )


@pytest.mark.parametrize("function", EVERY)
def test_inputs_are_not_modified(function, trial):
    before = {name: array.copy() for name, array in trial.items()}
    effects, y, t, w = trial.values()
    function(effects, y, t, sample_weight=w)
    for name, array in before.items():
        np.testing.assert_array_equal(array, trial[name])


def test_mean_score_is_difference_in_means(trial):
    effects, y, t, _ = trial.values()
    ranking = resolve_ranking("test", effects, y, t)
    difference = y[t == 1].mean() - y[t == 0].mean()
    assert ranking.mean == pytest.approx(difference)


def test_variance_of_scores_is_that_of_difference_in_means(trial):
    """The centring constant makes the score the influence of that difference."""
    effects, y, t, _ = trial.values()
    ranking = resolve_ranking("test", effects, y, t)
    error = np.sqrt(np.sum((ranking.scores - ranking.mean) ** 2)) / len(y)
    neyman = np.sqrt(y[t == 1].var() / t.sum() + y[t == 0].var() / (1 - t).sum())
    assert error == pytest.approx(neyman)


@pytest.mark.parametrize("stratified", [False, True])
def test_scores_of_a_randomised_design_are_unbiased(stratified):
    rng = np.random.default_rng(3)
    n, draws = 300, 400
    x = rng.uniform(size=n)
    p = np.where(x > 0.5, 0.7, 0.4) if stratified else np.full(n, 0.4)
    propensity = p if stratified else 0.4
    truth = x[x > 0.8].sum() / n
    k = np.mean(x > 0.8)
    found = np.empty(draws)
    for draw in range(draws):
        t = (rng.uniform(size=n) < p).astype(int)
        y = 2 + 3 * x + x * t + rng.normal(size=n)
        found[draw] = k * uplift_at_k(x, y, t, propensity=propensity, k=k)
    z = (found.mean() - truth) / stats.sem(found)
    assert abs(z) < 4


def bad(**changes):
    base = {"effects": np.arange(4.0), "y": np.arange(4.0), "treatment": [0, 1, 0, 1]}
    return base | changes


BAD_INPUT = [
    (bad(effects=np.arange(3.0)), r"y must have as many rows as effects, got 4"),
    (bad(y=np.arange(5.0)), r"y must have as many rows as effects, got 5 against 4"),
    (bad(treatment=[0, 1]), r"treatment must have one value per row"),
    (bad(effects=[0, 1, np.nan, 2]), r"effects must be finite, got 1 NaN"),
    (bad(effects=[0, 1, np.inf, 2]), r"effects must be finite"),
    (bad(effects=list("abcd")), r"effects must hold numbers"),
    (bad(effects=np.ones((4, 2))), r"one contrast at a time"),
    (bad(effects=np.ones((4, 1, 1))), r"one-dimensional, got 3 dimensions"),
    (bad(effects=[], y=[], treatment=[]), r"effects is empty"),
    (bad(y=[0, 1, 2, None]), r"y must be finite"),
    (bad(treatment=[1, 2, 1, 2]), r"treatment must hold 0 and 1 only, got \[1, 2\]"),
    (bad(treatment=list("abab")), r"treatment must hold 0 and 1 only"),
    (bad(treatment=[0, 0.5, 1, 1]), r"treatment must hold 0 and 1 only"),
    (bad(treatment=[0, 1, 0, np.nan]), r"treatment must hold 0 and 1 only"),
    (bad(treatment=[1, 1, 1, 1]), r"treatment has one arm only \(1\)"),
    (bad(treatment=None), r"treatment missing. Pass either scores="),
    (bad(y=None, treatment=None), r"y and treatment missing. Pass either scores="),
    (bad(scores=np.ones(4)), r"got scores and also y, treatment. Pass either"),
    (
        {"effects": np.ones(4), "scores": np.ones(4), "propensity": 0.5},
        r"got scores and also propensity",
    ),
    ({"effects": np.ones(4), "scores": np.ones(3)}, r"scores must have as many rows"),
    ({"effects": np.ones(4), "scores": np.ones((4, 2))}, r"one contrast at a time"),
    (bad(propensity=1.0), r"propensity must lie strictly between 0 and 1"),
    (bad(propensity=[0.5, 0.5]), r"propensity must be one number or one per row"),
    (bad(propensity=np.nan), r"propensity must lie strictly between 0 and 1"),
    (bad(sample_weight=[1, 1, -1, 1]), r"sample_weight must be finite, non-negative"),
    (bad(sample_weight=np.zeros(4)), r"not all zero"),
    (bad(sample_weight=[1, 0, 1, 0]), r"treatment has one arm only \(0\)"),
]


@pytest.mark.parametrize("function", EVERY)
@pytest.mark.parametrize(("arguments", "message"), BAD_INPUT)
def test_bad_input_gives_the_designed_message(function, arguments, message):
    with pytest.raises(ValueError, match=message):
        function(**arguments)


@pytest.mark.parametrize("function", [*RANK_ONLY[:5], *SIZE_TOO, rate_score])
def test_messages_name_the_function(function):
    with pytest.raises(ValueError, match=f"^{function.__name__}: effects"):
        function([np.nan, 1.0], scores=[1.0, 2.0])
