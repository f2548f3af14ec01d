"""Outcomes of the same rows where the sensitive attribute is set, edge by edge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from skcausal.structural._inputs import check_model


@dataclass(frozen=True)
class Response:
    """What a fitted predictor says about rows, as one number each."""

    predictor: Any
    features: tuple[Any, ...]
    kind: str

    def __call__(self, rows: pd.DataFrame) -> np.ndarray:
        """Return a number for each row."""
        X = rows[list(self.features)]
        if callable(self.predictor) and not hasattr(self.predictor, "predict"):
            return np.asarray(self.predictor(X), dtype=float)
        if self.kind == "probability" and hasattr(self.predictor, "predict_proba"):
            return np.asarray(self.predictor.predict_proba(X)[:, -1], dtype=float)
        found = np.asarray(self.predictor.predict(X))
        classes = getattr(self.predictor, "classes_", None)
        if classes is None:
            return found.astype(float)
        return (found == classes[-1]).astype(float)


@dataclass(frozen=True)
class Question:
    """What is asked of which rows: a node of the model, or what a predictor says."""

    model: Any
    sensitive: Any
    outcome: Any
    levels: tuple[Any, Any]
    response: Response | None = None
    held: Mapping[Any, Any] = field(default_factory=dict)
    complement: bool = False

    @property
    def mediators(self) -> list[Any]:
        """Nodes between the sensitive attribute and the outcome."""
        graph = self.model.graph
        between = graph.descendants([self.sensitive]) & graph.ancestors([self.outcome])
        return [n for n in between if n not in (self.sensitive, self.outcome)]

    def outcomes(self, noise: pd.DataFrame, direct: int, through: int) -> np.ndarray:
        """Return the outcome under one level, with mediators as under another."""
        own, other = self.levels[direct], self.levels[through]
        held = dict(self.held)
        rows = self.model.from_noise(noise, do={self.sensitive: other, **held})
        if self.response is not None:
            if direct != through:
                changed = self.model.from_noise(noise, do={self.sensitive: own})
                rows = rows.assign(**{self.sensitive: changed[self.sensitive]})
            found = self.response(rows)
        else:
            if direct != through:
                kept = {node: rows[node].array for node in self.mediators}
                do = {**kept, **held, self.sensitive: own}
                rows = self.model.from_noise(noise, do=do)
            found = np.asarray(rows[self.outcome], dtype=float)
        return 1 - found if self.complement else found


def response_of(
    model: Any, predictor: Any, features: Any, kind: str, owner: str
) -> Any:
    """Return the predictor with its columns, checked; None without a predictor."""
    if kind not in ("probability", "decision"):
        raise ValueError(
            f"{owner}: response must be 'probability' or 'decision', got {kind!r}."
        )
    if predictor is None:
        return None
    if features is None:
        features = getattr(predictor, "feature_names_in_", None)
    if features is None:
        raise ValueError(
            f"{owner}: predictor does not tell the names of its columns. Fit it on a "
            "DataFrame, or give features, in their order."
        )
    for name in features:
        if name not in model.graph:
            raise ValueError(
                f"{owner}: predictor uses the column {name!r}, which is not a node of "
                "the model, so how the sensitive attribute moves it is unknown. Add "
                "it to the graph, or build derived columns inside the predictor's "
                "Pipeline."
            )
    return Response(predictor, tuple(features), kind)


def check_sensitive(model: Any, sensitive: Any, levels: Any, owner: str) -> None:
    """Refuse a sensitive attribute or levels that the model does not know."""
    check_model(model, owner)
    if sensitive not in model.graph:
        raise ValueError(
            f"{owner}: sensitive must be a node of the model, got {sensitive!r}. "
            f"Nodes: {', '.join(map(str, model.graph.nodes[:20]))}."
        )
    reference, compared = levels
    if reference == compared:
        raise ValueError(
            f"{owner}: reference and compared must differ, got {reference!r} twice."
        )


def rows_of(column: pd.Series, level: Any, name: str, owner: str) -> np.ndarray:
    """Return which rows have a level; none is an error."""
    found = (column == level).to_numpy()
    if found.sum() < 2:
        raise ValueError(
            f"{owner}: {name} must be a value of {column.name!r} with two rows at "
            f"least, got {level!r} with {int(found.sum())}. There are: "
            f"{', '.join(map(repr, pd.unique(column).tolist()[:10]))}."
        )
    return found
