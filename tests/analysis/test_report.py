"""The page is self-contained, escapes the user's data, and has every section."""

import re

import pytest


@pytest.mark.parametrize(
    "heading",
    [
        "The question",
        "What the answer rests on",
        "Average effects",
        "By city",
        "Who gains",
        "Effect by predicted effect",
        "TOC: gain over the average",
        "Gain curve (Qini)",
        "Predicted and observed effect",
        "What the effect depends on",
        "Tests of different effects",
        "Who is in the highest and in the lowest group",
        "Attacks on the estimate",
        "Are the arms comparable?",
        "Sample ratio",
        "Which learner",
        "Words used in this report",
        "The same analysis in Python",
    ],
)
def test_sections(heading, experiment):
    assert f">{heading}<" in experiment.report


def test_verdict_opens_the_report(experiment):
    body = experiment.report.split("<main>")[1]
    verdict = re.search(r'<p class="lead">(.*?)</p>', body).group(1)
    assert verdict.startswith("Mail raised the mean sales by ")
    assert "interval" in verdict


@pytest.mark.parametrize("name", ["experiment", "observed"])
def test_no_external_resources(name, request):
    report = request.getfixturevalue(name).report
    assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:)?//", report)
    assert not re.search(r"url\((?!#)|@import|<script|<link", report)


@pytest.mark.parametrize("name", ["experiment", "observed"])
def test_data_are_escaped(name, request):
    report = request.getfixturevalue(name).report
    assert "<script>" not in report
    assert "&lt;script&gt;" in report
    assert "<b>letter" not in report


def test_each_arm_has_its_section(observed):
    assert "Who gains: a &amp; b against none" in observed.report
    assert "Who gains: &lt;b&gt;letter&lt;/b&gt; against none" in observed.report


def test_observational_report_shows_overlap_and_its_assumption(observed):
    assert ">Overlap<" in observed.report
    assert "Everything that matters is among the features" in observed.report
    assert "Effective sample size after weighting" in observed.report


def test_ids_are_unique(observed):
    ids = re.findall(r'\bid="([^"]+)"', observed.report)
    assert len(ids) == len(set(ids))
    for reference in re.findall(r'(?:url\(|href=")#([^")]+)', observed.report):
        assert reference in ids


def test_numbers_are_short(experiment):
    text = re.sub(
        r"<style>.*?</style>|<svg.*?</svg>|<pre>.*?</pre>",
        "",
        experiment.report,
        flags=re.DOTALL,
    )
    assert not re.search(r"\d\.\d{7}", text)
    assert "nan" not in re.sub(r"<[^>]*>", " ", text).split()
