"""The one shape in which every data set is returned."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.utils import Bunch


def make_bunch(
    frame: pd.DataFrame,
    *,
    treatment: str,
    outcome: str,
    description: str,
    arms: Sequence[Any] | None = None,
    **extras: Any,
) -> Bunch:
    """Split ``frame`` into features, treatment and outcome, and add the rest.

    Every column other than ``treatment`` and ``outcome`` is a feature. ``arms``
    lists the treatment labels, control first; ``None`` for a continuous treatment.
    """
    features = [name for name in frame.columns if name not in {treatment, outcome}]
    named = {} if arms is None else {"arms": list(arms), "control_arm": arms[0]}
    return Bunch(
        frame=frame,
        X=frame[features].copy(),
        y=frame[outcome].copy(),
        treatment=frame[treatment].copy(),
        description=" ".join(description.split()),
        feature_names=features,
        treatment_name=treatment,
        outcome_name=outcome,
        **named,
        **extras,
    )


def truth_from_means(
    outcome_means: np.ndarray, codes: np.ndarray, propensity: np.ndarray | None = None
) -> dict[str, Any]:
    """Derive every known effect from the expected outcome under each arm.

    Parameters
    ----------
    outcome_means : ndarray of shape (n_rows, n_arms)
        Expected outcome of each row under each arm, control first.
    codes : ndarray of shape (n_rows,)
        Position of the received arm, 0 for control.
    propensity : ndarray of shape (n_rows, n_arms) or None, default=None
        Probability of each arm.

    Returns
    -------
    dict
        ``effect``, ``outcome_means``, ``average_effect``,
        ``average_effect_treated``, ``average_effect_control`` and, where the
        propensity is given, ``propensity`` and (two arms) ``average_effect_overlap``.
        With two arms effects are scalars or ``(n_rows,)`` and the propensity is that
        of the treated arm; with more there is one entry for each arm but control.
    """
    effect = outcome_means[:, 1:] - outcome_means[:, :1]
    received = codes[:, None] == np.arange(outcome_means.shape[1])
    values = {"effect": effect, "outcome_means": outcome_means}
    values |= average_effects(effect, received.astype(float))
    if propensity is not None:
        values["propensity"] = propensity
        if propensity.shape[1] == 2:
            overlap = propensity.prod(axis=1)
            values["average_effect_overlap"] = np.average(
                effect, axis=0, weights=overlap
            )
    return _drop_arm_axis(values) if effect.shape[1] == 1 else values


def average_effects(effect: np.ndarray, arm_weights: np.ndarray) -> dict[str, Any]:
    """Average effects over all rows, over each treated arm and over control.

    ``arm_weights`` of shape (n_rows, n_arms) says how much each row counts in each
    arm: an indicator of the received arm, or its probability.
    """
    treated = arm_weights[:, 1:]
    return {
        "average_effect": effect.mean(axis=0),
        "average_effect_treated": (treated * effect).sum(axis=0) / treated.sum(axis=0),
        "average_effect_control": np.average(effect, axis=0, weights=arm_weights[:, 0]),
    }


def _drop_arm_axis(values: dict[str, Any]) -> dict[str, Any]:
    """Turn the values of two arms from one-column arrays to scalars and vectors."""
    short = dict(values)
    for name, value in values.items():
        if name.startswith("average_effect"):
            short[name] = float(value[0])
    short["effect"] = values["effect"][:, 0]
    if "propensity" in values:
        short["propensity"] = values["propensity"][:, 1]
    return short
