"""EffectStacking: weights on the simplex that follow the held-out R-loss."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal import causal_target, effect_of
from skcausal.datasets import make_observational
from skcausal.estimation import EffectStacking, KnownPropensity, SLearner, TLearner
from tests.estimation.helpers import learner_of, logit, make_table, out_of_fold

METHODS = ("q_aggregation", "convex")
LINE = LinearRegression()


def stack(learners, **options):
    options = {"outcome_model": LINE, "propensity_model": logit()} | options
    return EffectStacking(learners, random_state=0, **options)


@pytest.fixture(scope="module")
def data():
    """Strong linear effects: the T-learner is right, the S-learner misses them."""
    return make_observational(1500, effect="linear", noise=0.5, random_state=0)


# --------------------------------------------------------------------------- weights
@pytest.mark.parametrize("method", METHODS)
def test_weights_are_on_the_simplex_and_pick_the_good_one(method, data):
    candidates = [("s", SLearner(LINE)), ("t", TLearner(LINE)), ("r", learner_of("R"))]
    stacking = stack(candidates, method=method)
    stacking.fit(data.X, data.y, treatment=data.treatment)
    assert stacking.weights_.shape == stacking.losses_.shape == (3,)
    assert stacking.weights_.min() >= 0
    assert stacking.weights_.sum() == pytest.approx(1)
    assert stacking.weights_[0] < 0.05
    assert stacking.losses_.argmax() == 0
    error = np.mean((stacking.effect(data.X) - data.effect) ** 2)
    s_error = np.mean((stacking.learners_[0].effect(data.X) - data.effect) ** 2)
    assert error < s_error / 5


@pytest.mark.parametrize("method", METHODS)
def test_weights_minimise_the_objective(method):
    """A grid over the simplex of two finds no better point."""
    table = make_table(n_rows=300)
    splits = table.splits
    candidates = [("s", SLearner(LINE)), ("r", learner_of("R", cv=3, random_state=1))]
    stacking = stack(
        candidates, method=method, cv=splits, propensity_model=KnownPropensity(0.5)
    ).fit(table.X, table.y, treatment=table.treatment)
    tau = np.empty((2, 300))
    for train, test in splits:
        for k, (_, candidate) in enumerate(candidates):
            copy = clone(candidate)
            copy.fit(table.X[train], table.y[train], treatment=table.treatment[train])
            tau[k, test] = copy.effect(table.X[test])
    u = table.y - out_of_fold(table, table.y)
    v = table.treatment - 0.5
    loss = ((u - tau * v) ** 2).mean(axis=1)
    np.testing.assert_allclose(stacking.losses_, loss)
    nu = 0.5 if method == "q_aggregation" else 0
    grid = np.linspace(0, 1, 1001)
    weights = np.column_stack([grid, 1 - grid])
    ensemble = ((u - weights @ tau * v) ** 2).mean(axis=1)
    best = weights[((1 - nu) * ensemble + nu * weights @ loss).argmin()]
    np.testing.assert_allclose(stacking.weights_, best, atol=2e-3)


@pytest.mark.parametrize("method", METHODS)
def test_units_of_the_outcome_do_not_matter(method, data):
    candidates = [("s", SLearner(LINE)), ("t", TLearner(LINE))]
    weights = []
    for scale in (1e-4, 1, 1e5):
        stacking = stack(candidates, method=method)
        stacking.fit(data.X, scale * data.y, treatment=data.treatment)
        weights.append(stacking.weights_)
    np.testing.assert_allclose(weights[0], weights[1], atol=1e-3)
    np.testing.assert_allclose(weights[2], weights[1], atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_twins_share_and_one_candidate_takes_all(method, data):
    alone = stack([("t", TLearner(LINE))], method=method)
    alone.fit(data.X, data.y, treatment=data.treatment)
    assert alone.weights_.tolist() == [1]
    twins = stack([("a", TLearner(LINE)), ("b", TLearner(LINE))], method=method)
    twins.fit(data.X, data.y, treatment=data.treatment)
    np.testing.assert_allclose(twins.effect(data.X), alone.effect(data.X))


def test_weights_and_groups_are_passed_on(data, rng):
    weight, groups = rng.uniform(0.5, 2, 1500), rng.integers(100, size=1500)
    candidates = [("s", SLearner(LINE)), ("t", TLearner(LINE))]
    stacking = stack(candidates).fit(
        data.X, data.y, treatment=data.treatment, sample_weight=weight, groups=groups
    )
    expected = TLearner(LINE).fit(
        data.X, data.y, treatment=data.treatment, sample_weight=weight
    )
    np.testing.assert_allclose(
        stacking.learners_[1].effect(data.X), expected.effect(data.X)
    )
    estimate = stacking.average_effect()
    np.testing.assert_array_equal(estimate.groups, groups)


# ----------------------------------------------------------------------- the ensemble
def test_effects_are_the_weighted_sum(data):
    candidates = [("s", SLearner(LINE)), ("t", TLearner(LINE))]
    stacking = stack(candidates, method="convex")
    stacking.fit(data.X, data.y, treatment=data.treatment)
    parts = np.column_stack([one.effect(data.X) for one in stacking.learners_])
    np.testing.assert_allclose(stacking.effect(data.X), parts @ stacking.weights_)
    np.testing.assert_array_equal(stacking.predict(data.X), stacking.effect(data.X))
    swapped = stacking.effect(data.X, treated=0, control=1)
    np.testing.assert_allclose(swapped, -stacking.effect(data.X))
    best = stacking.learners_[int(stacking.weights_.argmax())]
    assert stacking.average_effect().value == best.average_effect().value


def test_several_arms():
    data = make_observational(1500, treatment="multi", noise=0.5, random_state=0)
    candidates = [
        ("s", SLearner(LINE, control_arm=0)),
        ("t", TLearner(LINE, control_arm=0)),
        ("none", TLearner(DummyRegressor(), control_arm=0)),
    ]
    stacking = stack(candidates).fit(data.X, data.y, treatment=data.treatment)
    assert stacking.arms_.tolist() == [0, 1, 2]
    assert stacking.weights_[1] > 0.9
    effects = stacking.effect(data.X)
    assert effects.shape == data.effect.shape == (1500, 2)
    assert np.sqrt(np.mean((effects - data.effect) ** 2)) < 0.35
    assert stacking.average_effect().labels == ("1 vs 0", "2 vs 0")


def test_continuous_treatment():
    data = make_observational(1500, treatment="continuous", random_state=0)
    candidates = [
        ("s", SLearner(LINE, LINE)),
        ("r", learner_of("R", treatment_model=LINE)),
    ]
    stacking = stack(candidates, propensity_model=LINE)
    stacking.fit(data.X, data.y, treatment=data.treatment)
    assert stacking.weights_[1] > 0.9
    double = stacking.effect(data.X, treated=2)
    np.testing.assert_allclose(double, 2 * stacking.effect(data.X))


def test_pipelines_inside_and_out(data):
    target = causal_target(data.y, data.treatment)
    candidates = [
        ("scaled", make_pipeline(StandardScaler(), TLearner(LINE))),
        ("s", SLearner(LINE)),
    ]
    pipeline = make_pipeline(StandardScaler(), stack(candidates)).fit(data.X, target)
    plain = TLearner(LINE).fit(data.X, target)
    weight = pipeline[-1].weights_[0]
    assert weight > 0.9
    error = np.abs(effect_of(pipeline).effect(data.X) - plain.effect(data.X)).max()
    assert error < 5 * (1 - weight) + 1e-9


def test_parameters_of_candidates_can_be_set(data):
    stacking = stack([("s", SLearner(LINE)), ("t", TLearner(clone(LINE)))])
    stacking.set_params(t__outcome_model__fit_intercept=False, s=TLearner(LINE))
    assert stacking.get_params()["t__outcome_model__fit_intercept"] is False
    assert isinstance(stacking.learners[0][1], TLearner)
    copy = clone(stacking).set_params(method="convex")
    copy.fit(data.X, data.y, treatment=data.treatment)
    assert [type(one).__name__ for one in copy.learners_] == ["TLearner", "TLearner"]


def test_results_do_not_depend_on_n_jobs(data):
    weights = []
    for n_jobs in (1, 2):
        stacking = stack([("s", SLearner(LINE)), ("t", TLearner(LINE))], n_jobs=n_jobs)
        stacking.fit(data.X, data.y, treatment=data.treatment)
        weights.append(stacking.weights_)
    np.testing.assert_array_equal(*weights)


# ------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("learners", "options", "message"),
    [
        ([], {}, r"must be \(name, learner\) pairs"),
        ([("a", SLearner()), ("a", TLearner())], {}, "distinct names"),
        ([("a__b", SLearner())], {}, "must not contain __"),
        ([("a", SLearner())], {"method": "voting"}, "method must be one of 'q_aggreg"),
        ([("a", SLearner(LINE))], {"cv": KFold(200)}, "n_splits=200"),
    ],
)
def test_bad_parameters(learners, options, message):
    table = make_table()
    with pytest.raises(ValueError, match=message):
        stack(learners, **options).fit(table.X, table.y, treatment=table.treatment)


def test_folds_must_hold_out_each_row_once():
    table = make_table()
    learner = [("a", TLearner(LINE))]
    for splits in (table.splits[:2], [*table.splits[:2], table.splits[0]]):
        with pytest.raises(ValueError, match="hold out each row exactly once"):
            stack(learner, cv=splits).fit(table.X, table.y, treatment=table.treatment)
