"""Which columns of a table play which role in a formula."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from skcausal.identification._errors import IdentificationError, MissingColumnError
from skcausal.identification._variables import Node


@dataclass(frozen=True)
class Columns:
    """The columns that an estimate of a formula needs, by role.

    Parameters
    ----------
    outcome, treatment : str or list of str
        One column, or a list where the question has several.
    covariates : list of str
        What is adjusted for, effect modifiers among them.
    effect_modifiers : list of str
        Covariates that the effect may vary with.
    instrument : str or None
        What moves the treatment from outside.
    mediators : list of str
        What the effect passes through.

    Examples
    --------
    >>> import pandas as pd
    >>> from skcausal.graphs import CausalGraph
    >>> from skcausal.identification import identify
    >>> graph = CausalGraph([("age", "drug"), ("age", "health"), ("drug", "health")])
    >>> frame = pd.DataFrame({"age": [50], "drug": [1], "health": [0.2], "id": [7]})
    >>> columns = identify(graph, "drug", "health").columns(frame)
    >>> columns.covariates, columns.treatment, columns.outcome
    (['age'], 'drug', 'health')
    """

    outcome: Any
    treatment: Any
    covariates: list[Node]
    effect_modifiers: list[Node]
    instrument: Node | None
    mediators: list[Node]


def column_names(frame: Any) -> list[Node]:
    """Return the names of the columns of a table.

    Raises
    ------
    IdentificationError
        If it has none.
    """
    found = getattr(frame, "columns", None)
    if found is None or callable(found):
        raise IdentificationError(
            f"Estimand.columns: frame must have named columns, got "
            f"{type(frame).__name__}. Make a DataFrame whose columns have the names "
            "of the nodes."
        )
    return list(found)


def check_columns(frame: Any, roles: dict[str, Sequence[Node]]) -> None:
    """Check that a table has the columns of each role, each once.

    Raises
    ------
    MissingColumnError
        If one is missing.
    """
    there = column_names(frame)
    for role, nodes in roles.items():
        for node in nodes:
            count = there.count(node)
            if count == 1:
                continue
            shown = ", ".join(map(str, there[:20])) + (", ..." if there[20:] else "")
            if count:
                raise IdentificationError(
                    f"Estimand.columns: the {type(frame).__name__} has {count} columns "
                    f"{node!r}. Keep one."
                )
            raise MissingColumnError(
                f"Estimand.columns: the {type(frame).__name__} has no column "
                f"{node!r}, which is {role}. Add it, or rename the node. Columns: "
                f"{shown}."
            )
