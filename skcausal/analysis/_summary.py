"""The few lines that the command prints."""

import textwrap

from skcausal.analysis import _sections as sections
from skcausal.analysis import _words as words
from skcausal.analysis._report import report_units
from skcausal.analysis._result import AnalysisResult

_WIDTH = 79


def summary_lines(result: AnalysisResult) -> list[str]:
    """Return verdict, average effects, failed checks and warnings as text lines."""
    units = report_units(result)
    lines: list[str] = []
    for contrast in result.contrasts:
        sentence = words.verdict(
            result.question, result.average(contrast.treated), units
        )
        lines += _wrapped(sentence)
        lines += _wrapped(words.heterogeneity_sentence(contrast, units))
    for sentence in sections.outcome_sentences(result):
        lines += _wrapped(sentence)
    lines += ["", *_table(result), ""]
    for found in result.sensitivity:
        lines += _wrapped(found.sentence)
    for check in result.checks:
        told = check.name == "Confounders"  # by the sentences above
        if check.status in ("caution", "bad") and not told:
            lines += _wrapped(f"{check.name}: {check.sentence}")
    if result.graph is not None:
        lines += _wrapped(f"Graph: {result.graph.verdict}")
    for warning in result.warnings:
        lines += _wrapped(f"Warning: {warning}")
    lines.append(f"Learner: {result.learner}")
    return lines


def _table(result: AnalysisResult) -> list[str]:
    units = report_units(result)
    head = ["effect", "target", "estimate", "95 % interval", "std. error"]
    if result.truth:
        head.append("truth")
    rows = [head]
    for entry in result.average_effects:
        estimate = entry.estimate
        target = entry.target if entry.group is None else str(entry.group)
        row = [
            f"{entry.treated} vs {entry.control}",
            target,
            units.effect(estimate.value),
            units.interval(estimate.lower, estimate.upper),
            units.effect(estimate.standard_error, sign=False),
        ]
        if result.truth:
            known = entry.target == "all" and entry.group is None
            truth = result.truth.get(entry.treated) if known else None
            row.append("" if truth is None else units.effect(truth))
        rows.append(row)
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if position < 2 else cell.rjust(width)
            for position, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).replace("\u2212", "-").rstrip())
    if units.rate:
        lines.append("(in percentage points)")
    return lines


def _wrapped(text: str) -> list[str]:
    plain = text.replace("\u00a0", " ").replace("\u2212", "-")
    return textwrap.wrap(plain, _WIDTH, subsequent_indent="  ")
