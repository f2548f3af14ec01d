"""PartiallyLinear: least squares in closed form, truth over draws, other targets."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.datasets import make_observational
from skcausal.estimation import AIPW, PartiallyLinear
from tests.estimation.helpers import hand_error, logit, make_table, out_of_fold

LINE = LinearRegression()


def in_sample(X, values):
    """Return a model of the values whose predictions on X are those of the sample."""
    return FrozenEstimator(LinearRegression().fit(X, values))


@pytest.mark.parametrize("groups", [None, np.arange(90) // 3])
def test_in_sample_linear_nuisances_give_least_squares(groups):
    table = make_table("continuous")
    learner = PartiallyLinear(
        in_sample(table.X, table.y), in_sample(table.X, table.treatment), cv=3
    ).fit(table.X, table.y, treatment=table.treatment, groups=groups)
    Z = sm.add_constant(np.column_stack([table.treatment, table.X]))
    plain = sm.OLS(table.y, Z).fit(cov_type="HC0")
    estimate = learner.average_effect()
    assert estimate.value == pytest.approx(plain.params[1])
    if groups is None:
        error = plain.bse[1] * np.sqrt(90 / 89)
    else:
        options = {"groups": groups, "use_correction": False}
        clustered = sm.OLS(table.y, Z).fit(cov_type="cluster", cov_kwds=options)
        error = clustered.bse[1] * np.sqrt(30 / 29)
    assert estimate.standard_error == pytest.approx(error)
    np.testing.assert_allclose(learner.effect(table.X), plain.params[1])
    slopes = learner.effect(table.X, treated=3.0, control=1.0)
    np.testing.assert_allclose(slopes, 2 * plain.params[1])


@pytest.mark.parametrize("kind", ["continuous", "binary"])
@pytest.mark.parametrize("moment", ["residual", "instrument"])
@pytest.mark.parametrize("weighted", [False, True])
def test_formulas_written_out(kind, moment, weighted):
    table = make_table(kind)
    w = np.random.default_rng(1).uniform(0.5, 2, 90) if weighted else np.ones(90)
    model = LINE if kind == "continuous" else logit()
    learner = PartiallyLinear(LINE, model, moment=moment, cv=table.splits)
    learner.fit(
        table.X,
        table.y,
        treatment=table.treatment,
        sample_weight=w if weighted else None,
    )
    t = table.treatment
    if kind == "continuous":
        mean = out_of_fold(table, t, w)
    else:
        mean = np.empty(90)
        for train, test in table.splits:
            one = logit().fit(table.X[train], t[train], sample_weight=w[train])
            mean[test] = one.predict_proba(table.X[test])[:, 1]
    v = t - mean
    u = table.y - out_of_fold(table, table.y, w)
    value = (w * v) @ u / ((w * v) @ v)
    influence = w * v * (u - value * v) / np.mean(w * v**2)
    if moment == "instrument":
        g = out_of_fold(table, table.y - value * t, w)
        value = (w * v) @ (table.y - g) / ((w * v) @ t)
        influence = w * v * (table.y - g - value * t) / np.mean(w * v * t)
    estimate = learner.average_effect()
    assert estimate.value == pytest.approx(value)
    assert estimate.standard_error == pytest.approx(hand_error(influence))
    assert learner.average_effect_.value == estimate.value


@pytest.mark.parametrize("moment", ["residual", "instrument"])
@pytest.mark.parametrize("kind", ["continuous", "binary"])
def test_truth_over_draws(kind, moment):
    distances = []
    for seed in range(12):
        data = make_observational(
            600, 4, treatment=kind, effect="constant", random_state=seed
        )
        model = LINE if kind == "continuous" else LogisticRegression()
        learner = PartiallyLinear(LINE, model, moment=moment, cv=3, random_state=0)
        learner.fit(data.X, data.y, treatment=data.treatment)
        estimate = learner.average_effect()
        distances.append(
            (estimate.value - data.average_effect) / estimate.standard_error
        )
    assert abs(np.mean(distances)) < 4 / np.sqrt(12)
    assert stats.chi2(12).sf(np.sum(np.square(distances))) > 1e-4


def test_default_models_with_the_instrument_moment():
    data = make_observational(1000, 4, effect="constant", random_state=0)
    learner = PartiallyLinear(moment="instrument", cv=2, random_state=0)
    learner.fit(data.X, data.y, treatment=data.treatment)
    estimate = learner.average_effect()
    assert abs(estimate.value - data.average_effect) < 4 * estimate.standard_error


def test_varying_effects_give_the_overlap_weighted_average():
    distances = []
    for seed in range(8):
        data = make_observational(1500, 4, effect="linear", random_state=seed)
        learner = PartiallyLinear(LINE, LogisticRegression(), cv=3, random_state=0)
        learner.fit(data.X, data.y, treatment=data.treatment)
        estimate = learner.average_effect()
        distances.append(
            (estimate.value - data.average_effect_overlap) / estimate.standard_error
        )
    assert abs(np.mean(distances)) < 4 / np.sqrt(8)


@pytest.mark.parametrize("target", ["all", "treated", "control"])
def test_other_targets_are_those_of_aipw(target):
    table = make_table()
    options = {"cv": table.splits, "random_state": 0}
    learner = PartiallyLinear(LINE, logit(), **options)
    peer = AIPW(LINE, logit(), **options)
    for one in (learner, peer):
        one.fit(table.X, table.y, treatment=table.treatment)
    by = table.X[:, 0] > 0
    mine, other = (one.average_effect(target=target, by=by) for one in (learner, peer))
    np.testing.assert_allclose(mine.value, other.value)
    np.testing.assert_allclose(mine.standard_error, other.standard_error)
    assert mine.labels == (False, True)


def test_average_slope_of_everyone():
    data = make_observational(
        800, 4, treatment="continuous", effect="linear", random_state=0
    )
    learner = PartiallyLinear(LINE, LINE, random_state=0)
    learner.fit(data.X, data.y, treatment=data.treatment)
    estimate = learner.average_effect(target="all")
    assert abs(estimate.value - data.average_effect) < 4 * estimate.standard_error
    with pytest.raises(ValueError, match="target='treated' needs arms"):
        learner.average_effect(target="treated")


def test_repetitions_subgroups_and_projection():
    table = make_table("continuous")
    learner = PartiallyLinear(
        LINE, LINE, moment="instrument", cv=3, n_repeats=3, random_state=0
    ).fit(table.X, table.y, treatment=table.treatment)
    estimate = learner.average_effect()
    assert estimate.values.shape == (3, 1)
    assert np.ptp(estimate.values) > 0
    by = np.where(table.X[:, 0] > 0, "high", "low")
    parts = learner.average_effect(by=by)
    assert parts.labels == ("high", "low")
    only = learner.average_effect(where=by == "low")
    assert only.value == pytest.approx(parts["low"].value)
    flat = learner.best_linear_projection(np.empty((90, 0)), target="overlap")
    np.testing.assert_allclose(flat.value, estimate.value, rtol=1e-6)


def test_binary_outcomes():
    rng = np.random.default_rng(0)
    X, t = rng.normal(size=(800, 2)), rng.integers(0, 2, 800)
    y = rng.binomial(1, 0.4 + 0.2 * t)
    for options in (
        {"outcome_model": LogisticRegression()},
        {"outcome_model": LINE, "moment": "instrument"},
    ):
        learner = PartiallyLinear(treatment_model=LogisticRegression(), **options)
        estimate = learner.fit(X, y, treatment=t).average_effect()
        assert abs(estimate.value - 0.2) < 4 * estimate.standard_error
        assert 0.02 < estimate.standard_error < 0.05


def test_what_cannot_work_is_refused():
    table = make_table()
    arguments = (table.X, table.y)
    with pytest.raises(ValueError, match="'residual' or 'instrument', got 'iv'"):
        PartiallyLinear(moment="iv").fit(*arguments, treatment=table.treatment)
    learner = PartiallyLinear(LogisticRegression(), moment="instrument")
    with pytest.raises(ValueError, match=r"no class.*Use a regressor"):
        learner.fit(table.X, table.y > 0, treatment=table.treatment)
    learner = PartiallyLinear(LINE, logit()).fit(*arguments, treatment=table.treatment)
    with pytest.raises(ValueError, match="scale='ratio' needs mean outcomes"):
        learner.average_effect(scale="ratio")
