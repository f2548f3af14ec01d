"""The deconfounder: closed forms, two routes to each effect, counterfactuals."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_selector
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import PoissonRegressor
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

pytest.importorskip("pyro")

from skcausal.estimation.deconfounding import (
    CoverageWarning,
    Deconfounder,
    PPCAFactorModel,
)
from skcausal.estimation.deconfounding._bayes_linear import BayesianLinear
from skcausal.estimation.deconfounding._effects import contrasts, effect_by_do
from skcausal.estimation.deconfounding._outcome import _columns
from skcausal.estimation.deconfounding._single import one_by_one

EFFECTS = np.array([1.0, -1.0, 0.5, 0.0])


def simulate(n=600, m=12, seed=0, confounding=2.0):
    """One hidden cause of all causes and of the outcome; first effects as named."""
    random = np.random.default_rng(seed)
    z = random.normal(size=n)
    loading = random.uniform(0.7, 1.3, size=m)
    A = z[:, None] * loading + random.normal(size=(n, m))
    y = A[:, :4] @ EFFECTS + confounding * z + random.normal(size=n)
    names = [f"cause {j}" for j in range(m)]
    return pd.DataFrame(A, columns=names), y, z


def fitted(seed=0, **options):
    X, y, _ = simulate(seed=seed)
    options = {"heldout_fraction": 0, "random_state": 0} | options
    return Deconfounder(PPCAFactorModel(1), **options).fit(X, y)


# ------------------------------------------------------------------- outcome model
def test_bayesian_linear_is_the_conjugate_posterior():
    random = np.random.default_rng(0)
    X, beta = random.normal(size=(80, 5)), np.array([1.0, 0, -2, 3, 0.5])
    y = 3 + X @ beta + random.normal(size=80)
    model = BayesianLinear(prior_scale=0.7).fit(X, y)
    spread, centred = y.std(), X - X.mean(axis=0)
    noise = (model.noise_std_ / spread) ** 2
    precision = centred.T @ centred / noise + np.eye(5) / 0.7**2
    mean = np.linalg.solve(precision, centred.T @ (y - y.mean()) / spread / noise)
    np.testing.assert_allclose(model.coef_, spread * mean, rtol=1e-10)
    errors = spread * np.sqrt(np.diag(np.linalg.inv(precision)))
    np.testing.assert_allclose(model.standard_errors_, errors, rtol=1e-10)
    hat = centred @ np.linalg.solve(precision, centred.T) / noise
    assert model.effective_dof_ == pytest.approx(1 + np.trace(hat), rel=1e-10)
    rest = ((y - model.predict(X)) ** 2).sum() / (80 - model.effective_dof_)
    assert model.noise_std_**2 == pytest.approx(rest, rel=1e-6)
    free = BayesianLinear(prior_scale=None).fit(X, y)
    length = (free.coef_**2).sum() / spread**2
    assert free.prior_scale_**2 == pytest.approx(length / (free.effective_dof_ - 1))
    drawn = model.draw(20_000, np.random.RandomState(0))
    np.testing.assert_allclose(drawn.std(axis=0), errors, rtol=0.05)


def test_one_by_one_is_least_squares():
    X, y, z = simulate(n=200)
    slopes, errors = one_by_one(X.to_numpy(), y, z[:, None])
    A = (X - X.mean()) / X.std(ddof=0)
    target = (y - y.mean()) / y.std()
    for j in (0, 7):
        design = np.column_stack([np.ones(200), A.iloc[:, j], z])
        found, rest, *_ = np.linalg.lstsq(design, target)
        assert slopes[j] == pytest.approx(found[1], rel=1e-10)
        covariance = np.linalg.inv(design.T @ design) * rest[0] / (200 - 3)
        assert errors[j] == pytest.approx(np.sqrt(covariance[1, 1]), rel=1e-8)


# --------------------------------------------------------------------- effects
def test_effects_of_a_shared_confounder_are_recovered():
    """Bias of the contrast is large; that of the deconfounder is within 4 errors."""
    errors, contrasts = [], []
    for seed in range(10):
        X, y, _ = simulate(n=2000, m=40, seed=seed)
        model = Deconfounder(PPCAFactorModel(1), heldout_fraction=0, random_state=0)
        model.fit(X, y)
        found = [model.effect(f"cause {j}") for j in range(4)]
        errors.append(found - EFFECTS)
        slopes = [np.polyfit(X.iloc[:, j], y, 1)[0] for j in range(4)]
        contrasts.append(slopes - EFFECTS)
    bias = np.mean(errors, axis=0)
    assert (np.abs(bias) < 0.08).all()
    assert (np.mean(contrasts, axis=0) > 0.5).all()


def test_bias_falls_with_the_number_of_causes():
    """A cause alone stays biased by 1; all causes together by 2 / (m + 1)."""
    for m in (3, 30):
        alone, joint, deconfounded = [], [], []
        for seed in range(10):
            random = np.random.default_rng(seed)
            z = random.normal(size=2000)
            A = z[:, None] + random.normal(size=(2000, m))
            y = 2 * z + random.normal(size=2000)
            model = Deconfounder(PPCAFactorModel(1), heldout_fraction=0).fit(A, y)
            alone.append(contrasts(A, y).mean())
            joint.append(model._models.naive.coefficients.mean())
            deconfounded.append(model._models.fit.coefficients.mean())
        assert np.mean(alone) == pytest.approx(1, abs=0.03)
        assert np.mean(joint) == pytest.approx(2 / (m + 1), abs=0.02)
        assert abs(np.mean(deconfounded)) < np.mean(joint)


@pytest.mark.parametrize("adjust", ["substitute", "reconstruction", "residual", "none"])
def test_do_and_adjustment_agree_within_monte_carlo_error(adjust):
    table = fitted(adjust=adjust).effects_
    gap = (table["effect_do"] - table["effect"]) / table["effect_do_error"]
    assert (gap.abs() < 3.5).all()
    assert (gap.abs() < 3).mean() > 0.9
    assert gap.abs().max() > 0.01  # the two are computed apart


@pytest.mark.parametrize(
    "outcome_model",
    ["ridge", RandomForestRegressor(10, min_samples_leaf=5, random_state=0)],
)
def test_do_agrees_with_other_outcome_models(outcome_model):
    model = fitted(outcome_model=outcome_model, n_draws=5)
    models, draws = model._models, model._draws()
    for position, cause in enumerate(["cause 0", "cause 1"]):
        adjusted = model.effect(cause, 1.5, -1)
        by_do, error = effect_by_do(models, draws, position, (1.5, -1.0))
        assert by_do == model.effect(cause, 1.5, -1, method="do")
        assert 0 < abs(by_do - adjusted) < 3.5 * error


def test_outcome_with_a_link_is_averaged_over_rows():
    """The coefficient of a Poisson regression is no difference of means."""
    X, y, _ = simulate()
    counts = np.random.default_rng(0).poisson(np.exp(0.2 * y))
    model = Deconfounder(
        PPCAFactorModel(1), outcome_model=PoissonRegressor(), heldout_fraction=0
    ).fit(X, counts)
    rows = model._models.rows
    worlds = []
    for level in (1, 0):
        causes = rows.causes.copy()
        causes[:, 0] = level
        draws = model._draws()
        changed = rows.with_causes(causes)
        worlds.append(
            np.mean(
                [model._models.fit.expected(changed.with_confounder(z)) for z in draws]
            )
        )
    assert model.effect("cause 0") == pytest.approx(worlds[0] - worlds[1])
    assert model.effect("cause 0") != pytest.approx(
        model._models.fit.coefficients[0], rel=0.01
    )


@pytest.mark.parametrize("adjust", ["substitute", "reconstruction", "residual", "none"])
def test_linear_predictions_are_those_of_the_model(adjust):
    X, y, z = simulate(n=300)
    options = {"causes": list(X), "heldout_fraction": 0, "adjust": adjust}
    table = X.assign(age=z)
    model = Deconfounder(PPCAFactorModel(2), outcome_model="ridge", **options)
    fit = model.fit(table, y)._models.fit
    design = (_columns(model._models.rows, adjust) - fit.center) / fit.scale
    np.testing.assert_allclose(model.predict(table), fit.model.predict(design))


def test_binary_outcome_is_a_probability():
    X, y, _ = simulate()
    model = Deconfounder(
        PPCAFactorModel(1), outcome_model="logistic", heldout_fraction=0, random_state=0
    ).fit(X, (y > 0).astype(int))
    assert 0.4 > model.effect("cause 0") > 0.05
    assert model.effect("cause 1") < -0.05
    by_do, error = effect_by_do(model._models, model._draws(), 0, (1.0, 0.0))
    assert abs(by_do - model.effect("cause 0")) < 3.5 * error
    assert ((model.predict(X) >= 0) & (model.predict(X) <= 1)).all()
    with pytest.raises(ValueError, match=r"y must be 0 or 1"):
        Deconfounder(outcome_model="logistic").fit(X, y)
    with pytest.raises(ValueError, match=r"residual, got a class"):
        model.counterfactual(0, {})


def test_draws_come_from_the_posterior_not_the_prior():
    """A row's potential outcomes must keep what its causes say about its confounder."""
    X, y, z = simulate()
    model = fitted(adjust="substitute")
    drawn = model.potential_outcomes(X, {"cause 0": 0.0}, n_draws=200)
    assert drawn.shape == (200, len(X))
    kept = y - X["cause 0"].to_numpy() * model.effect("cause 0")
    # Under the prior the means of all rows would differ by their other causes only.
    others = model._models.rows.causes.copy()
    others[:, 0] = 0
    rows = model._models.rows.with_causes(others)
    expected = model._models.fit.expected(rows)
    np.testing.assert_allclose(drawn.mean(axis=0), expected, atol=0.7)
    assert np.corrcoef(drawn.mean(axis=0), kept)[0, 1] > 0.8
    assert np.corrcoef(drawn.mean(axis=0), z)[0, 1] > 0.7


def test_permuting_the_outcome_leaves_the_confounder_bit_identical():
    X, y, _ = simulate()
    model = Deconfounder(PPCAFactorModel(2), random_state=0, heldout_fraction=0)
    first = model.fit(X, y).substitute_confounder_
    second = model.fit(X, np.random.default_rng(1).permutation(y))
    assert first.tobytes() == second.substitute_confounder_.tobytes()


def test_single_cause_effects():
    X, y, z = simulate(n=3000, m=40)
    covariate = X.assign(age=z)
    model = Deconfounder(
        PPCAFactorModel(1), causes=list(X), heldout_fraction=0, random_state=0
    ).fit(covariate, y)
    table = model.single_cause_effects(covariates=False)
    scale = y.std() / X.std(ddof=0)
    assert table["naive"].iloc[0] * scale.iloc[0] > 1.5
    assert table["deconfounded"].iloc[0] * scale.iloc[0] == pytest.approx(1, abs=0.25)
    assert table["rank"].iloc[0] == 1
    known = model.single_cause_effects()
    assert known["naive"].iloc[0] * scale.iloc[0] == pytest.approx(1, abs=0.25)


def test_rank_changes_are_ordered_by_their_size():
    table = fitted().rank_changes(top=5)
    assert len(table) == 5
    assert table["overvalued"].abs().is_monotonic_decreasing
    np.testing.assert_allclose(table["overvalued"], table["naive"] - table["effect"])


# ------------------------------------------------------------------ counterfactuals
def films(seed=0):
    random = np.random.default_rng(seed)
    z = random.normal(size=400)
    A = (random.normal(size=(400, 10)) + z[:, None] > 0.5).astype(float)
    log_revenue = 10 + A @ np.linspace(-1, 1, 10) + z + 0.3 * random.normal(size=400)
    names = [f"actor {j}" for j in range(10)]
    X = pd.DataFrame(A, columns=names, index=[f"film {i}" for i in range(400)])
    return X, log_revenue


def test_swap_of_actors():
    X, y = films()
    model = Deconfounder(PPCAFactorModel(1), heldout_fraction=0, random_state=0)
    model.fit(X, y)
    both = (X["actor 0"] == 1) & (X["actor 9"] == 0)
    film = X.index[both][0]
    gap = model.effect("actor 9") - model.effect("actor 0")
    found = model.counterfactual(film, {"actor 0": 0, "actor 9": 1})
    assert found.difference == pytest.approx(gap, rel=1e-9)
    observed = y[X.index.get_loc(film)]
    assert found.observed == observed
    assert found.value == observed + found.difference
    dollars = model.swap(film, "actor 0", "actor 9", transform="exp")
    assert dollars.value == pytest.approx(np.exp(observed + gap), rel=1e-9)
    assert dollars.difference == pytest.approx(dollars.value - np.exp(observed))
    with pytest.warns(CoverageWarning, match="19 %"):
        lower, upper = dollars.interval()
    assert lower < dollars.difference < upper


@pytest.mark.parametrize("transform", [None, "exp", "expm1"])
def test_no_change_returns_the_outcome_exactly(transform):
    X, y = films()
    model = Deconfounder(PPCAFactorModel(1), heldout_fraction=0).fit(X, y)
    film = X.index[X["actor 3"] == 1][0]
    for found in (
        model.counterfactual(film, {}, transform=transform),
        model.counterfactual(film, {"actor 3": 1}, transform=transform),
        model.swap(film, "actor 3", "actor 3", transform=transform),
    ):
        assert found.difference == 0
        assert found.value == found.observed
        assert not found.draws.any()


def test_counterfactual_of_a_nonlinear_model_keeps_the_residual():
    X, y = films()
    forest = RandomForestRegressor(20, random_state=0)
    model = Deconfounder(
        PPCAFactorModel(1), outcome_model=forest, heldout_fraction=0, random_state=0
    ).fit(X, y)
    film = X.index[X["actor 0"] == 1][0]
    changed = model.counterfactual(film, {"actor 0": 0}, n_draws=20)
    assert changed.draws.shape == (20,)
    assert changed.difference != 0
    assert model.swap(film, "actor 0", "actor 0").difference == 0


def test_counterfactual_refuses_what_is_not_there():
    X, y = films()
    model = Deconfounder(PPCAFactorModel(1), heldout_fraction=0).fit(X, y)
    film = X.index[X["actor 0"] == 0][0]
    with pytest.raises(ValueError, match="take away a cause that the row does not"):
        model.counterfactual(film, {"actor 0": 0, "actor 1": 1})
    with pytest.raises(ValueError, match="take away a cause that the row does not"):
        model.swap(film, "actor 0", "actor 1")
    with pytest.raises(
        ValueError, match=r"cause must be one of the causes \('actor 0'"
    ):
        model.counterfactual(film, {"Nobody": 1})
    with pytest.raises(ValueError, match="which 0 rows have"):
        model.counterfactual("no film", {"actor 1": 1})
    with pytest.raises(ValueError, match="transform must be None"):
        model.counterfactual(film, {}, transform="log")


# ------------------------------------------------------------------ scikit-learn
def test_columns_that_are_no_causes_are_covariates():
    X, y, z = simulate()
    table = X.assign(age=z, x2=z**2)
    by_name = Deconfounder(PPCAFactorModel(1), causes=list(X), heldout_fraction=0)
    by_name.fit(table, y)
    assert by_name.covariates_ == ["age", "x2"]
    pattern = make_column_selector(pattern="^cause")
    for causes in (slice(0, 12), pattern, np.arange(14) < 12, list(range(12))):
        other = Deconfounder(PPCAFactorModel(1), causes=causes, heldout_fraction=0)
        other.fit(table, y)
        assert other.causes_ == by_name.causes_
        np.testing.assert_array_equal(other.predict(table), by_name.predict(table))
    array = Deconfounder(PPCAFactorModel(1), causes=slice(0, 12), heldout_fraction=0)
    array.fit(table.to_numpy(), y)
    np.testing.assert_allclose(array.predict(table.to_numpy()), other.predict(table))
    assert array.causes_ == list(range(12))


def test_search_over_factors_and_adjustments():
    X, y, _ = simulate(n=300)
    search = GridSearchCV(
        Deconfounder(PPCAFactorModel(), heldout_fraction=0, random_state=0),
        {"factor_model__n_components": [1, 3], "adjust": ["substitute", "none"]},
        cv=3,
    ).fit(X, y)
    assert 0.5 < search.best_score_ < 1
    assert search.best_estimator_.effects_.shape[0] == 12
    piped = make_pipeline(
        StandardScaler().set_output(transform="pandas"),
        Deconfounder(PPCAFactorModel(1), heldout_fraction=0),
    )
    assert piped.fit(X, y).score(X, y) > 0.5


@pytest.mark.filterwarnings("ignore")  # tables of few rows; collinear columns of iris
def test_check_estimator():
    check_estimator(Deconfounder(heldout_fraction=0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"adjust": "all"}, "adjust must be one of substitute"),
        ({"causes": ["no such"]}, "causes must select columns of X"),
        ({"causes": ["cause 1"]}, "at least two columns"),
        ({"causes": [0, 0, 1]}, "each column once"),
        ({"outcome_model": "spline"}, "outcome_model must be one of"),
        ({"heldout_fraction": 1.0}, "heldout_fraction must be at least 0"),
        ({"n_draws": 0}, "n_draws must be positive"),
    ],
)
def test_bad_settings_are_named(options, message):
    X, y, _ = simulate(n=50)
    with pytest.raises(ValueError, match=rf"^Deconfounder.*{message}"):
        Deconfounder(**options).fit(X, y)


def test_a_cause_that_never_varies_is_an_error():
    X, y, _ = simulate(n=50)
    with pytest.raises(ValueError, match=r"causes must vary, got 1 .*'idle'"):
        Deconfounder().fit(X.assign(idle=1.0), y)


def test_unknown_method_and_level():
    model = fitted()
    with pytest.raises(ValueError, match="method must be 'adjust' or 'do'"):
        model.effect("cause 0", method="see")
    with pytest.raises(ValueError, match="level must be between 0 and 1"):
        model.effect_interval("cause 0", level=2)
    assert not hasattr(fitted(outcome_model="ridge"), "effect_interval")
