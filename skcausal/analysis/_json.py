"""The result as JSON, for machines."""

import dataclasses
import json
import math
from typing import Any

from skcausal.analysis._graph_facts import GraphFacts
from skcausal.analysis._result import AnalysisResult, AverageEffect, Estimate


def result_json(result: AnalysisResult) -> str:
    """Write a result as JSON text.

    Parameters
    ----------
    result : AnalysisResult
        What `analyse` returned.

    Returns
    -------
    str
        An object with ``average_effects`` (list of ``treated``, ``control``,
        ``target``, ``value``, ``standard_error``, ``lower``, ``upper``, ``p_value``;
        ``adjusted_p_value`` where several effects were asked for together; ``group``
        and ``rows`` for subgroups), ``other_outcomes`` (each with its
        ``average_effects``), ``leaderboard``, ``warnings``, ``checks``, ``who_gains``
        (curves, groups and ``heterogeneity`` tests per arm), ``balance``, ``attacks``
        (verdicts of the refuters; null if they were skipped), ``graph`` (formula,
        assumptions and verdict on the graph; null without one), ``sensitivity`` (per
        arm; empty for an experiment) and ``meta``. Numbers that do not exist are null.
    """
    question = result.question
    content = {
        "average_effects": [_average(entry) for entry in result.average_effects],
        "other_outcomes": [
            {
                "outcome": one.outcome,
                "binary": one.binary,
                "control_mean": one.control_mean,
                "average_effects": [_average(entry) for entry in one.average_effects],
            }
            for one in result.other_outcomes
        ],
        "leaderboard": [dataclasses.asdict(row) for row in result.leaderboard],
        "warnings": list(result.warnings),
        "checks": [dataclasses.asdict(check) for check in result.checks],
        "who_gains": [_contrast(contrast) for contrast in result.contrasts],
        "balance": [dataclasses.asdict(row) for row in result.balance],
        "attacks": _optional(result.attacks),
        "graph": None if result.graph is None else _graph(result.graph),
        "sensitivity": [dataclasses.asdict(one) for one in result.sensitivity],
        "meta": {
            **dataclasses.asdict(question),
            "randomised": question.randomised,
            "arms": [dataclasses.asdict(arm) for arm in result.arms],
            "sample_ratio": _optional(result.sample_ratio),
            "overlap": _optional(result.overlap),
            "learner": result.learner,
            "notes": list(result.notes),
            "settings": dataclasses.asdict(result.settings),
        },
    }
    if result.truth:
        content["truth"] = result.truth
    return json.dumps(finite_json(content), indent=2, ensure_ascii=False) + "\n"


def _optional(value: Any) -> dict[str, Any] | None:
    return None if value is None else dataclasses.asdict(value)


def _average(entry: AverageEffect) -> dict[str, Any]:
    row: dict[str, Any] = {
        "treated": entry.treated,
        "control": entry.control,
        "target": entry.target,
        **dataclasses.asdict(entry.estimate),
    }
    if entry.group is not None:
        row |= {"group": entry.group, "rows": entry.rows}
    return row


def _contrast(contrast: Any) -> dict[str, Any]:
    """Flatten the estimates, so that each part reads like an average effect."""

    def flat(value: Any) -> Any:
        if isinstance(value, Estimate):
            return dataclasses.asdict(value)
        if dataclasses.is_dataclass(value):
            fields = {f.name: getattr(value, f.name) for f in dataclasses.fields(value)}
            if isinstance(inner := fields.get("estimate"), Estimate):
                del fields["estimate"]
                fields |= dataclasses.asdict(inner)
            return {name: flat(entry) for name, entry in fields.items()}
        if isinstance(value, tuple):
            return [flat(entry) for entry in value]
        return value

    result: dict[str, Any] = flat(contrast)
    return result


def finite_json(value: Any) -> Any:
    """Replace what JSON cannot say (NaN, infinity) by null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite_json(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite_json(entry) for entry in value]
    return value


def _graph(facts: GraphFacts) -> dict[str, Any]:
    """Return the facts without the drawing."""
    return {k: v for k, v in dataclasses.asdict(facts).items() if k != "drawing"}
