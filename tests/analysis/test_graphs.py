"""Questions that come with a graph: the commands, the report, CausalAnalysis."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from skcausal import causal_target, effect_of
from skcausal.analysis import CausalAnalysis, main
from skcausal.analysis._errors import InputError
from skcausal.analysis._graph_facts import (
    GraphFacts,
    adjustment_of,
    features_of,
    graph_facts,
)
from skcausal.analysis._graph_report import with_graph
from skcausal.analysis._result import AnalysisResult
from skcausal.estimation import AIPW, DRLearner
from skcausal.graphs import CausalGraph, format_graph
from skcausal.identification import (
    AdjustmentSelector,
    MissingColumnError,
    NotIdentifiedError,
    identify,
)
from skcausal.validation import PlaceboTreatment

GRAPH = CausalGraph(
    [
        ("age", "drug"),
        ("age", "health"),
        ("drug", "health"),
        ("drug", "nausea"),
        ("health", "nausea"),
        ("sport", "health"),
    ]
)
FRONT_DOOR = CausalGraph([("drug", "level"), ("level", "health")], [("drug", "health")])
BOW = CausalGraph([("drug", "health")], [("drug", "health")])
TRUTH = 2.0


def table(n=1500, seed=0):
    rng = np.random.default_rng(seed)
    age, sport = rng.normal(size=(2, n))
    drug = (rng.random(n) < 1 / (1 + np.exp(-age))).astype(int)
    health = TRUTH * drug + age + sport + rng.normal(size=n)
    nausea = drug + 0.5 * health + 1.5 * rng.normal(size=n)
    return pd.DataFrame(
        {"age": age, "sport": sport, "drug": drug, "health": health, "nausea": nausea}
    )


def learner():
    models = (LinearRegression(), LogisticRegression(C=np.inf))
    return AIPW(*models, random_state=0)


def analysis(graph=GRAPH, **options):
    options = {"learner": learner(), "random_state": 0} | options
    return CausalAnalysis(graph, "drug", "health", **options)


def test_the_four_steps():
    frame = table()
    done = analysis().fit(frame)
    assert done.estimand_.adjustment == {"age", "sport"}
    assert abs(done.effect_.value - TRUTH) < 4 * done.effect_.standard_error
    assert done.effect_.value == done.learner_.average_effect().value
    again = done.estimate(learner().set_params(cv=3))
    assert again.value != done.effect_.value
    held = done.falsify(n_permutations=20)
    assert held.n_adjusted_violations == 0
    placebo = [PlaceboTreatment()]
    attacks = done.refute(refuters=placebo, n_simulations=3, progress=False)
    assert len(attacks.table) == 1
    sensitivity = done.sensitivity()
    assert sensitivity.robustness_value() > 0.1


def test_control_reaches_the_learner():
    frame = table(1000)
    flipped = analysis(control=1).fit(frame).effect_.value
    assert flipped == pytest.approx(-analysis().fit(frame).effect_.value)


def test_adjusting_for_an_effect_would_be_wrong():
    frame = table(4000)
    right = analysis().fit(frame).effect_
    wrong = (
        learner()
        .set_params(min_propensity=0)
        .fit(
            frame[["age", "sport", "nausea"]], frame["health"], treatment=frame["drug"]
        )
    )
    assert abs(wrong.average_effect().value - TRUTH) > 5 * right.standard_error


def test_other_formulas_are_estimated_and_not_attacked():
    rng = np.random.default_rng(0)
    hidden = rng.normal(size=4000)
    drug = (hidden + rng.normal(size=4000) > 0).astype(int)
    level = (rng.random(4000) < 0.2 + 0.6 * drug).astype(int)
    health = level + hidden + rng.normal(size=4000)
    frame = pd.DataFrame({"drug": drug, "level": level, "health": health})
    done = analysis(FRONT_DOOR, learner=None, kind="general").fit(frame)
    assert done.learner_ is None
    assert abs(done.effect_.value - 0.6) < 4 * done.effect_.standard_error
    for verb in ("refute", "sensitivity"):
        with pytest.raises(ValueError, match=f"CausalAnalysis.{verb}: the formula is"):
            getattr(done, verb)()


def test_what_cannot_be_answered_is_refused():
    with pytest.raises(NotIdentifiedError, match="hidden cause"):
        analysis(BOW).fit(table())
    with pytest.raises(MissingColumnError, match="'age'"):
        analysis().fit(table().drop(columns="age"))


def test_from_graph_to_search_to_effect():
    """The whole path inside scikit-learn's own tools; the truth is structural."""
    frame = table(3000)
    rows = frame[["age", "sport", "nausea"]]
    assert identify(GRAPH, "drug", "health").kind == "adjustment"
    pipeline = make_pipeline(
        AdjustmentSelector(GRAPH, "drug", "health"),
        DRLearner(LinearRegression(), LogisticRegression(), random_state=0),
    )
    grid = {"drlearner__effect_model": [LinearRegression()], "drlearner__cv": [2, 3]}
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise")
    search.fit(rows, causal_target(frame["health"], frame["drug"]))
    chosen = search.best_estimator_[0].get_feature_names_out()
    assert set(chosen) == {"age", "sport"}
    final = effect_of(search)
    found = final.average_effect()
    assert abs(found.value - TRUTH) < 4 * found.standard_error
    lower, upper = final.effect_interval(rows)
    assert ((lower < TRUTH) & (upper > TRUTH)).mean() > 0.5


def written(tmp_path, graph, suffix="dot"):
    path = tmp_path / f"graph.{suffix}"
    path.write_text(format_graph(graph, format=suffix))
    return str(path)


def test_identify_prints_verdict_and_formula(tmp_path, capsys):
    question = ["--treatment", "drug", "--outcome", "health"]
    assert main(["identify", written(tmp_path, GRAPH), *question]) == 0
    said = capsys.readouterr().out
    assert "Identified (adjustment)" in said
    assert "P(health | do(drug)) = Σ_{age, sport}" in said
    assert main(["identify", written(tmp_path, GRAPH), *question, "--latex"]) == 0
    assert capsys.readouterr().out.startswith(r"P(")
    assert main(["identify", written(tmp_path, BOW), *question]) == 1
    said = capsys.readouterr().err
    assert said.startswith("Not identified: drug and health share a hidden cause")
    assert "\n- measure the common cause of drug and health\n" in said
    only = ["--kind", "front-door"]
    assert main(["identify", written(tmp_path, GRAPH), *question, *only]) == 1
    assert "Not identified by --kind front-door" in capsys.readouterr().err
    assert main(["identify", str(tmp_path / "no.dot"), *question]) == 2
    assert "GRAPH: there is no file" in capsys.readouterr().err
    unknown = ["--treatment", "drug", "--outcome", "wealth"]
    assert main(["identify", written(tmp_path, GRAPH), *unknown]) == 2
    assert "'wealth' is not a node" in capsys.readouterr().err


def test_identify_names_the_option_for_an_instrument(tmp_path, capsys):
    graph = CausalGraph([("lot", "drug"), *BOW.directed], BOW.bidirected)
    question = ["--treatment", "drug", "--outcome", "health"]
    assert main(["identify", written(tmp_path, graph), *question]) == 1
    assert "--kind instrument gives the slope" in capsys.readouterr().err


def test_features_that_the_graph_forbids_are_refused():
    columns = list(table(10).columns)
    with pytest.raises(InputError, match="nausea"):
        adjustment_of(GRAPH, "drug", "health", columns, ("age", "nausea"))
    with pytest.raises(InputError, match="skcausal identify"):
        adjustment_of(FRONT_DOOR, "drug", "health", ["drug", "level", "health"])
    with pytest.raises(InputError, match="adjust"):
        adjustment_of(GRAPH, "drug", "health", ["drug", "health"])


def test_facts_of_a_graph():
    frame = table().assign(sport=lambda t: np.where(t["sport"] > 0, "much", "little"))
    estimand = adjustment_of(GRAPH, "drug", "health", list(frame.columns))
    features = features_of(estimand)
    facts = graph_facts(estimand, frame, features, 0)
    assert facts.covariates == ("age", "sport")
    assert "<svg" in facts.drawing
    assert "falsified" in facts.verdict.lower() or "verdict" in facts.verdict
    holes = frame.assign(age=frame["age"].mask(frame["age"] > 1))
    failed = graph_facts(estimand, holes, features, 0)
    assert failed.falsified is None
    assert "could not be held against" in failed.verdict


def test_nothing_to_adjust_for_takes_all_causes():
    randomised = CausalGraph([("drug", "health"), ("sport", "health")])
    estimand = adjustment_of(randomised, "drug", "health", list(table(10).columns))
    assert features_of(estimand) == ("sport",)
    bare = CausalGraph([("drug", "health")])
    estimand = adjustment_of(bare, "drug", "health", ["drug", "health"])
    with pytest.raises(InputError, match="nothing needs to be adjusted for"):
        features_of(estimand)


def test_the_report_has_the_graph(tmp_path, capsys):
    table(800).to_csv(tmp_path / "t.csv", index=False)
    out, numbers = tmp_path / "r.html", tmp_path / "r.json"
    arguments = ["analyze", str(tmp_path / "t.csv"), "--outcome", "health"]
    arguments += ["--treatment", "drug", "--graph", written(tmp_path, GRAPH)]
    arguments += ["--time-budget", "1", "--refute", "0"]
    assert main([*arguments, "--out", str(out), "--json", str(numbers)]) == 0
    assert "\nGraph: " in capsys.readouterr().out
    page, facts = out.read_text(), json.loads(numbers.read_text())["graph"]
    assert "The graph" in page
    assert "Do the data contradict the graph?" in page
    assert facts["covariates"] == ["age", "sport"]
    assert "drawing" not in facts
    done = analysis().fit(table(800))
    done.report(tmp_path / "own.html", simulations=0, time_budget=1)
    assert "The graph" in (tmp_path / "own.html").read_text()


def test_a_graph_that_the_data_contradict_is_a_warning():
    facts = GraphFacts("<svg/>", "", "", (), (), "Falsified: no.", True, ())
    result = AnalysisResult(*[None] * 9, warnings=("other",))
    warned = with_graph(result, facts)
    assert "contradict the graph" in warned.warnings[0]
    assert warned.warnings[1:] == ("other",)
    unsure = with_graph(result, dataclasses.replace(facts, falsified=None))
    assert unsure.warnings == ("other",)
