"""``skcausal audit``: what a fitted model says of people, had they been others."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from skcausal.analysis._shared_arguments import check_outputs, progress, seed

_STEPS = 6
_FEWEST_REFITS = 20  # fewer have no percentiles


def add_audit(commands: Any) -> None:
    """Add the command to what ``add_subparsers`` returned."""
    command = commands.add_parser(
        "audit",
        help="audit a fitted model for counterfactual fairness and write the report",
        description="Ask what a fitted model would have said of the same people, had "
        "a sensitive attribute been another, under a causal graph.",
        usage="%(prog)s FILE --model MODEL --graph GRAPH --sensitive COL [options]",
        epilog="example: skcausal audit people.csv --model model.skops --graph "
        "graph.dot --sensitive race --outcome repaid",
    )
    _add_question(command.add_argument)
    _add_settings(command.add_argument)
    command.set_defaults(run=_audit)


def _add_question(add: Any) -> None:
    add("file", metavar="FILE", type=Path, help=".csv, .csv.gz, .parquet or .feather")
    add(
        "--model",
        type=Path,
        required=True,
        metavar="FILE",
        help="a fitted scikit-learn classifier of two classes, regressor or Pipeline: "
        ".skops, which runs no code, or with --allow-pickle .pkl or .joblib",
    )
    add(
        "--graph",
        type=Path,
        required=True,
        metavar="FILE",
        help="the causal graph (.dot, .gml, dagitty .txt, .edges, .csv); its nodes are "
        "columns, those that the model takes and what causes them",
    )
    add("--sensitive", required=True, metavar="COL", help="the sensitive attribute")
    add(
        "--outcome",
        metavar="COL",
        help="what the classifier predicts, as it happened: adds error rates",
    )
    add(
        "--groups",
        nargs="+",
        metavar="VALUE",
        help="values of the attribute to compare (default: all with 50 rows or more)",
    )
    add(
        "--allow-pickle",
        action="store_true",
        help="read pickles, which can run any code; only for files that you trust",
    )
    add(
        "--trust",
        action="append",
        default=[],
        metavar="TYPE",
        help="let a .skops file hold this type; may be repeated",
    )


def _add_settings(add: Any) -> None:
    add(
        "--counterfactuals",
        type=_count,
        default=200,
        metavar="N",
        help="draws per row and value where a row leaves several possible (default: "
        "%(default)s)",
    )
    add(
        "--coupling",
        choices=("shared_noise", "gumbel_max", "monotone", "independent"),
        default="shared_noise",
        help="how the noise of a category is shared between worlds, which no data can "
        "test (default: %(default)s)",
    )
    add(
        "--refits",
        type=_refits,
        default=0,
        metavar="N",
        help="fit the structural model N times to resampled rows, so that intervals "
        "know of its errors (default: %(default)s)",
    )
    add(
        "--quick",
        action="store_true",
        help="leave out the audits under other assumptions, half of the time",
    )
    add(
        "--out",
        "--output",
        type=Path,
        default=Path("audit.html"),
        metavar="FILE",
        help="the report (default: %(default)s)",
    )
    add("--json", type=Path, metavar="FILE", help="also write the results as JSON")
    add(
        "--random-state",
        type=seed,
        default=0,
        metavar="N",
        help="seed of every random choice (default: %(default)s)",
    )
    add("--quiet", action="store_true", help="no progress bar and no summary")


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise ValueError(text)
    return value


def _refits(text: str) -> int:
    value = int(text)
    if value and value < _FEWEST_REFITS:
        raise ValueError(text)
    return value


_count.__name__ = "number of draws"  # argparse says "invalid ... value"
_refits.__name__ = f"number of refits (0, or {_FEWEST_REFITS} and more)"


def _audit(arguments: argparse.Namespace) -> int:
    from skcausal.analysis._audit_analysis import audit_table, collected_warnings
    from skcausal.analysis._audit_input import AuditOptions
    from skcausal.analysis._audit_report import audit_json, render_audit
    from skcausal.analysis._audit_words import summary_lines
    from skcausal.analysis._graph_facts import read_graph_file
    from skcausal.analysis._model_files import load_model
    from skcausal.analysis._reading import loading_code, read_table
    from skcausal.analysis._writing import write_files

    check_outputs(arguments)
    frame = read_table(arguments.file)
    graph = read_graph_file(arguments.graph)
    messages: list[str] = []
    with collected_warnings(messages):  # of other versions
        model = load_model(
            arguments.model, arguments.trust, allow_pickle=arguments.allow_pickle
        )
    options = AuditOptions(
        sensitive=arguments.sensitive,
        outcome=arguments.outcome,
        groups=None if arguments.groups is None else tuple(arguments.groups),
        counterfactuals=arguments.counterfactuals,
        coupling=arguments.coupling,
        refits=arguments.refits,
        quick=arguments.quick,
        random_state=arguments.random_state,
        source=arguments.file.name,
        loading=loading_code(arguments.file),
        graph_file=str(arguments.graph),
        model_file=str(arguments.model),
        trusted=tuple(arguments.trust),
    )
    with progress(_STEPS, quiet=arguments.quiet) as advance:
        found = audit_table(frame, model, graph, options, advance)
        found = dataclasses.replace(found, warnings=(*messages, *found.warnings))
        advance("writing the report")
        contents = {arguments.out: render_audit(found)}
        if arguments.json is not None:
            contents[arguments.json] = audit_json(found)
        write_files(contents)
    if not arguments.quiet:
        for line in summary_lines(found):
            print(line)
        print(f"Report: {arguments.out}")
    return 0
