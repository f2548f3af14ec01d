"""Estimates of several questions on the same rows, put side by side."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from skcausal.inference._effect_estimate import EffectEstimate


def join_estimates(estimates: Mapping[Any, EffectEstimate]) -> EffectEstimate:
    """Put estimates made on the same rows into one, for bands and tests over all.

    Parameters
    ----------
    estimates : mapping of name to EffectEstimate
        For example one per outcome. They must share rows, groups, the number of
        repetitions and the null hypothesis.

    Returns
    -------
    estimate : EffectEstimate
        All effects, labelled by the name, or by (name, label) where an estimate has
        several.

    Raises
    ------
    ValueError
        If there is nothing to join, or the estimates are of unlike rows.

    Examples
    --------
    >>> import numpy as np
    >>> from skcausal.inference import EffectEstimate, join_estimates
    >>> outcomes = np.random.default_rng(0).normal(size=(100, 2))
    >>> means = {
    ...     name: EffectEstimate.from_influence(column.mean(), column - column.mean())
    ...     for name, column in zip(["spend", "visits"], outcomes.T)
    ... }
    >>> join_estimates(means).labels
    ('spend', 'visits')
    """
    parts = list(estimates.values())
    if not parts:
        raise ValueError("join_estimates: estimates must hold at least one, got none.")
    first = parts[0]
    for name, part in estimates.items():
        shapes = (part.influences.shape[:2], first.influences.shape[:2])
        if shapes[0] != shapes[1] or part.row_key != first.row_key:
            raise ValueError(
                "join_estimates: estimates must be made on the same rows with the same "
                f"number of repetitions; {name!r} is not. Separate samples are "
                "independent: adjust their p-values by statsmodels' multipletests."
            )
        if not np.array_equal(_array(part.groups), _array(first.groups)):
            raise ValueError(
                f"join_estimates: {name!r} has other groups than the first estimate. "
                "Give all of them one clustering by with_groups first."
            )
        if part.null != first.null:
            raise ValueError(
                f"join_estimates: {name!r} tests against {part.null}, the first "
                f"estimate against {first.null}. Join differences or ratios, not both."
            )
    labels = [
        (name, label) if len(part.labels) > 1 else name
        for name, part in estimates.items()
        for label in part.labels or (None,)
    ]
    return EffectEstimate(
        np.hstack([part.values for part in parts]),
        np.concatenate([part.influences for part in parts], axis=2),
        labels=tuple(labels),
        groups=first.groups,
        row_key=first.row_key,
        null=first.null,
        name=first.name,
    )


def _array(groups: np.ndarray | None) -> np.ndarray:
    """Return groups as an array that can be compared; empty for none."""
    return np.empty(0) if groups is None else np.asarray(groups)
