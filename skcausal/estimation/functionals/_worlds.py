"""Which worlds an estimate compares."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from skcausal.estimation.functionals._plug_in import MOST_LEVELS, nodes_of
from skcausal.identification import Estimand

World = Mapping[Any, Any]


def contrasts(
    estimand: Estimand, frame: pd.DataFrame, treated: Any, control: Any
) -> dict[str, tuple[World, World]]:
    """Return what is compared, by label: (treated, control) worlds.

    Raises
    ------
    ValueError
        If a column has missing entries, or a level does not occur.
    """
    estimand.columns(frame)
    nodes = [*estimand.treatment, *estimand.outcome, *estimand.given]
    for node in {*nodes, *nodes_of(estimand.expression)}:
        if frame[node].isna().any():
            raise ValueError(
                f"estimate: column {node!r} has missing entries; this formula is "
                "estimated from complete rows. Drop or impute them."
            )
    pairs = _pairs(estimand.treatment, frame, treated, control)
    levels = [np.unique(frame[node]) for node in estimand.given]
    n_strata = math.prod(map(len, levels))
    if n_strata > MOST_LEVELS:
        raise ValueError(
            f"estimate: given {', '.join(map(str, estimand.given))} makes {n_strata} "
            f"groups of rows, with an effect for each, and at most {MOST_LEVELS} are "
            "estimated. Cut it into classes (pandas.qcut), or use a learner of effects "
            "that vary, such as DRLearner."
        )
    found: dict[str, tuple[World, World]] = {}
    for strata in itertools.product(*levels):
        given = dict(zip(estimand.given, strata, strict=True))
        for label, (one, other) in pairs.items():
            parts = [label] if len(pairs) > 1 or not given else []
            parts += [f"{node} = {level}" for node, level in given.items()]
            found[", ".join(parts)] = ({**one, **given}, {**other, **given})
    return found


def _pairs(
    treatment: Sequence[Any], frame: pd.DataFrame, treated: Any, control: Any
) -> dict[str, tuple[World, World]]:
    if len(treatment) > 1:
        if not (isinstance(treated, Mapping) and isinstance(control, Mapping)):
            raise ValueError(
                f"estimate: {len(treatment)} treatments need dicts that say what is "
                f"compared, such as treated={dict.fromkeys(treatment, 1)} and "
                f"control={dict.fromkeys(treatment, 0)}."
            )
        _check_levels(frame, treated, "treated")
        _check_levels(frame, control, "control")
        return {f"{_said(treated)} vs {_said(control)}": (treated, control)}
    (node,) = treatment
    levels = np.unique(frame[node]).tolist()
    if len(levels) < 2:
        raise ValueError(
            f"estimate: treatment {node!r} must have two levels at least, got {levels}."
        )
    if len(levels) > MOST_LEVELS and (treated is None or control is None):
        raise ValueError(
            f"estimate: treatment {node!r} has {len(levels)} levels. Say which two are "
            "compared: treated=, control=."
        )
    if control is None and set(levels) != {0, 1}:
        raise ValueError(
            f"estimate: control has a default for levels 0/1 and False/True only, and "
            f"those of {node!r} are {', '.join(map(repr, levels))}. Say which one is "
            f"the reference, for example control={levels[0]!r}."
        )
    base = levels[0] if control is None else _level(control, node)
    others = [x for x in levels if x != base] if treated is None else [treated]
    others = [_level(other, node) for other in others]
    for level in (base, *others):
        _check_levels(frame, {node: level}, "treated or control")
    return {f"{other} vs {base}": ({node: other}, {node: base}) for other in others}


def _said(world: World) -> str:
    return ", ".join(f"{node} = {level}" for node, level in world.items())


def _level(given: Any, node: Any) -> Any:
    return given[node] if isinstance(given, Mapping) else given


def _check_levels(frame: pd.DataFrame, world: World, name: str) -> None:
    for node, level in world.items():
        if not (frame[node] == level).any():
            raise ValueError(
                f"estimate: {name} asks for {node!r} = {level!r}, which no row has."
            )
