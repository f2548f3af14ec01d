"""Each reason to doubt a deconfounder, on data made to give it."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

pytest.importorskip("pyro")

from skcausal.estimation.deconfounding import (
    CollinearCausesWarning,
    CoverageWarning,
    Deconfounder,
    IgnoranceWarning,
    PoissonFactorModel,
    PPCAFactorModel,
    PredictiveCheckWarning,
    SingleCauseConfounderWarning,
    SubstituteOverlapWarning,
    SuspectOutcomeWarning,
    UnchangedEffectsWarning,
    UnstableEffectsWarning,
)
from skcausal.estimation.deconfounding._diagnostics import (
    confounder_inflation,
    explained,
    extreme_share,
    ignorance_width,
    variance_inflation,
)

NAMES = [f"cause {j}" for j in range(12)]


def shared(noise=1.0, n=600, seed=0):
    random = np.random.default_rng(seed)
    z = random.normal(size=n)
    A = z[:, None] + noise * random.normal(size=(n, 12))
    y = A[:, 0] + 2 * z + random.normal(size=n)
    return pd.DataFrame(A, columns=NAMES), y, z


def fitted(X, y, factors=1, **options):
    options = {"heldout_fraction": 0, "random_state": 0} | options
    return Deconfounder(PPCAFactorModel(factors), **options).fit(X, y)


def reasons(model, kind, **options):
    return [str(one) for one in model.check(**options) if type(one) is kind]


def test_confounder_that_determines_causes():
    X, y, _ = shared(noise=0.3)
    model = fitted(X, y)
    assert (model.effects_["overlap_r2"] > 0.9).all()
    assert model.effects_["flags"].str.contains("no overlap").all()
    (told,) = reasons(model, SubstituteOverlapWarning)
    assert "explains more than 90% of 12 cause(s): 'cause 0'" in told
    assert not reasons(fitted(*shared()[:2]), SubstituteOverlapWarning)


def test_overlap_r2_is_that_of_least_squares():
    X, _, z = shared()
    expected = [np.corrcoef(X[name], z)[0, 1] ** 2 for name in NAMES]
    np.testing.assert_allclose(explained(X.to_numpy(), z[:, None]), expected)
    assert not explained(X.to_numpy(), np.empty((600, 0))).any()


def test_rows_that_hardly_have_a_comparable_one():
    X, y, _ = shared(noise=0.3, n=2000)
    model = fitted((X > 0).astype(float), y)
    extreme = model.effects_["extreme_share"]
    assert (extreme > 0.2).all()
    assert "outside [.01, .99] in more than 20%" in " ".join(
        reasons(model, SubstituteOverlapWarning)
    )
    assert model.effects_["flags"].str.contains("hardly varies").all()
    assert (fitted(*shared()[:2]).effects_["extreme_share"].isna()).all()


def test_extreme_share_is_that_of_the_true_logit():
    random = np.random.default_rng(0)
    group = random.random(20_000) < 0.3
    z = random.normal(size=(20_000, 2)) + 2.0 * group[:, None]
    found = extreme_share(group[:, None].astype(float), z)[0]
    true = expit(np.log(3 / 7) + 2 * z.sum(axis=1) - 4)
    assert found == pytest.approx(((true < 0.01) | (true > 0.99)).mean(), abs=0.01)


def test_confounder_that_is_a_function_of_the_causes():
    model = fitted(*shared()[:2])
    assert np.isinf(model.effects_["vif"]).all()
    told = " ".join(reasons(model, CollinearCausesWarning))
    assert "almost a linear function of the causes (variance inflation inf)" in told
    assert "12 cause(s) have a variance inflation above 10" in told


def test_variance_inflation_is_the_textbook_one():
    X, _, z = shared()
    A = X.to_numpy()
    found = variance_inflation(A[:, :2], A[:, 2:5])
    for j in (0, 1):
        rest = np.delete(A[:, :5], j, axis=1)
        r2 = explained(A[:, [j]], rest)[0]
        assert found[j] == pytest.approx(1 / (1 - r2), rel=1e-6)
    known = 1 / (1 - explained(z[:, None], A)[0])
    assert confounder_inflation(z[:, None], A) == pytest.approx(known)


def test_deconfounder_that_changes_nothing():
    random = np.random.default_rng(0)
    A = random.normal(size=(2000, 12))
    y = A @ np.linspace(-1, 1, 12) + random.normal(size=2000)
    (told,) = reasons(fitted(A, y), UnchangedEffectsWarning)
    assert "changed nothing" in told
    rare = (random.random((400, 40)) < 0.05) * 1.0
    changed = fitted(rare, random.normal(size=400) + rare.sum(axis=1), factors=15)
    correlation = changed.effects_[["effect", "naive"]].corr().iloc[0, 1]
    assert bool(reasons(changed, UnchangedEffectsWarning)) == (correlation > 0.98)


def test_covariate_that_goes_with_one_cause_only():
    X, y, z = shared()
    random = np.random.default_rng(1)
    own = X["cause 3"] - z + random.normal(size=600)
    table = X.assign(theirs=z, own=own, none=random.normal(size=600))
    (told,) = reasons(fitted(table, y, causes=NAMES), SingleCauseConfounderWarning)
    assert "1 covariate(s) go with one cause only: 'own' with 'cause 3'" in told
    assert not reasons(fitted(X, y), SingleCauseConfounderWarning)


def test_intervals_say_that_they_are_not_calibrated():
    model = fitted(*shared()[:2])
    with pytest.warns(CoverageWarning, match="19 % to 44 % of draws"):
        lower, upper = model.effect_interval("cause 0")
    with pytest.warns(CoverageWarning):
        wider = model.effect_interval("cause 0", level=0.99)
    assert wider[0] < lower < model.effect("cause 0") < upper < wider[1]
    half = 1.959964 * model.effects_.loc["cause 0", "standard_error"]
    assert upper - lower == pytest.approx(2 * half, rel=1e-5)


def test_effects_that_change_sign_with_seed_and_factors():
    random = np.random.default_rng(0)
    counts = random.poisson(0.3, size=(200, 12)).astype(float)
    y = random.normal(size=200)
    model = Deconfounder(
        PoissonFactorModel(2, max_iter=20), heldout_fraction=0, random_state=0
    ).fit(pd.DataFrame(counts, columns=NAMES), y)
    with pytest.warns(UnstableEffectsWarning, match="change sign among 6"):
        table = model.sensitivity(seeds=range(3), n_components=(2, 6))
    assert table["sign_flips"].any()
    flips = (table["min"] < 0) & (table["max"] > 0)
    np.testing.assert_array_equal(table["sign_flips"], flips)
    assert (table["rank_std"] > 0).any()


def test_sensitivity_fits_a_closed_form_once():
    X, y, _ = shared()
    model = fitted(X, X.sum(axis=1) + y)
    table = model.sensitivity(n_components=[1])
    np.testing.assert_allclose(table["mean"], model.effects_["effect"])
    assert (table["std"] < 1e-12).all()
    models = [PPCAFactorModel(1), PPCAFactorModel(2)]
    both = model.sensitivity(models=models, n_components=None)
    assert (both["std"] > 0).any()
    with pytest.raises(ValueError, match="n_components must be below the number of"):
        model.sensitivity(n_components=[12, 20])


def test_ignorance_region_is_that_of_the_linear_model():
    """Shifting the confounder's effect moves the coefficients along its loadings."""
    X, y, z = shared()
    A = X.to_numpy()
    width = ignorance_width(A, z[:, None], float(y.std()))
    scaled = (z - z.mean()) / z.std()
    loadings = np.linalg.lstsq(A - A.mean(axis=0), scaled)[0]
    np.testing.assert_allclose(width, 2 * y.std() * np.abs(loadings))
    two = ignorance_width(A, np.column_stack([z, z]), 1.0)
    np.testing.assert_allclose(two, np.sqrt(2) * width / y.std())
    assert not ignorance_width(A, np.empty((600, 0)), 1.0).any()


def test_effects_whose_sign_data_leave_open():
    X, y, _ = shared()
    (told,) = reasons(fitted(X, y), IgnoranceWarning)
    assert "has the other sign" in told
    # Effects far above what one shared factor could explain away stay closed.
    random = np.random.default_rng(0)
    A = random.normal(size=(600, 12))
    assert not reasons(fitted(A, 5 * A.sum(axis=1)), IgnoranceWarning)


def test_collinear_causes():
    X, y, _ = shared()
    X["perimeter"] = X["cause 0"] + 0.01 * np.random.default_rng(1).normal(size=600)
    with pytest.warns(CollinearCausesWarning, match=r"1 pair.*'cause 0', 'perimeter'"):
        model = fitted(X, y)
    assert "correlate beyond 0.95" in " ".join(reasons(model, CollinearCausesWarning))


def test_factor_model_that_fails_its_check():
    random = np.random.default_rng(0)
    z = random.normal(size=(500, 8))
    A = z @ random.normal(size=(8, 30)) + 0.1 * random.normal(size=(500, 30))
    y = random.normal(size=500)
    poor = Deconfounder(PPCAFactorModel(2, noise_std=0.1), random_state=0)
    with pytest.warns(PredictiveCheckWarning):
        poor.fit(A, y)
    assert not poor.predictive_check_.passed
    (told,) = reasons(poor, PredictiveCheckWarning)
    assert "predicts held-out causes badly" in told
    good = Deconfounder(PPCAFactorModel(8, noise_std=0.1), random_state=0).fit(A, y)
    assert good.predictive_check_.passed
    assert not reasons(good, PredictiveCheckWarning)
    with pytest.raises(PredictiveCheckWarning):
        poor.check(strict=True)


def test_outcomes_that_are_hardly_outcomes():
    X, y, _ = shared()
    X.index = [f"film {i}" for i in range(600)]
    y = y - y.min() + 10
    y[7] = 1.6
    model = fitted(X, y)
    (told,) = reasons(model, SuspectOutcomeWarning, minimum_outcome=np.log(1000))
    assert "1 row(s) have an outcome below 6.9" in told
    assert "'film 7'" in told
    assert not reasons(model, SuspectOutcomeWarning)


def test_strict_check_raises_the_first_reason():
    model = fitted(*shared(noise=0.3)[:2])
    with pytest.raises(type(model.check()[0])):
        model.check(strict=True)
