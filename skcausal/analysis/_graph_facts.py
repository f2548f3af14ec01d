"""What a causal graph says about a question, as data for the report."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skcausal.analysis._errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from skcausal.graphs import CausalGraph
    from skcausal.identification import Estimand

_PERMUTATIONS = 100
_MOST_ROWS = 20_000


@dataclass(frozen=True)
class GraphFacts:
    """The graph of a report: drawing, formula, and whether the data contradict it.

    Parameters
    ----------
    drawing : str
        The graph as SVG.
    formula, latex : str
        The effect as a formula, in plain text and in LaTeX.
    assumptions : tuple of str
        What the formula rests on, in sentences.
    covariates : tuple of str
        What is adjusted for.
    verdict : str
        What the data say about the graph.
    falsified : bool or None
        None if no verdict was possible.
    suggestions : tuple of str
        Edges that the data suggest to add or remove.
    """

    drawing: str
    formula: str
    latex: str
    assumptions: tuple[str, ...]
    covariates: tuple[str, ...]
    verdict: str
    falsified: bool | None
    suggestions: tuple[str, ...]


def read_graph_file(path: Path, name: str = "--graph") -> "CausalGraph":
    """Read a graph for the command line; ``name`` is what the argument is called.

    Raises
    ------
    InputError
        If there is no such file, or it holds no graph.
    """
    from skcausal.graphs import GraphError, read_graph

    try:
        return read_graph(path)
    except FileNotFoundError:
        msg = f'{name}: there is no file "{path}".'
        raise InputError(msg) from None
    except (GraphError, OSError, ValueError) as error:
        msg = f'{name}: "{path}" cannot be read. {error}'
        raise InputError(msg) from error


def adjustment_of(
    graph: "CausalGraph",
    treatment: str,
    outcome: str,
    columns: list[str],
    features: tuple[str, ...] | None = None,
) -> "Estimand":
    """Return the effect as an adjustment for columns that the table has.

    Parameters
    ----------
    graph : CausalGraph
        What is assumed; nodes without a column count as not measured.
    treatment, outcome : str
        The question.
    columns : list of str
        Columns of the table.
    features : tuple of str, default=None
        What to adjust for; None takes the best set.

    Raises
    ------
    InputError
        If no adjustment gives the effect, or ``features`` do not.
    """
    from skcausal.graphs import GraphError
    from skcausal.identification import (
        AdjustmentSets,
        IdentificationError,
        NoAdjustmentSetError,
        identify,
    )

    observed = [node for node in graph.observed if node in columns]
    try:
        sets = AdjustmentSets(graph, treatment, outcome, observed=observed)
        if features is not None and not sets.is_valid(set(features)):
            msg = f"--features with --graph: {sets.explain(set(features))}"
            raise InputError(msg)
        return identify(graph, treatment, outcome, observed=observed, kind="adjustment")
    except NoAdjustmentSetError as error:
        msg = (
            f"--graph: {error} The report is about adjustment; `skcausal identify` "
            "says whether the effect has another formula."
        )
        raise InputError(msg) from error
    except (GraphError, IdentificationError) as error:
        msg = f"--graph: {error}"
        raise InputError(msg) from error


def features_of(estimand: "Estimand") -> tuple[str, ...]:
    """Return what the report adjusts for: the best set, or all causes if it is empty.

    Raises
    ------
    InputError
        If nothing measured may be adjusted for.
    """
    from skcausal.identification import AdjustmentSets

    covariates = estimand.adjustment or frozenset()
    if not covariates:
        sets = AdjustmentSets(
            estimand.graph,
            list(estimand.treatment),
            list(estimand.outcome),
            observed=estimand.observed,
        )
        covariates = sets.canonical()
    if not covariates:
        msg = (
            "--graph: nothing needs to be adjusted for and no measured cause is left "
            "to describe for whom the effect is larger. Draw causes of the outcome "
            "into the graph, or compare the means of the arms."
        )
        raise InputError(msg)
    return tuple(map(str, estimand.graph.ordered(covariates)))


def graph_facts(
    estimand: "Estimand", frame: "pd.DataFrame", features: tuple[str, ...], seed: int
) -> GraphFacts:
    """Draw the graph, write the formula, and hold the graph against the table.

    Parameters
    ----------
    estimand : Estimand
        What `adjustment_of` returned.
    frame : DataFrame
        The table.
    features : tuple of str
        What is adjusted for.
    seed : int
        Seed of the test of the graph.
    """
    from skcausal.graphs import to_svg

    drawing = to_svg(
        estimand.graph,
        treatment=list(estimand.treatment),
        outcome=list(estimand.outcome),
        adjustment=list(features),
    )
    verdict, falsified, suggestions = _held_against(estimand, frame, seed)
    return GraphFacts(
        drawing=drawing,
        formula=str(estimand),
        latex=estimand.latex(),
        assumptions=tuple(estimand.assumptions()),
        covariates=features,
        verdict=verdict,
        falsified=falsified,
        suggestions=suggestions,
    )


def _held_against(
    estimand: "Estimand", frame: "pd.DataFrame", seed: int
) -> tuple[str, bool | None, tuple[str, ...]]:
    """Return the verdict of the test of the graph, or why there is none."""
    from skcausal.validation import falsify_graph

    graph = estimand.graph.latent_projection(list(estimand.observed))
    table = _testable(frame[list(estimand.observed)])
    note = ""
    if len(table) > _MOST_ROWS:
        table = table.sample(_MOST_ROWS, random_state=seed)
        note = f" Tested on {_MOST_ROWS:,} rows drawn at random."
    try:
        found = falsify_graph(
            graph, table, n_permutations=_PERMUTATIONS, random_state=seed
        )
    except ValueError as error:
        return f"The graph could not be held against the data. {error}", None, ()
    verdict = found.falsified if found.falsifiable else None
    rows = found.suggestions.itertuples(index=False)
    suggestions = tuple(f"{row.action} {row.edge}" for row in rows)
    return found.verdict + note, verdict, suggestions


def _testable(frame: "pd.DataFrame") -> Any:
    """Return the table with text as categories."""
    text = frame.select_dtypes(include=["object", "string"]).columns
    return frame.astype(dict.fromkeys(text, "category"))
