"""The report of a question that came with a graph."""

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from skcausal.analysis._causal_analysis import CausalAnalysis
    from skcausal.analysis._graph_facts import GraphFacts
    from skcausal.analysis._result import AnalysisResult


def write_report(
    analysis: "CausalAnalysis",
    frame: "pd.DataFrame",
    path: Any,
    options: dict[str, Any],
) -> None:
    """Analyse a table as ``skcausal analyze --graph`` does, and write the page.

    Raises
    ------
    InputError
        If the table cannot be analysed, or the file cannot be written.
    """
    from skcausal.analysis._graph_facts import features_of, graph_facts
    from skcausal.analysis._pipeline import Options, analyse
    from skcausal.analysis._report import render_report
    from skcausal.analysis._tables import Columns, check_table
    from skcausal.analysis._writing import check_writable, write_files

    path = Path(path)
    check_writable(path, "path")
    seed = 0 if analysis.random_state is None else analysis.random_state
    features = features_of(analysis.estimand_)
    columns = Columns(
        outcome=analysis.outcome,
        treatment=analysis.treatment,
        control=None if analysis.control is None else str(analysis.control),
        features=features,
    )
    settings = {"simulations": 5, "time_budget": 45.0} | options
    result = analyse(
        check_table(frame, columns),
        Options(source="table", random_state=seed, **settings),
    )
    facts = graph_facts(analysis.estimand_, frame, features, seed)
    write_files({path: render_report(with_graph(result, facts))})


def with_graph(result: "AnalysisResult", facts: "GraphFacts") -> "AnalysisResult":
    """Return the result with the graph, and a warning if the data contradict it."""
    warnings = result.warnings
    if facts.falsified:
        said = (
            "The data contradict the graph, on which every number here rests (see "
            "The graph)."
        )
        warnings = (said, *warnings)
    return dataclasses.replace(result, graph=facts, warnings=warnings)
