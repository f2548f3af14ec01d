"""RieszSensitivity: the bias of a confounder that exists, hand formulas, 401(k)."""

import os
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal import causal_target
from skcausal.estimation import (
    AIPW,
    BootstrapEffect,
    CausalForest,
    CoarsenedExactMatching,
    DRLearner,
    KnownPropensity,
    RLearner,
    TLearner,
)
from skcausal.validation import PartialR2Sensitivity, RieszSensitivity, e_value

LINE, LOGIT = LinearRegression(), LogisticRegression()


def draw(n=1000, seed=0):
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["age", "income", "noise"])
    e = 1 / (1 + np.exp(-0.8 * X["age"] - 0.3 * X["income"]))
    t = (rng.random(n) < e).astype(int)
    y = X["age"] + X["income"] + t + rng.normal(size=n)
    return X, y.to_numpy(), t


@pytest.fixture(scope="module")
def rows():
    return draw()


@pytest.fixture(scope="module")
def aipw(rows):
    X, y, t = rows
    return AIPW(LINE, LOGIT, random_state=0).fit(X, y, treatment=t)


@pytest.fixture
def sensitivity(aipw):
    return RieszSensitivity.from_estimator(aipw)


# ------------------------------------------------------------------- what it computes
@pytest.mark.parametrize("target", ["all", "treated", "control", "overlap"])
def test_the_effect_is_that_of_the_learner(aipw, target):
    one = RieszSensitivity.from_estimator(aipw, target=target)
    same = aipw.average_effect(target=target)
    assert one.effect.value == pytest.approx(same.value)
    assert one.effect.standard_error == pytest.approx(same.standard_error)


def test_bounds_follow_the_formula_by_hand(aipw, rows):
    _, y, t = rows
    mu = aipw.nuisances_["outcome_by_arm"][0]
    e = aipw.nuisances_["propensity"][0][:, 1]
    sigma2 = np.mean((y - mu[np.arange(len(y)), t]) ** 2)
    alpha = t / e - (1 - t) / (1 - e)
    nu2 = np.mean(2 * (1 / e + 1 / (1 - e)) - alpha**2)
    one = RieszSensitivity.from_estimator(aipw)
    assert one.scale == pytest.approx(np.sqrt(sigma2 * nu2))
    bias = 0.5 * np.sqrt(sigma2 * nu2) * np.sqrt(0.1 * 0.2 / 0.8)
    lower, upper = one.bounds(0.1, 0.2, rho=-0.5).value
    theta = aipw.average_effect_.value
    assert (lower, upper) == pytest.approx((theta - bias, theta + bias))


def test_standard_errors_of_bounds_are_those_of_the_influence_by_hand(aipw, rows):
    _, y, t = rows
    mu = aipw.nuisances_["outcome_by_arm"][0]
    e = aipw.nuisances_["propensity"][0][:, 1]
    square = (y - mu[np.arange(len(y)), t]) ** 2
    alpha = t / e - (1 - t) / (1 - e)
    riesz = 2 * (1 / e + 1 / (1 - e)) - alpha**2
    sigma2, nu2 = square.mean(), riesz.mean()
    of_s = (sigma2 * (riesz - nu2) + nu2 * (square - sigma2)) / (
        2 * np.sqrt(sigma2 * nu2)
    )
    influence = aipw.average_effect_.influence + np.sqrt(0.1 * 0.2 / 0.8) * of_s
    expected = np.sqrt((influence**2).sum() / (len(y) * (len(y) - 1)))
    upper = RieszSensitivity.from_estimator(aipw).bounds(0.1, 0.2).upper
    assert upper["upper"].standard_error == pytest.approx(expected)


def test_treated_weights_give_the_representer_by_hand(aipw, rows):
    _, y, t = rows
    mu = aipw.nuisances_["outcome_by_arm"][0]
    e = aipw.nuisances_["propensity"][0][:, 1]
    alpha = (t - (1 - t) * e / (1 - e)) / t.mean()
    moment = t / t.mean() ** 2 * (1 + e / (1 - e))
    one = RieszSensitivity.from_estimator(aipw, target="treated")
    sigma2 = np.mean((y - mu[np.arange(len(y)), t]) ** 2)
    expected = np.sqrt(sigma2 * np.mean(2 * moment - alpha**2))
    assert one.scale == pytest.approx(expected)


def test_control_is_treated_with_swapped_arms(rows):
    X, y, t = rows
    fits = [
        AIPW(LINE, LOGIT, control_arm=arm, random_state=0).fit(X, y, treatment=t)
        for arm in (0, 1)
    ]
    one = RieszSensitivity.from_estimator(fits[0], target="control")
    other = RieszSensitivity.from_estimator(fits[1], target="treated")
    assert one.scale == pytest.approx(other.scale)
    assert one.effect.value == pytest.approx(-other.effect.value)


def test_arrays_give_the_same_as_the_learner(aipw, rows):
    _, y, t = rows
    mu = aipw.nuisances_["outcome_by_arm"][0]
    e = aipw.nuisances_["propensity"][0][:, 1]
    alpha = t / e - (1 - t) / (1 - e)
    residual = y - mu[np.arange(len(y)), t]
    one = RieszSensitivity.from_arrays(
        mu[:, 1] - mu[:, 0] + alpha * residual,
        residual,
        alpha,
        riesz_moment=1 / e + 1 / (1 - e),
    )
    same = RieszSensitivity.from_estimator(aipw)
    assert one.bounds(0.1, 0.1).interval() == pytest.approx(
        same.bounds(0.1, 0.1).interval()
    )


def test_the_linear_case_is_that_of_cinelli_and_hazlett(rows):
    """With partially linear residuals both analyses name the same strengths."""
    X, y, t = rows
    learner = RLearner(LINE, LINE, LINE, random_state=0)
    learner.fit(X, y, treatment=t + np.random.default_rng(0).normal(size=len(t)))
    one = RieszSensitivity.from_estimator(learner)
    same = PartialR2Sensitivity.from_estimator(learner)
    assert one.target == "overlap"
    assert one.robustness_value() == pytest.approx(same.robustness_value(), rel=1e-3)
    lower, _ = one.bounds(0.1, 0.05).value
    left = same.adjusted(treatment=0.05, outcome=0.1)["estimate"]
    assert lower == pytest.approx(left, rel=1e-3)


# --------------------------------------------------------------- what it should find
@pytest.mark.parametrize("seed", range(3))
def test_bounds_of_the_true_strength_hold_the_true_effect(seed):
    """The strengths of a confounder that exists explain the bias, and no less does."""
    rng = np.random.default_rng(seed)
    n = 20_000
    x, u = rng.normal(size=(2, n))
    d = x + 0.5 * u + rng.normal(size=n)
    y = d + x + u + rng.normal(size=n)
    learner = RLearner(LINE, LINE, LINE, random_state=0)
    learner.fit(x[:, None], y, treatment=d)
    one = RieszSensitivity.from_estimator(learner)
    # E[d|x] leaves .5 u + noise (1.25); slope of y on it 1 + .5 / 1.25 = 1.4.
    assert one.effect.value == pytest.approx(1.4, abs=0.05)
    r_d = 0.25 / 1.25
    r_y = 0.8 / 1.8  # u given d and x has variance .8, and the noise 1
    bounds = one.bounds(outcome=r_y, treatment=r_d)
    assert bounds.value[0] == pytest.approx(1.0, abs=0.05)
    assert one.bounds(r_y, r_d, rho=0.5).value[0] > 1.1


def test_robustness_value_is_where_the_bound_is_zero(sensitivity):
    value = sensitivity.robustness_value()
    assert sensitivity.bounds(value, value).value[0] == pytest.approx(0, abs=1e-9)
    doubt = sensitivity.robustness_value(level=0.9)
    lower, _ = sensitivity.bounds(doubt, doubt).interval(0.9)
    assert lower == pytest.approx(0, abs=1e-9)
    assert 0 < doubt < value < 1
    assert sensitivity.robustness_value(null=5.0) > 0
    theta = sensitivity.effect.value
    assert sensitivity.robustness_value(null=theta) == 0
    assert sensitivity.robustness_value(null=theta + 0.01, level=0.95) == 0


def test_scale_of_the_outcome_does_not_matter(rows, sensitivity):
    X, y, t = rows
    scaled = AIPW(LINE, LOGIT, random_state=0).fit(X, -3 * y, treatment=t)
    one = RieszSensitivity.from_estimator(scaled)
    for level in (None, 0.95):
        assert one.robustness_value(level=level) == pytest.approx(
            sensitivity.robustness_value(level=level)
        )
    assert one.bounds(0.1, 0.1).value[0] == pytest.approx(
        -3 * sensitivity.bounds(0.1, 0.1).value[1]
    )


def test_unit_weights_change_nothing_and_groups_widen(rows, sensitivity):
    X, y, t = rows
    fit = AIPW(LINE, LOGIT, random_state=0)
    weighted = fit.fit(X, y, treatment=t, sample_weight=np.ones(len(y)))
    one = RieszSensitivity.from_estimator(weighted)
    assert one.bounds(0.1, 0.1).interval() == pytest.approx(
        sensitivity.bounds(0.1, 0.1).interval()
    )
    twice = AIPW(LINE, LOGIT, random_state=0).fit(
        pd.concat([X, X], ignore_index=True),
        np.tile(y, 2),
        treatment=np.tile(t, 2),
        groups=np.tile(np.arange(len(y)), 2),
    )
    other = RieszSensitivity.from_estimator(twice)
    assert other.effect.standard_error == pytest.approx(
        sensitivity.effect.standard_error, rel=0.05
    )


# ------------------------------------------------------------------------ benchmarks
def test_benchmarks_know_confounders_from_noise(sensitivity):
    table = sensitivity.benchmarks(["age", "noise", ("age", "income")])
    assert table.loc["age", "outcome"] > 0.5
    assert table.loc["age", "treatment"] > 0.02
    assert abs(table.loc["noise", ["outcome", "treatment"]]).max() < 0.01
    assert table.loc["age", "change"] > 0.3
    assert table.loc["age + income", "outcome"] > table.loc["age", "outcome"]
    again = sensitivity.benchmarks(["age"])
    assert again.loc["age"].equals(table.loc["age"])


def test_benchmarks_are_gains_of_a_refit_without_the_covariate(rows, sensitivity):
    X, y, t = rows
    short = AIPW(LINE, LOGIT, random_state=0)
    short.fit(X[["income", "noise"]], y, treatment=t)
    one = RieszSensitivity.from_estimator(short)
    gone, kept = one.elements.values[0], sensitivity.elements.values[0]
    row = sensitivity.benchmarks(["age"]).loc["age"]
    assert row["outcome"] == pytest.approx(gone[1] / kept[1] - 1)
    assert row["treatment"] == pytest.approx(kept[2] / gone[2] - 1)
    assert row["estimate"] == pytest.approx(gone[0])


def test_times_stronger_brings_the_bound_to_zero(sensitivity):
    factor = sensitivity.times_stronger("age")
    row = sensitivity.benchmarks(["age"]).iloc[0]
    bounds = sensitivity.bounds(factor * row["outcome"], factor * row["treatment"])
    assert bounds.value[0] == pytest.approx(0, abs=1e-6)
    assert sensitivity.times_stronger("age", level=0.95) < factor
    assert sensitivity.times_stronger("noise") > 10


def test_summary_compares_with_a_covariate(sensitivity):
    text = sensitivity.summary(["age"])
    assert "times as strong as age would be needed to bring the estimate to 0" in text


# -------------------------------------------------------------------------- learners
@pytest.mark.parametrize(
    "learner",
    [
        DRLearner(LINE, LOGIT, LINE, random_state=0),
        TLearner(LINE, LOGIT, random_state=0),
        RLearner(LINE, LOGIT, LINE, n_repeats=3, random_state=0),
        BootstrapEffect(TLearner(LINE, LOGIT, random_state=0), n_bootstrap=2),
        make_pipeline(StandardScaler(), DRLearner(LINE, LOGIT, LINE, random_state=0)),
    ],
)
def test_learners_pipelines_and_wrappers_agree_with_aipw(learner, rows, sensitivity):
    X, y, t = rows
    one = RieszSensitivity.from_estimator(learner.fit(X, causal_target(y, t)))
    assert one.effect.value == pytest.approx(sensitivity.effect.value, abs=0.1)
    assert one.scale == pytest.approx(sensitivity.scale, rel=0.1)


def test_a_forest_works_and_can_be_refitted(rows):
    X, y, t = rows
    forest = CausalForest(LINE, LOGIT, n_estimators=100, random_state=0)
    one = RieszSensitivity.from_estimator(forest.fit(X, y, treatment=t))
    assert one.effect.value == pytest.approx(1.0, abs=0.3)
    assert one.benchmarks(["age"]).loc["age", "outcome"] > 0.3


def test_several_arms_are_compared_one_by_one(rows):
    X, y, t = rows
    arms = np.where(np.arange(len(t)) % 3 == 0, 2, t)
    fit = AIPW(LINE, LOGIT, random_state=0, control_arm=0).fit(X, y, treatment=arms)
    one = RieszSensitivity.from_estimator(fit, arm=2)
    assert one.effect.value == pytest.approx(fit.average_effect()["2 vs 0"].value)
    with pytest.raises(ValueError, match="arm must be one of"):
        RieszSensitivity.from_estimator(fit)
    with pytest.raises(ValueError, match="arm must be one of"):
        RieszSensitivity.from_estimator(fit, arm=0)


def test_a_learner_without_cross_fitting_is_refused(rows):
    X, y, t = rows
    fit = CoarsenedExactMatching(n_bins=2).fit(X, y, treatment=t)
    with pytest.raises(TypeError, match="no out-of-fold"):
        RieszSensitivity.from_estimator(fit)
    assert e_value(fit).value > 1


def test_a_known_propensity_and_a_pickle_work(rows):
    X, y, _ = rows
    t = np.arange(len(y)) % 2
    fit = AIPW(LINE, KnownPropensity(0.5), random_state=0).fit(X, y, treatment=t)
    one = RieszSensitivity.from_estimator(pickle.loads(pickle.dumps(fit)))
    same = RieszSensitivity.from_estimator(fit)
    assert one.robustness_value() == same.robustness_value()
    assert same.benchmarks(["age"]).loc["age", "treatment"] == pytest.approx(0)
    with pytest.raises(ValueError, match="pickled"):
        one.benchmarks(["age"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.bounds(1.1, 0.1), "outcome must be a share"),
        (lambda s: s.bounds(0.1, 1.0), "treatment must be a share"),
        (lambda s: s.bounds(0.1, 0.1, rho=2), "rho must lie"),
        (lambda s: s.benchmarks(["height"]), "must be columns of X"),
        (lambda s: s.robustness_value(level=5), "level"),
        (lambda s: RieszSensitivity(s.effect), "three numbers"),
        (
            lambda s: RieszSensitivity.from_estimator(s._learner, target="everyone"),
            "target must be one of",
        ),
        (lambda s: RieszSensitivity.from_arrays([1, 2], [1], [1, 2]), "same number"),
        (
            lambda s: RieszSensitivity.from_arrays([1, 2], [1, np.nan], [1, 2]),
            "finite number per row",
        ),
        (
            lambda s: RieszSensitivity.from_arrays([1, 2], [0, 0], [1, 2]),
            "not positive",
        ),
        (
            lambda s: RieszSensitivity.from_arrays([1, 2], [1, 1], [1, 2]).benchmarks(
                ["age"]
            ),
            "from_estimator",
        ),
    ],
)
def test_bad_input_gets_an_error(call, message, sensitivity):
    with pytest.raises(ValueError, match=message):
        call(sensitivity)


# --------------------------------------------------------------------- G12: 401(k)
@pytest.mark.slow
@pytest.mark.reference
def test_eligibility_for_401k_as_published():
    """Chernozhukov et al. (2026), random forests as in the README of dml.sensemakr."""
    path = Path(os.environ.get("SKCAUSAL_DATA", "")) / "k401" / "sipp1991.csv.gz"
    if not path.is_file():
        pytest.skip(f"needs k401/sipp1991.csv.gz, not in {path.parent.parent}")
    table = pd.read_csv(path)
    names = ["age", "inc", "educ", "fsize", "marr", "twoearn", "pira", "hown"]
    forest = {"n_estimators": 100, "max_features": 2, "min_samples_leaf": 5}
    fit = AIPW(
        RandomForestRegressor(**forest),
        RandomForestClassifier(**forest),
        random_state=0,
    )
    fit.fit(table[names].astype(float), table["net_tfa"], treatment=table["e401"])
    one = RieszSensitivity.from_estimator(fit)
    assert one.effect.value == pytest.approx(8074, rel=0.08)
    assert one.effect.standard_error == pytest.approx(1179, rel=0.08)
    assert one.robustness_value() == pytest.approx(0.061758, abs=0.006)
    assert one.robustness_value(level=0.95) == pytest.approx(0.046604, abs=0.006)
    lower, upper = one.bounds(outcome=0.04, treatment=0.03).interval()
    # Estimates of other forests move both ends by 8 % of the estimate, too.
    assert lower == pytest.approx(1639.1, abs=0.08 * 8074)
    assert upper == pytest.approx(14571.0, rel=0.08)


def test_it_shows_its_effect(sensitivity):
    assert repr(sensitivity).startswith("RieszSensitivity(effect=")
