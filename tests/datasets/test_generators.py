"""The truth that the generators return is the truth of what they drew."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from skcausal.datasets import make_ab_test, make_observational
from skcausal.datasets._observational import (
    _arm_means,
    _check_design,
    _propensity,
)

OBSERVATIONAL = [
    {},
    {"confounding": "none", "effect": "none"},
    {"confounding": "nonlinear", "effect": "nonlinear"},
    {"confounding": 0.5, "overlap": 0.05, "effect": "constant"},
    {"overlap": "weak", "outcome": "binary"},
    {"treatment": "multi", "effect": "nonlinear"},
    {"treatment": "multi", "n_arms": 5, "outcome": "binary", "n_features": 2},
    {"n_features": 1, "confounding": "nonlinear"},
]
AB_TESTS = [
    {},
    {"outcome": "binary"},
    {"treated_share": 0.2},
    {"n_arms": 4, "treated_share": 0.9},
    {"n_arms": 3, "outcome": "binary", "labels": ["none", "mail", "call"]},
    {"effect_size": 0.0},
]
CASES = [(make_observational, options) for options in OBSERVATIONAL]
CASES += [(make_ab_test, options) for options in AB_TESTS]
N_SEEDS = 60


def codes_of(data):
    return pd.Categorical(data.treatment, categories=data.arms).codes.astype(int)


def as_matrix(data):
    """Effects and propensities with one column for each arm, whatever their number."""
    n_arms = len(data.arms)
    effect = np.reshape(data.effect, (-1, n_arms - 1))
    propensity = data.propensity
    if n_arms == 2:
        propensity = np.column_stack([1 - propensity, propensity])
    return effect, propensity


def z_scores(values):
    """Mean over seeds in standard errors."""
    values = np.asarray(values)
    spread = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    return values.mean(axis=0) / np.where(spread > 0, spread, 1.0)


@pytest.mark.parametrize(("make", "options"), CASES)
def test_inverse_propensity_weighting_recovers_average_effect(make, options):
    errors = []
    for seed in range(N_SEEDS):
        data = make(600, random_state=seed, **options)
        effect, propensity = as_matrix(data)
        received = codes_of(data)[:, None] == np.arange(len(data.arms))
        # Centring at the true means keeps the mean and lowers the variance.
        own = data.outcome_means[np.arange(600), codes_of(data)]
        residual = (data.y.to_numpy() - own)[:, None] * received / propensity
        weighted = (received / propensity - 1.0) * data.outcome_means
        estimate = (residual + weighted + data.outcome_means).mean(axis=0)
        errors.append(estimate[1:] - estimate[0] - effect.mean(axis=0))
    assert np.all(np.abs(z_scores(errors)) < 4.0)


@pytest.mark.parametrize(("make", "options"), CASES)
def test_outcome_has_the_true_mean_in_every_arm(make, options):
    residuals = []
    for seed in range(N_SEEDS):
        data = make(600, random_state=seed, **options)
        codes = codes_of(data)
        residual = data.y.to_numpy() - data.outcome_means[np.arange(600), codes]
        received = codes[:, None] == np.arange(len(data.arms))
        by_mean = residual * (
            data.outcome_means[:, 0] - data.outcome_means[:, 0].mean()
        )
        residuals.append([*(residual[:, None] * received).mean(axis=0), by_mean.mean()])
    assert np.all(np.abs(z_scores(residuals)) < 4.0)


@pytest.mark.parametrize(("make", "options"), CASES)
def test_propensity_is_the_probability_of_the_arm(make, options):
    surprises = []
    for seed in range(N_SEEDS):
        data = make(600, random_state=seed, **options)
        _, propensity = as_matrix(data)
        np.testing.assert_allclose(propensity.sum(axis=1), 1.0)
        received = codes_of(data)[:, None] == np.arange(len(data.arms))
        surprise = received - propensity
        surprises.append(
            [*surprise.mean(axis=0), *(surprise * propensity).mean(axis=0)]
        )
    assert np.all(np.abs(z_scores(surprises)) < 4.0)


@pytest.mark.parametrize(("make", "options"), CASES)
def test_averages_agree_with_rows(make, options):
    data = make(400, random_state=0, **options)
    effect, _ = as_matrix(data)
    means = data.outcome_means
    np.testing.assert_allclose(effect, means[:, 1:] - means[:, :1])
    np.testing.assert_allclose(data.average_effect, np.squeeze(effect.mean(axis=0)))
    codes = codes_of(data)
    arms = range(1, len(data.arms))
    of_treated = [effect[codes == arm, arm - 1].mean() for arm in arms]
    np.testing.assert_allclose(data.average_effect_treated, np.squeeze(of_treated))
    of_control = effect[codes == 0].mean(axis=0)
    np.testing.assert_allclose(data.average_effect_control, np.squeeze(of_control))
    if len(data.arms) == 2:
        assert isinstance(data.average_effect, float)
        weights = data.propensity * (1 - data.propensity)
        expected = np.average(data.effect, weights=weights)
        assert data.average_effect_overlap == pytest.approx(expected)


@pytest.mark.parametrize(("make", "options"), CASES)
def test_frame_holds_features_treatment_and_outcome(make, options):
    data = make(50, random_state=0, **options)
    columns = [*data.feature_names, data.treatment_name, data.outcome_name]
    assert data.frame.columns.tolist() == columns
    pd.testing.assert_frame_equal(data.X, data.frame[data.feature_names])
    pd.testing.assert_series_equal(data.y, data.frame[data.outcome_name])
    pd.testing.assert_series_equal(data.treatment, data.frame[data.treatment_name])
    assert data.control_arm == data.arms[0]
    assert set(data.treatment) <= set(data.arms)


@pytest.mark.parametrize(("make", "options"), CASES)
def test_integer_seed_fixes_the_table(make, options):
    first, second, other = (
        make(80, random_state=seed, **options) for seed in (3, 3, 4)
    )
    pd.testing.assert_frame_equal(first.frame, second.frame)
    np.testing.assert_array_equal(first.effect, second.effect)
    assert not first.frame.equals(other.frame)
    generator = np.random.RandomState(3)
    pd.testing.assert_frame_equal(
        first.frame, make(80, random_state=generator, **options).frame
    )


@pytest.mark.parametrize(
    "options",
    [*OBSERVATIONAL, {"treatment": "continuous"}],
)
def test_population_truth_agrees_with_a_large_draw(options):
    data = make_observational(200_000, random_state=11, **options)
    effect = np.asarray(data.effect)
    error = effect.std(axis=0) / np.sqrt(len(effect)) + 5e-4
    difference = data.population.average_effect - data.average_effect
    assert np.all(np.abs(difference) < 4 * error)
    if "average_effect_treated" in data:
        for name in ("average_effect_treated", "average_effect_control"):
            difference = data.population[name] - data[name]
            assert np.all(np.abs(difference) < 12 * error)


def test_population_truth_cannot_be_spoiled_by_a_user():
    first = make_observational(20, treatment="multi", random_state=0)
    expected = first.population.average_effect.copy()
    first.population.average_effect[:] = 9.0
    second = make_observational(20, treatment="multi", random_state=0)
    np.testing.assert_array_equal(second.population.average_effect, expected)


def test_sample_average_centres_on_population():
    gaps = []
    for seed in range(N_SEEDS):
        data = make_observational(500, effect="nonlinear", random_state=seed)
        gaps.append(data.average_effect - data.population.average_effect)
    assert abs(z_scores(gaps)) < 4.0


@pytest.mark.parametrize("n_features", [1, 3, 10])
@pytest.mark.parametrize("effect", ["linear", "nonlinear", "constant"])
def test_mean_effects_of_the_population(n_features, effect):
    data = make_observational(
        10, n_features, treatment="multi", effect=effect, random_state=0
    )
    np.testing.assert_allclose(data.population.average_effect, [1.0, 1.5], atol=2e-3)


def test_confounding_biases_the_naive_difference_and_none_does_not():
    def bias(confounding):
        gaps = []
        for seed in range(20):
            data = make_observational(
                2000, confounding=confounding, effect="constant", random_state=seed
            )
            treated = data.treatment == 1
            gaps.append(data.y[treated].mean() - data.y[~treated].mean() - 1.0)
        return np.mean(gaps)

    assert abs(bias("none")) < 0.05
    assert bias("linear") > 0.8
    assert bias("nonlinear") > 0.8
    assert 0.1 < bias(0.2) < bias(0.6) < bias(1.5)


@pytest.mark.parametrize(("overlap", "n_arms"), [("good", 2), ("weak", 2), (0.1, 4)])
def test_overlap_bounds_the_propensity(overlap, n_arms):
    treatment = "binary" if n_arms == 2 else "multi"
    data = make_observational(
        20_000,
        overlap=overlap,
        treatment=treatment,
        n_arms=n_arms,
        confounding=2.0,
        random_state=0,
    )
    lowest = {"good": 0.2 / n_arms, "weak": 0.02 / n_arms}.get(overlap, overlap)
    _, propensity = as_matrix(data)
    assert lowest < propensity.min() < lowest + 0.01


def test_named_confounding_equals_strength_one_or_zero():
    named = make_observational(50, random_state=0)
    pd.testing.assert_frame_equal(
        named.frame, make_observational(50, confounding=1.0, random_state=0).frame
    )
    none = make_observational(50, confounding="none", random_state=0)
    np.testing.assert_array_equal(none.propensity, 0.5)
    zero = make_observational(50, confounding=0, random_state=0)
    pd.testing.assert_frame_equal(none.frame, zero.frame)


def test_formulas_of_the_docstring():
    data = make_observational(
        100, 3, confounding=0.7, overlap=0.1, outcome="binary", random_state=0
    )
    x = data.X.to_numpy()
    baseline = x @ np.array([1, 1 / 2, 1 / 3]) / np.sqrt(1 + 1 / 4 + 1 / 9)
    expected = 0.1 + 0.8 * expit(2 * 0.7 * baseline)
    np.testing.assert_allclose(data.propensity, expected)
    effect = 1 + 0.6 * x[:, 0] - 0.4 * x[:, 1]
    np.testing.assert_allclose(data.outcome_means[:, 1], expit(baseline + effect))


def test_noiseless_outcome_is_its_mean():
    data = make_observational(100, noise=0.0, random_state=0)
    received = data.outcome_means[np.arange(100), data.treatment]
    np.testing.assert_array_equal(data.y, received)


def test_continuous_treatment():
    data = make_observational(
        5000, treatment="continuous", noise=0.0, overlap=0.5, random_state=0
    )
    slope = data.effect * data.treatment
    np.testing.assert_allclose(data.y, data.outcome_means[:, 0] + slope)
    residual = data.treatment - data.treatment_mean
    assert data.treatment_scale == 0.5
    assert residual.std() == pytest.approx(0.5, rel=0.05)
    assert abs(np.corrcoef(residual, data.treatment_mean)[0, 1]) < 0.05
    assert "arms" not in data


def test_continuous_treatment_with_binary_outcome():
    data = make_observational(
        2000, treatment="continuous", outcome="binary", random_state=0
    )
    assert set(data.y) == {0, 1}
    assert np.all(np.abs(data.effect) < 1.0)
    gap = data.outcome_means[:, 1] - data.outcome_means[:, 0]
    np.testing.assert_allclose(data.effect, gap)


@pytest.mark.parametrize("outcome", ["continuous", "binary"])
@pytest.mark.parametrize("treatment", ["binary", "multi"])
def test_no_effect_is_exactly_zero(outcome, treatment):
    data = make_observational(
        50, effect="none", outcome=outcome, treatment=treatment, random_state=0
    )
    np.testing.assert_array_equal(data.effect, 0.0)
    np.testing.assert_array_equal(data.population.average_effect, 0.0)


def test_population_uses_every_feature_that_matters():
    design = _check_design(
        30, "nonlinear", "nonlinear", "good", "continuous", "multi", 9
    )
    x = np.random.default_rng(0).normal(size=(50, 30))
    cut = x[:, : design.n_features]
    np.testing.assert_array_equal(_arm_means(x, design), _arm_means(cut, design))
    np.testing.assert_array_equal(_propensity(x, design), _propensity(cut, design))


def test_ab_test_has_mixed_columns_and_missing_values():
    data = make_ab_test(5000, random_state=0)
    kinds = data.X.dtypes.astype(str)
    assert (kinds == "category").sum() == 2
    shares = data.X.isna().mean()
    assert shares["age"] == pytest.approx(0.05, abs=0.015)
    assert shares["prior_spend"] == pytest.approx(0.05, abs=0.015)
    assert shares.drop(["age", "prior_spend"]).eq(0).all()
    assert make_ab_test(100, missing=0.0, random_state=0).X.notna().all(axis=None)


def test_ab_test_defaults_are_plausible():
    data = make_ab_test(20_000, random_state=0)
    assert data.outcome_means.min() > 0
    assert 0.05 < np.mean(data.effect < 0) < 0.3
    assert data.X["prior_spend"].corr(data.y) > 0.3
    binary = make_ab_test(20_000, outcome="binary", random_state=0)
    assert 0.1 < binary.y.mean() < 0.5


def test_ab_test_without_heterogeneity_has_one_effect():
    data = make_ab_test(200, heterogeneity=0.0, effect_size=2.0, random_state=0)
    np.testing.assert_allclose(data.effect, 6.0)


def test_ab_test_design_is_returned_by_label():
    data = make_ab_test(
        100, n_arms=3, treated_share=0.5, labels=("a", "b", "c"), random_state=0
    )
    assert data.arm_probabilities == {"a": 0.5, "b": 0.25, "c": 0.25}
    assert data.arms == ["a", "b", "c"]
    np.testing.assert_array_equal(data.propensity[0], [0.5, 0.25, 0.25])


def test_ab_test_labels_do_not_change_the_draw():
    plain = make_ab_test(100, random_state=0)
    named = make_ab_test(100, labels=["control", "treated"], random_state=0)
    np.testing.assert_array_equal(plain.y, named.y)
    assert (named.treatment == "treated").equals(plain.treatment == 1)


BAD_OBSERVATIONAL = [
    ({"n_rows": 0}, "n_rows must be an integer at least 1, got 0"),
    ({"n_features": 2.5}, "n_features must be an integer at least 1, got 2.5"),
    ({"effect": "cubic"}, "effect must be one of 'none', .*, got 'cubic'"),
    ({"confounding": "cubic"}, "confounding must be one of 'none', .* got 'cubic'"),
    ({"confounding": -1.0}, r"confounding must be a number in \[0.0, inf\), got -1.0"),
    ({"overlap": "bad"}, "overlap must be one of 'good', 'weak', got 'bad'"),
    ({"overlap": 0.5}, r"overlap must be a number in \(0.0, 0.5\), got 0.5"),
    ({"overlap": 0.4, "treatment": "multi"}, r"overlap must be .* got 0.4"),
    ({"noise": -0.1}, "noise must be a number in .* got -0.1"),
    ({"noise": np.nan}, "noise must be a number in .* got nan"),
    ({"outcome": "count"}, "outcome must be one of 'continuous', 'binary'"),
    ({"treatment": "arms"}, "treatment must be one of 'binary', 'multi', .*'arms'"),
    ({"n_arms": 1, "treatment": "multi"}, "n_arms must be an integer at least 2"),
]
BAD_AB_TESTS = [
    ({"n_rows": True}, "n_rows must be an integer at least 1, got True"),
    ({"outcome": None}, "outcome must be one of 'continuous', 'binary', got None"),
    ({"n_arms": 1}, "n_arms must be an integer at least 2, got 1"),
    ({"treated_share": 1.0}, r"treated_share must be a number in \(0.0, 1.0\)"),
    ({"missing": 1.0}, r"missing must be a number in \[0.0, 1.0\), got 1.0"),
    ({"heterogeneity": "high"}, "heterogeneity must be a number .* got 'high'"),
    ({"effect_size": 10}, "effect_size must be a number .* got 10"),
    ({"labels": ["a"]}, r"labels must hold 2 different labels .* got \['a'\]"),
    ({"labels": ["a", "a"]}, "labels must hold 2 different labels"),
]


@pytest.mark.parametrize(("options", "message"), BAD_OBSERVATIONAL)
def test_make_observational_names_the_wrong_option(options, message):
    with pytest.raises(ValueError, match=f"^make_observational: {message}"):
        make_observational(**options)


@pytest.mark.parametrize(("options", "message"), BAD_AB_TESTS)
def test_make_ab_test_names_the_wrong_option(options, message):
    with pytest.raises(ValueError, match=f"^make_ab_test: {message}"):
        make_ab_test(**options)
