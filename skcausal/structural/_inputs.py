"""Checks of graphs, tables, interventions and fitted models."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone
from sklearn.utils.validation import check_is_fitted

from skcausal.graphs import CausalGraph
from skcausal.structural._design import label_places
from skcausal.structural._mechanism import Mechanism
from skcausal.utils._validation import check_features, is_polars, pandas_from_polars

_MOST_SHOWN = 5


def check_graph(graph: Any, owner: str) -> CausalGraph:
    """Refuse graphs with causes that no column shows: noises would be dependent."""
    if not isinstance(graph, CausalGraph):
        raise TypeError(
            f"{owner}: graph must be a CausalGraph, got {type(graph).__name__}. Make "
            "one with skcausal.graphs.CausalGraph(arrows)."
        )
    if not len(graph):
        raise ValueError(f"{owner}: graph has no nodes. Give it arrows or nodes.")
    if graph.latent:
        names = ", ".join(map(str, graph.ordered(graph.latent)))
        raise ValueError(
            f"{owner}: graph has latent node(s) {names}; a mechanism can only be "
            "learned from columns that are there. Measure them, or leave out what "
            "they cause."
        )
    if graph.bidirected:
        a, b = graph.bidirected[0]
        raise ValueError(
            f"{owner}: graph has a hidden common cause of {a} and {b}; noises would "
            "not be independent. Measure the cause and draw it, or leave out one of "
            "the two."
        )
    return graph


def as_frame(frame: Any, nodes: tuple[Any, ...], owner: str) -> pd.DataFrame:
    """Return the columns of the nodes, complete and readable."""
    if is_polars(frame):
        frame = pandas_from_polars(frame)
    if not isinstance(frame, pd.DataFrame):
        raise TypeError(
            f"{owner}: frame must be a DataFrame with one column per node, got "
            f"{type(frame).__name__}. For one row, take a slice such as frame[:1]."
        )
    absent = [node for node in nodes if node not in frame.columns]
    if absent:
        raise ValueError(
            f"{owner}: frame has no column for node {absent[0]!r}. Add it, or take "
            "the node out of the graph (CausalGraph.latent_projection shows what "
            "that means)."
        )
    if list(frame.columns) == list(nodes):
        return frame
    chosen = frame[list(nodes)]
    if chosen.shape[1] > len(nodes):
        twice = chosen.columns[chosen.columns.duplicated()][0]
        raise ValueError(
            f"{owner}: frame has several columns {twice!r}. Rename all but one."
        )
    return chosen


def check_frame(frame: Any, nodes: tuple[Any, ...], owner: str) -> pd.DataFrame:
    """Return the columns of the nodes; text, infinity and gaps are errors."""
    chosen = as_frame(frame, nodes, owner)
    check_features(chosen, owner)
    refuse_gaps(chosen, owner)
    return chosen


def refuse_gaps(frame: pd.DataFrame, owner: str) -> None:
    """Raise if a value is missing: no mechanism could say what follows from it."""
    unknown = frame.isna()
    if not unknown.to_numpy().any():
        return
    gaps = unknown.sum()
    for node in frame.columns:
        if gaps[node]:
            raise ValueError(
                f"{owner}: column {node!r} has {gaps[node]} missing value(s) among "
                f"{len(frame)} rows. Drop these rows, or impute them first."
            )


def is_categorical(values: pd.Series, *, root: bool) -> bool:
    """Tell whether a node is a label: categories, bool, and 0/1 that has causes."""
    if isinstance(values.dtype, pd.CategoricalDtype) or values.dtype == bool:
        return True
    return not root and bool(values.isin([0, 1]).all())


def kept_dtype(values: pd.Series) -> Any:
    """Return the type of a node's values: category with the labels seen, or number."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        return values.cat.remove_unused_categories().dtype
    return np.dtype(bool) if values.dtype == bool else np.dtype(float)


def cast(values: Any, dtype: Any, node: Any, owner: str) -> Any:
    """Return values of a node in the type of its column, refusing unknown labels."""
    if isinstance(values, pd.Series):
        values = values.array
    if isinstance(dtype, pd.CategoricalDtype):
        codes = label_places(values, dtype.categories)
        if (codes < 0).any():
            unknown = np.asarray(values, dtype=object)[codes < 0][0]
            known = dtype.categories
            raise ValueError(
                f"{owner}: {node!r} has the category {unknown!r}, which was not "
                f"seen when the model was fitted. Known: "
                f"{', '.join(map(str, known[:_MOST_SHOWN]))}"
                f"{', ...' if len(known) > _MOST_SHOWN else ''}."
            )
        return pd.Categorical.from_codes(codes, dtype=dtype, validate=False)
    return _numbers(values, dtype, node, owner)


def _numbers(values: Any, dtype: Any, node: Any, owner: str) -> np.ndarray:
    try:
        array = np.asarray(values)
        if array.dtype.kind in "mMSU" or holds_text(array):
            raise TypeError
        numbers = np.asarray(array, dtype=float)
    except (TypeError, ValueError):
        raise ValueError(
            f"{owner}: {node!r} must be numeric, got {values!r:.60}. Give numbers, "
            "as in the table of `fit`."
        ) from None
    if not np.isfinite(numbers).all():
        raise ValueError(
            f"{owner}: {node!r} has values that are missing or infinite. Give "
            "finite numbers."
        )
    if dtype.kind != "b":
        return numbers
    if not np.isin(numbers, [0, 1]).all():
        raise ValueError(f"{owner}: {node!r} must be True or False.")
    return numbers.astype(bool)


def holds_text(array: np.ndarray) -> bool:
    """Tell whether objects are text, which NumPy would turn into numbers."""
    return array.dtype == object and any(
        isinstance(value, str) for value in array.ravel()
    )


def check_mechanisms(given: Any, graph: CausalGraph, owner: str) -> dict[Any, Any]:
    """Return the mechanisms that were given, by node."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise TypeError(
            f"{owner}: mechanisms must be a dict of node to Mechanism, got "
            f"{type(given).__name__}."
        )
    for node, mechanism in given.items():
        if node not in graph:
            raise ValueError(
                f"{owner}: mechanisms names {node!r}, which is not a node of the "
                f"graph. Nodes: {', '.join(map(str, graph.nodes[:20]))}."
            )
        if not isinstance(mechanism, Mechanism):
            raise TypeError(
                f"{owner}: the mechanism of {node!r} must be a Mechanism, got "
                f"{type(mechanism).__name__}. Wrap a regressor in AdditiveNoise, a "
                "classifier in CategoricalNoise."
            )
    return dict(given)


def check_interventions(
    do: Mapping[Any, Any] | None, graph: CausalGraph, owner: str
) -> dict[Any, Any]:
    """Return interventions by node; unknown nodes are errors."""
    if do is None:
        return {}
    if not isinstance(do, Mapping):
        raise TypeError(
            f"{owner}: do must map nodes to values or functions, such as "
            f"do={{'price': 3.0}}; got {type(do).__name__}."
        )
    for node in do:
        if node not in graph:
            raise ValueError(
                f"{owner}: do names {node!r}, which is not a node of the graph. "
                f"Nodes: {', '.join(map(str, graph.nodes[:20]))}."
            )
    return dict(do)


def spread(given: Any, n_rows: int, node: Any, owner: str) -> Any:
    """Return the values of an intervention, one per row."""
    array = np.asarray(given)
    if array.ndim == 0:
        return np.full(n_rows, given)
    if array.shape != (n_rows,):
        raise ValueError(
            f"{owner}: the intervention on {node!r} must give one value or one per "
            f"row ({n_rows}), got shape {array.shape}."
        )
    return array


def set_to(
    setting: Any, row: Mapping[Any, Any], n_rows: int, dtype: Any, node: Any, owner: str
) -> Any:
    """Return the values of a node that is set to a value, values or a function."""
    if callable(setting):
        setting = setting(pd.DataFrame(row))
    return cast(spread(setting, n_rows, node, owner), dtype, node, owner)


def check_model(model: Any, owner: str, name: str = "model") -> None:
    """Refuse what is not a fitted model."""
    if not hasattr(model, "from_noise"):
        raise TypeError(
            f"{owner}: {name} must be a fitted model of a graph, such as "
            f"StructuralModel or AdditiveNoiseModel, got {type(model).__name__}."
        )
    check_is_fitted(model, "mechanisms_")


def check_target(graph: CausalGraph, target: Any, owner: str) -> None:
    """Refuse a target that is not a node."""
    if target not in graph:
        raise ValueError(
            f"{owner}: target must be a node of the graph, got {target!r}. Nodes: "
            f"{', '.join(map(str, graph.nodes[:20]))}."
        )


def check_count(value: Any, name: str, owner: str, *, least: int) -> None:
    """Refuse what is not an integer of a certain size."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < least:
        raise ValueError(
            f"{owner}: {name} must be an integer of at least {least}, got {value!r}."
        )


def check_pair(old: Any, new: Any, owner: str) -> None:
    """Refuse models that do not speak of the same graph and types."""
    check_model(old, owner)
    check_model(new, owner, "the new model")
    if old.graph != new.graph:
        raise ValueError(
            f"{owner}: both models must have the same graph. Fit clones of one model."
        )
    for node in old.graph:
        if type(old.dtypes_[node]) is not type(new.dtypes_[node]):
            raise ValueError(
                f"{owner}: {node!r} is {old.dtypes_[node]} in one model and "
                f"{new.dtypes_[node]} in the other. Give both tables the same types."
            )


def check_number(model: Any, target: Any, owner: str) -> None:
    """Refuse a target that is no node or no number."""
    check_target(model.graph, target, owner)
    if isinstance(model.dtypes_[target], pd.CategoricalDtype):
        raise ValueError(
            f"{owner}: {target!r} holds categories; a number is needed. Make it 0 "
            "and 1 for the category of interest."
        )


def joined(
    before: Any, after: Any, nodes: tuple[Any, ...], owner: str
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return one table of two samples, and 1 for the rows of the second."""
    tables = [check_frame(frame, nodes, owner) for frame in (before, after)]
    both = pd.concat(tables, ignore_index=True)
    for node in nodes:
        parts = [table[node] for table in tables]
        kinds = {isinstance(part.dtype, pd.CategoricalDtype) for part in parts}
        if len(kinds) == 2:
            raise ValueError(
                f"{owner}: {node!r} is {parts[0].dtype} in one table and "
                f"{parts[1].dtype} in the other. Give both tables the same types."
            )
        if kinds == {True}:
            both[node] = pd.api.types.union_categoricals(parts, ignore_order=True)
    return both, np.repeat([0.0, 1.0], [len(table) for table in tables])


def fitted(
    mechanism: Mechanism, parents: pd.DataFrame, values: pd.Series, owner: str
) -> Mechanism:
    """Return a copy of a mechanism, fitted to a node and its causes.

    Raises
    ------
    ValueError
        If the model in it cannot take the causes; the message names node and causes.
    """
    try:
        own: Mechanism = clone(mechanism)
        return own.fit(parents, values.array)
    except (TypeError, ValueError) as error:
        causes = ", ".join(f"{name!r} ({parents[name].dtype})" for name in parents)
        raise ValueError(
            f"{owner}: the mechanism of {values.name!r} cannot be fitted to its causes "
            f"{causes or 'none'}: {error} Give the node a model that takes them, such "
            "as a Pipeline with a OneHotEncoder for categories, in mechanisms."
        ) from error
