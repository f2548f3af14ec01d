"""Intervals of linear effect models equal HC1 and the jackknife by statsmodels."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures

from skcausal.estimation import DRLearner, KnownPropensity
from tests.estimation.helpers import learner_of, make_table


def fit(name, table, **metadata):
    control = "none" if table.treatment.dtype.kind == "U" else None
    model = None if table.treatment.dtype.kind != "f" else LinearRegression()
    learner = learner_of(
        name,
        cv=table.splits,
        control_arm=control,
        random_state=0,
        treatment_model=model,
    )
    return learner.fit(table.X, table.y, treatment=table.treatment, **metadata)


def statsmodels_errors(target, X, weight, new, groups=None):
    """Return fitted values and standard errors: HC1, or the jackknife over clusters."""
    design = sm.add_constant(X)
    result = sm.WLS(target, design, weights=weight).fit(cov_type="HC1")
    covariance = result.cov_params()
    if groups is not None:
        moves = []
        for group in np.unique(groups):
            kept = groups != group
            model = sm.WLS(target[kept], design[kept], weights=weight[kept])
            moves.append(model.fit().params - result.params)
        share = (len(moves) - 1) / len(moves)
        covariance = share * np.transpose(moves) @ np.array(moves)
    Z = sm.add_constant(new)
    return Z @ result.params, np.sqrt(np.einsum("ij,jk,ik->i", Z, covariance, Z))


def residual_target(learner, table):
    u = table.y - learner.nuisances_["outcome"][0, :, 0]
    mean = learner.nuisances_["treatment_mean"][0]
    if table.treatment.dtype.kind == "f":
        v = table.treatment - mean[:, 0]
    else:
        v = table.treatment - mean[:, 1]
    return u / v, v**2


def check_interval(learner, table, target, weight, groups=None, column=None):
    center, error = statsmodels_errors(target, table.X, weight, table.X, groups)
    lower, upper = learner.effect_interval(table.X, level=0.9)
    if column is not None:
        lower, upper = lower[:, column], upper[:, column]
    t = stats.norm if groups is None else stats.t(len(np.unique(groups)) - 1)
    np.testing.assert_allclose((lower + upper) / 2, center, rtol=1e-6)
    np.testing.assert_allclose((upper - lower) / 2, t.ppf(0.95) * error, rtol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("clustered", [False, True])
@pytest.mark.parametrize("name", ["DR", "R"])
def test_two_arms(name, weighted, clustered, rng):
    table = make_table()
    weight = rng.uniform(0.5, 2, 90) if weighted else None
    groups = rng.integers(20, size=90) if clustered else None
    learner = fit(name, table, sample_weight=weight, groups=groups)
    w = np.ones(90) if weight is None else weight
    if name == "DR":
        target = learner.scores_[:, 0]
    else:
        target, square = residual_target(learner, table)
        w = w * square
    check_interval(learner, table, target, w, groups)


@pytest.mark.parametrize("clustered", [False, True])
def test_continuous_treatment(clustered, rng):
    table = make_table("continuous")
    groups = rng.integers(20, size=90) if clustered else None
    learner = fit("R", table, groups=groups)
    check_interval(learner, table, *residual_target(learner, table), groups)


def test_several_arms():
    table = make_table("multi", 120)
    learner = fit("DR", table)
    for column in (0, 1):
        scores = learner.scores_[:, column]
        check_interval(learner, table, scores, np.ones(120), column=column)


def test_overlap_weights_enter_the_sandwich():
    table = make_table()
    learner = learner_of("DR", cv=table.splits, weighting="overlap", random_state=0)
    learner.fit(table.X, table.y, treatment=table.treatment)
    e = learner.nuisances_["propensity"][0, :, 1]
    check_interval(learner, table, learner.scores_[:, 0], e * (1 - e))


def test_zero_weights_leave_rows_out(rng):
    """A row of weight zero counts as a row, as in statsmodels, but moves nothing."""
    table = make_table()
    weight = (rng.uniform(size=90) > 0.1) * 1.0
    learner = fit("DR", table, sample_weight=weight)
    check_interval(learner, table, learner.scores_[:, 0], weight)


def test_pipeline_with_a_linear_last_step():
    table = make_table()
    curved = make_pipeline(
        PolynomialFeatures(2, include_bias=False), LinearRegression()
    )
    learner = learner_of("DR", random_state=0).set_params(effect_model=curved)
    learner.fit(table.X, table.y, treatment=table.treatment)
    lower, upper = learner.effect_interval(table.X)
    X, y = table.X, learner.scores_[:, 0]
    Z = np.column_stack([X, X[:, 0] ** 2, X[:, 0] * X[:, 1], X[:, 1] ** 2])
    center, error = statsmodels_errors(y, Z, np.ones(90), Z)
    np.testing.assert_allclose((lower + upper) / 2, center)
    np.testing.assert_allclose((upper - lower) / 2, 1.959964 * error, rtol=1e-6)


def test_pipeline_of_one_step_and_one_without_intercept():
    table = make_table()
    alone = make_pipeline(LinearRegression())
    plain = fit("DR", table).effect_interval(table.X)
    learner = fit("DR", table).set_params(effect_model=alone).refit_effect()
    np.testing.assert_allclose(learner.effect_interval(table.X), plain)
    no_constant = LinearRegression(fit_intercept=False)
    learner.set_params(effect_model=no_constant).refit_effect()
    lower, upper = learner.effect_interval(np.zeros((1, 2)))
    assert lower[0] == upper[0] == 0


def test_one_hot_columns_are_collinear_yet_intervals_exist(rng):
    """Dummies of all levels plus a constant: the covariance uses a pseudo-inverse."""
    table = make_table()
    level = rng.choice(["a", "b"], size=90)
    frame = pd.DataFrame({"x": table.X[:, 0], "level": pd.Categorical(level)})
    columns = make_column_transformer(
        (OneHotEncoder(), ["level"]), remainder="passthrough"
    )
    base = make_pipeline(columns, LinearRegression())
    propensity = make_pipeline(columns, LogisticRegression())
    learner = DRLearner(base, propensity, base, weighting="uniform", random_state=0)
    learner.fit(frame, table.y, treatment=table.treatment)
    lower, upper = learner.effect_interval(frame)
    Z = np.column_stack([table.X[:, 0], level == "a"])
    center, error = statsmodels_errors(learner.scores_[:, 0], Z, np.ones(90), Z)
    np.testing.assert_allclose((lower + upper) / 2, center)
    half = 1.959964 * error
    np.testing.assert_allclose((upper - lower) / 2, half, rtol=1e-6)


def test_units_of_the_covariates_do_not_matter():
    """A sum of money beside a share: the pseudo-inverse must not drop the share."""
    table = make_table()
    intervals = []
    for scale in (1, 1e5):
        learner = learner_of("DR", cv=table.splits, treatment_model=KnownPropensity())
        X = table.X * [1, scale]
        learner.fit(X, table.y, treatment=table.treatment)
        intervals.append(learner.effect_interval(X))
    np.testing.assert_allclose(*intervals, rtol=1e-5)


@pytest.mark.parametrize("name", ["DR", "R"])
def test_other_effect_models_have_no_closed_form(name):
    learner = fit(name, make_table())
    for model in (
        None,
        Ridge(),
        make_pipeline(Ridge()),
        LinearRegression(positive=True),
    ):
        learner.set_params(effect_model=model)
        assert not hasattr(learner, "effect_interval")
    with pytest.raises(AttributeError, match="effect_interval") as error:
        learner.effect_interval(np.zeros((1, 2)))
    assert "BootstrapEffect" in str(error.value.__cause__)


@pytest.mark.parametrize("level", [0, 1, 1.5])
def test_level_is_checked(level):
    learner = fit("DR", make_table())
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        learner.effect_interval(np.zeros((1, 2)), level=level)


def test_intervals_nest():
    learner = fit("R", make_table())
    X = make_table().X
    lower_90, upper_90 = learner.effect_interval(X, level=0.9)
    lower_99, upper_99 = learner.effect_interval(X, level=0.99)
    assert (lower_99 < lower_90).all()
    assert (upper_90 < upper_99).all()
