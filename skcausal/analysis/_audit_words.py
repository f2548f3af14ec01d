"""The sentences of an audit: verdict, checks, assumptions, limits."""

import textwrap
from typing import TYPE_CHECKING, Any

from skcausal.analysis._numbers import Units, number, percent
from skcausal.analysis._result import Check
from skcausal.analysis._words import listed
from skcausal.fairness._group_metrics import SMALL_GROUP

if TYPE_CHECKING:
    import pandas as pd

    from skcausal.analysis._audit_analysis import AuditFindings

_WIDTH = 79
_FEW, _MANY = 0.05, 0.20  # shares of rows outside the support
COUPLINGS = {
    "shared_noise": "each mechanism keeps its own noise (one uniform variable, along "
    "the order of the categories)",
    "gumbel_max": "one Gumbel variable per category is kept",
    "monotone": "one uniform variable, along the order of the categories, is kept",
    "independent": "nothing is kept: noise is drawn anew, so that a person is compared "
    "with a stranger. It is there to show the error, not to be acted on",
}


def label(value: Any) -> str:
    """Return a value of the attribute as text; whole numbers without a point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def group_name(found: "AuditFindings", value: Any) -> str:
    """Return what people of a group are called."""
    text = label(value)
    if text.replace(".", "").lstrip("-").isdigit() or text in ("True", "False"):
        return f"{found.options.sensitive} {text}"
    return text


def units_of(found: "AuditFindings") -> Units:
    """Return how differences of scores are written."""
    model = found.given.model
    margin = hasattr(model, "decision_function") and not hasattr(model, "predict_proba")
    rate = found.given.decides and not margin
    size = found.audit.unfairness
    least = min(0.01, size / 2) if rate else size / 10
    error = max(float(found.audit.summary["standard_error"]), least)
    return Units(rate, error or 0.01, "the score")


def moved(found: "AuditFindings") -> list[str]:
    """Return the columns of the model that the attribute causes, itself included."""
    below = found.given.graph.descendants([found.options.sensitive])
    return [name for name in found.given.features if name in below]


def pairs_of(table: "pd.DataFrame") -> list[tuple[Any, Any, dict[Any, Any]]]:
    """Return both groups and the numbers of each pair."""
    return [
        (start, end, numbers)
        for (start, end), numbers in zip(
            table.index, table.to_dict("records"), strict=True
        )
    ]


def verdict(found: "AuditFindings") -> str:
    """Return the answer in one sentence."""
    audit, sensitive = found.audit, found.options.sensitive
    if audit.unfairness == 0:
        why = (
            f"no column that it takes follows from {sensitive} in the graph"
            if not moved(found)
            else f"changing {sensitive} and all that follows from it changes no score"
        )
        return (
            f"Had their {sensitive} been another, the model would say the same of the "
            f"same people: {why}."
        )
    units = units_of(found)
    interval = units.interval(*audit.interval())
    most = "" if audit.scores.shape[1] == 2 else ", for the value that changes it most"
    flips = ""
    if found.given.decides:
        share = percent(audit.summary["flip_probability"], 1)
        flips = f", and {share} of the decisions would be others"
    return (
        f"Had their {sensitive} been another, the score that the model gives the same "
        f"people would differ by {units.size(audit.unfairness)} on average{most} "
        f"(95 % interval {interval}){flips}."
    )


def shift_sentence(found: "AuditFindings") -> str:
    """Say which group would shift most on average, and where to."""
    if found.audit.unfairness == 0:
        return ""
    units = units_of(found)
    start, end, row = max(
        pairs_of(found.shifts), key=lambda pair: abs(pair[2]["value"])
    )
    way = "lower" if row["value"] < 0 else "higher"
    return (
        f"The largest shift of a group: {group_name(found, start)} would score "
        f"{units.size(row['value'])} {way} on average, had they been "
        f"{group_name(found, end)} (95 % interval of the change "
        f"{units.interval(row['lower'], row['upper'])})."
    )


def rates_sentence(found: "AuditFindings") -> str:
    """Say how far error rates lie apart between groups that are large enough."""
    if found.metrics is None:
        return ""
    table = found.metrics.drop("all")
    table = table[table["n"] >= SMALL_GROUP]
    said = []
    for name in ("false positive rate", "false negative rate"):
        rates = table[name.replace(" ", "_")].dropna()
        if len(rates) > 1:
            ranked = sorted(rates.to_dict().items(), key=lambda pair: pair[1])
            ends = [
                f"{percent(rate, 1)} ({group_name(found, value)})"
                for value, rate in (ranked[0], ranked[-1])
            ]
            said.append(f"{name}s go from {ends[0]} to {ends[1]}")
    return f"Among different people, {', '.join(said)}." if said else ""


def condition(found: "AuditFindings") -> str:
    """Say on what all of it rests."""
    return (
        "This holds if the graph is right: what is not drawn below "
        f"{found.options.sensitive} is held as it is, and nothing hidden causes two "
        "of its nodes."
    )


def checks(found: "AuditFindings") -> list[Check]:
    """Return the points of trust."""
    return [
        _mechanisms(found),
        _draws(found),
        _support(found),
        _groups(found),
        _intervals(found),
        _others(found),
    ]


def _mechanisms(found: "AuditFindings") -> Check:
    name = "Structural model"
    if found.fit.empty:
        said = f"Nothing in the graph has causes, so {found.options.sensitive} moves "
        return Check(name, "open", "nothing to fit", said + "itself only.")
    bad = found.fit[found.fit["verdict"] != "fits"]
    if bad.empty:
        said = "On rows that they have not seen, no mechanism is contradicted."
        return Check(name, "good", "fits", said)
    listing = "; ".join(f"{node}: {row.verdict}" for node, row in bad.iterrows())
    worse = bad["verdict"].str.contains("worse").any()
    said = f"{listing}. What passes through there is doubtful."
    return Check(name, "bad" if worse else "caution", f"{len(bad)} misfit", said)


def _draws(found: "AuditFindings") -> Check:
    name, audit = "Counterfactuals", found.audit
    if audit.coupling == "independent":
        said = "Noise is drawn anew, so people are compared with strangers."
        return Check(name, "bad", "not of the same people", said)
    if audit.exact:
        said = "The noise of each row follows from the row, so each person has one."
        return Check(name, "good", "one per person", said)
    said = (
        f"Categories leave several possible; {audit.n_counterfactuals} were drawn per "
        f"row and value. How worlds share their noise ({audit.coupling}) no data can "
        "test."
    )
    return Check(name, "open", "drawn", said)


def _support(found: "AuditFindings") -> Check:
    share = float(found.audit.summary["outside_support"])
    status = "good" if share < _FEW else "caution" if share < _MANY else "bad"
    said = (
        f"{percent(share, 1)} of the people would resemble nobody in the table in "
        "some world; there the model extrapolates."
    )
    return Check("Support", status, f"{percent(share, 1)} outside", said)


def _groups(found: "AuditFindings") -> Check:
    small = [value for value, n in found.counts.items() if n < SMALL_GROUP]
    if not small:
        said = f"Every group has at least {SMALL_GROUP} rows."
        return Check("Groups", "good", "large enough", said)
    text = listed([f"{group_name(found, v)} ({found.counts[v]} rows)" for v in small])
    said = f"Nothing is said of {text}: fewer than {SMALL_GROUP} rows."
    return Check("Groups", "caution", f"{len(small)} too small", said)


def _intervals(found: "AuditFindings") -> Check:
    if found.audit.n_refits:
        p = float(found.audit.summary["p_value"])
        said = (
            f"The structural model was fitted {found.audit.n_refits} times to "
            f"resampled rows. p-value of no mean shift in any group: {number(p, 3)}."
        )
        return Check("Intervals", "good", "with the model's errors", said)
    said = (
        "They are about which people are in the table, with the structural model as "
        "fitted; --refits 20 adds its errors, which are often larger."
    )
    return Check("Intervals", "open", "rows only", said)


def _others(found: "AuditFindings") -> Check:
    name = "Other assumptions"
    if found.others.empty:
        said = "Other mechanisms, graphs and couplings were not tried (--quick)."
        return Check(name, "open", "not tried", said)
    units, numbers = units_of(found), found.others["unfairness"]
    low, high = float(numbers.min()), float(numbers.max())
    close = high <= 1.25 * low
    said = (
        f"Under {len(numbers)} sets of assumptions the mean difference is between "
        f"{units.size(low)} and {units.size(high)}."
    )
    if close:
        return Check(name, "good", "little changes", said)
    return Check(name, "caution", "the answer moves", said)


def limits(found: "AuditFindings") -> list[str]:
    """Return what the report cannot say."""
    sensitive = found.options.sensitive
    said = [
        "Whether the graph is right. The table can contradict its mechanisms, never "
        "prove its arrows.",
        f"Whether differences that follow from {sensitive} are just. The audit counts "
        "all of them, those along paths that someone would defend too.",
        "Whether the labels that the model learned from are fair: a model that repeats "
        "them exactly repeats their errors.",
        f"How {sensitive} came to be related to columns that it does not cause in the "
        "graph; selection into the table is no part of unfairness here.",
        "What people would do who are scored otherwise.",
    ]
    if not found.audit.exact:
        said.append(
            "How single decisions flip where a category changes: that rests on the "
            "coupling. The bounds in the table of pairs hold whatever it is."
        )
    if found.given.derived is not None:
        names, counts = found.given.derived.names, found.given.derived.counts
        never = f" Never below zero: {listed(list(counts))}." if counts else ""
        said.append(
            "What whole numbers would have been exactly. Where a mechanism makes "
            f"fractions, these are rounded in each world: {listed(list(names))}.{never}"
        )
    return said


def summary_lines(found: "AuditFindings") -> list[str]:
    """Return what the terminal prints."""
    said = [verdict(found), shift_sentence(found), rates_sentence(found)]
    said += [
        f"{check.name}: {check.sentence}"
        for check in checks(found)
        if check.status in ("caution", "bad")
    ]
    said += [f"Warning: {text}" for text in found.warnings]
    return [line for sentence in said for line in _wrapped(sentence)]


def _wrapped(text: str) -> list[str]:
    plain = text.replace("\u00a0", " ").replace("\u2212", "-")
    return textwrap.wrap(plain, _WIDTH, subsequent_indent="  ")
