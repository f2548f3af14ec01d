"""BalancedEffect: influences against finite differences, truth over seeds."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal import NoIntervalWarning, OverlapWarning, causal_target
from skcausal.estimation import (
    AIPW,
    BalancedEffect,
    CovariateBalancingPropensity,
    CrumpTrimming,
    EntropyBalancing,
    InverseProbabilityWeights,
    KnownPropensity,
    OverlapWeights,
    StableBalancingWeights,
)
from skcausal.testing import LAWS
from tests.estimation.helpers import make_table

EXACT = {
    "entropy": EntropyBalancing(),
    "entropy of squares": EntropyBalancing("control", moments=2),
    "entropy of treated": EntropyBalancing("treated"),
    "stable": StableBalancingWeights(tolerance=0),
    "inverse": InverseProbabilityWeights(),
    "inverse of treated": InverseProbabilityWeights(target="treated"),
    "inverse of controls": InverseProbabilityWeights(target="control"),
    "overlap": OverlapWeights(),
    "propensity": CovariateBalancingPropensity(),
    "propensity of treated": CovariateBalancingPropensity("treated"),
    "propensity of controls": CovariateBalancingPropensity("control"),
    "propensity of overlap": CovariateBalancingPropensity("overlap"),
}


def finite_differences(learner, table, rows, size=1e-5):
    """Return n times the derivative of the estimate by the weight of each row."""
    n = len(table.y)
    derivatives = []
    for row in rows:
        values = []
        for sign in (1, -1):
            weight = np.ones(n)
            weight[row] += sign * size
            fitted = clone(learner).fit(
                table.X, table.y, treatment=table.treatment, sample_weight=weight
            )
            values.append(np.atleast_1d(fitted.average_effect().value))
        derivatives.append(n * (values[0] - values[1]) / (2 * size))
    return np.array(derivatives)


def derivatives_of(fitted):
    """Return the influence before rows are left out, (n, n_contrasts)."""
    data = fitted._prepared
    weighting = clone(fitted.weighter)._solve(data, fitted._target, "test")
    sides = [
        weighting.mean(data.treatment == a, data.outcome, leave_one_out=False)[1]
        for a in range(data.n_arms)
    ]
    return np.column_stack([side - sides[0] for side in sides[1:]])


@pytest.mark.parametrize("name", EXACT)
def test_influence_is_the_derivative_by_the_weight_of_a_row(name):
    table = make_table("binary", 120)
    learner = BalancedEffect(EXACT[name])
    fitted = clone(learner).fit(table.X, table.y, treatment=table.treatment)
    rows = [0, 7, 23, 58, 101]
    expected = finite_differences(learner, table, rows)
    influence = derivatives_of(fitted)
    np.testing.assert_allclose(influence.mean(), 0, atol=1e-8 * influence.std())
    np.testing.assert_allclose(influence[rows], expected, rtol=1e-3, atol=2e-3)


@pytest.mark.parametrize("name", EXACT)
def test_influence_is_the_change_when_a_row_is_left_out(name):
    table = make_table("binary", 150)
    learner = BalancedEffect(EXACT[name])
    fitted = clone(learner).fit(table.X, table.y, treatment=table.treatment)
    influence = fitted.average_effect().influence
    assert influence.mean() == pytest.approx(0, abs=1e-8 * influence.std())
    rows = np.argsort(-np.abs(influence))[:6]
    changes = []
    for row in rows:
        keep = np.arange(150) != row
        other = clone(learner).fit(
            table.X[keep], table.y[keep], treatment=table.treatment[keep]
        )
        change = fitted.average_effect().value - other.average_effect().value
        changes.append(149 * change)
    plain = derivatives_of(fitted)[rows, 0]
    error = np.abs(influence[rows] - changes).max()
    assert error < 0.04 * np.abs(changes).max()
    assert error < np.abs(plain - changes).max()


@pytest.mark.parametrize(
    "weighter",
    [
        EntropyBalancing(control_arm="none"),
        InverseProbabilityWeights(control_arm="none"),
        InverseProbabilityWeights(target="control", control_arm="none"),
        OverlapWeights(control_arm="none"),
    ],
    ids=str,
)
def test_influence_with_several_arms(weighter):
    table = make_table("multi", 150)
    learner = BalancedEffect(weighter, control_arm="none")
    fitted = clone(learner).fit(table.X, table.y, treatment=table.treatment)
    rows = [0, 7, 23, 58]
    expected = finite_differences(learner, table, rows)
    influence = derivatives_of(fitted)[rows]
    np.testing.assert_allclose(influence, expected, rtol=1e-3, atol=5e-3)


def test_influence_of_a_penalised_propensity():
    """The penalty is fixed, so weights of all rows count: differences are compared."""
    table = make_table("binary", 120)
    model = LogisticRegression(C=0.1, solver="newton-cholesky", tol=1e-12)
    learner = BalancedEffect(InverseProbabilityWeights(model))
    fitted = clone(learner).fit(table.X, table.y, treatment=table.treatment)
    rows = [0, 7, 23, 58, 101]
    expected = finite_differences(learner, table, rows)
    influence = derivatives_of(fitted)[rows]
    np.testing.assert_allclose(
        influence - influence[0], expected - expected[0], rtol=1e-4, atol=1e-4
    )


def test_influence_of_a_ratio_and_a_subgroup():
    table = make_table("binary", 200)
    y = np.exp(0.2 * table.y)
    learner = BalancedEffect(EntropyBalancing())
    fitted = learner.fit(table.X, y, treatment=table.treatment)
    ratio = fitted.average_effect(scale="ratio")
    sides = [
        np.average(
            y[table.treatment == a],
            weights=fitted.weighter_.weights_[table.treatment == a],
        )
        for a in (0, 1)
    ]
    assert ratio.value == pytest.approx(sides[1] / sides[0])
    half = np.arange(200) < 120
    part = fitted.average_effect(where=half)
    alone = BalancedEffect(EntropyBalancing())
    alone.fit(table.X[half], y[half], treatment=table.treatment[half])
    assert part.value == pytest.approx(alone.average_effect().value)
    ratio = part.standard_error / alone.average_effect().standard_error
    assert ratio == pytest.approx(1, abs=0.01)
    by = fitted.average_effect(by=half)
    assert by.labels == (False, True)
    assert by.value[1] == pytest.approx(part.value)


def test_treated_of_several_arms_compares_pairs():
    table = make_table("multi", 400)
    learner = BalancedEffect(EntropyBalancing(), control_arm="none")
    fitted = learner.fit(table.X, table.y, treatment=table.treatment)
    estimate = fitted.average_effect(target="treated")
    assert estimate.labels == ("call vs none", "mail vs none")
    pair = np.isin(table.treatment, ["none", "mail"])
    alone = BalancedEffect(EntropyBalancing("treated"), control_arm="none")
    alone.fit(table.X[pair], table.y[pair], treatment=table.treatment[pair])
    assert estimate.value[1] == pytest.approx(alone.average_effect().value)


def test_known_propensity_and_outcome_model_are_aipw():
    """With weights that add up to n, augmented Hajek and AIPW differ by little."""
    table = make_table("binary", 400)
    design = KnownPropensity(0.5)
    line = LinearRegression()
    one = BalancedEffect(InverseProbabilityWeights(design), line, cv=table.splits)
    two = AIPW(line, design, cv=table.splits)
    for learner in (one, two):
        learner.fit(table.X, table.y, treatment=table.treatment)
    difference = one.average_effect() - two.average_effect()
    assert abs(difference.value) < 0.1 * two.average_effect().standard_error


def test_augmentation_removes_what_a_tolerance_leaves():
    table = make_table("binary", 2000)
    y = 5 * table.X[:, 0] + table.treatment
    loose = StableBalancingWeights(tolerance=0.2)
    plain = BalancedEffect(loose).fit(table.X, y, treatment=table.treatment)
    assert abs(plain.average_effect_.value - 1) > 0.1
    assert np.isnan(plain.average_effect_.standard_error)
    augmented = BalancedEffect(loose, LinearRegression(), random_state=0)
    augmented.fit(table.X, y, treatment=table.treatment)
    assert augmented.average_effect().value == pytest.approx(1)


def test_no_valid_interval_is_said():
    table = make_table("binary", 200)
    boosted = GradientBoostingClassifier(n_estimators=3)
    for weighter in (
        InverseProbabilityWeights(boosted),
        OverlapWeights(boosted),
        InverseProbabilityWeights(LogisticRegression(class_weight="balanced")),
        StableBalancingWeights(),
        CovariateBalancingPropensity(over_identified=True),
        CrumpTrimming(StableBalancingWeights()),
    ):
        learner = BalancedEffect(weighter)
        learner.fit(table.X, table.y, treatment=table.treatment)
        with pytest.warns(NoIntervalWarning, match="use AIPW"):
            found = learner.average_effect()
        assert np.isfinite(found.value)
        assert np.isnan(found.standard_error)
        assert np.isfinite(learner.effect(table.X)).all()


def test_trimmed_effect_is_that_of_the_rows_kept():
    table = make_table("binary", 500)
    trimmed = BalancedEffect(CrumpTrimming(EntropyBalancing(), threshold=0.4))
    with pytest.warns(OverlapWarning, match="dropped"):
        trimmed.fit(table.X, table.y, treatment=table.treatment)
    kept = trimmed.weighter_.kept_
    alone = BalancedEffect(EntropyBalancing())
    alone.fit(table.X[kept], table.y[kept], treatment=table.treatment[kept])
    one, two = trimmed.average_effect_, alone.average_effect()
    assert one.value == pytest.approx(two.value)
    assert one.standard_error == pytest.approx(two.standard_error, rel=0.01)


def test_groups_give_clustered_errors():
    table = make_table("binary", 200)
    index = np.repeat(np.arange(200), 5)
    learner = BalancedEffect(EntropyBalancing())
    once = clone(learner).fit(table.X, table.y, treatment=table.treatment)
    copies = clone(learner).fit(
        table.X[index], table.y[index], treatment=table.treatment[index], groups=index
    )
    one, five = once.average_effect(), copies.average_effect()
    # Rows, not groups, are left out one by one: a copy less matters a fifth.
    assert five.standard_error == pytest.approx(one.standard_error, rel=0.03)
    independent = five.with_groups(None).standard_error
    assert independent == pytest.approx(one.standard_error / np.sqrt(5), rel=0.03)


def test_a_pickle_keeps_the_estimate_but_not_the_rows():
    table = make_table("binary", 200)
    learner = BalancedEffect(EntropyBalancing())
    learner.fit(table.X, causal_target(table.y, table.treatment))
    copy = pickle.loads(pickle.dumps(learner))
    assert copy.average_effect_.value == learner.average_effect_.value
    assert copy._prepared.X is None
    with pytest.raises(ValueError, match="pickled does not keep"):
        copy.average_effect(target="treated")


def test_bad_weighters_and_questions_are_errors():
    table = make_table("binary", 200)
    with pytest.raises(TypeError, match="must be a weighter"):
        BalancedEffect(LinearRegression()).fit(
            table.X, table.y, treatment=table.treatment
        )
    learner = BalancedEffect(EntropyBalancing())
    learner.fit(table.X, table.y, treatment=table.treatment)
    with pytest.raises(ValueError, match="no target='overlap'"):
        learner.average_effect(target="overlap")
    with pytest.raises(ValueError, match="AIPW or DRLearner"):
        learner.best_linear_projection()
    with pytest.raises(ValueError, match="empty in the arms"):
        learner.average_effect(where=table.treatment == 1)


@pytest.mark.parametrize(
    "law", [law for law in LAWS if law != "influence_has_mean_zero"]
)
def test_laws_hold_for_entropy_balancing(law):
    LAWS[law](BalancedEffect(EntropyBalancing(), random_state=0))


# -------------------------------------------------------------- truth over many seeds
def confounded(seed, n_rows=400):
    """Make a table with a logistic propensity, a curved outcome and effect 1 + x."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    e = 1 / (1 + np.exp(-X @ [0.8, -0.5, 0.0]))
    treatment = (rng.random(n_rows) < e).astype(int)
    noise = rng.normal(size=n_rows) * (1 + 0.5 * np.abs(X[:, 0]))
    y = 2 * X[:, 0] + X[:, 1] ** 2 + treatment * (1 + X[:, 0]) + noise
    return X, y, treatment


def truth(target):
    """Return the average effect of a population by simulation."""
    X = np.random.default_rng(0).normal(size=(2_000_000, 2))
    e = 1 / (1 + np.exp(-X @ [0.8, -0.5]))
    h = {"all": 1 + 0 * e, "treated": e, "control": 1 - e, "overlap": e * (1 - e)}
    return np.average(1 + X[:, 0], weights=h[target])


def check_coverage(weighter, outcome_model, n_seeds):
    expected = truth(weighter._own_target())
    errors = []
    for seed in range(n_seeds):
        X, y, treatment = confounded(seed)
        learner = BalancedEffect(weighter, outcome_model, random_state=0)
        estimate = learner.fit(X, y, treatment=treatment).average_effect_
        errors.append((estimate.value - expected) / estimate.standard_error)
    slack = 4 * np.sqrt(0.05 * 0.95 / n_seeds)
    assert abs(np.mean(np.abs(errors) < 1.96) - 0.95) < slack
    assert abs(np.mean(errors)) < 4 / np.sqrt(n_seeds)
    assert abs(np.std(errors) - 1) < 4 / np.sqrt(2 * n_seeds)


@pytest.mark.parametrize(
    "weighter", [EntropyBalancing("treated"), CovariateBalancingPropensity()], ids=str
)
def test_known_effect_is_recovered(weighter):
    check_coverage(weighter, None, 60)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("weighter", "outcome_model"),
    [
        (EntropyBalancing(), None),
        (EntropyBalancing("treated"), None),
        (EntropyBalancing(), LinearRegression()),
        (InverseProbabilityWeights(), None),
        (InverseProbabilityWeights(target="control"), LinearRegression()),
        (OverlapWeights(), None),
        (OverlapWeights(), LinearRegression()),
        (CovariateBalancingPropensity(), None),
        (CovariateBalancingPropensity("treated"), None),
        (StableBalancingWeights(), LinearRegression()),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore::skcausal.OverlapWarning")
def test_known_effect_is_covered(weighter, outcome_model):
    check_coverage(weighter, outcome_model, 120)
