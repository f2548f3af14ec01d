"""ConformalEffect: coverage of individual effects, splits, weights, wrapping."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.ensemble import GradientBoostingRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, QuantileRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from skcausal import OverlapWarning, causal_target, effect_of
from skcausal.datasets import make_observational
from skcausal.estimation import ConformalEffect, KnownPropensity
from skcausal.estimation.wrappers._conformal_calibration import split_parts
from tests.estimation.helpers import learner_of, make_table

LOGIT = LogisticRegression()
LINE = QuantileRegressor(alpha=0)
DESIGNS = ("linear", "heteroscedastic", "skewed")
STEP = DecisionTreeClassifier(max_leaf_nodes=2)  # the propensity of the second design


def individual(name, n_rows, rng):
    """Return covariates, outcome, treatment, individual effect, propensity."""
    X = rng.normal(size=(n_rows, 4))
    noise = rng.normal(size=(2, n_rows))
    e, base, effect = expit(0.5 * X[:, 0]), X[:, 0], 1 + X[:, 1]
    if name == "heteroscedastic":
        e, effect = 0.25 + 0.5 * (X[:, 0] > 0), 0.5 + np.tanh(2 * X[:, 0])
        noise = noise * (0.3 + np.abs(X[:, 1]))
    elif name == "skewed":
        base, effect = np.abs(X[:, 0]), np.maximum(X[:, 1], 0)
        noise = rng.exponential(size=(2, n_rows))
    treatment = (rng.random(n_rows) < e).astype(int)
    outcomes = np.stack([base, base + effect]) + noise
    y = np.where(treatment == 1, outcomes[1], outcomes[0])
    return X, y, treatment, outcomes, e


def wrapper_of(model=LINE, propensity=LOGIT, **options):
    options = {"cv": 2, "random_state": 0} | options
    return ConformalEffect(learner_of("T", cv=2), model, propensity, **options)


def fitted(name="linear", n_rows=600, seed=0, **options):
    X, y, treatment, *_ = individual(name, n_rows, np.random.default_rng(seed))
    return wrapper_of(**options).fit(X, y, treatment=treatment)


def coverage(name, n_draws, n_rows, level, **options):
    """Return the shares of new rows that intervals of effect and outcome hold."""
    hits = []
    propensity = STEP if name == "heteroscedastic" else LOGIT
    for seed in range(n_draws):
        wrapper = fitted(name, n_rows, seed, propensity=propensity, **options)
        X, _, _, outcomes, _ = individual(name, 500, np.random.default_rng(1000 + seed))
        lower, upper = wrapper.individual_effect_interval(X, level=level)
        effect = outcomes[1] - outcomes[0]
        held = [(lower <= effect) & (effect <= upper)]
        for arm in (0, 1):
            lower, upper = wrapper.outcome_interval(X, arm, level=level)
            held.append((lower <= outcomes[arm]) & (outcomes[arm] <= upper))
        hits.append(np.mean(held, axis=1))
    return np.mean(hits, axis=0)


# --------------------------------------------------------------------------- coverage
@pytest.mark.parametrize("name", DESIGNS)
def test_intervals_hold_new_rows(name):
    """Straight quantiles, wrong for two designs: wide, but not wrong."""
    effect, control, treated = coverage(name, 8, 900, 0.8)
    assert effect >= 0.8
    # Outcomes are not meant to be covered more often than asked for.
    assert 0.77 <= control <= 0.86
    assert 0.77 <= treated <= 0.86


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*intervals of . rows are infinite")
@pytest.mark.parametrize("name", DESIGNS)
def test_individual_effects_are_covered_at_95_percent(name):
    effect, control, treated = coverage(name, 40, 2000, 0.95, model=None)
    assert effect >= 0.94
    assert min(control, treated) >= 0.94


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*intervals of . rows are infinite")
@pytest.mark.parametrize("name", DESIGNS)
def test_default_models_cover(name):
    hits = []
    for seed in range(10):
        X, y, treatment, *_ = individual(name, 3000, np.random.default_rng(seed))
        wrapper = ConformalEffect(learner_of("T"), random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OverlapWarning)
            wrapper.fit(X, y, treatment=treatment)
        X, _, _, outcomes, _ = individual(name, 500, np.random.default_rng(1000 + seed))
        lower, upper = wrapper.individual_effect_interval(X)
        effect = outcomes[1] - outcomes[0]
        hits.append(((lower <= effect) & (effect <= upper)).mean())
    assert np.mean(hits) >= 0.94


def test_the_worst_correlation_is_covered():
    """Noise of opposite sign makes effects twice as noisy as outcomes."""
    hits = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        X, noise = rng.normal(size=(1500, 2)), rng.normal(size=1500)
        treatment = rng.integers(2, size=1500)
        wrapper = wrapper_of(propensity=KnownPropensity(0.5))
        wrapper.fit(
            X[:1000], (noise * (2 * treatment - 1))[:1000], treatment=treatment[:1000]
        )
        lower, upper = wrapper.individual_effect_interval(X[1000:], level=0.9)
        hits.append(((lower <= 2 * noise[1000:]) & (2 * noise[1000:] <= upper)).mean())
    assert 0.9 <= np.mean(hits) <= 0.97


def test_weights_are_needed_for_unseen_outcomes(rng):
    """Outcomes are noisier where control is rare: unweighted scores are too small."""
    hits = np.zeros(2)
    for column, propensity in enumerate((KnownPropensity(0.5), LogisticRegression())):
        for seed in range(6):
            rng = np.random.default_rng(seed)
            x = rng.uniform(-1, 1, size=(1600, 1))
            treatment = (rng.random(1600) < expit(3 * x[:, 0])).astype(int)
            y = np.exp(1.5 * x[:, 0]) * rng.normal(size=1600)
            flat = GradientBoostingRegressor(
                loss="quantile", alpha=0.9, n_estimators=1, max_depth=1
            )
            wrapper = wrapper_of(flat, propensity)
            wrapper.fit(x[:1200], y[:1200], treatment=treatment[:1200])
            lower, upper = wrapper.outcome_interval(x[1200:], 0, level=0.8)
            fresh = np.exp(1.5 * x[1200:, 0]) * rng.normal(size=400)
            hits[column] += ((lower <= fresh) & (fresh <= upper)).mean() / 6
    assert hits[0] < 0.74
    assert 0.77 < hits[1] < 0.86


# --------------------------------------------------------------------- what is fitted
def test_parts_spread_arms_and_keep_groups(rng):
    treatment = rng.integers(3, size=300)
    parts = split_parts(treatment, None, np.random.RandomState(0))
    assert sum(mask.astype(int) for mask in parts.values()).tolist() == [1] * 300
    for arm in range(3):
        shares = [mask[treatment == arm].mean() for mask in parts.values()]
        np.testing.assert_allclose(shares, [0.35, 0.45, 0.2], atol=0.03)
    groups = rng.integers(40, size=300)
    parts = split_parts(treatment, groups, np.random.RandomState(0))
    for mask in parts.values():
        assert pd.Series(mask).groupby(groups).nunique().max() == 1


def test_interval_by_hand():
    """Median-free arithmetic: constant quantiles make every step an order statistic."""
    rng = np.random.default_rng(3)
    X, treatment = rng.normal(size=(400, 1)), np.arange(400) % 2
    y = rng.normal(size=400) + treatment

    class Constant(QuantileRegressor):
        def fit(self, X, y, sample_weight=None):
            super().fit(np.zeros_like(X), y)
            return self

    wrapper = wrapper_of(Constant(alpha=0), KnownPropensity(0.5))
    wrapper.fit(X, y, treatment=treatment)
    fit = wrapper._intervals
    low, high = (model.predict(X[:1])[0] for model in wrapper.edge_models_[0])
    edges = fit.effects[0]
    level, error = 0.9, 0.1 * 2 / 3
    widened = np.maximum(edges.below, edges.above)
    for arm, rows in ((0, edges.treated), (1, ~edges.treated)):
        scores = np.sort(fit.outcomes[arm].scores)
        widened[rows] += scores[int(np.ceil((len(scores) + 1) * (1 - error))) - 1]
    position = int(np.ceil((len(widened) + 1) * (level + error))) - 1
    margin = np.sort(widened)[position]
    lower, upper = wrapper.individual_effect_interval(X[:1], level=level)
    assert lower[0] == pytest.approx(low - margin)
    assert upper[0] == pytest.approx(high + margin)


def test_intervals_nest_and_inexact_is_narrower():
    exact, inexact = fitted(), fitted(method="inexact")
    X = np.random.default_rng(5).normal(size=(50, 4))
    for wrapper in (exact, inexact):
        (low_90, high_90), (low_60, high_60) = (
            wrapper.individual_effect_interval(X, level=level) for level in (0.9, 0.6)
        )
        assert (low_90 < low_60).all()
        assert (low_60 < high_60).all()
        assert (high_60 < high_90).all()
    width = np.subtract(*inexact.individual_effect_interval(X, level=0.9)[::-1])
    assert (
        width < np.subtract(*exact.individual_effect_interval(X, level=0.9)[::-1])
    ).all()


def test_effects_are_those_of_the_learner():
    X, y, treatment, *_ = individual("linear", 300, np.random.default_rng(0))
    wrapper = wrapper_of().fit(X, y, treatment=treatment)
    plain = learner_of("T", cv=2).fit(X, y, treatment=treatment)
    np.testing.assert_array_equal(wrapper.effect(X), plain.effect(X))
    assert wrapper.average_effect(target="treated").standard_error > 0
    assert not hasattr(wrapper, "effect_interval")


def test_seeds_pickles_and_scales():
    X, y, treatment, *_ = individual("linear", 300, np.random.default_rng(0))
    wrapper = wrapper_of().fit(X, y, treatment=treatment)
    interval = wrapper.individual_effect_interval(X, level=0.8)
    again = wrapper_of().fit(X, y, treatment=treatment)
    np.testing.assert_array_equal(
        again.individual_effect_interval(X, level=0.8), interval
    )
    loaded = pickle.loads(pickle.dumps(wrapper))
    np.testing.assert_array_equal(
        loaded.individual_effect_interval(X, level=0.8), interval
    )
    scaled = wrapper_of().fit(X, 4 * y + 3, treatment=treatment)
    np.testing.assert_allclose(
        scaled.individual_effect_interval(X, level=0.8),
        4 * np.array(interval),
        rtol=1e-4,
    )


@pytest.mark.parametrize(
    "model",
    [
        None,
        HistGradientBoostingRegressor(loss="quantile", quantile=0.5, max_iter=10),
        GradientBoostingRegressor(loss="quantile", n_estimators=10),
        make_pipeline(StandardScaler(), QuantileRegressor(alpha=0)),
    ],
    ids=["default", "histogram", "boosting", "pipeline"],
)
def test_quantile_models(model):
    wrapper = fitted(model=model)
    X = np.random.default_rng(5).normal(size=(200, 4))
    low, high = (m.predict(X) for m in wrapper.quantile_models_[0])
    assert (low < high).mean() > 0.9
    lower, upper = wrapper.individual_effect_interval(X, level=0.8)
    assert np.isfinite([lower, upper]).all()


def test_weights_stand_for_copies_of_rows():
    """Rows of weight zero do not calibrate."""
    X, y, treatment, *_ = individual("linear", 600, np.random.default_rng(0))
    wild = np.random.default_rng(1).random(600) < 0.3
    weight = np.where(wild, 0.0, 1.0)
    y = np.where(wild, 100.0 * y, y)
    wrapper = wrapper_of(propensity=KnownPropensity(0.5))
    wrapper.fit(X, y, treatment=treatment, sample_weight=weight)
    lower, upper = wrapper.individual_effect_interval(X, level=0.8)
    assert (upper - lower).max() < 20
    ones = wrapper_of().fit(X, y, treatment=treatment, sample_weight=np.ones(600))
    none = wrapper_of().fit(X, y, treatment=treatment)
    np.testing.assert_allclose(
        ones.individual_effect_interval(X, level=0.8),
        none.individual_effect_interval(X, level=0.8),
        rtol=1e-4,
    )


# ------------------------------------------------------------------------- several arms
def test_several_arms_are_each_covered():
    hits = []
    for seed in range(6):
        data = make_observational(
            2400, 3, treatment="multi", confounding=0.5, noise=1.0, random_state=seed
        )
        X, y, arm = (np.asarray(data[k]) for k in ("X", "y", "treatment"))
        wrapper = ConformalEffect(
            learner_of("T", cv=2, control_arm=0),
            LINE,
            LogisticRegression(),
            random_state=0,
        ).fit(X[:2000], y[:2000], treatment=arm[:2000])
        lower, upper = wrapper.individual_effect_interval(X[2000:], level=0.8)
        assert lower.shape == upper.shape == (400, 2)
        noise = np.random.default_rng(seed).normal(size=(400, 2)) * np.sqrt(2)
        effect = data.effect[2000:] + noise
        hits.append(((lower <= effect) & (effect <= upper)).mean(axis=0))
    assert (np.mean(hits, axis=0) >= 0.8).all()


def test_labels_of_arms():
    table = make_table("multi", 600)
    wrapper = ConformalEffect(
        learner_of("T", cv=2, control_arm="none"),
        LINE,
        LogisticRegression(),
        random_state=0,
    ).fit(table.X, table.y, treatment=table.treatment)
    assert wrapper.arms_.tolist() == ["none", "call", "mail"]
    lower, upper = wrapper.outcome_interval(table.X, "mail", level=0.8)
    mail = table.treatment == "mail"
    assert ((lower <= table.y) & (table.y <= upper))[mail].mean() > 0.7
    with pytest.raises(
        ValueError, match=r"'text' is not an arm; the arms are \['none'"
    ):
        wrapper.outcome_interval(table.X, "text")


# --------------------------------------------------------------------------- wrapping
def test_pipelines_inside_and_outside():
    X, y, treatment, *_ = individual("linear", 500, np.random.default_rng(0))
    frame = pd.DataFrame(X, columns=list("abcd"))
    frame["city"] = np.where(X[:, 0] > 0, "north", "south")
    inner = make_pipeline(OneHotEncoder(handle_unknown="ignore"), learner_of("T", cv=2))
    wrapper = ConformalEffect(inner, None, KnownPropensity(0.5), random_state=0)
    wrapper.fit(frame[["city"]], y, treatment=treatment)
    lower, upper = wrapper.individual_effect_interval(frame[["city"]], level=0.8)
    assert (lower < upper).all()
    outside = make_pipeline(StandardScaler(), wrapper_of())
    outside.fit(X, causal_target(y, treatment))
    lower, upper = effect_of(outside).individual_effect_interval(X, level=0.8)
    direct = wrapper_of().fit(StandardScaler().fit_transform(X), y, treatment=treatment)
    expected = direct.individual_effect_interval(
        StandardScaler().fit_transform(X), level=0.8
    )
    np.testing.assert_allclose((lower, upper), expected)
    assert not hasattr(effect_of(direct.learner_), "individual_effect_interval")


def test_groups_keep_parts_apart():
    X, y, treatment, *_ = individual("linear", 600, np.random.default_rng(0))
    groups = np.arange(600) // 5
    wrapper = wrapper_of().fit(X, y, treatment=treatment, groups=groups)
    lower, upper = wrapper.individual_effect_interval(X, level=0.8)
    assert (lower < upper).all()


# ---------------------------------------------------------------------------- warnings
def test_too_few_rows_for_the_level_warn():
    wrapper = fitted(n_rows=60)
    X = np.zeros((3, 4))
    with pytest.warns(UserWarning, match=r"intervals of 3 rows are infinite: \d+ cal"):
        lower, upper = wrapper.individual_effect_interval(X, level=0.99)
    assert (lower == -np.inf).all()
    assert (upper == np.inf).all()
    with pytest.warns(UserWarning, match="outcome_interval: the intervals of 3 rows"):
        wrapper.outcome_interval(X, 1, level=0.999)


def test_small_propensities_are_raised_with_a_warning():
    X, y, treatment, *_ = individual("linear", 400, np.random.default_rng(0))
    treatment = (X[:, 0] > 0).astype(int)
    treatment[:40] = 1 - treatment[:40]
    with pytest.warns(OverlapWarning, match=r"propensity below min_propensity=0\.2"):
        wrapper_of(min_propensity=0.2).fit(X, y, treatment=treatment)


def test_propensities_of_the_design():
    X, y, treatment, *_, e = individual("linear", 600, np.random.default_rng(0))
    target = causal_target(y, treatment, propensity=e)
    wrapper = wrapper_of().fit(X, target)
    assert set(wrapper._intervals.outcomes[0].propensity[:, 1]) <= set(e)
    assert np.isfinite(wrapper.individual_effect_interval(X, level=0.8)).all()
    with pytest.raises(ValueError, match="known for the rows of fit only"):
        wrapper.outcome_interval(X, 1)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "naive"}, ValueError, "must be 'exact' or 'inexact', got 'naive'"),
        ({"quantiles": (0.9, 0.1)}, ValueError, "two increasing numbers in"),
        ({"quantiles": 0.5}, ValueError, "two increasing numbers in"),
        ({"min_propensity": 0.7}, ValueError, r"must lie in \[0, 0.5\), got 0.7"),
        (
            {"model": LinearRegression()},
            ValueError,
            "no quantile level. Use a regressor",
        ),
        ({"model": HistGradientBoostingRegressor()}, ValueError, "no quantile level"),
        ({"model": 0.5}, TypeError, "estimator instance or None"),
    ],
)
def test_bad_parameters(options, error, message):
    with pytest.raises(error, match=message):
        fitted(**options)


def test_bad_data():
    X, y, treatment, *_ = individual("linear", 100, np.random.default_rng(0))
    with pytest.raises(ValueError, match="y holds an event"):
        wrapper_of().fit(X, causal_target(y, treatment, event=np.ones(100)))
    with pytest.raises(ValueError, match="y holds an instrument"):
        wrapper_of().fit(X, causal_target(y, treatment, instrument=treatment))
    dose = learner_of("R", treatment_model=LinearRegression())
    with pytest.raises(ValueError, match="continuous, but intervals of individual"):
        ConformalEffect(dose).fit(X, y, treatment=X[:, 0])
    rare = np.r_[np.ones(80, dtype=int), np.zeros(20, dtype=int)]
    groups = np.r_[np.arange(80) // 8 + 2, np.repeat([0, 1], 10)]
    unlucky = wrapper_of(propensity=KnownPropensity(0.5), random_state=2)
    with pytest.raises(ValueError, match="too few rows or groups of an arm"):
        unlucky.fit(X, y, treatment=rare, groups=groups)
    wrapper = wrapper_of().fit(X, y, treatment=treatment)
    with pytest.raises(ValueError, match="level must lie between 0 and 1, got 95"):
        wrapper.individual_effect_interval(X, level=95)
    with pytest.raises(ValueError, match="3 features"):
        wrapper.individual_effect_interval(X[:, :3])
