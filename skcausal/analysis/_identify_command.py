"""``skcausal identify``: what a graph says about a question, without data."""

import argparse
import sys
from pathlib import Path
from typing import Any

NOT_IDENTIFIED = 1
SUFFIXES = ".dot, .gv, .gml, .txt, .dag, .edges or .csv"


def add_identify(commands: Any) -> None:
    """Add the command to what ``add_subparsers`` returned."""
    command = commands.add_parser(
        "identify",
        help="say whether a graph lets data answer a question, and by which formula",
        description="Say whether the effect of a treatment on an outcome can be had "
        "from data if a causal graph is right, and by which formula. The exit status "
        "is 1 if it cannot.",
        epilog="example: skcausal identify graph.dot --treatment smoking --outcome "
        "cancer",
    )
    add = command.add_argument
    add("graph", metavar="GRAPH", type=Path, help=SUFFIXES)
    add("--treatment", nargs="+", required=True, metavar="NODE", help="what is set")
    add("--outcome", nargs="+", required=True, metavar="NODE", help="what is asked for")
    add("--given", nargs="+", default=[], metavar="NODE", help="among rows alike in it")
    add(
        "--observed",
        nargs="+",
        metavar="NODE",
        help="what is measured (default: all that the graph does not call latent)",
    )
    add(
        "--kind",
        choices=("adjustment", "front-door", "instrument", "general"),
        help="how to identify the effect (default: the first that works; an "
        "instrument, which needs linear effects, only if asked for)",
    )
    add("--latex", action="store_true", help="print the formula in LaTeX only")
    command.set_defaults(run=_identify)


def _identify(arguments: argparse.Namespace) -> int:
    from skcausal.analysis._errors import InputError
    from skcausal.analysis._graph_facts import read_graph_file
    from skcausal.graphs import GraphError
    from skcausal.identification import (
        NoAdjustmentSetError,
        NoFrontDoorSetError,
        NoInstrumentError,
        NotIdentifiedError,
        identify,
    )

    graph = read_graph_file(arguments.graph, "GRAPH")
    try:
        estimand = identify(
            graph,
            arguments.treatment,
            arguments.outcome,
            given=arguments.given,
            observed=arguments.observed,
            kind=arguments.kind,
        )
    except NotIdentifiedError as error:
        ways = "".join(f"\n- {_as_option(way)}" for way in error.ways_out)
        print(f"Not identified: {error.witness}.\n\nWays out:{ways}", file=sys.stderr)
        return NOT_IDENTIFIED
    except (NoAdjustmentSetError, NoFrontDoorSetError, NoInstrumentError) as error:
        text = f"Not identified by --kind {arguments.kind}. {error} Leave --kind out "
        print(text + "to try every way but the instrument.", file=sys.stderr)
        return NOT_IDENTIFIED
    except GraphError as error:
        raise InputError(str(error)) from error
    if arguments.latex:
        print(estimand.latex())
        return 0
    print(f"Identified ({estimand.kind}).\n\n{estimand}\n\nThis holds if:")
    for sentence in estimand.assumptions():
        print(f"- {sentence}")
    return 0


def _as_option(text: str) -> str:
    """Return what is said about Python for the command line."""
    return text.replace('identify(..., kind="instrument")', "--kind instrument")
