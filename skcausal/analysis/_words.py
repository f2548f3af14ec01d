"""The sentences of the report: verdicts, assumptions, explanations."""

from collections.abc import Sequence

from skcausal.analysis._numbers import Units, p_value, percent
from skcausal.analysis._result import AverageEffect, Contrast, Question

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
        "Adjusted p-value",
        "The p-value when all effects that were looked at together are counted: below "
        "0.05, it is unlikely that even one of them was found by chance.",
    ),
    (
        "BLP",
        "Best linear predictor: observed effects regressed on predicted ones. Its "
        "loading is the calibration slope.",
    ),
    (
        "GATES",
        "Sorted group average treatment effects: the observed effect in groups of rows "
        "by predicted effect, with intervals that hold for all groups together.",
    ),
    (
        "CLAN",
        "Classification analysis: how the rows with the highest and the lowest "
        "predicted effects differ in their features.",
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
        "Refuter",
        "An attack on the estimate: the analysis is repeated on tables that were "
        "changed so that the right answer is known.",
    ),
    (
        "Robustness value",
        "The share of what the features leave open, in the outcome and in the "
        "treatment's weights, that unobserved confounders would have to explain to "
        "overturn the effect.",
    ),
    (
        "E-value",
        "The risk ratio that an unobserved confounder would need with both treatment "
        "and outcome, beyond the features, to explain the effect away.",
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
        f"(95 % interval {shown}).{_doubt(estimate.adjusted_p_value)}"
    )


def _doubt(adjusted: float | None) -> str:
    """Say if a clear effect is not clear among all that were looked at."""
    if adjusted is None or adjusted < 0.05:
        return ""
    return (
        " Among all effects that were looked at, one as large may be chance (adjusted "
        f"{p_text(adjusted)})."
    )


def listed(names: Sequence[str]) -> str:
    """Join names: "a", "a and b", "a, b and c"."""
    head, last = list(names[:-1]), names[-1]
    return f"{', '.join(head)} and {last}" if head else last


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
