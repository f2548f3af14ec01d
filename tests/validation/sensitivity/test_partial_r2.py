"""PartialR2Sensitivity: Darfur (G11), the omitted variable itself, learners."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import optimize, stats
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skcausal import causal_target
from skcausal.estimation import AIPW, RLearner
from skcausal.validation import PartialR2Sensitivity

# Hazlett's survey of Darfur as published with sensemakr (Cinelli & Hazlett 2020).
ESTIMATE, T_VALUE, DOF = 0.09731582, 4.18445, 783
FEMALE = pd.DataFrame(
    {
        "treatment": [0.00916428667504862, 0.0183285733500972, 0.0274928600251459],
        "outcome": [0.12464092303637, 0.249324064199975, 0.374050471038094],
        "estimate": [0.0752202712144491, 0.0529151723844518, 0.0303960234641548],
        "standard_error": [0.0218733277437572, 0.0203500620779637, 0.0186700648170924],
        "t_value": [3.43890386024675, 2.60024623913809, 1.62806202131271],
        "lower": [0.032282966, 0.012968035, -0.006253282],
        "upper": [0.11815758, 0.09286231, 0.06704533],
    }
)


@pytest.fixture
def darfur():
    # Partial R² of being female: solved from the published bound of one time.
    r_d = FEMALE["treatment"][0] / (1 + FEMALE["treatment"][0])

    def bound(r_y):
        pair = {"female": (r_d, r_y)}
        one = PartialR2Sensitivity(1.0, 0.1, DOF, benchmarks=pair)
        return one.strength("female")[1] - FEMALE["outcome"][0]

    r_y = optimize.brentq(bound, 0.01, 0.5)
    error = ESTIMATE / T_VALUE
    return PartialR2Sensitivity(ESTIMATE, error, DOF, benchmarks={"female": (r_d, r_y)})


def test_published_robustness_values(darfur):
    assert darfur.t_value == pytest.approx(4.18445, abs=1e-4)
    assert darfur.partial_r2 == pytest.approx(0.02187, abs=1e-4)
    assert darfur.robustness_value() == pytest.approx(0.13878, abs=1e-4)
    assert darfur.robustness_value(level=0.95) == pytest.approx(0.07626, abs=1e-4)


def test_published_bounds(darfur):
    table = darfur.bounds(times=(1, 2, 3))
    for column in FEMALE:
        assert table[column].to_numpy() == pytest.approx(
            FEMALE[column].to_numpy(), abs=1e-3 if column == "t_value" else 1e-4
        )
    assert list(table.index) == [("female", 1), ("female", 2), ("female", 3)]


def test_published_strengths_give_the_published_estimates(darfur):
    left = darfur.adjusted(FEMALE["treatment"], FEMALE["outcome"])
    for column in ("estimate", "standard_error", "lower", "upper"):
        assert left[column] == pytest.approx(FEMALE[column].to_numpy(), abs=1e-4)
    assert left["t_value"] == pytest.approx(FEMALE["t_value"].to_numpy(), abs=1e-3)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("level", [None, 0.8, 0.95])
@pytest.mark.parametrize("t_value", [0.5, 3.0, 40.0, 400.0])
def test_no_confounder_below_the_robustness_value_takes_the_effect(
    sign, level, t_value
):
    """At the value the worst confounder leaves zero (or a zero limit) exactly."""
    one = PartialR2Sensitivity(sign * t_value, 1.0, 50)
    value = one.robustness_value(level=level)

    def worst(share):
        outcome = np.linspace(0, share, 2001)
        left = one.adjusted(np.full(2001, share), outcome, level or 0.5)
        nearer = {1: "lower", -1: "upper"}[sign] if level else "estimate"
        return (sign * left[nearer]).min()

    if value == 0:
        assert level is not None
        assert worst(1e-9) <= 0
    else:
        assert worst(value * (1 - 1e-3)) > 0
        assert worst(value + 1e-3 * (1 - value)) <= 1e-9


def test_formulas_give_what_the_regression_with_the_confounder_gives():
    """The exact identity for an omitted variable: estimate and standard error."""
    rng = np.random.default_rng(1)
    n = 200
    x, u = rng.normal(size=(2, n))
    d = 0.5 * x + 0.7 * u + rng.normal(size=n)
    y = d + x + 0.8 * u + rng.normal(size=n)
    names = ["const", "d", "x", "u"]
    full = pd.DataFrame(np.column_stack([np.ones(n), d, x, u]), columns=names)
    long = sm.OLS(y, full).fit()
    short = sm.OLS(y, full[["const", "d", "x"]]).fit()
    r_y = long.tvalues["u"] ** 2 / (long.tvalues["u"] ** 2 + long.df_resid)
    of_d = sm.OLS(d, full[["const", "x", "u"]]).fit()
    r_d = of_d.tvalues["u"] ** 2 / (of_d.tvalues["u"] ** 2 + of_d.df_resid)
    left = PartialR2Sensitivity.from_ols(short, "d").adjusted(r_d, r_y)
    assert left["estimate"] == pytest.approx(long.params["d"])
    assert left["standard_error"] == pytest.approx(long.bse["d"])
    assert (left["lower"], left["upper"]) == pytest.approx(
        tuple(long.conf_int().loc["d"])
    )


@pytest.fixture
def table():
    rng = np.random.default_rng(2)
    n = 500
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=["age", "income", "noise"])
    d = X["age"] + 0.3 * X["income"] + rng.normal(size=n)
    y = 0.5 * d + X["age"] + X["income"] + rng.normal(size=n)
    return X, d.rename("dose"), y


def test_benchmarks_of_least_squares_are_those_of_t_values(table):
    X, d, y = table
    design = sm.add_constant(pd.concat([d, X], axis=1))
    fit = sm.OLS(y, design).fit()
    one = PartialR2Sensitivity.from_ols(fit, "dose", ["age", ("age", "income")])
    outcome = fit.tvalues["age"] ** 2 / (fit.tvalues["age"] ** 2 + fit.df_resid)
    of_d = sm.OLS(d, design.drop(columns="dose")).fit()
    treatment = of_d.tvalues["age"] ** 2 / (of_d.tvalues["age"] ** 2 + of_d.df_resid)
    assert tuple(one.benchmarks.loc["age"]) == pytest.approx((treatment, outcome))
    both = fit.f_test("age = 0, income = 0")
    ratio = 2 * float(both.fvalue) / fit.df_resid
    assert one.benchmarks.loc["age + income", "outcome"] == pytest.approx(
        ratio / (1 + ratio)
    )
    assert one.dof == fit.df_resid
    robust = sm.OLS(y, design).fit(cov_type="HC3")
    same = PartialR2Sensitivity.from_ols(robust, "dose")
    assert same.standard_error == pytest.approx(fit.bse["dose"])


def test_a_linear_learner_agrees_with_least_squares(table):
    X, d, y = table
    line = LinearRegression()
    learner = RLearner(line, line, line, cv=20, random_state=0)
    learner.fit(X, y, treatment=d)
    one = PartialR2Sensitivity.from_estimator(learner, ["age", "noise"])
    design = sm.add_constant(pd.concat([d, X], axis=1))
    fit = sm.OLS(y, design).fit()
    same = PartialR2Sensitivity.from_ols(fit, "dose", ["age", "noise"])
    assert one.estimate == pytest.approx(same.estimate, abs=0.01)
    assert one.standard_error == pytest.approx(same.standard_error, rel=0.03)
    assert one.benchmarks.to_numpy() == pytest.approx(
        same.benchmarks.to_numpy(), abs=0.02
    )


def test_a_pipeline_of_two_arms_works(table):
    X, d, y = table
    t = (0.5 * d + np.random.default_rng(0).logistic(size=500) > 0).astype(int)
    aipw = AIPW(LinearRegression(), LogisticRegression(), random_state=0)
    pipeline = make_pipeline(StandardScaler(), aipw).fit(X, causal_target(y, t))
    one = PartialR2Sensitivity.from_estimator(pipeline, [0])
    overlap = aipw.average_effect(target="overlap")
    assert one.estimate == pytest.approx(overlap.value)
    assert one.standard_error == pytest.approx(overlap.standard_error, rel=0.15)
    assert list(one.benchmarks.index) == ["column 0"]


def test_scale_of_the_outcome_does_not_matter(darfur):
    scaled = PartialR2Sensitivity(-7 * ESTIMATE, 7 * ESTIMATE / T_VALUE, DOF)
    for level in (None, 0.9):
        assert scaled.robustness_value(level=level) == pytest.approx(
            darfur.robustness_value(level=level)
        )
    left, right = scaled.adjusted(0.1, 0.2), darfur.adjusted(0.1, 0.2)
    assert left["estimate"] == pytest.approx(-7 * right["estimate"])
    assert left["lower"] == pytest.approx(-7 * right["upper"])


def test_times_stronger_brings_the_estimate_to_zero(darfur):
    factor = darfur.times_stronger("female")
    left = darfur.adjusted(*darfur.strength("female", factor))
    assert left["estimate"] == pytest.approx(0, abs=1e-9)
    doubt = darfur.times_stronger("female", 0.95)
    assert 2 < doubt < 3 < factor
    left = darfur.adjusted(*darfur.strength("female", doubt))
    assert left["lower"] == pytest.approx(0, abs=1e-9)


def test_a_covariate_without_strength_overturns_nothing():
    one = PartialR2Sensitivity(1.0, 0.1, 100, benchmarks={"noise": (-0.001, 0.2)})
    assert one.times_stronger("noise") == np.inf
    assert one.strength("noise", 5)[0] == 0
    assert "No unobserved confounder" in one.summary()
    nothing = PartialR2Sensitivity(0.1, 0.1, 100, benchmarks={"x": (0.1, 0.2)})
    assert nothing.times_stronger("x", 0.95) == 0


def test_summary_is_a_sentence_about_the_covariate(darfur):
    text = darfur.summary()
    assert "13.9 %" in text
    assert "7.6 %" in text
    assert "times as strong as female would be needed to bring" in text


def test_the_critical_value_is_that_of_student():
    one = PartialR2Sensitivity(1.0, 0.1, 20)
    left = one.adjusted(0.0, 0.0, 0.9)
    margin = stats.t.ppf(0.95, 19) * left["standard_error"]
    assert left["upper"] - left["estimate"] == pytest.approx(margin)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: PartialR2Sensitivity(1.0, 0.0, 10), "standard_error positive"),
        (lambda s: PartialR2Sensitivity(1.0, 1.0, 1), "dof"),
        (lambda s: s.adjusted(1.0, 0.5), r"in \[0, 1\)"),
        (lambda s: s.adjusted(0.5, 1.5), r"in \[0, 1\]"),
        (lambda s: s.strength("male"), "no benchmark"),
        (lambda s: s.strength("female", 1e4), "impossible"),
        (lambda s: s.robustness_value(level=95), "level"),
        (lambda s: s.robustness_value(q=-1), "q must not"),
    ],
)
def test_bad_input_gets_an_error(call, message, darfur):
    with pytest.raises(ValueError, match=message):
        call(darfur)


def test_other_models_than_least_squares_are_refused(table):
    X, _, y = table
    with pytest.raises(TypeError, match="OLS"):
        PartialR2Sensitivity.from_ols(sm.RLM(y, X).fit(), "age")
    fit = sm.OLS(y, X).fit()
    with pytest.raises(ValueError, match="must name regressors"):
        PartialR2Sensitivity.from_ols(fit, "height")


def test_learners_with_groups_and_unknown_covariates_are_refused(table):
    X, d, y = table
    line = LinearRegression()
    groups = np.repeat(np.arange(50), 10)
    learner = RLearner(line, line, line, random_state=0)
    clustered = learner.fit(X, y, treatment=d, groups=groups)
    with pytest.raises(ValueError, match="RieszSensitivity"):
        PartialR2Sensitivity.from_estimator(clustered)
    learner.fit(X, y, treatment=d)
    with pytest.raises(ValueError, match="must be columns of X"):
        PartialR2Sensitivity.from_estimator(learner, ["height"])
    with pytest.raises(ValueError, match="at least one must stay"):
        PartialR2Sensitivity.from_estimator(learner, [("age", "income", "noise")])
