"""The command runs, writes all or nothing, and its numbers are right."""

import contextlib
import io

import numpy as np
import pandas as pd
import pytest

from skcausal.analysis import _pipeline, main
from tests.analysis.helpers import finish, make_frame

_AVERAGE = {"treated", "control", "target", "value", "standard_error", "lower", "upper"}


def test_json_schema(experiment):
    content = experiment.json
    assert {"average_effects", "leaderboard", "warnings", "meta"} <= set(content)
    assert all(set(row) >= _AVERAGE for row in content["average_effects"])
    assert all(isinstance(text, str) for text in content["warnings"])
    assert sum(row["chosen"] for row in content["leaderboard"]) == 1
    scores = [row["score"] for row in content["leaderboard"]]
    assert scores == sorted(scores, reverse=True)
    assert content["meta"]["randomised"] is True
    assert content["meta"]["settings"]["fit_rows"] == 240


def test_average_effect_is_near_the_truth(experiment):
    everyone, treated, control = experiment.json["average_effects"][:3]
    assert [row["target"] for row in (everyone, treated, control)] == [
        "all",
        "treated",
        "control",
    ]
    assert (everyone["treated"], everyone["control"]) == ("1", "0")
    assert everyone["lower"] < everyone["value"] < everyone["upper"]
    assert abs(everyone["value"] - 1) < 4 * everyone["standard_error"]


def test_by_adds_groups(experiment):
    groups = [row for row in experiment.json["average_effects"] if "group" in row]
    assert {row["group"] for row in groups} == {
        "Oslo",
        "Rome",
        "<script>alert(1)</script>",
    }
    assert sum(row["rows"] for row in groups) == 400


def test_ranking_is_found_on_evaluation_rows(experiment):
    (contrast,) = experiment.json["who_gains"]
    assert contrast["autoc"]["p_value"] < 0.01
    assert contrast["drivers"][0]["column"] == "age"
    assert sum(group["rows"] for group in contrast["groups"]) == 160
    assert contrast["toc"]["value"][-1] == pytest.approx(0, abs=1e-9)
    assert contrast["gain"]["value"][-1] == pytest.approx(contrast["overall"]["value"])


def test_several_arms_are_compared_with_control(observed):
    averages = observed.json["average_effects"]
    assert {row["treated"] for row in averages} == {"a & b", "<b>letter</b>"}
    assert {row["control"] for row in averages} == {"none"}
    truth = {"a & b": 1.0, "<b>letter</b>": 2.0}
    for row in averages:
        assert abs(row["value"] - truth[row["treated"]]) < 5 * row["standard_error"]
        assert row["p_value"] <= row["adjusted_p_value"] < 0.01
    assert "p-value, adjusted" in observed.report
    assert len(observed.json["who_gains"]) == 2


def test_unusable_columns_are_reported(observed):
    text = " ".join(observed.json["warnings"])
    assert '"id" was left out' in text
    assert '"same" was left out' in text
    assert observed.json["meta"]["features"] == ["age", "city"]


def test_sample_ratio_mismatch_is_found(tmp_path):
    frame = make_frame(400)
    frame = frame[(frame["mail"] == 1) | (np.arange(400) % 4 == 0)]
    found = finish(tmp_path, frame, "--randomised", "0=0.5", "1=0.5")
    checks = {check["name"]: check for check in found.json["checks"]}
    assert checks["Sample ratio"]["status"] == "bad"
    assert found.json["meta"]["sample_ratio"]["p_value"] < 0.001


@pytest.mark.parametrize("kind", ["parquet", "feather", "csv.gz"])
def test_file_formats_agree(kind, experiment, tmp_path, frame):
    if kind != "csv.gz":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"shop.{kind}"
    writer = frame.to_csv if kind == "csv.gz" else getattr(frame, f"to_{kind}")
    writer(path, **({"index": False} if kind != "feather" else {}))
    from skcausal.analysis._reading import read_table

    expected = pd.read_csv(experiment.folder / "shop.csv")
    pd.testing.assert_frame_equal(read_table(path), expected, check_dtype=False)


def test_same_seed_gives_the_same_numbers(experiment, tmp_path):
    words = ("--randomised", "0.5", "--by", "city")
    again = finish(tmp_path, make_frame(), *words, refute=2)
    for name in ("average_effects", "who_gains", "checks", "attacks", "balance"):
        assert again.json[name] == experiment.json[name]


def test_interrupt_leaves_old_files_alone(table_file, monkeypatch, capsys):
    out = table_file.with_name("report.html")
    out.write_text("old")
    before = set(table_file.parent.iterdir())

    def interrupted(*_args, **_kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(_pipeline, "search", interrupted)
    ask = ["analyze", str(table_file), "--outcome", "sales", "--treatment", "mail"]
    json_file = table_file.with_name("r.json")
    assert main([*ask, "--out", str(out), "--json", str(json_file)]) == 130
    assert out.read_text() == "old"
    assert set(table_file.parent.iterdir()) == before
    assert "interrupted" in capsys.readouterr().err


def test_interrupt_while_writing_leaves_nothing(tmp_path, monkeypatch):
    from skcausal.analysis import _writing

    def interrupted(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(_writing.os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        _writing.write_files({tmp_path / "a.html": "a", tmp_path / "b.json": "b"})
    assert list(tmp_path.iterdir()) == []


def test_code_in_the_report_runs_and_agrees(experiment, monkeypatch):
    import html
    import re

    found = re.search(r"<pre><code>(.*?)</code></pre>", experiment.report, re.DOTALL)
    code = html.unescape(found.group(1))
    monkeypatch.chdir(experiment.folder)
    printed = io.StringIO()
    scope: dict = {}
    with contextlib.redirect_stdout(printed):
        exec(code, scope)
    learner, X, y, treatment = (
        scope[name] for name in ("learner", "X", "y", "treatment")
    )
    value = learner.fit(X, y, treatment=treatment).average_effect().value
    assert value == pytest.approx(experiment.json["average_effects"][0]["value"])
    assert "AUTOC" in printed.getvalue()
    assert "PlaceboTreatment: " in printed.getvalue()


def test_summary_is_printed_beside_the_truth(tmp_path, monkeypatch, capsys):
    from skcausal.analysis import _demo

    monkeypatch.setattr(_demo, "_ROWS", 600)
    out = tmp_path / "demo.html"
    ask = ["demo", "--out", str(out), "--time-budget", "1", "--refute", "0"]
    assert main(ask) == 0
    printed = capsys.readouterr()
    assert "truth" in printed.out
    assert f"Report: {out}" in printed.out
    assert printed.err == ""  # no progress bar without a terminal
    assert "Truth" in out.read_text("utf-8")
