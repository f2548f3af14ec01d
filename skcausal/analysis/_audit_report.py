"""From what an audit found to one HTML page, and to JSON."""

import json
import math
from functools import partial
from typing import Any, NamedTuple

import pandas as pd

from skcausal.analysis import _audit_words as words
from skcausal.analysis import _figures as draw
from skcausal.analysis._audit_analysis import AuditFindings
from skcausal.analysis._json import finite_json
from skcausal.analysis._numbers import Units, number, p_value, percent
from skcausal.analysis._page import render_page, safe
from skcausal.analysis._report import Figure, KeyNumber
from skcausal.analysis._result import Estimate
from skcausal.fairness._group_metrics import SMALL_GROUP

_RATES = {
    "base_rate": "Happened",
    "selection_rate": "Decided",
    "false_positive_rate": "False positive rate",
    "false_negative_rate": "False negative rate",
    "positive_predictive_value": "Right, of those decided",
}
_MOST_DENSITIES = 2


class Cell(NamedTuple):
    """A number with its interval, as text."""

    value: str
    interval: str = ""


def render_audit(found: AuditFindings) -> str:
    """Render an audit as one HTML page without external resources.

    Parameters
    ----------
    found : AuditFindings
        What `audit_table` returned.

    Returns
    -------
    str
        The page. Everything that comes from the table is escaped.
    """
    options, units = found.options, words.units_of(found)
    context = {
        "result": found,
        "options": options,
        "units": units,
        "title": f"Would the model say the same, had their {options.sensitive} "
        "been another?",
        "meta": _meta(found),
        "verdict": words.verdict(found),
        "second": [words.shift_sentence(found), words.rates_sentence(found)],
        "condition": words.condition(found),
        "checks": words.checks(found),
        "drawing": safe(_drawing(found)),
        "moved": words.moved(found),
        "score": _score(found),
        "values": [_name(found)(value) for value in found.audit.scores.columns],
        "coupling": words.COUPLINGS[options.coupling],
        "metrics": _metric_lines(found),
        "rate_names": list(_RATES.values()),
        "rate_figures": _rate_figures(found),
        "numbers": _numbers(found, units),
        "shifts": _shift_lines(found, units),
        "densities": _densities(found),
        "groups": _group_lines(found, units),
        "group_figures": _group_figures(found, units),
        "parts": _part_lines(found, units),
        "reference": "" if found.parts.empty else _reference(found),
        "others": _other_lines(found, units),
        "fit": _fit_lines(found),
        "limits": words.limits(found),
        "number": number,
    }
    return render_page("audit.html", context)


def audit_json(found: AuditFindings) -> str:
    """Write an audit as JSON text.

    Parameters
    ----------
    found : AuditFindings
        What `audit_table` returned.

    Returns
    -------
    str
        An object with ``summary`` (``unfairness`` and the rest of
        `FairnessAudit.summary`, ``lower`` and ``upper``), ``pairs``, ``groups``,
        ``metrics`` (null without an outcome), ``parts`` of gaps, ``others``
        (unfairness under other assumptions), ``fit`` of the mechanisms, ``checks``,
        ``warnings`` and ``meta``. Numbers that do not exist are null.
    """
    lower, upper = found.audit.interval()
    options = vars(found.options).copy()
    content = {
        "summary": {**found.audit.summary.to_dict(), "lower": lower, "upper": upper},
        "pairs": _records(found.shifts),
        "groups": _records(found.audit.groups),
        "metrics": None if found.metrics is None else _records(found.metrics),
        "parts": _records(found.parts),
        "others": _records(found.others.rename_axis("assumptions")),
        "fit": _records(found.fit),
        "checks": [vars(check) for check in words.checks(found)],
        "warnings": found.warnings,
        "meta": {
            **options,
            "rows": len(found.given.frame),
            "features": found.given.features,
            "exact": found.audit.exact,
            "settings": vars(found.settings),
        },
    }
    return json.dumps(finite_json(content), indent=2, ensure_ascii=False) + "\n"


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    records = table.reset_index().to_dict("records") if len(table) else []
    return [{str(key): value for key, value in row.items()} for row in records]


def _name(found: AuditFindings) -> Any:
    return partial(words.group_name, found)


def _meta(found: AuditFindings) -> list[str]:
    return [
        found.options.source,
        f"{len(found.given.frame):,} rows",
        type(found.given.model).__name__,
        found.settings.created,
    ]


def _drawing(found: AuditFindings) -> str:
    from skcausal.graphs import to_svg

    graph, outcome = found.given.whole_graph, found.options.outcome
    shown = [outcome] if outcome in graph and outcome is not None else []
    return to_svg(graph, sensitive=found.options.sensitive, outcome=shown)


def _score(found: AuditFindings) -> str:
    model = found.given.model
    if not found.given.decides:
        return "its prediction"
    last = model.classes_[-1]
    if hasattr(model, "predict_proba"):
        return f"the probability that it gives to the class {last}"
    if hasattr(model, "decision_function"):
        return f"its decision function for the class {last}"
    return f"its decision, 1 for the class {last}"


def _metric_lines(found: AuditFindings) -> list[tuple[str, str, list[Cell]]]:
    if found.metrics is None:
        return []
    lines = []
    for value, row in found.metrics.iterrows():
        everybody = value == "all"
        name = "all rows" if everybody else words.group_name(found, value)
        few = " (few rows)" if row["n"] < SMALL_GROUP else ""
        cells = [_rate_cell(row, rate) for rate in _RATES]
        lines.append((name + few, number(row["n"], 0), cells))
    return lines


def _rate_cell(row: Any, rate: str) -> Cell:
    if not math.isfinite(row[rate]):
        return Cell(number(math.nan))
    ends = [number(100 * row[f"{rate}_{end}"], 1) for end in ("lower", "upper")]
    return Cell(percent(row[rate], 1), " to ".join(ends))


def _rate_figures(found: AuditFindings) -> list[Figure]:
    if found.metrics is None:
        return []
    table = found.metrics.drop("all")
    table = table[table["n"] >= SMALL_GROUP]
    figures = []
    for rate in ("false_positive_rate", "false_negative_rate"):
        rows = table[table[rate].notna()]
        if rows.empty:
            continue
        columns = [rate, f"{rate}_lower", f"{rate}_upper"]
        svg = draw.forest_plot(
            [words.group_name(found, value) for value in rows.index],
            [_estimate(*row) for row in rows[columns].to_numpy()],
            Units(True, 0.01),
            rate,
            reference=float(found.metrics[rate]["all"]),
            xlabel=f"{_RATES[rate].lower()} (%)",
        )
        caption = f"Each group of at least {SMALL_GROUP} rows with its 95 % interval."
        figures.append(Figure(_RATES[rate], safe(svg), f"{caption} Dashed: all rows."))
    return figures


def _estimate(value: float, lower: float, upper: float) -> Estimate:
    return Estimate(float(value), math.nan, float(lower), float(upper))


def _numbers(found: AuditFindings, units: Units) -> list[KeyNumber]:
    audit, summary = found.audit, found.audit.summary
    several = audit.scores.shape[1] > 2
    lines = [
        KeyNumber(
            f"Unfairness ({units.suffix})",
            units.effect(audit.unfairness, sign=False),
            f"95 % interval {units.interval(*audit.interval())}. Mean over people of "
            "the absolute difference in score"
            + (", for the value where it is largest." if several else "."),
        ),
        KeyNumber(
            "One in twenty",
            units.effect(summary["percentile_95"], sign=False),
            "The difference is at least this large for 5 % of the people.",
        ),
        KeyNumber(
            "Noise floor",
            units.effect(summary["noise_floor"], sign=False),
            "What the same measure says where everyone keeps their own value; it "
            "should be nothing beside the unfairness.",
        ),
    ]
    if found.given.decides:
        flips = KeyNumber(
            "Decisions that flip",
            percent(summary["flip_probability"], 1),
            "Share of people whose decision would be another"
            + (", for the value where it is likeliest." if several else "."),
        )
        lines.insert(1, flips)
    return lines


def _shift_lines(found: AuditFindings, units: Units) -> list[dict[str, str]]:
    name = _name(found)
    decides = found.given.decides
    return [
        {
            "start": name(start),
            "end": name(end),
            "n": number(row["n"], 0),
            "shift": units.effect(row["value"]),
            "interval": units.interval(row["lower"], row["upper"]),
            "size": units.effect(row["mean_absolute_difference"], sign=False),
            "flips": percent(row["flip_probability"], 1) if decides else "",
            "bounds": _bounds(row) if decides else "",
            "apart": number(row["total_variation"], 2),
            "outside": percent(row["outside_support"], 1),
        }
        for start, end, row in words.pairs_of(found.shifts)
    ]


def _bounds(row: Any) -> str:
    lower, upper = row["flips_lower"], row["flips_upper"]
    return f"{number(100 * lower, 1)} to {number(100 * upper, 1)}"


def _densities(found: AuditFindings) -> list[Figure]:
    """Draw scores as they are and in other worlds, of the largest groups."""
    if found.audit.unfairness == 0:
        return []
    size = found.shifts["n"].groupby(level="from").max()
    figures = []
    for place, value in enumerate(size.nlargest(_MOST_DENSITIES).index):
        plot = partial(_density, found, value)
        svg = draw.display_plot(plot, f"density{place}")
        caption = (
            "Grey: scores as they are. Lines: scores of the same people in other "
            "worlds."
        )
        figures.append(Figure(words.group_name(found, value), safe(svg), caption))
    return figures


def _density(found: AuditFindings, value: Any, axes: Any) -> None:
    found.audit.plot("density", group=value, ax=axes)
    axes.set_title("", loc="left")
    axes.set_ylim(0, 1.45 * axes.get_ylim()[1])  # room for the legend
    axes.set_xlabel("score")
    axes.set_ylabel("share of rows and draws")


def _group_lines(found: AuditFindings, units: Units) -> list[dict[str, str]]:
    lines = []
    for value, row in found.audit.groups.iterrows():
        small = not math.isfinite(row["unfairness"])
        lines.append(
            {
                "name": words.group_name(found, value),
                "n": number(row["n"], 0),
                "score": units.level(row["mean_score"]),
                "unfairness": units.effect(row["unfairness"], sign=False),
                "error": units.effect(row["standard_error"], sign=False),
                "flips": "" if small else percent(row["flip_probability"], 1),
                "outside": "" if small else percent(row["outside_support"], 1),
                "small": "too few rows" if small else "",
            }
        )
    return lines


def _group_figures(found: AuditFindings, units: Units) -> list[Figure]:
    table = found.audit.groups.dropna(subset=["unfairness"])
    if found.audit.unfairness == 0 or table.empty:
        return []
    reach = 1.96 * table["standard_error"].fillna(0)
    ends = pd.DataFrame(
        {
            "value": table["unfairness"],
            "lower": table["unfairness"] - reach,
            "upper": table["unfairness"] + reach,
        }
    )
    svg = draw.forest_plot(
        [words.group_name(found, value) for value in ends.index],
        [_estimate(*row) for row in ends.to_numpy()],
        units,
        "groups",
        reference=found.audit.unfairness,
        xlabel=f"mean absolute difference ({units.suffix})",
    )
    caption = "Unfairness within each group, 95 % intervals. Dashed: all rows."
    return [Figure("Who is concerned", safe(svg), caption)]


def _reference(found: AuditFindings) -> str:
    return words.group_name(found, found.parts["reference"].iloc[0])


def _part_lines(found: AuditFindings, units: Units) -> list[tuple[str, list[Cell]]]:
    """Return one line per group: the gap and its three parts."""
    lines = []
    for value, table in found.parts.groupby(level="group", sort=False):
        cells = [
            Cell(units.effect(effect), units.interval(lower, upper))
            for effect, lower, upper in table[["effect", "lower", "upper"]].to_numpy()
        ]
        lines.append((words.group_name(found, value), cells))
    return lines


def _other_lines(found: AuditFindings, units: Units) -> list[tuple[str, str, str]]:
    return [
        (
            str(name),
            units.effect(row["unfairness"], sign=False),
            percent(row["flip_probability"], 1) if found.given.decides else "",
        )
        for name, row in found.others.iterrows()
    ]


def _fit_lines(found: AuditFindings) -> list[dict[str, str]]:
    return [
        {
            "node": str(node),
            "mechanism": str(row["mechanism"]),
            "r2": number(row["r2"], 2),
            "independent": p_value(row["p_independent"]),
            "uniform": p_value(row["p_uniform"]),
            "verdict": str(row["verdict"]),
        }
        for node, row in found.fit.iterrows()
    ]
