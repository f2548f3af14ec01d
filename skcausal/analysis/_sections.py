"""The rows of the report's tables on heterogeneity, outcomes and robustness."""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from skcausal.analysis import _words as words
from skcausal.analysis._judgements import REFUTERS
from skcausal.analysis._numbers import Units, number, p_value, percent
from skcausal.analysis._result import (
    AnalysisResult,
    Contrast,
    Estimate,
    OutcomeEffects,
    RefuterRow,
    Sensitivity,
)
from skcausal.analysis._sensitivity import times

MOST_CLAN_ROWS = 8
_MOST_SENTENCES = 4


class TestLine(NamedTuple):
    """A test, its numbers as text, and what it asks."""

    name: str
    value: str
    interval: str
    p_value: str
    meaning: str


def heterogeneity_lines(contrast: Contrast, units: Units) -> list[TestLine]:
    """Return the tests of whether effects differ between rows."""
    found = contrast.heterogeneity

    def line(name: str, estimate: Estimate, shown: Units, meaning: str) -> TestLine:
        return TestLine(
            name,
            shown.effect(estimate.value, sign=shown is units),
            shown.interval(estimate.lower, estimate.upper),
            p_value(estimate.p_value),
            meaning,
        )

    def plain(estimate: Estimate) -> Units:
        return Units(False, estimate.standard_error)

    return [
        line(
            "Highest less lowest group (GATES)",
            found.difference,
            units,
            "How much larger the observed effect is in the first group than in the "
            "last.",
        ),
        line(
            "Loading on predicted effects (BLP)",
            found.slope,
            plain(found.slope),
            "1 if predicted differences have the right size, 0 if they say nothing.",
        ),
        line(
            "Calibration: differences",
            found.differential_prediction,
            plain(found.differential_prediction),
            "The same, with more weight for rows that could be in either arm.",
        ),
        line(
            "Calibration: average",
            found.mean_prediction,
            plain(found.mean_prediction),
            "1 if the mean predicted effect is right.",
        ),
    ]


class ClanLine(NamedTuple):
    """A feature in the most and the least affected group, as text."""

    feature: str
    most: str
    least: str
    difference: str
    p_value: str


def clan_lines(contrast: Contrast) -> list[ClanLine]:
    """Return the features in which the extreme groups differ most."""
    return [
        ClanLine(
            row.feature,
            digits(row.most),
            digits(row.least),
            number(row.standardised),
            p_value(row.difference.adjusted_p_value),
        )
        for row in contrast.heterogeneity.clan[:MOST_CLAN_ROWS]
    ]


def digits(value: float) -> str:
    """Format a mean of unknown size: three digits, more only for large numbers."""
    size = abs(value)
    decimals = 0 if size >= 1000 else 1 if size >= 100 else 2 if size >= 0.1 else 3
    return number(value, decimals)


class OutcomeLine(NamedTuple):
    """The effect of one arm on one outcome, as text."""

    outcome: str
    unit: str
    arm: str
    control: str
    effect: str
    interval: str
    p_value: str
    adjusted: str


def all_outcomes(result: AnalysisResult) -> list[OutcomeEffects]:
    """Return the effects on every outcome, the first one first."""
    question = result.question
    first = OutcomeEffects(
        question.outcome,
        question.binary_outcome,
        result.arms[0].mean_outcome,
        result.average_effects,
    )
    return [first, *result.other_outcomes]


def units_of(effects: OutcomeEffects) -> Units:
    """Return how the effects on an outcome are written."""
    errors = [
        entry.estimate.standard_error
        for entry in effects.average_effects
        if entry.target == "all" and entry.group is None
    ]
    return Units(effects.binary, max(errors), effects.outcome)


def outcome_lines(result: AnalysisResult) -> Iterator[OutcomeLine]:
    """Return the effects on all outcomes over all rows; nothing for one outcome."""
    if not result.other_outcomes:
        return
    for effects in all_outcomes(result):
        units = units_of(effects)
        for entry in effects.average_effects:
            if entry.target != "all" or entry.group is not None:
                continue
            estimate = entry.estimate
            yield OutcomeLine(
                effects.outcome,
                "percentage points" if effects.binary else "",
                words.treated_name(result.question, entry.treated),
                units.level(effects.control_mean),
                units.effect(estimate.value),
                units.interval(estimate.lower, estimate.upper),
                p_value(estimate.p_value),
                p_value(estimate.adjusted_p_value),
            )


def outcome_sentences(result: AnalysisResult) -> list[str]:
    """Say what happened to the other outcomes: in full if there are few."""
    sentences = []
    clear = 0
    for effects in result.other_outcomes:
        question = replace(
            result.question, outcome=effects.outcome, binary_outcome=effects.binary
        )
        for entry in effects.average_effects:
            if entry.target == "all":
                sentences.append(words.verdict(question, entry, units_of(effects)))
                clear += (entry.estimate.adjusted_p_value or 0.0) < 0.05
    if len(sentences) <= _MOST_SENTENCES:
        return sentences
    return [
        f"Of {len(sentences)} effects on other outcomes {clear} are clear after "
        'adjustment for their number: see "All outcomes".'
    ]


class AttackLine(NamedTuple):
    """One attack on the effect of one arm, as text."""

    name: str
    meaning: str
    arm: str
    expected: str
    found: str
    interval: str
    p_value: str
    status: str
    verdict: str


def attack_lines(result: AnalysisResult, units: Units) -> list[AttackLine]:
    """Return the verdicts of the refuters."""
    rows = result.attacks.rows if result.attacks else ()
    return [_attack_line(row, result, units) for row in rows]


def _attack_line(row: RefuterRow, result: AnalysisResult, units: Units) -> AttackLine:
    name, meaning = REFUTERS.get(row.refuter, (row.refuter, row.expectation))
    verdicts = {None: ("open", "not made"), True: ("good", "passed")}
    status, verdict = verdicts.get(row.passed, ("bad", "failed"))
    return AttackLine(
        name,
        meaning,
        words.treated_name(result.question, row.treated),
        units.effect(row.expected),
        units.effect(row.refuted),
        units.interval(row.lower, row.upper),
        p_value(row.p_value),
        status,
        verdict,
    )


class BenchmarkLine(NamedTuple):
    """A feature as a yardstick for confounders, as text."""

    feature: str
    outcome: str
    treatment: str
    without: str
    to_zero: str
    to_doubt: str


def benchmark_lines(found: Sensitivity, units: Units) -> list[BenchmarkLine]:
    """Return the features that confounders are compared with."""
    return [
        BenchmarkLine(
            mark.feature,
            percent(max(mark.outcome, 0.0), 1),
            percent(max(mark.treatment, 0.0), 1),
            units.effect(mark.without),
            times(mark.times_to_zero),
            times(mark.times_to_doubt),
        )
        for mark in found.benchmarks
    ]


def e_value_sentence(found: Sensitivity, result: AnalysisResult) -> str:
    """Say what the E-value means; empty without one."""
    if found.e_value is None or found.e_value_limit is None:
        return ""
    question = result.question
    text = (
        f"E-value: a confounder that is associated with both {question.treatment} and "
        f"{question.outcome} by a risk ratio of less than {number(found.e_value)}, "
        "beyond the features, could not explain the effect away"
    )
    if found.e_value_limit <= 1:
        return f"{text}; the interval holds no effect even without one."
    return f"{text}; for the limit of its interval it is {number(found.e_value_limit)}."
