"""From a table, a model and a graph to what an audit found."""

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd

from skcausal.analysis._audit_code import auditing_code
from skcausal.analysis._audit_input import AuditInput, AuditOptions, check_input
from skcausal.analysis._audit_parts import (
    evaluated,
    gap_parts,
    other_assumptions,
    shifts,
)
from skcausal.analysis._errors import InputError
from skcausal.analysis._pipeline import few_threads
from skcausal.fairness import (
    CounterfactualFairnessAuditor,
    FairnessAudit,
    SmallGroupWarning,
    group_metrics,
)
from skcausal.structural import MisfitWarning, StructuralModel

if TYPE_CHECKING:
    from skcausal.graphs import CausalGraph


@dataclass(frozen=True)
class AuditSettings:
    """How the numbers came about."""

    version: str
    created: str
    seconds: float


@dataclass(frozen=True)
class AuditFindings:
    """Everything that the report of an audit says, as data.

    ``shifts`` has the mean difference of each pair of groups with its interval,
    ``metrics`` error rates by group, ``parts`` what gaps in scores are made of,
    ``others`` unfairness under other assumptions (empty if skipped), ``fit`` how well
    mechanisms fit.
    """

    options: AuditOptions
    given: AuditInput
    audit: FairnessAudit
    counts: dict[Any, int]
    shifts: pd.DataFrame
    metrics: pd.DataFrame | None
    parts: pd.DataFrame
    others: pd.DataFrame
    fit: pd.DataFrame
    warnings: tuple[str, ...]
    code: str
    settings: AuditSettings


def audit_table(
    frame: pd.DataFrame,
    model: Any,
    graph: "CausalGraph",
    options: AuditOptions,
    advance: Callable[[str], None] = lambda step: None,
) -> AuditFindings:
    """Audit a model on a table.

    Parameters
    ----------
    frame : DataFrame
        The table.
    model : estimator
        The fitted model.
    graph : CausalGraph
        What is assumed.
    options : AuditOptions
        What is asked, and how.
    advance : callable
        Told the name of each step as it begins.

    Returns
    -------
    AuditFindings
        What was found.

    Raises
    ------
    InputError
        If table, model and graph do not belong together.
    """
    from skcausal import __version__

    begun = time.perf_counter()
    given = check_input(frame, model, graph, options)
    messages: list[str] = []
    with _one_line_errors(), collected_warnings(messages), few_threads(len(frame)):
        advance("the structural model")
        auditor = make_auditor(given, options).fit(given.frame)
        values = _values(auditor.counts_, options.groups)
        advance("counterfactuals")
        audit = auditor.audit(
            model, given.frame, values=values, n_bootstrap=options.refits
        )
        metrics = _metrics(audit, given)
        advance("what gaps are made of")
        parts = gap_parts(auditor, given, audit)
        advance("other assumptions")
        others = pd.DataFrame()
        if not options.quick:
            others = other_assumptions(auditor, given, audit)
        advance("how well the mechanisms fit")
        fit = evaluated(auditor.model_, given)
    return AuditFindings(
        options=options,
        given=given,
        audit=audit,
        counts=auditor.counts_,
        shifts=shifts(audit),
        metrics=metrics,
        parts=parts,
        others=others,
        fit=fit,
        warnings=tuple(dict.fromkeys(messages)),
        code=auditing_code(given, options, values),
        settings=AuditSettings(
            version=__version__,
            created=date.today().isoformat(),
            seconds=time.perf_counter() - begun,
        ),
    )


def make_auditor(
    given: AuditInput, options: AuditOptions
) -> CounterfactualFairnessAuditor:
    """Return the auditor, not fitted."""
    return CounterfactualFairnessAuditor(
        StructuralModel(given.graph, random_state=options.random_state),
        options.sensitive,
        n_counterfactuals=options.counterfactuals,
        coupling=options.coupling,
        derived=given.derived,
        random_state=options.random_state,
    )


def _values(counts: dict[Any, int], groups: tuple[str, ...] | None) -> list[Any] | None:
    """Return the values that ``--groups`` names; None if it is not given."""
    from skcausal.analysis._audit_words import label

    if groups is None:
        return None
    known = {label(value): value for value in counts}
    if len(set(groups)) < 2:
        msg = "--groups: name two values at least, those that are compared."
        raise InputError(msg)
    for name in groups:
        if name not in known:
            msg = f'--groups: there is no group "{name}". There are: ' + ", ".join(
                f"{value} ({n} rows)" for value, n in counts.items()
            )
            raise InputError(msg + ".")
    return [known[name] for name in groups]


def _metrics(audit: FairnessAudit, given: AuditInput) -> pd.DataFrame | None:
    if given.outcome is None:
        return None
    rows = audit.rows
    return group_metrics(given.outcome, rows["decision"], rows["group"].to_numpy())


@contextmanager
def _one_line_errors() -> Iterator[None]:
    """Turn what is wrong with the question into one line."""
    try:
        yield
    except InputError:
        raise
    except ValueError as error:
        raise InputError(_plain(str(error))) from error


@contextmanager
def collected_warnings(messages: list[str]) -> Iterator[None]:
    """Collect warnings instead of showing them, but those that a check tells."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        yield
    messages += [
        _plain(str(one.message))
        for one in caught
        if issubclass(one.category, UserWarning)
        and not issubclass(one.category, SmallGroupWarning | MisfitWarning)
    ]


def _plain(text: str) -> str:
    """Return a message on one line, without the name of the method."""
    owner, colon, rest = " ".join(text.split()).partition(": ")
    return rest if colon and " " not in owner else f"{owner}{colon}{rest}"
