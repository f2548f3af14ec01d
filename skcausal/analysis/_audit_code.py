"""The Python code that repeats an audit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from skcausal.analysis._audit_input import AuditInput, AuditOptions


def auditing_code(
    given: AuditInput, options: AuditOptions, values: list[Any] | None
) -> str:
    """Write code that repeats the numbers of an audit.

    Parameters
    ----------
    given : AuditInput
        The checked table, model and graph.
    options : AuditOptions
        What was asked.
    values : list or None
        Values of the attribute that are compared; None for all.

    Returns
    -------
    str
        A script.
    """
    parts = [_imports(given, options), _loading(given, options), _derived(given)]
    parts.append(_auditor(given, options, values))
    if given.outcome is not None:
        parts.append(
            [
                f"happened = frame[{options.outcome!r}] == predictor.classes_[-1]",
                'decided = audit.rows["decision"]',
                f"group = frame[{options.sensitive!r}]",
                "print(group_metrics(happened, decided, group))",
            ]
        )
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _imports(given: AuditInput, options: AuditOptions) -> list[str]:
    skops = Path(options.model_file).suffix.lower() == ".skops"
    metrics = "" if given.outcome is None else ", group_metrics"
    lines = ["import pandas as pd", "import skops.io as sio"]
    return [
        *(lines if skops else ["import joblib", "import pandas as pd"]),
        "",
        f"from skcausal.fairness import CounterfactualFairnessAuditor{metrics}",
        "from skcausal.graphs import read_graph",
        "from skcausal.structural import StructuralModel",
    ]


def _loading(given: AuditInput, options: AuditOptions) -> list[str]:
    lines = [f"frame = {options.loading}"]
    if given.text:
        lines.append(f'frame = frame.astype(dict.fromkeys({given.text!r}, "category"))')
    file = options.model_file
    if Path(file).suffix.lower() == ".skops":
        lines.append(f"predictor = sio.load({file!r}, trusted={list(options.trusted)})")
    else:
        lines.append(f"predictor = joblib.load({file!r})  # runs code from the file")
    return [
        *lines,
        f"graph = read_graph({options.graph_file!r})",
        f"needed = [*predictor.feature_names_in_, {options.sensitive!r}]",
        "graph = graph.subgraph(graph.ancestors(needed))",
    ]


def _derived(given: AuditInput) -> list[str]:
    if given.derived is None:
        return []
    return [
        "",
        "def whole_numbers(table):",
        '    """Round what additive noise makes fractions of."""',
        f"    whole = {list(given.derived.names)}",
        f"    counts = {list(given.derived.counts)}",
        "    rounded = table[whole].astype(float).round()",
        "    rounded[counts] = rounded[counts].clip(lower=0)",
        "    return table.assign(**rounded)",
        "",
    ]


def _auditor(
    given: AuditInput, options: AuditOptions, values: list[Any] | None
) -> list[str]:
    return [
        "auditor = CounterfactualFairnessAuditor(",
        *(f"    {line}," for line in _arguments(given, options)),
        ").fit(frame)",
        "audit = auditor.audit(",
        f"    predictor, frame, values={values!r}, n_bootstrap={options.refits}",
        ")",
        "print(audit, audit.interval())",
    ]


def _arguments(given: AuditInput, options: AuditOptions) -> Iterator[str]:
    yield f"StructuralModel(graph, random_state={options.random_state})"
    yield repr(options.sensitive)
    yield f"n_counterfactuals={options.counterfactuals}"
    yield f"coupling={options.coupling!r}"
    if given.derived is not None:
        yield "derived=whole_numbers"
    yield f"random_state={options.random_state}"
