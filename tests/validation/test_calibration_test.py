"""The calibration test equals least squares on residuals; it knows scale and noise."""

import numpy as np
import pytest
import statsmodels.api as sm
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal.datasets import make_observational
from skcausal.estimation._evaluation import Evaluation, EvaluationOptions
from skcausal.utils._target import resolve_target
from skcausal.validation import calibration_test

NUISANCES = {
    "outcome_model": LinearRegression(),
    "propensity_model": LogisticRegression(),
}


def run(data, effects, **options):
    given = {"treatment": data.treatment} | NUISANCES | options
    return calibration_test(effects, data.X, data.y, **given)


@pytest.fixture(scope="module")
def data():
    return make_observational(2000, 4, random_state=0)


@pytest.mark.parametrize("kind", ["binary", "continuous"])
def test_it_is_least_squares_on_residuals_with_hc3(kind):
    data = make_observational(300, 3, treatment=kind, random_state=1)
    effects = np.asarray(data.effect) + 0.5
    models = NUISANCES | (
        {"propensity_model": LinearRegression()} if kind == "continuous" else {}
    )
    ours = run(data, effects, **models)
    evaluation = Evaluation.make(
        data.X,
        resolve_target("test", data.y, data.treatment),
        owner="test",
        options=EvaluationOptions(**models),
    )
    u, v = evaluation.residuals[0], evaluation.residuals[1][:, 0]
    mean = effects.mean()
    design = np.column_stack([mean * v, (effects - mean) * v])
    expected = sm.OLS(u, design).fit(cov_type="HC3")
    np.testing.assert_allclose(ours.value, expected.params)
    error = expected.bse * np.sqrt(299 / 300)  # the jackknife's factor
    # Influence values are centred, which moves the error a little.
    np.testing.assert_allclose(ours.standard_error, error, rtol=1e-4)
    assert ours.labels == ("mean_prediction", "differential_prediction")


def test_true_effects_are_calibrated(data):
    test = run(data, data.effect)
    assert np.all(np.abs(test.value - 1) < 4 * test.standard_error)
    assert (test.p_value < 1e-4).all()


def test_wrong_scale_and_mean_are_told_apart(data):
    plain = run(data, data.effect).value
    mean = data.effect.mean()
    stretched = run(data, mean + 2 * (data.effect - mean)).value
    assert stretched == pytest.approx([plain[0], plain[1] / 2])
    assert run(data, 2 * data.effect).value == pytest.approx(plain / 2)


def test_noise_has_no_differential_prediction():
    data = make_observational(1000, 2, effect="constant", random_state=2)
    rng = np.random.default_rng(0)
    z = []
    for _ in range(60):
        test = run(data, 1 + rng.normal(size=1000))["differential_prediction"]
        z.append(test.value / test.standard_error)
    assert abs(np.mean(z)) < 4 / np.sqrt(60)
    assert 0.65 < np.std(z) < 1.4  # sd of an sd over 60 draws is .09


def test_groups_widen_the_error(data):
    groups = np.digitize(np.asarray(data.X)[:, 0], np.linspace(-2, 2, 40))
    assert run(data, data.effect, groups=groups).groups is not None


def test_several_arms_are_refused():
    data = make_observational(300, 2, treatment="multi", random_state=0)
    with pytest.raises(ValueError, match="calibration_test: the treatment has 3 arms"):
        run(data, data.effect, control_arm=0)


def test_effects_of_mean_zero_are_refused(data):
    with pytest.raises(ValueError, match="mean of effects is zero"):
        run(data, np.tile([-1.0, 1.0], 1000))


def test_equal_effects_are_refused(data):
    with pytest.raises(ValueError, match="all 2000 effects are equal"):
        run(data, np.ones(2000))
