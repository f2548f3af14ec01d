"""Refuters: what they change, what they conclude, and that it is right."""

import warnings
from dataclasses import replace
from html import escape

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse, stats
from sklearn import config_context
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skcausal import OverlapWarning, causal_target
from skcausal.estimation import AIPW, KnownPropensity, RLearner, TLearner
from skcausal.estimation._cache import _entries, clear_cache
from skcausal.validation import (
    BootstrapSample,
    DataSubset,
    DummyOutcome,
    LeaveOneConfounderOut,
    NegativeControlOutcome,
    NegativeControlTreatment,
    PlaceboTreatment,
    RandomCommonCause,
    RefutationData,
    RefutationDisplay,
    Refuter,
    SimulatedConfounder,
    refute,
)
from skcausal.validation._refuting._base import (
    Judgement,
    judge_by_mean,
    judge_by_spread,
)
from skcausal.validation._refuting._data import with_columns, with_shuffled

mpl.use("Agg")

SLOPES = np.array([1.0, 0.5, 0.2])


def make(n_rows=500, seed=0, kind="binary"):
    """Make rows with effect 1 and three confounders (acceptance G17)."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, 3))
    index = X @ [0.5, 0.3, 0.1]
    if kind == "continuous":
        t = index + rng.normal(size=n_rows)
    else:
        t = (rng.random(n_rows) < 1 / (1 + np.exp(-index))).astype(int)
    return X, t + X @ SLOPES + rng.normal(size=n_rows), t


def aipw(**options):
    options = {"cv": 2, "random_state": 0} | options
    return AIPW(LinearRegression(), LogisticRegression(), **options)


def r_learner(**options):
    line = LinearRegression()
    return RLearner(line, line, line, cv=2, random_state=0, **options)


def run(refuters, estimator=None, table=None, **options):
    X, y, t = make() if table is None else table
    defaults = {"n_simulations": 4, "random_state": 0, "progress": False}
    return refute(
        aipw() if estimator is None else estimator,
        X,
        y,
        treatment=t,
        refuters=refuters,
        **(defaults | options),
    )


def as_data(X, y, t, arms=(0, 1), **fields):
    one = np.ones(1)
    target = causal_target(y, t, **fields)
    arms = None if arms is None else np.array(arms)
    return RefutationData(X, target, one, one, one, ("effect",), arms=arms)


def rng():
    return np.random.default_rng(1)


# --------------------------------------------------------------- what is changed
def test_placebo_keeps_shares_and_moves_what_belongs_to_the_treatment():
    X, y, t = make(100)
    e = np.where(t == 1, 0.7, 0.3)
    z = t + 10.0
    data = as_data(X, y, t, propensity=e, instrument=z)
    found = PlaceboTreatment()._alter(data, 0, rng())
    new = found.treatment
    assert np.bincount(new).tolist() == np.bincount(t).tolist()
    assert (new != t).any()
    assert (found.target["instrument"] == new + 10).all()
    assert (found.target["propensity"][:, 1] == np.where(new == 1, 0.7, 0.3)).all()
    assert (found.outcome == y).all()
    assert found.expected.tolist() == [0.0]


def test_placebo_moves_whole_groups_that_were_treated_together():
    groups = np.repeat(np.arange(20), 5)
    t = groups % 2
    data = as_data(np.ones((100, 1)), np.zeros(100), t, groups=groups)
    new = PlaceboTreatment()._alter(data, 0, rng()).treatment
    assert (new.reshape(20, 5) == new.reshape(20, 5)[:, :1]).all()
    assert new.sum() == t.sum()
    mixed = as_data(np.ones((100, 1)), np.zeros(100), np.arange(100) % 2, groups=groups)
    assert (mixed.units == np.arange(100)).all()


def test_noise_outcome_draws_outcomes_of_other_rows():
    X, y, t = make(100)
    found = DummyOutcome()._alter(as_data(X, y, t), 0, rng())
    assert set(found.outcome) <= set(y)
    assert (found.treatment == t).all()
    binary = as_data(X, y > 0, t)
    assert DummyOutcome()._alter(binary, 0, rng()).outcome.dtype == bool


@pytest.mark.parametrize("effect", [None, 3.0])
def test_learned_outcome_has_the_planted_effect(effect):
    X, y, t = make(4000)
    refuter = DummyOutcome("learned", effect=effect, model=LinearRegression())
    data = refuter._prepared(as_data(X, y, t), 0)
    found = refuter._alter(data, 0, rng())
    wanted = 1.0 if effect is None else effect
    assert found.expected.tolist() == [wanted]
    design = np.column_stack([t, X, np.ones(4000)])
    slopes = np.linalg.lstsq(design, found.outcome, rcond=None)[0]
    assert slopes[:4] == pytest.approx([wanted, *SLOPES], abs=0.15)
    assert (found.outcome - y).std() > 1  # noise is new


def test_learned_binary_outcome_expects_the_effect_of_the_cut_mean():
    X, y, t = make(20_000)
    data = as_data(X, (y > 0).astype(int), t)
    refuter = DummyOutcome("learned", effect=0.4, model=LinearRegression())
    found = refuter._alter(refuter._prepared(data, 0), 0, rng())
    assert set(np.unique(found.outcome)) == {0, 1}
    assert found.outcome.dtype == data.outcome.dtype
    assert 0.2 < found.expected[0] < 0.4  # the cut takes some of it
    base = refuter._prepared(data, 0).baseline
    cut = np.clip(base + 0.4, 0, 1) - np.clip(base, 0, 1)
    assert found.expected[0] == pytest.approx(cut.mean())
    means = np.clip(base + 0.4 * t, 0, 1)
    assert found.outcome.mean() == pytest.approx(means.mean(), abs=0.015)


@pytest.mark.parametrize("kind", ["numpy", "pandas", "polars", "sparse"])
def test_columns_are_added_and_shuffled_in_any_format(kind):
    X = np.arange(12.0).reshape(6, 2)
    frame = pd.DataFrame(X, columns=["a", "b"]).assign(c=pd.Categorical(list("xyxyxy")))
    formats = {
        "numpy": X,
        "pandas": frame,
        "polars": pl.DataFrame({"a": X[:, 0], "b": X[:, 1]}),
        "sparse": sparse.csr_array(X),
    }
    given = formats[kind]
    wide = with_columns(given, np.ones((6, 2)), "noise")
    assert wide.shape == (6, given.shape[1] + 2)
    shuffled = with_shuffled(given, 1, rng())
    assert type(shuffled) is type(given)
    columns = [
        np.asarray(v.toarray() if kind == "sparse" else v)[:, :2].astype(float)
        for v in (given, shuffled)
    ]
    assert (columns[0] == X).all(), "the input stays"
    assert (columns[1][:, 0] == X[:, 0]).all()
    assert sorted(columns[1][:, 1]) == X[:, 1].tolist()
    assert (columns[1][:, 1] != X[:, 1]).any()
    if kind == "pandas":
        assert with_shuffled(given, 2, rng()).dtypes["c"] == "category"


def test_subset_and_bootstrap_draw_rows():
    X, y, t = make(200)
    data = as_data(X, y, t, sample_weight=np.full(200, 2.0))
    subset = DataSubset(fraction=0.25)._alter(data, 0, rng())
    assert subset.n_rows == pytest.approx(50, abs=1)
    drawn = BootstrapSample()._alter(data, 0, rng())
    weight = drawn.target["sample_weight"]
    assert weight.sum() == 400
    assert set(weight) <= set(2.0 * np.arange(1, 20))
    assert drawn.n_rows < 160
    copies = BootstrapSample(as_weights=False)._alter(data, 0, rng())
    assert copies.n_rows == 200
    assert np.unique(copies.target["groups"]).shape[0] == drawn.n_rows


@pytest.mark.parametrize("kind", ["binary", "continuous"])
def test_hidden_cause_moves_treatment_and_outcome(kind):
    X, y, t = make(50_000, kind=kind)
    data = as_data(X, y, t, arms=(0, 1) if kind == "binary" else None)
    refuter = SimulatedConfounder([0.3], [0.5])
    (setting,) = refuter._settings(data, 1, 7)
    found = refuter._alter(data, setting, rng())
    moved = found.treatment - t
    if kind == "binary":
        assert (moved != 0).mean() == pytest.approx(0.15, abs=0.01)
        assert found.treatment.mean() == pytest.approx(t.mean(), abs=0.01)
    else:
        assert moved.std() == pytest.approx(0.3 * t.std(), rel=0.001)
    shift = found.outcome - y - moved  # the effect of the changed treatment is 1
    assert shift.std() == pytest.approx(0.5 * y.std(), rel=0.001)
    assert abs(np.corrcoef(shift, t)[0, 1]) < 1e-8
    assert np.corrcoef(shift, found.treatment)[0, 1] < -0.1


def test_hidden_cause_of_arms_changes_known_propensities():
    X, y, _ = make(6000)
    labels = np.array(["none", "call", "mail"])
    t = labels[np.random.default_rng(0).choice(3, size=6000, p=[0.5, 0.3, 0.2])]
    known = np.tile([0.3, 0.2, 0.5], (6000, 1))  # sorted: call, mail, none
    two = np.ones(2)
    target = causal_target(y, t, propensity=known)
    data = RefutationData(X, target, two, two, two, ("a", "b"), arms=labels)
    refuter = SimulatedConfounder([1.0], [0.5])
    found = refuter._alter(data, refuter._settings(data, 1, 0)[0], rng())
    shares = pd.Series(found.treatment).value_counts(normalize=True)
    assert shares["none"] == pytest.approx(0.5, abs=0.02)
    new = found.target["propensity"]
    assert new.sum(axis=1) == pytest.approx(1)
    assert new[0] == pytest.approx([0.3, 0.2, 0.5], abs=0.02)
    hidden = -(found.outcome - y - (found.treatment != "none") + (t != "none"))
    order = pd.Series(hidden).groupby(found.treatment).mean()
    assert order["none"] < order["call"] < order["mail"]


# ------------------------------------------------------------------ how it is judged
def test_mean_of_errors_is_a_student_test():
    values = np.array([0.2, -0.1, 0.4, 0.3])
    expected = np.array([0.1, 0.1, 0.1, 0.1])
    judged = judge_by_mean(values, expected, np.ones(4))
    test = stats.ttest_1samp(values - expected, 0)
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert judged.p_value == pytest.approx(test.pvalue)
    assert (judged.lower, judged.upper) == pytest.approx(tuple(interval))
    alone = judge_by_mean(values[:1], expected[:1], np.array([0.05]))
    assert alone.p_value == pytest.approx(2 * stats.norm.sf(2))


def test_spread_is_a_prediction_interval_then_quantiles():
    values = np.random.default_rng(0).normal(size=20)
    judged = judge_by_spread(values, np.full(20, 2.0), np.ones(20))
    error = values.std(ddof=1) * np.sqrt(1 + 1 / 20)
    statistic = abs(values.mean() - 2) / error
    assert judged.p_value == pytest.approx(2 * stats.t(19).sf(statistic))
    many = np.arange(1000.0)
    judged = judge_by_spread(many, np.full(1000, 9.0), np.ones(1000))
    assert judged.p_value == pytest.approx(2 * 11 / 1001)
    assert (judged.lower, judged.upper) == pytest.approx((24.975, 974.025))


@pytest.mark.parametrize("judge", [judge_by_mean, judge_by_spread])
def test_identical_simulations(judge):
    same = np.full(5, 1.0)
    assert judge(same, same, same).p_value == 1
    assert judge(same, same + 1, same).p_value == 0


class Inventor(AIPW):
    """An estimator that adds half a unit to whatever it finds."""

    def _average(self, question, owner):
        estimate = super()._average(question, owner)
        return replace(estimate, values=estimate.values + 0.5)


def test_an_estimator_that_makes_up_effects_fails():
    inventor = Inventor(LinearRegression(), LogisticRegression(), cv=2, random_state=0)
    found = run([PlaceboTreatment(), DummyOutcome(), DataSubset()], inventor)
    assert found.table["passed"].tolist() == [False, False, True]
    assert not found.passed
    verdict = found.table.loc["PlaceboTreatment", "verdict"]
    assert verdict.startswith("failed: found 0.5")
    assert "shuffled" in verdict
    assert escape(verdict) in found._repr_html_()


def test_an_estimator_that_does_not_adjust_fails_on_learned_outcomes():
    naive = AIPW(DummyRegressor(), DummyClassifier(), cv=2, random_state=0)
    refuters = [
        DummyOutcome("noise"),
        DummyOutcome("learned", model=LinearRegression()),
        LeaveOneConfounderOut(),
    ]
    table = run(refuters, naive, n_simulations=8).table
    assert table["passed"].tolist() == [True, False, True]
    assert "confounding" in table.loc["DummyOutcome (learned)", "verdict"]


def test_a_deviation_too_small_to_matter_passes():
    class Nudge(Refuter):
        def _alter(self, data, setting, random):
            step = 0.1 * data.standard_error[0] + 1e-6 * setting
            return data.changed(outcome=data.outcome + step * data.treatment)

    found = run([Nudge()])
    assert found.table.loc["Nudge", "p_value"] < 0.001
    assert found.table.loc["Nudge", "passed"]
    assert "too little to matter" in found.table.loc["Nudge", "verdict"]


@pytest.mark.parametrize(
    ("n_tests", "p_value", "passed", "words"),
    [
        (1, 0.03, False, "failed: "),
        (5, 0.03, True, "passed: found 2.0, expected 0.0, off by 2 standard errors"),
        (5, 0.009, False, "failed: "),
        (5, 0.2, True, "passed: found 2.0, expected 0.0 (p = 0.2)"),
    ],
)
def test_failures_are_adjusted_for_the_number_of_tests(n_tests, p_value, passed, words):
    data = replace(as_data(*make(50)), n_tests=n_tests)
    judged = Judgement(0.0, 2.0, 1.0, 3.0, p_value)
    conclusion = Refuter()._conclusion(data, 0, judged)
    assert conclusion.passed == passed
    assert conclusion.verdict.startswith(words)


def test_expected_changes_are_found_exactly_where_nuisances_stay():
    """Doubling an outcome doubles the effect; paired refits have the same folds."""

    class Doubled(Refuter):
        _paired = True

        def _alter(self, data, setting, random):
            return data.changed(outcome=2 * data.outcome, expected=2 * data.effect)

    row = run([Doubled()]).table.loc["Doubled"]
    assert row["refuted"] == pytest.approx(2 * row["original"])
    assert row["expected"] == pytest.approx(2 * row["original"])


@pytest.mark.parametrize("kind", ["binary", "continuous"])
def test_tipping_point_is_the_analytic_one(kind):
    X, y, t = make(4000, kind=kind)
    kappas = np.array([0.2, 0.4])
    refuter = SimulatedConfounder(kappas, [0.2, 0.4])
    estimator = aipw() if kind == "binary" else r_learner()
    found = run([refuter], estimator, (X, y, t), random_state=2)
    points = found.details["tipping_points"]
    truth = analytic_tipping_points(X, y, t, kappas, kind, found.estimate.value)
    assert points["kappa_outcome"].to_numpy() == pytest.approx(truth, rel=0.1)
    assert len(found.details["confounder_grid"]) == 4


def analytic_tipping_points(X, y, t, kappas, kind, effect):
    """Return |effect| over the error per standard deviation of the outcome."""
    if kind == "continuous":
        variance = (t - LinearRegression().fit(X, t).predict(X)).var()
        error = kappas * t.std() / (variance + kappas**2 * t.var())
        return effect / (error * y.std())
    share = t.mean()
    density = stats.norm.pdf(stats.norm.ppf(1 - share))
    e = 1 / (1 + np.exp(-(X @ [0.5, 0.3, 0.1])))
    error = [
        (k * density / ((1 - k) * e + k * share)).mean()
        + (k * density / ((1 - k) * (1 - e) + k * (1 - share))).mean()
        for k in kappas
    ]
    return effect / (np.array(error) * y.std())


def test_verdicts_on_hidden_confounders():
    weak = run([SimulatedConfounder([0.1], [0.1, 0.2])])
    row = weak.table.loc["SimulatedConfounder"]
    assert row["passed"]
    assert row["verdict"].startswith("robust: a hidden cause that decides 10 %")
    assert np.isnan(row["p_value"])
    strong = run([SimulatedConfounder([0.5], [1.0, 2.0])])
    row = strong.table.loc["SimulatedConfounder"]
    assert not row["passed"]
    assert row["verdict"].startswith("sensitive: a hidden cause that decides 50 %")
    assert row["refuted"] < 0
    assert strong.details["tipping_points"]["within_grid"].all()


def test_leaving_out_the_strongest_confounder_moves_the_effect_most():
    X, y, t = make(2000)
    frame = pd.DataFrame(X, columns=["strong", "middle", "weak"])
    found = run([LeaveOneConfounderOut()], table=(frame, y, t))
    left = found.details["left_out"].set_index("left_out")
    assert left["shift"].idxmax() == "strong"
    without = aipw().fit(X[:, 1:], y, treatment=t).average_effect().value
    assert left.loc["strong", "refuted"] == pytest.approx(without, abs=0.02)
    row = found.table.loc["LeaveOneConfounderOut"]
    assert row["passed"]
    assert "'strong'" in row["verdict"]
    one = run([LeaveOneConfounderOut(columns=["weak"])], table=(frame, y, t))
    assert one.details["left_out"]["left_out"].tolist() == ["weak"]


def test_leaving_out_what_carries_the_conclusion_is_told():
    X, _, t = make(2000)
    y = 3 * X[:, 0] + np.random.default_rng(3).normal(size=2000)  # no effect
    row = run([LeaveOneConfounderOut()], table=(X, y, t)).table.iloc[0]
    assert not row["passed"]
    assert row["verdict"].startswith("sensitive")
    assert "column 0" in row["verdict"]


# -------------------------------------------------------------------- negative controls
def hidden(seed=0, n_rows=1500):
    """Make rows with a hidden cause of treatment, outcome and both controls."""
    rng = np.random.default_rng(seed)
    X, u = rng.normal(size=(n_rows, 2)), rng.normal(size=n_rows)
    t, other = ((u + rng.normal(size=n_rows) > 0).astype(int) for _ in range(2))
    y = t + u + X[:, 0] + rng.normal(size=n_rows)
    return X, y, t, u + rng.normal(size=n_rows), other


def test_negative_controls_see_hidden_confounding():
    X, y, t, outcome, treatment = hidden()
    controls = {"negative_outcome": outcome, "negative_treatment": treatment}
    refuters = [NegativeControlOutcome(), NegativeControlTreatment()]
    table = run(refuters, table=(X, y, t), **controls).table
    assert table["passed"].tolist() == [False, False]
    assert (table["p_value"] < 1e-6).all()
    assert (table["n_simulations"] == 1).all()
    direct = aipw().fit(X, outcome, treatment=t).average_effect()
    row = table.loc["NegativeControlOutcome"]
    assert row["refuted"] == pytest.approx(direct.value, abs=0.02)
    assert "confounding" in row["verdict"]


def test_negative_controls_without_hidden_confounding_pass():
    X, y, t = make(1500)
    rng = np.random.default_rng(5)
    other = np.where((t == 1) ^ (rng.random(1500) < 0.2), "yes", "no")
    refuters = [NegativeControlOutcome(), NegativeControlTreatment(control_arm="no")]
    controls = {
        "negative_outcome": X[:, 0] + rng.normal(size=1500),
        "negative_treatment": other,
    }
    assert run(refuters, table=(X, y, t), **controls).passed
    blunt = NegativeControlTreatment(adjust=False, control_arm="no")
    assert not run([blunt], table=(X, y, t), **controls).passed


# ----------------------------------------------------------------------- running them
def test_all_refuters_run_and_say_which_could_not():
    found = run("all", n_simulations=2)
    assert found.table.index.tolist() == [
        "PlaceboTreatment",
        "DummyOutcome (noise)",
        "DummyOutcome (learned)",
        "RandomCommonCause",
        "DataSubset",
        "BootstrapSample",
        "SimulatedConfounder",
        "LeaveOneConfounderOut",
    ]
    assert any("no negative_outcome" in note for note in found.notes)
    assert any("fewer than 100" in note for note in found.notes)
    assert (found.table["n_failed"] == 0).all()
    assert found.simulations["refuter"].nunique() == 8
    assert "spread" in found.table.loc["BootstrapSample", "verdict"]
    assert repr(found).count("\n") >= 8


def test_failing_simulations_are_counted_and_quoted():
    class Sometimes(Refuter):
        def _alter(self, data, setting, random):
            if setting == 1:
                raise RuntimeError("no luck")
            return data

    class Never(Sometimes):
        def _alter(self, data, setting, random):
            return super()._alter(data, 1, random)

    found = run([Sometimes(), Never()])
    row = found.table.loc["Sometimes"]
    assert (row["n_simulations"], row["n_failed"]) == (4, 1)
    assert row["verdict"].endswith("; 1 of 4 failed (RuntimeError: no luck)")
    row = found.table.loc["Never"]
    assert row["n_failed"] == 4
    assert pd.isna(row["passed"])
    assert "every simulation failed (RuntimeError: no luck)" in row["verdict"]
    assert not found.passed
    failures = found.simulations["failure"]
    assert (failures == "RuntimeError: no luck").sum() == 5
    RefutationDisplay.from_refutation(found)
    plt.close("all")


def test_warnings_of_refits_are_counted():
    class Warns(Refuter):
        def _alter(self, data, setting, random):
            warnings.warn("doubtful", OverlapWarning, stacklevel=2)
            return data

    found = run([Warns()])
    assert "Warns: OverlapWarning in 4 of 4 simulations." in found.notes


def test_results_depend_on_the_seed_only():
    refuters = [PlaceboTreatment(), BootstrapSample(), SimulatedConfounder([0.2], [1])]
    first, again = (run(refuters, n_simulations=3, n_jobs=n) for n in (1, 2))
    columns = ["value", "standard_error", "expected"]
    same = first.simulations[columns].to_numpy() - again.simulations[columns].to_numpy()
    assert np.abs(same).max() < 1e-12
    other = run(refuters, n_simulations=3, random_state=1)
    assert (other.simulations["value"] != first.simulations["value"]).all()


def test_expected_time_comes_first(capsys):
    run([DataSubset()], n_simulations=3, progress=True)
    error = capsys.readouterr().err
    assert error.startswith("refute: 3 fits of AIPW, ")
    assert "1 job: about 1 s" in error
    assert "3/3" in error
    run([DataSubset()], n_simulations=2)
    assert capsys.readouterr().err == ""


def test_cache_and_inputs_stay_as_they_are():
    clear_cache()
    X, y, t = make(200)
    copies = X.copy(), y.copy(), t.copy()
    estimator = aipw()
    run("all", estimator, (X, y, t), n_simulations=2)
    assert not _entries
    assert not hasattr(estimator, "average_effect_")
    for given, copy in zip((X, y, t), copies, strict=True):
        assert (given == copy).all()


class CountingClassifier(LogisticRegression):
    """Counts how often it is fitted."""

    n_fits = 0

    def fit(self, X, y, sample_weight=None):
        CountingClassifier.n_fits += 1
        return super().fit(X, y, sample_weight)


@pytest.mark.parametrize(
    ("refuter", "n_fits"),
    [
        (DummyOutcome("noise"), 2),
        (DummyOutcome("learned"), 2),
        (NegativeControlOutcome(), 2),
        (PlaceboTreatment(), 2 + 2 * 4),
    ],
)
def test_propensities_are_shared_where_the_treatment_stays(refuter, n_fits):
    X, y, t = make(200)
    CountingClassifier.n_fits = 0
    counting = AIPW(LinearRegression(), CountingClassifier(), cv=2, random_state=0)
    run([refuter], counting, (X, y, t), negative_outcome=X[:, 0])
    assert CountingClassifier.n_fits == n_fits


def test_refits_of_many_rows_use_two_folds_and_say_so():
    table = make(200)
    many = tuple(np.tile(part, (60,) + (1,) * (part.ndim - 1)) for part in table)
    pipeline = make_pipeline(StandardScaler(), aipw(cv=5))
    found = run([DataSubset()], pipeline, many, n_simulations=2)
    assert found.notes[0].startswith("Refits use cv=2 folds")
    X, y, t = many
    original = pipeline.fit(X, causal_target(y, t))[-1].average_effect().value
    assert found.estimate.value == pytest.approx(original)
    assert found.table["original"].iloc[0] == pytest.approx(original)
    assert found.table["expected"].iloc[0] != found.table["original"].iloc[0]
    kept = run([DataSubset()], pipeline, many, n_simulations=2, cv=None)
    assert kept.table["expected"].iloc[0] == kept.table["original"].iloc[0]
    few = run([DataSubset()], pipeline, table, n_simulations=2)
    assert not few.notes[0].startswith("Refits use")


# -------------------------------------------------------------------- any estimator
def frame_and_pipeline():
    X, y, t = make(300)
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    frame["city"] = np.where(X[:, 0] > 0, "x", "y")
    columns = ColumnTransformer(
        [("city", OneHotEncoder(), ["city"])], remainder="passthrough"
    )
    return frame, y, t, make_pipeline(columns, aipw())


def test_a_pipeline_with_text_columns():
    frame, y, t, pipeline = frame_and_pipeline()
    found = run("all", pipeline, (frame, y, t), n_simulations=2)
    assert (found.table["n_failed"] == 0).all()
    left = found.details["left_out"]["left_out"].tolist()
    assert left == ["a", "b", "c", "city"]


def test_a_search():
    frame, y, t, pipeline = frame_and_pipeline()
    search = GridSearchCV(pipeline, {"aipw__n_repeats": [1]}, cv=2)
    refuters = [PlaceboTreatment(), DummyOutcome(), DataSubset()]
    found = run(refuters, search, (frame, y, t), n_simulations=2)
    assert (found.table["n_failed"] == 0).all()


def test_routing_does_not_matter():
    table = make(200)
    plain = run([PlaceboTreatment()], table=table)
    with config_context(enable_metadata_routing=True):
        routed = run([PlaceboTreatment()], table=table)
    pd.testing.assert_series_equal(
        plain.simulations["value"], routed.simulations["value"]
    )


def test_causal_target_with_weights_and_groups():
    X, y, t = make(300)
    target = causal_target(
        y, t, sample_weight=np.linspace(1, 2, 300), groups=np.arange(300) // 3
    )
    found = run("all", table=(X, target, None), n_simulations=2)
    assert (found.table["n_failed"] == 0).all()


FEW = [
    PlaceboTreatment(),
    DummyOutcome("learned", model=LinearRegression()),
    BootstrapSample(),
    SimulatedConfounder([0.2], [0.3, 0.6], model=LinearRegression()),
]


def test_several_arms_have_a_row_each():
    X, y, _ = make(600)
    t = np.array(["call", "mail", "none"])[np.arange(600) % 3]
    y = y + 2 * (t == "mail")
    estimator = aipw(control_arm="none")
    found = run(FEW, estimator, (X, y, t), n_simulations=2)
    assert found.table.index.names == ["refuter", "effect"]
    effects = found.table.index.get_level_values("effect")
    assert set(effects) == {"call vs none", "mail vs none"}
    assert (found.table["n_failed"] == 0).all()
    display = RefutationDisplay.from_refutation(found, effect="mail vs none")
    assert len(display.ax_.get_yticklabels()) == 4
    display.plot_confounder()
    plt.close("all")
    with pytest.raises(ValueError, match="effect must be one of"):
        RefutationDisplay.from_refutation(found, effect="post vs none")


def test_a_continuous_treatment():
    table = make(400, kind="continuous")
    found = run(FEW, r_learner(), table, n_simulations=2)
    assert (found.table["n_failed"] == 0).all()
    assert "moves the treatment by" in found.table.loc["SimulatedConfounder", "verdict"]


def test_a_binary_outcome():
    X, y, t = make(400)
    logit = LogisticRegression()
    estimator = AIPW(logit, logit, cv=2, random_state=0)
    found = run(FEW, estimator, (X, (y > 0).astype(int), t), n_simulations=2)
    assert (found.table["n_failed"] == 0).all()


@pytest.mark.parametrize("probability", [0.5, {0: 0.5, 1: 0.5}, np.full(300, 0.5)])
def test_known_propensities_follow_their_rows(probability):
    X, y, t = make(300)
    estimator = AIPW(LinearRegression(), KnownPropensity(probability), cv=2)
    found = run(FEW, estimator, (X, y, t), n_simulations=2)
    assert (found.table["n_failed"] == 0).all()
    control = {"table": (X, y, t), "negative_treatment": t}
    with pytest.raises(ValueError, match="propensities are known for the treatment"):
        run([NegativeControlTreatment()], estimator, **control)


def test_learners_of_effects():
    estimator = TLearner(LinearRegression(), LogisticRegression(), cv=2)
    found = run([PlaceboTreatment(), DummyOutcome()], estimator)
    assert (found.table["n_failed"] == 0).all()


# -------------------------------------------------------------------------- the display
def test_display_shows_every_simulation_and_verdict():
    X, y, t = make(300)
    display = RefutationDisplay.from_estimator(
        aipw(),
        X,
        y,
        treatment=t,
        refuters=[PlaceboTreatment(), DataSubset()],
        n_simulations=3,
        random_state=0,
        progress=False,
    )
    names = [label.get_text() for label in display.ax_.get_yticklabels()]
    assert names == ["PlaceboTreatment", "DataSubset"]
    dots = [part for part in display.ax_.collections if len(part.get_offsets()) == 3]
    shown = np.concatenate([np.asarray(part.get_offsets())[:, 0] for part in dots])
    assert shown == pytest.approx(display.refutation.simulations["value"].to_numpy())
    texts = [text.get_text() for text in display.ax_.texts]
    assert all(text.startswith("passed (p = ") for text in texts)
    with pytest.raises(ValueError, match="no simulated confounder"):
        display.plot_confounder()
    plt.close("all")


def test_display_of_the_hidden_confounder():
    found = run([SimulatedConfounder([0.2, 0.6], [0.5, 2.0])])
    display = RefutationDisplay(found).plot_confounder()
    values = found.details["confounder_grid"]["refuted"]
    assert [t.get_text() for t in display.ax_.texts].count(f"{values.iloc[0]:.3g}") == 1
    (line,) = display.ax_.lines
    assert len(line.get_xdata()) == found.details["tipping_points"]["within_grid"].sum()
    plt.close("all")


# --------------------------------------------------------------------------- bad input
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"refuters": "placebo"}, TypeError, "'all' or a list of refuters"),
        ({"refuters": [PlaceboTreatment]}, TypeError, "'all' or a list of refuters"),
        ({"refuters": []}, TypeError, "'all' or a list of refuters"),
        ({"n_simulations": 1}, ValueError, "n_simulations must be an integer of at"),
        ({"cv": 1}, ValueError, "cv must be 'auto', None or an integer"),
        ({"refuters": [DummyOutcome("wild")]}, ValueError, "kind must be 'noise'"),
        ({"refuters": [DataSubset(1.0)]}, ValueError, "fraction must lie strictly"),
        ({"refuters": [RandomCommonCause(0)]}, ValueError, "n_causes must be at"),
        (
            {"refuters": [SimulatedConfounder([0.0])]},
            ValueError,
            "kappa_treatment must hold positive",
        ),
        (
            {"refuters": [SimulatedConfounder([2.0])]},
            ValueError,
            "is a probability here",
        ),
        (
            {"refuters": [LeaveOneConfounderOut(["age"])]},
            ValueError,
            "X has no columns",
        ),
        (
            {"refuters": [NegativeControlOutcome()]},
            ValueError,
            "cannot run: there is no negative_outcome",
        ),
        ({"negative_outcome": [1.0]}, ValueError, "one value for each of the 100"),
    ],
)
def test_bad_parameters(options, error, message):
    X, y, t = make(100)
    with pytest.raises(error, match=message):
        refute(aipw(), X, y, treatment=t, progress=False, **options)


def test_no_treatment_and_no_learner():
    X, y, t = make(100)
    with pytest.raises(ValueError, match="refute: no treatment arrived"):
        refute(aipw(), X, y, progress=False)
    with pytest.raises(TypeError, match="must be an effect learner"):
        refute(LinearRegression(), X, y, treatment=t, progress=False)


def test_wide_tables_need_named_columns():
    _, y, t = make(200)
    X = np.random.default_rng(0).normal(size=(200, 60))
    trial = AIPW(LinearRegression(), KnownPropensity(0.5), cv=2, random_state=0)
    found = run("all", trial, (X, y, t), n_simulations=2)
    assert any("name those to leave out" in note for note in found.notes)


# ----------------------------------------------------- acceptance G17, over many seeds
def over_seeds(refuter, n_seeds=200, **options):
    rows = []
    for seed in range(n_seeds):
        table = make(5000, seed)
        found = run([refuter], table=table, random_state=seed, **options)
        row = found.table.iloc[0].to_dict()
        rows.append(row | {"error": found.estimate.standard_error})
    return pd.DataFrame(rows)


@pytest.mark.slow
def test_placebo_intervals_contain_zero():
    rows = over_seeds(PlaceboTreatment(), n_simulations=10)
    contained = (rows["lower"] <= 0) & (rows["upper"] >= 0)
    assert contained.mean() >= 0.93
    assert stats.kstest(rows["p_value"], "uniform").pvalue > 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    "refuter", [DummyOutcome(), DummyOutcome("learned", model=LinearRegression())]
)
def test_p_values_of_invented_outcomes_are_uniform(refuter):
    rows = over_seeds(refuter, n_simulations=10)
    assert stats.kstest(rows["p_value"], "uniform").pvalue > 0.01


@pytest.mark.slow
@pytest.mark.parametrize("refuter", [RandomCommonCause(), DataSubset()])
def test_irrelevant_changes_stay_within_noise(refuter):
    rows = over_seeds(refuter, n_simulations=5)
    change = (rows["refuted"] - rows["original"]).abs()
    assert (change < 2 * rows["error"]).mean() >= 0.95
    assert rows["passed"].mean() >= 0.95


@pytest.mark.slow
# With confounders as strong as these a row in 5,000 may have hardly any spread left.
@pytest.mark.filterwarnings("ignore:.*hardly varies:skcausal.OverlapWarning")
@pytest.mark.parametrize("kind", ["binary", "continuous"])
def test_tipping_points_over_seeds(kind):
    kappas = np.array([0.1, 0.2, 0.3])
    estimator = aipw() if kind == "binary" else r_learner()
    ratios = []
    for seed in range(20):
        X, y, t = make(5000, seed, kind)
        refuter = SimulatedConfounder(kappas, [0.2, 0.4])
        many = {"n_simulations": 20, "random_state": seed}
        found = run([refuter], estimator, (X, y, t), **many)
        effect = found.estimate.value
        truth = analytic_tipping_points(X, y, t, kappas, kind, effect)
        ratios.append(found.details["tipping_points"]["kappa_outcome"] / truth)
    ratios = np.array(ratios)
    assert ratios.mean(axis=0) == pytest.approx(1, abs=0.03)
    assert (np.abs(ratios - 1) < 0.1).mean() >= 0.9
