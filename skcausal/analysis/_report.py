"""From a result to one self-contained HTML page."""

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from skcausal.analysis import _figures as draw
from skcausal.analysis import _sections as sections
from skcausal.analysis import _words as words
from skcausal.analysis._numbers import Units, number, p_value, percent
from skcausal.analysis._page import render_page, safe
from skcausal.analysis._result import (
    AnalysisResult,
    AverageEffect,
    BalanceRow,
    Contrast,
    Estimate,
    GroupEffect,
)

_MOST_BALANCE_ROWS = 14
_MOST_DRIVER_LINES = 12
_TARGETS = {"all": "all rows", "treated": "treated rows", "control": "control rows"}


class Figure(NamedTuple):
    """A drawing with its title and the line that says how to read it."""

    title: str
    svg: Any
    caption: str


class KeyNumber(NamedTuple):
    """A number, its name, and what it means."""

    name: str
    value: str
    note: str


class Part(NamedTuple):
    """What the report says about one contrast."""

    contrast: Contrast
    numbers: list[KeyNumber]
    figures: list[Figure]
    tests: list[sections.TestLine]
    clan: list[sections.ClanLine]


def render_report(result: AnalysisResult) -> str:
    """Render a result as one HTML page without external resources.

    Parameters
    ----------
    result : AnalysisResult
        What `analyze` returned.

    Returns
    -------
    str
        The page. Everything that comes from the table is escaped.
    """
    return render_page("report.html", _context(result))


def report_units(result: AnalysisResult) -> Units:
    """Return how the effects of a result are written."""
    return sections.units_of(sections.all_outcomes(result)[0])


def _formula(result: AnalysisResult) -> str:
    if result.graph is None:
        return ""
    return draw.formula(result.graph.latex, result.graph.formula)


def _context(result: AnalysisResult) -> dict[str, Any]:
    question = result.question
    units = report_units(result)
    many = len(question.labels) > 2
    plain = [entry for entry in result.average_effects if entry.group is None]
    by_group = [entry for entry in result.average_effects if entry.group is not None]
    asked = [question.outcome, *question.other_outcomes]

    def name(label: str) -> str:
        return words.treated_name(question, label)

    return {
        "result": result,
        "q": question,
        "units": units,
        "many": many,
        "name": name,
        "title": f"What does {question.treatment} do to {words.listed(asked)}?",
        "control": name(question.labels[0]),
        "outcome": words.outcome_name(question),
        "outcome_heading": words.capital(words.outcome_name(question)),
        "weak": result.leaderboard[0].score <= 0,
        "design": _design(result),
        "verdicts": _verdicts(result, units),
        "outcome_sentences": sections.outcome_sentences(result),
        "outcomes": list(sections.outcome_lines(result)),
        "attacks": sections.attack_lines(result, units),
        "hidden": [
            (
                one,
                sections.benchmark_lines(one, units),
                sections.e_value_sentence(one, result),
            )
            for one in result.sensitivity
        ],
        "averages": plain,
        "by_group": by_group,
        "targets": _TARGETS,
        "subgroups": _subgroup_figures(result, by_group, units, name),
        "parts": [
            _part(contrast, units, f"c{position}")
            for position, contrast in enumerate(result.contrasts, start=1)
        ],
        "comparability": _comparability(result, name),
        "assumptions": words.assumptions(question),
        "graph_drawing": safe(result.graph.drawing) if result.graph else "",
        "graph_formula": safe(_formula(result)),
        "glossary": words.GLOSSARY,
        "number": number,
        "percent": percent,
        "p_value": p_value,
        "p_text": words.p_text,
    }


def _verdicts(result: AnalysisResult, units: Units) -> list[tuple[str, str]]:
    """Return for each contrast what happened on average, and whether it differs."""
    return [
        (
            words.verdict(result.question, result.average(contrast.treated), units),
            words.heterogeneity_sentence(contrast, units),
        )
        for contrast in result.contrasts
    ]


def _design(result: AnalysisResult) -> str:
    question = result.question
    if not question.randomised:
        return (
            "The treatment was not randomised, so arms are made comparable by their "
            "features: the estimate compares rows that are alike in them."
        )
    shares = ", ".join(
        f"{words.treated_name(question, label)} {percent(share, 1)}"
        for label, share in zip(question.labels, question.shares or (), strict=True)
    )
    source = "by design" if question.shares_given else "as found in the table"
    return f"The treatment was randomised, with the chances {shares} ({source})."


def _subgroup_figures(
    result: AnalysisResult,
    entries: Sequence[AverageEffect],
    units: Units,
    name: Callable[[str], str],
) -> list[Figure]:
    figures = []
    for position, contrast in enumerate(result.contrasts, start=1):
        rows = [entry for entry in entries if entry.treated == contrast.treated]
        if not rows:
            continue
        svg = draw.forest_plot(
            [str(entry.group) for entry in rows],
            [entry.estimate for entry in rows],
            units,
            f"by{position}",
            reference=result.average(contrast.treated).estimate.value,
        )
        caption = (
            "Average effect in each group with its 95 % interval. Dashed: all rows. "
            "With many groups, one or two intervals miss the truth by chance."
        )
        figures.append(Figure(name(contrast.treated), safe(svg), caption))
    return figures


def _part(contrast: Contrast, units: Units, name: str) -> Part:
    return Part(
        contrast,
        _numbers(contrast, units),
        _figures(contrast, units, name),
        sections.heterogeneity_lines(contrast, units),
        sections.clan_lines(contrast),
    )


def _numbers(contrast: Contrast, units: Units) -> list[KeyNumber]:
    def shown(estimate: Estimate) -> tuple[str, str]:
        finer = Units(units.rate, estimate.standard_error)
        interval = finer.interval(estimate.lower, estimate.upper)
        return finer.effect(estimate.value), f"95 % interval {interval}"

    autoc, autoc_interval = shown(contrast.autoc)
    qini, qini_interval = shown(contrast.qini)
    slope = contrast.heterogeneity.slope
    lowest, _, _, _, highest = contrast.predicted_quantiles
    calibrated = (
        f"95 % interval {number(slope.lower)} to {number(slope.upper)}. 1 is perfect, "
        "0 means the predicted differences say nothing."
        if math.isfinite(slope.value)
        else "The learner predicts one effect for all rows."
    )
    return [
        KeyNumber(
            "AUTOC",
            autoc,
            f"{autoc_interval}, {words.p_text(contrast.autoc.p_value)}. Above 0: "
            "ranking by predicted effect finds rows that gain more.",
        ),
        KeyNumber(
            "Qini",
            qini,
            f"{qini_interval}. Extra gain per row over treating at random, averaged "
            "over all shares.",
        ),
        KeyNumber("Calibration slope", number(slope.value), calibrated),
        KeyNumber(
            "Predicted effects",
            f"{units.effect(lowest)} to {units.effect(highest)}",
            "From the 5th to the 95th percentile of the evaluation rows.",
        ),
    ]


def _figures(contrast: Contrast, units: Units, name: str) -> list[Figure]:
    figures = [
        Figure(
            "Effect by predicted effect",
            safe(draw.groups_plot(contrast, units, f"{name}-groups")),
            "Rows sorted by predicted effect and cut in equal groups (GATES); points "
            "are the effects that were observed, with 95 % intervals that hold for all "
            "groups together, dashed is the average. Falling from left to right: the "
            "learner knows who gains.",
        ),
        Figure(
            "Predicted and observed effect",
            safe(draw.calibration_plot(contrast, units, f"{name}-calibration")),
            "One point per group. On the dashed line the observed effect is as large "
            "as predicted.",
        ),
        Figure(
            "TOC: gain over the average",
            safe(draw.toc_plot(contrast, units, f"{name}-toc")),
            "How much larger than average the effect is among the rows ranked highest. "
            "A curve clearly above the dashed line pays for targeting.",
        ),
        Figure(
            "Gain curve (Qini)",
            safe(draw.gain_plot(contrast, units, f"{name}-gain")),
            f"Gain per row of the whole table ({units.suffix}) if only the top share "
            "is treated. Dashed: the same share at random. A bulge above it is what "
            "targeting earns.",
        ),
    ]
    if contrast.drivers:
        figures += _driver_figures(contrast, units, name)
    return figures


def _driver_figures(contrast: Contrast, units: Units, name: str) -> list[Figure]:
    lines: list[GroupEffect] = []
    for driver in contrast.drivers:
        if lines and len(lines) + len(driver.parts) > _MOST_DRIVER_LINES:
            break
        lines += driver.parts
    return [
        Figure(
            "What the effect depends on",
            safe(draw.drivers_plot(contrast.drivers, f"{name}-drivers")),
            "How far the predicted effect moves when the column is shuffled, as a "
            "share of all columns. It says what the learner uses, not what causes the "
            "difference.",
        ),
        Figure(
            "The effect along the top columns",
            safe(
                draw.forest_plot(
                    [part.label for part in lines],
                    [part.estimate for part in lines],
                    units,
                    f"{name}-parts",
                    reference=contrast.overall.value,
                )
            ),
            "Observed average effect in parts of the evaluation rows with 95 % "
            "intervals. Dashed: all evaluation rows.",
        ),
    ]


def _comparability(result: AnalysisResult, name: Callable[[str], str]) -> list[Figure]:
    figures = []
    question = result.question
    if result.overlap is not None:
        labels = [name(label) for label in question.labels]
        figures.append(
            Figure(
                "Overlap",
                safe(draw.overlap_plot(result.overlap, labels, "overlap")),
                "The predicted chance of treatment in each arm. The more the shapes "
                "overlap, the more rows have a counterpart in the other arm.",
            )
        )
    rows = _worst_balance(result.balance)
    hidden = len({row.feature for row in result.balance}) - len(rows)
    more = f" The {len(rows)} largest of {len(rows) + hidden}." if hidden else ""
    figures.append(
        Figure(
            "Balance"
            if question.randomised
            else "Balance before and after weighting (Love plot)",
            safe(draw.balance_plot(rows, "balance", weighted=not question.randomised)),
            "How different the arms are in each feature; within the shaded band they "
            f"count as alike.{more}"
            + (
                " For several arms the largest is shown."
                if len(result.arms) > 2
                else ""
            )
            + (
                " An experiment needs no weights: chance leaves such differences."
                if question.randomised
                else ""
            ),
        )
    )
    return figures


def _worst_balance(rows: Sequence[BalanceRow]) -> list[BalanceRow]:
    """Keep one row per feature, the most unlike ones first."""

    def size(row: BalanceRow) -> float:
        values = [abs(v) for v in (row.before, row.after) if math.isfinite(v)]
        return max(values, default=0.0)

    worst: dict[str, BalanceRow] = {}
    for row in sorted(rows, key=size, reverse=True):
        worst.setdefault(row.feature, row)
    return list(worst.values())[:_MOST_BALANCE_ROWS]
