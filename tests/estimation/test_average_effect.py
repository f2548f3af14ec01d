"""Average effects equal their formulas, written out again for every target."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression

from skcausal.estimation import KnownPropensity, TLearner, _crossfit
from tests.estimation.helpers import (
    LEARNERS,
    hand_error,
    hand_nuisances,
    learner_of,
    make_table,
    out_of_fold,
)

TARGETS = ("all", "treated", "control", "overlap")


def fit(name, table, *, sample_weight=None, groups=None, **options):
    if table.treatment.dtype.kind == "U":
        options["control_arm"] = "none"
    options = {"cv": table.splits, "random_state": 0} | options
    return learner_of(name, **options).fit(
        table.X,
        table.y,
        treatment=table.treatment,
        sample_weight=sample_weight,
        groups=groups,
    )


def hand_average(target, y, codes, mu, e, arm=1, weight=1.0):
    """Return (value, influence) of one contrast: the estimating equations."""
    a, c = (codes == arm) * 1.0, (codes == 0) * 1.0
    e_a, e_0, mu_a, mu_0 = e[:, arm], e[:, 0], mu[:, arm], mu[:, 0]
    if target == "all":
        top = mu_a - mu_0 + a * (y - mu_a) / e_a - c * (y - mu_0) / e_0
        bottom = np.ones(len(y))
    elif target == "treated":
        top = a * (y - mu_0) - c * e_a / e_0 * (y - mu_0)
        bottom = a
    elif target == "control":
        top = c * (mu_a - y) + a * e_0 / e_a * (y - mu_a)
        bottom = c
    else:
        share = e_a / (e_a + e_0)
        v = np.where(a + c > 0, a - share, 0)
        top = v * (y - share * mu_a - (1 - share) * mu_0)
        bottom = v**2
    value = (weight * top).sum() / (weight * bottom).sum()
    return value, weight * (top - value * bottom) / (weight * bottom).mean()


def check(estimate, value, influence, groups=None):
    assert estimate.value == pytest.approx(value, rel=1e-6)
    error = hand_error(influence, groups)
    assert estimate.standard_error == pytest.approx(error, rel=1e-6)
    np.testing.assert_allclose(estimate.influence, influence, rtol=1e-5, atol=1e-8)
    assert abs(influence.mean()) < 1e-10


@pytest.mark.parametrize("target", TARGETS)
def test_two_arms(target):
    table = make_table()
    value, influence = hand_average(
        target, table.y, table.codes, *hand_nuisances(table)
    )
    check(fit("DR", table).average_effect(target=target), value, influence)


@pytest.mark.parametrize("target", TARGETS)
def test_several_arms(target):
    table = make_table("multi", 150)
    mu, e = hand_nuisances(table)
    estimate = fit("DR", table).average_effect(target=target)
    assert estimate.labels == ("call vs none", "mail vs none")
    assert estimate.value.shape == estimate.standard_error.shape == (2,)
    assert estimate.influence.shape == (150, 2)
    for arm, label in enumerate(estimate.labels, start=1):
        expected = hand_average(target, table.y, table.codes, mu, e, arm)
        check(estimate[label], *expected)


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("kind", ["binary", "multi"])
def test_every_learner_has_the_same_averages(name, kind):
    """Averages come from scores, so equal nuisances give equal averages."""
    table = make_table(kind, 120)
    mu, e = hand_nuisances(table)
    value, influence = hand_average("all", table.y, table.codes, mu, e)
    estimate = fit(name, table).average_effect()
    check(estimate if kind == "binary" else estimate["call vs none"], value, influence)


def test_sample_weights_and_row_weights_multiply(rng):
    table = make_table()
    sample_weight, extra = rng.uniform(0.5, 2, size=(2, 90))
    learner = fit("DR", table, sample_weight=sample_weight)
    nuisances = hand_nuisances(table, sample_weight)
    for target in TARGETS:
        for weights in (None, extra):
            weight = sample_weight * (1 if weights is None else extra)
            expected = hand_average(
                target, table.y, table.codes, *nuisances, weight=weight
            )
            check(learner.average_effect(target=target, weights=weights), *expected)


@pytest.mark.parametrize("target", TARGETS)
def test_where_is_the_average_of_the_subgroup(target):
    table = make_table()
    where = table.X[:, 0] > 0
    mu, e = hand_nuisances(table)
    estimate = fit("DR", table).average_effect(target=target, where=where)
    value, _ = hand_average(
        target, table.y[where], table.codes[where], mu[where], e[where]
    )
    assert estimate.value == pytest.approx(value)
    check(
        estimate, *hand_average(target, table.y, table.codes, mu, e, weight=where * 1.0)
    )
    series = pd.Series(where, index=np.arange(90)[::-1])
    assert learner_value(table, target, series) == estimate.value


def learner_value(table, target, where):
    return fit("DR", table).average_effect(target=target, where=where).value


def test_by_gives_one_effect_per_label():
    table = make_table()
    by = np.where(table.X[:, 0] > 0, "old", "new")
    learner = fit("DR", table)
    estimate = learner.average_effect(by=by)
    assert estimate.labels == ("new", "old")
    mu, e = hand_nuisances(table)
    for label in estimate.labels:
        weight = (by == label) * 1.0
        expected = hand_average("all", table.y, table.codes, mu, e, weight=weight)
        check(estimate[label], *expected)
    shares = np.array([(by == label).mean() for label in estimate.labels])
    whole = learner.average_effect().value
    assert shares @ estimate.value == pytest.approx(whole)
    categories = learner.average_effect(by=pd.Series(by, dtype="category"))
    np.testing.assert_array_equal(categories.value, estimate.value)


def test_by_with_several_arms_labels_both():
    table = make_table("multi", 150)
    by = table.X[:, 0] > 0
    estimate = fit("T", table).average_effect(by=by, target="treated")
    arms = ("call vs none", "mail vs none")
    assert estimate.labels == tuple((arm, g) for arm in arms for g in (False, True))
    mu, e = hand_nuisances(table)
    expected = hand_average(
        "treated", table.y, table.codes, mu, e, arm=2, weight=by * 1.0
    )
    check(estimate["mail vs none", True], *expected)
    assert estimate.summary().shape == (4, 5)


@pytest.mark.parametrize("target", ["all", "treated", "control"])
def test_ratio_by_the_delta_method(target):
    table = make_table()
    table.y = table.y + 8
    mu, e = hand_nuisances(table)
    y, a = table.y, table.codes
    c = 1 - a
    # (score of the treated mean, score of the control mean, population weight)
    terms = {
        "all": (
            mu[:, 1] + a * (y - mu[:, 1]) / e[:, 1],
            mu[:, 0] + c * (y - mu[:, 0]) / e[:, 0],
            np.ones(90),
        ),
        "treated": (
            a * y,
            a * mu[:, 0] + c * e[:, 1] / e[:, 0] * (y - mu[:, 0]),
            a,
        ),
        "control": (
            c * mu[:, 1] + a * e[:, 0] / e[:, 1] * (y - mu[:, 1]),
            c * y,
            c,
        ),
    }
    top, bottom, population = terms[target]
    mean_1, mean_0 = top.sum() / population.sum(), bottom.sum() / population.sum()
    ratio = mean_1 / mean_0
    influence = (top - mean_1 * population) / population.mean() / mean_0
    influence -= ratio * (bottom - mean_0 * population) / population.mean() / mean_0
    estimate = fit("DR", table).average_effect(target=target, scale="ratio")
    check(estimate, ratio, influence)
    assert estimate.null == 1
    z = (ratio - 1) / estimate.standard_error
    assert estimate.p_value == pytest.approx(2 * _normal_tail(abs(z)))


def _normal_tail(z):
    from math import erfc, sqrt

    return erfc(z / sqrt(2)) / 2


@pytest.mark.parametrize("target", ["all", "treated"])
def test_groups_give_clustered_errors(target, rng):
    table = make_table()
    groups = rng.permutation(np.repeat(np.arange(30), 3))
    learner = fit("DR", table, groups=groups)
    expected = hand_average(target, table.y, table.codes, *hand_nuisances(table))
    estimate = learner.average_effect(target=target)
    check(estimate, *expected, groups=groups)
    plain = fit("DR", table).average_effect(target=target)
    clustered = plain.with_groups(groups).standard_error
    assert clustered == pytest.approx(estimate.standard_error)


def test_repeats_take_the_median_of_values():
    table = make_table()
    learner = fit("DR", table, cv=3, n_repeats=3)
    parts = [
        hand_average("all", table.y, table.codes, mu, e)
        for mu, e in zip(
            learner.nuisances_["outcome_by_arm"],
            learner.nuisances_["propensity"],
            strict=True,
        )
    ]
    values = np.array([value for value, _ in parts])
    errors = np.array([hand_error(influence) for _, influence in parts])
    estimate = learner.average_effect()
    assert len(set(values)) == 3
    assert estimate.value == pytest.approx(np.median(values))
    variance = np.median(errors**2 + (values - np.median(values)) ** 2)
    assert estimate.standard_error == pytest.approx(np.sqrt(variance))


def test_experiment_with_known_propensity_and_useless_outcome_model():
    """With a constant outcome model the estimate is inverse probability weighting."""
    from sklearn.dummy import DummyRegressor

    table = make_table()
    learner = TLearner(
        DummyRegressor(strategy="constant", constant=0.0), KnownPropensity(0.4)
    )
    learner.fit(table.X, table.y, treatment=table.treatment)
    treated = table.treatment == 1
    expected = np.mean(treated * table.y / 0.4 - ~treated * table.y / 0.6)
    assert learner.average_effect().value == pytest.approx(expected)


# ------------------------------------------------------------ continuous treatment
@pytest.fixture
def line(monkeypatch):
    """Let the models of slopes and variances, too, be least squares."""
    monkeypatch.setattr(_crossfit, "default_regressor", lambda n: LinearRegression())


def slope_residuals(table, weight=None):
    u = table.y - out_of_fold(table, table.y, weight)
    v = table.treatment - out_of_fold(table, table.treatment, weight)
    return u, v


@pytest.mark.parametrize("name", ["S", "R"])
def test_continuous_overlap_is_the_partially_linear_coefficient(name, rng):
    table = make_table("continuous")
    for weight in (None, rng.uniform(0.5, 2, 90)):
        learner = fit(
            name, table, sample_weight=weight, treatment_model=LinearRegression()
        )
        u, v = slope_residuals(table, weight)
        w = 1 if weight is None else weight
        value = (w * v * u).sum() / (w * v**2).sum()
        influence = w * v * (u - value * v) / (w * v**2).mean()
        estimate = learner.average_effect(target="overlap")
        check(estimate, value, influence)
        assert estimate.labels == ("slope",)


@pytest.mark.parametrize("name", ["S", "R"])
@pytest.mark.usefixtures("line")
def test_continuous_all_debiases_out_of_fold_slopes(name):
    table = make_table("continuous")
    u, v = slope_residuals(table)
    slopes = out_of_fold(table, u / v, v**2)
    variance = out_of_fold(table, v**2)
    floor = 0.05 * (v**2).mean()
    assert variance.min() > floor
    scores = slopes + v * (u - v * slopes) / variance
    learner = fit(name, table, treatment_model=LinearRegression())
    estimate = learner.average_effect(target="all")
    check(estimate, scores.mean(), scores - scores.mean())
    where = table.X[:, 0] > 0
    part = learner.average_effect(where=where)
    assert part.value == pytest.approx(scores[where].mean())
    both = learner.average_effect(by=where)
    assert both.labels == (False, True)
    assert both[True].value == pytest.approx(part.value)


@pytest.mark.usefixtures("line")
def test_continuous_variance_near_zero_is_raised_with_a_warning():
    table = make_table("continuous")
    table.treatment = 0.1 * table.X[:, 0] ** 3 + np.where(
        table.X[:, 0] > 0, 0.01, 1
    ) * (table.treatment)
    learner = fit("R", table, treatment_model=LinearRegression())
    u, v = slope_residuals(table)
    slopes = out_of_fold(table, u / v, v**2)
    variance = out_of_fold(table, v**2)
    floor = 0.05 * (v**2).mean()
    assert variance.min() < floor
    scores = slopes + v * (u - v * slopes) / np.maximum(variance, floor)
    with pytest.warns(UserWarning, match="hardly varies given X in"):
        estimate = learner.average_effect()
    assert estimate.value == pytest.approx(scores.mean())
