"""Verdicts on single points of trust: the badges of the report."""

import math
from collections.abc import Sequence

from skcausal.analysis import _words as words
from skcausal.analysis._checks import LOWEST_PROPENSITY
from skcausal.analysis._numbers import number, percent
from skcausal.analysis._result import (
    Attacks,
    BalanceRow,
    Check,
    Contrast,
    Overlap,
    Question,
    SampleRatio,
    Sensitivity,
)


def heterogeneity_check(contrasts: Sequence[Contrast]) -> Check:
    """Judge whether the ranking finds rows that gain more."""
    tests = [contrast.autoc for contrast in contrasts]
    smallest = min((t.p_value for t in tests if t.p_value is not None), default=1.0)
    corrected = min(1.0, smallest * len(tests))
    positive = any((t.p_value or 0) == smallest and t.value > 0 for t in tests)
    if corrected < 0.05 and positive:
        return Check(
            "Different effects",
            "good",
            "found",
            "On rows it never saw, the learner ranks rows that gain more above rows "
            f"that gain less (AUTOC test, {words.p_text(corrected)}).",
        )
    return Check(
        "Different effects",
        "open",
        "no evidence",
        "The ranking of rows by predicted effect is not clearly better than chance "
        f"(AUTOC test, {words.p_text(corrected)}). One average effect may be all there "
        "is to say, or the table is too small to say more.",
    )


def overlap_check(overlap: Overlap | None, question: Question) -> Check:
    """Judge whether every kind of row could be in every arm."""
    if overlap is None:
        shares = ", ".join(
            f"{words.treated_name(question, label)} {percent(share, 1)}"
            for label, share in zip(
                question.labels, question.shares or (), strict=False
            )
        )
        return Check(
            "Overlap",
            "good",
            "by design",
            f"The chance of each arm is known ({shares}), so every kind of row was "
            "tried in every arm.",
        )
    lowest = percent(LOWEST_PROPENSITY)
    highest = percent(1 - LOWEST_PROPENSITY)
    share = overlap.share_outside
    worth = min(
        size / rows
        for size, rows in zip(overlap.effective_sizes, overlap.sizes, strict=True)
    )
    facts = (
        f"{percent(share, 1)} of the rows have a chance of an arm below {lowest} or "
        f"above {highest}; after weighting the least comparable arm is worth "
        f"{percent(worth)} of its rows."
    )
    if share < 0.01 and worth > 0.3:
        return Check("Overlap", "good", "comparable", f"Arms are comparable: {facts}")
    if share < 0.1 and worth > 0.1:
        return Check("Overlap", "caution", "partly", f"Mostly comparable: {facts}")
    return Check(
        "Overlap",
        "bad",
        "poor",
        f"Many rows have no counterpart in the other arm: {facts} The effect is an "
        "extrapolation there; consider asking about comparable rows only.",
    )


def balance_check(
    rows: Sequence[BalanceRow],
    imbalanced: Sequence[tuple[str, float]],
    question: Question,
) -> Check:
    """Judge whether the arms have the same mix of rows."""
    name = "Balance"
    if question.randomised:
        if imbalanced:
            listed = ", ".join(f'"{column}"' for column, _ in imbalanced[:5])
            return Check(
                name,
                "bad",
                "unlike arms",
                f"Randomised arms should look alike, but they differ in {listed} by "
                "more than chance allows. Was it measured after the treatment, or was "
                "the assignment not random?",
            )
        return Check(
            name,
            "good",
            "alike",
            "The arms look alike in every feature, as they should after randomisation.",
        )
    worst = max(rows, key=lambda row: abs(row.after) if row.after == row.after else 0)
    size = abs(worst.after)
    before = max(abs(row.before) for row in rows if row.before == row.before)
    found, left = ("infinite" if x == math.inf else number(x) for x in (before, size))
    facts = (
        f"the largest difference between arms is {found} standard deviations "
        f'as found and {left} after weighting ("{worst.feature}").'
    )
    if size < 0.1:
        return Check(name, "good", "weighted alike", f"Adjustment works: {facts}")
    if size < 0.25:
        return Check(name, "caution", "nearly", f"Adjustment helps, not fully: {facts}")
    return Check(name, "bad", "unlike arms", f"Adjustment does not suffice: {facts}")


def ratio_check(test: SampleRatio | None, question: Question) -> Check:
    """Judge whether the arms have the sizes that the design gives them."""
    name = "Sample ratio"
    if test is None:
        sentence = (
            "The arms are too unequal for an equal split and no share was given: "
            "give the design's shares to --randomised to test them."
            if question.randomised
            else "Not tested: the treatment was not declared as randomised."
        )
        return Check(name, "open", "not tested", sentence)
    observed = " : ".join(f"{count:,}" for count in test.observed)
    expected = " : ".join(f"{count:,.0f}" for count in test.expected)
    facts = (
        f"found {observed} rows, expected {expected} ({words.p_text(test.p_value)})."
    )
    if test.p_value < 0.001:
        return Check(
            name,
            "bad",
            "mismatch",
            f"The sizes of the arms contradict the design: {facts} Rows were lost or "
            "assigned wrongly; no estimate repairs that. Find the cause first.",
        )
    return Check(name, "good", "as designed", f"The arms have their sizes: {facts}")


def calibration_check(contrasts: Sequence[Contrast]) -> Check:
    """Judge whether predicted effects have the right size."""
    name = "Calibration"
    slopes = [contrast.heterogeneity.slope for contrast in contrasts]
    worst = min(slopes, key=lambda s: s.value if math.isfinite(s.value) else -math.inf)
    if not math.isfinite(worst.value):
        return Check(
            name, "open", "one effect", "The learner predicts one effect for all rows."
        )
    whom = "" if len(slopes) == 1 else f"{contrasts[slopes.index(worst)].treated}, "
    facts = (
        f"{whom}slope {number(worst.value)} (95 % interval {number(worst.lower)} to "
        f"{number(worst.upper)}; 1 is perfect)."
    )
    if worst.lower <= 0:
        return Check(
            name,
            "open",
            "unclear",
            f"Whether predicted differences are real cannot be told: {facts}",
        )
    if worst.lower <= 1 <= worst.upper:
        return Check(
            name, "good", "fits", f"Predicted differences have the right size: {facts}"
        )
    way = "smaller" if worst.value < 1 else "larger"
    return Check(
        name,
        "caution",
        "off",
        f"Real differences between rows are {way} than predicted ones: {facts} Trust "
        "the order of the rows more than the numbers.",
    )


def features_check(question: Question, dropped: int, suspicious: int) -> Check:
    """Judge whether the columns can play the part of features."""
    name = "Features"
    used = f"{len(question.features)} feature{'s' * (len(question.features) != 1)} used"
    if suspicious:
        return Check(
            name,
            "caution",
            "look again",
            f"{used}; {suspicious} of them nearly repeat the outcome or differ between "
            "arms as only the treatment could make them. See the warnings.",
        )
    left_out = f", {dropped} left out (see the warnings)" if dropped else ""
    return Check(
        name,
        "caution" if dropped else "good",
        "some left out" if dropped else "usable",
        f"{used}{left_out}. None looks as if it was measured after the treatment, but "
        "only you can know.",
    )


def attacks_check(attacks: Attacks | None) -> Check:
    """Judge whether the estimate withstood the refuters."""
    name = "Attacks"
    if attacks is None:
        return Check(
            name, "open", "not made", "The estimate was not attacked (--refute 0)."
        )
    judged = [row for row in attacks.rows if row.passed is not None]
    failed = [row for row in judged if not row.passed]
    if failed:
        listed = ", ".join(dict.fromkeys(refuter_name(row.refuter) for row in failed))
        return Check(
            name,
            "bad",
            f"{len(failed)} of {len(judged)} failed",
            f"On changed tables the estimate was not what it should be: {listed}. Do "
            "not rely on it before you know why.",
        )
    if len(judged) < len(attacks.rows) or not judged:
        return Check(
            name,
            "caution",
            "incomplete",
            f"{len(judged)} of {len(attacks.rows)} attacks could be made; the estimate "
            "withstood them.",
        )
    return Check(
        name,
        "good",
        "withstood",
        "On changed tables whose answer is known the estimate was what it should be. "
        "That finds broken estimates, it does not prove one right.",
    )


def refuter_name(refuter: str) -> str:
    """Name a refuter in plain words."""
    return REFUTERS.get(refuter, (refuter, ""))[0]


REFUTERS = {
    "PlaceboTreatment": (
        "Shuffled treatment",
        "The treatment is dealt out anew by chance: no effect should be found.",
    ),
    "DummyOutcome (learned)": (
        "Invented outcome",
        "The outcome is made anew from what the features say about it, noise, and a "
        "planted effect: that should be found.",
    ),
    "DataSubset": (
        "Fewer rows",
        "Only a random part of the rows is used: the effect should stay.",
    ),
}


def confounder_check(found: Sequence[Sensitivity]) -> Check:
    """Say what confounders it would take; no test can rule them out."""
    name = "Confounders"
    unknown = [one for one in found if math.isnan(one.robustness_to_doubt)]
    if unknown:
        return Check(name, "caution", "cannot be told", unknown[0].sentence)
    clear = [one for one in found if one.robustness_to_doubt > 0]
    if not clear:
        return Check(
            name,
            "open",
            "nothing to overturn",
            "No effect is clear, so none can be explained away; confounders may hide "
            "effects as well.",
        )
    weakest = min(clear, key=lambda one: one.robustness_to_doubt)
    times = [mark.times_to_doubt for one in clear for mark in one.benchmarks]
    easy = bool(times) and min(times) < 1
    return Check(
        name,
        "caution" if easy else "open",
        "weak ones suffice" if easy else "cannot be tested",
        weakest.sentence.partition(" Unobserved confounders")[0],
    )
