"""``skcausal audit``: the report, its numbers, and errors in one line."""

import contextlib
import html
import io
import json
import re
import sys
from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder
from sklearn.tree import DecisionTreeClassifier

from skcausal.analysis import main
from skcausal.analysis._audit_input import check_input
from skcausal.analysis._model_files import load_model
from skcausal.fairness import CounterfactualFairnessAuditor, group_metrics
from skcausal.graphs import CausalGraph, read_graph
from skcausal.structural import StructuralModel

sio = pytest.importorskip("skops.io")

FEATURES = ["school", "test", "letter"]
GRAPH = "digraph { school -> test; school -> job; job -> passed; letter -> passed }"


def make_people(n=600, seed=0):
    """Make people: test scores follow from the school, letters do not."""
    rng = np.random.default_rng(seed)
    school = rng.choice(["<b>east</b>", "west"], n)
    east = school == "<b>east</b>"
    talent = rng.normal(size=n)
    return pd.DataFrame(
        {
            "school": school,
            "test": talent - 0.8 * east + 0.5 * rng.normal(size=n),
            "letter": talent + rng.normal(size=n),
            "job": np.where(rng.random(n) < 0.3 + 0.3 * east, "yes", "no"),
            "passed": (talent + 0.5 * rng.normal(size=n) > 0).astype(int),
        }
    )


def make_model(frame, features=FEATURES, learner=None):
    text = [name for name in features if name in ("school", "job")]
    columns = make_column_transformer(
        (OneHotEncoder(sparse_output=False), text), remainder="passthrough"
    )
    model = make_pipeline(columns, learner or LogisticRegression())
    return model.fit(frame[features], frame["passed"])


class Folder:
    """A folder with a table, a graph and a model, and the command run in it."""

    def __init__(self, path: Path, frame=None, model=None, graph=GRAPH) -> None:
        self.path = path
        self.frame = make_people() if frame is None else frame
        self.frame.to_csv(path / "people.csv", index=False)
        (path / "graph.dot").write_text(graph)
        self.model = make_model(self.frame) if model is None else model
        sio.dump(self.model, path / "model.skops")
        joblib.dump(self.model, path / "model.joblib")

    def words(self, *more, model="model.skops", sensitive="school"):
        named = {"--model": model, "--graph": "graph.dot"}
        files = [word for n, f in named.items() for word in (n, str(self.path / f))]
        outputs = [("--out", "audit.html"), ("--json", "audit.json")]
        files += [word for n, f in outputs for word in (n, str(self.path / f))]
        table = str(self.path / "people.csv")
        return ["audit", table, *files, "--sensitive", sensitive, "--quick", *more]

    def read(self):
        report = (self.path / "audit.html").read_text("utf-8")
        return report, json.loads((self.path / "audit.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Return a folder in which the audit of schools was run, and what it printed."""
    folder = Folder(tmp_path_factory.mktemp("audit"))
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        words = folder.words("--outcome", "passed")
        words.remove("--quick")
        assert main(words) == 0
    return folder, *folder.read(), printed.getvalue()


def direct(folder, **options):
    """Audit as a program would."""
    frame = folder.frame.astype({"school": "category", "job": "category"})
    graph = read_graph(folder.path / "graph.dot")
    names = [*folder.model.feature_names_in_, "school"]
    small = graph.subgraph(graph.ancestors(names))
    model = StructuralModel(small, random_state=0)
    auditor = CounterfactualFairnessAuditor(
        model, "school", random_state=0, **options
    ).fit(frame)
    return auditor, auditor.audit(folder.model, frame)


def test_numbers_are_those_of_the_auditor(finished):
    folder, _, content, _ = finished
    _, audit = direct(folder)
    summary = content["summary"]
    assert summary["unfairness"] == pytest.approx(audit.unfairness, rel=1e-9)
    assert summary["flip_probability"] == audit.summary["flip_probability"]
    assert (summary["lower"], summary["upper"]) == pytest.approx(audit.interval())
    rates = group_metrics(
        folder.frame["passed"], audit.rows["decision"], folder.frame["school"]
    )
    told = pd.DataFrame(content["metrics"]).set_index("group")
    pd.testing.assert_frame_equal(told, rates, check_dtype=False)


def test_shifts_hold_the_truth(finished):
    # Tests are lower in the east by what talent does not explain.
    pairs = {row["from"]: row for row in finished[2]["pairs"]}
    assert pairs["<b>east</b>"]["value"] > 0 > pairs["west"]["value"]
    for row in pairs.values():
        assert row["lower"] < row["value"] < row["upper"]
        low, high = row["flips_lower"] - 1e-12, row["flips_upper"] + 1e-12
        assert low <= row["flip_probability"] <= high


def test_parts_add_up_to_the_gap(finished):
    folder, _, content, _ = finished
    parts = {row["part"]: row for row in content["parts"]}
    score = folder.model.predict_proba(folder.frame[FEATURES])[:, 1]
    mean = pd.Series(score).groupby(folder.frame["school"]).mean()
    gap = mean[parts["direct"]["group"]] - mean[parts["direct"]["reference"]]
    assert parts["total variation"]["effect"] == pytest.approx(gap)
    added = sum(parts[name]["effect"] for name in ("direct", "indirect", "spurious"))
    assert added == pytest.approx(gap)


def test_report_says_it(finished):
    _, report, content, printed = finished
    unfair = f"{100 * content['summary']['unfairness']:.1f}"
    assert f"would differ by {unfair} percentage points" in report
    assert "<b>east" not in report  # escaped
    assert "&lt;b&gt;east" in report
    for title in ("The question", "Error rates by group", "Under other assumptions"):
        assert f"<h2>{title}</h2>" in report
    assert "sensitive attribute" not in report.split("<svg")[0]
    assert f"{unfair} percentage points" in " ".join(printed.split())
    assert "Report: " in printed


def test_other_assumptions_are_tried(finished):
    _, _, content, _ = finished
    others = {row["assumptions"]: row["unfairness"] for row in content["others"]}
    assert others["as asked"] == content["summary"]["unfairness"]
    assert "linear mechanisms, additive noise" in others
    assert "boosted mechanisms, additive noise" in others
    # With an arrow to the letter as well, more follows from the school.
    assert others["school causes each column of the model"] > 0


def test_code_in_the_report_runs_and_agrees(finished):
    _, report, content, _ = finished
    found = re.search(r"<pre><code>(.*?)</code></pre>", report, re.DOTALL)
    scope: dict = {}
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(html.unescape(found.group(1)), scope)
    unfair = content["summary"]["unfairness"]
    assert scope["audit"].unfairness == pytest.approx(unfair)
    assert "all          600" in printed.getvalue()


def test_fair_model_is_said_to_be(tmp_path, capsys):
    frame = make_people()
    folder = Folder(tmp_path, frame, make_model(frame, ["letter"]))
    assert main(folder.words()) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "say the same of the same people" in said
    assert "no column that it takes follows from school" in said
    report, content = folder.read()
    assert content["summary"]["unfairness"] == 0
    assert content["metrics"] is None
    assert "Error rates by group" not in report


def test_pickle_of_a_regressor_of_counts_and_categories(tmp_path, capsys):
    frame = make_people(300)
    rng = np.random.default_rng(1)
    frame["absences"] = rng.poisson(1 + 2 * (frame["school"] == "west"))
    features = ["absences", "job"]
    model = make_model(frame, features, LinearRegression())
    graph = "digraph { school -> absences; school -> job }"
    folder = Folder(tmp_path, frame, model, graph)
    words = folder.words("--quiet", "--counterfactuals", "5", model="model.joblib")
    assert "runs any code" in fails(words, capsys)
    assert main([*words, "--allow-pickle"]) == 0
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "skcausal: warning: reading" in printed.err

    def whole(table):
        return table.assign(absences=table["absences"].round().clip(lower=0))

    report, content = folder.read()
    _, audit = direct(folder, derived=whole, n_counterfactuals=5)
    unfair = content["summary"]["unfairness"]
    assert unfair == pytest.approx(audit.unfairness, rel=1e-9)
    assert content["meta"]["exact"] is False
    assert content["others"] == []  # --quick
    for said in ("Never below zero: absences", "whole_numbers", "joblib.load"):
        assert said in report
    assert "Flips" not in report


def test_small_groups_are_told_and_values_chosen(tmp_path, capsys):
    frame = make_people(400)
    frame.loc[:20, "school"] = "south"
    frame.loc[100:200, "school"] = "north"
    folder = Folder(tmp_path, frame)
    assert '"isle"' in fails(folder.words("--groups", "isle", "west"), capsys)
    assert "two values" in fails(folder.words("--groups", "west"), capsys)
    assert "20 and more" in fails(folder.words("--refits", "3"), capsys)
    assert main(folder.words("--groups", "north", "west")) == 0
    assert "Nothing is said of south (21 rows)" in capsys.readouterr().out
    report, content = folder.read()
    assert "south" not in {row["from"] for row in content["pairs"]}
    assert {row["to"] for row in content["pairs"]} == {"north", "west"}
    assert "(too few rows)" in report


def fails(words, capsys):
    """Run the command, demand status 2 and one line, and return the line."""
    try:
        status = main(words)
    except SystemExit as stop:
        status = stop.code
    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    lines = [line for line in captured.err.splitlines() if "warning" not in line]
    assert len(lines) == 1
    assert lines[0].startswith("skcausal: error: ")
    return lines[0]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Return a folder in which nothing is written."""
    return Folder(tmp_path_factory.mktemp("errors"))


def test_unknown_columns_and_nodes(shared, capsys):
    assert 'no column "race"' in fails(shared.words(sensitive="race"), capsys)
    assert 'no column "done"' in fails(shared.words("--outcome", "done"), capsys)
    assert "does not know" in fails(shared.words("--outcome", "job"), capsys)
    assert list(shared.path.glob("audit.*")) == []


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        ("digraph { test -> school; letter }", "has the cause(s) test"),
        ("digraph { school -> test }", 'the model takes "letter"'),
        ("digraph { test -> letter }", "no node of the graph"),
        ("digraph { school -> test; wealth -> test; letter }", 'no column "wealth"'),
        ("digraph { school -> test; test -> letter [dir=both] }", "hidden"),
    ],
)
def test_graph_that_does_not_do(graph, said, tmp_path, shared, capsys):
    path = tmp_path / "other.dot"
    path.write_text(graph)
    words = shared.words()
    words[words.index("--graph") + 1] = str(path)
    assert said in fails(words, capsys)


def test_nodes_that_the_model_does_not_need_may_be_hidden(shared):
    graph = CausalGraph(
        [("school", "test"), ("test", "luck")], nodes=["letter"], latent=["luck"]
    )
    asked = SimpleNamespace(sensitive="school", outcome=None)
    given = check_input(shared.frame, shared.model, graph, asked)
    assert set(given.graph.nodes) == {"school", "test", "letter"}


def test_model_of_other_columns(tmp_path, shared, capsys):
    frame = shared.frame.assign(shoe=1.0 * np.arange(len(shared.frame)))
    model = LinearRegression().fit(frame[["shoe", "test"]], frame["passed"])
    sio.dump(model, tmp_path / "other.skops")
    words = shared.words()
    words[words.index("--model") + 1] = str(tmp_path / "other.skops")
    assert 'the model takes "shoe"' in fails(words, capsys)


def test_untrusted_types_are_refused_until_named(tmp_path, capsys):
    frame = make_people(200)
    tree = DecisionTreeClassifier(max_depth=2, random_state=0)
    folder = Folder(tmp_path, frame, make_model(frame, learner=tree))
    name = "sklearn.tree._tree.Tree"
    if name not in sio.get_untrusted_types(file=tmp_path / "model.skops"):
        pytest.skip("skops trusts trees")
    said = fails(folder.words(), capsys)
    assert said.endswith(f"add --trust {name}")
    model = load_model(tmp_path / "model.skops", [name], allow_pickle=False)
    assert (model.predict(frame) == folder.model.predict(frame)).all()


def test_files_that_are_no_models(tmp_path, shared, capsys):
    def said(name, *more):
        words = shared.words(*more)
        words[words.index("--model") + 1] = str(tmp_path / name)
        return fails(words, capsys)

    assert "there is no file" in said("none.skops")
    assert "kind of" in said("model.onnx")
    (tmp_path / "bad.skops").write_bytes(b"no archive")
    assert "cannot be read" in said("bad.skops")
    (tmp_path / "bad.pkl").write_bytes(b"no pickle")
    assert "cannot be read" in said("bad.pkl", "--allow-pickle")
    joblib.dump(OrderedDict(a=1), tmp_path / "dict.pkl")
    assert "cannot predict" in said("dict.pkl", "--allow-pickle")
    joblib.dump(make_pipeline(FunctionTransformer()), tmp_path / "raw.pkl")
    assert "cannot predict" in said("raw.pkl", "--allow-pickle")
    joblib.dump(LogisticRegression(), tmp_path / "raw.pkl")
    assert "not fitted" in said("raw.pkl", "--allow-pickle")


def test_missing_skops_is_said(shared, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "skops", None)
    assert 'pip install "skcausal[models]"' in fails(shared.words(), capsys)


def test_outputs_never_overwrite_inputs(shared, capsys):
    words = shared.words()
    words[words.index("--out") + 1] = str(shared.path / "graph.dot")
    assert "is the graph itself" in fails(words, capsys)
    assert (shared.path / "graph.dot").read_text() == GRAPH
