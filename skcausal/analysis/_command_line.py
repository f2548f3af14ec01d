"""The command ``skcausal``: arguments in, files and a few lines out."""

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from skcausal.analysis._audit_command import add_audit
from skcausal.analysis._errors import InputError
from skcausal.analysis._identify_command import add_identify
from skcausal.analysis._shared_arguments import check_outputs, progress, seed

if TYPE_CHECKING:
    import pandas as pd

    from skcausal.analysis._graph_facts import GraphFacts
    from skcausal.analysis._pipeline import Options
    from skcausal.analysis._result import AnalysisResult
    from skcausal.analysis._tables import Columns

_INTERRUPTED = 130
_SIMULATIONS = 5
_DESCRIPTION = (
    "Causal effects from a table: how large, for whom, how sure, in one report."
)


class _Parser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"skcausal: error: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command ``skcausal``.

    Parameters
    ----------
    arguments : sequence of str or None, default=None
        The words after ``skcausal``; None takes those of the process.

    Returns
    -------
    int
        The exit status: 0, 2 if the table or an argument cannot be analysed, 130
        after Ctrl-C.

    Examples
    --------
    >>> from skcausal.analysis import main
    >>> main(["analyze", "missing.csv", "--outcome", "y", "--treatment", "t"])
    2
    """
    # Threads that spin while they wait for a busy core cost ten times the work.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        options = _parser().parse_args(arguments)
        status: int = options.run(options)
    except InputError as error:
        print(f"skcausal: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("skcausal: interrupted, nothing was written", file=sys.stderr)
        return _INTERRUPTED
    return status


def _parser() -> _Parser:
    parser = _Parser(prog="skcausal", description=_DESCRIPTION)
    parser.add_argument("--version", action=_Version, nargs=0, help="print the version")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_demo(commands)
    _add_analyze(commands)
    add_identify(commands)
    add_audit(commands)
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from skcausal import __version__

        parser.exit(0, f"skcausal {__version__}\n")


def _add_demo(commands: "argparse._SubParsersAction[_Parser]") -> None:
    demo = commands.add_parser(
        "demo", help="analyse an example and write its report", description=_DESCRIPTION
    )
    demo.add_argument(
        "--data",
        choices=("ab_test", "hillstrom"),
        default="ab_test",
        help="simulated A/B test whose truth is known (default), or Hillstrom's "
        "e-mail experiment, which is downloaded once",
    )
    _add_shared(demo, time_budget=45.0)
    demo.set_defaults(run=_demo)


def _add_analyze(commands: "argparse._SubParsersAction[_Parser]") -> None:
    analyze = commands.add_parser(
        "analyze",
        aliases=["analyse"],
        help="analyse a table and write its report",
        description="Analyse a table: one row per unit, one column for the outcome, "
        "one for the treatment, features from before the treatment.",
        usage="%(prog)s FILE --outcome COL [COL ...] --treatment COL [options]",
        epilog="example: skcausal analyze shop.csv --outcome visit --treatment mail "
        "--features age channel --randomised 0.5",
    )
    add = analyze.add_argument
    add("file", metavar="FILE", type=Path, help=".csv, .csv.gz, .parquet or .feather")
    add(
        "--outcome",
        nargs="+",
        required=True,
        metavar="COL",
        help="what may change; numeric. The report is about the first one and tests "
        "the average effect on each",
    )
    add("--treatment", required=True, metavar="COL", help="what was done (0/1, labels)")
    add(
        "--control",
        metavar="LABEL",
        help="the arm to compare with; needed unless the labels are 0 and 1",
    )
    add(
        "--features",
        nargs="+",
        metavar="COL",
        help="columns from before the treatment (default: all other columns)",
    )
    add(
        "--graph",
        type=Path,
        metavar="FILE",
        help="a causal graph (.dot, .gml, dagitty .txt, .edges, .csv) whose nodes are "
        "columns: it chooses the features and is held against the table",
    )
    add("--by", metavar="COL", help="also average within the groups of this column")
    add(
        "--randomised",
        "--randomized",
        nargs="*",
        metavar="SHARE",
        help="the treatment was assigned by chance; optionally the share of the "
        "treated arm, or label=share for each arm, as the design has them",
    )
    _add_shared(analyze, time_budget=45.0)
    analyze.set_defaults(run=_analyze)


def _add_shared(parser: _Parser, time_budget: float) -> None:
    add = parser.add_argument
    add(
        "--time-budget",
        type=_seconds,
        default=time_budget,
        metavar="S",
        help="seconds for comparing learners (default: %(default)g)",
    )
    add(
        "--out",
        type=Path,
        default=Path("report.html"),
        metavar="FILE",
        help="the report (default: %(default)s)",
    )
    add(
        "--refute",
        type=_simulations,
        default=_SIMULATIONS,
        metavar="N",
        help="attack the estimate by N refits on each of three kinds of changed tables "
        "(default: %(default)s; 0 skips it)",
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


def _seconds(text: str) -> float:
    value = float(text)
    if not 0 < value < float("inf"):
        raise ValueError(text)
    return value


def _simulations(text: str) -> int:
    value = int(text)
    if value < 0 or value == 1:  # one refit has no spread to judge it by
        raise ValueError(text)
    return value


_seconds.__name__ = "number of seconds"  # argparse says "invalid ... value"
_simulations.__name__ = "number of refits (0, or 2 and more)"


def _demo(arguments: argparse.Namespace) -> int:
    from skcausal.analysis._demo import load_demo
    from skcausal.analysis._pipeline import Options

    check_outputs(arguments)
    demo = load_demo(arguments.data, arguments.random_state)
    options = Options(
        source=demo.source,
        time_budget=arguments.time_budget,
        randomised=demo.randomised,
        random_state=arguments.random_state,
        simulations=arguments.refute,
        loading=demo.loading,
    )
    return _run(arguments, demo.frame, demo.columns, options, demo.truth)


def _analyze(arguments: argparse.Namespace) -> int:
    from skcausal.analysis._pipeline import Options
    from skcausal.analysis._reading import loading_code, read_table
    from skcausal.analysis._tables import Columns

    check_outputs(arguments)
    frame = read_table(arguments.file)
    facts = _graph_facts(arguments, frame)
    features = arguments.features if facts is None else facts.covariates
    columns = Columns(
        outcome=arguments.outcome[0],
        treatment=arguments.treatment,
        other_outcomes=tuple(arguments.outcome[1:]),
        control=arguments.control,
        features=None if features is None else tuple(features),
        by=arguments.by,
    )
    options = Options(
        source=arguments.file.name,
        time_budget=arguments.time_budget,
        randomised=arguments.randomised,
        random_state=arguments.random_state,
        simulations=arguments.refute,
        loading=("", loading_code(arguments.file)),
    )
    return _run(arguments, frame, columns, options, {}, facts)


def _graph_facts(
    arguments: argparse.Namespace, frame: "pd.DataFrame"
) -> "GraphFacts | None":
    """Return what the graph says, if there is one."""
    if arguments.graph is None:
        return None
    from skcausal.analysis._graph_facts import (
        adjustment_of,
        features_of,
        graph_facts,
        read_graph_file,
    )

    graph = read_graph_file(arguments.graph)
    own = None if arguments.features is None else tuple(arguments.features)
    question = (arguments.treatment, arguments.outcome[0])
    estimand = adjustment_of(graph, *question, list(frame.columns), own)
    features = features_of(estimand) if own is None else own
    return graph_facts(estimand, frame, features, arguments.random_state)


def _run(
    arguments: argparse.Namespace,
    frame: "pd.DataFrame",
    columns: "Columns",
    options: "Options",
    truth: dict[str, float],
    facts: "GraphFacts | None" = None,
) -> int:
    from skcausal.analysis._graph_report import with_graph
    from skcausal.analysis._json import result_json
    from skcausal.analysis._pipeline import STEPS, analyse
    from skcausal.analysis._report import render_report
    from skcausal.analysis._summary import summary_lines
    from skcausal.analysis._tables import check_table
    from skcausal.analysis._writing import write_files

    table = check_table(frame, columns)
    with progress(STEPS, quiet=arguments.quiet) as advance:
        result: AnalysisResult = analyse(table, options, advance)
        result = dataclasses.replace(result, truth=truth)
        if facts is not None:
            result = with_graph(result, facts)
        advance("writing the report")
        contents = {arguments.out: render_report(result)}
        if arguments.json is not None:
            contents[arguments.json] = result_json(result)
        write_files(contents)
    if not arguments.quiet:
        for line in summary_lines(result):
            print(line)
        print(f"Report: {arguments.out}")
    return 0
