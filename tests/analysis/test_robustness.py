"""Heterogeneity tests, attacks, confounders and several outcomes in the report."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

from skcausal import validation
from skcausal.analysis import _attacks
from skcausal.analysis import _judgements as judge
from skcausal.analysis import _sections as sections
from skcausal.analysis._attacks import REFUTERS, attack
from skcausal.analysis._candidates import Design
from skcausal.analysis._heterogeneity import calibration
from skcausal.analysis._outcomes import average_effects, fit_outcomes
from skcausal.analysis._pipeline import Options, _question
from skcausal.analysis._result import (
    Attacks,
    AverageEffect,
    Benchmark,
    Estimate,
    OutcomeEffects,
    RefuterRow,
    Sensitivity,
)
from skcausal.analysis._sensitivity import (
    correlation,
    sensitivity,
    sensitivity_sentence,
    strongest_features,
)
from skcausal.analysis._tables import Columns, check_table
from skcausal.estimation import AIPW, KnownPropensity

OUTCOMES = ["sales", "<i>bought</i>"]


def _observed(n=800, effect=1.0, binary=False, seed=0):
    """Make a table in which age confounds, city does not, and return it checked."""
    rng = np.random.default_rng(seed)
    age, other = rng.normal(size=n), rng.normal(size=n)
    t = (rng.random(n) < 1 / (1 + np.exp(-0.7 * age))).astype(int)
    y = effect * t + age + rng.normal(size=n)
    frame = pd.DataFrame({"age": age, "other": other, "t": t, "y": y})
    if binary:
        frame["y"] = (y > 0.5).astype(int)
    frame["z"] = rng.normal(size=n)
    columns = Columns("y", "t", other_outcomes=("z",), features=("age", "other"))
    return check_table(frame, columns)


def _learner(binary=False):
    outcome_model = LogisticRegression() if binary else LinearRegression()
    return AIPW(outcome_model, LogisticRegression(), control_arm=0, random_state=0)


def _sensitivity(**options):
    table = _observed(**options)
    learner = _learner(table.binary_outcome)
    fitted = {"y": learner.fit(table.X, table.y, treatment=table.treatment)}
    effects = average_effects(replace(table, other_outcomes={}), fitted)[0]
    question = _question(table, Options("table"))
    (found,) = sensitivity(table, question, fitted["y"], effects)
    return found


# ---------------------------------------------------------------- heterogeneity tests
def test_heterogeneity_is_in_the_json(experiment):
    (contrast,) = experiment.json["who_gains"]
    tests = contrast["heterogeneity"]
    assert tests["difference"]["p_value"] < 0.05
    assert tests["slope"]["lower"] < 1.2
    differences = tests["differential_prediction"]
    assert differences["lower"] < 1 < differences["upper"]
    assert tests["mean_prediction"]["p_value"] < 0.001
    assert tests["clan"][0]["feature"] == "age"
    top, bottom = contrast["groups"][0], contrast["groups"][-1]
    gap = tests["difference"]["value"]
    assert top["value"] - bottom["value"] == pytest.approx(gap)


def test_true_effects_are_calibrated():
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=800), rng.integers(3, size=800)
    effect = 1 + x
    frame = pd.DataFrame(
        {"x": x, "arm": t, "y": effect * (t == 2) + rng.normal(size=800)}
    )
    table = check_table(frame, Columns("y", "arm", control="0"))
    design = Design(table.arms, (1 / 3, 1 / 3, 1 / 3), 0)
    for estimate in calibration(effect, table, np.arange(800), 2, design):
        assert estimate.lower < 1 < estimate.upper
        assert estimate.standard_error < 0.2
    unknown = calibration(np.ones(800), table, np.arange(800), 2, design)
    assert np.isnan([estimate.value for estimate in unknown]).all()


# --------------------------------------------------------------------------- balance
@pytest.mark.parametrize("name", ["experiment", "observed"])
def test_balance_is_in_the_json(name, request):
    rows = request.getfixturevalue(name).json["balance"]
    assert {row["feature"] for row in rows} >= {"age", "city = Oslo"}
    if name == "experiment":
        assert all(row["before"] == row["after"] for row in rows)


# ------------------------------------------------------------------------- outcomes
def test_all_outcomes_are_adjusted_together(observed):
    (other,) = observed.json["other_outcomes"]
    assert other["outcome"] == OUTCOMES[1]
    assert other["binary"] is True
    assert len(other["average_effects"]) == 6
    assert OUTCOMES[1] not in observed.json["meta"]["features"]
    for row in other["average_effects"]:
        assert row["p_value"] <= row["adjusted_p_value"]
    assert "All outcomes" in observed.report
    assert "&lt;i&gt;bought" in observed.report
    assert "<i>bought" not in observed.report


def test_an_outcome_of_noise_has_no_effect_and_the_larger_p_value():
    table = _observed()
    first, (noise,) = average_effects(table, fit_outcomes(table, _learner()))
    real, spurious = first[0].estimate, noise.average_effects[0].estimate
    assert real.lower < 1 < real.upper
    assert real.adjusted_p_value < 0.01
    assert spurious.adjusted_p_value > 0.05
    assert noise.control_mean == pytest.approx(
        table.other_outcomes["z"][table.treatment == 0].mean()
    )


def test_one_outcome_of_two_arms_has_nothing_to_adjust(experiment):
    assert experiment.json["average_effects"][0]["adjusted_p_value"] is None
    assert experiment.json["other_outcomes"] == []
    assert "All outcomes" not in experiment.report


# -------------------------------------------------------------------------- attacks
def test_attacks_are_in_json_and_report(experiment, observed):
    (arms, simulations) = (1, 2)
    attacks = experiment.json["attacks"]
    assert attacks["simulations"] == simulations
    assert len(attacks["rows"]) == arms * len(REFUTERS)
    rows = observed.json["attacks"]["rows"]
    assert [row["treated"] for row in rows[:2]] == ["<b>letter</b>", "a & b"]
    assert rows[0]["refuter"] == rows[1]["refuter"] == "PlaceboTreatment"
    assert "Shuffled treatment" in observed.report


def test_attacks_find_a_broken_estimate():
    table = _observed(n=400)
    sound = attack(table, _learner(), 5, 0)
    assert all(row.passed for row in sound.rows)
    assert judge.attacks_check(sound).status == "good"
    # A propensity that is wrong and a constant outcome model remove no confounding.
    broken = AIPW(DummyRegressor(), KnownPropensity(0.5), random_state=0)
    found = attack(table, broken, 5, 0)
    verdicts = {row.refuter: row.passed for row in found.rows}
    assert verdicts["DummyOutcome (learned)"] is False
    assert judge.attacks_check(found).status == "bad"
    assert "Invented outcome" in judge.attacks_check(found).sentence


def test_attacks_can_be_skipped_or_incomplete():
    assert attack(_observed(n=100), _learner(), 0, 0) is None
    assert judge.attacks_check(None).status == "open"
    row = RefuterRow("X", "1", "", *[0.0] * 6, passed=None, verdict="")
    assert judge.attacks_check(Attacks((row,), 5, 10, 2)).status == "caution"


def test_a_failing_attack_is_a_warning(monkeypatch):
    def refuses(*_args, **_kwargs):
        raise ValueError("refute: too few rows.")

    monkeypatch.setattr(validation, "refute", refuses)
    with pytest.warns(UserWarning, match="No attack could be made: refute: too few"):
        found = attack(_observed(n=100), _learner(), 2, 0)
    assert judge.attacks_check(found).status == "caution"


def test_large_tables_are_represented_by_some_rows(monkeypatch):
    monkeypatch.setattr(_attacks, "MOST_ROWS", 200)
    assert attack(_observed(n=400), _learner(), 2, 0).table_rows == 200


# ------------------------------------------------------------- unobserved confounders
def test_an_experiment_has_no_confounders(experiment):
    assert experiment.json["sensitivity"] == []
    assert "Confounders" not in [check["name"] for check in experiment.json["checks"]]
    assert "nothing unobserved can explain the effect away" in experiment.report
    assert "Unobserved confounders</h3>" not in experiment.report


def test_observational_report_says_what_it_takes(observed):
    first, second = observed.json["sensitivity"]
    assert (first["treated"], second["treated"]) == ("<b>letter</b>", "a & b")
    assert 0 < first["robustness_to_doubt"] < first["robustness_to_zero"] < 1
    assert first["e_value"] is None
    assert "Confounders" in [check["name"] for check in observed.json["checks"]]
    assert ">Unobserved confounders<" in observed.report
    assert "would have to explain" in observed.report


def test_confounder_is_compared_with_the_strongest_feature():
    found = _sensitivity()
    marks = {mark.feature: mark for mark in found.benchmarks}
    assert set(marks) == {"age", "other"}
    age = marks["age"]
    assert age.outcome > 0.5
    assert age.treatment > 0.03
    assert age.without > 1.3  # age confounds upwards
    assert marks["other"].outcome < 0.05
    assert judge.confounder_check([found]).sentence in found.sentence


@pytest.mark.parametrize(
    ("to_zero", "to_doubt", "expected"),
    [
        (2.04, 1.5, '2.0 times as strong as "age" would be needed to bring'),
        (0.5, 0.4, '0.5 times as strong as "age" would be enough to bring'),
        (np.inf, 3.0, "but one 3.0 times as strong would bring 0 into its interval"),
        (
            np.inf,
            np.inf,
            'in the proportions of "age" would bring the effect of t to 0',
        ),
    ],
)
def test_sentence_compares_with_the_weakest_that_would_do(to_zero, to_doubt, expected):
    marks = (
        Benchmark("other", 0.1, 0.1, 1.0, np.inf, np.inf),
        Benchmark("age", 0.2, 0.1, 1.0, to_zero, to_doubt),
    )
    marks = marks[::-1] if to_doubt == np.inf else marks
    question = _question(_observed(n=100), Options("table"))
    text = sensitivity_sentence(Sensitivity("1", 0.2, 0.1, marks), question)
    assert expected in text
    judged = judge.confounder_check([Sensitivity("1", 0.2, 0.1, marks, sentence=text)])
    assert judged.status == ("caution" if to_doubt < 1 else "open")


def test_unclear_effects_need_no_confounder():
    found = _sensitivity(effect=0.0)
    assert found.robustness_to_doubt == 0
    assert found.benchmarks == ()
    assert "nothing to explain away" in found.sentence
    assert judge.confounder_check([found]).status == "open"


def test_what_cannot_be_told_is_said(monkeypatch):
    def refuses(*_args, **_kwargs):
        raise ValueError("the variance is not positive")

    monkeypatch.setattr(validation.RieszSensitivity, "from_estimator", refuses)
    with pytest.warns(UserWarning, match="variance is not positive"):
        found = _sensitivity()
    assert "cannot be told" in found.sentence
    assert judge.confounder_check([found]).status == "caution"


def test_binary_outcomes_have_an_e_value():
    found = _sensitivity(binary=True)
    assert found.e_value > found.e_value_limit > 1
    assert _sensitivity().e_value is None


def test_e_value_is_that_of_the_risk_ratio():
    table = _observed(binary=True)
    learner = _learner(binary=True).fit(table.X, table.y, treatment=table.treatment)
    ratio = float(learner.average_effect(scale="ratio").value)
    expected = ratio + np.sqrt(ratio * (ratio - 1))
    assert _sensitivity(binary=True).e_value == pytest.approx(expected)


def test_no_yardstick_leaves_the_robustness_value():
    useless = Benchmark("x", 0.1, -0.1, 1.0, np.inf, np.inf)
    question = _question(_observed(n=100), Options("table"))
    text = sensitivity_sentence(Sensitivity("1", 0.2, 0.1, (useless,)), question)
    assert "times as strong" not in text
    assert "20.0\u00a0% of what the features leave open" in text


def test_correlation_of_features():
    rng = np.random.default_rng(0)
    y = rng.normal(size=300)
    assert correlation(pd.Series(-np.exp(y)), y) == pytest.approx(1)
    halves = pd.Series(np.where(y > np.median(y), "high", "low"), dtype="category")
    assert correlation(halves, y) == pytest.approx(np.sqrt(3) / 2, abs=0.01)
    gaps = pd.Series(np.where(np.arange(300) % 2, y, np.nan))
    assert correlation(gaps, y) == pytest.approx(1)
    assert correlation(pd.Series(np.ones(300)), y) == 0


def test_strongest_features_are_related_to_both():
    assert strongest_features(_observed()) == ["age", "other"]


# ------------------------------------------------------------------------ sentences
def test_many_outcomes_are_counted_instead_of_told(observed):
    def outcome(name, p):
        estimate = Estimate(1.0, 0.1, 0.8, 1.2, p, p)
        effects = (AverageEffect("1", "0", "all", estimate),)
        return OutcomeEffects(name, False, 1.0, effects)

    class Result:
        question = _question(_observed(n=100), Options("table"))
        other_outcomes = tuple(outcome(f"y{k}", p) for k, p in enumerate([0.01] * 3))

    told = sections.outcome_sentences(Result)
    assert len(told) == 3
    assert told[0].startswith("T raised the mean y0 by 1.00")
    Result.other_outcomes += (outcome("y4", 0.2), outcome("y5", 0.2))
    (counted,) = sections.outcome_sentences(Result)
    assert counted.startswith("Of 5 effects on other outcomes 3 are clear")
