"""What an audit takes: options, and a table, a graph and a model that fit together."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from skcausal.analysis._errors import InputError
from skcausal.analysis._numbers import number

if TYPE_CHECKING:
    from skcausal.graphs import CausalGraph

_MOST_LISTED = 10


@dataclass(frozen=True)
class AuditOptions:
    """What is asked, and how; ``loading`` is the expression that reads the table."""

    sensitive: str
    outcome: str | None
    groups: tuple[str, ...] | None
    counterfactuals: int
    coupling: str
    refits: int
    quick: bool
    random_state: int
    source: str
    loading: str
    graph_file: str
    model_file: str
    trusted: tuple[str, ...] = ()


@dataclass(frozen=True)
class WholeNumbers:
    """Rounds columns that hold whole numbers, which additive noise makes fractions of.

    ``counts`` are those that are never negative in the table; they stay so.
    """

    names: tuple[str, ...]
    counts: tuple[str, ...]

    def __call__(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the table with whole numbers."""
        rounded = table[list(self.names)].astype(float).round()
        counts = list(self.counts)
        rounded[counts] = rounded[counts].clip(lower=0)
        return table.assign(**{name: rounded[name] for name in self.names})


@dataclass(frozen=True)
class AuditInput:
    """A checked table, model and graph.

    ``graph`` has the nodes that the audit needs only, ``whole_graph`` all of them.
    ``outcome`` is 1 where the label happened whose probability the model gives.
    """

    frame: pd.DataFrame
    model: Any
    graph: "CausalGraph"
    whole_graph: "CausalGraph"
    features: tuple[str, ...]
    text: tuple[str, ...]
    derived: WholeNumbers | None
    outcome: np.ndarray | None

    @property
    def decides(self) -> bool:
        """Whether the model is a classifier."""
        return hasattr(self.model, "classes_") or hasattr(self.model, "predict_proba")


def check_input(
    frame: pd.DataFrame, model: Any, graph: "CausalGraph", options: AuditOptions
) -> AuditInput:
    """Check that table, model and graph belong together.

    Raises
    ------
    InputError
        If a column or node is missing, or the model cannot predict the table.
    """
    for option in ("sensitive", "outcome"):
        name = getattr(options, option)
        if name is not None and name not in frame.columns:
            msg = (
                f'--{option}: the table has no column "{name}". Columns: '
                f"{_listed(frame.columns)}."
            )
            raise InputError(msg)
    if options.sensitive not in graph:
        msg = (
            f'--sensitive: "{options.sensitive}" is no node of the graph. Nodes: '
            f"{_listed(graph.nodes)}."
        )
        raise InputError(msg)
    features = _features(model, frame, graph)
    small = graph.subgraph(graph.ancestors([*features, options.sensitive]))
    for node in small.nodes:
        if node not in small.latent and node not in frame.columns:
            msg = (
                f'--graph: the table has no column "{node}", which causes what the '
                "model takes. Add the column, or take the node out of the graph."
            )
            raise InputError(msg)
    text = _text_columns(frame, [str(n) for n in small.nodes if n in frame.columns])
    frame = frame.astype(dict.fromkeys(text, "category"))
    checked = AuditInput(
        frame=frame,
        model=model,
        graph=small,
        whole_graph=graph,
        features=features,
        text=text,
        derived=_whole_numbers(frame, small, options.sensitive),
        outcome=None,
    )
    _check_prediction(checked)
    outcome = _outcome(checked, options.outcome)
    return AuditInput(**{**checked.__dict__, "outcome": outcome})


def _features(model: Any, frame: pd.DataFrame, graph: "CausalGraph") -> tuple[str, ...]:
    """Return the columns that the model takes, all of them columns and nodes."""
    names = getattr(model, "feature_names_in_", None)
    if names is None:
        msg = (
            "--model: the model does not know the names of its columns, or is not "
            "fitted. Fit it on a DataFrame."
        )
        raise InputError(msg)
    features = tuple(map(str, names))
    if absent := [name for name in features if name not in frame.columns]:
        msg = (
            f"--model: the model takes {_listed(absent)}, which the table does not "
            "have. Give the table that the model predicts from."
        )
        raise InputError(msg)
    if absent := [name for name in features if name not in graph]:
        msg = (
            f"--graph: the model takes {_listed(absent)}, which the graph does not "
            "have, so what it would have been is unknown. Add each as a node, with "
            "no arrow if nothing causes it, or make it inside the model's Pipeline."
        )
        raise InputError(msg)
    return features


def _text_columns(frame: pd.DataFrame, names: list[str]) -> tuple[str, ...]:
    text = frame[names].select_dtypes(include=["object", "string"])
    return tuple(map(str, text.columns))


def _whole_numbers(
    frame: pd.DataFrame, graph: "CausalGraph", sensitive: str
) -> WholeNumbers | None:
    """Find whole numbers among what follows from the attribute."""
    below = graph.ordered(graph.descendants([sensitive]) - {sensitive})
    whole = [
        str(name)
        for name in below
        if name in frame.columns
        and pd.api.types.is_integer_dtype(frame[name].dtype)
        and frame[name].nunique() > 2
    ]
    counts = [name for name in whole if frame[name].min() >= 0]
    return WholeNumbers(tuple(whole), tuple(counts)) if whole else None


def _check_prediction(checked: AuditInput) -> None:
    """Ask the model about a few rows; it may fail in any way."""
    rows = checked.frame[list(checked.features)].head(5)
    try:
        checked.model.predict(rows)
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0].strip()
        msg = (
            "--model: the model cannot predict the rows of the table. "
            f"{type(error).__name__}: {reason}"
        )
        raise InputError(msg) from error


def _outcome(checked: AuditInput, name: str | None) -> np.ndarray | None:
    """Return what happened, 1 for the label whose probability the model gives."""
    if name is None:
        return None
    if not checked.decides:
        msg = "--outcome: error rates need a classifier. Leave it out for a regressor."
        raise InputError(msg)
    values, classes = checked.frame[name], list(checked.model.classes_)
    if missing := int(values.isna().sum()):
        msg = f'--outcome: "{name}" is missing in {number(missing, 0)} rows. Drop them.'
        raise InputError(msg)
    if strange := [value for value in pd.unique(values) if value not in classes]:
        msg = (
            f'--outcome: "{name}" holds {_listed(strange)}, which the model does not '
            f"know. Its classes are {_listed(classes)}."
        )
        raise InputError(msg)
    return np.asarray(values == classes[-1], dtype=int)


def _listed(names: Any) -> str:
    found = [f'"{name}"' for name in list(names)[:_MOST_LISTED]]
    more = len(list(names)) - len(found)
    return ", ".join(found) + (f" and {more} more" if more > 0 else "")
