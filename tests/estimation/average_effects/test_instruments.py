"""PartiallyLinearIV and InteractiveIV: closed forms, truth, weak instruments."""

import pickle
import warnings

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats
from sklearn import config_context
from sklearn.base import clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from statsmodels.sandbox.regression.gmm import IV2SLS

from skcausal import OverlapWarning, WeakInstrumentWarning, causal_target
from skcausal.estimation import (
    BootstrapEffect,
    InteractiveIV,
    KnownPropensity,
    PartiallyLinearIV,
)
from skcausal.testing import LAWS
from tests.estimation.helpers import hand_error, logit, ols

LINE = LinearRegression()
# Other targets of averages; outcome models that are not by arm.
OTHER_LAWS = {"influence_has_mean_zero", "no_row_sees_itself"}


def make_table(n_rows=400, seed=0, *, pull=1.5, one_sided=False):
    """Encouragement design: a hidden cause moves treatment and outcome; effect 1.5."""
    rng = np.random.default_rng(seed)
    X, hidden = rng.normal(size=(n_rows, 2)), rng.normal(size=n_rows)
    chance = 1 / (1 + np.exp(-0.5 * X[:, 1]))
    instrument = (rng.uniform(size=n_rows) < chance).astype(int)
    index = pull * instrument + hidden + 0.3 * X[:, 1] + rng.normal(size=n_rows)
    treatment = (index > 0.7).astype(int)
    if one_sided:
        treatment = treatment * instrument
    y = 1.5 * treatment + hidden + X[:, 1] + 0.5 * rng.normal(size=n_rows)
    return X, y, treatment, instrument


def make_dose(n_rows=300, seed=0, *, strength=1.0):
    """Continuous treatment and instrument with a linear first stage; effect 2."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 2))
    hidden, noise, own = rng.normal(size=(3, n_rows))
    z = X[:, 0] + own
    treatment = strength * z + X[:, 1] + hidden
    y = 2 * treatment + X[:, 0] - 2 * hidden + 0.3 * noise
    return X, y, treatment, z


def dose_learner(**options):
    return PartiallyLinearIV(LINE, LINE, LINE, **{"random_state": 0} | options)


def late_learner(**options):
    models = {
        "outcome_model": LINE,
        "treatment_model": logit(),
        "instrument_model": logit(),
    }
    return InteractiveIV(**models | {"random_state": 0} | options)


def fitted(learner, table, **metadata):
    X, y, treatment, instrument = table
    return learner.fit(X, y, treatment=treatment, instrument=instrument, **metadata)


def in_sample(X, values):
    return FrozenEstimator(LinearRegression().fit(X, values))


# ----------------------------------------------------------------- partially linear
@pytest.mark.parametrize("groups", [None, np.arange(300) // 6])
def test_in_sample_linear_nuisances_give_two_stage_least_squares(groups):
    X, y, t, z = table = make_dose()
    learner = fitted(
        PartiallyLinearIV(in_sample(X, y), in_sample(X, t), in_sample(X, z), cv=2),
        table,
        groups=groups,
    )
    endogenous = sm.add_constant(np.column_stack([t, X]))
    instruments = sm.add_constant(np.column_stack([z, X]))
    peer = IV2SLS(y, endogenous, instruments).fit()
    estimate = learner.average_effect()
    assert estimate.value == pytest.approx(peer.params[1])
    projected = instruments @ np.linalg.lstsq(instruments, endogenous, rcond=None)[0]
    bread = np.linalg.inv(projected.T @ projected)
    influence = 300 * (projected * peer.resid[:, None]) @ bread[1]
    error = hand_error(influence, groups)
    assert estimate.standard_error == pytest.approx(error)
    kind = {"cov_type": "HC0"}
    if groups is not None:
        options = {"groups": groups, "use_correction": False}
        kind = {"cov_type": "cluster", "cov_kwds": options}
    first = sm.OLS(t, instruments).fit(**kind)
    n_units = 300 if groups is None else 50
    assert learner.first_stage_.value == pytest.approx(first.params[1])
    robust = first.tvalues[1] ** 2 * (n_units - 1) / n_units
    assert learner.first_stage_f_ == pytest.approx(robust)
    np.testing.assert_allclose(learner.effect(X, treated=2.0), 2 * estimate.value)


@pytest.mark.parametrize("strength", [1.0, 0.12, 0.0])
def test_anderson_rubin_ends_are_where_the_regression_turns_significant(strength):
    X, y, t, z = table = make_dose(strength=strength)
    learner = PartiallyLinearIV(
        in_sample(X, y), in_sample(X, t), in_sample(X, z), min_first_stage_f=0, cv=2
    )
    found = fitted(learner, table).anderson_rubin_interval(0.9)
    design = sm.add_constant(np.column_stack([z, X]))
    critical = stats.norm.ppf(0.95) * np.sqrt(300 / 299)

    def t_value(effect):
        return abs(sm.OLS(y - effect * t, design).fit(cov_type="HC0").tvalues[1])

    ends = np.array(found.pieces).ravel()
    for end in ends[np.isfinite(ends)]:
        assert t_value(end) == pytest.approx(critical)
    for effect in np.linspace(-9, 13, 23):
        assert (effect in found) == (t_value(effect) <= critical)
    assert learner.average_effect().value in found
    assert found.is_bounded == (strength == 1)


def test_coverage_with_a_weak_instrument():
    """The Anderson-Rubin set covers .95 of the time where the Wald interval fails."""
    n_draws, inside = 250, np.zeros(2, dtype=int)
    for seed in range(n_draws):
        table = make_dose(150, seed, strength=0.08)
        learner = fitted(dose_learner(cv=2, min_first_stage_f=0), table)
        inside[0] += 2.0 in learner.anderson_rubin_interval()
        lower, upper = learner.average_effect().interval()
        inside[1] += lower <= 2 <= upper
    honest = stats.binomtest(int(inside[0]), n_draws).proportion_ci(0.99)
    assert honest.low < 0.97
    assert honest.high > 0.93
    wald = stats.binomtest(int(inside[1]), n_draws).proportion_ci(0.99)
    assert wald.high < 0.93


# ------------------------------------------------------------------------ compliers
def test_constant_nuisances_give_the_ratio_of_differences_in_means():
    X, y, t, z = table = make_table()
    learner = InteractiveIV(
        FrozenEstimator(DummyRegressor().fit(X, y)),
        FrozenEstimator(DummyClassifier(strategy="prior").fit(X, t)),
        KnownPropensity(z.mean()),
    )
    fitted(learner, table)
    share = t[z == 1].mean() - t[z == 0].mean()
    intention = y[z == 1].mean() - y[z == 0].mean()
    assert learner.complier_share_.value == pytest.approx(share)
    assert learner.reduced_form_.value == pytest.approx(intention)
    assert learner.average_effect().value == pytest.approx(intention / share)


@pytest.mark.parametrize("one_sided", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_doubly_robust_scores_written_out(one_sided, weighted):
    X, y, t, z = table = make_table(240, one_sided=one_sided)
    w = np.random.default_rng(1).uniform(0.5, 2, 240) if weighted else np.ones(240)
    splits = list(KFold(3, shuffle=True, random_state=0).split(X))
    learner = late_learner(cv=splits, min_first_stage_f=0)
    fitted(learner, table, sample_weight=w if weighted else None)
    scores = {}
    for name, values in (("y", y), ("t", t)):
        mu, p = np.zeros((240, 2)), np.zeros(240)
        for train, test in splits:
            model = logit().fit(X[train], z[train], sample_weight=w[train])
            p[test] = model.predict_proba(X[test])[:, 1]
            for side in (0, 1):
                rows = train[z[train] == side]
                if name == "y":
                    mu[test, side] = ols(X[rows], y[rows], X[test], w[rows])
                elif np.ptp(t[rows]) > 0:
                    model = logit().fit(X[rows], t[rows], sample_weight=w[rows])
                    mu[test, side] = model.predict_proba(X[test])[:, 1]
        scores[name] = (
            mu[:, 1]
            - mu[:, 0]
            + z * (values - mu[:, 1]) / p
            - (1 - z) * (values - mu[:, 0]) / (1 - p)
        )
    value = (w @ scores["y"]) / (w @ scores["t"])
    influence = w * (scores["y"] - value * scores["t"]) / np.mean(w * scores["t"])
    estimate = learner.average_effect()
    assert estimate.value == pytest.approx(value, rel=1e-5)
    assert estimate.standard_error == pytest.approx(hand_error(influence), rel=1e-5)
    share = np.average(scores["t"], weights=w)
    assert learner.complier_share_.value == pytest.approx(share, rel=1e-5)
    untreated = learner.nuisances_["treatment_by_instrument"][:, :, 0]
    assert np.all(untreated == 0) == one_sided


def test_everyone_who_is_offered_takes_it():
    """Always-takers but no never-takers: the other side of one-sided compliance."""
    X, y, t, z = make_table()
    t = np.maximum(t, z)
    learner = fitted(late_learner(), (X, y, t, z))
    np.testing.assert_array_equal(
        learner.nuisances_["treatment_by_instrument"][:, :, 1], 1
    )
    share = 1 - t[z == 0].mean()
    assert learner.complier_share_.value == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize("learner", [late_learner(cv=3), dose_learner(cv=3)])
def test_truth_over_draws(learner):
    is_late = isinstance(learner, InteractiveIV)
    make, truth = (make_table, 1.5) if is_late else (make_dose, 2.0)
    distances = []
    for seed in range(12):
        estimate = fitted(clone(learner), make(800, seed)).average_effect()
        distances.append((estimate.value - truth) / estimate.standard_error)
    assert abs(np.mean(distances)) < 4 / np.sqrt(12)
    assert stats.chi2(12).sf(np.sum(np.square(distances))) > 1e-4


def test_an_instrument_that_discourages():
    X, y, t, z = make_table()
    splits = list(KFold(2, shuffle=True, random_state=0).split(X))
    one = fitted(late_learner(cv=splits), (X, y, t, z))
    other = fitted(late_learner(cv=splits), (X, y, t, 1 - z))
    assert other.average_effect().value == pytest.approx(one.average_effect().value)
    assert other.first_stage_.value == pytest.approx(-one.first_stage_.value)
    share = one.complier_share_
    assert 0 < share.value < 1
    assert other.complier_share_.value == pytest.approx(share.value)
    assert other.complier_share_.standard_error == pytest.approx(share.standard_error)
    sets = [np.array(o.anderson_rubin_interval().pieces) for o in (one, other)]
    np.testing.assert_allclose(*sets, rtol=1e-4)


def test_default_models_on_a_lottery():
    table = make_table(1500, one_sided=True)
    learner = fitted(InteractiveIV(cv=2, random_state=0), table)
    estimate = learner.average_effect()
    assert abs(estimate.value - 1.5) < 4 * estimate.standard_error
    assert estimate.value in learner.anderson_rubin_interval()
    assert learner.first_stage_f_ > 100


# ------------------------------------------------------------------------- questions
CASES = [(late_learner, make_table), (dose_learner, make_dose)]


@pytest.mark.parametrize(("learner_of", "make"), CASES)
def test_subgroups_repetitions_and_pickles(learner_of, make):
    X, *_ = table = make()
    learner = fitted(learner_of(cv=2, n_repeats=3), table)
    assert learner.average_effect().values.shape == (3, 1)
    by = np.where(X[:, 0] > 0, "high", "low")
    parts = learner.average_effect(by=by)
    assert parts.labels == ("high", "low")
    for name in parts.labels:
        only = learner.average_effect(where=by == name)
        assert only.value == pytest.approx(parts[name].value)
        assert only.value in learner.anderson_rubin_interval(where=by == name)
        doubled = learner.average_effect(weights=(by == name) * 2.0)
        assert doubled.value == pytest.approx(only.value)
    copy = pickle.loads(pickle.dumps(learner))
    assert copy.anderson_rubin_interval() == learner.anderson_rubin_interval()
    flat = learner.best_linear_projection(np.empty((len(X), 0)), target=learner._target)
    np.testing.assert_allclose(flat.values[:, 0], learner.average_effect().values[:, 0])


@pytest.mark.parametrize(("learner_of", "make"), CASES)
def test_groups_widen_both_intervals(learner_of, make):
    table = make(200)
    repeated = [np.repeat(values, 4, axis=0) for values in table]
    groups = np.repeat(np.arange(200), 4)
    alone = fitted(learner_of(cv=2), repeated)
    together = fitted(learner_of(cv=2), repeated, groups=groups)
    assert together.average_effect().groups is not None
    widths = [
        np.diff(one.anderson_rubin_interval().hull)[0] for one in (alone, together)
    ]
    assert widths[1] > 1.5 * widths[0]
    assert together.first_stage_f_ < alone.first_stage_f_ / 2


@pytest.mark.parametrize(("learner_of", "make"), CASES)
def test_levels_nest(learner_of, make):
    learner = fitted(learner_of(cv=2), make())
    (inner,), (outer,) = (
        learner.anderson_rubin_interval(level).pieces for level in (0.5, 0.95)
    )
    assert outer[0] < inner[0] < learner.average_effect().value < inner[1] < outer[1]


@pytest.mark.parametrize(("learner_of", "make"), CASES)
def test_the_instrument_travels_both_ways(learner_of, make):
    X, y, t, z = table = make()
    expected = fitted(learner_of(), table).effect(X)
    target = causal_target(y, t, instrument=z)
    np.testing.assert_array_equal(learner_of().fit(X, target).effect(X), expected)
    pipeline = make_pipeline(StandardScaler(), learner_of(cv=2))
    assert cross_val_predict(pipeline, X, target, cv=2).shape == y.shape
    with config_context(enable_metadata_routing=True):
        pipeline.fit(X, y, treatment=t, instrument=z)
    wrapped = BootstrapEffect(learner_of(cv=2), n_bootstrap=3, random_state=0)
    lower, upper = wrapped.fit(X, target).effect_interval(X)
    assert (lower < upper).all()


# ----------------------------------------------------------------------------- laws
def compliant(cls):
    """Return the class with the treatment as its own instrument."""

    class Compliant(cls):
        def fit(self, X, y, *, treatment=None, sample_weight=None, groups=None):
            packed = getattr(y, "dtype", None) is not None and y.dtype.names
            return super().fit(
                X,
                y,
                treatment=treatment,
                instrument=y["treatment"] if packed else treatment,
                sample_weight=sample_weight,
                groups=groups,
            )

    return Compliant


@pytest.mark.parametrize("cls", [PartiallyLinearIV, InteractiveIV])
@pytest.mark.parametrize("law", sorted(LAWS.keys() - OTHER_LAWS))
def test_a_treatment_that_is_its_own_instrument_obeys_the_laws(cls, law):
    models = LINE, LogisticRegression(), LogisticRegression()
    LAWS[law](compliant(cls)(*models, cv=2, random_state=0))


@pytest.mark.parametrize(("learner_of", "make"), CASES)
def test_influence_has_mean_zero(learner_of, make):
    estimate = fitted(learner_of(), make()).average_effect()
    assert abs(estimate.influence.mean()) < 1e-9 * estimate.influence.std()


def test_no_model_sees_its_own_row():
    class Memory(LinearRegression):
        def fit(self, X, y, sample_weight=None):
            self.seen_ = dict(zip(X[:, 0], y, strict=True))
            return self

        def predict(self, X):
            return np.array([self.seen_.get(one, 0.0) for one in X[:, 0]])

    table = make_table()
    learner = fitted(InteractiveIV(Memory(), logit(), logit()), table)
    assert np.all(learner.nuisances_["outcome_by_instrument"] == 0)


# ------------------------------------------------------------------------ bad input
@pytest.mark.parametrize(("learner_of", "make"), CASES)
def test_a_weak_instrument_is_named_with_its_f(learner_of, make):
    X, y, t, _ = make()
    noise = np.random.default_rng(5).integers(0, 2, len(y))
    learner = learner_of()
    if isinstance(learner, PartiallyLinearIV):
        learner.set_params(instrument_model=logit())
    with pytest.warns(WeakInstrumentWarning, match=r"first-stage F = \d.*anderson_rub"):
        fitted(learner, (X, y, t, noise))
    assert learner.first_stage_f_ < 10
    with pytest.warns(WeakInstrumentWarning, match=r"weak in '[ab]': first-stage"):
        learner.average_effect(by=np.where(X[:, 0] > 0, "a", "b"))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not learner.anderson_rubin_interval().is_bounded
        fitted(clone(learner).set_params(min_first_stage_f=0), (X, y, t, noise))


def test_nobody_complies():
    X, y = np.zeros((40, 1)), np.arange(40.0)
    t, z = np.tile([0, 0, 1, 1], 10), np.tile([0, 1], 20)
    learner = InteractiveIV(
        FrozenEstimator(DummyRegressor().fit(X, y)),
        FrozenEstimator(DummyClassifier(strategy="prior").fit(X, t)),
        KnownPropensity(0.5),
    )
    with pytest.raises(ValueError, match=r"nobody's treatment \(first-stage F = 0.0\)"):
        fitted(learner, (X, y, t, z))


def test_extreme_probabilities_of_the_instrument():
    X, y, t, z = make_table()
    z = np.where(X[:, 1] > 1.2, 1, z)
    with pytest.warns(
        OverlapWarning, match="rows have a probability of the instrument"
    ):
        learner = fitted(late_learner(min_propensity=0.2), (X, y, t, z))
    assert learner.n_raised_propensities_ > 0


@pytest.mark.parametrize("learner_of", [late_learner, dose_learner])
def test_bad_instruments(learner_of):
    X, y, t, z = make_table(100)
    with pytest.raises(ValueError, match="no instrument arrived"):
        learner_of().fit(X, y, treatment=t)
    cases = {
        "one value": np.ones(100),
        "3 labels": np.array(["a", "b", "c", "a"] * 25),
        "1 missing": np.where(np.arange(100) == 3, np.nan, z),
        "each of the 100 rows, got 7": z[:7],
    }
    for message, values in cases.items():
        with pytest.raises(ValueError, match=message):
            fitted(learner_of(), (X, y, t, values))
    rare = (np.arange(100) < 3).astype(int)
    with pytest.raises(ValueError, match="'instrument 1' has 3 rows, fewer than"):
        fitted(learner_of().set_params(treatment_model=logit()), (X, y, t, rare))


@pytest.mark.parametrize(("learner_of", "make"), CASES)
def test_bad_questions(learner_of, make):
    learner = fitted(learner_of(), make())
    other = {"all": "overlap", "overlap": "all"}[learner._target]
    with pytest.raises(ValueError, match=f"only, got '{other}'"):
        learner.average_effect(target=other)
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        learner.anderson_rubin_interval(95)
    with pytest.raises(ValueError, match="min_first_stage_f must be at least 0"):
        fitted(learner_of(min_first_stage_f=-1), make())


def test_ratios_are_refused():
    learner = fitted(late_learner(), make_table())
    with pytest.raises(ValueError, match="with an instrument scale is 'difference'"):
        learner.average_effect(scale="ratio")


def test_what_compliers_need():
    X, y, t, z = make_table(100)
    cases = [
        (
            "treatment is continuous.*Use PartiallyLinearIV",
            late_learner(),
            t + X[:, 0],
            z,
        ),
        ("must hold 0 and 1.*PartiallyLinearIV", late_learner(), t, z + X[:, 0]),
        ("must be a classifier", late_learner(instrument_model=LINE), t, z),
        (
            r"min_propensity must lie in \[0, 0.5\)",
            late_learner(min_propensity=1),
            t,
            z,
        ),
    ]
    for message, learner, treatment, instrument in cases:
        with pytest.raises(ValueError, match=message):
            fitted(learner, (X, y, treatment, instrument))
    target = causal_target(y, t, instrument=z, propensity=np.full(100, 0.5))
    with pytest.raises(ValueError, match="known propensity of the treatment"):
        late_learner().fit(X, target)
