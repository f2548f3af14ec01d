"""QuantileEffect: sample quantiles in experiments, known quantiles in designs."""

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal import NoIntervalWarning
from skcausal.datasets import make_observational
from skcausal.estimation import KnownPropensity, QuantileEffect
from skcausal.estimation.average_effects._quantiles import (
    density_at,
    weighted_quantile,
)
from tests.estimation.average_effects.draws import check
from tests.estimation.helpers import SeenClassifier, hand_error, logit

LEVELS = [0.25, 0.5, 0.75]


def shifted(seed, n_rows=400, skew=1.0):
    """Draw confounded rows; treatment adds 1 and widens the noise by ``skew``."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 2))
    treatment = rng.binomial(1, 1 / (1 + np.exp(-0.7 * X[:, 0])))
    noise = rng.normal(size=n_rows)
    y = X[:, 0] + treatment + np.where(treatment == 1, skew, 1.0) * noise
    return X, y, treatment


def true_effect(level, skew):
    """X1 + 1 + skew Z against X1 + Z: two normal distributions."""
    z = stats.norm.ppf(level)
    return 1 + z * (np.sqrt(1 + skew**2) - np.sqrt(2))


def true_effect_on_the_treated(level, skew):
    """Quantiles of mixtures over X1 given treatment, by quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / (1 + np.exp(-0.7 * nodes))
    weights = weights / weights.sum()

    def quantile(shift, scale):
        def excess(q):
            return weights @ stats.norm.cdf((q - nodes - shift) / scale) - level

        return brentq(excess, -20, 20)

    return quantile(1, skew) - quantile(0, 1)


def test_weighted_quantiles_equal_those_of_repeated_rows(rng):
    values, counts = rng.normal(size=50).round(1), rng.integers(0, 4, 50)
    for level in (0.01, 0.25, 0.5, 0.9, 1.0):
        repeated = np.repeat(values, counts)
        expected = np.quantile(repeated, level, method="inverted_cdf")
        assert weighted_quantile(values, counts.astype(float), level) == expected


def test_density_equals_that_of_scipy(rng):
    values, weight = rng.normal(size=300), rng.uniform(size=300)
    kernel = stats.gaussian_kde(values, weights=weight)
    assert density_at(0.3, values, weight) == pytest.approx(kernel(0.3)[0], rel=0.05)
    assert density_at(2.0, np.full(5, 2.0), np.ones(5)) == np.inf


def test_an_experiment_compares_sample_quantiles():
    """With known equal propensities and one prediction for all rows, the correction
    vanishes up to the share of the arms."""
    rng = np.random.default_rng(0)
    treatment = np.arange(400) % 2
    X, y = rng.normal(size=(400, 1)), rng.normal(size=400) + treatment
    effect = QuantileEffect(
        LinearRegression(), KnownPropensity(), quantiles=LEVELS, random_state=0
    ).fit(np.zeros_like(X), y, treatment=treatment)
    estimate = effect.average_effect()
    for level in LEVELS:
        arms = [y[treatment == arm] for arm in (0, 1)]
        quantiles = [np.quantile(arm, level, method="inverted_cdf") for arm in arms]
        spacing = 3 / 200 / stats.norm.pdf(stats.norm.ppf(level))
        assert estimate[level].value == pytest.approx(
            quantiles[1] - quantiles[0], abs=spacing
        )
        influence = np.zeros(400)
        for arm, sign in ((0, -1), (1, 1)):
            own, q = treatment == arm, quantiles[arm]
            density = stats.gaussian_kde(y[own])(q)[0]
            influence -= sign * own * 2 * ((y <= q) - level) / density
        assert estimate[level].standard_error == pytest.approx(
            hand_error(influence), rel=0.1
        )


def test_labels_and_the_effect_of_rows():
    data = make_observational(500, n_features=2, treatment="multi", random_state=0)
    models = LogisticRegression(), LogisticRegression()
    options = {"control_arm": 0, "random_state": 0}
    effect = QuantileEffect(*models, quantiles=[0.9, 0.4], **options)
    effect.fit(data.X, data.y, treatment=data.treatment)
    estimate = effect.average_effect()
    assert estimate.labels == (
        ("1 vs 0", 0.9),
        ("1 vs 0", 0.4),
        ("2 vs 0", 0.9),
        ("2 vs 0", 0.4),
    )
    np.testing.assert_array_equal(effect.effect(data.X)[0], estimate.value[[1, 3]])
    by = effect.average_effect(by=data.X["x1"] > 0)
    assert len(by.labels) == 8
    median = QuantileEffect(*models, **options)
    median.fit(data.X, data.y, treatment=data.treatment)
    assert median.average_effect_.labels == ("1 vs 0", "2 vs 0")
    assert "quantile 0.5" in median.average_effect_.name


def test_quantiles_follow_any_increasing_transformation():
    """The quantile of exp(Y) is exp of the quantile."""
    X, y, treatment = shifted(0)
    model = QuantileEffect(logit(), logit(), cv=2, random_state=0)
    values = []
    for outcome in (y, np.exp(y)):
        rows = model.fit(X, outcome, treatment=treatment)._arm_rows(
            "all", 1, np.ones(400), model.nuisances_["propensity"]
        )
        values.append([one[0].first_quantile(0.5) for one in rows])
    np.testing.assert_allclose(np.exp(values[0]), values[1])


def test_a_row_is_never_predicted_by_a_model_that_saw_it():
    X, y, treatment = shifted(1, 200)
    model = QuantileEffect(SeenClassifier(), logit(), cv=2, random_state=0)
    model.fit(X, y, treatment=treatment)
    below = model._below(model._data, 1, [0.0, 0.0])
    np.testing.assert_allclose(below, 0.5)


def test_tied_outcomes_are_told():
    X, y, treatment = shifted(2, 200)
    model = QuantileEffect(logit(), logit(), cv=2, random_state=0)
    with pytest.warns(NoIntervalWarning, match="equal its quantile at 0.5"):
        model.fit(X, np.round(y), treatment=treatment)


def test_bad_input_is_an_error():
    X, y, treatment = shifted(0, 100)
    model = QuantileEffect(logit(), logit(), cv=2, random_state=0)
    for bad, message in (
        ([0.1, 1.0], "strictly between"),
        ([], "strictly between"),
        ([0.5, 0.5], "repeat a level"),
    ):
        with pytest.raises(ValueError, match=message):
            model.set_params(quantiles=bad).fit(X, y, treatment=treatment)
    model.set_params(quantiles=0.5).fit(X, y, treatment=treatment)
    with pytest.raises(ValueError, match="not offered for quantiles"):
        model.average_effect(scale="ratio")
    with pytest.raises(ValueError, match="'overlap' is not offered"):
        model.average_effect(target="overlap")
    with pytest.raises(ValueError, match="no value per row"):
        model.best_linear_projection()


def test_intervals_cover():
    """The wider noise pulls the upper quartile up and the lower one down."""
    made = {level: [] for level in LEVELS}
    for seed in range(70):
        X, y, treatment = shifted(seed, skew=2.0)
        model = QuantileEffect(
            LinearRegression(), logit(), quantiles=LEVELS, cv=2, random_state=seed
        )
        estimate = model.fit(X, y, treatment=treatment).average_effect()
        for level in LEVELS:
            made[level].append(estimate[level])
    for level, estimates in made.items():
        check(estimates, true_effect(level, 2.0), f"quantile {level}")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["all", "treated"])
def test_intervals_cover_in_a_thousand_draws(target):
    truth = {"all": true_effect, "treated": true_effect_on_the_treated}[target]
    for level in LEVELS:
        estimates = []
        for seed in range(1000):
            X, y, treatment = shifted(seed, 1000, skew=2.0)
            model = QuantileEffect(
                logit(), logit(), quantiles=level, cv=2, random_state=seed
            ).fit(X, y, treatment=treatment)
            estimates.append(model.average_effect(target=target))
        check(estimates, truth(level, 2.0), f"{target} {level}")
