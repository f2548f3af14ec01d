"""Each learner equals its formula, computed again with least squares in NumPy."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, Ridge

from skcausal.estimation import DRLearner, KnownPropensity, RLearner, XLearner
from tests.estimation.helpers import (
    LEARNERS,
    MULTI_ARMS,
    SeenRegressor,
    hand_nuisances,
    learner_of,
    logit,
    make_table,
    ols,
    out_of_fold,
)


@pytest.fixture
def binary():
    return make_table()


@pytest.fixture
def multi():
    return make_table("multi", 120)


@pytest.fixture
def continuous():
    return make_table("continuous")


def fit(name, table, **options):
    if table.treatment.dtype.kind == "U":
        options["control_arm"] = "none"
    learner = learner_of(name, cv=table.splits, random_state=0, **options)
    return learner.fit(table.X, table.y, treatment=table.treatment)


def arm_rows(table, arm):
    rows = table.codes == arm
    return table.X[rows], table.y[rows]


# --------------------------------------------------------------------- S-learner
def test_s_learner_binary(binary):
    effects = fit("S", binary).effect(binary.X)
    Z = np.column_stack([np.ones(len(binary.y)), binary.X, binary.treatment])
    coefficient = np.linalg.solve(Z.T @ Z, Z.T @ binary.y)[-1]
    np.testing.assert_allclose(effects, coefficient)


def test_s_learner_multi(multi):
    learner = fit("S", multi)
    indicators = np.eye(3)[multi.codes][:, 1:]
    Z = np.column_stack([np.ones(len(multi.y)), multi.X, indicators])
    expected = np.linalg.solve(Z.T @ Z, Z.T @ multi.y)[-2:]
    effects = learner.effect(multi.X)
    assert learner.arms_.tolist() == list(MULTI_ARMS)
    np.testing.assert_allclose(effects, np.tile(expected, (len(multi.y), 1)))


def test_s_learner_continuous(continuous):
    learner = fit("S", continuous, treatment_model=LinearRegression())
    Z = np.column_stack([np.ones(len(continuous.y)), continuous.X])
    Z = np.column_stack([Z, continuous.treatment])
    slope = np.linalg.solve(Z.T @ Z, Z.T @ continuous.y)[-1]
    X = continuous.X[:4]
    np.testing.assert_allclose(learner.effect(X), slope)
    np.testing.assert_allclose(learner.effect(X, treated=3, control=1), 2 * slope)
    outcome = learner.predict_outcome(X, 2.0) - learner.predict_outcome(X, 0.0)
    np.testing.assert_allclose(outcome, 2 * slope)


# --------------------------------------------------------------------- T-learner
@pytest.mark.parametrize("kind", ["binary", "multi"])
def test_t_learner(kind):
    table = make_table(kind, 120)
    learner = fit("T", table)
    means = [
        ols(*arm_rows(table, arm), table.X) for arm in range(table.codes.max() + 1)
    ]
    expected = np.column_stack([mean - means[0] for mean in means[1:]])
    effects = learner.effect(table.X)
    np.testing.assert_allclose(
        effects, expected[:, 0] if kind == "binary" else expected
    )
    for arm, mean in zip(learner.arms_, means, strict=True):
        np.testing.assert_allclose(learner.predict_outcome(table.X, arm), mean)


# --------------------------------------------------------------------- X-learner
@pytest.mark.parametrize("kind", ["binary", "multi"])
def test_x_learner_blends_imputed_effects(kind):
    table = make_table(kind, 120)
    effects = fit("X", table).effect(table.X).reshape(len(table.y), -1)
    propensity = logit().fit(table.X, table.codes).predict_proba(table.X)
    X_0, y_0 = arm_rows(table, 0)
    for arm in range(1, table.codes.max() + 1):
        X_a, y_a = arm_rows(table, arm)
        from_arm = ols(X_a, y_a - ols(X_0, y_0, X_a), table.X)
        from_control = ols(X_0, ols(X_a, y_a, X_0) - y_0, table.X)
        share = propensity[:, arm] / (propensity[:, arm] + propensity[:, 0])
        expected = share * from_control + (1 - share) * from_arm
        np.testing.assert_allclose(effects[:, arm - 1], expected, rtol=1e-6)


class Cubic(LinearRegression):
    """Least squares on cubes: imputed effects then differ between the two sides."""

    def fit(self, X, y, sample_weight=None):
        return super().fit(X**3, y, sample_weight)

    def predict(self, X):
        return super().predict(X**3)


def test_x_learner_blends_by_known_propensity(binary):
    learner = XLearner(Cubic(), KnownPropensity(0.25), LinearRegression())
    learner.fit(binary.X, binary.y, treatment=binary.treatment)
    X_0, y_0 = arm_rows(binary, 0)
    X_1, y_1 = arm_rows(binary, 1)
    from_control = ols(X_0, ols(X_1**3, y_1, X_0**3) - y_0, binary.X)
    from_treated = ols(X_1, y_1 - ols(X_0**3, y_0, X_1**3), binary.X)
    expected = 0.25 * from_control + 0.75 * from_treated
    np.testing.assert_allclose(learner.effect(binary.X), expected)
    assert not np.allclose(from_control, from_treated)


# --------------------------------------------------------------------- R-learner
def test_r_learner_binary_is_weighted_least_squares(binary):
    learner = fit("R", binary)
    _, e = hand_nuisances(binary)
    u = binary.y - out_of_fold(binary, binary.y)
    v = binary.treatment - e[:, 1]
    expected = ols(binary.X, u / v, binary.X, v**2)
    np.testing.assert_allclose(learner.effect(binary.X), expected, rtol=1e-6)
    # The same problem without division: u on v and v X.
    design = np.column_stack([v, v[:, None] * binary.X])
    slopes = np.linalg.solve(design.T @ design, design.T @ u)
    direct = np.column_stack([np.ones(len(u)), binary.X]) @ slopes
    np.testing.assert_allclose(learner.effect(binary.X), direct, rtol=1e-6)


def test_r_learner_continuous(continuous):
    learner = fit("R", continuous, treatment_model=LinearRegression())
    u = continuous.y - out_of_fold(continuous, continuous.y)
    v = continuous.treatment - out_of_fold(continuous, continuous.treatment)
    expected = ols(continuous.X, u / v, continuous.X, v**2)
    np.testing.assert_allclose(learner.effect(continuous.X), expected)
    change = learner.effect(continuous.X, treated=0.5, control=2)
    np.testing.assert_allclose(change, -1.5 * expected)


def test_r_learner_multi_is_one_problem_per_arm(multi):
    effects = fit("R", multi).effect(multi.X)
    _, e = hand_nuisances(multi)
    codes = multi.codes
    for arm in (1, 2):
        pair = (codes == arm) | (codes == 0)
        mean = np.empty(len(codes))
        for train, test in multi.splits:
            rows = train[pair[train]]
            mean[test] = ols(multi.X[rows], multi.y[rows], multi.X[test])
        v = (codes == arm)[pair] - (e[:, arm] / (e[:, arm] + e[:, 0]))[pair]
        u = (multi.y - mean)[pair]
        expected = ols(multi.X[pair], u / v, multi.X, v**2)
        np.testing.assert_allclose(effects[:, arm - 1], expected, rtol=1e-6)


def test_r_learner_repeats_stack_the_problems(binary):
    learner = learner_of("R", cv=3, n_repeats=2, random_state=0)
    learner.fit(binary.X, binary.y, treatment=binary.treatment)
    u = binary.y - learner.nuisances_["outcome"][:, :, 0]
    v = binary.treatment - learner.nuisances_["treatment_mean"][:, :, 1]
    both = np.vstack([binary.X, binary.X])
    expected = ols(both, (u / v).ravel(), binary.X, (v**2).ravel())
    assert not np.allclose(u[0], u[1])
    np.testing.assert_allclose(learner.effect(binary.X), expected)


def pooled_means(table):
    """Predict every arm's outcome out of fold by one model of X and indicators."""
    indicators = np.eye(table.codes.max() + 1)[:, 1:]
    Z = np.column_stack([table.X, indicators[table.codes]])
    means = np.empty((len(table.y), len(indicators)))
    for train, test in table.splits:
        for arm, indicator in enumerate(indicators):
            at = np.tile(indicator, (len(test), 1))
            new = np.column_stack([table.X[test], at])
            means[test, arm] = ols(Z[train], table.y[train], new)
    return means


@pytest.mark.parametrize("kind", ["binary", "multi"])
def test_r_learner_with_a_blended_mean(kind):
    table = make_table(kind, 120)
    learner = fit("R", table, outcome_mean="blended")
    effects = learner.effect(table.X).reshape(len(table.y), -1)
    mu, (_, e) = pooled_means(table), hand_nuisances(table)
    for arm in range(1, table.codes.max() + 1):
        pair = (table.codes == arm) | (table.codes == 0)
        share = e[:, arm] / (e[:, arm] + e[:, 0])
        u = (table.y - share * mu[:, arm] - (1 - share) * mu[:, 0])[pair]
        v = ((table.codes == arm) - share)[pair]
        expected = ols(table.X[pair], u / v, table.X, v**2)
        np.testing.assert_allclose(effects[:, arm - 1], expected, rtol=1e-6)


def test_r_learner_blends_by_default(binary):
    assert RLearner().outcome_mean == "blended"
    with pytest.raises(ValueError, match="must be 'blended' or 'direct', got 'mean'"):
        fit("R", binary, outcome_mean="mean")


# -------------------------------------------------------------------- DR-learner
@pytest.mark.parametrize("kind", ["binary", "multi"])
def test_dr_learner_regresses_scores(kind):
    table = make_table(kind, 120)
    learner = fit("DR", table)
    mu, e = hand_nuisances(table)
    effects = learner.effect(table.X).reshape(len(table.y), -1)
    is_0 = table.codes == 0
    psi_0 = mu[:, 0] + is_0 * (table.y - mu[:, 0]) / e[:, 0]
    for arm in range(1, table.codes.max() + 1):
        is_a = table.codes == arm
        psi = mu[:, arm] + is_a * (table.y - mu[:, arm]) / e[:, arm] - psi_0
        np.testing.assert_allclose(learner.scores_[:, arm - 1], psi, rtol=1e-6)
        expected = ols(table.X, psi, table.X)
        np.testing.assert_allclose(effects[:, arm - 1], expected, rtol=1e-6)


@pytest.mark.parametrize("kind", ["binary", "multi"])
def test_dr_learner_with_overlap_weights(kind, rng):
    """Rows count by how comparable their arms are: e_a e_0 / (e_a + e_0)."""
    table = make_table(kind, 120)
    weight = rng.uniform(0.5, 2, 120)
    control = 0 if kind == "binary" else "none"
    learner = learner_of(
        "DR", cv=table.splits, weighting="overlap", control_arm=control
    )
    learner.fit(table.X, table.y, treatment=table.treatment, sample_weight=weight)
    _, e = hand_nuisances(table, weight)
    effects = learner.effect(table.X).reshape(120, -1)
    for arm in range(1, table.codes.max() + 1):
        overlap = e[:, arm] * e[:, 0] / (e[:, arm] + e[:, 0])
        scores = learner.scores_[:, arm - 1]
        expected = ols(table.X, scores, table.X, weight * overlap)
        np.testing.assert_allclose(effects[:, arm - 1], expected, rtol=1e-6)


def test_dr_learner_weights_by_overlap_by_default(binary):
    assert DRLearner().weighting == "overlap"
    with pytest.raises(ValueError, match="must be 'overlap' or 'uniform', got 'none'"):
        fit("DR", binary, weighting="none")


@pytest.mark.parametrize("kind", ["binary", "multi"])
def test_dr_learner_with_one_outcome_model(kind):
    table = make_table(kind, 120)
    learner = fit("DR", table, outcome_by_arm=False)
    mu, e = hand_nuisances(table, pooled=True)
    arms = np.eye(mu.shape[1])[table.codes]
    psi = mu + arms * (table.y[:, None] - mu) / e
    expected = psi[:, 1:] - psi[:, :1]
    np.testing.assert_allclose(learner.scores_, expected, rtol=1e-6)
    average = np.ravel(learner.average_effect().value)
    np.testing.assert_allclose(average, expected.mean(axis=0), rtol=1e-6)


def test_dr_learner_averages_effect_models_of_disjoint_parts(rng):
    """Each group is in one part; the mean of the parts' models is the effect."""
    table = make_table("multi", 120)
    groups = rng.integers(15, size=120)
    learner = learner_of("DR", cv=3, control_arm="none", n_effect_parts=3)
    learner.set_params(effect_model=SeenRegressor(), random_state=0, min_propensity=0)
    learner.fit(table.X, table.y, treatment=table.treatment, groups=groups)
    for model in learner.effect_models_:
        seen = np.stack([np.isin(table.X[:, 0], m.seen_) for m in model.estimators_])
        np.testing.assert_array_equal(seen.sum(axis=0), 1)
        part = seen.argmax(axis=0)
        assert all(len(set(part[groups == g])) == 1 for g in np.unique(groups))
    np.testing.assert_allclose(learner.effect(table.X), 1 / 3)


def test_number_of_effect_models(binary):
    def count(**options):
        model = fit("DR", binary, n_effect_parts="auto", **options).effect_models_[0]
        return len(getattr(model, "estimators_", [model]))

    assert count() == 1
    assert count(effect_model=Ridge()) == 2
    for wrong in (0, 1.5, "two"):
        with pytest.raises(ValueError, match="n_effect_parts must be a positive int"):
            fit("DR", binary, n_effect_parts=wrong)
    assert not hasattr(learner_of("DR", n_effect_parts=2), "effect_interval")


def test_dr_learner_repeats_average_the_scores(binary):
    learner = learner_of("DR", cv=3, n_repeats=3, random_state=0)
    learner.fit(binary.X, binary.y, treatment=binary.treatment)
    scores = []
    for mu, e in zip(
        learner.nuisances_["outcome_by_arm"],
        learner.nuisances_["propensity"],
        strict=True,
    ):
        t = binary.treatment
        treated = mu[:, 1] + t * (binary.y - mu[:, 1]) / e[:, 1]
        control = mu[:, 0] + (1 - t) * (binary.y - mu[:, 0]) / e[:, 0]
        scores.append(treated - control)
    np.testing.assert_allclose(learner.scores_[:, 0], np.mean(scores, axis=0))


def test_small_propensities_are_raised_and_recorded(binary):
    e = np.where(np.arange(len(binary.y)) < 5, 0.02, 0.5)
    learner = learner_of(
        "DR", cv=3, min_propensity=0.1, treatment_model=KnownPropensity(e)
    )
    with pytest.warns(UserWarning, match="5 of 90 rows have a propensity below"):
        learner.fit(binary.X, binary.y, treatment=binary.treatment)
    mu = learner.nuisances_["outcome_by_arm"][0]
    t, raised = binary.treatment, np.maximum(e, 0.1)
    treated = mu[:, 1] + t * (binary.y - mu[:, 1]) / raised
    control = mu[:, 0] + (1 - t) * (binary.y - mu[:, 0]) / (1 - e)
    np.testing.assert_allclose(learner.scores_[:, 0], treated - control)
    assert learner.n_raised_propensities_ == 5


# ------------------------------------------------------------------ all learners
@pytest.mark.parametrize("name", ["X", "R", "DR"])
def test_effect_features_restrict_the_effect(name, binary):
    learner = fit(name, binary, effect_features=[1])
    changed = binary.X.copy()
    changed[:, 0] += 1
    same = np.allclose(learner.effect(binary.X), learner.effect(changed))
    assert same is (name != "X")  # the X-learner still blends by all of X
    for model in np.ravel(learner.effect_models_):
        assert model.n_features_in_ == 1


@pytest.mark.parametrize("name", LEARNERS)
def test_contrasts_of_arms(name, multi):
    learner = fit(name, multi)
    X = multi.X[:5]
    call, mail = learner.effect(X).T
    np.testing.assert_allclose(learner.effect(X, treated="call"), call)
    swapped = learner.effect(X, treated="none", control="call")
    np.testing.assert_allclose(swapped, -call)
    pair = learner.effect(X, treated="mail", control="call")
    np.testing.assert_allclose(pair, mail - call)
    np.testing.assert_array_equal(learner.predict(X), learner.effect(X))


@pytest.mark.parametrize("name", LEARNERS)
def test_swapping_two_arms(name, binary):
    learner = fit(name, binary)
    X = binary.X[:5]
    np.testing.assert_allclose(learner.effect(X, control=1), -learner.effect(X))
    other = fit(name, binary, control_arm=1)
    np.testing.assert_allclose(other.effect(X), -learner.effect(X), rtol=1e-6)


def test_r_learner_with_known_propensity(binary):
    learner = fit("R", binary, treatment_model=KnownPropensity(0.4))
    u = binary.y - out_of_fold(binary, binary.y)
    v = binary.treatment - 0.4
    expected = ols(binary.X, u / v, binary.X, v**2)
    np.testing.assert_allclose(learner.effect(binary.X), expected)
