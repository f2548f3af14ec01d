"""The sentences of the report: verdicts, checks, assumptions, explanations."""

import math
from collections.abc import Sequence

from skcausal.analysis._checks import LOWEST_PROPENSITY
from skcausal.analysis._numbers import Units, number, p_value, percent
from skcausal.analysis._result import (
    AverageEffect,
    BalanceRow,
    Check,
    Contrast,
    Overlap,
    Question,
    SampleRatio,
)

GLOSSARY = (
    (
        "Average effect",
        "How much the outcome changes on average if everyone in the target moved "
        "from the control arm to the treated arm.",
    ),
    (
        "Target",
        "Whose average it is: all rows, the rows that were treated, or the rows that "
        "were in the control arm.",
    ),
    (
        "95 % interval",
        "The range of effects the data are compatible with. If the study were "
        "repeated many times, 95 of 100 such ranges would hold the true effect.",
    ),
    (
        "Standard error",
        "The typical distance between the estimate and the truth that is due to "
        "having these rows and not others.",
    ),
    (
        "Percentage point",
        "The unit of a difference between two rates: from 10 % to 12 % is 2 "
        "percentage points.",
    ),
    (
        "Predicted effect",
        "What the learner says the treatment would change for a row with these "
        "features.",
    ),
    (
        "Evaluation rows",
        "Rows set aside before anything was fitted or chosen. Every curve and score "
        "of this report is computed on them, so none is flattered by overfitting.",
    ),
    (
        "Effect score",
        "A noisy but unbiased reading of one row's effect (doubly robust score). "
        "Single scores mean little, averages of many are trustworthy.",
    ),
    (
        "TOC",
        "Targeting operator characteristic: how much larger than average the effect "
        "is among the rows ranked highest, for every share that could be treated.",
    ),
    (
        "AUTOC",
        "The area under the TOC. Clearly above zero: the ranking finds rows that "
        "gain more. Its p-value tests whether the ranking is better than chance.",
    ),
    (
        "Gain curve and Qini",
        "What treating only the top share would gain, per row of the whole table. "
        "Qini is the area between this curve and treating at random.",
    ),
    (
        "Calibration slope",
        "1 if differences between predicted effects are as large as the real ones, "
        "below 1 if the predictions exaggerate, 0 if they say nothing.",
    ),
    (
        "Propensity",
        "The chance of a row to be treated, given its features.",
    ),
    (
        "Standardised difference",
        "The difference of a feature's mean between two arms in standard deviations; "
        "within 0.1 is usually called balanced.",
    ),
    (
        "Effective sample size",
        "How many equally weighted rows the weighted rows of an arm are worth.",
    ),
    (
        "R-score",
        "The share of the outcome's remaining variation that the predicted differences "
        "in effect explain: 0 is no better than one effect for everyone. Effects are "
        "faint beside everything else that moves an outcome, so it is small.",
    ),
)


def treated_name(question: Question, label: str) -> str:
    """Name an arm: its label, or the column if the labels are 0 and 1."""
    if set(question.labels) == {"0", "1"}:
        return question.treatment if label == "1" else f"no {question.treatment}"
    return label


def outcome_name(question: Question) -> str:
    """Name the outcome: a rate if it is 0/1."""
    if question.binary_outcome:
        return f"{question.outcome} rate"
    return f"mean {question.outcome}"


def verdict(question: Question, effect: AverageEffect, units: Units) -> str:
    """Say in one sentence what the treatment did on average."""
    estimate = effect.estimate
    name = treated_name(question, effect.treated)
    what = outcome_name(question)
    against = "" if len(question.labels) == 2 else f" compared with {effect.control}"
    interval = units.interval(estimate.lower, estimate.upper)
    if estimate.lower <= 0 <= estimate.upper:
        return (
            f"There is no clear evidence that {name} changed the {what}{against}: the "
            f"average effect is {units.effect(estimate.value)}"
            f"{' percentage points' if units.rate else ''} (95 % interval {interval})."
        )
    verb = "raised" if estimate.value > 0 else "lowered"
    shown = (
        interval
        if estimate.value > 0
        else units.interval(-estimate.upper, -estimate.lower)
    )
    return (
        f"{capital(name)} {verb} the {what} by {units.size(estimate.value)}{against} "
        f"(95 % interval {shown})."
    )


def capital(name: str) -> str:
    """Open a sentence with a name, keeping names such as "eMail"."""
    first = name.split(" ")[0]
    return name[:1].upper() + name[1:] if first.isalpha() and first.islower() else name


def heterogeneity_sentence(contrast: Contrast, units: Units) -> str:
    """Say whether the effect differs between rows, and by how much."""
    p = contrast.autoc.p_value
    top, bottom = contrast.groups[0], contrast.groups[-1]
    unit = " percentage points" if units.rate else ""
    share = percent(top.rows / max(sum(g.rows for g in contrast.groups), 1))
    if p is None or not p < 0.05 or contrast.autoc.value < 0:
        return (
            "There is no clear evidence that the effect differs between rows "
            f"({p_text(p)}): do not target on these predictions yet."
        )
    return (
        f"The effect differs between rows ({p_text(p)}): it is "
        f"{units.effect(top.estimate.value)}{unit} in the {share} of rows with the "
        f"highest predicted effect and {units.effect(bottom.estimate.value)} in the "
        f"{share} with the lowest."
    )


def p_text(p: float | None) -> str:
    """Write "p = 0.02" or "p < 0.001", without a line break inside."""
    text = p_value(p).replace(" ", "\u00a0")
    return f"p\u00a0{text}" if text.startswith("<") else f"p\u00a0=\u00a0{text}"


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
            f"that gain less (AUTOC test, {p_text(corrected)}).",
        )
    return Check(
        "Different effects",
        "open",
        "no evidence",
        "The ranking of rows by predicted effect is not clearly better than chance "
        f"(AUTOC test, {p_text(corrected)}). One average effect may be all there is "
        "to say, or the table is too small to say more.",
    )


def overlap_check(overlap: Overlap | None, question: Question) -> Check:
    """Judge whether every kind of row could be in every arm."""
    if overlap is None:
        shares = ", ".join(
            f"{treated_name(question, label)} {percent(share, 1)}"
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
    facts = (
        f"the largest difference between arms is {number(before)} standard deviations "
        f'as found and {number(size)} after weighting ("{worst.feature}").'
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
    facts = f"found {observed} rows, expected {expected} ({p_text(test.p_value)})."
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
    slopes = [contrast.slope for contrast in contrasts]
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


def assumptions(question: Question) -> tuple[tuple[str, str], ...]:
    """List in words what the estimates rest on."""
    treatment, outcome = question.treatment, question.outcome
    shared = (
        (
            "Features come first",
            "Every feature was fixed before the treatment. A feature that the "
            "treatment can change hides part of the effect or invents one.",
        ),
        (
            "No spill-over",
            f"What one row receives does not change {outcome} of another row.",
        ),
        (
            "Complete rows",
            f"Rows are not missing because of the treatment or of {outcome}.",
        ),
    )
    if question.randomised:
        first = (
            "Random assignment",
            f"You declared that chance alone decided {treatment}. The features make "
            "the estimate sharper; its validity rests on the randomisation.",
        )
        return (first, *shared)
    return (
        (
            "Everything that matters is among the features",
            f"Two rows with the same features differ in {treatment} only by chance. No "
            "test can prove this: think of what drives both the treatment and "
            f"{outcome} and is missing from the table.",
        ),
        (
            "Overlap",
            "Every kind of row could have been in every arm (see the check above).",
        ),
        *shared,
    )
